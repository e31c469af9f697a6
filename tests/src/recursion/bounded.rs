//! Numbers that know how far rounding may have moved them.

use std::ops::{Add, Mul, Neg, Sub};

/// A number with a bound on its rounding error, in halves of [`f64::EPSILON`], however its sums are ordered and its
/// products fused: the same computation on absolute values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounded {
    /// The number as computed here.
    pub value: f64,
    /// The bound on the error of any way of computing it.
    pub error: f64,
}

impl Bounded {
    /// A number without error.
    pub fn exact(value: f64) -> Bounded {
        Bounded { value, error: 0.0 }
    }

    /// A function's value, where the function has slopes up to `slope` and an error of its own.
    pub(super) fn of(self, value: f64, slope: f64, own: f64) -> Bounded {
        Bounded { value, error: slope * self.error + own }
    }

    /// The sum, in any order.
    pub fn sum(terms: impl IntoIterator<Item = Bounded>) -> Bounded {
        let (mut count, mut size, mut sum) = (0.0, 0.0, Bounded::exact(0.0));
        for term in terms {
            count += 1.0;
            size += term.value.abs();
            sum = Bounded { value: sum.value + term.value, error: sum.error + term.error };
        }
        Bounded { error: sum.error + count * size, ..sum }
    }

    /// How far two ways of computing it may lie apart: one error each.
    pub fn tolerance(self) -> f64 {
        self.error * f64::EPSILON
    }

    /// Returns `true` if another order of computation could find the other sign.
    pub fn is_near_zero(self) -> bool {
        self.error > 0.0 && self.value.abs() <= self.tolerance()
    }
}

impl Add for Bounded {
    type Output = Bounded;
    fn add(self, other: Bounded) -> Bounded {
        let value = self.value + other.value;
        Bounded { value, error: self.error + other.error + value.abs() }
    }
}

impl Neg for Bounded {
    type Output = Bounded;
    fn neg(self) -> Bounded {
        Bounded { value: -self.value, ..self }
    }
}

impl Sub for Bounded {
    type Output = Bounded;
    fn sub(self, other: Bounded) -> Bounded {
        self + -other
    }
}

impl Mul for Bounded {
    type Output = Bounded;
    fn mul(self, other: Bounded) -> Bounded {
        let value = self.value * other.value;
        let both = 0.5 * f64::EPSILON * self.error * other.error;
        let moved = self.value.abs() * other.error + other.value.abs() * self.error + both;
        Bounded { value, error: moved + value.abs() }
    }
}
