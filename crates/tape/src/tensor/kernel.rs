//! Elementwise loops over any number of operands with any strides.
//!
//! Every loop has a fast path for contiguous operands; the general path walks the axes with [`Walk`],
//! which merges axes where possible and hands out one innermost run at a time.

use super::matmul::{self, TILE};
use super::{Tensor, blocks, reduce, sums};
use crate::parallel;
use crate::rules::algebra::Element;
use crate::shape::Shape;
use crate::simd::{self, Kernel};
use smallvec::SmallVec;

/// Fills an innermost run: its part of the result, the positions where it begins in each operand, and their strides.
pub(crate) type Run<'r, T, const N: usize> = dyn Fn(&mut [T], [usize; N], [isize; N]) + Sync + 'r;

/// Runs of fewer elements are not worth a vector loop each.
const LONG: usize = 64;

/// Tensors with fewer elements are not worth laying out an operand.
const BLOCKED: usize = 256;

/// A walk over a shape by `N` operands at once, innermost axis last.
pub(crate) struct Walk<const N: usize> {
    /// Extent and, for each operand, stride of each axis, after merging.
    axes: SmallVec<[(usize, [isize; N]); 4]>,
    empty: bool,
}

impl<const N: usize> Walk<N> {
    /// Drops axes of extent 1 and merges neighbouring axes that every operand walks as one.
    pub(crate) fn new(shape: &[usize], strides: [&[isize]; N]) -> Walk<N> {
        let mut axes: SmallVec<[(usize, [isize; N]); 4]> = SmallVec::new();
        for (axis, &extent) in shape.iter().enumerate() {
            if extent == 1 {
                continue;
            }
            let steps = strides.map(|s| s[axis]);
            match axes.last_mut() {
                Some((outer, outer_steps))
                    if (0..N).all(|k| outer_steps[k] == steps[k] * extent as isize) =>
                {
                    *outer *= extent;
                    *outer_steps = steps;
                }
                _ => axes.push((extent, steps)),
            }
        }
        Walk { axes, empty: shape.contains(&0) }
    }

    /// Returns `true` if the innermost runs fill vectors, and every operand is contiguous in them or repeats one element.
    fn has_long_runs(&self) -> bool {
        let long = |&(extent, steps): &(usize, [isize; N])| {
            extent >= LONG && steps.iter().all(|&step| step == 0 || step == 1)
        };
        self.axes.last().is_none_or(long)
    }

    /// Calls `run(out, positions, strides)` for every innermost run, where `out` is its part of the whole
    /// `out`; chunks of the outermost axis may run on several threads.
    ///
    /// `run` is called through a reference, so that the walk is compiled once and not for each loop.
    #[inline]
    pub(crate) fn fill<T: Send>(&self, out: &mut [T], start: [usize; N], run: &Run<'_, T, N>) {
        self.fill_blocks(out, 1, 1, start, run);
    }

    /// Like `fill`, where every position has `size` elements of `out` and costs as much as `cost`
    /// elements of a cheap loop.
    pub(crate) fn fill_blocks<T: Send>(
        &self,
        out: &mut [T],
        size: usize,
        cost: usize,
        start: [usize; N],
        run: &Run<'_, T, N>,
    ) {
        let part = |first, extent, mut rest: &mut [T]| {
            self.runs(first, extent, start, |at, n, steps| {
                let (out, after) = std::mem::take(&mut rest).split_at_mut(n * size);
                rest = after;
                run(out, at, steps);
            });
        };
        let outermost = self.axes.first().map_or(1, |axis| axis.0);
        if parallel::is_small(out.len() / size * cost) {
            return part(0, outermost, out);
        }
        let row = out.len() / outermost;
        parallel::rows(out, row, row / size * cost, |first, out| part(first, out.len() / row, out));
    }

