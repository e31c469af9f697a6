//! What the tests share, and the programs of the documentation, compiled and run as tests.

pub mod compare;
pub mod networks;

#[doc = include_str!("../../README.md")]
pub mod readme {}

#[doc = include_str!("../../docs/adding-an-operation.md")]
pub mod adding_an_operation {}
