//! A guide that takes the reader through the matrices of a batch.

use super::{Formulas, Pack};

impl Pack {
    /// A guide to batches: one sample per row, 1/N behind the sums over samples.
    pub const WALK_THROUGH: Pack = Pack {
        name: "walk-through",
        conventions: &[
            "one sample per row: Z, A are N x units; W is (out, in); layers from 1, A0 is the input",
            "the mean is taken last: ∂A and ∂Z are without its divisor, gradients of W and b are divided by it",
            "equation numbers are those of nn::by_hand",
        ],
        columns: false,
        constant_input: false,
        aggregated: false,
        mean_last: true,
        first_weight: 1,
        first_layer: 1,
        input: "A0",
        target: "Y",
        letters: ["Z", "A", "W", "b"],
        formulas: Formulas {
            loss: "{mean}{loss}",
            output: "{mean}∂Z{l}, ∂Z{l} = ∂A{l} ∘ {slope}",
            softmax: "{mean}∂Z{l}, ∂Z{l} = A{l} ∘ (∂A{l} - rowsum(∂A{l} ∘ A{l}))",
            aggregated: "∂Z{n} W{wn}",
            hidden: "{mean}∂Z{l}, ∂Z{l} = (∂Z{n} W{wn}) ∘ {slope}",
            weight: "{mean}∂Z{l}ᵀ {ap}",
            bias: "{mean}column sums of ∂Z{l}",
            input: "{mean}∂Z{l} W{wl}",
        },
    };
}
