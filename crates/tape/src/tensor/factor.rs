//! Factorisations of small dense matrices, stored row by row in a slice.
//!
//! The inner loops run along rows, so that they vectorise. Nothing here allocates more than one matrix.

use super::Tensor;
use crate::element::Real;
use crate::shape::Shape;

/// A pivot that stops a factorisation: its position and its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pivot<T> {
    pub(crate) at: usize,
    pub(crate) value: T,
}

/// A batch of matrices, broadcast to the leading axes `batch`.
pub(crate) fn stretched<T: crate::Element>(x: &Tensor<T>, batch: &[usize]) -> Tensor<T> {
    let matrix = &x.shape()[x.rank() - 2..];
    x.stretched(&batch.iter().chain(matrix).copied().collect::<Shape>())
}

/// `x - factor · y`, element by element.
#[inline(always)]
pub(super) fn subtract<T: Real>(x: &mut [T], factor: T, y: &[T]) {
    for (x, &y) in x.iter_mut().zip(y) {
        *x -= factor * y;
    }
}

/// `Σ x y`, in several sums at a time.
#[inline(always)]
pub(super) fn dot<T: Real>(x: &[T], y: &[T]) -> T {
    const LANES: usize = 8;
    let mut sums = [T::ZERO; LANES];
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let rest = xs.remainder().iter().zip(ys.remainder()).fold(T::ZERO, |sum, (&x, &y)| sum + x * y);
    for (x, y) in xs.zip(ys) {
        for (sum, (&x, &y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x * y;
        }
    }
    sums.into_iter().fold(rest, |sum, x| sum + x)
}

/// `A = L Lᵀ` in place, from the lower triangle; the upper one becomes 0.
pub(crate) fn cholesky<T: Real>(a: &mut [T], n: usize) -> Result<(), Pivot<T>> {
    for j in 0..n {
        let (above, below) = a.split_at_mut(j * n);
        let row = &mut below[..n];
        for i in 0..j {
            let other = &above[i * n..i * n + i + 1];
            let product = dot(&row[..i], &other[..i]);
            row[i] = (row[i] - product) / other[i];
        }
        let value = row[j] - dot(&row[..j], &row[..j]);
        if value <= T::ZERO || value.is_nan() {
            return Err(Pivot { at: j, value });
        }
        row[j] = value.sqrt();
        row[j + 1..].fill(T::ZERO);
    }
    Ok(())
}

/// The triangle of a square matrix that a triangular system reads, and how it reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Triangle {
    pub(crate) lower: bool,
    pub(crate) transpose: bool,
    pub(crate) unit_diagonal: bool,
}

/// `X` with `op(A) X = B`, in place of `B` with `columns` columns.
pub(crate) fn triangular_solve<T: Real>(
    a: &[T],
    n: usize,
    b: &mut [T],
    columns: usize,
    kind: Triangle,
) -> Result<(), Pivot<T>> {
    let at = |i: usize, k: usize| if kind.transpose { a[k * n + i] } else { a[i * n + k] };
    let forward = kind.lower != kind.transpose;
    for step in 0..n {
        let i = if forward { step } else { n - 1 - step };
        let (above, rest) = b.split_at_mut(i * columns);
        let (row, below) = rest.split_at_mut(columns);
        if forward {
            for k in 0..i {
                subtract(row, at(i, k), &above[k * columns..(k + 1) * columns]);
            }
        } else {
            for k in i + 1..n {
                subtract(row, at(i, k), &below[(k - i - 1) * columns..(k - i) * columns]);
            }
        }
        if !kind.unit_diagonal {
            let value = at(i, i);
            if value == T::ZERO {
                return Err(Pivot { at: i, value });
            }
            row.iter_mut().for_each(|x| *x /= value);
        }
    }
    Ok(())
}

/// `A[rows, columns] = L U` with a unit lower `L`, both in one matrix.
#[derive(Debug)]
pub(crate) struct Lu<T> {
    n: usize,
    /// `L` below the diagonal, `U` on and above it.
    packed: Vec<T>,
    /// Row `i` of the product is this row of the matrix.
    rows: Vec<usize>,
    /// Column `j` of the product is this column of the matrix.
    columns: Vec<usize>,
    /// Whether the number of exchanges is odd.
    odd: bool,
}

impl<T: Real> Lu<T> {
    /// Pivots by the largest element of each column.
    pub(crate) fn partial(a: &[T], n: usize) -> Lu<T> {
        Lu::new(a, n, false)
    }

    /// Pivots by the largest remaining element: the zeros of a singular matrix come last.
    pub(crate) fn complete(a: &[T], n: usize) -> Lu<T> {
        Lu::new(a, n, true)
    }

    fn new(a: &[T], n: usize, complete: bool) -> Lu<T> {
        let order: Vec<usize> = (0..n).collect();
        let mut lu = Lu { n, packed: a.to_vec(), rows: order.clone(), columns: order, odd: false };
        for k in 0..n {
            lu.exchange(k, lu.largest(k, if complete { n } else { k + 1 }));
            let (done, below) = lu.packed.split_at_mut((k + 1) * n);
            let pivot_row = &done[k * n + k..];
            if pivot_row[0] == T::ZERO {
                continue;
            }
            for row in below.chunks_exact_mut(n) {
                let factor = row[k] / pivot_row[0];
                row[k] = factor;
                subtract(&mut row[k + 1..], factor, &pivot_row[1..]);
            }
        }
        lu
    }

