//! Sources of gradients for optimizers: one backward pass, or the sum of several.

use super::error::StepError;
use crate::parameters::{Parameters, Path};
use crate::setting;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use tape::element::Real;
use tape::{Element, Error, Gradients, ParamId, Tensor, parallel};

/// A source of gradients of parameters.
///
/// Optimizers, clipping, [`gradient_norm`] and [`GradientAccumulator`] accept the result of a backward pass, the
/// [`Direction`](crate::transform::Direction)s of [`transform`](crate::transform), and tensors:
///
/// - a vector, a slice, an array or a tuple of tensors, or one tensor: one gradient for each trainable parameter, in order,
///   as [`tape::transform::grad`] returns them;
/// - a map from names to tensors: a parameter without an entry took no part.
///
/// ```
/// use nn::Param;
/// use nn::optim::{Optimizer, Sgd};
/// use std::collections::BTreeMap;
/// use tape::Tensor;
/// let mut model = [Param::new([1.0]), Param::new([2.0])];
/// Sgd::new(0.5).step(&mut model, &vec![Tensor::from([1.0]), Tensor::from([2.0])]);
/// Sgd::new(0.5).step(&mut model, &BTreeMap::from([("1".to_owned(), Tensor::from([4.0]))]));
/// assert_eq!(model.map(|w| w.value().item()), [0.5, -1.0]);
/// ```
pub trait GradientSource<T: Element = f64> {
    /// The gradient with respect to a parameter; `None` if it took no part.
    fn gradient(&self, id: ParamId) -> Option<Tensor<T>>;

    /// The gradient with respect to a trainable parameter of a model, which is the `position`th one and has this path.
    fn gradient_at(&self, id: ParamId, _position: usize, _path: &Path<'_>) -> Option<Tensor<T>> {
        self.gradient(id)
    }

    /// Refuses a model to which these gradients do not belong: it has `trainable` parameters, with `found` gradients.
    ///
    /// # Errors
    /// The reason.
    fn check(&self, _trainable: usize, _found: usize) -> Result<(), String> {
        Ok(())
    }
}

impl<T: Element> GradientSource<T> for Gradients<T> {
    fn gradient(&self, id: ParamId) -> Option<Tensor<T>> {
        self.try_of(id).ok()
    }
}

impl<T: Element> GradientSource<T> for [Tensor<T>] {
    fn gradient(&self, _: ParamId) -> Option<Tensor<T>> {
        None
    }

    fn gradient_at(&self, _: ParamId, position: usize, _: &Path<'_>) -> Option<Tensor<T>> {
        self.get(position).cloned()
    }

    fn check(&self, trainable: usize, _: usize) -> Result<(), String> {
        if self.len() == trainable {
            return Ok(());
        }
        let found = self.len();
        Err(format!("expected {trainable} gradients, one for each trainable parameter, found {found}"))
    }
}

/// Gradients in the order of the parameters.
macro_rules! in_order {
    ($([$($generics:tt)*] $source:ty, $self:ident => $list:expr;)*) => {$(
        impl<T: Element, $($generics)*> GradientSource<T> for $source {
            fn gradient(&self, _: ParamId) -> Option<Tensor<T>> {
                None
            }

            fn gradient_at(&$self, id: ParamId, position: usize, path: &Path<'_>) -> Option<Tensor<T>> {
                $list.gradient_at(id, position, path)
            }

            fn check(&$self, trainable: usize, found: usize) -> Result<(), String> {
                $list.check(trainable, found)
            }
        }
    )*};
}

in_order! {
    [] Tensor<T>, self => std::slice::from_ref(self);
    [] Vec<Tensor<T>>, self => self.as_slice();
    [const N: usize] [Tensor<T>; N], self => self.as_slice();
    [] (Tensor<T>, Tensor<T>), self => [self.0.clone(), self.1.clone()].as_slice();
    [] (Tensor<T>, Tensor<T>, Tensor<T>), self => [&self.0, &self.1, &self.2].map(Tensor::clone).as_slice();
    [] (Tensor<T>, Tensor<T>, Tensor<T>, Tensor<T>), self =>
        [&self.0, &self.1, &self.2, &self.3].map(Tensor::clone).as_slice();
}

/// Gradients by name.
macro_rules! by_name {
    ($([$($generics:tt)*] $map:ty;)*) => {$(
        impl<T: Element, $($generics)*> GradientSource<T> for $map {
            fn gradient(&self, _: ParamId) -> Option<Tensor<T>> {
                None
            }

            fn gradient_at(&self, _: ParamId, _: usize, path: &Path<'_>) -> Option<Tensor<T>> {
                self.get(&path.to_string()).cloned()
            }

            fn check(&self, _: usize, found: usize) -> Result<(), String> {
                let (all, others) = (self.len(), self.len() - found);
                let names = if others == 1 { "name" } else { "names" };
                match others {
                    0 => Ok(()),
                    _ => Err(format!(
                        "expected names of trainable parameters, found {others} other {names} in {all} gradients"
                    )),
                }
            }
        }
    )*};
}

