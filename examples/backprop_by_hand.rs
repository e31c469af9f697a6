//! Backpropagation by hand beside the machine: four systems, every value with its closed form, its adjoint, its derivative in
//! forward mode and a difference quotient.
//!
//! ```text
//! cargo run --release --features gradcheck --example backprop_by_hand
//! cargo run --release --features gradcheck --example backprop_by_hand -- --pack chapter-8 --only fixture
//! cargo run --release --features gradcheck --example backprop_by_hand -- --plant b2-not-summed
//! ```

use clap::{Parser, ValueEnum};
use examples::cli;
use examples::derivations::{Mistake, compute_graph, networks, staged};
use gradcheck::trace::{Style, TraceReport};
use nn::trace::Pack;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where the pictures of the recorded models go.
const PICTURES: &str = "target/backprop_by_hand";

/// Derive gradients by hand and by the engine, and compare them value by value.
#[derive(Debug, Parser)]
#[command(name = "backprop_by_hand")]
struct Args {
    /// The notation of the networks: rows, chapter-8, walk-through, train-a-network, backward-pass, mlp-training, or all
    #[arg(long, default_value = "rows", value_parser = packs)]
    pack: Packs,
    /// The form of the output
    #[arg(long, default_value = "table")]
    format: Format,
    /// One system only
    #[arg(long)]
    only: Option<System>,
    /// Plant a mistake in the derivations that have it; `list` prints the names
    #[arg(long, value_name = "FAULT")]
    plant: Option<String>,
    /// Compute in f32
    #[arg(long)]
    single: bool,
    /// Digits in the batch of the network 784-32-10
    #[arg(long, default_value = "32", value_parser = cli::positive)]
    digits: usize,
    /// Directory of the digits; default: those of the repository
    #[arg(long)]
    data: Option<PathBuf>,
    /// Seed of weights and data
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Eight digits
    #[arg(long)]
    fast: bool,
}

#[derive(Clone, Debug)]
struct Packs(Vec<Pack>);