    /// The position of the largest element in rows `k..` and columns `k..end`.
    fn largest(&self, k: usize, end: usize) -> (usize, usize) {
        let (mut best, mut size) = ((k, k), T::ZERO);
        for i in k..self.n {
            for j in k..end {
                let value = self.packed[i * self.n + j].abs();
                if value > size {
                    (best, size) = ((i, j), value);
                }
            }
        }
        best
    }

    fn exchange(&mut self, k: usize, (row, column): (usize, usize)) {
        let n = self.n;
        if row != k {
            let (above, below) = self.packed.split_at_mut(row * n);
            above[k * n..(k + 1) * n].swap_with_slice(&mut below[..n]);
            self.rows.swap(k, row);
            self.odd = !self.odd;
        }
        if column != k {
            self.packed.chunks_exact_mut(n).for_each(|row| row.swap(k, column));
            self.columns.swap(k, column);
            self.odd = !self.odd;
        }
    }

    fn pivots(&self) -> impl Iterator<Item = T> + '_ {
        (0..self.n).map(|i| self.packed[i * self.n + i])
    }

    /// The sign of the permutations.
    fn parity(&self) -> T {
        if self.odd { -T::ONE } else { T::ONE }
    }

    pub(crate) fn det(&self) -> T {
        self.pivots().fold(self.parity(), |product, pivot| product * pivot)
    }

    /// The sign of the determinant (0 if it is 0) and the logarithm of its absolute value.
    pub(crate) fn sign_and_log(&self) -> (T, T) {
        let sign = self.pivots().fold(self.parity(), |sign, pivot| sign * pivot.sign());
        let log = self.pivots().fold(T::ZERO, |sum, pivot| sum + Real::ln(pivot.abs()));
        (if sign == T::ZERO { T::ZERO } else { sign }, log)
    }

    /// `A⁻¹ B`, with the pivots of [`partial`](Lu::partial).
    pub(crate) fn solve(&self, b: &[T], columns: usize, x: &mut [T]) -> Result<(), Pivot<T>> {
        self.invertible()?;
        for (&from, to) in self.rows.iter().zip(x.chunks_exact_mut(columns.max(1))) {
            to.copy_from_slice(&b[from * columns..from * columns + to.len()]);
        }
        let unit = Triangle { lower: true, transpose: false, unit_diagonal: true };
        let upper = Triangle { lower: false, transpose: false, unit_diagonal: false };
        triangular_solve(&self.packed, self.n, x, columns, unit)?;
        triangular_solve(&self.packed, self.n, x, columns, upper)
    }

    /// `A⁻ᵀ B`, with the pivots of [`partial`](Lu::partial).
    pub(crate) fn solve_transposed(&self, b: &[T], columns: usize, x: &mut [T]) -> Result<(), Pivot<T>> {
        self.invertible()?;
        let mut z = b.to_vec();
        let unit = Triangle { lower: true, transpose: true, unit_diagonal: true };
        let upper = Triangle { lower: false, transpose: true, unit_diagonal: false };
        triangular_solve(&self.packed, self.n, &mut z, columns, upper)?;
        triangular_solve(&self.packed, self.n, &mut z, columns, unit)?;
        for (&to, from) in self.rows.iter().zip(z.chunks_exact(columns.max(1))) {
            x[to * columns..to * columns + from.len()].copy_from_slice(from);
        }
        Ok(())
    }

    fn invertible(&self) -> Result<(), Pivot<T>> {
        match self.pivots().enumerate().find(|(_, pivot)| *pivot == T::ZERO) {
            Some((at, value)) => Err(Pivot { at, value }),
            None => Ok(()),
        }
    }

    /// The cofactors of `A = Pᵀ L D V Qᵀ`, with the pivots of [`complete`](Lu::complete): those of a product are the
    /// products of the cofactors, and those of the invertible factors are `L⁻ᵀ`, `V⁻ᵀ` and the permutations.
    pub(crate) fn cofactors(&self, out: &mut [T]) {
        let n = self.n;
        let pivots: Vec<T> = self.pivots().collect();
        let mut v = self.packed.clone();
        for (row, &pivot) in v.chunks_exact_mut(n.max(1)).zip(&pivots) {
            // The zero pivots come last, and their rows have no other nonzero entries.
            let divisor = if pivot == T::ZERO { T::ONE } else { pivot };
            row.iter_mut().for_each(|x| *x /= divisor);
        }
        let mut product = vec![T::ZERO; n * n];
        for i in 0..n {
            product[i * n + i] = T::ONE;
        }
        let kind = |lower| Triangle { lower, transpose: true, unit_diagonal: true };
        let _unit = triangular_solve(&v, n, &mut product, n, kind(false));
        for (i, row) in product.chunks_exact_mut(n.max(1)).enumerate() {
            let others = (0..n).filter(|&j| j != i).map(|j| pivots[j]);
            let factor = others.fold(self.parity(), |product, pivot| product * pivot);
            row.iter_mut().for_each(|x| *x *= factor);
        }
        let _unit = triangular_solve(&self.packed, n, &mut product, n, kind(true));
        for i in 0..n {
            for j in 0..n {
                out[self.rows[i] * n + self.columns[j]] = product[i * n + j];
            }
        }
    }
}
