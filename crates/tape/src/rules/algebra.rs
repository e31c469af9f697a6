//! The values that rules compute with, and elementwise functions.
//!
//! [`Arithmetic`] is operators, constants, comparison and one generic `map`; [`Algebra`] is that on values that can be
//! copied. [`Unary`] and [`Binary`] are elementwise functions written once over [`Algebra`]: on numbers a rule is
//! inlined into the loops of the tensor kernels, and on recorded handles the same code records itself, so a gradient
//! can be differentiated again.
//!
//! This file must not know about tensors or tapes.

use crate::element::{Constant, Real};
use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number that tensors hold: `f32`, `f64` or another format, with constants, elementary functions ([`Real`]) and arithmetic.
pub trait Element: Real + Arithmetic {}

impl<T: Real + Arithmetic> Element for T {}

/// A value with arithmetic: a number, a tensor, or a recorded handle.
///
/// Comparisons choose between two values that both exist; they never hide one from the tape.
pub trait Arithmetic:
    Clone + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// The constant `c` beside `self`: not differentiated, of rank 0 for tensors, so it broadcasts. A number that is not a
    /// double, such as π, is given as a [`Constant`].
    fn lift(&self, c: impl Into<Constant>) -> Self;

    /// `f` of every element.
    fn map<F: Unary>(self, f: F) -> Self;

    /// `f` of every pair of elements; shapes broadcast.
    fn zip<F: Binary>(self, other: Self, f: F) -> Self;

    /// `self · a + b`: a term of a dot product, of a polynomial, of a sum of squares.
    ///
    /// Product and sum are rounded one after the other, the same bits as with the operators. A chain of
    /// [`Scalar`](crate::Scalar)s, each added to the one before, takes one node a term instead of two. On a concrete
    /// `f64` the method syntax finds the standard library's `mul_add`, which rounds once; in generic code, and as
    /// `Arithmetic::mul_add(x, a, b)`, it is this one.
    ///
    /// ```
    /// use tape::{Algebra, Tape};
    ///
    /// /// A polynomial by Horner's rule, the highest coefficient first.
    /// fn horner<A: Algebra>(coefficients: &[A], x: A) -> A {
    ///     coefficients[1..].iter().fold(coefficients[0], |y, &c| y.mul_add(x, c))
    /// }
    /// assert_eq!(horner(&[2.0, 0.0, -1.0], 3.0), 17.0);
    /// let tape = Tape::new();
    /// let x = tape.scalar(3.0);
    /// let y = horner(&[2.0, 0.0, -1.0].map(|c| tape.scalar_constant(c)), x);
    /// assert_eq!((y.value(), y.backward().wrt(x)), (17.0, 12.0));
    /// ```
    #[track_caller]
    fn mul_add(self, a: Self, b: Self) -> Self {
        self * a + b
    }

    /// `then` where `self > other`, else `otherwise` (also where either is NaN).
    fn if_gt(self, other: Self, then: Self, otherwise: Self) -> Self;

    /// `then` where `self == other`, else `otherwise`.
    fn if_eq(self, other: Self, then: Self, otherwise: Self) -> Self;

    /// `self · slope`, the step of the chain rule: an exactly zero cotangent or tangent stays exactly zero,
    /// even against an infinite or NaN slope.
    #[inline]
    fn chain_rule(self, slope: Self) -> Self {
        self.zip(slope, ChainRule)
    }
}

/// A copyable value with [`Arithmetic`]: a number or a recorded handle. The slopes of elementwise functions are
/// written over it, so that `y * (y.lift(1.0) - y)` needs no clone.
///
/// A [`Tensor`](crate::Tensor) is not copyable: code that is to run on tensors too is generic over [`Arithmetic`].
pub trait Algebra: Arithmetic + Copy {}

impl<A: Arithmetic + Copy> Algebra for A {}

/// An elementwise function of one number, with its derivative.
///
/// A type that implements it works on numbers, [`Tensor`](crate::Tensor)s, [`Scalar`](crate::Scalar)s and
/// [`Var`](crate::Var)s, in forward and reverse mode, to any order:
///
/// ```
/// use tape::{Algebra, Element, Tape, Unary};
///
/// /// x³ - x
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// struct Cubic;
///
/// impl Unary for Cubic {
///     const NAME: &'static str = "cubic";
///     fn eval<T: Element>(&self, x: T) -> T {
///         x * x * x - x
///     }
///     fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
///         x.lift(3.0) * x * x - x.lift(1.0)
///     }
/// }
///
/// let tape = Tape::new();
/// let x = tape.scalar(2.0);
/// let y = x.map(Cubic);
/// let [dy] = y.grad([x]);
/// let [ddy] = dy.grad([x]);
/// assert_eq!((y.value(), dy.value(), ddy.value()), (6.0, 11.0, 12.0));
/// ```
pub trait Unary: Copy + PartialEq + Debug + Send + Sync + 'static {
    /// The name in graphs and error messages.
    const NAME: &'static str;

    /// The value.
    fn eval<T: Element>(&self, x: T) -> T;

    /// The place in every tape's table of the arithmetic operators, so frequent that they are not looked up.
    #[doc(hidden)]
    const BUILTIN_INDEX: Option<u32> = None;

    /// The derivative, from input and output.
    fn slope<A: Algebra>(&self, x: A, y: A) -> A;

    /// Which smooth branch of the function `x` lies on: a number that changes wherever the function has a kink or a
    /// jump. A smooth function has one branch, 0. Gradient checks use it to keep to one side.
    #[inline(always)]
    fn branch<T: Element>(&self, _x: T) -> i64 {
        0
    }
}

