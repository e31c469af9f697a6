//! Running extremes and order statistics along one axis. Positions are plain data, found once; the values are gathered from
//! them and differentiable.

use super::sort::order;
use crate::error::{self, Error};
use crate::index::Index;
use crate::rules::algebra::Element;
use crate::tape::Var;
use crate::tensor::Tensor;

/// The position along `axis` of the best element so far, for each element: the latest of equals, the first NaN from there on.
#[track_caller]
fn running<T: Element>(op: &'static str, x: &Tensor<T>, axis: isize, beats: impl Fn(T, T) -> bool) -> Index {
    let axis = error::expect(x.shape().axis(axis).map_err(|error| error.named(op)));
    error::expect(x.fits_copied(op));
    let (extent, inner) = (x.shape()[axis], x.shape()[axis + 1..].iter().product::<usize>());
    let values = x.to_vec();
    let mut best = vec![0; values.len()];
    for (at, &value) in values.iter().enumerate() {
        let position = at / inner % extent;
        best[at] = match position.checked_sub(1).map(|_| best[at - inner]) {
            Some(before) => {
                let known = values[at - (position - before) * inner];
                let kept = known.is_nan() || beats(known, value);
                if kept { before } else { position }
            }
            None => position,
        };
    }
    error::expect(Index::new(x.shape().clone(), best))
}

/// The positions of the smallest elements number `first` and `first + 1` of every lane, each as an index of extent 1, and the
/// weight of the second.
struct Rank<T: Element> {
    lower: Index,
    upper: Index,
    weight: f64,
    /// 0, and NaN for lanes with one.
    nan: Option<Tensor<T>>,
}

/// One entry along `axis` of an index.
fn entry(index: &Index, axis: usize, at: usize) -> Index {
    let shape = index.shape();
    let inner: usize = shape[axis + 1..].iter().product();
    let lanes = index.as_slice().chunks_exact((shape[axis] * inner).max(1));
    let found: Vec<usize> = lanes.flat_map(|block| block[at * inner..][..inner].iter().copied()).collect();
    let mut one = shape.clone();
    one.set(axis, 1);
    error::expect(Index::new(one, found))
}

#[track_caller]
fn quantile<T: Element>(op: &'static str, x: &Tensor<T>, q: f64, axis: isize) -> Rank<T> {
    if !(0.0..=1.0).contains(&q) {
        Error::Invalid { op, reason: format!("expected a fraction from 0 to 1, found {q}") }.panic();
    }
    let index = order(op, x, axis, false, None);
    let axis = error::expect(x.shape().axis(axis));
    let Some(last) = x.shape()[axis].checked_sub(1) else {
        Error::Empty { op, shape: x.shape().dims() }.panic();
    };
    let position = q * last as f64;
    let first = position.floor() as usize;
    let take = |at: usize| entry(&index, axis, at.min(last));
    // NaN is last in order.
    let top = x.gather(axis as isize, take(last));
    let nan = top.to_vec().iter().any(|x| x.is_nan());
    let nan = nan.then(|| top.map_elements(|x| if x.is_nan() { x } else { T::ZERO }));
    Rank { lower: take(first), upper: take(first + 1), weight: position - first as f64, nan }
}

#[track_caller]
fn kth<T: Element>(x: &Tensor<T>, k: usize, axis: isize) -> Index {
    let axis = error::expect(x.shape().axis(axis).map_err(|error| error.named("kth_value")));
    let extent = x.shape()[axis];
    if k >= extent {
        let reason = format!("expected a position below the {extent} elements of axis {axis}, found {k}");
        Error::Invalid { op: "kth_value", reason }.panic();
    }
    entry(&order("kth_value", x, axis as isize, false, Some(k + 1)), axis, k)
}

/// A tensor, or the value of a handle.
trait Plain<T: Element> {
    fn plain(&self) -> Tensor<T>;
}

impl<T: Element> Plain<T> for Tensor<T> {
    fn plain(&self) -> Tensor<T> {
        self.clone()
    }
}

impl<T: Element> Plain<T> for Var<'_, T> {
    fn plain(&self) -> Tensor<T> {
        self.value()
    }
}

