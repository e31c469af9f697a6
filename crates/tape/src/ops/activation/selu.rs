//! Scaled exponential linear unit: [`Elu`](crate::ops::Elu) with the two constants that preserve mean 0 and
//! variance 1.

use crate::element::Constant;
use crate::ops::Exp;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `λ x` where positive, `λ α (eˣ - 1)` elsewhere, with `λ = 1.0507...` and `α = 1.6732...` (Klambauer et
/// al., 2017).
///
/// # Math
/// `dy = λ dx` where `x > 0`, else `dy = λ α eˣ dx`.
///
/// # Domain
/// All real numbers; `-λ α` at -∞. The derivative at 0 is `λ α`.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(2.0);
/// let y = x.selu();
/// assert!((y.value() - 2.1014019747109609).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.0507009873554805).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Selu;

impl Unary for Selu {
    const NAME: &'static str = "selu";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        let scale = SCALE.to::<T>();
        let left = ALPHA.to::<T>() * x.expm1();
        scale * if x > T::ZERO { x } else { left }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let left = x.lift(SCALE_ALPHA) * x.map(Exp);
        let (zero, scale) = (x.lift(0.0), x.lift(SCALE));
        x.if_gt(zero, scale, left)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        i64::from(x > T::ZERO)
    }
}

const SCALE: Constant = Constant::new(1.050_700_987_355_480_5, 3.987484766715415e-17);
const ALPHA: Constant = Constant::new(1.673_263_242_354_377_2, 1.0657222547717526e-16);
/// Their product: its first part is the product of the first parts.
const SCALE_ALPHA: Constant = Constant::new(1.758_099_340_847_376_6, 2.3619812430511576e-16);

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "λ (x if x > 0 else α (exp(x) - 1))",
    derivative: "λ if x > 0 else λ α exp(x)",
    domain: "all",
    convention: "the slope at 0 is λ α",
    numpy: "",
    torch: "nn.functional.selu",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-6.0, 6.0)],
    edges: &[],
    kinks: &[0.0],
    extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300],
};
