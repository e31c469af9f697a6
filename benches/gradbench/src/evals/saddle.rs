//! `saddle`: a saddle point of `f(a, b) = |a|² - |b|²`: the minimum over `a` of `M(a) = max_b f(a, b)`. The gradient of `M` goes
//! through the descent that finds the maximum, whose steps are gradients of `f`.

use crate::evals::nested::{Function, Mode, Number, Objective, VARIANTS, argmin, differences};
use crate::input;
use crate::request::Request;
use serde_json::Value;
use tape::{Algebra, Dual, Scalar, Tape};

fn square<A: Algebra>([x, y]: [A; 2]) -> A {
    x * x + y * y
}

/// `-f(a, b)` as a function of `b`, to be minimised: `a` is given.
struct Negative;

impl Function<2> for Negative {
    fn at<A: Algebra>(&self, a: &[A], b: [A; 2]) -> A {
        square(b) - square([a[0], a[1]])
    }
}

/// `-f(a, b)` for numbers `a` that may carry derivatives.
struct Inner<'s, A> {
    a: [A; 2],
    mode: Mode,
    scratch: &'s mut Tape,
}

impl<A: Number> Objective<A, 2> for Inner<'_, A> {
    fn value(&mut self, b: [A; 2]) -> f64 {
        Negative.at(&self.a.map(A::plain), b.map(A::plain))
    }

    fn gradient(&mut self, b: [A; 2]) -> [A; 2] {
        A::gradient(self.mode, &Negative, &self.a, b, self.scratch)
    }
}

/// Where `f(a, b)` has its maximum over `b`, searched for from `start`.
pub fn argmax<A: Number>(a: [A; 2], start: [f64; 2], mode: Mode, scratch: &mut Tape) -> [A; 2] {
    argmin(&mut Inner { a, mode, scratch }, start.map(|x| a[0].start(x)))
}

/// `M(a)`
fn maximum<A: Number>(a: [A; 2], start: [f64; 2], mode: Mode, scratch: &mut Tape) -> A {
    let b = argmax(a, start, mode, scratch);
    -Negative.at(&a, b)
}

/// `M`, with its gradient in the outer mode.
struct Outer {
    start: [f64; 2],
    modes: [Mode; 2],
    scratch: Tape,
    recording: Tape,
}

impl Objective<f64, 2> for Outer {
    fn value(&mut self, a: [f64; 2]) -> f64 {
        maximum(a, self.start, self.modes[1], &mut self.scratch)
    }

    fn gradient(&mut self, a: [f64; 2]) -> [f64; 2] {
        let [outer, inner] = self.modes;
        match outer {
            Mode::Forward => {
                return maximum(Dual::variables(a), self.start, inner, &mut self.scratch).tangents();
            }
            Mode::Differences => return differences(a, |a| maximum(a, self.start, inner, &mut self.scratch)),
            Mode::Reverse => {}
        }
        self.recording.reset();
        let a: [Scalar; 2] = a.map(|a| self.recording.scalar(a));
        maximum(a, self.start, inner, &mut self.scratch).backward().wrt(a)
    }
}

/// The saddle point `[a₀, a₁, b₀, b₁]`, searched for from `start`, with derivatives in these modes.
pub fn saddle_point(start: [f64; 2], modes: [Mode; 2]) -> [f64; 4] {
    let mut outer = Outer { start, modes, scratch: Tape::new(), recording: Tape::new() };
    let a = argmin(&mut outer, start);
    let b = argmax(a, start, modes[1], &mut outer.scratch);
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
