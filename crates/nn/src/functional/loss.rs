//! Losses of logits.

use crate::Labels;
use crate::setting::expect;
use tape::ops::{CrossEntropy, Select, Softplus};
use tape::{Array, Axes, Element, Error, Shape, Tensor, TensorOps};

/// The reduction of the losses of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// No reduction.
    None,
    /// Their mean, weighted if the samples have weights; 0 if there are none, or none has a weight.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

/// `y` reduced; `count` is the divisor of a mean.
fn reduce<T: Element, A: Array<T>>(y: A, reduction: Reduction, count: T) -> A {
    match reduction {
        Reduction::None => y,
        Reduction::Sum => y.sum_axes(Axes::all(), false),
        Reduction::Mean => {
            let sum = y.sum_axes(Axes::all(), false);
            let factor = if count == T::ZERO { T::ZERO } else { T::ONE / count };
            let factor = sum.constant(Tensor::scalar(factor));
            sum * factor
        }
    }
}

/// The options of the cross-entropies of classes.
#[derive(Clone, Debug)]
pub struct CrossEntropyOptions<T: Element = f64> {
    /// A weight for each class, finite and not negative.
    pub weight: Option<Tensor<T>>,
    /// The label that marks a sample to be ignored.
    pub ignore: Option<i64>,
    /// The share of each target that is spread equally over all classes, from 0 to 1.
    pub smoothing: f64,
}

impl<T: Element> Default for CrossEntropyOptions<T> {
    fn default() -> CrossEntropyOptions<T> {
        CrossEntropyOptions { weight: None, ignore: None, smoothing: 0.0 }
    }
}

impl<T: Element> CrossEntropyOptions<T> {
    /// Checks the weights and the smoothing for predictions of this shape.
    ///
    /// # Errors
    /// As [`rows`](CrossEntropyOptions::rows).
    pub(crate) fn check(&self, shape: &Shape) -> Result<(), Error> {
        self.weights(shape[class_axis(shape)?]).map(|_| ())
    }

    /// The weight of each of `n` classes; checks the smoothing too.
    fn weights(&self, n: usize) -> Result<Vec<T>, Error> {
        let (op, smoothing) = ("cross_entropy", self.smoothing);
        if !(0.0..=1.0).contains(&smoothing) {
            let reason = format!("expected a smoothing between 0 and 1, found {smoothing}");
            return Err(Error::Invalid { op, reason });
        }
        let Some(weight) = &self.weight else {
            Tensor::<T>::fits(op, &Shape::from([n]))?;
            return Ok(vec![T::ONE; n]);
        };
        if **weight.shape() != [n] {
            return Err(Error::Shape { op, expected: vec![n], found: weight.shape().dims() });
        }
        let weights = weight.to_vec();
        match weights.iter().position(|w| !(*w >= T::ZERO && w.is_finite())) {
            None => Ok(weights),
            Some(class) => {
                let found = weights[class];
                let reason =
                    format!("expected finite class weights, 0 or more, found {found} for class {class}");
                Err(Error::Invalid { op, reason })
            }
        }
    }

    /// The class of each sample, `None` if it is ignored.
    fn chosen(&self, targets: &[i64], shape: &Shape, axis: usize) -> Result<Vec<Option<usize>>, Error> {
        let (op, samples) = ("cross_entropy", shape.reduced(&[axis], false));
        if samples.size() != targets.len() {
            return Err(Error::Elements { op, shape: samples.dims(), found: targets.len() });
        }
        let class = |&target: &i64| match usize::try_from(target) {
            _ if Some(target) == self.ignore => Ok(None),
            Ok(class) if class < shape[axis] => Ok(Some(class)),
            _ => Err(no_class(op, target, axis, shape)),
        };
        targets.iter().map(class).collect()
    }
}

