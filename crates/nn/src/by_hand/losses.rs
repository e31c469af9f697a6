//! Values of the losses and their gradients with respect to the predictions, as in the table of
//! [`loss`](crate::loss).

use super::activation::Activation;
use super::equations::samples;
use crate::loss::{Loss, LossFunction, Reduction};
use tape::{Element, Tensor};

/// The value of a loss of predictions `a` (logits, for the losses from logits) against targets `y`.
///
/// ```
/// use nn::loss::LossFunction;
/// use nn::by_hand::loss_value;
/// use tape::Tensor;
/// let (a, y) = (Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), Tensor::from([[0.0, 2.0, 5.0], [4.0, 8.0, 2.0]]));
/// assert_eq!(loss_value(LossFunction::SquaredError.mean(), &a, &y), 5.0);
/// assert_eq!(loss_value(LossFunction::SquaredError.mean_over_samples().half(), &a, &y), 7.5);
/// ```
///
/// # Panics
/// If the shapes differ in a way that does not broadcast.
#[track_caller]
pub fn loss_value<T: Element>(loss: Loss, a: &Tensor<T>, y: &Tensor<T>) -> T {
    let sum = match loss.function {
        LossFunction::SquaredError => (a - y).map_elements(|e| e * e).sum(),
        LossFunction::AbsoluteError => (a - y).map_elements(|e| e.abs()).sum(),
        LossFunction::BinaryCrossEntropyWithProbabilities => bits(a, y),
        LossFunction::BinaryCrossEntropyWithLogits => {
            // max(z, 0) - z y + ln(1 + e^-|z|)
            let rest = a.map_elements(|z| (if z > T::ZERO { z } else { T::ZERO }) + (-z.abs()).exp().log1p());
            rest.sum() - (a * y).sum()
        }
        LossFunction::CrossEntropyWithProbabilities => -(y * &a.map_elements(|a| a.ln())).sum(),
        LossFunction::CrossEntropyWithLogits => {
            // Per row: (largest + ln Σ e^(z - largest)) Σ y - Σ y z
            let largest = a.max_axes(1, true);
            let sums = (a - &largest).map_elements(|z| z.exp()).sum_axes(1, true);
            let logs = &largest + &sums.map_elements(|s| s.ln());
            (&logs * &y.sum_axes(1, true)).sum() - (a * y).sum()
        }
    };
    factor::<T>(loss) * sum / divisor(loss, a)
}

/// The factor of the loss: ½ or 1.
fn factor<T: Element>(loss: Loss) -> T {
    if loss.half { T::from_f64(0.5) } else { T::ONE }
}

/// The divisor of the reduction: 1, `N`, or the number of losses.
fn divisor<T: Element>(loss: Loss, a: &Tensor<T>) -> T {
    use LossFunction::{CrossEntropyWithLogits, CrossEntropyWithProbabilities};
    match (loss.reduction, loss.function) {
        (Reduction::Sum, _) => T::ONE,
        (Reduction::MeanOverSamples, _)
        | (Reduction::Mean, CrossEntropyWithLogits | CrossEntropyWithProbabilities) => samples(a),
        (Reduction::Mean, _) => T::from_usize(a.size().max(1)),
    }
}

/// `Σ -[Y ln A + (1 - Y) ln(1 - A)]`.
fn bits<T: Element>(a: &Tensor<T>, y: &Tensor<T>) -> T {
    let one = T::ONE;
    let yes = (y * &a.map_elements(|a| a.ln())).sum();
    let no = (&y.map_elements(|y| one - y) * &a.map_elements(|a| (one - a).ln())).sum();
    -(yes + no)
}

/// `∂ℓ/∂A`, the gradient of a loss with respect to the predictions (the logits, for the losses from logits).
///
/// ```
/// use nn::loss::LossFunction;
/// use nn::by_hand::loss_gradient;
/// use tape::Tensor;
/// let (a, y) = (Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), Tensor::from([[0.0, 2.0, 5.0], [4.0, 8.0, 2.0]]));
/// let gradient = loss_gradient(LossFunction::SquaredError.mean_over_samples().half(), &a, &y);
/// assert_eq!(gradient, Tensor::from([[0.5, 0.0, -1.0], [0.0, -1.5, 2.0]]));
/// ```
///
/// # Panics
/// If the shapes differ in a way that does not broadcast.
#[track_caller]
pub fn loss_gradient<T: Element>(loss: Loss, a: &Tensor<T>, y: &Tensor<T>) -> Tensor<T> {
    let (factor, divisor) = (factor::<T>(loss), divisor(loss, a));
    let error = a - y;
    match loss.function {
        LossFunction::SquaredError => error * (T::from_f64(2.0) * factor / divisor),
        LossFunction::AbsoluteError => {
            let sign = error.map_elements(|e| match e.partial_cmp(&T::ZERO) {
                Some(std::cmp::Ordering::Greater) => T::ONE,
                Some(std::cmp::Ordering::Less) => -T::ONE,
                _ => e,
            });
            sign * factor / divisor
        }
        LossFunction::BinaryCrossEntropyWithProbabilities => {
            &error / &a.map_elements(|a| a * (T::ONE - a)) * factor / divisor
        }
        LossFunction::CrossEntropyWithProbabilities => y / a * factor / -divisor,
        LossFunction::BinaryCrossEntropyWithLogits => (&Activation::Sigmoid.value(a) - y) * factor / divisor,
        LossFunction::CrossEntropyWithLogits => {
            (&(&Activation::Softmax.value(a) * &y.sum_axes(1, true)) - y) * factor / divisor
        }
    }
}
