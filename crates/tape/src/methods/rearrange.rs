//! Removing, adding and merging axes, repetition, and splitting: composed of other operations.

use crate::error::{self, Error};
use crate::index::Positions;
use crate::ops::Slice;
use crate::rules::algebra::Element;
use crate::shape::Shape;
use crate::tape::Var;
use crate::tensor::Tensor;
use std::ops::Range;
use std::panic::Location;

/// The shape with a range of axes merged into one; an empty range inserts an axis of extent 1.
fn flattened(x: &Shape, axes: impl Positions) -> Result<Shape, Error> {
    let range = Slice::new(0, axes, 1);
    let rank = x.rank() as isize;
    let bound = |axis: isize| {
        let position = if axis < 0 { axis + rank } else { axis };
        let outside = || Error::Axis { op: "flatten", axis, shape: x.dims() };
        if (0..=rank).contains(&position) { Ok(position as usize) } else { Err(outside()) }
    };
    let start = bound(range.start)?;
    let stop = range.stop.map_or(Ok(x.rank()), bound)?.max(start);
    let one = x[start..stop].iter().product();
    Ok(x[..start].iter().copied().chain([one]).chain(x[stop..].iter().copied()).collect())
}

/// The position of an entry of axis 0.
fn entry(x: &Shape, index: isize) -> Result<usize, Error> {
    let extent = x.extent(0).map_err(|error| error.named("row"))?;
    let position = if index < 0 { index + extent as isize } else { index };
    match usize::try_from(position) {
        Ok(position) if position < extent => Ok(position),
        _ => Err(Error::Index { op: "row", index, axis: 0, shape: x.dims() }),
    }
}

fn squeezed(x: &Shape, axis: isize) -> Result<Shape, Error> {
    let axis = x.axis(axis).map_err(|error| error.named("squeeze"))?;
    if x[axis] != 1 {
        let reason = format!("expected extent 1 along axis {axis}, found shape {x:?}");
        return Err(Error::Invalid { op: "squeeze", reason });
    }
    Ok(x[..axis].iter().chain(&x[axis + 1..]).copied().collect())
}

fn unsqueezed(x: &Shape, axis: isize) -> Result<Shape, Error> {
    let grown: Shape = x.iter().copied().chain([1]).collect();
    let axis = grown.axis(axis).map_err(|error| error.named("unsqueeze"))?;
    Ok(x[..axis].iter().copied().chain([1]).chain(x[axis..].iter().copied()).collect())
}

/// The repetitions, with ones in front for the axes that have none.
fn repetitions(x: &Shape, reps: &Shape) -> Shape {
    let missing = x.rank().saturating_sub(reps.rank());
    std::iter::repeat_n(1, missing).chain(reps.iter().copied()).collect()
}

/// One range for each size.
fn split(x: &Shape, sizes: &[usize], axis: isize) -> Result<Vec<Range<isize>>, Error> {
    let extent = x[x.axis(axis).map_err(|error| error.named("split"))?];
    let total: u128 = sizes.iter().map(|&size| size as u128).sum();
    if total != extent as u128 {
        let reason =
            format!("sizes {sizes:?} add up to {total}, but axis {axis} of shape {x:?} has {extent}");
        return Err(Error::Invalid { op: "split", reason });
    }
    let mut start = 0;
    let range = |&size: &usize| {
        let stop = start + size as isize;
        std::mem::replace(&mut start, stop)..stop
    };
    Ok(sizes.iter().map(range).collect())
}

/// The most chunks of an empty axis, which has as many as requested.
const MAX_CHUNKS: usize = 1 << 20;

/// Chunks of `⌈extent / n⌉` entries, the last one possibly shorter.
fn chunk(x: &Shape, n: usize, axis: isize) -> Result<Vec<Range<isize>>, Error> {
    let extent = x[x.axis(axis).map_err(|error| error.named("chunk"))?];
    if n == 0 {
        return Err(Error::Invalid { op: "chunk", reason: "expected 1 chunk or more, found 0".into() });
    }
    let size = extent.div_ceil(n);
    let sizes: Vec<usize> = match size {
        0 if n > MAX_CHUNKS => {
            let reason = format!("expected at most {MAX_CHUNKS} chunks of an empty axis, found {n}");
            return Err(Error::Invalid { op: "chunk", reason });
        }
        0 => vec![0; n],
        _ => (0..extent.div_ceil(size)).map(|i| size.min(extent - i * size)).collect(),
    };
    split(x, &sizes, axis)
}

