//! What a loss compares predictions with.

use super::one_hot;
use tape::{Element, Error, Tape, Tensor, Var};

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

/// Targets of a classification: labels `&[usize]`, one for each sample, or distributions as any [`Target`].
pub trait ClassTarget<'t, T: Element> {
    /// The distributions, of the shape of the predictions.
    #[doc(hidden)]
    fn distributions(self, predictions: Var<'t, T>) -> Var<'t, T>;
}

impl<'t, T: Element> ClassTarget<'t, T> for Var<'t, T> {
    #[track_caller]
    fn distributions(self, predictions: Var<'t, T>) -> Var<'t, T> {
        self.on(predictions.tape())
    }
}

impl<'t, T: Element> ClassTarget<'t, T> for &Tensor<T> {
    #[track_caller]
    fn distributions(self, predictions: Var<'t, T>) -> Var<'t, T> {
        self.on(predictions.tape())
    }
}

impl<'t, T: Element> ClassTarget<'t, T> for Tensor<T> {
    #[track_caller]
    fn distributions(self, predictions: Var<'t, T>) -> Var<'t, T> {
        self.on(predictions.tape())
    }
}

impl<'t, T: Element> ClassTarget<'t, T> for &[usize] {
    #[track_caller]
    fn distributions(self, predictions: Var<'t, T>) -> Var<'t, T> {
        let shape = predictions.shape();
        if shape.rank() != 2 {
            let error = Error::Rank {
                op: "cross_entropy",
                expected: "predictions [N, classes]",
                found: shape.dims(),
            };
            error.panic();
        }
        match one_hot(self, shape[1]) {
            Ok(y) => predictions.tape().constant(y),
            Err(error) => error.panic(),
        }
    }
}

impl<'t, T: Element> ClassTarget<'t, T> for &Vec<usize> {
    #[track_caller]
    fn distributions(self, predictions: Var<'t, T>) -> Var<'t, T> {
        self.as_slice().distributions(predictions)
    }
}

impl<'t, T: Element, const N: usize> ClassTarget<'t, T> for &[usize; N] {
    #[track_caller]
    fn distributions(self, predictions: Var<'t, T>) -> Var<'t, T> {
        self.as_slice().distributions(predictions)
    }
}
