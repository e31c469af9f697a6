//! A text on networks of vertices.

use super::{Formulas, Pack};

impl Pack {
    /// A text on layers of vertices: one sample per column, a constant input in place of biases.
    pub const TRAIN_A_NETWORK: Pack = Pack {
        name: "train-a-network",
        conventions: &[
            "layers of vertices from 0: o0 is the input; W has the index of its source layer and is (destination, source)",
            "no biases: each layer has a further vertex that is constant 1, whose weights are the last column of W",
            "one sample per column; the gradient with respect to z has no name of its own: it is ∂o ∘ a'(z)",
            "equation numbers are those of nn::by_hand",
        ],
        columns: true,
        constant_input: true,
        aggregated: true,
        mean_last: false,
        first_weight: 0,
        first_layer: 1,
        input: "o0",
        target: "ẙ",
        letters: ["z", "o", "W", "b"],
        formulas: Formulas {
            loss: "{loss}",
            output: "∂o{l} ∘ {slope}",
            softmax: "J(o{l})ᵀ ∂o{l}, J = diag(o) - o oᵀ",
            aggregated: "W{wn}ᵀ ∂z{n}, without the constant vertex",
            hidden: "∂o{l} ∘ {slope}",
            weight: "∂z{l} ({ap}, 1)ᵀ",
            bias: "",
            input: "W{wl}ᵀ ∂z{l}, without the constant vertex",
        },
    };
}
