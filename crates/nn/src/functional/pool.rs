//! Pools in one dimension, and pools with a result of a given size.

use super::conv::{as_row, as_signal};
use crate::setting::{self, expect};
use tape::ops::{AvgPool2d, AvgWindows, MaxPool2d, PadMode, Window};
use tape::{Array, Element, Error, TensorOps};

/// The window of [`max_pool1d`] and [`avg_pool1d`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Pool1dOptions {
    /// Elements of a window, 1 or more.
    pub kernel: usize,
    /// Distance between neighbouring windows, 1 or more.
    pub stride: usize,
    /// Elements outside the signal on each side.
    pub padding: usize,
    /// Distance between neighbouring elements of a window, 1 or more; 1 for means.
    pub dilation: usize,
}

impl Pool1dOptions {
    /// Adjacent windows of this many elements: the stride is the kernel size.
    pub fn new(kernel: usize) -> Pool1dOptions {
        Pool1dOptions { kernel, stride: kernel, padding: 0, dilation: 1 }
    }

    /// The window that slides along one row.
    pub(crate) fn along_row(self) -> Window {
        let Pool1dOptions { kernel, stride, padding, dilation } = self;
        Window { kernel: [1, kernel], stride: [1, stride], padding: [0, padding], dilation: [1, dilation] }
    }
}

/// The largest element of every window of a signal: [`MaxPool2d`] on images of one row. Equal maxima share the derivative.
///
/// # Shapes
/// `x` `[batch, channels, length]`; the result is `[batch, channels, windows]`.
///
/// # Examples
/// ```
/// use nn::functional::{Pool1dOptions, max_pool1d};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 5.0, 2.0, 3.0]]]);
/// let y = max_pool1d(&x, Pool1dOptions { stride: 1, ..Pool1dOptions::new(2) });
/// assert_eq!(y.value().to_vec(), [5.0, 5.0, 3.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 2.0, 0.0, 1.0]);
/// ```
#[track_caller]
pub fn max_pool1d<T: Element, A: Array<T>>(x: &A, pool: Pool1dOptions) -> A {
    as_signal(&A::apply(MaxPool2d { window: pool.along_row() }, &[&as_row("max_pool1d", x)]))
}

/// The mean of every window of a signal: [`AvgPool2d`] on images of one row. `count_padding` says whether the zeros outside the
/// signal are counted.
///
/// # Shapes
/// As [`max_pool1d`].
///
/// # Examples
/// ```
/// use nn::functional::{Pool1dOptions, avg_pool1d};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 5.0, 2.0]]]);
/// let pool = Pool1dOptions { padding: 1, ..Pool1dOptions::new(2) };
/// let y = avg_pool1d(&x, pool, false);
/// assert_eq!(y.value().to_vec(), [1.0, 3.5]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, 0.5, 0.5]);
/// assert_eq!(avg_pool1d(&x, pool, true).value().to_vec(), [0.5, 3.5]);
/// ```
#[track_caller]
pub fn avg_pool1d<T: Element, A: Array<T>>(x: &A, pool: Pool1dOptions, count_padding: bool) -> A {
    let pool = AvgWindows::Sliding { window: pool.along_row(), count_padding };
    as_signal(&A::apply(AvgPool2d { pool }, &[&as_row("avg_pool1d", x)]))
}

/// Means of a signal over as many windows as the result has elements, which cover it: window `i` of `m` over `h` elements covers
/// those from `⌊i h / m⌋` up to, but not including, `⌈(i + 1) h / m⌉`.
///
/// # Shapes
/// `x` `[batch, channels, length]`; the result is `[batch, channels, size]`.
///
/// # Panics
/// If `x` is no signal, or has no elements; if the size is 0.
///
/// # Examples
/// ```
/// use nn::functional::adaptive_avg_pool1d;
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 3.0, 8.0]]]);
/// let y = adaptive_avg_pool1d(&x, 2);
/// assert_eq!(y.value().to_vec(), [2.0, 5.5]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.5, 1.0, 0.5]);
/// ```
#[track_caller]
pub fn adaptive_avg_pool1d<T: Element, A: Array<T>>(x: &A, size: usize) -> A {
    let (op, pool) = ("adaptive_avg_pool1d", AvgWindows::Adaptive { size: [1, size] });
    expect(check_adaptive(op, &x.shape(), &[size]));
    as_signal(&A::apply(AvgPool2d { pool }, &[&as_row(op, x)]))
}

