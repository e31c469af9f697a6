//! The recording of a two-layer network, statement by statement, and backpropagation beside the closed form.
//!
//! ```text
//! cargo run --release --example compute_graph
//! ```

use clap::Parser;
use examples::cli;
use nn::by_hand::{bias_gradient, hidden_delta, weight_gradient};
use nn::init::{Fans, Init, Normal};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use tape::{GraphView, Scalar, Tape, Tensor, Var};

const PICTURES: &str = "target/compute_graph";

/// Record a network of two layers, print the graph, and compare every gradient with the hand derivation.
#[derive(Debug, Parser)]
#[command(name = "compute_graph")]
struct Args {
    /// Samples, inputs, hidden units, outputs
    #[arg(long, num_args = 4, value_names = ["N", "N0", "N1", "N2"], default_values = ["20", "10", "7", "13"], value_parser = cli::positive)]
    sizes: Vec<usize>,
    /// Seed of data and weights
    #[arg(long, default_value = "0")]
    seed: u64,
    /// It is fast anyway: accepted so that every program takes it
    #[arg(long)]
    fast: bool,
}

fn main() -> ExitCode {
    cli::main(run)
}

/// Handles of everything the hand derivation has a formula for.
struct Recorded<'t> {
    parameters: [Var<'t>; 4],
    hidden: Var<'t>,
    output: Var<'t>,
    inner: [(&'static str, Var<'t>); 6],
    loss: Scalar<'t>,
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let [n, n0, n1, n2] = args.sizes[..] else { return Err("expected four sizes".into()) };
    let mut rng = StdRng::seed_from_u64(args.seed);
    let mut normal = |shape: Vec<usize>| -> Tensor {
        Normal { mean: 0.0, std: 1.0 }.tensor(shape, Fans::new(1, 1), &mut rng)
    };
    let (x, y) = (normal(vec![n, n0]), normal(vec![n, n2]));
    let values = [normal(vec![n1, n0]), normal(vec![n1]), normal(vec![n2, n1]), normal(vec![n2])];
    let tape = Tape::new();
    let recorded = record(&tape, &x, &y, &values);
    let view = tape.view();
    statements(&view);

    // All gradients, including those of intermediate values, for comparison with each line of the derivation.
    let grads = recorded.loss.backward_all();
    let (a1, a2) = (recorded.hidden.value(), recorded.output.value());
    let slope = |a: &Tensor| a.map_elements(|a| a * (1.0 - a));
    let residual = &a2 - &y;
    let d2 = &(&residual * (2.0 / residual.size() as f64)) * &slope(&a2);
    let d1 = hidden_delta(&d2, &values[2], &slope(&a1));
    let by_hand: [(&str, &str, Tensor, Tensor); 10] = {
        let of =
            |name: &str| recorded.inner.iter().find(|(known, _)| *known == name).map(|(_, v)| grads.wrt(*v));
        let inner = |name: &str| of(name).unwrap_or_default();
        let [w1, b1, w2, b2] = recorded.parameters.map(|p| grads.wrt(p));
        [
            ("∂ℓ/∂T4", "1/(N n2)", inner("T4"), Tensor::full([n, n2], 1.0 / residual.size() as f64)),
            ("∂ℓ/∂T3", "2/(N n2) (A2 - Y)", inner("T3"), &residual * (2.0 / residual.size() as f64)),
            ("∂ℓ/∂Z2", "D2 = ∂ℓ/∂T3 ∘ A2 ∘ (1 - A2)", inner("Z2"), d2.clone()),
            ("∂ℓ/∂W2", "D2ᵀ A1", w2, weight_gradient(&d2, &a1)),
            ("∂ℓ/∂b2", "column sums of D2", b2, bias_gradient(&d2)),
            ("∂ℓ/∂A1", "D2 W2", inner("A1"), d2.matmul(&values[2])),
            ("∂ℓ/∂Z1", "D1 = (D2 W2) ∘ A1 ∘ (1 - A1)", inner("Z1"), d1.clone()),
            ("∂ℓ/∂T1", "D1", inner("T1"), d1.clone()),
            ("∂ℓ/∂W1", "D1ᵀ A0", w1, weight_gradient(&d1, &x)),
            ("∂ℓ/∂b1", "column sums of D1", b1, bias_gradient(&d1)),
        ]
    };
    println!(
        "\nBackwards from the loss, {:.6}: the first entry of each gradient, by the tape and by hand.\n",
        recorded.loss.value()
    );
    println!("{:<8} {:<32} {:<9} {:>16} {:>16} {:>12}", "", "by hand", "shape", "tape", "hand", "difference");
    let mut worst = 0f64;
    for (name, formula, found, expected) in &by_hand {
        let difference = (found - expected).map_elements(f64::abs).max();
        worst = worst.max(difference);
        let first = |t: &Tensor| t.to_vec().first().copied().unwrap_or(0.0);
        let shape = found.shape().to_string();
        println!(
            "{name:<8} {formula:<32} {shape:<9} {:>16.12} {:>16.12} {difference:>12.1e}",
            first(found),
            first(expected)
        );
    }
    println!("\nA0 and Y are constants: the sweep computes nothing for them.\n");
    let directory = Path::new(PICTURES);
    fs::create_dir_all(directory)?;
    for (name, text) in
        [("graph.svg", view.to_svg()), ("graph.dot", view.to_dot()), ("graph.json", view.to_json())]
    {
        let file = directory.join(name);
        fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
        println!("file: {}", file.display());
    }
    let count: usize = values.iter().map(Tensor::size).sum();
    cli::result(&[
        ("nodes", view.nodes().len().to_string()),
        ("parameters", count.to_string()),
        ("max_difference", format!("{worst:.1e}")),
    ]);
    if worst <= 1e-12 { Ok(()) } else { Err(format!("tape and hand differ by {worst:e}").into()) }
}

