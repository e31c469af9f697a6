//! Factorisations taken apart, and what is solved with them.

use super::linalg::{ending, matrices};
use super::rearrange::Located;
use crate::error::{self, Error};
use crate::index::Index;
use crate::operand::Operand;
use crate::ops::{self, TensorOps};
use crate::rules::algebra::Element;
use crate::rules::op::Array;
use crate::tape::Var;
use crate::tensor::Tensor;
use std::panic::Location;

/// A part of one axis.
fn part<T: Element, A: Array<T>>(x: &A, axis: isize, start: usize, stop: usize) -> A {
    A::apply(ops::Slice::new(axis, start as isize..stop as isize, 1), &[x])
}

fn qr<T: Element, A: Array<T>>(x: &A) -> Result<(A, A), Error> {
    let (_, m, n) = matrices("qr", &x.shape())?;
    let square = if m < n { part(x, -1, 0, m) } else { x.clone() };
    let k = m.min(n);
    let packed = A::apply(ops::Qr, &[&square]);
    let (q, r) = (part(&packed, -2, 0, m), part(&packed, -2, m, m + k));
    if m >= n {
        return Ok((q, r));
    }
    let others = q.transpose().matmul(&part(x, -1, m, n));
    let r = A::apply(ops::Concat { axis: -1 }, &[&r, &others]);
    Ok((q, r))
}

fn eigh<T: Element, A: Array<T>>(x: &A) -> (A, A) {
    let (values, vectors) = ops::Eigh::parts(&A::apply(ops::Eigh, &[x]));
    (without_rows(&values), vectors)
}

fn svd<T: Element, A: Array<T>>(x: &A) -> Result<(A, A, A), Error> {
    let (_, m, n) = matrices("svd", &x.shape())?;
    let wide = m < n;
    let tall = if wide { x.transpose() } else { x.clone() };
    let [u, s, vt] = ops::Svd::parts(&A::apply(ops::Svd, &[&tall]));
    let s = without_rows(&s);
    Ok(if wide { (vt.transpose(), s, u.transpose()) } else { (u, s, vt) })
}

/// The row of a matrix that has one.
fn without_rows<T: Element, A: Array<T>>(x: &A) -> A {
    let shape = x.shape();
    x.reshape(ending(&shape[..shape.rank() - 2], &shape[shape.rank() - 1..]))
}