    /// Calls `run(positions, length, strides)` for every innermost run, in row-major order, of the
    /// `extent` entries of the outermost axis that begin at `first`.
    #[inline]
    fn runs(
        &self,
        first: usize,
        extent: usize,
        start: [usize; N],
        mut run: impl FnMut([usize; N], usize, [isize; N]),
    ) {
        if self.empty {
            return;
        }
        let Some(((length, steps), outer)) = self.axes.split_last() else {
            return run(start, 1, [1; N]);
        };
        let skipped = self.axes[0].1;
        let mut at: [isize; N] = std::array::from_fn(|k| start[k] as isize + first as isize * skipped[k]);
        let mut index: SmallVec<[usize; 4]> = SmallVec::from_elem(0, outer.len());
        let length = if outer.is_empty() { extent } else { *length };
        loop {
            run(at.map(|a| a as usize), length, *steps);
            let mut axis = outer.len();
            loop {
                if axis == 0 {
                    return;
                }
                axis -= 1;
                let (whole, steps) = &outer[axis];
                let extent = if axis == 0 { extent } else { *whole };
                index[axis] += 1;
                (0..N).for_each(|k| at[k] += steps[k]);
                if index[axis] < extent {
                    break;
                }
                index[axis] = 0;
                (0..N).for_each(|k| at[k] -= steps[k] * extent as isize);
            }
        }
    }
}

struct MapLoop<'a, T, F>(&'a mut [T], &'a [T], F);

impl<T: Element, F: Fn(T) -> T> Kernel for MapLoop<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let MapLoop(out, x, f) = self;
        for (out, &x) in out.iter_mut().zip(x) {
            *out = f(x);
        }
    }
}

/// `f` of every element, row-major.
#[inline]
pub(crate) fn map<T: Element, F: Fn(T) -> T + Copy + Sync>(x: &Tensor<T>, f: F) -> Tensor<T> {
    Tensor::build(x.shape().clone(), |out| fill_map(out, x, f))
}

/// As [`map`], in the buffer of `y` if possible.
#[inline]
pub(crate) fn map_into<T: Element, F: Fn(T) -> T + Copy + Sync>(y: &mut Tensor<T>, x: &Tensor<T>, f: F) {
    y.refill(x.shape(), |out| fill_map(out, x, f));
}

#[inline]
fn fill_map<T: Element, F: Fn(T) -> T + Copy + Sync>(out: &mut [T], x: &Tensor<T>, f: F) {
    match x.as_slice() {
        Some(x) => {
            parallel::elements(out, |i, out| simd::run(out.len(), MapLoop(out, &x[i..i + out.len()], f)))
        }
        None => {
            let buffer = x.buffer();
            Walk::new(x.shape(), [x.strides()]).fill(out, [x.offset()], &|out, [at], [step]| match step {
                1 => simd::run(out.len(), MapLoop(out, &buffer[at..at + out.len()], f)),
                _ => each(out, |i| f(buffer[position(at, step, i)])),
            });
        }
    }
}

/// A row-major copy of a tensor whose columns are contiguous, tile by tile; `None` if it is of another kind.
pub(crate) fn copy_columns<T: Element>(x: &Tensor<T>) -> Option<Tensor<T>> {
    let mut walk = Walk::new(x.shape(), [x.strides()]);
    let &[.., (rows, [1]), (columns, [step])] = &walk.axes[..] else { return None };
    if step == 0 || rows.min(columns) < TILE {
        return None;
    }
    walk.axes.truncate(walk.axes.len() - 2);
    let (buffer, size) = (x.buffer(), rows * columns);
    Some(Tensor::build(x.shape().clone(), |out| {
        walk.fill_blocks(out, size, size, [x.offset()], &|out, [at], [apart]| {
            for (i, out) in out.chunks_exact_mut(size).enumerate() {
                matmul::copy_columns(&buffer[position(at, apart, i)..], [rows, columns], step, out);
            }
        });
    }))
}

