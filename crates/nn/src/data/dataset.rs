//! Samples with their targets, and their division into parts.

use super::gather;
use rand::Rng;
use rand::seq::SliceRandom;
use tape::{Element, Error, Shape, Tensor};

/// Inputs and targets: position `i` of the first axis of either is sample `i`.
///
/// ```
/// use nn::data::{Dataset, Split};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::Tensor;
/// let data = Dataset::new(Tensor::from([[1.0], [2.0], [3.0], [4.0]]), Tensor::from([[1.0], [4.0], [9.0], [16.0]]))?;
/// let parts = Split::new(data.len(), [0.5, 0.25, 0.25], &mut StdRng::seed_from_u64(0))?;
/// let [train, validation, test] = data.parts(&parts)?;
/// assert_eq!((train.len(), validation.len(), test.len()), (2, 1, 1));
/// assert_eq!(train.x().square(), train.y().clone());
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset<T: Element = f64> {
    x: Tensor<T>,
    y: Tensor<T>,
}

impl<T: Element> Dataset<T> {
    /// Inputs `[n, ..]` with targets `[n, ..]`. Nothing is copied.
    ///
    /// # Errors
    /// If either has no axes, or they have different numbers of samples.
    pub fn new(x: Tensor<T>, y: Tensor<T>) -> Result<Dataset<T>, Error> {
        let count = |t: &Tensor<T>| match t.shape().first() {
            Some(&n) => Ok(n),
            None => Err(Error::Rank { op: "dataset", expected: "at least one axis", found: vec![] }),
        };
        let (n, targets) = (count(&x)?, count(&y)?);
        if n != targets {
            let reason = format!("expected a target for each of {n} samples, found {targets}");
            return Err(Error::Invalid { op: "dataset", reason });
        }
        Ok(Dataset { x, y })
    }

    /// The inputs.
    pub fn x(&self) -> &Tensor<T> {
        &self.x
    }

    /// The targets.
    pub fn y(&self) -> &Tensor<T> {
        &self.y
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.x.shape()[0]
    }

    /// Are there no samples?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples with these indices, in this order.
    ///
    /// # Errors
    /// An index beyond the last sample.
    pub fn take(&self, indices: &[usize]) -> Result<Dataset<T>, Error> {
        let (mut x, mut y) = (Tensor::default(), Tensor::default());
        gather(&self.x, indices, &mut x)?;
        gather(&self.y, indices, &mut y)?;
        Ok(Dataset { x, y })
    }

    /// The samples to train on, to choose by, and to judge by.
    ///
    /// # Errors
    /// If the split was made for more samples.
    pub fn parts(&self, split: &Split) -> Result<[Dataset<T>; 3], Error> {
        Ok([self.take(&split.train)?, self.take(&split.validation)?, self.take(&split.test)?])
    }
}

/// The indices `0..n` in three parts: each index is in exactly one.
///
/// The generator's state decides alone, so a seed gives the same parts on every run.
///
/// ```
/// use nn::data::Split;
/// use rand::{SeedableRng, rngs::StdRng};
/// let split = Split::new(150, [0.6, 0.2, 0.2], &mut StdRng::seed_from_u64(7))?;
/// assert_eq!([split.train.len(), split.validation.len(), split.test.len()], [90, 30, 30]);
/// assert_eq!(split, Split::new(150, [0.6, 0.2, 0.2], &mut StdRng::seed_from_u64(7))?);
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// To train on.
    pub train: Vec<usize>,
    /// To choose by: when to stop, which weights, which settings.
    pub validation: Vec<usize>,
    /// To judge by, once, after every decision is made.
    pub test: Vec<usize>,
}

impl Split {
    /// Draws the parts; `shares` are those of training, validation and test. Sizes are rounded so that they add up to `n`.
    ///
    /// # Errors
    /// Shares that are negative or do not add up to 1; more samples than there is memory for their numbers.
    pub fn new<R: Rng + ?Sized>(n: usize, shares: [f64; 3], rng: &mut R) -> Result<Split, Error> {
        // A number of a sample takes no more bytes than such a number.
        Tensor::<f64>::fits("split", &Shape::from([n]))?;
        Split::of((0..n).collect(), shares, rng)
    }

    /// Draws the parts of each class by itself, so that every part has about the same mixture of classes as the whole:
    /// up to the rounding of each class. The parts are shuffled.
    ///
    /// # Errors
    /// Shares that are negative or do not add up to 1.
    ///
    /// ```
    /// use nn::data::Split;
    /// use rand::{SeedableRng, rngs::StdRng};
    /// let labels: Vec<usize> = (0..100).map(|i| usize::from(i >= 90)).collect();
    /// let split = Split::stratified(&labels, [0.5, 0.2, 0.3], &mut StdRng::seed_from_u64(0))?;
    /// let rare = |part: &[usize]| part.iter().filter(|&&i| labels[i] == 1).count();
    /// assert_eq!([rare(&split.train), rare(&split.validation), rare(&split.test)], [5, 2, 3]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn stratified<R: Rng + ?Sized>(
        labels: &[usize],
        shares: [f64; 3],
        rng: &mut R,
    ) -> Result<Split, Error> {
        let mut classes = labels.to_vec();
        classes.sort_unstable();
        classes.dedup();
        let mut whole = Split::of(vec![], shares, rng)?;
        for class in classes {
            let members = (0..labels.len()).filter(|&i| labels[i] == class).collect();
            let part = Split::of(members, shares, rng)?;
            whole.train.extend(part.train);
            whole.validation.extend(part.validation);
            whole.test.extend(part.test);
        }
        for part in [&mut whole.train, &mut whole.validation, &mut whole.test] {
            part.shuffle(rng);
        }
        Ok(whole)
    }

    fn of<R: Rng + ?Sized>(mut indices: Vec<usize>, shares: [f64; 3], rng: &mut R) -> Result<Split, Error> {
        let total: f64 = shares.iter().sum();
        if shares.iter().any(|&share| share < 0.0) || (total - 1.0).abs() > ROUNDING || total.is_nan() {
            let reason = format!("expected shares that add up to 1, found {shares:?}");
            return Err(Error::Invalid { op: "split", reason });
        }
        indices.shuffle(rng);
        let n = indices.len();
        let cut = |share: f64| ((share * n as f64).round() as usize).min(n);
        let test = indices.split_off(cut(shares[0] + shares[1]));
        let validation = indices.split_off(cut(shares[0]));
        Ok(Split { train: indices, validation, test })
    }
}

/// By how much shares like 0.7, 0.2 and 0.1 may miss 1: a few roundings.
const ROUNDING: f64 = 1e-12;
