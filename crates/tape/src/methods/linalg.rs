//! Linear algebra that is composed of other operations: powers, products, distances, diagonals, transforms of any axis.

use super::rearrange::Located;
use crate::error::{self, Error};
use crate::operand::Operand;
use crate::ops::{self, TensorOps};
use crate::rules::algebra::Element;
use crate::rules::op::Array;
use crate::shape::{Axes, Shape};
use crate::tape::Var;
use crate::tensor::Tensor;
use std::panic::Location;

/// Leading axes, rows and columns of a matrix or a stack of them.
pub(super) fn matrices(op: &'static str, x: &Shape) -> Result<(Shape, usize, usize), Error> {
    match x[..] {
        [.., m, n] => Ok((x[..x.rank() - 2].into(), m, n)),
        _ => Err(Error::Rank { op, expected: "a matrix or a stack of them", found: x.dims() }),
    }
}

/// The shape with other last axes.
pub(super) fn ending(x: &[usize], last: &[usize]) -> Shape {
    x.iter().chain(last).copied().collect()
}

/// `Aⁿ` by repeated squaring.
fn power<T: Element, A: Array<T>>(x: &A, n: i32) -> Result<A, Error> {
    let (batch, rows, columns) = matrices("matrix_power", &x.shape())?;
    if rows != columns {
        return Err(Error::Rank { op: "matrix_power", expected: "square matrices", found: x.shape().dims() });
    }
    let mut square = if n < 0 { x.inverse() } else { x.clone() };
    let (mut left, mut product) = (n.unsigned_abs(), None::<A>);
    while left > 0 {
        if left % 2 == 1 {
            product = Some(product.map_or(square.clone(), |product| product.matmul(&square)));
        }
        left /= 2;
        if left > 0 {
            square = square.matmul(&square);
        }
    }
    let unit = || x.constant(Tensor::eye(rows).stretched(&ending(&batch, &[rows, rows])));
    Ok(product.unwrap_or_else(unit))
}

fn kron<T: Element, A: Array<T>>(a: &A, b: &A) -> A {
    let (sa, sb) = (a.shape(), b.shape());
    let rank = sa.rank().max(sb.rank());
    let filled = |x: &Shape| -> Vec<usize> {
        std::iter::repeat_n(1, rank - x.rank()).chain(x.iter().copied()).collect()
    };
    let (ea, eb) = (filled(&sa), filled(&sb));
    let apart = |x: &A, place: fn(usize) -> [usize; 2], extents: &[usize]| {
        x.reshape(extents.iter().flat_map(|&n| place(n)).collect::<Shape>())
    };
    let product = apart(a, |n| [n, 1], &ea) * apart(b, |n| [1, n], &eb);
    product.reshape(ea.iter().zip(&eb).map(|(a, b)| a * b).collect::<Shape>())
}

/// The axes that are summed and the others, both in the order in which they are to come.
fn apart(x: &Shape, axes: &Axes) -> Result<[Vec<usize>; 2], Error> {
    let summed = x.order(axes)?.to_vec();
    let kept = (0..x.rank()).filter(|axis| !summed.contains(axis)).collect();
    Ok([summed, kept])
}

fn tensordot<T: Element, A: Array<T>>(a: &A, b: &A, axes: [&Axes; 2]) -> Result<A, Error> {
    let (sa, sb) = (a.shape(), b.shape());
    let named = |error: Error| error.named("tensordot");
    let [a_summed, a_kept] = apart(&sa, axes[0]).map_err(named)?;
    let [b_summed, b_kept] = apart(&sb, axes[1]).map_err(named)?;
    let extents = |x: &Shape, axes: &[usize]| axes.iter().map(|&axis| x[axis]).collect::<Vec<_>>();
    let (inner, other) = (extents(&sa, &a_summed), extents(&sb, &b_summed));
    if inner != other {
        let reason = format!("expected equal extents of the summed axes, found {inner:?} and {other:?}");
        return Err(Error::Invalid { op: "tensordot", reason });
    }
    let (rows, columns) = (extents(&sa, &a_kept), extents(&sb, &b_kept));
    let size = |extents: &[usize]| extents.iter().product::<usize>();
    let matrix = |x: &A, order: [Vec<usize>; 2], shape: [usize; 2]| {
        let order: Vec<isize> = order.concat().into_iter().map(|axis| axis as isize).collect();
        x.permute(&order[..]).reshape(shape)
    };
    let k = size(&inner);
    let a = matrix(a, [a_kept, a_summed], [size(&rows), k]);
    let b = matrix(b, [b_summed, b_kept], [k, size(&columns)]);
    Ok(a.matmul(&b).reshape(ending(&rows, &columns)))
}

