//! A tool of GradBench, the benchmark suite of automatic differentiation: the twelve evals written as a user of `tape`
//! writes them, and the protocol in which the suite poses its problems.
//!
//! An eval is one file: the function, generic over the type of numbers, and its derivative by the engine. No
//! derivative is written by hand.

pub mod evals;
pub mod input;
pub mod protocol;
pub mod request;
pub mod samples;
