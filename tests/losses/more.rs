//! Losses of comparisons, likelihoods, focal losses and alignments: the gradient check in both orders, what they are where they
//! are simple, and refused arguments.

use gradcheck::Verdict;
use nn::Param;
use nn::functional::CrossEntropyOptions;
use nn::loss::{self, CtcOptions, Losses, TripletOptions};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tape::{Tape, Tensor, Var};
use tests::compare::{EXACT, assert_close};
use tests::networks::uniform;

/// Checks `Σ w (l + l²)` over the losses `l` of these operands.
macro_rules! agree {
    ($name:literal, $operands:expr, |$x:ident| $losses:expr) => {{
        let operands: Vec<Param> = $operands.into_iter().map(Param::new).collect();
        let report = nn::gradcheck::module(&operands, |operands, tape| {
            let $x: Vec<Var<'_>> = operands.iter().map(|x| x.on(tape)).collect();
            let losses: Losses<'_> = $losses;
            let each = losses.per_element();
            let weights = Tensor::from_fn(each.shape(), |i| 1.0 + 0.3 * i.iter().sum::<usize>() as f64);
            ((each + each * each) * tape.constant(weights)).sum()
        });
        let report = report.named($name).order(2).run().unwrap_or_else(|error| panic!("{}: {error}", $name));
        assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    }};
}

/// Numbers within `size` of `middle`.
fn draw(shape: &[usize], middle: f64, size: f64, seed: u64) -> Tensor {
    uniform(shape, size, &mut StdRng::seed_from_u64(seed)).map_elements(|x| x + middle)
}

#[test]
fn comparisons_pass_the_gradient_check_in_both_orders() {
    let pair = || [draw(&[3, 2], 0.0, 2.0, 1), draw(&[3, 2], 0.0, 2.0, 2)];
    let signs = Tensor::from([[1.0, -1.0], [1.0, 1.0], [-1.0, -1.0]]);
    agree!("margin_ranking", pair(), |x| loss::margin_ranking(x[0], x[1], &signs, 0.5));
    let three = || [1, 2, 3].map(|seed| draw(&[4, 3], 0.0, 1.5, seed));
    for (p, swap) in [(2.0, false), (2.0, true), (3.0, false)] {
        let options = TripletOptions { p, swap, margin: 1.5, ..TripletOptions::default() };
        agree!("triplet_margin", three(), |x| loss::triplet_margin(x[0], x[1], x[2], &options));
    }
}

/// Counts, rates, variances and shares are those of any numbers: the check looks further than where they are.
#[test]
fn likelihoods_pass_the_gradient_check_in_both_orders() {
    let [x, y, v] = [5, 6, 7].map(|seed| draw(&[2, 3], 0.0, 1.0, seed));
    for full in [false, true] {
        agree!("poisson_nll_with_log_rates", [x.clone(), y.clone()], |x| {
            loss::poisson_nll_with_log_rates(x[0], x[1].exp() + 1.0, full)
        });
        agree!("poisson_nll_with_rates", [x.clone(), y.clone()], |x| {
            loss::poisson_nll_with_rates(x[0].exp(), x[1].exp() + 1.0, 1e-3, full)
        });
        agree!("gaussian_nll", [x.clone(), y.clone(), v.slice(1, ..1)], |x| {
            loss::gaussian_nll(x[0], x[1], x[2].exp(), 1e-6, full)
        });
    }
}

#[test]
fn focal_losses_pass_the_gradient_check_in_both_orders() {
    for (gamma, alpha) in [(2.0, Some(0.25)), (0.5, None), (0.0, Some(0.6)), (1.0, None)] {
        let operands = [draw(&[3, 2], 0.0, 2.0, 10), draw(&[3, 2], 0.0, 1.5, 11)];
        agree!("binary_focal", operands, |x| {
            loss::binary_focal_with_logits(x[0], x[1].sigmoid(), gamma, alpha)
        });
        let options = CrossEntropyOptions {
            weight: Some(Tensor::from([1.0, 0.5, 2.0])),
            ignore: Some(-1),
            ..CrossEntropyOptions::default()
        };
        agree!("focal", [draw(&[4, 3], 0.0, 2.0, 12)], |x| {
            loss::focal_with_logits(x[0], &[2, 0, -1, 1], gamma, &options)
        });
    }
}

