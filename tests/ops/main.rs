//! The operations: against numbers that this project did not compute, against closed forms, and every registered one
//! against three oracles.

mod later_functions;
mod linear_algebra;
mod reference_numbers;
mod registry;
