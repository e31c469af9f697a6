//! Exact building blocks: rounding by a magic number, powers of two, error-free sums and products.
//!
//! Everything here is straight-line code on `+ - *` and bits, so that a loop around it vectorises and a
//! vector lane computes what a scalar call computes. Sources: T. J. Dekker, "A floating-point technique for
//! extending the available precision" (1971), for the product and the fast sum; D. E. Knuth for the sum.

/// Adding this to |k| < 2^51 rounds k to an integer (ties to even) and leaves it in the low mantissa bits.
pub(super) const ROUND: f64 = 6_755_399_441_055_744.0;
/// The same for f32 and |k| < 2^22.
pub(super) const ROUND_F32: f32 = 12_582_912.0;

/// `2^k` from the bits of `k + ROUND`, for -1022 <= k <= 1023.
#[inline(always)]
pub(super) fn pow2(k_plus_round: f64) -> f64 {
    f64::from_bits(k_plus_round.to_bits().wrapping_add(1023) << 52)
}

/// `2^k` from the bits of `k + ROUND_F32`, for -126 <= k <= 127.
#[inline(always)]
pub(super) fn pow2_f32(k_plus_round: f32) -> f32 {
    f32::from_bits(k_plus_round.to_bits().wrapping_add(127) << 23)
}

/// `y 2^k` for an integer |k| <= 2044: two exact factors, so that only a subnormal result is rounded.
#[inline(always)]
pub(super) fn scale(y: f64, k: f64) -> f64 {
    let half = k * 0.5 + ROUND;
    let rest = (k - (half - ROUND)) + ROUND;
    y * pow2(half) * pow2(rest)
}

/// `y 2^k` for an integer |k| <= 252.
#[inline(always)]
pub(super) fn scale_f32(y: f32, k: f32) -> f32 {
    let half = k * 0.5 + ROUND_F32;
    let rest = (k - (half - ROUND_F32)) + ROUND_F32;
    y * pow2_f32(half) * pow2_f32(rest)
}

/// `c[0] + c[1] x + ...`: two interleaved Horner chains, which halves the latency.
#[inline(always)]
pub(super) fn poly<const N: usize>(x: f64, c: &[f64; N]) -> f64 {
    let square = x * x;
    let (mut a, mut b) = (c[N - 1], c[N - 2]);
    let mut i = N - 2;
    while i >= 2 {
        a = a * square + c[i - 1];
        b = b * square + c[i - 2];
        i -= 2;
    }
    if i == 0 { b + x * a } else { (a * square + c[0]) + x * b }
}

/// The same in f32, by one Horner chain: these polynomials are short.
#[inline(always)]
pub(super) fn poly_f32<const N: usize>(x: f32, c: &[f32; N]) -> f32 {
    let mut y = c[N - 1];
    let mut i = N - 1;
    while i > 0 {
        i -= 1;
        y = y * x + c[i];
    }
    y
}

/// `a + b` as a rounded sum and its exact error.
#[inline(always)]
pub(super) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let t = s - a;
    (s, (a - (s - t)) + (b - t))
}

/// `a + b` as a rounded sum and its exact error, for |a| >= |b|.
#[inline(always)]
pub(super) fn fast_two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    (s, b - (s - a))
}

/// `a b` as a rounded product and its exact error, without a fused multiply-add; |a|, |b| < 2^990.
#[inline(always)]
pub(super) fn two_prod(a: f64, b: f64) -> (f64, f64) {
    let (ah, al) = halves(a);
    let (bh, bl) = halves(b);
    let p = a * b;
    (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
}

/// Dekker's split into two parts of at most 26 bits.
#[inline(always)]
fn halves(a: f64) -> (f64, f64) {
    let t = a * 134_217_729.0;
    let hi = t - (t - a);
    (hi, a - hi)
}
