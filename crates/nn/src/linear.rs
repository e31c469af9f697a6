//! The affine map of a fully connected layer.

use crate::Parameters;
use crate::init::{Fans, Init, UniformFanIn, check_size};
use crate::module::{Context, Module};
use crate::param::{Param, recorded};
use rand::Rng;
use tape::{Element, Error, Shape, Tensor, Var};

/// `Y = X · Wᵀ + b`.
///
/// # Shapes
/// `X` `[.., in]`, `W` `[out, in]` (destination, source), `b` `[out]`; `Y` `[.., out]`.
///
/// # Math
/// With `D` the gradient with respect to `Y`: `dX = D · W`, `dW = Dᵀ · X`, `db` the column sums of `D`.
///
/// # Initial values
/// [`Linear::new`]: `W` and `b` from U(±1/√in). [`Linear::with_init`]: `W` from the given distribution, `b` zero.
///
/// ```
/// use nn::{Context, Linear, Module};
/// use tape::{Tape, Tensor};
/// let layer = Linear::from_values([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [0.5, 0.0, -0.5]);
/// let tape = Tape::new();
/// let y = layer.forward(tape.constant([[1.0, 10.0]]), &mut Context::eval());
/// assert_eq!(y.value(), Tensor::from([[21.5, 43.0, 64.5]]));
/// let grads = y.vjp([[1.0, 0.0, 2.0]]);
/// assert_eq!(grads.of(&layer.weight), Tensor::from([[1.0, 10.0], [0.0, 0.0], [2.0, 20.0]]));
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct Linear<T: Element = f64> {
    /// `[out, in]`.
    pub weight: Param<T>,
    /// `[out]`.
    pub bias: Option<Param<T>>,
}

impl<T: Element> Linear<T> {
    /// A layer from `inputs` to `outputs` units; weights and biases from U(±1/√inputs).
    ///
    /// # Panics
    /// If there are too many parameters for the address space or for memory.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, rng: &mut (impl Rng + ?Sized)) -> Linear<T> {
        check_size::<T>("linear", [outputs, inputs]);
        let fans = Fans::new(inputs, outputs);
        let weight = Param::new(UniformFanIn.tensor([outputs, inputs], fans, rng));
        Linear { weight, bias: Some(Param::new(UniformFanIn.tensor([outputs], fans, rng))) }
    }

    /// A layer with weights from `init` and biases 0.
    ///
    /// # Panics
    /// If there are too many parameters for the address space or for memory; as [`Init::tensor`].
    #[track_caller]
    pub fn with_init(
        inputs: usize,
        outputs: usize,
        init: impl Init,
        rng: &mut (impl Rng + ?Sized),
    ) -> Linear<T> {
        check_size::<T>("linear", [outputs, inputs]);
        let weight = Param::new(init.tensor([outputs, inputs], Fans::new(inputs, outputs), rng));
        Linear { weight, bias: Some(Param::new(Tensor::zeros([outputs]))) }
    }

    /// A layer with these weights, `[out, in]`, and biases, `[out]`.
    ///
    /// # Panics
    /// If `weight` is not a matrix or `bias` not a vector with one element for each of its rows.
    #[track_caller]
    pub fn from_values(weight: impl Into<Tensor<T>>, bias: impl Into<Tensor<T>>) -> Linear<T> {
        let (weight, bias) = (weight.into(), bias.into());
        if weight.rank() != 2 {
            let found = weight.shape().dims();
            Error::Rank { op: "linear", expected: "a matrix of weights", found }.panic();
        }
        let outputs = weight.shape()[0];
        if *bias.shape() != [outputs] {
            Error::Shape { op: "linear", expected: vec![outputs], found: bias.shape().dims() }.panic();
        }
        Linear { weight: Param::new(weight), bias: Some(Param::new(bias)) }
    }

    /// Refuses inputs without an axis, or of another width.
    pub(crate) fn check(&self, x: &Shape) -> Result<(), Error> {
        let (op, inputs) = ("linear", self.weight.value().shape()[1]);
        match x.last() {
            None => Err(Error::Rank { op, expected: "an input of rank 1 or more", found: x.dims() }),
            Some(&width) if width != inputs => {
                Err(Error::Shape { op, expected: with_last(x, inputs), found: x.dims() })
            }
            Some(_) => Ok(()),
        }
    }

    /// Removes the bias: `Y = X · Wᵀ`.
    pub fn without_bias(self) -> Linear<T> {
        Linear { bias: None, ..self }
    }
}

/// A shape with another extent of the last axis.
fn with_last(shape: &Shape, extent: usize) -> Vec<usize> {
    let mut dims = shape.dims();
    if let Some(last) = dims.last_mut() {
        *last = extent;
    }
    dims
}

/// `x · Wᵀ + b`, or without a bias `x · Wᵀ`.
#[track_caller]
pub(crate) fn affine<'t, T: Element>(x: Var<'t, T>, w: Var<'t, T>, b: Option<Var<'t, T>>) -> Var<'t, T> {
    match b {
        Some(b) => x.linear(w, b),
        None => x.matmul(w.transpose()),
    }
}

impl<T: Element> Module<T> for Linear<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        let shape = x.shape();
        if !cx.accepts(Some(&self.weight), self.check(&shape)) {
            let outputs = self.weight.value().shape()[0];
            return x.tape().constant(Tensor::zeros(with_last(&shape, outputs)));
        }
        affine(x, self.weight.on(x.tape()), recorded(&self.bias, x.tape()))
    }

    fn as_linear(&self) -> Option<&Linear<T>> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tape::Tape;

    #[test]
    fn without_a_bias_there_is_only_the_product() {
        let layer = Linear::from_values([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [9.0; 3]).without_bias();
        assert_eq!(layer.named_parameters().len(), 1);
        let tape = Tape::new();
        let x = tape.var([[1.0, 10.0]]);
        let y = layer.forward(x, &mut Context::eval());
        assert_eq!(y.value(), Tensor::from([[21.0, 43.0, 65.0]]));
        let grads = y.vjp([[1.0, 0.0, 2.0]]);
        assert_eq!(grads.wrt(x), Tensor::from([[11.0, 14.0]]));
        assert_eq!(grads.of(&layer.weight), Tensor::from([[1.0, 10.0], [0.0, 0.0], [2.0, 20.0]]));
    }

    #[test]
    #[should_panic(expected = "linear: expected shape [3], found [2]")]
    fn there_is_one_bias_for_each_row_of_weights() {
        Linear::from_values([[1.0], [2.0], [3.0]], [0.0, 0.0]);
    }
}
