//! Reverse-mode automatic differentiation: scalars and tensors on one tape, derivatives of any order.

#![deny(unsafe_code)]

mod algebra;
mod anomaly;
pub mod element;
mod elementwise;
mod error;
#[cfg(feature = "faults")]
pub mod fault;
mod forward;
mod function;
pub mod gradcheck;
mod gradients;
mod graph;
mod index;
mod methods;
pub mod network;
pub mod numdiff;
mod op;
mod operators;
pub mod ops;
pub mod parallel;
mod pool;
mod random;
#[cfg(feature = "registry")]
pub mod registry;
mod shape;
mod simd;
#[cfg(feature = "proptest")]
pub mod strategies;
mod sweep;
mod tape;
mod tensor;
pub mod transform;

pub use algebra::{Algebra, Binary, Element, Pull, SlopeFromValue, Unary};
pub use anomaly::{Anomaly, NonFinite};
pub use elementwise::{Map, Zip};
pub use error::{Dims, Error};
pub use gradients::Gradients;
pub use graph::{GraphInput, GraphNode, GraphView};
pub use index::Index;
pub use methods::Operand;
pub use op::{Array, Cotangents, Each, Op};
pub use ops::{Arrays, Functions, PadMode};
pub use shape::{Axes, Shape};
pub use tape::{Handle, Memory, ParamId, Scalar, Tape, Var};
#[doc(hidden)]
pub use tape::{Handles, Lookup};
pub use tensor::Tensor;
