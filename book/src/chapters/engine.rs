//! Chapter 17: from a hundred lines to this engine.

use super::{Chapter, table};
use crate::{Exercise, Mistake};
use nn_plot::Lines;
use tape::{Program, Scalar, Tape, Tensor, Var};

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 17,
    page: "17-engine",
    program: program!("17_engine.rs"),
    broken: program!("17_broken.rs"),
    tables,
    figures,
    exercises,
};

/// The nodes of one layer of 32 units with 64 inputs, as in the program, for this many samples.
fn layer_of_scalars(samples: usize) -> usize {
    let tape = Tape::new();
    let weights: Vec<Scalar> = (0..32 * 64).map(|_| tape.scalar(0.1)).collect();
    let mut loss = tape.scalar_constant(0.0);
    for _ in 0..samples {
        for unit in weights.chunks(64) {
            let z = unit.iter().fold(tape.scalar_constant(0.0), |z, &w| z + w * 0.5);
            loss += z.tanh().square();
        }
    }
    tape.len()
}

/// The same in tensors; with one operation for the layer if `fused`.
fn layer_of_tensors(samples: usize, fused: bool) -> tape::Memory {
    let tape = Tape::new();
    let x = tape.constant(Tensor::full([samples, 64], 0.5));
    let (w, b) = (tape.var(Tensor::full([32, 64], 0.1)), tape.var(Tensor::zeros([32])));
    let z = if fused { x.linear(w, b) } else { x.matmul(w.transpose()) + b };
    let _gradients = z.tanh().square().sum().backward();
    tape.memory()
}

/// The bytes for one multiplication on the tape of chapter 4: a list of pairs, and two pairs.
fn bytes_of_small_node() -> usize {
    size_of::<Vec<(usize, f64)>>() + 2 * size_of::<(usize, f64)>()
}

/// The bytes for one multiplication on this tape.
fn bytes_of_node() -> usize {
    let bytes = |steps: usize| {
        let tape = Tape::new();
        let x = tape.scalar(1.5);
        let _product = (0..steps).fold(x, |y, _| y * x);
        tape.memory().node_bytes
    };
    (bytes(20_000) - bytes(10_000)) / 10_000
}

/// The bytes of the gradients of a sweep, with the data as constants or as variables.
fn bytes_of_gradients(constant: bool) -> usize {
    let tape = Tape::new();
    let data = Tensor::full([1000, 64], 0.5);
    let x = if constant { tape.constant(data) } else { tape.var(data) };
    let w = tape.var(Tensor::full([32, 64], 0.1));
    let _gradients = x.matmul(w.transpose()).tanh().sum().backward();
    tape.memory().gradient_bytes
}

/// The bytes of a matrix with its transpose, which shares the buffer unless it is computed.
fn bytes_of_transpose(shared: bool) -> usize {
    let tape = Tape::new();
    let x = tape.var(Tensor::full([256, 256], 0.5));
    let _transposed = if shared { x.transpose() } else { x.transpose() * 1.0 };
    tape.memory().value_bytes
}

/// The multiplications that the gradient of the last of a hundred results records, or those of all of them.
fn multiplications(all: bool) -> usize {
    let tape = Tape::new();
    let x = tape.scalar(1.5);
    let results: Vec<Scalar> = (0..100).map(|_| (0..10).fold(x, |y, _| y.sin())).collect();
    let sum = results.iter().skip(1).fold(results[0], |sum, &y| sum + y);
    let before = tape.len();
    let _slope = if all { sum.grad(x) } else { results[99].grad(x) };
    tape.view().nodes()[before..].iter().filter(|node| node.op == "chain_rule").count()
}

/// A chain of layers; with a checkpoint around each group of eight.
fn deep<'t>(x: Var<'t>, layers: usize, checkpoints: bool) -> Var<'t> {
    let eight = |x: Var<'t>| (0..8).fold(x, |a, _| (a * 1.1).tanh());
    (0..layers / 8).fold(x, |a, _| {
        if checkpoints {
            a.tape().checkpoint(&[a], |a| (0..8).fold(a[0], |a, _| (a * 1.1).tanh()))
        } else {
            eight(a)
        }
    })
}

/// The bytes of the values of that chain, for 1000 numbers in each layer.
fn bytes_of_deep(layers: usize, checkpoints: bool) -> usize {
    let tape = Tape::new();
    let x = tape.var(Tensor::linspace(-1.0, 1.0, 1000));
    let _loss = deep(x, layers, checkpoints).sum();
    tape.memory().value_bytes
}