#[test]
fn alignments_pass_the_gradient_check_in_both_orders() {
    let labels = [vec![1usize, 1], vec![2], vec![]];
    agree!("ctc", [draw(&[3, 4, 3], 0.0, 2.0, 13)], |x| {
        loss::ctc(x[0].log_softmax(-1), &labels, Some(&[4, 3, 2]), &CtcOptions::default())
    });
}

/// The sum over every path of classes that collapses to the labels.
fn by_enumeration(p: &Tensor, labels: &[usize], blank: usize) -> f64 {
    let (time, classes) = (p.shape()[0], p.shape()[1]);
    let mut total = 0.0;
    for code in 0..classes.pow(time as u32) {
        let path: Vec<usize> = (0..time).map(|t| code / classes.pow(t as u32) % classes).collect();
        let mut collapsed = path.clone();
        collapsed.dedup();
        collapsed.retain(|&class| class != blank);
        if collapsed == labels {
            total += path.iter().enumerate().map(|(t, &class)| p.at([t, class])).product::<f64>();
        }
    }
    -total.ln()
}

#[test]
fn the_alignments_are_all_paths_that_collapse_to_the_labels() {
    let z = draw(&[1, 5, 3], 0.0, 2.0, 14);
    for (labels, blank) in
        [(vec![], 0), (vec![1], 0), (vec![1, 1], 0), (vec![2, 1], 0), (vec![0, 1, 0], 2), (vec![0, 0, 2], 1)]
    {
        let p = z.softmax(-1).reshape([5, 3]);
        let tape = Tape::new();
        let options = CtcOptions { blank, ..CtcOptions::default() };
        let found =
            loss::ctc(tape.var(z.clone()).log_softmax(-1), std::slice::from_ref(&labels), None, &options);
        let expected = by_enumeration(&p, &labels, blank);
        assert_close(&format!("{labels:?}"), &found.sum().value().into(), &expected.into(), EXACT);
    }
}

#[test]
fn a_sample_without_an_alignment_is_infinite_or_left_out() {
    let z = draw(&[2, 2, 3], 0.0, 2.0, 15);
    // Two equal labels need three steps.
    let labels = [[1usize, 1], [1, 2]];
    let tape = Tape::new();
    let x = tape.var(z);
    let losses = loss::ctc(x.log_softmax(-1), &labels, None, &CtcOptions::default());
    assert_eq!(losses.per_element().value().at([0]), f64::INFINITY);
    let left_out = CtcOptions { zero_infinity: true, ..CtcOptions::default() };
    let losses = loss::ctc(x.log_softmax(-1), &labels, None, &left_out);
    assert_eq!(losses.per_element().value().at([0]), 0.0);
    let slope = losses.sum().backward().wrt(x);
    assert_eq!(slope.slice(0, ..1), Tensor::zeros([1, 2, 3]));
    assert!(slope.slice(0, 1..).abs().min() > 0.0);
}

#[test]
fn steps_behind_the_end_have_no_influence() {
    let (mut short, lengths) = (draw(&[1, 4, 3], 0.0, 1.0, 16).log_softmax(-1), [2]);
    let first = short.slice(1, ..2).contiguous();
    short.as_mut_slice()[6..].fill(f64::NAN);
    let tape = Tape::new();
    let (x, y) = (tape.var(short), tape.var(first));
    let cut = loss::ctc(x, &[[1]], Some(&lengths), &CtcOptions::default()).sum();
    let whole = loss::ctc(y, &[[1]], None, &CtcOptions::default()).sum();
    assert_eq!(cut.value(), whole.value());
    let slope = cut.backward().wrt(x);
    assert_eq!(slope.slice(1, ..2), whole.backward().wrt(y));
    assert_eq!(slope.slice(1, 2..), Tensor::zeros([1, 2, 3]));
}

