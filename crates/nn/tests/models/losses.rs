//! Losses: what has no weight takes no part, and what cannot be followed is refused.

use nn::Linear;
use nn::functional::{self, CrossEntropyOptions, Reduction};
use nn::loss::{
    self, Losses, binary_cross_entropy_with_logits_and_pos_weight, cosine_embedding, cosine_similarity,
    cross_entropy_with_logits_and_options, hinge, hinge_embedding, huber, kl_divergence_from_logs,
    multi_margin, nll, smooth_l1, squared_error, try_cross_entropy_with_logits_and_options, try_multi_margin,
    try_nll,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tape::{Element, Tape, Tensor, Var};

const WILD: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

/// Value and gradient of a sum of losses, and the gradient of the gradient's sum of squares.
fn results<T: Element>(
    x: &Tensor<T>,
    losses: impl for<'t> Fn(Var<'t, T>) -> Losses<'t, T>,
) -> (f64, Vec<T>, Vec<T>) {
    let tape = Tape::of();
    let x = tape.var(x.clone());
    let loss = losses(x).sum();
    let slope = loss.grad(x);
    (loss.value().to_f64(), loss.backward().wrt(x).to_vec(), slope.square().sum().backward().wrt(x).to_vec())
}

/// Losses of two samples `[2, 3]` of which the second has no weight: it might as well hold anything.
fn second_takes_no_part<T: Element>(name: &str, losses: impl for<'t> Fn(Var<'t, T>) -> Losses<'t, T>) {
    takes_no_part(name, losses, true);
}

/// The same, with or without the second derivatives.
fn takes_no_part<T: Element>(name: &str, losses: impl for<'t> Fn(Var<'t, T>) -> Losses<'t, T>, second: bool) {
    let x = |wild: f64| Tensor::<f64>::from([[0.5, -1.0, 0.25], [wild, 0.75, wild]]).cast::<T>();
    let expected = results(&x(0.0), &losses);
    assert!(expected.0.is_finite() && expected.0 != 0.0, "{name}");
    for wild in WILD {
        let mut found = results(&x(wild), &losses);
        if !second {
            found.2 = expected.2.clone();
        }
        assert_eq!(found, expected, "{name} with {wild}, {}", T::NAME);
        assert!(found.1[3..].iter().chain(&found.2[3..]).all(|g| *g == T::ZERO), "{name} with {wild}");
    }
}

fn what_has_no_weight_takes_no_part_in<T: Element>() {
    let weight = || Tensor::<f64>::from([[2.0], [0.0]]).cast::<T>();
    let of_sample = || Tensor::<f64>::from([2.0, 0.0]).cast::<T>();
    let y = || Tensor::<f64>::from([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]).cast::<T>();
    second_takes_no_part::<T>("squared error", |x| squared_error(x, y()).weighted(&weight()));
    second_takes_no_part::<T>("absolute error", |x| loss::absolute_error(x, y()).weighted(&weight()));
    second_takes_no_part::<T>("huber", |x| huber(x, y(), 0.5).weighted(&weight()));
    second_takes_no_part::<T>("hinge", |x| hinge(x, y(), 1.0).weighted(&weight()));
    second_takes_no_part::<T>("logits", |x| {
        binary_cross_entropy_with_logits_and_pos_weight(x, y(), &Tensor::scalar(T::ONE)).weighted(&weight())
    });
    second_takes_no_part::<T>("kl", |x| loss::kl_divergence(x, y()).weighted(&weight()));
    // Zero absorbs elementwise only: the second derivatives go through the softmax of the sample.
    takes_no_part::<T>(
        "cross entropy",
        |x| {
            cross_entropy_with_logits_and_options(x, &[0, 1], &CrossEntropyOptions::default())
                .weighted(&of_sample())
        },
        false,
    );
    takes_no_part::<T>(
        "soft cross entropy",
        |x| {
            cross_entropy_with_logits_and_options(x, y(), &CrossEntropyOptions::default())
                .weighted(&of_sample())
        },
        false,
    );
    second_takes_no_part::<T>("nll", |x| {
        nll(x, &[0, 2], &CrossEntropyOptions::default()).weighted(&of_sample())
    });
    second_takes_no_part::<T>("multi margin", |x| {
        multi_margin(x, &[1, 1], 1, 1.0, &CrossEntropyOptions::default()).weighted(&of_sample())
    });

    let left_out = || CrossEntropyOptions::<T> { ignore: Some(-1), ..CrossEntropyOptions::default() };
    let smooth = || CrossEntropyOptions::<T> { smoothing: 0.25, ..left_out() };
    second_takes_no_part::<T>("ignored", |x| cross_entropy_with_logits_and_options(x, &[0, -1], &left_out()));
    second_takes_no_part::<T>("ignored, smooth", |x| {
        cross_entropy_with_logits_and_options(x, &[0, -1], &smooth())
    });
    second_takes_no_part::<T>("nll ignored", |x| nll(x, &[0, -1], &left_out()));

    let classes = || CrossEntropyOptions::<T> {
        weight: Some(Tensor::<f64>::from([1.5, 0.0, 1.0]).cast()),
        ..CrossEntropyOptions::default()
    };
    second_takes_no_part::<T>("class of weight 0", |x| {
        cross_entropy_with_logits_and_options(x, &[0, 1], &classes())
    });
    second_takes_no_part::<T>("nll, class of weight 0", |x| nll(x, &[0, 1], &classes()));
    second_takes_no_part::<T>("multi margin, class of weight 0", |x| {
        multi_margin(x, &[0, 1], 1, 1.0, &classes())
    });
}

