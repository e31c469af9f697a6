//! Layers, one family per file; [`Linear`](crate::Linear) and the activations without parameters are elsewhere.
//! The crate documentation has the table of all layers.

mod adaptive;
mod attention;
mod batch_norm;
mod bilinear;
mod conv;
mod conv3d;
mod conv_transpose;
mod dropout;
mod embedding;
mod flatten;
mod instance_norm;
mod learned;
mod norm;
mod pool;
pub(crate) mod recurrent;
mod residual;
mod resize;
mod transformer;

pub use adaptive::{AdaptiveAvgPool1d, AdaptiveMaxPool1d, AdaptiveMaxPool2d, AvgPool1d, MaxPool1d};
pub use attention::{MultiHeadAttention, padding_mask};
pub use batch_norm::{BatchNorm, BatchNorm1d, BatchNorm2d};
pub use bilinear::Bilinear;
pub use conv::{Conv1d, Conv2d};
pub use conv_transpose::ConvTranspose2d;
pub use conv3d::Conv3d;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use flatten::Flatten;
pub use instance_norm::InstanceNorm;
pub use learned::{LearnedSigmoid, PRelu};
pub use norm::{GroupNorm, LayerNorm, RmsNorm};
pub use pool::{AdaptiveAvgPool2d, AvgPool2d, MaxPool2d};
pub use recurrent::{Gru, GruCell, Lstm, LstmCell, Rnn, RnnCell};
pub use residual::Residual;
pub use resize::{Glu, PixelShuffle, PixelUnshuffle, Upsample};
pub use transformer::TransformerBlock;

use crate::Param;
use crate::init::{Fans, Init, UniformFanIn, check_size};
use rand::Rng;
use tape::{Element, Error, Op, Shape, Var};

/// Weights, and one bias for each output unit, from U(±1/√fan_in).
#[track_caller]
fn from_fan_in<T: Element>(
    layer: &'static str,
    weight: impl Into<Shape>,
    outputs: usize,
    fan_in: usize,
    rng: &mut (impl Rng + ?Sized),
) -> [Param<T>; 2] {
    check_size::<T>(layer, [outputs]);
    // The distribution does not depend on the number of outputs.
    let fans = Fans::new(fan_in, outputs);
    let weight = Param::new(UniformFanIn.tensor(weight, fans, rng));
    [weight, Param::new(UniformFanIn.tensor([outputs], fans, rng))]
}

/// Refuses groups that do not divide the channels.
#[track_caller]
fn check_groups(op: &'static str, groups: usize, channels: [usize; 2]) {
    if groups == 0 || channels.iter().any(|n| groups > (*n).max(1) || n % groups != 0) {
        let [inputs, outputs] = channels;
        let reason = format!("{groups} groups do not divide {inputs} input and {outputs} output channels");
        Error::Invalid { op, reason }.panic()
    }
}

/// Refuses an input whose axis 1 has another extent: a single channel would broadcast.
fn check_channels(op: &'static str, shape: &Shape, channels: usize) -> Result<(), Error> {
    if shape.get(1) != Some(&channels) {
        let reason = format!("expected {channels} channels on axis 1, found shape {shape:?}");
        return Err(Error::Invalid { op, reason });
    }
    Ok(())
}

/// Refuses an input that the operation of a layer does not take.
fn check_op<T: Element>(
    name: &'static str,
    op: impl Op<T>,
    x: &Var<'_, T>,
    weight: Option<&Param<T>>,
) -> Result<(), Error> {
    let x = x.shape();
    let shape = match weight {
        Some(weight) => op.shape(&[&x, weight.value().shape()]),
        None => op.shape(&[&x]),
    };
    shape.map(|_| ()).map_err(|error| error.named(name))
}