/// The operations for a value and a gradient at one point: recorded by a tape, and of a program for any number of points.
fn operations() -> [usize; 2] {
    fn density<'t>(x: Scalar<'t>, m: Scalar<'t>, s: Scalar<'t>) -> Scalar<'t> {
        (-0.5 * ((x - m) / s).square()).exp() / (s * std::f64::consts::TAU.sqrt())
    }
    let tape = Tape::new();
    let [x, m, s] = [tape.scalar(1.0), tape.scalar(0.5), tape.scalar(2.0)];
    let leaves = tape.len();
    let _gradient = density(x, m, s).grad([x, m, s]);
    let program = Program::new(|p| {
        let [x, m, s] = p.inputs(["x", "m", "s"]);
        density(x, m, s)
    });
    [tape.len() - leaves, program.value_and_gradient().operations()]
}

fn tables() -> Vec<(&'static str, String)> {
    let staged = layer_of_tensors(16, false);
    let fused = layer_of_tensors(16, true);
    let [recorded, program] = operations();
    let rows = [
        ("one number is a node → one tensor is a node", "nodes", layer_of_scalars(16), staged.nodes),
        ("a list in each node → nodes of one size", "bytes for each", bytes_of_small_node(), bytes_of_node()),
        (
            "data as variables → as constants",
            "bytes of gradients",
            bytes_of_gradients(false),
            bytes_of_gradients(true),
        ),
        (
            "a transpose is computed → is a view",
            "bytes of values",
            bytes_of_transpose(false),
            bytes_of_transpose(true),
        ),
        (
            "product and sum → one operation for a layer",
            "bytes of values",
            staged.value_bytes,
            fused.value_bytes,
        ),
        (
            "sweep all → what the result depends on",
            "multiplications",
            multiplications(true),
            multiplications(false),
        ),
        (
            "keep all values → checkpoints",
            "bytes of values",
            bytes_of_deep(64, false),
            bytes_of_deep(64, true),
        ),
        ("record at each of 1000 points → record a program", "operations", 1000 * recorded, program),
    ];
    let row = |(concept, unit, before, after): (&str, &str, usize, usize)| {
        let factor = format!("{:.1}", before as f64 / after as f64);
        [concept.to_string(), unit.to_string(), before.to_string(), after.to_string(), factor]
    };
    vec![("concepts", table(["concept", "counted", "before", "after", "factor"], rows.map(row)))]
}

fn figures() -> Vec<(&'static str, String)> {
    let samples = [1, 2, 4, 8, 16, 32];
    let nodes = Lines::new("Nodes of one layer over the size of the batch")
        .x_label("samples")
        .y_label("nodes")
        .log_y()
        .curve("scalars", samples.map(|n| (n as f64, layer_of_scalars(n) as f64)))
        .curve("tensors", samples.map(|n| (n as f64, layer_of_tensors(n, false).nodes as f64)));
    let layers = [8, 16, 24, 32, 40, 48, 56, 64];
    let curve = |checkpoints: bool| layers.map(|n| (n as f64, bytes_of_deep(n, checkpoints) as f64 / 1024.0));
    let memory = Lines::new("Values kept for the sweep over the depth")
        .x_label("layers")
        .y_label("KiB")
        .curve("all values", curve(false))
        .curve("checkpoints", curve(true));
    vec![
        ("17-nodes.svg", nodes.svg().unwrap_or_default()),
        ("17-memory.svg", memory.svg().unwrap_or_default()),
    ]
}

fn exercises() -> Vec<Exercise> {
    let (inputs, units, samples) = (20.0, 50.0, 20.0);
    let (layers, bytes, operations) = (64u32, bytes_of_node() as f64, 10.0);
    let held = |group: u32| layers / group + group;
    let best = (1..=layers).filter(|group| layers % group == 0).min_by_key(|&group| held(group)).unwrap_or(1);
    vec![
        Exercise {
            number: "17.1",
            right: vec![((2.0 * inputs + 1.0) * units * samples).into()],
            mistakes: vec![
                Mistake::new(
                    (2.0 * inputs + 1.0) * units,
                    "this is one sample; each sample is recorded anew",
                ),
                Mistake::new((inputs + 1.0) * units * samples, "each term has a product and a sum"),
                Mistake::new(2.0 * inputs * units * samples, "the tanh of each unit is an operation too"),
            ],
            hint: "count the operations of one unit for one sample, then multiply",
        },
        Exercise {
            number: "17.2",
            right: vec![f64::from(best).into()],
            mistakes: vec![
                Mistake::new(f64::from(layers), "one group is recorded again as a whole: 1 + 64 values"),
                Mistake::new(1.0, "groups of one layer keep all values: 64 + 1"),
                Mistake::new(
                    f64::from(held(best)),
                    "this is the number of values held; the question is the size of the group",
                ),
            ],
            hint: "try the divisors of 64 for k in 64 / k + k",
        },
        Exercise {
            number: "17.3",
            right: vec![(operations * (bytes + 8.0)).into()],
            mistakes: vec![
                Mistake::new(operations * bytes, "the sweep needs a cotangent for each node as well"),
                Mistake::new(operations * 8.0, "these are the cotangents; the nodes must be there too"),
            ],
            hint: "add the bytes of a node and of its cotangent",
        },
    ]
}
