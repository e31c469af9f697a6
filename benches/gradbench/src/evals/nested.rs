//! Derivatives inside derivatives, for `saddle` and `particle`: gradients in either mode of functions of numbers that
//! may carry derivatives themselves, and a gradient descent made of them.

use crate::request::processor_time;
use std::time::Instant;
use tape::{Algebra, Dual, Evaluator, Program, Scalar};

/// Forward or reverse mode; or no derivative, for comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Tangents.
    Forward,
    /// Cotangents.
    Reverse,
    /// Central differences of values.
    Differences,
}

impl Mode {
    /// The modes of a variant: of the outer and of the inner derivative.
    pub fn of_variant(name: &str) -> Option<[Mode; 2]> {
        let mode = |letter: u8| match letter {
            b'f' => Some(Mode::Forward),
            b'r' => Some(Mode::Reverse),
            _ => None,
        };
        match *name.as_bytes() {
            [outer, inner] => Some([mode(outer)?, mode(inner)?]),
            _ => None,
        }
    }
}

/// The variants, by name.
pub const VARIANTS: [&str; 4] = ["ff", "fr", "rf", "rr"];

/// A function of `N` numbers, which also depends on `G` given numbers.
pub trait Function<const G: usize, const N: usize> {
    /// The value.
    fn at<A: Algebra>(&self, given: [A; G], x: [A; N]) -> A;
}

/// The gradient of a function in one of the modes, at numbers that may carry derivatives.
pub struct Gradient<F, const G: usize, const N: usize> {
    mode: Mode,
    function: F,
    /// The gradient in reverse mode, recorded, as a function of the given numbers and the others.
    recorded: Program,
    values: Evaluator,
    /// The gradient and then its tangent.
    with_tangent: Evaluator,
}

impl<F: Function<G, N>, const G: usize, const N: usize> Gradient<F, G, N> {
    /// Records the gradient.
    pub fn new(mode: Mode, function: F) -> Self {
        let value = Program::new(|p| {
            let (given, x) = (p.group("given", G), p.group("x", N));
            function.at(std::array::from_fn(|k| given[k]), std::array::from_fn(|k| x[k]))
        });
        let recorded = value.wrt(&["x"]).gradient();
        let tangent = recorded.jvp();
        let with_tangent = Program::several(|p| {
            let (x, dx) = (p.group("x", G + N), p.group("dx", G + N));
            [recorded.on(&x), tangent.on(&[x, dx].concat())].concat()
        });
        let (values, with_tangent) = (recorded.evaluator(), with_tangent.evaluator());
        Gradient { mode, function, recorded, values, with_tangent }
    }

    /// The value of the function.
    pub fn value<A: Algebra>(&self, given: [A; G], x: [A; N]) -> A {
        self.function.at(given, x)
    }

    /// The gradient by dual numbers, whatever they are made of.
    fn forward<A: Algebra>(&self, given: [A; G], x: [A; N]) -> [A; N] {
        self.function.at(given.map(Dual::constant), Dual::variables(x)).tangents()
    }
}

/// A number at which a function can be differentiated.
pub trait Number: Algebra {
    /// The number without its derivatives: what comparisons look at.
    fn plain(self) -> f64;

    /// The gradient of `f` with respect to `x`, itself a function of `given` and `x` that can be differentiated.
    fn gradient<F: Function<G, N>, const G: usize, const N: usize>(
        f: &mut Gradient<F, G, N>,
        given: [Self; G],
        x: [Self; N],
    ) -> [Self; N];
}

/// The gradient by central differences.
pub fn differences<const N: usize>(x: [f64; N], mut f: impl FnMut([f64; N]) -> f64) -> [f64; N] {
    const STEP: f64 = 1e-5;
    std::array::from_fn(|k| {
        let (mut above, mut below) = (x, x);
        above[k] += STEP;
        below[k] -= STEP;
        (f(above) - f(below)) / (2.0 * STEP)
    })
}

/// The mean processor time of a computation that is repeated for some seconds, in nanoseconds.
pub fn mean_time<R>(seconds: f64, mut f: impl FnMut() -> R) -> f64 {
    let (start, begin, mut runs) = (Instant::now(), processor_time(), 0);
    while start.elapsed().as_secs_f64() < seconds {
        std::hint::black_box(f());
        runs += 1;
    }
    (processor_time() - begin) / f64::from(runs)
}

impl Number for f64 {
    fn plain(self) -> f64 {
        self
    }

