//! Mini-batches: the indices of the samples of each, in an order drawn from the caller's generator.

use super::sampling::{self, Sampling};
use rand::Rng;
use tape::{Element, Error, Shape, Tensor};

/// How to treat the samples that do not fill a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Remainder {
    /// They form a last, smaller batch.
    #[default]
    Own,
    /// They are left out.
    Dropped,
    /// The last full batch takes them too.
    Joined,
}

/// The indices `0..n` of samples, cut into batches.
///
/// | batches | an epoch has |
/// |---|---|
/// | [`new`](Batches::new) | every sample once, in random order |
/// | [`new`](Batches::new), [`without_shuffle`](Batches::without_shuffle) | every sample once, in the order of the data |
/// | [`weighted`](Batches::weighted) | samples drawn with replacement, by weight |
/// | [`bucketed`](Batches::bucketed) | every sample once, in batches of similar length |
///
/// One value serves all epochs: [`shuffle`](Batches::shuffle) begins anew each time, so an epoch's order depends
/// only on the state of the generator, and memory is reused. A [`Loader`](super::Loader) copies the rows of these
/// indices; for data of another kind, batches are a [`BatchSource`](super::BatchSource) of index lists.
///
/// ```
/// use nn::data::Batches;
/// use rand::{SeedableRng, rngs::StdRng};
/// let mut rng = StdRng::seed_from_u64(0);
/// let mut batches = Batches::new(700, 8).merge_last();
/// let sizes: Vec<usize> = batches.shuffle(&mut rng).iter().map(<[usize]>::len).collect();
/// assert_eq!((sizes.len(), sizes[0], sizes[86]), (87, 8, 12));
/// ```
#[derive(Clone, Debug)]
pub struct Batches {
    samples: usize,
    order: Vec<usize>,
    batch: usize,
    remainder: Remainder,
    sampling: Sampling,
}

impl Batches {
    /// The indices `0..n` in order, in batches of `batch`; the last is smaller if `batch` does not divide
    /// `n`.
    ///
    /// # Panics
    /// If `batch` is 0. For a value from user input, use [`try_new`](Batches::try_new).
    #[track_caller]
    pub fn new(n: usize, batch: usize) -> Batches {
        match Batches::try_new(n, batch) {
            Ok(batches) => batches,
            Err(error) => error.panic(),
        }
    }

    /// The indices `0..n` in order, in batches of `batch`; the last is smaller if `batch` does not divide
    /// `n`.
    ///
    /// # Errors
    /// If `batch` is 0, or there is no memory for the order of `n` samples.
    pub fn try_new(n: usize, batch: usize) -> Result<Batches, Error> {
        Batches::check(n, batch)?;
        Ok(Batches::of(n, (0..n).collect(), batch, Sampling::Uniform))
    }

    /// Batches of samples drawn independently, with replacement, each with a probability proportional to its weight:
    /// for classes of unequal size, or samples of unequal importance. An epoch has `draws` samples. Before the first
    /// [`shuffle`](Batches::shuffle), they are the samples at the quantiles `(i + 1/2) / draws` of the weights.
    ///
    /// # Errors
    /// If a weight is negative, infinite or NaN, all are 0, or their sum is infinite; if `batch` is 0, or there is no
    /// memory for the order.
    ///
    /// ```
    /// use nn::data::Batches;
    /// use rand::{SeedableRng, rngs::StdRng};
    /// // Ninety samples of one class and ten of another: with these weights, half of each epoch is of the second.
    /// let weights: Vec<f64> = (0..100).map(|i| if i < 90 { 1.0 / 90.0 } else { 1.0 / 10.0 }).collect();
    /// let mut batches = Batches::weighted(&weights, 1000, 50)?;
    /// batches.shuffle(&mut StdRng::seed_from_u64(0));
    /// let rare = batches.order().iter().filter(|&&i| i >= 90).count();
    /// assert!((450..550).contains(&rare) && batches.len() == 20);
    /// let error = Batches::weighted(&[1.0, -2.0], 4, 2).unwrap_err();
    /// assert_eq!(error.to_string(), "batches: expected finite weights, 0 or more, found -2 for sample 1");
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn weighted(weights: &[f64], draws: usize, batch: usize) -> Result<Batches, Error> {
        Batches::check(draws, batch)?;
        let cumulative = sampling::Cumulative::new(weights)?;
        let order = (0..draws).map(|i| cumulative.at((i as f64 + 0.5) / draws as f64)).collect();
        Ok(Batches::of(weights.len(), order, batch, Sampling::Weighted(cumulative)))
    }

