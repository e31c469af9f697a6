//! Where gradients vanish: in saturated outputs under a squared error, and in the first layers of deep networks.
//!
//! ```text
//! cargo run --release --example vanishing
//! ```

use clap::Parser;
use examples::cli;
use nn::{Identity, Linear, Module, Parameters, Relu, Sequential, Sigmoid, Tanh, loss, mlp};
use nn_plot::Lines;
use rand::{SeedableRng, rngs::StdRng};
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use tape::transform::grad;
use tape::{Scalar, Tape, Tensor};

const PICTURES: &str = "target/vanishing";

/// Show how gradients vanish, in one neuron and in a chain of them.
///
/// For a quick look: --depth 5.
#[derive(Debug, Parser)]
#[command(name = "vanishing")]
struct Args {
    /// Longest chain, at most 200
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u16).range(1..=200))]
    depth: u16,
    /// Seed of the weights of the wide networks
    #[arg(long, default_value = "0")]
    seed: u64,
}

fn main() -> ExitCode {
    cli::main(run)
}

/// `1/2 (y - t)²` with `y = σ(z)` and `t = 0`.
fn quadratic(z: Scalar<'_, f64>) -> Scalar<'_, f64> {
    z.sigmoid().square() * 0.5
}

/// `-ln(1 - y)` with `y = σ(z)`: the cross-entropy for `t = 0`.
fn cross_entropy(z: Scalar<'_, f64>) -> Scalar<'_, f64> {
    z.softplus()
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    println!("one sigmoid whose output should be 0: gradient with respect to its weighted input z");
    println!("   z   output    squared error   cross-entropy");
    for z in [0.0, 2.0, 5.0, 10.0, 20.0] {
        let output = 1.0 / (1.0 + f64::exp(-z));
        println!("  {z:2}   {output:.5}   {:12.3e}   {:12.5}", grad(quadratic, z), grad(cross_entropy, z));
    }
    println!("the more certain the neuron is of the wrong answer, the less the squared error teaches it");
    let zs: Vec<f64> = (-40..=80).map(|i| f64::from(i) / 4.0).collect();
    let quadratics: Vec<(f64, f64)> = zs.iter().map(|&z| (z, grad(quadratic, z))).collect();
    let entropies: Vec<(f64, f64)> = zs.iter().map(|&z| (z, grad(cross_entropy, z))).collect();
    let file = Path::new(PICTURES).join("saturation.svg");
    Lines::new("Gradient of a sigmoid that should be 0")
        .x_label("weighted input z (the larger, the more wrong)")
        .y_label("gradient with respect to z")
        .curve("squared error", quadratics)
        .curve("cross-entropy", entropies)
        .save(&file)?;
    println!("picture: {}", file.display());

    println!(
        "\nchains of sigmoids with one neuron each, weights 1: gradient of the first and of the last weight"
    );
    let longest = usize::from(args.depth);
    let chains: Vec<[f64; 2]> = (1..=longest).map(chain).collect();
    for depth in [1, 2, 5, 10, 20].into_iter().filter(|&depth| depth <= longest) {
        let [first, last] = chains[depth - 1];
        println!("  depth {depth:2}   first {first:.4e}   last {last:.4}");
    }
    println!("each sigmoid on the way back multiplies by its slope, at most 1/4");

    println!("\n10 units wide, random weights: length of the gradient of the first layer");
    let depths: Vec<usize> = (1..=longest).collect();
    let mut curves: Vec<(&str, Vec<(f64, f64)>)> =
        vec![("chain of sigmoids", depths.iter().map(|&n| (n as f64, chains[n - 1][0])).collect())];
    let kinds = [("sigmoid", Kind::Sigmoid), ("tanh", Kind::Tanh), ("relu", Kind::Relu)];
    for (name, activation) in kinds {
        let lengths: Vec<(f64, f64)> =
            depths.iter().map(|&n| (n as f64, first_layer(n, activation, args.seed))).collect();
        println!(
            "  {name:8} depth 1: {:.2e}   depth {}: {:.2e}",
            lengths[0].1,
            args.depth,
            lengths[longest - 1].1
        );
        curves.push((name, lengths));
    }
    let names = ["chain of sigmoids", "10 wide, sigmoid", "10 wide, tanh", "10 wide, relu"];
    let file = Path::new(PICTURES).join("depth.svg");
    Lines::new("Gradient of the first layer")
        .x_label("layers")
        .y_label("length of the gradient")
        .curves(curves.iter().zip(names).map(|((_, points), name)| (name, points)))
        .log_y()
        .save(&file)?;
    println!("picture: {}", file.display());
    let [first, last] = chains[longest - 1];
    cli::result(&[
        ("depth", args.depth.to_string()),
        ("first", format!("{first:.4e}")),
        ("last", format!("{last:.4e}")),
    ]);
    Ok(())
}

/// Gradients of the first and the last weight of a chain of sigmoids: weights 1, biases 0, input 1/2, target 0, half
/// the squared error.
fn chain(depth: usize) -> [f64; 2] {
    let layers: Vec<Linear> = (0..depth).map(|_| Linear::from_values([[1.0]], [0.0])).collect();
    let tape = Tape::new();
    let mut a = tape.constant([[0.5]]);
    for layer in &layers {
        a = layer.forward(a, &mut nn::Context::eval()).sigmoid();
    }
    let grads = (loss::squared_error(a, Tensor::from([[0.0]])).sum() * 0.5).backward();
    [&layers[0], &layers[depth - 1]].map(|layer| grads.of(&layer.weight).item())
}

/// The activation of the hidden units.
#[derive(Clone, Copy)]
enum Kind {
    Sigmoid,
    Tanh,
    Relu,
}

/// The norm of the gradient of the first weight matrix of a network ten units wide.
fn first_layer(depth: usize, activation: Kind, seed: u64) -> f64 {
    let sizes: Vec<usize> = std::iter::repeat_n(10, depth + 1).collect();
    let mut rng = StdRng::seed_from_u64(seed);
    let model: Sequential = match activation {
        Kind::Sigmoid => mlp(&sizes, Sigmoid, Identity, &mut rng),
        Kind::Tanh => mlp(&sizes, Tanh, Identity, &mut rng),
        Kind::Relu => mlp(&sizes, Relu, Identity, &mut rng),
    };
    let tape = Tape::new();
    let output = model.forward(tape.constant(Tensor::ones([1, 10])), &mut nn::Context::eval());
    let grads = (loss::squared_error(output, Tensor::ones([1, 10])).sum() * 0.5).backward();
    let named = model.named_parameters();
    let gradient = grads.of(named[0].1);
    (&gradient * &gradient).sum().sqrt()
}
