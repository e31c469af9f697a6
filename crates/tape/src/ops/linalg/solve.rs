//! Systems of linear equations.

use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::matrices::{System, columns, minus_outer, right_side, sample, singular};
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Cotangents, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tensor::factor::{self, Lu, Pivot};
use smallvec::smallvec;

/// `X` with `A X = B`, by elimination with partial pivoting.
///
/// # Shapes
/// `[.., n, n]`, `[.., n, m] -> [.., n, m]`, or `[n]` for one vector; leading axes are batches and broadcast.
///
/// # Math
/// `X = A⁻¹ B`, `dX = A⁻¹ (dB - dA X)`; the cotangents are `B̄ = A⁻ᵀ X̄` and `-B̄ Xᵀ`.
///
/// # Domain
/// Invertible matrices.
///
/// # Errors
/// [`Error::Invalid`] if a pivot is exactly 0: the matrix is singular.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[0.0, 2.0], [4.0, 4.0]]);
/// let b = tape.var([2.0, 12.0]);
/// let x = a.solve(b);
/// assert_eq!(x.value(), Tensor::from([2.0, 1.0]));
/// let grads = x.vjp([4.0, 0.0]);
/// assert_eq!(grads.wrt(b), Tensor::from([-2.0, 1.0]));
/// assert_eq!(grads.wrt(a), Tensor::from([[4.0, 2.0], [-2.0, -1.0]]));
/// let error = tape.try_apply(tape::ops::Solve, &[a * 0.0, b]).unwrap_err();
/// assert_eq!(error.to_string(), "solve: the matrix is singular: pivot 0 is 0");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solve;

impl<T: Element> Op<T> for Solve {
    const NAME: &'static str = "solve";
    const ARITY: Arity = Arity::TWO;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Ok(System::new(x)?.shape)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        error::expect(self.try_eval(x, shape))
    }

    fn try_eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Result<Tensor<T>, Error> {
        solved(x, Lu::solve)
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dx: &A) -> A {
        let vector = x[1].shape().rank() == 1;
        let right = match k {
            0 => -dx.matmul(&columns(y, vector)),
            _ => columns(dx, vector),
        };
        x[0].solve(&right).reshape(y.shape())
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let vector = x[1].shape().rank() == 1;
        let db = A::apply(SolveTransposed, &[x[0], &columns(dy, vector)]);
        match k {
            0 => minus_outer(&db, &columns(y, vector), x[0].shape()),
            _ => right_side(&db, x[1].shape().clone()),
        }
    }

    /// The same, with one factorisation for both.
    fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        let vector = x[1].rank() == 1;
        let db = Tensor::apply(SolveTransposed, &[x[0], &columns(&dy, vector)]);
        let da = || minus_outer(&db, &columns(y, vector), x[0].shape().clone());
        smallvec![want[0].then(da), want[1].then(|| right_side(&db, x[1].shape().clone()))]
    }
}

/// The solution of a system from the factors of its matrix: the right-hand side, its columns, and the
/// destination.
type Solver<T> = fn(&Lu<T>, &[T], usize, &mut [T]) -> Result<(), Pivot<T>>;

/// The solutions of a batch of systems, each from the factors of its matrix.
fn solved<T: Element>(x: &[&Tensor<T>], solve: Solver<T>) -> Result<Tensor<T>, Error> {
    let system = System::new(&[x[0].shape(), x[1].shape()])?;
    let (n, m) = (system.n, system.columns);
    let a = factor::stretched(x[0], &system.batch);
    let b = x[1].stretched(&system.shape);
    let mut y = Tensor::zeros(system.shape);
    let (a, b) = (a.elements(), b.elements());
    let pairs = a.chunks_exact((n * n).max(1)).zip(b.chunks_exact((n * m).max(1)));
    for ((a, b), y) in pairs.zip(y.as_mut_slice().chunks_exact_mut((n * m).max(1))) {
        solve(&Lu::partial(a, n), b, m, y).map_err(|pivot| singular(pivot.at))?;
    }
    Ok(y)
}

/// `X` with `Aᵀ X = B`: the adjoint of [`Solve`] in the right-hand side.
///
/// It factorises `A`, not `Aᵀ`, so it has a solution whenever `A X = B` has one, even if the matrix is so
/// nearly singular that rounding makes a pivot of the transpose 0.
///
/// # Shapes
/// As [`Solve`].
///
/// # Math
/// `dX = A⁻ᵀ (dB - dAᵀ X)`; the cotangents are `B̄ = A⁻¹ X̄` and `-X B̄ᵀ`.
///
/// # Errors
/// [`Error::Invalid`] if a pivot is exactly 0: the matrix is singular.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SolveTransposed;

impl<T: Element> Op<T> for SolveTransposed {
    const NAME: &'static str = "solve_transposed";
    const ARITY: Arity = Arity::TWO;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Ok(System::new(x)?.shape)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        error::expect(self.try_eval(x, shape))
    }

    fn try_eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Result<Tensor<T>, Error> {
        solved(x, Lu::solve_transposed)
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dx: &A) -> A {
        let vector = x[1].shape().rank() == 1;
        let right = match k {
            0 => -dx.transpose().matmul(&columns(y, vector)),
            _ => columns(dx, vector),
        };
        A::apply(*self, &[x[0], &right]).reshape(y.shape())
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let vector = x[1].shape().rank() == 1;
        let db = x[0].solve(&columns(dy, vector));
        match k {
            0 => minus_outer(&columns(y, vector), &db, x[0].shape()),
            _ => right_side(&db, x[1].shape().clone()),
        }
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "A⁻¹ B",
    derivative: "A⁻¹ (dB - dA X)",
    domain: "invertible",
    convention: "",
    numpy: "linalg.solve",
    torch: "linalg.solve",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let shapes: [(&[usize], &[usize]); 9] = [
        (&[1, 1], &[1, 1]),
        (&[3, 3], &[3]),
        (&[4, 4], &[4, 2]),
        (&[2, 3, 3], &[3]),
        (&[2, 3, 3], &[2, 3, 2]),
        (&[2, 2], &[3, 2, 1]),
        (&[0, 0], &[0, 2]),
        (&[2, 2], &[2, 0]),
        (&[0, 2, 2], &[2, 1]),
    ];
    for (a, b) in shapes {
        to.values(Solve, &[sample(a), sample(b)]);
        to.values(SolveTransposed, &[sample(a), sample(b)]);
    }
    to.values(Solve, &[Tensor::from([[0.0, 2.0], [3.0, 0.5]]), sample(&[2, 1])]);
}
