//! A run that is stopped, written to a file and resumed takes the same steps, bit for bit, as one that is not.

use nn::checkpoint::Checkpoint;
use nn::data::{Batches, copy_rows};
use nn::optim::schedule::{Cosine, Plateau, Schedule};
use nn::optim::{
    AdaDelta, AdaGrad, Adam, AdamW, Adamax, Asgd, Average, Lbfgs, Lion, NAdam, Optimizer, RAdam, RmsProp,
    Rprop, Sgd,
};
use nn::{Context, Identity, Module, Sequential, Tanh, loss, mlp, state_dict};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::path::PathBuf;
use tape::{Tape, Tensor};
use tests::networks::uniform;

const SEED: u64 = u64::MAX - 3;

/// The path of a file of this test and process.
fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("resume-{name}-{}.safetensors", std::process::id()))
}

/// Everything that changes in a run.
struct Run {
    model: Sequential,
    optimizer: Box<dyn Optimizer>,
    plateau: Plateau,
    average: Average,
    epoch: u64,
}

impl Run {
    fn new(model: u64, optimizer: Box<dyn Optimizer>) -> Run {
        let model = mlp(&[3, 5, 2], Tanh, Identity, &mut StdRng::seed_from_u64(model));
        let plateau = Plateau::new(1.0).patience(0).factor(0.5);
        Run { model, optimizer, plateau, average: Average::ema(0.9), epoch: 0 }
    }

    /// One epoch over shuffled batches, with the rate by its index and by the plateau.
    fn epoch(&mut self, x: &Tensor, y: &Tensor) {
        let schedule = Cosine { base: 0.05, floor: 0.001, period: 6 }.warm_up(2);
        self.optimizer.set_learning_rate(schedule.at(self.epoch) * self.plateau.rate());
        let mut rng = StdRng::seed_from_u64(SEED.wrapping_add(self.epoch));
        let (mut tape, mut total) = (Tape::new(), 0.0);
        let (mut inputs, mut targets) = (Tensor::default(), Tensor::default());
        for rows in Batches::new(x.shape()[0], 5).shuffle(&mut rng).iter() {
            copy_rows(x, rows, &mut inputs).expect("the rows are there");
            copy_rows(y, rows, &mut targets).expect("the rows are there");
            let output = self.model.forward(tape.constant(inputs.clone()), &mut Context::eval());
            let loss = loss::huber(output, &targets, 0.5).mean();
            total += loss.value();
            let grads = loss.backward();
            tape.reset();
            self.optimizer.step(&mut self.model, &grads);
            self.average.update(&self.model);
        }
        self.plateau.observe(total);
        self.epoch += 1;
    }

    fn checkpoint(&self) -> Checkpoint {
        let mut checkpoint = Checkpoint::new();
        checkpoint.put_model("model", &self.model);
        checkpoint.put("optimizer", self.optimizer.save(&self.model));
        checkpoint.put("plateau", self.plateau.save());
        checkpoint.put("average", self.average.save());
        checkpoint.set_meta("epoch", self.epoch);
        checkpoint.set_meta("seed", SEED);
        checkpoint
    }

    fn resume(&mut self, mut checkpoint: Checkpoint) -> Result<(), Box<dyn std::error::Error>> {
        checkpoint.take_model("model", &mut self.model)?;
        self.optimizer.restore(&self.model, checkpoint.take("optimizer")?)?;
        self.plateau.restore(checkpoint.take("plateau")?)?;
        self.average.restore(&self.model, checkpoint.take("average")?)?;
        self.epoch = checkpoint.meta("epoch")?;
        assert_eq!(checkpoint.meta("seed"), Ok(SEED));
        Ok(())
    }
}

