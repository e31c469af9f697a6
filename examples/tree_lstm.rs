//! The child-sum tree-LSTM (Tai, Socher and Manning, 2015) learns the values of Boolean formulas.
//!
//! A formula is a tree of `not`, `and`, `or` and `xor` over truth values. Each tree is a graph of its own on the tape: a
//! node combines the states of its children, in any number, and the root's state gives the value. The training formulas
//! are at most four operations deep, those of the test five to seven. The model is written once for `f32` and `f64`. Run
//! it from the root of the workspace:
//!
//! ```text
//! cargo run --release --features gradcheck --example tree_lstm
//! cargo run --release --features gradcheck --example tree_lstm -- --double
//! ```
//!
//! `twins/tree_lstm.py` is the same program for PyTorch.

use clap::Parser;
use examples::cli;
use nn::optim::{Adam, Optimizer};
use nn::{Context, Embedding, Linear, Module, Parameters, loss};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::error::Error;
use std::process::ExitCode;
use tape::{Element, Scalar, Tape, Tensor, Var};

/// A symbol and its operands: 0 and 1 are truth values, 2 to 5 are not, and, or, xor.
struct Tree(usize, Vec<Tree>);

impl Tree {
    /// Draws a formula of this depth.
    fn draw(depth: usize, rng: &mut StdRng) -> Tree {
        if depth == 0 {
            return Tree(rng.random_range(0..2), Vec::new());
        }
        let symbol = rng.random_range(2..6);
        let depths = (0..if symbol == 2 { 0 } else { rng.random_range(1..=2) }).map(|_| depth.min(3));
        let others: Vec<Tree> = depths.map(|below| Tree::draw(rng.random_range(0..below), rng)).collect();
        Tree(symbol, [vec![Tree::draw(depth - 1, rng)], others].into_iter().flatten().collect())
    }

    fn value(&self) -> bool {
        let mut values = self.1.iter().map(Tree::value);
        match self.0 {
            2 => !values.all(|value| value),
            3 => values.all(|value| value),
            4 => values.any(|value| value),
            5 => values.filter(|&value| value).count() % 2 == 1,
            symbol => symbol == 1,
        }
    }
}

#[derive(Clone, Debug, Parameters)]
struct TreeLstm<T: Element> {
    embedding: Embedding<T>,
    /// `W` and `b` of the gates i, o, u and f, one after another.
    w: Linear<T>,
    u_iou: Linear<T>,
    u_f: Linear<T>,
    output: Linear<T>,
}

impl<T: Element> TreeLstm<T> {
    fn new(hidden: usize, rng: &mut StdRng) -> TreeLstm<T> {
        TreeLstm {
            embedding: Embedding::new(6, hidden, rng),
            w: Linear::new(hidden, 4 * hidden, rng),
            u_iou: Linear::new(hidden, 3 * hidden, rng).without_bias(),
            u_f: Linear::new(hidden, hidden, rng).without_bias(),
            output: Linear::new(hidden, 1, rng),
        }
    }

    /// The state `(h, c)` of a node, both `[1, hidden]`: equations 2 to 8.
    fn node<'t>(&self, tree: &Tree, tape: &'t Tape<T>) -> (Var<'t, T>, Var<'t, T>) {
        let (cx, x) = (&mut Context::eval(), self.embedding.forward(tape, [tree.0]));
        let (mut h, mut c) = (x.detach() * T::ZERO, x.detach() * T::ZERO);
        if !tree.1.is_empty() {
            let (hs, cs): (Vec<_>, Vec<_>) = tree.1.iter().map(|child| self.node(child, tape)).unzip();
            (h, c) = (tape.concat(&hs, 0), tape.concat(&cs, 0));
        }
        let x = self.w.forward(x, cx).chunk(4, 1);
        let u = self.u_iou.forward(h.sum_axes(0, true), cx).chunk(3, 1);
        let [i, o] = [0, 1].map(|k| (x[k] + u[k]).sigmoid());
        let f = (x[3] + self.u_f.forward(h, cx)).sigmoid();
        let c = i * (x[2] + u[2]).tanh() + (f * c).sum_axes(0, true);
        (o * c.tanh(), c)
    }

    /// The logits of the values of formulas, `[n, 1]`.
    fn forward<'t>(&self, trees: &[Tree], tape: &'t Tape<T>) -> Var<'t, T> {
        let roots: Vec<_> = trees.iter().map(|tree| self.node(tree, tape).0).collect();
        self.output.forward(tape.concat(&roots, 0), &mut Context::eval())
    }

    fn loss<'t>(&self, trees: &[Tree], tape: &'t Tape<T>) -> Scalar<'t, T> {
        loss::binary_cross_entropy_with_logits(self.forward(trees, tape), values(trees)).mean()
    }
}

