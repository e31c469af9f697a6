//! Focal losses: cross-entropies in which samples that are classified well count for little.

use super::classes::{rows, without_smoothing};
use super::{Losses, Target, probabilities, targets};
use crate::Labels;
use crate::functional::{CrossEntropyOptions, class_axis};
use crate::setting::{self, expect};
use std::panic::Location;
use tape::ops::{Powf, Sigmoid, Softplus};
use tape::{Algebra, Binary, Element, Error, Var};

/// `αₜ uᵞ c`, where `u` is the probability of the other class and `c` the cross-entropy.
#[derive(Clone, Copy, Debug, PartialEq)]
struct BinaryFocal {
    /// γ.
    gamma: f64,
    /// α, the weight of the class 1.
    alpha: Option<f64>,
}

impl BinaryFocal {
    /// `(1 - y) a + y b`: what a target of 0 has, and what a target of 1 has.
    #[inline(always)]
    fn mix<A: Algebra>(y: A, a: A, b: A) -> A {
        (y.lift(1.0) - y) * a + y * b
    }

    /// `αₜ`.
    #[inline(always)]
    fn weight<A: Algebra>(&self, y: A) -> A {
        match self.alpha {
            Some(alpha) => Self::mix(y, y.lift(1.0 - alpha), y.lift(alpha)),
            None => y.lift(1.0),
        }
    }

    /// `u` and `c`.
    #[inline(always)]
    fn parts<A: Algebra>(z: A, y: A) -> (A, A) {
        (Self::mix(y, z.map(Sigmoid), (-z).map(Sigmoid)), Self::mix(y, z.map(Softplus), (-z).map(Softplus)))
    }

    /// The derivative of `uᵞ c` for those of `u` and `c`.
    #[inline(always)]
    fn slope<A: Algebra>(&self, (u, c): (A, A), du: A, dc: A) -> A {
        let own = u.map(Powf { p: self.gamma }) * dc;
        if self.gamma == 0.0 {
            return own;
        }
        let power = u.lift(self.gamma) * u.map(Powf { p: self.gamma - 1.0 }) * du * c;
        // A probability that underflowed, whose power may be infinite.
        u.if_eq(u.lift(0.0), own, own + power)
    }
}

impl Binary for BinaryFocal {
    const NAME: &'static str = "binary_focal";

    #[inline(always)]
    fn eval<T: Element>(&self, z: T, y: T) -> T {
        let (u, c) = Self::parts(z, y);
        self.weight(y) * u.map(Powf { p: self.gamma }) * c
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, z: A, y: A, _l: A) -> A {
        let (right, wrong) = ((-z).map(Sigmoid), z.map(Sigmoid));
        let du = (y.lift(1.0) - y.lift(2.0) * y) * right * wrong;
        self.weight(y) * self.slope(Self::parts(z, y), du, Self::mix(y, wrong, -right))
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, z: A, y: A, _l: A) -> A {
        let parts = Self::parts(z, y);
        let du = (-z).map(Sigmoid) - z.map(Sigmoid);
        let slope = self.weight(y) * self.slope(parts, du, -z);
        match self.alpha {
            Some(alpha) => slope + y.lift(2.0 * alpha - 1.0) * parts.0.map(Powf { p: self.gamma }) * parts.1,
            None => slope,
        }
    }
}

/// Refuses an exponent out of range.
fn check_gamma(op: &'static str, gamma: f64) -> Result<(), Error> {
    setting::not_negative(op, "gamma", gamma)
}

/// The focal loss of Lin and others (2017) for logits `Z` and targets `Y` in [0, 1]: `αₜ (1 - pₜ)ᵞ c` of each element, where `c`
/// is the binary cross-entropy of the logits, `pₜ = σ(Z) Y + (1 - σ(Z)) (1 - Y)` the probability of the right class, and
/// `αₜ = α Y + (1 - α) (1 - Y)`, or 1 without an α. With γ = 0 and no α it is
/// [`binary_cross_entropy_with_logits`](super::binary_cross_entropy_with_logits). The paper uses γ = 2 and α = 0.25, and
/// divides the sum by the number of positive targets.
///
/// Finite for every finite `Z`.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let z = tape.var([0.0, 1000.0, -1000.0]);
/// let y = Tensor::from([1.0, 1.0, 1.0]);
/// let losses = nn::loss::binary_focal_with_logits(z, &y, 1.0, Some(0.25));
/// assert_eq!(losses.per_element().value(), Tensor::from([2f64.ln() / 8.0, 0.0, 250.0]));
/// let slope = losses.sum().backward().wrt(z).to_vec();
/// assert!((slope[0] + (2f64.ln() + 1.0) / 16.0).abs() < 1e-15);
/// assert_eq!(slope[1..], [0.0, -0.25]);
/// ```
///
/// # Panics
/// If the shapes differ, a target or α is not in [0, 1], or γ is negative or not finite.
#[track_caller]
pub fn binary_focal_with_logits<'t, T: Element>(
    z: Var<'t, T>,
    y: impl Target<'t, T>,
    gamma: f64,
    alpha: Option<f64>,
) -> Losses<'t, T> {
    let op = "binary_focal_with_logits";
    let y = targets(op, z, y);
    expect(probabilities(op, "targets", y, "").and_then(|()| check_gamma(op, gamma)));
    if let Some(alpha) = alpha {
        expect(setting::check(
            op,
            (0.0..=1.0).contains(&alpha),
            "an alpha in [0, 1]",
            setting::Number(alpha),
        ));
    }
    Losses::of_elements(z.zip(y, BinaryFocal { gamma, alpha }))
}

