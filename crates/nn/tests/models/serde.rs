//! Settings, preprocessing and tensors as JSON and back, and what is refused.

use nn::data::{LabelColumn, MinMax, Standard};
use nn::files::{Conversion, Limits, Options};
use nn::functional::{Conv1dOptions, Conv3dOptions, Interpolation, Pool1dOptions, Resize};
use nn::init::{KaimingNormal, Uniform};
use nn::loss::{CtcOptions, Loss, LossFunction, TripletOptions};
use nn::optim::schedule::*;
use nn::optim::*;
use nn::train::{EarlyStopping, History, Keep, OnNonFinite};
use nn::{RandomTensor, load_state_dict, mlp, state_dict};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::{from_str, json, to_string};
use std::fmt::Debug;
use tape::Tensor;

/// Asserts that a value is read back as it was written, and returns the text.
#[track_caller]
fn round_trip<V: serde::Serialize + serde::de::DeserializeOwned + PartialEq + Debug>(value: &V) -> String {
    let text = to_string(value).unwrap();
    assert_eq!(&from_str::<V>(&text).unwrap(), value, "{text}");
    text
}

#[test]
fn settings_are_read_back_as_written() {
    round_trip(&SgdRule { momentum: 0.9, dampening: 0.1, nesterov: true });
    round_trip(&AdamRule::<true> { betas: (0.9, 0.999), eps: 1e-8, amsgrad: true });
    round_trip(&RmsPropRule { alpha: 0.99, eps: 1e-8, momentum: 0.5, centered: true });
    round_trip(&LionRule { betas: (0.9, 0.99) });
    round_trip(&NAdamRule { betas: (0.9, 0.999), eps: 1e-8, momentum_decay: 0.004, decoupled: false });
    round_trip(&AdaGradRule { rate_decay: 0.1, initial: 0.2, eps: 1e-10 });
    round_trip(&AdaDeltaRule { rho: 0.9, eps: 1e-6 });
    round_trip(&AdamaxRule { betas: (0.9, 0.999), eps: 1e-8 });
    round_trip(&RAdamRule { betas: (0.9, 0.999), eps: 1e-8, decoupled: true });
    round_trip(&RpropRule { etas: (0.4, 1.3), bounds: (1e-5, 1.0) });
    round_trip(&AsgdRule { decay: 1e-3, power: 0.5, average_from: 7 });
    round_trip(&StepDecay { base: 0.1, factor: 0.3, every: 7 }.warm_up(3));
    round_trip(&MultiStep { base: 0.1, factor: 0.3, milestones: vec![2, 5] });
    round_trip(&PiecewiseConstant { base: 0.1, changes: vec![(2, 0.05), (5, 0.01)] });
    round_trip(&OneCycle { anneal: Anneal::Linear, ..OneCycle::new(0.1, 20) });
    round_trip(&(Goal::Maximize, Threshold::Absolute(1e-3), nn::optim::schedule::Constant(0.1)));
    round_trip(&(Uniform { low: -0.1, high: 0.1 }, KaimingNormal));
    round_trip(&Options { limits: Limits { axes: 3, ..Limits::default() }, conversion: Conversion::Rounded });
    round_trip(&LabelColumn { names: vec!["a".into(), "b".into()], labels: vec![1, 0, 1] });
    round_trip(&(Keep::AverageFrom(3), OnNonFinite::RestoreBest));
    round_trip(&Conv1dOptions { stride: 2, ..Conv1dOptions::default() });
    round_trip(&Conv3dOptions { stride: [2, 1, 1], ..Conv3dOptions::default() });
    round_trip(&Pool1dOptions { padding: 1, ..Pool1dOptions::new(3) });
    round_trip(&(Resize::By(vec![1.5, 2.0]), Interpolation::Linear { align_corners: true }));
    round_trip(&(CtcOptions { blank: 3, zero_infinity: true }, TripletOptions::default()));
    for function in LossFunction::ALL {
        assert_eq!(round_trip(&function.mean().half()), format!("\"{}.mean*0.5\"", function.name()));
    }
    let unknown = from_str::<Loss>("\"hinge.sum\"").unwrap_err().to_string();
    assert!(unknown.starts_with("loss: expected FUNCTION.REDUCTION"), "{unknown}");
}

