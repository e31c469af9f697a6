//! Where optimizers find gradients: those of one backward pass, or the sum over several.

use crate::parameters::{Parameters, Path};
use std::collections::BTreeMap;
use tape::{Element, Gradients, ParamId, Tensor, parallel};

/// Something that knows the gradients of parameters.
pub trait GradientSource<T: Element = f64> {
    /// The gradient with respect to a parameter; `None` if it took no part.
    fn gradient(&self, id: ParamId) -> Option<Tensor<T>>;
}

impl<T: Element> GradientSource<T> for Gradients<T> {
    fn gradient(&self, id: ParamId) -> Option<Tensor<T>> {
        self.get(id).ok()
    }
}

/// The weighted sum of the gradients of several backward passes: a large batch in small pieces.
///
/// ```
/// use nn::optim::{Accumulated, GradientSource};
/// use nn::{Context, Linear, Module, Optimizer, Sgd, loss};
/// use tape::{Tape, Tensor};
/// let gradients = |model: &Linear, x: Tensor, y: Tensor| {
///     let tape = Tape::new();
///     loss::mse(model.forward(tape.constant(x), &mut Context::eval()), y).backward()
/// };
/// let (x, y) = (Tensor::from([[1.0], [2.0], [3.0]]), Tensor::from([[2.0], [3.0], [5.0]]));
/// let mut model = Linear::from_values([[0.5]], [0.0]);
/// let mut sum = Accumulated::new();
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
pub struct Accumulated<T: Element = f64> {
    sums: BTreeMap<ParamId, Sum<T>>,
}

#[derive(Clone, Debug)]
struct Sum<T: Element> {
    /// Did anything come in since the last [`Accumulated::clear`]?
    live: bool,
    total: Tensor<T>,
}

impl<T: Element> Accumulated<T> {
    /// No gradients yet.
    pub fn new() -> Accumulated<T> {
        Accumulated { sums: BTreeMap::new() }
    }

    /// Adds `share` times the gradients of the trainable parameters of `model`. For the mean over a batch in
    /// pieces, the share of a piece is its part of the samples.
    pub fn add(&mut self, model: &dyn Parameters<T>, grads: &dyn GradientSource<T>, share: f64) {
        let share = T::from_f64(share);
        model.visit(&Path::root(), &mut |_, param| {
            if !param.is_trainable() {
                return;
            }
            let Some(gradient) = grads.gradient(param.id()) else { return };
            let gradient = gradient.contiguous();
            let fresh = || Sum { live: false, total: Tensor::zeros(param.value().shape()) };
            let sum = self.sums.entry(param.id()).or_insert_with(fresh);
            let gradient = gradient.as_slice().unwrap_or_default();
            let live = std::mem::replace(&mut sum.live, true);
            parallel::elements(sum.total.as_mut_slice(), |i, totals| {
                for (total, &g) in totals.iter_mut().zip(&gradient[i..]) {
                    *total = if live { *total + share * g } else { share * g };
                }
            });
        });
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.sums.values_mut().for_each(|sum| sum.live = false);
    }
}

impl<T: Element> GradientSource<T> for Accumulated<T> {
    fn gradient(&self, id: ParamId) -> Option<Tensor<T>> {
        self.sums.get(&id).filter(|sum| sum.live).map(|sum| sum.total.clone())
    }
}

/// The Euclidean norm of the gradients of all trainable parameters of `model`, as of one long vector.
///
/// ```
/// use nn::optim::gradient_norm;
/// use nn::Param;
/// use tape::Tape;
/// let model = (Param::new([0.0, 0.0]), Param::new(0.0));
/// let tape = Tape::new();
/// let grads = ((model.0.on(&tape) * 2.0).sum() + model.1.on(&tape).sum()).backward();
/// assert_eq!(gradient_norm(&model, &grads), 3.0);
/// ```
pub fn gradient_norm<T: Element>(model: &dyn Parameters<T>, grads: &dyn GradientSource<T>) -> f64 {
    let mut squares = 0.0;
    model.visit(&Path::root(), &mut |_, param| {
        if param.is_trainable()
            && let Some(gradient) = grads.gradient(param.id())
        {
            let gradient = gradient.contiguous();
            let elements = gradient.as_slice().unwrap_or_default().iter();
            squares += elements.map(|g| g.to_f64() * g.to_f64()).sum::<f64>();
        }
    });
    squares.sqrt()
}
