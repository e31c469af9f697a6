//! Matrix products with any strides: through the `gemm` crate, small ones by a dedicated loop.

#![allow(unsafe_code)]

use super::Tensor;
use super::kernel::{Walk, position};
use crate::parallel;
use crate::rules::algebra::Element;
use crate::shape::Shape;
use crate::simd::{self, Kernel};
use checked::Checked;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::ops::Range;

/// One matrix: a buffer, the position of its first element, and the steps to the next row and column.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    data: &'a [T],
    at: usize,
    rows: usize,
    cols: usize,
    row_step: isize,
    col_step: isize,
}

impl<'a, T: Element> Matrix<'a, T> {
    /// A row-major matrix at the beginning of `data`.
    pub(crate) fn new(data: &'a [T], rows: usize, cols: usize) -> Matrix<'a, T> {
        Matrix { data, at: 0, rows, cols, row_step: cols as isize, col_step: 1 }
    }

    /// The matrix in the last two axes of `x`, at `at` in its buffer.
    fn last_two(x: &'a Tensor<T>, at: usize) -> Matrix<'a, T> {
        let k = x.rank() - 2;
        let (shape, strides) = (&x.shape()[k..], &x.strides()[k..]);
        Matrix {
            data: x.buffer(),
            at,
            rows: shape[0],
            cols: shape[1],
            row_step: strides[0],
            col_step: strides[1],
        }
    }

    /// The lanes along the last axis of `x`, which must be contiguous if its rank is not 2.
    pub(crate) fn rows(x: &'a Tensor<T>) -> Matrix<'a, T> {
        match x.rank() {
            2 => Matrix::last_two(x, x.offset()),
            rank => {
                let cols = x.shape()[rank - 1];
                let rows = x.shape()[..rank - 1].iter().product();
                Matrix { data: x.buffer(), at: x.offset(), rows, cols, row_step: cols as isize, col_step: 1 }
            }
        }
    }

    /// Rows as columns.
    pub(crate) fn transposed(self) -> Matrix<'a, T> {
        let Matrix { data, at, rows, cols, row_step, col_step } = self;
        Matrix { data, at, rows: cols, cols: rows, row_step: col_step, col_step: row_step }
    }

    /// The same product with terms in the order in which the columns of `self` lie in memory.
    fn forwards(mut self, mut right: Matrix<'a, T>) -> (Matrix<'a, T>, Matrix<'a, T>) {
        if self.col_step < 0 && self.cols > 0 {
            (self.at, right.at) = (self.position(0, self.cols - 1), right.position(right.rows - 1, 0));
            (self.col_step, right.row_step) = (-self.col_step, -right.row_step);
        }
        (self, right)
    }

    /// The position of an element in the buffer.
    #[inline(always)]
    fn position(&self, i: usize, j: usize) -> usize {
        (self.at as isize + i as isize * self.row_step + j as isize * self.col_step) as usize
    }

    /// The number of columns.
    pub(super) fn columns(&self) -> usize {
        self.cols
    }

    /// An element.
    #[inline(always)]
    pub(super) fn get(&self, i: usize, j: usize) -> T {
        self.data[self.position(i, j)]
    }

    /// Returns `true` if all four corners are inside the buffer. Then so is every element between them,
    /// and no position overflows. A matrix without elements has no corners.
    fn inside(&self) -> bool {
        let step = |count: usize, step: isize| isize::try_from(count.checked_sub(1)?).ok()?.checked_mul(step);
        let corner = |down: isize, across: isize| {
            let at = isize::try_from(self.at).ok()?.checked_add(down)?.checked_add(across)?;
            usize::try_from(at).ok().filter(|&at| at < self.data.len())
        };
        let corners = || {
            let (down, across) = (step(self.rows, self.row_step)?, step(self.cols, self.col_step)?);
            corner(0, 0).and(corner(down, 0)).and(corner(0, across)).and(corner(down, across))
        };
        corners().is_some()
    }
}

/// Products with at most this many multiplications are not worth a call to `gemm`.
const SMALL: usize = 2048;

/// With fewer rows on the left, copying the right operand does not pay.
const FEW_ROWS: usize = 8;

/// Columns whose distance is a multiple of this many bytes map to the same few cache sets.
const CLASH: usize = 1024;

/// The side of a tile that is transposed in registers.
pub(super) const TILE: usize = 16;

impl<T: Element> Matrix<'_, T> {
    /// Returns `true` if packing the columns would evict one by the other. (Measured: half the rate at
    /// 512 columns of 512 elements.)
    fn clashes(&self) -> bool {
        let apart = self.col_step.unsigned_abs() * size_of::<T>();
        self.row_step == 1 && self.cols >= TILE && apart >= CLASH && apart.is_multiple_of(CLASH)
    }

    /// A row-major copy of a matrix whose columns are contiguous, tile by tile.
    fn copied(&self) -> Tensor<T> {
        Tensor::build(Shape::from([self.rows, self.cols]), |out| self.copy_to(out))
    }

    /// Copies a matrix whose columns are contiguous, tile by tile, to rows.
    fn copy_to(&self, out: &mut [T]) {
        let (rows, cols) = (self.rows, self.cols);
        for j in (0..cols).step_by(TILE) {
            for i in (0..rows).step_by(TILE) {
                if i + TILE <= rows && j + TILE <= cols {
                    self.copy_tile(i, j, out);
                } else {
                    let part =
                        (i..rows.min(i + TILE)).flat_map(|i| (j..cols.min(j + TILE)).map(move |j| (i, j)));
                    part.for_each(|(i, j)| out[i * cols + j] = self.data[self.position(i, j)]);
                }
            }
        }
    }

    /// Copies a whole tile, with all extents known to the compiler.
    #[inline(always)]
    fn copy_tile(&self, i: usize, j: usize, out: &mut [T]) {
        let mut tile = [[T::ZERO; TILE]; TILE];
        for (l, column) in tile.iter_mut().enumerate() {
            column.copy_from_slice(&self.data[self.position(i, j + l)..][..TILE]);
        }
        for k in 0..TILE {
            let row = &mut out[(i + k) * self.cols + j..][..TILE];
            (0..TILE).for_each(|l| row[l] = tile[l][k]);
        }
    }
}

/// `out = a · b`; `out` is row-major.
pub(crate) fn write<T: Element>(out: &mut [T], a: Matrix<'_, T>, b: Matrix<'_, T>) {
    product(out, a, b, Start::Zero);
}

/// `out += a · b`; `out` is row-major.
pub(crate) fn add<T: Element>(out: &mut [T], a: Matrix<'_, T>, b: Matrix<'_, T>) {
    product(out, a, b, Start::Present);
}

/// The numbers at which the sums of a product start.
#[derive(Clone, Copy)]
enum Start<'a, T> {
    Zero,
    /// In every row of the result, these.
    Row(&'a [T]),
    /// The elements of the result.
    Present,
}

/// `out = a · b`, starting from `start`; `out` is row-major.
fn product<T: Element>(out: &mut [T], a: Matrix<'_, T>, b: Matrix<'_, T>, start: Start<'_, T>) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    assert_eq!(k, b.rows, "matmul: the inner extents differ");
    assert_eq!(Some(out.len()), m.checked_mul(n), "matmul: the output does not have the size of the product");
    if m == 0 || n == 0 {
        return;
    }
    // A view that repeats a few elements may need more multiplications than `usize` can count.
    let work = out.len().saturating_mul(k);
    let kernel = if work > SMALL && simd::runs_gemm() { T::product_kernel() } else { None };
    // Also for a processor or a number type for which `gemm` has no kernel: right, if not fast.
    let Some(kernel) = kernel else {
        let start = match start {
            Start::Zero => None,
            Start::Row(start) => Some(start),
            Start::Present => {
                let terms =
                    Tensor::build(Shape::from([out.len()]), |terms| product(terms, a, b, Start::Zero));
                out.iter_mut().zip(terms.elements().iter()).for_each(|(out, &x)| *out += x);
                return;
            }
        };
        // A single column is contiguous like a row, and a row fills vectors.
        let (a, b) = if n == 1 && start.is_none() { (b.transposed(), a.transposed()) } else { (a, b) };
        return simd::run(work, Small { out, a, b, start });
    };
    if b.clashes() && m >= FEW_ROWS {
        let rows = b.copied();
        return product(out, a, Matrix::rows(&rows), start);
    }
    if let Start::Row(start) = start {
        repeat(start, out);
    }
    // The kernel wants rows of `out` that are next to each other: of `outᵀ = bᵀ · aᵀ`. A column is one already.
    let (left, right) = if n == 1 { (a, b) } else { (b.transposed(), a.transposed()) };
    let (left, right) = left.forwards(right);
    match Checked::new(out, n, left, right) {
        Some(product) => product.run(kernel, !matches!(start, Start::Zero), work),
        None => panic!("matmul: an operand reaches outside its buffer"),
    }
}

/// The only `unsafe` call of the engine, behind a type that cannot be built for an access out of bounds.
mod checked {
    use super::{Element, Matrix, parallel};
    use crate::element::ProductKernel;