#[test]
fn settings_from_a_file_are_checked_where_they_are_used() {
    let rule = from_str(r#"{"betas": [0.9, 1.5], "eps": 1e-8, "amsgrad": false}"#).unwrap();
    let error = Adam::<f64>::try_with_rule(rule, 0.1).unwrap_err().to_string();
    assert_eq!(error, "adam: expected a second beta in [0, 1), found 1.5");
    let missing = from_str::<LionRule>("{}").unwrap_err().to_string();
    assert!(missing.starts_with("missing field `betas`"), "{missing}");
}

#[test]
fn preprocessing_is_read_back_and_checked() {
    let x = Tensor::from([[10.0, 7.0], [30.0, 7.0]]);
    let standard = Standard::fit(&x).unwrap();
    let expected = json!({
        "mean": {"shape": [2], "data": [20.0, 7.0]},
        "deviation": {"shape": [2], "data": [10.0, 0.0]},
    });
    assert_eq!(serde_json::to_value(&standard).unwrap(), expected);
    round_trip(&standard);
    round_trip(&Standard::fit(&x.cast::<f32>()).unwrap());
    let min_max = MinMax::fit(&x).unwrap();
    assert_eq!(
        round_trip(&min_max),
        r#"{"min":{"shape":[2],"data":[10.0,7.0]},"range":{"shape":[2],"data":[20.0,0.0]}}"#
    );

    for (wrong, reason) in [
        (
            json!({"mean": {"shape": [1], "data": [1]}, "deviation": {"shape": [1], "data": [-1]}}),
            "0 or more, found -1",
        ),
        (
            json!({"mean": {"shape": [1], "data": [1]}, "deviation": {"shape": [2], "data": [1, 1]}}),
            "expected shape [1], found [2]",
        ),
        (json!({"mean": {"shape": [1], "data": [1]}}), "missing field `deviation`"),
        (json!({"min": {"shape": [1], "data": [1]}}), "unknown field `min`, expected `mean` or `deviation`"),
        (json!({"mean": {"shape": [2], "data": [1]}}), "shape [2] needs 2 elements, found 1"),
    ] {
        let error = serde_json::from_value::<Standard>(wrong).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn a_state_dict_goes_through_json_bit_for_bit() {
    let rng = &mut StdRng::seed_from_u64(0);
    let model = mlp::<f32>(&[3, 4, 2], nn::Tanh, nn::Identity, rng);
    let state: Vec<(String, Tensor<f32>)> = from_str(&to_string(&state_dict(&model)).unwrap()).unwrap();
    let mut copy = mlp::<f32>(&[3, 4, 2], nn::Tanh, nn::Identity, rng);
    load_state_dict(&mut copy, state).unwrap();
    assert_eq!(state_dict(&copy), state_dict(&model));
    let x: Tensor = Tensor::randn([50], rng);
    round_trip(&(&x * 1e-300).exp().sin());
    round_trip(&x);
}

#[test]
fn the_state_of_training_is_read_back_and_goes_on() {
    let mut stopping = EarlyStopping::new(2).min_change(0.1).goal(Goal::Maximize);
    let mut plateau = Plateau::new(0.1).patience(1).factor(0.5).cooldown(1);
    for measured in [1.0, 0.5] {
        stopping.observe(measured);
        plateau.observe(measured);
    }
    let expected = r#"{"patience":2,"goal":"Maximize","min_change":0.1,"best":1.0,"waited":1}"#;
    assert_eq!(round_trip(&stopping), expected);
    let mut again: EarlyStopping = from_str(expected).unwrap();
    assert!(again.observe(1.05) && stopping.observe(1.05), "the second epoch without an improvement");
    let mut resumed: Plateau = from_str(&round_trip(&plateau)).unwrap();
    for measured in [0.6, 0.6, 0.6, 0.6] {
        assert_eq!(resumed.observe(measured), plateau.observe(measured));
    }
    assert_eq!(resumed, plateau);

    let mut history = History::new(["loss", "accuracy"]);
    history.push(&[0.5, 0.75]);
    round_trip(&history);
    history.push(&[0.25, f64::NAN]);
    let text = to_string(&history).unwrap();
    assert_eq!(text, r#"{"names":["loss","accuracy"],"rows":[[0.5,0.75],[0.25,null]]}"#);
    let read: History = from_str(&text).unwrap();
    assert!(read.to_string() == history.to_string() && read.last("accuracy").unwrap().is_nan());

    let refused = |text: &str| {
        [
            from_str::<EarlyStopping>(text).err(),
            from_str::<Plateau>(text).err(),
            from_str::<History>(text).err(),
        ]
        .map(|error| error.map_or(String::new(), |error| error.to_string()))
    };
    let stopping = expected.replace("\"patience\":2", "\"patience\":0");
    assert_eq!(refused(&stopping)[0], "early_stopping: expected a patience of 1 epoch or more, found 0");
    let plateau = to_string(&plateau).unwrap().replace("\"factor\":0.5", "\"factor\":1.5");
    assert_eq!(refused(&plateau)[1], "plateau: expected a factor in [0, 1), found 1.5");
    let ragged = r#"{"names":["loss"],"rows":[[0.5],[0.25,1.0]]}"#;
    assert_eq!(refused(ragged)[2], "history: shape [1] needs 1 elements, found 2");
}
