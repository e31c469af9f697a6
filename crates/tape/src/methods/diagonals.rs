//! Diagonals and traces of the last two axes, for one matrix or a batch of them.

use super::rearrange::Located;
use crate::error::{self, Error};
use crate::ops::{Diag, DiagAdjoint};
use crate::rules::algebra::Element;
use crate::rules::op::Array;
use crate::shape::Shape;
use crate::tape::Var;
use crate::tensor::Tensor;
use std::panic::Location;

fn matrices(op: &'static str, x: &Shape) -> Result<(), Error> {
    match x.rank() {
        0 | 1 => Err(Error::Rank { op, expected: "rank 2 or more", found: x.dims() }),
        _ => Ok(()),
    }
}

fn embedded(x: &Shape, offset: isize) -> Result<DiagAdjoint, Error> {
    if x.rank() == 0 {
        return Err(Error::Rank { op: "diag_embed", expected: "rank 1 or more", found: x.dims() });
    }
    Diag { offset }.square(x).map_err(|error| error.named("diag_embed"))
}

/// The methods of a type: the type of `self`, and how it gets its shape.
macro_rules! methods {
    ($([$($lifetime:lifetime)?] $type:ty, $this:ty;)*) => {$(
        impl<$($lifetime,)? T: Element> $type {
            /// The main diagonals of the last two axes (`diagonal`): [`diag`](Self::diag) of offset 0, which has the other
            /// offsets. A view of a plain tensor.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let x = tape.var([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]);
            /// let y = x.diagonal();
            /// assert_eq!(y.value(), Tensor::from([[1.0, 4.0], [5.0, 8.0]]));
            /// let grads = y.vjp([[1.0, 2.0], [3.0, 4.0]]);
            /// assert_eq!(grads.wrt(x), Tensor::from([[[1.0, 0.0], [0.0, 2.0]], [[3.0, 0.0], [0.0, 4.0]]]));
            /// ```
            ///
            /// # Panics
            /// If there are fewer than two axes.
            #[track_caller]
            pub fn diagonal(self: $this) -> $type {
                error::expect(matrices("diagonal", &self.shape()));
                self.diag(0)
            }

            /// Square matrices of zeros with the vectors of the last axis on diagonal `offset` (`diag_embed` in
            /// PyTorch): see [`DiagAdjoint`]. The last axis, of extent `n`, becomes two of extent `n + |offset|`.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
            /// let y = x.diag_embed(0);
            /// assert_eq!(y.value(), Tensor::from([[[1.0, 0.0], [0.0, 2.0]], [[3.0, 0.0], [0.0, 4.0]]]));
            /// assert_eq!(y.vjp(y.value()).wrt(x), x.value());
            /// ```
            ///
            /// # Panics
            /// If there is no axis, or the matrices are too large for a tensor.
            #[track_caller]
            pub fn diag_embed(self: $this, offset: isize) -> $type {
                let square = error::expect(embedded(&self.shape(), offset));
                <$type as Array<T>>::apply(square, &[&self])
            }

            /// The traces of the matrices of the last two axes, square or not (`trace` of NumPy with the last two
            /// axes): `[.., m, n] -> [..]`. The sums of the [diagonals](Self::diagonal). [`trace`](Self::trace) is the
            /// number for one matrix.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let x = tape.var([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]);
            /// let y = x.traces();
            /// assert_eq!(y.value(), Tensor::from([5.0, 13.0]));
            /// let grads = y.vjp([1.0, 10.0]);
            /// assert_eq!(grads.wrt(x), Tensor::from([[[1.0, 0.0], [0.0, 1.0]], [[10.0, 0.0], [0.0, 10.0]]]));
            /// ```
            ///
            /// # Panics
            /// If there are fewer than two axes.
            #[track_caller]
            pub fn traces(self: $this) -> $type {
                error::expect(matrices("traces", &self.shape()));
                self.located(Location::caller(), || self.diag(0).sum_axis(-1))
            }
        }
    )*};
}

methods! {
    [] Tensor<T>, &Self;
    ['t] Var<'t, T>, Self;
}
