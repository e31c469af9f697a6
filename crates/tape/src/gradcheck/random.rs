//! Random numbers for directions and cotangents.

/// SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, 2014): one word of state, so that a seed in a report is all there is
/// to reproduce it. Fixed by name: another release draws the same numbers.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix64(pub(crate) u64);

impl SplitMix64 {
    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, 1)`.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal (G. E. P. Box and M. E. Muller, 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// A number of either sign whose size is between 1/2 and 3/2: no weight is near 0.
    pub(crate) fn weight(&mut self) -> f64 {
        let size = 0.5 + self.uniform();
        if self.word() & 1 == 0 { size } else { -size }
    }
}
