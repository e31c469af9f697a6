//! Faults planted in the reverse rules of the engine, to prove that the tests find them. With the feature `faults`.
//!
//! [`plant`] runs a function with a fault in the rule of one operation, on this thread: every contribution to
//! the operand with the given index is changed by the [`Fault`].
//!
//! ```
//! use gradcheck::fault::{Fault, plant};
//! use tape::Tape;
//! let slope = || {
//!     let tape = Tape::new();
//!     let x = tape.var([2.0]);
//!     x.exp().vjp([1.0]).wrt(x).item()
//! };
//! assert_eq!(plant(Fault::Negate, "exp", 0, slope), -slope());
//! ```

pub use tape::internal::{Fault, plant};
