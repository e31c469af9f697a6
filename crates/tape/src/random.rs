//! Random numbers from a seed.

use crate::element::Real;

/// SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, 2014): one word of state, so that the seed in a report is
/// enough to reproduce a run. The generator is fixed: every release draws the same numbers.
#[derive(Clone, Debug)]
pub struct SplitMix64(pub u64);

impl SplitMix64 {
    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform below `n`, which is not 0. (The bias of `n / 2⁶⁴` is far too small to observe.)
    pub fn below(&mut self, n: usize) -> usize {
        (self.word() % n as u64) as usize
    }

    /// Uniform between `low` and `high`, both included.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// Uniform in `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal (G. E. P. Box and M. E. Muller, 1958).
    pub fn normal(&mut self) -> f64 {
        // Uses the functions of this crate: those of the standard library may differ between its builds.
        let radius = (-2.0 * Real::ln(1.0 - self.uniform())).sqrt();
        radius * Real::cos(std::f64::consts::TAU * self.uniform())
    }

    /// A number of either sign with magnitude between 1/2 and 3/2, so that no weight is near 0; a multiple of
    /// 1/64, so that products with dyadic numbers are exact.
    pub fn weight(&mut self) -> f64 {
        let size = 0.5 + (self.word() >> 58) as f64 / 64.0;
        if self.word() & 1 == 0 { size } else { -size }
    }
}

#[cfg(test)]
mod tests {
    use super::SplitMix64;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        let mut random = SplitMix64(1_234_567);
        let found = [random.word(), random.word(), random.word()];
        assert_eq!(found, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }
}
