//! Code shared by the tests, and the programs of the documentation, compiled and run as tests.

pub mod compare;
pub mod compositions;
pub mod naive;
pub mod networks;
pub mod properties;
pub mod recursion;
pub mod reference;
pub mod steps;
pub mod systems;
pub mod training;

/// Prints one checked number of a system of the literature, for the table in the documentation:
/// `row: id | what | published | ours | remark`.
pub fn row(id: &str, what: &str, published: &str, ours: &str, remark: &str) {
    println!("row: {id} | {what} | {published} | {ours} | {remark}");
}

#[doc = include_str!("../../README.md")]
pub mod readme {}

#[doc = include_str!("../../docs/adding-an-operation.md")]
pub mod adding_an_operation {}

#[doc = include_str!("../../docs/how-it-works.md")]
pub mod how_it_works {}

#[doc = include_str!("../../docs/viewer.md")]
pub mod viewer {}

#[doc = include_str!("../../docs/programs.md")]
pub mod programs {}

#[doc = include_str!("../../docs/replays.md")]
pub mod replays {}

#[doc = include_str!("../../docs/mnist.md")]
pub mod mnist {}

#[doc = include_str!("../../docs/gradcheck.md")]
pub mod gradcheck {}

#[doc = include_str!("../../docs/trace.md")]
pub mod trace {}

#[doc = include_str!("../../docs/property-tests.md")]
pub mod property_tests {}

#[doc = include_str!("../../docs/your-own-model.md")]
pub mod your_own_model {}

#[doc = include_str!("../../docs/threads.md")]
pub mod threads {}

#[doc = include_str!("../../docs/implicit-derivatives.md")]
pub mod implicit_derivatives {}
