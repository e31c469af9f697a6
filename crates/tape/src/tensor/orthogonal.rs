//! Orthogonal factorisations of small dense matrices, stored row by row in a slice: QR by reflections (Householder),
//! eigenvalues and singular values by rotations (Jacobi).
//!
//! Rotations converge quadratically and keep orthogonality to rounding; the vectors that they move are rows here, so that
//! the loops vectorise. Every matrix is first scaled by a power of two, which is exact, so that no square overflows.

use super::factor::{dot, subtract};
use crate::element::Real;

/// Sweeps over all pairs before a factorisation gives up; matrices of order 1000 take about a dozen.
const SWEEPS: usize = 60;

/// The largest magnitude rounded down to a power of two, or 1 for zeros; `None` if an element is not finite.
fn magnitude<T: Real>(x: &[T]) -> Option<T> {
    if x.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let largest = x.iter().fold(T::ZERO, |largest, x| largest.maximum(x.abs()));
    if largest == T::ZERO {
        return Some(T::ONE);
    }
    // Not so small that the reciprocal overflows.
    let exponent = Real::log2(largest.maximum(T::MIN_POSITIVE)).floor().to_f64() as i32;
    Some(T::from_f64(2.0).powi(exponent))
}

/// The position of the component of largest magnitude, the first of several; 0 if there is none.
pub(crate) fn largest_component<T: Real>(x: impl Iterator<Item = T>) -> usize {
    let (mut best, mut size) = (0, T::ZERO);
    for (at, x) in x.enumerate() {
        if x.abs() > size {
            (best, size) = (at, x.abs());
        }
    }
    best
}

/// Transposes a matrix of `columns` columns.
pub(crate) fn transposed<T: Real>(a: &[T], columns: usize) -> Vec<T> {
    (0..columns).flat_map(|j| a.iter().skip(j).step_by(columns).copied()).collect()
}

/// Two rows of a matrix, `i < j`.
fn two_rows<T>(a: &mut [T], n: usize, i: usize, j: usize) -> (&mut [T], &mut [T]) {
    let (above, below) = a.split_at_mut(j * n);
    (&mut above[i * n..(i + 1) * n], &mut below[..n])
}

/// A rotation of two vectors: `(x, y)` becomes `(c x - s y, s x + c y)`.
#[derive(Clone, Copy, Debug)]
struct Rotation<T> {
    cosine: T,
    sine: T,
    tangent: T,
}

impl<T: Real> Rotation<T> {
    /// The smaller of the two that make the symmetric matrix `[[a, p], [p, b]]` diagonal; `p` is not 0.
    fn diagonalizing(a: T, p: T, b: T) -> Rotation<T> {
        let cotangent = (b - a) / (p + p);
        let tangent =
            T::ONE.copysign(cotangent) / (cotangent.abs() + (T::ONE + cotangent * cotangent).sqrt());
        let cosine = T::ONE / (T::ONE + tangent * tangent).sqrt();
        Rotation { cosine, sine: tangent * cosine, tangent }
    }

    #[inline(always)]
    fn apply(self, x: &mut [T], y: &mut [T]) {
        for (x, y) in x.iter_mut().zip(y) {
            (*x, *y) = (self.cosine * *x - self.sine * *y, self.sine * *x + self.cosine * *y);
        }
    }
}

/// `A = Q R` for a matrix with at least as many rows as columns: `Q` of the shape of `A` with orthonormal columns, `R`
/// upper triangular with a diagonal that is not negative.
pub(crate) struct Qr<T> {
    pub(crate) q: Vec<T>,
    pub(crate) r: Vec<T>,
}

/// A reflection `I - 2 v vᵀ / vᵀv` of the last components; `v` without components reflects nothing.
struct Reflection<T> {
    v: Vec<T>,
    factor: T,
}

impl<T: Real> Reflection<T> {
    /// The one that makes a multiple of the first unit vector of `x`, and that multiple.
    fn of(mut x: Vec<T>) -> (Reflection<T>, T) {
        let size = dot(&x, &x).sqrt();
        if size == T::ZERO {
            return (Reflection { v: Vec::new(), factor: T::ZERO }, T::ZERO);
        }
        let image = -size.copysign(x[0]);
        // vᵀv / 2 without cancellation: the signs are opposite.
        let factor = T::ONE / (size * (size + x[0].abs()));
        x[0] -= image;
        (Reflection { v: x, factor }, image)
    }