    /// A product of which every element that is read or written is inside its buffer. The fields are private to this
    /// module, so that only [`Checked::new`] makes one.
    pub(super) struct Checked<'a, 'o, T> {
        left: Matrix<'a, T>,
        right: Matrix<'a, T>,
        out: &'o mut [T],
        step: usize,
    }

    impl<'a, 'o, T: Element> Checked<'a, 'o, T> {
        /// The product `left · right`, whose columns are contiguous in `out` and begin `step` elements apart. `None` if it
        /// has no elements or no terms, if the extents do not fit, or if an element is outside its buffer.
        pub(super) fn new(
            out: &'o mut [T],
            step: usize,
            left: Matrix<'a, T>,
            right: Matrix<'a, T>,
        ) -> Option<Checked<'a, 'o, T>> {
            let columns = right.cols.checked_sub(1)?.checked_mul(step)?;
            let end = columns.checked_add(left.rows)?;
            // Columns that overlap would be written by two threads.
            let apart = right.cols == 1 || step >= left.rows;
            let fits = end <= out.len() && apart && isize::try_from(step).is_ok() && left.cols == right.rows;
            (fits && left.inside() && right.inside()).then_some(Checked { left, right, out, step })
        }

        /// Computes it by `kernel`; adds it to what `out` holds if `add` is `true`. `work` is the number of multiplications.
        pub(super) fn run(self, kernel: ProductKernel<T>, add: bool, work: usize) {
            let Checked { left, right, out, step } = self;
            // SAFETY: gemm writes to the elements `i + j · step` of `out`, for `i < left.rows` and `j < right.cols`. The
            // last of them is `end - 1` in `new`, computed without overflow and found inside. `out` is borrowed mutably,
            // so it overlaps neither operand, and `step` fits an `isize`.
            // gemm reads `left`, which is `left.rows` by k, and `right`, which is k by `right.cols`: `new` compared
            // both inner extents. None of the extents is 0, because `inside` is `false` then. It has computed the
            // positions of all four corners of each without overflow and found them inside its buffer. A position is
            // linear in row and column, so every other one lies between the least and the greatest corner: inside the
            // buffer too, and with an offset from the first element that fits an `isize`. None of this relies on what
            // the shape of a tensor promises, and the matrices are those that gemm gets: nothing changes them after
            // the check.
            // The kernel is one of gemm's, because only this crate makes a `ProductKernel`, and it is that of `T`, for this
            // processor: number types of other crates have none, and never come here. gemm's threads write disjoint tiles of `out`, whose
            // columns do not overlap, and are done when it returns.
            unsafe {
                kernel.0(
                    left.rows,
                    right.cols,
                    left.cols,
                    out.as_mut_ptr(),
                    step as isize,
                    1,
                    add,
                    left.data.as_ptr().add(left.at),
                    left.col_step,
                    left.row_step,
                    right.data.as_ptr().add(right.at),
                    right.col_step,
                    right.row_step,
                    T::ONE,
                    T::ONE,
                    false,
                    false,
                    false,
                    parallel::product(work),
                );
            }
        }
    }
}

/// Columns of a panel: as many as fit into vector registers.
const WIDTH: usize = 8;

/// Rows of a panel.
const DEPTH: usize = 16;

/// Copies `count` elements. Not inlined, so that the copies of whole panels beside it stay a few
/// instructions.
#[cold]
#[inline(never)]
fn put<T: Copy>(from: &[T], count: usize, to: &mut [T]) {
    to[..count].copy_from_slice(&from[..count]);
}

/// The product of small matrices, right for all: panel by panel of `b`, adding multiples of its rows in order.
struct Small<'a, T> {
    out: &'a mut [T],
    a: Matrix<'a, T>,
    b: Matrix<'a, T>,
    start: Option<&'a [T]>,
}