/// The focal loss of classes: `-wₜ (1 - pₜ)ᵞ ln pₜ` of each sample, for logits `Z`, label `t`, and `p` the softmax of `Z` over the
/// classes. The mean divides by `Σ wₜ` over the samples that are not ignored, so with γ = 0 it is
/// [`cross_entropy_with_logits_and_options`](super::cross_entropy_with_logits_and_options). There is no smoothing.
///
/// # Shapes
/// `Z` `[N, classes]`, `[N, classes, ..]` or `[classes]`; labels are one for each sample, or for each position of a sample.
///
/// ```
/// use nn::functional::CrossEntropyOptions;
/// use nn::loss::focal_with_logits;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let z = tape.var([[0.0, 0.0], [1000.0, 0.0]]);
/// let losses = focal_with_logits(z, &[1, 0], 1.0, &CrossEntropyOptions::default());
/// let each = losses.per_element().value().to_vec();
/// assert!((each[0] - 2f64.ln() / 2.0).abs() < 1e-15 && each[1] == 0.0);
/// let slope = losses.sum().backward().wrt(z).to_vec();
/// assert!((slope[0] - (2f64.ln() + 1.0) / 4.0).abs() < 1e-15 && slope[2] == 0.0);
/// ```
///
/// # Panics
/// If [`try_focal_with_logits`] returns an error.
#[track_caller]
pub fn focal_with_logits<'t, T: Element>(
    z: Var<'t, T>,
    labels: &(impl Labels + ?Sized),
    gamma: f64,
    options: &CrossEntropyOptions<T>,
) -> Losses<'t, T> {
    expect(try_focal_with_logits(z, labels, gamma, options))
}

/// [`focal_with_logits`], for labels from user input.
///
/// # Errors
/// As [`try_cross_entropy_with_logits_and_options`](super::try_cross_entropy_with_logits_and_options), for any smoothing, and if γ is
/// negative or not finite.
///
/// ```
/// use nn::functional::CrossEntropyOptions;
/// use nn::loss::try_focal_with_logits;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let z = tape.var([[0.0, 0.0]]);
/// let loss = try_focal_with_logits(z, &[0], 0.0, &CrossEntropyOptions::default())?.sum();
/// assert_eq!(loss.backward().wrt(z), Tensor::from([[-0.5, 0.5]]));
/// let error = try_focal_with_logits(z, &[2], 0.0, &CrossEntropyOptions::default()).unwrap_err();
/// assert_eq!(error.to_string(), "cross_entropy: index 2 is out of range for axis 1 of shape [1, 2]");
/// # Ok::<(), tape::Error>(())
/// ```
#[track_caller]
pub fn try_focal_with_logits<'t, T: Element>(
    z: Var<'t, T>,
    labels: &(impl Labels + ?Sized),
    gamma: f64,
    options: &CrossEntropyOptions<T>,
) -> Result<Losses<'t, T>, Error> {
    let op = "focal_with_logits";
    check_gamma(op, gamma)?;
    without_smoothing(op, options)?;
    let axis = class_axis(&z.shape())? as isize;
    let rows = rows(z, labels, options)?;
    let weights = rows.sum_axes(axis, false);
    let each = z.tape().at_location(Location::caller(), || {
        // The logits of a sample of weight 0 may be infinite.
        let z = Var::select(&weights.unsqueeze(axis), z, T::ZERO);
        let ln_p = Var::select(&rows, z.log_softmax(axis), T::ZERO).sum_axes(axis, false);
        -(ln_p * (-ln_p.expm1()).powf(gamma)) * z.tape().constant(weights.clone())
    });
    Ok(Losses::with_count(each, weights.sum()))
}
