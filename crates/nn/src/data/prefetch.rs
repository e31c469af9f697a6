//! Batches prepared on a thread, ahead of their use.

use super::BatchSource;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::any::Any;
use std::fmt;
use std::iter::FusedIterator;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use tape::Error;

/// A source whose batches are prepared on a thread while the caller uses those before: for transforms and sources that
/// take as long as a step.
///
/// The batches of an epoch are those of the source with the generator `StdRng::from_rng(rng)`, bit for bit, for any
/// depth: for a [`Loader`](super::Loader) without a thread, the same call is
/// [`epoch_seeded`](super::Loader::epoch_seeded). At most `depth` batches wait; one more is being prepared. The thread
/// lives for one epoch. If the caller drops the epoch early, the thread ends after the batch at hand.
///
/// ```
/// use nn::data::{BatchSource, Dataset, Loader, Prefetch};
/// use rand::{RngExt, SeedableRng, rngs::StdRng};
/// use tape::Tensor;
/// # fn main() -> Result<(), tape::Error> {
/// let x = Tensor::from_fn([10, 2], |at| at[0] as f64);
/// let data = Dataset::new(x.clone(), x)?;
/// let loader = || -> Result<Loader<'static>, tape::Error> {
///     Ok(Loader::new(&data, 4)?.transform(|x, rng| *x = &*x + rng.random::<f64>()))
/// };
/// let (mut plain, mut prefetched) = (loader()?, Prefetch::new(loader()?, 2)?);
/// let expected: Vec<_> = plain.epoch_seeded(&mut StdRng::seed_from_u64(0)).collect();
/// let found: Vec<_> = prefetched.epoch(&mut StdRng::seed_from_u64(0)).collect();
/// assert_eq!(found, expected);
/// # Ok(())
/// # }
/// ```
///
/// # Errors and panics of the source
/// A batch that may fail is a `Result`, which arrives like any other batch. A panic of the source arrives at the caller,
/// in place of the batch that it interrupted; one in a batch that the caller never requested is dropped with it.
pub struct Prefetch<S> {
    /// Absent while a thread has it.
    source: Option<S>,
    depth: usize,
}

impl<S: BatchSource> Prefetch<S> {
    /// Prepares up to `depth` batches of `source` ahead.
    ///
    /// # Errors
    /// If `depth` is 0.
    ///
    /// ```
    /// use nn::data::Prefetch;
    /// let error = Prefetch::new(vec![1, 2, 3], 0).unwrap_err();
    /// assert_eq!(error.to_string(), "prefetch: expected a depth of 1 batch or more, found 0");
    /// ```
    pub fn new(source: S, depth: usize) -> Result<Prefetch<S>, Error> {
        if depth == 0 {
            let reason = "expected a depth of 1 batch or more, found 0".to_owned();
            return Err(Error::Invalid { op: "prefetch", reason });
        }
        Ok(Prefetch { source: Some(source), depth })
    }

    fn source(&self) -> &S {
        self.source.as_ref().unwrap_or_else(|| leaked())
    }
}

/// The source is absent although no epoch borrows it.
fn leaked() -> ! {
    panic!("prefetch: expected the source, which a leaked epoch still holds")
}

impl<S> fmt::Debug for Prefetch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prefetch").field("depth", &self.depth).finish_non_exhaustive()
    }
}

/// The batches of the source.
///
/// # Panics
/// If the operating system refuses a thread.
impl<S> BatchSource for Prefetch<S>
where
    S: BatchSource<Batch: Send + 'static> + Send + 'static,
{
    type Batch = S::Batch;

    fn batches(&self) -> usize {
        self.source().batches()
    }

    fn epoch<'e>(&'e mut self, rng: &'e mut dyn Rng) -> impl Iterator<Item = S::Batch> {
        self.start(StdRng::from_rng(rng))
    }

    fn size(batch: &S::Batch) -> usize {
        S::size(batch)
    }

    fn epoch_samples(&self) -> Option<usize> {
        self.source().epoch_samples()
    }
}

impl<S> Prefetch<S>
where
    S: BatchSource<Batch: Send + 'static> + Send + 'static,
{
    /// The batches of one epoch. The generator gives a seed and is free in the body of the loop.
    ///
    /// ```
    /// use nn::data::{Batches, Prefetch};
    /// use rand::{RngExt, SeedableRng, rngs::StdRng};
    /// let mut batches = Prefetch::new(Batches::new(10, 3), 2)?;
    /// let mut rng = StdRng::seed_from_u64(0);
    /// let mut seen = 0;
    /// for rows in batches.epoch(&mut rng) {
    ///     assert!(rows.len() <= 3 && rng.random::<f64>() < 1.0);
    ///     seen += rows.len();
    /// }
    /// assert_eq!(seen, 10);
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the operating system refuses a thread.
    pub fn epoch<R: Rng + ?Sized>(&mut self, rng: &mut R) -> Prefetched<'_, S> {
        self.start(StdRng::from_rng(rng))
    }

    fn start(&mut self, rng: StdRng) -> Prefetched<'_, S> {
        let Some(source) = self.source.take() else { leaked() };
        let (sender, receiver) = sync_channel(self.depth);
        let thread = thread::spawn(move || prepare(source, rng, &sender));
        Prefetched { source: &mut self.source, receiver: Some(receiver), thread: Some(thread) }
    }
}

/// The result of a thread: the source, and the payload of a panic.
type Left<S> = (S, Option<Box<dyn Any + Send>>);

/// Sends the batches of an epoch, until the caller hangs up.
fn prepare<S: BatchSource>(mut source: S, mut rng: StdRng, sender: &SyncSender<S::Batch>) -> Left<S> {
    let sent = catch_unwind(AssertUnwindSafe(|| {
        source.epoch(&mut rng).try_for_each(|batch| sender.send(batch)).unwrap_or_default();
    }));
    (source, sent.err())
}

/// The batches of one epoch, prepared on a thread: returned by [`Prefetch::epoch`].
pub struct Prefetched<'p, S: BatchSource> {
    source: &'p mut Option<S>,
    /// Absent when the epoch is over.
    receiver: Option<Receiver<S::Batch>>,
    thread: Option<JoinHandle<Left<S>>>,
}

impl<S: BatchSource> Prefetched<'_, S> {
    /// Waits for the thread, which ends if nothing receives its batches, and returns the payload of its panic.
    fn end(&mut self) -> Option<Box<dyn Any + Send>> {
        self.receiver = None;
        match self.thread.take()?.join() {
            Ok((source, panic)) => {
                *self.source = Some(source);
                panic
            }
            Err(panic) => Some(panic),
        }
    }
}

impl<S: BatchSource> Iterator for Prefetched<'_, S> {
    type Item = S::Batch;

    fn next(&mut self) -> Option<S::Batch> {
        let batch = self.receiver.as_ref()?.recv().ok();
        if batch.is_none()
            && let Some(panic) = self.end()
        {
            resume_unwind(panic)
        }
        batch
    }
}

impl<S: BatchSource> FusedIterator for Prefetched<'_, S> {}

impl<S: BatchSource> Drop for Prefetched<'_, S> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<S: BatchSource> fmt::Debug for Prefetched<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prefetched").field("over", &self.receiver.is_none()).finish_non_exhaustive()
    }
}
