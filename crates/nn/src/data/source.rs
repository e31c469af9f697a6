//! Sources of batches, epoch after epoch.

use super::{Batches, Loader};
use rand::Rng;
use tape::{Element, Tensor};

/// A source of batches of any type, epoch after epoch, for [`Trainer`](crate::train::Trainer).
///
/// | source | batches |
/// |---|---|
/// | [`Loader`] | inputs and targets, copied from a data set |
/// | [`Batches`] | lists of indices, for data of any kind |
/// | [`from_fn`] | drawn by a closure |
/// | a `Vec` | its elements, cloned, in order |
/// | [`Prefetch`](super::Prefetch) | those of another source, prepared on a thread |
///
/// A user-defined source gives the number of batches, and an iterator over one epoch:
///
/// ```
/// use nn::data::BatchSource;
/// use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
///
/// /// Windows of a text, each from a random place.
/// struct Windows {
///     text: Vec<usize>,
///     length: usize,
/// }
///
/// impl BatchSource for Windows {
///     type Batch = Vec<usize>;
///
///     fn batches(&self) -> usize {
///         self.text.len() / self.length
///     }
///
///     fn epoch<'e>(&'e mut self, rng: &'e mut dyn Rng) -> impl Iterator<Item = Vec<usize>> {
///         (0..self.batches()).map(|_| {
///             let start = rng.random_range(0..=self.text.len() - self.length);
///             self.text[start..start + self.length].to_vec()
///         })
///     }
/// }
///
/// let mut windows = Windows { text: (0..10).collect(), length: 3 };
/// let epoch: Vec<_> = windows.epoch(&mut StdRng::seed_from_u64(0)).collect();
/// assert_eq!(epoch.len(), 3);
/// assert!(epoch.iter().all(|window| window[2] == window[0] + 2));
/// ```
pub trait BatchSource {
    /// A batch. One that may not come about can be a `Result`.
    type Batch;

    /// The number of batches of an epoch.
    fn batches(&self) -> usize;

    /// The batches of one epoch; all randomness is from `rng`.
    fn epoch<'e>(&'e mut self, rng: &'e mut dyn Rng) -> impl Iterator<Item = Self::Batch>;

    /// The number of samples of a batch, by which its loss is weighted in [the loss of an
    /// epoch](crate::train::Trainer#the-loss-of-an-epoch). 1 unless defined, which weights all batches alike.
    fn size(batch: &Self::Batch) -> usize {
        let _ = batch;
        1
    }

    /// The number of samples of an epoch, if it is known: for error messages.
    fn epoch_samples(&self) -> Option<usize> {
        None
    }
}

/// Inputs and targets; a batch counts by its rows.
impl<T: Element> BatchSource for Loader<'_, T> {
    type Batch = (Tensor<T>, Tensor<T>);

    fn batches(&self) -> usize {
        self.len()
    }

    fn epoch<'e>(&'e mut self, rng: &'e mut dyn Rng) -> impl Iterator<Item = (Tensor<T>, Tensor<T>)> {
        Loader::epoch(self, rng)
    }

    fn size((_, y): &(Tensor<T>, Tensor<T>)) -> usize {
        y.shape()[0]
    }

    fn epoch_samples(&self) -> Option<usize> {
        Some(self.data().len())
    }
}

/// The indices of the samples of each batch, shuffled in every epoch; a batch counts by its samples.
impl BatchSource for Batches {
    type Batch = Vec<usize>;

    fn batches(&self) -> usize {
        self.len()
    }

    fn epoch<'e>(&'e mut self, rng: &'e mut dyn Rng) -> impl Iterator<Item = Vec<usize>> {
        self.shuffle(rng).iter().map(<[usize]>::to_vec)
    }

    fn size(rows: &Vec<usize>) -> usize {
        rows.len()
    }

    fn epoch_samples(&self) -> Option<usize> {
        Some(self.order().len())
    }
}

/// The elements in order, in every epoch.
impl<B: Clone> BatchSource for Vec<B> {
    type Batch = B;

    fn batches(&self) -> usize {
        self.len()
    }

    fn epoch<'e>(&'e mut self, _rng: &'e mut dyn Rng) -> impl Iterator<Item = B> {
        self.iter().cloned()
    }
}

/// A source that draws each batch by a closure: returned by [`from_fn`].
#[derive(Clone, Debug)]
pub struct FromFn<F> {
    batches: usize,
    draw: F,
}

/// A source of this many batches an epoch, each drawn by `draw`: for data that are made, not stored.
///
/// ```
/// use nn::RandomTensor;
/// use nn::data::{BatchSource, from_fn};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::Tensor;
/// let mut noise = from_fn(10, |mut rng| Tensor::<f64>::randn([32, 2], &mut rng));
/// let mut rng = StdRng::seed_from_u64(0);
/// let epoch: Vec<Tensor> = noise.epoch(&mut rng).collect();
/// assert_eq!((epoch.len(), epoch[9].shape().dims()), (10, vec![32, 2]));
/// assert_ne!(epoch[0], epoch[1]);
/// ```
pub fn from_fn<B, F: FnMut(&mut dyn Rng) -> B>(batches: usize, draw: F) -> FromFn<F> {
    FromFn { batches, draw }
}

impl<B, F: FnMut(&mut dyn Rng) -> B> BatchSource for FromFn<F> {
    type Batch = B;

    fn batches(&self) -> usize {
        self.batches
    }

    fn epoch<'e>(&'e mut self, rng: &'e mut dyn Rng) -> impl Iterator<Item = B> {
        (0..self.batches).map(|_| (self.draw)(rng))
    }
}
