//! The derivation of a multilayer perceptron by the equations of [`by_hand`](crate::by_hand).

use super::packs::Pack;
use super::text::Names;
use crate::by_hand::{
    Activation, bias_gradient, hidden_delta, input_gradient, loss_gradient, output_delta, weight_gradient,
};
use crate::loss::{Loss, Reduction};
use gradcheck::Inputs;
use gradcheck::trace::{Derivation, Equation, Steps};
use tape::{Element, Scalar, Tensor};

/// The derivation of a multilayer perceptron by the equations of [`by_hand`](crate::by_hand), in the notation of a [`Pack`].
#[derive(Clone, Debug)]
pub struct MlpDerivation {
    pack: Pack,
    activations: Vec<Activation>,
    /// Which layers have biases.
    biased: Vec<bool>,
    loss: Loss,
}

impl MlpDerivation {
    pub(super) fn new(
        pack: Pack,
        activations: Vec<Activation>,
        biased: &[bool],
        loss: Loss,
    ) -> MlpDerivation {
        MlpDerivation { pack, activations, biased: biased.to_vec(), loss }
    }

    /// Returns `true` if the biases of a layer are a column of its weights.
    fn has_constant_input(&self, layer: usize) -> bool {
        self.pack.constant_input && self.biased[layer - 1]
    }

    /// Returns `true` if the biases of a layer are a value of their own.
    fn has_bias(&self, layer: usize) -> bool {
        !self.pack.constant_input && self.biased[layer - 1]
    }

    /// The number of layers.
    pub fn layers(&self) -> usize {
        self.activations.len()
    }

    fn names(&self, layer: usize) -> Names<'_> {
        Names { pack: &self.pack, layer }
    }

    /// The name of the weights of a layer, counted from 1.
    pub fn weight(&self, layer: usize) -> String {
        self.names(layer).w()
    }

    /// The name of the biases of a layer, counted from 1. In a pack with a constant input they are a column of the weights.
    pub fn bias(&self, layer: usize) -> String {
        self.names(layer).b()
    }

    /// The name of the pre-activation of a layer, counted from 1.
    pub fn preactivation(&self, layer: usize) -> String {
        self.names(layer).z()
    }

    /// The name of the activation of a layer, counted from 1; that of layer 0 is the input. Where the activation is the
    /// identity, this is the pre-activation.
    pub fn activation_name(&self, layer: usize) -> String {
        match layer.checked_sub(1).map(|l| self.activations[l]) {
            Some(Activation::Identity) => self.names(layer).z(),
            _ => self.names(layer).a(),
        }
    }

    /// The name of the targets.
    pub fn target(&self) -> &'static str {
        self.pack.target
    }

    /// The equation with this number for a layer.
    fn equation(&self, number: &str, layer: usize, template: &str) -> Equation {
        let before = layer > 1 && self.activations[layer - 2] != Activation::Identity;
        let formula = self.names(layer).fill(template, self.activations[layer - 1], before, self.loss);
        Equation::new(number, formula)
    }

    /// The same for a value with one sample per column, if the pack has those.
    fn of_samples(&self, number: &str, layer: usize, template: &str) -> Equation {
        let equation = self.equation(number, layer, template);
        if self.pack.columns { equation.by_columns() } else { equation }
    }

    /// A value in the layout of the pack.
    fn value<T: Element>(&self, d: &Steps<T>, name: &str) -> Tensor<T> {
        self.turned(d.value(name))
    }

    /// A gradient in the layout of the pack.
    fn delta<T: Element>(&self, d: &Steps<T>, name: &str) -> Tensor<T> {
        self.turned(d.gradient(name))
    }

    fn turned<T: Element>(&self, x: Tensor<T>) -> Tensor<T> {
        if self.pack.columns { x.transpose() } else { x }
    }

    /// The divisor of the mean for outputs of this shape: 1, `N`, or `N m`.
    fn divisor<T: Element>(&self, shape: &[usize]) -> T {
        let count = |axes: &[usize]| T::from_usize(axes.iter().product::<usize>().max(1));
        let per_sample = matches!(
            self.loss.function,
            crate::loss::LossFunction::CrossEntropyWithProbabilities
                | crate::loss::LossFunction::CrossEntropyWithLogits
        );
        match self.loss.reduction {
            Reduction::Sum => T::ONE,
            Reduction::Mean if !per_sample => count(shape),
            _ => count(&shape[..1]),
        }
    }
}

impl Derivation for MlpDerivation {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Scalar<'t, T> {
        let mut a = v[self.activation_name(0).as_str()];
        for (l, &activation) in (1..).zip(&self.activations) {
            let w = v[self.weight(l).as_str()];
            let z = if self.has_bias(l) {
                a.linear(w, v[self.bias(l).as_str()])
            } else if self.has_constant_input(l) {
                let ones = v.tape().constant(Tensor::ones([a.shape()[0], 1]));
                v.tape().concat(&[a, ones], 1).matmul(w.transpose())
            } else {
                a.matmul(w.transpose())
            };
            let z = z.named(self.preactivation(l));
            a = match activation {
                Activation::Identity => z,
                Activation::Sigmoid => z.sigmoid(),
                Activation::SigmoidScaled { slope, offset } => z.sigmoid_scaled(slope, offset),
                Activation::Tanh => z.tanh(),
                Activation::Relu => z.relu(),
                Activation::LeakyRelu { slope } => z.leaky_relu(slope),
                Activation::Softmax => z.softmax(-1),
            }
            .named(self.activation_name(l));
        }
        self.loss.of(a, v[self.pack.target])
    }

    fn derive<T: Element>(&self, d: &mut Steps<T>) {
        for l in (1..=self.layers()).rev() {
            if l == self.layers() {
                self.output(d, l);
            } else {
                self.hidden(d, l);
            }
            self.parameters(d, l);
        }
        d.step(self.activation_name(0), self.of_samples("(8)", 1, self.pack.formulas.input), |d| {
            self.through(d, 1)
        });
    }
}

