//! The orders in which [`Batches`](super::Batches) go through samples.

use super::batches::Remainder;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use tape::Error;

/// The choice of the samples of an epoch.
#[derive(Clone, Debug)]
pub(super) enum Sampling {
    /// The order of the last epoch again.
    InOrder,
    /// Every sample once, in any order.
    Uniform,
    /// Independent draws with these probabilities.
    Weighted(Cumulative),
    /// Every sample once, in batches of similar length.
    Bucketed(Vec<usize>),
}

impl Sampling {
    /// Draws the order of an epoch, to be cut into batches of `batch` samples and a remainder at the end.
    pub(super) fn draw<R: Rng + ?Sized>(
        &self,
        order: &mut Vec<usize>,
        batch: usize,
        remainder: Remainder,
        rng: &mut R,
    ) {
        match self {
            Sampling::InOrder => {}
            Sampling::Uniform => shuffled(order, rng),
            Sampling::Weighted(weights) => {
                order.iter_mut().for_each(|index| *index = weights.at(rng.random()))
            }
            Sampling::Bucketed(lengths) => {
                shuffled(order, rng);
                order.sort_by_key(|&i| lengths[i]);
                *order = blocks(order, batch, remainder, rng);
            }
        }
    }
}

/// All orders of the indices are equally likely.
fn shuffled<R: Rng + ?Sized>(order: &mut [usize], rng: &mut R) {
    order.iter_mut().enumerate().for_each(|(i, index)| *index = i);
    order.shuffle(rng);
}

/// Cuts a sorted order into batches and shuffles them. The batch of another size, if there is one, is cut out at a random
/// place, so that no length is always in it, and comes last.
fn blocks<R: Rng + ?Sized>(sorted: &[usize], batch: usize, remainder: Remainder, rng: &mut R) -> Vec<usize> {
    let (full, rest) = (sorted.len() / batch, sorted.len() % batch);
    let odd = match remainder {
        _ if rest == 0 => 0,
        Remainder::Joined if full > 0 => batch + rest,
        _ => rest,
    };
    let regular = (sorted.len() - odd) / batch;
    let start = if odd > 0 { batch * rng.random_range(0..=regular) } else { 0 };
    let (before, after) = (&sorted[..start], &sorted[start + odd..]);
    let mut batches: Vec<&[usize]> = before.chunks(batch).chain(after.chunks(batch)).collect();
    batches.shuffle(rng);
    batches.push(&sorted[start..start + odd]);
    batches.concat()
}

/// The sums of the weights of samples, up to and with each.
#[derive(Clone, Debug)]
pub(super) struct Cumulative(Vec<f64>);

impl Cumulative {
    /// # Errors
    /// A weight that is negative or not finite; a sum that is 0 or infinite.
    pub(super) fn new(weights: &[f64]) -> Result<Cumulative, Error> {
        let refused = |reason| Err(Error::Invalid { op: "batches", reason });
        if let Some((i, weight)) = weights.iter().enumerate().find(|(_, w)| !(w.is_finite() && **w >= 0.0)) {
            return refused(format!("expected finite weights, 0 or more, found {weight} for sample {i}"));
        }
        let mut sum = 0.0;
        let sums = weights.iter().map(|weight| {
            sum += weight;
            sum
        });
        let sums: Vec<f64> = sums.collect();
        if !(sum > 0.0 && sum.is_finite()) {
            let samples = weights.len();
            return refused(format!(
                "expected weights with a positive, finite sum, found {sum} ({samples} samples)"
            ));
        }
        Ok(Cumulative(sums))
    }

    /// The sample at the quantile `share`, in [0, 1). One of weight 0 is at none.
    pub(super) fn at(&self, share: f64) -> usize {
        let total = self.0.last().copied().unwrap_or_default();
        // Below the total even if the product rounds up to it.
        let place = (share * total).min(total.next_down());
        self.0.partition_point(|&sum| sum <= place)
    }
}
