//! `+ - * /` and square roots.
//!
//! A sum of two doubles and its rounding error are two doubles, and so are a product and its error: Knuth's and Dekker's
//! algorithms, without fused multiply-add. The relative error of a sum or a product is at most a few units of 2^-106
//! (Joldes, Muller, Popescu: Tight and rigorous error bounds for basic building blocks of double-word arithmetic, 2017).

use super::DoubleDouble;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// The sum and its rounding error, where `|a| >= |b|`.
#[inline]
pub(super) fn fast_two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    (sum, b - (sum - a))
}

/// The sum and its rounding error.
#[inline]
pub(super) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let from_b = sum - a;
    (sum, (a - (sum - from_b)) + (b - from_b))
}

/// The leading half of the bits and the others.
#[inline]
fn split(a: f64) -> (f64, f64) {
    let shifted = 134_217_729.0 * a;
    let upper = shifted - (shifted - a);
    (upper, a - upper)
}

/// Beyond this the product of a split overflows.
const SPLITS: f64 = f64::from_bits(((1023 + 990) as u64) << 52);

/// 2^-100 and 2^100.
const SHRINK: f64 = f64::from_bits(((1023 - 100) as u64) << 52);
const GROW: f64 = 1.0 / SHRINK;

/// The product and its rounding error. The error is not exact where the product is below 2^-969.
#[inline]
pub(super) fn two_prod(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    if a.abs() > SPLITS {
        return (product, error_of_product(a * SHRINK, b, product * SHRINK) * GROW);
    }
    if b.abs() > SPLITS {
        return (product, error_of_product(a, b * SHRINK, product * SHRINK) * GROW);
    }
    (product, error_of_product(a, b, product))
}

#[inline]
fn error_of_product(a: f64, b: f64, product: f64) -> f64 {
    let ((a1, a2), (b1, b2)) = (split(a), split(b));
    ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2
}

impl DoubleDouble {
    /// `hi + lo` in normal form, where `|hi| >= |lo|` or `hi` is 0. Zeros keep their sign; what is not finite has no
    /// lower part.
    #[inline]
    pub(super) fn renormalized(hi: f64, lo: f64) -> DoubleDouble {
        if lo == 0.0 || !hi.is_finite() {
            return DoubleDouble { hi, lo: 0.0 };
        }
        let (sum, rest) = fast_two_sum(hi, lo);
        DoubleDouble { hi: sum, lo: if sum.is_finite() { rest } else { 0.0 } }
    }

    /// The sum of two doubles, exactly.
    #[inline]
    pub(super) fn sum_of(a: f64, b: f64) -> DoubleDouble {
        let (sum, rest) = two_sum(a, b);
        DoubleDouble::renormalized(sum, rest)
    }

    /// The product of two doubles, exactly but for underflow.
    #[inline]
    pub(super) fn product_of(a: f64, b: f64) -> DoubleDouble {
        let (product, rest) = two_prod(a, b);
        DoubleDouble::renormalized(product, if product == 0.0 { 0.0 } else { rest })
    }

    /// `self · factor` for a power of two, exactly but for underflow and overflow.
    #[inline]
    pub(super) fn scaled(self, factor: f64) -> DoubleDouble {
        DoubleDouble::renormalized(self.hi * factor, self.lo * factor)
    }

    /// `self · 2^n` with one rounding, also where `2^n` is not a number of the format.
    pub(super) fn times_power_of_two(self, n: i32) -> DoubleDouble {
        let power = |n: i32| f64::from_bits(((1023 + n.clamp(-1022, 1023)) as u64) << 52);
        // Large steps first: those that leave the normal range come last.
        match n {
            -1022..=1023 => self.scaled(power(n)),
            1024.. => self.scaled(power(1023)).times_power_of_two((n - 1023).min(1023)),
            _ => self.scaled(power(-960)).times_power_of_two((n + 960).max(-1022)),
        }
    }
}

impl Neg for DoubleDouble {
    type Output = DoubleDouble;
    #[inline]
    fn neg(self) -> DoubleDouble {
        DoubleDouble { hi: -self.hi, lo: -self.lo }
    }
}

impl Add for DoubleDouble {
    type Output = DoubleDouble;
    #[inline(never)]
    fn add(self, other: DoubleDouble) -> DoubleDouble {
        let (upper, upper_rest) = two_sum(self.hi, other.hi);
        if !upper.is_finite() {
            return DoubleDouble { hi: upper, lo: 0.0 };
        }
        if self.lo == 0.0 && other.lo == 0.0 {
            return DoubleDouble::renormalized(upper, upper_rest);
        }
        let (lower, lower_rest) = two_sum(self.lo, other.lo);
        let (upper, upper_rest) = fast_two_sum(upper, upper_rest + lower);
        DoubleDouble::renormalized(upper, upper_rest + lower_rest)
    }
}

