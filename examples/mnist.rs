//! Handwritten digits with a multilayer perceptron, trained on a tape and compared with backpropagation by hand.
//!
//! 784-32-10 with sigmoids, squared error on one-hot targets, mini-batches of 256: the network of many
//! introductions to backpropagation. Run it from the root of the workspace:
//!
//! ```text
//! cargo run --release --example mnist
//! cargo run --release --example mnist -- --help
//! ```

use clap::{Parser, ValueEnum};
use examples::{cli, mnist_files};
use nn::data::{Batches, Images, copy_rows};
use nn::files::FileElement;
use nn::init::{Fans, Init, KaimingNormal, Normal, XavierUniform};
use nn::loss::{Loss, LossFunction};
use nn::metrics::{Confusion, argmax_rows};
use nn::optim::{Optimizer, Sgd};
use nn::train::{Progress, WeightedMean};
use nn::{
    Context, Identity, Linear, Module, Param, Parameters, Relu, Sequential, Sigmoid, Softmax, Tanh, by_hand,
};
use nn_plot::{Heatmaps, Lines};
use rand::seq::index;
use rand::{SeedableRng, rngs::StdRng};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use tape::{Tape, Tensor};

const CLASSES: usize = 10;

/// The entries of each parameter for which finite differences are computed.
const SAMPLED: usize = 8;

/// The default number of epochs; with `--load`, 0.
const EPOCHS: usize = 60;

/// The directory of the pictures.
const PICTURES: &str = "target/mnist";

