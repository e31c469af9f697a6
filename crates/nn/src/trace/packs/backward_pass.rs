//! A text on the delta rule.

use super::{Formulas, Pack};

impl Pack {
    /// A text on the plain delta rule: one sample per column, the input is layer 1, a squared error without ½.
    pub const BACKWARD_PASS: Pack = Pack {
        name: "backward-pass",
        conventions: &[
            "one sample per column; W is (destination, source); the input is layer 1, and W has the index of its destination",
            "E is the squared error without 1/2, so δ has a factor 2",
            "equation numbers are those of nn::by_hand",
        ],
        columns: true,
        constant_input: false,
        aggregated: false,
        mean_last: false,
        first_weight: 2,
        first_layer: 2,
        input: "a1",
        target: "y",
        letters: ["z", "a", "W", "b"],
        formulas: Formulas {
            loss: "{loss}",
            output: "∂a{l} ∘ σ'(z{l}), σ'(z{l}) = {slope}",
            softmax: "J(a{l})ᵀ ∂a{l}, J = diag(a) - a aᵀ",
            aggregated: "W{wn}ᵀ δ{n}",
            hidden: "(W{wn}ᵀ δ{n}) ∘ σ'(z{l}), σ'(z{l}) = {slope}",
            weight: "δ{l} {ap}ᵀ",
            bias: "δ{l}, summed over samples",
            input: "W{wl}ᵀ δ{l}",
        },
    };
}
