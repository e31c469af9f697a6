//! `particle`: how far a charge is to be moved for a particle to meet the axis at the origin. The force is the gradient of a
//! potential; the derivative of the cost goes through the integration of the motion.

use crate::evals::nested::{Function, Gradient, Mode, Number, Objective, VARIANTS, argmin, differences};
use crate::input;
use crate::request::Request;
use serde_json::Value;
use tape::{Algebra, Dual, Elementwise, Tape};

/// The length of a step.
const DT: f64 = 0.1;

/// The potential of two charges, at (10, 10 - w) and (10, 0).
struct Potential;

impl Function<1, 2> for Potential {
    fn at<A: Algebra>(&self, [w]: [A; 1], [x, y]: [A; 2]) -> A {
        let ten = x.lift(10.0);
        let inverse_distance = |height: A| {
            let (across, up) = (x - ten, y - height);
            (across * across + up * up).rsqrt()
        };
        inverse_distance(ten - w) + inverse_distance(x.lift(0.0))
    }
}

/// The most steps of a motion: a particle that has not met the axis by then is not going to.
const STEPS: usize = 100_000;

/// The square of where the particle meets the axis.
///
/// # Panics
/// If it does not.
fn cost<A: Number>(w: A, potential: &mut Gradient<Potential, 1, 2>) -> A {
    let dt = w.lift(DT);
    let (mut x, mut v) = ([0.0, 8.0].map(|x| w.lift(x)), [0.75, 0.0].map(|v| w.lift(v)));
    for _ in 0..STEPS {
        let next: [A; 2] = std::array::from_fn(|i| x[i] + dt * v[i]);
        if next[1].plain() <= 0.0 {
            let remaining = -next[1] / v[1];
            return (next[0] + remaining * v[0]).square();
        }
        let slope = A::gradient(potential, [w], x);
        v = std::array::from_fn(|i| v[i] - dt * slope[i]);
        x = next;
    }
    panic!("particle: expected the axis within {STEPS} steps, found a height of {}", x[1].plain())
}

/// The cost, with its derivative in the outer mode.
struct Outer {
    mode: Mode,
    potential: Gradient<Potential, 1, 2>,
    tape: Tape,
}

impl Outer {
    fn new([mode, inner]: [Mode; 2]) -> Outer {
        Outer { mode, potential: Gradient::new(inner, Potential), tape: Tape::new() }
    }
}

impl Objective<f64, 1> for Outer {
    fn value_and_gradient(&mut self, w: [f64; 1]) -> (f64, [f64; 1]) {
        match self.mode {
            Mode::Forward => {
                let [w] = Dual::variables(w);
                let y = cost(w, &mut self.potential);
                (y.value(), y.tangents())
            }
            Mode::Reverse => {
                self.tape.reset();
                let w = self.tape.scalar(w[0]);
                let y = cost(w, &mut self.potential);
                (y.value(), [y.backward().wrt(w)])
            }
            Mode::Differences => {
                let mut y = |[w]: [f64; 1]| cost(w, &mut self.potential);
                (y(w), differences(w, y))
            }
        }
    }
}

/// The cost at `w` and its derivative in these modes.
pub fn cost_and_slope(w: f64, modes: [Mode; 2]) -> [f64; 2] {
    let (value, [slope]) = Outer::new(modes).value_and_gradient([w]);
    [value, slope]
}

/// The `w` of the least cost, searched for from `start`, with derivatives in these modes.
pub fn least_cost(start: f64, modes: [Mode; 2]) -> f64 {
    argmin(&mut Outer::new(modes), [start])[0]
}

/// The same search with differences in place of both derivatives: what the others are measured by.
pub fn by_differences(start: f64) -> f64 {
    least_cost(start, [Mode::Differences; 2])
}

/// The four variants.
///
/// # Errors
/// If the input is wrong, or the function another one.
pub fn evaluate(request: &Request) -> Result<Value, String> {
    let start = input::number(request.input, "w")?;
    let modes = Mode::of_variant(request.function).ok_or_else(|| request.unknown("particle", &VARIANTS))?;
    Ok(request.measure(|| least_cost(start, modes)).into())
}
