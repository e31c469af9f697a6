//! Event logs of training: values by step and name, written while the run goes on.

mod csv;
#[cfg(feature = "tensorboard")]
mod tensorboard;
#[cfg(feature = "tracing")]
mod tracing;

use super::{Callback, Epoch};
use crate::files::{FileError, FileErrorKind};
use crate::optim::Optimizer;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;
use tape::Element;

/// A log of named values during training: a CSV file, event files of TensorBoard, `tracing` events, or several of them.
///
/// In your own loop, call [`write`](EventLog::write). For [`Trainer`](super::Trainer), a mutable reference is a callback: after
/// each epoch it writes every metric, with the number of the epoch as the step, and the learning rate if the optimizer has one.
///
/// Each value reaches the operating system before `write` returns, so that a run that is killed keeps what it wrote. Writing
/// never fails: training continues when the disk is full, the file ends with a whole record, and [`finish`](EventLog::finish) returns the first error.
///
/// ```
/// use nn::data::{Dataset, Loader};
/// use nn::optim::Sgd;
/// use nn::train::{EventLog, Trainer};
/// use nn::{Linear, loss};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::Tensor;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let path = std::env::temp_dir().join(format!("nn-event-log-{}.csv", std::process::id()));
/// let mut rng = StdRng::seed_from_u64(0);
/// let data: Dataset = Dataset::new(Tensor::ones([4, 1]), Tensor::ones([4, 1]))?;
/// let mut model = Linear::from_values([[0.0]], [0.0]);
///
/// let mut log = EventLog::csv(&path)?;
/// Trainer::new(2).callback(&mut log).run(
///     &mut model,
///     &mut Sgd::new(0.25),
///     &mut Loader::new(&data, 4)?,
///     &mut rng,
///     |a, y| loss::squared_error(a, y).mean(),
/// )?;
/// log.write(2, "test", 0.5);
/// log.finish()?;
/// assert_eq!(
///     std::fs::read_to_string(&path)?,
///     "step,name,value\n1,loss,1\n1,learning rate,0.25\n2,loss,0\n2,learning rate,0.25\n2,test,0.5\n"
/// );
/// # std::fs::remove_file(path)?;
/// # Ok(())
/// # }
/// ```
pub struct EventLog {
    sinks: Vec<Box<dyn Sink>>,
    error: Option<FileError>,
}

/// A destination of events.
trait Sink: Send + Sync {
    /// Hands one value to the operating system.
    fn write(&mut self, step: usize, name: &str, value: f64) -> Result<(), FileError>;

    /// Waits until everything is on the device.
    fn finish(&mut self) -> Result<(), FileError>;
}

