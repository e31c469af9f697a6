//! Graphs as data: a flat list of instructions, every one of which has a meaning.

use super::functions::{BinaryFn, UnaryFn};
use std::fmt;
use tape::{Shape, Tensor};

/// The purpose of a graph, which determines its operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exactness {
    /// Dyadic numbers and operations whose values and derivatives are computed without rounding: of degree 4 at most
    /// in every leaf, and within [`BITS`](super::BITS) bits. Compare with `==`.
    Exact,
    /// Functions with derivatives of all orders, scaled so that no intermediate is large or small. Compare with finite
    /// differences.
    Smooth,
}

/// The operation of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Opcode {
    /// The first operand itself: no operation is recorded.
    Identity,
    /// The product with a power of two, `2^c`: values of every magnitude. On the exact track only.
    Scale,
    /// A function of each element.
    Unary(UnaryFn),
    /// A function of each pair of elements.
    Binary(BinaryFn),
    /// The matrix product.
    MatMul,
    /// A reduction: along an axis with even `c`, else over all; it keeps the axes if `c` is 2 or 3 modulo 4.
    Reduce(Reduction),
    /// An operation along an axis that keeps the shape.
    Scan(Scan),
    /// A movement of elements.
    Movement(Movement),
}

macro_rules! plain_enum {
    ($(#[$doc:meta])* $kind:ident { $($(#[$one:meta])* $name:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $kind {
            $($(#[$one])* $name,)*
        }

        impl $kind {
            /// Every variant.
            pub const ALL: &[$kind] = &[$($kind::$name),*];
        }
    };
}

plain_enum! {
    /// A reduction of one or all axes.
    Reduction {
        /// The sum.
        Sum,
        /// The mean.
        Mean,
        /// The largest element.
        Max,
        /// `ln Σ eˣ`.
        LogSumExp,
        /// The product.
        Prod,
        /// The mean square of the distance from the mean.
        Variance,
    }
}

plain_enum! {
    /// An operation along an axis that keeps the shape.
    Scan {
        /// The running sum.
        CumSum,
        /// `eˣ / Σ eˣ`.
        Softmax,
        /// The logarithm of the softmax.
        LogSoftmax,
    }
}

plain_enum! {
    /// An operation that moves elements, and adds those that coincide.
    Movement {
        /// The first operand broadcast to the common shape of both.
        Broadcast,
        /// Another shape with the same elements, chosen by `c`.
        Reshape,
        /// A cyclic permutation of the axes by `c`.
        Permute,
        /// The operand without the first or the last entry along an axis.
        Slice,
        /// The entries along an axis in reverse order.
        Flip,
        /// A cyclic shift by `c` along an axis.
        Roll,
        /// The concatenation of both operands along an axis.
        Concat,
        /// Entries along an axis, some of them more than once.
        IndexSelect,
        /// The first operand, with entries of the second added, several to the same entry.
        ScatterAdd,
        /// The elements of the first operand, every second, third or fourth from the second.
        Select,
        /// The operand split into scalars and put together again.
        Elements,
        /// The sum of 2 to 33 uses of the first operand, one after another.
        FanOut,
    }
}

impl Opcode {
    /// Returns the operations of graphs of a track, class by class.
    pub(super) fn classes(track: Exactness) -> [Vec<Opcode>; 7] {
        let classes = [
            UnaryFn::ALL.iter().copied().map(Opcode::Unary).collect(),
            BinaryFn::ALL.iter().copied().map(Opcode::Binary).collect(),
            vec![Opcode::MatMul],
            Reduction::ALL.iter().copied().map(Opcode::Reduce).collect(),
            Scan::ALL.iter().copied().map(Opcode::Scan).collect(),
            Movement::ALL.iter().copied().map(Opcode::Movement).collect(),
            vec![Opcode::Scale, Opcode::Movement(Movement::FanOut)],
        ];
        classes.map(|class: Vec<Opcode>| class.into_iter().filter(|op| op.is_in(track)).collect())
    }

    /// Returns the operations of graphs of a track.
    ///
    /// ```
    /// use gradcheck::strategies::{UnaryFn, Opcode, Exactness};
    /// assert!(Opcode::all(Exactness::Exact).contains(&Opcode::Unary(UnaryFn::Relu)));
    /// assert!(!Opcode::all(Exactness::Smooth).contains(&Opcode::Unary(UnaryFn::Relu)));
    /// ```
    pub fn all(track: Exactness) -> Vec<Opcode> {
        let mut all = Opcode::classes(track).concat();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Returns `true` if graphs of this track may contain it.
    pub fn is_in(self, track: Exactness) -> bool {
        match (track, self) {
            (Exactness::Exact, Opcode::Unary(f)) => f.is_exact(),
            (Exactness::Exact, Opcode::Binary(f)) => f.is_exact(),
            (Exactness::Exact, Opcode::Reduce(r)) => {
                matches!(r, Reduction::Sum | Reduction::Mean | Reduction::Max)
            }
            (Exactness::Exact, Opcode::Scan(s)) => s == Scan::CumSum,
            (Exactness::Smooth, Opcode::Scale) => false,
            (Exactness::Smooth, Opcode::Unary(f)) => f.is_smooth(),
            (Exactness::Smooth, Opcode::Binary(f)) => f.is_smooth(),
            (Exactness::Smooth, Opcode::Reduce(r)) => r != Reduction::Max,
            _ => true,
        }
    }
}

/// A leaf: a shape, and sixteenths that fill it in order, repeated if they do not suffice.
#[derive(Clone, Debug, PartialEq)]
pub struct LeafSpec {
    /// The extents.
    pub shape: Vec<usize>,
    /// Sixteen times the elements.
    pub values: Vec<i8>,
}

/// Returns a tensor of sixteenths, repeated if they do not suffice.
pub(in crate::strategies) fn sixteenths(shape: impl Into<Shape>, values: &[i8]) -> Tensor {
    let mut numbers = values.iter().cycle().map(|&k| f64::from(k) / 16.0);
    Tensor::from_fn(shape, |_| numbers.next().unwrap_or(1.0))
}

impl LeafSpec {
    /// Returns the leaf as a tensor.
    pub fn tensor(&self) -> Tensor {
        sixteenths(&self.shape[..], &self.values)
    }
}

/// An instruction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Instr {
    /// The operation.
    pub op: Opcode,
    /// The operands: positions in the list of the leaves followed by the earlier instructions, modulo its length.
    pub operands: [u8; 2],
    /// The axis, modulo their number.
    pub axis: u8,
    /// A parameter of some operations.
    pub c: i8,
}

/// A computation graph as a list of instructions. Every list has a meaning: operands whose shapes do not
/// match are adapted ([`resolve`](GraphSpec::resolve)), so graphs are drawn and shrunk without rejection.
///
/// It prints as the code that creates it, so that a failure can be pasted as a test:
///
/// ```
/// use tape::Tape;
/// use gradcheck::strategies::{GraphSpec, Movement, UnaryFn, Opcode::*, Reduction, Scan, Exactness, BinaryFn};
/// let spec = GraphSpec::new(Exactness::Smooth)
///     .leaf([2], [16, -8])
///     .node(Unary(UnaryFn::Tanh), [0, 0], 0, 0)
///     .node(Binary(BinaryFn::Mul), [1, 0], 0, 0)
///     .cotangent([16]);
/// assert_eq!(spec.to_string(), "GraphSpec::new(Exactness::Smooth)
///     .leaf([2], [16, -8])
///     .node(Unary(UnaryFn::Tanh), [0, 0], 0, 0)
///     .node(Binary(BinaryFn::Mul), [1, 0], 0, 0)
///     .cotangent([16])");
/// let tape = Tape::new();
/// let recorded = spec.resolve().record(&tape);
/// assert_eq!(recorded.loss.value(), 1_f64.tanh() + 0.5 * 0.5_f64.tanh());
/// # let _ = (Reduce(Reduction::Sum), Movement(Movement::Flip), Scan(Scan::CumSum));
/// ```
#[derive(Clone, PartialEq)]
pub struct GraphSpec {
    /// Its track.
    pub track: Exactness,
    /// The leaves. Without any, there is one of rank 0 with value 1.
    pub leaves: Vec<LeafSpec>,
    /// The instructions. The last one is the result.
    pub nodes: Vec<Instr>,
    /// Sixteen times the weights by which the elements of the result are summed to the loss.
    pub cotangent: Vec<i8>,
}

impl GraphSpec {
    /// Creates an empty graph.
    pub fn new(track: Exactness) -> GraphSpec {
        GraphSpec { track, leaves: Vec::new(), nodes: Vec::new(), cotangent: vec![16] }
    }

    /// Adds a leaf of sixteenths.
    pub fn leaf(mut self, shape: impl Into<Vec<usize>>, values: impl Into<Vec<i8>>) -> GraphSpec {
        self.leaves.push(LeafSpec { shape: shape.into(), values: values.into() });
        self
    }

    /// Adds an instruction.
    pub fn node(mut self, op: Opcode, operands: [u8; 2], axis: u8, c: i8) -> GraphSpec {
        self.nodes.push(Instr { op, operands, axis, c });
        self
    }

    /// Sets the weights of the result, in sixteenths.
    pub fn cotangent(mut self, values: impl Into<Vec<i8>>) -> GraphSpec {
        self.cotangent = values.into();
        self
    }
}

impl fmt::Display for GraphSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GraphSpec::new(Exactness::{:?})", self.track)?;
        for LeafSpec { shape, values } in &self.leaves {
            write!(f, "\n    .leaf({shape:?}, {values:?})")?;
        }
        for Instr { op, operands, axis, c } in &self.nodes {
            write!(f, "\n    .node({op}, {operands:?}, {axis}, {c})")?;
        }
        write!(f, "\n    .cotangent({:?})", self.cotangent)
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Opcode::Unary(x) => write!(f, "Unary(UnaryFn::{x:?})"),
            Opcode::Binary(x) => write!(f, "Binary(BinaryFn::{x:?})"),
            Opcode::Reduce(x) => write!(f, "Reduce(Reduction::{x:?})"),
            Opcode::Scan(x) => write!(f, "Scan(Scan::{x:?})"),
            Opcode::Movement(x) => write!(f, "Movement(Movement::{x:?})"),
            Opcode::Identity | Opcode::Scale | Opcode::MatMul => write!(f, "{self:?}"),
        }
    }
}

impl fmt::Debug for GraphSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
