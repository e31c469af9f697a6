//! Products of a tall, narrow matrix with a small one, column by column.
//!
//! A batch has many rows and, in a small network, few columns. Row by row a vector register would hold the few columns of a
//! row; here it holds one column of several rows, and is always full. For that the matrices are stored by columns, which is a
//! matter of strides, and results are left that way.

use super::Tensor;
use super::matmul::Matrix;
use super::reduce::{SumLoop, SumPairs};
use crate::rules::algebra::Element;
use crate::shape::Shape;
use crate::simd::{self, Kernel};
use std::borrow::Cow;

/// With fewer rows, vectors of several rows do not pay.
const MIN_ROWS: usize = 64;

/// With more columns on either side, the products of whole matrices are faster.
const MAX_COLUMNS: usize = 32;

/// With more columns of a matrix that is stored by rows, to copy it takes longer than the columns gain.
const MAX_COPIED: usize = 16;

/// With more multiplications, a product is worth several threads.
const MAX_WORK: usize = 1 << 20;

/// The rows that are computed at a time, in registers; at most `MIN_ROWS`.
const LANES: usize = 32;

/// The rows that are summed at a time.
const BLOCK: usize = 512;

/// Returns `true` if the product of `x` with a matrix of this many columns is computed by columns.
pub(crate) fn suit<T: Element>(x: &Tensor<T>, columns: usize) -> bool {
    let &[rows, inner] = &x.shape()[..] else { return false };
    let most = if x.is_by_columns() { MAX_COLUMNS } else { MAX_COPIED };
    rows >= MIN_ROWS
        && (1..=most).contains(&inner)
        && (1..=MAX_COLUMNS).contains(&columns)
        && rows * inner * columns < MAX_WORK
}

impl<T: Element> Tensor<T> {
    /// Returns `true` if this is a matrix whose elements are contiguous column by column.
    #[inline]
    pub(super) fn is_by_columns(&self) -> bool {
        match (&self.shape[..], &self.strides[..]) {
            (&[rows, columns], &[1, step]) => step == rows as isize || columns == 1,
            _ => false,
        }
    }

    /// The elements column by column, if they are contiguous.
    #[inline]
    pub(super) fn columns(&self) -> Option<&[T]> {
        let n = self.size();
        if self.is_by_columns() { self.data.slice().get(self.offset..self.offset + n) } else { None }
    }

    /// The elements column by column, for writing, if they are contiguous and not shared.
    #[inline]
    pub(super) fn columns_mut(&mut self) -> Option<&mut [T]> {
        let (n, offset) = (self.size(), self.offset);
        if self.is_by_columns() { self.data.unique()?.get_mut(offset..offset + n) } else { None }
    }

    /// As [`refill`](Tensor::refill) of a matrix, with elements that `fill` writes column by column.
    fn refill_columns(&mut self, shape: [usize; 2], fill: impl FnOnce(&mut [T])) {
        if self.shape[..] == shape
            && let Some(columns) = self.columns_mut()
        {
            return fill(columns);
        }
        *self = Tensor::build(Shape::from([shape[1], shape[0]]), fill).transposed();
    }
}

/// The matrix, or a copy, by columns.
fn by_columns<T: Element>(x: &Tensor<T>) -> Cow<'_, Tensor<T>> {
    if x.is_by_columns() {
        return Cow::Borrowed(x);
    }
    let rows = x.shape()[0];
    Cow::Owned(match x.as_slice() {
        Some(elements) => Tensor::build(x.shape().transposed(), |out| {
            for (i, row) in elements.chunks_exact(x.shape()[1]).enumerate() {
                row.iter().enumerate().for_each(|(j, &x)| out[j * rows + i] = x);
            }
        })
        .transposed(),
        None => x.transposed().contiguous().transposed(),
    })
}

struct Columns<'a, T> {
    out: &'a mut [T],
    x: &'a [T],
    rows: usize,
    factors: Matrix<'a, T>,
    start: Option<&'a [T]>,
}

impl<T: Element> Kernel for Columns<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Columns { out, x, rows, factors, start } = self;
        for block in 0..rows.div_ceil(LANES) {
            // The last block ends with the last row; what it has in common with the one before is computed twice.
            let first = (block * LANES).min(rows - LANES);
            for (j, out) in out.chunks_exact_mut(rows).enumerate() {
                let mut sums = [start.map_or(T::ZERO, |start| start[j]); LANES];
                for (i, x) in x.chunks_exact(rows).enumerate() {
                    let factor = factors.get(i, j);
                    if let Some(x) = x[first..].first_chunk::<LANES>() {
                        for (sum, &x) in sums.iter_mut().zip(x) {
                            *sum += factor * x;
                        }
                    }
                }
                if let Some(out) = out[first..].first_chunk_mut() {
                    *out = sums;
                }
            }
        }
    }
}

/// `y = x · factors`, with `start` (if given) added to every row, by columns. Terms are added in order.
pub(crate) fn product_into<T: Element>(
    y: &mut Tensor<T>,
    x: &Tensor<T>,
    factors: Matrix<'_, T>,
    start: Option<&[T]>,
) {
    let (rows, x) = (x.shape()[0], by_columns(x));
    let x = x.columns().unwrap_or_default();
    y.refill_columns([rows, factors.columns()], |out| {
        simd::run(out.len(), Columns { out, x, rows, factors, start });
    });
}

struct Dots<'a, T> {
    out: &'a mut [T],
    a: &'a [T],
    b: &'a [T],
    rows: usize,
}

impl<T: Element> Kernel for Dots<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Dots { out, a, b, rows } = self;
        let width = b.len() / rows;
        for (a, out) in a.chunks_exact(rows).zip(out.chunks_exact_mut(width)) {
            for (b, out) in b.chunks_exact(rows).zip(out) {
                *out = T::ZERO;
                for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
                    *out += SumPairs(a, b, |a, b| a * b).call();
                }
            }
        }
    }
}

struct Sums<'a, T> {
    out: &'a mut [T],
    x: &'a [T],
    rows: usize,
}

impl<T: Element> Kernel for Sums<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Sums { out, x, rows } = self;
        for (out, x) in out.iter_mut().zip(x.chunks_exact(rows)) {
            *out = T::ZERO;
            for x in x.chunks(BLOCK) {
                *out += SumLoop(x).call();
            }
        }
    }
}

/// `y = aᵀ · b`: the products of the columns, each summed in blocks of 512 rows.
pub(crate) fn products_of_columns_into<T: Element>(y: &mut Tensor<T>, a: &Tensor<T>, b: &Tensor<T>) {
    let (rows, shape) = (a.shape()[0], Shape::from([a.shape()[1], b.shape()[1]]));
    let (a, b) = (by_columns(a), by_columns(b));
    let (a, b) = (a.columns().unwrap_or_default(), b.columns().unwrap_or_default());
    y.refill(&shape, |out| simd::run(a.len(), Dots { out, a, b, rows }));
}

/// The sums of the columns, in blocks of 512 rows.
pub(crate) fn sums_of_columns_into<T: Element>(y: &mut Tensor<T>, x: &Tensor<T>) {
    let (rows, shape, x) = (x.shape()[0], Shape::from([x.shape()[1]]), by_columns(x));
    let x = x.columns().unwrap_or_default();
    y.refill(&shape, |out| simd::run(x.len(), Sums { out, x, rows }));
}
