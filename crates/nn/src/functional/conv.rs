//! Convolutions with a bias, and in one dimension.

use super::per_channel;
use tape::ops::{Conv2d, ConvTranspose2d};
use tape::{Array, Element, Error, TensorOps};

/// `y + b`, or `y` without a bias.
#[track_caller]
fn biased<T: Element, A: Array<T>>(y: A, b: Option<&A>) -> A {
    match b {
        Some(b) => {
            let b = per_channel(b, &y);
            y + b
        }
        None => y,
    }
}

/// [`Conv2d`] with a bias for each channel of the result.
///
/// # Shapes
/// As [`Conv2d`]; `b` `[out]`.
///
/// # Examples
/// ```
/// use tape::ops::Conv2d;
/// use nn::functional;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([[1.0, 2.0, 4.0]]).reshape([1, 1, 1, 3]));
/// let w = tape.var(Tensor::from([[10.0, 1.0]]).reshape([1, 1, 1, 2]));
/// let b = tape.var([0.5]);
/// let y = functional::conv2d(&x, &w, Some(&b), Conv2d::default());
/// assert_eq!(y.value().to_vec(), [12.5, 24.5]);
/// assert_eq!(y.sum().backward().wrt(b).to_vec(), [2.0]);
/// ```
#[track_caller]
pub fn conv2d<T: Element, A: Array<T>>(x: &A, w: &A, b: Option<&A>, conv: Conv2d) -> A {
    match b {
        Some(b) => A::apply(conv, &[x, w, b]),
        None => A::apply(conv, &[x, w]),
    }
}

/// [`ConvTranspose2d`] with a bias for each channel of the result.
///
/// # Shapes
/// `x` `[batch, in, height, width]`, `w` `[in, out / groups, kernel height, kernel width]`, `b` `[out]`.
///
/// # Examples
/// ```
/// use tape::ops::{Conv2d, ConvTranspose2d};
/// use nn::functional;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([[1.0, 2.0]]).reshape([1, 1, 1, 2]));
/// let w = tape.var(Tensor::from([[10.0, 1.0]]).reshape([1, 1, 1, 2]));
/// let conv = ConvTranspose2d { conv: Conv2d::default(), output_padding: [0, 0] };
/// let y = functional::conv_transpose2d(&x, &w, None, conv);
/// assert_eq!(y.value().to_vec(), [10.0, 21.0, 2.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [11.0, 11.0]);
/// ```
#[track_caller]
pub fn conv_transpose2d<T: Element, A: Array<T>>(x: &A, w: &A, b: Option<&A>, conv: ConvTranspose2d) -> A {
    biased(A::apply(conv, &[x, w]), b)
}

/// Reshapes a signal `[batch, channels, length]`, or its kernels, to an image of one row.
#[track_caller]
pub(super) fn as_row<T: Element, A: Array<T>>(op: &'static str, x: &A) -> A {
    let shape = x.shape();
    match shape[..] {
        [n, c, length] => x.reshape([n, c, 1, length]),
        _ => Error::Rank { op, expected: "a signal [batch, channels, length]", found: shape.dims() }.panic(),
    }
}

/// Reshapes an image of one row to a signal.
#[track_caller]
pub(super) fn as_signal<T: Element, A: Array<T>>(y: &A) -> A {
    let shape = y.shape();
    y.reshape([shape[0], shape[1], shape[3]])
}

/// The options of [`conv1d`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Conv1dOptions {
    /// Distance between neighbouring windows, 1 or more.
    pub stride: usize,
    /// Zeros on each side of the signal.
    pub padding: usize,
    /// Distance between neighbouring elements of a window, 1 or more.
    pub dilation: usize,
    /// The number of groups of channels, which are convolved independently.
    pub groups: usize,
}

impl Default for Conv1dOptions {
    fn default() -> Conv1dOptions {
        Conv1dOptions { stride: 1, padding: 0, dilation: 1, groups: 1 }
    }
}

/// The convolution that slides along one row.
fn along_row(conv: Conv1dOptions) -> Conv2d {
    let Conv1dOptions { stride, padding, dilation, groups } = conv;
    Conv2d { stride: [1, stride], padding: [0, padding], dilation: [1, dilation], groups }
}

/// The convolution of signals: [`conv2d`] on images of one row.
///
/// # Shapes
/// `x` `[batch, in, length]`, `w` `[out, in / groups, kernel]`, `b` `[out]`; the result is `[batch, out, windows]`.
///
/// # Examples
/// ```
/// use nn::functional;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 2.0, 4.0, 8.0]]]);
/// let w = tape.var([[[10.0, 1.0]]]);
/// let y = functional::conv1d(&x, &w, None, functional::Conv1dOptions { stride: 2, ..Default::default() });
/// assert_eq!(y.value(), Tensor::from([[[12.0, 48.0]]]));
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [10.0, 1.0, 10.0, 1.0]);
/// ```
#[track_caller]
pub fn conv1d<T: Element, A: Array<T>>(x: &A, w: &A, b: Option<&A>, conv: Conv1dOptions) -> A {
    let conv = along_row(conv);
    as_signal(&conv2d(&as_row("conv1d", x), &as_row("conv1d", w), b, conv))
}

/// The options of [`conv_transpose1d`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ConvTranspose1dOptions {
    /// Distance between neighbouring windows.
    pub stride: usize,
    /// Elements left out on each side.
    pub padding: usize,
    /// Elements at the end that no window reaches: fewer than the stride.
    pub output_padding: usize,
    /// Distance between neighbouring elements of a window.
    pub dilation: usize,
    /// The number of groups of channels, which are convolved independently.
    pub groups: usize,
}

impl Default for ConvTranspose1dOptions {
    fn default() -> ConvTranspose1dOptions {
        ConvTranspose1dOptions { stride: 1, padding: 0, output_padding: 0, dilation: 1, groups: 1 }
    }
}

/// The transposed convolution of signals: [`conv_transpose2d`] on images of one row.
///
/// # Shapes
/// `x` `[batch, in, length]`, `w` `[in, out / groups, kernel]`, `b` `[out]`; the result is `[batch, out, ..]`.
///
/// # Examples
/// ```
/// use nn::functional;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 2.0]]]);
/// let w = tape.var([[[10.0, 1.0]]]);
/// let y = functional::conv_transpose1d(&x, &w, None, functional::ConvTranspose1dOptions::default());
/// assert_eq!(y.value(), Tensor::from([[[10.0, 21.0, 2.0]]]));
/// assert_eq!(y.vjp([[[1.0, 0.0, 2.0]]]).wrt(w).to_vec(), [1.0, 4.0]);
/// ```
#[track_caller]
pub fn conv_transpose1d<T: Element, A: Array<T>>(
    x: &A,
    w: &A,
    b: Option<&A>,
    conv: ConvTranspose1dOptions,
) -> A {
    let op = "conv_transpose1d";
    let ConvTranspose1dOptions { stride, padding, output_padding, dilation, groups } = conv;
    let conv = ConvTranspose2d {
        conv: along_row(Conv1dOptions { stride, padding, dilation, groups }),
        output_padding: [0, output_padding],
    };
    as_signal(&conv_transpose2d(&as_row(op, x), &as_row(op, w), b, conv))
}
