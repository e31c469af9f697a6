//! Functions of one and two numbers.

use crate::measure::{Row, row, units};
use gradcheck::DoubleDouble;
use gradcheck::registry::{Apply, Arguments, Twins, twins};
use tape::element::Real;
use tape::internal::SplitMix64;
use tape::{Element, Tape, Tensor, Var};

/// Powers of two over which the sizes of arguments are spread beyond their intervals.
const WIDE: (f64, f64) = (-40.0, 40.0);

/// A number of random sign whose logarithm is uniform.
fn wide(rng: &mut SplitMix64) -> f64 {
    let exponent = WIDE.0 + (WIDE.1 - WIDE.0) * rng.uniform();
    let size = 2.0_f64.powi(exponent as i32) * (1.0 + rng.uniform());
    if rng.uniform() < 0.5 { -size } else { size }
}

/// An argument: half of them in the intervals of the samples, a quarter of any size, a quarter next to special points. A function
/// whose intervals are positive has no other domain.
fn argument(arguments: &Arguments, rng: &mut SplitMix64) -> f64 {
    let (low, high) = arguments.interior[rng.below(arguments.interior.len())];
    let positive = arguments.interior.iter().all(|interval| interval.0 >= 0.0);
    let special: Vec<f64> = arguments.special.iter().copied().filter(|x| x.is_finite()).collect();
    let signed = |x: f64| if positive { x.abs() } else { x };
    match rng.below(4) {
        0 => signed(wide(rng)),
        1 if !special.is_empty() => {
            let distance = signed(wide(rng)).clamp(-1.0, 1.0);
            special[rng.below(special.len())] + distance
        }
        _ => low + (high - low) * rng.uniform(),
    }
}

/// A function with its derivatives up to some order, all of one element for each point.
///
/// Those of order k + 1 are the derivatives of each one of order k by each argument, in this order.
fn derivatives<T: Element>(f: &dyn Apply<T>, x: &[Tensor], order: usize) -> Vec<Vec<Vec<T>>> {
    let tape = Tape::<T>::of();
    let leaves: Vec<Var<T>> = x.iter().map(|x| tape.var(x.cast())).collect();
    let mut last = vec![f.record(&leaves)];
    let mut all = Vec::new();
    for k in 0..=order {
        all.push(last.iter().map(|y| y.value().to_vec()).collect());
        if k < order {
            let ones = |y: &Var<'_, T>| Tensor::full(y.shape(), T::ONE);
            last = last.iter().flat_map(|y| y.grad(tape.constant(ones(y)), leaves.clone())).collect();
        }
    }
    all
}

/// Compares the function at these points, and adds what is found to the row.
fn compare(twins: &Twins, x: &[Tensor], row: &mut Row) {
    let found = derivatives::<f64>(&*twins.double, x, 2);
    let exact = derivatives::<DoubleDouble>(&*twins.exact, x, 3);
    for point in 0..x[0].size() {
        let at: Vec<f64> = x.iter().map(|x| x.to_vec()[point]).collect();
        // Outside of the domain nothing is promised.
        if exact[0][0][point].is_nan() && found[0][0][point].is_nan() {
            continue;
        }
        let mut finite = false;
        for order in 0..=2 {
            for (k, (found, reference)) in found[order].iter().zip(&exact[order]).enumerate() {
                let (found, reference) = (found[point], reference[point]);
                if !found.is_finite() && !reference.is_finite() {
                    continue;
                }
                finite = true;
                let slopes = &exact[order + 1][k * at.len()..];
                let change: f64 =
                    slopes.iter().zip(&at).map(|(slope, x)| (slope[point].hi() * x).abs()).sum();
                let change = if change.is_finite() { change } else { 0.0 };
                row.worst[order].add(units(found, reference, change), || {
                    format!(
                        "{:?} at {at:?}: {found:e}, exactly {:e}, change {change:e}",
                        twins.double,
                        reference.hi()
                    )
                });
            }
        }
        row.points += usize::from(finite);
    }
}

/// The number of points on one tape.
const CHUNK: usize = 1000;

/// Every registered function; each choice of its parameters gets its part of the points.
pub(crate) fn rows(points: usize) -> Vec<Row> {
    let all: Vec<Twins> = twins().into_iter().filter(|twins| !twins.arguments.is_empty()).collect();
    let mut rows = Vec::new();
    for twins in &all {
        let choices = all.iter().filter(|other| other.name == twins.name).count();
        let rng = &mut SplitMix64(31);
        let row = row(&mut rows, twins.name, true);
        // Outside of the domain there is no result: points are drawn until there are enough with one.
        let enough = row.points + points.div_ceil(choices);
        for _ in 0..8 * points.div_ceil(CHUNK) {
            if row.points >= enough {
                break;
            }
            let count = (enough - row.points).clamp(16, CHUNK);
            let arguments = twins.arguments.iter();
            let x: Vec<Tensor> = arguments.map(|a| Tensor::from_fn([count], |_| argument(a, rng))).collect();
            compare(twins, &x, row);
        }
    }
    rows
}
