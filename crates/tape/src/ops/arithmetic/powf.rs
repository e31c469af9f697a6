//! Power with a real exponent.

use crate::element::Constant;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Arithmetic, Element, Unary};
use std::fmt::{Debug, Formatter, Result};

/// `xᵖ` for a constant `p`.
///
/// # Math
/// `y = xᵖ`, `dy = p xᵖ⁻¹ dx`.
///
/// # Domain
/// `x ≥ 0`, and negative `x` if `p` is an integer; NaN elsewhere. `x⁰ = 1` with derivative 0 everywhere,
/// also at 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(4.0);
/// let y = x.powf(1.5);
/// assert!((y.value() - 8.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 3.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Powf {
    /// The exponent.
    pub p: f64,
}

impl Unary for Powf {
    const NAME: &'static str = "powf";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.pow(T::from_f64(self.p))
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        match self.p {
            0.0 => x.lift(0.0),
            p => x.lift(p) * one_less(x, p.into()),
        }
    }
}

/// `x^(p - 1)`, also where the difference is not a double.
#[inline(always)]
pub(crate) fn one_less<A: Arithmetic>(x: A, p: Constant) -> A {
    let p = p.plus(-1.0);
    if p.lo() == 0.0 { x.map(Powf { p: p.hi() }) } else { x.map(Power { p }) }
}

/// [`Powf`] with an exponent that is not a double.
#[derive(Clone, Copy, PartialEq)]
struct Power {
    p: Constant,
}

/// As that of [`Powf`].
impl Debug for Power {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Powf").field("p", &self.p.hi()).finish()
    }
}

impl Unary for Power {
    const NAME: &'static str = Powf::NAME;

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.pow(self.p.to())
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(self.p) * one_less(x, self.p)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "xᵖ",
    derivative: "p xᵖ⁻¹",
    domain: "x ≥ 0, or p integer",
    convention: "x⁰ has derivative 0, at 0 too",
    numpy: "power",
    torch: "pow",
};

const POINTS: Points =
    Points { interior: &[(0.3, 3.0)], edges: &[0.0], kinks: &[], extreme: &[1e-300, 1e3, 30.0] };

/// For integer exponents the domain is unbounded.
const INTEGER: Points = Points {
    interior: &[(0.3, 3.0), (-3.0, -0.3)],
    edges: &[],
    kinks: &[],
    extreme: &[0.0, 1e3, -1e3, 30.0],
};

pub(crate) const EXAMPLES: &[(Powf, Points)] = &[
    (Powf { p: 0.0 }, INTEGER),
    (Powf { p: 1.0 }, INTEGER),
    (Powf { p: 3.0 }, INTEGER),
    (Powf { p: -2.0 }, INTEGER),
    (Powf { p: 0.5 }, POINTS),
    (Powf { p: 2.5 }, POINTS),
    (Powf { p: -1.5 }, POINTS),
];
