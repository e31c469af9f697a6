//! Building blocks for training loops, and [`Trainer`], a ready-made loop.
//!
//! A plain loop is the first choice: it shows what happens, in order. [`EarlyStopping`] and [`BestWeights`]
//! observe a metric and the model after each epoch, and a [`History`] keeps the metrics:
//!
//! ```
//! use nn::data::{Dataset, Loader};
//! use nn::train::{BestWeights, EarlyStopping, History};
//! use nn::{Context, Identity, Module, Tanh, loss, mlp};
//! use nn::optim::{Optimizer, Sgd};
//! use rand::{SeedableRng, rngs::StdRng};
//! use tape::{Tape, Tensor};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut rng = StdRng::seed_from_u64(0);
//! let x = Tensor::linspace(-1.0, 1.0, 40).reshape([40, 1]);
//! let data = Dataset::new(x.clone(), x.square())?;
//! let (train, validation) = (data.take(&Vec::from_iter(0..30))?, data.take(&Vec::from_iter(30..40))?);
//! let mut model = mlp(&[1, 8, 1], Tanh, Identity, &mut rng);
//! let (mut optimizer, mut loader) = (Sgd::new(0.1), Loader::new(&train, 10)?);
//! let (mut tape, mut cx) = (Tape::new(), Context::train(StdRng::from_rng(&mut rng)));
//!
//! let (mut history, mut best) = (History::new(["validation"]), BestWeights::default());
//! let mut stopping = EarlyStopping::new(5);
//! for _epoch in 1..=20 {
//!     for (x, y) in loader.epoch(&mut rng) {
//!         let loss = loss::squared_error(model.forward(tape.constant(x), &mut cx), y).mean();
//!         let grads = loss.backward();
//!         tape.reset();
//!         optimizer.step(&mut model, &grads);
//!     }
//!     let error = nn::metrics::rmse(&model.predict(validation.x()), validation.y())?;
//!     history.push(&[error]);
//!     best.observe(error, &model);
//!     if stopping.observe(error) {
//!         break;
//!     }
//! }
//! best.restore(&mut model)?;
//! assert_eq!(nn::metrics::rmse(&model.predict(validation.x()), validation.y())?, best.value().unwrap());
//! # Ok(())
//! # }
//! ```
//!
//! [`Trainer`] is the same loop with its variations as settings: validation, metrics, callbacks, early
//! stopping, which weights are kept, and what happens when the loss is not finite. Its batches come from any
//! [`BatchSource`](crate::data::BatchSource). A model with other inputs than one tensor, or other targets, is trained by
//! [`Trainer::run_batches`], one with several optimizers by [`Trainer::run_steps`], of which [`descend`] is a step. If it
//! does not do what you want, write the loop. (There, [`optim::Average`](crate::optim::Average) averages weights, and
//! [`WeightedMean`] gives the loss of an epoch of unequal batches.) A loop that uses several threads per
//! batch takes its gradients from [`Shards`]. An [`EventLog`] writes metrics to a file as they come, from either loop.

mod best;
mod callback;
mod entry;
mod history;
mod log;
#[cfg(feature = "progress")]
mod progress;
mod replayed;
mod report;
mod run;
mod shards;
mod step;
mod stopping;
mod trainer;
mod weighted_mean;

pub use best::BestWeights;
pub use callback::{Callback, Epoch, Step};
pub use history::History;
pub use log::EventLog;
#[cfg(feature = "progress")]
pub use progress::Progress;
pub use replayed::ReplayedStep;
pub use report::{Report, StopReason, TrainError};
pub use shards::Shards;
pub use step::{StepFailure, descend, loss_function};
pub use stopping::EarlyStopping;
pub use trainer::{Keep, OnNonFinite, Trainer};
pub use weighted_mean::WeightedMean;