by_name! {
    [] BTreeMap<String, Tensor<T>>;
    [S: BuildHasher] HashMap<String, Tensor<T>, S>;
}

/// The weighted sum of the gradients of several backward passes: a large batch in small parts.
///
/// ```
/// use nn::optim::{GradientAccumulator, GradientSource};
/// use nn::{Context, Linear, Module, loss};
/// use nn::optim::{Optimizer, Sgd};
/// use tape::{Tape, Tensor};
/// let gradients = |model: &Linear, x: Tensor, y: Tensor| {
///     let tape = Tape::new();
///     loss::squared_error(model.forward(tape.constant(x), &mut Context::eval()), y).mean().backward()
/// };
/// let (x, y) = (Tensor::from([[1.0], [2.0], [3.0]]), Tensor::from([[2.0], [3.0], [5.0]]));
/// let mut model = Linear::from_values([[0.5]], [0.0]);
/// let mut sum = GradientAccumulator::new();
/// for (rows, share) in [(0..2, 2.0 / 3.0), (2..3, 1.0 / 3.0)] {
///     let grads = gradients(&model, x.slice(0, rows.clone()), y.slice(0, rows));
///     sum.add(&model, &grads, share);
/// }
/// let whole = gradients(&model, x, y).of(&model.weight).item();
/// let pieces = sum.gradient(model.weight.id()).map(|g| g.item());
/// assert!(pieces.is_some_and(|pieces| (pieces - whole).abs() < 1e-14));
/// Sgd::new(0.1).step(&mut model, &sum);
/// assert!((model.weight.value().item() - (0.5 - 0.1 * whole)).abs() < 1e-14);
/// sum.clear();
/// assert!(sum.gradient(model.weight.id()).is_none());
/// ```
#[derive(Clone, Debug, Default)]
pub struct GradientAccumulator<T: Element = f64> {
    sums: BTreeMap<ParamId, Sum<T>>,
    /// The gradients being added; kept to reuse their memory.
    gradients: Vec<(ParamId, Tensor<T>)>,
}

#[derive(Clone, Debug)]
struct Sum<T: Element> {
    /// Returns `true` if gradients were added since the last [`GradientAccumulator::clear`].
    live: bool,
    total: Tensor<T>,
}

const NAME: &str = "accumulated";

impl<T: Element> GradientAccumulator<T> {
    /// No gradients yet.
    pub fn new() -> GradientAccumulator<T> {
        GradientAccumulator { sums: BTreeMap::new(), gradients: Vec::new() }
    }

    /// Adds `share` times the gradients of the trainable parameters of `model`. For the mean over a batch in
    /// parts, the share of a part is its fraction of the samples.
    ///
    /// # Panics
    /// If a gradient has another shape than its parameter, or the share is infinite or NaN. Then nothing is added.
    #[track_caller]
    pub fn add(&mut self, model: &dyn Parameters<T>, grads: &dyn GradientSource<T>, share: f64) {
        setting::expect(setting::finite(NAME, "share", share));
        let mut all = std::mem::take(&mut self.gradients);
        if let Err(error) = collect(NAME, model, grads, &mut all) {
            error.panic()
        }
        for (id, gradient) in &all {
            let sum = self.sums.get(id).filter(|sum| sum.live && sum.total.shape() != gradient.shape());
            if let Some(sum) = sum {
                let (expected, found) = (sum.total.shape().dims(), gradient.shape().dims());
                Error::Shape { op: NAME, expected, found }.panic()
            }
        }
        let share = T::from_f64(share);
        for (id, gradient) in all.drain(..) {
            let gradient = gradient.contiguous();
            let fresh = || Sum { live: false, total: Tensor::zeros(gradient.shape().clone()) };
            let sum = self.sums.entry(id).or_insert_with(fresh);
            if sum.total.shape() != gradient.shape() {
                // The parameter has been given another shape: the sum from before the last `clear` is
                // useless.
                *sum = fresh();
            }
            let gradient = gradient.as_slice().unwrap_or_default();
            let live = std::mem::replace(&mut sum.live, true);
            parallel::elements(sum.total.as_mut_slice(), |i, totals| {
                for (total, &g) in totals.iter_mut().zip(&gradient[i..]) {
                    *total = if live { *total + share * g } else { share * g };
                }
            });
        }
        self.gradients = all;
    }

    /// Clears the gradients but keeps the memory.
    pub fn clear(&mut self) {
        self.sums.values_mut().for_each(|sum| sum.live = false);
    }
}

impl<T: Element> GradientSource<T> for GradientAccumulator<T> {
    fn gradient(&self, id: ParamId) -> Option<Tensor<T>> {
        self.sums.get(&id).filter(|sum| sum.live).map(|sum| sum.total.clone())
    }
}

