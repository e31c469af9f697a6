//! The budget that keeps a graph well-conditioned while it is resolved: bits and degrees on the exact track, sizes of
//! values on the smooth track.

use super::functions::{BinaryFn, UnaryFn};
use super::program::{Action, Step};
use super::spec::{Reduction, Scan};
use tape::Tensor;

/// The largest number of bits of a value of an exact graph, before and after the binary point together. The
/// loss adds the weights of the result, 64 terms and the factors of a difference quotient, and stays within
/// the 53 bits of an `f64`.
pub const BITS: u32 = 36;

/// The highest degree of an exact graph in any element of a leaf: five points give its derivative exactly.
pub const DEGREE: u32 = 4;

/// Leaves are below `2^3`, also when moved by 2, and multiples of `2^-4`.
const LEAF: (i32, i32) = (3, 4);

/// The largest exponents of a value of an exact graph, so that those of its derivatives of order 3 fit as well.
const EXPONENT: i32 = 200;

/// The known properties of a value.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// Those of a value on the exact track, computed without rounding.
    Exact(Dyadic),
    /// The value itself, at the leaves as they are drawn.
    Smooth(Tensor),
}

/// A polynomial with values that are multiples of `2^-fraction` below `2^magnitude`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dyadic {
    pub(super) magnitude: i32,
    pub(super) fraction: i32,
    /// The degree in one element of each leaf.
    pub(super) degree: Vec<u32>,
}

/// Returns the least `k` with `n ≤ 2^k`.
pub(super) fn log2(n: usize) -> i32 {
    n.max(1).next_power_of_two().trailing_zeros() as i32
}

impl Dyadic {
    pub(super) fn leaf(k: usize, leaves: usize) -> Dyadic {
        let mut degree = vec![0; leaves];
        degree[k] = 1;
        Dyadic { magnitude: LEAF.0, fraction: LEAF.1, degree }
    }

    fn fits(&self) -> bool {
        let bits = self.magnitude + self.fraction;
        let exponents = [self.magnitude, self.fraction];
        bits <= BITS as i32
            && exponents.iter().all(|exponent| exponent.abs() <= EXPONENT)
            && self.degree.iter().all(|&degree| degree <= DEGREE)
    }

    fn sum(&self, other: &Dyadic, more: i32) -> Dyadic {
        let magnitude = self.magnitude.max(other.magnitude) + more;
        let degree = self.degree.iter().zip(&other.degree).map(|(a, b)| *a.max(b)).collect();
        Dyadic { magnitude, fraction: self.fraction.max(other.fraction), degree }
    }

    fn product(&self, other: &Dyadic) -> Dyadic {
        Dyadic {
            magnitude: self.magnitude + other.magnitude,
            fraction: self.fraction + other.fraction,
            degree: self.degree.iter().zip(&other.degree).map(|(a, b)| a + b).collect(),
        }
    }

    /// Adds bits before and after the point.
    fn wider(mut self, magnitude: i32, fraction: i32) -> Dyadic {
        self.magnitude += magnitude;
        self.fraction += fraction;
        self
    }

    /// Returns the properties of the result of a step, if the exact track has its operation and the result
    /// fits. `terms` is the number of elements of an operand that contribute to one of the result.
    pub(super) fn after(step: &Step, x: &[&Dyadic], terms: usize) -> Option<Dyadic> {
        let (first, second) = (x[0].clone(), x.get(1).unwrap_or(&x[0]));
        let out = match step.action {
            Action::Unary(UnaryFn::Neg | UnaryFn::Relu | UnaryFn::Abs) => first,
            Action::Unary(UnaryFn::Square) => first.product(&first),
            Action::Scale(k) => first.wider(k, -k),
            Action::FanOut(uses) => first.wider(log2(uses), 0),
            Action::Binary(BinaryFn::Add | BinaryFn::Sub) => first.sum(second, 1),
            Action::Binary(BinaryFn::Mul) => first.product(second),
            // At a tie each operand has slope 1/2.
            Action::Binary(BinaryFn::Maximum | BinaryFn::Minimum) => first.sum(second, 0).wider(0, 1),
            Action::MatMul => first.product(second).wider(log2(terms), 0),
            Action::Reduce { kind: Reduction::Mean, .. } => first.wider(0, log2(terms)),
            Action::Reduce { kind: Reduction::Sum, .. } => first.wider(log2(terms), 0),
            Action::Reduce { kind: Reduction::Max, .. } => first,
            Action::Scan(Scan::CumSum, _) => first.wider(log2(terms), 0),
            Action::ScatterAdd { .. } => first.sum(second, 1).wider(log2(terms), 0),
            Action::Ramp(_) => first.wider(1, log2(step.shape.size())),
            Action::Concat(_) | Action::Select(_) => first.sum(second, 0),
            Action::BroadcastTo | Action::Reshape | Action::Permute(_) | Action::Slice { .. } => first,
            Action::Elements => first,
            Action::Flip(_) | Action::Roll { .. } | Action::IndexSelect { .. } => first,
            _ => return None,
        };
        out.fits().then_some(out)
    }
}

/// Values below this are left unchanged: if they are what remains of larger ones that cancelled, scaling
/// would only magnify their rounding.
const CANCELLED: f64 = 1.0 / 4096.0;

/// Returns the power of two that brings the largest of the values between 1 and 2, if it is above 8, or below 1/8 and not
/// cancelled.
pub(super) fn rescaling(values: &Tensor) -> Option<f64> {
    let largest = values.to_vec().iter().fold(0.0_f64, |max, x| max.max(x.abs()));
    let moderate = largest < CANCELLED || (0.125..=8.0).contains(&largest);
    (!moderate).then(|| 2_f64.powi(-(largest.log2().floor() as i32)))
}