    fn gradient<F: Function<G, N>, const G: usize, const N: usize>(
        f: &mut Gradient<F, G, N>,
        given: [f64; G],
        x: [f64; N],
    ) -> [f64; N] {
        match f.mode {
            Mode::Forward => f.forward(given, x),
            Mode::Differences => differences(x, |x| f.function.at(given, x)),
            Mode::Reverse => {
                let mut arguments = [0.0; ARGUMENTS];
                let found = f.values.call(joined(&mut arguments, [&given[..], &x]));
                std::array::from_fn(|i| found[i])
            }
        }
    }
}

/// The most arguments of a recorded gradient and its tangents.
const ARGUMENTS: usize = 16;

/// Lists one after another, in the front of a buffer.
fn joined<'b, A: Copy, const L: usize>(buffer: &'b mut [A; ARGUMENTS], lists: [&[A]; L]) -> &'b [A] {
    let mut count = 0;
    for list in lists {
        buffer[count..count + list.len()].copy_from_slice(list);
        count += list.len();
    }
    &buffer[..count]
}

/// On a tape reverse mode records the gradient once more.
impl Number for Scalar<'_> {
    fn plain(self) -> f64 {
        self.value()
    }

    fn gradient<F: Function<G, N>, const G: usize, const N: usize>(
        f: &mut Gradient<F, G, N>,
        given: [Self; G],
        x: [Self; N],
    ) -> [Self; N] {
        if f.mode == Mode::Forward {
            return f.forward(given, x);
        }
        let mut arguments = [x[0]; ARGUMENTS];
        let found = f.recorded.on(joined(&mut arguments, [&given[..], &x]));
        std::array::from_fn(|i| found[i])
    }
}

/// Of dual numbers reverse mode takes the gradient at the values and its tangent, in each direction.
impl<const M: usize> Number for Dual<f64, M> {
    fn plain(self) -> f64 {
        self.value()
    }

    fn gradient<F: Function<G, N>, const G: usize, const N: usize>(
        f: &mut Gradient<F, G, N>,
        given: [Self; G],
        x: [Self; N],
    ) -> [Self; N] {
        if f.mode == Mode::Forward {
            return f.forward(given, x);
        }
        let (mut values, mut tangents) = ([0.0; N], [[0.0; M]; N]);
        for direction in 0..M {
            let moved = |number: Self| number.tangents()[direction];
            let mut arguments = [0.0; ARGUMENTS];
            let at = [&given.map(Self::plain)[..], &x.map(Self::plain), &given.map(moved), &x.map(moved)];
            let found = f.with_tangent.call(joined(&mut arguments, at));
            values.copy_from_slice(&found[..N]);
            tangents.iter_mut().zip(&found[N..]).for_each(|(tangent, &dx)| tangent[direction] = dx);
        }
        std::array::from_fn(|i| Dual::new(values[i], tangents[i]))
    }
}

/// Something with a value and a gradient, to be minimised.
pub trait Objective<A, const N: usize> {
    /// The value, which is only compared and so needs no derivative, and the gradient.
    fn value_and_gradient(&mut self, x: [A; N]) -> (f64, [A; N]);
}

/// Euclid's norm of the values.
fn length<A: Number, const N: usize>(x: [A; N]) -> f64 {
    x.map(|x| x.plain() * x.plain()).iter().sum::<f64>().sqrt()
}

/// Where gradient descent from `start` stops: where the gradient, or the next step, is at most 1e-5 long. The length of
/// a step is doubled after ten steps downwards, and halved when a step leads upwards.
pub fn argmin<A: Number, const N: usize>(f: &mut impl Objective<A, N>, start: [A; N]) -> [A; N] {
    const SMALL: f64 = 1e-5;
    let mut x = start;
    let (mut value, mut slope) = f.value_and_gradient(x);
    let (mut rate, mut downwards) = (1e-5, 0);
    while length(slope) > SMALL {
        if downwards == 10 {
            (rate, downwards) = (2.0 * rate, 0);
            continue;
        }
        let next: [A; N] = std::array::from_fn(|i| x[i] - x[i].lift(rate) * slope[i]);
        let change: [f64; N] = std::array::from_fn(|i| x[i].plain() - next[i].plain());
        if length(change) <= SMALL {
            break;
        }
        let (next_value, next_slope) = f.value_and_gradient(next);
        if next_value < value {
            (x, value, slope) = (next, next_value, next_slope);
            downwards += 1;
        } else {
            (rate, downwards) = (rate / 2.0, 0);
        }
    }
    x
}
