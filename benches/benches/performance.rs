//! `cargo bench -p benches`: one table for each kind of work. Words on the command line choose comparisons
//! (`cargo bench -p benches -- W3`); `--test` runs everything once, on small sizes, to see that it works.

use benches::counting::{Counting, allocations};
use benches::deep::Deep;
use benches::harness::{Harness, Medians};
use benches::mixture::TensorGmm;
use benches::numbers::Numbers;
use benches::passes;
use benches::product::{Matrix, product};
use benches::scalar::{Chains, Fused, Gmm, Lanes, Problem, Rosenbrock, ScalarMlp, gradient};
use benches::training::{
    Modules, PLAIN_LOOPS, Products, Recorded, Replayed, ReplayedModules, Task, Trainer, Trainers, difference,
};
use std::hint::black_box;
use tape::{Scalar, Tape, Tensor, Var};

#[path = "../../crates/tape/tests/engine/ways.rs"]
mod ways;
use ways::{TakeApart, WAYS, cubes};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let harness = Harness::from_arguments();
    println!("Medians of interleaved rounds in one process; ratios are formed within a round.");
    scalar(&harness);
    overhead(&harness);
    pieces(&harness);
    training(&harness);
    checkpoints(&harness);
    passes(&harness);
    products(&harness);
}

fn scalar(harness: &Harness) {
    let columns = ["scalar, ns per operation", "plain f64", "record", "sweep", "read", "all", "all / plain"];
    harness.table("Scalar functions", &columns);
    for n in [1000, if harness.measure { 100_000 } else { 1000 }] {
        scalar_row(harness, &Rosenbrock(n), &Rosenbrock(n));
    }
    scalar_rows(harness, &ScalarMlp::new(if harness.measure { 1000 } else { 10 }));
    let gmm = Gmm::new(if harness.measure { 1000 } else { 10 });
    scalar_rows(harness, &gmm);
    tensor_row(harness, &gmm);
    let columns = [
        "in lanes, ns per operation",
        "plain f64",
        "value",
        "value and gradient",
        "value / plain",
        "gradient / plain",
    ];
    harness.table("Programs", &columns);
    for n in [1000, if harness.measure { 100_000 } else { 1000 }] {
        lanes_row(harness, &Rosenbrock(n));
    }
    lanes_row(harness, &ScalarMlp::new(if harness.measure { 1000 } else { 10 }));
    lanes_row(harness, &gmm);
}

/// Records `part` of `problem`.
fn record<'t>(problem: &impl Problem, tape: &'t Tape, x: &[f64], part: usize) -> Recording<'t> {
    let leaves: Vec<Scalar<'t>> = x.iter().map(|&x| tape.scalar(x)).collect();
    let value = problem.eval(&leaves, part);
    (leaves, value)
}

type Recording<'t> = (Vec<Scalar<'t>>, Scalar<'t>);

/// A problem with the operators, and with `mul_add`.
fn scalar_rows(harness: &Harness, problem: &impl Chains) {
    scalar_row(harness, problem, problem);
    scalar_row(harness, &Fused(problem), problem);
}

/// `problem` on a tape beside the same function at `f64`, `plain`, whose gradient must be the same.
fn scalar_row(harness: &Harness, problem: &impl Problem, plain: &impl Problem) {
    if !harness.wants(problem.name()) {
        return;
    }
    let (x, parts) = (problem.inputs(), problem.parts());
    let mut tape = Tape::new();
    let recorded = Tape::new();
    let (leaves, value) = record(problem, &recorded, &x, 0);
    let grads = value.backward();
    assert_eq!(value.value(), problem.eval(&x, 0), "the recorded value differs from the plain one");
    let mut whole_tape = Tape::new();
    let expected = gradient(plain, &mut whole_tape, &x);
    alike(problem.name(), gradient(problem, &mut whole_tape, &x), expected, 1e-12);
    let mut sum = vec![0.0; x.len()];
    let time = harness.compare(&mut [
        &mut || {
            for part in 0..parts {
                black_box(plain.eval(black_box(&x[..]), part));
            }
        },
        &mut || {
            for part in 0..parts {
                tape.reset();
                black_box(record(problem, &tape, black_box(&x), part));
            }
        },
        &mut || {
            for _ in 0..parts {
                black_box(value.backward());
            }
        },
        &mut || {
            for _ in 0..parts {
                sum.iter_mut().zip(&leaves).for_each(|(sum, &x)| *sum += grads.wrt(x));
            }
        },
        &mut || {
            black_box(gradient(problem, &mut whole_tape, black_box(&x)));
        },
    ]);
    scalar_cells(problem.name(), problem.operations() * parts as f64, &time);
}