impl Sub for DoubleDouble {
    type Output = DoubleDouble;
    #[inline]
    fn sub(self, other: DoubleDouble) -> DoubleDouble {
        self + -other
    }
}

impl Mul for DoubleDouble {
    type Output = DoubleDouble;
    #[inline(never)]
    fn mul(self, other: DoubleDouble) -> DoubleDouble {
        let product = self.hi * other.hi;
        if product == 0.0 || !product.is_finite() {
            return DoubleDouble { hi: product, lo: 0.0 };
        }
        let (product, rest) = two_prod(self.hi, other.hi);
        let across = self.hi * other.lo + (self.lo * other.hi + self.lo * other.lo);
        DoubleDouble::renormalized(product, rest + across)
    }
}

impl Div for DoubleDouble {
    type Output = DoubleDouble;
    #[inline(never)]
    fn div(self, other: DoubleDouble) -> DoubleDouble {
        let first = self.hi / other.hi;
        if first == 0.0 || !first.is_finite() || other.hi.is_infinite() {
            return DoubleDouble { hi: first, lo: 0.0 };
        }
        // Long division: each digit is a double.
        let digit = |rest: DoubleDouble, q: f64| rest - other * DoubleDouble::from(q);
        let rest = digit(self, first);
        let second = rest.hi / other.hi;
        let third = digit(rest, second).hi / other.hi;
        let quotient = DoubleDouble::sum_of(first, second) + DoubleDouble::from(third);
        if quotient.hi.is_nan() { DoubleDouble { hi: first, lo: 0.0 } } else { quotient }
    }
}

macro_rules! assigning {
    ($($trait:ident $method:ident $operator:tt)*) => {$(
        impl $trait for DoubleDouble {
            #[inline]
            fn $method(&mut self, other: DoubleDouble) {
                *self = *self $operator other;
            }
        }
    )*};
}

assigning! { AddAssign add_assign + SubAssign sub_assign - MulAssign mul_assign * DivAssign div_assign / }

impl Sum for DoubleDouble {
    fn sum<I: Iterator<Item = DoubleDouble>>(terms: I) -> DoubleDouble {
        terms.fold(DoubleDouble::ZERO, |sum, x| sum + x)
    }
}

/// The square root: that of the upper part, and one step of Newton's method. -0 at -0, NaN below 0.
pub(super) fn sqrt(x: DoubleDouble) -> DoubleDouble {
    let root = x.hi.sqrt();
    if root == 0.0 || !root.is_finite() {
        return DoubleDouble { hi: root, lo: 0.0 };
    }
    // Far from the ends of the range nothing overflows, and no error of a product is lost.
    let far = if x.hi < 1e-200 {
        300
    } else if x.hi > 1e200 {
        -300
    } else {
        0
    };
    if far != 0 {
        return sqrt(x.times_power_of_two(far)).times_power_of_two(-far / 2);
    }
    let first = DoubleDouble::from(root);
    let rest = x - DoubleDouble::product_of(root, root);
    let once = first + DoubleDouble::from(rest.hi / (2.0 * root));
    let rest = x - once * once;
    once + DoubleDouble::from(rest.hi / (2.0 * root))
}

/// `sqrt(x^2 + y^2)` without overflow; infinite if either is.
pub(super) fn hypot(x: DoubleDouble, y: DoubleDouble) -> DoubleDouble {
    let largest = x.hi.abs().max(y.hi.abs());
    if x.hi.is_infinite() || y.hi.is_infinite() {
        return DoubleDouble::from(f64::INFINITY);
    }
    if x.hi.is_nan() || y.hi.is_nan() {
        return DoubleDouble::from(f64::NAN);
    }
    if largest == 0.0 {
        return DoubleDouble::ZERO;
    }
    let n = exponent(largest);
    let (x, y) = (x.times_power_of_two(-n), y.times_power_of_two(-n));
    sqrt(x * x + y * y).times_power_of_two(n)
}

/// The exponent of a finite number that is not 0: its size is between `2^n` and `2^(n + 1)`, or below for subnormals.
pub(super) fn exponent(x: f64) -> i32 {
    ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023
}

/// The cube root: that of the upper part, and one step of Halley's method.
pub(super) fn cbrt(x: DoubleDouble) -> DoubleDouble {
    if x.hi == 0.0 || !x.hi.is_finite() {
        return x;
    }
    // Of x times a power of 8 such that no product overflows or loses its error.
    let k = if x.hi.abs() < 1e-90 {
        300
    } else if x.hi.abs() > 1e90 {
        -300
    } else {
        0
    };
    if k != 0 {
        return cbrt(x.times_power_of_two(k)).times_power_of_two(-k / 3);
    }
    let root = DoubleDouble::from(tape::element::Real::cbrt(x.hi));
    let cube = root * root * root;
    root + root * (x - cube) / (cube.scaled(2.0) + x)
}
