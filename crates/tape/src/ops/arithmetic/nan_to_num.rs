//! Finite numbers in the place of NaN and infinities.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x` where finite; `nan` in the place of NaN, `posinf` and `neginf` in the place of the infinities.
///
/// # Math
/// `dy = dx` where `x` is finite, else 0.
///
/// # Domain
/// Everything.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([f64::NAN, f64::INFINITY, 3.0]);
/// let y = x.nan_to_num(0.0, 1e6, -1e6);
/// assert_eq!(y.value().to_vec(), [0.0, 1e6, 3.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.0, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NanToNum {
    /// In the place of NaN.
    pub nan: f64,
    /// In the place of ∞.
    pub posinf: f64,
    /// In the place of -∞.
    pub neginf: f64,
}

impl Unary for NanToNum {
    const NAME: &'static str = "nan_to_num";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        match () {
            () if x.is_finite() => x,
            () if x.is_nan() => T::from_f64(self.nan),
            () if x > T::ZERO => T::from_f64(self.posinf),
            () => T::from_f64(self.neginf),
        }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        // Zero times a number that is not finite is NaN.
        let zero = x.lift(0.0);
        (x * zero).if_eq(zero, x.lift(1.0), zero)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        i64::from(x.is_finite())
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x if finite, else nan, posinf or neginf",
    derivative: "1 if finite else 0",
    domain: "everything",
    convention: "",
    numpy: "nan_to_num",
    torch: "nan_to_num",
};

const POINTS: Points = Points {
    interior: &[(-6.0, 6.0)],
    edges: &[],
    kinks: &[],
    extreme: &[0.0, 1e-300, 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN],
};

pub(crate) const EXAMPLES: &[(NanToNum, Points)] =
    &[(NanToNum { nan: 0.25, posinf: 1e3, neginf: -1e3 }, POINTS)];
