//! Convolutions of volumes.

use super::per_channel;
use crate::setting::{self, expect};
use tape::ops::{Conv2d, PadMode};
use tape::{Array, Element, Error, Op, Shape, Tensor, TensorOps};

const OP: &str = "conv3d";

/// The options of [`conv3d`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Conv3dOptions {
    /// Distances between neighbouring windows, 1 or more.
    pub stride: [usize; 3],
    /// Zeros on each side of the volume.
    pub padding: [usize; 3],
    /// Distances between neighbouring elements of a window, 1 or more.
    pub dilation: [usize; 3],
    /// The number of groups of channels, which are convolved independently.
    pub groups: usize,
}

impl Default for Conv3dOptions {
    fn default() -> Conv3dOptions {
        Conv3dOptions { stride: [1; 3], padding: [0; 3], dilation: [1; 3], groups: 1 }
    }
}

impl Conv3dOptions {
    /// The slices of the padded depth that each window sees, one window after another.
    fn slices(&self, depth: usize, kernel: usize) -> Result<Vec<usize>, Error> {
        let (stride, dilation) = (self.stride[0], self.dilation[0]);
        setting::counts(OP, "stride", &self.stride)?;
        setting::counts(OP, "dilation", &self.dilation)?;
        setting::counts(OP, "kernel", &[kernel])?;
        let padded = self.padding[0].checked_mul(2).and_then(|both| both.checked_add(depth));
        let reach = dilation.checked_mul(kernel - 1);
        let (Some(padded), Some(reach)) = (padded, reach) else {
            let reason = format!("{self:?} does not fit into the address space");
            return Err(Error::Invalid { op: OP, reason });
        };
        if reach >= padded {
            let reason = format!(
                "expected a depth, with its padding, of {} or more, found {padded}",
                reach.saturating_add(1)
            );
            return Err(Error::Invalid { op: OP, reason });
        }
        let windows = (padded - reach - 1) / stride + 1;
        Tensor::<f64>::fits(OP, &Shape::from([windows, kernel]))?;
        Ok((0..windows).flat_map(|i| (0..kernel).map(move |k| i * stride + k * dilation)).collect())
    }

    /// Checks the shapes of volume and kernels; returns the slices that each window sees.
    pub(crate) fn check(&self, x: &[usize], w: &[usize]) -> Result<Vec<usize>, Error> {
        let rank = |expected, found: &[usize]| Error::Rank { op: OP, expected, found: found.to_vec() };
        let &[samples, channels, depth, height, width] = x else {
            return Err(rank("a volume [batch, channels, depth, height, width]", x));
        };
        let &[outputs, seen, taps, rows, cols] = w else {
            return Err(rank("kernels [out, in / groups, depth, height, width]", w));
        };
        let groups = self.groups;
        if groups == 0 || outputs % groups != 0 || seen.checked_mul(groups) != Some(channels) {
            let reason = format!("expected {groups} groups of {seen} channels, found shape {x:?}");
            return Err(Error::Invalid { op: OP, reason });
        }
        let slices = self.slices(depth, taps)?;
        let images = samples.saturating_mul(slices.len() / taps);
        let images = Shape::from([images, channels.saturating_mul(taps), height, width]);
        let kernels = Shape::from([outputs, seen.saturating_mul(taps), rows, cols]);
        Op::<f64>::shape(&self.of_images(), &[&images, &kernels]).map_err(|error| error.named(OP))?;
        Ok(slices)
    }

    /// The convolution of the slices of all windows.
    fn of_images(&self) -> Conv2d {
        let [[_, stride @ ..], [_, padding @ ..], [_, dilation @ ..]] =
            [self.stride, self.padding, self.dilation];
        Conv2d { stride, padding, dilation, groups: self.groups }
    }
}

/// The convolution (cross-correlation) of volumes, with a bias for each channel of the result.
///
/// A composition: along the depth the slices of each window become channels, and [`Conv2d`] does the rest in one product. That
/// costs two copies of the volume for each element of the kernel along the depth, and nothing besides.
///
/// # Shapes
/// `x` `[batch, in, depth, height, width]`, `w` `[out, in / groups, kernel depth, kernel height, kernel width]`, `b` `[out]`; the
/// result is `[batch, out, windows, windows, windows]`, counted as in [`Conv2d`].
///
/// # Panics
/// If the shapes do not fit together, or a window does not fit into the padded volume.
///
/// # Examples
/// ```
/// use nn::functional::{Conv3dOptions, conv3d};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([1.0, 2.0, 4.0]).reshape([1, 1, 3, 1, 1]));
/// let w = tape.var(Tensor::from([10.0, 1.0]).reshape([1, 1, 2, 1, 1]));
/// let b = tape.var([0.5]);
/// let y = conv3d(&x, &w, Some(&b), Conv3dOptions::default());
/// assert_eq!(y.value().to_vec(), [12.5, 24.5]);
/// let grads = y.sum().backward();
/// assert_eq!(grads.wrt(x).to_vec(), [10.0, 11.0, 1.0]);
/// assert_eq!(grads.wrt(w).to_vec(), [3.0, 6.0]);
/// ```
#[track_caller]
pub fn conv3d<T: Element, A: Array<T>>(x: &A, w: &A, b: Option<&A>, conv: Conv3dOptions) -> A {
    let slices = expect(conv.check(&x.shape(), &w.shape()));
    let depth = conv.padding[0];
    let mut padded = x.clone();
    if depth > 0 {
        let widths = [(0, 0), (0, 0), (depth, depth), (0, 0), (0, 0)];
        padded = padded.pad(widths, PadMode::Constant(0.0));
    }
    let shape = |x: &A| -> [usize; 5] { std::array::from_fn(|axis| x.shape()[axis]) };
    let [n, c, _, height, width] = shape(x);
    let [outputs, seen, taps, rows, cols] = shape(w);
    let windows = slices.len() / taps;
    // `[n, c, windows, taps, ..]`, then windows beside samples, and the slices of a window beside channels.
    let seen_slices = padded.index_select(2, slices).reshape([n, c, windows, taps, height, width]);
    let images = seen_slices.permute([0, 2, 1, 3, 4, 5]).reshape([n * windows, c * taps, height, width]);
    let kernels = w.reshape([outputs, seen * taps, rows, cols]);
    let y = A::apply(conv.of_images(), &[&images, &kernels]);
    let (height, width) = (y.shape()[2], y.shape()[3]);
    let y = y.reshape([n, windows, outputs, height, width]).permute([0, 2, 1, 3, 4]);
    match b {
        Some(b) => y.clone() + per_channel(b, &y),
        None => y,
    }
}
