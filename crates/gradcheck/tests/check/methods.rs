//! Every method agrees with right gradients, fails wrong ones and leaves kinks open.

use gradcheck::{Entries, Evidence, GradCheck, Inputs, Method, Outcome, Reason, Report, Step, Verdict};
use tape::ops::Window;
use tape::{Tensor, Var};

/// Methods that compare entries with differences.
const DIFFERENCES: [Method; 7] = [
    Method::Forward { h: Step::Auto },
    Method::Central { h: Step::Auto },
    Method::Stencil { points: 5 },
    Method::Stencil { points: 7 },
    Method::Richardson,
    Method::Exact,
    Method::Projection { k: 2 },
];

/// Methods that test the gradient as a whole against the function.
const WHOLE: [Method; 3] = [Method::Taylor, Method::PathIntegral { nodes: 16 }, Method::HessianSymmetry];

/// Methods that compare two modes of the tape: they cannot see errors that both have.
const MODES: [Method; 3] = [Method::Adjoint, Method::ForwardMode, Method::Metamorphic];

fn run(method: Method, f: impl for<'t> Fn(&Inputs<'t>) -> Var<'t>) -> Report {
    GradCheck::new(f)
        .input("a", [[0.5, -1.25], [0.75, 2.0]])
        .input("b", [0.3, -0.7])
        .resolution(if matches!(method, Method::Forward { .. }) { 1e-4 } else { 1e-6 })
        .method(method)
        .run()
        .unwrap()
}

fn right<'t>(v: &Inputs<'t>) -> Var<'t> {
    (v["a"] * v["b"]).tanh().matmul(v["a"]) + v["b"].exp()
}

/// The derivative with respect to `a` of the factor that has the product `ab` is off by `error`.
fn wrong(error: f64) -> impl for<'t> Fn(&Inputs<'t>) -> Var<'t> {
    move |v| {
        let product = v.tape().custom_vjp(
            &[v["a"], v["b"]],
            |x| x[0] * x[1],
            move |x, _, dy| vec![dy * x[1] * (1.0 + error), (dy * x[0]).sum_axes(0, false)],
        );
        product.tanh().matmul(v["a"]) + v["b"].exp()
    }
}

#[test]
fn right_gradients_agree() {
    for method in DIFFERENCES.into_iter().chain(WHOLE).chain(MODES) {
        let report = run(method, right);
        assert_eq!(report.verdict(), Verdict::Agree, "{method:?}: {report}");
        let not_skipped = report.checks().iter().all(|c| !matches!(c.outcome, Outcome::Skipped(_)));
        assert!(not_skipped, "{method:?}: {report}");
    }
}

#[test]
fn wrong_gradients_disagree_under_every_method_with_differences() {
    for (method, error) in DIFFERENCES.into_iter().chain(WHOLE).map(|method| (method, 1e-2)) {
        let report = run(method, wrong(error));
        assert_eq!(report.verdict(), Verdict::Disagree, "{method:?}: {report}");
    }
    for method in [Method::Auto, Method::Richardson, Method::Stencil { points: 7 }, Method::Taylor] {
        let report = run(method, wrong(1e-5));
        assert_eq!(report.verdict(), Verdict::Disagree, "{method:?}: {report}");
    }
}

#[test]
fn only_entries_with_the_wrong_derivative_disagree() {
    let report = run(Method::Auto, wrong(1e-5));
    assert_eq!(report.by_input("a").unwrap().counts, [0, 4, 0], "{report}");
    assert_eq!(report.by_input("b").unwrap().counts, [2, 0, 0], "{report}");
}

#[test]
fn dyadic_inputs_of_a_bilinear_function_are_exact() {
    let report = run(Method::Auto, |v| v["a"].matmul(v["a"]) + v["b"] * v["b"]);
    assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    // 0.3 and -0.7 are not dyadic.
    assert!(report.entries().iter().all(|e| e.evidence == Evidence::Interval), "{report}");
    let exact = |f: fn(Var<'_>) -> Var<'_>| {
        let a = Tensor::from([[0.5, -1.25], [0.75, 2.0]]);
        GradCheck::new(move |v| f(v["a"])).input("a", a).run().unwrap()
    };
    let report = exact(|a| a.matmul(a) * 2.0 - a.transpose());
    assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    assert!(report.entries().iter().all(|e| e.evidence == Evidence::Exact && e.mde < 1e-14), "{report}");
    let report = exact(|a| a.exp());
    assert!(report.entries().iter().all(|e| e.evidence == Evidence::Interval), "{report}");
}

#[test]
fn kinks_are_open_under_every_method_with_differences() {
    let methods = DIFFERENCES.into_iter().filter(|m| !matches!(m, Method::Projection { .. }));
    for method in methods.chain([Method::Auto]) {
        // The mean of the slopes 0 and 2 at the kink is 1, and 1 is the derivative of the tape.
        let check = GradCheck::new(|v| v["x"].abs() + v["x"]).input("x", [0.0]).resolution(1e-4);
        let report = check.method(method).run().unwrap();
        assert!(matches!(report.verdict(), Verdict::Inconclusive(_)), "{method:?}: {report}");
    }
}

#[test]
fn an_operation_whose_modes_disagree_fails_the_adjoint_test() {
    #[derive(Clone, Debug)]
    struct Lost;
    impl<T: tape::Element> tape::Op<T> for Lost {
        const NAME: &'static str = "lost";
        fn shape(&self, x: &[&tape::Shape]) -> Result<tape::Shape, tape::Error> {
            Ok(x[0].clone())
        }
        fn eval(&self, x: &[&Tensor<T>], _shape: &tape::Shape) -> Tensor<T> {
            x[0].clone()
        }
        fn jvp<A: tape::Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dx: &A) -> A {
            dx.clone()
        }
        fn vjp<A: tape::Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
            dy.clone() * dy.lift(1.0 + 1e-9)
        }
    }
    for method in [Method::Adjoint, Method::ForwardMode] {
        let report = GradCheck::new(|v| v.tape().apply(Lost, &[v["x"].exp()])).input("x", [0.5, 1.5]);
        let report = report.method(method).run().unwrap();
        assert_eq!(report.verdict(), Verdict::Disagree, "{method:?}: {report}");
    }
}

