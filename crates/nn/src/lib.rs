//! Neural networks on [`tape`]: parameters, modules, losses, optimizers, data and training.
//!
//! A model is plain data that lives outside any tape. One training step records the model on a tape, computes gradients,
//! and lets an optimizer write the new values in place. Nothing is hidden: a training loop can be written by hand, and every
//! part of it (losses, optimizers, schedules, data) also works without the others.
//!
//! # Training a model
//! ```
//! use nn::loss::binary_cross_entropy_with_probabilities;
//! use nn::optim::{Optimizer, Sgd};
//! use nn::{Context, Module, Sigmoid, mlp};
//! use rand::{SeedableRng, rngs::StdRng};
//! use tape::{Tape, Tensor};
//!
//! let mut rng = StdRng::seed_from_u64(7);
//! let x = Tensor::from([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
//! let y = Tensor::from([[0.0], [1.0], [1.0], [1.0]]);
//! let mut model = mlp(&[2, 3, 1], Sigmoid, Sigmoid, &mut rng);
//! let mut optimizer = Sgd::new(2.0).momentum(0.9);
//! let mut cx = Context::train(rng);
//! let mut tape = Tape::new();
//! let mut last = f64::INFINITY;
//! for _ in 0..200 {
//!     let prediction = model.forward(tape.constant(x.clone()), &mut cx);
//!     let loss = binary_cross_entropy_with_probabilities(prediction, &y).mean();
//!     last = loss.value();
//!     let grads = loss.backward();
//!     tape.reset();
//!     optimizer.step(&mut model, &grads);
//! }
//! assert!(last < 0.1);
//! assert!(model.predict(&x).get([3, 0]).unwrap() > 0.9);
//! ```
//!
//! Resetting the tape before the step releases its hold on the parameters, so that the step copies nothing. The step also
//! applies the statistics that layers such as [`BatchNorm1d`] collect.
//!
//! # A module of your own
//! A module is a struct of parameters and other modules. `derive(Parameters)` names the parameters after the fields, for
//! optimizers, files and checks; [`Module::forward`] is ordinary code on recorded tensors.
//!
//! ```
//! use nn::{Context, Linear, Module, Param, Parameters};
//! use tape::{Element, Tape, Tensor, Var};
//!
//! /// `y = gain · tanh(W x + b)`
//! #[derive(Clone, Debug, Parameters)]
//! struct Scaled<T: Element> {
//!     linear: Linear<T>,
//!     gain: Param<T>,
//! }
//!
//! impl<T: Element> Module<T> for Scaled<T> {
//!     fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
//!         self.linear.forward(x, cx).tanh() * self.gain.on(x.tape())
//!     }
//! }
//!
//! let model = Scaled { linear: Linear::from_values([[1.0, -1.0]], [0.0]), gain: Param::new(3.0) };
//! let names: Vec<String> = model.named_parameters().into_iter().map(|(name, _)| name).collect();
//! assert_eq!(names, ["linear.weight", "linear.bias", "gain"]);
//! let tape = Tape::new();
//! let y = model.forward(tape.constant([[1.0, 1.0]]), &mut Context::eval());
//! let grads = y.sum().backward();
//! assert_eq!(grads.of(&model.linear.weight), Tensor::from([[3.0, 3.0]]));
//! assert_eq!(grads.of(&model.gain).item(), 0.0);
//! ```
//!
//! # Losses
//! A loss function returns one loss for each element (or sample), and the name of the reduction states the
//! normalisation; [`loss`] has a table of the names in the literature.
//!
//! ```
//! use nn::loss::squared_error;
//! use tape::{Tape, Tensor};
//! let tape = Tape::new();
//! let a = tape.var([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]); // N = 2 samples, m = 3 outputs
//! let losses = squared_error(a, &Tensor::from([[0.0, 2.0, 5.0], [4.0, 8.0, 2.0]]));
//! assert_eq!(losses.sum().value(), 30.0);
//! assert_eq!(losses.mean_over_samples().value(), 15.0); // divided by N
//! assert_eq!(losses.mean().value(), 5.0); // divided by N m
//! assert_eq!((losses.sum() * 0.5).backward().wrt(a).to_vec(), [1.0, 0.0, -2.0, 0.0, -3.0, 4.0]);
//! ```
//!
//! # Data, a training loop, and files
//! [`data`] reads tables and images and shuffles batches, [`train::Trainer`] is a loop with validation, early stopping and
//! callbacks, and [`save`] and [`load`] keep the weights.
//!
//! ```
//! use nn::data::{Dataset, Loader};
//! use nn::optim::Adam;
//! use nn::train::Trainer;
//! use nn::{Linear, Module, loss};
//! use rand::{SeedableRng, rngs::StdRng};
//! use tape::Tensor;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut rng = StdRng::seed_from_u64(0);
//! let x: Tensor = Tensor::from_fn([40, 1], |i| i[0] as f64 / 40.0);
//! let data = Dataset::new(x.clone(), x.map_elements(|x| 2.0 * x - 1.0))?;
//! let mut model = Linear::new(1, 1, &mut rng);
//! let (mut optimizer, mut loader) = (Adam::new(0.1), Loader::new(&data, 10)?);
//! let report = Trainer::new(100).run(&mut model, &mut optimizer, &mut loader, &mut rng, |a, y| {
//!     loss::squared_error(a, y).mean()
//! })?;
//! assert!(report.history.last("loss").unwrap() < 1e-3);
//!
//! let path = std::env::temp_dir().join(format!("nn-crate-example-{}.safetensors", std::process::id()));
//! nn::save(&path, &model)?;
//! let mut copy = Linear::new(1, 1, &mut rng);
//! nn::load(&path, &mut copy)?;
//! assert_eq!(copy.predict(&x), model.predict(&x));
//! # std::fs::remove_file(path)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Checking the gradients of a model
//! With the feature `gradcheck`, the gradients of a whole model are compared with error-bounded differences.
//!
#![cfg_attr(feature = "gradcheck", doc = "```")]
#![cfg_attr(not(feature = "gradcheck"), doc = "```ignore")]
//! use nn::{Context, Identity, Module, Tanh, mlp};
//! use rand::{SeedableRng, rngs::StdRng};
//! use tape::Tensor;
//! let model = mlp(&[2, 3, 1], Tanh, Identity, &mut StdRng::seed_from_u64(7));
//! let (x, y) = (Tensor::from([[0.5, -1.0], [2.0, 0.25]]), Tensor::from([[1.0], [-1.0]]));
//! let check = nn::gradcheck::module(&model, |model, tape| {
//!     nn::loss::squared_error(model.forward(tape.constant(x.clone()), &mut Context::eval()), &y).mean()
//! });
//! assert_eq!(check.run().unwrap().require().unwrap().entries, 13);
//! ```
//!
//! # Layers
//! | layer | from | to |
//! |---|---|---|
//! | [`Linear`] | `[.., in]` | `[.., out]` |
//! | [`Bilinear`] | `[.., in1]`, `[.., in2]` | `[.., out]` |
//! | [`Embedding`] | indices `[..]` | `[.., width]` |
//! | [`Conv1d`] | `[batch, in, length]` | `[batch, out, windows]` |
//! | [`Conv2d`], [`ConvTranspose2d`] | `[batch, in, height, width]` | `[batch, out, .., ..]` |
//! | [`Conv3d`] | `[batch, in, depth, height, width]` | `[batch, out, .., .., ..]` |
//! | [`MaxPool1d`], [`AvgPool1d`], [`AdaptiveMaxPool1d`], [`AdaptiveAvgPool1d`] | `[batch, channels, length]` | `[batch, channels, ..]` |
//! | [`MaxPool2d`], [`AvgPool2d`], [`AdaptiveMaxPool2d`], [`AdaptiveAvgPool2d`] | `[batch, channels, height, width]` | `[batch, channels, .., ..]` |
//! | [`Upsample`] | `[batch, channels, ..]` | the same at another size |
//! | [`PixelShuffle`], [`PixelUnshuffle`] | `[.., channels, height, width]` | pixels from channels, channels from pixels |
//! | [`Flatten`] | `[batch, ..]` | `[batch, rest]` |
//! | [`BatchNorm1d`], [`BatchNorm2d`], [`GroupNorm`], [`InstanceNorm`] | `[batch, channels, ..]` | the same |
//! | [`LayerNorm`], [`RmsNorm`] | `[.., normalized]` | the same |
//! | [`Dropout`], [`PRelu`], [`LearnedSigmoid`], activations such as [`Tanh`] | any | the same |
//! | [`Glu`] | any | half of one axis |
//! | [`RnnCell`], [`GruCell`], [`LstmCell`] | `[batch, in]`, state `[batch, hidden]` | the next state |
//! | [`Rnn`], [`Gru`], [`Lstm`] | `[batch, time, in]`, state `[layers, batch, hidden]` | `[batch, time, hidden]`, the last state |
//! | [`MultiHeadAttention`] | `[batch, queries, width]`, keys, values | the same, weights |
//! | [`TransformerBlock`] | `[batch, length, width]` | the same |
//! | [`Residual`] | as its body | as its body |
//!
//! Shapes, initial values and the names of parameters are those of PyTorch, so state dicts can be exchanged. A layer that
//! maps a tensor to a tensor is a [`Module`]. A layer with other inputs has its own `forward`: [`Bilinear`] (two tensors),
//! [`Embedding`] (indices), the recurrent layers (a state), [`MultiHeadAttention`] (queries, keys and values).
//!
//! # Where to go next
//! - [`loss`], [`optim`] and [`optim::schedule`], [`metrics`], [`init`]: the other parts of a training program.
//! - [`functional`]: normalization, attention, convolution and losses as functions of tensors or recorded tensors.
//! - [`train`]: the parts of [`train::Trainer`] for a loop of your own, and [`train::Shards`] for several threads.
//! - [`transform`]: gradients, Hessians and products with them over a model, per-sample gradients.
//! - [`checkpoint`]: files from which a run continues bit for bit; [`files`]: NumPy and safetensors.
//! - [`by_hand`]: closed-form backpropagation of the multilayer perceptron, for comparison; `trace`, with the feature
//!   `gradcheck`, prints both side by side.
//! - `docs/your-own-model.md`: a walk through a program of your own.
//!
//! # Limitations
//! There is no graph compiler, no device other than the CPU, no mixed precision, and no collection of pretrained models.
//!
//! # Features
//! `gradcheck` adds gradient checks and traces of models (`nn::gradcheck`, `nn::trace`), `cast` the conversion of chains and other boxed modules
//! between `f32` and `f64` ([`Cast`]), `progress` a progress bar, `tensorboard` and `tracing` event logs of training
//! ([`train::EventLog`]), `rayon` several threads, `serde` tensors and settings as data of that crate, `ndarray` views of
//! tensors as its arrays.
//!
//! With `serde`, the rules of optimizers, schedules, initializers, options of readers, losses by name and the scalings of
//! [`data`] are read from the configuration of a program. Their values are checked where they are used, those of scalings,
//! losses, `Plateau`, [`EarlyStopping`](train::EarlyStopping) and [`History`](train::History), which are also the state of a
//! run, as they are read:
//!
#![cfg_attr(feature = "serde", doc = "```")]
#![cfg_attr(not(feature = "serde"), doc = "```ignore")]
//! use nn::optim::schedule::{Schedule, StepDecay};
//! use nn::optim::{Adam, AdamRule};
//! let rule: AdamRule<false> = serde_json::from_str(r#"{"betas": [0.9, 0.99], "eps": 1e-8, "amsgrad": false}"#)?;
//! let schedule: StepDecay = serde_json::from_str(r#"{"base": 0.1, "factor": 0.5, "every": 10}"#)?;
//! schedule.check()?;
//! let adam = Adam::<f64>::try_with_rule(rule, schedule.at(0))?;
//! assert_eq!(serde_json::to_string(adam.rule())?, r#"{"betas":[0.9,0.99],"eps":1e-8,"amsgrad":false}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// The derived code refers to `::nn`, in this crate too.
extern crate self as nn;

