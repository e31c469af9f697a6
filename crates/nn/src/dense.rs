//! A fully connected layer and its activation in one.

use crate::Parameters;
use crate::linear::Linear;
use crate::module::{Context, Module};
use crate::param::{Param, recorded};
use tape::{Element, SlopeFromOutput, Var};

/// `Y = f(X · Wᵀ + b)`: a [`Linear`] layer and an activation as one operation, [`tape::ops::Dense`].
///
/// It computes what the two modules one after the other compute, to the last bit, with one node less on the tape and
/// without keeping what the activation is applied to; a small network gains most. Its slope is that of the rounded value,
/// within the bounds that [`tape::ops::Dense`] states. Where the two should be seen apart, or the slopes of saturated units
/// matter, use the two modules. Made by [`Linear::activated`].
///
/// # Shapes
/// `X` `[.., in]`, `W` `[out, in]` (destination, source), `b` `[out]`; `Y` `[.., out]`.
///
/// # Math
/// With `D` the gradient with respect to `Y`: `Δ = f'(Z) D`, `dX = Δ · W`, `dW = Δᵀ · X`, `db` the column sums of `Δ`.
///
/// ```
/// use nn::{Context, Linear, Module};
/// use tape::{Tape, Tensor, ops};
/// let layer = Linear::from_values([[1.0, -2.0]], [0.5]).activated(ops::Relu);
/// let tape = Tape::new();
/// let y = layer.forward(tape.constant([[2.0, 1.0], [0.0, 1.0]]), &mut Context::eval());
/// assert_eq!(y.value(), Tensor::from([[0.5], [0.0]]));
/// let grads = y.sum().backward();
/// assert_eq!(grads.of(&layer.weight), Tensor::from([[2.0, 1.0]]));
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct Dense<F: SlopeFromOutput, T: Element = f64> {
    /// `[out, in]`.
    pub weight: Param<T>,
    /// `[out]`.
    pub bias: Option<Param<T>>,
    /// The activation, applied to every element.
    #[parameters(skip)]
    pub activation: F,
}

impl<T: Element> Linear<T> {
    /// The layer followed by an activation, in one: [`Dense`].
    pub fn activated<F: SlopeFromOutput>(self, activation: F) -> Dense<F, T> {
        Dense { weight: self.weight, bias: self.bias, activation }
    }
}

impl<F: SlopeFromOutput, T: Element> Module<T> for Dense<F, T> {
    fn forward<'t>(&self, x: Var<'t, T>, _cx: &mut Context<T>) -> Var<'t, T> {
        let w = self.weight.on(x.tape());
        match recorded(&self.bias, x.tape()) {
            Some(b) => x.dense(w, b, self.activation),
            None => x.matmul(w.transpose()).map(self.activation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Sequential, Sigmoid, Tanh};
    use tape::{Tape, Tensor, ops};

    /// Three slopes, each within 2 ε of a number of the size of 1/10.
    const SLOPES: f64 = 60.0 * f64::EPSILON;

    /// Value and gradients of a model at some input.
    fn results(model: &Sequential) -> Vec<Tensor> {
        let tape = Tape::new();
        let x = tape.var([[0.5, -1.5], [2.0, 0.25], [-0.75, 1.0]]);
        let y = model.forward(x, &mut Context::eval());
        let grads = y.square().sum().backward();
        let mut all = vec![y.value(), grads.wrt(x)];
        model.visit(&crate::Path::root(), &mut |_, param| all.push(grads.of(param)));
        all
    }

    #[test]
    fn it_is_the_two_modules() {
        let first = || Linear::from_values([[0.5, -1.0], [2.0, 0.25], [1.0, 1.0]], [0.125, -0.5, 0.0]);
        let second = || Linear::from_values([[1.0, -0.5, 0.75]], [0.25]);
        let third = || Linear::from_values([[-1.5]], [0.0]).without_bias();
        let fused = Sequential::new()
            .push(first().activated(ops::Tanh))
            .push(second().activated(ops::Sigmoid))
            .push(third().activated(ops::Tanh));
        let apart =
            Sequential::new().push(first()).push(Tanh).push(second()).push(Sigmoid).push(third()).push(Tanh);
        let [fused_results, results] = [&fused, &apart].map(results);
        assert_eq!(fused_results[0], results[0], "values, to the last bit");
        for (found, expected) in fused_results.iter().zip(&results) {
            let size = expected.abs().max();
            assert!((found - expected).abs().max() <= SLOPES * size, "{found:?} and {expected:?}");
        }
        let names: Vec<String> = fused.named_parameters().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["0.weight", "0.bias", "1.weight", "1.bias", "2.weight"]);
    }
}
