//! The templates of a notation, filled in.

use super::packs::Pack;
use crate::by_hand::Activation;
use crate::loss::{Loss, LossFunction, Reduction};

/// A layer of a network, counted from 1, in the notation of a pack.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) pack: &'a Pack,
    pub(super) layer: usize,
}

impl Names<'_> {
    /// The index of the layer, and of others relative to it.
    fn index(self, ahead: isize) -> String {
        (self.pack.first_layer as isize + self.layer as isize - 1 + ahead).to_string()
    }

    fn weight_index(self, ahead: usize) -> String {
        (self.pack.first_weight + self.layer - 1 + ahead).to_string()
    }

    /// The name of the pre-activation.
    pub(super) fn z(self) -> String {
        format!("{}{}", self.pack.letters[0], self.index(0))
    }

    /// The name of the activation; that of layer 0 is the input.
    pub(super) fn a(self) -> String {
        match self.layer {
            0 => self.pack.input.to_string(),
            _ => format!("{}{}", self.pack.letters[1], self.index(0)),
        }
    }

    pub(super) fn w(self) -> String {
        format!("{}{}", self.pack.letters[2], self.weight_index(0))
    }

    pub(super) fn b(self) -> String {
        format!("{}{}", self.pack.letters[3], self.weight_index(0))
    }

    fn before(self) -> Self {
        Names { layer: self.layer - 1, ..self }
    }

    /// A template with the names of this layer. `activation` and `loss` are those of the network.
    pub(super) fn fill(
        self,
        template: &str,
        activation: Activation,
        activation_before: bool,
        loss: Loss,
    ) -> String {
        // Where an activation is the identity, its result is the pre-activation.
        let output = if activation == Activation::Identity { self.z() } else { self.a() };
        let before = match self.layer {
            1 => self.before().a(),
            _ if activation_before => self.before().a(),
            _ => self.before().z(),
        };
        let filled = template
            .replace("{loss}", &loss_gradient(loss, &output, self.pack.target, !self.pack.mean_last))
            .replace("{slope}", &slope(activation, &self.z(), &output))
            .replace("{mean}", &mean(loss))
            .replace("{ap}", &before)
            .replace("{a}", &output)
            .replace("{l}", &self.index(0))
            .replace("{p}", &self.index(-1))
            .replace("{n}", &self.index(1))
            .replace("{wl}", &self.weight_index(0))
            .replace("{wn}", &self.weight_index(1));
        // A slope of 1 is not written.
        filled.replace(" ∘ 1", "")
    }
}

/// The derivative of an activation function.
fn slope(activation: Activation, z: &str, a: &str) -> String {
    match activation {
        Activation::Identity => "1".to_string(),
        Activation::Sigmoid => format!("{a} ∘ (1 - {a})"),
        Activation::SigmoidScaled { slope, .. } => format!("{slope} {a} ∘ (1 - {a})"),
        Activation::Tanh => format!("(1 - {a}²)"),
        Activation::Relu => format!("[{z} > 0]"),
        Activation::LeakyRelu { slope } => format!("[1 if {z} > 0 else {slope}]"),
        Activation::Softmax => "J".to_string(),
    }
}

/// `1/N ` for a mean over samples, `1/(N m) ` for one over elements.
fn mean(loss: Loss) -> String {
    match divisor(loss) {
        "" => String::new(),
        divisor => format!("1/{divisor} "),
    }
}

fn divisor(loss: Loss) -> &'static str {
    use LossFunction::{CrossEntropyWithLogits, CrossEntropyWithProbabilities};
    match (loss.reduction, loss.function) {
        (Reduction::Sum, _) => "",
        (Reduction::MeanOverSamples, _)
        | (Reduction::Mean, CrossEntropyWithLogits | CrossEntropyWithProbabilities) => "N",
        (Reduction::Mean, _) => "(N m)",
    }
}

/// The derivative of the loss by the outputs `a`, with or without its divisor.
fn loss_gradient(loss: Loss, a: &str, y: &str, divided: bool) -> String {
    let (function, factor) = match loss.function {
        LossFunction::SquaredError => (format!("{a} - {y}"), if loss.half { "" } else { "2 " }),
        LossFunction::AbsoluteError => (format!("sign({a} - {y})"), half(loss)),
        LossFunction::BinaryCrossEntropyWithProbabilities => {
            (format!("({a} - {y}) / ({a} (1 - {a}))"), half(loss))
        }
        LossFunction::CrossEntropyWithProbabilities => (format!("-{y} / {a}"), half(loss)),
        LossFunction::BinaryCrossEntropyWithLogits => (format!("σ({a}) - {y}"), half(loss)),
        LossFunction::CrossEntropyWithLogits => (format!("softmax({a}) - {y}"), half(loss)),
    };
    match divisor(loss) {
        "" if factor.is_empty() => function,
        "" => format!("{factor}({function})"),
        divisor if divided => format!("{factor}({function}) / {divisor}"),
        _ => format!("{factor}({function})"),
    }
}

fn half(loss: Loss) -> &'static str {
    if loss.half { "½ " } else { "" }
}
