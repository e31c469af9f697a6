//! The gradient checker: right gradients agree, wrong ones do not, and kinks are left open.

use gradcheck::{Entries, GradCheck, Method, Reason, SetupError, Verdict};
use tape::{Algebra, Element, Scalar, Tensor, Unary, Var};

/// A function with a derivative that is wrong by a factor.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Wrong<F> {
    f: F,
    factor: f64,
}

impl<F: Unary> Unary for Wrong<F> {
    const NAME: &'static str = "wrong";
    fn eval<T: Element>(&self, x: T) -> T {
        self.f.eval(x)
    }
    fn slope<A: Algebra>(&self, x: A, y: A) -> A {
        self.f.slope(x, y) * x.lift(self.factor)
    }
}

const PLANTED: f64 = 1.0 + 1e-5;

fn mlp<'t>(x: Var<'t>, w1: Var<'t>, b1: Var<'t>, w2: Var<'t>, f: impl Unary) -> Var<'t> {
    (x.matmul(w1) + b1).map(f).matmul(w2)
}

fn network(f: impl Unary) -> GradCheck<'static> {
    let weights = |i: usize, shape: [usize; 2]| {
        Tensor::from_fn(shape, move |at| ((7 * at[0] + 3 * at[1] + i) as f64 * 1.7).sin() * 0.8)
    };
    GradCheck::new(move |v| mlp(v["x"], v["w1"], v["b1"], v["w2"], f))
        .input("w1", weights(1, [4, 5]))
        .input("b1", Tensor::from_fn([5], |i| 0.1 * i[0] as f64 - 0.15))
        .input("w2", weights(2, [5, 3]))
        .constant("x", weights(3, [2, 4]))
}

#[test]
fn a_network_agrees() {
    let report = network(tape::ops::Tanh).run().unwrap();
    assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    assert_eq!(report.entries().len(), 40);
    let certificate = report.require().unwrap();
    assert!(certificate.detectable < 1e-9, "{certificate:?}");
}

#[test]
fn a_derivative_wrong_by_a_hundred_thousandth_is_found() {
    let report = network(Wrong { f: tape::ops::Tanh, factor: PLANTED }).run().unwrap();
    assert_eq!(report.verdict(), Verdict::Disagree, "{report}");
    assert_eq!(report.by_input("w2").map(|s| s.counts), Some([15, 0, 0]), "{report}");
    assert_eq!(report.by_input("w1").map(|s| s.counts), Some([0, 20, 0]), "{report}");
    assert_eq!(report.by_input("b1").map(|s| s.counts), Some([0, 5, 0]), "{report}");
    let text = format!("{:?}", report.require().unwrap_err());
    assert!(text.contains("GRADCHECK_SEED=0x5EED GRADCHECK_ONLY='"), "{text}");
    assert!(text.contains("cargo test verdicts::a_derivative_wrong"), "{text}");
    assert!(text.contains("analytic / numeric = 1.0000100"), "{text}");
}

#[test]
fn one_wrong_entry_of_many_is_named() {
    let wrong = |at: usize| {
        GradCheck::new(move |v| {
            v.tape().custom_vjp(
                &[v["x"]],
                |x| (x[0] * x[0]).sum().to_var(),
                move |x, _, dy| {
                    let factor = Tensor::from_fn([6000], |i| if i[0] == at { 2.0 + 2e-5 } else { 2.0 });
                    vec![x[0] * &factor * dy]
                },
            )
        })
        .input("x", Tensor::from_fn([6000], |i| (i[0] as f64).cos()))
        .run()
        .unwrap()
    };
    for at in [0, 1, 4321, 5999] {
        let report = wrong(at);
        assert_eq!(report.verdict(), Verdict::Disagree, "{report}");
        let worst = report.worst().unwrap();
        assert_eq!((worst.direction, &worst.index[..]), (false, &[at][..]), "{report}");
    }
}