/// The methods of a type: the type of `self`, and how it gets its shape.
macro_rules! methods {
    ($([$($lifetime:lifetime)?] $type:ty, $this:ty;)*) => {$(
        impl<$($lifetime,)? T: Element> $type {
            /// The largest element so far along `axis`, for each element, and its position. Of equal elements the latest
            /// counts, and gets the derivative; NaN takes precedence.
            ///
            /// ```
            /// use tape::{Index, Tape};
            /// let tape = Tape::new();
            /// let x = tape.var([1.0, 3.0, 2.0, 3.0]);
            /// let (y, at) = x.cummax(0);
            /// assert_eq!(y.value().to_vec(), [1.0, 3.0, 3.0, 3.0]);
            /// assert_eq!(at, Index::from([0, 1, 1, 3]));
            /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, 2.0, 0.0, 1.0]);
            /// ```
            ///
            /// # Panics
            /// If the axis does not exist.
            #[track_caller]
            pub fn cummax(self: $this, axis: isize) -> ($type, Index) {
                let index = running("cummax", &self.plain(), axis, |a, b| a > b);
                (self.gather(axis, &index), index)
            }

            /// The smallest element so far along `axis`, for each element, and its position: see [`cummax`](Self::cummax).
            ///
            /// ```
            /// use tape::Tape;
            /// let tape = Tape::new();
            /// let x = tape.var([3.0, 1.0, 2.0]);
            /// let y = x.cummin(0).0;
            /// assert_eq!(y.value().to_vec(), [3.0, 1.0, 1.0]);
            /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, 2.0, 0.0]);
            /// ```
            ///
            /// # Panics
            /// If the axis does not exist.
            #[track_caller]
            pub fn cummin(self: $this, axis: isize) -> ($type, Index) {
                let index = running("cummin", &self.plain(), axis, |a, b| a < b);
                (self.gather(axis, &index), index)
            }

            /// The element number `k` of `axis` in ascending order, counted from 0, and its position; without the axis. Equal
            /// elements keep their order, and NaN is larger than every number.
            ///
            /// ```
            /// use tape::Tape;
            /// let tape = Tape::new();
            /// let x = tape.var([3.0, 1.0, 2.0]);
            /// let (y, at) = x.kth_value(1, 0);
            /// assert_eq!((y.value().to_vec(), at.as_slice()), (vec![2.0], &[2][..]));
            /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.0, 1.0]);
            /// ```
            ///
            /// # Panics
            /// If the axis does not exist or has `k` elements or fewer.
            #[track_caller]
            pub fn kth_value(self: $this, k: usize, axis: isize) -> ($type, Index) {
                let index = kth(&self.plain(), k, axis);
                (self.gather(axis, &index).squeeze(axis), index)
            }

            /// The quantile `q` along `axis`, without the axis: 0 is the minimum, 0.5 the median, 1 the maximum. Between two
            /// elements it is interpolated, as in NumPy's and PyTorch's default, and both get their part of the derivative. A
            /// lane with NaN has the quantile NaN.
            ///
            /// ```
            /// use tape::Tape;
            /// let tape = Tape::new();
            /// let x = tape.var([[4.0, 1.0, 2.0]]);
            /// let y = x.quantile(0.75, 1);
            /// assert_eq!(y.value().to_vec(), [3.0]);
            /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.5, 0.0, 0.5]);
            /// ```
            ///
            /// # Panics
            /// If `q` is not between 0 and 1, or the axis does not exist or is empty.
            #[track_caller]
            pub fn quantile(self: $this, q: f64, axis: isize) -> $type {
                let Rank { lower, upper, weight, nan } = quantile("quantile", &self.plain(), q, axis);
                let lower = self.gather(axis, &lower);
                let y = match weight {
                    0.0 => lower,
                    _ => {
                        let [one, weight] = [1.0 - weight, weight].map(T::from_f64);
                        lower * one + self.gather(axis, &upper) * weight
                    }
                };
                match nan {
                    Some(nan) => (y + nan).squeeze(axis),
                    None => y.squeeze(axis),
                }
            }

            /// The median along `axis`, without the axis: of an even number of elements the mean of the two in the middle, as
            /// in NumPy. See [`quantile`](Self::quantile).
            ///
            /// ```
            /// use tape::Tape;
            /// let tape = Tape::new();
            /// let x = tape.var([4.0, 1.0, 2.0, 9.0]);
            /// let y = x.median(0);
            /// assert_eq!(y.value().item(), 3.0);
            /// assert_eq!(y.item().backward().wrt(x).to_vec(), [0.5, 0.0, 0.5, 0.0]);
            /// ```
            ///
            /// # Panics
            /// If the axis does not exist or is empty.
            #[track_caller]
            pub fn median(self: $this, axis: isize) -> $type {
                self.quantile(0.5, axis)
            }
        }
    )*};
}

methods! {
    [] Tensor<T>, &Self;
    ['t] Var<'t, T>, Self;
}
