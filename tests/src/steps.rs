//! The rules that the steps of any reverse sweep keep.

use std::collections::HashMap;
use tape::{Sweep, Tensor};

/// Checks the steps of a sweep against each other, and returns the last sum of each node that received something.
///
/// A node contributes once its own sum is complete, with that sum as its cotangent; a scalar contributes its cotangent times the
/// slope; a first contribution is the sum. With `exact` numbers, whose sums are not rounded, a sum is the one before
/// plus the contribution. (Else it need not be: the elements of a piece that was taken twice are added one by one.)
///
/// # Panics
/// If a step breaks one of these rules.
pub fn checked_sums(sweep: &Sweep, exact: bool) -> HashMap<usize, Tensor> {
    let mut sums = HashMap::from([(sweep.root(), sweep.seed().clone())]);
    let mut last = usize::MAX;
    for step in sweep.steps() {
        assert!(step.node <= last && step.input < step.node, "{step:?} comes after node {last}");
        last = step.node;
        assert_eq!(bits(&step.cotangent), bits(&sums[&step.node]), "the cotangent of {step:?}");
        if let Some(slope) = step.slope {
            let product = step.cotangent.item() * slope;
            assert_eq!(product.to_bits(), step.contribution.item().to_bits(), "{step:?}");
        }
        let before = sums.insert(step.input, step.sum.clone());
        match before {
            Some(before) if exact || step.slope.is_some() => {
                assert_eq!(&before + &step.contribution, step.sum, "{step:?} after {before:?}");
            }
            Some(_) => {}
            None => assert_eq!(step.contribution, step.sum, "the first contribution, {step:?}"),
        }
    }
    sums
}

/// The bits of every element.
pub fn bits(x: &Tensor) -> Vec<u64> {
    x.iter().map(|x| x.to_bits()).collect()
}