/// The gradient of `problem` over lanes beside the plain function.
fn lanes_row(harness: &Harness, problem: &impl Lanes) {
    if !harness.wants(problem.lanes_name()) {
        return;
    }
    let (x, parts, (program, wrt)) = (problem.inputs(), problem.parts(), problem.program());
    let operands = problem.operands();
    let operands: Vec<&Tensor> = operands.iter().collect();
    let derivatives = program.wrt(wrt);
    let found = problem.assemble(derivatives.sum_lanes(&operands).1);
    alike(problem.lanes_name(), found, gradient(problem, &mut Tape::new(), &x), 1e-11);
    let time = harness.compare(&mut [
        &mut || {
            for part in 0..parts {
                black_box(problem.eval(black_box(&x[..]), part));
            }
        },
        &mut || {
            black_box(program.sum_lanes(black_box(&operands)));
        },
        &mut || {
            black_box(derivatives.sum_lanes(black_box(&operands)));
        },
    ]);
    let per = |k: usize| time.ns[k] / (problem.operations() * parts as f64);
    println!(
        "| {} | {} | {} | {} | {} | {} |",
        problem.lanes_name(),
        cell(per(0), 3),
        cell(per(1), 3),
        cell(per(2), 3),
        cell(time.ratio(1, 0), 2),
        cell(time.ratio(2, 0), 2),
    );
}

/// Panics if gradients differ by more than `tolerance` times the largest element.
fn alike(name: &str, found: Vec<f64>, expected: Vec<f64>, tolerance: f64) {
    let error = difference(&[found], &[expected]);
    assert!(error < tolerance, "{name}: gradients differ by {error:e}");
}

/// The row of a comparison of the plain function, recording, sweep, reading, and all three.
fn scalar_cells(name: &str, operations: f64, time: &Medians) {
    let per = |k: usize| time.ns[k] / operations;
    println!(
        "| {name} | {} | {} | {} | {} | {} | {} |",
        cell(per(0), 3),
        cell(per(1), 2),
        cell(per(2), 2),
        cell(per(3), 2),
        cell(per(4), 2),
        cell(time.ratio(4, 0), 1),
    );
}

/// W9 once more, with operations on tensors; the time is divided by the same number of operations.
fn tensor_row(harness: &Harness, gmm: &Gmm) {
    let name = "W9 GMM, tensor form";
    if !harness.wants(name) {
        return;
    }
    let (tensors, x, mut tape) = (TensorGmm::new(gmm), gmm.inputs(), Tape::new());
    alike(name, tensors.gradient(), gradient(gmm, &mut tape, &x), 1e-10);
    let (mut recording, mut whole, recorded) = (Tape::new(), Tape::new(), Tape::new());
    let (leaves, value) = tensors.record(&recorded);
    let grads = value.backward();
    let time = harness.compare(&mut [
        &mut || {
            black_box(gmm.eval(black_box(&x[..]), 0));
        },
        &mut || {
            recording.reset();
            black_box(tensors.record(&recording));
        },
        &mut || {
            black_box(value.backward());
        },
        &mut || {
            black_box(leaves.map(|x| grads.wrt(x)));
        },
        &mut || {
            whole.reset();
            let (leaves, value) = tensors.record(&whole);
            let grads = value.backward();
            black_box(leaves.map(|x| grads.wrt(x)));
        },
    ]);
    scalar_cells(name, gmm.operations(), &time);
}

