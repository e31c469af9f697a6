//! Folds along axes. The order of additions depends on the shape alone, so the same input gives the same
//! bits on any number of threads: threads take different rows, or different branches of the tree that sums a
//! long row.

use super::Tensor;
use crate::parallel;
use crate::rules::algebra::Element;
use crate::shape::Shape;
use crate::simd::{self, Kernel};
use smallvec::SmallVec;

/// The number of parallel lanes of a sum; fixed, so that every instruction set adds in the same order.
const LANES: usize = 16;

/// Runs longer than this are halved, so that rounding errors grow with the logarithm of the length.
const BLOCK: usize = 512;

/// As [`BLOCK`], for other files.
pub(super) const HALVED: usize = BLOCK;

/// The length of the first half of a run that is halved.
pub(super) fn middle(n: usize) -> usize {
    (n / 2).next_multiple_of(LANES)
}

pub(super) struct SumLoop<'a, T>(pub(super) &'a [T]);

impl<T: Element> Kernel for SumLoop<'_, T> {
    type Output = T;
    #[inline(always)]
    fn call(self) -> T {
        let (chunks, rest) = self.0.as_chunks::<LANES>();
        let mut lanes = [T::ZERO; LANES];
        for chunk in chunks {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane += x;
            }
        }
        rest.iter().fold(pairwise(lanes), |sum, &x| sum + x)
    }
}

/// The sum of the lanes, in pairs. Not inlined: the compiler would compute the lanes in the pairs that it sees here, not as
/// vectors.
#[inline(never)]
fn pairwise<T: Element>(mut lanes: [T; LANES]) -> T {
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
    }
    lanes[0]
}

/// Sum of a slice, pairwise above `BLOCK` elements.
pub(crate) fn sum_slice<T: Element>(x: &[T]) -> T {
    match x.len() {
        0..LANES => x.iter().fold(T::ZERO, |sum, &x| sum + x),
        LANES..=BLOCK => simd::run(x.len(), SumLoop(x)),
        n => {
            let (left, right) = x.split_at(middle(n));
            let (mut first, mut second) = (T::ZERO, T::ZERO);
            parallel::join_if_large(n, || first = sum_slice(left), || second = sum_slice(right));
            first + second
        }
    }
}

pub(super) struct SumPairs<'a, T, F>(pub(super) &'a [T], pub(super) &'a [T], pub(super) F);

impl<T: Element, F: Fn(T, T) -> T> Kernel for SumPairs<'_, T, F> {
    type Output = T;
    #[inline(always)]
    fn call(self) -> T {
        let SumPairs(a, b, f) = self;
        let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        let mut lanes = [T::ZERO; LANES];
        for (a, b) in a.iter().zip(b) {
            for i in 0..LANES {
                lanes[i] += f(a[i], b[i]);
            }
        }
        let sum = SumLoop(&lanes).call();
        rest_a.iter().zip(rest_b).fold(sum, |sum, (&a, &b)| sum + f(a, b))
    }
}

/// Sum of the products of two slices of equal length.
pub(crate) fn sum_products<T: Element>(a: &[T], b: &[T]) -> T {
    sum_pairs(a, b, |a, b| a * b)
}

/// Sum of `f` over the pairs of two slices of equal length, pairwise above `BLOCK` elements.
pub(crate) fn sum_pairs<T: Element>(a: &[T], b: &[T], f: impl Fn(T, T) -> T + Copy + Sync) -> T {
    if a.len() <= BLOCK {
        return simd::run(a.len(), SumPairs(a, b, f));
    }
    let middle = middle(a.len());
    let ((a, more_a), (b, more_b)) = (a.split_at(middle), b.split_at(middle));
    let (mut first, mut second) = (T::ZERO, T::ZERO);
    let cost = a.len() + more_a.len();
    parallel::join_if_large(cost, || first = sum_pairs(a, b, f), || second = sum_pairs(more_a, more_b, f));
    first + second
}

/// The values of a function that are computed before they are added.
const STORED: usize = 256;

/// As [`SumPairs`] for functions with branches: in a loop of its own, their computation fills vectors.
struct SumStored<'a, T, F>(&'a [T], &'a [T], F);

