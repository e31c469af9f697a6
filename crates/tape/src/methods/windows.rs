//! Padding that may also crop, and windows put together again.

use super::rearrange::Located;
use crate::error::{self, Error};
use crate::ops::{Fold, Fold2d, PadMode, Unfold, Window};
use crate::rules::algebra::Element;
use crate::rules::op::Array;
use crate::shape::Shape;
use crate::tape::Var;
use crate::tensor::Tensor;
use std::ops::Range;
use std::panic::Location;

/// The axes that lose elements, with the range that remains.
fn remaining(x: &Shape, widths: &[(isize, isize)]) -> Result<Vec<(isize, Range<usize>)>, Error> {
    if widths.len() != x.rank() {
        return Err(Error::Rank { op: "pad_or_crop", expected: "two widths for each axis", found: x.dims() });
    }
    let mut ranges = Vec::new();
    for (axis, (&(before, after), &extent)) in widths.iter().zip(x.iter()).enumerate() {
        let [start, end] = [before, after].map(|width| width.min(0).unsigned_abs());
        let stop = extent.checked_sub(end).filter(|&stop| start <= stop);
        let Some(stop) = stop else {
            let reason = format!(
                "expected at most {extent} elements to remove from axis {axis} of shape {x}, found {start} before and {end} after"
            );
            return Err(Error::Invalid { op: "pad_or_crop", reason });
        };
        if start + end > 0 {
            ranges.push((axis as isize, start..stop));
        }
    }
    Ok(ranges)
}

/// The methods of a type: the type of `self`, and how it gets its shape.
macro_rules! methods {
    ($([$($lifetime:lifetime)?] $type:ty, $this:ty;)*) => {$(
        impl<$($lifetime,)? T: Element> $type {
            /// [`pad`](Self::pad) with widths that may be negative: then this many elements are removed, before the others are
            /// added (`nn.functional.pad` in PyTorch). Removing alone is a view of the same buffer.
            ///
            /// ```
            /// use tape::{PadMode, Tape, Tensor};
            /// let tape = Tape::new();
            /// let x = tape.var([1.0, 2.0, 3.0, 4.0]);
            /// let y = x.pad_or_crop([(-1, 2)], PadMode::Constant(0.0));
            /// assert_eq!(y.value(), Tensor::from([2.0, 3.0, 4.0, 0.0, 0.0]));
            /// assert_eq!(y.vjp(Tensor::arange(5)).wrt(x), Tensor::from([0.0, 0.0, 1.0, 2.0]));
            /// let y = x.pad_or_crop([(-1, 2)], PadMode::Circular);
            /// assert_eq!(y.value(), Tensor::from([2.0, 3.0, 4.0, 2.0, 3.0]));
            /// ```
            ///
            /// # Panics
            /// If the number of pairs is not the number of axes, an axis has fewer elements than are removed, or
            /// [`pad`](Self::pad) refuses the rest.
            #[track_caller]
            pub fn pad_or_crop(self: $this, widths: impl Into<Vec<(isize, isize)>>, mode: PadMode) -> $type {
                let widths = widths.into();
                let ranges = error::expect(remaining(&self.shape(), &widths));
                let added = |width: isize| width.max(0).unsigned_abs();
                let added: Vec<_> = widths.iter().map(|&(before, after)| (added(before), added(after))).collect();
                let cropped = self.located(Location::caller(), || {
                    ranges.into_iter().fold(self.clone(), |x, (axis, range)| x.slice(axis, range))
                });
                if added.iter().all(|&widths| widths == (0, 0)) { cropped } else { cropped.pad(added, mode) }
            }

            /// Windows put together again, added where they overlap, to a tensor of this `shape`: see [`Fold`], the adjoint of
            /// [`unfold`](Self::unfold), whose arguments these are.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let windows = tape.var([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
            /// let y = windows.fold(0, 2, 1, [4]);
            /// assert_eq!(y.value(), Tensor::from([1.0, 5.0, 9.0, 6.0]));
            /// let grads = y.vjp([1.0, 2.0, 3.0, 4.0]);
            /// assert_eq!(grads.wrt(windows), Tensor::from([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]));
            /// ```
            ///
            /// # Panics
            /// If the operand does not have the shape of the windows of such a tensor.
            #[track_caller]
            pub fn fold(self: $this, axis: isize, size: usize, step: usize, shape: impl Into<Shape>) -> $type {
                let fold = Fold { unfold: Unfold { axis, size, step }, shape: shape.into() };
                <$type as Array<T>>::apply(fold, &[&self])
            }

            /// An image of this height and width from its patches, added where they overlap (`nn.functional.fold` in
            /// PyTorch): see [`Fold2d`], the adjoint of [`unfold2d`](Self::unfold2d).
            ///
            /// ```
            /// use tape::ops::Window;
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let patches = tape.var([[[1.0, 2.0], [3.0, 4.0]]]);
            /// let y = patches.fold2d(Window::new([1, 2]), [1, 3]);
            /// assert_eq!(y.value(), Tensor::from([[[1.0, 5.0, 4.0]]]).unsqueeze(0));
            /// let grads = y.vjp(Tensor::from([[[1.0, 2.0, 3.0]]]).unsqueeze(0));
            /// assert_eq!(grads.wrt(patches), Tensor::from([[[1.0, 2.0], [2.0, 3.0]]]));
            /// ```
            ///
            /// # Panics
            /// If the operand does not have the shape of the patches of such an image.
            #[track_caller]
            pub fn fold2d(self: $this, window: Window, size: [usize; 2]) -> $type {
                <$type as Array<T>>::apply(Fold2d { window, size }, &[&self])
            }
        }
    )*};
}

methods! {
    [] Tensor<T>, &Self;
    ['t] Var<'t, T>, Self;
}
