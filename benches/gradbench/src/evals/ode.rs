//! `ode`: `s` steps of the classical Runge-Kutta method for `y' = f(y)` from `y(0) = 0` to time 2, where `f(y)₀ = x₀` and
//! `f(y)ᵢ = xᵢ yᵢ₋₁`, and the gradient of the last component.
//!
//! With a component in front of the first that is constantly 1, all components have the same function.

use crate::input;
use crate::request::{Request, Tool};
use serde_json::Value;
use tape::{Algebra, Program, Scalar, Tape, Tensor, Var};

/// The time at the end.
const END: f64 = 2.0;

/// `f` of a component, from the component before it.
fn f<A: Algebra>(x: A, before: A) -> A {
    x * before
}

/// `f` of a component after the step `h k`, from the component before it.
fn f_moved<A: Algebra>(x: A, before: A, k_before: A, h: f64) -> A {
    f(x, k_before.mul_add(x.lift(h), before))
}

/// A component after a step of length `h`.
fn stepped<A: Algebra>(y: A, [k1, k2, k3, k4]: [A; 4], h: f64) -> A {
    let sum = (k2 + k3).mul_add(y.lift(2.0), k1 + k4);
    sum.mul_add(y.lift(h / 6.0), y)
}

/// The values after `s` steps.
pub fn solution<A: Algebra>(x: &[A], s: usize) -> Vec<A> {
    let (n, h) = (x.len(), END / s as f64);
    let [zero, one] = [0.0, 1.0].map(|c| x[0].lift(c));
    let mut y = vec![zero; n];
    let mut k = [(); 4].map(|()| vec![zero; n]);
    for _ in 0..s {
        k[0][0] = f(x[0], one);
        for i in 1..n {
            k[0][i] = f(x[i], y[i - 1]);
        }
        for (stage, h) in [h / 2.0, h / 2.0, h].into_iter().enumerate() {
            let (before, next) = k.split_at_mut(stage + 1);
            let (before, next) = (&before[stage][..n], &mut next[0][..n]);
            // The component in front of the first does not move.
            next[0] = f(x[0], one);
            for i in 1..n {
                next[i] = f_moved(x[i], y[i - 1], before[i - 1], h);
            }
        }
        for (i, y) in y.iter_mut().enumerate() {
            *y = stepped(*y, [k[0][i], k[1][i], k[2][i], k[3][i]], h);
        }
    }
    y
}

/// The functions of a component, recorded.
#[derive(Debug)]
pub struct Component {
    first_stage: Program,
    middle_stage: Program,
    /// The last stage, and the step.
    step: Program,
}

impl Component {
    /// For `s` steps.
    pub fn new(s: usize) -> Component {
        let h = END / s as f64;
        Component {
            first_stage: Program::new(|p| f(p.input("x"), p.input("before"))),
            middle_stage: Program::new(|p| {
                f_moved(p.input("x"), p.input("before"), p.input("k_before"), h / 2.0)
            }),
            step: Program::new(|p| {
                let [x, before, k3_before, y] = p.inputs(["x", "before", "k3_before", "y"]);
                let [k1, k2, k3] = p.inputs(["k1", "k2", "k3"]);
                stepped(y, [k1, k2, k3, f_moved(x, before, k3_before, h)], h)
            }),
        }
    }
}

/// The last component after `s` steps. Each stage is one operation on vectors.
pub fn last<'t>(x: Var<'t>, component: &Component, s: usize) -> Scalar<'t> {
    let (tape, n) = (x.tape(), x.shape()[0]);
    let [zero, one] = [[0.0], [1.0]].map(|c| tape.constant(c));
    let behind = |first: Var<'t>, y: Var<'t>| tape.concat(&[first, y.slice(0, ..n - 1)], 0);
    let mut y = tape.constant(Tensor::zeros([n]));
    for _ in 0..s {
        let before = behind(one, y);
        let k1 = tape.map_lanes(&component.first_stage, &[x, before]);
        let k2 = tape.map_lanes(&component.middle_stage, &[x, before, behind(zero, k1)]);
        let k3 = tape.map_lanes(&component.middle_stage, &[x, before, behind(zero, k2)]);
        y = tape.map_lanes(&component.step, &[x, before, behind(zero, k3), y, k1, k2, k3]);
    }
    y.at(n - 1)
}

/// The gradient of the last component.
pub fn gradient(tape: &mut Tape, x: &Tensor, component: &Component, s: usize) -> Tensor {
    tape.reset();
    let x = tape.var(x.clone());
    last(x, component, s).backward().wrt(x)
}

/// The functions `primal` and `gradient`.
///
/// # Errors
/// If the input is wrong, or the function another one.
pub fn evaluate(request: &Request) -> Result<Value, String> {
    let (x, s) = (input::vector(request.input, "x")?, input::positive(request.input, "s")?);
    if x.is_empty() {
        return Err("`x`: expected at least one number, found none".to_string());
    }
    let (tensor, mut tape) = (Tensor::from(&x[..]), Tape::new());
    match (request.function, request.tool) {
        ("primal", _) => Ok(request.measure(|| solution(&x, s)).into()),
        ("gradient", Tool::Tape) => {
            Ok(request.measure(|| gradient(&mut tape, &tensor, &Component::new(s), s)).to_vec().into())
        }
        ("gradient", Tool::Program) => {
            let component = Component::new(s);
            Ok(request.measure(|| gradient(&mut tape, &tensor, &component, s)).to_vec().into())
        }
        _ => Err(request.unknown("ode", &["primal", "gradient"])),
    }
}
