//! Connectionist temporal classification.

use super::Losses;
use crate::Labels;
use crate::functional::no_class;
use crate::setting::{self, expect};
use std::panic::Location;
use tape::{Element, Error, Index, PadMode, Tensor, Var};

const OP: &str = "ctc";

/// The options of [`ctc`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CtcOptions {
    /// The class of the blank, which separates labels.
    pub blank: usize,
    /// Whether the loss of a sample without any alignment is 0 instead of ∞.
    pub zero_infinity: bool,
}

/// `-ln p(labels)` of each sample, for logarithms of probabilities `X` at every time step: the sum over all alignments of the
/// labels with the time steps, in which a label may be repeated, blanks stand between labels, and must stand between equal
/// ones (Graves and others, 2006).
///
/// A sample whose labels need more time steps than there are has no alignment: its loss is ∞, or 0 with
/// [`zero_infinity`](CtcOptions::zero_infinity), with gradient 0. The mean is that over the samples. (PyTorch's divides each loss
/// by the number of its labels first; that is `.weighted(..)` with the inverse numbers.)
///
/// # Shapes
/// `X` `[N, time, classes]`, one list of labels for each sample; `lengths` is the number of time steps of each sample, `None` for
/// all. `X` behind the end of a sample has no influence.
///
/// # Math
/// With the labels `l` and a blank before, between and after them, `l'₀ .. l'₂ₙ`: `α₀(s) = x₀(l'ₛ)` for `s < 2`, and
/// `αₜ(s) = xₜ(l'ₛ) + ln(e^αₜ₋₁(s) + e^αₜ₋₁(s-1) + e^αₜ₋₁(s-2))`, without the last term where `l'ₛ` is blank or `l'ₛ₋₂`; the loss
/// is `-ln(e^α(2n) + e^α(2n-1))` at the last step. Recorded as that: some eight operations on `[N, 2n + 1]` numbers for each
/// time step, whose sweep is the backward half of the algorithm, so that there are derivatives of every order.
///
/// ```
/// use nn::loss::{CtcOptions, ctc};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let z = tape.var(Tensor::zeros([1, 2, 2])); // two steps, of a blank and one label
/// let loss = ctc(z.log_softmax(-1), &[[1]], None, &CtcOptions::default()).sum();
/// // Of the four equally likely paths, three are the label: 11, 01 and 10.
/// assert!((loss.value() - (4f64 / 3.0).ln()).abs() < 1e-15);
/// // At each step the path is the label with probability 1/2, and with 2/3 among those three.
/// let slope = loss.backward().wrt(z);
/// assert!(slope.allclose(&Tensor::from([[[1.0, -1.0], [1.0, -1.0]]]).map_elements(|x| x / 6.0)));
/// ```
///
/// # Panics
/// If [`try_ctc`] returns an error.
#[track_caller]
pub fn ctc<'t, T: Element>(
    x: Var<'t, T>,
    labels: &[impl Labels],
    lengths: Option<&[usize]>,
    options: &CtcOptions,
) -> Losses<'t, T> {
    expect(try_ctc(x, labels, lengths, options))
}

/// [`ctc`], for labels from user input.
///
/// # Errors
/// If `X` has another rank or no time step, the numbers of samples, lists of labels and lengths differ, a length is 0 or above the
/// number of time steps, or a label is no class, or the blank.
///
/// ```
/// use nn::loss::{CtcOptions, try_ctc};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var(Tensor::zeros([1, 3, 2]));
/// let labels = [vec![1, 1]];
/// let loss = try_ctc(x, &labels, None, &CtcOptions::default())?.sum();
/// // The only alignment is 1, blank, 1.
/// assert_eq!((loss.value(), loss.backward().wrt(x).to_vec()), (0.0, vec![0.0, -1.0, -1.0, 0.0, 0.0, -1.0]));
/// let error = try_ctc(x, &[vec![1, 0]], None, &CtcOptions::default()).unwrap_err();
/// assert_eq!(error.to_string(), "ctc: expected labels other than the blank, found 0");
/// # Ok::<(), tape::Error>(())
/// ```
#[track_caller]
pub fn try_ctc<'t, T: Element>(
    x: Var<'t, T>,
    labels: &[impl Labels],
    lengths: Option<&[usize]>,
    options: &CtcOptions,
) -> Result<Losses<'t, T>, Error> {
    let paths = Paths::new(&x.shape(), labels, lengths, options)?;
    if paths.labels.is_empty() {
        return Ok(Losses::of_elements(x.sum_axes([1, 2], false)));
    }
    let each = x.tape().at_location(Location::caller(), || -paths.ln_probability(x));
    let value: Tensor<T> = each.value();
    if options.zero_infinity && value.to_vec().contains(&T::INFINITY) {
        let finite = value.map_elements(|loss| if loss == T::INFINITY { T::ZERO } else { T::ONE });
        return Ok(Losses::of_elements(Var::select(&finite, each, T::ZERO)));
    }
    Ok(Losses::of_elements(each))
}

