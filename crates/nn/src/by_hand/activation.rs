//! Equation (2) and the derivatives of the activation functions.

use super::equations::{output_delta, softmax_delta};
use tape::{Element, Tensor};

/// An activation function, with its textbook derivative.
///
/// | | `a = g(z)` | `g'(z)` |
/// |---|---|---|
/// | `Identity` | `z` | 1 |
/// | `Sigmoid` | `σ(z) = 1 / (1 + e⁻ᶻ)` | `a (1 - a)` |
/// | `SigmoidScaled` | `σ(k z + c)` | `k a (1 - a)` |
/// | `Tanh` | `2 σ(2z) - 1` | `1 - a²` |
/// | `Relu` | `max(z, 0)` | 1 where `z > 0`, else 0 |
/// | `LeakyRelu` | `z` where `z > 0`, else `k z` | 1 where `z > 0`, else `k` |
/// | `Softmax` | `eᶻⁱ / Σ eᶻʲ` of each row | the Jacobian `aᵢ (δᵢⱼ - aⱼ)` |
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `z`.
    Identity,
    /// The logistic function.
    Sigmoid,
    /// The logistic function of `slope · z + offset`; with offset 0 the slope-k sigmoid.
    SigmoidScaled {
        /// The factor `k` of the input.
        slope: f64,
        /// The term `c` added to it.
        offset: f64,
    },
    /// The hyperbolic tangent.
    Tanh,
    /// The rectifier.
    Relu,
    /// The rectifier with a slope below 0.
    LeakyRelu {
        /// The derivative for negative inputs.
        slope: f64,
    },
    /// The softmax of each row; for output layers.
    Softmax,
}

impl Activation {
    /// Equation (2): `A = g(Z)`.
    ///
    /// ```
    /// use nn::by_hand::Activation;
    /// use tape::Tensor;
    /// let z = Tensor::from([[0.0, 0.0]]);
    /// assert_eq!(Activation::Sigmoid.value(&z), Tensor::from([[0.5, 0.5]]));
    /// assert_eq!(Activation::Softmax.value(&z), Tensor::from([[0.5, 0.5]]));
    /// ```
    pub fn value<T: Element>(self, z: &Tensor<T>) -> Tensor<T> {
        let number = T::from_f64;
        match self {
            Activation::Identity => z.clone(),
            Activation::Sigmoid => z.map_elements(sigmoid),
            Activation::SigmoidScaled { slope, offset } => {
                z.map_elements(|z| sigmoid(number(slope) * z + number(offset)))
            }
            Activation::Tanh => z.map_elements(|z| z.tanh()),
            Activation::Relu => z.map_elements(|z| if z > T::ZERO { z } else { T::ZERO }),
            Activation::LeakyRelu { slope } => {
                z.map_elements(|z| if z > T::ZERO { z } else { number(slope) * z })
            }
            Activation::Softmax => softmax(z),
        }
    }

    /// The elementwise derivative `g'(Z)` from `Z` and `A = g(Z)`; `None` for the softmax, which has a Jacobian.
    ///
    /// ```
    /// use nn::by_hand::Activation;
    /// use tape::Tensor;
    /// let (z, a) = (Tensor::from([[0.0]]), Tensor::from([[0.5]]));
    /// assert_eq!(Activation::Sigmoid.derivative(&z, &a), Some(Tensor::from([[0.25]])));
    /// ```
    pub fn derivative<T: Element>(self, z: &Tensor<T>, a: &Tensor<T>) -> Option<Tensor<T>> {
        let (zero, one, number) = (T::ZERO, T::ONE, T::from_f64);
        Some(match self {
            Activation::Identity => Tensor::ones(z.shape()),
            Activation::Sigmoid => a.map_elements(|a| a * (one - a)),
            Activation::SigmoidScaled { slope, .. } => a.map_elements(|a| number(slope) * a * (one - a)),
            Activation::Tanh => a.map_elements(|a| one - a * a),
            Activation::Relu => z.map_elements(|z| if z > zero { one } else { zero }),
            Activation::LeakyRelu { slope } => z.map_elements(|z| if z > zero { one } else { number(slope) }),
            Activation::Softmax => return None,
        })
    }

    /// `∂ℓ/∂Z` from `∂ℓ/∂A`: equation (3), or (4) for the softmax.
    ///
    /// ```
    /// use nn::by_hand::Activation;
    /// use tape::Tensor;
    /// let (z, a) = (Tensor::from([[0.0]]), Tensor::from([[0.0]]));
    /// assert_eq!(Activation::Tanh.delta(&Tensor::from([[3.0]]), &z, &a), Tensor::from([[3.0]]));
    /// ```
    #[track_caller]
    pub fn delta<T: Element>(self, loss_gradient: &Tensor<T>, z: &Tensor<T>, a: &Tensor<T>) -> Tensor<T> {
        match self.derivative(z, a) {
            Some(slope) => output_delta(loss_gradient, &slope),
            None => softmax_delta(loss_gradient, a),
        }
    }
}

/// `1 / (1 + e⁻ᶻ)`, computed as `eᶻ / (1 + eᶻ)` for negative `z` to avoid overflow.
fn sigmoid<T: Element>(z: T) -> T {
    let e = (-z.abs()).exp();
    if z < T::ZERO { e / (T::ONE + e) } else { T::ONE / (T::ONE + e) }
}

/// `eᶻⁱ / Σ eᶻʲ` of each row, after subtracting the largest element.
fn softmax<T: Element>(z: &Tensor<T>) -> Tensor<T> {
    let mut s = z.clone();
    let columns = z.shape().last().copied().unwrap_or(1).max(1);
    for row in s.as_mut_slice().chunks_exact_mut(columns) {
        let largest = row.iter().fold(T::NEG_INFINITY, |m, &z| if z > m { z } else { m });
        row.iter_mut().for_each(|z| *z = (*z - largest).exp());
        let sum: T = row.iter().copied().sum();
        row.iter_mut().for_each(|s| *s /= sum);
    }
    s
}
