//! The arithmetic of the bound: numbers that know how far roundings may have moved them.
//!
//! A running error bound (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, section 3.3), to first order
//! in the unit roundoff `u`. A product adds its own rounding to what its factors bring along,
//! `e(x y) = |x| e(y) + |y| e(x) + u |x y|`, a quotient likewise, and a function adds [`FUNCTION`] roundings:
//! `e(f(x)) = |f'(x)| e(x) + 8 u |f(x)|`. A sum of `m` terms counts as `m - 1` roundings of the sum of their sizes, whatever its
//! order: `e(Σ t) = Σ e(t) + (m - 1) u Σ |t|` (the same book, section 4.2). So the bound holds for every order of summation.

use std::cmp::Ordering;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};
use tape::element::{Constant, Pooled, Real};
use tape::{Arithmetic, Binary, Unary};

/// The roundings of an elementary function: 4 units in the last place of its value, the bound to which every operation is
/// certified (`docs/certified.md`), are 8 roundings.
const FUNCTION: f64 = 8.0;

/// A number with the bound of its rounding error.
#[derive(Clone, Copy, Default)]
pub(crate) struct Terms {
    /// The value, computed in `f64`.
    pub(crate) value: f64,
    /// The error that the terms of the last sum bring along, in units of the unit roundoff.
    brought: f64,
    /// The sum of the sizes of these terms.
    size: f64,
    /// The additions of this sum.
    additions: f64,
}

impl Terms {
    /// A number without rounding error.
    const fn exact(value: f64) -> Terms {
        Terms { value, brought: 0.0, size: value.abs(), additions: 0.0 }
    }

    /// A result that is no sum, with its error.
    fn result(value: f64, error: f64) -> Terms {
        Terms { value, brought: error, size: value.abs(), additions: 0.0 }
    }

    /// The bound of the error in units of the unit roundoff.
    pub(crate) fn error(self) -> f64 {
        if self.additions == 0.0 { self.brought } else { self.brought + self.additions * self.size }
    }

    /// The additions of the last sum.
    pub(crate) fn additions(self) -> f64 {
        self.additions
    }

    /// The error of a result with this slope; zero where there is none, whatever the slope.
    fn passed(self, slope: f64) -> f64 {
        match self.error() {
            0.0 => 0.0,
            error => slope.abs() * error,
        }
    }

    /// A function of this number, with its slope there.
    fn function(self, value: f64, slope: f64) -> Terms {
        Terms::result(value, self.passed(slope) + FUNCTION * value.abs())
    }

    /// A function of two numbers, with its slopes.
    fn function_of_two(self, other: Terms, value: f64, slopes: [f64; 2]) -> Terms {
        Terms::result(value, self.passed(slopes[0]) + other.passed(slopes[1]) + FUNCTION * value.abs())
    }
}

impl Neg for Terms {
    type Output = Terms;
    fn neg(self) -> Terms {
        Terms { value: -self.value, ..self }
    }
}

impl Add for Terms {
    type Output = Terms;
    fn add(self, other: Terms) -> Terms {
        let value = self.value + other.value;
        // The first addition to an empty sum rounds nothing.
        match (self.is_empty(), other.is_empty()) {
            (true, _) => Terms { value, ..other },
            (_, true) => Terms { value, ..self },
            _ => Terms {
                value,
                brought: self.brought + other.brought,
                size: self.size + other.size,
                additions: self.additions + other.additions + 1.0,
            },
        }
    }
}

impl Terms {
    /// Returns `true` for an exact zero.
    fn is_empty(self) -> bool {
        self.size == 0.0 && self.brought == 0.0
    }
}

impl Sub for Terms {
    type Output = Terms;
    fn sub(self, other: Terms) -> Terms {
        self + -other
    }
}

impl Mul for Terms {
    type Output = Terms;
    fn mul(self, other: Terms) -> Terms {
        let value = self.value * other.value;
        Terms::result(value, self.passed(other.value) + other.passed(self.value) + value.abs())
    }
}

impl Div for Terms {
    type Output = Terms;
    fn div(self, other: Terms) -> Terms {
        let value = self.value / other.value;
        let reciprocal = 1.0 / other.value;
        Terms::result(value, self.passed(reciprocal) + other.passed(value * reciprocal) + value.abs())
    }
}

