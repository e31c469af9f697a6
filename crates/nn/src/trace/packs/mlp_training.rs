//! A text that starts from likelihoods.

use super::{Formulas, Pack};

impl Pack {
    /// A text on maximum likelihood: `y` is the output, `t` the target, and a gradient has three factors.
    pub const MLP_TRAINING: Pack = Pack {
        name: "mlp-training",
        conventions: &[
            "y is the output and t the target; layers from 1, y0 is the input; w is (destination, source)",
            "Δ is the gradient with respect to y, δ = Δ ∘ φ'(z), and a gradient of weights has the three factors Δ, φ', y",
            "one sample per column; the mean is taken last: Δ and δ are without its divisor",
            "equation numbers are those of nn::by_hand",
        ],
        columns: true,
        constant_input: false,
        aggregated: true,
        mean_last: true,
        first_weight: 1,
        first_layer: 1,
        input: "y0",
        target: "t",
        letters: ["z", "y", "w", "b"],
        formulas: Formulas {
            loss: "{mean}Δ{l}, Δ{l} = {loss}",
            output: "{mean}δ{l}, δ{l} = Δ{l} ∘ {slope}",
            softmax: "{mean}δ{l}, δ{l} = J(y{l})ᵀ Δ{l}, J = diag(y) - y yᵀ",
            aggregated: "{mean}Δ{l}, Δ{l} = w{wn}ᵀ δ{n}",
            hidden: "{mean}δ{l}, δ{l} = Δ{l} ∘ {slope}",
            weight: "{mean}(Δ{l} ∘ φ'(z{l})) {ap}ᵀ",
            bias: "{mean}(Δ{l} ∘ φ'(z{l})), summed over samples",
            input: "{mean}w{wl}ᵀ δ{l}",
        },
    };
}
