//! The checker at every scale of arguments and of values: right gradients are not called wrong, and wrong ones are found.

use gradcheck::numdiff::{Interval, central, forward, richardson, stencil};
use gradcheck::{Entries, GradCheck, Inputs, Method, Model, Outcome, Report, Step, Verdict};
use tape::{Element, Scalar, Tensor, Var};

type Function = fn(Scalar<'_>) -> Scalar<'_>;

/// Functions that vary within 1 of an argument, with the derivative there.
const FUNCTIONS: [(&str, Function, f64, f64); 13] = [
    ("sin", |z| z.sin(), 0.75, 0.731_688_868_873_820_9),
    ("sin at 0", |z| z.sin(), 0.0, 1.0),
    ("exp", |z| z.exp(), 1.25, 3.490_342_957_461_841_4),
    ("reciprocal", |z| z.recip(), 1.25, -0.64),
    ("reciprocal at 0", |z| (z + 1.0).recip(), 0.0, -1.0),
    ("power", |z| z.powi(-3), 1.25, -1.2288),
    ("ln", |z| z.ln(), 1.25, 0.8),
    ("sqrt", |z| z.sqrt(), 1.25, 0.447_213_595_499_957_9),
    ("tanh", |z| z.tanh(), 0.5, 0.786_447_732_965_927_4),
    ("bell", |z| (-z.square()).exp(), 0.5, -0.778_800_783_071_404_9),
    ("bell on a plain", |z| (-z.square()).exp() + 1.0, 0.5, -0.778_800_783_071_404_9),
    ("wave in a bell at 0", |z| (-z.square()).exp() * z, 0.0, 1.0),
    ("cubic", |z| z * z * z - z * 2.0, 1.25, 2.6875),
];

/// Powers of ten from the smallest to the largest numbers.
const SCALES: [i32; 11] = [-300, -200, -100, -30, -12, -6, 0, 6, 30, 150, 300];

/// The largest exponent of a derivative; beyond it, it is too close to overflow or underflow to have digits.
const RANGE: i32 = 280;

/// Checks `f` at `x` with a gradient that is off by a part of it.
fn check(f: impl for<'t> Fn(Scalar<'t>) -> Scalar<'t>, x: f64, error: f64) -> Report {
    let planted = GradCheck::loss(move |v| {
        let y = f(v.scalar("x"));
        // Adds 0 to the value and a part of the derivative to the gradient.
        y + (y - y.detach()) * error
    });
    planted.input("x", x).method(Method::Richardson).run().unwrap()
}

fn disagrees(report: &Report) -> bool {
    report.verdict() == Verdict::Disagree
}

/// `amplitude · f(x / length)`, at `z · length`: every function at every scale of its argument and its values.
fn scaled(f: Function, length: i32, amplitude: i32) -> impl for<'t> Fn(Scalar<'t>) -> Scalar<'t> {
    move |x| f(x * 10f64.powi(-length)) * 10f64.powi(amplitude)
}

#[test]
fn right_gradients_agree_and_wrong_ones_do_not() {
    let mut checks = 0;
    for (name, f, z, _) in FUNCTIONS {
        for length in SCALES {
            // At 0 the size of an argument is 1: a function that is flat over that has no differences.
            if z == 0.0 && length > 6 {
                continue;
            }
            for amplitude in SCALES.into_iter().filter(|amplitude| (amplitude - length).abs() <= RANGE) {
                let x = z / 10f64.powi(-length);
                let at = |error: f64| check(scaled(f, length, amplitude), x, error);
                let what = format!("{name} within 1e{length}, values of 1e{amplitude}");
                let right = at(0.0);
                assert_eq!(right.verdict(), Verdict::Agree, "{what}: {right}");
                for error in [1e-5, -1e-3] {
                    let wrong = at(error);
                    assert!(disagrees(&wrong), "{what}, off by {error}: {wrong}");
                }
                checks += 3;
            }
        }
    }
    assert!(checks > 2000, "{checks}");
}

#[test]
fn gross_errors_are_found() {
    // A factor of 2 or 1/2, the other sign, and almost nothing.
    for error in [1.0, -0.5, -2.0, -0.999] {
        for (name, f, z, _) in FUNCTIONS {
            for (length, amplitude) in
                [(-100, 0), (-12, 0), (-6, -100), (-6, 0), (0, -200), (0, 200), (100, 0)]
            {
                if z == 0.0 && length > 6 {
                    continue;
                }
                let report = check(scaled(f, length, amplitude), z / 10f64.powi(-length), error);
                let what = format!("{name} within 1e{length}, values of 1e{amplitude}, off by {error}");
                assert!(disagrees(&report), "{what}: {report}");
            }
        }
    }
}