/// A value with `digits` decimals; a dash where nothing was measured.
fn cell(x: f64, digits: usize) -> String {
    if x.is_nan() { "-".into() } else { format!("{x:.digits$}") }
}

/// Operations in a row on a tensor of one element.
const CHAIN: usize = 100;

fn overhead(harness: &Harness) {
    harness.table("Operations on one element, f32", &["operation", "forward ns", "VJP ns"]);
    overhead_row(harness, "op add", [1], |x, w| x + w);
    overhead_row(harness, "op mul", [1], |x, w| x * w);
    overhead_row(harness, "op mul by a number", [1], |x, _| x * 1.5);
    overhead_row(harness, "op relu", [1], |x, _| x.relu());
    overhead_row(harness, "op sigmoid", [1], |x, _| x.sigmoid());
    overhead_row(harness, "op reshape", [1], |x, _| x.reshape([1]));
    overhead_row(harness, "op sum of an axis", [1, 1], |x, _| x.sum_axes(1, true));
    overhead_row(harness, "op matmul", [1, 1], |x, w| x.matmul(w));
    overhead_row(harness, "ops sum to a scalar, mul, reshape: the three", [1], |x, w| {
        (x.sum() * w).reshape([1])
    });
}

fn overhead_row<const N: usize>(
    harness: &Harness,
    name: &str,
    shape: [usize; N],
    op: impl for<'t> Fn(Var<'t, f32>, Var<'t, f32>) -> Var<'t, f32>,
) {
    if !harness.wants(name) {
        return;
    }
    let (x, w) = (Tensor::full(shape, 0.5), Tensor::full(shape, 0.75));
    let chain = |tape: &mut Tape<f32>, backward: bool| {
        tape.reset();
        let (x, w) = (tape.var(x.clone()), tape.var(w.clone()));
        let y = (0..CHAIN).fold(x, |x, _| op(x, w));
        if backward {
            black_box(y.vjp(Tensor::full(shape, 1.0)));
        }
    };
    let (mut a, mut b) = (Tape::single(), Tape::single());
    let time = harness.compare(&mut [&mut || chain(&mut a, false), &mut || chain(&mut b, true)]);
    let (forward, both) = (time.ns[0] / CHAIN as f64, time.ns[1] / CHAIN as f64);
    println!("| {name} | {} | {} |", cell(forward, 0), cell(both - forward, 0));
}

/// As many tensors as pieces, for comparison.
const NO_PIECES: (&str, TakeApart) =
    ("none: tensors of their own", |x, n| (0..n).map(|_| x.tape().var([[1.0; 4]])).collect());

/// The cost of one of many pieces, relative to one of few.
fn pieces(harness: &Harness) {
    let columns = [
        "pieces of four elements",
        "gradient, ns a piece",
        "many / few",
        "Hessian product, ns a piece",
        "many / few",
    ];
    harness.table("Pieces: many are 16 000, few are 1000", &columns);
    for (name, take_apart) in [NO_PIECES].into_iter().chain(WAYS) {
        let row = format!("pieces {name}");
        if !harness.wants(&row) {
            continue;
        }
        let cells = [false, true].map(|second| {
            growth(harness, [1000, 16_000], |tape, n| {
                let x = tape.var(Tensor::ones([n, 4]));
                let y = cubes(x, n, take_apart);
                let y = if second { y.grad(x).sum() } else { y };
                black_box(y.backward().wrt(x));
            })
        });
        println!("| {row} | {} |", cells.join(" | "));
    }
    harness.table("Inner derivatives of a nested optimisation", &["steps", "ns a step", "many / few"]);
    if harness.wants("nested") {
        let cells = growth(harness, [1000, 59_000], |tape, steps| {
            let weight = tape.scalar(0.5);
            black_box(nested(weight, steps).backward().wrt(weight));
        });
        println!("| nested, 59000 | {cells} |");
    }
}