impl EventLog {
    /// A new CSV file with the columns `step,name,value`; an old file of this name is replaced. Numbers are written so that they
    /// parse back to the same value; NaN and infinities are `NaN`, `inf` and `-inf`.
    ///
    /// # Errors
    /// A path to anything but a regular file; any error of the operating system.
    ///
    /// ```
    /// use nn::train::EventLog;
    /// # let path = std::env::temp_dir().join(format!("nn-event-csv-{}.csv", std::process::id()));
    /// let mut log = EventLog::csv(&path)?;
    /// for (step, loss) in [(0, 0.5), (100, 0.25)] {
    ///     log.write(step, "loss", loss);
    /// }
    /// assert_eq!(std::fs::read_to_string(&path).unwrap(), "step,name,value\n0,loss,0.5\n100,loss,0.25\n");
    /// log.finish()?;
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), nn::files::FileError>(())
    /// ```
    pub fn csv(path: impl AsRef<Path>) -> Result<EventLog, FileError> {
        Ok(EventLog::of(csv::Rows::create(path.as_ref())?))
    }

    /// Continues a CSV file of [`csv`](EventLog::csv), for a run that is resumed; begins one if there is none. A last row that
    /// was not written in full is removed.
    ///
    /// # Errors
    /// As [`csv`](EventLog::csv); a file with other columns.
    ///
    /// ```
    /// use nn::train::EventLog;
    /// # let path = std::env::temp_dir().join(format!("nn-event-resume-{}.csv", std::process::id()));
    /// # let _ = std::fs::remove_file(&path);
    /// for (step, loss) in [(1, 0.5), (2, 0.25)] {
    ///     let mut log = EventLog::csv_append(&path)?;
    ///     log.write(step, "loss", loss);
    ///     log.finish()?;
    /// }
    /// assert_eq!(std::fs::read_to_string(&path).unwrap(), "step,name,value\n1,loss,0.5\n2,loss,0.25\n");
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), nn::files::FileError>(())
    /// ```
    pub fn csv_append(path: impl AsRef<Path>) -> Result<EventLog, FileError> {
        Ok(EventLog::of(csv::Rows::append(path.as_ref())?))
    }

    /// A new event file of TensorBoard in a directory, which is created if it is missing; `tensorboard --logdir` shows it. A run
    /// that is resumed writes another file to the same directory. Values are rounded to `f32`, as the format has them. Needs the
    /// feature `tensorboard`.
    ///
    /// # Errors
    /// Any error of the operating system.
    ///
    /// ```
    /// use nn::train::EventLog;
    /// # let directory = std::env::temp_dir().join(format!("nn-event-board-{}", std::process::id()));
    /// let mut log = EventLog::tensorboard(&directory)?;
    /// log.write(1, "loss", 0.5);
    /// log.finish()?;
    /// let file = std::fs::read_dir(&directory).unwrap().next().unwrap().unwrap();
    /// assert!(file.file_name().to_string_lossy().starts_with("events.out.tfevents."));
    /// # std::fs::remove_dir_all(directory).unwrap();
    /// # Ok::<(), nn::files::FileError>(())
    /// ```
    #[cfg(feature = "tensorboard")]
    pub fn tensorboard(directory: impl AsRef<Path>) -> Result<EventLog, FileError> {
        Ok(EventLog::of(tensorboard::Events::create(directory.as_ref())?))
    }

    /// An event of `tracing` for each value: level `INFO`, target `nn::train`, fields `step`, `name` and `value`. Needs the
    /// feature `tracing`.
    ///
    /// ```
    /// use nn::train::EventLog;
    /// let mut log = EventLog::tracing();
    /// log.write(1, "loss", 0.5); // reaches the program's subscriber
    /// assert_eq!(log.finish(), Ok(()));
    /// ```
    #[cfg(feature = "tracing")]
    pub fn tracing() -> EventLog {
        EventLog::of(tracing::Emitter)
    }

    /// A log to all destinations of this one and of another.
    ///
    /// ```
    /// use nn::train::EventLog;
    /// # let paths = [0, 1].map(|i| std::env::temp_dir().join(format!("nn-event-and-{}-{i}.csv", std::process::id())));
    /// let mut log = EventLog::csv(&paths[0])?.and(EventLog::csv(&paths[1])?);
    /// log.write(1, "loss", 0.5);
    /// log.finish()?;
    /// for path in paths {
    ///     assert_eq!(std::fs::read_to_string(&path).unwrap(), "step,name,value\n1,loss,0.5\n");
    ///     # std::fs::remove_file(path).unwrap();
    /// }
    /// # Ok::<(), nn::files::FileError>(())
    /// ```
    pub fn and(mut self, other: EventLog) -> EventLog {
        self.sinks.extend(other.sinks);
        self.error = self.error.or(other.error);
        self
    }

    /// Writes a value. After an error, its destination gets no more values, the others do.
    ///
    /// ```
    /// use nn::train::EventLog;
    /// # let path = std::env::temp_dir().join(format!("nn-event-write-{}.csv", std::process::id()));
    /// let mut log = EventLog::csv(&path)?;
    /// log.write(7, "share, in %", f64::NAN);
    /// assert_eq!(std::fs::read_to_string(&path).unwrap(), "step,name,value\n7,\"share, in %\",NaN\n");
    /// log.finish()?;
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), nn::files::FileError>(())
    /// ```
    pub fn write(&mut self, step: usize, name: &str, value: f64) {
        let error = &mut self.error;
        self.sinks.retain_mut(|sink| match sink.write(step, name, value) {
            Ok(()) => true,
            Err(found) => {
                error.get_or_insert(found);
                false
            }
        });
    }

    /// The first error so far.
    ///
    /// ```
    /// # let path = std::env::temp_dir().join(format!("nn-event-error-{}.csv", std::process::id()));
    /// let mut log = nn::train::EventLog::csv(&path)?;
    /// log.write(1, "loss", 0.5);
    /// assert!(log.error().is_none());
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), nn::files::FileError>(())
    /// ```
    pub fn error(&self) -> Option<&FileError> {
        self.error.as_ref()
    }

    /// Ends the log: waits until everything is on the device.
    ///
    /// # Errors
    /// The first error of writing, or one of the device.
    ///
    /// ```
    /// # let path = std::env::temp_dir().join(format!("nn-event-finish-{}.csv", std::process::id()));
    /// let mut log = nn::train::EventLog::csv(&path)?;
    /// log.write(1, "loss", 0.5);
    /// log.finish()?;
    /// assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), nn::files::FileError>(())
    /// ```
    pub fn finish(mut self) -> Result<(), FileError> {
        let ends = self.sinks.iter_mut().map(|sink| sink.finish()).collect::<Vec<_>>();
        match self.error {
            Some(error) => Err(error),
            None => ends.into_iter().collect(),
        }
    }

    fn of(sink: impl Sink + 'static) -> EventLog {
        EventLog { sinks: vec![Box::new(sink)], error: None }
    }
}

