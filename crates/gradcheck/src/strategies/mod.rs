//! Strategies for property tests with [`proptest`], for tests of your own operations and models. With the feature
//! `proptest`.
//!
//! - [`shapes`], [`broadcastable`] pairs of them, [`layouts`];
//! - [`tensor`], [`tensors`] and [`distinct`]: well-conditioned values in a [`Domain`];
//! - [`mlps`]: networks of a few layers with their data;
//! - [`graphs`]: computation graphs of tensors and scalars, which shrink to a smallest failing graph and
//!   print as the code that creates it.
//!
//! No value is filtered, and no strategy depends on a value drawn before: the strategies draw lists of plain
//! numbers, and every list has a meaning. So no case is rejected, and shrinking never restarts. Every test
//! with graphs needs two settings: `max_shrink_iters`, which is low by default, and `failure_persistence: None`,
//! because a stored seed gives another graph after the next change of a strategy. A failure prints the graph
//! instead.
//!
//! ```
//! use proptest::prelude::*;
//! use tape::Tape;
//! use gradcheck::strategies::{Exactness, graphs};
//! let config = ProptestConfig { cases: 20, max_shrink_iters: 50_000, failure_persistence: None, ..Default::default() };
//! proptest!(config, |(spec in graphs(Exactness::Smooth))| {
//!     let program = spec.resolve();
//!     let tape = Tape::new();
//!     let loss = program.record(&tape).loss;
//!     prop_assert!(loss.value().is_finite());
//! });
//! ```

mod graph;
mod mlp;
mod shapes;
mod values;

pub use graph::{
    Action, BITS, BinaryFn, DEGREE, Exactness, GraphSpec, GraphTree, Graphs, Instr, LeafSpec, Movement, Node,
    Opcode, Program, Recorded, Reduction, Scan, Step, UnaryFn, graphs,
};
pub use mlp::{Activation, LayerSpec, MlpLoss, MlpSpec, mlps};
pub use shapes::{Broadcastable, Layout, MAX_RANK, MAX_SIZE, broadcastable, extents, layouts, shapes};
pub use values::{Domain, NUMERATOR, distinct, tensor, tensors};
