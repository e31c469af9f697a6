//! Scaling that keeps squares in range.

use tape::Element;

/// The largest power of two up to a magnitude; 1 for 0 and for values that are not finite. Division by it
/// changes only the exponent, unless the quotient underflows.
pub(crate) fn power_of_two<T: Element>(x: T) -> T {
    const EXPONENT: u64 = 0x7ff0_0000_0000_0000;
    match x.to_f64().abs() {
        x if x == 0.0 || !x.is_finite() => T::ONE,
        x => T::from_f64(f64::from_bits(x.to_bits() & EXPONENT).max(f64::MIN_POSITIVE)),
    }
}
