//! Settings of the property tests.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseResult, TestRunner};

/// `cases` of a fixed seed, the same everywhere. Who sets `PROPTEST_CASES` or `PROPTEST_RNG_SEED` gets so many cases
/// of that seed, or of a fresh one.
pub fn config(cases: u32) -> Config {
    let chosen = ["PROPTEST_CASES", "PROPTEST_RNG_SEED"].iter().any(|name| std::env::var_os(name).is_some());
    let settings = Config { failure_persistence: None, max_shrink_iters: 50_000, ..Config::default() };
    if chosen { settings } else { Config { cases, rng_seed: RngSeed::Fixed(0x7a9e), ..settings } }
}

/// Checks the property on as many cases as [`config`] says, and panics with the smallest that fails.
#[track_caller]
pub fn check<S: Strategy>(cases: u32, strategy: S, property: impl Fn(S::Value) -> TestCaseResult) {
    let config = config(cases);
    println!("{} cases, seed {:?}", config.cases, config.rng_seed);
    if let Err(error) = TestRunner::new(config).run(&strategy, property) {
        panic!("{error}");
    }
}