struct Change<'a, T, F>(&'a mut [T], F);

impl<T: Element, F: Fn(T) -> T> Kernel for Change<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Change(x, f) = self;
        for x in x {
            *x = f(*x);
        }
    }
}

/// Replaces every element `x` by `f(x)`.
#[inline]
pub(crate) fn change<T: Element, F: Fn(T) -> T + Copy + Sync>(x: &mut Tensor<T>, f: F) {
    if let Some(x) = x.columns_mut() {
        return parallel::elements(x, |_, x| simd::run(x.len(), Change(x, f)));
    }
    parallel::elements(x.as_mut_slice(), |_, x| simd::run(x.len(), Change(x, f)));
}

/// `f` of every element, in the buffer of `x` if it is not shared.
pub(crate) fn changed<T: Element, F: Fn(T) -> T + Copy + Sync>(x: Tensor<T>, f: F) -> Tensor<T> {
    blocks::change(x, [], |x, []| simd::run(x.len(), Change(x, f)))
}

#[inline(always)]
fn each<T>(out: &mut [T], f: impl Fn(usize) -> T) {
    for (i, out) in out.iter_mut().enumerate() {
        *out = f(i);
    }
}

#[inline(always)]
pub(crate) fn position(at: usize, step: isize, i: usize) -> usize {
    (at as isize + step * i as isize) as usize
}

/// An operand of one run: contiguous, a single repeated element, or strided.
#[derive(Clone, Copy)]
pub(crate) enum Lanes<'a, T> {
    Slice(&'a [T]),
    Same(T),
    Strided(&'a [T], usize, isize),
}

impl<'a, T: Element> Lanes<'a, T> {
    #[inline(always)]
    pub(crate) fn new(buffer: &'a [T], at: usize, n: usize, step: isize) -> Lanes<'a, T> {
        match step {
            1 => Lanes::Slice(&buffer[at..at + n]),
            0 => Lanes::Same(buffer[at]),
            _ => Lanes::Strided(buffer, at, step),
        }
    }

    #[inline(always)]
    pub(crate) fn get(&self, i: usize) -> T {
        match *self {
            Lanes::Slice(x) => x[i],
            Lanes::Same(x) => x,
            Lanes::Strided(buffer, at, step) => buffer[position(at, step, i)],
        }
    }
}

/// `f` of every element of a slice.
pub(crate) fn map_slice<T: Element, F: Fn(T) -> T>(out: &mut [T], x: &[T], f: F) {
    simd::run(out.len(), MapLoop(out, x, f));
}

/// `f` of every pair of elements of two slices.
pub(crate) fn zip_slices<T: Element, F: Fn(T, T) -> T>(out: &mut [T], a: &[T], b: &[T], f: F) {
    simd::run(out.len(), ZipLoop(out, Lanes::Slice(a), Lanes::Slice(b), f));
}

/// `f` of every lane.
#[inline]
pub(crate) fn map_lanes<T: Element, F: Fn(T) -> T>(out: &mut [T], x: Lanes<T>, f: F) {
    match x {
        Lanes::Slice(x) => simd::run(out.len(), MapLoop(out, x, f)),
        Lanes::Same(x) => out.fill(f(x)),
        x => each(out, |i| f(x.get(i))),
    }
}

/// `f` of every pair of lanes.
#[inline]
pub(crate) fn zip_lanes<T: Element, F: Fn(T, T) -> T>(out: &mut [T], a: Lanes<T>, b: Lanes<T>, f: F) {
    simd::run(out.len(), ZipLoop(out, a, b, f));
}

struct ZipLoop<'a, T, F>(&'a mut [T], Lanes<'a, T>, Lanes<'a, T>, F);

impl<T: Element, F: Fn(T, T) -> T> Kernel for ZipLoop<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let ZipLoop(out, a, b, f) = self;
        match (a, b) {
            (Lanes::Slice(a), Lanes::Slice(b)) => {
                for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
                    *out = f(a, b);
                }
            }
            (Lanes::Slice(a), Lanes::Same(b)) => {
                for (out, &a) in out.iter_mut().zip(a) {
                    *out = f(a, b);
                }
            }
            (Lanes::Same(a), Lanes::Slice(b)) => {
                for (out, &b) in out.iter_mut().zip(b) {
                    *out = f(a, b);
                }
            }
            (a, b) => each(out, |i| f(a.get(i), b.get(i))),
        }
    }
}