/// The states of the alignments of a batch: labels with blanks around them.
struct Paths {
    labels: Vec<Vec<usize>>,
    /// The number of time steps of each sample.
    lengths: Vec<usize>,
    blank: usize,
    /// The number of states of the longest sample.
    states: usize,
}

impl Paths {
    /// The states, or what is wrong with the operands.
    fn new(
        shape: &[usize],
        labels: &[impl Labels],
        lengths: Option<&[usize]>,
        options: &CtcOptions,
    ) -> Result<Paths, Error> {
        let &[samples, time, classes] = shape else {
            return Err(Error::Rank { op: OP, expected: "[N, time, classes]", found: shape.to_vec() });
        };
        setting::counts(OP, "number of time steps", &[time])?;
        let blank = options.blank;
        setting::check(OP, blank < classes, format_args!("a blank among {classes} classes"), blank)?;
        let wanted = |what: &str| format!("{samples} {what}");
        setting::check(OP, labels.len() == samples, wanted("lists of labels"), labels.len())?;
        let lengths = lengths.map_or_else(|| vec![time; samples], <[usize]>::to_vec);
        setting::check(OP, lengths.len() == samples, wanted("lengths"), lengths.len())?;
        if let Some(length) = lengths.iter().find(|&&length| length == 0 || length > time) {
            return Err(Error::Invalid {
                op: OP,
                reason: format!("expected lengths from 1 to {time}, found {length}"),
            });
        }
        let class = |&label: &i64| match usize::try_from(label) {
            Ok(label) if label < classes && label != blank => Ok(label),
            Ok(label) if label == blank => {
                let reason = format!("expected labels other than the blank, found {label}");
                Err(Error::Invalid { op: OP, reason })
            }
            _ => Err(no_class(OP, label, 2, shape)),
        };
        let labels: Result<Vec<Vec<usize>>, Error> =
            labels.iter().map(|labels| labels.to_i64().iter().map(class).collect()).collect();
        let labels = labels?;
        let states = 2 * labels.iter().map(Vec::len).max().unwrap_or(0) + 1;
        Ok(Paths { labels, lengths, blank, states })
    }

    /// The class of a state: blanks at even positions, and behind the end of a sample.
    fn class(&self, sample: usize, state: usize) -> usize {
        let label = self.labels[sample].get(state / 2).filter(|_| state % 2 == 1);
        label.copied().unwrap_or(self.blank)
    }

    /// 1 for the states of samples that `is` accepts, 0 for the others.
    fn mask<T: Element>(&self, is: impl Fn(usize, usize) -> bool) -> Tensor<T> {
        let size = [self.labels.len(), self.states];
        Tensor::from_fn(size, |i| if is(i[0], i[1]) { T::ONE } else { T::ZERO })
    }

    /// `ln p(labels)` of each sample.
    fn ln_probability<'t, T: Element>(&self, x: Var<'t, T>) -> Var<'t, T> {
        let (samples, time) = (self.labels.len(), x.shape()[1]);
        let classes: Vec<Vec<usize>> =
            (0..samples).map(|n| (0..self.states).map(|s| self.class(n, s)).collect()).collect();
        let rows = classes.iter().flat_map(|row| (0..time).flat_map(|_| row.iter().copied()));
        let index = Index::new([samples, time, self.states], rows.collect::<Vec<_>>());
        let emitted = x.gather(2, expect(index)).unbind(1);
        let never = T::NEG_INFINITY;
        let begins = self.mask(|n, s| s < 2 && s <= 2 * self.labels[n].len());
        let skips = self.mask(|n, s| s > 1 && s % 2 == 1 && classes[n][s] != classes[n][s - 2]);
        let states = self.states as isize;
        let mut alpha = Var::select(&begins, emitted[0], never);
        for (t, &emitted) in emitted.iter().enumerate().skip(1) {
            let padded = alpha.pad([(0, 0), (2, 0)], PadMode::Constant(f64::NEG_INFINITY));
            let (one, two) = (padded.slice(1, 1..states + 1), padded.slice(1, ..states));
            let next = alpha.logaddexp(one).logaddexp(Var::select(&skips, two, never)) + emitted;
            alpha = match self.lengths.iter().all(|&length| t < length) {
                true => next,
                false => Var::select(&self.mask(|n, _| t < self.lengths[n]), next, alpha),
            };
        }
        let last = |n: usize| [2 * self.labels[n].len(), (2 * self.labels[n].len()).saturating_sub(1)];
        let ends = Index::new([samples, 2], (0..samples).flat_map(last).collect::<Vec<_>>());
        let ends = alpha.gather(1, expect(ends));
        // Without labels there is one last state.
        let own = Tensor::from_fn([samples, 2], |i| {
            if i[1] == 0 || !self.labels[i[0]].is_empty() { T::ONE } else { T::ZERO }
        });
        Var::select(&own, ends, never).logsumexp_axes(1, false)
    }
}
