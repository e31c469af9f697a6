//! Operands of any layout, read in row-major order a block at a time.
//!
//! An operand that is not contiguous is laid out block by block in a small buffer that stays in the first-level cache. So the
//! loops of `kernel` run over slices, and rows that are too short for vectors cost little more than long ones.

use super::Tensor;
use super::kernel::position;
use crate::parallel;
use crate::rules::algebra::Element;
use crate::shape::Shape;
use smallvec::SmallVec;

/// The number of elements of a block.
pub(super) const BLOCK: usize = 512;

/// Rows of at most this many elements are written as a whole vector, whose excess the next row overwrites.
const SHORT: usize = 16;

/// An operand, from some element on.
// Of these there are as many as operands, and each lives as long as a loop: to box one would be an allocation.
#[allow(clippy::large_enum_variant)]
enum Source<'a, T: Element> {
    /// The elements that are left, contiguous.
    Slice(&'a [T]),
    Strided(Cursor<'a, T>),
}

/// The position in an operand that is not contiguous.
struct Cursor<'a, T: Element> {
    buffer: &'a [T],
    /// The position of the first element.
    start: usize,
    /// Extent, stride and index of each axis, innermost first, neighbours merged where they are walked as one.
    axes: SmallVec<[Axis; 4]>,
    /// Where a block is laid out.
    block: Tensor<T>,
}

#[derive(Clone, Copy, Debug)]
struct Axis {
    extent: usize,
    step: isize,
    index: usize,
}

impl<'a, T: Element> Source<'a, T> {
    /// `x` stretched to `shape`, from element `first` on.
    fn new(x: &'a Tensor<T>, shape: &Shape, first: usize) -> Source<'a, T> {
        if let Some(x) = x.as_slice()
            && x.len() == shape.size()
        {
            return Source::Slice(&x[first..]);
        }
        let mut axes: SmallVec<[Axis; 4]> = SmallVec::new();
        for (&extent, step) in shape.iter().zip(x.stretched_strides(shape)).rev() {
            match axes.last_mut() {
                _ if extent == 1 => {}
                Some(inner) if step == inner.step * inner.extent as isize => inner.extent *= extent,
                _ => axes.push(Axis { extent, step, index: 0 }),
            }
        }
        if axes.is_empty() {
            axes.push(Axis { extent: 1, step: 0, index: 0 });
        }
        let mut rest = first;
        for axis in &mut axes {
            axis.index = rest % axis.extent;
            rest /= axis.extent;
        }
        let block = Tensor::scratch(BLOCK.min(shape.size() - first));
        Source::Strided(Cursor { buffer: x.buffer(), start: x.offset(), axes, block })
    }

    /// Writes the next elements to `out`.
    fn read(&mut self, out: &mut [T]) {
        match self {
            Source::Slice(x) => {
                let (block, rest) = x.split_at(out.len());
                out.copy_from_slice(block);
                *x = rest;
            }
            Source::Strided(cursor) => cursor.read(out),
        }
    }

    /// The next `n` elements, at most a block if they are not contiguous.
    #[inline]
    fn next(&mut self, n: usize) -> &[T] {
        match self {
            Source::Slice(x) => {
                let (block, rest) = x.split_at(n);
                *x = rest;
                block
            }
            Source::Strided(cursor) => {
                let mut block = std::mem::take(&mut cursor.block);
                cursor.read(&mut block.as_mut_slice()[..n]);
                cursor.block = block;
                &cursor.block.as_slice().unwrap_or_default()[..n]
            }
        }
    }
}

impl<T: Element> Cursor<'_, T> {
    /// The position of the element at the indices.
    fn position(&self) -> usize {
        let steps: isize = self.axes.iter().map(|axis| axis.index as isize * axis.step).sum();
        (self.start as isize + steps) as usize
    }

    fn read(&mut self, out: &mut [T]) {
        let mut done = 0;
        while done < out.len() {
            let (at, left) = (self.position(), out.len() - done);
            let inner = self.axes[0];
            let rows = match self.axes.get(1) {
                Some(outer) if inner.index == 0 => (outer.extent - outer.index).min(left / inner.extent),
                _ => 0,
            };
            let out = &mut out[done..];
            if rows > 1 {
                read_rows(self.buffer, at, [self.axes[1].step, inner.step], [rows, inner.extent], out);
                self.advance(1, rows);
                done += rows * inner.extent;
            } else {
                let count = left.min(inner.extent - inner.index);
                read_row(self.buffer, at, inner.step, &mut out[..count]);
                self.advance(0, count);
                done += count;
            }
        }
    }