/// `f` of every pair, both operands stretched to `shape`, row-major.
#[inline]
pub(crate) fn zip<T: Element, F: Fn(T, T) -> T + Copy + Sync>(
    shape: &Shape,
    a: &Tensor<T>,
    b: &Tensor<T>,
    f: F,
) -> Tensor<T> {
    Tensor::build(shape.clone(), |out| fill_zip(out, shape, a, b, f))
}

/// As [`zip`], in the buffer of `y` if possible.
#[inline]
pub(crate) fn zip_into<T: Element, F: Fn(T, T) -> T + Copy + Sync>(
    y: &mut Tensor<T>,
    shape: &Shape,
    a: &Tensor<T>,
    b: &Tensor<T>,
    f: F,
) {
    y.refill(shape, |out| fill_zip(out, shape, a, b, f));
}

#[inline]
fn fill_zip<T: Element, F: Fn(T, T) -> T + Copy + Sync>(
    out: &mut [T],
    shape: &Shape,
    a: &Tensor<T>,
    b: &Tensor<T>,
    f: F,
) {
    if let (Some(x), Some(y)) = (a.as_slice(), b.as_slice())
        && a.shape() == b.shape()
    {
        return parallel::elements(out, |i, out| {
            let (x, y) = (&x[i..i + out.len()], &y[i..i + out.len()]);
            simd::run(out.len(), ZipLoop(out, Lanes::Slice(x), Lanes::Slice(y), f));
        });
    }
    let (sa, sb) = (a.stretched_strides(shape), b.stretched_strides(shape));
    let walk = Walk::new(shape, [&sa, &sb]);
    if out.len() >= BLOCKED && !walk.has_long_runs() {
        return blocks::fill(out, shape, None, [a, b], |out, [a, b]| {
            simd::run(out.len(), ZipLoop(out, Lanes::Slice(a), Lanes::Slice(b), f));
        });
    }
    let (x, y) = (a.buffer(), b.buffer());
    walk.fill(out, [a.offset(), b.offset()], &|out, [i, j], [p, q]| {
        let n = out.len();
        simd::run(n, ZipLoop(out, Lanes::new(x, i, n, p), Lanes::new(y, j, n, q), f));
    });
}

struct Update<'a, T, F>(&'a mut [T], Lanes<'a, T>, F);

impl<T: Element, F: Fn(&mut T, T)> Kernel for Update<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Update(out, x, f) = self;
        match x {
            Lanes::Slice(x) => {
                for (out, &x) in out.iter_mut().zip(x) {
                    f(out, x);
                }
            }
            Lanes::Same(x) => {
                for out in out {
                    f(out, x);
                }
            }
            x => {
                for (i, out) in out.iter_mut().enumerate() {
                    f(out, x.get(i));
                }
            }
        }
    }
}

/// `f(&mut a, b)` for every pair; `b` is stretched to the shape of `a`.
#[inline]
pub(crate) fn update<T: Element, F: Fn(&mut T, T) + Copy + Sync>(a: &mut Tensor<T>, b: &Tensor<T>, f: F) {
    let shape = a.shape().clone();
    let out = a.as_mut_slice();
    if let Some(x) = b.as_slice()
        && *b.shape() == shape
    {
        return parallel::elements(out, |i, out| {
            let x = &x[i..i + out.len()];
            simd::run(out.len(), Update(out, Lanes::Slice(x), f));
        });
    }
    let (strides, x) = (b.stretched_strides(&shape), b.buffer());
    Walk::new(&shape, [&strides]).fill(out, [b.offset()], &|out, [at], [step]| {
        let n = out.len();
        simd::run(n, Update(out, Lanes::new(x, at, n, step), f));
    });
}

