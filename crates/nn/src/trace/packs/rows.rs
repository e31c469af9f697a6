//! The notation of [`by_hand`](crate::by_hand).

use super::{Formulas, Pack};

impl Pack {
    /// The notation of [`by_hand`](crate::by_hand): one sample per row, the mean in the gradient of the loss.
    pub const ROWS: Pack = Pack {
        name: "rows",
        conventions: &[
            "one sample per row: Z, A, D are N x units; W is (destination, source); layers from 1",
            "D is the gradient with respect to Z; every 1/N is in the gradient of the loss",
            "equations (3) to (8) are those of nn::by_hand",
        ],
        columns: false,
        constant_input: false,
        aggregated: false,
        mean_last: false,
        first_weight: 1,
        first_layer: 1,
        input: "X",
        target: "Y",
        letters: ["Z", "A", "W", "b"],
        formulas: Formulas {
            loss: "{loss}",
            output: "∂A{l} ∘ {slope}",
            softmax: "A{l} ∘ (∂A{l} - rowsum(∂A{l} ∘ A{l}))",
            aggregated: "D{n} W{wn}",
            hidden: "(D{n} W{wn}) ∘ {slope}",
            weight: "D{l}ᵀ {ap}",
            bias: "column sums of D{l}",
            input: "D{l} W{wl}",
        },
    };
}
