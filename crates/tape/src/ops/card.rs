//! What the documentation and the tests know of an operation, beside its rules.

use crate::op::Op;
use crate::shape::Axes;
use crate::tensor::Tensor;

/// The row of an operation in the table of operations.
#[derive(Clone, Copy, Debug)]
pub struct Card {
    /// The value.
    pub formula: &'static str,
    /// The derivative, or both of them.
    pub derivative: &'static str,
    /// Where it is defined.
    pub domain: &'static str,
    /// What the derivative is at kinks, ties and singular points; empty if there are none.
    pub convention: &'static str,
    /// NumPy's name.
    pub numpy: &'static str,
    /// PyTorch's name.
    pub torch: &'static str,
}

/// Where the tests look at a function of one number.
#[derive(Clone, Copy, Debug)]
pub struct Points {
    /// Open intervals of the domain away from kinks, where random points are drawn.
    pub interior: &'static [(f64, f64)],
    /// Ends of the domain.
    pub edges: &'static [f64],
    /// Where the derivative jumps.
    pub kinks: &'static [f64],
    /// Large, tiny and otherwise remarkable arguments.
    pub far: &'static [f64],
}

/// Where the tests look at a function of two numbers.
#[derive(Clone, Copy, Debug)]
pub struct Pairs {
    /// Intervals for the first number.
    pub a: &'static [(f64, f64)],
    /// Intervals for the second number.
    pub b: &'static [(f64, f64)],
    /// Ties, edges and remarkable pairs.
    pub special: &'static [(f64, f64)],
}

/// Takes the cases in which an operation on tensors is to be tested, whatever they are then used for.
pub trait Cases {
    /// An operation and the shapes of its operands, which get random numbers.
    fn case<O: Op<f64> + Op<f32> + Clone>(&mut self, op: O, shapes: &[&[usize]]);

    /// An operation and its operands, for those that need particular numbers: zeros, a positive matrix.
    fn values<O: Op<f64> + Op<f32> + Clone>(&mut self, op: O, values: &[Tensor<f64>]);
}

/// Shapes, axes and `keepdim` for the reductions: all axes, some, none, of extent 0 and 1, and rank 0.
pub(crate) fn reductions() -> impl Iterator<Item = (&'static [usize], Axes, bool)> {
    const SHAPES: [(&[usize], Option<&[isize]>); 9] = [
        (&[4], Some(&[0])),
        (&[2, 3], Some(&[0])),
        (&[2, 3], Some(&[-1])),
        (&[2, 3, 4], Some(&[0, 2])),
        (&[3, 2, 2], Some(&[1])),
        (&[1, 3], Some(&[0])),
        (&[2, 0], Some(&[1])),
        (&[], None),
        (&[3, 2], None),
    ];
    SHAPES.into_iter().flat_map(|(shape, axes)| {
        let axes = axes.map_or(Axes::all(), Axes::from);
        [false, true].map(|keepdim| (shape, axes.clone(), keepdim))
    })
}

/// Shapes and an axis for what works along one axis.
pub(crate) fn lanes() -> impl Iterator<Item = (&'static [usize], isize)> {
    const SHAPES: [(&[usize], isize); 6] =
        [(&[4], 0), (&[3, 4], -1), (&[3, 4], 0), (&[2, 3, 2], 1), (&[3, 1], 1), (&[0, 2], 0)];
    SHAPES.into_iter()
}
