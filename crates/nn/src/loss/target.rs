//! The targets of losses.

use tape::{Element, Tape, Tensor, Var};

/// Targets of a loss: a tensor, which becomes a constant of the tape, or a recorded tensor.
pub trait Target<'t, T: Element> {
    /// The targets on the tape of the predictions.
    #[doc(hidden)]
    fn on(self, tape: &'t Tape<T>) -> Var<'t, T>;
}

impl<'t, T: Element> Target<'t, T> for Var<'t, T> {
    fn on(self, _tape: &'t Tape<T>) -> Var<'t, T> {
        self
    }
}

impl<'t, T: Element> Target<'t, T> for &Tensor<T> {
    #[track_caller]
    fn on(self, tape: &'t Tape<T>) -> Var<'t, T> {
        tape.constant(self.clone())
    }
}

impl<'t, T: Element> Target<'t, T> for Tensor<T> {
    #[track_caller]
    fn on(self, tape: &'t Tape<T>) -> Var<'t, T> {
        tape.constant(self)
    }
}

/// Targets of a classification: one label for each sample, or distributions as any [`Target`].
///
/// Labels are a reference to a slice, vector or array of `usize`, `i64` or `i32`; use a signed type if a
/// negative label marks samples to ignore.
pub trait ClassTarget<'t, T: Element> {
    /// The targets on the tape of the predictions.
    #[doc(hidden)]
    fn on(self, tape: &'t Tape<T>) -> ClassTargets<'t, T>;
}

/// The two kinds of [`ClassTarget`].
#[doc(hidden)]
#[derive(Debug)]
pub enum ClassTargets<'t, T: Element> {
    /// One label for each sample.
    Labels(Vec<i64>),
    /// A distribution for each sample.
    Distributions(Var<'t, T>),
}

/// Implements [`ClassTarget`] for distributions.
macro_rules! distributions {
    ($($target:ty),*) => {$(
        impl<'t, T: Element> ClassTarget<'t, T> for $target {
            #[track_caller]
            fn on(self, tape: &'t Tape<T>) -> ClassTargets<'t, T> {
                ClassTargets::Distributions(Target::on(self, tape))
            }
        }
    )*};
}

distributions!(Var<'t, T>, &Tensor<T>, Tensor<T>);

/// Implements [`ClassTarget`] for slices, vectors and arrays of a type of labels.
macro_rules! labels {
    ($($label:ty: $convert:expr),*) => {$(
        impl<'t, T: Element> ClassTarget<'t, T> for &[$label] {
            fn on(self, _tape: &'t Tape<T>) -> ClassTargets<'t, T> {
                ClassTargets::Labels(self.iter().copied().map($convert).collect())
            }
        }

        impl<'t, T: Element> ClassTarget<'t, T> for &Vec<$label> {
            fn on(self, tape: &'t Tape<T>) -> ClassTargets<'t, T> {
                ClassTarget::<T>::on(self.as_slice(), tape)
            }
        }

        impl<'t, T: Element, const N: usize> ClassTarget<'t, T> for &[$label; N] {
            fn on(self, tape: &'t Tape<T>) -> ClassTargets<'t, T> {
                ClassTarget::<T>::on(self.as_slice(), tape)
            }
        }
    )*};
}

// A label beyond `i64` is not a class in any case.
labels!(
    usize: |label| i64::try_from(label).unwrap_or(i64::MAX),
    i64: |label| label,
    i32: i64::from
);
