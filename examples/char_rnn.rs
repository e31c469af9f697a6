//! A recurrent network that learns to write: after each character of Shakespeare's plays it predicts the next
//! one.
//!
//! Gated recurrent units read the text in parallel streams; each window of a stream begins in the final state
//! of the previous one, and gradients flow back to the beginning of the window (truncated backpropagation
//! through time).
//!
//! ```text
//! cargo run --release --example char_rnn
//! cargo run --release --example char_rnn -- --text FILE --steps 4000
//! ```

use clap::Parser;
use examples::writing::{Curve, Flags};
use examples::{cli, text};
use nn::optim::schedule::{Cosine, Schedule};
use nn::optim::{Adam, Optimizer};
use nn::{Context, Embedding, Gru, Linear, Module, Parameters, loss};
use rand::{SeedableRng, rngs::StdRng};
use std::error::Error;
use std::process::ExitCode;
use tape::{Index, Tape, Tensor, Var};

/// The width of a character's embedding.
const WIDTH: usize = 32;

/// Streams in which the validation part is read.
const STREAMS: usize = 64;

/// Train a recurrent network on a text, character by character, and generate text with it.
///
/// The loss is the mean of -ln p(next character), on the last tenth of the text, which is held out.
#[derive(Debug, Parser)]
#[command(name = "char_rnn")]
struct Args {
    /// Steps of the optimizer, each with `batch` windows
    #[arg(long, default_value = "1500", value_parser = cli::positive)]
    steps: usize,
    /// Hidden units
    #[arg(long, default_value = "128", value_parser = cli::positive)]
    hidden: usize,
    /// Windows in a step: streams that are read in parallel
    #[arg(long, default_value = "32", value_parser = cli::positive)]
    batch: usize,
    /// Characters in a window
    #[arg(long, default_value = "64", value_parser = cli::positive)]
    length: usize,
    /// Learning rate at the beginning; it decays along a cosine
    #[arg(long, default_value = "0.005", value_parser = cli::rate)]
    lr: f64,
    #[command(flatten)]
    flags: Flags,
}

fn main() -> ExitCode {
    cli::main(run)
}

#[derive(Clone, Debug, Parameters)]
#[parameters(element = f32)]
struct CharRnn {
    embedding: Embedding<f32>,
    gru: Gru<f32>,
    head: Linear<f32>,
}

impl CharRnn {
    fn new(characters: usize, hidden: usize, rng: &mut StdRng) -> CharRnn {
        CharRnn {
            embedding: Embedding::new(characters, WIDTH, rng),
            gru: Gru::new(WIDTH, hidden, 1, rng),
            head: Linear::new(hidden, characters, rng),
        }
    }

    /// The state before any character has been read.
    fn start(&self, batch: usize) -> Tensor<f32> {
        Tensor::zeros([1, batch, self.gru.layers[0].hidden()])
    }

    /// Logits `[batch · length, characters]` of the character after each character of the windows, and the
    /// final state.
    fn forward<'t>(
        &self,
        tape: &'t Tape<f32>,
        codes: Vec<usize>,
        state: &Tensor<f32>,
    ) -> Result<(Var<'t, f32>, Tensor<f32>), tape::Error> {
        let batch = state.shape()[1];
        let codes = Index::new([batch, codes.len() / batch], codes)?;
        let (hidden, end) =
            self.gru.forward(self.embedding.forward(tape, codes), Some(tape.constant(state.clone())));
        Ok((self.head.forward(hidden.flatten(..2), &mut Context::eval()), end.value()))
    }

    /// The mean loss on consecutive windows of a text in parallel streams.
    fn loss_on(&self, codes: &[usize], length: usize) -> Result<f64, tape::Error> {
        let streams = Streams::new(codes.len(), STREAMS, length);
        let (mut state, mut sum) = (self.start(STREAMS), 0.0);
        for step in 0..streams.windows {
            let tape = Tape::of().inference();
            let (x, y) = text::windows(codes, &streams.starts(step), length);
            let (logits, end) = self.forward(&tape, x, &state)?;
            sum += f64::from(loss::cross_entropy_with_logits(logits, &y[..]).mean().value());
            state = end;
        }
        Ok(sum / streams.windows as f64)
    }
}

/// A text cut into streams, each of them a chain of windows.
struct Streams {
    batch: usize,
    length: usize,
    /// Windows of each stream.
    windows: usize,
}

impl Streams {
    fn new(characters: usize, batch: usize, length: usize) -> Streams {
        // The last character is only a target.
        Streams { batch, length, windows: characters.saturating_sub(1) / (batch * length) }
    }

    /// The positions at which the windows of a step begin, cyclically.
    fn starts(&self, step: usize) -> Vec<usize> {
        let (window, stream) = (step % self.windows * self.length, self.windows * self.length);
        (0..self.batch).map(|i| i * stream + window).collect()
    }
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let task = args.flags.task(args.batch * args.length + 1, STREAMS * args.length + 1)?;
    let mut rng = StdRng::seed_from_u64(args.flags.seed);
    let mut model = CharRnn::new(task.text.characters(), args.hidden, &mut rng);
    task.introduce(model.count());
    let curve = fit(&mut model, task.text.training(), &args)?;
    let loss = model.loss_on(task.validation(), args.length)?;
    let (mut state, mut read) = (model.start(1), 0);
    let written = task.write(&mut rng, |written| {
        let tape = Tape::of().inference();
        let (logits, end) = model.forward(&tape, written[read..].to_vec(), &state)?;
        (state, read) = (end, written.len());
        Ok::<_, tape::Error>(logits.slice(0, -1..).value().to_vec())
    })?;
    task.report("char_rnn", &curve, loss, &written)
}

/// Adam with clipped gradients; returns steps and the mean losses since the previous one.
fn fit(model: &mut CharRnn, codes: &[usize], args: &Args) -> Result<Vec<(f64, f64)>, Box<dyn Error>> {
    let steps = args.flags.steps(args.steps);
    let streams = Streams::new(codes.len(), args.batch, args.length);
    let rates = Cosine { base: args.lr, floor: args.lr / 50.0, period: steps as u64 };
    let mut optimizer = Adam::new(args.lr).clip_norm(1.0);
    let mut tape = Tape::of();
    let mut state = model.start(args.batch);
    let mut curve = Curve::new(steps);
    for step in 0..steps {
        if step % streams.windows == 0 {
            state = model.start(args.batch);
        }
        let (x, y) = text::windows(codes, &streams.starts(step), args.length);
        let (logits, end) = model.forward(&tape, x, &state)?;
        let loss = loss::cross_entropy_with_logits(logits, &y[..]).mean();
        curve.push(loss.value().into());
        let grads = loss.backward();
        state = end;
        tape.reset();
        optimizer.set_learning_rate(rates.at(step as u64));
        optimizer.step(model, &grads);
    }
    Ok(curve.finish())
}
