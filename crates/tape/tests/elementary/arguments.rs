//! The arguments at which the functions are tested: the same as in `scripts/reference.py`.

use tape::element::Real;

/// Arguments for each function and format.
pub(crate) const COUNT: usize = 10_500;

/// splitmix64, started from the FNV-1a hash of a text.
pub(crate) struct SplitMix {
    state: u64,
}

impl SplitMix {
    pub(crate) fn new(text: &str) -> Self {
        let hash = |h: u64, b: u8| (h ^ b as u64).wrapping_mul(0x100_0000_01b3);
        SplitMix { state: text.bytes().fold(0xcbf2_9ce4_8422_2325, hash) }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.state;
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * f64::EPSILON * 0.5
    }

    fn mantissa(&mut self) -> f64 {
        1.0 + (self.next() >> 12) as f64 * f64::EPSILON
    }

    fn sign(&mut self) -> f64 {
        if self.next() & 1 == 1 { -1.0 } else { 1.0 }
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Sign, exponent in [low, high) and mantissa.
    fn magnitude(&mut self, low: i64, high: i64) -> f64 {
        let sign = self.sign();
        let exponent = low + self.below((high - low) as u64) as i64;
        sign * self.mantissa() * f64::from_bits(((1023 + exponent) as u64) << 52)
    }

    pub(crate) fn raw<T: Format>(&mut self) -> T {
        T::from_low_bits(self.next())
    }
}

/// The properties of a format that the tests need besides `Real`.
pub(crate) trait Format: Real + std::fmt::LowerExp {
    const EDGES: [u64; 14];
    /// The bytes of one value in a data file.
    const WIDTH: usize;
    /// Digits of the mantissa, and the exponent of the smallest normal number.
    const DIGITS: i32;
    const LOWEST: i32;
    fn from_low_bits(bits: u64) -> Self;
}

impl Format for f64 {
    const EDGES: [u64; 14] = [
        0,
        1,
        2,
        0x000f_ffff_ffff_ffff,
        0x0010_0000_0000_0000,
        0x0010_0000_0000_0001,
        0x3cb0_0000_0000_0000,
        0x3fef_ffff_ffff_ffff,
        0x3ff0_0000_0000_0000,
        0x3ff0_0000_0000_0001,
        0x4340_0000_0000_0000,
        0x7fef_ffff_ffff_fffe,
        0x7fef_ffff_ffff_ffff,
        0x7ff0_0000_0000_0000,
    ];
    const WIDTH: usize = 8;
    const DIGITS: i32 = 53;
    const LOWEST: i32 = -1022;
    fn from_low_bits(bits: u64) -> f64 {
        f64::from_bits(bits)
    }
}

impl Format for f32 {
    const EDGES: [u64; 14] = [
        0,
        1,
        2,
        0x007f_ffff,
        0x0080_0000,
        0x0080_0001,
        0x3400_0000,
        0x3f7f_ffff,
        0x3f80_0000,
        0x3f80_0001,
        0x4b80_0000,
        0x7f7f_fffe,
        0x7f7f_ffff,
        0x7f80_0000,
    ];
    const WIDTH: usize = 4;
    const DIGITS: i32 = 24;
    const LOWEST: i32 = -126;
    fn from_low_bits(bits: u64) -> f32 {
        f32::from_bits(bits as u32)
    }
}

/// Zero, the edges of the subnormal, normal and finite range, one, infinity, in both signs, and NaN.
pub(crate) fn specials<T: Format>() -> Vec<T> {
    let both = |&u: &u64| [T::from_low_bits(u), -T::from_low_bits(u)];
    T::EDGES.iter().flat_map(both).chain([T::NAN]).collect()
}

/// One line of `domains.txt`.
pub(crate) struct Domain {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) boundaries: Vec<f64>,
}

/// The line of a function in a format.
pub(crate) fn domain(name: &str, format: &str) -> Domain {
    let text = std::fs::read_to_string(super::data("domains.txt")).expect("domains.txt is readable");
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.len() >= 5 && words[0] == name && (words[1] == "*" || words[1] == format) {
            let number = |w: &&str| w.parse::<f64>().expect("domains.txt holds numbers");
            let boundaries = words[5..].iter().map(number).collect();
            return Domain { low: number(&words[2]), high: number(&words[3]), boundaries };
        }
    }
    panic!("domains.txt has no line for {name} {format}");
}

/// The arguments of a function of one variable.
pub(crate) fn arguments<T: Format>(name: &str) -> Vec<T> {
    let Domain { low, high, boundaries } = domain(name, T::NAME);
    let mut out = specials::<T>();
    for &b in &boundaries {
        let bits = T::from_f64(b).to_bits64();
        if !T::from_low_bits(bits).is_finite() {
            continue;
        }
        for d in 0..9 {
            let x = T::from_low_bits(bits + d - 4);
            out.extend([x, -x]);
        }
    }
    let mut rng = SplitMix::new(&format!("{}/{name}", T::NAME));
    let mut i = 0;
    while out.len() < COUNT {
        let x = match i % 8 {
            0 => rng.raw(),
            1..=3 => T::from_f64(low + (high - low) * rng.unit()),
            4 | 5 => T::from_f64(rng.magnitude(-40, 8)),
            case => {
                let b = boundaries[rng.below(boundaries.len() as u64) as usize];
                let x = b * (1.0 + rng.magnitude(-50, -1));
                T::from_f64(if case == 6 { x * rng.sign() } else { x })
            }
        };
        out.push(x);
        i += 1;
    }
    out
}

/// The arguments of a function of two variables.
pub(crate) fn pairs<T: Format>(name: &str) -> Vec<(T, T)> {
    let tiny = T::from_low_bits(1).to_f64();
    let base = [0.0, tiny, 0.5, 1.0, 1.5, 2.0, 3.0, 1e10, 1e300, f64::INFINITY];
    let both = |&x: &f64| [T::from_f64(x), T::from_f64(-x)];
    let base: Vec<T> = base.iter().flat_map(both).chain([T::NAN]).collect();
    let mut out: Vec<(T, T)> = base.iter().flat_map(|&x| base.iter().map(move |&y| (x, y))).collect();
    let mut rng = SplitMix::new(&format!("{}/{name}", T::NAME));
    let top = if T::WIDTH == 8 { 1000 } else { 120 };
    let mut i = 0;
    while out.len() < COUNT {
        let (x, y) = match i % 6 {
            0 => (rng.raw::<T>().to_f64(), rng.raw::<T>().to_f64()),
            1 => (rng.magnitude(-10, 10).abs(), -100.0 + 200.0 * rng.unit()),
            2 => (1.0 + rng.magnitude(-50, -1), rng.magnitude(0, 60)),
            3 => (rng.magnitude(-top, top).abs(), -1.5 + 3.0 * rng.unit()),
            4 => (rng.magnitude(-3, 3), rng.below(400) as f64 - 200.0),
            _ => (rng.magnitude(-3, 3), rng.magnitude(-3, 3)),
        };
        out.push((T::from_f64(x), T::from_f64(y)));
        i += 1;
    }
    out
}
