//! A data set served in batches, epoch after epoch.

use super::{Batches, Dataset, copy_rows};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::fmt;
use std::iter::FusedIterator;
use std::panic::{RefUnwindSafe, UnwindSafe};
use tape::{Element, Error, Tensor};

type Transform<'a, T> = Box<dyn FnMut(&mut Tensor<T>, &mut dyn Rng) + Send + 'a>;

/// The batches of a data set: every sample once per epoch, in a new order, transformed anew if a
/// [`transform`](Loader::transform) is set.
///
/// ```
/// use nn::data::{Dataset, Loader};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::Tensor;
/// let x = Tensor::from_fn([10, 2], |at| at[0] as f64);
/// let data = Dataset::new(x.clone(), x)?;
/// let mut loader = Loader::new(&data, 4)?;
/// let mut rng = StdRng::seed_from_u64(0);
/// for _epoch in 0..3 {
///     let mut sizes = Vec::new();
///     for (x, y) in loader.epoch(&mut rng) {
///         assert_eq!(x, y);
///         sizes.push(x.shape()[0]);
///     }
///     assert_eq!(sizes, [4, 4, 2]);
/// }
/// # Ok::<(), tape::Error>(())
/// ```
///
/// The generator is borrowed for the whole epoch, because a transform draws from it. A loop whose body draws too takes
/// [`epoch_seeded`](Loader::epoch_seeded). A [`Prefetch`](super::Prefetch) prepares the batches on a thread.
///
/// A batch's buffer is reused for the next one if no tape holds it: reset the tape before the next batch.
pub struct Loader<'a, T: Element = f64> {
    data: Dataset<T>,
    batches: Batches,
    transform: Option<Transform<'a, T>>,
    x: Tensor<T>,
    y: Tensor<T>,
}

// A batch that a panic interrupted is drawn anew.
impl<T: Element> UnwindSafe for Loader<'_, T> {}
impl<T: Element> RefUnwindSafe for Loader<'_, T> {}