    /// Reflects the columns `from..` of a matrix of `n` columns, whose last rows are as many as `v` has components.
    fn apply(&self, a: &mut [T], n: usize, from: usize) {
        if self.v.is_empty() {
            return;
        }
        let start = a.len() - self.v.len() * n;
        let mut products = vec![T::ZERO; n - from];
        for (&v, row) in self.v.iter().zip(a[start..].chunks_exact(n)) {
            subtract(&mut products, -v, &row[from..]);
        }
        for (&v, row) in self.v.iter().zip(a[start..].chunks_exact_mut(n)) {
            subtract(&mut row[from..], v * self.factor, &products);
        }
    }
}

impl<T: Real> Qr<T> {
    /// Factorises a matrix of `m` rows and `n ≤ m` columns. Elements that are not finite spread over the factors.
    pub(crate) fn new(a: &[T], m: usize, n: usize) -> Qr<T> {
        let scale = magnitude(a).unwrap_or(T::ONE);
        let mut work: Vec<T> = a.iter().map(|&a| a / scale).collect();
        let mut reflections = Vec::with_capacity(n);
        for j in 0..n {
            let (reflection, image) = Reflection::of((j..m).map(|i| work[i * n + j]).collect());
            reflection.apply(&mut work, n, j + 1);
            work[j * n + j] = image;
            reflections.push(reflection);
        }
        let mut q = vec![T::ZERO; m * n];
        for (j, reflection) in reflections.iter().enumerate().rev() {
            q[j * n + j] = T::ONE;
            reflection.apply(&mut q, n, j);
        }
        let mut r = vec![T::ZERO; n * n];
        for j in 0..n {
            let sign = if work[j * n + j] < T::ZERO { -T::ONE } else { T::ONE };
            for k in j..n {
                r[j * n + k] = sign * work[j * n + k] * scale;
            }
            q.iter_mut().skip(j).step_by(n).for_each(|q| *q *= sign);
        }
        Qr { q, r }
    }
}

/// The eigenvalues of a symmetric matrix, the smallest first, and the vectors as rows, each with a positive component
/// of largest magnitude.
pub(crate) struct Eigen<T> {
    pub(crate) values: Vec<T>,
    pub(crate) vectors: Vec<T>,
}

impl<T: Real> Eigen<T> {
    /// Rotates until nothing is left beside the diagonal; `None` if an element is not finite.
    pub(crate) fn new(a: &[T], n: usize) -> Option<Eigen<T>> {
        let scale = magnitude(a)?;
        let mut a: Vec<T> = a.iter().map(|&a| a / scale).collect();
        let mut rows = identity(n);
        let negligible = T::EPSILON * T::EPSILON * dot(&a, &a).sqrt();
        let mut sweep = || {
            let mut rotated = false;
            for i in 0..n {
                for j in i + 1..n {
                    let p = a[i * n + j];
                    if p.abs() <= negligible {
                        continue;
                    }
                    rotated = true;
                    let (ii, jj) = (a[i * n + i], a[j * n + j]);
                    let rotation = Rotation::diagonalizing(ii, p, jj);
                    let (x, y) = two_rows(&mut a, n, i, j);
                    rotation.apply(x, y);
                    for k in 0..n {
                        (a[k * n + i], a[k * n + j]) = (a[i * n + k], a[j * n + k]);
                    }
                    (a[i * n + i], a[j * n + j]) = (ii - rotation.tangent * p, jj + rotation.tangent * p);
                    (a[i * n + j], a[j * n + i]) = (T::ZERO, T::ZERO);
                    let (x, y) = two_rows(&mut rows, n, i, j);
                    rotation.apply(x, y);
                }
            }
            rotated
        };
        (0..SWEEPS).any(|_| !sweep()).then_some(())?;
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&i, &j| ascending(a[i * n + i], a[j * n + j]));
        let vector = |&i: &usize| {
            let row = &rows[i * n..(i + 1) * n];
            let sign = T::ONE.copysign(row[largest_component(row.iter().copied())]);
            row.iter().map(move |&x| sign * x)
        };
        Some(Eigen {
            values: order.iter().map(|&i| a[i * n + i] * scale).collect(),
            vectors: order.iter().flat_map(vector).collect(),
        })
    }
}

