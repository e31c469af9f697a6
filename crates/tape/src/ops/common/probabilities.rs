//! Helpers for the softmax family: exponentials that do not overflow, and the two linear maps of its derivatives.
//!
//! Both maps subtract, and where one probability is almost 1 the plain difference is nothing but rounding
//! error. A row of probabilities `p` sums to 1, which gives the same without cancellation.

use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::rules::algebra::{Algebra, Binary, Element};
use crate::rules::op::{Arity, Array, Op};
use crate::shape::{Axes, Shape};
use crate::simd::{self, Kernel};
use crate::tensor::{Tensor, reduce};

/// The number of elements whose exponentials are computed at a time.
const BLOCK: usize = 256;

/// The lanes of a search for a maximum.
const LANES: usize = 8;

/// The maximum, which may be +∞; 0 if nothing is above -∞.
#[inline(always)]
fn shift<T: Element>(x: &[T]) -> T {
    let larger = |max: T, x: T| if x > max { x } else { max };
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut lanes = [T::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (max, &x) in lanes.iter_mut().zip(chunk) {
            *max = larger(*max, x);
        }
    }
    let max = lanes.iter().chain(rest).fold(T::NEG_INFINITY, |max, &x| larger(max, x));
    if max == T::NEG_INFINITY { T::ZERO } else { max }
}

/// The exponentials of rows, see [`exponentials`].
struct Exponentials<'a, T> {
    x: &'a [T],
    length: usize,
    y: &'a mut [T],
    shifts: &'a mut [T],
}

impl<T: Element> Kernel for Exponentials<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Exponentials { x, length, y, shifts } = self;
        let rows = x.chunks_exact(length).zip(y.chunks_exact_mut(length));
        for ((x, y), m) in rows.zip(shifts) {
            *m = shift(x);
            for (y, &x) in y.iter_mut().zip(x) {
                // The difference of equal infinities is undefined.
                *y = if x == *m { T::ZERO } else { x - *m };
            }
        }
        // All rows in one loop: their ends would not fill vectors.
        for y in y {
            *y = y.exp();
        }
    }
}

/// The number of elements of some rows of this length, which stay in the first-level cache if a row does.
pub(crate) fn some_rows(length: usize) -> usize {
    (BLOCK / length).max(1) * length
}

/// Computes `y = e^(x - m)` for rows of this length, with `m` the largest element of a row (0 if nothing is above -∞). Calls
/// `then(x, y, m, Σ y)` for some rows at a time, the last two with one element for each.
pub(crate) fn exponentials<T: Element>(
    x: &[T],
    length: usize,
    y: &mut [T],
    mut then: impl FnMut(&[T], &mut [T], &mut [T], &mut [T]),
) {
    if length == 0 {
        return;
    }
    let block = some_rows(length);
    let (mut shifts, mut sums) = ([T::ZERO; BLOCK], [T::ZERO; BLOCK]);
    for (x, y) in x.chunks(block).zip(y.chunks_mut(block)) {
        let count = x.len() / length;
        let (shifts, sums) = (&mut shifts[..count], &mut sums[..count]);
        simd::run(x.len(), Exponentials { x, length, y, shifts });
        reduce::sum_rows_of(y, length, sums);
        then(x, y, shifts, sums);
    }
}

/// The shares of the exponentials of rows of this length in their sums, each times the factor of its row.
pub(crate) fn shares<T: Element>(x: &[T], length: usize, y: &mut [T], factor: impl Fn(usize) -> T) {
    let mut row = 0;
    exponentials(x, length, y, |_, y, _, sums| {
        let factor = |i: usize| factor(row + i);
        simd::run(y.len(), Shares { y, length, sums, factor });
        row += sums.len();
    });
}

/// See [`shares`].
struct Shares<'a, T, F> {
    y: &'a mut [T],
    length: usize,
    sums: &'a [T],
    factor: F,
}

impl<T: Element, F: Fn(usize) -> T> Kernel for Shares<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Shares { y, length, sums, factor } = self;
        for (i, (y, &sum)) in y.chunks_exact_mut(length).zip(sums).enumerate() {
            let factor = factor(i);
            // A row without exponentials has no shares, and a factor of zero absorbs them.
            if factor == T::ZERO || sum == T::ZERO {
                y.fill(T::ZERO);
            } else {
                y.iter_mut().for_each(|y| *y = factor * (*y / sum));
            }
        }
    }
}

/// The product in which an exactly zero factor absorbs the other, on either side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Absorb;

