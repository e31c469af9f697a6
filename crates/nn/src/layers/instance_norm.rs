//! Normalization of each channel of each sample.

use super::check_channels;
use crate::Parameters;
use crate::functional;
use crate::init::check_size;
use crate::module::{Context, Module};
use crate::param::{Param, recorded};
use crate::setting::{self, expect};
use tape::{Element, Error, Shape, Tensor, Var};

/// `y = (x - mean) / √(variance + eps)` with mean and biased variance over the axes behind the channels, for each sample and channel
/// on its own; on request with a scale and a shift for each channel. Ulyanov, Vedaldi and Lempitsky, 2016.
///
/// The statistics are those of the input in training and in evaluation: there are no running ones, as by default in PyTorch.
///
/// # Shapes
/// `x` `[batch, channels, ..]` with one axis or more behind the channels, `weight` and `bias` `[channels]`; the result has the
/// shape of `x`.
///
/// # Initial values
/// No `weight` and `bias`, or, with [`affine`](InstanceNorm::affine), 1 and 0; `eps` 1e-5.
///
/// ```
/// use nn::{Context, InstanceNorm, Module};
/// use tape::Tape;
/// let layer = InstanceNorm::new(2).affine().eps(3.0);
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 3.0], [10.0, 10.0]]]);
/// let y = layer.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [-0.5, 0.5, 0.0, 0.0]);
/// let grads = y.vjp([[[1.0, -1.0], [0.0, 2.0]]]);
/// assert_eq!(grads.wrt(x).slice(1, ..1).to_vec(), [0.375, -0.375]);
/// assert_eq!(grads.of(&layer.weight.unwrap()).to_vec(), [-1.0, 0.0]);
/// assert_eq!(grads.of(&layer.bias.unwrap()).to_vec(), [0.0, 2.0]);
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct InstanceNorm<T: Element = f64> {
    /// The scale of each channel.
    pub weight: Option<Param<T>>,
    /// The shift of each channel.
    pub bias: Option<Param<T>>,
    /// The term under the square root that keeps it from 0, finite and not negative.
    #[parameters(skip)]
    pub eps: f64,
    /// The number of channels.
    #[parameters(skip)]
    pub channels: usize,
}

impl<T: Element> InstanceNorm<T> {
    /// A layer for this many channels, without parameters.
    pub fn new(channels: usize) -> InstanceNorm<T> {
        InstanceNorm { weight: None, bias: None, eps: 1e-5, channels }
    }

    /// Adds the parameters.
    ///
    /// # Panics
    /// If there are too many parameters for the address space or for memory.
    #[track_caller]
    pub fn affine(self) -> InstanceNorm<T> {
        check_size::<T>("instance_norm", [self.channels]);
        let weight = Some(Param::new(Tensor::ones([self.channels])));
        let bias = Some(Param::new(Tensor::zeros([self.channels])));
        InstanceNorm { weight, bias, ..self }
    }

    /// Sets `eps`, the term under the square root that keeps it from 0.
    ///
    /// # Panics
    /// If it is negative, infinite or NaN.
    #[track_caller]
    pub fn eps(self, eps: f64) -> InstanceNorm<T> {
        expect(setting::not_negative("instance_norm", "epsilon", eps));
        InstanceNorm { eps, ..self }
    }

    /// Refuses an `eps` out of range, and inputs of another shape.
    fn check(&self, shape: &Shape) -> Result<(), Error> {
        setting::not_negative("instance_norm", "epsilon", self.eps)?;
        if shape.rank() < 3 {
            let expected = "[batch, channels, ..] with an axis behind them";
            return Err(Error::Rank { op: "instance_norm", expected, found: shape.dims() });
        }
        check_channels("instance_norm", shape, self.channels)
    }
}

impl<T: Element> Module<T> for InstanceNorm<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        if !cx.accepts(self.weight.as_ref(), self.check(&x.shape())) {
            return x;
        }
        let (w, b) = (recorded(&self.weight, x.tape()), recorded(&self.bias, x.tape()));
        functional::instance_norm(&x, w.as_ref(), b.as_ref(), self.eps)
    }
}