mod activation;
pub mod by_hand;
mod cast;
pub mod checkpoint;
pub mod data;
pub mod files;
pub mod functional;
#[cfg(feature = "gradcheck")]
pub mod gradcheck;
pub mod init;
#[doc(hidden)]
pub mod instances;
mod labels;
mod layers;
mod linear;
pub mod loss;
pub mod metrics;
mod module;
pub mod optim;
mod param;
mod parameters;
mod random;
mod scaling;
mod sequential;
mod setting;
mod state;
mod summary;
#[cfg(feature = "gradcheck")]
pub mod trace;
pub mod train;
pub mod transform;

pub use activation::{Identity, LogSoftmax, Softmax};
pub use cast::{Cast, copy_cast};
pub use labels::Labels;
pub use layers::{
    AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveMaxPool1d, AdaptiveMaxPool2d, AvgPool1d, AvgPool2d,
    BatchNorm, BatchNorm1d, BatchNorm2d, Bilinear, Conv1d, Conv2d, Conv3d, ConvTranspose2d, Dropout,
    Embedding, Flatten, Glu, GroupNorm, Gru, GruCell, InstanceNorm, LayerNorm, LearnedSigmoid, Lstm,
    LstmCell, MaxPool1d, MaxPool2d, MultiHeadAttention, PRelu, PixelShuffle, PixelUnshuffle, Residual,
    RmsNorm, Rnn, RnnCell, TransformerBlock, Upsample, padding_mask,
};
pub use linear::Linear;
pub use module::{CloneModule, Context, Module};
pub use nn_derive::Parameters;
pub use param::{Param, Role};
pub use parameters::{Frozen, Parameters, Path};
pub use random::{RandomTensor, permutation};
pub use sequential::{Sequential, mlp};
pub use state::{load, load_bytes, load_state_dict, save, state_dict, to_bytes};
pub use summary::{Summary, SummaryRow};
pub use tape::ops::{
    Celu, Elu, Gelu, GeluTanh, HardShrink, HardSigmoid, HardSwish, HardTanh, HardTanhBetween, LeakyRelu,
    LogSigmoid, Mish, Relu, Relu6, Selu, Sigmoid, SigmoidScaled, Silu, SoftShrink, Softplus, SoftplusScaled,
    Softsign, Tanh, TanhShrink,
};

