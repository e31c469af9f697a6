//! Losses, each with its exact normalisation.
//!
//! A loss function compares predictions with targets and returns [`Losses`], one for each element or each sample; a
//! reduction makes a scalar of them. The name of the reduction is the normalisation:
//!
//! | reduction | divisor |
//! |---|---|
//! | [`.sum()`](Losses::sum) | none |
//! | [`.mean_over_samples()`](Losses::mean_over_samples) | `N`, the extent of the first axis |
//! | [`.mean()`](Losses::mean) | the number of losses: `N m` where they are per element, `N` where they are per sample |
//!
//! [`.per_element()`](Losses::per_element) does not reduce, and [`.weighted(..)`](Losses::weighted) multiplies each loss by
//! a weight first. The factor ½ of the literature is written `* 0.5`.
//!
//! Predictions `A` (logits `Z`) have shape `[N, ..]`: one sample per position of the first axis, `N` of them, with `m`
//! outputs each. Targets `Y` have exactly the same shape: `[N]` against `[N, 1]` is refused, never broadcast. Targets are
//! a `&Tensor` or `Tensor` (a constant) or a `Var`; those of the cross-entropies may also be labels ([`ClassTarget`]). A
//! loss over no samples is 0. Probabilities, of predictions and of targets, are refused outside [0, 1]: a loss of
//! probabilities that is given logits has no meaning.
//!
//! # The losses of the literature
//! | name | call | value | gradient with respect to `A` (`Z`) |
//! |---|---|---|---|
//! | half SSE | [`squared_error`]`(a, y).sum() * 0.5` | `1/2 Σ (A - Y)²` | `A - Y` |
//! | SSE | [`squared_error`]`(a, y).sum()` | `Σ (A - Y)²` | `2 (A - Y)` |
//! | squared error per sample | [`squared_error`]`(a, y).mean_over_samples()` | `1/N Σ (A - Y)²` | `2 (A - Y) / N` |
//! | half of that | [`squared_error`]`(a, y).mean_over_samples() * 0.5` | `1/(2N) Σ (A - Y)²` | `(A - Y) / N` |
//! | MSE | [`squared_error`]`(a, y).mean()` | `1/(Nm) Σ (A - Y)²` | `2 (A - Y) / (Nm)` |
//! | SAE | [`absolute_error`]`(a, y).sum()` | `Σ ǀA - Yǀ` | `sign(A - Y)` |
//! | absolute error per sample | [`absolute_error`]`(a, y).mean_over_samples()` | `1/N Σ ǀA - Yǀ` | `sign(A - Y) / N` |
//! | binary cross-entropy | [`binary_cross_entropy_with_probabilities`]`(a, y).mean_over_samples()` | `-1/N Σ [Y ln A + (1 - Y) ln(1 - A)]` | `(A - Y) / (N A (1 - A))` |
//! | the same per output | [`binary_cross_entropy_with_probabilities`]`(a, y).mean()` | the same with `1/(Nm)` | `(A - Y) / (Nm A (1 - A))` |
//! | cross-entropy | [`cross_entropy_with_probabilities`]`(a, y).mean()` | `-1/N Σ Y ln A` | `-Y / (N A)` |
//! | binary cross-entropy of logits | [`binary_cross_entropy_with_logits`]`(z, y).mean_over_samples()` | the binary cross-entropy of `σ(Z)` | `(σ(Z) - Y) / N` |
//! | cross-entropy of logits | [`cross_entropy_with_logits`]`(z, y).mean()` | the cross-entropy of `softmax(Z)` | `(softmax(Z) ΣY - Y) / N` |
//!
//! Sums run over all elements; `ΣY` is the sum over the classes of a sample, 1 for a distribution. The names of the
//! literature are not reliable: five of these rows are called "mean squared error" somewhere, and for `m = 1` or `N = 1`
//! several coincide. With `N = 2` and `m = 3` all of them differ:
//!
//! ```
//! use nn::loss::{absolute_error, binary_cross_entropy_with_logits, binary_cross_entropy_with_probabilities};
//! use nn::loss::{cross_entropy_with_logits, cross_entropy_with_probabilities, squared_error};
//! use tape::{Tape, Tensor};
//! let tape = Tape::new();
//! let a = tape.var([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
//! let y = Tensor::from([[0.0, 2.0, 5.0], [4.0, 8.0, 2.0]]);
//! let squared = squared_error(a, &y); // differences [[1, 0, -2], [0, -3, 4]], squares that sum to 30
//! assert_eq!((squared.sum() * 0.5).value(), 15.0);
//! assert_eq!(squared.sum().value(), 30.0);
//! assert_eq!(squared.mean_over_samples().value(), 15.0);
//! assert_eq!((squared.mean_over_samples() * 0.5).value(), 7.5);
//! assert_eq!(squared.mean().value(), 5.0);
//! let gradient = (squared.mean_over_samples() * 0.5).backward().wrt(a);
//! assert_eq!(gradient, Tensor::from([[0.5, 0.0, -1.0], [0.0, -1.5, 2.0]]));
//! let absolute = absolute_error(a, &y);
//! assert_eq!(absolute.sum().value(), 10.0);
//! assert_eq!(absolute.mean_over_samples().value(), 5.0);
//! assert_eq!(absolute.mean_over_samples().backward().wrt(a).to_vec(), [0.5, 0.0, -0.5, 0.0, -0.5, 0.5]);
//!
//! let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-15, "{found}, not {expected}");
//! let p = tape.var([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]]);
//! let y = Tensor::from([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]);
//! let binary = binary_cross_entropy_with_probabilities(p, &y);
//! let sum = 2.0 * (2f64.ln() - 2.0 * 0.75f64.ln());
//! close(binary.mean_over_samples().value(), sum / 2.0);
//! close(binary.mean().value(), sum / 6.0);
//! close(binary.mean().backward().wrt(p).get([0, 1]).unwrap(), 1.0 / (6.0 * 0.75));
//! let categorical = cross_entropy_with_probabilities(p, &y);
//! close(categorical.mean().value(), 2f64.ln());
//! assert_eq!(categorical.mean().backward().wrt(p).to_vec(), [-1.0, 0.0, 0.0, 0.0, 0.0, -1.0]);
//!
//! let z = tape.var([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]);
//! let binary = binary_cross_entropy_with_logits(z, &y);
//! close(binary.mean_over_samples().value(), 3.0 * 2f64.ln());
//! assert_eq!(binary.mean_over_samples().backward().wrt(z).to_vec(), [-0.25, 0.25, 0.25, 0.25, 0.25, -0.25]);
//! let categorical = cross_entropy_with_logits(z, &[0, 2]);
//! close(categorical.mean().value(), 3f64.ln());
//! close(categorical.mean().backward().wrt(z).get([0, 0]).unwrap(), (1.0 / 3.0 - 1.0) / 2.0);
//! ```
//!
//! # All losses
//! Regression: [`squared_error`], [`absolute_error`], [`huber`], [`smooth_l1`]; with a variance, [`gaussian_nll`]; of counts,
//! [`poisson_nll_with_log_rates`], [`poisson_nll_with_rates`]. Binary classification:
//! [`binary_cross_entropy_with_logits`], [`binary_cross_entropy_with_logits_and_pos_weight`],
//! [`binary_cross_entropy_with_probabilities`], [`binary_focal_with_logits`], [`hinge`]. Classification: [`cross_entropy_with_logits`],
//! [`cross_entropy_with_logits_and_options`] (class weights, smoothing, ignored labels),
//! [`cross_entropy_with_probabilities`], [`focal_with_logits`], [`nll`], [`multi_margin`]. Sequences of labels: [`ctc`].
//! Distributions, pairs and triplets: [`kl_divergence`], [`kl_divergence_from_logs`], [`cosine_embedding`], [`hinge_embedding`],
//! [`margin_ranking`], [`triplet_margin`]. Penalties of weights: [`l1_penalty`],
//! [`l2_penalty`].
//!
//! For labels from user input there are functions that return an error instead of panicking:
//! [`try_cross_entropy_with_logits_and_options`], [`try_focal_with_logits`], [`try_nll`], [`try_multi_margin`], [`try_ctc`].
//! [`Loss`] is a loss chosen by name.
//!
//! # As an argument
//! Where a function of predictions and targets is expected, as by [`Trainer::run`](crate::train::Trainer::run), write a
//! closure in place, `|a, y| squared_error(a, y).mean()`. The name alone, `squared_error`, is refused: it does not say the
//! normalisation, and the functions here are generic over their targets, so that each use of the name is for the handles of
//! one tape (to the compiler, "not general enough"). A closure in a variable needs
//! [`loss_function`](crate::train::loss_function); a loss from a configuration is [`Loss::as_fn`].
//!
//! ```compile_fail
//! # use nn::{Linear, data::Loader, loss, optim::Sgd, train::Trainer};
//! # fn f(mut model: Linear, mut loader: Loader<'_>, rng: &mut rand::rngs::StdRng) {
//! Trainer::new(1).run(&mut model, &mut Sgd::new(0.1), &mut loader, rng, loss::squared_error);
//! # }
//! ```
//!
//! ```
//! # use nn::{Linear, data::Loader, loss, optim::Sgd, train::Trainer};
//! # fn f(mut model: Linear, mut loader: Loader<'_>, rng: &mut rand::rngs::StdRng) {
//! Trainer::new(1).run(&mut model, &mut Sgd::new(0.1), &mut loader, rng, |a, y| loss::squared_error(a, y).mean());
//! # }
//! ```

