//! `ode`: `s` steps of the classical Runge-Kutta method for `y' = f(y)` from `y(0) = 0` to time 2, where `f(y)₀ = x₀` and
//! `f(y)ᵢ = xᵢ yᵢ₋₁`, and the gradient of the last component.
//!
//! One step computes component `i` from the components `i - 4` to `i`, so it is a function of windows. In front of the first
//! component are one that is constantly 1 and three that are 0: then every component has the same function.

use crate::input;
use crate::request::{Request, Tool};
use serde_json::Value;
use tape::{Algebra, Program, Scalar, Tape, Tensor, Var};

/// The time at the end.
const END: f64 = 2.0;

/// The values in front of the components.
const BEFORE: [f64; 4] = [0.0, 0.0, 0.0, 1.0];

/// `f` of all components of a window but the first.
fn f<A: Algebra>(x: &[A], y: &[A]) -> Vec<A> {
    x.iter().zip(y).map(|(&x, &before)| x * before).collect()
}

/// `y + h k`
fn moved<A: Algebra>(y: &[A], h: f64, k: &[A]) -> Vec<A> {
    y.iter().zip(k).map(|(&y, &k)| y + y.lift(h) * k).collect()
}

/// A step of length `h` of all components of a window but the first four: `x` begins with the second component, `y` with the
/// first.
pub fn step<A: Algebra>(x: &[A], y: &[A], h: f64) -> Vec<A> {
    let k1 = f(x, y);
    let k2 = f(&x[1..], &moved(&y[1..], h / 2.0, &k1));
    let k3 = f(&x[2..], &moved(&y[2..], h / 2.0, &k2));
    let k4 = f(&x[3..], &moved(&y[3..], h, &k3));
    let mean = |i: usize| {
        let (outer, inner) = (k1[3 + i] + k4[i], k2[2 + i] + k3[1 + i]);
        (outer + y[0].lift(2.0) * inner) * y[0].lift(1.0 / 6.0)
    };
    moved(&y[4..], h, &(0..k4.len()).map(mean).collect::<Vec<A>>())
}

/// The values after `s` steps.
pub fn solution<A: Algebra>(x: &[A], s: usize) -> Vec<A> {
    let number = |c: f64| x[0].lift(c);
    let x = [&[number(0.0); 3], x].concat();
    let mut y = [&BEFORE.map(number)[..], &vec![number(0.0); x.len() - 3]].concat();
    for _ in 0..s {
        let next = step(&x, &y, END / s as f64);
        y[4..].copy_from_slice(&next);
    }
    y.split_off(4)
}

/// A step of one component: its last four `x` and its last five `y`.
pub fn component(s: usize) -> Program {
    Program::new(|p| {
        let (x, y) = (p.inputs(["x3", "x2", "x1", "x0"]), p.inputs(["y4", "y3", "y2", "y1", "y0"]));
        step(&x, &y, END / s as f64)[0]
    })
}

/// The last component after `s` steps, each of them one operation on vectors.
pub fn last<'t>(x: Var<'t>, component: &Program, s: usize) -> Scalar<'t> {
    let (tape, n) = (x.tape(), x.shape()[0]);
    let windows = |padded: Var<'t>, count: usize| -> Vec<Var<'t>> {
        (0..count).map(|first| padded.slice(0, first..first + n)).collect()
    };
    let x = windows(tape.concat(&[tape.constant(&BEFORE[..3]), x], 0), 4);
    let before = tape.constant(&BEFORE[..]);
    let mut y = tape.constant(Tensor::zeros([n]));
    for _ in 0..s {
        let operands = [&x[..], &windows(tape.concat(&[before, y], 0), 5)].concat();
        y = tape.map_lanes(component, &operands);
    }
    y.at(n - 1)
}

/// The gradient of the last component.
pub fn gradient(x: &Tensor, component: &Program, s: usize) -> Tensor {
    let tape = Tape::new();
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
    let tensor = Tensor::from(&x[..]);
    match (request.function, request.tool) {
        ("primal", _) => Ok(request.measure(|| solution(&x, s)).into()),
        ("gradient", Tool::Tape) => {
            Ok(request.measure(|| gradient(&tensor, &component(s), s)).to_vec().into())
        }
        ("gradient", Tool::Program) => {
            let component = component(s);
            Ok(request.measure(|| gradient(&tensor, &component, s)).to_vec().into())
        }
        _ => Err(request.unknown("ode", &["primal", "gradient"])),
    }
}