/// The parts of derived code.
#[doc(hidden)]
pub mod derived {
    pub use crate::cast::{Kept, Source, Unable};
    pub use tape::Error;
}

/// The parts of recurrent layers, for defining a cell: [`CellRule`](recurrent::CellRule) declares the
/// equations, and [`Recurrent`](recurrent::Recurrent) runs cells along sequences. The ready-made layers are
/// [`Rnn`], [`Gru`] and [`Lstm`].
pub mod recurrent {
    pub use crate::layers::recurrent::{Cell, CellRule, GruGates, LstmGates, Recurrent, RnnGates, State};
}

/// The names that most programs use, in one import: that of [`tape::prelude`], layers, losses and optimizers.
///
/// ```
/// use nn::prelude::*;
/// use rand::{SeedableRng, rngs::StdRng};
///
/// let mut rng = StdRng::seed_from_u64(0);
/// let mut model = Sequential::new().push(Linear::new(2, 8, &mut rng)).push(Tanh).push(Linear::new(8, 1, &mut rng));
/// let x = Tensor::from([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
/// let y = Tensor::from([[0.0], [1.0], [1.0], [0.0]]);
/// let mut adam = Adam::new(0.05);
/// let (mut tape, mut cx) = (Tape::new(), Context::train(rng));
/// for _ in 0..300 {
///     let loss = squared_error(model.forward(tape.constant(x.clone()), &mut cx), &y).mean();
///     let gradients = loss.backward();
///     tape.reset();
///     adam.step(&mut model, &gradients);
/// }
/// assert!(model.predict(&x).allclose_within(&y, 0.0, 0.1));
/// ```
pub mod prelude {
    #[doc(inline)]
    pub use crate::loss::*;
    #[doc(inline)]
    pub use crate::optim::{Adam, AdamW, Optimizer, RmsProp, Sgd};
    pub use crate::*;
    // Not part of the prelude: programs that use it also name the crate `gradcheck`, and the two would be ambiguous.
    #[cfg(feature = "gradcheck")]
    #[expect(unused_imports, hidden_glob_reexports)]
    use crate::gradcheck;
    pub use tape::prelude::*;
}

/// The README of the crate runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
