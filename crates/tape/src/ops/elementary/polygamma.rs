//! Polygamma functions: the derivatives of `digamma`, of every order.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `ψₙ(x)`, the `n`-th derivative of the digamma function; `n = 0` is [`Digamma`](crate::ops::Digamma) itself.
///
/// # Math
/// `dy = ψₙ₊₁(x) dx`.
///
/// # Domain
/// All real numbers except 0, -1, -2, ...; NaN at negative numbers for `n > 20`.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(1.0);
/// let y = x.polygamma(1);
/// assert!((y.value() - 1.6449340668482264).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - (-2.4041138063191886)).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Polygamma {
    /// The order.
    pub n: u32,
}

impl Unary for Polygamma {
    const NAME: &'static str = "polygamma";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.polygamma(self.n)
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        match self.n.checked_add(1) {
            Some(n) => x.map(Polygamma { n }),
            None => x.lift(f64::NAN),
        }
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "ψₙ(x)",
    derivative: "ψₙ₊₁(x)",
    domain: "x ≠ 0, -1, -2, ...",
    convention: "",
    numpy: "scipy.special.polygamma",
    torch: "polygamma",
};

const POINTS: Points =
    Points { interior: &[(0.3, 6.0), (-0.8, -0.2)], edges: &[0.0], kinks: &[], extreme: &[30.0, 1e3] };

pub(crate) const EXAMPLES: &[(Polygamma, Points)] =
    &[(Polygamma { n: 0 }, POINTS), (Polygamma { n: 1 }, POINTS), (Polygamma { n: 2 }, POINTS)];