impl MlpDerivation {
    /// The last layer: (3), or (4) for the softmax.
    fn output<T: Element>(&self, d: &mut Steps<T>, l: usize) {
        let (activation, formulas) = (self.activations[l - 1], &self.pack.formulas);
        let (z, a) = (self.preactivation(l), self.activation_name(l));
        d.step(a.clone(), self.of_samples("loss", l, formulas.loss), |d| {
            let output = d.value(&a);
            let target = d.value(self.pack.target);
            // Divided last, where the text does so.
            self.turned(if self.pack.mean_last {
                let sum = Loss { reduction: Reduction::Sum, ..self.loss };
                loss_gradient(sum, &output, &target) / self.divisor::<T>(output.shape())
            } else {
                loss_gradient(self.loss, &output, &target)
            })
        });
        if activation == Activation::Identity {
            return;
        }
        let (number, template) = match activation {
            Activation::Softmax => ("(4)", formulas.softmax),
            _ => ("(3)", formulas.output),
        };
        d.step(z.clone(), self.of_samples(number, l, template), |d| {
            self.turned(activation.delta(&d.gradient(&a), &d.value(&z), &d.value(&a)))
        });
    }

    /// A hidden layer: (5), in two equations where the text has two.
    fn hidden<T: Element>(&self, d: &mut Steps<T>, l: usize) {
        let (activation, formulas) = (self.activations[l - 1], &self.pack.formulas);
        let (z, a) = (self.preactivation(l), self.activation_name(l));
        let slope =
            |d: &Steps<T>| activation.derivative(&d.value(&z), &d.value(&a)).unwrap_or_else(|| d.value(&a));
        if self.pack.aggregated || activation == Activation::Identity {
            d.step(a.clone(), self.of_samples("(5)", l, formulas.aggregated), |d| self.through(d, l + 1));
            if activation != Activation::Identity {
                d.step(z.clone(), self.of_samples("(5)", l, formulas.hidden), |d| {
                    self.turned(output_delta(&d.gradient(&a), &slope(d)))
                });
            }
            return;
        }
        d.step(z.clone(), self.of_samples("(5)", l, formulas.hidden), |d| {
            if self.pack.columns {
                self.through(d, l + 1) * slope(d).transpose()
            } else {
                hidden_delta(
                    &d.gradient(&self.preactivation(l + 1)),
                    &d.value(&self.weight(l + 1)),
                    &slope(d),
                )
            }
        });
    }

    /// The gradient that passes through the weights of a layer: `D W`, or `Wᵀ δ` by columns.
    fn through<T: Element>(&self, d: &Steps<T>, l: usize) -> Tensor<T> {
        let (delta, w) = (self.delta(d, &self.preactivation(l)), d.value(&self.weight(l)));
        // Nothing is before the constant input.
        let w = if self.has_constant_input(l) { w.slice(1, 0..w.shape()[1] - 1) } else { w };
        if self.pack.columns { w.transpose().matmul(&delta) } else { input_gradient(&delta, &w) }
    }

    /// (6) and (7): weights and biases.
    fn parameters<T: Element>(&self, d: &mut Steps<T>, l: usize) {
        let formulas = &self.pack.formulas;
        let (z, before) = (self.preactivation(l), self.activation_name(l - 1));
        let output = self.activation_name(self.layers());
        let divisor = d.value(&output);
        let divisor: T = if self.pack.mean_last { self.divisor(divisor.shape()) } else { T::ONE };
        // Where the mean is taken last: N times the gradient, and 1/N at the end.
        let delta = |d: &Steps<T>| match divisor == T::ONE {
            true => self.delta(d, &z),
            false => self.delta(d, &z) * divisor,
        };
        let mean = |x: Tensor<T>| if divisor == T::ONE { x } else { x / divisor };
        // A layer without biases has no constant input.
        let weight = match self.pack.constant_input && !self.biased[l - 1] {
            true => formulas.weight.replace("({ap}, 1)", "{ap}"),
            false => formulas.weight.to_string(),
        };
        d.step(self.weight(l), self.equation("(6)", l, &weight), |d| {
            let a = self.value(d, &before);
            mean(if self.pack.columns {
                let a = if self.has_constant_input(l) {
                    let ones = Tensor::ones([1, a.shape()[1]]);
                    Tensor::concat(&[&a, &ones], 0)
                } else {
                    a
                };
                delta(d).matmul(&a.transpose())
            } else {
                weight_gradient(&delta(d), &a)
            })
        });
        if self.has_bias(l) {
            d.step(self.bias(l), self.equation("(7)", l, formulas.bias), |d| {
                mean(if self.pack.columns { delta(d).sum_axes(1, false) } else { bias_gradient(&delta(d)) })
            });
        }
    }
}
