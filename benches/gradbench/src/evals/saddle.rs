//! `saddle`: a saddle point of `f(a, b) = |a|² - |b|²`: the minimum over `a` of `M(a) = max_b f(a, b)`. The gradient of `M` goes
//! through the descent that finds the maximum, whose steps are gradients of `f`.

use crate::evals::nested::{Function, Gradient, Mode, Number, Objective, VARIANTS, argmin, differences};
use crate::input;
use crate::request::Request;
use serde_json::Value;
use tape::{Algebra, Dual, Tape};

fn square<A: Algebra>([x, y]: [A; 2]) -> A {
    x * x + y * y
}

/// `-f(a, b)` as a function of `b`, to be minimised: `a` is given.
pub struct Negative;

impl Function<2, 2> for Negative {
    fn at<A: Algebra>(&self, a: [A; 2], b: [A; 2]) -> A {
        square(b) - square(a)
    }
}

/// `-f(a, b)` for numbers `a` that may carry derivatives.
struct Inner<'f, A> {
    a: [A; 2],
    negative: &'f mut Gradient<Negative, 2, 2>,
}

impl<A: Number> Objective<A, 2> for Inner<'_, A> {
    fn value_and_gradient(&mut self, b: [A; 2]) -> (f64, [A; 2]) {
        let value = self.negative.value(self.a.map(A::plain), b.map(A::plain));
        (value, A::gradient(self.negative, self.a, b))
    }
}

/// Where `f(a, b)` has its maximum over `b`, searched for from `start`.
pub fn argmax<A: Number>(a: [A; 2], start: [f64; 2], negative: &mut Gradient<Negative, 2, 2>) -> [A; 2] {
    argmin(&mut Inner { a, negative }, start.map(|x| a[0].lift(x)))
}

/// `M(a)`
fn maximum<A: Number>(a: [A; 2], start: [f64; 2], negative: &mut Gradient<Negative, 2, 2>) -> A {
    let b = argmax(a, start, negative);
    -negative.value(a, b)
}

/// `M`, with its gradient in the outer mode.
struct Outer {
    start: [f64; 2],
    mode: Mode,
    negative: Gradient<Negative, 2, 2>,
    tape: Tape,
}

impl Objective<f64, 2> for Outer {
    fn value_and_gradient(&mut self, a: [f64; 2]) -> (f64, [f64; 2]) {
        match self.mode {
            Mode::Forward => {
                let y = maximum(Dual::variables(a), self.start, &mut self.negative);
                (y.value(), y.tangents())
            }
            Mode::Reverse => {
                self.tape.reset();
                let a = a.map(|a| self.tape.scalar(a));
                let y = maximum(a, self.start, &mut self.negative);
                (y.value(), y.backward().wrt(a))
            }
            Mode::Differences => {
                let mut y = |a| maximum(a, self.start, &mut self.negative);
                (y(a), differences(a, y))
            }
        }
    }
}

/// The saddle point `[a₀, a₁, b₀, b₁]`, searched for from `start`, with derivatives in these modes.
pub fn saddle_point(start: [f64; 2], [mode, inner]: [Mode; 2]) -> [f64; 4] {
    let mut outer = Outer { start, mode, negative: Gradient::new(inner, Negative), tape: Tape::new() };
    let a = argmin(&mut outer, start);
    let b = argmax(a, start, &mut outer.negative);
    [a[0], a[1], b[0], b[1]]
}

/// The same search with differences in place of both derivatives: what the others are measured by.
pub fn by_differences(start: [f64; 2]) -> [f64; 4] {
    saddle_point(start, [Mode::Differences; 2])
}

/// The four variants.
///
/// # Errors
/// If the input is wrong, or the function another one.
pub fn evaluate(request: &Request) -> Result<Value, String> {
    let start = input::array(request.input, "start")?;
    let modes = Mode::of_variant(request.function).ok_or_else(|| request.unknown("saddle", &VARIANTS))?;
    Ok(request.measure(|| saddle_point(start, modes)).to_vec().into())
}
