//! Reverse-mode automatic differentiation: scalars and tensors on one tape, derivatives of any order.
//!
//! A [`Tape`] records operations as they are computed. A sweep over the recording in reverse order applies the chain rule
//! and returns the [`Gradients`]. Everything is a plain value: gradients are returned, never stored; two sweeps give the
//! same bits; a handle cannot outlive the recording it belongs to.
//!
//! ```
//! use tape::Tape;
//! let tape = Tape::new();
//! let (x, y) = (tape.scalar(2.0), tape.scalar(3.0));
//! let z = (x * y).sin() + x.powi(2) / y;
//! let grads = z.backward();
//! assert_eq!(grads.wrt(x), 3.0 * 6f64.cos() + 4.0 / 3.0);
//! assert_eq!(grads.wrt([x, y]), [grads.wrt(x), grads.wrt(y)]);
//! ```
//!
//! # Differentiate a program of scalars
//!
//! [`Scalar`] has the operators, the elementary functions and comparison. Any Rust control flow can be used: the tape records
//! what was executed.
//!
//! ```
//! use tape::Tape;
//! let tape = Tape::new();
//! let a = tape.scalar(2.0);
//! let mut x = tape.scalar_constant(1.0);
//! while (x * x - a).value().abs() > 1e-12 {
//!     x = (x + a / x) / 2.0; // Newton's iteration for the square root
//! }
//! assert!((x.backward().wrt(a) - 0.5 / 2f64.sqrt()).abs() < 1e-9);
//! ```
//!
//! # Differentiate a program of tensors
//!
//! [`Var`] is the handle of a recorded [`Tensor`], with [over two hundred operations](ops): elementwise functions with
//! broadcasting, reductions, scans, indexing, factorisations, convolutions.
//!
//! ```
//! use tape::{Tape, Tensor};
//! let tape = Tape::new();
//! let w = tape.var([[1.0, -2.0], [0.5, 3.0]]);
//! let x = tape.constant([[1.0], [2.0]]);
//! let loss = w.matmul(x).square().sum();
//! let grads = loss.backward();
//! assert_eq!(grads.wrt(w), Tensor::from([[-6.0, -12.0], [13.0, 26.0]]));
//! ```
//!
//! # Differentiate a derivative
//!
//! [`grad`](Scalar::grad) returns recorded handles, which can be differentiated again; [`Tape::jvp`] and
//! [`Tape::pushforward`] are forward mode. [`transform`] has `grad`, `jacobian`, `hessian` and `hvp` for closures.
//!
//! ```
//! use tape::{Tensor, transform};
//! let h = transform::hessian(|x| (x * x * x).sum(), Tensor::from([1.0, 2.0]));
//! assert_eq!(h, Tensor::from([[6.0, 0.0], [0.0, 12.0]]));
//! ```
//!
//! # Add a function of your own
//!
//! A function is its value and its slope, written once; it then works on numbers, tensors and handles, in both modes, to any
//! order. [`Unary`] and [`Binary`] are elementwise, [`Op`] is for tensors; [`Tape::custom_vjp`] takes closures.
//!
//! ```
//! use tape::{Algebra, Element, Tape, Unary};
//!
//! /// `x / (1 + |x|)`
//! #[derive(Clone, Copy, Debug, PartialEq)]
//! struct Softsign;
//!
//! impl Unary for Softsign {
//!     const NAME: &'static str = "softsign";
//!     fn eval<T: Element>(&self, x: T) -> T {
//!         x / (T::ONE + x.abs())
//!     }
//!     fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
//!         let d = x.lift(1.0) + x.map(tape::ops::Abs);
//!         x.lift(1.0) / (d * d)
//!     }
//! }
//!
//! let tape = Tape::new();
//! let x = tape.var([-1.0, 3.0]);
//! let y = x.map(Softsign);
//! assert_eq!(y.value().to_vec(), [-0.5, 0.75]);
//! assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.25, 0.0625]);
//! ```
//!
//! # Run a function at many points
//!
//! A [`Program`] is a function of scalars recorded once. It runs over any number of points with one vector loop for each
//! operation, and so do its derivatives.
//!
//! ```
//! use tape::{Program, Tensor};
//! let error = Program::new(|p| {
//!     let (w, [x, y]) = (p.input("w"), p.inputs(["x", "y"]));
//!     (w * x - y).square()
//! });
//! let (w, x, y) = (Tensor::scalar(2.0), Tensor::from([1.0, 2.0]), Tensor::from([1.0, 5.0]));
//! let (sum, slopes) = error.wrt(&["w"]).sum_lanes(&[&w, &x, &y]);
//! assert_eq!((sum.item(), slopes[0].item()), (2.0, -2.0));
//! ```
//!
//! A [`Replay`] is a computation with tensors recorded once, such as the training step of a small model. It runs on other values
//! of the same shapes, in a fraction of the time of recording it again.
//!
//! # Look at a recording
//!
//! [`Tape::view`] returns the graph as data, text, SVG, DOT or JSON; [`Scalar::view`] that of one result with its reverse sweep, as
//! a derivation or a page to step through; [`Tape::memory`] what a tape holds; [`Tape::find_nonfinite`] where a value or derivative
//! became infinite or NaN. [`Tape::checkpoint`] trades time for memory.
//!
//! ```
//! use tape::Tape;
//! let tape = Tape::new();
//! let x = tape.scalar(-1.0);
//! let y = x.ln() * 2.0;
//! let found = y.find_nonfinite();
//! assert_eq!(found.forward.unwrap().op, "ln");
//! ```
//!
//! # Where to go next
//!
//! - The crate `gradcheck` compares any gradient with differences and says how small an error would have been found.
//! - The crate `nn` has modules, losses and optimizers made of these operations.
//! - `docs/how-it-works.md` follows one expression through the engine, `docs/conventions.md` lists what happens at kinks,
//!   ties and singular points, `docs/operations.md` all operations;
//!   `docs/programs.md` is about programs, `docs/replays.md` about replays.
//!
//! # What it is not
//!
//! There is no GPU backend, no just-in-time compiler and no source transformation: an operation is computed when it is
//! called. Tensors hold `f32`, `f64`, or another real number format that implements [`Real`](element::Real). A tape belongs to one thread; loops inside an operation may use several
//! (feature `rayon`).
//!
//! # Features
//! `rayon` uses several threads, `serde` makes [`Tensor`] data of that crate, and `ndarray` gives views of tensors as its
//! arrays and takes over its arrays as tensors.

