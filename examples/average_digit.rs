//! Recognises digits without learning: the nearest average image.
//!
//! ```text
//! cargo run --release --example average_digit
//! ```

use clap::Parser;
use examples::{cli, mnist_files};
use nn::metrics::Confusion;
use nn_plot::Heatmaps;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tape::Tensor;

const PICTURES: &str = "target/average_digit";
const CLASSES: usize = 10;

/// Give each test image the label of the nearest average digit.
///
/// The repository contains 10,000 training images and the complete test set; a full set is read with --data
/// DIR. With it, 6685 of the 10,000 test images are classified correctly (8203 by squared differences).
#[derive(Debug, Parser)]
#[command(name = "average_digit")]
struct Args {
    /// Directory of the four IDX files, compressed or not [default: MNIST_DIR, else the repository's]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Nothing here is random: accepted so that every program takes it
    #[arg(long, default_value = "0")]
    seed: u64,
    /// The first 1000 test images only
    #[arg(long)]
    fast: bool,
}

fn main() -> ExitCode {
    cli::main(run)
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let mnist = mnist_files::read(args.data.as_deref())?;
    let test = mnist.test.first(if args.fast { 1000 } else { usize::MAX });
    let [_, rows, columns] = mnist.train.shape();
    // One-hot targets turn the sums over each class into one product: Yᵀ X, divided by the counts.
    let x: Tensor<f64> = mnist.train.rows();
    let y: Tensor<f64> = Tensor::one_hot(mnist.train.labels(), CLASSES)?;
    let counts = y.sum_axes(0, false).reshape([CLASSES, 1]);
    let means = &y.transpose().matmul(&x) / &counts;
    println!(
        "{} training images averaged, {} test images compared with the ten averages.\n",
        mnist.train.len(),
        test.len()
    );
    let labels = test.labels();
    let absolute = Confusion::new(&nearest(&means, &test.rows(), f64::abs), labels, CLASSES)?;
    let squared = Confusion::new(&nearest(&means, &test.rows(), |d| d * d), labels, CLASSES)?;
    println!("{absolute}");
    println!(
        "mean absolute difference: {:.2} % right, mean squared difference: {:.2} %; guessing: 10 %\n",
        100.0 * absolute.accuracy(),
        100.0 * squared.accuracy()
    );
    let file = Path::new(PICTURES).join("averages.svg");
    let images = means.reshape([CLASSES, rows, columns]);
    Heatmaps::new("Average of the training images of each digit").images(&images).per_row(5).save(&file)?;
    println!("picture: {}", file.display());
    cli::result(&[
        ("accuracy", format!("{:.4}", absolute.accuracy())),
        ("accuracy_squared", format!("{:.4}", squared.accuracy())),
    ]);
    Ok(())
}

/// For each row of `x` the nearest mean; a tie goes to the lower digit.
fn nearest(means: &Tensor, x: &Tensor, size: fn(f64) -> f64) -> Vec<usize> {
    let width = means.shape()[1];
    let (means, x) = (means.to_vec(), x.to_vec());
    let label = |image: &[f64]| {
        let mut best = (f64::INFINITY, 0);
        for (digit, mean) in means.chunks_exact(width).enumerate() {
            let difference: f64 = mean.iter().zip(image).map(|(m, x)| size(m - x)).sum();
            if difference < best.0 {
                best = (difference, digit);
            }
        }
        best.1
    };
    x.chunks_exact(width).map(label).collect()
}
