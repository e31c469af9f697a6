//! Well-conditioned values: sixteenths of moderate size, which are exact in both element types, like their
//! sums and products.

use super::shapes::{MAX_SIZE, shapes};
use proptest::collection;
use proptest::prelude::{Just, Strategy};
use tape::{Shape, Tensor};

/// The largest numerator: values are `k/16` with `|k| ≤ 48`.
pub const NUMERATOR: i8 = 48;

/// A set on which a function is defined and smooth, with a margin: see [`tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Domain {
    /// `-3 ≤ x ≤ 3`.
    Real,
    /// `1/16 ≤ |x| ≤ 49/16`: for functions with a kink at 0.
    NonZero,
    /// `1/8 ≤ x ≤ 25/8`: for logarithms, roots and quotients.
    Positive,
    /// `-3/4 ≤ x ≤ 3/4`: for inverse sines and the like.
    Unit,
    /// `9/8 ≤ x ≤ 33/8`: for the inverse hyperbolic cosine.
    AboveOne,
}

impl Domain {
    /// Every domain.
    pub const ALL: [Domain; 5] =
        [Domain::Real, Domain::NonZero, Domain::Positive, Domain::Unit, Domain::AboveOne];

    /// Returns the value of numerator `k`; every `k` has one.
    ///
    /// ```
    /// use gradcheck::strategies::Domain;
    /// assert_eq!(Domain::Real.number(-8), -0.5);
    /// assert_eq!(Domain::NonZero.number(0), 0.0625);
    /// assert_eq!(Domain::Positive.number(-14), 1.0);
    /// ```
    pub fn number(self, k: i8) -> f64 {
        let (k, size) = (f64::from(k), f64::from(k).abs());
        match self {
            Domain::Real => k / 16.0,
            Domain::NonZero => (if k < 0.0 { k } else { k + 1.0 }) / 16.0,
            Domain::Positive => (size + 2.0) / 16.0,
            Domain::Unit => k / 64.0,
            Domain::AboveOne => 1.0 + (size + 2.0) / 16.0,
        }
    }
}

/// Draws numerators, which shrink towards 0.
pub(crate) fn numerators(count: usize) -> impl Strategy<Value = Vec<i8>> + Clone {
    collection::vec(-NUMERATOR..=NUMERATOR, count)
}

fn filled(shape: Shape, domain: Domain, numerators: &[i8]) -> Tensor {
    let mut numbers = numerators.iter().cycle().map(|&k| domain.number(k));
    Tensor::from_fn(shape, |_| numbers.next().unwrap_or_default())
}

/// Draws tensors of one shape.
///
/// ```
/// use proptest::prelude::*;
/// use gradcheck::strategies::{Domain, tensor};
/// proptest!(|(x in tensor([2, 3], Domain::Positive))| {
///     prop_assert!(x.ln().exp().to_vec().iter().zip(x.to_vec()).all(|(a, b)| (a - b).abs() < 1e-14));
/// });
/// ```
pub fn tensor(shape: impl Into<Shape>, domain: Domain) -> impl Strategy<Value = Tensor> + Clone {
    let shape = shape.into();
    numerators(shape.size()).prop_map(move |numerators| filled(shape.clone(), domain, &numerators))
}

/// Draws tensors of any of the [`shapes`].
///
/// ```
/// use proptest::prelude::*;
/// use tape::Tape;
/// use gradcheck::strategies::{Domain, tensors};
/// proptest!(|(x in tensors(Domain::NonZero))| {
///     let tape = Tape::new();
///     let v = tape.var(x.clone());
///     prop_assert_eq!(v.abs().sum().backward().wrt(v), x.sign());
/// });
/// ```
pub fn tensors(domain: Domain) -> impl Strategy<Value = Tensor> + Clone {
    (shapes(), numerators(MAX_SIZE)).prop_map(move |(shape, numerators)| filled(shape, domain, &numerators))
}

/// Draws tensors of one shape whose elements all differ, by at least 1/16: for `max`, sorting and pooling.
///
/// ```
/// use proptest::prelude::*;
/// use tape::Tape;
/// use gradcheck::strategies::distinct;
/// proptest!(|(x in distinct([3, 4]))| {
///     let tape = Tape::new();
///     let v = tape.var(x);
///     let slopes = v.max().backward().wrt(v);
///     prop_assert_eq!(slopes.to_vec().iter().filter(|&&slope| slope == 1.0).count(), 1);
/// });
/// ```
pub fn distinct(shape: impl Into<Shape>) -> impl Strategy<Value = Tensor> + Clone {
    let shape = shape.into();
    let ranks: Vec<usize> = (0..shape.size()).collect();
    let middle = shape.size() as f64 / 2.0;
    Just(ranks).prop_shuffle().prop_map(move |ranks| {
        let mut ranks = ranks.into_iter();
        Tensor::from_fn(shape.clone(), |_| (ranks.next().unwrap_or_default() as f64 - middle) / 16.0)
    })
}