fn ascending<T: Real>(x: T, y: T) -> std::cmp::Ordering {
    x.partial_cmp(&y).unwrap_or(std::cmp::Ordering::Equal)
}

fn identity<T: Real>(n: usize) -> Vec<T> {
    let mut x = vec![T::ZERO; n * n];
    x.iter_mut().step_by(n + 1).for_each(|x| *x = T::ONE);
    x
}

/// `A = U S Vᵀ` for a matrix with at least as many rows as columns, the largest singular value first. The vectors are rows:
/// `Uᵀ` and `Vᵀ`. Each row of `Vᵀ` has a positive component of largest magnitude.
pub(crate) struct Svd<T> {
    pub(crate) left: Vec<T>,
    pub(crate) values: Vec<T>,
    pub(crate) right: Vec<T>,
}

impl<T: Real> Svd<T> {
    /// Rotates the columns of a matrix of `m` rows and `n ≤ m` columns until they are orthogonal; `None` if an element
    /// is not finite.
    pub(crate) fn new(a: &[T], m: usize, n: usize) -> Option<Svd<T>> {
        let scale = magnitude(a)?;
        let mut columns: Vec<T> = transposed(a, n);
        columns.iter_mut().for_each(|a| *a /= scale);
        let mut right = identity(n);
        let negligible = T::EPSILON * T::from_usize(m).sqrt();
        // Columns whose squares have lost digits: far below the rounding of the others.
        let zero = T::MIN_POSITIVE / T::EPSILON;
        let mut sweep = || {
            let mut rotated = false;
            for i in 0..n {
                for j in i + 1..n {
                    let (x, y) = two_rows(&mut columns, m, i, j);
                    let (xx, xy, yy) = (dot(x, x), dot(x, y), dot(y, y));
                    if xx < zero || yy < zero || xy.abs() <= negligible * xx.sqrt() * yy.sqrt() {
                        continue;
                    }
                    rotated = true;
                    let rotation = Rotation::diagonalizing(xx, xy, yy);
                    rotation.apply(x, y);
                    let (x, y) = two_rows(&mut right, n, i, j);
                    rotation.apply(x, y);
                }
            }
            rotated
        };
        (0..SWEEPS).any(|_| !sweep()).then_some(())?;
        let size = |x: &[T]| {
            let square = dot(x, x);
            if square < zero { T::ZERO } else { square.sqrt() }
        };
        let sizes: Vec<T> = columns.chunks_exact(m.max(1)).map(size).collect();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&i, &j| ascending(sizes[j], sizes[i]));
        let mut found = Svd { left: Vec::new(), values: Vec::new(), right: Vec::new() };
        for i in order {
            let row = &right[i * n..(i + 1) * n];
            let sign = T::ONE.copysign(row[largest_component(row.iter().copied())]);
            found.right.extend(row.iter().map(|&x| sign * x));
            found.values.push(sizes[i] * scale);
            match sizes[i] == T::ZERO {
                true => found.left.extend(orthogonal(&found.left, m)),
                false => found.left.extend(columns[i * m..(i + 1) * m].iter().map(|&x| sign * x / sizes[i])),
            }
        }
        Some(found)
    }
}

/// A unit vector orthogonal to fewer than `m` orthonormal rows.
fn orthogonal<T: Real>(rows: &[T], m: usize) -> Vec<T> {
    let squares = |k: usize| rows.iter().skip(k).step_by(m).fold(T::ZERO, |sum, &x| sum + x * x);
    let farthest = (0..m).min_by(|&i, &j| ascending(squares(i), squares(j))).unwrap_or(0);
    let mut x = vec![T::ZERO; m];
    x[farthest] = T::ONE;
    // Once leaves rounding errors of the size that it took away; twice does not.
    for _ in 0..2 {
        for row in rows.chunks_exact(m) {
            let along = dot(&x, row);
            subtract(&mut x, along, row);
        }
    }
    let size = dot(&x, &x).sqrt();
    x.iter().map(|&x| x / size).collect()
}
