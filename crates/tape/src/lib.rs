//! Reverse-mode automatic differentiation: scalars and tensors on one tape, derivatives of any order.

#![deny(unsafe_code)]

mod anomaly;
mod custom;
pub mod element;
mod error;
mod graph;
mod index;
#[doc(hidden)]
pub mod internal;
mod methods;
mod operators;
pub mod ops;
pub mod parallel;
mod pool;
mod random;
mod rules;
mod shape;
mod simd;
mod sweep;
mod tape;
mod tensor;
pub mod transform;

pub use anomaly::{Anomaly, NonFinite};
pub use error::{Dims, Error};
pub use graph::{GraphInput, GraphNode, GraphView, Memory};
pub use index::Index;
pub use methods::Operand;
pub use ops::{Elementwise, PadMode, TensorOps};
pub use rules::algebra::{Algebra, Binary, ChainRule, Element, SlopeFromOutput, Unary};
pub use rules::elementwise::{Map, Zip};
pub use rules::op::{Array, Cotangents, Each, Op};
pub use shape::{Axes, Shape};
pub use sweep::gradients::Gradients;
pub use tape::{Handle, ParamId, Scalar, Tape, Var};
#[doc(hidden)]
pub use tape::{Handles, ReadGradients};
pub use tensor::Tensor;