impl fmt::Debug for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (destinations, error) = (self.sinks.len(), &self.error);
        f.debug_struct("EventLog").field("destinations", &destinations).field("error", error).finish()
    }
}

/// Writes the metrics of each epoch.
impl<T: Element, M: ?Sized> Callback<T, M> for &mut EventLog {
    fn after_epoch(&mut self, epoch: &Epoch<'_, T, M>, optimizer: &mut dyn Optimizer<T>) -> ControlFlow<()> {
        for name in epoch.history.names() {
            self.write(epoch.number, name, epoch.value(name));
        }
        let rate = optimizer.learning_rate();
        if rate.is_finite() {
            self.write(epoch.number, "learning rate", rate);
        }
        ControlFlow::Continue(())
    }
}

/// Opens a file for writing, unless there is something that is not a regular file.
fn open(path: &Path, options: &OpenOptions) -> Result<File, FileErrorKind> {
    // Checked before opening, because opening a pipe blocks.
    if let Ok(found) = fs::metadata(path) {
        crate::files::regular(found.file_type())?;
    }
    Ok(options.open(path)?)
}

/// A file that grows by whole records.
struct Whole {
    file: File,
    /// The end of the last record.
    end: u64,
}

impl Whole {
    /// Hands a record to the operating system. If that fails, on a full disk for example, the part that was written is
    /// removed, so that the file can be read and continued.
    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        match self.file.write_all(record) {
            Ok(()) => self.end += record.len() as u64,
            Err(error) => {
                // The failure that led here is the one to report.
                let _ = self.file.set_len(self.end);
                return Err(error);
            }
        }
        Ok(())
    }
}

/// An error of the operating system, for a file.
fn failed(path: &Path, error: std::io::Error) -> FileError {
    FileErrorKind::from(error).of(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// A destination that refuses from some step on.
    struct Full(usize, Arc<Mutex<Vec<usize>>>);

    impl Sink for Full {
        fn write(&mut self, step: usize, _: &str, _: f64) -> Result<(), FileError> {
            if step >= self.0 {
                return Err(failed(Path::new("full"), std::io::Error::other(format!("step {step}"))));
            }
            self.1.lock().map(|mut steps| steps.push(step)).map_err(|_| unreachable!())
        }

        fn finish(&mut self) -> Result<(), FileError> {
            Ok(())
        }
    }

    #[test]
    fn the_first_error_is_kept_and_the_other_destinations_go_on() {
        let steps = [0, 1].map(|_| Arc::new(Mutex::new(Vec::new())));
        let sinks =
            [(2, &steps[0]), (9, &steps[1])].map(|(full, steps)| EventLog::of(Full(full, steps.clone())));
        let [mut log, other] = sinks;
        log = log.and(other);
        log.write(1, "loss", 0.5);
        assert!(log.error().is_none());
        (2..5).for_each(|step| log.write(step, "loss", 0.5));
        assert_eq!(log.error().map(|error| error.to_string()).as_deref(), Some("full: step 2"));
        assert_eq!(log.finish().map_err(|error| error.to_string()), Err("full: step 2".to_owned()));
        let steps = steps.map(|steps| steps.lock().map(|steps| steps.clone()).unwrap_or_default());
        assert_eq!(steps, [vec![1], vec![1, 2, 3, 4]]);
    }
}