/// Train a small network on handwritten digits.
///
/// The repository contains 10,000 training images and the complete test set; a full set is read with --data
/// DIR.
/// With it, this reaches a test accuracy of 0.97 and more:
/// --data DIR --activation tanh --loss cross_entropy_with_logits.mean --hidden 64 --batch 64 --lr 0.2 --epochs 20
#[derive(Debug, Parser)]
#[command(name = "mnist")]
struct Args {
    /// Passes over the training images [default: 60; with --load: 0]
    #[arg(long, value_parser = cli::count)]
    epochs: Option<usize>,
    /// Learning rate
    #[arg(long, default_value = "1", allow_negative_numbers = true, value_parser = cli::rate)]
    lr: f64,
    /// Images in a mini-batch; the last one of an epoch also takes the remainder
    #[arg(long, default_value = "256", value_parser = cli::positive)]
    batch: usize,
    /// Hidden units
    #[arg(long, default_value = "32", value_parser = cli::positive)]
    hidden: usize,
    /// Initial weights
    #[arg(long, value_enum, default_value = "default")]
    init: Start,
    /// Seed of the initial weights and of the order of the images
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Loss function of nn::loss and its reduction; losses with logits have no output function,
    /// cross_entropy_with_probabilities has the softmax, all others the sigmoid
    #[arg(long, default_value = "squared_error.mean_over_samples")]
    loss: Loss,
    /// Activation of the hidden units
    #[arg(long, value_enum, default_value = "sigmoid")]
    activation: Hidden,
    /// Floating-point format of the computation
    #[arg(long, value_enum, default_value = "f64")]
    precision: Precision,
    /// Directory of the four IDX files, compressed or not [default: MNIST_DIR, else the repository's]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write the parameters to a file, .safetensors or .npz
    #[arg(long, value_name = "FILE", value_parser = cli::parameter_file)]
    save: Option<PathBuf>,
    /// Start from the parameters in a file
    #[arg(long, value_name = "FILE")]
    load: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Start {
    /// Weights and biases uniform within ±1/√inputs.
    Default,
    /// Weights and biases standard normal.
    Normal,
    /// Weights uniform within ±√(6/(inputs + outputs)), biases 0.
    Xavier,
    /// Weights normal with variance 2/inputs, biases 0.
    Kaiming,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Hidden {
    Sigmoid,
    Tanh,
    Relu,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Precision {
    F32,
    F64,
}

fn main() -> ExitCode {
    cli::main(|args: Args| match args.precision {
        Precision::F32 => run::<f32>(&args),
        Precision::F64 => run::<f64>(&args),
    })
}

fn run<T: FileElement>(args: &Args) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let mnist = mnist_files::read(args.data.as_deref())?;
    let ([_, rows, columns], [_, test_rows, test_columns]) = (mnist.train.shape(), mnist.test.shape());
    if [rows, columns] != [test_rows, test_columns] {
        let (train, test) = (format!("{rows} x {columns}"), format!("{test_rows} x {test_columns}"));
        return Err(format!("the training images are {train} pixels, the test images {test}").into());
    }
    let (train, test) = (Set::<T>::new(&mnist.train)?, Set::<T>::new(&mnist.test)?);
    let mut rng = StdRng::seed_from_u64(args.seed);
    let mut model = model::<T>(args, rows * columns, &mut rng);
    let (inputs, hidden, count) = (rows * columns, args.hidden, model.count());
    let (training, testing, name) = (train.labels.len(), test.labels.len(), T::NAME);
    cli::say(format_args!("{training} training images, {testing} test images"));
    cli::say(format_args!("{inputs}-{hidden}-{CLASSES} with {count} parameters in {name}"));
    if let Some(file) = &args.load {
        nn::load(file, &mut model)?;
        cli::say(format_args!("parameters from {}", file.display()));
    }
    let epochs = args.epochs.unwrap_or(if args.load.is_some() { 0 } else { EPOCHS });
    let losses = fit(&mut model, &train, args, epochs, &mut rng)?;
    let loss = match losses.last() {
        Some(&loss) => loss,
        None => loss_of(&model, &train, args.loss),
    };
    if let Some(file) = &args.save {
        nn::save(file, &model)?;
        cli::say(format_args!("parameters to {}", file.display()));
    }
    let confusion = Confusion::new(&argmax_rows(&model.predict(&test.x))?, &test.labels, CLASSES)?;
    cli::say(format_args!("\n{confusion}"));
    compare(&model, &train, args, &mut rng)?;
    for file in pictures(&model, &losses, [rows, columns])? {
        cli::say(format_args!("picture: {}", file.display()));
    }
    cli::result(&[
        ("accuracy", format!("{:.4}", confusion.accuracy())),
        ("loss", format!("{loss:.4}")),
        ("seconds", format!("{:.1}", start.elapsed().as_secs_f64())),
    ]);
    Ok(())
}

/// Images as rows, one-hot targets, and labels.
struct Set<T: FileElement> {
    x: Tensor<T>,
    y: Tensor<T>,
    labels: Vec<usize>,
}

impl<T: FileElement> Set<T> {
    fn new(images: &Images) -> Result<Set<T>, Box<dyn Error>> {
        if images.pixels().is_empty() {
            return Err("there are no images, or images without pixels".into());
        }
        Ok(Set {
            x: images.rows(),
            y: Tensor::one_hot(images.labels(), CLASSES)?,
            labels: images.labels().to_vec(),
        })
    }
}

fn model<T: FileElement>(args: &Args, inputs: usize, rng: &mut StdRng) -> Sequential<T> {
    let mut layer = |inputs, outputs| match args.init {
        Start::Default => Linear::new(inputs, outputs, rng),
        Start::Normal => {
            let normal = Normal { mean: 0.0, std: 1.0 };
            let mut layer = Linear::with_init(inputs, outputs, normal, rng);
            let bias: Tensor<T> = normal.tensor([outputs], Fans::new(inputs, outputs), rng);
            layer.bias = Some(Param::new(bias));
            layer
        }
        Start::Xavier => Linear::with_init(inputs, outputs, XavierUniform, rng),
        Start::Kaiming => Linear::with_init(inputs, outputs, KaimingNormal, rng),
    };
    let model = Sequential::new().push(layer(inputs, args.hidden));
    let model = match args.activation {
        Hidden::Sigmoid => model.push(Sigmoid),
        Hidden::Tanh => model.push(Tanh),
        Hidden::Relu => model.push(Relu),
    };
    let model = model.push(layer(args.hidden, CLASSES));
    match args.loss.function {
        LossFunction::BinaryCrossEntropyWithLogits | LossFunction::CrossEntropyWithLogits => {
            model.push(Identity)
        }
        LossFunction::CrossEntropyWithProbabilities => model.push(Softmax),
        _ => model.push(Sigmoid),
    }
}

/// Gradient descent on mini-batches; returns the mean loss of each epoch's batches, as computed during
/// training.
fn fit<T: FileElement>(
    model: &mut Sequential<T>,
    train: &Set<T>,
    args: &Args,
    epochs: usize,
    rng: &mut StdRng,
) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut batches = Batches::try_new(train.labels.len(), args.batch)?.merge_last();
    let mut optimizer = Sgd::new(args.lr);
    let mut cx = Context::train(StdRng::from_rng(rng));
    let mut tape = Tape::of();
    let (mut x, mut y) = (Tensor::default(), Tensor::default());
    let mut losses = Vec::new();
    let progress = Progress::new(epochs);
    for epoch in 1..=epochs {
        let mut mean = WeightedMean::new();
        batches.shuffle(rng);
        for rows in batches.iter() {
            copy_rows(&train.x, rows, &mut x)?;
            copy_rows(&train.y, rows, &mut y)?;
            let loss = args.loss.of(model.forward(tape.constant(x.clone()), &mut cx), &y);
            mean.add(loss.value().to_f64(), rows.len() as f64);
            let grads = loss.backward();
            // The reset comes first: a tape that still holds the parameters makes the step copy them.
            tape.reset();
            optimizer.step(model, &grads);
        }
        let loss = mean.value();
        losses.push(loss);
        progress.epoch(epoch, loss);
        if !loss.is_finite() {
            return Err(format!("the loss is {loss} in epoch {epoch}: try a smaller --lr").into());
        }
    }
    progress.finish();
    Ok(losses)
}

/// The loss of all images together.
fn loss_of<T: FileElement>(model: &Sequential<T>, set: &Set<T>, loss: Loss) -> f64 {
    let tape = Tape::of().inference();
    loss.of(tape.constant(model.predict(&set.x)), &set.y).value().to_f64()
}

/// Prints the discrepancy between the tape's gradient of one batch, the closed form and finite differences.
fn compare<T: FileElement>(
    model: &Sequential<T>,
    train: &Set<T>,
    args: &Args,
    rng: &mut StdRng,
) -> Result<(), Box<dyn Error>> {
    let rows: Vec<usize> = (0..args.batch.min(train.labels.len())).collect();
    let (mut x, mut y) = (Tensor::default(), Tensor::default());
    copy_rows(&train.x, &rows, &mut x)?;
    copy_rows(&train.y, &rows, &mut y)?;
    let tape = Tape::of();
    let output = model.forward(tape.constant(x.clone()), &mut Context::eval());
    let grads = args.loss.of(output, &y).backward();
    let named = model.named_parameters();

    let closed = by_hand_mlp(model, args);
    let closed = closed.backward(&closed.forward(&x), &y, args.loss);
    let closed: Vec<&Tensor<T>> =
        closed.weights.iter().zip(&closed.biases).flat_map(|(w, b)| [w, b]).collect();
    // In f64 also for a model in f32: differences of rounded losses would be useless.
    let (x, y) = (x.cast::<f64>(), y.cast::<f64>());
    let wide = by_hand_mlp(model, args);
    let layers = wide.layers.iter().map(|layer| by_hand::Layer {
        weight: layer.weight.cast(),
        bias: layer.bias.cast(),
        activation: layer.activation,
    });
    let mut wide = by_hand::Mlp::<f64> { layers: layers.collect() };
    let (mut by_formula, mut by_difference, mut sampled) = (0f64, 0f64, 0);
    for (i, (_, param)) in named.iter().enumerate() {
        let gradient: Vec<f64> = grads.try_of(*param)?.to_vec().iter().map(|g| g.to_f64()).collect();
        let largest = gradient.iter().fold(f64::MIN_POSITIVE, |largest, g| largest.max(g.abs()));
        let relative = |a: f64, b: f64| (a - b).abs() / largest;
        for (&g, other) in gradient.iter().zip(closed[i].to_vec()) {
            by_formula = by_formula.max(relative(g, other.to_f64()));
        }
        // Pixels that are never set have gradient 0 whatever the rule: they are no evidence.
        let telling: Vec<usize> = (0..gradient.len()).filter(|&k| gradient[k] != 0.0).collect();
        for k in index::sample(rng, telling.len(), SAMPLED.min(telling.len())) {
            let k = telling[k];
            by_difference =
                by_difference.max(relative(gradient[k], difference(&mut wide, [i, k], &x, &y, args.loss)));
            sampled += 1;
        }
    }
    let (n, count) = (rows.len(), model.count());
    cli::say(format_args!(
        "gradient of a batch of {n}: largest difference, relative to the parameter's largest entry"
    ));
    cli::say(format_args!("  tape and nn::by_hand            {by_formula:.1e}  ({count} entries)"));
    cli::say(format_args!(
        "  tape and central differences    {by_difference:.1e}  ({sampled} sampled entries)"
    ));
    Ok(())
}

/// The same network as plain tensors.
fn by_hand_mlp<T: FileElement>(model: &Sequential<T>, args: &Args) -> by_hand::Mlp<T> {
    let hidden = match args.activation {
        Hidden::Sigmoid => by_hand::Activation::Sigmoid,
        Hidden::Tanh => by_hand::Activation::Tanh,
        Hidden::Relu => by_hand::Activation::Relu,
    };
    let output = match args.loss.function {
        LossFunction::BinaryCrossEntropyWithLogits | LossFunction::CrossEntropyWithLogits => {
            by_hand::Activation::Identity
        }
        LossFunction::CrossEntropyWithProbabilities => by_hand::Activation::Softmax,
        _ => by_hand::Activation::Sigmoid,
    };
    let named = model.named_parameters();
    let layers = named.chunks_exact(2).zip([hidden, output]).map(|(pair, activation)| by_hand::Layer {
        weight: pair[0].1.value().clone(),
        bias: pair[1].1.value().clone(),
        activation,
    });
    by_hand::Mlp { layers: layers.collect() }
}

/// The central difference of the loss in entry `k` of parameter `i`.
fn difference(
    net: &mut by_hand::Mlp<f64>,
    [i, k]: [usize; 2],
    x: &Tensor<f64>,
    y: &Tensor<f64>,
    loss: Loss,
) -> f64 {
    let mut at = |move_to: f64| {
        let layer = &mut net.layers[i / 2];
        let parameter = if i.is_multiple_of(2) { &mut layer.weight } else { &mut layer.bias };
        let entry = &mut parameter.as_mut_slice()[k];
        let old = std::mem::replace(entry, *entry + move_to);
        let moved = *entry - old;
        let value = by_hand::loss_value(loss, net.forward(x).output(), y);
        let layer = &mut net.layers[i / 2];
        let parameter = if i.is_multiple_of(2) { &mut layer.weight } else { &mut layer.bias };
        parameter.as_mut_slice()[k] = old;
        (value, moved)
    };
    // The step at which the errors by rounding and by the third derivative are balanced.
    let step = f64::EPSILON.cbrt();
    let ((above, up), (below, down)) = (at(step), at(-step));
    (above - below) / (up - down)
}

/// Draws the losses and the weights of each hidden unit.
fn pictures<T: FileElement>(
    model: &Sequential<T>,
    losses: &[f64],
    shape: [usize; 2],
) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    if !losses.is_empty() {
        let file = Path::new(PICTURES).join("loss.svg");
        let points: Vec<(f64, f64)> = losses.iter().enumerate().map(|(i, &l)| ((i + 1) as f64, l)).collect();
        let picture = Lines::new("Mean loss of the batches of each epoch").curve("", points);
        picture.x_label("epoch").y_label("loss").save(&file)?;
        files.push(file);
    }
    if let Some((_, weight)) = model.named_parameters().first() {
        let file = Path::new(PICTURES).join("weights.svg");
        let images = weight.value().reshape([weight.value().shape()[0], shape[0], shape[1]]);
        Heatmaps::new("Weights of the hidden units").images(&images).save(&file)?;
        files.push(file);
    }
    Ok(files)
}
