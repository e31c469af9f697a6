//! Settings of the property tests.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseResult, TestRunner};
use std::hash::{BuildHasher, Hasher, RandomState};

/// `cases` of a fixed seed, the same everywhere. Who sets `PROPTEST_CASES` or `PROPTEST_RNG_SEED` gets this many cases
/// of that seed, or of a fresh one.
pub fn config(cases: u32) -> Config {
    let is_set = |name: &str| std::env::var_os(name).is_some();
    let (cases_set, seed_set) = (is_set("PROPTEST_CASES"), is_set("PROPTEST_RNG_SEED"));
    let mut config = Config { failure_persistence: None, max_shrink_iters: 50_000, ..Config::default() };
    if !cases_set {
        config.cases = cases;
    }
    if !seed_set {
        config.rng_seed = RngSeed::Fixed(if cases_set { fresh() } else { 0x7a9e });
    }
    config
}

/// Another number in every run.
fn fresh() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Checks the property on as many cases as [`config`] says, and panics with the smallest that fails.
#[track_caller]
pub fn check<S: Strategy>(cases: u32, strategy: S, property: impl Fn(S::Value) -> TestCaseResult) {
    let config = config(cases);
    println!("{} cases, PROPTEST_RNG_SEED: {:?}", config.cases, config.rng_seed);
    if let Err(error) = TestRunner::new(config).run(&strategy, property) {
        panic!("{error}");
    }
}
