//! Properties that hold for every graph and every network: random cases, which shrink and print as code.
//!
//! The cases are the same in every run. For more of them, with a fresh seed:
//!
//! ```text
//! PROPTEST_CASES=50000 cargo test --release -p tests --test properties
//! ```

mod coverage;
mod exact_graphs;
mod networks;
mod orders;
mod shrinking;
mod smooth_graphs;
