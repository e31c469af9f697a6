//! Layers without parameters that change the size of an image, or halve its channels.

use crate::functional::{self, Interpolation, Resize, check_shuffle, check_unshuffle};
use crate::module::{Context, Module, without_parameters};
use crate::setting;
use tape::{Element, Error, Shape, Var};

/// Interpolation to another size: see [`functional::interpolate`].
///
/// # Shapes
/// `[batch, channels, ..]` with one axis or more behind the channels; of the result, those have the extents of
/// [`Resize`].
///
/// ```
/// use nn::functional::{Interpolation, Resize};
/// use nn::{Context, Module, Upsample};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 3.0]]]);
/// let layer = Upsample { to: Resize::By(vec![2.0]), how: Interpolation::Nearest };
/// let y = layer.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [1.0, 1.0, 3.0, 3.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [2.0, 2.0]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Upsample {
    /// The size of the result.
    pub to: Resize,
    /// How its elements are found.
    pub how: Interpolation,
}

/// Blocks of channels as squares of pixels: see [`functional::pixel_shuffle`].
///
/// # Shapes
/// `[.., channels · factor², height, width]` to `[.., channels, height · factor, width · factor]`.
///
/// ```
/// use nn::{Context, Module, PixelShuffle};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[[1.0]], [[2.0]], [[3.0]], [[4.0]]]);
/// let y = PixelShuffle { factor: 2 }.forward(x, &mut Context::eval());
/// assert_eq!(y.value(), Tensor::from([[[1.0, 2.0], [3.0, 4.0]]]));
/// assert_eq!(y.vjp([[[5.0, 6.0], [7.0, 8.0]]]).wrt(x).to_vec(), [5.0, 6.0, 7.0, 8.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelShuffle {
    /// Height and width of a square of pixels.
    pub factor: usize,
}

/// Squares of pixels as blocks of channels: the inverse of [`PixelShuffle`].
///
/// # Shapes
/// `[.., channels, height · factor, width · factor]` to `[.., channels · factor², height, width]`.
///
/// ```
/// use nn::{Context, Module, PixelUnshuffle};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 2.0], [3.0, 4.0]]]);
/// let y = PixelUnshuffle { factor: 2 }.forward(x, &mut Context::eval());
/// assert_eq!(y.value(), Tensor::from([[[1.0]], [[2.0]], [[3.0]], [[4.0]]]));
/// assert_eq!(y.slice(0, 1..2).sum().backward().wrt(x).to_vec(), [0.0, 1.0, 0.0, 0.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelUnshuffle {
    /// Height and width of a square of pixels.
    pub factor: usize,
}

/// The gated linear unit (Dauphin and others, 2017): `a σ(b)` for the two halves `a` and `b` of an axis.
///
/// # Shapes
/// Any, with an even extent along the axis; the result has half of it.
///
/// ```
/// use nn::{Context, Glu, Module};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[4.0, 0.0]]);
/// let y = Glu::default().forward(x, &mut Context::eval());
/// assert_eq!(y.value(), Tensor::from([[2.0]]));
/// assert_eq!(y.sum().backward().wrt(x), Tensor::from([[0.5, 1.0]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glu {
    /// The axis whose halves are value and gate; the last by default.
    pub axis: isize,
}

impl Default for Glu {
    fn default() -> Glu {
        Glu { axis: -1 }
    }
}

without_parameters!(Upsample, PixelShuffle, PixelUnshuffle, Glu);

impl<T: Element> Module<T> for Upsample {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        if !cx.accepts(None, self.to.check(&x.shape())) {
            return x;
        }
        functional::interpolate(&x, &self.to, self.how)
    }
}

impl<T: Element> Module<T> for PixelShuffle {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        if !cx.accepts(None, check_shuffle(&x.shape(), self.factor)) {
            return x;
        }
        functional::pixel_shuffle(&x, self.factor)
    }
}

impl<T: Element> Module<T> for PixelUnshuffle {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        if !cx.accepts(None, check_unshuffle(&x.shape(), self.factor)) {
            return x;
        }
        functional::pixel_unshuffle(&x, self.factor)
    }
}

impl<T: Element> Module<T> for Glu {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        if !cx.accepts(None, half(&x.shape(), self.axis).map(|_| ())) {
            return x;
        }
        x.glu(self.axis)
    }
}

/// Half of the extent along an axis.
fn half(shape: &Shape, axis: isize) -> Result<isize, Error> {
    let extent = shape[shape.axis(axis).map_err(|error| error.named("glu"))?];
    setting::check("glu", extent.is_multiple_of(2), format_args!("an even extent on axis {axis}"), extent)?;
    Ok(extent as isize / 2)
}