/// The Euclidean norm of the gradients of all trainable parameters of `model`, as one long vector. It is
/// accurate whenever it fits into an `f64`, even if the squares of the elements do not; infinite or NaN if an
/// element is.
///
/// ```
/// use nn::optim::gradient_norm;
/// use nn::Param;
/// use tape::Tape;
/// let model = (Param::new([0.0, 0.0]), Param::new(0.0));
/// let tape = Tape::new();
/// let grads = ((model.0.on(&tape) * 2e200).sum() + model.1.on(&tape).sum() * 1e200).backward();
/// assert_eq!(gradient_norm(&model, &grads), 3e200);
/// ```
///
/// # Panics
/// If a gradient has another shape than its parameter.
#[track_caller]
pub fn gradient_norm<T: Element>(model: &dyn Parameters<T>, grads: &dyn GradientSource<T>) -> f64 {
    let mut all = Vec::new();
    match collect("gradient_norm", model, grads, &mut all) {
        Ok(_) => {}
        Err(error) => error.panic(),
    }
    let Norm { unit, length } = Norm::of(&all);
    unit * length
}

/// The gradients of the trainable parameters, in order of visit. Returns the number of trainable parameters.
///
/// # Errors
/// If a gradient has another shape than its parameter, or the gradients do not belong to this model.
pub(super) fn collect<T: Element>(
    optimizer: &'static str,
    model: &(impl Parameters<T> + ?Sized),
    grads: &dyn GradientSource<T>,
    all: &mut Vec<(ParamId, Tensor<T>)>,
) -> Result<usize, StepError> {
    let (mut trainable, mut result) = (0, Ok(()));
    model.visit(&Path::root(), &mut |path, param| {
        if !param.is_trainable() {
            return;
        }
        trainable += 1;
        let Some(gradient) = grads.gradient_at(param.id(), trainable - 1, path) else { return };
        let (expected, found) = (param.value().shape(), gradient.shape());
        if expected != found && result.is_ok() {
            let (expected, found) = (expected.dims(), found.dims());
            result = Err(StepError::Shape { optimizer, parameter: path.to_string(), expected, found });
        }
        all.push((param.id(), gradient));
    });
    grads.check(trainable, all.len()).map_err(|reason| StepError::Gradients { optimizer, reason })?;
    result.map(|()| trainable)
}

/// A norm `unit · length`, where the unit is a power of 2, and 1 in the ordinary range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Norm {
    pub unit: f64,
    pub length: f64,
}

impl Norm {
    /// Sums of squares from here on lost nothing significant to underflow.
    const LEAST: f64 = 1e-280;

    /// The norm of all elements as one long vector: their squares are added as they are, and in units of the
    /// largest element only if the sum shows that squares are out of range.
    pub(super) fn of<T: Element>(gradients: &[(ParamId, Tensor<T>)]) -> Norm {
        let plain = squares(gradients, |g| g * g);
        if (Norm::LEAST..f64::INFINITY).contains(&plain) {
            return Norm { unit: 1.0, length: plain.sqrt() };
        }
        let largest = gradients.iter().map(|(_, gradient)| largest(gradient)).fold(0.0, Real::maximum);
        if largest == 0.0 || !largest.is_finite() {
            return Norm { unit: 1.0, length: largest };
        }
        let unit = power_of_two(largest);
        let length = squares(gradients, |g| (g / unit) * (g / unit)).sqrt();
        Norm { unit, length }
    }

    /// Two factors that, applied in turn, bring a vector of this norm down to `bound`; `None` if it is not
    /// above. The first is 1 unless a single factor would lose digits to underflow.
    pub(super) fn factors<T: Element>(self, bound: f64) -> Option<[T; 2]> {
        let Norm { unit, length } = self;
        if length <= bound / unit {
            return None;
        }
        let factor = T::from_f64(bound / unit / length);
        if factor >= T::MIN_POSITIVE {
            return Some([T::ONE, factor]);
        }
        let (unit, length) = if unit == 1.0 {
            let unit = power_of_two(length);
            (unit, length / unit)
        } else {
            (unit, length)
        };
        Some([T::from_f64(1.0 / unit), T::from_f64(bound / length)])
    }
}

/// The largest power of 2 that is not above `x`.
fn power_of_two(x: f64) -> f64 {
    f64::from_bits(x.max(f64::MIN_POSITIVE).to_bits() & f64::INFINITY.to_bits())
}

/// The sum of the squares computed by `square`.
fn squares<T: Element>(gradients: &[(ParamId, Tensor<T>)], square: impl Fn(f64) -> f64) -> f64 {
    let of_one = |gradient: &Tensor<T>| {
        let gradient = gradient.contiguous();
        let elements = gradient.as_slice().unwrap_or_default().iter();
        elements.map(|g| square(g.to_f64())).sum::<f64>()
    };
    gradients.iter().fold(0.0, |sum, (_, gradient)| sum + of_one(gradient))
}

/// The largest absolute value; NaN if there is one.
fn largest<T: Element>(gradient: &Tensor<T>) -> f64 {
    let gradient = gradient.contiguous();
    gradient.as_slice().unwrap_or_default().iter().fold(0.0, |most, g| Real::maximum(most, g.to_f64().abs()))
}