fn packs(text: &str) -> Result<Packs, String> {
    if text == "all" {
        return Ok(Packs(Pack::ALL.to_vec()));
    }
    let names = || Pack::ALL.map(|pack| pack.name).join(", ");
    Pack::named(text)
        .map(|pack| Packs(vec![pack]))
        .ok_or_else(|| format!("expected all or one of {}", names()))
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Format {
    Table,
    Markdown,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum System {
    /// A textbook's network 2-2-2
    Fixture,
    /// Single statements, 20 samples, 10-7-13
    Graph,
    /// 784-32-10 with digits
    Digits,
    /// 26 values with batch normalisation
    Staged,
}

fn main() -> ExitCode {
    cli::main(run)
}

/// Prints every mistake.
fn list() {
    let systems = [
        ("fixture and digits (names of the notation `rows`)", network_mistakes(&Pack::ROWS)),
        ("graph", compute_graph::list()),
        ("staged", staged::list()),
    ];
    for (system, mistakes) in systems {
        cli::say(format_args!("{system}:"));
        for mistake in mistakes {
            cli::say(format_args!("  {:<24} {:<10} {}", mistake.name, mistake.row, mistake.text));
        }
    }
}

/// The mistakes of the two networks together.
fn network_mistakes(pack: &Pack) -> Vec<Mistake> {
    let mut all = networks::fixture().mistakes(pack);
    let known: Vec<&str> = all.iter().map(|mistake| mistake.name).collect();
    let batch = examples::derivations::mistakes::of_networks(pack, 32, 10, false);
    let further: Vec<Mistake> = batch.into_iter().filter(|mistake| !known.contains(&mistake.name)).collect();
    all.extend(further);
    all
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    if args.plant.as_deref() == Some("list") {
        list();
        cli::result(&[(
            "mistakes",
            (network_mistakes(&Pack::ROWS).len() + compute_graph::list().len() + staged::list().len())
                .to_string(),
        )]);
        return Ok(());
    }
    if let Some(name) = &args.plant {
        let all = [network_mistakes(&Pack::ROWS), compute_graph::list(), staged::list()].concat();
        if !all.iter().any(|mistake| mistake.name == name) {
            return Err(format!("expected the name of a mistake, or `list` to see them, found {name}").into());
        }
        if args.pack.0.iter().any(|pack| pack.name != "rows") {
            return Err("mistakes are planted in the notation `rows`".into());
        }
    }
    let reports = if args.single { reports::<f32>(&args)? } else { reports::<f64>(&args)? };
    let mut counts = [0; 3];
    for report in &reports {
        cli::say(match args.format {
            Format::Table => report.table(&Style::of_environment()) + "\n",
            Format::Markdown => report.to_markdown() + "\n",
            Format::Json => report.to_json(),
        });
        for (sum, count) in counts.iter_mut().zip(report.counts()) {
            *sum += count;
        }
    }
    draw(&reports)?;
    if args.format == Format::Table {
        cli::say(format_args!(
            "The recorded models, to step through in a browser: {PICTURES}/graph_1.html and so on.\n"
        ));
    }
    let wrong: Vec<String> =
        reports.iter().flat_map(|report| report.wrong().map(|row| row.name.clone())).collect();
    let [exact, rounding, _] = counts;
    cli::result(&[
        ("reports", reports.len().to_string()),
        ("exact", exact.to_string()),
        ("rounding", rounding.to_string()),
        ("wrong", wrong.len().to_string()),
        ("wrong_rows", if wrong.is_empty() { "none".to_string() } else { wrong.join(",") }),
        ("disputed", reports.iter().flat_map(|r| r.rows()).filter(|row| row.disputed).count().to_string()),
    ]);
    match args.plant {
        None if !reports.iter().all(TraceReport::agrees) => Err("derivation and engine disagree".into()),
        _ => Ok(()),
    }
}

/// Writes a page for each recorded model, in which its sweep can be stepped through.
fn draw(reports: &[TraceReport]) -> Result<(), Box<dyn Error>> {
    let directory = Path::new(PICTURES);
    fs::create_dir_all(directory)?;
    for (number, report) in (1..).zip(reports) {
        let file = directory.join(format!("graph_{number}.html"));
        fs::write(&file, report.view().try_html()?)
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}

/// The traces of the chosen systems.
fn reports<T: tape::Element>(args: &Args) -> Result<Vec<TraceReport>, Box<dyn Error>> {
    let chosen = |system: System| args.only.is_none_or(|only| only == system);
    let planted = |list: Vec<Mistake>| {
        let name = args.plant.as_deref();
        list.into_iter().find(|mistake| name == Some(mistake.name))
    };
    let mut reports = Vec::new();
    // Of a planted mistake, only the systems that have it are of interest.
    let wanted = |mistake: &Option<Mistake>| args.plant.is_none() || mistake.is_some();
    let digits = if args.fast { args.digits.min(8) } else { args.digits };
    for pack in &args.pack.0 {
        if chosen(System::Fixture) {
            let network = networks::fixture();
            let mistake = planted(network.mistakes(pack));
            if wanted(&mistake) {
                reports.push(network.trace::<T>(pack, mistake)?);
            }
        }
        if chosen(System::Graph) && args.plant.is_none() {
            reports.push(networks::compute_graph(args.seed).trace::<T>(pack, None)?);
        }
        if chosen(System::Digits) {
            let network = networks::digits(digits, args.seed, args.data.as_deref())?;
            let mistake = planted(network.mistakes(pack));
            if wanted(&mistake) {
                reports.push(network.trace::<T>(pack, mistake)?);
            }
        }
    }
    if chosen(System::Graph) {
        let mistake = planted(compute_graph::list());
        if wanted(&mistake) {
            reports.push(compute_graph::trace::<T>(args.seed, mistake)?);
        }
    }
    if chosen(System::Staged) {
        let mistake = planted(staged::list());
        if wanted(&mistake) {
            reports.push(staged::trace::<T>(args.seed, mistake)?);
        }
    }
    Ok(reports)
}