/// Implements the assigning operators by the others.
macro_rules! assign {
    ($($trait:ident $method:ident $operator:tt,)*) => {
        $(impl $trait for Terms {
            fn $method(&mut self, other: Terms) {
                *self = *self $operator other;
            }
        })*
    };
}

assign! {
    AddAssign add_assign +,
    SubAssign sub_assign -,
    MulAssign mul_assign *,
    DivAssign div_assign /,
}

impl Sum for Terms {
    fn sum<I: Iterator<Item = Terms>>(terms: I) -> Terms {
        terms.fold(Terms::default(), |sum, term| sum + term)
    }
}

impl PartialEq for Terms {
    fn eq(&self, other: &Terms) -> bool {
        self.value == other.value
    }
}

impl PartialOrd for Terms {
    fn partial_cmp(&self, other: &Terms) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.value, f)
    }
}

impl fmt::Debug for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (error {} u)", self.value, self.error())
    }
}

impl Pooled for Terms {}

/// Methods of one argument: the slope of each from its argument `x` and its value `y`.
macro_rules! functions {
    ($($name:ident($x:ident, $y:ident) => $slope:expr,)*) => {
        $(fn $name(self) -> Terms {
            let $x = self.value;
            let $y = Real::$name($x);
            self.function($y, $slope)
        })*
    };
}

/// Methods with whole numbers as values.
macro_rules! whole {
    ($($name:ident,)*) => {
        $(fn $name(self) -> Terms {
            Terms::exact(Real::$name(self.value))
        })*
    };
}

impl Real for Terms {
    type Wide = Terms;

    const NAME: &'static str = "terms";
    const ZERO: Terms = Terms::exact(0.0);
    const ONE: Terms = Terms::exact(1.0);
    const EPSILON: Terms = Terms::exact(f64::EPSILON);
    const INFINITY: Terms = Terms::exact(f64::INFINITY);
    const NEG_INFINITY: Terms = Terms::exact(f64::NEG_INFINITY);
    const NAN: Terms = Terms::exact(f64::NAN);
    const MAX: Terms = Terms::exact(f64::MAX);
    const MIN_POSITIVE: Terms = Terms::exact(f64::MIN_POSITIVE);
    const TRIG_CORE_MAX: Terms = Terms::exact(f64::INFINITY);

    fn from_f64(x: f64) -> Terms {
        // A constant that `f32` does not hold is rounded in one of the number types.
        let rounded = x.is_finite() && f64::from(x as f32) != x;
        Terms::result(x, if rounded { x.abs() } else { 0.0 })
    }
    fn to_f64(self) -> f64 {
        self.value
    }
    fn widen(self) -> Terms {
        self
    }
    fn narrow(x: Terms) -> Terms {
        x
    }
    fn from_usize(n: usize) -> Terms {
        Terms::from_f64(n as f64)
    }
    fn to_bits64(self) -> u64 {
        self.value.to_bits()
    }
    fn is_nan(self) -> bool {
        self.value.is_nan()
    }
    fn is_finite(self) -> bool {
        self.value.is_finite()
    }
    fn abs(self) -> Terms {
        Terms { value: self.value.abs(), ..self }
    }
    fn copysign(self, sign: Terms) -> Terms {
        Terms { value: self.value.copysign(sign.value), ..self }
    }
    fn powi(self, n: i32) -> Terms {
        let x = self.value;
        self.function(Real::powi(x, n), f64::from(n) * Real::powi(x, n - 1))
    }
    fn pow(self, y: Terms) -> Terms {
        let (x, p) = (self.value, y.value);
        let value = Real::pow(x, p);
        self.function_of_two(y, value, [p * Real::pow(x, p - 1.0), value * x.abs().ln()])
    }
    fn polygamma(self, n: u32) -> Terms {
        self.function(Real::polygamma(self.value, n), Real::polygamma(self.value, n + 1))
    }
    fn atan2(self, other: Terms) -> Terms {
        let (y, x) = (self.value, other.value);
        let square = x * x + y * y;
        self.function_of_two(other, Real::atan2(y, x), [x / square, y / square])
    }
    fn hypot(self, other: Terms) -> Terms {
        let value = Real::hypot(self.value, other.value);
        self.function_of_two(other, value, [self.value / value, other.value / value])
    }
    whole! { floor, ceil, round, trunc, }
    functions! {
        sqrt(x, y) => if x == 0.0 { 0.0 } else { 0.5 / y },
        exp(x, y) => if x.is_nan() { x } else { y },
        exp2(x, y) => if x.is_nan() { x } else { y * std::f64::consts::LN_2 },
        expm1(x, y) => if x.is_nan() { x } else { y + 1.0 },
        ln(x, _y) => 1.0 / x,
        log2(x, _y) => std::f64::consts::LOG2_E / x,
        log10(x, _y) => std::f64::consts::LOG10_E / x,
        log1p(x, _y) => 1.0 / (1.0 + x),
        sin(x, _y) => x.cos(),
        cos(x, _y) => x.sin(),
        tan(_x, y) => 1.0 + y * y,
        asin(x, _y) => 1.0 / (1.0 - x * x).sqrt(),
        acos(x, _y) => 1.0 / (1.0 - x * x).sqrt(),
        atan(x, _y) => 1.0 / (1.0 + x * x),
        sinh(x, _y) => x.cosh(),
        cosh(x, _y) => x.sinh(),
        tanh(_x, y) => 1.0 - y * y,
        asinh(x, _y) => 1.0 / (1.0 + x * x).sqrt(),
        acosh(x, _y) => 1.0 / (x * x - 1.0).sqrt(),
        atanh(x, _y) => 1.0 / (1.0 - x * x),
        cbrt(_x, y) => 1.0 / (3.0 * y * y),
        sigmoid(_x, y) => y * (1.0 - y),
        softplus(x, _y) => Real::sigmoid(x),
        log_sigmoid(x, _y) => Real::sigmoid(-x),
        erf(x, _y) => std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp(),
        erfc(x, _y) => std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp(),
        lgamma(x, _y) => Real::digamma(x),
        digamma(x, _y) => Real::trigamma(x),
        trigamma(x, _y) => Real::polygamma(x, 2),
        sin_core(x, _y) => x.cos(),
        cos_core(x, _y) => x.sin(),
        tan_core(_x, y) => 1.0 + y * y,
    }
}

