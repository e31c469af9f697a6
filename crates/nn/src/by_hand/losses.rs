//! Values of the losses and their gradients with respect to the predictions, as in the table of
//! [`loss`](crate::loss).

use super::activation::Activation;
use super::equations::samples;
use crate::loss::Loss;
use tape::{Element, Tensor};

/// The value of a loss of predictions `a` (logits, for the losses from logits) against targets `y`.
///
/// ```
/// use nn::Loss;
/// use nn::by_hand::loss_value;
/// use tape::Tensor;
/// let (a, y) = (Tensor::from([[1.0, 2.0], [3.0, 4.0]]), Tensor::from([[0.0, 2.0], [3.0, 6.0]]));
/// assert_eq!(loss_value(Loss::HalfMse, &a, &y), 1.25);
/// ```
///
/// # Panics
/// If the shapes differ in a way that does not broadcast.
#[track_caller]
pub fn loss_value<T: Element>(loss: Loss, a: &Tensor<T>, y: &Tensor<T>) -> T {
    let number = T::from_f64;
    let squares = || (a - y).map_elements(|e| e * e).sum();
    let magnitudes = || (a - y).map_elements(|e| e.abs()).sum();
    let (n, nm) = (samples(a), T::from_usize(a.size().max(1)));
    match loss {
        Loss::HalfSse => number(0.5) * squares(),
        Loss::Sse => squares(),
        Loss::SampleMeanSe => squares() / n,
        Loss::HalfMse => squares() / (number(2.0) * n),
        Loss::Mse => squares() / nm,
        Loss::MaeSum => magnitudes(),
        Loss::Mae => magnitudes() / n,
        Loss::Bce => bits(a, y) / n,
        Loss::BceMean => bits(a, y) / nm,
        Loss::CrossEntropy => -(y * &a.map_elements(|a| a.ln())).sum() / n,
        Loss::BceFromLogits => {
            // max(z, 0) - z y + ln(1 + e^-|z|)
            let rest = a.map_elements(|z| (if z > T::ZERO { z } else { T::ZERO }) + (-z.abs()).exp().log1p());
            (rest.sum() - (a * y).sum()) / n
        }
        Loss::CrossEntropyFromLogits => {
            // Per row: (largest + ln Σ e^(z - largest)) Σ y - Σ y z
            let largest = a.max_axes(1, true);
            let sums = (a - &largest).map_elements(|z| z.exp()).sum_axes(1, true);
            let logs = &largest + &sums.map_elements(|s| s.ln());
            ((&logs * &y.sum_axes(1, true)).sum() - (a * y).sum()) / n
        }
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
/// use nn::Loss;
/// use nn::by_hand::loss_gradient;
/// use tape::Tensor;
/// let (a, y) = (Tensor::from([[1.0, 2.0], [3.0, 4.0]]), Tensor::from([[0.0, 2.0], [3.0, 6.0]]));
/// assert_eq!(loss_gradient(Loss::HalfMse, &a, &y), Tensor::from([[0.5, 0.0], [0.0, -1.0]]));
/// ```
///
/// # Panics
/// If the shapes differ in a way that does not broadcast.
#[track_caller]
pub fn loss_gradient<T: Element>(loss: Loss, a: &Tensor<T>, y: &Tensor<T>) -> Tensor<T> {
    let (one, two) = (T::ONE, T::from_f64(2.0));
    let (n, nm) = (samples(a), T::from_usize(a.size().max(1)));
    let error = a - y;
    let sign = || {
        error.map_elements(|e| match e.partial_cmp(&T::ZERO) {
            Some(std::cmp::Ordering::Greater) => T::ONE,
            Some(std::cmp::Ordering::Less) => -T::ONE,
            _ => e,
        })
    };
    let per_variance = || &error / &a.map_elements(|a| a * (one - a));
    match loss {
        Loss::HalfSse => error,
        Loss::Sse => error * two,
        Loss::SampleMeanSe => error * (two / n),
        Loss::HalfMse => error * (one / n),
        Loss::Mse => error * (two / nm),
        Loss::MaeSum => sign(),
        Loss::Mae => sign() / n,
        Loss::Bce => per_variance() / n,
        Loss::BceMean => per_variance() / nm,
        Loss::CrossEntropy => &(y / a) / -n,
        Loss::BceFromLogits => &(&Activation::Sigmoid.value(a) - y) / n,
        Loss::CrossEntropyFromLogits => &(&(&Activation::Softmax.value(a) * &y.sum_axes(1, true)) - y) / n,
    }
}
