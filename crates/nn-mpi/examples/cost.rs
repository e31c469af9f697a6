//! The cost of a step on many ranks: measures what a sum over the ranks takes for models of several sizes, fits latency and
//! bandwidth to it, and predicts the time of an epoch of `mnist_ranks` from its cost on one rank.
//!
//! ```text
//! mpirun -n 2 target/release/examples/cost --batch 256
//! ```

use clap::Parser;
use nn::Param;
use nn_mpi::{RankShards, Ranks};
use std::error::Error;
use std::process::ExitCode;
use tape::Tensor;

/// Measure the sums of gradients over the ranks of `mpirun`, and predict the time of an epoch on more of them.
#[derive(Debug, Parser)]
struct Args {
    /// Microseconds that a sample takes on one rank
    #[arg(long, default_value = "1.7")]
    sample: f64,
    /// Microseconds of a step that do not depend on the batch: the update of the weights
    #[arg(long, default_value = "24")]
    step: f64,
    /// Samples in a batch
    #[arg(long, default_value = "1024")]
    batch: usize,
    /// Samples in an epoch
    #[arg(long, default_value = "10000")]
    samples: usize,
    /// Elements of the gradient
    #[arg(long, default_value = "25450")]
    elements: usize,
    /// Latency in seconds of another network, instead of the measured one
    #[arg(long)]
    latency: Option<f64>,
    /// Bandwidth in bytes per second of another network, instead of the measured one
    #[arg(long)]
    bandwidth: Option<f64>,
    /// Unused: nothing here is random
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Fewer repetitions
    #[arg(long)]
    fast: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    nn_mpi::run(|ranks| measure(ranks, &args))
}

fn measure(ranks: &Ranks, args: &Args) -> Result<(), Box<dyn Error>> {
    let sizes = [100, 1_000, 10_000, 100_000, 1_000_000];
    let mut points = Vec::new();
    for size in sizes {
        let seconds = step(ranks, size, if args.fast { 5 } else { 50 })?;
        points.push(((size * 8) as f64, seconds));
        if ranks.is_first() {
            println!("{size:8} elements: {:10.1} us a step in MPI", 1e6 * seconds);
        }
    }
    if !ranks.is_first() {
        return Ok(());
    }
    // On P ranks a ring sends 2 (P - 1) / P of the bytes from each rank, in messages whose latencies add up like log2 P at best.
    let p = ranks.size() as f64;
    let (messages, share) = ((2.0 * p.log2()).max(1.0), 2.0 * (p - 1.0) / p);
    let latency = args.latency.unwrap_or(points[0].1 / messages);
    let (bytes, seconds) = points[points.len() - 1];
    let bandwidth = args.bandwidth.unwrap_or(share.max(f64::MIN_POSITIVE) * bytes / (seconds - points[0].1));
    println!("latency {:.2} us, bandwidth {:.2} GB/s", 1e6 * latency, 1e-9 * bandwidth);
    println!("ranks  predicted seconds an epoch  speed-up");
    let steps = (args.samples / args.batch).max(1) as f64;
    let work = 1e-6 * args.sample * args.samples as f64;
    let (mut first, mut last) = (f64::NAN, f64::NAN);
    for ranks in [1, 2, 4, 8, 16, 32, 64] {
        let p = f64::from(ranks);
        let sum = 2.0 * p.log2() * latency + 2.0 * (p - 1.0) / p * (args.elements * 8) as f64 / bandwidth;
        last = work / p + steps * (1e-6 * args.step + sum);
        if ranks == 1 {
            first = last;
        }
        println!("{ranks:5}  {last:26.4}  {:8.2}", first / last);
    }
    println!(
        "result: ranks={} latency_us={:.2} bandwidth_gbs={:.2} speedup_64={:.2}",
        ranks.size(),
        1e6 * latency,
        1e-9 * bandwidth,
        first / last
    );
    Ok(())
}

/// The median seconds in MPI of a step of a model with this number of elements, whose sweep takes next to no time.
fn step(ranks: &Ranks, elements: usize, repetitions: usize) -> Result<f64, Box<dyn Error>> {
    let model = Param::new(Tensor::<f64>::zeros([elements]));
    let rows: Vec<usize> = (0..ranks.size()).collect();
    let mut shards = RankShards::eval(ranks);
    let (mut seconds, mut before) = (Vec::new(), 0.0);
    for _repetition in 0..repetitions {
        ranks.barrier()?;
        shards.backward(&model, &rows, |tape, _, _| Ok(model.on(tape).sum()))?;
        let now = shards.communication().as_secs_f64();
        seconds.push(now - before);
        before = now;
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[seconds.len() / 2])
}