struct Chain1<'a, T, F>(&'a mut [T], &'a [T], &'a [T], F);

impl<T: Element, F: Fn(T, T, T) -> T> Kernel for Chain1<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Chain1(dy, x, y, f) = self;
        for ((dy, &x), &y) in dy.iter_mut().zip(x).zip(y) {
            *dy = f(*dy, x, y);
        }
    }
}

/// `f(dy, x, y)` for every element of `dy`, to whose shape `x` and `y` are stretched, in its buffer if that is not shared.
#[inline]
pub(crate) fn chain1<T: Element, F: Fn(T, T, T) -> T + Copy + Sync>(
    mut dy: Tensor<T>,
    x: &Tensor<T>,
    y: &Tensor<T>,
    f: F,
) -> Tensor<T> {
    chain1_in_place(&mut dy, x, y, f);
    dy
}

/// As [`chain1`], with the result in the place of `dy`.
#[inline]
pub(crate) fn chain1_in_place<T: Element, F: Fn(T, T, T) -> T + Copy + Sync>(
    dy: &mut Tensor<T>,
    x: &Tensor<T>,
    y: &Tensor<T>,
    f: F,
) {
    if let (true, Some(x), Some(y)) = (dy.is_cheap_to_change(), x.as_slice(), y.as_slice())
        && x.len() == dy.size()
        && y.len() == dy.size()
    {
        return parallel::elements(dy.as_mut_slice(), |i, dy| {
            let (x, y) = (&x[i..i + dy.len()], &y[i..i + dy.len()]);
            simd::run(dy.len(), Chain1(dy, x, y, f));
        });
    }
    if let (Some(x), Some(y)) = (x.columns(), y.columns())
        && let Some(dy) = dy.columns_mut().filter(|dy| dy.len() == x.len() && dy.len() == y.len())
    {
        return parallel::elements(dy, |i, dy| {
            let (x, y) = (&x[i..i + dy.len()], &y[i..i + dy.len()]);
            simd::run(dy.len(), Chain1(dy, x, y, f));
        });
    }
    *dy = blocks::change(std::mem::take(dy), [x, y], |dy, [x, y]| simd::run(dy.len(), Chain1(dy, x, y, f)));
}

struct Chain2<'a, T, F>(&'a mut [T], [&'a [T]; 3], F);

impl<T: Element, F: Fn(T, T, T, T) -> T> Kernel for Chain2<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Chain2(dy, [a, b, y], f) = self;
        for (((dy, &a), &b), &y) in dy.iter_mut().zip(a).zip(b).zip(y) {
            *dy = f(*dy, a, b, y);
        }
    }
}

/// `f(dy, a, b, y)` for every element of `dy`, to whose shape the others are stretched, in its buffer if that is not shared.
#[inline]
pub(crate) fn chain2<T: Element, F: Fn(T, T, T, T) -> T + Copy + Sync>(
    mut dy: Tensor<T>,
    a: &Tensor<T>,
    b: &Tensor<T>,
    y: &Tensor<T>,
    f: F,
) -> Tensor<T> {
    let n = dy.size();
    if let (true, Some(a), Some(b), Some(y)) =
        (dy.is_cheap_to_change(), a.as_slice(), b.as_slice(), y.as_slice())
        && [a.len(), b.len(), y.len()] == [n; 3]
    {
        parallel::elements(dy.as_mut_slice(), |i, dy| {
            let n = dy.len();
            simd::run(n, Chain2(dy, [&a[i..i + n], &b[i..i + n], &y[i..i + n]], f));
        });
        return dy;
    }
    blocks::change(dy, [a, b, y], |dy, operands| simd::run(dy.len(), Chain2(dy, operands, f)))
}

