//! Normalizations: [`Standardize`] over some axes, then a scale and a shift.

use super::{affine, per_channel};
use crate::setting::expect;
use tape::ops::{Rsqrt, Standardize};
use tape::{Array, Axes, Element, Error, TensorOps};

/// [`Standardize`], with or without subtracting the mean.
#[track_caller]
fn standardize<T: Element, A: Array<T>>(x: &A, axes: Axes, eps: f64, center: bool) -> A {
    A::apply(Standardize { axes, eps, center }, &[x])
}

/// `(x - mean) / √(variance + eps) · w + b`, with mean and (biased) variance over `axes`.
///
/// # Shapes
/// `x` of any shape; `w` and `b` broadcast with it, as they do if they have the extents of the trailing axes that
/// are normalized. The result has the shape of `x`.
///
/// # Math
/// With `d = x - mean x`, `s = √(mean d² + eps)` and `n = d / s`: `dn = (dd - n mean(n dd)) / s`, `dd = dx - mean dx`.
///
/// # Examples
/// ```
/// use nn::functional;
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 3.0], [5.0, 5.0]]);
/// let w = tape.var([2.0, 3.0]);
/// let y = functional::layer_norm(&x, -1, Some(&w), None, 0.0_f64.max(3.0));
/// assert_eq!(y.value().to_vec(), [-1.0, 1.5, 0.0, 0.0]);
/// assert_eq!(y.sum().backward().wrt(w).to_vec(), [-0.5, 0.5]);
/// ```
#[track_caller]
pub fn layer_norm<T: Element, A: Array<T>>(
    x: &A,
    axes: impl Into<Axes>,
    w: Option<&A>,
    b: Option<&A>,
    eps: f64,
) -> A {
    affine(standardize(x, axes.into(), eps, true), w.cloned(), b.cloned())
}

/// `x / √(mean x² + eps) · w`, with the mean over `axes`.
///
/// # Shapes
/// As [`layer_norm`].
///
/// # Examples
/// ```
/// use nn::functional;
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([1.0, 7.0]);
/// let y = functional::rms_norm(&x, 0, None, 0.0);
/// assert!((y.value() - tape::Tensor::from([0.2, 1.4])).abs().max() < 1e-15);
/// let slope = y.vjp([1.0, 0.0]).wrt(x);
/// assert!((slope - tape::Tensor::from([0.196, -0.028])).abs().max() < 1e-15);
/// ```
#[track_caller]
pub fn rms_norm<T: Element, A: Array<T>>(x: &A, axes: impl Into<Axes>, w: Option<&A>, eps: f64) -> A {
    affine(standardize(x, axes.into(), eps, false), w.cloned(), None)
}

/// [`layer_norm`] over each of `groups` blocks of channels together with all further axes.
///
/// # Shapes
/// `x` `[batch, channels, ..]`, `w` and `b` `[channels]`; the result has the shape of `x`.
///
/// # Panics
/// If the groups do not divide the channels.
///
/// # Examples
/// ```
/// use nn::functional;
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 3.0, 10.0, 30.0]]);
/// let y = functional::group_norm(&x, 2, None, None, 3.0);
/// assert_eq!(y.value().slice(1, ..2).to_vec(), [-0.5, 0.5]);
/// assert_eq!(y.slice(1, ..2).vjp([[1.0, -1.0]]).wrt(x).to_vec(), [0.375, -0.375, 0.0, 0.0]);
/// ```
#[track_caller]
pub fn group_norm<T: Element, A: Array<T>>(
    x: &A,
    groups: usize,
    w: Option<&A>,
    b: Option<&A>,
    eps: f64,
) -> A {
    let shape = x.shape();
    let op = "group_norm";
    if shape.rank() < 2 {
        Error::Rank { op, expected: "[batch, channels, ..]", found: shape.dims() }.panic()
    }
    if groups == 0 || groups > shape[1].max(1) || shape[1] % groups != 0 {
        let reason = format!("{groups} groups do not divide {} channels", shape[1]);
        Error::Invalid { op, reason }.panic()
    }
    let block = shape[1] / groups * shape[2..].iter().product::<usize>();
    let blocks = x.reshape([shape[0], groups, block]);
    let y = standardize(&blocks, Axes::from(-1), eps, true).reshape(shape);
    affine(y, optional(w, x), optional(b, x))
}