mod binary;
mod classes;
mod cross_entropy;
mod ctc;
mod distance;
mod floored_ln;
mod focal;
mod likelihood;
mod losses;
mod named;
mod pairs;
mod penalty;
mod ranking;
mod regression;
mod target;

pub use binary::{
    binary_cross_entropy_with_logits, binary_cross_entropy_with_logits_and_pos_weight,
    binary_cross_entropy_with_probabilities, hinge, hinge_embedding,
};
pub use classes::{multi_margin, nll, try_multi_margin, try_nll};
pub use cross_entropy::{
    cross_entropy_with_logits, cross_entropy_with_logits_and_options, cross_entropy_with_probabilities,
    try_cross_entropy_with_logits_and_options,
};
pub use ctc::{CtcOptions, ctc, try_ctc};
pub use distance::{cosine_embedding, cosine_similarity, kl_divergence, kl_divergence_from_logs};
pub use focal::{binary_focal_with_logits, focal_with_logits, try_focal_with_logits};
pub use likelihood::{gaussian_nll, poisson_nll_with_log_rates, poisson_nll_with_rates};
pub use losses::Losses;
pub use named::{Loss, LossFunction, ParseLossError, Reduction};
pub use penalty::{l1_penalty, l2_penalty};
pub use ranking::{TripletOptions, margin_ranking, triplet_margin};
pub use regression::{absolute_error, huber, smooth_l1, squared_error};
#[doc(hidden)]
pub use target::ClassTargets;
pub use target::{ClassTarget, Target};