impl<T: Element, F: Fn(T, T) -> T> Kernel for SumStored<'_, T, F> {
    type Output = T;
    #[inline(always)]
    fn call(self) -> T {
        let SumStored(a, b, f) = self;
        let mut lanes = [T::ZERO; LANES];
        let ((many_a, a), (many_b, b)) = (a.as_chunks::<STORED>(), b.as_chunks::<STORED>());
        for (a, b) in many_a.iter().zip(many_b) {
            let mut values = [T::ZERO; STORED];
            for ((value, &a), &b) in values.iter_mut().zip(a).zip(b) {
                *value = f(a, b);
            }
            for chunk in values.as_chunks::<LANES>().0 {
                lanes.iter_mut().zip(chunk).for_each(|(lane, &x)| *lane += x);
            }
        }
        let ((few_a, a), (few_b, b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        for (a, b) in few_a.iter().zip(few_b) {
            for i in 0..LANES {
                lanes[i] += f(a[i], b[i]);
            }
        }
        let sum = SumLoop(&lanes).call();
        a.iter().zip(b).fold(sum, |sum, (&a, &b)| sum + f(a, b))
    }
}

/// As [`sum_pairs`], with the same bits, for functions with branches.
pub(crate) fn sum_stored<T: Element>(a: &[T], b: &[T], f: impl Fn(T, T) -> T + Copy + Sync) -> T {
    if a.len() <= BLOCK {
        return simd::run(a.len(), SumStored(a, b, f));
    }
    let middle = middle(a.len());
    let ((a, more_a), (b, more_b)) = (a.split_at(middle), b.split_at(middle));
    let (mut first, mut second) = (T::ZERO, T::ZERO);
    let cost = a.len() + more_a.len();
    let right = || second = sum_stored(more_a, more_b, f);
    parallel::join_if_large(cost, || first = sum_stored(a, b, f), right);
    first + second
}

/// The lanes of a program are summed in groups of this many.
pub(crate) const GROUP: usize = 64;

/// The most groups in a call of [`sum_groups`].
pub(crate) const MAX_GROUPS: usize = 64;

/// Sum of `f` over the pairs of two slices of equal length, at most `MAX_GROUPS` groups: each group as a short sum, the
/// groups by a tree whose left branches are as large a power of two as fits. Part of a kernel.
#[inline(always)]
pub(crate) fn sum_groups<T: Element>(a: &[T], b: &[T], f: impl Fn(T, T) -> T) -> T {
    let mut sums = [T::ZERO; MAX_GROUPS];
    let mut groups = 0;
    for (a, b) in a.chunks(GROUP).zip(b.chunks(GROUP)) {
        sums[groups] = SumPairs(a, b, &f).call();
        groups += 1;
    }
    let mut width = 1;
    while width < groups {
        for i in (0..groups - width).step_by(2 * width) {
            sums[i] += sums[i + width];
        }
        width *= 2;
    }
    sums[0]
}

/// Adds rows as long as `sums` to it.
pub(super) fn add_rows_of<T: Element>(sums: &mut [T], rows: &[T]) {
    simd::run(rows.len(), AddRow(sums, rows));
}

/// The sums of rows of this length.
pub(crate) fn sum_rows_of<T: Element>(rows: &[T], length: usize, out: &mut [T]) {
    match length {
        0 => out.fill(T::ZERO),
        1..=BLOCK => simd::run(rows.len(), SumRows { rows, length, out }),
        _ => out.iter_mut().zip(rows.chunks_exact(length)).for_each(|(out, row)| *out = sum_slice(row)),
    }
}

/// The rows that are summed at a time, so that their additions do not wait for each other.
const ABREAST: usize = 8;

/// Sums of rows of at most [`BLOCK`] elements; each is that of [`sum_slice`].
struct SumRows<'a, T> {
    rows: &'a [T],
    length: usize,
    out: &'a mut [T],
}

impl<T: Element> Kernel for SumRows<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let SumRows { rows, length, out } = self;
        if length >= LANES {
            return out
                .iter_mut()
                .zip(rows.chunks_exact(length))
                .for_each(|(out, row)| *out = SumLoop(row).call());
        }
        let (groups, rest) = out.as_chunks_mut::<ABREAST>();
        let (many, few) = rows.split_at(groups.len() * ABREAST * length);
        for (sums, rows) in groups.iter_mut().zip(many.chunks_exact(ABREAST * length)) {
            *sums = [T::ZERO; ABREAST];
            for i in 0..length {
                for (row, sum) in sums.iter_mut().enumerate() {
                    *sum += rows[row * length + i];
                }
            }
        }
        for (sum, row) in rest.iter_mut().zip(few.chunks_exact(length)) {
            *sum = row.iter().fold(T::ZERO, |sum, &x| sum + x);
        }
    }
}

