//! `cargo bench -p benches --features rayon --bench threads`: training steps on two threads, beside a hand-written step
//! whose matrix products use two threads too, and the sizes from which two threads gain anything. Words on the command
//! line choose comparisons (`-- W4`, `-- threshold`).
//!
//! Two threads need wall-clock time, and two processors at the same time. On a machine with other work, a
//! median mostly measures that work; so contenders run in turns, many times, and the least time of each
//! counts.

use benches::harness::Harness;
use benches::numbers::Numbers;
use benches::product::{Matrix, product};
use benches::scalar::{Gmm, Lanes, ScalarMlp};
use benches::training::{ByHand, LeNet, Modules, Recorded, Sharded, Task, Trainer, difference};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::hint::black_box;
use std::time::{Duration, Instant};
use tape::element::Real;
use tape::{Tensor, parallel};

fn main() {
    let harness = Harness::from_arguments();
    let pool =
        |threads| ThreadPoolBuilder::new().num_threads(threads).build().expect("the pool can be created");
    let (one, two) = (pool(1), pool(2));
    println!("The least of many interleaved rounds in one process.");
    two.install(|| {
        training(&harness, &one);
        programs(&harness, &one);
        loops(&harness);
        products(&harness, &one);
    });
}

/// Time spent on a contender of a comparison.
const CONTENDER: Duration = Duration::from_secs(3);

/// The least time that one contender runs in one round.
const SAMPLE: Duration = Duration::from_micros(50);

/// The least time of each contender in nanoseconds per call; not a number if nothing is to be measured.
fn least(harness: &Harness, contenders: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let mut least = vec![f64::NAN; contenders.len()];
    let mut calls = vec![1u32; contenders.len()];
    let start = Instant::now();
    loop {
        for (k, run) in contenders.iter_mut().enumerate() {
            let start = Instant::now();
            (0..calls[k]).for_each(|_| run());
            let time = start.elapsed();
            match time < SAMPLE {
                true => calls[k] *= 2,
                false => least[k] = least[k].min(time.as_nanos() as f64 / f64::from(calls[k])),
            }
        }
        if !harness.measure {
            return vec![f64::NAN; contenders.len()];
        }
        if start.elapsed() > CONTENDER * contenders.len() as u32 {
            return least;
        }
    }
}

/// W4 to W6; `handed over` counts the loops and products of a step that the engine distributed over several
/// threads; those of the hand-written step are not included.
fn training(harness: &Harness, one: &ThreadPool) {
    harness.table(
        "Training steps on two threads",
        &["training step, f32", "trainer", "us", "x hand on two threads", "x hand on one", "handed over"],
    );
    let small = !harness.measure;
    for task in [Task::w4(small), Task::w5(small), Task::w6(small)] {
        if harness.wants(task.name) {
            training_rows(harness, one, &task);
        }
    }
}

fn by_hand(task: &Task) -> Box<dyn Trainer + Send> {
    if task.convolutions.is_empty() { Box::new(ByHand::new(task)) } else { Box::new(LeNet::new(task)) }
}

fn training_rows(harness: &Harness, one: &ThreadPool, task: &Task) {
    // Made in the pool in which it runs: it divides images between its threads.
    let mut alone = one.install(|| by_hand(task));
    let mut trainers: Vec<(&str, Box<dyn Trainer>)> = vec![
        ("by hand", by_hand(task)),
        ("tape", Box::new(Recorded::new(task))),
        ("nn", Box::new(Modules::new(task))),
        ("nn, 2 shards", Box::new(Sharded::new(task, 2))),
    ];
    let reference = trainers[0].1.gradients();
    let mut parallel_calls = vec!["-".to_owned()];
    for (name, trainer) in &mut trainers {
        let error = difference(&trainer.gradients(), &reference);
        assert!(error < 1e-4, "{}, {name}: gradients differ by {error:e}", task.name);
        (0..5).for_each(|_| trainer.step());
        let before = parallel::parallel_calls();
        trainer.step();
        parallel_calls.push((parallel::parallel_calls() - before).to_string());
    }
    let mut steps: Vec<Box<dyn FnMut() + '_>> = vec![Box::new(|| one.install(|| alone.step()))];
    steps.extend(trainers.iter_mut().map(|(_, trainer)| Box::new(|| trainer.step()) as Box<dyn FnMut()>));
    let mut contenders: Vec<&mut dyn FnMut()> = steps.iter_mut().map(|step| &mut **step as _).collect();
    let time = least(harness, &mut contenders);
    let names = ["by hand, one thread", "by hand", "tape", "nn", "nn, 2 shards"];
    for (k, name) in names.iter().enumerate() {
        let (us, hand, alone) = (time[k] / 1e3, time[k] / time[1], time[k] / time[0]);
        println!("| {} | {name} | {us:.1} | {hand:.2} | {alone:.2} | {} |", task.name, parallel_calls[k]);
    }
}

