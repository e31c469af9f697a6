//! Programs in the documentation, compiled and run as tests.

#[doc = include_str!("../../README.md")]
pub mod readme {}

#[doc = include_str!("../../docs/adding-an-operation.md")]
pub mod adding_an_operation {}
