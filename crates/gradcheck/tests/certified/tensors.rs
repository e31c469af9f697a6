//! Operations on tensors.

use crate::draws::{operands, weights};
use crate::measure::{Row, row};
use gradcheck::DoubleDouble;
use gradcheck::registry::{Apply, Twins, twins};
use tape::internal::SplitMix64;
use tape::{Element, Tape, Tensor};

type Exact = Tensor<DoubleDouble>;

/// The value, the gradient of a weighted sum of it, and the gradient of a weighted sum of that, each as one list of tensors.
fn derivatives<T: Element>(
    op: &dyn Apply<T>,
    x: &[Tensor<T>],
    ct: &Tensor,
    weights: &[Tensor],
) -> [Vec<Tensor<T>>; 3] {
    let tape = Tape::<T>::of();
    let leaves: Vec<_> = x.iter().map(|x| tape.var(x.clone())).collect();
    let y = op.record(&leaves);
    let gradients = y.grad(tape.constant(ct.cast::<T>()), leaves.clone());
    let first = gradients.iter().map(|g| g.value()).collect();
    let weighted = gradients.iter().zip(weights).map(|(&g, w)| (g * tape.constant(w.cast::<T>())).sum());
    let second = match weighted.reduce(|a, b| a + b) {
        Some(sum) => sum.backward().wrt(leaves),
        None => Vec::new(),
    };
    [vec![y.value()], first, second]
}

/// The largest size of an entry.
fn largest(x: &Exact) -> f64 {
    x.to_vec().iter().fold(0.0, |most, x| f64::max(most, x.hi().abs()))
}

/// Results without a number, such as the mean over no elements, have no digits.
fn has_value(y: &Tensor) -> bool {
    y.to_vec().iter().all(|y| y.is_finite())
}

/// The number of random changes of all operands by one unit, of which the condition is the largest effect.
const CHANGES: usize = 4;

/// Compares one filling of a case, and returns the number of entries of its results.
fn compare(twins: &Twins, rng: &mut SplitMix64, row: &mut Row) -> usize {
    let x = operands(twins, rng);
    let value = twins.double.compute(&x.iter().collect::<Vec<_>>());
    if !has_value(&value) {
        return 0;
    }
    let u: Vec<Tensor> = x.iter().map(|x| weights(x, rng)).collect();
    let ct = weights(&value, rng);
    let found = derivatives::<f64>(&*twins.double, &x, &ct, &u);
    let leaves: Vec<Exact> = x.iter().map(Tensor::cast).collect();
    let exact = derivatives(&*twins.exact, &leaves, &ct, &u);
    let mut changed = || {
        let moved = x.iter().map(|x| {
            let w = weights(x, rng).cast::<DoubleDouble>() * DoubleDouble::from(f64::EPSILON);
            let x: Exact = x.cast();
            &x + &(&x * &w)
        });
        derivatives(&*twins.exact, &moved.collect::<Vec<_>>(), &ct, &u)
    };
    let near: Vec<_> = (0..CHANGES).map(|_| changed()).collect();
    let (mut size, mut entries) = (0.0, 0);
    for order in 0..3 {
        for (k, (found, exact)) in found[order].iter().zip(&exact[order]).enumerate() {
            size = f64::max(size, largest(exact));
            let distance = |y: &Exact| largest(&(y - exact));
            let change = near.iter().fold(0.0, |most, near| f64::max(most, distance(&near[order][k])));
            let error = distance(&found.cast());
            let unit = f64::EPSILON * size + change + f64::MIN_POSITIVE;
            let units = if error.is_nan() { f64::INFINITY } else { error / unit };
            row.worst[order].add(units, || format!("{:?}, result {k}", twins.double));
            entries += found.size();
        }
    }
    row.points += entries;
    entries
}

/// The largest number of fillings of a case: some have a single entry, and some no random operand.
const FILLINGS: usize = 400;

/// Every registered operation on tensors; its cases are filled in turn until there are enough entries.
pub(crate) fn rows(points: usize) -> Vec<Row> {
    let all: Vec<Twins> = twins().into_iter().filter(|twins| twins.arguments.is_empty()).collect();
    let mut rows = Vec::new();
    let rng = &mut SplitMix64(37);
    for (at, first) in all.iter().enumerate() {
        if at > 0 && all[at - 1].name == first.name {
            continue;
        }
        let row = row(&mut rows, first.name, false);
        let cases: Vec<&Twins> = all.iter().filter(|twins| twins.name == first.name).collect();
        for _ in 0..FILLINGS {
            let entries: usize = cases.iter().map(|twins| compare(twins, rng, row)).sum();
            if row.points >= points || entries == 0 {
                break;
            }
        }
    }
    rows
}
