//! Classification of a table: the species of penguins from four measurements, or a column of your own file.
//!
//! From a CSV file to an evaluation: rows with gaps are dropped, the rest is split in three, scaled by the
//! statistics of the training part, used for training, selected by the validation part, and evaluated once on
//! the test part.
//!
//! ```text
//! cargo run --release --example tabular
//! cargo run --release --example tabular -- --inputs bill_depth_mm,body_mass_g --target sex
//! ```

use clap::Parser;
use examples::{cli, penguins};
use nn::data::{Dataset, LabelColumn, Loader, Split, Standard, Table};
use nn::metrics::{Confusion, argmax_rows};
use nn::optim::Sgd;
use nn::train::{Keep, Progress, Report, Trainer};
use nn::{Identity, Module, Sequential, Tanh, loss, mlp};
use nn_plot::{Lines, Matrices, Matrix};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tape::Tensor;

const PICTURES: &str = "target/tabular";

/// Fractions of the rows for training, validation and testing.
const SHARES: [f64; 3] = [0.6, 0.2, 0.2];

/// Learn a column of a table from other columns.
#[derive(Debug, Parser)]
#[command(name = "tabular")]
struct Args {
    /// A CSV file whose first line names its columns [default: the repository's penguins]
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Numeric feature columns
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g"
    )]
    inputs: Vec<String>,
    /// The column of classes
    #[arg(long, default_value = "species")]
    target: String,
    /// The marker of a missing value
    #[arg(long, default_value = penguins::MISSING)]
    missing: String,
    /// Hidden units
    #[arg(long, default_value = "8", value_parser = cli::positive)]
    hidden: usize,
    /// Learning rate
    #[arg(long, default_value = "0.1", value_parser = cli::rate)]
    lr: f64,
    /// Passes over the training rows, at most
    #[arg(long, default_value = "200", value_parser = cli::positive)]
    epochs: usize,
    /// Epochs without a better validation loss after which training ends
    #[arg(long, default_value = "20", value_parser = cli::positive)]
    patience: usize,
    /// Seed of the split, the initial weights and the order of the rows
    #[arg(long, default_value = "0")]
    seed: u64,
    /// 20 epochs at most
    #[arg(long)]
    fast: bool,
}

fn main() -> ExitCode {
    cli::main(run)
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let mut rng = StdRng::seed_from_u64(args.seed);
    let table = args.data.as_ref().map_or_else(penguins::table, Table::read)?;
    let rows = table.len();
    let inputs: Vec<&str> = args.inputs.iter().map(String::as_str).collect();
    let table = table.drop_missing(&[&inputs[..], &[&args.target]].concat(), &args.missing)?;
    let classes = table.classes(&args.target)?;
    println!("{rows} rows, {} of them without gaps; {} classes", table.len(), classes.names.len());

    let data = Dataset::new(
        table.numbers(&inputs)?,
        tape::Tensor::one_hot(&classes.labels[..], classes.names.len())?,
    )?;
    let split = Split::stratified(&classes.labels, SHARES, &mut rng)?;
    let parts = data.parts(&split)?;
    if parts.iter().any(Dataset::is_empty) {
        return Err(format!("{} rows are too few to be divided in three", data.len()).into());
    }
    // Nothing about the other parts may reach the model: the scale is that of the training part.
    let scale = Standard::fit(parts[0].x())?;
    let scaled = |part: &Dataset| Dataset::new(scale.apply(part.x())?, part.y().clone());
    let [train, validation, test] = [scaled(&parts[0])?, scaled(&parts[1])?, scaled(&parts[2])?];
    println!("{} for training, {} for validation, {} for testing", train.len(), validation.len(), test.len());

    let mut model = mlp(&[inputs.len(), args.hidden, classes.names.len()], Tanh, Identity, &mut rng);
    let report = fit(&mut model, &train, &validation, &args, &mut rng)?;
    let (epoch, least) = report.best.unwrap_or_default();
    println!("{} epochs, the best was {epoch} with validation loss {least:.4}\n", report.history.len());

    let confusion = Confusion::new(
        &argmax_rows(&model.predict(test.x()))?,
        &argmax_rows(test.y())?,
        classes.names.len(),
    )?;
    judge(&confusion, &classes);
    pictures(&report, &confusion, &classes.names)?;
    cli::result(&[
        ("accuracy", format!("{:.4}", confusion.accuracy())),
        ("macro_f1", format!("{:.4}", confusion.macro_f1())),
        ("epochs", report.history.len().to_string()),
    ]);
    Ok(())
}

/// Trains until the validation loss has not improved for a while, and keeps the weights with the best one.
fn fit(
    model: &mut Sequential,
    train: &Dataset,
    validation: &Dataset,
    args: &Args,
    rng: &mut StdRng,
) -> Result<Report, Box<dyn Error>> {
    let epochs = if args.fast { args.epochs.min(20) } else { args.epochs };
    let report = Trainer::new(epochs)
        .validation(validation)
        .metric("accuracy", |model| accuracy(model, validation).unwrap_or(f64::NAN))
        .patience(args.patience)
        .keep(Keep::Best)
        .callback(Progress::new(epochs))
        .run(
            model,
            &mut Sgd::new(args.lr).momentum(0.9),
            &mut Loader::new(train, 16)?,
            rng,
            |logits, y| loss::cross_entropy_with_logits(logits, y).mean(),
        )?;
    Ok(report)
}

fn accuracy(model: &dyn Module, data: &Dataset) -> Result<f64, tape::Error> {
    nn::metrics::accuracy(&argmax_rows(&model.predict(data.x()))?, &argmax_rows(data.y())?)
}

/// Prints the predictions for the test rows of each class.
fn judge(confusion: &Confusion, classes: &LabelColumn) {
    println!("{:>12} {:>9} {:>9} {:>9}   taken for", "class", "precision", "recall", "F1");
    for (class, name) in classes.names.iter().enumerate() {
        let taken: Vec<String> = (0..confusion.classes())
            .filter(|&said| confusion.count(class, said) > 0)
            .map(|said| format!("{} {}", confusion.count(class, said), classes.names[said]))
            .collect();
        let (precision, recall) = (confusion.precision(class), confusion.recall(class));
        let f1 = confusion.f1(class);
        println!("{name:>12} {precision:>9.3} {recall:>9.3} {f1:>9.3}   {}", taken.join(", "));
    }
}

fn pictures(report: &Report, confusion: &Confusion, names: &[String]) -> Result<(), Box<dyn Error>> {
    let file = Path::new(PICTURES).join("loss.svg");
    Lines::columns("Cross-entropy", &report.history, ["loss", "validation"])?.log_y().save(&file)?;
    println!("\npicture: {}", file.display());
    let file = Path::new(PICTURES).join("confusion.svg");
    let n = names.len();
    let counts: Tensor = Tensor::from_fn([n, n], |i| confusion.count(i[0], i[1]) as f64);
    let matrix = Matrix::new("rows: what they are", &counts).x_label("what they were taken for");
    Matrices::new("Test rows").matrix(matrix.columns(names).rows(names)).save(&file)?;
    println!("picture: {}", file.display());
    Ok(())
}
