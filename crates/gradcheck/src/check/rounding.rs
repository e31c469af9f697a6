//! The rounding error of a gradient.

use super::problem::{Direction, Problem};
use crate::numdiff::power_of_two;
use tape::Tensor;
use tape::internal::SplitMix64;

/// The number of roundings allowed to the tape in each entry of the gradient.
pub(crate) const ROUNDINGS: f64 = 16.0;

/// The divisor of values before they are squared: a power of two near the largest, so that squares of values
/// of any size neither overflow nor underflow, and keep their digits.
pub(crate) fn unit(x: &[f64]) -> f64 {
    match x.iter().fold(0.0, |max: f64, x| max.max(x.abs())) {
        0.0 => 1.0,
        largest if largest.is_finite() => power_of_two(largest),
        _ => 1.0,
    }
}

/// Returns the square root of the sum of squares of values of any size.
pub(crate) fn length(x: &[f64]) -> f64 {
    let unit = unit(x);
    x.iter().map(|x| (x / unit) * (x / unit)).sum::<f64>().sqrt() * unit
}

/// Returns a direction that moves every entry by its own size.
pub(crate) fn relative(problem: &Problem<'_>, rng: &mut SplitMix64) -> Direction {
    let part = |(x, &tracked): (&Tensor, &bool)| {
        let values: Vec<f64> = x.to_vec().into_iter().map(|x| x * rng.weight()).collect();
        if tracked { Tensor::from_vec(x.shape(), values).ok() } else { None }
    };
    Direction::Dense(problem.values.iter().zip(&problem.tracked).map(part).collect())
}

/// The rounding error of the gradient along a dense direction, from those of its entries.
pub(crate) fn rounding_along(bounds: &[Vec<f64>], line: &Direction) -> f64 {
    let Direction::Dense(parts) = line else { return 0.0 };
    let pairs = bounds.iter().zip(parts).filter_map(|(b, v)| Some((b, v.as_ref()?.to_vec())));
    pairs.map(|(b, v)| b.iter().zip(v).map(|(b, v)| (b * v).abs()).sum::<f64>()).sum()
}

/// The number of sweeps with perturbed contributions.
pub(crate) const SWEEPS: usize = 4;

/// Returns the rounding error of each entry of the gradients: some roundings of it, and twice its change when
/// the inputs move by an ulp or two, or when each contribution of the sweep is off by one. The latter reveals
/// what cancels in the sweep (D. S. Parker, 1997, calls it Monte Carlo arithmetic): the softmax of equal
/// numbers has derivative 0, but an ulp may remain.
pub(crate) fn rounding_bounds(
    problem: &mut Problem<'_>,
    gradients: &[Option<Tensor>],
    rng: &mut SplitMix64,
) -> Vec<Vec<f64>> {
    let own = |g: &Option<Tensor>| -> Vec<f64> {
        let rounding = |g: f64| ROUNDINGS * f64::EPSILON * g.abs().max(f64::MIN_POSITIVE);
        g.iter().flat_map(Tensor::to_vec).map(rounding).collect()
    };
    let mut rounding_bounds: Vec<Vec<f64>> = gradients.iter().map(own).collect();
    let cotangent = problem.cotangent.clone();
    let mut others = Vec::new();
    for _ in 0..2 {
        let line = relative(problem, rng);
        let moved = problem.point(&line, 2.0 * f64::EPSILON);
        if problem.evaluate(&moved).1 {
            others.push(problem.gradients(&moved, &cotangent));
        }
    }
    others.extend((0..SWEEPS).map(|_| problem.perturbed(rng)));
    for other in others {
        for ((rounding_bound, g), other) in rounding_bounds.iter_mut().zip(gradients).zip(other) {
            let (Some(g), Some(other)) = (g, other) else { continue };
            for ((rounding_bound, g), other) in rounding_bound.iter_mut().zip(g.to_vec()).zip(other.to_vec())
            {
                // `max` drops a NaN.
                *rounding_bound =
                    rounding_bound.max(ROUNDINGS * f64::EPSILON * g.abs() + 2.0 * (other - g).abs());
            }
        }
    }
    rounding_bounds
}
