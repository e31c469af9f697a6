//! Samples with targets, and their split into parts.

use super::copy_rows;
use crate::Labels;
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

    /// Returns `true` if there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples with these indices, in this order.
    ///
    /// ```
    /// use nn::data::Dataset;
    /// use tape::Tensor;
    /// let data = Dataset::new(Tensor::from([1.0, 2.0, 3.0]), Tensor::from([1.0, 4.0, 9.0]))?;
    /// let two = data.take(&[2, 0])?;
    /// assert_eq!((two.x().to_vec(), two.y().to_vec()), (vec![3.0, 1.0], vec![9.0, 1.0]));
    /// assert!(data.take(&[3]).is_err());
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// An index beyond the last sample.
    pub fn take(&self, indices: &[usize]) -> Result<Dataset<T>, Error> {
        let (mut x, mut y) = (Tensor::default(), Tensor::default());
        copy_rows(&self.x, indices, &mut x)?;
        copy_rows(&self.y, indices, &mut y)?;
        Ok(Dataset { x, y })
    }

    /// The training, validation and test samples.
    ///
    /// # Errors
    /// If the split was made for a larger data set.
    pub fn parts(&self, split: &Split) -> Result<[Dataset<T>; 3], Error> {
        Ok([self.take(&split.train)?, self.take(&split.validation)?, self.take(&split.test)?])
    }
}

/// A split of the indices `0..n` into three parts: each index is in exactly one.
///
/// The split depends only on the state of the generator, so a seed gives the same parts on every run.
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
    /// Training samples.
    pub train: Vec<usize>,
    /// Validation samples, to choose by: when to stop, which weights, which settings.
    pub validation: Vec<usize>,
    /// Test samples, to judge by once every decision is made.
    pub test: Vec<usize>,
}

impl Split {
    /// Draws the parts; `shares` are those of training, validation and test. Sizes are within one of `share · n`:
    /// rounded down, and the samples left over go to the largest remainders, the first of equal ones.
    ///
    /// # Errors
    /// Shares that are negative or do not add up to 1; too few samples for every part whose share is not 0;
    /// more samples than there is memory for their indices.
    pub fn new<R: Rng + ?Sized>(n: usize, shares: [f64; 3], rng: &mut R) -> Result<Split, Error> {
        // An index takes no more bytes than an `f64`.
        Tensor::<f64>::fits("split", &Shape::from([n]))?;
        let sizes = sizes(n, shares)?;
        let mut indices: Vec<usize> = (0..n).collect();
        indices.shuffle(rng);
        let test = indices.split_off(sizes[0] + sizes[1]);
        let validation = indices.split_off(sizes[0]);
        Ok(Split { train: indices, validation, test })
    }

    /// Draws stratified parts: each has the class proportions of the whole, as closely as whole samples
    /// allow. Sizes are those of [`new`](Split::new); of each class a part gets `share · members`, rounded up
    /// or down, and which classes are rounded up is random too. The parts are shuffled.
    ///
    /// # Errors
    /// As [`new`](Split::new).
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
        labels: &(impl Labels + ?Sized),
        shares: [f64; 3],
        rng: &mut R,
    ) -> Result<Split, Error> {
        let labels = labels.to_i64();
        let sizes = sizes(labels.len(), shares)?;
        // The members of each class, in random order.
        let mut indices: Vec<usize> = (0..labels.len()).collect();
        indices.shuffle(rng);
        indices.sort_by_key(|&i| labels[i]);
        let mut classes: Vec<&[usize]> = indices.chunk_by(|&i, &j| labels[i] == labels[j]).collect();
        classes.shuffle(rng);
        let members: Vec<usize> = classes.iter().map(|class| class.len()).collect();
        let mut parts = [Vec::new(), Vec::new(), Vec::new()];
        for (mut class, counts) in classes.into_iter().zip(apportion(&members, shares, sizes)) {
            for (part, count) in parts.iter_mut().zip(counts) {
                let (taken, left) = class.split_at(count);
                part.extend(taken);
                class = left;
            }
        }
        parts.iter_mut().for_each(|part| part.shuffle(rng));
        let [train, validation, test] = parts;
        Ok(Split { train, validation, test })
    }
}

