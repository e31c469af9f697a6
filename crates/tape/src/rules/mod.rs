//! The declaration of an operation: [`algebra`] for functions of numbers, [`op`] for operations on tensors; [`elementwise`]
//! makes the second of the first.

pub(crate) mod algebra;
pub(crate) mod elementwise;
pub(crate) mod op;
