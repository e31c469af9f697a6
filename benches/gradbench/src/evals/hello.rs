//! `hello`: the square of a number, and its derivative, the double.

use crate::request::{Request, Tool};
use serde_json::Value;
use tape::{Algebra, Program, transform};

/// `x²`
pub fn square<A: Algebra>(x: A) -> A {
    x * x
}

/// The functions `square` and `double`.
///
/// # Errors
/// If the input is no number, or the function another one.
pub fn evaluate(request: &Request) -> Result<Value, String> {
    let x = request.input.as_f64().ok_or_else(|| format!("expected a number, found {}", request.input))?;
    match (request.function, request.tool) {
        ("square", _) => Ok(request.measure(|| square(x)).into()),
        ("double", Tool::Tape) => Ok(request.measure(|| transform::grad(|x| square(x), x)).into()),
        ("double", Tool::Program) => {
            let double = Program::new(|p| square(p.input("x"))).gradient();
            Ok(request.measure(|| double.call(&[x])[0]).into())
        }
        _ => Err(request.unknown("hello", &["square", "double"])),
    }
}
