//! The random numbers of NumPy's legacy generator, bit for bit.
//!
//! Published curves that start from `numpy.random.seed(n)` can be compared digit by digit only with the same
//! weights and the same order of the samples. This is that generator: the Mersenne Twister MT19937, uniform
//! numbers of 53 bits, normal numbers by the polar method, and the shuffle built on them. Use it only to
//! reproduce such curves; for everything else use `rand`.

const SIZE: usize = 624;
const SHIFT: usize = 397;

/// The generator.
///
/// ```
/// use examples::legacy_random::LegacyRandom;
/// let mut random = LegacyRandom::new(0);
/// assert_eq!(random.normal(), 1.764052345967664);
/// assert_eq!(random.normal(), 0.4001572083672233);
/// ```
#[derive(Clone, Debug)]
pub struct LegacyRandom {
    state: [u32; SIZE],
    at: usize,
    /// The polar method produces two numbers at a time; this is the second.
    spare: Option<f64>,
}

impl LegacyRandom {
    /// As `numpy.random.seed(seed)`.
    pub fn new(seed: u32) -> LegacyRandom {
        let mut state = [seed; SIZE];
        for i in 1..SIZE {
            let last = state[i - 1];
            state[i] = (last ^ (last >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        LegacyRandom { state, at: SIZE, spare: None }
    }

    fn twist(&mut self) {
        for i in 0..SIZE {
            let joined = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % SIZE] & 0x7fff_ffff);
            let odd = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + SHIFT) % SIZE] ^ (joined >> 1) ^ odd;
        }
        self.at = 0;
    }

    /// The next 32 bits.
    pub fn bits(&mut self) -> u32 {
        if self.at == SIZE {
            self.twist();
        }
        let mut y = self.state[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// Draws from U(0, 1) with 53 random bits, as `numpy.random.rand()`.
    pub fn uniform(&mut self) -> f64 {
        let (high, low) = (self.bits() >> 5, self.bits() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// Draws from N(0, 1), as `numpy.random.randn()`.
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x1, x2) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let r = x1 * x1 + x2 * x2;
            if 0.0 < r && r < 1.0 {
                let f = (-2.0 * r.ln() / r).sqrt();
                self.spare = Some(f * x1);
                return f * x2;
            }
        }
    }

    /// Draws an integer from 0 to `max`, both included: masked bits, drawn again while they are too large.
    pub fn bounded(&mut self, max: u32) -> u32 {
        let mask = u32::MAX.checked_shr(max.leading_zeros()).unwrap_or(0);
        loop {
            let drawn = self.bits() & mask;
            if drawn <= max {
                return drawn;
            }
        }
    }

    /// Shuffles a list, as `numpy.random.shuffle`.
    pub fn shuffle<X>(&mut self, list: &mut [X]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.bounded(i as u32) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 41 numbers that initialise the parity network from seed 0.
    const NORMALS: [f64; 41] = [
        1.764052345967664,
        0.4001572083672233,
        0.9787379841057392,
        2.240893199201458,
        1.8675579901499675,
        -0.977277879876411,
        0.9500884175255894,
        -0.1513572082976979,
        -0.10321885179355784,
        0.41059850193837233,
        0.144043571160878,
        1.454273506962975,
        0.7610377251469934,
        0.12167501649282841,
        0.44386323274542566,
        0.33367432737426683,
        1.4940790731576061,
        -0.20515826376580087,
        0.31306770165090136,
        -0.8540957393017248,
        -2.5529898158340787,
        0.6536185954403606,
        0.8644361988595057,
        -0.7421650204064419,
        2.2697546239876076,
        -1.4543656745987648,
        0.04575851730144607,
        -0.1871838500258336,
        1.5327792143584575,
        1.469358769900285,
        0.1549474256969163,
        0.37816251960217356,
        -0.8877857476301128,
        -1.980796468223927,
        -0.3479121493261526,
        0.15634896910398005,
        1.2302906807277207,
        1.2023798487844113,
        -0.3873268174079523,
        -0.30230275057533557,
        -1.0485529650670926,
    ];

    #[test]
    fn the_bits_are_those_of_the_mersenne_twister() {
        let mut random = LegacyRandom::new(0);
        assert_eq!([(); 3].map(|()| random.bits()), [2357136044, 2546248239, 3071714933]);
    }

    #[test]
    fn uniform_numbers_have_53_bits() {
        let mut random = LegacyRandom::new(0);
        assert_eq!([(); 2].map(|()| random.uniform()), [0.5488135039273248, 0.7151893663724195]);
    }

    #[test]
    fn normal_numbers_and_shuffles_agree_to_the_last_bit() {
        let mut random = LegacyRandom::new(0);
        assert_eq!([(); 41].map(|()| random.normal()), NORMALS);
        for start in [
            [545, 679, 400, 14, 548, 278, 122, 177],
            [339, 422, 232, 435, 308, 350, 644, 164],
            [499, 448, 275, 86, 105, 39, 681, 206],
        ] {
            let mut order: Vec<usize> = (0..700).collect();
            random.shuffle(&mut order);
            assert_eq!(order[..8], start);
            order.sort_unstable();
            assert!(order.into_iter().eq(0..700));
        }
    }

    #[test]
    fn bounded_numbers_reach_both_ends() {
        let mut random = LegacyRandom::new(1);
        let mut seen = [0; 6];
        (0..600).for_each(|_| seen[random.bounded(5) as usize] += 1);
        assert!(seen.iter().all(|&count| count > 60), "{seen:?}");
        assert_eq!(random.bounded(0), 0);
        random.bounded(u32::MAX);
        random.shuffle::<u8>(&mut []);
    }
}
