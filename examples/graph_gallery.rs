//! Pages that step through recorded graphs and their gradients, from a neuron to an LSTM.
//!
//! ```text
//! cargo run --release --example graph_gallery
//! ```

use clap::Parser;
use examples::cli;
use nn::{LstmCell, Parameters, Path};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::process::ExitCode;
use tape::{Element, GraphView, Scalar, Tape};

/// Write a page for each of seven graphs, with their numbers as JSON beside it, and an index.
#[derive(Debug, Parser)]
#[command(name = "graph_gallery")]
struct Args {
    /// The directory of the pages
    #[arg(long, default_value = "target/graph_gallery")]
    directory: std::path::PathBuf,
    /// Seed of the LSTM and of the large network
    #[arg(long, default_value = "0")]
    seed: u64,
    /// It is fast anyway: accepted so that every program takes it
    #[arg(long)]
    fast: bool,
}

/// The largest graph that a page shows.
const MOST_NODES: usize = 400;

fn main() -> ExitCode {
    cli::main(run)
}

/// A page and what belongs to it.
struct Page {
    name: &'static str,
    title: &'static str,
    nodes: usize,
    steps: usize,
    /// The ending of each file, and its text.
    files: [(&'static str, String); 3],
}

fn page<T: Element>(
    name: &'static str,
    title: &'static str,
    view: &GraphView<T>,
) -> Result<Page, tape::Error> {
    let files = [("html", view.try_html()?), ("json", view.to_json()), ("txt", view.explain())];
    Ok(Page { name, title, nodes: view.nodes().len(), steps: view.steps().len(), files })
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let pages = [
        page("neuron", "A neuron: a weighted sum, tanh, squared error", &neuron())?,
        page("fork", "Forks: values that are used more than once", &fork())?,
        page("network", "A network with 2 inputs, 2 hidden units and 2 outputs", &network())?,
        page("softmax", "Softmax with cross-entropy, in steps", &softmax())?,
        page("batch_norm", "Batch normalization, in steps", &batch_norm())?,
        page("lstm", "One step of an LSTM, in single precision", &lstm(args.seed))?,
        page("large", "A network of as many nodes as a page takes", &large(args.seed))?,
    ];
    fs::create_dir_all(&args.directory).map_err(|error| format!("{}: {error}", args.directory.display()))?;
    let mut items = String::new();
    for Page { name, title, nodes, steps, files } in &pages {
        writeln!(items, "<li><a href=\"{name}.html\">{title}</a> ({nodes} nodes)</li>")?;
        println!("{name:<11} {nodes:>4} nodes {steps:>4} steps {:>7} bytes", files[0].1.len());
        for (ending, text) in files {
            write(&args, &format!("{name}.{ending}"), text)?;
        }
    }
    let index = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"data:,\"><title>Graphs to step through</title>\n\
         <body style=\"font: 1.1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem\">\n\
         <h1>Graphs to step through</h1>\n<ul>\n{items}</ul>\n</body></html>\n"
    );
    write(&args, "index.html", &index)?;
    println!("\nfile: {}", args.directory.join("index.html").display());
    let largest = pages.iter().map(|page| page.files[0].1.len()).max().unwrap_or(0);
    cli::result(&[
        ("pages", pages.len().to_string()),
        ("nodes", pages.iter().map(|page| page.nodes).sum::<usize>().to_string()),
        ("steps", pages.iter().map(|page| page.steps).sum::<usize>().to_string()),
        ("largest_page_kb", (largest / 1000).to_string()),
    ]);
    Ok(())
}

fn write(args: &Args, name: &str, text: &str) -> Result<(), String> {
    let file = args.directory.join(name);
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))
}

fn neuron() -> GraphView {
    let tape = Tape::new();
    let [w1, w2, b] = [("w1", 0.5), ("w2", -1.0), ("b", 0.25)].map(|(name, x)| tape.scalar(x).named(name));
    let (x1, x2, y) = (1.5, 0.5, 1.0);
    let z = (w1 * x1 + w2 * x2 + b).named("z");
    let a = z.tanh().named("a");
    (a - y).square().named("loss").view()
}

/// The counterexample to a recursive sweep: `b` passes on what it has received, so it must have received everything.
fn fork() -> GraphView {
    let tape = Tape::new();
    let a = tape.scalar(2.0).named("a");
    let b = (a * a).named("b");
    let c = (b * 3.0).named("c");
    let d = (b + a).named("d");
    (c * d).named("L").view()
}

/// The network of a textbook exercise, in scalars.
fn network() -> GraphView {
    let tape = Tape::new();
    let x = [("x1", 1.0), ("x2", 2.0)].map(|(name, x)| tape.scalar(x).named(name));
    let hidden = layer(&tape, "hidden", [[0.1, 0.2], [0.3, -0.4]], [0.05, -0.05], x);
    let [a1, a2] = layer(&tape, "output", [[0.5, -0.6], [0.7, 0.8]], [0.1, -0.1], hidden);
    let (e1, e2) = ((a1 - 1.0).square().named("e1"), (a2 - 0.0).square().named("e2"));
    ((e1 + e2) * 0.5).named("loss").view()
}

