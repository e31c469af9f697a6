//! How a program runs over many lanes, some of its inputs differing from lane to lane.
//!
//! What depends on shared inputs alone is computed once. The other steps become loops over a block of lanes, each of
//! which reads and writes registers: rows of as many elements as a block has lanes. A register is used again as soon
//! as its value has been read for the last time, so that those of a block stay in the cache. A product that is only
//! added to something becomes one loop with the sum, in two roundings.

use super::trace::Function;
use crate::rules::algebra::{Element, Test};

/// The way in which the results of the lanes are returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Collect {
    /// An array with a row for each lane.
    Lanes,
    /// Their sums over the lanes.
    Sum,
}

/// How the values of an operand lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Layout {
    /// The same for all lanes.
    Shared,
    /// Those of neighbouring lanes beside each other.
    Contiguous,
    /// Those of neighbouring lanes apart.
    Strided,
}

/// Where the operand of a loop is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    /// A register, which differs from lane to lane.
    Register(u32),
    /// An input that is read where it lies: an element of the row that a contiguous operand has for each lane.
    Input { operand: u32, column: u32 },
    /// The same in every lane: see [`Plan::shared`].
    Shared(u32),
}

/// Where the result of a loop goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Out {
    Register(u32),
    /// An array with one element for each lane.
    Array(u32),
}

/// A step that is computed once.
#[derive(Clone, Debug)]
pub(super) enum Once {
    Call { function: Function, operands: [u32; 2] },
    Choice { test: Test, compared: [u32; 2], between: [u32; 2] },
}

/// A product and what is done with it in the same loop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Product {
    /// `a · b`.
    Plain,
    /// `a · b`, or 0 if `a` is.
    ChainRule,
}

/// A loop over the lanes of a block.
#[derive(Clone, Debug)]
pub(super) enum Loop {
    /// Copies an input that is not contiguous: an element of the row that an operand has for each lane.
    Load {
        operand: u32,
        column: u32,
        out: u32,
    },
    Call {
        function: Function,
        operands: [Place; 2],
        out: Out,
    },
    /// The third operand plus the product of the others.
    AddProduct {
        product: Product,
        operands: [Place; 3],
        out: Out,
    },
    Choice {
        test: Test,
        compared: [Place; 2],
        between: [Place; 2],
        out: Out,
    },
    /// Copies to an element of the row that an array has for each lane. If it is a `sum` of cotangents, which a sweep
    /// begins with 0, -0 becomes 0.
    Store {
        array: u32,
        column: u32,
        from: Place,
        sum: bool,
    },
    /// Sums over the lanes, to the sum at an index.
    Sum {
        index: u32,
        from: Place,
    },
    /// Sums products over the lanes.
    SumProducts {
        index: u32,
        product: Product,
        operands: [Place; 2],
    },
}

/// A program ready to run.
#[derive(Debug)]
pub(super) struct Plan<T> {
    /// The values that all lanes share, as far as they are constants; inputs and results are filled in.
    pub(super) shared: Vec<T>,
    /// The shared inputs: the operand, the position in it, and the place among the shared values.
    pub(super) inputs: Vec<([u32; 2], u32)>,
    /// The steps on shared values, each with the place of its result.
    pub(super) once: Vec<(Once, u32)>,
    pub(super) loops: Vec<Loop>,
    pub(super) registers: usize,
    /// The number of sums over the lanes.
    pub(super) sums: usize,
    /// The lanes of a block, a power of two times the group of a sum.
    pub(super) block: usize,
}

impl<T: Element> Plan<T> {
    /// The cost of a lane, in elements of a cheap loop.
    pub(super) fn cost(&self) -> usize {
        self.loops.len().max(1)
    }
}
