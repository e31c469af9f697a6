//! Matrix products with any strides, through the `gemm` crate; small ones in a loop of their own.

#![allow(unsafe_code)]

use super::Tensor;
use crate::algebra::Element;
use crate::shape::Shape;
use smallvec::SmallVec;

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

    fn get(&self, i: usize, j: usize) -> T {
        let at = self.at as isize + i as isize * self.row_step + j as isize * self.col_step;
        self.data[at as usize]
    }

    /// Is the last element, whichever corner it is in, inside the buffer?
    fn inside(&self) -> bool {
        let corner = |i: usize, j: usize| {
            let at = self.at as isize + i as isize * self.row_step + j as isize * self.col_step;
            at >= 0 && (at as usize) < self.data.len()
        };
        let (i, j) = (self.rows.wrapping_sub(1), self.cols.wrapping_sub(1));
        self.rows == 0 || self.cols == 0 || corner(0, 0) && corner(i, 0) && corner(0, j) && corner(i, j)
    }
}

/// Products with at most this many multiplications are not worth the call.
const SMALL: usize = 2048;

/// `out = a · b`, or `out += a · b` if `add`; `out` is row-major.
fn product<T: Element>(out: &mut [T], a: Matrix<'_, T>, b: Matrix<'_, T>, add: bool) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    debug_assert_eq!(k, b.rows);
    assert_eq!(out.len(), m * n, "matmul: the output holds the product");
    if !add && k == 0 {
        out.fill(T::ZERO);
    }
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    if m * n * k <= SMALL {
        return small(out, a, b, add);
    }
    assert!(a.inside() && b.inside(), "matmul: the operands lie inside their buffers");
    // SAFETY: `out` holds m · n elements written row-major (steps n and 1), checked above. The elements of `a`
    // and `b` that gemm reads lie between their four corners, which were just checked to be inside their
    // buffers. `out` is borrowed mutably, so it overlaps neither operand. `T` is f32 or f64 (sealed trait).
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            add,
            a.data.as_ptr().add(a.at),
            a.col_step,
            a.row_step,
            b.data.as_ptr().add(b.at),
            b.col_step,
            b.row_step,
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// The same for small matrices: row by row, adding multiples of the rows of `b`.
fn small<T: Element>(out: &mut [T], a: Matrix<'_, T>, b: Matrix<'_, T>, add: bool) {
    let n = b.cols;
    for (i, row) in out.chunks_exact_mut(n).enumerate() {
        if !add {
            row.fill(T::ZERO);
        }
        for p in 0..a.cols {
            let factor = a.get(i, p);
            let at = (b.at as isize + p as isize * b.row_step) as usize;
            if b.col_step == 1 {
                for (out, &x) in row.iter_mut().zip(&b.data[at..at + n]) {
                    *out += factor * x;
                }
            } else {
                for (j, out) in row.iter_mut().enumerate() {
                    *out += factor * b.data[super::kernel::place(at, b.col_step, j)];
                }
            }
        }
    }
}

/// The batched product of operands of rank 2 or more, whose leading axes broadcast; `shape` is the result's.
pub(crate) fn matmul<T: Element>(a: &Tensor<T>, b: &Tensor<T>, shape: Shape) -> Tensor<T> {
    let rank = shape.rank();
    let (batch, matrix) = shape.split_at(rank - 2);
    let size = matrix[0] * matrix[1];
    let batch = Shape::from(batch);
    Tensor::build(shape.clone(), |out| {
        if size == 0 || out.is_empty() {
            return;
        }
        if batch.rank() == 0 {
            return product(out, Matrix::last_two(a, a.offset()), Matrix::last_two(b, b.offset()), false);
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
        let mut outputs = out.chunks_exact_mut(size);
        super::kernel::Walk::new(&batch, [&sa, &sb]).runs([a.offset(), b.offset()], |[i, j], n, [p, q]| {
            for (step, out) in (0..n).zip(outputs.by_ref()) {
                let a = Matrix::last_two(a, super::kernel::place(i, p, step));
                let b = Matrix::last_two(b, super::kernel::place(j, q, step));
                product(out, a, b, false);
            }
        });
    })
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

/// `x · wᵀ + b` for rows `x` `[.., k]`, `w` `[n, k]` and `b` `[n]`: one pass, the bias is where the sum starts.
pub(crate) fn linear<T: Element>(x: &Tensor<T>, w: &Tensor<T>, b: &Tensor<T>) -> Tensor<T> {
    let (n, k) = (w.shape()[0], w.shape()[1]);
    let mut shape = x.shape().clone();
    shape.set(x.rank() - 1, n);
    let bias = b.contiguous();
    let bias = bias.as_slice().unwrap_or_default();
    let rows = match x.rank() {
        2 => x.clone(),
        _ => x.reshaped(Shape::from([x.size().checked_div(k).unwrap_or(shape.size() / n.max(1)), k])),
    };
    Tensor::build(shape, |out| {
        if n == 0 || out.is_empty() {
            return;
        }
        repeat(bias, out);
        let transposed = w.permuted(&[1, 0]);
        product(out, Matrix::last_two(&rows, rows.offset()), Matrix::last_two(&transposed, w.offset()), true);
    })
}
