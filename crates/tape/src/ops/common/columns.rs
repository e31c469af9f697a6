//! Patches of images as columns (im2col), and the image as the sum of its patches (col2im).

use crate::error;
use crate::ops::common::window::{Layout, Window};
use crate::rules::algebra::Element;
use crate::simd::{self, Kernel};

/// The patches of planes of one size: a row for each element of the window, a column for each window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    window: Window,
    size: [usize; 2],
    counts: [usize; 2],
}

impl Columns {
    /// The patches of planes of `size`, into which the window fits.
    pub(crate) fn new(window: Window, size: [usize; 2]) -> Columns {
        Columns { window, size, counts: error::expect(window.counts(size)) }
    }

    /// The elements of a plane.
    pub(crate) fn plane(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// The number of windows over a plane.
    pub(crate) fn windows(&self) -> usize {
        self.counts[0] * self.counts[1]
    }

    /// The elements of the patches of one plane.
    pub(crate) fn patches(&self) -> usize {
        // Without any plane, a kernel is not limited by memory.
        self.window.kernel.iter().fold(self.windows(), |product, &extent| product.saturating_mul(extent))
    }

    /// Returns `true` if some windows reach beyond the image, where unfolding writes nothing.
    pub(crate) fn padded(&self) -> bool {
        self.window.padding != [0, 0]
    }

    /// Returns `true` if the patches of a plane are the plane.
    pub(crate) fn trivial(&self) -> bool {
        self.window == Window::new([1, 1])
    }

    /// Copies the patches of several planes to `out`, except for elements outside the image.
    pub(crate) fn unfold<T: Element>(&self, planes: &[T], out: &mut [T]) {
        simd::run(out.len(), Unfold { columns: *self, planes, out });
    }

    /// Adds the patches of several planes to the planes.
    pub(crate) fn fold<T: Element>(&self, patches: &[T], planes: &mut [T]) {
        simd::run(patches.len(), Fold { columns: *self, patches, planes });
    }
}

struct Unfold<'a, T> {
    columns: Columns,
    planes: &'a [T],
    out: &'a mut [T],
}

impl<T: Element> Kernel for Unfold<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Unfold { columns, planes, out } = self;
        let Columns { window, size, counts } = columns;
        let (windows, plane, patches) = (columns.windows(), columns.plane(), columns.patches());
        let count = out.len() / patches;
        window.parts(
            size,
            counts,
            #[inline(always)]
            |part| {
                for i in 0..count {
                    let image = &planes[i * plane..(i + 1) * plane];
                    let out = &mut out[i * patches + part.element * windows..][..windows];
                    each((out, part.windows), (image, part.image), part.extent, |out, x| *out = x);
                }
            },
        );
    }
}

struct Fold<'a, T> {
    columns: Columns,
    patches: &'a [T],
    planes: &'a mut [T],
}

impl<T: Element> Kernel for Fold<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Fold { columns, patches: all, planes } = self;
        let Columns { window, size, counts } = columns;
        let (windows, plane, patches) = (columns.windows(), columns.plane(), columns.patches());
        let count = all.len() / patches;
        window.parts(
            size,
            counts,
            #[inline(always)]
            |part| {
                // All planes before the next element: a processor waits where it reads what it has just written at other
                // places of a vector.
                for i in 0..count {
                    let image = &mut planes[i * plane..(i + 1) * plane];
                    let patches = &all[i * patches + part.element * windows..][..windows];
                    each((image, part.image), (patches, part.windows), part.extent, |out, x| *out += x);
                }
            },
        );
    }
}

/// The elements that are copied or added at a time.
const LANES: usize = 8;

/// `f` of the elements of two rectangles with these numbers of rows and columns.
#[inline(always)]
fn each<T: Element>(
    (out, to): (&mut [T], Layout),
    (x, from): (&[T], Layout),
    [rows, cols]: [usize; 2],
    f: impl Fn(&mut T, T) + Copy,
) {
    if to.across != 1 || from.across != 1 {
        for i in 0..rows {
            let out = out[to.at + i * to.down..].iter_mut().step_by(to.across);
            let x = x[from.at + i * from.down..].iter().step_by(from.across);
            out.zip(x).take(cols).for_each(|(out, &x)| f(out, x));
        }
        return;
    }
    let (out, x, apart) = (&mut out[to.at..], &x[from.at..], [to.down, from.down]);
    // A short row in a known number of vectors: a call of `memcpy`, or a loop that must find out, takes longer.
    match cols / LANES {
        0 => short_rows::<0, T>(out, x, apart, [rows, cols], f),
        1 => short_rows::<1, T>(out, x, apart, [rows, cols], f),
        2 => short_rows::<2, T>(out, x, apart, [rows, cols], f),
        3 => short_rows::<3, T>(out, x, apart, [rows, cols], f),
        4 => short_rows::<4, T>(out, x, apart, [rows, cols], f),
        _ => {
            for i in 0..rows {
                let (out, x) = (&mut out[i * apart[0]..][..cols], &x[i * apart[1]..][..cols]);
                out.iter_mut().zip(x).for_each(|(out, &x)| f(out, x));
            }
        }
    }
}

