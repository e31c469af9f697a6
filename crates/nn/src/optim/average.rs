//! Averages of weights over the course of training.

use crate::checkpoint::{SavedState, count_of};
use crate::files::{State, StateError};
use crate::parameters::{Parameters, Path};
use crate::setting::{self, expect};
use crate::state::{load_state_dict, state_dict};
use tape::{Element, Tensor};

/// The mean of a model's weights during training, which averages out the noise of single batches.
///
/// ```
/// use nn::optim::Average;
/// use nn::Param;
/// let mut w = Param::new([1.0]);
/// let (mut equal, mut exponential) = (Average::swa(), Average::ema(0.75));
/// for value in [1.0, 2.0, 6.0] {
///     w.value_mut().as_mut_slice()[0] = value;
///     equal.update(&w);
///     exponential.update(&w);
/// }
/// let mut averaged = w.clone();
/// equal.apply(&mut averaged)?;
/// assert_eq!(averaged.value().item(), 3.0);
/// exponential.apply(&mut averaged)?;
/// assert_eq!(averaged.value().item(), 0.75 * (0.75 * 1.0 + 0.25 * 2.0) + 0.25 * 6.0);
/// # Ok::<(), nn::files::StateError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Average<T: Element = f64> {
    /// The decay; `None` for equal weights.
    decay: Option<f64>,
    updates: u64,
    values: State<T>,
}

impl<T: Element> Average<T> {
    /// The mean with equal weights: stochastic weight averaging (Izmailov and others 2018), if
    /// [`update`](Average::update) is called once an epoch late in training.
    pub fn swa() -> Average<T> {
        Average { decay: None, updates: 0, values: State::new() }
    }

    /// The exponential mean `a ← d a + (1 - d) w`, starting from the first weights. `d` is usually 0.99 to
    /// 0.9999, with an update after every step.
    ///
    /// # Panics
    /// If `d` is not in [0, 1).
    #[track_caller]
    pub fn ema(decay: f64) -> Average<T> {
        expect(setting::share("average", "decay", decay));
        Average { decay: Some(decay), ..Average::swa() }
    }

    /// The number of updates so far.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Adds the current weights to the average. Buffers are not averaged: the last ones are kept.
    ///
    /// # Panics
    /// If parameters or their shapes differ from those at the first update; then nothing changes. If a weight
    /// is infinite or NaN, and was not from the start; then its average is unchanged.
    #[track_caller]
    pub fn update(&mut self, model: &(impl Parameters<T> + ?Sized)) {
        if self.updates == 0 {
            self.values = state_dict(model);
            self.updates = 1;
            return;
        }
        self.compare(model);
        self.updates += 1;
        let share = T::from_f64(self.decay.map_or(1.0 / self.updates as f64, |decay| 1.0 - decay));
        let mut averages = self.values.iter_mut();
        let mut broken = None;
        model.visit(&Path::root(), &mut |_, param| {
            let Some((name, average)) = averages.next() else { return };
            if !param.is_trainable() {
                *average = param.latest();
            } else if !approach(average, param.value(), share) {
                broken.get_or_insert(&*name);
            }
        });
        if let Some(name) = broken {
            panic!("average: expected finite weights, found infinite or NaN elements in {name:?}")
        }
    }

    /// Refuses a model whose parameters are not those that were averaged so far.
    #[track_caller]
    fn compare(&self, model: &(impl Parameters<T> + ?Sized)) {
        let mut averages = self.values.iter();
        let mut other = None;
        model.visit(&Path::root(), &mut |path, param| {
            let same = averages.next().is_some_and(|(_, average)| average.shape() == param.value().shape());
            if !same {
                other.get_or_insert_with(|| path.to_string());
            }
        });
        if let Some(name) = other {
            panic!("average: {name} is not a parameter of the model that was averaged so far")
        }
        if let Some((name, _)) = averages.next() {
            panic!("average: {name} was averaged so far and is not a parameter of the model")
        }
    }

    /// Assigns the averages to a model, usually a copy of the one being trained.
    ///
    /// # Errors
    /// If its names or shapes are not those of the averaged model, or there was no update. The model is then
    /// unchanged.
    pub fn apply(&self, model: &mut (impl Parameters<T> + ?Sized)) -> Result<(), StateError> {
        load_state_dict(model, self.values.clone())
    }

    /// The state for [`restore`](Average::restore).
    pub fn save(&self) -> SavedState<T> {
        let mut saved = SavedState::of_numbers([("updates", self.updates as f64)]);
        saved.tensors = self.values.clone();
        saved
    }

    /// Resumes from a state of [`save`](Average::save), for the parameters of `model`.
    ///
    /// # Errors
    /// If names or shapes are not those of `model`, or the number of updates is not whole. The average is
    /// then unchanged.
    pub fn restore(
        &mut self,
        model: &(impl Parameters<T> + ?Sized),
        saved: SavedState<T>,
    ) -> Result<(), StateError> {
        let mut values = if saved.number("updates") == Some(0.0) { State::new() } else { state_dict(model) };
        let wanted: Vec<(&str, &[usize])> =
            values.iter().map(|(name, value)| (name.as_str(), &value.shape()[..])).collect();
        let (tensors, numbers) = saved.exactly(&wanted, &["updates"])?;
        values.iter_mut().zip(tensors).for_each(|((_, value), tensor)| *value = tensor);
        self.updates = count_of("updates", numbers.first().copied().unwrap_or_default())?;
        self.values = values;
        Ok(())
    }
}

/// `a ← a + share (w - a)`, except where that would be infinite or NaN. Returns `true` if that was nowhere.
fn approach<T: Element>(average: &mut Tensor<T>, weights: &Tensor<T>, share: T) -> bool {
    let weights = weights.contiguous();
    let weights = weights.as_slice().unwrap_or_default();
    let mut finite = true;
    for (a, &w) in average.as_mut_slice().iter_mut().zip(weights) {
        let new = *a + share * (w - *a);
        // An infinite weight may stay infinite.
        finite &= new.is_finite() | (w == *a);
        *a = if new.is_finite() { new } else { *a };
    }
    finite
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Param;

    #[test]
    fn buffers_are_copied_and_a_restored_average_goes_on() {
        let mut model = vec![Param::new([1.0]), Param::buffer([1.0])];
        let mut average = Average::swa();
        let visit = |model: &mut Vec<Param>, average: &mut Average, value: f64| {
            model.iter_mut().for_each(|param| param.value_mut().as_mut_slice()[0] = value);
            average.update(&*model);
        };
        visit(&mut model, &mut average, 1.0);
        visit(&mut model, &mut average, 3.0);
        let mut restored = Average::swa();
        assert_eq!(restored.restore(&model, average.save()), Ok(()));
        for average in [&mut average, &mut restored] {
            visit(&mut model, average, 5.0);
            let mut copy = model.clone();
            assert_eq!(average.apply(&mut copy), Ok(()));
            assert_eq!(copy.iter().map(|p| p.value().item()).collect::<Vec<_>>(), [3.0, 5.0]);
        }
        assert!(restored.restore(&model[..1], average.save()).is_err());
        assert_eq!(restored.updates(), 3);
    }

    #[test]
    #[should_panic(expected = "average: 1 is not a parameter of the model that was averaged so far")]
    fn another_model_is_refused() {
        let model = vec![Param::new([1.0])];
        let mut average = Average::ema(0.9);
        average.update(&model);
        average.update(&vec![Param::new([1.0]), Param::new([1.0])]);
    }
}
