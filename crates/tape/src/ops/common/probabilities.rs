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

/// The maximum, which may be +∞; 0 if nothing is above -∞.
pub(crate) fn shift<T: Element>(x: &[T]) -> T {
    let max = x.iter().fold(T::NEG_INFINITY, |max, &x| if x > max { x } else { max });
    if max == T::NEG_INFINITY { T::ZERO } else { max }
}

/// `e^(x - m)`, and 1 where both are equal: the difference of equal infinities is undefined.
#[inline(always)]
pub(crate) fn exponential<T: Element>(x: T, m: T) -> T {
    if x == m { T::ONE } else { (x - m).exp() }
}

/// `y = e^(x - m)`: each is computed once, and many in parallel.
struct Exponentials<'a, T> {
    x: &'a [T],
    m: T,
    y: &'a mut [T],
}

impl<T: Element> Kernel for Exponentials<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        for (y, &x) in self.y.iter_mut().zip(self.x) {
            *y = exponential(x, self.m);
        }
    }
}

/// `y = e^(x - m)` with `m` the [`shift`]; returns `m` and `Σ y`.
pub(crate) fn exponentials<T: Element>(x: &[T], y: &mut [T]) -> (T, T) {
    let m = shift(x);
    simd::run(x.len(), Exponentials { x, m, y });
    (m, reduce::sum_slice(y))
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

impl<T: Element> Op<T> for Remainder {
    const NAME: &'static str = "remainder";
    const ARITY: Arity = Arity::Exactly(2, "two operands: p, v");

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        both(x, &self.axes)
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let half = T::from_f64(0.5);
        rows(x, &self.axes, |p, v, y| {
            let sum = reduce::sum_slice(v);
            y.iter_mut().zip(p).zip(v).for_each(|((y, &p), &v)| *y = v - Absorb.eval(p, sum));
            if let Some(most) = p.iter().position(|&p| p > half) {
                y[most] = T::ZERO;
                y[most] = -reduce::sum_slice(y);
            }
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
