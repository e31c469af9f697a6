//! Activation functions as modules without parameters; those that learn are in [`layers`](crate::layers).
//!
//! The functions themselves, with their derivatives, are operations of `tape`.

use crate::module::{Context, Module, without_parameters};
use crate::setting::{self, expect};
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
    /// The factor of the input, a finite number.
    pub slope: f64,
    /// What is added to the scaled input, a finite number.
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
    /// The derivative for negative inputs, a finite number; 0.01 is usual.
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

/// `y = x` where `x > 0`, else `alpha (eˣ - 1)`, of every element: `dy/dx = 1` where `x > 0`, else `y + alpha`.
///
/// ```
/// use nn::{Context, Elu, Module};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([3.0, -2f64.ln()]);
/// let y = Elu { alpha: 2.0 }.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [3.0, -1.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elu {
    /// Minus the limit for large negative inputs, a finite number; 1 is usual.
    pub alpha: f64,
}

impl Default for Elu {
    fn default() -> Elu {
        Elu { alpha: 1.0 }
    }
}

/// `y = λ x` where `x > 0`, else `λ α (eˣ - 1)`, with the constants that keep mean 0 and variance 1 from layer to
/// layer. Klambauer and others, 2017: see [`tape::ops::Selu`].
///
/// ```
/// use nn::{Context, Module, Selu};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([1.0, -40.0]);
/// let y = Selu.forward(x, &mut Context::eval());
/// let lambda = 1.050_700_987_355_480_5;
/// assert!((y.value().to_vec()[0] - lambda).abs() < 1e-15);
/// assert!((y.value().to_vec()[1] + 1.758_099_340_847_376_6).abs() < 1e-15);
/// assert!((y.sum().backward().wrt(x).to_vec()[0] - lambda).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Selu;

/// `y = x Φ(x)` of every element, with the distribution function of the standard normal: `dy/dx = Φ(x) + x φ(x)`.
///
/// ```
/// use nn::{Context, Gelu, Module};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([0.0, 1.0]);
/// let y = Gelu.forward(x, &mut Context::eval());
/// assert!((y.value() - Tensor::from([0.0, 0.841_344_746_068_542_9])).abs().max() < 1e-15);
/// assert_eq!(y.sum().backward().wrt(x).get([0]), Some(0.5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gelu;

/// `y = ½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))` of every element: [`Gelu`] to three digits.
///
/// ```
/// use nn::{Context, GeluTanh, Module};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([0.0, 1.0]);
/// let y = GeluTanh.forward(x, &mut Context::eval());
/// assert!((y.value() - Tensor::from([0.0, 0.841_191_990_608_276_8])).abs().max() < 1e-15);
/// assert_eq!(y.sum().backward().wrt(x).get([0]), Some(0.5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GeluTanh;

/// `y = x σ(x)` of every element: `dy/dx = σ(x) (1 + x (1 - σ(x)))`. Also called swish.
///
/// ```
/// use nn::{Context, Module, Silu};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([0.0, 1.0]);
/// let y = Silu.forward(x, &mut Context::eval());
/// assert!((y.value() - Tensor::from([0.0, 0.731_058_578_630_004_9])).abs().max() < 1e-15);
/// assert_eq!(y.sum().backward().wrt(x).get([0]), Some(0.5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Silu;

/// `y = x tanh(ln(1 + eˣ))` of every element; the derivative at 0 is `tanh(ln 2)`, 0.6.
///
/// ```
/// use nn::{Context, Mish, Module};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([0.0]);
/// let y = Mish.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec()[0], 0.0);
/// assert!((y.sum().backward().wrt(x).to_vec()[0] - 0.6).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mish;

/// `y = min(max(x, -1), 1)` of every element; the derivative is 1 from -1 to 1, both included, and 0
/// beyond.
///
/// ```
/// use nn::{Context, HardTanh, Module};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([-2.0, 0.5]);
/// let y = HardTanh.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [-1.0, 0.5]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HardTanh;

/// `y = ln σ(x)` of every element, without overflow: `dy/dx = σ(-x)`.
///
/// ```
/// use nn::{Context, LogSigmoid, Module};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([0.0, -1000.0]);
/// let y = LogSigmoid.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [-(2f64.ln()), -1000.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.5, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LogSigmoid;

/// `yᵢ = xᵢ - ln Σ eˣʲ` along the last axis, the logarithm of [`Softmax`]: `dyᵢ/dxⱼ = δᵢⱼ - eʸʲ`.
///
/// ```
/// use nn::{Context, LogSoftmax, Module};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[5.0, 5.0]]);
/// let y = LogSoftmax.forward(x, &mut Context::eval());
/// assert!((y.value() + 2f64.ln()).abs().max() < 1e-15);
/// assert_eq!(y.vjp([[1.0, 0.0]]).wrt(x), Tensor::from([[0.5, -0.5]]));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LogSoftmax;

/// Implements the two traits for a module without parameters.
macro_rules! activations {
    ($($name:ident($this:ident, $x:ident) => $y:expr;)*) => {
        without_parameters!($($name),*);
        $(impl<T: Element> Module<T> for $name {
            fn forward<'t>(&self, $x: Var<'t, T>, _cx: &mut Context<T>) -> Var<'t, T> {
                let $this = self;
                $y
            }
        })*
    };
}

activations! {
    Identity(_this, x) => x;
    Sigmoid(_this, x) => x.sigmoid();
    SigmoidScaled(this, x) => {
        expect(setting::finite("sigmoid_scaled", "slope", this.slope));
        expect(setting::finite("sigmoid_scaled", "offset", this.offset));
        x.sigmoid_scaled(this.slope, this.offset)
    };
    LogSigmoid(_this, x) => x.log_sigmoid();
    Tanh(_this, x) => x.tanh();
    HardTanh(_this, x) => x.hard_tanh();
    Relu(_this, x) => x.relu();
    LeakyRelu(this, x) => {
        expect(setting::finite("leaky_relu", "slope", this.slope));
        x.leaky_relu(this.slope)
    };
    Elu(this, x) => {
        expect(setting::finite("elu", "alpha", this.alpha));
        x.elu(this.alpha)
    };
    Selu(_this, x) => x.selu();
    Gelu(_this, x) => x.gelu();
    GeluTanh(_this, x) => x.gelu_tanh();
    Silu(_this, x) => x.silu();
    Mish(_this, x) => x.mish();
    Softplus(_this, x) => x.softplus();
    Softmax(_this, x) => x.softmax(-1);
    LogSoftmax(_this, x) => x.log_softmax(-1);
}