impl<T: Element> CrossEntropyOptions<T> {
    /// The targets as weights: for each sample the smoothed weight of its class, and zeros if it is ignored.
    ///
    /// # Shapes
    /// `shape` is that of the predictions, as in [`cross_entropy`]; the result has it too.
    ///
    /// # Errors
    /// If the numbers of targets and samples differ, or a target is not a class; if the numbers of weights
    /// and classes differ, a weight is negative or not finite, or the smoothing is not between 0 and 1.
    ///
    /// # Examples
    /// ```
    /// use nn::functional::CrossEntropyOptions;
    /// use tape::Tensor;
    /// let options = CrossEntropyOptions { weight: Some(Tensor::from([2.0, 1.0])), ignore: Some(9), ..CrossEntropyOptions::default() };
    /// let rows = options.rows(&[0, 9, 1], &[3, 2].into())?;
    /// assert_eq!(rows, Tensor::from([[2.0, 0.0], [0.0, 0.0], [0.0, 1.0]]));
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn rows(&self, targets: &(impl Labels + ?Sized), shape: &Shape) -> Result<Tensor<T>, Error> {
        let axis = class_axis(shape)?;
        let weights = self.weights(shape[axis])?;
        Ok(self.spread(&self.chosen(&targets.to_i64(), shape, axis)?, &weights, shape, axis))
    }

    /// The same, for targets that have been checked.
    fn spread(&self, chosen: &[Option<usize>], weights: &[T], shape: &Shape, axis: usize) -> Tensor<T> {
        let inner: usize = shape[axis + 1..].iter().product();
        let (n, smoothing) = (shape[axis], T::from_f64(self.smoothing));
        let (own, rest) = (T::ONE - smoothing, smoothing / T::from_usize(n.max(1)));
        let mut q = Tensor::zeros(shape.clone());
        for (i, q) in q.as_mut_slice().iter_mut().enumerate() {
            let (class, sample) = (i / inner % n, i / (inner * n) * inner + i % inner);
            if let Some(target) = chosen[sample] {
                *q = weights[class] * (rest + if class == target { own } else { T::ZERO });
            }
        }
        q
    }
}

/// The error of a label that is not a class.
#[cold]
pub(crate) fn no_class(op: &'static str, label: i64, axis: usize, shape: &[usize]) -> Error {
    let index = isize::try_from(label).unwrap_or(if label < 0 { isize::MIN } else { isize::MAX });
    Error::Index { op, index, axis, shape: shape.to_vec() }
}

/// The axis of the classes: the second, or the only one.
pub(crate) fn class_axis(shape: &Shape) -> Result<usize, Error> {
    match shape.rank() {
        0 => Err(Error::Rank { op: "cross_entropy", expected: "rank 1 or more", found: vec![] }),
        rank => Ok(1.min(rank - 1)),
    }
}

/// The cross-entropy of logits and class labels.
///
/// # Shapes
/// `x` `[classes]`, `[batch, classes]` or `[batch, classes, ..]`; the targets are those of the batch, in
/// row-major order of the remaining axes. The result is a scalar, or without reduction one element per
/// target.
///
/// # Math
/// `-(1 - s) wₜ ln pₜ - s Σ w_c ln p_c / classes` for target `t` and smoothing `s`; the mean divides by `Σ wₜ`.
///
/// # Domain
/// If every sample is ignored, the mean is 0, with gradient 0.
///
/// # Panics
/// As [`CrossEntropyOptions::rows`].
///
/// # Examples
/// ```
/// use nn::functional::{CrossEntropyOptions, Reduction, cross_entropy};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[0.0, 0.0], [3.0, 1.0]]);
/// let y = cross_entropy(&x, &[1, -100], &CrossEntropyOptions { ignore: Some(-100), ..CrossEntropyOptions::default() }, Reduction::Mean);
/// assert_eq!(y.value().item(), 2f64.ln());
/// assert_eq!(y.sum().backward().wrt(x), Tensor::from([[0.5, -0.5], [0.0, 0.0]]));
/// ```
#[track_caller]
pub fn cross_entropy<T: Element, A: Array<T>>(
    x: &A,
    targets: &(impl Labels + ?Sized),
    options: &CrossEntropyOptions<T>,
    reduction: Reduction,
) -> A {
    let shape = x.shape();
    let axis = expect(class_axis(&shape));
    let weights = expect(options.weights(shape[axis]));
    let chosen = expect(options.chosen(&targets.to_i64(), &shape, axis));
    let q = options.spread(&chosen, &weights, &shape, axis);
    let y = A::apply(CrossEntropy { axis: axis as isize }, &[x, &x.constant(q)]);
    let seen = |class: &Option<usize>| if class.is_some() { T::ONE } else { T::ZERO };
    let mask = Tensor::from(chosen.iter().map(seen).collect::<Vec<_>>()).reshape(y.shape());
    let y = A::apply(Select { mask }, &[&y, &y.lift(0.0)]);
    let count = chosen.iter().flatten().fold(T::ZERO, |sum, &class| sum + weights[class]);
    reduce(y, reduction, count)
}

