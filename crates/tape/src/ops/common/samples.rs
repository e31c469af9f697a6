//! Samples for the tests: points for functions of scalars, cases for operations on tensors.

use crate::random::SplitMix64;
use crate::rules::algebra::Element;
use crate::rules::op::Op;
use crate::shape::{Axes, Shape};
use crate::tensor::Tensor;

/// Points at which a function of one scalar is tested.
#[derive(Clone, Copy, Debug)]
pub struct Points {
    /// Open intervals of the domain away from kinks, where random points are drawn.
    pub interior: &'static [(f64, f64)],
    /// Ends of the domain.
    pub edges: &'static [f64],
    /// Points at which the derivative jumps.
    pub kinks: &'static [f64],
    /// Large, tiny and otherwise extreme arguments.
    pub extreme: &'static [f64],
}

/// Points at which a function of two scalars is tested.
#[derive(Clone, Copy, Debug)]
pub struct BinaryPoints {
    /// Intervals for the first scalar.
    pub a: &'static [(f64, f64)],
    /// Intervals for the second scalar.
    pub b: &'static [(f64, f64)],
    /// Ties, edges and remarkable pairs.
    pub special: &'static [(f64, f64)],
}

/// Collects the cases in which an operation on tensors is tested.
pub trait Cases {
    /// A number type beside `f64` and `f32` in which the operations are tested; one of them if there is none.
    type Other: Element;

    /// An operation and the shapes of its operands, which get random elements.
    fn case<O: Op<f64> + Op<f32> + Op<Self::Other>>(&mut self, op: O, shapes: &[&[usize]]);

    /// An operation and its operands, for those that need particular values: zeros, a positive matrix.
    fn values<O: Op<f64> + Op<f32> + Op<Self::Other>>(&mut self, op: O, values: &[Tensor<f64>]);
}

/// Random hyperparameters: the same in every run, and different for every operation.
pub struct Draw(SplitMix64);

/// The number of random hyperparameters with which an operation is tested.
const DRAWS: u64 = 6;

/// Six independent draws for the operation of this name.
pub fn draws(op: &str) -> impl Iterator<Item = Draw> {
    let name = op.bytes().fold(0_u64, |seed, byte| seed.wrapping_mul(257).wrapping_add(byte.into()));
    (0..DRAWS).map(move |i| Draw(SplitMix64(name.wrapping_mul(DRAWS).wrapping_add(i))))
}

impl Draw {
    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        self.0.between(low, high)
    }

    /// A number from `low` to `high`, both included.
    pub fn offset(&mut self, low: isize, high: isize) -> isize {
        low + self.0.below((high - low + 1) as usize) as isize
    }

    /// `true` or `false`.
    pub fn coin(&mut self) -> bool {
        self.0.below(2) == 1
    }

    /// Extents of 1 to 5 for a random number of axes, none of them large.
    pub fn shape(&mut self, min_rank: usize, max_rank: usize) -> Shape {
        let rank = self.between(min_rank, max_rank);
        (0..rank).map(|_| self.between(1, 7 - rank.min(5))).collect()
    }

    /// An axis of the shape, counted from either end.
    pub fn axis(&mut self, shape: &Shape) -> isize {
        let axis = self.0.below(shape.rank()) as isize;
        if self.coin() { axis } else { axis - shape.rank() as isize }
    }

    /// One or more axes of the shape.
    pub fn axes(&mut self, shape: &Shape) -> Axes {
        let chosen: Vec<isize> = (0..shape.rank() as isize).filter(|_| self.coin()).collect();
        if chosen.is_empty() { Axes::from(self.axis(shape)) } else { Axes::from(&chosen[..]) }
    }

    /// This many positions below `extent`: some occur twice, some never.
    pub fn positions(&mut self, extent: usize, count: usize) -> Vec<usize> {
        (0..count).map(|_| self.0.below(extent)).collect()
    }
}

/// Shapes, axes and `keepdim` for the reductions: all axes, some, none, of extent 0 and 1, rank 0, and random ones.
pub(crate) fn reductions(op: &str) -> impl Iterator<Item = (Shape, Axes, bool)> {
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
    let fixed = SHAPES.into_iter().flat_map(|(shape, axes)| {
        let axes = axes.map_or(Axes::all(), Axes::from);
        [false, true].map(|keepdim| (shape.into(), axes.clone(), keepdim))
    });
    fixed.chain(draws(op).map(|mut draw| {
        let shape = draw.shape(1, 4);
        let axes = draw.axes(&shape);
        (shape, axes, draw.coin())
    }))
}

/// Shapes and an axis for operations along one axis.
pub(crate) fn lanes(op: &str) -> impl Iterator<Item = (Shape, isize)> {
    const SHAPES: [(&[usize], isize); 6] =
        [(&[4], 0), (&[3, 4], -1), (&[3, 4], 0), (&[2, 3, 2], 1), (&[3, 1], 1), (&[0, 2], 0)];
    let fixed = SHAPES.into_iter().map(|(shape, axis)| (shape.into(), axis));
    fixed.chain(draws(op).map(|mut draw| {
        let shape = draw.shape(1, 4);
        let axis = draw.axis(&shape);
        (shape, axis)
    }))
}
