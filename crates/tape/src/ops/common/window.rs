//! Sliding windows over the last two axes, shared by convolutions and pools.

use crate::error::Error;
use crate::ops::common::samples::draws;
use crate::parallel;
use crate::rules::algebra::Element;
use crate::shape::{Shape, extent};
use std::iter::StepBy;
use std::ops::Range;
use std::slice::{Iter, IterMut};

/// A window of `kernel` elements that slides over the last two axes.
///
/// # Math
/// Along an axis of extent `h`, window `i` covers the elements `i · stride + k · dilation - padding` for `k`
/// below `kernel`; there are `⌊(h + 2 padding - dilation (kernel - 1) - 1) / stride⌋ + 1` windows.
///
/// # Examples
/// ```
/// use tape::ops::Window;
/// let window = Window { stride: [2, 1], ..Window::new([3, 3]) };
/// assert_eq!(window.padding, [0, 0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Elements of the window along each axis.
    pub kernel: [usize; 2],
    /// Distance between neighbouring windows.
    pub stride: [usize; 2],
    /// Elements added before the first and after the last.
    pub padding: [usize; 2],
    /// Distance between neighbouring elements of a window.
    pub dilation: [usize; 2],
}

impl Window {
    /// A window with stride 1 and no padding.
    pub fn new(kernel: [usize; 2]) -> Window {
        Window { kernel, stride: [1, 1], padding: [0, 0], dilation: [1, 1] }
    }

    /// The number of elements from the first to the last of a window.
    pub(crate) fn reach(&self, axis: usize) -> usize {
        self.dilation[axis] * (self.kernel[axis] - 1) + 1
    }

    /// The same for a kernel and a dilation of 1 or more, if that extent is representable.
    pub(crate) fn try_reach(&self, axis: usize) -> Result<usize, Error> {
        let (kernel, dilation) = (self.kernel[axis], self.dilation[axis]);
        let reach = (kernel - 1).checked_mul(dilation).and_then(|reach| reach.checked_add(1));
        extent(reach, || format!("a kernel of {kernel} with a dilation of {dilation}"))
    }

    /// The number of windows over an image of this size.
    pub(crate) fn counts(&self, size: [usize; 2]) -> Result<[usize; 2], Error> {
        let numbers = [self.kernel, self.stride, self.dilation];
        if numbers.as_flattened().contains(&0) {
            let reason = "expected a kernel, a stride and a dilation of 1 or more, found 0";
            return Err(Error::invalid(reason));
        }
        let mut counts = [0; 2];
        for axis in 0..2 {
            let (reach, n, padding) = (self.try_reach(axis)?, size[axis], self.padding[axis]);
            let padded = padding.checked_mul(2).and_then(|padding| padding.checked_add(n));
            let padded = extent(padded, || format!("{n} with a padding of {padding} on both sides"))?;
            let Some(free) = padded.checked_sub(reach) else {
                let reason =
                    format!("a window of {reach} does not fit into {padded} elements, padding included");
                return Err(Error::invalid(reason));
            };
            counts[axis] = free / self.stride[axis] + 1;
        }
        Ok(counts)
    }

    /// The windows, out of `count`, whose element `k` along an axis lies inside the image.
    #[inline(always)]
    fn inside(&self, axis: usize, k: usize, extent: usize, count: usize) -> Range<usize> {
        let (at, stride, padding) = (k * self.dilation[axis], self.stride[axis], self.padding[axis]);
        // Most windows have stride 1, and divisions are slow.
        let steps = |reach: usize| if stride == 1 { reach } else { reach.div_ceil(stride) };
        let first = steps(padding.saturating_sub(at));
        let end = steps((extent + padding).saturating_sub(at));
        first..end.min(count)
    }

    /// Returns `true` if every window overlaps the image.
    pub(crate) fn sees(&self, size: [usize; 2], count: [usize; 2]) -> bool {
        let seen = |axis: usize, i: usize| {
            let (start, padding) = (i * self.stride[axis], self.padding[axis]);
            // The first element of the window that is not in the padding before the image.
            let k = padding.saturating_sub(start).div_ceil(self.dilation[axis]);
            k < self.kernel[axis] && start + k * self.dilation[axis] < padding + size[axis]
        };
        (0..2).all(|axis| (0..count[axis]).all(|i| seen(axis, i)))
    }

    /// The elements of a window that lie inside an image of `extent` in at least one of `count` windows: with
    /// much padding, far more lie inside in none.
    fn used(&self, axis: usize, extent: usize, count: usize) -> Range<usize> {
        let (padding, dilation) = (self.padding[axis], self.dilation[axis]);
        let last = count.saturating_sub(1) * self.stride[axis];
        let first = padding.saturating_sub(last).div_ceil(dilation);
        first..(extent + padding).div_ceil(dilation).min(self.kernel[axis])
    }

