//! Shared by the measurements: the harness, the workloads, and hand-written code to compare with.
//!
//! Nothing here is part of the libraries. `benches/performance.rs` prints the table of `docs/performance.md`,
//! `tests/allocations.rs` counts heap allocations.

#![deny(unsafe_code)]

pub mod counting;
pub mod deep;
pub mod harness;
mod lanes;
pub mod mixture;
pub mod numbers;
pub mod passes;
pub mod product;
pub mod scalar;
pub mod training;
