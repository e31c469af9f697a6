//! Integer power.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `xⁿ` for an integer `n`, negative `n` included.
///
/// # Math
/// `y = xⁿ`, `dy = n xⁿ⁻¹ dx`.
///
/// # Domain
/// All real numbers except 0 for `n < 0`. `x⁰ = 1` with derivative 0 everywhere, also at 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(2.0);
/// let y = x.powi(3);
/// assert!((y.value() - 8.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 12.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Powi {
    /// The exponent.
    pub n: i32,
}

impl Unary for Powi {
    const NAME: &'static str = "powi";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.powi(self.n)
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        match self.n {
            0 => x.lift(0.0),
            1 => x.lift(1.0),
            // There is no lower power.
            i32::MIN => x.lift(f64::from(i32::MIN)) * x.map(*self) / x,
            n => x.lift(f64::from(n)) * x.map(Powi { n: n - 1 }),
        }
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "xⁿ",
    derivative: "n xⁿ⁻¹",
    domain: "x ≠ 0 if n < 0",
    convention: "x⁰ has derivative 0, at 0 too",
    numpy: "power",
    torch: "pow",
};

const POINTS: Points = Points {
    interior: &[(0.3, 3.0), (-3.0, -0.3)],
    edges: &[],
    kinks: &[],
    extreme: &[0.0, 1e3, -1e3, 30.0],
};

pub(crate) const EXAMPLES: &[(Powi, Points)] = &[
    (Powi { n: 0 }, POINTS),
    (Powi { n: 1 }, POINTS),
    (Powi { n: 2 }, POINTS),
    (Powi { n: 5 }, POINTS),
    (Powi { n: -1 }, POINTS),
    (Powi { n: -2 }, POINTS),
];
