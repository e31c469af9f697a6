//! Random operands and weights, drawn alike by the two programs that compare registered operations in two number types.

use gradcheck::registry::{Input, Twins};
use tape::Tensor;
use tape::internal::SplitMix64;

/// A number between -1 and 1 that is not small.
fn weight(rng: &mut SplitMix64) -> f64 {
    let size = 0.3 + 0.7 * rng.uniform();
    if rng.uniform() < 0.5 { -size } else { size }
}

pub(crate) fn weights(x: &Tensor, rng: &mut SplitMix64) -> Tensor {
    Tensor::from_fn(x.shape().clone(), |_| weight(rng))
}

/// The operands of a case; random ones are distinct, so that nothing is decided by a rounding.
pub(crate) fn operands(twins: &Twins, rng: &mut SplitMix64) -> Vec<Tensor> {
    let mut drawn = |input: &Input| match input {
        Input::Values(x) => x.clone(),
        Input::Shape(shape) => {
            let size = shape.size();
            let mut order: Vec<usize> = (0..size).collect();
            (1..size).rev().for_each(|i| order.swap(i, rng.below(i + 1)));
            let mut rank = order.into_iter();
            Tensor::from_fn(shape.clone(), |_| {
                let rank = rank.next().unwrap_or(0) as f64 + 0.25 + 0.5 * rng.uniform();
                -2.0 + 4.0 * rank / size as f64
            })
        }
    };
    twins.operands.iter().map(&mut drawn).collect()
}
