//! Activation functions as parameter-free modules: elementwise operations of `tape`, and softmax along the
//! last axis.

use crate::Linear;
use crate::by_hand::Activation;
use crate::module::{Context, Module, without_parameters};
use crate::setting::{self, expect};
use std::any::Any;
use tape::ops::{
    Celu, Elu, Gelu, GeluTanh, HardShrink, HardSigmoid, HardSwish, HardTanh, HardTanhBetween, LeakyRelu,
    LogSigmoid, Mish, Relu, Relu6, Selu, Sigmoid, SigmoidScaled, Silu, SoftShrink, Softplus, SoftplusScaled,
    Softsign, Tanh, TanhShrink,
};
use tape::{Element, Unary, Var};

/// `y = x`.
///
/// ```
/// use nn::{Identity, Module};
/// use tape::Tensor;
/// assert_eq!(Identity.predict(&Tensor::from([1.0, -2.0])).to_vec(), [1.0, -2.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Identity;

/// `sᵢ = eˣⁱ / Σ eˣʲ` along the last axis: `dsᵢ/dxⱼ = sᵢ (δᵢⱼ - sⱼ)`. Rows are positive and sum to 1.
///
/// To train with cross-entropy, omit this layer and use
/// [`cross_entropy_with_logits`](crate::loss::cross_entropy_with_logits), which is finite for every logit.
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

without_parameters!(Identity, Softmax, LogSoftmax);

impl<T: Element> Module<T> for Identity {
    fn forward<'t>(&self, x: Var<'t, T>, _cx: &mut Context<T>) -> Var<'t, T> {
        x
    }

    fn as_activation(&self) -> Option<Activation> {
        Some(Activation::Identity)
    }
}

impl<T: Element> Module<T> for Softmax {
    fn forward<'t>(&self, x: Var<'t, T>, _cx: &mut Context<T>) -> Var<'t, T> {
        x.softmax(-1)
    }

    fn as_activation(&self) -> Option<Activation> {
        Some(Activation::Softmax)
    }
}

impl<T: Element> Module<T> for LogSoftmax {
    fn forward<'t>(&self, x: Var<'t, T>, _cx: &mut Context<T>) -> Var<'t, T> {
        x.log_softmax(-1)
    }
}

/// The operations whose derivative [`by_hand`](crate::by_hand) has.
fn by_hand(op: &dyn Any) -> Option<Activation> {
    let scaled = |op: &SigmoidScaled| Activation::SigmoidScaled { slope: op.slope, offset: op.offset };
    let leaky = |op: &LeakyRelu| Activation::LeakyRelu { slope: op.slope };
    let plain = [
        (op.is::<Sigmoid>(), Activation::Sigmoid),
        (op.is::<Tanh>(), Activation::Tanh),
        (op.is::<Relu>(), Activation::Relu),
    ];
    let plain = plain.into_iter().find_map(|(is, activation)| is.then_some(activation));
    plain.or_else(|| op.downcast_ref().map(scaled)).or_else(|| op.downcast_ref().map(leaky))
}

/// Implements [`Module`] for elementwise operations. `name(fields)` lists settings, which must be finite when
/// the module runs; `fused name` marks an operation whose derivative follows from its value, so that it can
/// be recorded as one operation with the preceding [`Linear`] layer.
macro_rules! elementwise {
    ($($name:ident $(($($field:ident),+))?,)* ; $(fused $fused:ident,)*) => {
        without_parameters!($($name,)* $($fused),*);
        $(impl<T: Element> Module<T> for $name {
            fn forward<'t>(&self, x: Var<'t, T>, _cx: &mut Context<T>) -> Var<'t, T> {
                $($(expect(setting::finite(<$name as Unary>::NAME, stringify!($field), self.$field));)+)?
                x.map(*self)
            }

            fn as_activation(&self) -> Option<Activation> {
                by_hand(self)
            }
        })*
        $(impl<T: Element> Module<T> for $fused {
            fn forward<'t>(&self, x: Var<'t, T>, _cx: &mut Context<T>) -> Var<'t, T> {
                x.map(*self)
            }

            fn as_activation(&self) -> Option<Activation> {
                by_hand(self)
            }

            fn forward_after<'t>(&self, linear: &Linear<T>, x: Var<'t, T>) -> Option<Var<'t, T>> {
                let bias = linear.bias.as_ref()?;
                Some(x.dense(linear.weight.on(x.tape()), bias.on(x.tape()), *self))
            }
        })*
    };
}

elementwise! {
    Celu(alpha),
    Elu(alpha),
    Gelu,
    GeluTanh,
    HardShrink(lambda),
    HardSigmoid,
    HardSwish,
    HardTanh,
    HardTanhBetween(lo, hi),
    LeakyRelu(slope),
    LogSigmoid,
    Mish,
    Relu6,
    Selu,
    SigmoidScaled(slope, offset),
    Silu,
    SoftShrink(lambda),
    Softplus,
    SoftplusScaled(beta),
    Softsign,
    TanhShrink,
    ;
    fused Relu,
    fused Sigmoid,
    fused Tanh,
}
