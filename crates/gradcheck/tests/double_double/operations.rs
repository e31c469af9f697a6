//! Every registered operation with its first and second derivatives: in the second arithmetic against differences, and in `f64`
//! against the second arithmetic.

use crate::draws::{operands, weights};
use gradcheck::DoubleDouble;
use gradcheck::registry::{Apply, twins};
use tape::element::{Constant, Real};
use tape::internal::{SplitMix64, branches};
use tape::{Element, Tape, Tensor};

type Exact = Tensor<DoubleDouble>;

/// The step of differences: 1e-6, its eighth power is below the last place.
const STEP: f64 = 1.0 / (1 << 20) as f64;

/// The error allowed to differences, relative to the terms of the derivative: the last place, 1e-32, over the step, and the
/// rounding of the operation itself. A constant with the digits of `f64` would show as 1e-17.
const DIFFERENCE: f64 = 1e-22;

/// The terms of a derivative that all cancel, as those of the determinant of a matrix of low rank, leave roundings of terms
/// of size 1: a derivative counts as at least this.
const SMALLEST: f64 = 1e-8;

/// Units in the last place of `f64`: of the largest entry of a result or of one of lower order, plus the change of the result
/// when every operand moves by one unit. (The derivative of a standard deviation of its own gradient is 0, as a sum of
/// terms that are not.)
const UNITS: f64 = 4.0;

/// The largest error of the adjoint identity, relative to the sizes of its terms.
const ADJOINT: f64 = 1e-28;

/// The gradient, the gradient of a weighted sum of its entries, and what the operation decided.
struct Derivatives<T: Element> {
    value: Tensor<T>,
    first: Vec<Tensor<T>>,
    second: Vec<Tensor<T>>,
}

fn derivatives<T: Element>(
    op: &dyn Apply<T>,
    x: &[Tensor],
    ct: &Tensor,
    weights: &[Tensor],
) -> Derivatives<T> {
    let x: Vec<Tensor<T>> = x.iter().map(Tensor::cast).collect();
    derivatives_at(op, &x, ct, weights)
}

fn derivatives_at<T: Element>(
    op: &dyn Apply<T>,
    x: &[Tensor<T>],
    ct: &Tensor,
    weights: &[Tensor],
) -> Derivatives<T> {
    let tape = Tape::<T>::of();
    let leaves: Vec<_> = x.iter().map(|x| tape.var(x.clone())).collect();
    let y = op.record(&leaves);
    let gradients = y.grad(tape.constant(ct.cast::<T>()), leaves.clone());
    let first = gradients.iter().map(|g| g.value()).collect();
    let weighted = gradients.iter().zip(weights).map(|(&g, w)| (g * tape.constant(w.cast::<T>())).sum());
    let second = match weighted.reduce(|a, b| a + b) {
        Some(sum) => sum.backward().wrt(leaves.clone()),
        None => Vec::new(),
    };
    Derivatives { value: y.value(), first, second }
}

/// The entries of some tensors times those of others, and the sum of the sizes of the products.
fn dot(x: &[Exact], y: &[Tensor]) -> (DoubleDouble, f64) {
    let pairs = x.iter().zip(y).flat_map(|(x, y)| x.to_vec().into_iter().zip(y.to_vec()));
    pairs.fold((DoubleDouble::ZERO, 0.0), |(sum, size), (x, y)| {
        let term = x * DoubleDouble::from(y);
        (sum + term, size + term.hi().abs())
    })
}

/// The derivative at 0 by differences of order 8.
fn difference(f: impl Fn(f64) -> DoubleDouble) -> DoubleDouble {
    let weights = [(4.0, 5.0), (-1.0, 5.0), (4.0, 105.0), (-1.0, 280.0)];
    let terms = weights.iter().zip(1..).map(|(&(a, b), k)| {
        let t = STEP * f64::from(k);
        (f(t) - f(-t)) * Constant::ratio(a, b).to::<DoubleDouble>()
    });
    terms.sum::<DoubleDouble>() / DoubleDouble::from(STEP)
}

/// Returns `false` for results without entries, and for those without a number, such as the mean over no elements.
fn has_value(y: &Exact) -> bool {
    y.size() > 0 && y.to_vec().iter().all(|y| y.is_finite())
}

/// The decisions of the operation at these operands.
fn decisions(op: &dyn Apply<DoubleDouble>, x: &[Exact]) -> Vec<(u32, usize, i64)> {
    let tape = Tape::of();
    let leaves: Vec<_> = x.iter().map(|x| tape.var(x.clone())).collect();
    op.record(&leaves);
    let mut all = Vec::new();
    branches(&tape, &mut |node, at, branch| all.push((node, at, branch)));
    all
}

/// `x + t dx`, exactly.
fn moved(x: &[Tensor], dx: &[Tensor], t: f64) -> Vec<Exact> {
    let step = DoubleDouble::from(t);
    let along = |(x, dx): (&Tensor, &Tensor)| &x.cast() + &(dx.cast() * step);
    x.iter().zip(dx).map(along).collect()
}

