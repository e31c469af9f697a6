//! The equations (1) and (3) to (8), in row-batch form.

use tape::{Element, Tensor};

/// Equation (1), the weighted input of a layer: `Zˡ = Aˡ⁻¹ (Wˡ)ᵀ + 1 (bˡ)ᵀ`.
///
/// # Shapes
/// `a_prev` `[N, n_(l-1)]`, `w` `[n_l, n_(l-1)]`, `b` `[n_l]`; the result is `[N, n_l]`.
///
/// ```
/// use nn::by_hand::weighted_input;
/// use tape::Tensor;
/// let (w, b) = (Tensor::from([[1.0, 2.0], [3.0, 4.0]]), Tensor::from([0.5, -0.5]));
/// let z = weighted_input(&Tensor::from([[1.0, 0.0], [1.0, 1.0]]), &w, &b);
/// assert_eq!(z, Tensor::from([[1.5, 2.5], [3.5, 6.5]]));
/// ```
///
/// # Panics
/// If the shapes are incompatible.
#[track_caller]
pub fn weighted_input<T: Element>(a_prev: &Tensor<T>, w: &Tensor<T>, b: &Tensor<T>) -> Tensor<T> {
    &a_prev.matmul(&w.transpose()) + b
}

/// Equation (3), the delta of an elementwise output layer: `Dᴸ = ∂ℓ/∂Aᴸ ∘ g_L'(Zᴸ)`.
///
/// # Shapes
/// `loss_gradient` = `∂ℓ/∂Aᴸ` and `slope` = `g_L'(Zᴸ)` are `[N, n_L]`, as is the result.
///
/// ```
/// use nn::by_hand::output_delta;
/// use tape::Tensor;
/// let d = output_delta(&Tensor::from([[2.0, -1.0]]), &Tensor::from([[0.25, 0.5]]));
/// assert_eq!(d, Tensor::from([[0.5, -0.5]]));
/// ```
///
/// # Panics
/// If the shapes differ in a way that does not broadcast.
#[track_caller]
pub fn output_delta<T: Element>(loss_gradient: &Tensor<T>, slope: &Tensor<T>) -> Tensor<T> {
    loss_gradient * slope
}

/// Equation (4), the delta of a softmax output layer: `Dᴸ = S ∘ (G - rowsum(G ∘ S) 1ᵀ)` with `G = ∂ℓ/∂Aᴸ` and
/// `S = Aᴸ`, which is `Jᵀ G` row by row with the Jacobian `J = diag(s) - s sᵀ`.
///
/// ```
/// use nn::by_hand::softmax_delta;
/// use tape::Tensor;
/// let s = Tensor::from([[0.25, 0.75]]);
/// assert_eq!(softmax_delta(&Tensor::from([[1.0, 0.0]]), &s), Tensor::from([[0.1875, -0.1875]]));
/// ```
///
/// # Panics
/// If the shapes differ in a way that does not broadcast.
#[track_caller]
pub fn softmax_delta<T: Element>(loss_gradient: &Tensor<T>, s: &Tensor<T>) -> Tensor<T> {
    let along = (loss_gradient * s).sum_axes(1, true);
    s * &(loss_gradient - &along)
}

/// Equation (3) for the sigmoid with slope `k` and the binary cross-entropy: `A (1 - A)` cancels and
/// `Dᴸ = k (A - Y) / N`.
///
/// ```
/// use nn::by_hand::sigmoid_bce_delta;
/// use tape::Tensor;
/// let d = sigmoid_bce_delta(&Tensor::from([[0.75], [0.5]]), &Tensor::from([[1.0], [0.0]]), 2.0);
/// assert_eq!(d, Tensor::from([[-0.25], [0.5]]));
/// ```
#[track_caller]
pub fn sigmoid_bce_delta<T: Element>(a: &Tensor<T>, y: &Tensor<T>, k: f64) -> Tensor<T> {
    &(a - y) * (T::from_f64(k) / samples(a))
}