/// The methods of a type: the type of `self`, and of its operands.
macro_rules! methods {
    ($([$($lifetime:lifetime)?] $type:ty, $this:ty;)*) => {$(
        impl<$($lifetime,)? T: Element> $type {
            /// `Q` with orthonormal columns and an upper triangular `R` with positive diagonal, `Q R = A`, over the last two
            /// axes: `[.., m, k]` and `[.., k, n]` with `k = min(m, n)`. See [`Qr`](crate::ops::Qr) for wide matrices and
            /// for when there is a derivative.
            ///
            /// # Panics
            /// If there are fewer than two axes.
            #[track_caller]
            pub fn qr(self: $this) -> ($type, $type) {
                self.located(Location::caller(), || error::expect(qr(&self.clone())))
            }

            /// Eigenvalues `[.., n]`, the smallest first, and eigenvectors as columns `[.., n, n]` of the symmetric matrices
            /// in the last two axes: see [`Eigh`](crate::ops::Eigh), also for equal eigenvalues.
            ///
            /// # Panics
            /// If the matrices are not square, or an element is not finite.
            #[track_caller]
            pub fn eigh(self: $this) -> ($type, $type) {
                self.located(Location::caller(), || eigh(&self.clone()))
            }

            /// The eigenvalues of [`eigh`](Self::eigh).
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let a = tape.var([[1.0, 0.0], [0.0, 3.0]]);
            /// let values = a.eigvalsh();
            /// assert_eq!(values.value(), Tensor::from([1.0, 3.0]));
            /// assert_eq!(values.vjp([5.0, 7.0]).wrt(a), Tensor::from([[5.0, 0.0], [0.0, 7.0]]));
            /// ```
            ///
            /// # Panics
            /// As [`eigh`](Self::eigh).
            #[track_caller]
            pub fn eigvalsh(self: $this) -> $type {
                self.eigh().0
            }

            /// `U`, the singular values from the largest to the smallest, and `Vᵀ`, with `U S Vᵀ = A` over the last two axes:
            /// `[.., m, k]`, `[.., k]` and `[.., k, n]` with `k = min(m, n)`. See [`Svd`](crate::ops::Svd), also for
            /// equal singular values.
            ///
            /// # Panics
            /// If there are fewer than two axes, or an element is not finite.
            #[track_caller]
            pub fn svd(self: $this) -> ($type, $type, $type) {
                self.located(Location::caller(), || error::expect(svd(&self.clone())))
            }

            /// The singular values of [`svd`](Self::svd). Their largest is the spectral norm, their sum the nuclear norm, and
            /// the first divided by the last the condition.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let a = tape.var([[0.0, -4.0], [3.0, 0.0]]);
            /// let nuclear = a.svdvals().sum();
            /// assert_eq!(nuclear.value(), 7.0);
            /// assert_eq!(nuclear.backward().wrt(a), Tensor::from([[0.0, -1.0], [1.0, 0.0]]));
            /// ```
            ///
            /// # Panics
            /// As [`svd`](Self::svd).
            #[track_caller]
            pub fn svdvals(self: $this) -> $type {
                self.svd().1
            }

            /// `X` of least norm among those for which `A X` is nearest to `B`, by the [pseudo-inverse](crate::ops::Pinv):
            /// `[.., m, n]`, `[.., m, k] -> [.., n, k]`, or `[m]` for one vector.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// // The mean of two measurements.
            /// let (a, b) = (tape.var([[1.0], [1.0]]), tape.var([2.0, 4.0]));
            /// let x = a.lstsq(b);
            /// assert!(x.value().allclose(&Tensor::from([3.0])));
            /// let grads = x.vjp([1.0]);
            /// assert!(grads.wrt(b).allclose(&Tensor::from([0.5, 0.5])));
            /// assert!(grads.wrt(a).allclose(&Tensor::from([[-2.0], [-1.0]])));
            /// ```
            ///
            /// # Panics
            /// If the extents do not fit, or an element of `A` is not finite.
            #[track_caller]
            pub fn lstsq(self: $this, b: impl Operand<$type>) -> $type {
                let b = b.beside(&self.clone());
                self.located(Location::caller(), || self.pinv().matmul(&b))
            }

            /// `X` with `X op(A) = B` for a triangular `A`: [`triangular_solve`](crate::ops::TriangularSolve) from the right,
            /// `[.., n, n]`, `[.., m, n] -> [.., m, n]`.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let a = tape.var([[2.0, 0.0], [1.0, 4.0]]);
            /// let b = tape.var([[4.0, 8.0]]);
            /// let x = a.triangular_solve_right(b, true, false, false);
            /// assert_eq!(x.value(), Tensor::from([[1.0, 2.0]]));
            /// let grads = x.vjp([[1.0, 0.0]]);
            /// assert_eq!(grads.wrt(b), Tensor::from([[0.5, -0.125]]));
            /// assert_eq!(grads.wrt(a), Tensor::from([[-0.5, 0.0], [-1.0, 0.25]]));
            /// ```
            ///
            /// # Panics
            /// As [`triangular_solve`](Self::triangular_solve), and if `B` is a vector.
            #[track_caller]
            pub fn triangular_solve_right(
                self: $this,
                b: impl Operand<$type>,
                lower: bool,
                transpose: bool,
                unit_diagonal: bool,
            ) -> $type {
                let b = b.beside(&self.clone());
                self.located(Location::caller(), || {
                    self.triangular_solve(&b.transpose(), lower, !transpose, unit_diagonal).transpose()
                })
            }

            /// `X` with `L Lᵀ X = B`, where `self` is the factor `L` of [`cholesky`](Self::cholesky): a system with a symmetric
            /// positive definite matrix is `a.cholesky().cholesky_solve(b)`.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let a = tape.var([[4.0, 2.0], [2.0, 5.0]]);
            /// let b = tape.var([8.0, 12.0]);
            /// let x = a.cholesky().cholesky_solve(b);
            /// assert_eq!(x.value(), Tensor::from([1.0, 2.0]));
            /// assert_eq!(x.vjp([4.0, 2.0]).wrt(b), Tensor::from([1.0, 0.0]));
            /// ```
            ///
            /// # Panics
            /// As [`triangular_solve`](Self::triangular_solve).
            #[track_caller]
            pub fn cholesky_solve(self: $this, b: impl Operand<$type>) -> $type {
                let b = b.beside(&self.clone());
                self.located(Location::caller(), || {
                    self.triangular_solve(&self.triangular_solve(&b, true, false, false), true, true, false)
                })
            }
        }
    )*};
}

methods! {
    [] Tensor<T>, &Self;
    ['t] Var<'t, T>, Self;
}

impl<T: Element> Tensor<T> {
    /// The number of singular values above `max(m, n) ε` times the largest, for each matrix in the last two axes.
    ///
    /// ```
    /// use tape::{Index, Tensor};
    /// let x = Tensor::from([[[1.0, 2.0], [2.0, 4.0]], [[1.0, 2.0], [2.0, 5.0]]]);
    /// assert_eq!(x.matrix_rank(), Index::from([1, 2]));
    /// ```
    ///
    /// # Panics
    /// As [`svd`](Tensor::svd).
    #[track_caller]
    pub fn matrix_rank(&self) -> Index {
        let (batch, m, n) = error::expect(matrices("matrix_rank", self.shape()));
        let least = T::from_usize(m.max(n)) * T::EPSILON;
        let values = self.svdvals().to_vec();
        let rank = |values: &[T]| values.iter().filter(|&&value| value > least * values[0]).count();
        let ranks = match m.min(n) {
            0 => vec![0; batch.size()],
            k => values.chunks_exact(k).map(rank).collect(),
        };
        error::expect(Index::new(batch, ranks))
    }
}
