//! The same training on 1, 2, 3 and 4 ranks.
//!
//! `cargo test` starts this program, which starts itself again under `mpirun`, once for each case and number of ranks, and
//! compares what rank 0 prints.

use nn::checkpoint::Checkpoint;
use nn::data::{Batches, copy_rows};
use nn::optim::{Adam, Optimizer, Sgd};
use nn::train::Shards;
use nn::{BatchNorm1d, Context, Dropout, Identity, Linear, Module, Sequential, Tanh, loss, mlp, state_dict};
use nn_mpi::{Order, RankError, RankShards, Ranks};
use rand::{SeedableRng, rngs::StdRng};
use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Output};
use std::time::{Duration, Instant};
use tape::{Scalar, Tape, Tensor};

/// Names the case for a process under `mpirun`.
const CASE: &str = "NN_MPI_CASE";
/// A directory for its files.
const FILES: &str = "NN_MPI_FILES";

/// A prime number: no batch of a round number of samples divides it.
const SAMPLES: usize = 211;
const BATCH: usize = 32;
const EPOCHS: usize = 3;

fn main() -> ExitCode {
    if let Ok(case) = std::env::var(CASE) {
        return nn_mpi::run(|ranks| child(&case, ranks));
    }
    if Command::new("mpirun").arg("--version").output().is_err() {
        eprintln!("mpirun is not installed: no test of ranks was run");
        return ExitCode::FAILURE;
    }
    let only = std::env::args().nth(1).filter(|name| !name.starts_with('-'));
    let tests: [(&str, fn()); 9] = [
        ("weights_agree_with_one_process", weights_agree_with_one_process),
        ("a_fixed_order_gives_the_same_bits", a_fixed_order_gives_the_same_bits),
        ("statistics_and_parameters_without_a_part_in_the_loss", statistics_and_unused_parameters),
        ("every_sample_is_seen_once_by_one_rank", every_sample_is_seen_once),
        ("a_run_is_resumed_on_another_number_of_ranks", a_run_is_resumed_on_other_ranks),
        ("the_error_of_one_rank_ends_all", the_error_of_one_rank_ends_all),
        ("different_calls_are_an_error", different_calls_are_an_error),
        ("a_model_that_does_not_fit_the_batch_is_one_error", a_model_that_does_not_fit_is_one_error),
        ("data_of_each_rank_for_itself", data_of_each_rank_for_itself),
    ];
    for (name, test) in tests {
        if only.as_ref().is_none_or(|only| name.contains(only.as_str())) {
            let start = Instant::now();
            test();
            println!("test {name} ... ok ({:.1} s)", start.elapsed().as_secs_f64());
        }
    }
    ExitCode::SUCCESS
}

// What the parent starts and compares.

fn weights_agree_with_one_process() {
    let expected = numbers(&alone(&mut model(0.0), Kind::Whole));
    for ranks in 1..=4 {
        let found = numbers(&succeeds("train", ranks));
        assert_eq!(found.len(), expected.len());
        let scale = expected.iter().fold(0f64, |scale, x| scale.max(x.abs()));
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() <= 1e-12 * scale, "{ranks} ranks: {found} != {expected}");
        }
    }
}

fn a_fixed_order_gives_the_same_bits() {
    let first = succeeds("fixed", 1);
    for ranks in 2..=4 {
        assert_eq!(succeeds("fixed", ranks), first, "{ranks} ranks");
    }
    let (found, expected) = (numbers(&first), numbers(&alone(&mut model(0.0), Kind::Shards)));
    let scale = expected.iter().fold(0f64, |scale, x| scale.max(x.abs()));
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-12 * scale));
    // Random layers draw from the generators of their shards.
    let first = succeeds("dropout", 1);
    assert_eq!(succeeds("dropout", 3), first);
    assert_ne!(first, succeeds("fixed", 1));
}

fn statistics_and_unused_parameters() {
    for ranks in 1..=4 {
        assert_eq!(succeeds("statistics", ranks), "ok");
    }
}

fn every_sample_is_seen_once() {
    let expected: Vec<String> = (0..SAMPLES).map(|_| "1".to_owned()).collect();
    for ranks in 1..=4 {
        assert_eq!(succeeds("seen", ranks).split(' ').collect::<Vec<_>>(), expected, "{ranks} ranks");
    }
}