/// `f` of the elements of contiguous rows of `CHUNKS` times `LANES` elements and fewer than `LANES` more.
#[inline(always)]
fn short_rows<const CHUNKS: usize, T: Element>(
    out: &mut [T],
    x: &[T],
    apart: [usize; 2],
    [rows, cols]: [usize; 2],
    f: impl Fn(&mut T, T) + Copy,
) {
    let (mut out, mut x) = (out, x);
    for i in 0..rows {
        // Cutting off the rows that are done takes less time than finding out where a row begins.
        if i > 0 {
            (out, x) = (&mut out[apart[0]..], &x[apart[1]..]);
        }
        let (to, from) = (&mut out[..CHUNKS * LANES], &x[..CHUNKS * LANES]);
        let (to, from) = (to.as_chunks_mut::<LANES>().0, from.as_chunks::<LANES>().0);
        for k in 0..CHUNKS {
            vector(&mut to[k], from[k], f);
        }
        if cols == CHUNKS * LANES {
            continue;
        }
        let (to, from) = (&mut out[CHUNKS * LANES..cols], &x[CHUNKS * LANES..cols]);
        let (halves, to) = to.as_chunks_mut::<{ LANES / 2 }>();
        let (half_from, from) = from.as_chunks::<{ LANES / 2 }>();
        if let (Some(to), Some(from)) = (halves.first_mut(), half_from.first()) {
            vector(to, *from, f);
        }
        to.iter_mut().zip(from).for_each(|(to, &x)| f(to, x));
    }
}

/// `f` of the elements of two vectors; `x` is a copy, so that the compiler need not ask whether they overlap.
#[inline(always)]
fn vector<const N: usize, T: Element>(out: &mut [T; N], x: [T; N], f: impl Fn(&mut T, T)) {
    // A loop: an iterator over an array by value is not always inlined.
    for (out, &x) in out.iter_mut().zip(&x) {
        f(out, x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Unfolding and folding, element by element, for rows of every length up to several vectors.
    #[test]
    fn patches_are_those_of_the_definition() {
        for (stride, padding, dilation) in [(1, 0, 1), (2, 0, 1), (1, 1, 1), (3, 2, 2), (1, 3, 2)] {
            for width in 1..=45 {
                check(
                    Window {
                        stride: [1, stride],
                        padding: [1, padding],
                        dilation: [1, dilation],
                        ..Window::new([2, 3])
                    },
                    [3, width],
                );
                check(
                    Window {
                        stride: [stride, 1],
                        padding: [padding, 0],
                        dilation: [dilation, 1],
                        ..Window::new([3, 1])
                    },
                    [width, 9],
                );
            }
        }
    }

    fn check(window: Window, size: [usize; 2]) {
        let Ok([down, across]) = window.counts(size) else { return };
        let columns = Columns::new(window, size);
        let planes: Vec<f64> = (1..=2 * size[0] * size[1]).map(|i| i as f64).collect();
        let mut found = vec![0.0; 2 * columns.patches()];
        columns.unfold(&planes, &mut found);
        let (mut expected, mut sums) = (Vec::new(), vec![0.0; planes.len()]);
        for (p, u, v) in (0..2).flat_map(|p| {
            (0..window.kernel[0]).flat_map(move |u| (0..window.kernel[1]).map(move |v| (p, u, v)))
        }) {
            for (i, j) in (0..down).flat_map(|i| (0..across).map(move |j| (i, j))) {
                let row = (i * window.stride[0] + u * window.dilation[0]).checked_sub(window.padding[0]);
                let col = (j * window.stride[1] + v * window.dilation[1]).checked_sub(window.padding[1]);
                let inside = row.zip(col).filter(|&(row, col)| row < size[0] && col < size[1]);
                let at = inside.map(|(row, col)| (p * size[0] + row) * size[1] + col);
                at.into_iter().for_each(|at| sums[at] += expected.len() as f64);
                expected.push(at.map_or(0.0, |at| planes[at]));
            }
        }
        assert_eq!(found, expected, "{window:?} over {size:?}");
        let numbers: Vec<f64> = (0..found.len()).map(|i| i as f64).collect();
        let mut folded = vec![0.0; planes.len()];
        columns.fold(&numbers, &mut folded);
        assert_eq!(folded, sums, "{window:?} over {size:?}");
    }
}