impl<T: Element> Kernel for Small<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call(mut self) {
        let (rows, cols) = (self.b.rows, self.b.cols);
        if rows <= DEPTH && cols <= WIDTH {
            // Apart from the loops: to prepare their index arithmetic takes as long as a product of a few rows.
            return self.add_panel(0, 0);
        }
        // From the right, so that what a whole vector writes beyond the end of a row is overwritten later.
        for left in (0..cols).step_by(WIDTH).rev() {
            // A matrix without rows has one panel too: its sums keep their start values.
            for top in (0..rows.max(1)).step_by(DEPTH) {
                self.add_panel(top, left);
            }
        }
    }
}

impl<T: Element> Small<'_, T> {
    /// Adds the products with one panel of `b`, from row `top` and column `left` on.
    #[inline(always)]
    fn add_panel(&mut self, top: usize, left: usize) {
        let Small { out, a, b, start } = self;
        let columns = left..b.cols.min(left + WIDTH);
        let mut first = [T::ZERO; WIDTH];
        if let Some(start) = start {
            first[..columns.len()].copy_from_slice(&start[columns.clone()]);
        }
        let mut panel = [[T::ZERO; WIDTH]; DEPTH];
        let panel = &mut panel[..DEPTH.min(b.rows - top)];
        b.pack(panel, top, columns.clone());
        for i in 0..a.rows {
            let row = &mut out[i * b.cols + left..];
            let mut sums = first;
            if top > 0 {
                sums[..columns.len()].copy_from_slice(&row[..columns.len()]);
            }
            let sums = a.add_multiples(i, top, panel, sums);
            match row.first_chunk_mut() {
                // Sums continued in the next panel must not be overwritten by such excess.
                Some(row) if b.rows <= DEPTH || columns.len() == WIDTH => *row = sums,
                _ => put(&sums, columns.len(), row),
            }
        }
    }
}

