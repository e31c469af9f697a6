//! Every operation with every fault planted in its rule: differences must find it.

use super::fixtures::{Subject, smooth};
use super::planted::{Cell, all_are_found};
use gradcheck::fault::Fault;
use gradcheck::registry::Kind;
use std::collections::BTreeMap;

/// Returns the registered operations by name, each with its smaller cases; compositions have no rules to plant faults in.
fn operations() -> BTreeMap<&'static str, Vec<Cell>> {
    let mut all: BTreeMap<&'static str, Vec<Cell>> = BTreeMap::new();
    for entry in tests::compositions::registry() {
        if !matches!(entry.kind, Kind::Composition(_)) {
            all.insert(entry.name, Vec::new());
        }
    }
    for Subject { name, op, x, .. } in smooth() {
        let Some(cells) = name.split(' ').next().and_then(|name| all.get_mut(name)) else { continue };
        let cell = Cell { name, op, exact: None, x };
        if cell.is_small() {
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
