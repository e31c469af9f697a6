//! The operations: conventions at kinks and limits, accuracy, indexing, and known traps.

mod conventions;
mod factorisations;
mod fourier;
mod fused;
mod indexing;
mod long_sums;
mod saturation;
mod shapes;
mod traps_elementwise;
mod traps_indexing;
