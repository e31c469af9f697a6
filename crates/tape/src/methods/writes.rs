//! Elements written at positions along several axes, and entries filled with a number.

use super::rearrange::Located;
use crate::error::{self, Error};
use crate::index::Index;
use crate::operand::Operand;
use crate::ops::indexing::index_select::check;
use crate::ops::{IndexPut, TensorOps};
use crate::rules::algebra::Element;
use crate::rules::op::Array;
use crate::shape::Shape;
use crate::tape::Var;
use crate::tensor::Tensor;
use std::panic::Location;

fn invalid(reason: String) -> Error {
    Error::Invalid { op: "index_put", reason }
}

/// Positions along the first axes of a shape as positions along these axes taken together.
fn flat(at: &[Index], x: &Shape) -> Result<Vec<usize>, Error> {
    let Some(first) = at.first() else {
        return Err(invalid(format!("expected positions along 1 axis or more of shape {x}, found 0")));
    };
    if at.len() > x.rank() {
        let (most, found) = (x.rank(), at.len());
        return Err(invalid(format!(
            "expected positions along at most {most} axes of shape {x}, found {found}"
        )));
    }
    let mut flat = vec![0; first.as_slice().len()];
    for (axis, index) in at.iter().enumerate() {
        if index.shape() != first.shape() {
            let (expected, found) = (first.shape().dims(), index.shape().dims());
            return Err(Error::Shape { op: "index_put", expected, found });
        }
        index.check(axis, x).map_err(|error| error.named("index_put"))?;
        flat.iter_mut().zip(index.as_slice()).for_each(|(flat, &i)| *flat = *flat * x[axis] + i);
    }
    Ok(flat)
}

/// See [`Tensor::index_put`].
fn put<T: Element, A: Array<T>>(x: &A, at: &[Index], values: &A, accumulate: bool) -> Result<A, Error> {
    let shape = x.shape();
    let index = flat(at, &shape)?;
    let (leading, rest) = shape.split_at(at.len());
    let target: Shape = at[0].shape().iter().chain(rest).copied().collect();
    if !values.shape().broadcasts_to(&target) {
        return Err(Error::Shape { op: "index_put", expected: target.dims(), found: values.shape().dims() });
    }
    Tensor::<T>::fits("index_put", &target)?;
    let rows = |count: usize| [count].iter().chain(rest).copied().collect::<Shape>();
    let values = values.broadcast_to(target).reshape(rows(index.len()));
    let put = IndexPut { axis: 0, index: index.into(), accumulate };
    Ok(A::apply(put, &[&x.reshape(rows(leading.iter().product())), &values]).reshape(shape))
}

/// A number as the entries to write at the indices of an axis.
fn filling<T: Element>(x: &Shape, axis: isize, index: &Index, value: T) -> Result<Tensor<T>, Error> {
    let mut shape = x.clone();
    let axis = check(axis, index, x).map_err(|error| error.named("index_fill"))?;
    shape.set(axis, index.as_slice().len());
    Tensor::<T>::fits("index_fill", &shape)?;
    Ok(Tensor::scalar(value).stretched(&shape))
}

/// The methods of a type: the type of `self`, and how it gets its shape.
macro_rules! methods {
    ($([$($lifetime:lifetime)?] $type:ty, $this:ty;)*) => {$(
        impl<$($lifetime,)? T: Element> $type {
            /// Elements written at positions, or added there with `accumulate` (`x[i, j] = values` and `add.at` in NumPy,
            /// `index_put` in PyTorch): see [`IndexPut`].
            ///
            /// `at` has one [`Index`] for each of the first axes, all of one shape; [`nonzero`](Self::nonzero) returns such a
            /// list. `values` stretch to that shape followed by the other axes. Of several writes to one position the
            /// last remains and gets the cotangent.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
            /// let values = tape.var([10.0, 20.0, 30.0]);
            /// let y = x.index_put([[0, 1, 1], [1, 0, 0]], values, false);
            /// assert_eq!(y.value(), Tensor::from([[1.0, 10.0], [30.0, 4.0]]));
            /// let grads = y.vjp([[1.0, 2.0], [3.0, 4.0]]);
            /// assert_eq!(grads.wrt(x), Tensor::from([[1.0, 0.0], [0.0, 4.0]]));
            /// assert_eq!(grads.wrt(values), Tensor::from([2.0, 0.0, 3.0]));
            /// let y = x.index_put([[1, 1]], 5.0, true);
            /// assert_eq!(y.value(), Tensor::from([[1.0, 2.0], [13.0, 14.0]]));
            /// ```
            ///
            /// # Panics
            /// If there are no positions or more lists than axes, their shapes differ, one is out of range, or the values do not
            /// stretch.
            #[track_caller]
            pub fn index_put(
                self: $this,
                at: impl IntoIterator<Item = impl Into<Index>>,
                values: impl Operand<$type>,
                accumulate: bool,
            ) -> $type {
                let at: Vec<Index> = at.into_iter().map(Into::into).collect();
                let values = values.beside(&self);
                let put = || put(&self.clone(), &at, &values, accumulate);
                error::expect(self.located(Location::caller(), put))
            }

            /// The entries of an axis at a list of indices replaced by a number (`index_fill`): see [`IndexPut`].
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let x = tape.var([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
            /// let y = x.index_fill(1, [2, 0], -1.0);
            /// assert_eq!(y.value(), Tensor::from([[-1.0, 2.0, -1.0], [-1.0, 5.0, -1.0]]));
            /// assert_eq!(y.sum().backward().wrt(x), Tensor::from([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]));
            /// ```
            ///
            /// # Panics
            /// If the axis does not exist, an index is out of range, or the indices are not a plain list.
            #[track_caller]
            pub fn index_fill(self: $this, axis: isize, index: impl Into<Index>, value: T) -> $type {
                let index = index.into();
                let values = error::expect(filling(&self.shape(), axis, &index, value));
                let values = Array::constant(&self.clone(), values);
                self.index_copy(values, axis, index)
            }
        }
    )*};
}

methods! {
    [] Tensor<T>, &Self;
    ['t] Var<'t, T>, Self;
}