impl<T: Element> Matrix<'_, T> {
    /// Copies a range of columns, at most `WIDTH`, from row `top` on; the rest of the panel is not used.
    #[inline(always)]
    fn pack(&self, panel: &mut [[T; WIDTH]], top: usize, columns: Range<usize>) {
        let at = |i, j| self.position(top + i, columns.start + j);
        if self.row_step == 1 {
            for j in 0..columns.len().min(WIDTH) {
                let column = &self.data[at(0, j)..][..panel.len()];
                panel.iter_mut().zip(column).for_each(|(to, &x)| to[j] = x);
            }
        } else if self.col_step == 1 {
            for (i, to) in panel.iter_mut().enumerate() {
                let row = &self.data[at(i, 0)..];
                match row.first_chunk() {
                    Some(row) => *to = *row,
                    None => put(row, columns.len(), to),
                }
            }
        } else {
            for (i, to) in panel.iter_mut().enumerate() {
                to[..columns.len()].iter_mut().enumerate().for_each(|(j, to)| *to = self.data[at(i, j)]);
            }
        }
    }

    /// Adds the rows of `panel`, each times its element of row `i` from column `left` on. The sums are values, which stay in a
    /// register.
    #[inline(always)]
    fn add_multiples(&self, i: usize, left: usize, panel: &[[T; WIDTH]], mut sums: [T; WIDTH]) -> [T; WIDTH] {
        let at = self.position(i, left);
        let mut add = |factor: T, row: &[T; WIDTH]| {
            sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += factor * x);
        };
        match self.col_step {
            1 => self.data[at..][..panel.len()].iter().zip(panel).for_each(|(&factor, row)| add(factor, row)),
            step => panel.iter().enumerate().for_each(|(p, row)| add(self.data[position(at, step, p)], row)),
        }
        sums
    }
}

/// `a · b` as a tensor of `shape`.
pub(crate) fn tensor<T: Element>(a: Matrix<'_, T>, b: Matrix<'_, T>, shape: &Shape) -> Tensor<T> {
    Tensor::build(shape.clone(), |out| write(out, a, b))
}

/// As [`tensor`], in the buffer of `y` if possible.
pub(crate) fn tensor_into<T: Element>(y: &mut Tensor<T>, a: Matrix<'_, T>, b: Matrix<'_, T>, shape: &Shape) {
    y.refill(shape, |out| write(out, a, b));
}

