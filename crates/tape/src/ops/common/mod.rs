//! Shared by several operations: rows of the table of operations, sample points for the tests, and helpers of kernels.

pub(crate) mod columns;
pub(crate) mod doc;
pub(crate) mod lowering;
pub(crate) mod matrices;
pub(crate) mod probabilities;
pub(crate) mod samples;
pub(crate) mod tiles;
pub(crate) mod window;
