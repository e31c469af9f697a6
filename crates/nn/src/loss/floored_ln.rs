//! The logarithm of the losses of probabilities.

use tape::Algebra;
use tape::ops::Ln;

/// The lower bound of the logarithms of probabilities.
const FLOOR: f64 = -100.0;

/// `max(ln p, FLOOR)`; NaN of NaN.
#[inline(always)]
pub(super) fn ln<A: Algebra>(p: A) -> A {
    let (floor, ln) = (p.lift(FLOOR), p.map(Ln));
    floor.if_gt(ln, floor, ln)
}

/// The derivative of [`ln`]: `1/p`, and 0 where the floor applies.
#[inline(always)]
pub(super) fn ln_slope<A: Algebra>(p: A) -> A {
    let (floor, zero, one) = (p.lift(FLOOR), p.lift(0.0), p.lift(1.0));
    p.map(Ln).if_gt(floor, one / p, zero)
}