/// The batched product of operands of rank 2 or more, whose leading axes broadcast to those of `shape`.
pub(crate) fn matmul<T: Element>(a: &Tensor<T>, b: &Tensor<T>, shape: Shape) -> Tensor<T> {
    let rank = shape.rank();
    if rank == 2 {
        return tensor(Matrix::rows(a), Matrix::rows(b), &shape);
    }
    let (batch, matrix) = shape.split_at(rank - 2);
    let size = matrix[0] * matrix[1];
    let batch = Shape::from(batch);
    Tensor::build(shape.clone(), |out| {
        if size == 0 || out.is_empty() {
            return;
        }
        let leading = |x: &Tensor<T>| {
            let missing = rank - x.rank();
            let mut steps: SmallVec<[isize; 4]> = SmallVec::from_elem(0, rank - 2);
            for axis in 0..x.rank() - 2 {
                let repeated = x.shape()[axis] == 1 && batch[missing + axis] != 1;
                steps[missing + axis] = if repeated { 0 } else { x.strides()[axis] };
            }
            steps
        };
        let (sa, sb) = (leading(a), leading(b));
        let cost = size.saturating_mul(a.shape()[a.rank() - 1]).div_ceil(parallel::PER_ELEMENT);
        let (walk, start) = (Walk::new(&batch, [&sa, &sb]), [a.offset(), b.offset()]);
        walk.fill_blocks(out, size, cost, start, &|out, [i, j], [p, q]| {
            for (step, out) in out.chunks_exact_mut(size).enumerate() {
                let a = Matrix::last_two(a, position(i, p, step));
                let b = Matrix::last_two(b, position(j, q, step));
                write(out, a, b);
            }
        });
    })
}

/// Copies contiguous columns that begin `step` elements apart to rows.
pub(super) fn copy_columns<T: Element>(data: &[T], [rows, cols]: [usize; 2], step: isize, out: &mut [T]) {
    Matrix { data, at: 0, rows, cols, row_step: 1, col_step: step }.copy_to(out);
}

/// Fills `out` with copies of `row`: a few at first, then many at a time.
fn repeat<T: Copy>(row: &[T], out: &mut [T]) {
    /// Elements copied at a time: few enough to be read from the first-level cache.
    const CHUNK: usize = 1024;
    let n = row.len();
    out[..n].copy_from_slice(row);
    let (mut filled, chunk) = (n, n.max(CHUNK / n * n));
    while filled < out.len() {
        let count = filled.min(chunk).min(out.len() - filled);
        out.copy_within(..count, filled);
        filled += count;
    }
}

/// `x · wᵀ + b` for rows `x` `[.., k]`, `w` `[n, k]` and `b` `[n]`, in one pass: the sums start at the
/// bias.
pub(crate) fn linear<T: Element>(x: &Tensor<T>, w: &Tensor<T>, b: &Tensor<T>) -> Tensor<T> {
    Tensor::build(x.shape().with_last(w.shape()[0]), |out| fill_linear(out, x, w, b))
}

/// As [`linear`], in the buffer of `y`, whose shape is that of the result, if possible.
pub(crate) fn linear_into<T: Element>(y: &mut Tensor<T>, x: &Tensor<T>, w: &Tensor<T>, b: &Tensor<T>) {
    let shape = y.shape().clone();
    y.refill(&shape, |out| fill_linear(out, x, w, b));
}

fn fill_linear<T: Element>(out: &mut [T], x: &Tensor<T>, w: &Tensor<T>, b: &Tensor<T>) {
    product(out, Matrix::rows(&rows(x)), Matrix::rows(w).transposed(), Start::Row(&b.elements()));
}

