//! A textbook's chapter on backpropagation.

use super::{Formulas, Pack};

impl Pack {
    /// A textbook's chapter: one sample per column, layers from 0.
    pub const CHAPTER_8: Pack = Pack {
        name: "chapter-8",
        conventions: &[
            "one sample per column: z, a, δ are units x N; W is (destination, source); layers from 0",
            "δ is the gradient with respect to z; ȳ with a bar is the target",
            "equation numbers are those of nn::by_hand",
        ],
        columns: true,
        constant_input: false,
        aggregated: false,
        mean_last: false,
        first_weight: 0,
        first_layer: 0,
        input: "x",
        target: "ȳ",
        letters: ["z", "a", "W", "b"],
        formulas: Formulas {
            loss: "{loss}",
            output: "∂a{l} ∘ {slope}",
            softmax: "J(a{l})ᵀ ∂a{l}, J = diag(a) - a aᵀ",
            aggregated: "W{wn}ᵀ δ{n}",
            hidden: "(W{wn}ᵀ δ{n}) ∘ {slope}",
            weight: "δ{l} {ap}ᵀ",
            bias: "δ{l}, summed over samples",
            input: "W{wl}ᵀ δ{l}",
        },
    };
}