fn a_run_is_resumed_on_other_ranks() {
    let whole = succeeds("whole", 2);
    for (first, second) in [(2, 3), (4, 1), (1, 4)] {
        let directory = std::env::temp_dir().join(format!("nn-mpi-{}-{first}-{second}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let run = |case, ranks| stdout(&mpirun(case, ranks, &directory));
        assert_eq!(run("first half", first), "saved");
        assert_eq!(run("second half", second), whole, "{first}, then {second} ranks");
        std::fs::remove_dir_all(directory).unwrap();
    }
}

fn the_error_of_one_rank_ends_all() {
    for (case, expected) in [
        ("error of the loss", "rank 1: sample 7 is damaged"),
        ("error outside", "rank 1 of 3: no such dataset"),
        ("panic", "rank 1 of 3: expected a prime number, found 4 (tests/ranks.rs:"),
        ("error of a writer", "rank 0: the disk is full"),
    ] {
        let output = fails(case, 3);
        let sentences = output.lines().filter(|line| line.contains(expected)).count();
        assert_eq!(sentences, 1, "{case}: {output}");
    }
}

fn different_calls_are_an_error() {
    for (case, expected) in [
        (
            "shorter loop",
            "expected the same call on all ranks, found `backward` on rank 0 and the end of the program on rank 1",
        ),
        (
            "other model",
            "expected the same model on all ranks, found other parameters on rank 2 than on rank 0",
        ),
        ("other values", "expected the same model on all ranks, found other values on rank 1 than on rank 0"),
        (
            "other sizes",
            "`backward`: expected as many elements on all ranks, found 162 on rank 0 and 82 on rank 1",
        ),
        ("few shards", "expected at least 3 shards, one for each rank, found 2"),
        ("empty batch", "expected at least 1 sample in a batch, found 0"),
        (
            "own samples",
            "expected `Order::Any` for samples that each rank has for itself, found `Order::Fixed(4)`",
        ),
    ] {
        let output = fails(case, 3);
        assert_eq!(output.lines().filter(|line| line.contains(expected)).count(), 1, "{case}: {output}");
    }
}

fn a_model_that_does_not_fit_is_one_error() {
    let output = fails("wrong input", 4);
    let expected = "rank 0: linear: expected shape [32, 5], found [8, 3] (layer of 0.weight)";
    let found = output.lines().filter(|line| line.contains("expected shape")).collect::<Vec<_>>();
    assert!(found.len() == 1 && found[0].contains("rank 0: linear: expected"), "{expected}: {output}");
}

fn data_of_each_rank_for_itself() {
    for ranks in 1..=4 {
        assert_eq!(succeeds("own data", ranks), "ok");
    }
}

/// The output of rank 0, if all ranks succeed.
fn succeeds(case: &str, ranks: usize) -> String {
    stdout(&mpirun(case, ranks, &std::env::temp_dir()))
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The error output, if the ranks fail.
fn fails(case: &str, ranks: usize) -> String {
    let output = mpirun(case, ranks, &std::env::temp_dir());
    assert!(!output.status.success(), "{case} succeeds on {ranks} ranks");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a case, for at most a minute.
fn mpirun(case: &str, ranks: usize, files: &Path) -> Output {
    let program = std::env::current_exe().unwrap();
    let start = Instant::now();
    let output = Command::new("mpirun")
        // More ranks than processors, and the superuser of a container: both are refused by default.
        .args(["--oversubscribe", "--allow-run-as-root", "--timeout", "60", "-n"])
        .arg(ranks.to_string())
        .arg(program)
        .env(CASE, case)
        .env(FILES, files)
        .env("OMPI_MCA_mpi_yield_when_idle", "1")
        .output()
        .unwrap();
    assert!(start.elapsed() < Duration::from_secs(60), "{case} hangs on {ranks} ranks");
    output
}

// What a rank does.

fn child(case: &str, ranks: &Ranks) -> Result<(), Box<dyn Error>> {
    let fixed = Order::Fixed(6);
    let path = || Path::new(&std::env::var(FILES).unwrap_or_default()).join("run.safetensors");
    match case {
        "train" => print(ranks, &train(ranks, &mut model(0.0), Order::Any, 0..EPOCHS)?),
        "fixed" => print(ranks, &train(ranks, &mut model(0.0), fixed, 0..EPOCHS)?),
        "dropout" => print(ranks, &train(ranks, &mut model(0.5), fixed, 0..EPOCHS)?),
        "whole" => print(ranks, &train_from(ranks, None, 0..4)?.0),
        "first half" => {
            let (_, checkpoint) = train_from(ranks, None, 0..2)?;
            ranks.on_first(|| checkpoint.save(path()))?;
            print(ranks, "saved");
        }
        "second half" => {
            let checkpoint = Checkpoint::load(path())?;
            print(ranks, &train_from(ranks, Some(checkpoint), 2..4)?.0);
        }
        "statistics" => statistics(ranks)?,
        "seen" => seen(ranks)?,
        "own data" => own_data(ranks)?,
        "error of the loss" => {
            let model = model(0.0);
            RankShards::<f64>::train(ranks, 0).backward(&model, &[0, 1, 2], |tape, rows, cx| {
                if rows == [1] { Err("sample 7 is damaged".into()) } else { Ok(of(&model, tape, rows, cx)) }
            })?;
        }
        "error outside" if ranks.rank() == 1 => return Err("no such dataset".into()),
        "panic" if ranks.rank() == 1 => panic!("expected a prime number, found 4"),
        "error outside" | "panic" => {
            train(ranks, &mut model(0.0), Order::Any, 0..EPOCHS)?;
        }
        "error of a writer" => ranks.on_first(|| Err("the disk is full"))?,
        "shorter loop" => {
            let (model, mut shards) = (model(0.0), RankShards::train(ranks, 0));
            let steps = if ranks.rank() == 0 { 3 } else { 2 };
            for rows in batches(0).iter().take(steps) {
                shards.backward(&model, rows, |tape, rows, cx| Ok(of(&model, tape, rows, cx)))?;
            }
        }
        "other model" => {
            let inputs = if ranks.rank() == 2 { 4 } else { 5 };
            ranks.broadcast(&mut Linear::<f64>::new(inputs, 2, &mut StdRng::seed_from_u64(0)))?;
        }
        "other values" => {
            let mut own = StdRng::seed_from_u64(ranks.rank() as u64);
            ranks.check_equal(&Linear::<f64>::new(5, 2, &mut own))?;
        }
        "other sizes" => {
            let mut rng = StdRng::seed_from_u64(0);
            let hidden = if ranks.rank() == 1 { 10 } else { 20 };
            let model: Sequential = mlp(&[5, hidden, 2], Tanh, Identity, &mut rng);
            RankShards::train(ranks, 0)
                .backward(&model, &[0, 1, 2], |tape, rows, cx| Ok(of(&model, tape, rows, cx)))?;
        }
        "few shards" => {
            RankShards::<f64>::train(ranks, 0).order(Order::Fixed(2))?;
        }
        "empty batch" => {
            let model = model(0.0);
            RankShards::<f64>::train(ranks, 0)
                .backward(&model, &[], |tape, rows, cx| Ok(of(&model, tape, rows, cx)))?;
        }
        "own samples" => {
            let model = model(0.0);
            let mut shards = RankShards::<f64>::train(ranks, 0).order(Order::Fixed(4))?;
            shards.backward_own(&model, &[0], |tape, rows, cx| Ok(of(&model, tape, rows, cx)))?;
        }
        "wrong input" => {
            let mut rng = StdRng::seed_from_u64(0);
            let model: Sequential = mlp(&[5, 32, 2], Tanh, Identity, &mut rng);
            RankShards::train(ranks, 0).backward(
                &model,
                &(0..32).collect::<Vec<_>>(),
                |tape, rows, cx| {
                    let x = tape.constant(Tensor::ones([rows.len(), 3]));
                    Ok(model.forward(x, cx).square().mean())
                },
            )?;
        }
        _ => return Err(format!("no case {case:?}").into()),
    }
    Ok(())
}

/// 5-20-2 with dropout, where it is not 0.
fn model(dropout: f64) -> Sequential {
    let mut rng = StdRng::seed_from_u64(1);
    let model = Sequential::new().push(Linear::new(5, 20, &mut rng)).push(Tanh);
    let model = if dropout == 0.0 { model } else { model.push(Dropout::new(dropout)) };
    model.push(Linear::new(20, 2, &mut rng))
}

fn data() -> (Tensor, Tensor) {
    let number = |columns: usize, factor: f64| {
        Tensor::from_fn([SAMPLES, columns], move |i| ((i[0] * columns + i[1]) as f64 * factor).sin())
    };
    (number(5, 0.7), number(2, 1.3))
}

/// The mean loss of some samples.
fn of<'t>(model: &Sequential, tape: &'t Tape, rows: &[usize], cx: &mut Context) -> Scalar<'t> {
    let (all, targets) = data();
    let (mut x, mut y) = (Tensor::default(), Tensor::default());
    copy_rows(&all, rows, &mut x).and_then(|()| copy_rows(&targets, rows, &mut y)).unwrap();
    loss::squared_error(model.forward(tape.constant(x), cx), &y).mean()
}

/// The order of the samples in an epoch.
fn batches(epoch: usize) -> Batches {
    let mut batches = Batches::new(SAMPLES, BATCH);
    batches.shuffle(&mut StdRng::seed_from_u64(epoch as u64));
    batches
}

fn train(
    ranks: &Ranks,
    model: &mut Sequential,
    order: Order,
    epochs: std::ops::Range<usize>,
) -> Result<String, RankError> {
    ranks.broadcast(model)?;
    let mut shards = RankShards::train(ranks, 3).order(order)?;
    let (mut optimizer, mut losses) = (Adam::new(0.01), String::new());
    for epoch in epochs {
        for rows in batches(epoch).iter() {
            let loss = shards.backward(&*model, rows, |tape, rows, cx| Ok(of(model, tape, rows, cx)))?;
            optimizer.step(model, shards.gradients());
            write!(losses, "{loss:e} ").ok();
        }
    }
    ranks.check_equal(model)?;
    Ok(losses + &text(model))
}

/// Trains from a checkpoint or from the beginning, and makes one.
fn train_from(
    ranks: &Ranks,
    from: Option<Checkpoint>,
    epochs: std::ops::Range<usize>,
) -> Result<(String, Checkpoint), Box<dyn Error>> {
    let mut model = model(0.5);
    let mut optimizer = Adam::new(0.01);
    let mut shards = RankShards::train(ranks, 3).order(Order::Fixed(4))?;
    if let Some(mut checkpoint) = from {
        checkpoint.take_model("model", &mut model)?;
        optimizer.restore(&model, checkpoint.take("optimizer")?)?;
        shards.resume_at(checkpoint.meta("steps")?);
    }
    for epoch in epochs {
        for rows in batches(epoch).iter() {
            shards.backward(&model, rows, |tape, rows, cx| Ok(of(&model, tape, rows, cx)))?;
            optimizer.step(&mut model, shards.gradients());
        }
    }
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_model("model", &model);
    checkpoint.put("optimizer", optimizer.save(&model));
    checkpoint.set_meta("steps", shards.steps());
    Ok((text(&model), checkpoint))
}

/// How a process alone takes a batch.
enum Kind {
    Whole,
    Shards,
}

/// The same training without ranks.
fn alone(model: &mut Sequential, kind: Kind) -> String {
    let (mut optimizer, mut losses, mut tape) = (Adam::new(0.01), String::new(), Tape::new());
    let mut shards = Shards::eval(6).unwrap();
    for epoch in 0..EPOCHS {
        for rows in batches(epoch).iter() {
            let loss = match kind {
                Kind::Whole => {
                    let loss = of(model, &tape, rows, &mut Context::eval());
                    let (value, grads) = (loss.value(), loss.backward());
                    tape.reset();
                    optimizer.step(model, &grads);
                    value
                }
                Kind::Shards => {
                    let value = shards
                        .backward_by(&*model, rows.len(), |tape, part, cx| of(model, tape, &rows[part], cx))
                        .unwrap();
                    optimizer.step(model, shards.gradients());
                    value
                }
            };
            write!(losses, "{loss:e} ").ok();
        }
    }
    losses + &text(model)
}

/// Running statistics are the mean over the shards; a parameter on which no loss depends gets no gradient.
fn statistics(ranks: &Ranks) -> Result<(), Box<dyn Error>> {
    let mut model = Sequential::<f64>::new().push(BatchNorm1d::new(5));
    let unused = Linear::<f64>::new(2, 2, &mut StdRng::seed_from_u64(0));
    let (x, _) = data();
    let rows: Vec<usize> = (0..SAMPLES).collect();
    let mut shards = RankShards::train(ranks, 0);
    shards.backward(&(model.clone(), unused), &rows, |_, _, _| Err("not this one".into())).unwrap_err();
    shards.backward(&model, &rows, |tape, rows, cx| {
        let mut part = Tensor::default();
        copy_rows(&x, rows, &mut part)?;
        Ok(model.forward(tape.constant(part), cx).square().sum() * (1.0 / rows.len() as f64))
    })?;
    shards.commit(&mut model);
    let (found, expected) = (state_dict(&model), x.mean_axis(0).to_vec());
    let mean = found.iter().find(|(name, _)| name.ends_with("running_mean")).map(|(_, mean)| mean.to_vec());
    let mean = mean.ok_or("no running mean")?;
    for (found, expected) in mean.iter().zip(&expected) {
        // The momentum of the layer is 0.1.
        if (found - 0.1 * expected).abs() > 1e-15 {
            return Err(format!("{found} != {}", 0.1 * expected).into());
        }
    }
    let pair = (
        Linear::<f64>::new(5, 2, &mut StdRng::seed_from_u64(0)),
        Linear::<f64>::new(5, 2, &mut StdRng::seed_from_u64(1)),
    );
    let mut pair = pair;
    let before = state_dict(&pair.1);
    let mut shards = RankShards::train(ranks, 0);
    for _step in 0..2 {
        shards.backward(&pair, &rows, |tape, rows, cx| {
            let mut part = Tensor::default();
            copy_rows(&x, rows, &mut part)?;
            Ok(pair.0.forward(tape.constant(part), cx).square().mean())
        })?;
        // Decay would move a parameter whose gradient is 0.
        Sgd::new(0.1).weight_decay(0.5).step(&mut pair, shards.gradients());
    }
    if state_dict(&pair.1) != before {
        return Err("a parameter without a part in the loss was changed".into());
    }
    ranks.check_equal(&pair)?;
    print(ranks, "ok");
    Ok(())
}

/// Counts how often each sample is seen in an epoch.
fn seen(ranks: &Ranks) -> Result<(), RankError> {
    let (model, mut counts) = (model(0.0), [0.0; SAMPLES]);
    let mut shards = RankShards::train(ranks, 0);
    for rows in batches(0).iter() {
        shards.backward(&model, rows, |tape, rows, cx| {
            rows.iter().for_each(|&row| counts[row] += 1.0);
            Ok(of(&model, tape, rows, cx))
        })?;
    }
    let text: Vec<String> = ranks.sum(counts)?.iter().map(f64::to_string).collect();
    print(ranks, &text.join(" "));
    Ok(())
}

/// The gradient of all samples, of which each rank has its own.
fn own_data(ranks: &Ranks) -> Result<(), Box<dyn Error>> {
    let model = model(0.0);
    let own: Vec<usize> = ranks.range(SAMPLES).collect();
    let mut shards = RankShards::train(ranks, 0);
    let loss = shards.backward_own(&model, &own, |tape, rows, cx| Ok(of(&model, tape, rows, cx)))?;
    let (tape, all) = (Tape::new(), (0..SAMPLES).collect::<Vec<_>>());
    let whole = of(&model, &tape, &all, &mut Context::eval());
    if (loss - whole.value()).abs() > 1e-14 {
        return Err(format!("{loss} != {}", whole.value()).into());
    }
    print(ranks, "ok");
    Ok(())
}

fn print(ranks: &Ranks, text: &str) {
    if ranks.is_first() {
        println!("{text}");
    }
}

/// All weights, digit by digit.
fn text(model: &Sequential) -> String {
    let values = state_dict(model).into_iter().flat_map(|(_, value)| value.to_vec());
    values.map(|x| format!("{x:e}")).collect::<Vec<_>>().join(" ")
}

fn numbers(text: &str) -> Vec<f64> {
    text.split_whitespace().map(|x| x.parse().unwrap()).collect()
}
