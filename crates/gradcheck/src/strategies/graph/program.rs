//! A graph in which every step is valid: the meaning of a [`GraphSpec`](super::GraphSpec).

use super::functions::{BinaryFn, UnaryFn};
use super::spec::{Reduction, Scan};
use tape::ops::{self, TensorOps};
use tape::{Array, Axes, Element, Shape, Tensor};

/// An operation with all its parameters. The shape of the result is in the [`Step`].
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A leaf.
    Leaf,
    /// A function of each element.
    Unary(UnaryFn),
    /// A function of each pair of elements, broadcast.
    Binary(BinaryFn),
    /// The product with a constant.
    Times(f64),
    /// The product with a power of two, with this exponent.
    Scale(i32),
    /// The sum with a constant.
    Plus(f64),
    /// The sum with `i` times a constant for element `i`, which makes the elements distinct.
    Ramp(f64),
    /// The matrix product.
    MatMul,
    /// A reduction along an axis, or over all.
    Reduce {
        /// The reduction.
        kind: Reduction,
        /// The axis; `None` for all.
        axis: Option<usize>,
        /// `true` if the reduced axes are kept, with extent 1.
        keepdim: bool,
    },
    /// An operation along an axis.
    Scan(Scan, usize),
    /// Broadcasting to the shape of the result.
    BroadcastTo,
    /// Reshaping to the shape of the result.
    Reshape,
    /// Axis `k` of the result is axis `order[k]` of the operand.
    Permute(Vec<usize>),
    /// The entries from `start` to the one before `stop` along an axis.
    Slice {
        /// The axis.
        axis: usize,
        /// The first entry.
        start: usize,
        /// One past the last entry.
        stop: usize,
    },
    /// The entries along an axis in reverse order.
    Flip(usize),
    /// Entry `i` goes to `i + shift` modulo the extent.
    Roll {
        /// The axis.
        axis: usize,
        /// The distance.
        shift: isize,
    },
    /// The concatenation of two operands along an axis.
    Concat(usize),
    /// The entries at these indices along an axis.
    IndexSelect {
        /// The axis.
        axis: usize,
        /// The indices.
        index: Vec<usize>,
    },
    /// The first operand with the elements of the second, of the same shape, added along an axis: the one at
    /// entry `i` to entry `index[i]`.
    ScatterAdd {
        /// The axis.
        axis: usize,
        /// The indices.
        index: Vec<usize>,
    },
    /// The elements of the first operand where the mask is 1, and of the second where it is 0.
    Select(Tensor),
    /// The operand, split into scalars and put together again.
    Elements,
    /// The sum of this many uses of the operand.
    FanOut(usize),
}

/// One operation of a [`Program`].
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The operation.
    pub action: Action,
    /// Its operands: positions of earlier steps.
    pub operands: Vec<usize>,
    /// The shape of the result.
    pub shape: Shape,
}

/// The steps of a graph, leaves first; created by [`GraphSpec::resolve`](super::GraphSpec::resolve).
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// The values of the leaves.
    pub leaves: Vec<Tensor>,
    /// The steps; the first ones are the leaves.
    pub steps: Vec<Step>,
    /// The position of the result.
    pub output: usize,
    /// The weights of the elements of the result.
    pub cotangent: Tensor,
    /// The highest degree of the loss as a polynomial in one element of each leaf, on the exact track.
    pub degrees: Vec<u32>,
}

impl Action {
    /// Applies the operation to tensors or variables.
    #[track_caller]
    pub(super) fn apply<T: Element, A: Array<T>>(&self, x: &[&A], shape: &Shape) -> A {
        let first = x[0];
        match *self {
            Action::Leaf => first.clone(),
            Action::Unary(f) => f.of(first.clone()),
            Action::Binary(f) => f.of(first.clone(), x[1].clone()),
            Action::Times(c) => first.clone() * first.lift(c),
            Action::Scale(k) => first.clone() * first.lift(2_f64.powi(k)),
            Action::Plus(c) => first.clone() + first.lift(c),
            Action::Ramp(c) => first.clone() + first.constant(ramp(c, shape)),
            Action::MatMul => first.matmul(x[1]),
            Action::Reduce { kind, axis, keepdim } => reduce(kind, first, axis, keepdim),
            Action::Scan(Scan::CumSum, axis) => first.cumsum(axis as isize),
            Action::Scan(Scan::Softmax, axis) => first.softmax(axis as isize),
            Action::Scan(Scan::LogSoftmax, axis) => first.log_softmax(axis as isize),
            Action::BroadcastTo => first.broadcast_to(shape),
            Action::Reshape => first.reshape(shape),
            Action::Permute(ref order) => first.permute(axes(order)),
            Action::Slice { axis, start, stop } => first.slice(axis as isize, start as isize..stop as isize),
            Action::Flip(axis) => first.flip(axis as isize),
            Action::Roll { axis, shift } => first.roll(shift, axis as isize),
            Action::Concat(axis) => A::apply(ops::Concat { axis: axis as isize }, x),
            Action::IndexSelect { axis, ref index } => first.index_select(axis as isize, &index[..]),
            Action::ScatterAdd { axis, ref index } => {
                first.scatter_add(x[1], axis as isize, everywhere(index, axis, shape))
            }
            Action::Select(ref mask) => A::apply(ops::Select { mask: mask.clone() }, x),
            Action::Elements => first.clone(),
            Action::FanOut(uses) => (1..uses).fold(first.clone(), |sum, _| sum + first.clone()),
        }
    }
}

/// Returns `0, c, 2 c, …` in a shape.
pub(super) fn ramp<T: Element>(c: f64, shape: &Shape) -> Tensor<T> {
    Tensor::arange(shape.size()).reshape(shape) * T::from_f64(c)
}

fn axes(order: &[usize]) -> Axes {
    let order: Vec<isize> = order.iter().map(|&axis| axis as isize).collect();
    Axes::from(&order[..])
}

/// Returns `index` along an axis, the same for every position along the others.
fn everywhere(index: &[usize], axis: usize, shape: &Shape) -> tape::Index {
    let mut entries = Vec::with_capacity(shape.size());
    let _ = Tensor::<f64>::from_fn(shape, |at| {
        entries.push(index[at[axis]]);
        0.0
    });
    tape::internal::expect(tape::Index::new(shape, entries))
}

fn reduce<T: Element, A: Array<T>>(kind: Reduction, x: &A, axis: Option<usize>, keepdim: bool) -> A {
    let axes = axis.map_or(Axes::all(), |axis| Axes::from(axis as isize));
    match kind {
        Reduction::Sum => x.sum_axes(axes, keepdim),
        Reduction::Mean => x.mean_axes(axes, keepdim),
        Reduction::Max => x.max_axes(axes, keepdim),
        Reduction::LogSumExp => x.logsumexp_axes(axes, keepdim),
        Reduction::Prod => x.prod_axes(axes, keepdim),
        Reduction::Variance => x.variance_axes(axes, 0, keepdim),
    }
}
