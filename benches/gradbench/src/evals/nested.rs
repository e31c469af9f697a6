//! Derivatives inside derivatives, for `saddle` and `particle`: gradients in either mode of functions of numbers that
//! may carry derivatives themselves, and a gradient descent made of them.

use std::time::Instant;
use tape::{Algebra, Dual, Scalar, Tape};

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

/// A function of `N` numbers, which also depends on `given` numbers.
pub trait Function<const N: usize> {
    /// The value.
    fn at<A: Algebra>(&self, given: &[A], x: [A; N]) -> A;
}

/// A number with which a function can be differentiated.
pub trait Number: Algebra {
    /// The number without its derivatives: what comparisons look at.
    fn plain(self) -> f64;

    /// A number from which a search starts, beside `self`: it can be differentiated with respect to, but is not part of what
    /// `self` depends on.
    fn start(self, value: f64) -> Self;

    /// The gradient of `f` with respect to `x`, itself a function of `given` and `x` that can be differentiated. `scratch` is
    /// a tape for short recordings.
    fn gradient<const N: usize>(
        mode: Mode,
        f: &impl Function<N>,
        given: &[Self],
        x: [Self; N],
        scratch: &mut Tape,
    ) -> [Self; N];
}

/// The gradient by dual numbers, whatever they are made of.
fn forward<A: Algebra, const N: usize>(f: &impl Function<N>, given: &[A], x: [A; N]) -> [A; N] {
    let given: Vec<Dual<A, N>> = given.iter().map(|&a| Dual::constant(a)).collect();
    f.at(&given, Dual::variables(x)).tangents()
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

/// The least time of a computation that is repeated for some seconds, in nanoseconds.
pub fn least_time<R>(seconds: f64, mut f: impl FnMut() -> R) -> f64 {
    let (mut total, mut least) = (0.0, f64::INFINITY);
    while total < seconds {
        let start = Instant::now();
        std::hint::black_box(f());
        let time = start.elapsed().as_secs_f64();
        total += time;
        least = least.min(time);
    }
    1e9 * least
}

impl Number for f64 {
    fn plain(self) -> f64 {
        self
    }

    fn start(self, value: f64) -> f64 {
        value
    }

    fn gradient<const N: usize>(
        mode: Mode,
        f: &impl Function<N>,
        given: &[f64],
        x: [f64; N],
        scratch: &mut Tape,
    ) -> [f64; N] {
        match mode {
            Mode::Forward => return forward(f, given, x),
            Mode::Differences => return differences(x, |x| f.at(given, x)),
            Mode::Reverse => {}
        }
        scratch.reset();
        let given: Vec<Scalar> = given.iter().map(|&a| scratch.scalar_constant(a)).collect();
        let x = x.map(|x| scratch.scalar(x));
        f.at(&given, x).backward().wrt(x)
    }
}

impl Number for Scalar<'_> {
    fn plain(self) -> f64 {
        self.value()
    }

    fn start(self, value: f64) -> Self {
        self.tape().scalar(value)
    }

    fn gradient<const N: usize>(
        mode: Mode,
        f: &impl Function<N>,
        given: &[Self],
        x: [Self; N],
        _: &mut Tape,
    ) -> [Self; N] {
        match mode {
            Mode::Forward => forward(f, given, x),
            Mode::Reverse | Mode::Differences => f.at(given, x).grad(x),
        }
    }
}

/// Of dual numbers reverse mode takes the values, and pushes their tangents through the recorded gradient.
impl<const M: usize> Number for Dual<f64, M> {
    fn plain(self) -> f64 {
        self.value()
    }

    fn start(self, value: f64) -> Self {
        Dual::constant(value)
    }

    fn gradient<const N: usize>(
        mode: Mode,
        f: &impl Function<N>,
        given: &[Self],
        x: [Self; N],
        scratch: &mut Tape,
    ) -> [Self; N] {
        if mode == Mode::Forward {
            return forward(f, given, x);
        }
        scratch.reset();
        let leaves = |x: &[Self]| x.iter().map(|x| scratch.scalar(x.value())).collect::<Vec<Scalar>>();
        let (known, at) = (leaves(given), x.map(|x| scratch.scalar(x.value())));
        let gradient = f.at(&known, at).grad(at);
        let directions: Vec<(Vec<f64>, [f64; N])> = (0..M)
            .map(|k| (given.iter().map(|a| a.tangents()[k]).collect(), x.map(|x| x.tangents()[k])))
            .collect();
        let tangents = scratch.jvp_each(gradient, (known, at), &directions);
        std::array::from_fn(|i| {
            Dual::new(gradient[i].value(), std::array::from_fn(|direction| tangents[direction][i]))
        })
    }
}

/// Something with a value and a gradient, to be minimised.
pub trait Objective<A, const N: usize> {
    /// The value. It is only compared, so it needs no derivative.
    fn value(&mut self, x: [A; N]) -> f64;
    /// The gradient.
    fn gradient(&mut self, x: [A; N]) -> [A; N];
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
    let (mut value, mut slope) = (f.value(x), f.gradient(x));
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
        let next_value = f.value(next);
        if next_value < value {
            (x, value, slope) = (next, next_value, f.gradient(next));
            downwards += 1;
        } else {
            (rate, downwards) = (rate / 2.0, 0);
        }
    }
    x
}
