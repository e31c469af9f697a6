//! The state that a resumed run of L-BFGS needs.

use super::history::{History, Pair};
use super::{Last, Lbfgs};
use crate::checkpoint::{SavedState, finite_of, rate_of, tensor_of};
use crate::files::StateError;
use std::collections::HashSet;
use std::collections::VecDeque;
use tape::{Element, Tensor};

const LENGTH: &str = "length";
const RATE: &str = "learning_rate";

impl<T: Element> Lbfgs<T> {
    /// The learning rate, the last iteration and the memory; all parameters are one vector, in order of visit.
    ///
    /// ```
    /// use nn::Param;
    /// use nn::optim::Lbfgs;
    /// use tape::Tape;
    /// let objective = |w: &Param| {
    ///     let tape = Tape::new();
    ///     let f = (w.on(&tape).square().square() + w.on(&tape)).sum();
    ///     (f.value(), f.backward())
    /// };
    /// let mut w = Param::new([2.0, -1.0]);
    /// let mut optimizer = Lbfgs::new().iterations(3);
    /// optimizer.step(&mut w, objective);
    /// let (mut copy, mut resumed) = (w.clone(), Lbfgs::new().iterations(3));
    /// resumed.restore(&copy, optimizer.save())?;
    /// assert_eq!(resumed.step(&mut copy, objective), optimizer.step(&mut w, objective));
    /// assert_eq!(copy.value(), w.value());
    /// # Ok::<(), nn::files::StateError>(())
    /// ```
    pub fn save(&self) -> SavedState<T> {
        let mut saved = SavedState::of_numbers([(RATE, self.learning_rate)]);
        let Some(Last { direction, length, gradient }) = &self.last else { return saved };
        saved.numbers.push((LENGTH.to_owned(), *length));
        let mut put = |name: String, x: &[T]| saved.tensors.push((name, Tensor::from(x)));
        put("direction".to_owned(), direction);
        put("gradient".to_owned(), gradient);
        for (i, Pair { s, y }) in self.memory.pairs.iter().enumerate() {
            put(format!("step.{i}"), s);
            put(format!("change.{i}"), y);
        }
        saved
    }

    /// Resumes from a state of [`save`](Lbfgs::save), with the parameters of `model`.
    ///
    /// # Errors
    /// If names are missing or unexpected, the vectors are not as long as the trainable parameters of
    /// `model`, or a number is infinite or NaN. The optimizer is then unchanged.
    pub fn restore(
        &mut self,
        model: &(impl crate::Parameters<T> + ?Sized),
        saved: SavedState<T>,
    ) -> Result<(), StateError> {
        let begun = saved.number(LENGTH).is_some();
        let held: HashSet<&str> = saved.tensors.iter().map(|(name, _)| name.as_str()).collect();
        let remembered = (0..).take_while(|i| held.contains(format!("step.{i}").as_str())).count();
        let mut names = Vec::new();
        if begun {
            names.extend(["direction".to_owned(), "gradient".to_owned()]);
            names.extend((0..remembered).flat_map(|i| [format!("step.{i}"), format!("change.{i}")]));
        }
        let shape = [model.count()];
        let wanted: Vec<(&str, &[usize])> = names.iter().map(|name| (name.as_str(), &shape[..])).collect();
        let numbers: &[&str] = if begun { &[RATE, LENGTH] } else { &[RATE] };
        let (tensors, numbers) = saved.exactly(&wanted, numbers)?;
        let vectors: Result<Vec<Vec<T>>, StateError> =
            names.iter().zip(tensors).map(|(name, tensor)| Ok(tensor_of(name, tensor)?.to_vec())).collect();
        let mut vectors = vectors?.into_iter();
        let mut next = || vectors.next().unwrap_or_default();
        let rate = rate_of(RATE, numbers.first().copied().unwrap_or_default())?;
        let length = numbers.get(1).map(|&length| finite_of(LENGTH, length)).transpose()?;
        let last = length.map(|length| Last { direction: next(), length, gradient: next() });
        let pairs: VecDeque<Pair<T>> = (0..remembered).map(|_| Pair { s: next(), y: next() }).collect();
        if let Some(i) = pairs.iter().position(|pair| !pair.curves()) {
            let number = format!("change.{i}");
            return Err(StateError::Number {
                number,
                expected: "a positive curvature",
                found: "none".to_owned(),
            });
        }
        self.learning_rate = rate;
        self.last = last;
        self.memory = History { pairs };
        Ok(())
    }
}
