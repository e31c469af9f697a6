//! Matrix products of hand-written code, through the same crate and settings as the engine's.

#![allow(unsafe_code)]

use std::cell::Cell;

/// A row-major matrix, possibly read as its transpose.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    steps: [isize; 2],
}

impl<'a> Matrix<'a> {
    /// A row-major matrix.
    ///
    /// # Panics
    /// If `data` does not have `rows` · `cols` elements.
    pub fn new(data: &'a [f32], rows: usize, cols: usize) -> Matrix<'a> {
        assert_eq!(data.len(), rows * cols, "the data does not have rows · cols elements");
        Matrix { data, rows, cols, steps: [cols as isize, 1] }
    }

    /// The transpose of the same memory.
    pub fn t(self) -> Matrix<'a> {
        Matrix { rows: self.cols, cols: self.rows, steps: [self.steps[1], self.steps[0]], ..self }
    }
}

/// Columns whose distance is a multiple of this many elements map to the same few cache sets: a copy in rows
/// is faster to read.
const CLASH: usize = 256;

/// The side of a tile that is transposed in registers.
const TILE: usize = 16;

/// `out = x` as rows of `cols` elements, where `x` is stored column by column, `rows` elements each.
fn transpose(out: &mut [f32], x: &[f32], rows: usize, cols: usize) {
    for (i, j) in (0..cols).step_by(TILE).flat_map(|j| (0..rows).step_by(TILE).map(move |i| (i, j))) {
        let mut tile = [[0.0; TILE]; TILE];
        for (l, column) in tile.iter_mut().enumerate() {
            column.copy_from_slice(&x[(j + l) * rows + i..][..TILE]);
        }
        for k in 0..TILE {
            let row = &mut out[(i + k) * cols + j..][..TILE];
            (0..TILE).for_each(|l| row[l] = tile[l][k]);
        }
    }
}

/// `out = a · b`, row-major; `out += a · b` if `add`.
///
/// # Panics
/// If the shapes do not match.
pub fn product(out: &mut [f32], a: Matrix<'_>, b: Matrix<'_>, add: bool) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    assert_eq!((k, m * n), (b.rows, out.len()), "the inner extents or the size of the output differ");
    if b.steps == [1, k as isize] && k % CLASH == 0 && n % TILE == 0 && n > 0 && m >= TILE {
        thread_local!(static ROWS: Cell<Vec<f32>> = const { Cell::new(Vec::new()) });
        let mut rows = ROWS.take();
        rows.resize(rows.len().max(k * n), 0.0);
        transpose(&mut rows[..k * n], b.data, k, n);
        product(out, a, Matrix::new(&rows[..k * n], k, n), add);
        return ROWS.set(rows);
    }
    // SAFETY: by the invariant of `Matrix` the operands hold rows · cols elements, row-major or transposed;
    // `out` holds m · n, row-major, checked above. It is borrowed mutably, so it overlaps neither operand.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            add,
            a.data.as_ptr(),
            a.steps[1],
            a.steps[0],
            b.data.as_ptr(),
            b.steps[1],
            b.steps[0],
            1.0f32,
            1.0f32,
            false,
            false,
            false,
            parallelism(),
        );
    }
}

/// With the feature `rayon`, the threads of the current pool, from a size that the `gemm` crate chooses.
fn parallelism() -> gemm::Parallelism {
    #[cfg(feature = "rayon")]
    return gemm::Parallelism::Rayon(rayon::current_num_threads());
    #[cfg(not(feature = "rayon"))]
    gemm::Parallelism::None
}