#[test]
fn what_has_no_weight_takes_no_part() {
    what_has_no_weight_takes_no_part_in::<f64>();
    what_has_no_weight_takes_no_part_in::<f32>();
}

/// With no label that counts, nothing that is predicted does.
#[test]
fn predictions_whose_labels_are_all_ignored_take_no_part() {
    let options = CrossEntropyOptions { ignore: Some(-1), ..CrossEntropyOptions::default() };
    for wild in WILD {
        let tape = Tape::new();
        let x = tape.var([[0.5, wild], [wild, 1.0]]);
        let loss = cross_entropy_with_logits_and_options(x, &[-1, -1], &options).sum();
        assert_eq!(loss.value(), 0.0, "{wild}");
        assert_eq!(loss.backward().wrt(x), Tensor::zeros([2, 2]), "{wild}");
    }
}

/// The loss of a sample without a batch is that of a batch of one.
#[test]
fn a_sample_needs_no_batch() {
    let tape = Tape::new();
    let (z, options) = ([0.5, -1.0, 0.25], CrossEntropyOptions::default());
    let (alone, batch) = (tape.var(z), tape.var([z]));
    let found = functional::cross_entropy(&alone, &[2], &options, Reduction::Sum);
    let expected = functional::cross_entropy(&batch, &[2], &options, Reduction::Sum);
    assert_eq!(found.value().item(), expected.value().item());
    let gradient = expected.sum().backward().wrt(batch);
    assert_eq!(found.sum().backward().wrt(alone).to_vec(), gradient.to_vec());
}

#[test]
fn a_negative_zero_is_no_weight_and_a_negative_weight_is_one() {
    let (value, slope, _) = results(&Tensor::from([3.0, f64::INFINITY, 1.0]), |x| {
        squared_error(x, Tensor::zeros([3])).weighted(&Tensor::from([-1.0, -0.0, 2.0]))
    });
    assert_eq!((value, slope), (-7.0, vec![-6.0, 0.0, 4.0]));
}

#[test]
fn a_target_whose_probability_is_zero_takes_no_part() {
    let (x, y) = (Tensor::from([-1.0, f64::NEG_INFINITY]), Tensor::from([0.5f64.ln(), f64::NEG_INFINITY]));
    let (value, slope, _) = results(&x, |x| kl_divergence_from_logs(x, &y));
    assert_eq!(value, 0.5 * (0.5f64.ln() + 1.0));
    assert_eq!(slope, [-0.5, 0.0]);
}

