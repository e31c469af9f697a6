//! Arguments of circular functions, of any size, less a multiple of pi / 2.

use super::DoubleDouble;
use super::arithmetic::exponent;
use super::constants::{FRAC_PI_2, PI};
use tape::internal::TWO_OVER_PI_BITS;

/// 64-bit words of a fixed-point number modulo 4: two bits before the point, the others behind it.
const WORDS: usize = 7;

/// A fixed-point number modulo 4, the most significant word first.
type Fixed = [u64; WORDS];

/// `r` and `n` with `x = n pi / 2 + r` for finite `x`, |r| at most pi / 4 (and a little more), `n` modulo 4.
pub(super) fn quadrant(x: DoubleDouble) -> (u64, DoubleDouble) {
    if x.hi.abs() < std::f64::consts::FRAC_PI_4 {
        return (0, x);
    }
    let quarters = add(times_two_over_pi(x.hi), times_two_over_pi(x.lo));
    let (n, fraction) = nearest(quarters);
    (n, fraction * FRAC_PI_2)
}

/// `n` modulo 4 and `pi r` with `x = n / 2 + r`, |r| at most 1/4: what `sin(pi x)` and `cos(pi x)` need.
pub(super) fn half_turns(x: DoubleDouble) -> (u64, DoubleDouble) {
    // The remainder nearest to 0 is exact.
    let wrapped = |x: f64| x - 2.0 * (x * 0.5).round();
    let x = DoubleDouble::sum_of(wrapped(x.hi), wrapped(x.lo));
    let n = (2.0 * x.hi).round();
    ((n as i64).rem_euclid(4) as u64, (x - DoubleDouble::from(0.5 * n)) * PI)
}

/// `x · 2 / pi` modulo 4.
fn times_two_over_pi(x: f64) -> Fixed {
    let mut product = [0; WORDS];
    if x.abs() < f64::MIN_POSITIVE {
        return product;
    }
    let mantissa = (x.to_bits() & 0x000f_ffff_ffff_ffff) | 0x0010_0000_0000_0000;
    // x = mantissa · 2^(exponent - 52): the digits of 2 / pi that only contribute multiples of 4 are skipped.
    let start = exponent(x) - 52 - 2;
    let mut carry = (digits(start + 64 * WORDS as i32) as u128 * mantissa as u128) >> 64;
    for word in (0..WORDS).rev() {
        let sum = digits(start + 64 * word as i32) as u128 * mantissa as u128 + carry;
        (product[word], carry) = (sum as u64, sum >> 64);
    }
    if x < 0.0 { negated(product) } else { product }
}

/// 64 binary digits of 2 / pi, the first of them with weight 2^-(start + 1).
fn digits(start: i32) -> u64 {
    let word = |i: i32| usize::try_from(i).ok().and_then(|i| TWO_OVER_PI_BITS.get(i)).copied().unwrap_or(0);
    let (i, shift) = (start.div_euclid(64), start.rem_euclid(64) as u32);
    if shift == 0 { word(i) } else { (word(i) << shift) | (word(i + 1) >> (64 - shift)) }
}

fn add(mut x: Fixed, y: Fixed) -> Fixed {
    let mut carry = 0;
    for (x, y) in x.iter_mut().zip(y).rev() {
        let sum = *x as u128 + y as u128 + carry;
        (*x, carry) = (sum as u64, sum >> 64);
    }
    x
}

fn negated(x: Fixed) -> Fixed {
    let mut one = [0; WORDS];
    one[WORDS - 1] = 1;
    add(x.map(|word| !word), one)
}

/// The nearest integer modulo 4, and what is left of the number.
fn nearest(x: Fixed) -> (u64, DoubleDouble) {
    // Two bits of the integer; without them the number is a signed fraction.
    let n = x[0] >> 62;
    let half = x[0] >> 61 & 1;
    let mut fraction = x;
    fraction[0] &= u64::MAX >> 2;
    if half == 1 {
        fraction[0] |= 3 << 62;
        fraction = negated(fraction);
    }
    // Three parts of 53 bits, the first of them at the leading one.
    let zeros = leading_zeros(&fraction);
    let part = |k: i32| {
        let (word, shift) = ((zeros + 53 * k) / 64, (zeros + 53 * k) % 64);
        let at = |i: i32| fraction.get(i as usize).copied().unwrap_or(0);
        let bits = if shift == 0 { at(word) } else { at(word) << shift | at(word + 1) >> (64 - shift) };
        DoubleDouble::from((bits >> 11) as f64).times_power_of_two(2 - zeros - 53 * (k + 1))
    };
    let y = (part(2) + part(1)) + part(0);
    if half == 1 { ((n + 1) % 4, -y) } else { (n, y) }
}

fn leading_zeros(x: &Fixed) -> i32 {
    match x.iter().position(|&word| word != 0) {
        Some(first) => 64 * first as i32 + x[first].leading_zeros() as i32,
        None => 0,
    }
}