/// A function whose slope can be had from its value alone.
///
/// So a layer that ends with it ([`Dense`](crate::ops::Dense)) need not keep what it was applied to. A value that was
/// rounded knows its slope only to that rounding: see the implementations for how far this one can be from
/// [`Unary::slope`].
///
/// ```
/// use tape::{SlopeFromOutput, Unary, ops::Sigmoid};
/// let (x, y) = (20.0f64, Unary::eval(&Sigmoid, 20.0f64));
/// let [exact, found] = [Sigmoid.slope(x, y), Sigmoid.slope_from_output(y)];
/// assert!((found - exact).abs() <= f64::EPSILON, "of 2e-9 seven digits are left");
/// ```
pub trait SlopeFromOutput: Unary {
    /// The derivative where the function has the value `y`. If it is not written, `slope(y, y)`.
    fn slope_from_output<A: Algebra>(&self, y: A) -> A {
        self.slope(y, y)
    }
}

/// An elementwise function of two numbers, with its two derivatives. See [`Unary`].
pub trait Binary: Copy + PartialEq + Debug + Send + Sync + 'static {
    /// The name in graphs and error messages.
    const NAME: &'static str;

    /// The value.
    fn eval<T: Element>(&self, a: T, b: T) -> T;

    /// The place in every tape's table of the arithmetic operators, so frequent that they are not looked up.
    #[doc(hidden)]
    const BUILTIN_INDEX: Option<u32> = None;

    /// The derivative with respect to `a`, from both inputs and the output.
    fn slope_a<A: Algebra>(&self, a: A, b: A, y: A) -> A;

    /// The derivative with respect to `b`, from both inputs and the output.
    fn slope_b<A: Algebra>(&self, a: A, b: A, y: A) -> A;

    /// The derivative with respect to `a` (`k` = 0) or `b` (`k` = 1), if it is 1 at every pair, or -1 at every pair: then a
    /// cotangent is passed on as it is, or with the other sign.
    #[inline(always)]
    fn constant_slope(&self, _k: usize) -> Option<f64> {
        None
    }

    /// Which smooth branch of the function the pair lies on: see [`Unary::branch`].
    #[inline(always)]
    fn branch<T: Element>(&self, _a: T, _b: T) -> i64 {
        0
    }

    /// Returns `true` if the slopes at this pair are 0 / 0 and are 0 by convention: see [`Op::undefined`](crate::Op::undefined).
    #[inline(always)]
    fn undefined<T: Element>(&self, _a: T, _b: T) -> bool {
        false
    }
}

/// The product in which zero on the left absorbs the factor on the right. See [`Arithmetic::chain_rule`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChainRule;

impl Binary for ChainRule {
    const NAME: &'static str = "chain_rule";
    const BUILTIN_INDEX: Option<u32> = Some(5);

    #[inline(always)]
    fn eval<T: Element>(&self, ct: T, slope: T) -> T {
        if ct == T::ZERO { T::ZERO } else { ct * slope }
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, _ct: A, slope: A, _y: A) -> A {
        slope
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, ct: A, _slope: A, _y: A) -> A {
        ct
    }
}

/// A comparison that chooses between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Test {
    Greater,
    Equal,
}

impl Test {
    /// The name of the operation that chooses by it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Test::Greater => "if_gt",
            Test::Equal => "if_eq",
        }
    }

    /// Returns `true` if the comparison holds.
    #[inline(always)]
    pub(crate) fn holds<T: PartialOrd>(self, a: T, b: T) -> bool {
        match self {
            Test::Greater => a > b,
            Test::Equal => a == b,
        }
    }
}

macro_rules! numbers {
    ($($t:ident)*) => {$(
        impl Arithmetic for $t {
            #[inline(always)]
            fn lift(&self, c: impl Into<Constant>) -> $t {
                c.into().to()
            }
            #[inline(always)]
            fn map<F: Unary>(self, f: F) -> $t {
                f.eval(self)
            }
            #[inline(always)]
            fn zip<F: Binary>(self, other: $t, f: F) -> $t {
                f.eval(self, other)
            }
            #[inline(always)]
            fn if_gt(self, other: $t, then: $t, otherwise: $t) -> $t {
                if self > other { then } else { otherwise }
            }
            #[inline(always)]
            fn if_eq(self, other: $t, then: $t, otherwise: $t) -> $t {
                if self == other { then } else { otherwise }
            }
        }
    )*};
}

numbers!(f32 f64);