#[test]
fn kinks_are_left_open() {
    let at_zero = |f: fn(Scalar<'_>) -> Scalar<'_>| {
        GradCheck::loss(move |v| f(v.scalar("x"))).input("x", 0.0).run().unwrap()
    };
    for f in [|x| x.relu(), |x| x.abs(), |x| x.maximum(-x), |x| x.abs() + x.sin(), |x| x.leaky_relu(0.1)]
        as [fn(Scalar<'_>) -> Scalar<'_>; 5]
    {
        let report = at_zero(f);
        assert!(matches!(report.verdict(), Verdict::Inconclusive(Reason::Kink { .. })), "{report}");
    }
    // A kink that no operation reports, with the mean slope as its derivative.
    let report = GradCheck::new(|v| {
        v.tape().custom_vjp(&[v["x"]], |x| (x[0] * x[0]).sqrt(), |x, _, dy| vec![dy * x[0].sign()])
    });
    let report = report.input("x", [0.0]).run().unwrap();
    assert!(matches!(report.verdict(), Verdict::Inconclusive(Reason::Kink { op: "", .. })), "{report}");
}

#[test]
fn close_to_a_kink_smaller_steps_decide() {
    for distance in [1e-1, 1e-3, 1e-5, 1e-6] {
        let report = GradCheck::loss(|v| v.scalar("x").relu() * 3.0).input("x", distance).run().unwrap();
        assert_eq!(report.verdict(), Verdict::Agree, "{distance}: {report}");
    }
}

#[test]
fn a_gradient_of_zeros_is_not_an_agreement() {
    let report = GradCheck::loss(|v| (v["x"] * 0.0).sum()).input("x", [1.0, 2.0]).run().unwrap();
    assert_eq!(report.verdict(), Verdict::Inconclusive(Reason::Vacuous), "{report}");
    assert!(report.to_string().contains("expect_zero"), "{report}");
    let report = GradCheck::loss(|v| (v["x"] * 0.0).sum()).input("x", [1.0]).expect_zero("x").run().unwrap();
    assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    let none = GradCheck::loss(|v| v["x"].sum()).constant("x", [1.0]).run();
    assert!(matches!(none, Err(SetupError::Empty { .. })));
}

#[test]
fn a_pullback_that_does_nothing_fails() {
    let report = GradCheck::new(|v| v["x"].sin()).input("x", [1.0, 2.0]).run().unwrap();
    assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    let report =
        GradCheck::new(|v| v.tape().custom_vjp(&[v["x"]], |x| x[0].sin(), |_, _, dy| vec![dy * 0.0]));
    let report = report.input("x", [1.0, 2.0]).run().unwrap();
    assert_eq!(report.verdict(), Verdict::Disagree, "{report}");
    assert!(report.to_string().contains("analytic = 0 x numeric"), "{report}");
}

#[test]
fn a_gradient_that_ignores_the_cotangent_fails() {
    let report =
        GradCheck::new(|v| v.tape().custom_vjp(&[v["x"]], |x| x[0].sin(), |x, _, _| vec![x[0].cos()]));
    let report = report.input("x", [1.0, 2.0]).method(Method::Metamorphic).run().unwrap();
    assert_eq!(report.verdict(), Verdict::Disagree, "{report}");
}

#[test]
fn a_function_that_is_not_deterministic_is_rejected() {
    let count = std::cell::Cell::new(0.0);
    let check = GradCheck::loss(|v| {
        count.set(count.get() + 1.0);
        v.scalar("x") * count.get()
    });
    assert!(matches!(check.input("x", 1.0).run(), Err(SetupError::Nondeterministic { output: 0 })));
    let check = GradCheck::loss(|v| v.scalar("x").ln()).input("x", -1.0);
    assert!(matches!(check.run(), Err(SetupError::NonFinite { output: 0 })));
}

#[test]
fn other_choices_of_entries_decide_too() {
    for entries in [Entries::All, Entries::PerTensor(3), Entries::Directions(2)] {
        let report = network(tape::ops::Sigmoid).entries(entries).run().unwrap();
        assert_eq!(report.verdict(), Verdict::Agree, "{report}");
        let report =
            network(Wrong { f: tape::ops::Sigmoid, factor: PLANTED }).entries(entries).run().unwrap();
        assert_eq!(report.verdict(), Verdict::Disagree, "{report}");
        assert!(!report.worst().unwrap().direction, "{report}");
    }
}
