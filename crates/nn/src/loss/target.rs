//! The targets of losses.

use crate::Labels;
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
/// Labels are any [`Labels`]; use a signed type if a negative label marks samples to ignore.
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

impl<'t, T: Element, L: Labels + ?Sized> ClassTarget<'t, T> for &L {
    fn on(self, _tape: &'t Tape<T>) -> ClassTargets<'t, T> {
        ClassTargets::Labels(self.to_i64().into_owned())
    }
}
