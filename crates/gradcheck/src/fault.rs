//! Faults planted in the reverse rules, to prove that the tests would find them. Only with the feature `faults`.
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