/// The statements of the guide, one operation each (and two transposes).
fn record<'t>(tape: &'t Tape, x: &Tensor, y: &Tensor, p: &[Tensor; 4]) -> Recorded<'t> {
    let (a0, y) = (tape.constant(x.clone()).named("A0"), tape.constant(y.clone()).named("Y"));
    let names = ["W1", "b1", "W2", "b2"];
    let parameters: [Var<'t>; 4] = std::array::from_fn(|i| tape.var(p[i].clone()).named(names[i]));
    let [w1, b1, w2, b2] = parameters;
    let t1 = a0.matmul(w1.transpose().named("W1ᵀ")).named("T1");
    let z1 = (t1 + b1).named("Z1");
    let a1 = z1.sigmoid().named("A1");
    let t2 = a1.matmul(w2.transpose().named("W2ᵀ")).named("T2");
    let z2 = (t2 + b2).named("Z2");
    let a2 = z2.sigmoid().named("A2");
    let t3 = (a2 - y).named("T3");
    let t4 = t3.square().named("T4");
    let loss = t4.mean().named("loss");
    let inner = [("T1", t1), ("Z1", z1), ("A1", a1), ("Z2", z2), ("T3", t3), ("T4", t4)];
    Recorded { parameters, hidden: a1, output: a2, inner, loss }
}

/// Prints the graph in recording order.
fn statements(view: &GraphView) {
    println!("The tape in the order of recording, which is the order of the statements:\n");
    for node in view.nodes() {
        let operands: Vec<String> =
            node.parents().filter_map(|parent| view.node(parent)).map(|node| node.label()).collect();
        let statement = match operands.is_empty() {
            true => node.op.to_owned(),
            false => format!("{}({})", node.op, operands.join(", ")),
        };
        let gradient = if node.tracked { "gradient flows" } else { "" };
        println!(
            "{:>3}  {:<5} = {statement:<20} {:<9} {gradient}",
            node.index,
            node.label(),
            node.shape.to_string()
        );
    }
}
