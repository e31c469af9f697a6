use super::*;
use crate::loss::LossFunction;
use crate::{Dropout, Identity, LeakyRelu, Linear, Relu, Sigmoid, SigmoidScaled, Softmax, Tanh};
use rand::{RngExt, SeedableRng, rngs::StdRng};

fn draw(shape: [usize; 2], rng: &mut StdRng) -> Tensor {
    Tensor::from_fn(shape, |_| rng.random_range(-1.0..1.0))
}

fn net(hidden: impl crate::Module + Clone + 'static, output: impl crate::Module + 'static) -> Sequential {
    let rng = &mut StdRng::seed_from_u64(3);
    Sequential::new()
        .push(Linear::new(4, 5, rng))
        .push(hidden.clone())
        .push(Linear::new(5, 3, rng))
        .push(hidden)
        .push(Linear::new(3, 2, rng))
        .push(output)
}

/// Every activation, loss and notation.
#[test]
fn closed_forms_and_engine_agree_in_every_notation() {
    let rng = &mut StdRng::seed_from_u64(5);
    let x = draw([6, 4], rng);
    let one_of_two = Tensor::from_fn([6, 2], |i| if (i[0] + i[1]) % 2 == 0 { 1.0 } else { 0.0 });
    use LossFunction::{
        AbsoluteError, BinaryCrossEntropyWithLogits, BinaryCrossEntropyWithProbabilities,
        CrossEntropyWithLogits, CrossEntropyWithProbabilities, SquaredError,
    };
    let scaled = SigmoidScaled { slope: 2.0, offset: -0.5 };
    let cases: Vec<(Sequential, Loss)> = vec![
        (net(Tanh, Identity), SquaredError.mean()),
        (net(Sigmoid, Sigmoid), SquaredError.sum().half()),
        (net(Relu, Sigmoid), BinaryCrossEntropyWithProbabilities.mean_over_samples()),
        (net(LeakyRelu { slope: 0.25 }, Identity), BinaryCrossEntropyWithLogits.mean()),
        (net(scaled, Softmax), CrossEntropyWithProbabilities.mean()),
        (net(Identity, Identity), CrossEntropyWithLogits.mean()),
        (net(Tanh, Tanh), AbsoluteError.mean_over_samples()),
        (net(Sigmoid, Softmax), SquaredError.mean_over_samples()),
    ];
    for (model, loss) in &cases {
        for pack in Pack::ALL {
            let report = mlp_in(&pack, model, &x, &one_of_two, *loss).unwrap();
            assert!(report.agrees(), "{report}");
        }
    }
}

#[test]
fn a_layer_without_biases_has_no_row_for_them() {
    let rng = &mut StdRng::seed_from_u64(3);
    let model =
        Sequential::new().push(Linear::new(4, 3, rng).without_bias()).push(Tanh).push(Linear::new(3, 2, rng));
    let (x, y) = (draw([5, 4], rng), draw([5, 2], rng));
    for pack in Pack::ALL {
        let report = mlp_in(&pack, &model, &x, &y, LossFunction::SquaredError.mean()).unwrap();
        assert!(report.agrees(), "{report}");
    }
    let report = mlp(&model, &x, &y, LossFunction::SquaredError.mean()).unwrap();
    assert!(report.row("b1").is_none() && report.row("b2").is_some(), "{report}");
    let report = mlp_in(&Pack::TRAIN_A_NETWORK, &model, &x, &y, LossFunction::SquaredError.mean()).unwrap();
    assert_eq!(
        (&report.row("W0").unwrap().shape, &report.row("W1").unwrap().shape),
        (&vec![3, 4], &vec![2, 4])
    );
    assert_eq!(report.row("W0").map(|row| row.formula()), Some("∂z1 o0ᵀ"));
    assert_eq!(report.row("W1").map(|row| row.formula()), Some("∂z2 (o1, 1)ᵀ"));
}

#[test]
fn single_precision_is_traced_too() {
    let model = crate::mlp::<f32>(&[3, 4, 2], Tanh, Identity, &mut StdRng::seed_from_u64(1));
    let (x, y) = (draw([5, 3], &mut StdRng::seed_from_u64(2)), draw([5, 2], &mut StdRng::seed_from_u64(3)));
    for pack in Pack::ALL {
        let report = mlp_in(&pack, &model, &x.cast(), &y.cast(), LossFunction::SquaredError.mean()).unwrap();
        assert!(report.agrees(), "{report}");
    }
}

#[test]
fn what_has_no_closed_form_is_refused_with_its_place() {
    let rng = &mut StdRng::seed_from_u64(0);
    let (x, y) = (Tensor::zeros([2, 3]), Tensor::zeros([2, 1]));
    let loss = LossFunction::SquaredError.mean();
    let error = |model: Sequential| mlp(&model, &x, &y, loss).unwrap_err().to_string();
    let dropout = Sequential::new().push(Linear::new(3, 1, rng)).push(Dropout::new(0.5));
    let text = error(dropout);
    assert!(text.contains("found Dropout") && text.ends_with("as layer 1"), "{text}");
    assert!(error(Sequential::new()).ends_with("found no layer as layer 0"));
    let other = Sequential::new().push(Linear::new(4, 1, rng));
    assert_eq!(error(other), "trace: expected inputs of shape [2, 4], found [2, 3]");
    let softmax = Sequential::new().push(Linear::new(3, 2, rng)).push(Softmax).push(Linear::new(2, 1, rng));
    assert!(error(softmax).ends_with("found Softmax as layer 1"));
}