#[test]
fn a_lost_gradient_of_a_narrow_function_is_found() {
    let lost = |f: Function, x: f64| check(f, x, -1.0);
    for (f, x) in [
        ((|x| (x * 1e6).sin()) as Function, 0.3),
        (|x| (x * 1e9).sin(), 0.3),
        (|x| x.recip(), 1e-6),
        (|x| x.powi(-3), 1e-50),
        (|x| (-(x * 1e6).square()).exp(), 5e-7),
        (|x| x.sin(), 1e6),
    ] {
        let report = lost(f, x);
        assert!(disagrees(&report), "at {x}: {report}");
    }
}

/// Gradients that other checkers, and earlier versions of this one, called wrong: steps in proportion to the argument are
/// wider than the scale on which the function varies.
#[test]
fn a_function_that_varies_within_less_than_its_argument_is_not_called_wrong() {
    let checks = [
        ("1/x at 1e-6", GradCheck::loss(|v| v.scalar("x").recip()).input("x", 1e-6)),
        ("x^-3 at 1e-6", GradCheck::loss(|v| v.scalar("x").powi(-3)).input("x", 1e-6)),
        ("sin x at 1e6", GradCheck::loss(|v| v.scalar("x").sin()).input("x", 1e6)),
        ("sin(1e6 x) at 0.3", GradCheck::loss(|v| (v.scalar("x") * 1e6).sin()).input("x", 0.3)),
        (
            "exp(-(1e6 x)^2) at 5e-7",
            GradCheck::loss(|v| (-(v.scalar("x") * 1e6).square()).exp()).input("x", 5e-7),
        ),
    ];
    let wrong: Vec<_> = checks
        .iter()
        .filter(|(_, check)| check.run().unwrap().verdict() == Verdict::Disagree)
        .map(|(name, _)| name)
        .collect();
    assert!(wrong.is_empty(), "right gradients called wrong: {wrong:?}");
    for (name, check) in checks {
        let report = check.run().unwrap();
        assert_eq!(report.verdict(), Verdict::Agree, "{name}: {report}");
        assert!(report.require().unwrap().detectable < 1e-6, "{name}");
    }
}

#[test]
fn arguments_of_every_size() {
    let functions: [(&str, Function); 7] = [
        ("1/x", |x| x.recip()),
        ("x^-3", |x| x.powi(-3)),
        ("ln", |x| x.ln()),
        ("sqrt", |x| x.sqrt()),
        ("x^0.3", |x| x.powf(0.3)),
        ("sin", |x| x.sin()),
        ("x + sin x", |x| x + x.sin()),
    ];
    for (name, f) in functions {
        for exponent in (-300..=300).step_by(4) {
            let x = 1.7 * 10f64.powi(exponent);
            let Ok(report) = GradCheck::loss(|v| f(v.scalar("x"))).input("x", x).run() else { continue };
            assert!(!disagrees(&report), "{name} at {x:e}: {report}");
            // Powers keep their digits over the whole range in which their values and slopes do.
            let gradient = report.entries()[0].analytic.abs();
            if !name.contains("sin") && (1e-280..1e280).contains(&gradient) {
                assert_eq!(report.verdict(), Verdict::Agree, "{name} at {x:e}: {report}");
                for error in [1e-5, 1e-3] {
                    let report = check(f, x, error);
                    assert!(disagrees(&report), "{name} at {x:e}, off by {error}: {report}");
                }
            }
        }
    }
}

#[test]
fn frequencies_up_to_the_resolution_of_the_argument() {
    for exponent in 0..20 {
        let k = 10f64.powi(exponent);
        for x in [0.3, 0.7, 1.1, 2.9] {
            fn wave(k: f64) -> impl for<'t> Fn(Scalar<'t>) -> Scalar<'t> {
                move |x| (x * k).sin()
            }
            let right = check(wave(k), x, 0.0);
            assert!(!disagrees(&right), "sin({k:e} x) at {x}: {right}");
            let wrong = check(wave(k), x, 1e-3);
            if exponent <= 7 {
                assert_eq!(right.verdict(), Verdict::Agree, "sin({k:e} x) at {x}: {right}");
                assert!(disagrees(&wrong), "sin({k:e} x) at {x}: {wrong}");
            }
            assert_ne!(wrong.verdict(), Verdict::Agree, "sin({k:e} x) at {x}: {wrong}");
        }
    }
}

