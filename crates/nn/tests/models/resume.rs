//! The parts of a checkpoint that a service needs beside the weights: preprocessing, class names, random generators; and
//! models from bytes.

use nn::checkpoint::{Checkpoint, SavedState};
use nn::data::{Dataset, Loader, MinMax, Standard};
use nn::files::{FileErrorKind, StateError, npz};
use nn::optim::{Adam, Optimizer};
use nn::{Context, Dropout, Linear, Module, Sequential, Tanh, load_bytes, loss, state_dict, to_bytes};
use rand::{SeedableRng, rngs::StdRng};
use tape::{Tape, Tensor};

fn model() -> Sequential {
    let rng = &mut StdRng::seed_from_u64(2);
    Sequential::new()
        .push(Linear::new(2, 6, rng))
        .push(Tanh)
        .push(Dropout::new(0.3))
        .push(Linear::new(6, 1, rng))
}

fn data() -> Dataset {
    let x = Tensor::from_fn([24, 2], |i| 10.0 * ((2 * i[0] + i[1]) as f64).sin());
    let y = Tensor::from_fn([24, 1], |i| (i[0] as f64).cos());
    Dataset::new(x, y).unwrap()
}

/// One epoch with shuffled batches and dropout.
fn epoch(model: &mut Sequential, optimizer: &mut Adam, cx: &mut Context, rng: &mut StdRng) {
    let (data, mut tape) = (data(), Tape::new());
    for (x, y) in Loader::new(&data, 7).unwrap().epoch(rng) {
        let grads = loss::squared_error(model.forward(tape.constant(x), cx), &y).mean().backward();
        tape.reset();
        optimizer.step(model, &grads);
    }
}

#[test]
fn a_run_with_shuffling_and_dropout_resumes_bit_for_bit() {
    let path = std::env::temp_dir().join(format!("nn-resume-{}.safetensors", std::process::id()));
    let (mut first, mut optimizer) = (model(), Adam::new(0.01));
    let (mut cx, mut rng) = (Context::train(StdRng::seed_from_u64(5)), StdRng::seed_from_u64(6));
    epoch(&mut first, &mut optimizer, &mut cx, &mut rng);
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_model("model", &first);
    checkpoint.put("optimizer", optimizer.save(&first));
    checkpoint.put_rng("shuffle", &mut rng);
    checkpoint.put_context("dropout", &mut cx);
    checkpoint.save(&path).unwrap();
    epoch(&mut first, &mut optimizer, &mut cx, &mut rng);

    let mut checkpoint = Checkpoint::load(&path).unwrap();
    let (mut second, mut optimizer) = (model(), Adam::new(0.5));
    checkpoint.take_model("model", &mut second).unwrap();
    optimizer.restore(&second, checkpoint.take("optimizer").unwrap()).unwrap();
    let mut rng = checkpoint.take_rng("shuffle").unwrap();
    let mut cx = checkpoint.take_context("dropout").unwrap();
    epoch(&mut second, &mut optimizer, &mut cx, &mut rng);
    assert_eq!(state_dict(&second), state_dict(&first));
    assert!(checkpoint.take_rng::<StdRng>("shuffle").is_err());
    std::fs::remove_file(path).unwrap();
}

#[test]
fn preprocessing_and_class_names_come_back_from_a_file() {
    let path = std::env::temp_dir().join(format!("nn-preprocessing-{}.safetensors", std::process::id()));
    let x = data().x().clone();
    let (standard, min_max) = (Standard::fit(&x).unwrap(), MinMax::fit(&x).unwrap());
    let names = ["elm", "oak, \"red\"", ""];
    let mut checkpoint = Checkpoint::new();
    checkpoint.put("standard", standard.save());
    checkpoint.put("range", min_max.save());
    checkpoint.put_names("kinds", &names);
    checkpoint.save(&path).unwrap();
    let mut checkpoint = Checkpoint::load(&path).unwrap();
    assert_eq!(Standard::restore(checkpoint.take("standard").unwrap()), Ok(standard));
    assert_eq!(MinMax::restore(checkpoint.take("range").unwrap()), Ok(min_max));
    assert_eq!(checkpoint.take_names("kinds"), Ok(names.map(str::to_owned).to_vec()));
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_state_that_is_no_preprocessing_is_refused() {
    let state = |mean: &[f64], deviation: &[f64]| {
        let tensors = [("mean", mean), ("deviation", deviation)];
        let tensors = tensors.map(|(name, values)| (name.to_owned(), Tensor::from(values.to_vec())));
        SavedState { tensors: tensors.into(), numbers: vec![] }
    };
    let refused = |state: SavedState| Standard::restore(state).unwrap_err().to_string();
    assert!(Standard::restore(state(&[1.0, 2.0], &[0.0, 3.0])).is_ok());
    assert_eq!(refused(state(&[1.0, 2.0], &[1.0])), "tensor \"deviation\": expected shape [2], found [1]");
    assert!(refused(state(&[1.0], &[-1.0])).contains("expected elements of 0 or more, found -1"));
    assert!(refused(state(&[f64::NAN], &[1.0])).contains("expected finite elements, found NaN"));
    let other = MinMax::restore(state(&[1.0], &[1.0])).unwrap_err();
    assert!(matches!(other, StateError::Names { .. }), "{other}");
    let mut checkpoint = Checkpoint::<f64>::new();
    checkpoint.set_meta("kinds", "oak");
    assert_eq!(
        checkpoint.take_names("kinds").unwrap_err().to_string(),
        "note \"kinds\": expected text that parses as the requested type, found \"oak\""
    );
}

#[test]
fn bytes_that_are_no_model_are_called_so() {
    let (trained, mut other) = (model(), model());
    let before = state_dict(&other);
    for bytes in [&b""[..], b"short", b"<!DOCTYPE html><html>", b"{\"error\": \"not found\"}", &[0x80; 64]] {
        let error = load_bytes(bytes, &mut other).unwrap_err();
        assert!(matches!(error, FileErrorKind::NoModel { .. }), "{error}");
    }
    let whole = to_bytes(&trained).unwrap();
    for length in [9, 40, whole.len() - 1] {
        let error = load_bytes(&whole[..length], &mut other).unwrap_err();
        assert!(matches!(error, FileErrorKind::Truncated { .. }), "{length} bytes: {error}");
    }
    assert!(load_bytes(b"PK no archive", &mut other).is_err());
    assert_eq!(state_dict(&other), before);
    load_bytes(&whole, &mut other).unwrap();
    assert_eq!(state_dict(&other), state_dict(&trained));
    let mut third = Linear::<f64>::new(3, 2, &mut StdRng::seed_from_u64(0));
    let zip = npz::to_bytes(&state_dict(&Linear::<f64>::from_values([[1.0; 3]; 2], [0.0; 2]))).unwrap();
    load_bytes(&zip, &mut third).unwrap();
    assert_eq!(third.weight.value(), &Tensor::ones([2, 3]));
    let error = nn::files::safetensors::from_bytes::<f64>(b"<!DOCTYPE html>").unwrap_err().to_string();
    assert!(error.starts_with("not a valid safetensors file: a header of"), "{error}");
}
