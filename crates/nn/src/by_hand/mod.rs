//! Backpropagation by hand: the closed-form equations of the multilayer perceptron, one function each.
//!
//! Plain tensors, no tape. Tests compare the engine with these functions, and readers can check every number
//! of a derivation on paper against the engine.
//!
//! # Notation
//! Weight layers `l = 1..L`; `Wˡ` is `n_l x n_(l-1)`, indexed (destination, source); `bˡ` has `n_l` elements. A batch
//! has one sample per row: `X = A⁰` is `N x n_0`, and `Zˡ`, `Aˡ`, `Dˡ` are `N x n_l`. `ℓ` is the loss, `Dˡ = ∂ℓ/∂Zˡ`, `∘` the
//! elementwise product, `1` a column of ones, `g_l` the activation function of layer `l`.
//!
//! # Equations
//! | | one sample, a column | a batch, one sample per row | function |
//! |---|---|---|---|
//! | (1) | `zˡ = Wˡ aˡ⁻¹ + bˡ` | `Zˡ = Aˡ⁻¹ (Wˡ)ᵀ + 1 (bˡ)ᵀ` | [`weighted_input`] |
//! | (2) | `aˡ = g_l(zˡ)` | `Aˡ = g_l(Zˡ)` | [`Activation::value`] |
//! | (3) | `δᴸ = ∂ℓ/∂aᴸ ∘ g_L'(zᴸ)` | `Dᴸ = ∂ℓ/∂Aᴸ ∘ g_L'(Zᴸ)` | [`output_delta`] |
//! | (4) | `δᴸ = Jᵀ ∂ℓ/∂aᴸ`, `J = diag(s) - s sᵀ` | `Dᴸ = S ∘ (G - rowsum(G ∘ S) 1ᵀ)`, `G = ∂ℓ/∂Aᴸ` | [`softmax_delta`] |
//! | (5) | `δˡ = ((Wˡ⁺¹)ᵀ δˡ⁺¹) ∘ g_l'(zˡ)` | `Dˡ = (Dˡ⁺¹ Wˡ⁺¹) ∘ g_l'(Zˡ)` | [`hidden_delta`] |
//! | (6) | `∂ℓ/∂Wˡ = δˡ (aˡ⁻¹)ᵀ` | `(Dˡ)ᵀ Aˡ⁻¹` | [`weight_gradient`] |
//! | (7) | `∂ℓ/∂bˡ = δˡ` | `(Dˡ)ᵀ 1`, the column sums | [`bias_gradient`] |
//! | (8) | `∂ℓ/∂x = (W¹)ᵀ δ¹` | `D¹ W¹` | [`input_gradient`] |
//!
//! All normalisation is in `∂ℓ/∂Aᴸ` ([`loss_gradient`]); no `1/N` appears anywhere else. For matching
//! activation and loss, (3) and (4) simplify: [`sigmoid_bce_delta`] and [`softmax_cross_entropy_delta`].
//! Every delta is evaluated with the weights before the update, and the first layer's `Aˡ⁻¹` is the input
//! `X`.

mod activation;
mod equations;
mod losses;
mod mlp;

pub use activation::Activation;
pub use equations::{
    bias_gradient, hidden_delta, input_gradient, output_delta, sigmoid_bce_delta,
    softmax_cross_entropy_delta, softmax_delta, weight_gradient, weighted_input,
};
pub use losses::{loss_gradient, loss_value};
pub use mlp::{Backward, Forward, Layer, Mlp};

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_here_uses_the_tape() {
        let files = [
            include_str!("activation.rs"),
            include_str!("equations.rs"),
            include_str!("losses.rs"),
            include_str!("mlp.rs"),
        ];
        for line in files.iter().flat_map(|file| file.lines()).filter(|line| !line.trim().starts_with("//")) {
            let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric()).collect();
            let forbidden = ["Tape", "Var", "Scalar", "backward_all"];
            assert!(!forbidden.iter().any(|word| words.contains(word)), "{line}");
        }
    }
}