    /// Goes `count` further along an axis, at most to its end, and from there to the next axis.
    fn advance(&mut self, axis: usize, count: usize) {
        self.axes[axis].index += count;
        for k in axis..self.axes.len() {
            if self.axes[k].index < self.axes[k].extent {
                break;
            }
            self.axes[k].index = 0;
            if let Some(outer) = self.axes.get_mut(k + 1) {
                outer.index += 1;
            }
        }
    }
}

/// Copies a row.
#[inline]
fn read_row<T: Element>(buffer: &[T], at: usize, step: isize, out: &mut [T]) {
    match step {
        0 => out.fill(buffer[at]),
        1 => out.copy_from_slice(&buffer[at..at + out.len()]),
        _ => out.iter_mut().enumerate().for_each(|(i, out)| *out = buffer[position(at, step, i)]),
    }
}

/// Copies several rows, `steps` apart and with this step within a row; `out` may be longer, and what follows the rows in it is
/// not kept.
fn read_rows<T: Element>(
    buffer: &[T],
    at: usize,
    steps: [isize; 2],
    [rows, length]: [usize; 2],
    out: &mut [T],
) {
    let [down, across] = steps;
    if down == 0 {
        // The same row again and again: copies of what is there already.
        read_row(buffer, at, across, &mut out[..length]);
        let mut filled = length;
        while filled < rows * length {
            let count = filled.min(rows * length - filled);
            out.copy_within(..count, filled);
            filled += count;
        }
        return;
    }
    for row in 0..rows {
        let (at, out) = (position(at, down, row), &mut out[row * length..]);
        match (across, out.first_chunk_mut::<SHORT>()) {
            (0, Some(out)) if length <= SHORT => *out = [buffer[at]; SHORT],
            (1, Some(out)) if length <= SHORT && at + SHORT <= buffer.len() => {
                out.copy_from_slice(&buffer[at..at + SHORT]);
            }
            _ => read_row(buffer, at, across, &mut out[..length]),
        }
    }
}

/// Operands stretched to one shape, read together.
pub(super) struct Together<'a, T: Element, const N: usize>([Source<'a, T>; N]);

impl<'a, T: Element, const N: usize> Together<'a, T, N> {
    /// From element `first` of `shape` on.
    pub(super) fn new(x: [&'a Tensor<T>; N], shape: &Shape, first: usize) -> Together<'a, T, N> {
        Together(x.map(|x| Source::new(x, shape, first)))
    }

    /// Returns `true` if no operand is laid out in a buffer.
    fn is_contiguous(&self) -> bool {
        self.0.iter().all(|source| matches!(source, Source::Slice(_)))
    }

    /// The next `n` elements of each operand.
    #[inline]
    pub(super) fn next(&mut self, n: usize) -> [&[T]; N] {
        let mut operands: [&[T]; N] = [&[]; N];
        for (operand, source) in operands.iter_mut().zip(&mut self.0) {
            *operand = source.next(n);
        }
        operands
    }
}

/// Calls `run(out, operands)` for every block of `out`, which has the elements of `shape`, and the same blocks of operands that
/// are stretched to it; a block of `out` begins with the elements of `start`, if there is one.
pub(super) fn fill<T: Element, const N: usize>(
    out: &mut [T],
    shape: &Shape,
    start: Option<&Tensor<T>>,
    x: [&Tensor<T>; N],
    run: impl Fn(&mut [T], [&[T]; N]) + Sync,
) {
    parallel::elements(out, |first, out| {
        if out.is_empty() {
            return;
        }
        let mut start = start.map(|start| Source::new(start, shape, first));
        let mut x = Together::new(x, shape, first);
        let block = if start.is_none() && x.is_contiguous() { out.len() } else { BLOCK };
        for out in out.chunks_mut(block) {
            if let Some(start) = &mut start {
                start.read(out);
            }
            run(out, x.next(out.len()));
        }
    });
}

/// The tensor `x` changed by `run(x, operands)` block by block: in its buffer if it is not shared, else in a new one, without
/// a pass to copy it.
pub(super) fn change<T: Element, const N: usize>(
    mut x: Tensor<T>,
    operands: [&Tensor<T>; N],
    run: impl Fn(&mut [T], [&[T]; N]) + Sync,
) -> Tensor<T> {
    let shape = x.shape().clone();
    if x.is_contiguous() && x.is_unique() {
        fill(x.as_mut_slice(), &shape, None, operands, run);
        return x;
    }
    Tensor::build(shape.clone(), |out| fill(out, &shape, Some(&x), operands, run))
}
