//! Systems of linear equations with a triangular matrix.

use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::matrices::{System, columns, minus_outer, right_side, sample, triangle};
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tensor::factor::{self, Triangle};

/// `X` with `op(A) X = B`, where `A` is triangular and `op(A)` is `A` or `Aᵀ`.
///
/// # Shapes
/// `[.., n, n]`, `[.., n, m] -> [.., n, m]`, or `[n]` for one vector; leading axes are batches and broadcast.
///
/// # Math
/// `X = op(A)⁻¹ B`, `dX = op(A)⁻¹ (dB - op(dA) X)`; the cotangents are `B̄ = op(A)⁻ᵀ X̄` and the triangle of `-B̄ Xᵀ`, or of
/// its transpose.
///
/// # Domain
/// No zero on the diagonal. The other triangle is not read, nor the diagonal if it is taken as ones; their
/// cotangents are 0.
///
/// # Errors
/// [`Error::Invalid`] naming the first zero on the diagonal.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[2.0, 0.0], [1.0, 4.0]]);
/// let b = tape.var([2.0, 9.0]);
/// let x = a.triangular_solve(b, true, false, false);
/// assert_eq!(x.value(), Tensor::from([1.0, 2.0]));
/// let grads = x.vjp([0.0, 4.0]);
/// assert_eq!(grads.wrt(b), Tensor::from([-0.5, 1.0]));
/// assert_eq!(grads.wrt(a), Tensor::from([[0.5, 0.0], [-1.0, -2.0]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TriangularSolve {
    /// Whether the lower triangle is read, rather than the upper one.
    pub lower: bool,
    /// Whether the system is that of `Aᵀ`.
    pub transpose: bool,
    /// Whether the diagonal is taken as ones.
    pub unit_diagonal: bool,
}

impl TriangularSolve {
    /// The triangle that is read.
    fn read<T: Element, A: Array<T>>(&self, x: &A) -> A {
        triangle(x, self.lower, if self.unit_diagonal { 0.0 } else { 1.0 })
    }

    fn op<T: Element, A: Array<T>>(&self, x: &A) -> A {
        if self.transpose { x.transpose() } else { x.clone() }
    }
}

impl<T: Element> Op<T> for TriangularSolve {
    const NAME: &'static str = "triangular_solve";
    const ARITY: Arity = Arity::TWO;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Ok(System::new(x)?.shape)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        error::expect(self.try_eval(x, shape))
    }

    fn try_eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Result<Tensor<T>, Error> {
        let system = System::new(&[x[0].shape(), x[1].shape()])?;
        let (n, m) = (system.n, system.columns);
        let kind =
            Triangle { lower: self.lower, transpose: self.transpose, unit_diagonal: self.unit_diagonal };
        let a = factor::stretched(x[0], &system.batch);
        let a = a.elements();
        let mut b = x[1].stretched(&system.shape).contiguous();
        let matrices = a.chunks_exact((n * n).max(1));
        for (a, b) in matrices.zip(b.as_mut_slice().chunks_exact_mut((n * m).max(1))) {
            factor::triangular_solve(a, n, b, m, kind).map_err(|pivot| {
                Error::invalid(format!("the matrix is singular: 0 on its diagonal, at {}", pivot.at))
            })?;
        }
        Ok(b)
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dx: &A) -> A {
        let vector = x[1].shape().rank() == 1;
        let right = match k {
            0 => -self.op(&self.read(dx)).matmul(&columns(y, vector)),
            _ => columns(dx, vector),
        };
        A::apply(*self, &[x[0], &right]).reshape(y.shape())
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let vector = x[1].shape().rank() == 1;
        let adjoint = TriangularSolve { transpose: !self.transpose, ..*self };
        let db = A::apply(adjoint, &[x[0], &columns(dy, vector)]);
        if k == 1 {
            return right_side(&db, x[1].shape());
        }
        let y = columns(y, vector);
        let (left, right) = if self.transpose { (&y, &db) } else { (&db, &y) };
        self.read(&minus_outer(left, right, x[0].shape()))
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "op(A)⁻¹ B",
    derivative: "op(A)⁻¹ (dB - op(dA) X)",
    domain: "no zero on the diagonal",
    convention: "",
    numpy: "",
    torch: "linalg.solve_triangular",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for choice in 0..8 {
        let [lower, transpose, unit_diagonal] = [1, 2, 4].map(|bit| choice & bit != 0);
        let op = TriangularSolve { lower, transpose, unit_diagonal };
        to.values(op, &[sample(&[3, 3]), sample(&[3, 2])]);
    }
    let op = TriangularSolve { lower: true, transpose: false, unit_diagonal: false };
    let shapes: [(&[usize], &[usize]); 7] = [
        (&[1, 1], &[1, 1]),
        (&[3, 3], &[3]),
        (&[2, 3, 3], &[3]),
        (&[2, 3, 3], &[2, 3, 2]),
        (&[2, 2], &[3, 2, 1]),
        (&[0, 0], &[0, 2]),
        (&[2, 2], &[2, 0]),
    ];
    for (a, b) in shapes {
        to.values(op, &[sample(a), sample(b)]);
    }
}