/// The cross-entropy of logits and target distributions, which are differentiated too.
///
/// # Shapes
/// `x` and `targets` `[classes]`, `[batch, classes]` or `[batch, classes, ..]`.
///
/// # Math
/// `-Σ w_c ((1 - s) t_c + s / classes) ln p_c`; the mean divides by the number of samples. The target of a
/// class of weight 0 has no influence.
///
/// # Examples
/// ```
/// use nn::functional::{CrossEntropyOptions, Reduction, soft_cross_entropy};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[0.0, 0.0]]);
/// let t = tape.constant([[0.25, 0.75]]);
/// let y = soft_cross_entropy(&x, &t, &CrossEntropyOptions::default(), Reduction::Mean);
/// assert_eq!(y.value().item(), 2f64.ln());
/// assert_eq!(y.sum().backward().wrt(x), Tensor::from([[0.25, -0.25]]));
/// ```
#[track_caller]
pub fn soft_cross_entropy<T: Element, A: Array<T>>(
    x: &A,
    targets: &A,
    options: &CrossEntropyOptions<T>,
    reduction: Reduction,
) -> A {
    let shape = x.shape();
    let axis = expect(class_axis(&shape));
    let weights = expect(options.weights(shape[axis]));
    let mut along = vec![1; shape.rank() - axis];
    along[0] = shape[axis];
    let weights = Tensor::from(weights).reshape(along);
    let n = shape[axis].max(1) as f64;
    let s = options.smoothing;
    let mut q = (targets.clone() * x.lift(1.0 - s) + x.lift(s / n)) * x.constant(weights.clone());
    if weights.abs().min() == T::ZERO {
        // The target of a class of weight 0 has no influence.
        q = A::apply(Select { mask: weights }, &[&q, &x.lift(0.0)]);
    }
    let y = A::apply(CrossEntropy { axis: axis as isize }, &[x, &q]);
    let count = T::from_usize(y.shape().size());
    reduce(y, reduction, count)
}

/// The cross-entropy of logits and independent probabilities `t`.
///
/// # Shapes
/// `x` and `t` of one shape; `weight` and `pos_weight` broadcast with it.
///
/// # Math
/// `weight ((1 - t) softplus(x) + pos_weight t softplus(-x))`: no step overflows or cancels, and the slope
/// `(1 - t) σ(x) - pos_weight t σ(-x)` is exactly ½ at `x = 0`, `t = 0`. The mean divides by the number of elements.
///
/// # Domain
/// All real numbers, ±1000 included. Terms of weight 0 contribute nothing: an element of `weight` 0 neither
/// to the loss nor to the gradient, whatever its logit.
///
/// # Examples
/// ```
/// use nn::functional::{Reduction, bce_with_logits};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([0.0, 1000.0, -1000.0]);
/// let t = tape.constant([0.0, 1.0, 1.0]);
/// let y = bce_with_logits(&x, &t, None, None, Reduction::None);
/// assert_eq!(y.value(), Tensor::from([2f64.ln(), 0.0, 1000.0]));
/// assert_eq!(y.sum().backward().wrt(x), Tensor::from([0.5, 0.0, -1.0]));
/// ```
#[track_caller]
pub fn bce_with_logits<T: Element, A: Array<T>>(
    x: &A,
    t: &A,
    weight: Option<&A>,
    pos_weight: Option<&A>,
    reduction: Reduction,
) -> A {
    // A factor of 0 removes its term, even an infinite one.
    let absent = (x.lift(1.0) - t.clone()).chain_rule(x.clone().map(Softplus));
    let present = t.clone().chain_rule((-x.clone()).map(Softplus));
    let present = match pos_weight {
        Some(factor) => factor.clone().chain_rule(present),
        None => present,
    };
    let y = absent + present;
    let y = match weight {
        Some(weight) => weight.clone().chain_rule(y),
        None => y,
    };
    let count = T::from_usize(y.shape().size());
    reduce(y, reduction, count)
}