/// `share · n` of each part as a whole number and a remainder. A product within a few roundings of a whole
/// number counts as whole.
fn quotas(n: usize, shares: [f64; 3]) -> [(usize, f64); 3] {
    shares.map(|share| {
        let quota = share * n as f64;
        let nearest = quota.round();
        if (quota - nearest).abs() <= ROUNDING * nearest.max(1.0) {
            return (nearest as usize, 0.0);
        }
        (quota.floor() as usize, quota - quota.floor())
    })
}

/// The sizes of the parts of `n` samples, by the largest remainders.
fn sizes(n: usize, shares: [f64; 3]) -> Result<[usize; 3], Error> {
    let total: f64 = shares.iter().sum();
    if shares.iter().any(|&share| share < 0.0) || (total - 1.0).abs() > ROUNDING || total.is_nan() {
        let reason = format!("expected shares that add up to 1, found {shares:?}");
        return Err(Error::Invalid { op: "split", reason });
    }
    let quotas = quotas(n, shares);
    let mut sizes = quotas.map(|(whole, _)| whole);
    let mut order = [0, 1, 2];
    order.sort_by(|&a, &b| quotas[b].1.total_cmp(&quotas[a].1));
    let left = n.saturating_sub(sizes.iter().sum());
    order.into_iter().take(left).for_each(|part| sizes[part] += 1);
    if sizes.iter().zip(shares).any(|(&size, share)| size == 0 && share > 0.0) {
        let expected = "expected a sample or more in every part that has a share";
        let reason = format!("{expected}, found sizes {sizes:?} of {n} samples in shares of {shares:?}");
        return Err(Error::Invalid { op: "split", reason });
    }
    Ok(sizes)
}

/// The number of members of each class in every part: `share · members` rounded down or up, adding up to
/// `sizes`.
///
/// Such counts exist for any sizes that are themselves rounded up or down: the fractions are a flow from
/// classes to parts, and if a flow exists within integer bounds, so does an integer one.
fn apportion(members: &[usize], shares: [f64; 3], sizes: [usize; 3]) -> Vec<[usize; 3]> {
    let mut rows: Vec<Row> = members.iter().map(|&n| Row::new(n, shares)).collect();
    let mut missing: [isize; 3] = std::array::from_fn(|part| {
        sizes[part] as isize - rows.iter().map(|row| row.counts[part] as isize).sum::<isize>()
    });
    // Class by class, favouring the parts that have so far received least relative to their fractions.
    let mut owed = [0.0; 3];
    for row in &mut rows {
        (0..3).for_each(|part| owed[part] += row.rest[part]);
        for _ in 0..row.left {
            let open = (0..3).filter(|&part| row.open(part));
            let Some(part) = open.max_by(|&a, &b| owed[a].total_cmp(&owed[b])) else { continue };
            row.up[part] = true;
            owed[part] -= 1.0;
            missing[part] -= 1;
        }
    }
    while let (Some(over), Some(under)) =
        (missing.iter().position(|&m| m < 0), missing.iter().position(|&m| m > 0))
    {
        if !shift(&mut rows, over, under) {
            let between = 3 - over - under;
            shift(&mut rows, over, between);
            shift(&mut rows, between, under);
        }
        missing[over] += 1;
        missing[under] -= 1;
    }
    rows.iter().map(|row| std::array::from_fn(|part| row.counts[part] + usize::from(row.up[part]))).collect()
}

/// A class and its members in each part.
struct Row {
    /// `share · members`, rounded down.
    counts: [usize; 3],
    /// The remainder of rounding down.
    rest: [f64; 3],
    /// The parts that are rounded up.
    up: [bool; 3],
    /// The number of parts rounded up.
    left: usize,
}

impl Row {
    fn new(members: usize, shares: [f64; 3]) -> Row {
        let quotas = quotas(members, shares);
        let (counts, rest) = (quotas.map(|(whole, _)| whole), quotas.map(|(_, rest)| rest));
        Row { counts, rest, up: [false; 3], left: members.saturating_sub(counts.iter().sum()) }
    }

    /// Returns `true` if a part can still be rounded up.
    fn open(&self, part: usize) -> bool {
        self.rest[part] > 0.0 && !self.up[part]
    }
}

/// Rounds some class up in part `to` instead of part `from`, if any can be.
fn shift(rows: &mut [Row], from: usize, to: usize) -> bool {
    let row = rows.iter_mut().find(|row| row.up[from] && row.open(to));
    row.map(|row| (row.up[from], row.up[to]) = (false, true)).is_some()
}

/// The tolerance of the sum of shares like 0.7, 0.2 and 0.1: a few roundings.
const ROUNDING: f64 = 1e-12;
