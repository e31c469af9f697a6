//! Losses per element or per sample, and their reductions.

use tape::{Element, Scalar, Tensor, Var};

use super::pairs::{Pairs, Term};
use super::regression::SquaredError;

/// The losses of all elements, or of all samples, before reduction. The normalisation is chosen by the name of the
/// reduction; a factor such as the ½ of the literature is written `* 0.5`.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// let losses = nn::loss::absolute_error(a, &Tensor::from([[0.0, 2.0, 5.0], [8.0, 0.0, 0.0]]));
/// assert_eq!(losses.per_element().value(), Tensor::from([[1.0, 0.0, 2.0], [4.0, 5.0, 6.0]]));
/// let [sum, mean_over_samples, mean] = [losses.sum(), losses.mean_over_samples(), losses.mean()];
/// assert_eq!([sum.value(), mean_over_samples.value(), mean.value()], [18.0, 9.0, 3.0]);
/// let gradient = (mean_over_samples * 0.5).backward().wrt(a);
/// assert_eq!(gradient, Tensor::from([[0.25, 0.0, -0.25], [-0.25, 0.25, 0.25]]));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Losses<'t, T: Element = f64> {
    terms: Terms<'t, T>,
    /// The divisor of [`mean_over_samples`](Losses::mean_over_samples).
    samples: T,
    /// The divisor of [`mean`](Losses::mean).
    count: T,
}