#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod anomaly;
mod custom;
pub mod element;
mod error;
mod graph;
mod index;
mod instances;
#[doc(hidden)]
pub mod internal;
mod methods;
mod operand;
mod operators;
pub mod ops;
pub mod parallel;
mod pool;
mod program;
mod random;
mod replay;
mod rules;
mod shape;
mod simd;
mod sweep;
mod tape;
mod tensor;
pub mod transform;

pub use anomaly::{Anomaly, NonFinite};
pub use error::{Dims, Error};
pub use graph::{GraphInput, GraphNode, GraphView, Memory, NodeStyle, StyleLegend};
pub use index::{Index, Position, Positions};
pub use methods::scatter_reduce::ScatterReduce;
pub use operand::Operand;
#[doc(inline)]
pub use ops::{Elementwise, PadMode, TensorOps};
pub use program::{Derivatives, MapLanes, Program, Recorder};
pub use replay::Replay;
pub use rules::algebra::{Algebra, Arithmetic, Binary, ChainRule, Element, SlopeFromOutput, Unary};
pub use rules::elementwise::{Map, Zip};
pub use rules::op::{Arity, Array, Cotangents, Each, Op};
pub use shape::{Axes, Extents, INFER, Shape};
pub use sweep::gradients::Gradients;
pub use sweep::steps::{Sweep, SweepStep};
pub use tape::{Handle, ParamId, Scalar, Tape, Var};
#[doc(hidden)]
pub use tape::{Handles, ReadGradients};
pub use tensor::{Iter, Tensor, TensorF32, TensorF64};

/// The names that most programs use, in one import: `use tape::prelude::*`.
///
/// Traits for code that is generic over numbers, tensors and handles ([`Algebra`], [`Elementwise`], [`TensorOps`]) are not
/// part of it: a tensor has their methods itself.
///
/// ```
/// use tape::prelude::*;
/// let tape = Tape::new();
/// let x = tape.var([1.0, 2.0]);
/// let mut y = x.square().sum();
/// y += 1.0;
/// assert_eq!((y.value(), y.backward().wrt(x)), (6.0, Tensor::from([2.0, 4.0])));
/// ```
pub mod prelude {
    #[doc(inline)]
    pub use super::transform::{grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp};
    #[doc(inline)]
    pub use super::{
        Axes, Binary, Element, Error, Gradients, INFER, Program, Scalar, Shape, Tape, Tensor, TensorF32,
        TensorF64, Unary, Var,
    };
}

/// The README of the crate runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
