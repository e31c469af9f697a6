//! Tensors of recorded scalars.

use crate::error::Error;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::ops::{At, AtAdjoint};
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Cotangents, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Scalars as the elements of a vector, or one scalar as a tensor of rank 0: the way from scalars to tensors.
/// Recorded by [`Tape::vector`](crate::Tape::vector).
///
/// # Shapes
/// As many operands of rank 0 as `shape` has elements.
///
/// # Math
/// Linear; each scalar's cotangent is its element of the result's cotangent.
#[derive(Clone, Debug, PartialEq)]
pub struct FromScalars {
    /// `[n]`, or `[]` for one scalar.
    pub shape: Shape,
}

impl FromScalars {
    /// The index of scalar `k` in the result.
    fn index(&self, k: usize) -> Shape {
        if self.shape.rank() == 0 { Shape::default() } else { Shape::from([k]) }
    }
}

impl<T: Element> Op<T> for FromScalars {
    const NAME: &'static str = "vector";
    const ARITY: Arity = Arity::Any;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        if self.shape.try_size() != Some(x.len()) {
            return Err(Error::elements(self.shape.dims(), x.len()));
        }
        if let Some(tensor) = x.iter().find(|x| x.rank() != 0) {
            return Err(Error::Rank { op: "vector", expected: "operands of rank 0", found: tensor.dims() });
        }
        Ok(self.shape.clone())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        Tensor::build(shape.clone(), |out| {
            out.iter_mut().zip(x).for_each(|(out, x)| *out = x.item());
        })
    }

    fn jvp<A: Array<T>>(&self, k: usize, _x: &[&A], _y: &A, dx: &A) -> A {
        A::apply(AtAdjoint { index: self.index(k), shape: self.shape.clone() }, &[dx])
    }

    /// One vector of all tangents. The operands themselves are not read: they need not be tensors.
    fn jvp_all<A: Array<T>>(&self, _x: &[&A], y: &A, dx: &[Option<&A>]) -> Option<A> {
        let moved = |dx: &Option<&A>| dx.map_or_else(|| y.lift(0.0), A::clone);
        let dx: Vec<A> = dx.iter().map(moved).collect();
        Some(A::apply(self.clone(), &dx.iter().collect::<Vec<_>>()))
    }

    fn vjp<A: Array<T>>(&self, k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(At { index: self.index(k) }, &[dy])
    }

    fn vjp_all(&self, _x: &[&Tensor<T>], _y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        let values = dy.to_vec();
        let pick = |(&ct, &wanted): (&T, &bool)| wanted.then(|| Tensor::scalar(ct));
        values.iter().zip(want).map(pick).collect()
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "numbers as a vector",
    derivative: "each number's element",
    domain: "all",
    convention: "",
    numpy: "array",
    torch: "stack",
};

pub(crate) fn cases(to: &mut impl Cases) {
    to.case(FromScalars { shape: Shape::from([3]) }, &[&[], &[], &[]]);
    to.case(FromScalars { shape: Shape::default() }, &[&[]]);
}