/// [`layer_norm`] over the axes behind the channels, for each sample and channel on its own (Ulyanov and others, 2016).
///
/// # Shapes
/// `x` `[batch, channels, ..]`, `w` and `b` `[channels]`; the result has the shape of `x`.
///
/// # Panics
/// If there is no axis behind the channels.
///
/// # Examples
/// ```
/// use nn::functional;
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 3.0], [10.0, 30.0]]]);
/// let w = tape.var([2.0, 0.0]);
/// let y = functional::instance_norm(&x, Some(&w), None, 3.0);
/// assert_eq!(y.value().to_vec(), [-1.0, 1.0, 0.0, 0.0]);
/// assert_eq!(y.vjp([[[1.0, -1.0], [1.0, 0.0]]]).wrt(x).to_vec(), [0.75, -0.75, 0.0, 0.0]);
/// ```
#[track_caller]
pub fn instance_norm<T: Element, A: Array<T>>(x: &A, w: Option<&A>, b: Option<&A>, eps: f64) -> A {
    let rank = x.shape().rank() as isize;
    if rank < 3 {
        let (op, found) = ("instance_norm", x.shape().dims());
        Error::Rank { op, expected: "[batch, channels, ..] with an axis behind them", found }.panic()
    }
    let axes: Vec<isize> = (2..rank).collect();
    affine(standardize(x, Axes::from(&axes[..]), eps, true), optional(w, x), optional(b, x))
}

/// [`per_channel`], if there are values for the channels.
#[track_caller]
fn optional<T: Element, A: Array<T>>(channels: Option<&A>, x: &A) -> Option<A> {
    match channels {
        Some(channels) => Some(per_channel(channels, x)),
        None => None,
    }
}

/// `(x - mean) / √(variance + eps) · w + b` for each channel, with the statistics of the batch, which are
/// differentiated, or with the mean and variance given in `statistics`.
///
/// # Shapes
/// `x` `[batch, channels, ..]`; `w`, `b` and the statistics are `[channels]`. The result has the shape of `x`.
///
/// # Examples
/// ```
/// use nn::functional;
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([[1.0], [3.0]]);
/// let y = functional::batch_norm(&x, None, None, None, 3.0);
/// assert_eq!(y.value().to_vec(), [-0.5, 0.5]);
/// assert_eq!(y.vjp([[1.0], [-1.0]]).wrt(x).to_vec(), [0.375, -0.375]);
/// let given = [tape.constant([1.0]), tape.constant([1.0])];
/// let y = functional::batch_norm(&x, Some([&given[0], &given[1]]), None, None, 3.0);
/// assert_eq!(y.value().to_vec(), [0.0, 1.0]);
/// assert_eq!(y.vjp([[1.0], [-1.0]]).wrt(x).to_vec(), [0.5, -0.5]);
/// ```
#[track_caller]
pub fn batch_norm<T: Element, A: Array<T>>(
    x: &A,
    statistics: Option<[&A; 2]>,
    w: Option<&A>,
    b: Option<&A>,
    eps: f64,
) -> A {
    let shape = x.shape();
    expect(shape.axis(1).map_err(|error| error.named("batch_norm")));
    let y = match statistics {
        Some([mean, variance]) => {
            let scale = (variance.clone() + x.lift(eps)).map(Rsqrt);
            (x.clone() - per_channel(mean, x)) * per_channel(&scale, x)
        }
        None => {
            let axes: Vec<isize> = (0..shape.rank() as isize).filter(|&axis| axis != 1).collect();
            standardize(x, Axes::from(&axes[..]), eps, true)
        }
    };
    affine(y, optional(w, x), optional(b, x))
}
