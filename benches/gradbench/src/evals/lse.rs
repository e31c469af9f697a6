//! `lse`: the logarithm of a sum of exponentials, `a + ln Σᵢ exp(xᵢ - a)` with `a = max x`.

use crate::input;
use crate::request::{Request, Tool};
use serde_json::Value;
use tape::{Array, Axes, Elementwise, ParamId, Replay, Tape, Tensor, TensorOps};

/// The logarithm of the sum of the exponentials of the elements.
pub fn log_sum_exp<A: Array<f64>>(x: &A) -> A {
    let largest = x.max_axes(Axes::all(), false);
    let sum = (x.clone() - largest.clone()).exp().sum_axes(Axes::all(), false);
    largest + sum.ln()
}

/// The gradient, recorded anew.
pub fn gradient(tape: &mut Tape, x: &Tensor) -> Tensor {
    tape.reset();
    let x = tape.var(x.clone());
    log_sum_exp(&x).item().backward().wrt(x)
}

/// The gradient, from one recording.
///
/// # Errors
/// If there are no elements.
pub fn replayed_gradient(x: &Tensor) -> Result<impl FnMut() -> Tensor, String> {
    let id = ParamId::new();
    let failed = |error: tape::Error| error.to_string();
    let mut replay =
        Replay::new([], |tape, []| log_sum_exp(&tape.parameter(id, x)).item()).map_err(failed)?;
    let x = x.clone();
    Ok(move || {
        let run = replay.bind(id, &x).and_then(|replay| replay.value_and_gradient(&[]));
        run.unwrap_or_else(|error| panic!("{error}")).1.of(id)
    })
}

/// The functions `primal` and `gradient`.
///
/// # Errors
/// If the input is wrong, or the function another one.
pub fn evaluate(request: &Request) -> Result<Value, String> {
    let x = input::vector(request.input, "x")?;
    if x.is_empty() {
        return Err("`x`: expected at least one number, found none".to_string());
    }
    let (x, mut tape) = (Tensor::from(x), Tape::new());
    match (request.function, request.tool) {
        ("primal", _) => Ok(request.measure(|| log_sum_exp(&x).item()).into()),
        ("gradient", Tool::Tape) => Ok(request.measure(|| gradient(&mut tape, &x)).to_vec().into()),
        ("gradient", Tool::Program) => Ok(request.measure(replayed_gradient(&x)?).to_vec().into()),
        _ => Err(request.unknown("lse", &["primal", "gradient"])),
    }
}
