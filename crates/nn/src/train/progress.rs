//! Progress while a program trains: a bar with the loss and the time left, or lines where there is no terminal.

use super::{Callback, Epoch};
use crate::optim::Optimizer;
use indicatif::{ProgressBar, ProgressStyle};
use std::ops::ControlFlow;
use std::time::Instant;
use tape::Element;

/// Shows how far training is, on standard error: in a loop of your own by [`epoch`](Progress::epoch), or as a
/// [`Callback`]. Needs the feature `progress`.
///
/// ```
/// use nn::train::Progress;
/// let progress = Progress::new(3);
/// for (epoch, loss) in [(1, 0.5), (2, 0.25), (3, 0.125)] {
///     progress.epoch(epoch, loss);
/// }
/// assert_eq!(progress.epochs(), 3);
/// progress.finish();
/// ```
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    epochs: usize,
    start: Instant,
}

/// Lines printed where there is no terminal to draw a bar on.
const LINES: usize = 10;

impl Progress {
    /// Begins a bar for this many epochs.
    pub fn new(epochs: usize) -> Progress {
        let bar = ProgressBar::new(epochs as u64);
        let template = "{bar:30} epoch {pos}/{len}  {msg}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Progress { bar, epochs, start: Instant::now() }
    }

    /// The requested number of epochs.
    pub fn epochs(&self) -> usize {
        self.epochs
    }

    /// An epoch is over; `loss` is its mean loss.
    pub fn epoch(&self, epoch: usize, loss: f64) {
        self.bar.set_message(format!("loss {loss:.4}"));
        self.bar.inc(1);
        let every = self.epochs.div_ceil(LINES).max(1);
        if self.bar.is_hidden() && (epoch.is_multiple_of(every) || epoch == self.epochs) {
            let elapsed = self.start.elapsed().as_secs_f64();
            let left = elapsed / epoch.max(1) as f64 * self.epochs.saturating_sub(epoch) as f64;
            eprintln!("epoch {epoch}/{}  loss {loss:.4}  {left:.0} s left", self.epochs);
        }
    }

    /// Training is over; the bar goes.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl<T: Element> Callback<T> for Progress {
    fn after_epoch(&mut self, epoch: &Epoch<'_, T>, _: &mut dyn Optimizer<T>) -> ControlFlow<()> {
        self.epoch(epoch.number, epoch.value("loss"));
        ControlFlow::Continue(())
    }

    fn finish(&mut self) {
        Progress::finish(self);
    }
}
