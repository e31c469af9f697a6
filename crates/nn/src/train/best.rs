//! The best weights so far.

use crate::Parameters;
use crate::files::{State, StateError};
use crate::optim::schedule::Goal;
use crate::state::{load_state_dict, state_dict};
use tape::Element;

/// Returns `true` if `measured` is better than `best` by more than `change`. NaN is never better, not even
/// than no measurement.
pub(super) fn improves(goal: Goal, measured: f64, best: Option<f64>, change: f64) -> bool {
    match (goal, best) {
        (_, None) => !measured.is_nan(),
        (Goal::Minimize, Some(best)) => measured < best - change,
        (Goal::Maximize, Some(best)) => measured > best + change,
    }
}

/// The parameters of a model at its best: all of them, frozen ones and buffers too.
///
/// They share memory with the model until the next step, which then copies what it writes.
///
/// ```
/// use nn::Param;
/// use nn::optim::schedule::Goal;
/// use nn::train::BestWeights;
/// let mut w = Param::new([1.0]);
/// let mut best = BestWeights::new(Goal::Maximize);
/// for (accuracy, weight) in [(0.5, 1.0), (0.75, 2.0), (0.5, 3.0), (f64::NAN, 4.0)] {
///     w.value_mut().as_mut_slice()[0] = weight;
///     best.observe(accuracy, &w);
/// }
/// assert_eq!((best.value(), best.observation()), (Some(0.75), Some(2)));
/// best.restore(&mut w)?;
/// assert_eq!(w.value().item(), 2.0);
/// # Ok::<(), nn::files::StateError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct BestWeights<T: Element = f64> {
    goal: Goal,
    observations: usize,
    best: Option<(usize, f64, State<T>)>,
}

impl<T: Element> BestWeights<T> {
    /// No observation yet. The default goal is the least.
    pub fn new(goal: Goal) -> BestWeights<T> {
        BestWeights { goal, observations: 0, best: None }
    }

    /// Records a measurement of a model. Returns `true` if it is better than all before; a tie is not, and
    /// NaN never is.
    pub fn observe(&mut self, measured: f64, model: &(impl Parameters<T> + ?Sized)) -> bool {
        self.observations += 1;
        let better = improves(self.goal, measured, self.value(), 0.0);
        if better {
            self.best = Some((self.observations, measured, state_dict(model)));
        }
        better
    }

    /// The best value; `None` before the first that is a number.
    pub fn value(&self) -> Option<f64> {
        self.best.as_ref().map(|(_, value, _)| *value)
    }

    /// The index of the best observation, from 1: the epoch, if there is one for each.
    pub fn observation(&self) -> Option<usize> {
        self.best.as_ref().map(|(observation, ..)| *observation)
    }

    /// Restores the best weights of a model. Without observations it is unchanged.
    ///
    /// # Errors
    /// As [`load_state_dict`], for a model with other names or shapes.
    pub fn restore(&self, model: &mut (impl Parameters<T> + ?Sized)) -> Result<(), StateError> {
        self.best.as_ref().map_or(Ok(()), |(.., state)| load_state_dict(model, state.clone()))
    }
}