fn cdist<T: Element, A: Array<T>>(x: &A, y: &A, p: f64) -> Result<A, Error> {
    let (sx, sy) = (x.shape(), y.shape());
    let ((batch_x, m, k), (batch_y, n, other)) = (matrices("cdist", &sx)?, matrices("cdist", &sy)?);
    if k != other {
        return Err(Error::InnerDims { op: "cdist", lhs: sx.dims(), rhs: sy.dims() });
    }
    let gaps = x.reshape(ending(&batch_x, &[m, 1, k])) - y.reshape(ending(&batch_y, &[1, n, k]));
    Ok(gaps.norm_axes(p, [-1], false))
}

/// The order of axes with one moved to the end, and its inverse.
fn last(op: &'static str, x: &Shape, axis: isize) -> Result<[Vec<isize>; 2], Error> {
    let axis = x.axis(axis).map_err(|error| error.named(op))?;
    let there = (0..x.rank()).filter(|&other| other != axis).chain([axis]);
    let back = (0..x.rank()).map(|other| match other {
        _ if other < axis => other,
        _ if other == axis => x.rank() - 1,
        _ => other - 1,
    });
    Ok([there.map(|axis| axis as isize).collect(), back.map(|axis| axis as isize).collect()])
}

fn rfft<T: Element, A: Array<T>>(x: &A, axis: isize) -> Result<A, Error> {
    let [there, mut back] = last("rfft", &x.shape(), axis)?;
    back.push(there.len() as isize);
    Ok(A::apply(ops::Rfft, &[&x.permute(&there[..])]).permute(&back[..]))
}

fn irfft<T: Element, A: Array<T>>(x: &A, n: usize, axis: isize) -> Result<A, Error> {
    let shape = x.shape();
    let [ref leading @ .., 2] = shape[..] else {
        let expected = "real and imaginary parts along the last axis";
        return Err(Error::Rank { op: "irfft", expected, found: shape.dims() });
    };
    let [mut there, back] = last("irfft", &Shape::from(leading), axis)?;
    there.push(back.len() as isize);
    Ok(A::apply(ops::Irfft { n }, &[&x.permute(&there[..])]).permute(&back[..]))
}

