//! The trace of a multilayer perceptron: the closed forms of [`by_hand`](crate::by_hand) beside the engine, layer by layer.
//!
//! [`mlp`] takes a chain of [`Linear`](crate::Linear) layers and activations, as [`nn::mlp`](crate::mlp()) makes it, and returns a
//! [`TraceReport`]: for every value the closed form, the adjoint, the derivative in forward mode and a difference quotient, with
//! a verdict. [`mlp_in`] does the same in the notation of a text, a [`Pack`]: its names, its order of factors, its place of `1/N`.
//!
//! ```
//! use nn::loss::LossFunction;
//! use nn::{Identity, Tanh, mlp, trace};
//! use rand::{SeedableRng, rngs::StdRng};
//! use tape::Tensor;
//! let model = mlp(&[2, 3, 1], Tanh, Identity, &mut StdRng::seed_from_u64(7));
//! let (x, y) = (Tensor::from([[0.5, -1.0], [2.0, 0.25]]), Tensor::from([[1.0], [-1.0]]));
//! let report = trace::mlp(&model, &x, &y, LossFunction::SquaredError.mean())?;
//! assert!(report.agrees(), "{report}");
//! let names: Vec<&str> = report.rows().iter().map(|row| row.name.as_str()).collect();
//! assert_eq!(names, ["Z2", "W2", "b2", "Z1", "W1", "b1", "X"]);
//! // Dᴸ = 2 (A - Y) / (N m), the same operation as the rule: the same bits.
//! assert_eq!(report.row("Z2").unwrap().verdict.key(), "EXACT");
//! # Ok::<(), nn::trace::Error>(())
//! ```

mod derivation;
mod packs;
mod text;

pub use derivation::MlpDerivation;
pub use gradcheck::trace::{Cause, Rounding, Style, TraceReport, TraceRow, TraceVerdict};
pub use packs::Pack;

use crate::Sequential;
use crate::by_hand::{Activation, Layer};
use crate::loss::Loss;
use gradcheck::trace::{Trace, TraceError};
use std::fmt;
use tape::{Element, Tensor};

/// The reason why a network cannot be traced.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// A layer without closed form.
    Layer {
        /// Its position in the chain.
        index: usize,
        /// The layer.
        found: String,
    },
    /// Inputs or targets of another shape.
    Shape {
        /// Which.
        what: &'static str,
        /// The expected shape.
        expected: Vec<usize>,
        /// The shape that was found.
        found: Vec<usize>,
    },
    /// An error of the trace.
    Trace(TraceError),
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Layer { index, found } => write!(
                f,
                "trace: expected linear layers, each with an activation of `by_hand` (a softmax only at the end), found \
                 {found} as layer {index}"
            ),
            Error::Shape { what, expected, found } => {
                write!(f, "trace: expected {what} of shape {expected:?}, found {found:?}")
            }
            Error::Trace(error) => write!(f, "{error}"),
        }
    }
}

/// The trace of a chain of linear layers and activations, in the notation of [`by_hand`](crate::by_hand).
///
/// # Shapes
/// `x` `[N, in]`, `y` `[N, out]`.
///
/// # Errors
/// If a layer has no closed form, or `x` or `y` another shape.
///
/// ```
/// use nn::loss::LossFunction;
/// use nn::{Linear, Sequential, Sigmoid, trace};
/// use tape::Tensor;
/// let model = Sequential::new().push(Linear::from_values([[2.0]], [0.0])).push(Sigmoid);
/// let (x, y) = (Tensor::from([[0.0]]), Tensor::from([[1.0]]));
/// let report = trace::mlp(&model, &x, &y, LossFunction::SquaredError.sum().half())?;
/// assert_eq!(report.row("Z1").unwrap().hand, -0.5 * 0.25);
/// assert_eq!(report.row("b1").unwrap().adjoint, -0.125);
/// # Ok::<(), nn::trace::Error>(())
/// ```
pub fn mlp<T: Element>(
    model: &Sequential<T>,
    x: &Tensor<T>,
    y: &Tensor<T>,
    loss: Loss,
) -> Result<TraceReport, Error> {
    mlp_in(&Pack::ROWS, model, x, y, loss)
}

/// As [`mlp`], in the notation of a text.
///
/// ```
/// use nn::loss::LossFunction;
/// use nn::trace::{self, Pack};
/// use nn::{Identity, Tanh, mlp};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::Tensor;
/// let model = mlp(&[2, 3, 1], Tanh, Identity, &mut StdRng::seed_from_u64(7));
/// let (x, y) = (Tensor::from([[0.5, -1.0], [2.0, 0.25]]), Tensor::from([[1.0], [-1.0]]));
/// let loss = LossFunction::SquaredError.mean_over_samples().half();
/// let formula = |pack| {
///     let report = trace::mlp_in(pack, &model, &x, &y, loss).unwrap();
///     let row = report.rows().iter().find(|row| row.label() == "(6)").unwrap();
///     (row.name.clone(), row.formula().to_string())
/// };
/// // The transpose moves from one factor to the other.
/// assert_eq!(formula(&Pack::ROWS), ("W2".into(), "D2ᵀ A1".into()));
/// assert_eq!(formula(&Pack::CHAPTER_8), ("W1".into(), "δ1 a0ᵀ".into()));
/// ```
///
/// # Errors
/// As [`mlp`].
pub fn mlp_in<T: Element>(
    pack: &Pack,
    model: &Sequential<T>,
    x: &Tensor<T>,
    y: &Tensor<T>,
    loss: Loss,
) -> Result<TraceReport, Error> {
    let linears = model.layers().iter().filter_map(|module| module.as_linear());
    let biased: Vec<bool> = linears.map(|linear| linear.bias.is_some()).collect();
    traced(pack, &layers(model)?, &biased, x, y, loss, |derivation| derivation)
}

