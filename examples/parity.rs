//! Parity: a 10-3-2 network learns from the ten bits of a number whether it is even, and its weights show
//! which bits it uses.
//!
//! With `--exact` the published run of this network is reproduced to every printed digit. This requires the
//! same random numbers, the order in which they are drawn (weights, then biases, layer by layer, then one
//! shuffle an epoch), and the published division of the last batch of twelve by eight. The order of summation
//! does not matter: training converges, so rounding stays far below the printed digits.
//!
//! ```text
//! cargo run --release --example parity
//! cargo run --release --example parity -- --exact
//! ```

use clap::Parser;
use examples::cli;
use examples::parity::{BITS, Divisor, HIDDEN, Numbers, TRAIN, Training, column_norms};
use nn::train::Progress;
use nn_plot::{Lines, Matrices, Matrix};
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use tape::Tensor;

/// The published errors of the first epochs, as printed.
const PUBLISHED: [(usize, &str); 12] = [
    (0, "0.48236"),
    (1, "0.3234"),
    (2, "0.16235"),
    (3, "0.075001"),
    (4, "0.040232"),
    (5, "0.025256"),
    (6, "0.017793"),
    (7, "0.013523"),
    (8, "0.010801"),
    (9, "0.0089463"),
    (998, "0.00004031"),
    (999, "0.00004026"),
];

const PICTURES: &str = "target/parity";

/// Learn whether numbers from 0 to 1023 are even.
///
/// Trained on 0..699, tested on 700..1023; squared error, learning rate 0.3, mini-batches of 8. For a quick look:
/// --epochs 20.
#[derive(Debug, Parser)]
#[command(name = "parity")]
struct Args {
    /// Passes over the training numbers
    #[arg(long, default_value = "1000", value_parser = cli::positive)]
    epochs: usize,
    /// Seed of the initial weights and of the order of the numbers
    #[arg(long, default_value = "0")]
    seed: u32,
    /// Repeat the published run: seed 0, and the last, larger batch of an epoch divided by the nominal size. Fails
    /// if any printed digit differs
    #[arg(long)]
    exact: bool,
}

fn main() -> ExitCode {
    cli::main(run)
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    if args.exact && args.seed != 0 {
        return Err("--exact repeats a run with seed 0".into());
    }
    let divisor = if args.exact { Divisor::Nominal } else { Divisor::Samples };
    let mut training = Training::new(args.seed, divisor)?;
    let mut errors = Vec::new();
    let progress = Progress::new(args.epochs);
    for epoch in 1..=args.epochs {
        let error = training.epoch()?;
        errors.push(error);
        progress.epoch(epoch, error);
    }
    progress.finish();

    println!("error of each epoch, the mean of its batches as they were met:");
    let mut agree = 0;
    for (epoch, text) in PUBLISHED.iter().filter(|(epoch, _)| *epoch < errors.len()) {
        let decimals = text.len() - 2;
        let ours = format!("{:.decimals$}", errors[*epoch]);
        // The last one printed was cut off, not rounded: 4.0268e-5.
        let cut = format!("{:.12}", errors[*epoch]).starts_with(text);
        let rounds = ours == *text;
        let same = rounds || cut;
        agree += usize::from(same);
        let verdict = match (args.exact, same) {
            (true, true) if !rounds => "equal (printed without rounding)",
            (true, true) => "equal",
            (true, false) => "DIFFERENT",
            (false, _) => "",
        };
        println!("  {epoch:4}  ours {:.8}  published {text:<10}  {verdict}", errors[*epoch]);
    }
    let (train, test) = (Numbers::new(0..TRAIN)?, Numbers::new(TRAIN..1 << BITS)?);
    let accuracy = training.accuracy(&test)?;
    println!(
        "accuracy {:.4} on the {TRAIN} numbers it was trained on, {accuracy:.4} on {} new ones",
        training.accuracy(&train)?,
        test.labels.len(),
    );

    let [hidden, output] = training.weights();
    let norms = column_norms(&hidden);
    let last = norms[BITS - 1];
    let next = norms[..BITS - 1].iter().copied().fold(0.0, f64::max);
    println!("length of the column of hidden weights of each bit, most significant first:");
    println!("  {}", norms.iter().map(|norm| format!("{norm:.3}")).collect::<Vec<_>>().join("  "));
    println!("the least significant bit decides parity, and weighs {:.1} times the next one", last / next);

    draw(&errors, [hidden.to_vec(), output.to_vec()])?;
    if args.exact {
        let met = PUBLISHED.iter().filter(|(epoch, _)| *epoch < errors.len()).count();
        println!("{agree} of {met} published numbers agree to every printed digit");
        if agree < met {
            return Err(format!("{} published numbers are not reproduced", met - agree).into());
        }
    }
    cli::result(&[
        ("accuracy", format!("{accuracy:.4}")),
        ("error", format!("{:.4e}", errors[errors.len() - 1])),
        ("last_bit_ratio", format!("{:.2}", last / next)),
    ]);
    Ok(())
}

fn draw(errors: &[f64], [hidden, output]: [Vec<f64>; 2]) -> Result<(), Box<dyn Error>> {
    let points: Vec<(f64, f64)> = errors.iter().enumerate().map(|(i, &error)| (i as f64, error)).collect();
    let file = Path::new(PICTURES).join("error.svg");
    Lines::new("Parity of ten bits: error while training")
        .x_label("epoch")
        .y_label("squared error, mean of the batches")
        .curve("", points)
        .log_y()
        .save(&file)?;
    println!("picture: {}", file.display());

    let bits: Vec<String> = (0..BITS).rev().map(|power| (1 << power).to_string()).collect();
    let units: Vec<String> = (1..=HIDDEN).map(|i| format!("hidden {i}")).collect();
    let file = Path::new(PICTURES).join("weights.svg");
    let hidden = Matrix::new("Hidden layer", &Tensor::from_vec([HIDDEN, BITS], hidden)?);
    let output = Matrix::new("Output layer", &Tensor::from_vec([2, HIDDEN], output)?);
    Matrices::new("Weights after training: the last bit decides")
        .matrix(hidden.x_label("value of the bit").columns(bits).rows(&units))
        .matrix(output.columns(&units).rows(["odd", "even"]))
        .save(&file)?;
    println!("picture: {}", file.display());
    Ok(())
}
