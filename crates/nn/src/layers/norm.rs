//! Normalization of each sample on its own.

use super::check_channels;
use crate::Parameters;
use crate::functional;
use crate::init::check_size;
use crate::module::{Context, Module};
use crate::param::{Param, recorded};
use crate::setting::{self, expect};
use tape::{Element, Error, Shape, Tensor, Var};

/// Refuses an `eps` out of range, and inputs whose last axes have other extents.
fn check_trailing(op: &'static str, x: &Shape, normalized: &Shape, eps: f64) -> Result<(), Error> {
    setting::not_negative(op, "epsilon", eps)?;
    if !x.ends_with(normalized) {
        let reason = format!("expected a shape that ends in {normalized:?}, found {x:?}");
        return Err(Error::Invalid { op, reason });
    }
    Ok(())
}

/// The last axes, as many as are normalized.
fn trailing(normalized: &Shape) -> Vec<isize> {
    (1..=normalized.rank() as isize).map(|axis| -axis).collect()
}

/// `y = (x - mean) / √(variance + eps) · weight + bias`, with mean and biased variance over the last axes. Ba, Kiros
/// and Hinton, 2016.
///
/// # Shapes
/// `weight` and `bias` have the normalized shape, in which the shape of `x` ends; the result has the shape of
/// `x`.
///
/// # Initial values
/// `weight` 1, `bias` 0, `eps` 1e-5.
///
/// ```
/// use nn::{Context, LayerNorm, Module};
/// use tape::{Tape, Tensor};
/// let layer = LayerNorm::new([2]).eps(3.0);
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 3.0], [5.0, 5.0]]);
/// let y = layer.forward(x, &mut Context::eval());
/// assert_eq!(y.value(), Tensor::from([[-0.5, 0.5], [0.0, 0.0]]));
/// let grads = y.vjp([[1.0, -1.0], [0.0, 0.0]]);
/// assert_eq!(grads.wrt(x), Tensor::from([[0.375, -0.375], [0.0, 0.0]]));
/// assert_eq!(grads.of(&layer.weight.unwrap()).to_vec(), [-0.5, -0.5]);
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct LayerNorm<T: Element = f64> {
    /// The scale of each normalized element.
    pub weight: Option<Param<T>>,
    /// The shift of each element.
    pub bias: Option<Param<T>>,
    /// The term under the square root that keeps it from 0, finite and not negative.
    #[parameters(skip)]
    pub eps: f64,
    /// The extents of the last axes, which are normalized.
    #[parameters(skip)]
    pub normalized: Shape,
}

impl<T: Element> LayerNorm<T> {
    /// A layer that normalizes the last axes, which have these extents.
    ///
    /// # Panics
    /// If there is no axis, if there are too many parameters for the address space or for memory.
    #[track_caller]
    pub fn new(normalized: impl Into<Shape>) -> LayerNorm<T> {
        let normalized = normalized.into();
        check_size::<T>("layer_norm", &normalized);
        expect(setting::counts("layer_norm", "number of normalized axes", &[normalized.rank()]));
        let weight = Some(Param::new(Tensor::ones(normalized.clone())));
        let bias = Some(Param::new(Tensor::zeros(normalized.clone())));
        LayerNorm { weight, bias, eps: 1e-5, normalized }
    }

    /// Removes the bias.
    pub fn without_bias(self) -> LayerNorm<T> {
        LayerNorm { bias: None, ..self }
    }

    /// Sets `eps`, the term under the square root that keeps it from 0.
    ///
    /// # Panics
    /// If it is negative, infinite or NaN.
    #[track_caller]
    pub fn eps(self, eps: f64) -> LayerNorm<T> {
        expect(setting::not_negative("layer_norm", "epsilon", eps));
        LayerNorm { eps, ..self }
    }

    /// Removes the parameters.
    pub fn without_affine(self) -> LayerNorm<T> {
        LayerNorm { weight: None, bias: None, ..self }
    }
}

impl<T: Element> Module<T> for LayerNorm<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        let checked = check_trailing("layer_norm", &x.shape(), &self.normalized, self.eps);
        if !cx.accepts(self.weight.as_ref(), checked) {
            return x;
        }
        let axes = trailing(&self.normalized);
        let (w, b) = (recorded(&self.weight, x.tape()), recorded(&self.bias, x.tape()));
        functional::layer_norm(&x, &axes[..], w.as_ref(), b.as_ref(), self.eps)
    }
}

/// `y = x / √(mean x² + eps) · weight`, with the mean over the last axes. Zhang and Sennrich, 2019.
///
/// # Shapes
/// As [`LayerNorm`].
///
/// # Initial values
/// `weight` 1; `eps` is the machine epsilon of the element type, the distance from 1 to the next number.
///
/// ```
/// use nn::{Context, Module, RmsNorm};
/// use tape::{Tape, Tensor};
/// let layer = RmsNorm::new([2]).eps(0.0);
/// let tape = Tape::new();
/// let x = tape.var([1.0, 7.0]);
/// let y = layer.forward(x, &mut Context::eval());
/// assert!((y.value() - Tensor::from([0.2, 1.4])).abs().max() < 1e-15);
/// let slope = y.vjp([1.0, 0.0]).wrt(x);
/// assert!((slope - Tensor::from([0.196, -0.028])).abs().max() < 1e-15);
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct RmsNorm<T: Element = f64> {
    /// The scale of each normalized element.
    pub weight: Option<Param<T>>,
    /// The term under the square root that keeps it from 0, finite and not negative.
    #[parameters(skip)]
    pub eps: f64,
    /// The extents of the last axes, which are normalized.
    #[parameters(skip)]
    pub normalized: Shape,
}

