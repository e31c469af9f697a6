//! Losses of single elements or samples, and how they become one number.

use super::samples;
use tape::{Element, Scalar, Tensor, Var};

/// The losses of all elements, or all samples, not yet added up; the normalisation is chosen by name.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let losses = nn::loss::absolute_error(a, &Tensor::from([[0.0, 2.0], [3.0, 6.0]]));
/// assert_eq!(losses.each().value(), Tensor::from([[1.0, 0.0], [0.0, 2.0]]));
/// let [sum, sample_mean, mean] = [losses.sum(), losses.sample_mean(), losses.mean()];
/// assert_eq!([sum.value(), sample_mean.value(), mean.value()], [3.0, 1.5, 0.75]);
/// assert_eq!(mean.backward().wrt(a), Tensor::from([[0.25, 0.0], [0.0, -0.25]]));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Losses<'t, T: Element = f64> {
    each: Var<'t, T>,
    /// What the mean divides by.
    count: T,
}

impl<'t, T: Element> Losses<'t, T> {
    /// Losses whose mean is that over all of them.
    pub(super) fn of_elements(each: Var<'t, T>) -> Losses<'t, T> {
        Losses { each, count: T::from_usize(each.shape().size()) }
    }

    /// Losses whose mean divides by the sum of their weights.
    pub(super) fn weighing(each: Var<'t, T>, count: T) -> Losses<'t, T> {
        Losses { each, count }
    }

    /// The losses by themselves: one for each element of the predictions, or for each sample where the function
    /// says so.
    pub fn each(self) -> Var<'t, T> {
        self.each
    }

    /// Multiplies each loss by a weight. The mean still divides by what it divided by. A loss of weight 0 takes no part:
    /// it counts as 0, with derivative 0, even if it is infinite or NaN. A negative weight is an advantage turned round.
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
    /// `weight` broadcasts with the losses: that of a sample among `[N, m]` has shape `[N, 1]`.
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
        // By selection: an infinite loss times 0 is NaN.
        let weightless = weights.contains(&T::ZERO);
        let each = if weightless { Var::select(weight, self.each, T::ZERO) } else { self.each };
        let each = each * self.each.tape().constant(weight.clone());
        if each.shape() != self.each.shape() {
            let (expected, found) = (self.each.shape().dims(), weight.shape().dims());
            tape::Error::Shape { op: "weighted", expected, found }.panic();
        }
        Losses { each, ..self }
    }

    /// `Σ`: the sum over everything.
    #[track_caller]
    pub fn sum(self) -> Scalar<'t, T> {
        self.each.sum()
    }

    /// `1/N Σ`: the mean over samples (the first axis) of the sum over the rest; 0 if there are none.
    #[track_caller]
    pub fn sample_mean(self) -> Scalar<'t, T> {
        self.sum() / samples(self.each)
    }

    /// The mean over everything, weighted by class weights where there are some; 0 if there is nothing, or nothing
    /// that weighs anything.
    #[track_caller]
    pub fn mean(self) -> Scalar<'t, T> {
        let factor = if self.count == T::ZERO { T::ZERO } else { T::ONE / self.count };
        self.sum() * factor
    }
}