#[test]
fn derivatives_are_those_of_differences_to_22_digits() {
    let (mut compared, mut skipped) = (0, Vec::new());
    let mut worst = (0.0, String::new());
    for twin in twins() {
        let rng = &mut SplitMix64(17);
        let x = operands(&twin, rng);
        let dx: Vec<Tensor> = x.iter().map(|x| weights(x, rng)).collect();
        let u: Vec<Tensor> = x.iter().map(|x| weights(x, rng)).collect();
        let op = &*twin.exact;
        let leaves: Vec<Exact> = x.iter().map(Tensor::cast).collect();
        let value = op.compute(&leaves.iter().collect::<Vec<_>>());
        let ct = weights(&value.cast(), rng);
        let at = |t: f64| moved(&x, &dx, t);
        let name = format!("{} {:?}", twin.name, twin.double);
        let here = decisions(op, &leaves);
        if !has_value(&value) || [-4.0, 4.0].iter().any(|&k| decisions(op, &at(k * STEP)) != here) {
            skipped.push(name);
            continue;
        }
        let found = derivatives_at(op, &leaves, &ct, &u);
        let orders = [
            (
                dot(&found.first, &dx),
                difference(|t| {
                    dot(&[op.compute(&at(t).iter().collect::<Vec<_>>())], std::slice::from_ref(&ct)).0
                }),
            ),
            (dot(&found.second, &dx), difference(|t| dot(&derivatives_at(op, &at(t), &ct, &u).first, &u).0)),
        ];
        for (order, ((derivative, size), expected)) in orders.into_iter().enumerate() {
            let scale = size + dot(std::slice::from_ref(&value), std::slice::from_ref(&ct)).1;
            let error = (derivative - expected).hi().abs() / scale.max(SMALLEST);
            assert!(
                error <= DIFFERENCE,
                "{name}: derivative of order {}: {derivative}, by differences {expected}, relative error {error:e}",
                order + 1
            );
            if error > worst.0 {
                worst = (error, format!("{name}, order {}", order + 1));
            }
        }
        compared += 1;
    }
    println!("{compared} operations and cases compared, worst {worst:?}; at a kink or empty: {skipped:#?}");
    assert!(compared > 300 && skipped.len() * 4 < compared, "{compared} compared, {} skipped", skipped.len());
}

/// The largest size of an entry.
fn largest(x: &Exact) -> f64 {
    x.to_vec().iter().fold(0.0, |most, x| f64::max(most, x.hi().abs()))
}

/// The largest difference between entries.
fn distance(x: &Exact, y: &Exact) -> f64 {
    largest(&(x - y))
}

#[test]
fn f64_differs_by_a_few_units_of_its_last_place_times_the_condition() {
    let mut worst: Vec<(f64, String)> = Vec::new();
    for twin in twins() {
        let rng = &mut SplitMix64(23);
        let x = operands(&twin, rng);
        let u: Vec<Tensor> = x.iter().map(|x| weights(x, rng)).collect();
        let ct = weights(&twin.double.compute(&x.iter().collect::<Vec<_>>()), rng);
        let found = derivatives::<f64>(&*twin.double, &x, &ct, &u);
        let exact = derivatives::<DoubleDouble>(&*twin.exact, &x, &ct, &u);
        let near: Vec<Derivatives<DoubleDouble>> = (0..4)
            .map(|_| {
                let moved = x.iter().map(|x| {
                    let w = weights(x, rng).cast::<DoubleDouble>() * DoubleDouble::from(f64::EPSILON);
                    let x: Exact = x.cast();
                    &x + &(&x * &w)
                });
                derivatives_at(&*twin.exact, &moved.collect::<Vec<_>>(), &ct, &u)
            })
            .collect();
        let parts = |d: &Derivatives<DoubleDouble>| {
            let all = std::iter::once(&d.value).chain(&d.first).chain(&d.second);
            all.cloned().collect::<Vec<Exact>>()
        };
        let found = std::iter::once(&found.value).chain(&found.first).chain(&found.second);
        let near: Vec<_> = near.iter().map(parts).collect();
        if !has_value(&exact.value) {
            continue;
        }
        let mut size = 0.0;
        for (k, (found, exact)) in found.zip(parts(&exact)).enumerate() {
            size = f64::max(size, largest(&exact));
            let change = near.iter().fold(0.0, |most, near| f64::max(most, distance(&near[k], &exact)));
            let allowed = f64::EPSILON * size + change + f64::MIN_POSITIVE;
            let ratio = distance(&found.cast(), &exact) / allowed;
            let name = format!("{} {:?}, result {k}", twin.name, twin.double);
            assert!(ratio <= UNITS, "{name}: {ratio:.1} units: {found:?}, exactly {exact:?}");
            worst.push((ratio, name));
        }
    }
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("{} results; the largest differences in units: {:#?}", worst.len(), &worst[..12]);
}

#[test]
fn the_adjoint_identity_holds_to_28_digits() {
    let mut worst = (0.0, String::new());
    for twin in twins() {
        let rng = &mut SplitMix64(29);
        let x = operands(&twin, rng);
        let dx: Vec<Tensor> = x.iter().map(|x| weights(x, rng)).collect();
        let tape = Tape::<DoubleDouble>::of();
        let leaves: Vec<_> = x.iter().map(|x| tape.var(x.cast::<DoubleDouble>())).collect();
        let y = twin.exact.record(&leaves);
        if !has_value(&y.value()) {
            continue;
        }
        let ct = weights(&y.value().cast(), rng);
        let dy =
            tape.jvp(y, leaves.clone(), dx.iter().map(|dx| dx.cast::<DoubleDouble>()).collect::<Vec<_>>());
        let forward = dot(&[dy], std::slice::from_ref(&ct));
        let reverse = dot(&y.vjp(ct.cast::<DoubleDouble>()).wrt(leaves), &dx);
        let error = (forward.0 - reverse.0).hi().abs() / (forward.1 + reverse.1).max(f64::MIN_POSITIVE);
        let name = format!("{} {:?}", twin.name, twin.double);
        assert!(error <= ADJOINT, "{name}: {} forward, {} in reverse", forward.0, reverse.0);
        if error > worst.0 {
            worst = (error, name);
        }
    }
    println!("worst {worst:?}");
}
