//! Every registered operation with every fault planted in its rule for `f64`: numbers of 32 digits must find it.

use crate::planted::{Cell, all_are_found};
use crate::soak::drawn;
use gradcheck::fault::Fault;
use gradcheck::registry::{Twins, twins};
use std::collections::BTreeMap;
use tape::internal::SplitMix64;

/// The number of sets of operands of each operation.
const DRAWS: usize = 4;

/// Returns the operations by name, each with its smaller cases.
fn operations() -> BTreeMap<&'static str, Vec<Cell>> {
    let mut all: BTreeMap<&'static str, Vec<Cell>> = BTreeMap::new();
    let rng = &mut SplitMix64(41);
    for twins in (0..DRAWS).flat_map(|_| twins()) {
        let x = drawn(&twins, rng);
        let Twins { name, double, exact, .. } = twins;
        let finite = double.compute(&x.iter().collect::<Vec<_>>()).to_vec().iter().all(|y| y.is_finite());
        let cell =
            Cell { name: format!("{name} {double:?}"), op: double.into(), exact: Some(exact.into()), x };
        let cells = all.entry(name).or_default();
        if finite && cell.is_small() {
            cells.push(cell);
        }
    }
    all
}

/// In parts, which run side by side.
#[test]
fn faults_of_accumulation_and_size_are_found() {
    all_are_found(&Fault::ALL[..4], operations());
}

#[test]
fn faults_of_operands_and_axes_are_found() {
    all_are_found(&Fault::ALL[4..8], operations());
}

#[test]
fn faults_of_values_and_positions_are_found() {
    all_are_found(&Fault::ALL[8..], operations());
}
