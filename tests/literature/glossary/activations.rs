//! Activation functions: GL-16, GL-36, GL-39, GL-42 to GL-45.

use super::{EXACT, agrees, descend};
use gradcheck::GradCheck;
use nn::loss::cross_entropy_with_logits;
use nn::optim::Sgd;
use nn::{Context, Identity, LeakyRelu, Linear, Module, Relu, Sigmoid, Softmax, Tanh};
use tape::transform::{grad, jacobian};
use tape::{Scalar, Tensor, Var};
use tests::compare::{assert_close, at_most, error, near};
use tests::row;
use tests::systems::{normal, rng};

fn functions() -> [(&'static str, Box<dyn Module>); 6] {
    [
        ("sigmoid", Box::new(Sigmoid)),
        ("tanh", Box::new(Tanh)),
        ("ReLU", Box::new(Relu)),
        ("leaky ReLU", Box::new(LeakyRelu { slope: 0.01 })),
        ("softmax", Box::new(Softmax)),
        ("identity", Box::new(Identity)),
    ]
}

#[test]
fn gl_16_activation() {
    for (name, f) in functions() {
        // Away from 0, where two of them have a kink.
        let check = GradCheck::new(|v| f.forward(v["x"], &mut Context::eval()))
            .input("x", [[-2.0, -0.7, 0.3, 1.9]])
            .order(2);
        row("GL-16", name, "gradient check", &agrees(check), "derivatives of two orders");
    }
}

#[test]
fn gl_36_uncertainty() {
    // Two normal distributions around -1 and 1: the probability of the second, given x, is σ(2x).
    let mut rng = rng(36);
    let n = 1000;
    let labels: Vec<usize> = (0..n).map(|i| i % 2).collect();
    let noise = normal([n, 1], 1.0, &mut rng);
    let x = &noise + &Tensor::from_fn([n, 1], |at| if at[0] % 2 == 0 { -1.0 } else { 1.0 });
    let mut model = Linear::new(1, 2, &mut rng);
    descend(&mut model, &mut Sgd::new(1.0), 150, |model, tape| {
        cross_entropy_with_logits(model.forward(tape.constant(x.clone()), &mut Context::eval()), &labels)
            .mean()
    });
    let grid = Tensor::linspace(-3.0, 3.0, 61).reshape([61, 1]);
    let said = model.predict(&grid).softmax(-1);
    assert_close("sums of the softmax", &said.sum_axes(-1, false), &Tensor::ones([61]), 1e-15);
    let truth = grid.map_elements(|x| 1.0 / (1.0 + (-2.0 * x).exp()));
    let worst = error(&said.slice(1, 1..), &truth);
    assert!(worst <= 0.05, "{worst}");
    row(
        "GL-36",
        "softmax of a trained layer against the true probability of the class",
        "optional",
        &format!("within {worst:.3}"),
        "two normal distributions, 1000 samples",
    );
    // At the minimum of the cross-entropy, the mean prediction equals the mean target.
    let mean = model.predict(&x).softmax(-1).slice(1, 1..).mean();
    near("mean probability", mean, 0.5, 1e-3);
}

#[test]
fn gl_39_nonlinear() {
    let (x, y) = (Tensor::from([[0.7, -1.2]]), Tensor::from([[0.4, 2.0]]));
    let gap = |f: &dyn Module| (&(&f.predict(&x) + &f.predict(&y)) - &f.predict(&(&x + &y))).abs().max();
    for (name, f) in functions() {
        let gap = gap(&*f);
        let asked = if name == "identity" {
            assert_eq!(gap, 0.0);
            "0"
        } else {
            assert!(gap > 0.05, "{name}: {gap}");
            "not 0"
        };
        row("GL-39", &format!("f(x) + f(y) - f(x + y), {name}"), asked, &format!("{gap:.3}"), "");
    }
    // E22: an affine layer is not linear; without its bias it is.
    let layer = Linear::from_values([[1.0, 2.0]], [0.5]);
    near("the bias", gap(&layer), 0.5, EXACT);
    at_most("gap without the bias", gap(&layer.without_bias()), EXACT);
}

#[test]
fn gl_42_relu() {
    let found = grad(|x: Var<'_>| x.relu().sum(), Tensor::from([-2.0, -1e-300, 0.0, 1e-300, 2.0]));
    assert_eq!(found.to_vec(), [0.0, 0.0, 0.0, 1.0, 1.0]);
    row("GL-42", "derivative below, at and above 0", "0, 0, 1", "0, 0, 1", "the convention at 0 is 0");
}

#[test]
fn gl_43_leaky_relu() {
    let f = LeakyRelu { slope: 0.01 };
    let x = Tensor::from([[-2.0, -0.5, 0.5, 2.0]]);
    assert_eq!(f.predict(&x).to_vec(), [-0.02, -0.005, 0.5, 2.0]);
    let found = grad(|x: Var<'_>| f.forward(x, &mut Context::eval()).sum(), x.clone());
    assert_eq!(found.to_vec(), [0.01, 0.01, 1.0, 1.0]);
    let check = GradCheck::new(|v| f.forward(v["x"], &mut Context::eval())).input("x", x);
    row("GL-43", "slopes, α = 0.01", "x or αx", "0.01 and 1", &agrees(check));
}

#[test]
fn gl_44_softmax() {
    let z = Tensor::from([1.0, 2.0, 3.0]);
    let s = z.softmax(-1);
    let (sum, shifted) = (s.sum(), (&z + 100.0).softmax(-1));
    near("sum", sum, 1.0, 1e-15);
    let shift = error(&shifted, &s);
    assert!(shift <= 1e-14, "{shift:e}");
    let far = Tensor::from([1000.0, 0.0, -1000.0]).softmax(-1);
    assert_eq!(far.to_vec(), [1.0, 0.0, 0.0]);
    // ∂sᵢ/∂zⱼ = sᵢ (δᵢⱼ - sⱼ).
    let found = jacobian(|z: Var<'_>| z.softmax(-1), z).reshape([3, 3]);
    let p = s.to_vec();
    let closed = Tensor::from_fn([3, 3], |at| p[at[0]] * (f64::from(at[0] == at[1]) - p[at[1]]));
    let slopes = error(&found, &closed);
    assert!(slopes <= 1e-15, "{slopes:e}");
    row("GL-44", "sum, and shift by 100", "1, invariant", &format!("{sum}, {shift:.1e}"), "finite at ±1000");
    row("GL-44", "Jacobian", "diag(s) - s sᵀ", &format!("{slopes:.1e}"), "");
}

#[test]
fn gl_45_identity() {
    let slope = grad(|x: Scalar<'_>| Identity.forward(x.to_var(), &mut Context::eval()).item(), -3.0);
    assert_eq!(slope, 1.0);
    row("GL-45", "derivative", "1", "1", "");
}
