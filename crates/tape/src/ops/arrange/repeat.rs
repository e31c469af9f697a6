//! Repetition of a whole tensor.

use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, draws};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::{Axes, Shape, extent};
use crate::tensor::Tensor;

/// The whole operand repeated `repsᵢ` times along each axis.
///
/// [`tile`](crate::Tensor::tile) is the same with repetitions for the last axes only; to repeat every element
/// next to itself see [`RepeatInterleave`](crate::ops::RepeatInterleave).
///
/// # Shapes
/// At least one number of repetitions per axis; surplus ones create leading axes.
///
/// # Math
/// Linear; the cotangents of the repetitions add up.
///
/// # Panics
/// If there are fewer repetitions than axes.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1.0, 2.0]);
/// let y = x.repeat([2]);
/// assert_eq!(y.value(), Tensor::from([1.0, 2.0, 1.0, 2.0]));
/// assert_eq!(y.vjp([1.0, 10.0, 100.0, 1000.0]).wrt(x), Tensor::from([101.0, 1010.0]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Repeat {
    /// The number of repetitions for each axis.
    pub reps: Shape,
}

impl Repeat {
    /// The extents of the operand, axes of extent 1 in front.
    fn padded(&self, x: &Shape) -> Shape {
        let missing = self.reps.rank().saturating_sub(x.rank());
        std::iter::repeat_n(1, missing).chain(x.iter().copied()).collect()
    }

    /// The result with two axes for each of its own: the repetition, and the position in it.
    fn unfolded(&self, x: &Shape) -> Shape {
        self.reps.iter().zip(self.padded(x).iter()).flat_map(|(&reps, &extent)| [reps, extent]).collect()
    }
}

impl<T: Element> Op<T> for Repeat {
    const NAME: &'static str = "repeat";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        if self.reps.rank() < x[0].rank() {
            let expected = "a number of repetitions for each axis";
            return Err(Error::rank(expected, x[0].dims()));
        }
        self.unfolded(x[0]).elements::<T>()?;
        let repeated = |(&reps, &n): (&usize, &usize)| {
            extent(reps.checked_mul(n), || format!("{n} elements {reps} times"))
        };
        self.reps.iter().zip(self.padded(x[0]).iter()).map(repeated).collect()
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let padded = self.padded(x[0].shape());
        let once: Shape = padded.iter().flat_map(|&extent| [1, extent]).collect();
        x[0].reshaped(once).stretched(&self.unfolded(x[0].shape())).reshaped(shape.clone())
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let repetitions: Vec<isize> = (0..self.reps.rank() as isize).map(|axis| 2 * axis).collect();
        let unfolded = dy.reshape(self.unfolded(&x[0].shape()));
        unfolded.sum_axes(Axes::from(&repetitions[..]), false).reshape(x[0].shape())
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x repeated along each axis",
    derivative: "the sum over the repetitions",
    domain: "all",
    convention: "",
    numpy: "tile",
    torch: "repeat",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let repeats: [(&[usize], &[usize]); 9] = [
        (&[3], &[2]),
        (&[2, 3], &[3, 1]),
        (&[2, 1, 2], &[1, 3, 2]),
        (&[2], &[3, 2]),
        (&[2, 3], &[1, 1]),
        (&[2, 3], &[0, 2]),
        (&[0, 2], &[2, 2]),
        (&[], &[3]),
        (&[], &[]),
    ];
    let drawn = draws("repeat").map(|mut draw| {
        let x = draw.shape(0, 3);
        let more = draw.shape(0, 1).rank();
        let reps: Shape = (0..x.rank() + more).map(|_| draw.between(1, 3)).collect();
        (x, reps)
    });
    for (x, reps) in repeats.map(|(x, reps)| (Shape::from(x), Shape::from(reps))).into_iter().chain(drawn) {
        to.case(Repeat { reps }, &[&x]);
    }
}