    /// Batches of samples of similar length, for sequences that are padded to the longest of their batch. Each
    /// [`shuffle`](Batches::shuffle) orders the samples by length, those of equal length at random, cuts the order
    /// into batches, and shuffles the batches. If `batch` does not divide the number of samples, the batch of another
    /// size is the last, and has samples of any length: which ones is drawn too. Before the first shuffle, the samples
    /// are in order of length.
    ///
    /// # Errors
    /// If `batch` is 0, or there is no memory for the order.
    ///
    /// ```
    /// use nn::data::Batches;
    /// use rand::{SeedableRng, rngs::StdRng};
    /// let lengths = [9, 2, 30, 3, 31, 8];
    /// let mut batches = Batches::bucketed(&lengths, 2)?;
    /// batches.shuffle(&mut StdRng::seed_from_u64(0));
    /// for rows in batches.iter() {
    ///     assert!(lengths[rows[0]].abs_diff(lengths[rows[1]]) == 1);
    /// }
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn bucketed(lengths: &[usize], batch: usize) -> Result<Batches, Error> {
        Batches::check(lengths.len(), batch)?;
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by_key(|&i| lengths[i]);
        Ok(Batches::of(lengths.len(), order, batch, Sampling::Bucketed(lengths.to_vec())))
    }

    /// Refuses batches of 0 samples, and more indices than there is memory for.
    fn check(n: usize, batch: usize) -> Result<(), Error> {
        if batch == 0 {
            let reason = "expected at least 1 sample in a batch, found 0".to_owned();
            return Err(Error::Invalid { op: "batches", reason });
        }
        // An index takes no more bytes than an `f64`.
        Tensor::<f64>::fits("batches", &Shape::from([n]))
    }

    fn of(samples: usize, order: Vec<usize>, batch: usize, sampling: Sampling) -> Batches {
        Batches { samples, order, batch, remainder: Remainder::Own, sampling }
    }

    /// Leaves out the samples that do not fill a batch; there is no batch if `n < batch`.
    ///
    /// ```
    /// use nn::data::Batches;
    /// let batches = Batches::new(7, 3).drop_last();
    /// assert_eq!(batches.iter().collect::<Vec<_>>(), [[0, 1, 2], [3, 4, 5]]);
    /// assert!(Batches::new(2, 3).drop_last().is_empty());
    /// ```
    pub fn drop_last(mut self) -> Batches {
        self.remainder = Remainder::Dropped;
        self
    }

    /// Makes `n / batch` batches (but at least one) of which the last also takes the remainder.
    ///
    /// ```
    /// use nn::data::Batches;
    /// let batches = Batches::new(7, 3).merge_last();
    /// assert_eq!((batches.len(), batches.get(1)), (2, Some(&[3, 4, 5, 6][..])));
    /// ```
    pub fn merge_last(mut self) -> Batches {
        self.remainder = Remainder::Joined;
        self
    }

    /// Keeps the current order in every epoch: [`shuffle`](Batches::shuffle) changes nothing and draws nothing.
    ///
    /// ```
    /// use nn::data::Batches;
    /// use rand::{SeedableRng, rngs::StdRng};
    /// let mut batches = Batches::new(5, 2).without_shuffle();
    /// batches.shuffle(&mut StdRng::seed_from_u64(0));
    /// assert_eq!(batches.order(), [0, 1, 2, 3, 4]);
    /// ```
    pub fn without_shuffle(mut self) -> Batches {
        self.sampling = Sampling::InOrder;
        self
    }