/// `fold` of the elements along `axes` (sorted), which are removed.
pub(crate) fn fold<T: Element>(x: &Tensor<T>, axes: &[usize], fold: impl Fn(&[T]) -> T + Sync) -> Tensor<T> {
    fold_blocks([x], axes, |[rows], length, out| {
        for (i, out) in out.iter_mut().enumerate() {
            *out = fold(&rows[i * length..(i + 1) * length]);
        }
    })
}

/// As [`fold`], of operands of one shape and for many rows at a time: `fold(rows, length, results)`.
pub(crate) fn fold_blocks<T: Element, const N: usize>(
    x: [&Tensor<T>; N],
    axes: &[usize],
    fold: impl Fn([&[T]; N], usize, &mut [T]) + Sync,
) -> Tensor<T> {
    let rank = x[0].rank();
    let trailing = axes.iter().enumerate().all(|(i, &axis)| axis == rank - axes.len() + i);
    let kept = (0..rank).filter(|axis| !axes.contains(axis));
    let shape: Shape = kept.clone().map(|axis| x[0].shape()[axis]).collect();
    let length: usize = axes.iter().map(|&axis| x[0].shape()[axis]).product();
    // The reduced axes behind the kept ones, so that each row is what is folded.
    let order: SmallVec<[usize; 4]> = kept.chain(axes.iter().copied()).collect();
    let moved = x.map(|x| if trailing { x.clone() } else { x.permuted(&order) });
    let elements = moved.each_ref().map(Tensor::elements);
    Tensor::build(shape, |out| {
        let x = elements.each_ref().map(|x| &**x);
        parallel::rows(out, 1, length, |first, out| {
            fold(x.map(|x| &x[first * length..][..out.len() * length]), length, out);
        });
    })
}

struct AddRow<'a, T>(&'a mut [T], &'a [T]);

impl<T: Element> Kernel for AddRow<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let AddRow(sums, rows) = self;
        let width = sums.len();
        AddColumns { sums, rows, width, first: 0 }.call();
    }
}

/// Adds to `sums` the columns from `first` of rows that are `width` long.
struct AddColumns<'a, T> {
    sums: &'a mut [T],
    rows: &'a [T],
    width: usize,
    first: usize,
}

impl<T: Element> Kernel for AddColumns<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let AddColumns { sums, rows, width, first } = self;
        for row in rows.chunks_exact(width) {
            for (sum, &x) in sums.iter_mut().zip(&row[first..]) {
                *sum += x;
            }
        }
    }
}

/// Sum along `axes` (sorted), which are removed.
pub(crate) fn sum<T: Element>(x: &Tensor<T>, axes: &[usize]) -> Tensor<T> {
    let (Some(data), Some((&first, &last))) = (x.as_slice(), axes.first().zip(axes.last())) else {
        return fold(x, axes, sum_slice);
    };
    if axes.len() == x.rank() {
        return Tensor::scalar(sum_slice(data));
    }
    if data.is_empty() || last - first + 1 != axes.len() {
        return fold(x, axes, sum_slice);
    }
    // Neighbouring axes: the elements of a row, or whole rows, which are added blockwise so that long columns stay accurate.
    let (leading, inner) = (&x.shape()[..first], &x.shape()[last + 1..]);
    let (width, shape) = (inner.iter().product::<usize>(), leading.iter().chain(inner).copied().collect());
    Tensor::build(shape, |out| match data.len() / out.len() {
        length if last + 1 == x.rank() => parallel::rows(out, 1, length, |first, out| {
            sum_rows_of(&data[first * length..][..out.len() * length], length, out);
        }),
        count if first == 0 => column_sums(out, data, count),
        count => parallel::rows(out, width, width * count, |first, out| {
            for (out, rows) in
                out.chunks_exact_mut(width).zip(data[first * width * count..].chunks_exact(width * count))
            {
                column_sums(out, rows, count);
            }
        }),
    })
}

/// Narrow rows are added this many elements at a time, several rows side by side.
const WIDE: usize = 128;