/// The time of `run` for each of many, and that relative to each of few: two cells.
fn growth(harness: &Harness, counts: [usize; 2], run: impl Fn(&Tape, usize)) -> String {
    let [few, many] = if harness.measure { counts } else { [10, 20] };
    let (mut a, mut b) = (Tape::new(), Tape::new());
    let run = |tape: &mut Tape, n: usize| {
        tape.reset();
        run(tape, n);
    };
    let time = harness.compare(&mut [&mut || run(&mut a, few), &mut || run(&mut b, many)]);
    let ratio = time.ratio(1, 0) * few as f64 / many as f64;
    format!("{} | {}", cell(time.ns[1] / many as f64, 0), cell(ratio, 2))
}

/// `steps` steps of gradient descent on `(x - i)² w`, every gradient recorded, so that the last point can be differentiated.
fn nested<'t>(weight: Scalar<'t>, steps: usize) -> Scalar<'t> {
    (0..steps).fold(weight.tape().scalar_constant(0.0), |x, i| {
        let x = x + weight * 1e-3;
        let slope = ((x - f64::from(i as u32 % 7)).square() * weight).grad(x);
        x - 0.25 * slope
    })
}

fn training(harness: &Harness) {
    let columns = [
        "training step, f32",
        "trainer",
        "us",
        "x hand",
        "x plain loops",
        "GFLOP/s",
        "% of its products",
        "% of sgemm 512",
        "% of sgemm 1024",
        "allocations",
    ];
    harness.table("Training steps", &columns);
    for task in Task::all(!harness.measure) {
        if harness.wants(task.name) {
            training_rows(harness, &task);
        }
    }
}

/// All trainers of a task, the hand-written ones first; their gradients are compared.
fn trainers(task: &Task) -> (usize, Trainers) {
    let mut trainers = task.by_hand();
    let hands = trainers.len();
    trainers.push(("tape", Box::new(Recorded::new(task))));
    trainers.push(("nn", Box::new(Modules::new(task))));
    trainers.push(("tape, replay", Box::new(Replayed::new(task))));
    trainers.push(("nn, replay", Box::new(ReplayedModules::new(task))));
    let reference = trainers[0].1.gradients();
    for (name, trainer) in &mut trainers {
        let error = difference(&trainer.gradients(), &reference);
        assert!(error < 1e-4, "{}, {name}: gradients differ by {error:e}", task.name);
    }
    (hands, trainers)
}

/// Heap allocations of a step after warm-up.
fn allocations_of(trainer: &mut dyn Trainer) -> f64 {
    (0..5).for_each(|_| trainer.step());
    let before = allocations();
    (0..10).for_each(|_| trainer.step());
    (allocations() - before) as f64 / 10.0
}

/// Extents of the products that measure the peak rate of the machine.
const RAW: [usize; 2] = [512, 1024];

fn training_rows(harness: &Harness, task: &Task) {
    let (hands, mut trainers) = trainers(task);
    let counts: Vec<f64> = trainers.iter_mut().map(|(_, trainer)| allocations_of(&mut **trainer)).collect();
    let names: Vec<&str> = trainers.iter().map(|(name, _)| *name).collect();
    let mut steps: Vec<Box<dyn FnMut()>> = Vec::new();
    for (_, mut trainer) in trainers {
        steps.push(Box::new(move || trainer.step()));
    }
    let (mut run, products) = (Products::new(task), steps.len());
    steps.push(Box::new(move || run.run()));
    // Where products dominate, the peak rate of the machine is measured beside them.
    let raw: Vec<(usize, f64)> = match task.product_flops() {
        1e7.. => RAW
            .map(|n| {
                steps.push(square_product(n));
                (steps.len() - 1, 2.0 * (n * n * n) as f64)
            })
            .to_vec(),
        _ => Vec::new(),
    };
    let mut contenders: Vec<&mut dyn FnMut()> = steps.iter_mut().map(|step| &mut **step as _).collect();
    let time = harness.compare(&mut contenders);
    let hand = time.fastest(&(0..hands).collect::<Vec<_>>());
    let plain = names.iter().position(|&name| name == PLAIN_LOOPS);
    for (k, name) in names.iter().enumerate() {
        let share = |&(raw, flops): &(usize, f64)| time.ratio(raw, k) * task.product_flops() / flops;
        let [small, large] = [0, 1].map(|i| raw.get(i).map_or(f64::NAN, share));
        println!(
            "| {} | {name} | {} | {} | {} | {} | {} | {} | {} | {} |",
            task.name,
            cell(time.ns[k] / 1e3, 2),
            cell(time.ratio(k, hand), 2),
            cell(plain.map_or(f64::NAN, |plain| time.ratio(k, plain)), 2),
            cell(task.product_flops() / time.ns[k], 1),
            cell(100.0 * time.ratio(products, k), 0),
            cell(100.0 * small, 0),
            cell(100.0 * large, 0),
            counts[k],
        );
    }
}