use crate::setting::expect;
use pairs::Term;
use tape::{Element, Error, Shape, Var};

/// `term` of every element.
#[track_caller]
fn elementwise<'t, T: Element, F: Term>(
    op: &'static str,
    a: Var<'t, T>,
    y: impl Target<'t, T>,
    term: F,
) -> Losses<'t, T> {
    Losses::of_pairs(a, targets(op, a, y), term)
}

/// Targets, of the shape of the predictions and on their tape.
#[track_caller]
fn targets<'t, T: Element>(op: &'static str, a: Var<'t, T>, y: impl Target<'t, T>) -> Var<'t, T> {
    let y = y.on(a.tape());
    expect(check(op, a, y));
    y
}

/// Refuses targets of another shape than the predictions'.
fn check<T: Element>(op: &'static str, a: Var<'_, T>, y: Var<'_, T>) -> Result<(), Error> {
    let (a, y): (Shape, Shape) = (a.shape(), y.shape());
    if a == y {
        return Ok(());
    }
    let reason = format!("predictions {a} and targets {y} differ in shape");
    Err(Error::Invalid { op, reason })
}

/// How far a sum of probabilities may exceed 1 by rounding, in units of the last place.
const ROUNDING: f64 = 16.0;

/// Refuses values that are no probabilities, with a hint at the function for those that are likely meant. NaN passes: the
/// loss is then NaN too.
fn probabilities<T: Element>(op: &'static str, name: &str, x: Var<'_, T>, hint: &str) -> Result<(), Error> {
    let x = x.example_value().contiguous();
    let most = T::ONE + T::EPSILON * T::from_f64(ROUNDING);
    let outside = |x: &&T| **x < T::ZERO || **x > most;
    match x.as_slice().unwrap_or_default().iter().find(outside) {
        None => Ok(()),
        Some(found) => {
            let reason = format!("expected {name} in [0, 1], found {found}{hint}");
            Err(Error::Invalid { op, reason })
        }
    }
}

/// A setting in the element type of the loss, checked after its conversion.
fn finite<T: Element>(op: &'static str, name: &str, x: f64, least: f64) -> Result<T, Error> {
    let value = T::from_f64(x);
    if value.is_finite() && x >= least {
        return Ok(value);
    }
    Err(Error::Invalid { op, reason: format!("expected a finite {name}, {least} or more, found {x}") })
}

/// Refuses a setting that is not positive in the element type of the loss.
#[track_caller]
fn positive<T: Element>(op: &'static str, name: &str, x: f64) {
    let value = T::from_f64(x);
    if value.is_nan() || value <= T::ZERO {
        Error::Invalid { op, reason: format!("expected a positive {name}, found {x}") }.panic();
    }
}
