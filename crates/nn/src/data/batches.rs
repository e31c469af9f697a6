//! Mini-batches: every sample once per epoch, in an order drawn from the caller's generator.

use rand::Rng;
use rand::seq::SliceRandom;
use tape::{Element, Error, Shape, Tensor};

/// How to treat the samples that do not fill a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Remainder {
    /// They form a last, smaller batch.
    #[default]
    Own,
    /// They are left out.
    Dropped,
    /// The last full batch takes them too.
    Joined,
}

/// The indices `0..n` cut into batches.
///
/// One value serves all epochs: [`shuffle`](Batches::shuffle) starts from `0, 1, ..., n - 1` each time, so an
/// epoch's order depends only on the state of the generator, and memory is reused.
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
    order: Vec<usize>,
    batch: usize,
    remainder: Remainder,
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
        if batch == 0 {
            let reason = "expected at least 1 sample in a batch, found 0".to_owned();
            return Err(Error::Invalid { op: "batches", reason });
        }
        // An index takes no more bytes than an `f64`.
        Tensor::<f64>::fits("batches", &Shape::from([n]))?;
        Ok(Batches { order: (0..n).collect(), batch, remainder: Remainder::Own })
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

    /// Draws a new order; all orders are equally likely.
    pub fn shuffle<R: Rng + ?Sized>(&mut self, rng: &mut R) -> &mut Batches {
        self.order.iter_mut().enumerate().for_each(|(i, index)| *index = i);
        self.order.shuffle(rng);
        self
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

    /// The indices of all samples, in batch order.
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
