//! Matrix products of hand-written code, through the same crate and settings as the engine's.

#![allow(unsafe_code)]

/// A row-major matrix, possibly to be read as its transpose.
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
        assert_eq!(data.len(), rows * cols, "a matrix has rows · cols elements");
        Matrix { data, rows, cols, steps: [cols as isize, 1] }
    }

    /// The transpose of the same memory.
    pub fn t(self) -> Matrix<'a> {
        Matrix { rows: self.cols, cols: self.rows, steps: [self.steps[1], self.steps[0]], ..self }
    }
}

/// `out = a · b`, row-major; `out += a · b` if `add`.
///
/// # Panics
/// If the shapes do not match.
pub fn product(out: &mut [f32], a: Matrix<'_>, b: Matrix<'_>, add: bool) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    assert_eq!((k, m * n), (b.rows, out.len()), "inner extents and the output match");
    // SAFETY: `Matrix` says that the operands hold rows · cols elements, row-major or transposed; `out` holds
    // m · n, row-major, checked above. It is borrowed mutably, so it overlaps neither operand.
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

/// With the feature `rayon` the threads of the current pool, from the size on that the `gemm` crate chooses.
fn parallelism() -> gemm::Parallelism {
    #[cfg(feature = "rayon")]
    return gemm::Parallelism::Rayon(rayon::current_num_threads());
    #[cfg(not(feature = "rayon"))]
    gemm::Parallelism::None
}
