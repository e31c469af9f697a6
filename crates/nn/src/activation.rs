//! Activation functions as modules without parameters.
//!
//! The functions themselves, with their derivatives, are operations of `tape`.

use crate::module::{Context, Module};
use crate::param::Param;
use crate::parameters::{Parameters, Path};
use tape::{Element, Var};

/// `y = x`.
///
/// ```
/// use nn::{Identity, Module};
/// use tape::Tensor;
/// assert_eq!(Identity.predict(&Tensor::from([1.0, -2.0])).to_vec(), [1.0, -2.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Identity;

/// The logistic function of every element: `y = 1 / (1 + e⁻ˣ)`, `dy/dx = y (1 - y)`. Range (0, 1).
///
/// ```
/// use nn::{Context, Module, Sigmoid};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([0.0]);
/// let y = Sigmoid.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [0.5]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.25]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sigmoid;

/// The logistic function with slope and offset, of every element: `y = σ(slope · x + offset)`,
/// `dy/dx = slope · y (1 - y)`.
///
/// The slope sets the steepness and the offset the position; with offset 0 it is the slope-k sigmoid.
///
/// ```
/// use nn::{Context, Module, SigmoidScaled};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([0.5]);
/// let y = SigmoidScaled { slope: 2.0, offset: -1.0 }.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [0.5]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.5]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SigmoidScaled {
    /// The factor of the input.
    pub slope: f64,
    /// What is added to the scaled input.
    pub offset: f64,
}

/// The hyperbolic tangent of every element: `dy/dx = 1 - y²`. Range (-1, 1).
///
/// ```
/// use nn::{Context, Module, Tanh};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([0.0]);
/// let y = Tanh.forward(x, &mut Context::eval());
/// assert_eq!((y.value().item(), y.sum().backward().wrt(x).item()), (0.0, 1.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tanh;

/// `y = max(x, 0)` of every element; the derivative at 0 is 0.
///
/// ```
/// use nn::{Context, Module, Relu};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([-2.0, 0.0, 3.0]);
/// let y = Relu.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [0.0, 0.0, 3.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.0, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Relu;

/// `y = x` where `x > 0`, else `slope · x`, of every element; the derivative at 0 is `slope`.
///
/// ```
/// use nn::{Context, LeakyRelu, Module};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([-2.0, 3.0]);
/// let y = LeakyRelu { slope: 0.125 }.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [-0.25, 3.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.125, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeakyRelu {
    /// The derivative for negative inputs; 0.01 is usual.
    pub slope: f64,
}

impl Default for LeakyRelu {
    fn default() -> LeakyRelu {
        LeakyRelu { slope: 0.01 }
    }
}

/// `y = ln(1 + eˣ)` of every element, a smooth rectifier: `dy/dx = σ(x)`.
///
/// ```
/// use nn::{Context, Module, Softplus};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([0.0]);
/// let y = Softplus.forward(x, &mut Context::eval());
/// assert!((y.value().item() - 2f64.ln()).abs() < 1e-15);
/// assert_eq!(y.sum().backward().wrt(x).item(), 0.5);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Softplus;

/// `sᵢ = eˣⁱ / Σ eˣʲ` along the last axis: `dsᵢ/dxⱼ = sᵢ (δᵢⱼ - sⱼ)`. Rows are positive and sum to 1.
///
/// To train with cross-entropy, leave it out and use
/// [`cross_entropy_from_logits`](crate::loss::cross_entropy_from_logits), which keeps its digits.
///
/// ```
/// use nn::{Context, Module, Softmax};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[5.0, 5.0]]);
/// let y = Softmax.forward(x, &mut Context::eval());
/// assert_eq!(y.value(), Tensor::from([[0.5, 0.5]]));
/// assert_eq!(y.vjp([[1.0, 0.0]]).wrt(x), Tensor::from([[0.25, -0.25]]));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Softmax;

/// Implements the two traits for a module without parameters.
macro_rules! activations {
    ($($name:ident($this:ident, $x:ident) => $y:expr;)*) => {$(
        impl<T: Element> Parameters<T> for $name {
            fn visit<'a>(&'a self, _: &Path<'_>, _: &mut dyn FnMut(&Path<'_>, &'a Param<T>)) {}

            fn visit_mut<'a>(&'a mut self, _: &Path<'_>, _: &mut dyn FnMut(&Path<'_>, &'a mut Param<T>)) {}
        }

        impl<T: Element> Module<T> for $name {
            fn forward<'t>(&self, $x: Var<'t, T>, _cx: &mut Context<T>) -> Var<'t, T> {
                let $this = self;
                $y
            }
        }
    )*};
}

activations! {
    Identity(_this, x) => x;
    Sigmoid(_this, x) => x.sigmoid();
    SigmoidScaled(this, x) => x.sigmoid_scaled(this.slope, this.offset);
    Tanh(_this, x) => x.tanh();
    Relu(_this, x) => x.relu();
    LeakyRelu(this, x) => x.leaky_relu(this.slope);
    Softplus(_this, x) => x.softplus();
    Softmax(_this, x) => x.softmax(-1);
}
