//! The Fourier transform of real numbers, and its inverse.

use crate::error::Error;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tensor::fourier::Fourier;

/// `yₖ = Σ xⱼ exp(-2πi j k / n)` over the last axis, for `k` from 0 to `⌊n / 2⌋`; the other frequencies are conjugates. The
/// methods `rfft` and `irfft` take any axis.
///
/// # Shapes
/// `[.., n] -> [.., ⌊n / 2⌋ + 1, 2]`: real and imaginary parts along a new last axis. One number or more.
///
/// # Math
/// Linear; the cotangent is `Re Σ ȳₖ exp(2πi j k / n)`: the inverse transform of `n ȳ` with all frequencies halved that stand for
/// two. Lengths are split into prime factors: `n (p₁ + p₂ + ..)` operations.
///
/// # Errors
/// [`Error::Invalid`] if the axis is empty.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1.0, 2.0, 3.0, 4.0]);
/// let y = x.rfft(0);
/// assert_eq!(y.value(), Tensor::from([[10.0, 0.0], [-2.0, 2.0], [-2.0, 0.0]]));
/// let grads = y.vjp([[0.0, 0.0], [0.0, 1.0], [0.0, 0.0]]);
/// assert_eq!(grads.wrt(x), Tensor::from([0.0, -1.0, 0.0, 1.0]));
/// assert_eq!(y.irfft(4, 0).value(), x.value());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rfft;

/// The inverse of [`Rfft`]: `n` real numbers from `⌊n / 2⌋ + 1` frequencies.
///
/// # Shapes
/// `[.., ⌊n / 2⌋ + 1, 2] -> [.., n]`.
///
/// # Math
/// Linear; the imaginary parts of frequency 0, and of `n / 2` for an even `n`, are not read. The cotangent is the transform
/// of `x̄ / n` with all frequencies doubled that stand for two.
///
/// # Errors
/// [`Error::Shape`] if the operand has another number of frequencies, and [`Error::Invalid`] if `n` is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Irfft {
    /// The number of real numbers.
    pub n: usize,
}

fn empty() -> Error {
    Error::invalid("expected one number or more along the axis, found none")
}

/// How many of the `n` frequencies each of the first half stands for, `[⌊n / 2⌋ + 1, 1]`, times a factor.
fn multiplicities<T: Element>(n: usize, weight: impl Fn(T) -> T) -> Tensor<T> {
    Tensor::from_fn([n / 2 + 1, 1], |at| {
        let own = at[0] == (n - at[0]) % n;
        weight(if own { T::ONE } else { T::from_usize(2) })
    })
}

impl<T: Element> Op<T> for Rfft {
    const NAME: &'static str = "rfft";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        match x[0][..] {
            [] => Err(Error::rank("one axis or more", vec![])),
            [.., 0] => Err(empty()),
            [ref leading @ .., n] => Ok(leading.iter().copied().chain([n / 2 + 1, 2]).collect()),
        }
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let [.., n] = x[0].shape()[..] else { return x[0].clone() };
        let (transform, x) = (Fourier::new(n), x[0].elements());
        Tensor::build(shape.clone(), |y| {
            let rows = x.chunks_exact(n).zip(y.chunks_exact_mut((n / 2 + 1) * 2));
            rows.for_each(|(x, y)| transform.real(x, y));
        })
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let shape = x[0].shape();
        let n = shape[shape.rank() - 1];
        let weights = multiplicities(n, |each| T::from_usize(n) / each);
        A::apply(Irfft { n }, &[&(dy.clone() * dy.constant(weights))])
    }
}

impl<T: Element> Op<T> for Irfft {
    const NAME: &'static str = "irfft";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        match x[0][..] {
            _ if self.n == 0 => Err(empty()),
            [ref leading @ .., half, 2] if half == self.n / 2 + 1 => {
                Ok(leading.iter().copied().chain([self.n]).collect())
            }
            [ref leading @ .., _, _] => {
                let expected = leading.iter().copied().chain([self.n / 2 + 1, 2]).collect();
                Err(Error::shape(expected, x[0].dims()))
            }
            _ => Err(Error::rank("two axes or more", x[0].dims())),
        }
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let (transform, x) = (Fourier::new(self.n), x[0].elements());
        Tensor::build(shape.clone(), |y| {
            let rows = x.chunks_exact((self.n / 2 + 1) * 2).zip(y.chunks_exact_mut(self.n));
            rows.for_each(|(x, y)| transform.real_inverse(x, y));
        })
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        let weights = multiplicities(self.n, |each| each / T::from_usize(self.n));
        let dx = A::apply(Rfft, &[dy]);
        let weights = dx.constant(weights);
        dx * weights
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Σ xⱼ exp(-2πi j k / n), real and imaginary parts; and back",
    derivative: "linear",
    domain: "one number or more",
    convention: "",
    numpy: "fft.rfft, fft.irfft",
    torch: "fft.rfft, fft.irfft",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for n in [1, 2, 3, 4, 5, 6, 12, 15] {
        to.case(Rfft, &[&[n]]);
        to.case(Irfft { n }, &[&[n / 2 + 1, 2]]);
    }
    to.case(Rfft, &[&[2, 3, 4]]);
    to.case(Irfft { n: 5 }, &[&[2, 3, 2]]);
    to.case(Rfft, &[&[0, 4]]);
    to.case(Irfft { n: 3 }, &[&[0, 2, 2]]);
}
