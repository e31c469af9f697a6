//! A number times the logarithm of 1 + another: a primitive, because 0 times the infinite logarithm is 0 here.

use crate::ops::Log1p;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::BinaryPoints;
use crate::rules::algebra::{Algebra, Binary, Element};

/// `a ln(1 + b)`, and 0 where `a` is 0, element by element; shapes broadcast.
///
/// # Math
/// `dy = ln(1 + b) da + a / (1 + b) db`.
///
/// # Domain
/// `b > -1`; `a = 0` with every `b` that is not NaN. There the derivative with respect to `a` is 0 for `b ≤ -1`, and the one
/// with respect to `b` is 0 everywhere.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let (a, b) = (tape.var([0.0, 2.0]), tape.var([-1.0, 1.0]));
/// let y = a.xlog1py(b);
/// let grads = y.sum().backward();
/// assert_eq!(y.value().to_vec(), [0.0, 2.0 * 2f64.ln()]);
/// assert_eq!(grads.wrt(a).to_vec(), [0.0, 2f64.ln()]);
/// assert_eq!(grads.wrt(b).to_vec(), [0.0, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct XLog1pY;

impl Binary for XLog1pY {
    const NAME: &'static str = "xlog1py";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, b: T) -> T {
        if a == T::ZERO && !b.is_nan() { T::ZERO } else { a * b.log1p() }
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, b: A, _y: A) -> A {
        let (zero, edge) = (a.lift(0.0), b.lift(-1.0));
        let ln = b.map(Log1p);
        // Where both hold, the value does not depend on `b`.
        let inside = b.if_gt(edge, ln, a.if_eq(zero, zero, ln));
        b.if_eq(b, inside, b)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, b: A, _y: A) -> A {
        let one = b.lift(1.0);
        a.chain_rule(one / (one + b))
    }

    #[inline(always)]
    fn branch<T: Element>(&self, a: T, _b: T) -> i64 {
        i64::from(a == T::ZERO)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "a ln(1 + b)",
    derivative: "ln(1 + b), a / (1 + b)",
    domain: "b > -1, or a = 0",
    convention: "0 at a = 0",
    numpy: "scipy.special.xlog1py",
    torch: "special.xlog1py",
};

pub(crate) const POINTS: BinaryPoints = BinaryPoints {
    a: &[(0.2, 3.0), (-3.0, -0.2)],
    b: &[(-0.8, 4.0)],
    special: &[(0.0, -1.0), (0.0, 1.0), (2.0, 1e-300), (1e100, 1e-3)],
};
