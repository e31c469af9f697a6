//! [`Constant`]: a number of a formula, with more digits than a double.

use super::Real;
use std::ops::Neg;

/// A constant of a formula as the sum of two doubles, about 32 digits: `f32` and `f64` take the first, number types with more
/// digits both.
///
/// Rules pass it to [`lift`](crate::Arithmetic::lift) where a number is not a double, such as the 2/√π in the derivative of
/// `erf`. A double is a constant by itself.
///
/// ```
/// use tape::{Algebra, element::{Constant, Real}};
///
/// /// The area of a circle.
/// fn area<A: Algebra>(r: A) -> A {
///     r.lift(Constant::PI) * r * r
/// }
/// assert_eq!(area(1.0), std::f64::consts::PI);
/// assert_eq!(Constant::from(0.5).to::<f32>(), 0.5);
/// assert_eq!(Constant::ratio(1.0, 3.0).to::<f64>(), 1.0 / 3.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constant {
    hi: f64,
    lo: f64,
}

impl Constant {
    /// π.
    pub const PI: Constant = Constant::new(std::f64::consts::PI, 1.2246467991473532e-16);
    /// 2π.
    pub const TAU: Constant = Constant::new(std::f64::consts::TAU, 2.4492935982947064e-16);
    /// ln 2.
    pub const LN_2: Constant = Constant::new(std::f64::consts::LN_2, 2.3190468138462996e-17);
    /// 1 / ln 2.
    pub const LOG2_E: Constant = Constant::new(std::f64::consts::LOG2_E, 2.0355273740931033e-17);
    /// 1 / ln 10.
    pub const LOG10_E: Constant = Constant::new(std::f64::consts::LOG10_E, 1.098319650216765e-17);
    /// 1 / √2.
    pub const FRAC_1_SQRT_2: Constant =
        Constant::new(std::f64::consts::FRAC_1_SQRT_2, -4.833646656726457e-17);
    /// 1 / √(2π).
    pub const FRAC_1_SQRT_2PI: Constant = Constant::new(0.398_942_280_401_432_7, -2.49232720227773e-17);
    /// 2 / √π.
    pub const FRAC_2_SQRT_PI: Constant =
        Constant::new(std::f64::consts::FRAC_2_SQRT_PI, 1.533545961316588e-17);

    /// The sum of two doubles, the second at most half a unit in the last place of the first.
    pub const fn new(hi: f64, lo: f64) -> Constant {
        Constant { hi, lo }
    }

    /// `a / b`.
    pub fn ratio(a: f64, b: f64) -> Constant {
        let hi = a / b;
        let (product, rest) = super::bits::two_prod(hi, b);
        let lo = ((a - product) - rest) / b;
        Constant { hi, lo: if lo.is_finite() { lo } else { 0.0 } }
    }

    /// `self + c`.
    pub fn plus(self, c: f64) -> Constant {
        let hi = self.hi + c;
        let from_c = hi - self.hi;
        let rest = (self.hi - (hi - from_c)) + (c - from_c);
        Constant { hi, lo: if hi.is_finite() { rest + self.lo } else { 0.0 } }
    }

    /// The nearest double.
    pub const fn hi(self) -> f64 {
        self.hi
    }

    /// The rest.
    pub const fn lo(self) -> f64 {
        self.lo
    }

    /// The nearest number of a format.
    #[inline(always)]
    pub fn to<T: Real>(self) -> T {
        T::from_parts(self.hi, self.lo)
    }

    /// A number of a format as a constant.
    #[inline(always)]
    pub(crate) fn of<T: Real>(x: T) -> Constant {
        let (hi, lo) = x.to_parts();
        Constant { hi, lo }
    }
}

impl From<f64> for Constant {
    #[inline(always)]
    fn from(c: f64) -> Constant {
        Constant { hi: c, lo: 0.0 }
    }
}

impl Neg for Constant {
    type Output = Constant;
    #[inline(always)]
    fn neg(self) -> Constant {
        Constant { hi: -self.hi, lo: -self.lo }
    }
}
