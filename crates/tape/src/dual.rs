//! Dual numbers: forward mode without a recording.

use crate::element::Constant;
use crate::ops;
use crate::rules::algebra::{Algebra, Arithmetic, Binary, Unary};
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number with its tangents in `N` directions: `x + Σ dxₖ εₖ` with `εᵢ εⱼ = 0`.
///
/// A function that is generic over [`Algebra`] computes its derivatives along with its value, in one pass and without
/// a recording. `A` may be a plain number, a recorded [`Scalar`](crate::Scalar), or a dual number: so derivatives nest, each
/// in its own mode. Forward over forward is `Dual<Dual<f64, M>, N>`; forward inside reverse is `Dual<Scalar, N>`, whose
/// tangents a sweep then differentiates.
///
/// ```
/// use tape::{Algebra, Dual, Elementwise, Tape};
/// fn f<A: Algebra>([x, y]: [A; 2]) -> A {
///     x * y.exp()
/// }
///
/// // ∂f/∂x = eʸ, ∂f/∂y = x eʸ
/// let z = f(Dual::variables([3.0, 0.0]));
/// assert_eq!((z.value(), z.tangents()), (3.0, [1.0, 3.0]));
///
/// // The derivative of ∂f/∂y with respect to x and y, by a reverse sweep.
/// let tape = Tape::new();
/// let at = [tape.scalar(3.0), tape.scalar(0.0)];
/// let [_, slope] = f(Dual::variables(at)).tangents();
/// assert_eq!(slope.backward().wrt(at), [1.0, 3.0]);
/// ```
///
/// The rules are those of the operations, and so are the conventions at kinks: a tangent that is exactly zero stays zero
/// whatever the slope. A direction in which a number does not move takes no operation. Comparisons look at the
/// values.
#[derive(Clone, Copy, Debug)]
pub struct Dual<A, const N: usize> {
    value: A,
    /// `None` in a direction in which the number does not move.
    tangents: [Option<A>; N],
}

impl<A: Algebra, const N: usize> Dual<A, N> {
    /// A number with its tangents.
    pub fn new(value: A, tangents: [A; N]) -> Dual<A, N> {
        Dual { value, tangents: tangents.map(Some) }
    }

    /// A number that does not move.
    pub fn constant(value: A) -> Dual<A, N> {
        Dual { value, tangents: [None; N] }
    }

    /// Numbers each of which moves at rate 1 in the direction of its position: a function of them has its partial derivatives
    /// as tangents.
    pub fn variables(values: [A; N]) -> [Dual<A, N>; N] {
        let tangents = |k, value: A| std::array::from_fn(|i| (i == k).then(|| value.lift(1.0)));
        std::array::from_fn(|k| Dual { value: values[k], tangents: tangents(k, values[k]) })
    }

    /// The value.
    pub fn value(self) -> A {
        self.value
    }

    /// The tangents, one for each direction.
    pub fn tangents(self) -> [A; N] {
        self.tangents.map(|dx| dx.unwrap_or_else(|| self.value.lift(0.0)))
    }

    /// Returns `true` if the number moves in some direction.
    #[inline(always)]
    fn moves(&self) -> bool {
        self.tangents.iter().any(Option::is_some)
    }

    /// The contribution of one operand of a function to each tangent of the result.
    #[inline(always)]
    fn pushed<F: Binary>(self, f: F, k: usize, slope: impl FnOnce() -> A) -> [Option<A>; N] {
        if !self.moves() {
            return [None; N];
        }
        match f.constant_slope(k) {
            Some(1.0) => self.tangents,
            Some(-1.0) => self.tangents.map(|dx| dx.map(|dx| -dx)),
            _ => {
                let slope = slope();
                self.tangents.map(|dx| dx.map(|dx| dx.chain_rule(slope)))
            }
        }
    }

    /// One of two numbers, as `choose` takes one of two values.
    #[inline(always)]
    fn chosen(then: Self, otherwise: Self, choose: impl Fn(A, A) -> A) -> Self {
        let zero = || then.value.lift(0.0);
        let tangents = std::array::from_fn(|k| match (then.tangents[k], otherwise.tangents[k]) {
            (None, None) => None,
            (a, b) => Some(choose(a.unwrap_or_else(zero), b.unwrap_or_else(zero))),
        });
        Dual { value: choose(then.value, otherwise.value), tangents }
    }
}

impl<A: Algebra, const N: usize> Arithmetic for Dual<A, N> {
    #[inline(always)]
    fn lift(&self, c: impl Into<Constant>) -> Self {
        Dual::constant(self.value.lift(c))
    }

    #[track_caller]
    #[inline(always)]
    fn map<F: Unary>(self, f: F) -> Self {
        let value = self.value.map(f);
        if !self.moves() {
            return Dual::constant(value);
        }
        let slope = f.slope(self.value, value);
        Dual { value, tangents: self.tangents.map(|dx| dx.map(|dx| dx.chain_rule(slope))) }
    }

    #[track_caller]
    #[inline(always)]
    fn zip<F: Binary>(self, other: Self, f: F) -> Self {
        let (a, b) = (self.value, other.value);
        let value = a.zip(b, f);
        let left = self.pushed(f, 0, || f.slope_a(a, b, value));
        let right = other.pushed(f, 1, || f.slope_b(a, b, value));
        let tangents = std::array::from_fn(|k| match (left[k], right[k]) {
            (Some(left), Some(right)) => Some(left + right),
            (left, right) => left.or(right),
        });
        Dual { value, tangents }
    }

    #[track_caller]
    #[inline(always)]
    fn if_gt(self, other: Self, then: Self, otherwise: Self) -> Self {
        Dual::chosen(then, otherwise, |a, b| self.value.if_gt(other.value, a, b))
    }

    #[track_caller]
    #[inline(always)]
    fn if_eq(self, other: Self, then: Self, otherwise: Self) -> Self {
        Dual::chosen(then, otherwise, |a, b| self.value.if_eq(other.value, a, b))
    }
}

macro_rules! operators {
    ($($operator:ident $method:ident)*) => {$(
        impl<A: Algebra, const N: usize> $operator for Dual<A, N> {
            type Output = Self;
            #[track_caller]
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.zip(other, ops::$operator)
            }
        }
    )*};
}

operators!(Add add Sub sub Mul mul Div div);

impl<A: Algebra, const N: usize> Neg for Dual<A, N> {
    type Output = Self;

    #[track_caller]
    #[inline(always)]
    fn neg(self) -> Self {
        Dual { value: -self.value, tangents: self.tangents.map(|dx| dx.map(|dx| -dx)) }
    }
}

/// Compares the values.
impl<A: Algebra + PartialEq, const N: usize> PartialEq for Dual<A, N> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// Compares the values.
impl<A: Algebra + PartialOrd, const N: usize> PartialOrd for Dual<A, N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}
