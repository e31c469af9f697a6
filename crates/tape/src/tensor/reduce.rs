//! Folds along axes. The order of additions depends on the shape alone, so the same input gives the same bits.

use super::Tensor;
use crate::algebra::Element;
use crate::shape::Shape;
use crate::simd::{self, Kernel};
use smallvec::SmallVec;

/// Numbers added in parallel lanes; a fixed number, so that every instruction set adds in the same order.
const LANES: usize = 16;

/// Runs longer than this are halved, so that rounding errors grow with the logarithm of the length.
const BLOCK: usize = 512;

struct Sum<'a, T>(&'a [T]);

impl<T: Element> Kernel for Sum<'_, T> {
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
        let mut width = LANES;
        while width > 1 {
            width /= 2;
            for i in 0..width {
                lanes[i] += lanes[i + width];
            }
        }
        rest.iter().fold(lanes[0], |sum, &x| sum + x)
    }
}

/// Sum of a slice, pairwise above `BLOCK` elements.
pub(crate) fn sum_slice<T: Element>(x: &[T]) -> T {
    match x.len() {
        0..LANES => x.iter().fold(T::ZERO, |sum, &x| sum + x),
        LANES..=BLOCK => simd::run(x.len(), Sum(x)),
        n => {
            let (left, right) = x.split_at((n / 2).next_multiple_of(LANES));
            sum_slice(left) + sum_slice(right)
        }
    }
}

struct SumProducts<'a, T>(&'a [T], &'a [T]);

impl<T: Element> Kernel for SumProducts<'_, T> {
    type Output = T;
    #[inline(always)]
    fn call(self) -> T {
        let ((a, rest_a), (b, rest_b)) = (self.0.as_chunks::<LANES>(), self.1.as_chunks::<LANES>());
        let mut lanes = [T::ZERO; LANES];
        for (a, b) in a.iter().zip(b) {
            for i in 0..LANES {
                lanes[i] += a[i] * b[i];
            }
        }
        let sum = Sum(&lanes).call();
        rest_a.iter().zip(rest_b).fold(sum, |sum, (&a, &b)| sum + a * b)
    }
}

/// Sum of the products of two slices of one length, pairwise above `BLOCK` elements.
pub(crate) fn sum_products<T: Element>(a: &[T], b: &[T]) -> T {
    if a.len() <= BLOCK {
        return simd::run(a.len(), SumProducts(a, b));
    }
    let middle = (a.len() / 2).next_multiple_of(LANES);
    let ((a, more_a), (b, more_b)) = (a.split_at(middle), b.split_at(middle));
    sum_products(a, b) + sum_products(more_a, more_b)
}

/// Moves the reduced axes behind the kept ones: rows of the result are what is folded.
fn reduced_last<T: Element>(x: &Tensor<T>, axes: &[usize]) -> (Shape, usize, Tensor<T>) {
    let kept = (0..x.rank()).filter(|axis| !axes.contains(axis));
    let order: SmallVec<[usize; 4]> = kept.clone().chain(axes.iter().copied()).collect();
    let shape: Shape = kept.map(|axis| x.shape()[axis]).collect();
    let length = axes.iter().map(|&axis| x.shape()[axis]).product();
    (shape, length, x.permuted(&order).contiguous())
}

/// `fold` of the elements along `axes` (sorted), which disappear.
pub(crate) fn fold<T: Element>(x: &Tensor<T>, axes: &[usize], fold: impl Fn(&[T]) -> T) -> Tensor<T> {
    let leads = axes.iter().enumerate().all(|(i, &axis)| axis == x.rank() - axes.len() + i);
    let (shape, length, rows) = if leads && x.is_contiguous() {
        let (kept, last) = x.shape().split_at(x.rank() - axes.len());
        (Shape::from(kept), last.iter().product(), x.clone())
    } else {
        reduced_last(x, axes)
    };
    let rows = rows.as_slice().unwrap_or_default();
    Tensor::build(shape, |out| {
        for (i, out) in out.iter_mut().enumerate() {
            *out = fold(&rows[i * length..(i + 1) * length]);
        }
    })
}

struct AddRow<'a, T>(&'a mut [T], &'a [T]);

impl<T: Element> Kernel for AddRow<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let AddRow(sums, rows) = self;
        for row in rows.chunks_exact(sums.len()) {
            for (sum, &x) in sums.iter_mut().zip(row) {
                *sum += x;
            }
        }
    }
}