/// `x` in a form that [`Matrix::rows`] accepts.
pub(crate) fn rows<T: Element>(x: &Tensor<T>) -> Cow<'_, Tensor<T>> {
    if x.rank() == 2 { Cow::Borrowed(x) } else { x.compact() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A right operand whose columns clash is copied first: the product equals that of the copy, bit for
    /// bit.
    fn columns_that_clash<T: Element>(inner: usize) {
        // The larger ones take minutes where every instruction is interpreted.
        let sizes = [(FEW_ROWS, TILE), (9, 37), (40, 3), (64, 64)];
        for (rows, cols) in sizes.into_iter().take(if cfg!(miri) { 1 } else { 4 }) {
            let number = |i: &[usize]| T::from_usize((7 * i[0] + 3 * i[1]) % 11) - T::from_usize(5);
            let a = Tensor::<T>::from_fn([rows, inner], number);
            let b = Tensor::<T>::from_fn([cols, inner], number).transposed();
            assert_eq!(Matrix::rows(&b).clashes(), cols >= TILE);
            let found = matmul(&a, &b, Shape::from([rows, cols]));
            let expected = matmul(&a, &b.contiguous(), Shape::from([rows, cols]));
            assert_eq!(found, expected);
            let entry = |i: usize, j: usize| {
                (0..inner).fold(T::ZERO, |sum, p| sum + number(&[i, p]) * number(&[j, p]))
            };
            assert_eq!(found.get([rows - 1, cols - 1]), Some(entry(rows - 1, cols - 1)));
            assert_eq!(found.get([0, 1]), Some(entry(0, 1)));
        }
    }

    #[test]
    fn clashing_columns_give_the_product_of_their_copy() {
        columns_that_clash::<f32>(256);
        columns_that_clash::<f32>(512);
        columns_that_clash::<f64>(128);
    }

    /// The loop for small matrices takes over where `gemm` has no kernel for the processor, so it must be right for all.
    fn the_loop_is_right_for<T: Element>(rows: usize, inner: usize, cols: usize) {
        let number = |i: &[usize]| T::from_usize((7 * i[0] + 3 * i[1]) % 11) - T::from_usize(5);
        let (a, b) = (Tensor::from_fn([rows, inner], number), Tensor::from_fn([inner, cols], number));
        let start: Vec<T> = (0..cols).map(T::from_usize).collect();
        for (b, start) in [(b.clone(), None), (b.transposed().contiguous().transposed(), Some(&start[..]))] {
            let mut out = vec![T::NAN; rows * cols];
            Small { out: &mut out, a: Matrix::rows(&a), b: Matrix::rows(&b), start }.call();
            // Whole numbers: every order of the sums gives the same.
            let expected = matmul(&a, &b, Shape::from([rows, cols])).to_vec();
            let expected =
                expected.iter().enumerate().map(|(i, &y)| y + start.map_or(T::ZERO, |s| s[i % cols]));
            assert_eq!(out, expected.collect::<Vec<T>>(), "{rows} x {inner} x {cols}");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "it would take minutes")]
    fn the_loop_for_small_matrices_is_right_for_large_ones() {
        for (rows, inner, cols) in [(1, 4096, 1), (257, 129, 65), (33, 1000, 40), (400, 7, 300)] {
            the_loop_is_right_for::<f32>(rows, inner, cols);
            the_loop_is_right_for::<f64>(rows, inner, cols);
        }
    }

    /// A matrix of 4 rows and 5 columns in 20 elements.
    fn matrix(data: &[f64]) -> Matrix<'_, f64> {
        Matrix { data, at: 0, rows: 4, cols: 5, row_step: 5, col_step: 1 }
    }

    #[test]
    fn no_product_that_reaches_outside_a_buffer_can_be_made() {
        let (data, huge) = (vec![1.0; 20], isize::MAX);
        let (left, right) = (matrix(&data), matrix(&data).transposed());
        let made = |length: usize, step: usize, left, right| {
            Checked::new(&mut vec![0.0; length], step, left, right).is_some()
        };
        assert!(made(16, 4, left, right));
        assert!(made(19, 5, left, right), "a gap between the columns");
        for (length, step) in [(15, 4), (16, 5), (16, 3), (16, 0), (16, usize::MAX), (0, 4)] {
            assert!(!made(length, step, left, right), "{length} elements, columns {step} apart");
        }
        let wrong = [
            Matrix { at: 1, ..left },
            Matrix { at: usize::MAX, ..left },
            Matrix { rows: 5, ..left },
            Matrix { rows: 0, ..left },
            Matrix { rows: usize::MAX, ..left },
            Matrix { cols: 6, ..left },
            Matrix { cols: 0, ..left },
            Matrix { row_step: 6, ..left },
            Matrix { row_step: -5, ..left },
            Matrix { row_step: huge, ..left },
            Matrix { row_step: -huge - 1, ..left },
            Matrix { col_step: 2, ..left },
            Matrix { col_step: -1, ..left },
            Matrix { col_step: huge, ..left },
            Matrix { row_step: huge / 3, col_step: huge / 4, ..left },
            Matrix { data: &[], ..left },
        ];
        for (k, wrong) in wrong.into_iter().enumerate() {
            assert!(!made(100, 10, wrong, right), "left {k}");
            assert!(!made(100, 10, wrong.transposed(), left), "left {k}, rows as columns");
            assert!(!made(100, 10, left, wrong.transposed()), "right {k}");
        }
        assert!(!made(100, 10, Matrix { cols: 4, ..left }, right), "the inner extents differ");
        let backwards = Matrix { at: 19, row_step: -5, col_step: -1, ..left };
        assert!(made(16, 4, backwards, right));
    }
}
