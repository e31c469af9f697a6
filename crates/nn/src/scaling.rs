//! Squares that stay in the range of numbers.

use tape::Element;

/// The largest power of two up to a magnitude; 1 of 0, and of what is not finite. Division by it changes no bit but the
/// exponent, unless what is divided is smaller by the whole range of numbers.
pub(crate) fn power_of_two<T: Element>(x: T) -> T {
    const EXPONENT: u64 = 0x7ff0_0000_0000_0000;
    match x.to_f64().abs() {
        x if x == 0.0 || !x.is_finite() => T::ONE,
        x => T::from_f64(f64::from_bits(x.to_bits() & EXPONENT).max(f64::MIN_POSITIVE)),
    }
}