#[test]
fn without_focus_focal_losses_are_cross_entropies() {
    let (z, y) = (draw(&[3, 4], 0.0, 3.0, 17), draw(&[3, 4], 0.5, 0.4, 18));
    let tape = Tape::new();
    let z = tape.var(z);
    let [focal, plain] = [
        loss::binary_focal_with_logits(z, &y, 0.0, None).mean(),
        loss::binary_cross_entropy_with_logits(z, &y).mean(),
    ];
    assert_close("binary", &focal.value().into(), &plain.value().into(), EXACT);
    assert_close("binary", &focal.backward().wrt(z), &plain.backward().wrt(z), EXACT);
    let options = CrossEntropyOptions {
        weight: Some(Tensor::from([1.0, 0.5, 0.0, 2.0])),
        ignore: Some(3),
        ..CrossEntropyOptions::default()
    };
    let [focal, plain] = [
        loss::focal_with_logits(z, &[1, 3, 2], 0.0, &options).mean(),
        loss::cross_entropy_with_logits_and_options(z, &[1, 3, 2], &options).mean(),
    ];
    assert_close("classes", &focal.value().into(), &plain.value().into(), EXACT);
    assert_close("classes", &focal.backward().wrt(z), &plain.backward().wrt(z), EXACT);
}

#[test]
fn certain_predictions_have_finite_focal_losses() {
    for gamma in [0.0, 0.5, 1.0, 2.0] {
        let tape = Tape::of();
        let z = tape.var(Tensor::<f32>::from([120.0, -120.0, 120.0, -120.0]));
        let y = Tensor::<f32>::from([1.0, 0.0, 0.0, 1.0]);
        let losses = loss::binary_focal_with_logits(z, &y, gamma, None);
        assert_eq!(losses.per_element().value().to_vec(), [0.0, 0.0, 120.0, 120.0]);
        let slope = losses.sum().backward().wrt(z);
        assert_eq!(slope.to_vec(), [0.0, 0.0, 1.0, -1.0], "{gamma}");
        let rows = tape.var(Tensor::<f32>::from([[120.0, 0.0], [f32::INFINITY, 0.0]]));
        let options = CrossEntropyOptions { ignore: Some(-1), ..CrossEntropyOptions::default() };
        let losses = loss::focal_with_logits(rows, &[0, -1], gamma, &options);
        assert_eq!(losses.per_element().value().to_vec(), [0.0, 0.0]);
        assert_eq!(losses.sum().backward().wrt(rows).to_vec(), [0.0; 4], "{gamma}");
    }
}

