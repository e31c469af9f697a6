//! Neural networks on `tape`: parameters, modules, losses and optimizers.
//!
//! A model is plain data that lives outside any tape. One training step records it on a tape, asks for
//! gradients, and lets an optimizer write the new values in place:
//!
//! ```
//! use nn::{Context, Module, Optimizer, Sgd, Sigmoid, mlp};
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
//!     let loss = nn::loss::binary_cross_entropy_with_probabilities(prediction, &y).mean_over_samples();
//!     last = loss.value();
//!     let grads = loss.backward();
//!     tape.reset();
//!     optimizer.step(&mut model, &grads);
//! }
//! assert!(last < 0.1);
//! assert!(model.predict(&x).get([3, 0]).unwrap() > 0.9);
//! ```
//!
//! Resetting the tape before the step gives up its hold on the parameters, so the step copies nothing.
//!
//! [`data`] reads tables and images and hands out batches, [`loss`] has the losses, [`optim`] the other optimizers, and
//! [`optim::schedule`] their learning rates; [`metrics`] judges. [`train`] has what a longer run asks for, and
//! [`checkpoint`] the files from which it goes on as if it had not been stopped. The feature `progress` adds a progress
//! bar, `train::Progress`.

#![deny(unsafe_code)]

// The derived code says `::nn`, in this crate too.
extern crate self as nn;

pub mod activation;
pub mod by_hand;
pub mod checkpoint;
pub mod data;
pub mod files;
pub mod functional;
#[cfg(feature = "gradcheck")]
pub mod gradcheck;
pub mod init;
pub mod layers;
pub mod linear;
pub mod loss;
pub mod metrics;
pub mod module;
pub mod optim;
pub mod param;
pub mod parameters;
mod scaling;
pub mod sequential;
mod setting;
pub mod state;
pub mod train;

pub use activation::{Identity, LogSoftmax, Softmax};
pub use init::Init;
pub use layers::{
    AdaptiveAvgPool2d, AvgPool2d, BatchNorm, BatchNorm1d, BatchNorm2d, Bilinear, Conv1d, Conv2d,
    ConvTranspose2d, Dropout, Embedding, Flatten, GroupNorm, Gru, GruCell, LayerNorm, LearnedSigmoid, Lstm,
    LstmCell, MaxPool2d, MultiHeadAttention, PRelu, Residual, RmsNorm, Rnn, RnnCell, TransformerBlock,
    padding_mask,
};
pub use linear::Linear;
pub use module::{Context, Module};
pub use nn_derive::Parameters;
pub use optim::{Adam, AdamW, Optimizer, Sgd};
pub use param::{Param, Role};
pub use parameters::{Parameters, Path};
pub use sequential::{Sequential, mlp};
pub use state::{load, load_state_dict, save, state_dict};
pub use tape::ops::{
    Elu, Gelu, GeluTanh, HardTanh, LeakyRelu, LogSigmoid, Mish, Relu, Selu, Sigmoid, SigmoidScaled, Silu,
    Softplus, Tanh,
};