/// The text of a panic.
fn refusal(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("this is refused");
    payload.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn settings_that_cannot_be_followed_are_refused() {
    let tape = Tape::new();
    let (a, y) = (tape.var([[1.0, 2.0]]), Tensor::from([[1.0, 0.0]]));
    let classes = |weight: &[f64], smoothing| CrossEntropyOptions {
        weight: (!weight.is_empty()).then(|| Tensor::from(weight.to_vec())),
        smoothing,
        ..CrossEntropyOptions::default()
    };
    for smoothing in [2.0, -0.1, f64::NAN, f64::INFINITY] {
        let expected = format!("cross_entropy: expected a smoothing between 0 and 1, found {smoothing}");
        let classes = classes(&[], smoothing);
        assert_eq!(
            try_cross_entropy_with_logits_and_options(a, &[0], &classes).unwrap_err().to_string(),
            expected
        );
        assert_eq!(refusal(|| _ = cross_entropy_with_logits_and_options(a, &[0], &classes)), expected);
        assert_eq!(refusal(|| _ = cross_entropy_with_logits_and_options(a, &y, &classes)), expected);
        let expected = format!("expected no smoothing, found {smoothing}");
        assert_eq!(refusal(|| _ = nll(a, &[0], &classes)), format!("nll: {expected}"));
        assert_eq!(
            refusal(|| _ = multi_margin(a, &[0], 1, 1.0, &classes)),
            format!("multi_margin: {expected}")
        );
    }
    for (weight, found) in [([1.0, -2.0], "-2"), ([1.0, f64::NAN], "NaN"), ([1.0, f64::INFINITY], "inf")] {
        let expected =
            format!("cross_entropy: expected finite class weights, 0 or more, found {found} for class 1");
        let classes = classes(&weight, 0.0);
        assert_eq!(
            try_cross_entropy_with_logits_and_options(a, &[0], &classes).unwrap_err().to_string(),
            expected
        );
        assert_eq!(try_nll(a, &[0], &classes).unwrap_err().to_string(), expected);
        assert_eq!(try_multi_margin(a, &[0], 1, 1.0, &classes).unwrap_err().to_string(), expected);
        assert_eq!(refusal(|| _ = cross_entropy_with_logits_and_options(a, &y, &classes)), expected);
    }
    let expected = "cross_entropy: expected shape [2], found [3]";
    assert_eq!(
        refusal(|| _ = cross_entropy_with_logits_and_options(a, &[0], &classes(&[1.0; 3], 0.0))),
        expected
    );
    for labels in [&[][..], &[0, 1]] {
        let expected = format!("cross_entropy: shape [1] needs 1 elements, found {}", labels.len());
        assert_eq!(
            try_cross_entropy_with_logits_and_options(a, labels, &CrossEntropyOptions::default())
                .unwrap_err()
                .to_string(),
            expected
        );
        assert_eq!(try_nll(a, labels, &CrossEntropyOptions::default()).unwrap_err().to_string(), expected);
        let error = try_multi_margin(a, labels, 1, 1.0, &CrossEntropyOptions::default());
        assert_eq!(error.unwrap_err().to_string(), expected);
    }
    for label in [2, -1, i64::MAX, i64::MIN] {
        let found = [
            try_cross_entropy_with_logits_and_options(a, &[label], &CrossEntropyOptions::default())
                .map(|_| ()),
            try_nll(a, &[label], &CrossEntropyOptions::default()).map(|_| ()),
            try_multi_margin(a, &[label], 1, 1.0, &CrossEntropyOptions::default()).map(|_| ()),
        ];
        let expected = format!("cross_entropy: index {label} is out of range for axis 1 of shape [1, 2]");
        assert!(found.into_iter().all(|found| found.unwrap_err().to_string() == expected));
    }

    for margin in [-1.0, f64::NAN, f64::INFINITY] {
        let expected = |op| format!("{op}: expected a finite margin, 0 or more, found {margin}");
        assert_eq!(refusal(|| _ = hinge(a, &y, margin)), expected("hinge"));
        assert_eq!(refusal(|| _ = hinge_embedding(a, &y, margin)), expected("hinge_embedding"));
        let error = try_multi_margin(a, &[0], 1, margin, &CrossEntropyOptions::default()).unwrap_err();
        assert_eq!(error.to_string(), expected("multi_margin"));
    }
    for margin in [-1.5, 1.5, f64::NAN] {
        let expected = format!("cosine_embedding: expected a margin between -1 and 1, found {margin}");
        assert_eq!(refusal(|| _ = cosine_embedding(a, a, &Tensor::from([1.0]), margin)), expected);
    }
    for width in [0.0, -1.0, f64::NAN] {
        assert_eq!(
            refusal(|| _ = huber(a, &y, width)),
            format!("huber: expected a positive delta, found {width}")
        );
        assert_eq!(
            refusal(|| _ = smooth_l1(a, &y, width)),
            format!("smooth_l1: expected a positive beta, found {width}")
        );
        assert_eq!(
            refusal(|| _ = cosine_similarity(a, a, 1, width)),
            format!("cosine_similarity: expected a positive eps, found {width}")
        );
    }
    for weight in [-1.0, f64::NAN] {
        let weight = Tensor::scalar(weight);
        let text = refusal(|| _ = binary_cross_entropy_with_logits_and_pos_weight(a, &y, &weight));
        assert!(text.contains("expected a finite pos_weight, 0 or more, found "), "{text}");
    }
    let taller = Tensor::ones([3, 2]);
    let text = refusal(|| _ = binary_cross_entropy_with_logits_and_pos_weight(a, &y, &taller));
    assert_eq!(text, "binary_cross_entropy_with_logits_and_pos_weight: expected shape [1, 2], found [3, 2]");
    for weight in [f64::NAN, f64::INFINITY] {
        let text = refusal(|| _ = squared_error(a, &y).weighted(&Tensor::scalar(weight)));
        assert_eq!(text, format!("weighted: expected finite weights, found {weight}"));
    }
}

/// A setting is checked as the number that is computed with.
#[test]
fn settings_that_vanish_or_overflow_in_single_precision_are_refused() {
    let tape = Tape::<f32>::of();
    let (a, y) = (tape.var([[1.0f32, 2.0]]), Tensor::from([[1.0f32, -1.0]]));
    assert_eq!(
        refusal(|| _ = huber(a, &y, 1e-60)),
        "huber: expected a positive delta, found 1e-60".replace("1e-60", &1e-60.to_string())
    );
    let text = refusal(|| _ = smooth_l1(a, &y, 1e-42));
    assert!(text.starts_with("smooth_l1: expected a beta that is finite and has a finite 1/beta"), "{text}");
    assert!(refusal(|| _ = smooth_l1(a, &y, 1e60)).starts_with("smooth_l1: expected a beta that is finite"));
    assert!(refusal(|| _ = hinge(a, &y, 1e60)).starts_with("hinge: expected a finite margin, 0 or more"));
    assert!(refusal(|| _ = cosine_similarity(a, a, 1, 1e-60)).contains("expected a positive eps"));
    // In double precision they are what they say.
    let tape = Tape::new();
    let (a, y) = (tape.var([1.0, 2.0]), Tensor::from([1.0, 0.0]));
    assert_eq!(huber(a, &y, 1e-60).sum().value(), 1e-60 * 2.0);
}

/// A cosine does not change with the lengths, and its gradient is that of vectors of length 1 divided by the length.
#[test]
fn cosines_of_vectors_whose_squares_overflow() {
    fn cosines<T: Element>(length: f64) -> ([f64; 2], Vec<f64>) {
        let tape = Tape::<T>::of();
        let tensor = |x: [[f64; 2]; 2]| Tensor::from(x).cast::<T>();
        // The second pair is of ordinary size.
        let u = tape.var(tensor([[3.0 * length, 4.0 * length], [1.0, 1.0]]));
        let v = tape.var(tensor([[2.0 * length, 0.0], [0.0, 1.0]]));
        let similarity = cosine_similarity(u, v, 1, 1e-8);
        let loss = cosine_embedding(
            u,
            v,
            &tensor([[1.0, 1.0], [1.0, 1.0]]).sum_axes(1, false).map_elements(|_| T::ONE),
            0.0,
        );
        let loss = loss.per_element();
        let found = [similarity, loss].map(|y| y.value().to_vec()[0].to_f64());
        let slopes = [similarity, loss].map(|y| y.sum().backward().wrt(u).to_vec());
        (found, slopes.concat().into_iter().map(|x| tape::element::Real::to_f64(x)).collect())
    }
    let close = |found: f64, expected: f64, bound: f64| {
        assert!(
            (found - expected).abs() <= bound * expected.abs().max(1e-300),
            "{found}, expected {expected}"
        );
    };
    for (length, (found, slopes), bound) in [
        (1.0, cosines::<f64>(1.0), 1e-11),
        (1e200, cosines::<f64>(1e200), 1e-11),
        (1e306, cosines::<f64>(1e306), 1e-11),
        (1e12, cosines::<f32>(1e12), 1e-5),
        (1e37, cosines::<f32>(1e37), 1e-5),
    ] {
        close(found[0], 0.6, bound);
        close(found[1], 0.4, bound);
        // d cos / du = (v/|v| - cos u/|u|) / |u|, with |u| = 5 length.
        close(slopes[0] * length, 0.64 / 5.0, bound);
        close(slopes[1] * length, -0.48 / 5.0, bound);
        close(slopes[4] * length, -0.64 / 5.0, bound);
        let ordinary = 1.0 / 8.0_f64.sqrt();
        close(slopes[2], -ordinary, bound.max(1e-6));
    }
}

#[test]
fn a_loss_of_probabilities_refuses_logits_and_names_the_loss_for_them() {
    let tape = Tape::new();
    let logits = tape.var([[0.25, 2.0], [0.5, -1.0]]);
    let y = Tensor::from([[1.0, 0.0], [0.0, 1.0]]);
    let hint = "expected probabilities in [0, 1], found 2; for logits use";
    let text = refusal(|| _ = loss::cross_entropy_with_probabilities(logits, &[1, 0]));
    assert_eq!(text, format!("cross_entropy_with_probabilities: {hint} cross_entropy_with_logits"));
    let text = refusal(|| _ = loss::binary_cross_entropy_with_probabilities(logits, &y));
    let expected =
        format!("binary_cross_entropy_with_probabilities: {hint} binary_cross_entropy_with_logits");
    assert_eq!(text, expected);
    let losses = loss::cross_entropy_with_logits(logits, &y);
    assert!(losses.mean().value().is_finite() && losses.mean().backward().wrt(logits).max() > 0.0);
}

#[test]
fn targets_that_are_no_probabilities_are_refused() {
    let tape = Tape::new();
    let (a, y) = (tape.var([[0.25, 0.75]]), Tensor::from([[1.0, -0.5]]));
    let expected = |op: &str| format!("{op}: expected targets in [0, 1], found -0.5");
    let options = CrossEntropyOptions::default();
    for (op, text) in [
        ("cross_entropy_with_probabilities", refusal(|| _ = loss::cross_entropy_with_probabilities(a, &y))),
        ("cross_entropy_with_logits", refusal(|| _ = loss::cross_entropy_with_logits(a, &y))),
        (
            "cross_entropy_with_logits_and_options",
            refusal(|| _ = cross_entropy_with_logits_and_options(a, &y, &options)),
        ),
        (
            "binary_cross_entropy_with_probabilities",
            refusal(|| _ = loss::binary_cross_entropy_with_probabilities(a, &y)),
        ),
        ("binary_cross_entropy_with_logits", refusal(|| _ = loss::binary_cross_entropy_with_logits(a, &y))),
        (
            "binary_cross_entropy_with_logits_and_pos_weight",
            refusal(|| {
                _ = binary_cross_entropy_with_logits_and_pos_weight(a, &y, &Tensor::scalar(1.0));
            }),
        ),
    ] {
        assert_eq!(text, expected(op));
    }
    let text = refusal(|| _ = loss::kl_divergence(a, &y));
    assert_eq!(
        text,
        expected("kl_divergence") + "; for logarithms of probabilities use kl_divergence_from_logs"
    );
}

#[test]
fn a_rounding_above_one_and_nan_are_not_refused() {
    let tape = Tape::new();
    let a = tape.var([[1.0 + f64::EPSILON, 0.0], [f64::NAN, 0.5]]);
    let each = loss::cross_entropy_with_probabilities(a, &[0, 0]).per_element().value().to_vec();
    assert!(each[0].abs() < 1e-15 && each[1].is_nan(), "{each:?}");
}

#[test]
fn penalties_are_sums_over_the_trainable_parameters() {
    let mut layer = Linear::from_values([[1.0, -2.0]], [3.0]);
    let tape = Tape::new();
    assert_eq!(loss::l1_penalty(&layer, &tape).value(), 6.0);
    assert_eq!(loss::l2_penalty(&layer, &tape).value(), 14.0);
    layer.weight.freeze();
    assert_eq!(loss::l2_penalty(&layer, &tape).value(), 9.0);
}

#[test]
fn weights_of_positive_targets_are_finite_and_not_negative() {
    for weight in [-1.0, f64::INFINITY, f64::NAN] {
        let panic = catch_unwind(|| {
            let tape = Tape::new();
            let z = tape.var([0.5, -0.5]);
            binary_cross_entropy_with_logits_and_pos_weight(
                z,
                Tensor::from([1.0, 0.0]),
                &Tensor::scalar(weight),
            )
            .sum()
            .value()
        })
        .unwrap_err();
        let expected = format!("expected a finite pos_weight, 0 or more, found {weight}");
        assert!(panic.downcast_ref::<String>().is_some_and(|text| text.contains(&expected)), "{weight}");
    }
}

#[test]
fn predictions_of_labels_have_rank_2() {
    for shape in [vec![2], vec![1, 2, 1]] {
        let panic = catch_unwind(|| {
            let tape = Tape::new();
            let z = tape.var(Tensor::<f64>::zeros(&shape[..]));
            loss::cross_entropy_with_logits(z, &[0]).sum().value()
        })
        .unwrap_err();
        let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        assert!(text.contains("expected predictions [N, classes]"), "{text}");
    }
}