/// The text of the panic.
fn refusal(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("this panics");
    payload.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn arguments_out_of_range_are_refused() {
    let tape = Tape::new();
    let on = |shape: &[usize]| tape.var(Tensor::full(shape.to_vec(), 0.5));
    let (pair, y) = (on(&[2, 3]), Tensor::full([2, 3], 1.0));
    let options = CrossEntropyOptions::default();
    let triplet = |options: TripletOptions| _ = loss::triplet_margin(pair, pair, pair, &options);
    let ctc = |labels: &[Vec<i64>], lengths: Option<&[usize]>, blank: usize| {
        _ = loss::ctc(on(&[1, 3, 4]), labels, lengths, &CtcOptions { blank, ..CtcOptions::default() });
    };
    let wrong: [(&str, &dyn Fn()); 21] = [
        ("margin_ranking: predictions [2, 3] and targets [2] differ in shape", &|| {
            _ = loss::margin_ranking(pair, on(&[2]), &y, 0.0)
        }),
        ("margin_ranking: expected a finite margin, 0 or more, found -1", &|| {
            _ = loss::margin_ranking(pair, pair, &y, -1.0)
        }),
        ("triplet_margin: expected vectors [N, m], found shape [3]", &|| {
            _ = loss::triplet_margin(on(&[3]), on(&[3]), on(&[3]), &TripletOptions::default())
        }),
        ("triplet_margin: predictions [2, 3] and targets [3, 3] differ in shape", &|| {
            _ = loss::triplet_margin(pair, pair, on(&[3, 3]), &TripletOptions::default())
        }),
        ("triplet_margin: expected a positive p, found 0", &|| {
            triplet(TripletOptions { p: 0.0, ..TripletOptions::default() })
        }),
        ("triplet_margin: expected a finite eps, 0 or more, found NaN", &|| {
            triplet(TripletOptions { eps: f64::NAN, ..TripletOptions::default() })
        }),
        ("poisson_nll_with_log_rates: expected targets of 0 or more, found -1", &|| {
            _ = loss::poisson_nll_with_log_rates(pair, -&y, false)
        }),
        (
            "poisson_nll_with_rates: expected rates of 0 or more, found -0.5; for logarithms of rates use poisson_nll_with_log_rates",
            &|| _ = loss::poisson_nll_with_rates(-pair, &y, 1e-8, false),
        ),
        ("poisson_nll_with_rates: expected a finite eps, 0 or more, found -1", &|| {
            _ = loss::poisson_nll_with_rates(pair, &y, -1.0, false)
        }),
        ("gaussian_nll: expected variances of 0 or more, found -1", &|| {
            _ = loss::gaussian_nll(pair, &y, -&y, 1e-6, false)
        }),
        ("gaussian_nll: expected a positive eps, found 0", &|| {
            _ = loss::gaussian_nll(pair, &y, &y, 0.0, false)
        }),
        ("gaussian_nll variances: expected shape [2, 3], found [1, 2, 3]", &|| {
            _ = loss::gaussian_nll(pair, &y, on(&[1, 2, 3]), 1e-6, false)
        }),
        ("binary_focal_with_logits: expected targets in [0, 1], found 2", &|| {
            _ = loss::binary_focal_with_logits(pair, &y * 2.0, 2.0, None)
        }),
        ("binary_focal_with_logits: expected an alpha in [0, 1], found 1.5", &|| {
            _ = loss::binary_focal_with_logits(pair, &y, 2.0, Some(1.5))
        }),
        ("focal_with_logits: expected a finite gamma of 0 or more, found -1", &|| {
            _ = loss::focal_with_logits(pair, &[0, 1], -1.0, &options)
        }),
        ("focal_with_logits: expected no smoothing, found 0.5", &|| {
            let options = CrossEntropyOptions { smoothing: 0.5, ..options.clone() };
            _ = loss::focal_with_logits(pair, &[0, 1], 1.0, &options)
        }),
        ("ctc: expected 1 lists of labels, found 2", &|| ctc(&[vec![1], vec![2]], None, 0)),
        ("ctc: expected lengths from 1 to 3, found 4", &|| ctc(&[vec![1]], Some(&[4]), 0)),
        ("ctc: expected a blank among 4 classes, found 4", &|| ctc(&[vec![1]], None, 4)),
        ("ctc: expected labels other than the blank, found 2", &|| ctc(&[vec![1, 2]], None, 2)),
        ("ctc: index -1 is out of range for axis 2 of shape [1, 3, 4]", &|| ctc(&[vec![-1]], None, 0)),
    ];
    for (expected, run) in wrong {
        assert_eq!(refusal(run), expected);
    }
}

#[test]
fn losses_of_no_samples_are_zero() {
    let tape = Tape::new();
    let x = tape.var(Tensor::zeros([0, 3]));
    let none: [Vec<usize>; 0] = [];
    let sequences = tape.var(Tensor::zeros([0, 2, 3]));
    for losses in [
        loss::margin_ranking(x, x, Tensor::zeros([0, 3]), 1.0),
        loss::triplet_margin(x, x, x, &TripletOptions::default()),
        loss::poisson_nll_with_log_rates(x, Tensor::zeros([0, 3]), true),
        loss::gaussian_nll(x, Tensor::zeros([0, 3]), Tensor::zeros([0, 3]), 1e-6, true),
        loss::binary_focal_with_logits(x, Tensor::zeros([0, 3]), 2.0, None),
        loss::focal_with_logits(x, &[0i64; 0], 2.0, &CrossEntropyOptions::default()),
        loss::ctc(sequences, &none, None, &CtcOptions::default()),
    ] {
        assert_eq!([losses.sum(), losses.mean()].map(|loss| loss.value()), [0.0; 2]);
    }
}
