//! Shared by the programs that learn to write: flags, the text, the loss curve, the report.

use crate::text::Text;
use crate::{cli, text};
use nn::train::Progress;
use nn_plot::Lines;
use rand::Rng;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Characters of a sample.
const SAMPLE: usize = 400;

/// Points of the curve.
const POINTS: usize = 50;

/// Flags of every program that learns to write.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Sampling temperature: below 1, likely characters become likelier
    #[arg(long, default_value = "0.8", value_parser = cli::rate)]
    pub temperature: f64,
    /// Beginning of the sample
    #[arg(long, default_value = "HAMLET:\n")]
    pub prompt: String,
    /// Seed of all random numbers
    #[arg(long, default_value = "0")]
    pub seed: u64,
    /// A text in UTF-8 [default: eight plays of Shakespeare]
    #[arg(long, value_name = "FILE")]
    pub text: Option<PathBuf>,
    /// 60 steps at most, evaluated on a tenth of the validation part
    #[arg(long)]
    pub fast: bool,
}

/// A text to learn from, and the beginning of the sample.
#[derive(Clone, Debug)]
pub struct Task {
    /// The text.
    pub text: Text,
    /// The beginning of the sample; not empty.
    pub prompt: Vec<usize>,
    judged: usize,
    temperature: f64,
    start: Instant,
}

impl Flags {
    /// Reads the text and the prompt.
    ///
    /// # Errors
    /// If the file cannot be read; if the text has fewer characters for training or for validation than a
    /// program needs; if the prompt is empty or has characters that the text does not have.
    pub fn task(&self, learned: usize, judged: usize) -> Result<Task, Box<dyn Error>> {
        let start = Instant::now();
        let text = Text::read(self.text.as_deref())?;
        let prompt = text.encode(&self.prompt)?;
        if prompt.is_empty() {
            return Err("expected a --prompt of one character or more".into());
        }
        let share = if self.fast { 10 } else { 1 };
        let task = Task {
            judged: text.validation().len() / share,
            text,
            prompt,
            temperature: self.temperature,
            start,
        };
        let found = [task.text.training().len(), task.judged];
        if found[0] < learned || found[1] < judged {
            let [a, b] = found;
            return Err(format!("expected a text with {learned} characters for training and {judged} for validation, found {a} and {b}").into());
        }
        Ok(task)
    }

    /// The number of steps under the fast setting.
    pub fn steps(&self, steps: usize) -> usize {
        if self.fast { steps.min(60) } else { steps }
    }
}

impl Task {
    /// The text on which the model is evaluated.
    pub fn validation(&self) -> &[usize] {
        &self.text.validation()[..self.judged]
    }

    /// Prints the size of the task and the number of parameters.
    pub fn introduce(&self, parameters: usize) {
        let (learned, judged, n) = (self.text.training().len(), self.judged, self.text.characters());
        cli::say(format_args!("{learned} characters for training, {judged} for validation, {n} distinct"));
        let pairs = self.text.pairs_loss();
        cli::say(format_args!(
            "{parameters} parameters; a table of pairs of characters has a loss of {pairs:.4}"
        ));
    }

    /// The prompt, and its continuation by a model: `logits` predicts the character after the text so far.
    ///
    /// # Errors
    /// Those of `logits`.
    pub fn write<E>(
        &self,
        rng: &mut impl Rng,
        mut logits: impl FnMut(&[usize]) -> Result<Vec<f32>, E>,
    ) -> Result<String, E> {
        let mut written = self.prompt.clone();
        for _ in 0..SAMPLE {
            written.push(text::draw(&logits(&written)?, self.temperature, rng));
        }
        Ok(self.text.decode(&written))
    }

    /// Prints what the model wrote, draws the curve below `target`, and ends with the validation loss.
    ///
    /// # Errors
    /// If the picture cannot be written.
    pub fn report(
        &self,
        program: &str,
        curve: &[(f64, f64)],
        loss: f64,
        written: &str,
    ) -> Result<(), Box<dyn Error>> {
        cli::say(format_args!("\n{written}\n"));
        let picture = Path::new("target").join(program).join("loss.svg");
        let lines = Lines::new("Loss while training").x_label("step").y_label("nats per character");
        lines.curve("", curve).save(&picture)?;
        cli::say(format_args!("picture: {}", picture.display()));
        cli::result(&[
            ("validation_loss", format!("{loss:.4}")),
            ("bits_per_character", format!("{:.4}", loss / 2f64.ln())),
            ("seconds", format!("{:.1}", self.start.elapsed().as_secs_f64())),
        ]);
        Ok(())
    }
}

/// The training loss, as means over a fiftieth of the steps; shown as progress too.
pub struct Curve {
    points: Vec<(f64, f64)>,
    /// Steps per point, steps so far, and the sum of the losses since the last point.
    every: usize,
    step: usize,
    sum: f64,
    progress: Progress,
}

impl Curve {
    /// Begins training with this many steps.
    pub fn new(steps: usize) -> Curve {
        let every = (steps / POINTS).max(1);
        Curve { points: Vec::new(), every, step: 0, sum: 0.0, progress: Progress::new(steps / every) }
    }

    /// Adds the loss of a step.
    pub fn push(&mut self, loss: f64) {
        self.step += 1;
        self.sum += loss;
        if self.step.is_multiple_of(self.every) {
            let mean = self.sum / self.every as f64;
            self.points.push((self.step as f64, mean));
            self.progress.epoch(self.points.len(), mean);
            self.sum = 0.0;
        }
    }

    /// Steps and mean losses.
    pub fn finish(self) -> Vec<(f64, f64)> {
        self.progress.finish();
        self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};

    fn flags(prompt: &str) -> Flags {
        Flags { temperature: 1e-3, prompt: prompt.to_owned(), seed: 0, text: None, fast: true }
    }

    #[test]
    fn a_curve_has_the_means_of_its_intervals() {
        let mut curve = Curve::new(100);
        (1..=101).for_each(|loss| curve.push(f64::from(loss)));
        let points = curve.finish();
        assert_eq!((points.len(), points[0], points[49]), (50, (2.0, 1.5), (100.0, 99.5)));
    }

    #[test]
    fn a_task_that_cannot_be_done_is_refused() {
        let refused = |prompt: &str, learned| flags(prompt).task(learned, 1).unwrap_err().to_string();
        assert_eq!(refused("ß", 1), "the text has no 'ß'");
        assert_eq!(refused("", 1), "expected a --prompt of one character or more");
        assert_eq!(
            refused("A", 1_000_000),
            "expected a text with 1000000 characters for training and 1 for validation, found 885508 and 9839"
        );
    }

    #[test]
    fn what_is_written_follows_the_logits() {
        let task = flags("ab").task(1, 1).unwrap();
        // One letter after the other, as long as there are any.
        let next = |written: &[usize]| -> Result<Vec<f32>, ()> {
            let next = (written[written.len() - 1] + 1) % task.text.characters();
            Ok((0..task.text.characters()).map(|code| f32::from(u8::from(code == next))).collect())
        };
        let written = task.write(&mut StdRng::seed_from_u64(0), next).unwrap();
        assert!(written.starts_with("abcdefghijklmnopqrstuvwxyz") && written.len() == 402, "{written}");
        assert_eq!((flags("a").steps(9), flags("a").steps(99)), (9, 60));
    }
}
