//! Training of `nn` on many processes, through MPI.
//!
//! Every rank has the whole model and a part of each batch. One step is a sweep over the part, one sum of the gradients of all
//! ranks, and the step of an optimizer, which is the same on every rank. So the weights stay equal without being sent again.
//!
//! | | |
//! |---|---|
//! | [`run`] | starts MPI, runs a program on every rank, and ends all ranks if one of them fails |
//! | [`Ranks`] | the ranks of the program: equal weights at the start, sums of metrics, files that one rank writes |
//! | [`RankShards`] | gradients of a batch over all ranks; what [`nn::train::Shards`] is for threads |
//!
//! ```no_run
//! use nn::data::{Batches, copy_rows};
//! use nn::optim::{Optimizer, Sgd};
//! use nn::{Context, Identity, Module, Tanh, loss, mlp};
//! use nn_mpi::{RankShards, Ranks};
//! use rand::{SeedableRng, rngs::StdRng};
//! use std::error::Error;
//! use std::process::ExitCode;
//! use tape::Tensor;
//!
//! fn main() -> ExitCode {
//!     nn_mpi::run(train)
//! }
//!
//! fn train(ranks: &Ranks) -> Result<(), Box<dyn Error>> {
//!     let (x, y) = (Tensor::linspace(-1.0, 1.0, 1000).reshape([1000, 1]), Tensor::linspace(0.0, 1.0, 1000));
//!     // The same seed on every rank: the same weights, and the same order of the samples.
//!     let mut rng = StdRng::seed_from_u64(0);
//!     let mut model = mlp(&[1, 32, 1], Tanh, Identity, &mut rng);
//!     ranks.broadcast(&mut model)?;
//!     let mut shards = RankShards::train(ranks, 0);
//!     let mut optimizer = Sgd::new(0.1);
//!     let mut batches = Batches::try_new(1000, 128)?;
//!     for _epoch in 0..10 {
//!         batches.shuffle(&mut rng);
//!         for rows in batches.iter() {
//!             let (mut part, mut targets) = (Tensor::default(), Tensor::default());
//!             shards.backward(&model, rows, |tape, rows, cx| {
//!                 copy_rows(&x, rows, &mut part)?;
//!                 copy_rows(&y, rows, &mut targets)?;
//!                 let output = model.forward(tape.constant(part.clone()), cx).reshape([rows.len()]);
//!                 Ok(loss::squared_error(output, &targets).mean())
//!             })?;
//!             optimizer.step(&mut model, shards.gradients());
//!         }
//!     }
//!     ranks.on_first(|| nn::save("model.safetensors", &model))?;
//!     Ok(())
//! }
//! ```
//!
//! Run it with `mpirun -n 4 target/release/program`. Without `mpirun` it is a program with one rank.

mod call;
mod error;
mod gradients;
mod ranks;
mod run;
mod shards;

pub use error::RankError;
pub use gradients::Reduced;
pub use ranks::Ranks;
pub use run::run;
pub use shards::{Order, RankShards};