/// Equation (4) for the categorical cross-entropy: `Dᴸ = (S - Y) / N`, if each row of `Y` sums to 1.
///
/// ```
/// use nn::by_hand::softmax_cross_entropy_delta;
/// use tape::Tensor;
/// let d = softmax_cross_entropy_delta(&Tensor::from([[0.25, 0.75]]), &Tensor::from([[1.0, 0.0]]));
/// assert_eq!(d, Tensor::from([[-0.75, 0.75]]));
/// ```
#[track_caller]
pub fn softmax_cross_entropy_delta<T: Element>(s: &Tensor<T>, y: &Tensor<T>) -> Tensor<T> {
    &(s - y) / samples(s)
}

/// Equation (5), the delta of a hidden layer: `Dˡ = (Dˡ⁺¹ Wˡ⁺¹) ∘ g_l'(Zˡ)`.
///
/// # Shapes
/// `d_next` `[N, n_(l+1)]`, `w_next` `[n_(l+1), n_l]` (as it was in the forward pass), `slope` and the result
/// `[N, n_l]`.
///
/// ```
/// use nn::by_hand::hidden_delta;
/// use tape::Tensor;
/// let w = Tensor::from([[1.0, 2.0, 3.0]]);
/// let d = hidden_delta(&Tensor::from([[2.0]]), &w, &Tensor::from([[0.5, 0.5, 1.0]]));
/// assert_eq!(d, Tensor::from([[1.0, 2.0, 6.0]]));
/// ```
///
/// # Panics
/// If the shapes are incompatible.
#[track_caller]
pub fn hidden_delta<T: Element>(d_next: &Tensor<T>, w_next: &Tensor<T>, slope: &Tensor<T>) -> Tensor<T> {
    &d_next.matmul(w_next) * slope
}

/// Equation (6), the gradient of the weights: `∂ℓ/∂Wˡ = (Dˡ)ᵀ Aˡ⁻¹`, a sum of outer products over samples.
///
/// # Shapes
/// `d` `[N, n_l]`, `a_prev` `[N, n_(l-1)]` (the input `X` in the first layer); the result is `[n_l, n_(l-1)]`.
///
/// ```
/// use nn::by_hand::weight_gradient;
/// use tape::Tensor;
/// let dw = weight_gradient(&Tensor::from([[1.0], [10.0]]), &Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
/// assert_eq!(dw, Tensor::from([[31.0, 42.0]]));
/// ```
///
/// # Panics
/// If the numbers of samples differ.
#[track_caller]
pub fn weight_gradient<T: Element>(d: &Tensor<T>, a_prev: &Tensor<T>) -> Tensor<T> {
    d.transpose().matmul(a_prev)
}

/// Equation (7), the gradient of the biases: `∂ℓ/∂bˡ = (Dˡ)ᵀ 1`, the column sums.
///
/// ```
/// use nn::by_hand::bias_gradient;
/// use tape::Tensor;
/// assert_eq!(bias_gradient(&Tensor::from([[1.0, 2.0], [3.0, 4.0]])), Tensor::from([4.0, 6.0]));
/// ```
#[track_caller]
pub fn bias_gradient<T: Element>(d: &Tensor<T>) -> Tensor<T> {
    d.sum_axes(0, false)
}

/// Equation (8), the gradient of the input: `∂ℓ/∂X = D¹ W¹`.
///
/// ```
/// use nn::by_hand::input_gradient;
/// use tape::Tensor;
/// let dx = input_gradient(&Tensor::from([[1.0, 10.0]]), &Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
/// assert_eq!(dx, Tensor::from([[31.0, 42.0]]));
/// ```
///
/// # Panics
/// If the shapes are incompatible.
#[track_caller]
pub fn input_gradient<T: Element>(d_first: &Tensor<T>, w_first: &Tensor<T>) -> Tensor<T> {
    d_first.matmul(w_first)
}

/// The number of samples `N`.
pub(super) fn samples<T: Element>(a: &Tensor<T>) -> T {
    T::from_usize(a.shape().first().copied().unwrap_or(1).max(1))
}
