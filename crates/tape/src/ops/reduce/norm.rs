//! Norms over axes: a primitive, because their compositions overflow, and have no derivative at 0.

use super::max::{nonempty, shares};
use super::sum::{finish, positions, reduced, restore};
use crate::error::Error;
use crate::ops::arithmetic::powf::one_less;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, reductions};
use crate::ops::{Abs, Sign, TensorOps};
use crate::rules::algebra::{Arithmetic, Element};
use crate::rules::op::{Array, Op, hits};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, reduce};

/// The `p`-norm over a set of axes, for `p ≥ 0`, `∞` and `-∞`.
///
/// # Shapes
/// As [`Sum`](crate::ops::Sum). The norm of no elements is 0; for `p = -∞` there must be one.
///
/// # Math
/// `y = (Σ |x|ᵖ)^(1/p)`, and `max |x|` for `p = ∞`; elements whose powers would overflow or underflow are
/// scaled first. `dy = Σ sign(x) (|x| / y)ᵖ⁻¹ dx`; for `p = 2` that is `Σ x dx / y`. For `p = ∞`, equal
/// largest magnitudes share the derivative. `p = -∞` is `min |x|`, likewise, and `p = 0` the number of elements that are not
/// 0, with derivative 0.
///
/// # Domain
/// All real numbers. At a row of zeros the derivative is 0, and so is that of single zeros for `p ≤ 1`.
///
/// # Panics
/// If `p` is negative, but for `-∞`.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([3.0, -4.0]);
/// let y = x.norm(2.0);
/// assert_eq!(y.value(), 5.0);
/// assert_eq!(y.backward().wrt(x), Tensor::from([0.6, -0.8]));
/// assert_eq!((x.norm(1.0).value(), x.norm(f64::INFINITY).value()), (7.0, 4.0));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Norm {
    /// The exponent.
    pub p: f64,
    /// The axes to reduce.
    pub axes: Axes,
    /// Whether the reduced axes are kept, with extent 1.
    pub keepdim: bool,
}

/// The largest magnitude; NaN takes precedence.
fn largest<T: Element>(x: &[T]) -> T {
    x.iter().fold(T::ZERO, |max, x| if x.abs() > max || x.is_nan() { x.abs() } else { max })
}

/// The smallest magnitude; NaN takes precedence.
fn smallest<T: Element>(x: &[T]) -> T {
    x.iter().fold(T::INFINITY, |min, x| if x.abs() < min || x.is_nan() { x.abs() } else { min })
}

/// `Σ f(x)`: in lanes, and pairwise above a block, so that rounding errors grow slowly.
fn total<T: Element>(x: &[T], f: impl Fn(T) -> T + Copy) -> T {
    const LANES: usize = 8;
    if x.len() > 512 {
        let (left, right) = x.split_at((x.len() / 2).next_multiple_of(LANES));
        return total(left, f) + total(right, f);
    }
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut lanes = [T::ZERO; LANES];
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f(x);
        }
    }
    let sum = lanes.iter().fold(T::ZERO, |sum, &lane| sum + lane);
    rest.iter().fold(sum, |sum, &x| sum + f(x))
}

/// `√Σ x²`, scaled only if the squares would overflow or underflow.
pub(crate) fn euclidean<T: Element>(x: &[T]) -> T {
    let plain = total(x, |x| x * x);
    // Squares below this have lost digits.
    let small = T::MIN_POSITIVE / T::EPSILON;
    if plain.is_finite() && plain > small {
        return plain.sqrt();
    }
    scaled(x, |x| x * x, T::sqrt)
}

/// `m root(Σ power(|x| / m))` with the largest magnitude `m`.
fn scaled<T: Element>(x: &[T], power: impl Fn(T) -> T + Copy, root: impl Fn(T) -> T) -> T {
    let m = largest(x);
    if m == T::ZERO || !m.is_finite() {
        return m;
    }
    m * root(total(x, |x| power(x.abs() / m)))
}

impl Norm {
    fn row<T: Element>(&self, x: &[T]) -> T {
        let p = T::from_f64(self.p);
        match self.p {
            0.0 => total(x, |x| if x == T::ZERO { T::ZERO } else { T::ONE }),
            1.0 => total(x, T::abs),
            2.0 => euclidean(x),
            f64::INFINITY => largest(x),
            f64::NEG_INFINITY => smallest(x),
            _ => scaled(x, |x| x.pow(p), |sum| sum.pow(T::ONE / p)),
        }
    }

    fn slope<T: Element, A: Array<T>>(&self, x: &A, y: &A) -> A {
        let shape = x.shape();
        let axes = positions(&shape, &self.axes);
        let sign = x.clone().map(Sign);
        let zero = || x.lift(0.0);
        match self.p {
            0.0 => zero(),
            1.0 => sign,
            f64::INFINITY | f64::NEG_INFINITY => sign * shares(&x.clone().map(Abs), y, &axes),
            p => {
                let y = restore(y, &shape, &axes);
                if p == 2.0 {
                    return y.clone().if_eq(zero(), zero(), x.clone() / y);
                }
                let share = y.clone().if_eq(zero(), zero(), x.clone().map(Abs) / y);
                let slope = sign * one_less(share, p.into());
                if p > 1.0 { slope } else { x.clone().if_eq(zero(), zero(), slope) }
            }
        }
    }
}

impl<T: Element> Op<T> for Norm {
    const NAME: &'static str = "norm";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        match self.p {
            f64::NEG_INFINITY => nonempty(x, &self.axes, self.keepdim),
            p if p >= 0.0 => reduced(x, &self.axes, self.keepdim),
            p => Err(Error::invalid(format!("expected p to be 0, positive, or -inf, found {p}"))),
        }
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axes = positions(x[0].shape(), &self.axes);
        finish(reduce::fold(x[0], &axes, |x| self.row(x)), shape)
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dx: &A) -> A {
        dx.clone().chain_rule(self.slope(x[0], y)).sum_axes(self.axes.clone(), self.keepdim)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let axes = positions(&x[0].shape(), &self.axes);
        restore(dy, &x[0].shape(), &axes).chain_rule(self.slope(x[0], y))
    }

    fn branches(&self, x: &[&Tensor<T>], y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        match self.p {
            f64::INFINITY | f64::NEG_INFINITY => hits(&self.slope(x[0], y), report),
            _ if self.p <= 1.0 => hits(&Arithmetic::map(x[0].clone(), Sign), report),
            _ => {}
        }
    }

    /// Where the result is 0, and for `p < 1` where an element is.
    fn undefined(&self, x: &[&Tensor<T>], y: &Tensor<T>) -> bool {
        match self.p {
            0.0 | 1.0 | f64::INFINITY | f64::NEG_INFINITY => false,
            p if p < 1.0 => x[0].to_vec().contains(&T::ZERO),
            _ => y.to_vec().contains(&T::ZERO),
        }
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "(Σ |x|ᵖ)^(1/p) over axes",
    derivative: "sign(x) (|x| / y)ᵖ⁻¹",
    domain: "all, p ≥ 0 or ±inf",
    convention: "0 at a row of zeros; for p = ±inf ties share equally",
    numpy: "linalg.norm",
    torch: "linalg.vector_norm",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axes, keepdim) in reductions("norm") {
        let smallest = (shape.size() > 0).then_some(f64::NEG_INFINITY);
        for p in [0.0, 1.0, 2.0, 3.0, 1.5, f64::INFINITY].into_iter().chain(smallest) {
            to.case(Norm { p, axes: axes.clone(), keepdim }, &[&shape]);
        }
    }
}