impl Binary for Absorb {
    const NAME: &'static str = "absorb";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, b: T) -> T {
        if (a == T::ZERO) | (b == T::ZERO) { T::ZERO } else { a * b }
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, _a: A, b: A, _y: A) -> A {
        b
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, _b: A, _y: A) -> A {
        a
    }
}

/// The shape rule of a map of `v` that depends on the probabilities `p`.
fn both(x: &[&Shape], axes: &Axes) -> Result<Shape, Error> {
    x[0].axes(axes)?;
    if x[0] != x[1] {
        return Err(Error::shape(x[0].dims(), x[1].dims()));
    }
    Ok(x[0].clone())
}

/// `f(p, v, y)` for every row.
fn rows<T: Element>(x: &[&Tensor<T>], axes: &Axes, f: impl Fn(&[T], &[T], &mut [T]) + Sync) -> Tensor<T> {
    let axes = error::expect(x[0].shape().axes(axes));
    reduce::rows([x[0], x[1]], &axes, |[p, v], y| {
        // A row without probabilities contributes nothing.
        if p.iter().all(|&p| p == T::ZERO) { y.fill(T::ZERO) } else { f(p, v, y) }
    })
}

/// `v - Σ p v` over axes along which `p` sums to 1 (0 where it sums to 0): the tangent of the logarithms.
///
/// The mean is taken of the differences to `v` at the largest `p`, which are what matters if the other
/// probabilities are tiny. An element of probability 0 is ignored.
///
/// The cotangent of `p` is determined up to a constant along the axes, since `p` only moves with its sum
/// fixed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Deviation {
    pub(crate) axes: Axes,
}

impl<T: Element> Op<T> for Deviation {
    const NAME: &'static str = "deviation";
    const ARITY: Arity = Arity::Exactly(2, "two operands: p, v");

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        both(x, &self.axes)
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        rows(x, &self.axes, |p, v, y| {
            let most = (0..p.len()).fold(0, |most, i| if p[i] > p[most] { i } else { most });
            let origin = v[most];
            y.iter_mut().zip(v).for_each(|(y, &v)| *y = v - origin);
            let mean = reduce::sum_pairs(p, y, |p, d| Absorb.eval(p, d));
            y.iter_mut().for_each(|y| *y -= mean);
        })
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dx: &A) -> A {
        match k {
            0 => -dx.clone().zip(y.clone(), Absorb).sum_axes(self.axes.clone(), true).broadcast_to(y.shape()),
            _ => A::apply(self.clone(), &[x[0], dx]),
        }
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dy: &A) -> A {
        match k {
            0 => -y.clone().zip(dy.sum_axes(self.axes.clone(), true), Absorb),
            _ => A::apply(Remainder { axes: self.axes.clone() }, &[x[0], dy]),
        }
    }
}

/// `v - p Σ v` over axes along which `p` sums to 1 (0 where it sums to 0): the cotangent of the logits, the adjoint of
/// [`Deviation`].
///
/// The result sums to 0, so where one probability is above 1/2 its element is minus the sum of the others.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Remainder {
    pub(crate) axes: Axes,
}

/// Replaces the probabilities `p` of a row by `v - p Σ v`.
pub(crate) fn remain<T: Element>(p: &mut [T], v: &[T]) {
    let (sum, half) = (reduce::sum_slice(v), T::from_f64(0.5));
    // A search that does not stop early fills vectors.
    let most = match p.iter().fold(false, |any, &p| any | (p > half)) {
        true => p.iter().position(|&p| p > half),
        false => None,
    };
    p.iter_mut().zip(v).for_each(|(p, &v)| *p = v - Absorb.eval(*p, sum));
    if let Some(most) = most {
        p[most] = T::ZERO;
        p[most] = -reduce::sum_slice(p);
    }
}

impl<T: Element> Op<T> for Remainder {
    const NAME: &'static str = "remainder";
    const ARITY: Arity = Arity::Exactly(2, "two operands: p, v");

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        both(x, &self.axes)
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        rows(x, &self.axes, |p, v, y| {
            y.copy_from_slice(p);
            remain(y, v);
        })
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        match k {
            0 => -dx.clone().zip(x[1].sum_axes(self.axes.clone(), true), Absorb),
            _ => A::apply(self.clone(), &[x[0], dx]),
        }
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let deviation = A::apply(Deviation { axes: self.axes.clone() }, &[x[0], dy]);
        match k {
            0 => -deviation.zip(x[1].sum_axes(self.axes.clone(), true), Absorb),
            _ => deviation,
        }
    }
}
