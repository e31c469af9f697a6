//! Random graphs under the gradient checker.

use tape::Var;
use tape::gradcheck::{Entries, GradCheck, Report, SetupError};
use tape::strategies::{Node, Program, Step};

/// What stands in the place of a step, if anything does.
pub type Substitute = for<'t> fn(&Step, &[Node<'t>]) -> Option<Node<'t>>;

/// Every step as it is.
pub fn faithful<'t>(_step: &Step, _x: &[Node<'t>]) -> Option<Node<'t>> {
    None
}

/// The gradient of a graph's loss against differences, at some entries of every leaf. A random graph may well be
/// constant in a leaf, so zeros are no reason for doubt; that most are not zero is for the test to see.
///
/// # Errors
/// If no leaf has an element.
pub fn gradcheck(program: &Program, substitute: Substitute) -> Result<Report, SetupError> {
    let count = program.leaves.len();
    let mut check = GradCheck::loss(move |v| {
        let leaves: Vec<Var<'_>> = (0..count).map(|k| v.at(k)).collect();
        program.record_with(&leaves, substitute).loss
    })
    .entries(Entries::PerTensor(8));
    for (k, leaf) in program.leaves.iter().enumerate() {
        let name = format!("x{k}");
        check = check.input(&name, leaf.clone()).expect_zero(&name);
    }
    check.run()
}