    /// Visits what lies inside the image: for every element of the window, the windows in which it does.
    ///
    /// Nested loops: a chain of iterators is not compiled for the instruction set of the kernel around it.
    #[inline(always)]
    pub(crate) fn parts(&self, size: [usize; 2], count: [usize; 2], mut f: impl FnMut(Part)) {
        let [rows, cols] = [self.used(0, size[0], count[0]), self.used(1, size[1], count[1])];
        for u in rows {
            let down = self.inside(0, u, size[0], count[0]);
            for v in cols.clone() {
                let across = self.inside(1, v, size[1], count[1]);
                if down.is_empty() || across.is_empty() {
                    continue;
                }
                let row = down.start * self.stride[0] + u * self.dilation[0] - self.padding[0];
                let col = across.start * self.stride[1] + v * self.dilation[1] - self.padding[1];
                f(Part {
                    // May wrap for a kernel larger than any column of patches, where it is unused.
                    element: u.wrapping_mul(self.kernel[1]).wrapping_add(v),
                    extent: [down.len(), across.len()],
                    windows: Layout { at: down.start * count[1] + across.start, down: count[1], across: 1 },
                    image: Layout {
                        at: row * size[1] + col,
                        // A stride that would lead out of memory has no second row of windows.
                        down: self.stride[0].saturating_mul(size[1]),
                        across: self.stride[1],
                    },
                });
            }
        }
    }

    /// The same, row by row of windows.
    #[inline(always)]
    pub(crate) fn runs(&self, size: [usize; 2], count: [usize; 2], mut f: impl FnMut(Run)) {
        self.parts(size, count, |Part { extent: [rows, count], windows, image, .. }| {
            for i in 0..rows {
                let (window, at) = (windows.at + i * windows.down, image.at + i * image.down);
                f(Run { window, at, step: image.across, count });
            }
        });
    }
}

/// One element of the windows of a rectangle, which lies inside the image in all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// The index of the element in its window.
    pub(crate) element: usize,
    /// Rows and columns of windows.
    pub(crate) extent: [usize; 2],
    /// The windows in a plane of windows.
    pub(crate) windows: Layout,
    /// The elements in the image.
    pub(crate) image: Layout,
}

/// A rectangle in a plane: the position of its first element, the distances to the one below and the one beside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) at: usize,
    pub(crate) down: usize,
    pub(crate) across: usize,
}

/// One element of several windows of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// The first window.
    window: usize,
    /// The position in the image of this element in the first window.
    at: usize,
    /// The distance in the image to that of the next window.
    step: usize,
    /// The number of windows.
    count: usize,
}

impl Run {
    /// Its windows in a plane of windows.
    pub(crate) fn windows(&self) -> Range<usize> {
        self.window..self.window + self.count
    }

    /// Its elements of the image.
    #[inline(always)]
    pub(crate) fn of<'a, T>(&self, image: &'a [T]) -> StepBy<Iter<'a, T>> {
        image[self.at..=self.at + (self.count - 1) * self.step].iter().step_by(self.step)
    }

    /// Its elements of the image, mutably.
    #[inline(always)]
    pub(crate) fn of_mut<'a, T>(&self, image: &'a mut [T]) -> StepBy<IterMut<'a, T>> {
        image[self.at..=self.at + (self.count - 1) * self.step].iter_mut().step_by(self.step)
    }
}

/// The extents of a batch of images with channels.
pub(crate) fn image(x: &Shape) -> Result<[usize; 4], Error> {
    let expected = "an image [batch, channels, height, width]";
    x[..].try_into().map_err(|_| Error::rank(expected, x.dims()))
}

/// Calls `f` with every plane of `out`, of `size` elements, and the plane of `x`, of `from` elements, from
/// which it is computed.
pub(crate) fn planes_to_planes<T: Element>(
    out: &mut [T],
    size: usize,
    x: &[T],
    from: usize,
    f: impl Fn(&mut [T], &[T]) + Sync,
) {
    parallel::rows(out, size.max(1), size.max(from), |first, out| {
        for (i, out) in (first..).zip(out.chunks_exact_mut(size.max(1))) {
            f(out, &x[i * from..(i + 1) * from]);
        }
    });
}

/// Random images and windows: strides other than the kernel, ragged edges, padding up to half a kernel.
pub(crate) fn drawn(op: &str) -> impl Iterator<Item = ([usize; 4], Window)> {
    draws(op).map(|mut draw| {
        let mut pair = |low, high| [draw.between(low, high), draw.between(low, high)];
        let (kernel, stride, dilation) = (pair(1, 3), pair(1, 3), pair(1, 2));
        let padding = kernel.map(|extent| pair(0, extent / 2)[0]);
        let window = Window { kernel, stride, padding, dilation };
        let [height, width] = [0, 1].map(|axis| window.reach(axis) - padding[axis] + pair(0, 3)[0]);
        ([pair(1, 2)[0], pair(1, 2)[0], height, width], window)
    })
}