/// The trace of a network of [`by_hand`](crate::by_hand) with a derivation made from the right one, as by
/// [`Steps::replace`](gradcheck::trace::Steps::replace).
///
/// # Errors
/// As [`mlp`].
pub fn of<T: Element, D: gradcheck::trace::Derivation>(
    pack: &Pack,
    layers: &[Layer<T>],
    x: &Tensor<T>,
    y: &Tensor<T>,
    loss: Loss,
    derivation: impl FnOnce(MlpDerivation) -> D,
) -> Result<TraceReport, Error> {
    traced(pack, layers, &vec![true; layers.len()], x, y, loss, derivation)
}

/// The trace of layers of which some have biases.
fn traced<T: Element, D: gradcheck::trace::Derivation>(
    pack: &Pack,
    layers: &[Layer<T>],
    biased: &[bool],
    x: &Tensor<T>,
    y: &Tensor<T>,
    loss: Loss,
    derivation: impl FnOnce(MlpDerivation) -> D,
) -> Result<TraceReport, Error> {
    let samples = x.shape().first().copied().unwrap_or(0);
    let inputs = layers.first().map_or(0, |layer| layer.weight.shape()[1]);
    let outputs = layers.last().map_or(0, |layer| layer.weight.shape()[0]);
    for (what, expected, found) in
        [("inputs", [samples, inputs], x.shape()), ("targets", [samples, outputs], y.shape())]
    {
        if *found != expected {
            return Err(Error::Shape { what, expected: expected.to_vec(), found: found.dims() });
        }
    }
    for (l, layer) in layers.iter().enumerate() {
        let hidden = l + 1 < layers.len();
        if hidden && layer.activation == Activation::Softmax {
            return Err(Error::Layer { index: 2 * l + 1, found: "Softmax".to_string() });
        }
    }
    let activations: Vec<Activation> = layers.iter().map(|layer| layer.activation).collect();
    let mlp = MlpDerivation::new(*pack, activations, biased, loss);
    let mut widths = vec![inputs];
    widths.extend(layers.iter().map(|layer| layer.weight.shape()[0]));
    let sizes: Vec<String> = widths.iter().map(usize::to_string).collect();
    let title =
        format!("Network {}, N = {samples}, loss {loss}, in the notation of {}", sizes.join("-"), pack.name);
    let names: Vec<[String; 2]> = (1..=layers.len()).map(|l| [mlp.weight(l), mlp.bias(l)]).collect();
    let (x_name, y_name) = (mlp.activation_name(0), pack.target);
    let mut trace = Trace::of(derivation(mlp)).title(title);
    for line in pack.conventions {
        trace = trace.convention(*line);
    }
    for ((layer, [w, b]), &biased) in layers.iter().zip(names).zip(biased) {
        trace = match (biased, pack.constant_input) {
            (true, true) => {
                let column = layer.bias.reshape([layer.bias.size(), 1]);
                trace.input(w, Tensor::concat(&[&layer.weight, &column], 1))
            }
            (true, false) => trace.input(w, layer.weight.clone()).input(b, layer.bias.clone()),
            (false, _) => trace.input(w, layer.weight.clone()),
        };
    }
    trace.input(x_name, x.clone()).constant(y_name, y.clone()).run().map_err(Error::Trace)
}

/// The layers of a chain as those of [`by_hand`](crate::by_hand); biases that a layer does not have are zero.
///
/// # Errors
/// If a module is neither a [`Linear`](crate::Linear) layer nor an activation after one.
pub fn layers<T: Element>(model: &Sequential<T>) -> Result<Vec<Layer<T>>, Error> {
    let modules = model.layers();
    let (mut layers, mut index) = (Vec::new(), 0);
    while let Some(module) = modules.get(index) {
        let refused = || Error::Layer { index, found: format!("{module:?}") };
        let linear = module.as_linear().ok_or_else(refused)?;
        let next = modules.get(index + 1);
        let activation = match next {
            Some(next) if next.as_linear().is_none() => next
                .as_activation()
                .ok_or_else(|| Error::Layer { index: index + 1, found: format!("{next:?}") })?,
            _ => Activation::Identity,
        };
        index += if next.is_some_and(|next| next.as_linear().is_none()) { 2 } else { 1 };
        let weight = linear.weight.latest();
        let bias = match &linear.bias {
            Some(bias) => bias.latest(),
            None => Tensor::zeros([weight.shape()[0]]),
        };
        layers.push(Layer { weight, bias, activation });
    }
    if layers.is_empty() {
        return Err(Error::Layer { index: 0, found: "no layer".to_string() });
    }
    Ok(layers)
}

#[cfg(test)]
mod tests;
