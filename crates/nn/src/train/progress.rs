//! Progress of training: a bar with the loss and the time left, or lines where there is no terminal.

use super::{Callback, Epoch};
use crate::optim::Optimizer;
use indicatif::{ProgressBar, ProgressStyle};
use std::ops::ControlFlow;
use std::time::Instant;
use tape::Element;

/// Shows the progress of training on standard error: in your own loop by [`epoch`](Progress::epoch), or as a
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

/// The number of lines printed where there is no terminal for a bar.
const LINES: usize = 10;

impl Progress {
    /// Starts a bar for this many epochs.
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

    /// Reports the end of an epoch with mean loss `loss`.
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

    /// Ends the display.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl<T: Element, M: ?Sized> Callback<T, M> for Progress {
    fn after_epoch(&mut self, epoch: &Epoch<'_, T, M>, _: &mut dyn Optimizer<T>) -> ControlFlow<()> {
        self.epoch(epoch.number, epoch.value("loss"));
        ControlFlow::Continue(())
    }

    fn finish(&mut self) {
        Progress::finish(self);
    }
}
