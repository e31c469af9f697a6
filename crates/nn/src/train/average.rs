//! The mean of the weights of several epochs.

use crate::files::{Problem, State};
use crate::parameters::{Parameters, Path};
use crate::state::{load_state_dict, state_dict};
use tape::Element;

/// The mean of all weights seen, each with the same share. Buffers are not averaged: the last ones count.
#[derive(Clone, Debug, Default)]
pub(super) struct Average<T: Element> {
    updates: usize,
    values: State<T>,
}

impl<T: Element> Average<T> {
    pub(super) fn equal() -> Average<T> {
        Average { updates: 0, values: State::new() }
    }

    /// Takes the weights of the same model each time: `a ← a + (w - a) / n`.
    pub(super) fn update(&mut self, model: &(impl Parameters<T> + ?Sized)) {
        self.updates += 1;
        if self.updates == 1 {
            self.values = state_dict(model);
            return;
        }
        let share = T::from_f64(1.0 / self.updates as f64);
        let mut values = self.values.iter_mut();
        model.visit(&Path::root(), &mut |_, param| {
            let Some((_, average)) = values.next() else { return };
            if !param.is_trainable() {
                *average = param.value().clone();
                return;
            }
            for (a, w) in average.as_mut_slice().iter_mut().zip(param.value().to_vec()) {
                *a += share * (w - *a);
            }
        });
    }

    /// Gives the model the mean; without an update it stays as it is.
    pub(super) fn apply(&self, model: &mut (impl Parameters<T> + ?Sized)) -> Result<(), Problem> {
        if self.updates == 0 { Ok(()) } else { load_state_dict(model, self.values.clone()) }
    }
}