impl<'a, T: Element> Loader<'a, T> {
    /// Batches of `batch` samples; the last one of an epoch may be smaller. The data are shared, not copied.
    ///
    /// # Errors
    /// If `batch` is 0.
    pub fn new(data: &Dataset<T>, batch: usize) -> Result<Loader<'a, T>, Error> {
        Loader::with_batches(data, Batches::try_new(data.len(), batch)?)
    }

    /// The batches of other [`Batches`]: weighted, or of samples of similar length. The data are shared, not copied.
    ///
    /// # Errors
    /// If the batches are those of another number of samples.
    ///
    /// ```
    /// use nn::data::{Batches, Dataset, Loader};
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::Tensor;
    /// let data = Dataset::new(Tensor::from([1.0, 2.0, 3.0]), Tensor::zeros([3]))?;
    /// let mut loader = Loader::with_batches(&data, Batches::weighted(&[0.0, 1.0, 3.0], 8, 4)?)?;
    /// let mut rng = StdRng::seed_from_u64(0);
    /// let drawn: Vec<f64> = loader.epoch(&mut rng).flat_map(|(x, _)| x.to_vec()).collect();
    /// assert!(drawn.len() == 8 && drawn.iter().all(|&x| x > 1.0));
    /// let error = Loader::with_batches(&data, Batches::new(4, 2)).unwrap_err();
    /// assert_eq!(error.to_string(), "loader: expected batches of 3 samples, found batches of 4");
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn with_batches(data: &Dataset<T>, batches: Batches) -> Result<Loader<'a, T>, Error> {
        let (expected, found) = (data.len(), batches.samples());
        if found != expected {
            let reason = format!("expected batches of {expected} samples, found batches of {found}");
            return Err(Error::Invalid { op: "loader", reason });
        }
        let (x, y) = (Tensor::default(), Tensor::default());
        Ok(Loader { data: data.clone(), batches, transform: None, x, y })
    }

    /// As [`Batches::drop_last`]: each epoch leaves out other samples.
    pub fn drop_last(self) -> Loader<'a, T> {
        Loader { batches: self.batches.drop_last(), ..self }
    }

    /// As [`Batches::merge_last`].
    pub fn merge_last(self) -> Loader<'a, T> {
        Loader { batches: self.batches.merge_last(), ..self }
    }

    /// Keeps the order of the data in every epoch.
    pub fn without_shuffle(self) -> Loader<'a, T> {
        Loader { batches: self.batches.without_shuffle(), ..self }
    }

    /// Transforms the inputs of every batch, anew in every epoch: noise, shifts, reflections. The data are
    /// unchanged. The closure is `Send`, so that a thread can [run](super::Prefetch) it.
    ///
    /// ```
    /// use nn::data::{Dataset, Loader};
    /// use rand::{RngExt, SeedableRng, rngs::StdRng};
    /// use tape::Tensor;
    /// let data = Dataset::<f64>::new(Tensor::zeros([4, 3]), Tensor::zeros([4, 1]))?;
    /// let mut loader = Loader::new(&data, 4)?.transform(|x, rng| {
    ///     x.as_mut_slice().iter_mut().for_each(|x| *x += rng.random_range(-0.1..0.1));
    /// });
    /// let mut rng = StdRng::seed_from_u64(0);
    /// let mut first = || loader.epoch(&mut rng).next().map(|(x, _)| x);
    /// assert_ne!(first(), first());
    /// assert_eq!(data.x(), &Tensor::zeros([4, 3]));
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn transform(self, change: impl FnMut(&mut Tensor<T>, &mut dyn Rng) + Send + 'a) -> Loader<'a, T> {
        Loader { transform: Some(Box::new(change)), ..self }
    }

    /// The data.
    pub fn data(&self) -> &Dataset<T> {
        &self.data
    }

    /// The number of batches of an epoch.
    pub fn len(&self) -> usize {
        self.batches.len()
    }

    /// Returns `true` if there is no batch.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The batches of one epoch: inputs and targets. The order is drawn first, then each batch is
    /// transformed.
    pub fn epoch<'l, R: Rng + ?Sized>(&'l mut self, rng: &'l mut R) -> EpochBatches<'l, 'a, T, &'l mut R> {
        self.batches.shuffle(rng);
        EpochBatches { loader: self, rng, next: 0 }
    }

    /// The batches of one epoch, with a generator of its own that is seeded from `rng`, for a loop whose body draws from
    /// `rng` too. They are those of `epoch(&mut StdRng::from_rng(rng))`.
    ///
    /// ```
    /// use nn::RandomTensor;
    /// use nn::data::{Dataset, Loader};
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::Tensor;
    /// let data = Dataset::<f64>::new(Tensor::zeros([4, 3]), Tensor::zeros([4, 1]))?;
    /// let mut loader = Loader::new(&data, 2)?;
    /// let mut rng = StdRng::seed_from_u64(0);
    /// for (x, _) in loader.epoch_seeded(&mut rng) {
    ///     let noise = Tensor::randn(x.shape(), &mut rng);
    ///     assert_eq!((x + noise).shape(), [2, 3]);
    /// }
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn epoch_seeded<R: Rng + ?Sized>(&mut self, rng: &mut R) -> EpochBatches<'_, 'a, T, StdRng> {
        let mut rng = StdRng::from_rng(rng);
        self.batches.shuffle(&mut rng);
        EpochBatches { loader: self, rng, next: 0 }
    }
}

impl<T: Element> fmt::Debug for Loader<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (samples, batches) = (self.data.len(), self.len());
        f.debug_struct("Loader").field("samples", &samples).field("batches", &batches).finish_non_exhaustive()
    }
}

/// The batches of one epoch, returned by [`Loader::epoch`] and [`Loader::epoch_seeded`].
#[derive(Debug)]
pub struct EpochBatches<'l, 'a, T: Element, R> {
    loader: &'l mut Loader<'a, T>,
    rng: R,
    next: usize,
}

impl<T: Element, R: Rng> Iterator for EpochBatches<'_, '_, T, R> {
    type Item = (Tensor<T>, Tensor<T>);

    fn next(&mut self) -> Option<(Tensor<T>, Tensor<T>)> {
        let Loader { data, batches, transform, x, y, .. } = &mut *self.loader;
        let rows = batches.get(self.next)?;
        self.next += 1;
        for (from, to) in [(data.x(), &mut *x), (data.y(), &mut *y)] {
            if copy_rows(from, rows, to).is_err() {
                unreachable!("the batches were made for these data");
            }
        }
        if let Some(change) = transform {
            change(x, &mut self.rng);
        }
        Some((x.clone(), y.clone()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.loader.len() - self.next;
        (left, Some(left))
    }
}

impl<T: Element, R: Rng> ExactSizeIterator for EpochBatches<'_, '_, T, R> {}
impl<T: Element, R: Rng> FusedIterator for EpochBatches<'_, '_, T, R> {}
