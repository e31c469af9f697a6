//! The engine: recording, sweeps, derivatives of any order, contracts of operations, errors, cost.

mod anomaly;
mod architecture;
mod complexity;
mod contracts;
mod custom;
mod errors;
mod pieces;
mod steps;
mod sweeps;
mod ways;