#[test]
fn second_order() {
    let report = GradCheck::new(right).input("a", [[0.5, -1.25], [0.75, 2.0]]).input("b", [0.3, -0.7]);
    let report = report.order(2).run().unwrap();
    assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    assert_eq!(report.entries().iter().filter(|e| e.order == 2).count(), 6, "{report}");
    // The first derivative of x² is right here, the second is not: the pullback detaches x.
    let check = GradCheck::new(|v| {
        v.tape().custom_vjp(&[v["x"]], |x| x[0] * x[0], |x, _, dy| vec![x[0].detach() * dy * 2.0])
    });
    let check = check.input("x", [0.5, 1.5]).entries(Entries::All);
    let report = check.order(2).run().unwrap();
    assert_eq!(report.verdict(), Verdict::Disagree, "{report}");
    assert!(report.entries().iter().all(|e| (e.order == 2) == (e.verdict == Verdict::Disagree)), "{report}");
    assert_eq!(report.worst().map(|e| e.label()).as_deref().map(|l| &l[..4]), Some("H:x["), "{report}");
}

#[test]
fn a_test_of_a_zero_gradient_is_not_an_agreement() {
    for method in WHOLE.into_iter().chain([Method::Adjoint, Method::Metamorphic]) {
        let report = GradCheck::new(|v| v["x"] * 0.0).input("x", [1.0, 2.0]).method(method).run().unwrap();
        assert_ne!(report.verdict(), Verdict::Agree, "{method:?}: {report}");
    }
}

#[test]
fn decisions_in_masks_are_seen() {
    // Masks from comparisons, sorting and a branch on the value are all decisions that steps must not cross.
    let near = 1.0 + 1e-4;
    let report =
        |f: fn(Var<'_>) -> Var<'_>| GradCheck::new(move |v| f(v["x"])).input("x", [1.0, near, 2.0]).run();
    let functions: [fn(Var<'_>) -> Var<'_>; 4] = [
        |x| x * &x.gt(1.00005) * x,
        |x| x.sort(0, true).0 * &Tensor::from([1.0, 2.0, 3.0]),
        |x| x.max().to_var(),
        |x| if x.value().get([1]) > Some(1.00005) { x * x } else { x.exp() },
    ];
    for (i, f) in functions.into_iter().enumerate() {
        let report = report(f).unwrap();
        assert_eq!(report.verdict(), Verdict::Agree, "function {i}: {report}");
    }
    // Exactly between two branches.
    open_by_a_decision_of("max", |x| x.max().to_var());
    open_by_a_decision_of("min", |x| x.min().to_var());
    open_by_a_decision_of("select", |x| Var::select(&x.gt(1.0), x * x, x));
    open_by_a_decision_of("max_pool2d", |x| x.reshape([1, 1, 1, 2]).max_pool2d(Window::new([1, 2])));
}

/// Asserts that at a tie of two elements the operation of this name reports the decision, not the differences.
#[track_caller]
fn open_by_a_decision_of(name: &str, f: impl for<'t> Fn(Var<'t>) -> Var<'t>) {
    let report = GradCheck::new(move |v| f(v["x"])).input("x", [1.0, 1.0]).run().unwrap();
    let named = matches!(report.verdict(), Verdict::Inconclusive(Reason::Kink { op, .. }) if op == name);
    assert!(named, "{name}: {report}");
}

#[test]
fn positions_taken_from_the_values_are_decisions() {
    // The largest element is another one on the other side of the tie.
    open_by_a_decision_of("gather", |x| x.gather(0, [x.argmax()]));
    open_by_a_decision_of("index_select", |x| x.index_select(0, [x.argmax()]));
    open_by_a_decision_of("take", |x| x.take([x.argmax()]));
    open_by_a_decision_of("at", |x| x.at([x.argmax()]).to_var());
    open_by_a_decision_of("scatter", |x| x.scatter(x.slice(0, ..1), 0, [x.argmax()]));
    open_by_a_decision_of("scatter_add", |x| x.scatter_add(x.slice(0, ..1), 0, [x.argmax()]));
}