/// As [`chain1`], summed over the axes along which `to` was stretched to the shape of `x`; the results are not stored.
pub(crate) fn chain1_sum_to<T: Element, F: Fn(T, T, T) -> T + Copy + Sync>(
    to: &Shape,
    x: &Tensor<T>,
    [a, b]: [&Tensor<T>; 2],
    f: F,
) -> Tensor<T> {
    sums::sum_to(x.shape(), to, [x, a, b], |out, [x, a, b]| {
        out.copy_from_slice(x);
        simd::run(out.len(), Chain1(out, a, b, f));
    })
}

/// As [`chain2`], summed over the axes along which `to` was stretched to the shape of `y`: the products are not stored.
pub(crate) fn chain2_sum_to<T: Element, F: Fn(T, T, T, T) -> T + Copy + Sync>(
    to: &Shape,
    dy: &Tensor<T>,
    a: &Tensor<T>,
    b: &Tensor<T>,
    y: &Tensor<T>,
    f: F,
) -> Tensor<T> {
    sums::sum_to(y.shape(), to, [dy, a, b, y], |out, [dy, a, b, y]| {
        out.copy_from_slice(dy);
        simd::run(out.len(), Chain2(out, [a, b, y], f));
    })
}

/// The sum of `f(x)` over the axes along which `to` was stretched to the shape of `x`.
pub(crate) fn map_sum_to<T: Element, F: Fn(T) -> T + Copy + Sync>(
    to: &Shape,
    x: &Tensor<T>,
    f: F,
) -> Tensor<T> {
    if let (1, Some(x)) = (to.size(), x.as_slice()) {
        return Tensor::full(to, reduce::sum_stored(x, x, move |x, _| f(x)));
    }
    sums::sum_to(x.shape(), to, [x], |out, [x]| simd::run(out.len(), MapLoop(out, x, f)))
}

/// The sum of `f(a, b)` over the axes along which `to` was stretched to the shape of `a`, which is that of `b`.
pub(crate) fn zip_sum_to<T: Element, F: Fn(T, T) -> T + Copy + Sync>(
    to: &Shape,
    a: &Tensor<T>,
    b: &Tensor<T>,
    f: F,
) -> Tensor<T> {
    if let (1, Some(a), Some(b)) = (to.size(), a.as_slice(), b.as_slice()) {
        return Tensor::full(to, reduce::sum_stored(a, b, f));
    }
    sums::sum_to(a.shape(), to, [a, b], |out, [a, b]| {
        simd::run(out.len(), ZipLoop(out, Lanes::Slice(a), Lanes::Slice(b), f));
    })
}

/// `then` where the test of `a` against `b` holds, `otherwise` elsewhere; all four stretched to `shape`.
pub(crate) fn select<T: Element>(
    shape: &Shape,
    [a, b, then, otherwise]: [&Tensor<T>; 4],
    test: impl Fn(T, T) -> bool + Sync,
) -> Tensor<T> {
    let strides = [a, b, then, otherwise].map(|x| x.stretched_strides(shape));
    let start = [a.offset(), b.offset(), then.offset(), otherwise.offset()];
    let buffers = [a.buffer(), b.buffer(), then.buffer(), otherwise.buffer()];
    Tensor::build(shape.clone(), |out| {
        let walk = Walk::new(shape, strides.each_ref().map(|s| &s[..]));
        walk.fill(out, start, &|out, at, steps| {
            let operand = |k: usize, i: usize| buffers[k][position(at[k], steps[k], i)];
            for (i, out) in out.iter_mut().enumerate() {
                let branch = if test(operand(0, i), operand(1, i)) { 2 } else { 3 };
                *out = operand(branch, i);
            }
        });
    })
}