fn optimizers() -> [(&'static str, Box<dyn Optimizer>); 12] {
    [
        ("sgd", Box::new(Sgd::new(0.1).momentum(0.9).nesterov().weight_decay(0.01))),
        ("adagrad", Box::new(AdaGrad::new(0.1).rate_decay(0.1))),
        ("adadelta", Box::new(AdaDelta::new(1.0))),
        ("rmsprop", Box::new(RmsProp::new(0.01).centered().momentum(0.5))),
        ("adam", Box::new(Adam::new(0.01).amsgrad().clip_norm(0.1))),
        (
            "adamw",
            Box::new(AdamW::new(0.01).group(|name| name.ends_with("bias"), |group| group.weight_decay(0.0))),
        ),
        ("nadam", Box::new(NAdam::new(0.01))),
        ("lion", Box::new(Lion::new(0.01).weight_decay(0.1).clip_value(0.05))),
        ("radam", Box::new(RAdam::new(0.01))),
        ("adamax", Box::new(Adamax::new(0.01))),
        ("rprop", Box::new(Rprop::new(0.01))),
        ("asgd", Box::new(Asgd::new(0.01).average_from(9))),
    ]
}

#[test]
fn a_run_resumed_from_a_file_is_one_that_was_never_stopped() {
    let mut rng = StdRng::seed_from_u64(20);
    let (x, y) = (uniform([17, 3], 1.0, &mut rng), uniform([17, 2], 1.0, &mut rng));
    for ((name, straight), (_, again)) in optimizers().into_iter().zip(optimizers()) {
        let mut straight = Run::new(1, straight);
        (0..4).for_each(|_| straight.epoch(&x, &y));
        let path = path(name);
        straight.checkpoint().save(&path).expect("a checkpoint can be written");
        let bytes = std::fs::read(&path).expect("it was just written");
        let mut resumed = Run::new(2, again);
        let read = Checkpoint::load(&path).expect("it can be read");
        resumed.resume(read).expect("it fits");
        resumed.checkpoint().save(&path).expect("a checkpoint can be written");
        assert_eq!(std::fs::read(&path).expect("it was just written"), bytes, "{name}");
        std::fs::remove_file(&path).expect("it can be removed");
        for _ in 0..4 {
            straight.epoch(&x, &y);
            resumed.epoch(&x, &y);
        }
        assert_eq!(resumed.checkpoint(), straight.checkpoint(), "{name}");
        assert_ne!(state_dict(&straight.model), straight.average.save().tensors, "{name}");
    }
}

#[test]
fn lbfgs_resumes_too() {
    let mut rng = StdRng::seed_from_u64(21);
    let (x, y) = (uniform([17, 3], 1.0, &mut rng), uniform([17, 2], 1.0, &mut rng));
    let objective = |model: &Sequential| {
        let tape = Tape::new();
        let loss =
            loss::squared_error(model.forward(tape.constant(x.clone()), &mut Context::eval()), &y).mean();
        (loss.value(), loss.backward())
    };
    let mut model = mlp(&[3, 5, 2], Tanh, Identity, &mut rng);
    let mut optimizer = Lbfgs::new().iterations(4).history(3);
    let first = objective(&model).0;
    (0..3).for_each(|_| _ = optimizer.step(&mut model, objective));
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_model("model", &model);
    checkpoint.put("optimizer", optimizer.save());
    let path = path("lbfgs");
    checkpoint.save(&path).expect("a checkpoint can be written");
    let mut read = Checkpoint::load(&path).expect("it can be read");
    std::fs::remove_file(&path).expect("it can be removed");
    let mut other = mlp(&[3, 5, 2], Tanh, Identity, &mut rng);
    let mut resumed = Lbfgs::new().iterations(4).history(3);
    read.take_model("model", &mut other).expect("it fits");
    resumed.restore(&other, read.take("optimizer").expect("it is there")).expect("it fits");
    for _ in 0..3 {
        let last = optimizer.step(&mut model, objective);
        assert_eq!(resumed.step(&mut other, objective), last);
        assert!(last < first, "loss: found {last}, expected below {first}");
    }
    assert_eq!(state_dict(&other), state_dict(&model));
    assert_eq!(resumed.save(), optimizer.save());
}

#[test]
fn other_files_are_refused() {
    let path = path("other");
    nn::files::save(&path, &[("a".to_owned(), Tensor::from([1.0]))]).expect("it can be written");
    let error = Checkpoint::<f64>::load(&path).unwrap_err().to_string();
    assert!(error.ends_with("not a valid checkpoint file: it is not marked as one"), "{error}");
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_model("model", &nn::Param::new([1.0]));
    checkpoint.save(&path).expect("it can be written");
    let error = Checkpoint::<f32>::load(&path).unwrap_err().to_string();
    assert!(error.ends_with("expected f32, found f64"), "{error}");
    // Every reader of the format finds the tensors.
    let tensors = nn::files::load::<f64>(&path).expect("it can be read");
    assert_eq!(tensors, [("model/".to_owned(), Tensor::from([1.0]))]);
    let bytes = std::fs::read(&path).expect("it was just written");
    for length in 0..bytes.len() {
        std::fs::write(&path, &bytes[..length]).expect("it can be written");
        assert!(Checkpoint::<f64>::load(&path).is_err(), "{length} bytes of {}", bytes.len());
    }
    std::fs::remove_file(&path).expect("it can be removed");
}
