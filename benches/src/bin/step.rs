//! What `benches/peers` needs of this side: the workloads as files, and one of our times.
//!
//! `step write DIRECTORY` writes for every workload the inputs, the targets, the initial parameters and their
//! gradients, one after another, as little-endian numbers without any header. `step W3 tape` prints the median time of
//! a training step in microseconds.

use benches::harness::Harness;
use benches::mixture::TensorGmm;
use benches::scalar::{Gmm, Problem};
use benches::training::{Modules, Recorded, Task, Trainer};
use std::error::Error;
use std::fs;
use std::path::Path;
use tape::Tape;

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
    let gmm = Gmm::new(1000);
    let numbers = gmm.points().into_iter().chain(gmm.inputs()).chain(TensorGmm::new(&gmm).gradient());
    fs::write(directory.join("W9"), numbers.flat_map(f64::to_le_bytes).collect::<Vec<u8>>())?;
    Ok(())
}

/// Microseconds of a step.
fn time(workload: &str, trainer: &str) -> Result<f64, Box<dyn Error>> {
    let median = |step: &mut dyn FnMut()| Harness::measuring().compare(&mut [step]).ns[0] / 1e3;
    if workload == "W9" {
        let gmm = TensorGmm::new(&Gmm::new(1000));
        let mut tape = Tape::new();
        return Ok(median(&mut || {
            tape.reset();
            let (leaves, value) = gmm.record(&tape);
            let grads = value.backward();
            std::hint::black_box(leaves.map(|x| grads.wrt(x)));
        }));
    }
    let task = Task::all(false).into_iter().find(|task| task.name.starts_with(workload));
    let task = task.ok_or_else(|| format!("expected W1 to W6 or W9, found {workload}"))?;
    let mut trainers: Vec<Box<dyn Trainer>> = match trainer {
        "hand" => task.by_hand().into_iter().map(|(_, trainer)| trainer).collect(),
        "tape" => vec![Box::new(Recorded::new(&task))],
        "nn" => vec![Box::new(Modules::new(&task))],
        _ => return Err(format!("expected `hand`, `tape` or `nn`, found {trainer}").into()),
    };
    Ok(trainers.iter_mut().map(|trainer| median(&mut || trainer.step())).fold(f64::INFINITY, f64::min))
}