/// Sum along `axes` (sorted), which disappear.
pub(crate) fn sum<T: Element>(x: &Tensor<T>, axes: &[usize]) -> Tensor<T> {
    let trails = axes.iter().enumerate().all(|(i, &axis)| axis == i);
    match x.as_slice() {
        Some(data) if axes.len() == x.rank() => Tensor::scalar(sum_slice(data)),
        // Leading axes: whole rows are added, blockwise so that long columns stay accurate.
        Some(data) if trails && !data.is_empty() => {
            let shape = Shape::from(&x.shape()[axes.len()..]);
            let width = shape.size();
            Tensor::build(shape, |out| column_sums(out, data, data.len() / width))
        }
        _ => fold(x, axes, sum_slice),
    }
}

/// Narrow rows are added this many numbers at a time, several rows side by side.
const WIDE: usize = 128;

/// So many rows are added one after another, without side by side.
const FEW: usize = 16;

/// Sums of the columns of `count` rows, one after another in `rows`.
fn column_sums<T: Element>(out: &mut [T], rows: &[T], count: usize) {
    let width = out.len();
    if width == 1 {
        out[0] = sum_slice(rows);
    } else if count <= FEW {
        out.copy_from_slice(&rows[..width]);
        simd::run(rows.len() - width, AddRow(out, &rows[width..]));
    } else if count > BLOCK {
        let half = count / 2;
        column_sums(out, &rows[..half * width], half);
        let other = Tensor::build(Shape::from([width]), |other| {
            column_sums(other, &rows[half * width..], count - half);
        });
        simd::run(width, AddRow(out, other.as_slice().unwrap_or_default()));
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
        out.copy_from_slice(&rows[..width]);
        simd::run(rows.len(), AddRow(out, &rows[width..]));
    }
}

/// Sum over the axes along which `shape` was stretched to the shape of `x`: the adjoint of stretching.
pub(crate) fn sum_to<T: Element>(x: &Tensor<T>, shape: &Shape) -> Tensor<T> {
    if x.shape() == shape {
        return x.clone();
    }
    let missing = x.rank() - shape.rank();
    let stretched = |axis: &usize| *axis < missing || (shape[*axis - missing] == 1 && x.shape()[*axis] != 1);
    let axes: SmallVec<[usize; 4]> = (0..x.rank()).filter(stretched).collect();
    sum(x, &axes).reshaped(shape.clone())
}

/// Applies `f` to every lane along `axis`: `f(input, output)`, both of the extent of the axis.
pub(crate) fn lanes<T: Element>(x: &Tensor<T>, axis: usize, f: impl Fn(&[T], &mut [T])) -> Tensor<T> {
    rows([x], &[axis], |[x], y| f(x, y))
}

/// Applies `f` to every row over `axes` (sorted) of operands of one shape: `f(inputs, output)`, all of one length.
pub(crate) fn rows<T: Element, const N: usize>(
    x: [&Tensor<T>; N],
    axes: &[usize],
    f: impl Fn([&[T]; N], &mut [T]),
) -> Tensor<T> {
    let rank = x[0].rank();
    let trailing = axes.iter().enumerate().all(|(i, &axis)| axis == rank - axes.len() + i);
    let order: SmallVec<[usize; 4]> =
        (0..rank).filter(|axis| !axes.contains(axis)).chain(axes.iter().copied()).collect();
    let moved = x.map(|x| if trailing { x.contiguous() } else { x.permuted(&order).contiguous() });
    let shape = moved[0].shape().clone();
    let length: usize = shape[rank - axes.len()..].iter().product();
    let out = Tensor::build(shape, |out| {
        for (i, out) in out.chunks_exact_mut(length.max(1)).enumerate() {
            let row = i * length..(i + 1) * length;
            f(std::array::from_fn(|k| &moved[k].as_slice().unwrap_or_default()[row.clone()]), out);
        }
    });
    if trailing { out } else { out.permuted(&inverse(&order)) }
}

/// The permutation that undoes `order`.
fn inverse(order: &[usize]) -> SmallVec<[usize; 4]> {
    let mut undo = SmallVec::from_elem(0, order.len());
    order.iter().enumerate().for_each(|(i, &axis)| undo[axis] = i);
    undo
}