/// Two neurons with two inputs each.
fn layer<'t>(
    tape: &'t Tape,
    name: &str,
    weights: [[f64; 2]; 2],
    biases: [f64; 2],
    x: [Scalar<'t>; 2],
) -> [Scalar<'t>; 2] {
    [0, 1].map(|j| {
        let weight = |k: usize| tape.scalar(weights[j][k]).named(format!("{name}.w{}{}", j + 1, k + 1));
        let (w1, w2) = (weight(0), weight(1));
        let b = tape.scalar(biases[j]).named(format!("{name}.b{}", j + 1));
        let z = (w1 * x[0] + w2 * x[1] + b).named(format!("{name}.z{}", j + 1));
        z.sigmoid().named(format!("{name}.a{}", j + 1))
    })
}

fn softmax() -> GraphView {
    let tape = Tape::new();
    let x = tape.constant([[1.0, 2.0], [0.5, -1.0], [-1.5, 0.25]]).named("x");
    let w = tape.var([[0.2, -0.5, 0.1, 0.4], [0.7, 0.3, -0.2, 0.0]]).named("W");
    let b = tape.var([0.1, 0.0, -0.1, 0.2]).named("b");
    let y = tape.constant([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]]).named("y");
    let logits = (x.matmul(w) + b).named("logits");
    let shifted = (logits - logits.max_axes(1, true)).named("shifted");
    let counts = shifted.exp().named("counts");
    let probabilities = (counts / counts.sum_axes(1, true).named("total")).named("p");
    let picked = (probabilities.ln() * y).named("picked");
    (-picked.sum_axes(1, false).mean()).named("loss").view()
}

fn batch_norm() -> GraphView {
    let tape = Tape::new();
    let x = tape.var([[0.5, 2.0, -1.0], [1.5, 0.0, 0.25], [-0.5, 1.0, 3.0], [2.5, -1.0, 0.75]]).named("x");
    let (gain, shift) = (tape.var([1.0, 0.5, 2.0]).named("gain"), tape.var([0.0, 0.1, -0.2]).named("shift"));
    let mean = x.mean_axes(0, true).named("mean");
    let centred = (x - mean).named("centred");
    let variance = centred.square().mean_axes(0, true).named("variance");
    let scale = (variance + 1e-5).rsqrt().named("scale");
    let normal = (centred * scale).named("normal");
    let y = (normal * gain + shift).named("y");
    let weights =
        tape.constant([[1.0, -2.0, 0.5], [0.0, 1.0, 1.5], [-1.0, 0.5, 0.25], [2.0, 0.0, -0.5]]).named("t");
    (y * weights).sum().named("loss").view()
}

fn lstm(seed: u64) -> GraphView<f32> {
    let cell = LstmCell::<f32>::new(3, 2, &mut StdRng::seed_from_u64(seed));
    let tape = Tape::single();
    let x = tape.constant([[0.5, -1.0, 2.0]]).named("x");
    let (h, c) = (tape.var([[0.1, -0.2]]).named("h"), tape.var([[0.4, 0.3]]).named("c"));
    let (h_next, c_next) = cell.forward(x, (h, c));
    cell.visit(&Path::root().field("cell"), &mut |path, param| {
        tape.name_parameter(param.id(), param.value(), &path.to_string());
    });
    (h_next.named("h'").square().sum() + c_next.named("c'").sum()).named("loss").view()
}

/// A network of scalars with 12 inputs and layers of 6 neurons, the last of as many as there is room for; the loss is the sum of
/// the squares of all activations.
fn large(seed: u64) -> GraphView {
    let mut rng = StdRng::seed_from_u64(seed);
    let tape = Tape::new();
    let mut draw = |name: String, bound: f64| tape.scalar(rng.random_range(-bound..bound)).named(name);
    let mut x: Vec<Scalar<'_>> = (0..12).map(|k| draw(format!("x{k}"), 1.0)).collect();
    let mut loss = tape.scalar_constant(0.0);
    for layer in 0.. {
        // A weight, a product and a sum for each input, with tanh in place of the first sum; then a square, which is added.
        let of_neuron = 3 * x.len() + 2;
        let neurons = ((MOST_NODES - tape.len()) / of_neuron).min(6);
        if neurons == 0 {
            break;
        }
        let mut activations = Vec::new();
        for j in 0..neurons {
            let mut terms = Vec::new();
            for (k, &x) in x.iter().enumerate() {
                terms.push(draw(format!("layer{layer}.w{j}{k}"), 0.8) * x);
            }
            let sum = terms.into_iter().reduce(|sum, term| sum + term);
            activations.extend(sum.map(|sum| sum.tanh().named(format!("layer{layer}.a{j}"))));
        }
        x = activations;
        loss = x.iter().fold(loss, |sum, a| sum + a.square());
    }
    loss.named("loss").view()
}
