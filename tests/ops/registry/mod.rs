//! Every registered operation against three oracles: finite differences, the adjoint identity
//! `<u, J v> = <Jᵀ u, v>`, and itself on another path. No test here names an operation.

mod cards;
mod checker;
mod false_alarms;
mod faults;
mod fixtures;
mod jax;
mod layouts;
mod orders;
#[path = "../../../crates/gradcheck/tests/check/panel.rs"]
mod panel;
mod paths;
#[path = "../../../crates/gradcheck/tests/shared/planted.rs"]
mod planted;
mod points;
mod table;
#[path = "../../../crates/gradcheck/tests/shared/tally.rs"]
mod tally;

#[test]
fn every_registered_type_is_tested() {
    let subjects = fixtures::subjects();
    for entry in tests::compositions::registry() {
        for &name in entry.types {
            let shown = |op: String| op.split([' ', '{', '(']).next() == Some(name);
            let tested = subjects.iter().any(|subject| shown(format!("{:?}", subject.op)));
            assert!(tested, "{}: no sample points or cases for {name}", entry.name);
        }
    }
}