/// At most this many rows are added sequentially.
const FEW: usize = 16;

/// Sums of the columns of `count` rows that are contiguous in `rows`.
fn column_sums<T: Element>(out: &mut [T], rows: &[T], count: usize) {
    let width = out.len();
    if width == 1 {
        out[0] = sum_slice(rows);
    } else if count <= FEW {
        out.copy_from_slice(&rows[..width]);
        simd::run(rows.len() - width, AddRow(out, &rows[width..]));
    } else if count > BLOCK {
        let half = count / 2;
        let (upper, lower) = rows.split_at(half * width);
        let other = Tensor::build(Shape::from([width]), |other| {
            let lower_half = || column_sums(other, lower, count - half);
            parallel::join_if_large(rows.len(), || column_sums(out, upper, half), lower_half);
        });
        simd::run(width, AddRow(out, &other.elements()));
    } else if width <= WIDE / 2 {
        let mut lanes = [T::ZERO; WIDE];
        // A power of two, so that the rows side by side are added pairwise in the end.
        let mut abreast = 1 << (WIDE / width).ilog2();
        let (groups, rest) = rows.split_at(count / abreast * abreast * width);
        simd::run(groups.len(), AddRow(&mut lanes[..abreast * width], groups));
        while abreast > 1 {
            abreast /= 2;
            let (left, right) = lanes.split_at_mut(abreast * width);
            simd::run(left.len(), AddRow(left, &right[..abreast * width]));
        }
        out.copy_from_slice(&lanes[..width]);
        simd::run(rest.len(), AddRow(out, rest));
    } else {
        let (top, rows) = rows.split_at(width);
        parallel::rows(out, 1, count, |first, sums| {
            sums.copy_from_slice(&top[first..first + sums.len()]);
            simd::run(sums.len(), AddColumns { sums, rows, width, first });
        });
    }
}

/// Adds every row of `source` to the row `target(i)` of `out`, all of them `width` long: sequentially, or
/// by their pairwise sum where more than `BLOCK` belong to one target, so that rounding errors grow slowly
/// there too.
pub(crate) fn add_rows<T: Element>(
    out: &mut [T],
    source: &[T],
    width: usize,
    target: impl Fn(usize) -> usize,
) {
    let rows = source.chunks_exact(width.max(1));
    let mut often: Vec<Vec<usize>> = Vec::new();
    // The list of each target, 1 for the first; 0 for none.
    let mut lists: Vec<usize> = Vec::new();
    if rows.len() > BLOCK {
        let mut counts = vec![0_usize; out.len() / width];
        (0..rows.len()).for_each(|i| counts[target(i)] += 1);
        if counts.iter().any(|&count| count > BLOCK) {
            lists = counts;
            for count in &mut lists {
                let list = (*count > BLOCK).then(|| often.push(Vec::with_capacity(*count)));
                *count = list.map_or(0, |()| often.len());
            }
        }
    }
    for (i, row) in rows.enumerate() {
        let at = target(i);
        match lists.get(at) {
            Some(&list) if list > 0 => often[list - 1].push(i),
            _ => out[at * width..].iter_mut().zip(row).for_each(|(out, &x)| *out += x),
        }
    }
    let mut sum = vec![T::ZERO; width];
    for list in &often {
        sum_rows(&mut sum, source, list);
        out[target(list[0]) * width..].iter_mut().zip(&sum).for_each(|(out, &x)| *out += x);
    }
}

/// The pairwise sum of the rows in `list`, each as long as `sum`.
fn sum_rows<T: Element>(sum: &mut [T], source: &[T], list: &[usize]) {
    if list.len() > BLOCK {
        let (first, second) = list.split_at(list.len() / 2);
        let mut other = vec![T::ZERO; sum.len()];
        sum_rows(sum, source, first);
        sum_rows(&mut other, source, second);
        sum.iter_mut().zip(other).for_each(|(sum, x)| *sum += x);
        return;
    }
    sum.fill(T::ZERO);
    for i in list {
        let row = &source[i * sum.len()..];
        sum.iter_mut().zip(row).for_each(|(sum, &x)| *sum += x);
    }
}

/// Returns `true` if all elements are finite.
pub(crate) fn all_finite<T: Element>(x: &Tensor<T>) -> bool {
    let x = &*x.elements();
    // x - x is 0 for finite x and NaN for infinities and NaN.
    sum_pairs(x, x, |a, b| a - b) == T::ZERO
}

