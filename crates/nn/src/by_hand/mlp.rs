//! The equations combined: a multilayer perceptron of any depth and width.

use super::activation::Activation;
use super::equations::{bias_gradient, hidden_delta, input_gradient, weight_gradient, weighted_input};
use super::losses::{loss_gradient, loss_value};
use crate::loss::Loss;
use tape::{Element, Error, Tensor};

/// One layer: `A = g(A_prev Wᵀ + 1 bᵀ)`.
#[derive(Clone, Debug)]
pub struct Layer<T: Element = f64> {
    /// `W`, `[out, in]`.
    pub weight: Tensor<T>,
    /// `b`, `[out]`.
    pub bias: Tensor<T>,
    /// `g`; [`Activation::Softmax`] in the last layer only.
    pub activation: Activation,
}

/// A multilayer perceptron.
///
/// ```
/// use nn::by_hand::{Activation, Layer, Mlp};
/// use nn::loss::LossFunction;
/// use tape::Tensor;
/// let layer = |w: Tensor, b: Tensor| Layer { weight: w, bias: b, activation: Activation::Identity };
/// let net = Mlp { layers: vec![layer([[2.0]].into(), [1.0].into()), layer([[3.0]].into(), [0.0].into())] };
/// let (x, y) = (Tensor::from([[5.0]]), Tensor::from([[30.0]]));
/// let forward = net.forward(&x);
/// assert_eq!(forward.output(), &Tensor::from([[33.0]]));
/// let backward = net.backward(&forward, &y, LossFunction::SquaredError.sum().half());
/// assert_eq!(backward.loss, 4.5);
/// assert_eq!(backward.weights, [Tensor::from([[45.0]]), Tensor::from([[33.0]])]);
/// assert_eq!(backward.biases, [Tensor::from([9.0]), Tensor::from([3.0])]);
/// assert_eq!(backward.input, Tensor::from([[18.0]]));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Mlp<T: Element = f64> {
    /// The layers, from the input to the output.
    pub layers: Vec<Layer<T>>,
}

/// The result of a forward pass.
#[derive(Clone, Debug)]
pub struct Forward<T: Element = f64> {
    /// `Z¹ .. Zᴸ`, the weighted inputs.
    pub z: Vec<Tensor<T>>,
    /// `A⁰ .. Aᴸ`, the activations; `A⁰` is the input, so `a[i]` enters layer `i` and `a[i + 1]` leaves it.
    pub a: Vec<Tensor<T>>,
}

impl<T: Element> Forward<T> {
    /// `Aᴸ`, or the input if there are no layers.
    pub fn output(&self) -> &Tensor<T> {
        &self.a[self.a.len() - 1]
    }
}

/// The result of a backward pass, layer by layer.
#[derive(Clone, Debug)]
pub struct Backward<T: Element = f64> {
    /// `ℓ`.
    pub loss: T,
    /// `D¹ .. Dᴸ`.
    pub deltas: Vec<Tensor<T>>,
    /// `∂ℓ/∂W¹ .. ∂ℓ/∂Wᴸ`.
    pub weights: Vec<Tensor<T>>,
    /// `∂ℓ/∂b¹ .. ∂ℓ/∂bᴸ`.
    pub biases: Vec<Tensor<T>>,
    /// `∂ℓ/∂X`.
    pub input: Tensor<T>,
}

impl<T: Element> Mlp<T> {
    /// Equations (1) and (2) from the first layer to the last, for inputs `x` `[N, n_0]`.
    ///
    /// # Panics
    /// If the widths do not match.
    #[track_caller]
    pub fn forward(&self, x: &Tensor<T>) -> Forward<T> {
        let mut forward = Forward { z: Vec::new(), a: vec![x.clone()] };
        for layer in &self.layers {
            let z = weighted_input(forward.output(), &layer.weight, &layer.bias);
            forward.a.push(layer.activation.value(&z));
            forward.z.push(z);
        }
        forward
    }

    /// Equations (3) to (8) from the last layer to the first, for targets `y` of the shape of the output.
    ///
    /// # Panics
    /// If the targets have another shape, or a hidden layer is a softmax.
    #[track_caller]
    pub fn backward(&self, forward: &Forward<T>, y: &Tensor<T>, loss: Loss) -> Backward<T> {
        let output = forward.output();
        if y.shape() != output.shape() {
            let (expected, found) = (output.shape().dims(), y.shape().dims());
            Error::Shape { op: "by_hand", expected, found }.panic();
        }
        let mut deltas: Vec<Tensor<T>> = Vec::new();
        let mut loss_by_a = loss_gradient(loss, output, y);
        // (3) or (4) at the output, then (5) downwards; collected from the last layer to the first.
        for (i, layer) in self.layers.iter().enumerate().rev() {
            let (z, a) = (&forward.z[i], &forward.a[i + 1]);
            deltas.push(match (deltas.last(), layer.activation.derivative(z, a)) {
                (None, _) => layer.activation.delta(&loss_by_a, z, a),
                (Some(d_next), Some(slope)) => hidden_delta(d_next, &self.layers[i + 1].weight, &slope),
                (Some(_), None) => {
                    let reason = format!("layer {i} is a softmax, but only the last layer may be one");
                    Error::Invalid { op: "by_hand", reason }.panic()
                }
            });
        }
        deltas.reverse();
        if let (Some(d_first), Some(first)) = (deltas.first(), self.layers.first()) {
            loss_by_a = input_gradient(d_first, &first.weight);
        }
        Backward {
            loss: loss_value(loss, output, y),
            weights: deltas.iter().zip(&forward.a).map(|(d, a_prev)| weight_gradient(d, a_prev)).collect(),
            biases: deltas.iter().map(bias_gradient).collect(),
            input: loss_by_a,
            deltas,
        }
    }

    /// One step of gradient descent, all layers at once: `W ← W - η ∂ℓ/∂W`, `b ← b - η ∂ℓ/∂b`.
    pub fn gradient_step(&mut self, gradients: &Backward<T>, learning_rate: f64) {
        let rate = T::from_f64(learning_rate);
        for (i, layer) in self.layers.iter_mut().enumerate() {
            layer.weight = &layer.weight - &(&gradients.weights[i] * rate);
            layer.bias = &layer.bias - &(&gradients.biases[i] * rate);
        }
    }
}