    /// Draws the order of a new epoch. Without other settings, all orders are equally likely.
    pub fn shuffle<R: Rng + ?Sized>(&mut self, rng: &mut R) -> &mut Batches {
        self.sampling.draw(&mut self.order, self.batch, self.remainder, rng);
        self
    }

    /// The number of samples that the indices refer to.
    ///
    /// ```
    /// use nn::data::Batches;
    /// let batches = Batches::weighted(&[1.0, 2.0, 1.0], 100, 10)?;
    /// assert_eq!((batches.samples(), batches.order().len()), (3, 100));
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The number of batches.
    pub fn len(&self) -> usize {
        let n = self.order.len();
        match self.remainder {
            Remainder::Own => n.div_ceil(self.batch),
            Remainder::Dropped => n / self.batch,
            Remainder::Joined => (n / self.batch).max(n.min(1)),
        }
    }

    /// Returns `true` if there is no batch.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The indices of the samples of an epoch, in batch order; those that [`drop_last`](Batches::drop_last) leaves out
    /// are at the end.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The indices of the samples of batch `i`, or `None` if there is no such batch.
    pub fn get(&self, i: usize) -> Option<&[usize]> {
        let (n, count) = (self.order.len(), self.len());
        if i >= count {
            return None;
        }
        let (start, last) = (i * self.batch, i + 1 == count);
        let end = if last && self.remainder == Remainder::Joined {
            n
        } else {
            n.min(start.saturating_add(self.batch))
        };
        Some(&self.order[start..end])
    }

    /// Iterates over the batches, each as the indices of its samples.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[usize]> {
        (0..self.len()).map(|i| self.get(i).unwrap_or_default())
    }
}

/// Copies the rows of `x` with these indices to `out`, in order.
///
/// The buffer of `out` is reused if it has the right shape and nothing else holds it (reset the tape that
/// recorded it first); otherwise it is replaced.
///
/// # Shapes
/// `x` is `[n, ...]`, `out` becomes `[rows.len(), ...]`.
///
/// # Errors
/// An index beyond the last row, an `x` of rank 0, or more rows than there is memory for.
///
/// ```
/// use nn::data::copy_rows;
/// use tape::Tensor;
/// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
/// let mut batch = Tensor::default();
/// copy_rows(&x, &[2, 0], &mut batch)?;
/// assert_eq!(batch, Tensor::from([[5.0, 6.0], [1.0, 2.0]]));
/// # Ok::<(), tape::Error>(())
/// ```
pub fn copy_rows<T: Element>(x: &Tensor<T>, rows: &[usize], out: &mut Tensor<T>) -> Result<(), Error> {
    let Some((&n, row)) = x.shape().split_first() else {
        return Err(Error::Rank { op: "copy_rows", expected: "at least one axis", found: vec![] });
    };
    if let Some(&index) = rows.iter().find(|&&index| index >= n) {
        return Err(Error::index(index, 0, x.shape()).named("copy_rows"));
    }
    let width: usize = row.iter().product();
    let fits = out.shape().split_first() == Some((&rows.len(), row));
    if !fits {
        let shape: Shape = std::iter::once(rows.len()).chain(row.iter().copied()).collect();
        Tensor::<T>::fits("copy_rows", &shape)?;
        *out = Tensor::zeros(shape);
    }
    let source = x.contiguous();
    let source = source.as_slice().unwrap_or_default();
    if width > 0 {
        for (to, &index) in out.as_mut_slice().chunks_exact_mut(width).zip(rows) {
            to.copy_from_slice(&source[index * width..(index + 1) * width]);
        }
    }
    Ok(())
}