/// Sum over the axes along which `shape` was stretched to the shape of `x`: the adjoint of stretching.
pub(crate) fn sum_to<T: Element>(x: &Tensor<T>, shape: &Shape) -> Tensor<T> {
    if x.shape() == shape {
        return x.clone();
    }
    let missing = x.rank() - shape.rank();
    let stretched = |axis: &usize| *axis < missing || (shape[*axis - missing] == 1 && x.shape()[*axis] != 1);
    let axes: SmallVec<[usize; 4]> = (0..x.rank()).filter(stretched).collect();
    let sums = sum(x, &axes);
    if sums.shape() == shape { sums } else { sums.reshaped(shape.clone()) }
}

/// The sums of the columns of a matrix, in the buffer of `y` if possible: [`sum_to`] of a vector.
pub(crate) fn sum_rows_into<T: Element>(y: &mut Tensor<T>, x: &Tensor<T>, shape: &Shape) {
    match x.as_slice() {
        Some(rows) if !rows.is_empty() => y.refill(shape, |out| column_sums(out, rows, x.shape()[0])),
        _ => *y = sum_to(x, shape),
    }
}

/// Applies `f` to every lane along `axis`: `f(input, output)`, both of the extent of the axis.
pub(crate) fn lanes<T: Element>(x: &Tensor<T>, axis: usize, f: impl Fn(&[T], &mut [T]) + Sync) -> Tensor<T> {
    rows([x], &[axis], |[x], y| f(x, y))
}

/// Applies `f` to every row over `axes` (sorted) of operands of one shape: `f(inputs, output)`, all of
/// equal length.
pub(crate) fn rows<T: Element, const N: usize>(
    x: [&Tensor<T>; N],
    axes: &[usize],
    f: impl Fn([&[T]; N], &mut [T]) + Sync,
) -> Tensor<T> {
    row_blocks(x, axes, |x, length, out| {
        for (i, out) in out.chunks_exact_mut(length).enumerate() {
            f(x.map(|x| &x[i * length..][..length]), out);
        }
    })
}

/// As [`rows`], for many rows at a time: `f(inputs, length, outputs)`.
pub(crate) fn row_blocks<T: Element, const N: usize>(
    x: [&Tensor<T>; N],
    axes: &[usize],
    f: impl Fn([&[T]; N], usize, &mut [T]) + Sync,
) -> Tensor<T> {
    row_blocks_from(x, axes, |x, _, length, out| f(x, length, out))
}

/// As [`row_blocks`] with the number of the first row: `f(inputs, first, length, outputs)`.
pub(crate) fn row_blocks_from<T: Element, const N: usize>(
    x: [&Tensor<T>; N],
    axes: &[usize],
    f: impl Fn([&[T]; N], usize, usize, &mut [T]) + Sync,
) -> Tensor<T> {
    let rank = x[0].rank();
    let trailing = axes.iter().enumerate().all(|(i, &axis)| axis == rank - axes.len() + i);
    let order: SmallVec<[usize; 4]> =
        (0..rank).filter(|axis| !axes.contains(axis)).chain(axes.iter().copied()).collect();
    let moved = x.map(|x| if trailing { x.clone() } else { x.permuted(&order) });
    let elements = moved.each_ref().map(Tensor::elements);
    let shape = moved[0].shape().clone();
    let length: usize = shape[rank - axes.len()..].iter().product();
    let out = Tensor::build(shape, |out| {
        let x = elements.each_ref().map(|x| &**x);
        parallel::rows(out, length.max(1), length * parallel::EXPENSIVE, |first, out| {
            if !out.is_empty() {
                f(x.map(|x| &x[first * length..][..out.len()]), first, length, out);
            }
        });
    });
    if trailing {
        return out;
    }
    let out = out.permuted(&inverse(&order));
    // Rows along the last axis may stay where they are.
    match (out.shape().last(), out.strides().last()) {
        (Some(1), _) | (_, Some(1)) => out,
        _ => out.contiguous(),
    }
}

/// The permutation that undoes `order`.
fn inverse(order: &[usize]) -> SmallVec<[usize; 4]> {
    let mut undo = SmallVec::from_elem(0, order.len());
    order.iter().enumerate().for_each(|(i, &axis)| undo[axis] = i);
    undo
}
