//! Elementwise loops over any number of operands with any strides.
//!
//! Every loop has a fast path for contiguous operands; the general path walks the axes with [`Walk`],
//! which merges axes where possible and hands out one innermost run at a time.

use super::Tensor;
use crate::parallel;
use crate::rules::algebra::Element;
use crate::shape::Shape;
use crate::simd::{self, Kernel};
use smallvec::SmallVec;

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

    /// Calls `run(out, positions, strides)` for every innermost run, where `out` is its part of the whole
    /// `out`; chunks of the outermost axis may run on several threads.
    #[inline]
    pub(crate) fn fill<T: Send>(
        &self,
        out: &mut [T],
        start: [usize; N],
        run: impl Fn(&mut [T], [usize; N], [isize; N]) + Sync,
    ) {
        self.fill_blocks(out, 1, 1, start, run);
    }

    /// Like `fill`, where every position has `size` elements of `out` and costs as much as `cost`
    /// elements of a cheap loop.
    #[inline]
    pub(crate) fn fill_blocks<T: Send>(
        &self,
        out: &mut [T],
        size: usize,
        cost: usize,
        start: [usize; N],
        run: impl Fn(&mut [T], [usize; N], [isize; N]) + Sync,
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
            Walk::new(x.shape(), [x.strides()]).fill(out, [x.offset()], |out, [at], [step]| match step {
                1 => simd::run(out.len(), MapLoop(out, &buffer[at..at + out.len()], f)),
                _ => each(out, |i| f(buffer[position(at, step, i)])),
            });
        }
    }
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
    let (x, y) = (a.buffer(), b.buffer());
    Walk::new(shape, [&sa, &sb]).fill(out, [a.offset(), b.offset()], |out, [i, j], [p, q]| {
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
    Walk::new(&shape, [&strides]).fill(out, [b.offset()], |out, [at], [step]| {
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

/// `f(dy, x, y)` for every triple of one shape, in the buffer of `dy` if it is not shared.
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
    if let (Some(x), Some(y)) = (x.as_slice(), y.as_slice()) {
        return parallel::elements(dy.as_mut_slice(), |i, dy| {
            let (x, y) = (&x[i..i + dy.len()], &y[i..i + dy.len()]);
            simd::run(dy.len(), Chain1(dy, x, y, f));
        });
    }
    if let (Some(x), Some(y), true) = (x.columns(), y.columns(), dy.is_by_columns())
        && let Some(dy) = dy.columns_mut()
    {
        return parallel::elements(dy, |i, dy| {
            let (x, y) = (&x[i..i + dy.len()], &y[i..i + dy.len()]);
            simd::run(dy.len(), Chain1(dy, x, y, f));
        });
    }
    chain1_in_place(dy, &x.contiguous(), &y.contiguous(), f);
}

struct Chain2<'a, T, F>(&'a mut [T], Lanes<'a, T>, Lanes<'a, T>, &'a [T], F);

impl<T: Element, F: Fn(T, T, T, T) -> T> Kernel for Chain2<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Chain2(dy, a, b, y, f) = self;
        match (a, b) {
            (Lanes::Slice(a), Lanes::Slice(b)) => {
                for (((dy, &a), &b), &y) in dy.iter_mut().zip(a).zip(b).zip(y) {
                    *dy = f(*dy, a, b, y);
                }
            }
            (a, b) => {
                for (i, (dy, &y)) in dy.iter_mut().zip(y).enumerate() {
                    *dy = f(*dy, a.get(i), b.get(i), y);
                }
            }
        }
    }
}

/// `f(dy, a, b, y)` for every element of `y`, to which `a` and `b` are stretched, in the buffer of `dy`
/// if it is not shared.
#[inline]
pub(crate) fn chain2<T: Element, F: Fn(T, T, T, T) -> T + Copy + Sync>(
    mut dy: Tensor<T>,
    a: &Tensor<T>,
    b: &Tensor<T>,
    y: &Tensor<T>,
    f: F,
) -> Tensor<T> {
    let y = y.compact();
    let out = dy.as_mut_slice();
    if let (Some(x), Some(z), Some(y)) = (a.as_slice(), b.as_slice(), y.as_slice())
        && a.shape() == b.shape()
    {
        parallel::elements(out, |i, dy| {
            let n = dy.len();
            let (x, z, y) = (&x[i..i + n], &z[i..i + n], &y[i..i + n]);
            simd::run(n, Chain2(dy, Lanes::Slice(x), Lanes::Slice(z), y, f));
        });
        return dy;
    }
    let (sa, sb) = (a.stretched_strides(y.shape()), b.stretched_strides(y.shape()));
    let walk = Walk::new(y.shape(), [&sa, &sb, y.strides()]);
    let (x, z, all) = (a.buffer(), b.buffer(), y.buffer());
    walk.fill(out, [a.offset(), b.offset(), y.offset()], |dy, [i, j, k], [p, q, _]| {
        let n = dy.len();
        simd::run(n, Chain2(dy, Lanes::new(x, i, n, p), Lanes::new(z, j, n, q), &all[k..k + n], f));
    });
    dy
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
        walk.fill(out, start, |out, at, steps| {
            let operand = |k: usize, i: usize| buffers[k][position(at[k], steps[k], i)];
            for (i, out) in out.iter_mut().enumerate() {
                let branch = if test(operand(0, i), operand(1, i)) { 2 } else { 3 };
                *out = operand(branch, i);
            }
        });
    })
}
