//! Handwritten digits on many ranks: the network of the example `mnist`, each batch cut over the ranks.
//!
//! ```text
//! cargo build --release --examples
//! mpirun -n 2 target/release/examples/mnist_ranks
//! ```

use clap::Parser;
use nn::data::{Batches, Mnist, copy_rows};
use nn::metrics::{Confusion, argmax_rows};
use nn::optim::{Optimizer, Sgd};
use nn::train::WeightedMean;
use nn::{Linear, Module, Sequential, Sigmoid, loss};
use nn_mpi::{Order, RankShards, Ranks};
use rand::{SeedableRng, rngs::StdRng};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use tape::Tensor;

/// Train a small network on handwritten digits, each batch cut over the ranks of `mpirun`.
#[derive(Debug, Parser)]
struct Args {
    /// Passes over the training images
    #[arg(long, default_value = "10")]
    epochs: usize,
    /// Images in a batch, over all ranks
    #[arg(long, default_value = "1024")]
    batch: usize,
    /// Hidden units
    #[arg(long, default_value = "32")]
    hidden: usize,
    /// Learning rate
    #[arg(long, default_value = "1")]
    lr: f64,
    /// Seed of the initial weights and of the order of the images
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Add gradients in the order of this number of shards, for the same bits on every number of ranks
    #[arg(long, value_name = "SHARDS")]
    fixed: Option<usize>,
    /// Directory of the four IDX files, compressed or not [default: the repository's]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write the parameters to a file, .safetensors or .npz
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Two epochs
    #[arg(long)]
    fast: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    nn_mpi::run(|ranks| train(ranks, &args))
}

fn train(ranks: &Ranks, args: &Args) -> Result<(), Box<dyn Error>> {
    let directory = args.data.clone();
    let directory =
        directory.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/mnist").into());
    let Mnist { train, test } = Mnist::read(directory)?;
    let (x, y) = (train.rows::<f64>(), Tensor::one_hot(train.labels(), 10)?);
    let mut rng = StdRng::seed_from_u64(args.seed);
    let mut model = Sequential::new()
        .push(Linear::new(x.shape()[1], args.hidden, &mut rng))
        .push(Sigmoid)
        .push(Linear::new(args.hidden, 10, &mut rng))
        .push(Sigmoid);
    ranks.broadcast(&mut model)?;

    let order = args.fixed.map_or(Order::Any, Order::Fixed);
    let mut shards = RankShards::train(ranks, args.seed).order(order)?;
    let mut batches = Batches::try_new(train.labels().len(), args.batch)?.merge_last();
    let mut optimizer = Sgd::new(args.lr);
    let (mut part, mut targets) = (Tensor::default(), Tensor::default());
    let (mut loss, mut seconds) = (f64::NAN, Vec::new());
    for epoch in 1..=if args.fast { 2 } else { args.epochs } {
        batches.shuffle(&mut rng);
        ranks.barrier()?;
        let (start, mut mean) = (Instant::now(), WeightedMean::new());
        for rows in batches.iter() {
            let value = shards.backward(&model, rows, |tape, rows, cx| {
                copy_rows(&x, rows, &mut part)?;
                copy_rows(&y, rows, &mut targets)?;
                let output = model.forward(tape.constant(part.clone()), cx);
                Ok(loss::squared_error(output, &targets).mean_over_samples())
            })?;
            mean.add(value, rows.len() as f64);
            optimizer.step(&mut model, shards.gradients());
        }
        loss = mean.value();
        seconds.push(start.elapsed().as_secs_f64());
        if ranks.is_first() {
            println!("epoch {epoch:3}: loss {loss:.6}, {:.3} s", seconds[seconds.len() - 1]);
        }
    }
    ranks.check_equal(&model)?;
    ranks.on_first(|| args.save.as_ref().map_or(Ok(()), |file| nn::save(file, &model)))?;
    if ranks.is_first() {
        seconds.sort_by(f64::total_cmp);
        let epoch = seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN);
        let in_mpi = shards.communication().as_secs_f64() / seconds.iter().sum::<f64>();
        let confusion = Confusion::new(&argmax_rows(&model.predict(&test.rows()))?, test.labels(), 10)?;
        println!(
            "result: ranks={} accuracy={:.4} loss={loss:.6} seconds_per_epoch={epoch:.4} share_of_mpi={in_mpi:.3}",
            ranks.size(),
            confusion.accuracy(),
        );
    }
    Ok(())
}
