//! Progress while a program trains: a bar with the loss and the time left, or lines where there is no terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Instant;

/// Shows how far training is, on standard error.
pub struct Progress {
    bar: ProgressBar,
    epochs: usize,
    start: Instant,
}

/// Lines printed where there is no terminal to draw a bar on.
const LINES: usize = 10;

impl Progress {
    /// Training of so many epochs begins.
    pub fn new(epochs: usize) -> Progress {
        let bar = ProgressBar::new(epochs as u64);
        let template = "{bar:30} epoch {pos}/{len}  {msg}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Progress { bar, epochs, start: Instant::now() }
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
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}
