//! Samples to fit, samples to choose by, and samples for the last look.

use super::Batches;
use rand::Rng;

/// The indices `0..n` in a random order, cut into parts of these sizes, of which `n` is the sum: every sample is in
/// exactly one part.
///
/// ```
/// use nn::data::split;
/// use rand::{SeedableRng, rngs::StdRng};
/// let [train, validation, test] = split([6, 2, 2], &mut StdRng::seed_from_u64(0));
/// assert_eq!((train.len(), validation.len(), test.len()), (6, 2, 2));
/// let mut all = [train, validation, test].concat();
/// all.sort();
/// assert_eq!(all, (0..10).collect::<Vec<_>>());
/// ```
pub fn split<const PARTS: usize>(
    sizes: [usize; PARTS],
    rng: &mut (impl Rng + ?Sized),
) -> [Vec<usize>; PARTS] {
    let mut all = Batches::new(sizes.iter().sum(), 1);
    let mut rest = all.shuffle(rng).order();
    sizes.map(|size| {
        let (part, others) = rest.split_at(size);
        rest = others;
        part.to_vec()
    })
}