impl<T: Element> RmsNorm<T> {
    /// A layer that normalizes the last axes, which have these extents.
    ///
    /// # Panics
    /// If there is no axis, if there are too many parameters for the address space or for memory.
    #[track_caller]
    pub fn new(normalized: impl Into<Shape>) -> RmsNorm<T> {
        let normalized = normalized.into();
        check_size::<T>("rms_norm", &normalized);
        expect(setting::counts("rms_norm", "number of normalized axes", &[normalized.rank()]));
        let weight = Some(Param::new(Tensor::ones(normalized.clone())));
        RmsNorm { weight, eps: T::EPSILON.to_f64(), normalized }
    }

    /// Sets `eps`, the term under the square root that keeps it from 0.
    ///
    /// # Panics
    /// If it is negative, infinite or NaN.
    #[track_caller]
    pub fn eps(self, eps: f64) -> RmsNorm<T> {
        expect(setting::not_negative("rms_norm", "epsilon", eps));
        RmsNorm { eps, ..self }
    }

    /// Removes the parameters.
    pub fn without_affine(self) -> RmsNorm<T> {
        RmsNorm { weight: None, ..self }
    }
}

impl<T: Element> Module<T> for RmsNorm<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        let checked = check_trailing("rms_norm", &x.shape(), &self.normalized, self.eps);
        if !cx.accepts(self.weight.as_ref(), checked) {
            return x;
        }
        let axes = trailing(&self.normalized);
        functional::rms_norm(&x, &axes[..], recorded(&self.weight, x.tape()).as_ref(), self.eps)
    }
}

/// [`LayerNorm`] over each block of channels together with all further axes, with a scale and a shift for
/// each channel. Wu and He, 2018.
///
/// # Shapes
/// `x` `[batch, channels, ..]`, `weight` and `bias` `[channels]`; the result has the shape of `x`.
///
/// # Initial values
/// `weight` 1, `bias` 0, `eps` 1e-5.
///
/// ```
/// use nn::{Context, GroupNorm, Module};
/// use tape::Tape;
/// let layer = GroupNorm::new(2, 4).eps(3.0);
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 3.0, 5.0, 5.0]]);
/// let y = layer.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [-0.5, 0.5, 0.0, 0.0]);
/// assert_eq!(y.slice(1, ..2).vjp([[1.0, -1.0]]).wrt(x).to_vec(), [0.375, -0.375, 0.0, 0.0]);
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct GroupNorm<T: Element = f64> {
    /// The scale of each channel.
    pub weight: Option<Param<T>>,
    /// The shift of each channel.
    pub bias: Option<Param<T>>,
    /// The term under the square root that keeps it from 0, finite and not negative.
    #[parameters(skip)]
    pub eps: f64,
    /// The number of blocks of channels; it divides the channels.
    #[parameters(skip)]
    pub groups: usize,
    /// The number of channels.
    #[parameters(skip)]
    pub channels: usize,
}

impl<T: Element> GroupNorm<T> {
    /// A layer that normalizes `channels` in `groups` blocks.
    ///
    /// # Panics
    /// If the groups do not divide the channels.
    #[track_caller]
    pub fn new(groups: usize, channels: usize) -> GroupNorm<T> {
        super::check_groups("group_norm", groups, [channels; 2]);
        check_size::<T>("group_norm", [channels]);
        let weight = Some(Param::new(Tensor::ones([channels])));
        let bias = Some(Param::new(Tensor::zeros([channels])));
        GroupNorm { weight, bias, eps: 1e-5, groups, channels }
    }

    /// Sets `eps`, the term under the square root that keeps it from 0.
    ///
    /// # Panics
    /// If it is negative, infinite or NaN.
    #[track_caller]
    pub fn eps(self, eps: f64) -> GroupNorm<T> {
        expect(setting::not_negative("group_norm", "epsilon", eps));
        GroupNorm { eps, ..self }
    }

    /// Removes the parameters.
    pub fn without_affine(self) -> GroupNorm<T> {
        GroupNorm { weight: None, bias: None, ..self }
    }
}

impl<T: Element> Module<T> for GroupNorm<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        let checked = setting::not_negative("group_norm", "epsilon", self.eps)
            .and_then(|()| check_channels("group_norm", &x.shape(), self.channels));
        if !cx.accepts(self.weight.as_ref(), checked) {
            return x;
        }
        let (w, b) = (recorded(&self.weight, x.tape()), recorded(&self.bias, x.tape()));
        functional::group_norm(&x, self.groups, w.as_ref(), b.as_ref(), self.eps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "layer_norm: expected a shape that ends in [3], found [2, 1]")]
    fn one_element_is_not_stretched_to_many() {
        LayerNorm::<f64>::new([3]).predict(&Tensor::zeros([2, 1]));
    }

    #[test]
    #[should_panic(expected = "group_norm: expected 4 channels on axis 1, found shape [2, 2]")]
    fn channels_are_those_of_the_layer() {
        GroupNorm::<f64>::new(2, 4).predict(&Tensor::zeros([2, 2]));
    }

    #[test]
    fn without_parameters_there_is_only_the_normalization() {
        let x = Tensor::from([[1.0, 3.0, 5.0, 9.0]]);
        let plain = [
            LayerNorm::new([4]).without_affine().predict(&x),
            RmsNorm::new([4]).without_affine().predict(&x),
            GroupNorm::new(2, 4).without_affine().predict(&x),
        ];
        let affine = [
            LayerNorm::new([4]).predict(&x),
            RmsNorm::new([4]).predict(&x),
            GroupNorm::new(2, 4).predict(&x),
        ];
        assert_eq!(plain, affine);
        let without_bias = LayerNorm::<f64>::new([4]).without_bias();
        assert_eq!(without_bias.named_parameters().len(), 1);
        assert_eq!(without_bias.without_affine().named_parameters().len(), 0);
    }
}
