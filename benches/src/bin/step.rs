//! The interface for `benches/peers`: writes the workloads as files, and prints times of this project.
//!
//! `step write DIRECTORY` writes for every workload the inputs, the targets, the initial parameters and their
//! gradients, in this order, as little-endian values without any header. `step W3 tape` prints the median
//! time of a training step in microseconds.

use benches::harness::Harness;
use benches::mixture::TensorGmm;
use benches::scalar::{Gmm, Lanes, Problem, Rosenbrock, ScalarMlp, gradient};
use benches::training::{Modules, Recorded, Replayed, Task, Trainer};
use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use tape::{Tape, Tensor};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [word, directory] if word == "write" => write(Path::new(directory)),
        [workload, trainer] => {
            println!("{trainer} {workload} {:.3}", time(workload, trainer)?);
            Ok(())
        }
        _ => Err("expected `write DIRECTORY`, or a workload and `hand`, `tape` or `nn`".into()),
    }
}

fn write(directory: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(directory)?;
    for task in Task::all(false) {
        let convolutions = task.convolutions.iter().flat_map(|c| [&c.weights, &c.bias]);
        let dense = task.layers.iter().flat_map(|layer| [&layer.weights, &layer.bias]);
        let gradients = task.by_hand()[0].1.gradients();
        let all = [&task.x, &task.y].into_iter().chain(convolutions).chain(dense).chain(&gradients);
        let bytes: Vec<u8> = all.flatten().flat_map(|x| x.to_le_bytes()).collect();
        fs::write(directory.join(&task.name[..2]), bytes)?;
    }
    write_scalar(&directory.join("W7"), &Rosenbrock(1000))?;
    write_scalar(&directory.join("W7-large"), &Rosenbrock(100_000))?;
    write_scalar(&directory.join("W8"), &ScalarMlp::new(1000))?;
    write_scalar(&directory.join("W9"), &Gmm::new(1000))
}

/// Points or samples, inputs, gradient.
fn write_scalar(path: &Path, problem: &impl Problem) -> Result<(), Box<dyn Error>> {
    let x = problem.inputs();
    let gradient = gradient(problem, &mut Tape::new(), &x);
    let numbers = problem.data().into_iter().chain(x).chain(gradient);
    fs::write(path, numbers.flat_map(f64::to_le_bytes).collect::<Vec<u8>>())?;
    Ok(())
}

/// Microseconds of `step`.
fn median(step: &mut dyn FnMut()) -> f64 {
    Harness::measuring().compare(&mut [step]).ns[0] / 1e3
}

/// Microseconds of a gradient.
fn scalar_time(problem: &impl Problem) -> f64 {
    let (x, mut tape) = (problem.inputs(), Tape::new());
    median(&mut || {
        black_box(gradient(problem, &mut tape, black_box(&x)));
    })
}

/// Microseconds of value and gradient over lanes, or of the plain function.
fn lanes_time(problem: &impl Lanes, contender: &str) -> Result<f64, Box<dyn Error>> {
    let (x, (program, wrt), operands) = (problem.inputs(), problem.program(), problem.operands());
    let operands: Vec<&Tensor> = operands.iter().collect();
    let derivatives = program.wrt(wrt);
    match contender {
        "plain" => Ok(median(&mut || {
            for part in 0..problem.parts() {
                black_box(problem.eval(black_box(&x[..]), part));
            }
        })),
        "lanes" => Ok(median(&mut || {
            black_box(derivatives.sum_lanes(black_box(&operands)));
        })),
        _ => Err(format!("expected `plain` or `lanes`, found {contender}").into()),
    }
}

/// Microseconds of a gradient of the tensor form.
fn mixture_time() -> f64 {
    let (gmm, mut tape) = (TensorGmm::new(&Gmm::new(1000)), Tape::new());
    median(&mut || {
        tape.reset();
        let (leaves, value) = gmm.record(&tape);
        let grads = value.backward();
        black_box(leaves.map(|x| grads.wrt(x)));
    })
}

/// Microseconds of a step.
fn time(workload: &str, trainer: &str) -> Result<f64, Box<dyn Error>> {
    match workload {
        "W7" => return Ok(scalar_time(&Rosenbrock(1000))),
        "W7-large" => return Ok(scalar_time(&Rosenbrock(100_000))),
        "W8" => return Ok(scalar_time(&ScalarMlp::new(1000))),
        "W9" => return Ok(scalar_time(&Gmm::new(1000))),
        "W7-lanes" => return lanes_time(&Rosenbrock(1000), trainer),
        "W7-large-lanes" => return lanes_time(&Rosenbrock(100_000), trainer),
        "W8-lanes" => return lanes_time(&ScalarMlp::new(1000), trainer),
        "W9-lanes" => return lanes_time(&Gmm::new(1000), trainer),
        "W9-tensors" => return Ok(mixture_time()),
        _ => {}
    }
    let task = Task::all(false).into_iter().find(|task| task.name.starts_with(workload));
    let task = task.ok_or_else(|| format!("expected W1 to W9, found {workload}"))?;
    let mut trainers: Vec<Box<dyn Trainer>> = match trainer {
        "hand" => task.by_hand().into_iter().map(|(_, trainer)| trainer).collect(),
        "tape" => vec![Box::new(Recorded::new(&task))],
        "replay" => vec![Box::new(Replayed::new(&task))],
        "nn" => vec![Box::new(Modules::new(&task))],
        _ => return Err(format!("expected `hand`, `tape` or `nn`, found {trainer}").into()),
    };
    Ok(trainers.iter_mut().map(|trainer| median(&mut || trainer.step())).fold(f64::INFINITY, f64::min))
}
