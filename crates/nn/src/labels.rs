//! Class labels of any integer type.

use std::borrow::Cow;
use tape::Index;

/// Class labels, one integer for each sample: a reference to a slice, vector or array of `usize`, `i64`, `i32` or `u8`, or
/// to an [`Index`]. Every function of this crate that takes labels takes all of them; use a signed type if a negative
/// label marks samples to ignore.
///
/// ```
/// use nn::metrics::accuracy;
/// let (predicted, labels): (Vec<usize>, [i64; 4]) = (vec![3, 1, 4, 1], [3, 1, 4, -1]);
/// assert_eq!(accuracy(&predicted, &labels)?, 0.75);
/// # Ok::<(), tape::Error>(())
/// ```
pub trait Labels {
    /// The labels as signed integers. One beyond `i64` is no class in any case; it becomes the largest `i64`.
    fn to_i64(&self) -> Cow<'_, [i64]>;
}

impl Labels for [i64] {
    fn to_i64(&self) -> Cow<'_, [i64]> {
        Cow::Borrowed(self)
    }
}

impl Labels for [usize] {
    fn to_i64(&self) -> Cow<'_, [i64]> {
        self.iter().map(|&label| i64::try_from(label).unwrap_or(i64::MAX)).collect()
    }
}

impl Labels for [i32] {
    fn to_i64(&self) -> Cow<'_, [i64]> {
        self.iter().copied().map(i64::from).collect()
    }
}

impl Labels for [u8] {
    fn to_i64(&self) -> Cow<'_, [i64]> {
        self.iter().copied().map(i64::from).collect()
    }
}

impl Labels for Index {
    fn to_i64(&self) -> Cow<'_, [i64]> {
        self.as_slice().to_i64()
    }
}

impl<L> Labels for Vec<L>
where
    [L]: Labels,
{
    fn to_i64(&self) -> Cow<'_, [i64]> {
        self.as_slice().to_i64()
    }
}

impl<L, const N: usize> Labels for [L; N]
where
    [L]: Labels,
{
    fn to_i64(&self) -> Cow<'_, [i64]> {
        self.as_slice().to_i64()
    }
}
