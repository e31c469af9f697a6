//! Gradient descent, with momentum if asked for.

use super::{Optimizer, for_each_gradient};
use crate::parameters::Parameters;
use std::collections::HashMap;
use tape::{Element, Gradients, ParamId, Tensor};

/// Gradient descent: `w ← w - η g`; with momentum μ, `v ← μ v + g` and `w ← w - η v`, where `v` starts at 0.
///
/// On a constant gradient the step tends to `η g / (1 - μ)`. (Where the literature writes
/// `Δw ← -η g + α Δw`, `Δw` is `-η v`: the same as long as η does not change.) "Stochastic" is whoever chooses the
/// batches, not the rule.
///
/// η is usually 1e-3 to 1, μ 0 or 0.9.
///
/// ```
/// use nn::{Optimizer, Param, Sgd};
/// use tape::Tape;
/// let mut w = Param::new([1.0]);
/// let mut optimizer = Sgd::new(0.1).momentum(0.5);
/// let mut tape = Tape::new();
/// for expected in [0.8, 0.54] {
///     let grads = (w.on(&tape) * w.on(&tape)).sum().backward();
///     tape.reset();
///     optimizer.step(&mut w, &grads);
///     assert!((w.value().item() - expected).abs() < 1e-15);
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Sgd<T: Element = f64> {
    /// η, the factor of the step.
    pub learning_rate: f64,
    /// μ, the share of the last step that is kept; 0 for none.
    pub momentum: f64,
    velocity: HashMap<ParamId, Tensor<T>>,
}

impl<T: Element> Sgd<T> {
    /// Plain gradient descent.
    pub fn new(learning_rate: f64) -> Sgd<T> {
        Sgd { learning_rate, momentum: 0.0, velocity: HashMap::new() }
    }

    /// With momentum, in [0, 1).
    pub fn momentum(self, momentum: f64) -> Sgd<T> {
        Sgd { momentum, ..self }
    }
}

impl<T: Element> Optimizer<T> for Sgd<T> {
    #[track_caller]
    fn step(&mut self, model: &mut dyn Parameters<T>, grads: &Gradients<T>) {
        let rate = T::from_f64(self.learning_rate);
        let momentum = T::from_f64(self.momentum);
        for_each_gradient("sgd", model, grads, |param, gradient| {
            if self.momentum == 0.0 {
                for (w, &g) in param.value_mut().as_mut_slice().iter_mut().zip(gradient) {
                    *w -= rate * g;
                }
                return;
            }
            let shape = param.value().shape();
            let velocity = self.velocity.entry(param.id()).or_insert_with(|| Tensor::zeros(shape));
            let weights = param.value_mut().as_mut_slice().iter_mut();
            for ((w, v), &g) in weights.zip(velocity.as_mut_slice()).zip(gradient) {
                *v = momentum * *v + g;
                *w -= rate * *v;
            }
        });
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::Param;
    use tape::Tape;

    /// Gradients of the sum of `g · w` for every parameter: a constant gradient `g`.
    fn constant_gradients(params: &[Param], g: f64) -> Gradients {
        let tape = Tape::new();
        let terms = params.iter().map(|w| (w.on(&tape) * g).sum());
        terms.reduce(|a, b| a + b).expect("there are parameters").backward()
    }

    #[test]
    fn momentum_follows_its_closed_form() {
        let (rate, momentum, g) = (0.1, 0.9, 2.0);
        let mut w = vec![Param::new([1.0, -1.0])];
        let mut optimizer = Sgd::new(rate).momentum(momentum);
        let mut sum = 0.0;
        for n in 1..=60 {
            let grads = constant_gradients(&w, g);
            optimizer.step(&mut w, &grads);
            // v after n steps is g (1 - μⁿ) / (1 - μ).
            sum += g * (1.0 - momentum.powi(n)) / (1.0 - momentum);
            let expected = [1.0 - rate * sum, -1.0 - rate * sum];
            for (w, expected) in w[0].value().to_vec().iter().zip(expected) {
                assert!((w - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{w} != {expected}");
            }
        }
    }

    #[test]
    fn frozen_parameters_and_buffers_stay() {
        let mut model = vec![Param::new([1.0]), Param::new([2.0]), Param::buffer([3.0])];
        model[1].freeze();
        let grads = constant_gradients(&model, 1.0);
        Sgd::new(0.5).step(&mut model, &grads);
        let values: Vec<f64> = model.iter().map(|p| p.value().item()).collect();
        assert_eq!(values, [0.5, 2.0, 3.0]);
    }

    #[test]
    #[should_panic(expected = "sgd: no gradient for any of the model's 1 parameters")]
    fn gradients_of_another_model_are_refused() {
        let model = vec![Param::new([1.0])];
        let grads = constant_gradients(&model, 1.0);
        Sgd::new(0.5).step(&mut model.clone(), &grads);
    }

    #[test]
    fn a_step_writes_in_place() {
        let mut model = vec![Param::new([1.0, 2.0])];
        let mut optimizer = Sgd::new(0.5).momentum(0.5);
        let grads = constant_gradients(&model, 1.0);
        let place = |model: &[Param]| model[0].value().as_slice().map(<[f64]>::as_ptr);
        let before = place(&model);
        optimizer.step(&mut model, &grads);
        assert_eq!(place(&model), before);
    }
}