/// Value and gradient of a program over lanes.
fn programs(harness: &Harness, one: &ThreadPool) {
    let columns = ["value and gradient, f64", "one thread us", "two threads us", "one / two"];
    harness.table("Programs on two threads", &columns);
    let n = if harness.measure { 1000 } else { 10 };
    program_row(harness, one, &ScalarMlp::new(n));
    program_row(harness, one, &Gmm::new(n));
}

fn program_row(harness: &Harness, one: &ThreadPool, problem: &impl Lanes) {
    if !harness.wants(problem.lanes_name()) {
        return;
    }
    let ((program, wrt), operands) = (problem.program(), problem.operands());
    let operands: Vec<&Tensor> = operands.iter().collect();
    let derivatives = program.wrt(wrt);
    let (alone, together) =
        (one.install(|| derivatives.sum_lanes(&operands)), derivatives.sum_lanes(&operands));
    assert_eq!(alone, together, "{}: the same bits on any number of threads", problem.lanes_name());
    let time = least(
        harness,
        &mut [
            &mut || {
                black_box(one.install(|| derivatives.sum_lanes(black_box(&operands))));
            },
            &mut || {
                black_box(derivatives.sum_lanes(black_box(&operands)));
            },
        ],
    );
    let (one, two) = (time[0] / 1e3, time[1] / 1e3);
    println!("| {} | {one:.1} | {two:.1} | {:.2} |", problem.lanes_name(), one / two);
}

/// The two extremes of the cost of a loop: a sum of two rows, and a hyperbolic tangent.
fn loops(harness: &Harness) {
    let columns = ["threshold of loops, f32", "elements", "one thread us", "two threads us", "two / one"];
    loop_rows(harness, &columns, "threshold x + y", |x, y| x + y);
    loop_rows(harness, &columns, "threshold tanh x", |x, _| Real::tanh(x));
}

fn loop_rows(harness: &Harness, columns: &[&str], name: &str, f: impl Fn(f32, f32) -> f32 + Copy + Sync) {
    if !harness.wants(name) {
        return;
    }
    harness.table("Sizes from which a loop in two halves gains", columns);
    for n in (12..=20).map(|k| 1usize << k) {
        let mut numbers = Numbers::new(6);
        let (x, y) = (numbers.singles(n, -1.0, 1.0), numbers.singles(n, -1.0, 1.0));
        let (mut whole, mut halves) = (vec![0.0; n], vec![0.0; n]);
        let middle = n / 2;
        let time = least(
            harness,
            &mut [&mut || pass(&mut whole, &x, &y, f), &mut || {
                let (left, right) = halves.split_at_mut(middle);
                rayon::join(
                    || pass(left, &x[..middle], &y[..middle], f),
                    || pass(right, &x[middle..], &y[middle..], f),
                );
            }],
        );
        row(name, n, &time);
    }
}

fn pass(out: &mut [f32], x: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32 + Copy) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
                *out = f(x, y);
            }
        },
    );
    black_box(out);
}

fn products(harness: &Harness, one: &ThreadPool) {
    let name = "threshold n x n x n";
    if !harness.wants(name) {
        return;
    }
    let columns =
        ["threshold of products, f32", "multiplications", "one thread us", "two threads us", "two / one"];
    harness.table("Sizes from which a matrix product gains", &columns);
    gemm::set_threading_threshold(0);
    for n in [48, 64, 80, 96, 112, 128, 160, 192, 256] {
        let mut numbers = Numbers::new(6);
        let (a, b) = (numbers.singles(n * n, -1.0, 1.0), numbers.singles(n * n, -1.0, 1.0));
        let (mut x, mut y) = (vec![0.0; n * n], vec![0.0; n * n]);
        let run = |out: &mut [f32]| product(out, Matrix::new(&a, n, n), Matrix::new(&b, n, n), false);
        const MANY: usize = 10;
        // Many at a time, so that entering and leaving the pool of one thread does not count.
        let mut many = || one.install(|| (0..MANY).for_each(|_| run(black_box(&mut x))));
        let mut time = least(harness, &mut [&mut many, &mut || run(black_box(&mut y))]);
        time[0] /= MANY as f64;
        row(name, n * n * n, &time);
    }
}

fn row(name: &str, size: usize, ns: &[f64]) {
    println!("| {name} | {size} | {:.2} | {:.2} | {:.2} |", ns[0] / 1e3, ns[1] / 1e3, ns[1] / ns[0]);
}