#[test]
fn an_infinite_derivative_is_right_where_differences_grow_without_bound() {
    let right: [(Function, f64); 2] = [(|x| x.cbrt(), 0.0), (|x| x.recip(), 1e-200)];
    for (f, x) in right {
        let report = GradCheck::loss(|v| f(v.scalar("x"))).input("x", x).run().unwrap();
        assert!(report.entries()[0].analytic.is_infinite(), "{report}");
        assert!(matches!(report.verdict(), Verdict::Inconclusive(_)), "at {x}: {report}");
    }
    // The second derivatives are beyond the largest number; at the smallest steps the values no longer change.
    let second: [Function; 2] = [|x| (x * 1e157).cos(), |x| (x * 1e157 + 1.0).recip()];
    for f in second {
        let report = GradCheck::loss(|v| f(v.scalar("x"))).input("x", 0.0).order(2).run().unwrap();
        assert!(!disagrees(&report), "{report}");
    }
    for slope in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        let report = GradCheck::new(|v| {
            v.tape().custom_vjp(&[v["x"]], |x| x[0].exp(), move |_, _, dy| vec![dy * slope])
        });
        let report = report.input("x", 0.5).method(Method::Richardson).run().unwrap();
        assert!(disagrees(&report), "{slope}: {report}");
    }
}

#[test]
fn rounded_values_are_not_mistaken_for_a_narrow_function() {
    // Each is a smooth function and one whose values have few digits: flat at steps below them.
    let functions: [(Function, f64); 5] = [
        (|x| (x + 1e6) - 1e6, 0.0),
        (|x| (x.sin() + 1e6) - 1e6, 0.4),
        (|x| (x.sin() + 1e12) - 1e12, 0.4),
        (|x| x.sin() + ((x + 1e12) - 1e12), 0.4),
        (|x| (x * 1e-6).sin() + ((x + 1e14) - 1e14), 0.4),
    ];
    for (i, (f, x)) in functions.into_iter().enumerate() {
        let report = check(f, x, 0.0);
        assert!(!disagrees(&report), "function {i}: {report}");
    }
}