fn values<T: Element>(trees: &[Tree]) -> Tensor<T> {
    Tensor::from_fn([trees.len(), 1], |i| if trees[i[0]].value() { T::ONE } else { T::ZERO })
}

fn train<T: Element>(model: &mut TreeLstm<T>, trees: &mut [Tree], args: &Args, rng: &mut StdRng) {
    let (mut tape, mut optimizer) = (Tape::of(), Adam::new(args.lr));
    for epoch in 1..=args.epochs() {
        let mut total = 0.0;
        trees.shuffle(rng);
        for batch in trees.chunks(25) {
            let loss = model.loss(batch, &tape);
            total += loss.value().to_f64() * batch.len() as f64;
            let grads = loss.backward();
            tape.reset();
            optimizer.step(model, &grads);
        }
        println!("epoch {epoch:>3}: loss {:.4}", total / trees.len() as f64);
    }
}

fn accuracy<T: Element>(model: &TreeLstm<T>, trees: &[Tree]) -> f64 {
    let logits = model.forward(trees, &Tape::of().inference()).value();
    1.0 - (logits.gt(T::ZERO) - values(trees)).abs().mean().to_f64()
}

/// The mean accuracies on new formulas as deep as those of the training, and on deeper ones.
fn experiment<T: Element>(args: &Args) -> [f64; 2] {
    let mut rng = StdRng::seed_from_u64(args.seed);
    let draw = |depth: usize| Tree::draw(depth, &mut rng);
    let mut training: Vec<Tree> = (1..=4).flat_map(|depth| vec![depth; args.trees()]).map(draw).collect();
    let mut model = TreeLstm::<T>::new(32, &mut rng);
    train(&mut model, &mut training, args, &mut rng);
    let found = [1, 2, 3, 4, 5, 6, 7].map(|depth| {
        let trees: Vec<Tree> = (0..200).map(|_| Tree::draw(depth, &mut rng)).collect();
        let accuracy = accuracy(&model, &trees);
        println!("depth {depth}: {accuracy:.3} of 200 new formulas");
        accuracy
    });
    [found[..4].iter().sum::<f64>() / 4.0, found[4..].iter().sum::<f64>() / 3.0]
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let mut rng = StdRng::seed_from_u64(args.seed);
    let (model, trees) = (TreeLstm::new(4, &mut rng), [2, 3, 3].map(|depth| Tree::draw(depth, &mut rng)));
    let check = nn::gradcheck::module(&model, |model, tape| model.loss(&trees, tape)).run()?.require()?;
    println!("{} entries of the gradient agree with differences", check.entries);
    let [same, deeper] = if args.double { experiment::<f64>(&args) } else { experiment::<f32>(&args) };
    cli::result(&[("accuracy", format!("{same:.4}")), ("deeper", format!("{deeper:.4}"))]);
    Ok(())
}

// ---- The command line and the picture ----

/// Learn the values of Boolean formulas, and test on deeper ones.
#[derive(Debug, Parser)]
#[command(name = "tree_lstm")]
struct Args {
    /// Training formulas of each depth
    #[arg(long, default_value = "250", value_parser = cli::positive)]
    trees: usize,
    /// Passes over the formulas
    #[arg(long, default_value = "10", value_parser = cli::positive)]
    epochs: usize,
    /// Learning rate
    #[arg(long, default_value = "0.005", value_parser = cli::rate)]
    lr: f64,
    /// Seed of the formulas, the initial weights and the order
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Compute with numbers of 64 bits
    #[arg(long)]
    double: bool,
    /// 100 formulas of each depth and 4 passes at most
    #[arg(long)]
    fast: bool,
}

impl Args {
    fn trees(&self) -> usize {
        if self.fast { self.trees.min(100) } else { self.trees }
    }

    fn epochs(&self) -> usize {
        if self.fast { self.epochs.min(4) } else { self.epochs }
    }
}

fn main() -> ExitCode {
    cli::main(run)
}