/// Runs a closure that records, so that its recording has a location: see [`Tape::at_location`](crate::Tape::at_location).
pub(super) trait Located {
    fn located<V>(&self, site: &'static Location<'static>, run: impl FnOnce() -> V) -> V;
}

impl<T: Element> Located for Tensor<T> {
    fn located<V>(&self, _site: &'static Location<'static>, run: impl FnOnce() -> V) -> V {
        run()
    }
}

impl<T: Element> Located for Var<'_, T> {
    fn located<V>(&self, site: &'static Location<'static>, run: impl FnOnce() -> V) -> V {
        self.tape().at_location(site, run)
    }
}

/// The methods of a type: the type of `self`, and how it gets its shape.
macro_rules! methods {
    ($([$($lifetime:lifetime)?] $type:ty, $this:ty;)*) => {$(
        impl<$($lifetime,)? T: Element> $type {
            /// A range of axes as one axis, the elements in the same order: [`reshape`](Self::reshape).
            ///
            /// ```
            /// use tape::Tensor;
            /// let x = Tensor::<f64>::zeros([2, 3, 4]);
            /// assert_eq!(x.flatten(..).shape(), [24]);
            /// assert_eq!(x.flatten(1..).shape(), [2, 12]);
            /// assert_eq!(x.flatten(..-1).shape(), [6, 4]);
            /// ```
            ///
            /// # Panics
            /// If an axis does not exist.
            #[track_caller]
            pub fn flatten(self: $this, axes: impl Positions) -> $type {
                self.reshape(error::expect(flattened(&self.shape(), axes)))
            }

            /// Entry `index` of axis 0, counted from the end if negative: an element of a vector, a row of a matrix. A view
            /// of a plain tensor.
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
            /// assert_eq!(x.row(1).value(), Tensor::from([3.0, 4.0]));
            /// assert_eq!(x.row(-1).sum().backward().wrt(x), Tensor::from([[0.0, 0.0], [1.0, 1.0]]));
            /// ```
            ///
            /// # Panics
            /// If there is no axis, or no such entry.
            #[track_caller]
            pub fn row(self: $this, index: isize) -> $type {
                let position = error::expect(entry(&self.shape(), index));
                self.slice(0, position..position + 1).squeeze(0)
            }

            /// The entries of axis 0 in order: see [`row`](Self::row).
            ///
            /// ```
            /// use tape::Tensor;
            /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
            /// let sums: Vec<f64> = x.rows().map(|row| row.sum()).collect();
            /// assert_eq!(sums, [3.0, 7.0]);
            /// ```
            ///
            /// # Panics
            /// If there is no axis.
            #[track_caller]
            pub fn rows(self: $this) -> impl ExactSizeIterator<Item = $type> + use<$($lifetime,)? T> {
                let x = self.clone();
                let extent = error::expect(x.shape().extent(0));
                let site = Location::caller();
                (0..extent).map(move |at| x.located(site, || x.row(at as isize)))
            }

            /// Without an axis of extent 1: [`reshape`](Self::reshape).
            ///
            /// ```
            /// use tape::Tensor;
            /// assert_eq!(Tensor::<f64>::zeros([2, 1, 3]).squeeze(1).shape(), [2, 3]);
            /// ```
            ///
            /// # Panics
            /// If the axis does not exist or has another extent.
            #[track_caller]
            pub fn squeeze(self: $this, axis: isize) -> $type {
                self.reshape(error::expect(squeezed(&self.shape(), axis)))
            }

            /// With a new axis of extent 1 at `axis`, counted from the end of the result if negative:
            /// [`reshape`](Self::reshape).
            ///
            /// ```
            /// use tape::Tensor;
            /// let x = Tensor::<f64>::zeros([2, 3]);
            /// assert_eq!(x.unsqueeze(0).shape(), [1, 2, 3]);
            /// assert_eq!(x.unsqueeze(-1).shape(), [2, 3, 1]);
            /// ```
            ///
            /// # Panics
            /// If the result has no such axis.
            #[track_caller]
            pub fn unsqueeze(self: $this, axis: isize) -> $type {
                self.reshape(error::expect(unsqueezed(&self.shape(), axis)))
            }

            /// Stretched to the shape of `other`: [`broadcast_to`](Self::broadcast_to).
            ///
            /// # Panics
            /// If the shapes do not broadcast.
            #[track_caller]
            pub fn expand_as(self: $this, other: $this) -> $type {
                self.broadcast_to(other.shape())
            }

            /// [`repeat`](Self::repeat), with repetitions for the last axes only if there are fewer than axes.
            ///
            /// ```
            /// use tape::Tensor;
            /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
            /// assert_eq!(x.tile([2]), Tensor::from([[1.0, 2.0, 1.0, 2.0], [3.0, 4.0, 3.0, 4.0]]));
            /// ```
            #[track_caller]
            pub fn tile(self: $this, reps: impl Into<Shape>) -> $type {
                self.repeat(repetitions(&self.shape(), &reps.into()))
            }

            /// Consecutive parts with the given sizes along `axis`: see [`Slice`](crate::ops::Slice).
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let x = tape.var([1.0, 2.0, 3.0]);
            /// let parts = x.split(&[1, 2], 0);
            /// assert_eq!(parts[0].value(), Tensor::from([1.0]));
            /// assert_eq!(parts[1].vjp([5.0, 6.0]).wrt(x), Tensor::from([0.0, 5.0, 6.0]));
            /// ```
            ///
            /// # Panics
            /// If the axis does not exist or the sizes do not add up to its extent.
            #[track_caller]
            pub fn split(self: $this, sizes: &[usize], axis: isize) -> Vec<$type> {
                let parts = error::expect(split(&self.shape(), sizes, axis));
                self.located(Location::caller(), || parts.into_iter().map(|range| self.slice(axis, range)).collect())
            }

            /// The entries of an axis in order, each without that axis: see [`rows`](Self::rows).
            ///
            /// ```
            /// use tape::{Tape, Tensor};
            /// let tape = Tape::new();
            /// let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
            /// let columns = x.unbind(-1);
            /// assert_eq!(columns[1].value(), Tensor::from([2.0, 4.0]));
            /// assert_eq!(columns[1].vjp([5.0, 6.0]).wrt(x), Tensor::from([[0.0, 5.0], [0.0, 6.0]]));
            /// ```
            ///
            /// # Panics
            /// If the axis does not exist.
            #[track_caller]
            pub fn unbind(self: $this, axis: isize) -> Vec<$type> {
                let x = self.shape();
                let extent = x[error::expect(x.axis(axis).map_err(|error| error.named("unbind")))] as isize;
                let entry = |i: isize| self.slice(axis, i..i + 1).squeeze(axis);
                self.located(Location::caller(), || (0..extent).map(entry).collect())
            }

            /// Chunks of `⌈extent / n⌉` entries along `axis`, the last one possibly shorter; there may be
            /// fewer than `n`.
            ///
            /// ```
            /// use tape::Tensor;
            /// let parts = Tensor::from([1.0, 2.0, 3.0, 4.0, 5.0]).chunk(4, 0);
            /// assert_eq!(parts, [&[1.0, 2.0][..], &[3.0, 4.0], &[5.0]].map(Tensor::from));
            /// ```
            ///
            /// # Panics
            /// If the axis does not exist, `n` is 0, or more than 2²⁰ chunks of an empty axis are requested.
            #[track_caller]
            pub fn chunk(self: $this, n: usize, axis: isize) -> Vec<$type> {
                let parts = error::expect(chunk(&self.shape(), n, axis));
                self.located(Location::caller(), || parts.into_iter().map(|range| self.slice(axis, range)).collect())
            }
        }
    )*};
}

methods! {
    [] Tensor<T>, &Self;
    ['t] Var<'t, T>, Self;
}