/// Tensors under every choice of entries, with elements of one magnitude or of many.
#[test]
fn tensors_of_every_magnitude() {
    type Function = fn(Var<'_>) -> Var<'_>;
    let functions: [(&str, Function); 4] = [
        ("1/x", |x| x.recip()),
        ("the sum of 1/x", |x| x.recip().sum().to_var()),
        ("sin", |x| x.sin()),
        ("sin(1e6 x)", |x| (x * 1e6).sin()),
    ];
    let mixed = Tensor::from([1e-6, 1.0, -3.0, 1e5, 1e-3]);
    let even = |size: f64| Tensor::from_fn([8], move |i| size * (0.5 + 0.3 * i[0] as f64));
    let points = [mixed, even(1e-140), even(1e-6), even(1e5), even(1e140)];
    let ways = [Entries::All, Entries::Directions(2)];
    for (name, f) in functions {
        for x in &points {
            for entries in ways {
                let run = |error: f64, order: u8| {
                    let check = GradCheck::new(move |v| {
                        let y = f(v["x"]);
                        y + (y - y.detach()) * error
                    });
                    check.input("x", x.clone()).entries(entries).order(order).run().unwrap()
                };
                let report = run(0.0, 2);
                assert!(!disagrees(&report), "{name} {entries:?} at {x:?}: {report}");
                let wrong = run(1e-3, 1);
                assert_ne!(wrong.verdict(), Verdict::Agree, "{name} {entries:?} at {x:?}: {wrong}");
                if entries == Entries::All && !name.contains("sin") {
                    assert!(disagrees(&wrong), "{name} at {x:?}: {wrong}");
                }
            }
        }
    }
}

#[test]
fn every_method_at_small_and_large_arguments() {
    let methods = [
        Method::Forward { h: Step::Auto },
        Method::Central { h: Step::Auto },
        Method::Stencil { points: 5 },
        Method::Stencil { points: 7 },
        Method::Richardson,
        Method::Projection { k: 2 },
        Method::ForwardMode,
        Method::Adjoint,
        Method::Taylor,
        Method::PathIntegral { nodes: 16 },
        Method::HessianSymmetry,
    ];
    let functions: [fn(Var<'_>) -> Var<'_>; 3] =
        [|x| x.recip(), |x| (x * 1e6).sin(), |x| (x.recip().sum() + x.square().sum()).to_var()];
    for (i, f) in functions.into_iter().enumerate() {
        for size in [1e-140, 1e-6, 1.0, 1e6, 1e140] {
            let x = Tensor::from_fn([4], |i| size * (0.5 + 0.3 * i[0] as f64));
            for method in methods {
                let check = GradCheck::new(move |v| f(v["x"])).input("x", x.clone()).method(method);
                let report = check.resolution(1e-4).run().unwrap();
                assert!(!disagrees(&report), "function {i} at {size:e}, {method:?}: {report}");
            }
        }
    }
}

struct Cube;

impl Model for Cube {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T> {
        v["x"].powi(3)
    }
}

#[test]
fn values_beyond_single_precision_are_not_called_wrong() {
    for size in [1e-300, 1e-40, 1e-20, 1e-10, 1.0, 1e10, 1e12, 1e15, 1e30, 1e90] {
        let report = GradCheck::model(Cube).input("x", [size, -2.0 * size]).run().unwrap();
        assert!(!disagrees(&report), "{size:e}: {report}");
        let single = report.checks().iter().find(|check| check.name == "f32").unwrap();
        let skipped = matches!(single.outcome, Outcome::Skipped(_));
        assert_eq!(skipped, size > 1e12, "{size:e}: {report}");
    }
}

/// Asserts that the interval contains the derivative and is narrow.
#[track_caller]
fn holds(what: &str, interval: Interval, derivative: f64, width: f64) {
    let room = interval.radius + 32.0 * f64::EPSILON * derivative.abs();
    assert!((interval.mid - derivative).abs() <= room, "{what}: {interval}, {derivative}");
    assert!(interval.radius <= width * derivative.abs(), "{what}: {interval}, {derivative}");
}

#[test]
fn difference_formulas_at_every_scale() {
    for (name, f, z, derivative) in FUNCTIONS {
        for length in [-200, -100, -12, -6, 0, 6, 100, 200] {
            // A difference with one step knows the scale of a function only from the size of the argument, and finds no
            // smaller one if the function does not change at all over the steps below it.
            if z == 0.0 && length > 0 || name == "wave in a bell at 0" && length < 0 {
                continue;
            }
            for amplitude in [-200, -6, 0, 6, 200] {
                if amplitude - length > RANGE || amplitude - length < -RANGE {
                    continue;
                }
                let f = scaled(f, length, amplitude);
                let value = |x: f64| f(tape::Tape::new().scalar(x)).value();
                let x = z / 10f64.powi(-length);
                let exact = derivative * 10f64.powi(-length) * 10f64.powi(amplitude);
                let what =
                    |formula: &str| format!("{formula}, {name} within 1e{length}, values of 1e{amplitude}");
                holds(&what("forward"), forward(value, x, Step::Auto), exact, 1e-4);
                holds(&what("central"), central(value, x, Step::Auto), exact, 1e-6);
                holds(&what("5 points"), stencil(value, x, 5, Step::Auto), exact, 1e-7);
                holds(&what("7 points"), stencil(value, x, 7, Step::Auto), exact, 1e-7);
                holds(&what("Richardson"), richardson(value, x, 9), exact, 1e-8);
            }
        }
    }
}

/// The values are rounded to multiples of something far above a rounding of them, so the differences do not settle before
/// nothing changes any more.
#[test]
fn a_function_that_absorbs_its_argument_does_not_vary_where_it_is_constant() {
    let value = |x: f64| (1.0 + (2.5e-5 + 2e-9 * x.sin())).ln();
    for x in [0.0_f64, 0.3, 1.0, 4.0] {
        let exact = 2e-9 * x.cos() / (1.0 + (2.5e-5 + 2e-9 * x.sin()));
        let narrow = richardson(value, x, 9);
        assert!(narrow.contains(exact) && narrow.radius < 1e-3 * 2e-9, "{narrow}, at {x} {exact:e}");
    }
}