/// The methods of a type: the type of `self`, and of its operands.
macro_rules! methods {
    ($([$($lifetime:lifetime)?] $type:ty, $this:ty;)*) => {$(
        impl<$($lifetime,)? T: Element> $type {
            /// `Aⁿ` of square matrices, by repeated squaring; the power 0 is the unit matrix, and negative powers are those of the
            /// inverse.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let a = tape.var([[1.0, 1.0], [0.0, 1.0]]);
            /// let y = a.matrix_power(3);
            /// assert_eq!(y.value(), Tensor::from([[1.0, 3.0], [0.0, 1.0]]));
            /// assert_eq!(y.vjp([[0.0, 1.0], [0.0, 0.0]]).wrt(a), Tensor::from([[3.0, 3.0], [1.0, 3.0]]));
            /// assert_eq!(Tensor::from([[2.0]]).matrix_power(-2), Tensor::from([[0.25]]));
            /// ```
            ///
            /// # Panics
            /// If the matrices are not square, or `n` is negative and one is singular.
            #[track_caller]
            pub fn matrix_power(self: $this, n: i32) -> $type {
                self.located(Location::caller(), || error::expect(power(&self.clone(), n)))
            }

            /// The Kronecker product: every element times the whole of `rhs`. Extents are multiplied axis by axis; axes that
            /// one of the two lacks in front have extent 1.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let (a, b) = (tape.var([[1.0, 2.0]]), tape.var([[3.0], [4.0]]));
            /// let y = a.kron(b);
            /// assert_eq!(y.value(), Tensor::from([[3.0, 6.0], [4.0, 8.0]]));
            /// assert_eq!(y.vjp([[1.0, 10.0], [0.0, 0.0]]).wrt(b), Tensor::from([[21.0], [0.0]]));
            /// ```
            #[track_caller]
            pub fn kron(self: $this, rhs: impl Operand<$type>) -> $type {
                let rhs = rhs.beside(&self.clone());
                self.located(Location::caller(), || kron(&self.clone(), &rhs))
            }

            /// The sum of products over `axes` of `self` and `rhs_axes` of `rhs`, in pairs; the result has the other axes of
            /// `self`, then those of `rhs`.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let (a, b) = (tape.var([[1.0, 2.0], [3.0, 4.0]]), tape.var([[5.0, 6.0], [7.0, 8.0]]));
            /// let product = a.tensordot(b, 0, 1);
            /// assert_eq!(product.value(), Tensor::from([[23.0, 31.0], [34.0, 46.0]]));
            /// let inner = a.tensordot(b, [0, 1], [0, 1]);
            /// assert_eq!(inner.value(), Tensor::scalar(70.0));
            /// assert_eq!(inner.vjp(1.0).wrt(a), b.value());
            /// ```
            ///
            /// # Panics
            /// If an axis does not exist or occurs twice, or the extents differ.
            #[track_caller]
            pub fn tensordot(
                self: $this,
                rhs: impl Operand<$type>,
                axes: impl Into<Axes>,
                rhs_axes: impl Into<Axes>,
            ) -> $type {
                let (rhs, axes, rhs_axes) = (rhs.beside(&self.clone()), axes.into(), rhs_axes.into());
                let site = Location::caller();
                self.located(site, || error::expect(tensordot(&self.clone(), &rhs, [&axes, &rhs_axes])))
            }

            /// The distance, in the [`p`-norm](crate::ops::Norm), of every row of `self` from every row of `rhs`:
            /// `[.., m, k]`, `[.., n, k] -> [.., m, n]`. At a distance of 0 the derivative is 0. The differences are computed one
            /// by one, so that near rows lose no digits; they take memory for `m n k` elements.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let (x, y) = (tape.var([[0.0, 0.0]]), tape.var([[3.0, 4.0], [0.0, 0.0]]));
            /// let d = x.cdist(y, 2.0);
            /// assert_eq!(d.value(), Tensor::from([[5.0, 0.0]]));
            /// let grads = d.vjp([[1.0, 1.0]]);
            /// assert_eq!(grads.wrt(x), Tensor::from([[-0.6, -0.8]]));
            /// assert_eq!(grads.wrt(y), Tensor::from([[0.6, 0.8], [0.0, 0.0]]));
            /// ```
            ///
            /// # Panics
            /// If there are fewer than two axes, the rows differ in length, or `p` is not positive.
            #[track_caller]
            pub fn cdist(self: $this, rhs: impl Operand<$type>, p: f64) -> $type {
                let rhs = rhs.beside(&self.clone());
                self.located(Location::caller(), || error::expect(cdist(&self.clone(), &rhs, p)))
            }

            /// The Fourier transform of real numbers along `axis`, which gets `⌊n / 2⌋ + 1` frequencies; real and imaginary
            /// parts are along a new last axis. See [`Rfft`](crate::ops::Rfft).
            ///
            /// # Panics
            /// If the axis does not exist or is empty.
            #[track_caller]
            pub fn rfft(self: $this, axis: isize) -> $type {
                self.located(Location::caller(), || error::expect(rfft(&self.clone(), axis)))
            }

            /// The `n` real numbers along `axis` whose [`rfft`](Self::rfft) this is. Axes are counted without the last one,
            /// which has the real and imaginary parts. See [`Irfft`](crate::ops::Irfft).
            ///
            /// # Panics
            /// If the axis does not exist or has not `⌊n / 2⌋ + 1` frequencies, or the last axis is not of extent 2.
            #[track_caller]
            pub fn irfft(self: $this, n: usize, axis: isize) -> $type {
                self.located(Location::caller(), || error::expect(irfft(&self.clone(), n, axis)))
            }
        }
    )*};
}

methods! {
    [] Tensor<T>, &Self;
    ['t] Var<'t, T>, Self;
}