/// The terms of a sum of losses.
#[derive(Clone, Copy, Debug)]
enum Terms<'t, T: Element> {
    /// One recorded term for each loss.
    Each(Var<'t, T>),
    /// A function of each prediction and target, fused with the reduction.
    Pairs(Pairs<'t, T>),
    /// The same of `[N, classes]`, of which each row is one loss.
    Rows(Pairs<'t, T>),
    /// `(a - y)²`, fused with the reduction where such an operation exists.
    Squares { a: Var<'t, T>, y: Var<'t, T> },
}

/// The extent of the first axis; 1 for a single loss.
fn samples<T: Element>(x: Var<'_, T>) -> T {
    T::from_usize(x.shape().first().copied().unwrap_or(1))
}

/// The number of elements.
fn elements<T: Element>(x: Var<'_, T>) -> T {
    T::from_usize(x.shape().size())
}

/// `sum / count`; 0, with derivative 0, if the count is 0.
#[track_caller]
fn divide<T: Element>(sum: Scalar<'_, T>, count: T) -> Scalar<'_, T> {
    if count == T::ZERO { sum * T::ZERO } else { sum / count }
}

impl<'t, T: Element> Losses<'t, T> {
    /// Losses whose mean is over all of them.
    pub(super) fn of_elements(each: Var<'t, T>) -> Losses<'t, T> {
        Losses::with_count(each, elements(each))
    }

    /// A function of each prediction and target, which have one shape.
    pub(super) fn of_pairs(a: Var<'t, T>, y: Var<'t, T>, term: impl Term) -> Losses<'t, T> {
        let terms = Terms::Pairs(Pairs::new(a, y, term));
        Losses { terms, samples: samples(a), count: elements(a) }
    }

    /// Losses whose mean divides by the sum of their weights.
    pub(super) fn with_count(each: Var<'t, T>, count: T) -> Losses<'t, T> {
        Losses { terms: Terms::Each(each), samples: samples(each), count }
    }

    /// The losses of samples, each the sum of a row of terms.
    pub(super) fn of_rows(a: Var<'t, T>, y: Var<'t, T>, term: impl Term) -> Losses<'t, T> {
        let samples = samples(a);
        Losses { terms: Terms::Rows(Pairs::new(a, y, term)), samples, count: samples }
    }

    /// `(a - y)²` of each element.
    pub(super) fn squared(a: Var<'t, T>, y: Var<'t, T>) -> Losses<'t, T> {
        Losses { terms: Terms::Squares { a, y }, samples: samples(a), count: elements(a) }
    }

    /// The losses before reduction: one for each element of the predictions, or one for each sample where the loss function
    /// says so.
    #[track_caller]
    pub fn per_element(self) -> Var<'t, T> {
        match self.terms {
            Terms::Each(each) => each,
            Terms::Pairs(pairs) => pairs.each(),
            Terms::Rows(pairs) => pairs.each().sum_axes(-1, false),
            Terms::Squares { a, y } => a.zip(y, SquaredError),
        }
    }

    /// Multiplies each loss by a weight. The divisor of the means does not change. A loss of weight 0 counts as 0, with
    /// derivative 0, even if it is infinite or NaN. A negative weight reverses the gradient.
    ///
    /// ```
    /// use tape::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let a = tape.var([1.0, f64::NAN]);
    /// let losses = nn::loss::squared_error(a, &Tensor::from([0.0, 0.0])).weighted(&Tensor::from([3.0, 0.0]));
    /// assert_eq!(losses.sum().value(), 3.0);
    /// assert_eq!(losses.sum().backward().wrt(a), Tensor::from([6.0, 0.0]));
    /// ```
    ///
    /// # Shapes
    /// `weight` broadcasts with the losses: one weight for each sample of losses `[N, m]` has shape `[N, 1]`.
    ///
    /// # Panics
    /// If it does not, or if the result has another shape; if a weight is not finite.
    #[track_caller]
    pub fn weighted(self, weight: &Tensor<T>) -> Losses<'t, T> {
        let weights = weight.to_vec();
        if let Some(found) = weights.iter().find(|weight| !weight.is_finite()) {
            let reason = format!("expected finite weights, found {found}");
            tape::Error::Invalid { op: "weighted", reason }.panic();
        }
        let each = self.per_element();
        // By selection: an infinite loss times 0 is NaN.
        let selected = if weights.contains(&T::ZERO) { Var::select(weight, each, T::ZERO) } else { each };
        let product = selected * each.tape().constant(weight.clone());
        if product.shape() != each.shape() {
            let (expected, found) = (each.shape().dims(), weight.shape().dims());
            tape::Error::Shape { op: "weighted", expected, found }.panic();
        }
        Losses { terms: Terms::Each(product), ..self }
    }

    /// `Σ`: the sum over all elements.
    ///
    /// ```
    /// use tape::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let a = tape.var([[1.0, 2.0], [3.0, 4.0]]);
    /// let sum = nn::loss::squared_error(a, &Tensor::from([[0.0, 2.0], [3.0, 6.0]])).sum();
    /// assert_eq!(sum.value(), 5.0);
    /// assert_eq!(sum.backward().wrt(a), Tensor::from([[2.0, 0.0], [0.0, -4.0]]));
    /// ```
    #[track_caller]
    pub fn sum(self) -> Scalar<'t, T> {
        match self.terms {
            Terms::Each(terms) => terms.sum(),
            Terms::Pairs(pairs) | Terms::Rows(pairs) => pairs.sum(),
            Terms::Squares { a, y } => a.squared_distance(y).item(),
        }
    }

    /// `1/N Σ`: the mean over samples (the first axis) of the sum over the rest; 0 if there are no samples.
    ///
    /// ```
    /// use tape::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let a = tape.var([[1.0, 2.0], [3.0, 4.0]]);
    /// let mean = nn::loss::squared_error(a, &Tensor::from([[0.0, 2.0], [3.0, 6.0]])).mean_over_samples();
    /// assert_eq!(mean.value(), 2.5);
    /// assert_eq!(mean.backward().wrt(a), Tensor::from([[1.0, 0.0], [0.0, -2.0]]));
    /// ```
    #[track_caller]
    pub fn mean_over_samples(self) -> Scalar<'t, T> {
        divide(self.sum(), self.samples)
    }

    /// The mean over all losses, weighted where classes have weights; 0 if there are none, or all have weight 0.
    ///
    /// ```
    /// use tape::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let a = tape.var([[1.0, 2.0], [3.0, 4.0]]);
    /// let mean = nn::loss::squared_error(a, &Tensor::from([[0.0, 2.0], [3.0, 6.0]])).mean();
    /// assert_eq!(mean.value(), 1.25);
    /// assert_eq!(mean.backward().wrt(a), Tensor::from([[0.5, 0.0], [0.0, -1.0]]));
    /// ```
    #[track_caller]
    pub fn mean(self) -> Scalar<'t, T> {
        divide(self.sum(), self.count)
    }
}
