//! Activations with parameters.

use super::check_channels;
use crate::Param;
use crate::Parameters;
use crate::functional;
use crate::init::check_size;
use crate::module::{Context, Module};
use crate::setting::{self, expect};
use tape::{Element, Tensor, Var};

/// `y = x` where `x > 0`, else `a x`, with a learned `a`; the derivative at 0 is `a`. He, Zhang, Ren and Sun, 2015.
///
/// # Shapes
/// `x` `[batch, channels, ..]` or, with a single `a`, of any shape; `weight` `[1]` or `[channels]`.
///
/// ```
/// use nn::{Context, Module, PRelu};
/// use tape::{Tape, Tensor};
/// let layer = PRelu::new(1);
/// let tape = Tape::new();
/// let x = tape.var([[-2.0, 3.0]]);
/// let y = layer.forward(x, &mut Context::eval());
/// assert_eq!(y.value(), Tensor::from([[-0.5, 3.0]]));
/// let grads = y.sum().backward();
/// assert_eq!(grads.wrt(x), Tensor::from([[0.25, 1.0]]));
/// assert_eq!(grads.of(&layer.weight).to_vec(), [-2.0]);
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct PRelu<T: Element = f64> {
    /// The slopes for negative inputs.
    pub weight: Param<T>,
}

impl<T: Element> PRelu<T> {
    /// A layer with one slope for all channels, or one for each; all 0.25.
    ///
    /// # Panics
    /// If there is no slope, if there are too many parameters for the address space or for memory.
    #[track_caller]
    pub fn new(slopes: usize) -> PRelu<T> {
        check_size::<T>("prelu", [slopes]);
        expect(setting::counts("prelu", "number of slopes", &[slopes]));
        PRelu { weight: Param::new(Tensor::full([slopes], T::from_f64(0.25))) }
    }
}

impl<T: Element> Module<T> for PRelu<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        let slopes = self.weight.value().size();
        let checked = if slopes == 1 { Ok(()) } else { check_channels("prelu", &x.shape(), slopes) };
        if !cx.accepts(Some(&self.weight), checked) {
            return x;
        }
        let slopes = functional::per_channel(&self.weight.on(x.tape()), &x);
        Var::select(&x.gt(T::ZERO), x, slopes * x)
    }
}

/// `y = σ(slope · x + offset)` with a learned slope and offset: [`SigmoidScaled`](crate::SigmoidScaled) with
/// parameters.
///
/// # Shapes
/// `slope` and `offset` broadcast with `x`: scalars, or `[features]` for one per feature.
///
/// # Math
/// With `s = y (1 - y)`: `dy/dx = slope · s`, `dy/dslope = x s`, `dy/doffset = s`.
///
/// ```
/// use nn::{Context, LearnedSigmoid, Module};
/// use tape::{Tape, Tensor};
/// let layer = LearnedSigmoid::new(2.0, -1.0);
/// let tape = Tape::new();
/// let x = tape.var([[0.5, 0.5]]);
/// let y = layer.forward(x, &mut Context::eval());
/// assert_eq!(y.value(), Tensor::from([[0.5, 0.5]]));
/// let grads = y.sum().backward();
/// assert_eq!(grads.wrt(x), Tensor::from([[0.5, 0.5]]));
/// assert_eq!((grads.of(&layer.slope).item(), grads.of(&layer.offset).item()), (0.25, 0.5));
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct LearnedSigmoid<T: Element = f64> {
    /// The factor of the input.
    pub slope: Param<T>,
    /// The offset of the scaled input.
    pub offset: Param<T>,
}

impl<T: Element> LearnedSigmoid<T> {
    /// A layer with these initial values; slope 1 and offset 0 make a plain sigmoid.
    pub fn new(slope: impl Into<Tensor<T>>, offset: impl Into<Tensor<T>>) -> LearnedSigmoid<T> {
        LearnedSigmoid { slope: Param::new(slope), offset: Param::new(offset) }
    }
}

impl<T: Element> Module<T> for LearnedSigmoid<T> {
    fn forward<'t>(&self, x: Var<'t, T>, _cx: &mut Context<T>) -> Var<'t, T> {
        (self.slope.on(x.tape()) * x + self.offset.on(x.tape())).sigmoid()
    }
}