/// The windows of an adaptive pool along one axis, as positions, one window after another. Those of a shorter window end with
/// `extent`, the position behind the axis.
fn adaptive(extent: usize, size: usize) -> (Vec<usize>, usize) {
    let start = |i: usize| (i as u128 * extent as u128 / size as u128) as usize;
    let end = |i: usize| ((i + 1) as u128 * extent as u128).div_ceil(size as u128) as usize;
    let longest = (0..size).map(|i| end(i) - start(i)).max().unwrap_or(0);
    let window = |i: usize| (start(i)..start(i) + longest).map(move |k| if k < end(i) { k } else { extent });
    ((0..size).flat_map(window).collect(), longest)
}

/// Refuses sizes and extents of 0, and sizes that no tensor can have.
pub(crate) fn check_adaptive(op: &'static str, shape: &[usize], size: &[usize]) -> Result<(), Error> {
    let Some(extents) = shape.get(2..).filter(|extents| extents.len() == size.len()) else {
        let expected = match size.len() {
            1 => "a signal [batch, channels, length]",
            _ => "an image [batch, channels, height, width]",
        };
        return Err(Error::Rank { op, expected, found: shape.to_vec() });
    };
    setting::counts(op, "size", size)?;
    setting::counts(op, "extent", extents)?;
    let all = shape[..2].iter().chain(size).copied().collect();
    tape::Tensor::<f64>::fits(op, &all)
}

/// The maxima of windows that cover the axes behind the channels, as many as `size` says.
#[track_caller]
fn adaptive_max<T: Element, A: Array<T>>(op: &'static str, x: &A, size: &[usize]) -> A {
    let shape = x.shape();
    expect(check_adaptive(op, &shape, size));
    let (mut spread, mut extents) = (x.clone(), shape[..2].to_vec());
    for (k, &size) in size.iter().enumerate() {
        let (axis, extent) = (k + 2, shape[k + 2]);
        let (positions, longest) = adaptive(extent, size);
        if positions.contains(&extent) {
            let widths: Vec<(usize, usize)> =
                (0..shape.rank()).map(|i| (0, usize::from(i == axis))).collect();
            spread = spread.pad(widths, PadMode::Constant(f64::NEG_INFINITY));
        }
        spread = spread.index_select(axis as isize, positions);
        extents.extend([size, longest]);
    }
    let windows: Vec<isize> = (0..size.len()).map(|k| 2 * k as isize + 3).collect();
    spread.reshape(&extents[..]).max_axes(&windows[..], false)
}

/// The maxima of a signal over the windows of [`adaptive_avg_pool1d`]. Equal maxima of a window share the derivative.
///
/// A composition: the windows are gathered, padded with -∞ to equal length, and reduced. That costs a copy of the elements of all
/// windows.
///
/// # Shapes
/// `x` `[batch, channels, length]`; the result is `[batch, channels, size]`.
///
/// # Panics
/// If `x` is no signal, or has no elements; if the size is 0.
///
/// # Examples
/// ```
/// use nn::functional::adaptive_max_pool1d;
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 3.0, 2.0]]]);
/// let y = adaptive_max_pool1d(&x, 2);
/// assert_eq!(y.value().to_vec(), [3.0, 3.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 2.0, 0.0]);
/// ```
#[track_caller]
pub fn adaptive_max_pool1d<T: Element, A: Array<T>>(x: &A, size: usize) -> A {
    adaptive_max("adaptive_max_pool1d", x, &[size])
}

/// [`adaptive_max_pool1d`] along both axes of an image.
///
/// # Shapes
/// `x` `[batch, channels, height, width]`; the result is `[batch, channels, size[0], size[1]]`.
///
/// # Panics
/// If `x` is no image, or has no elements; if a size is 0.
///
/// # Examples
/// ```
/// use nn::functional::adaptive_max_pool2d;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([[1.0, 3.0, 2.0], [4.0, 0.0, 2.0]]).reshape([1, 1, 2, 3]));
/// let y = adaptive_max_pool2d(&x, [1, 2]);
/// assert_eq!(y.value().to_vec(), [4.0, 3.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
/// ```
#[track_caller]
pub fn adaptive_max_pool2d<T: Element, A: Array<T>>(x: &A, size: [usize; 2]) -> A {
    adaptive_max("adaptive_max_pool2d", x, &size)
}