/// Losses, normalizations and updates, in units of the negation of a tensor: a read and a write of a megabyte.
fn passes(harness: &Harness) {
    if !harness.wants("passes") {
        return;
    }
    harness.table("Passes over a tensor of 1024 x 256, f32", &["passes", "us", "x negation"]);
    let mut pass = passes::pass();
    for mut case in [passes::losses(), passes::normalizations(), passes::updates()].into_iter().flatten() {
        let time = harness.compare(&mut [&mut *pass.step, &mut *case.step]);
        println!("| {} | {} | {} |", case.name, cell(time.ns[1] / 1e3, 1), cell(time.ratio(1, 0), 1));
    }
}

/// A product of two matrices of `n` x `n`.
fn square_product(n: usize) -> Box<dyn FnMut()> {
    let mut numbers = Numbers::new(6);
    let (a, b) = (numbers.singles(n * n, -1.0, 1.0), numbers.singles(n * n, -1.0, 1.0));
    let mut out = vec![0.0; n * n];
    Box::new(move || product(black_box(&mut out), Matrix::new(&a, n, n), Matrix::new(&b, n, n), false))
}

/// A deep network whose layers are recorded, or recorded again in the sweep.
fn checkpoints(harness: &Harness) {
    let name = "checkpoint";
    if !harness.wants(name) {
        return;
    }
    let columns = ["64 layers of 128, f32", "held before the sweep, kB", "% of plain", "us", "x plain"];
    harness.table("Checkpoints: memory for time", &columns);
    let deep = Deep::new(64, if harness.measure { 128 } else { 8 });
    let segments = [0, 4, 8, 16];
    let plain = deep.gradient(0);
    let mut steps: Vec<Box<dyn FnMut() + '_>> = Vec::new();
    for segment in segments {
        assert_eq!(deep.gradient(segment), plain, "{name}: different bits");
        let (deep, mut tape) = (&deep, Tape::single());
        steps.push(Box::new(move || {
            tape.reset();
            black_box(deep.record(&tape, segment).1.backward());
        }));
    }
    let mut contenders: Vec<&mut dyn FnMut()> = steps.iter_mut().map(|step| &mut **step as _).collect();
    let time = harness.compare(&mut contenders);
    let held = segments.map(|segment| deep.activation_bytes(segment) as f64);
    for (k, segment) in segments.iter().enumerate() {
        let label = if *segment == 0 { "plain".into() } else { format!("{name} of {segment} layers") };
        println!(
            "| {label} | {} | {} | {} | {} |",
            cell(held[k] / 1e3, 0),
            cell(100.0 * held[k] / held[0], 0),
            cell(time.ns[k] / 1e3, 1),
            cell(time.ratio(k, 0), 2),
        );
    }
}

/// The matrix products of the hand-written steps, by size.
fn products(harness: &Harness) {
    if !harness.wants("sgemm") {
        return;
    }
    harness.table("Matrix products of the gemm crate, one thread", &["n x n x n", "GFLOP/s"]);
    let sizes = if harness.measure { &[8, 16, 32, 64, 128, 256, 512, 1024][..] } else { &[8, 16] };
    for &n in sizes {
        let time = harness.compare(&mut [&mut *square_product(n)]);
        println!("| sgemm {n} | {} |", cell(2.0 * (n * n * n) as f64 / time.ns[0], 1));
    }
}