impl Arithmetic for Terms {
    fn lift(&self, c: impl Into<Constant>) -> Terms {
        c.into().to()
    }
    fn map<F: Unary>(self, f: F) -> Terms {
        f.eval(self)
    }
    fn zip<F: Binary>(self, other: Terms, f: F) -> Terms {
        f.eval(self, other)
    }
    fn if_gt(self, other: Terms, then: Terms, otherwise: Terms) -> Terms {
        if self > other { then } else { otherwise }
    }
    fn if_eq(self, other: Terms, then: Terms, otherwise: Terms) -> Terms {
        if self == other { then } else { otherwise }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DoubleDouble;

    /// `x · y + x / y - exp(x)`, summed over some numbers, in any number type.
    fn expression<T: Real>(order: &[usize]) -> T {
        let term = |&i: &usize| {
            let (x, y) =
                (T::from_usize(i + 1) / T::from_usize(7), T::from_usize(2 * i + 3) / T::from_usize(11));
            x * y + x / y - (x / T::from_usize(4)).exp()
        };
        order.iter().map(term).sum()
    }

    #[test]
    fn the_error_is_within_the_bound_in_every_order() {
        let forward: Vec<usize> = (0..40).collect();
        let backward: Vec<usize> = (0..40).rev().collect();
        let exact = expression::<DoubleDouble>(&forward);
        for order in [&forward, &backward] {
            let terms = expression::<Terms>(order);
            let size: f64 = terms.size;
            for (found, unit) in [
                (expression::<f64>(order), f64::EPSILON / 2.0),
                (f64::from(expression::<f32>(order)), 2f64.powi(-24)),
            ] {
                let error = (DoubleDouble::from(found) - exact).hi().abs();
                let bound = terms.error() * unit;
                assert!(error <= bound, "{error:e} above {bound:e}");
                // At most one rounding for each addition, and a dozen for each term.
                assert!(bound <= (3.0 * 40.0 + 12.0) * unit * size, "{terms:?}");
            }
            assert_eq!(terms.additions(), 3.0 * 40.0 - 1.0);
        }
    }

    #[test]
    fn what_is_exact_has_the_bound_zero() {
        let (a, b) = (Terms::from_f64(3.0), Terms::from_f64(-0.5));
        assert_eq!((a + Terms::ZERO).error(), 0.0);
        assert_eq!((-b).abs().error(), 0.0);
        assert_eq!((a + b).error(), 3.5);
        assert_eq!((a * b).error(), 1.5);
        assert!(Terms::from_f64(0.1).error() > 0.0);
    }
}
