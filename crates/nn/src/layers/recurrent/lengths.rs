//! Sequences of different lengths in a batch.

use tape::{Element, Error, Tensor, Var};

/// The lengths of the sequences of a batch, as masks of their steps.
pub(super) struct Lengths<T: Element> {
    /// The steps of the longest sequence; nothing is computed beyond them.
    pub(super) longest: usize,
    /// For each step `[batch, 1]`: 1 where the sequence goes on, 0 past its end; `None` where all go on.
    masks: Vec<Option<Tensor<T>>>,
    /// The same, `[batch, time, 1]`.
    all: Option<Tensor<T>>,
}

impl<T: Element> Lengths<T> {
    /// Every sequence has all steps.
    pub(super) fn full(time: usize) -> Lengths<T> {
        Lengths { longest: time, masks: vec![None; time], all: None }
    }

    /// # Errors
    /// If there is not one length for each sequence, or one is not between 1 and `time`.
    pub(super) fn new(lengths: &[usize], batch: usize, time: usize) -> Result<Lengths<T>, Error> {
        let refused = |reason| Err(Error::Invalid { op: "recurrent", reason });
        if lengths.len() != batch {
            return refused(format!(
                "expected a length for each of {batch} sequences, found {}",
                lengths.len()
            ));
        }
        if let Some(i) = lengths.iter().position(|length| !(1..=time).contains(length)) {
            return refused(format!(
                "expected lengths from 1 to {time}, found {} of sequence {i}",
                lengths[i]
            ));
        }
        let longest = lengths.iter().copied().max().unwrap_or(time);
        let shortest = lengths.iter().copied().min().unwrap_or(time);
        let goes_on = |i: usize, t: usize| if t < lengths[i] { T::ONE } else { T::ZERO };
        let mask = |t| (t >= shortest).then(|| Tensor::from_fn([batch, 1], |at| goes_on(at[0], t)));
        let all = (shortest < time).then(|| Tensor::from_fn([batch, time, 1], |at| goes_on(at[0], at[1])));
        Ok(Lengths { longest, masks: (0..time).map(mask).collect(), all })
    }

    /// The inputs with zeros past the ends: the padding must not meet a weight.
    #[track_caller]
    pub(super) fn clear<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        self.all.as_ref().map_or(x, |mask| Var::select(mask, x, T::ZERO))
    }

    /// `next` where the sequence has a step `t`, 0 past its end.
    #[track_caller]
    pub(super) fn or_zero<'t>(&self, t: usize, next: Var<'t, T>) -> Var<'t, T> {
        self.masks[t].as_ref().map_or(next, |mask| Var::select(mask, next, T::ZERO))
    }

    /// `next` where the sequence has a step `t`, `last` past its end.
    #[track_caller]
    pub(super) fn or_last<'t>(&self, t: usize, next: Var<'t, T>, last: Var<'t, T>) -> Var<'t, T> {
        self.masks[t].as_ref().map_or(next, |mask| Var::select(mask, next, last))
    }
}
