//! Axes in other places: compositions of free operations, so free themselves.

use super::rearrange::Located;
use crate::error::{self, Error};
use crate::rules::algebra::Element;
use crate::shape::{Axes, Shape};
use crate::tape::Var;
use crate::tensor::Tensor;
use std::panic::Location;

/// The positions of two axes, in the order of the caller.
fn both(op: &'static str, x: &Shape, [a, b]: [isize; 2]) -> Result<[usize; 2], Error> {
    let axis = |axis: isize| x.axis(axis).map_err(|error| error.named(op));
    Ok([axis(a)?, axis(b)?])
}

/// The order of axes in which two are exchanged.
fn swapped(x: &Shape, a: isize, b: isize) -> Result<Axes, Error> {
    let [a, b] = both("swap_axes", x, [a, b])?;
    let mut order: Vec<isize> = (0..x.rank() as isize).collect();
    order.swap(a, b);
    Ok(Axes::from(&order[..]))
}

/// The order of axes in which one is moved.
fn moved(x: &Shape, from: isize, to: isize) -> Result<Axes, Error> {
    let [from, to] = both("move_axis", x, [from, to])?;
    let mut order: Vec<isize> = (0..x.rank() as isize).collect();
    let axis = order.remove(from);
    order.insert(to, axis);
    Ok(Axes::from(&order[..]))
}

/// The positions of the two axes of a plane.
fn plane(x: &Shape, axes: [isize; 2]) -> Result<[isize; 2], Error> {
    let [a, b] = both("rot90", x, axes)?;
    if a == b {
        return Err(Error::RepeatedAxis { op: "rot90", axis: a });
    }
    Ok([a as isize, b as isize])
}

/// The methods of a type: the type of `self`, and how it gets its shape.
macro_rules! methods {
    ($([$($lifetime:lifetime)?] $type:ty, $this:ty;)*) => {$(
        impl<$($lifetime,)? T: Element> $type {
            /// Two axes exchanged (`swapaxes` in NumPy, `transpose` in PyTorch): [`permute`](Self::permute). A view of
            /// the same buffer. For the last two axes there is [`transpose`](Self::transpose).
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let x = tape.var(Tensor::arange(6).reshape([1, 2, 3]));
            /// let y = x.swap_axes(0, -1);
            /// assert_eq!(y.value(), Tensor::arange(6).reshape([2, 3]).transpose().unsqueeze(-1));
            /// assert_eq!(y.vjp(y.value()).wrt(x), x.value());
            /// ```
            ///
            /// # Panics
            /// If an axis does not exist.
            #[track_caller]
            pub fn swap_axes(self: $this, a: isize, b: isize) -> $type {
                self.permute(error::expect(swapped(&self.shape(), a, b)))
            }

            /// One axis moved to another position, the others in their order (`moveaxis`, `movedim`):
            /// [`permute`](Self::permute). A view of the same buffer.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let image = tape.var(Tensor::zeros([32, 24, 3]));
            /// let planes = image.move_axis(-1, 0);
            /// assert_eq!(planes.shape(), [3, 32, 24]);
            /// assert_eq!(planes.vjp(Tensor::ones([3, 32, 24])).wrt(image), Tensor::ones([32, 24, 3]));
            /// ```
            ///
            /// # Panics
            /// If an axis does not exist.
            #[track_caller]
            pub fn move_axis(self: $this, from: isize, to: isize) -> $type {
                self.permute(error::expect(moved(&self.shape(), from, to)))
            }

            /// Rotated by `quarters` times 90 degrees in the plane of two axes, from the first towards the second;
            /// backwards if negative (`rot90`): [`flip`](Self::flip) and [`permute`](Self::permute). A view of the same
            /// buffer.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let x = tape.var([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
            /// let y = x.rot90(1, [0, 1]);
            /// assert_eq!(y.value(), Tensor::from([[3.0, 6.0], [2.0, 5.0], [1.0, 4.0]]));
            /// let grads = y.vjp([[3.0, 6.0], [2.0, 5.0], [1.0, 4.0]]);
            /// assert_eq!(grads.wrt(x), x.value());
            /// ```
            ///
            /// # Panics
            /// If an axis does not exist, or both are the same.
            #[track_caller]
            pub fn rot90(self: $this, quarters: isize, axes: [isize; 2]) -> $type {
                let [a, b] = error::expect(plane(&self.shape(), axes));
                self.located(Location::caller(), || match quarters.rem_euclid(4) {
                    0 => self.clone(),
                    1 => self.flip(b).swap_axes(a, b),
                    2 => self.flip([a, b]),
                    _ => self.flip(a).swap_axes(a, b),
                })
            }

            /// The elements in row-major order as a vector (`ravel`): [`flatten(..)`](Self::flatten).
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
            /// let y = x.ravel();
            /// assert_eq!(y.value(), Tensor::from([1.0, 2.0, 3.0, 4.0]));
            /// assert_eq!(y.vjp([1.0, 2.0, 3.0, 4.0]).wrt(x), x.value());
            /// ```
            #[track_caller]
            pub fn ravel(self: $this) -> $type {
                self.reshape([self.shape().size()])
            }
        }
    )*};
}

methods! {
    [] Tensor<T>, &Self;
    ['t] Var<'t, T>, Self;
}
