//! Saved training state: named tensors and numbers.

use crate::files::{State, StateError, matching};
use std::collections::{HashMap, HashSet};
use tape::{Element, Tensor};

/// Named tensors and numbers: the saved state of an optimizer, a schedule, or an average.
///
/// ```
/// use nn::Param;
/// use nn::optim::{Optimizer, Sgd};
/// use tape::Tape;
/// let mut w = Param::new([1.0]);
/// let mut optimizer = Sgd::new(0.1).momentum(0.5);
/// let grads = { let tape = Tape::new(); (w.on(&tape) * 3.0).sum().backward() };
/// optimizer.step(&mut w, &grads);
/// let saved = optimizer.save(&w);
/// assert_eq!(saved.number("learning_rate"), Some(0.1));
/// assert_eq!(saved.tensor("velocity").map(|v| v.to_vec()), Some(vec![3.0]));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SavedState<T: Element = f64> {
    /// Tensors by name.
    pub tensors: State<T>,
    /// Numbers by name.
    pub numbers: Vec<(String, f64)>,
}

impl<T: Element> SavedState<T> {
    /// An empty state.
    pub fn new() -> SavedState<T> {
        SavedState { tensors: State::new(), numbers: Vec::new() }
    }

    /// A state of numbers only.
    pub fn of_numbers<const N: usize>(numbers: [(&str, f64); N]) -> SavedState<T> {
        let numbers = numbers.map(|(name, number)| (name.to_owned(), number));
        SavedState { tensors: State::new(), numbers: numbers.into() }
    }

    /// The number of that name.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.numbers.iter().find(|(found, _)| found == name).map(|&(_, number)| number)
    }

    /// The tensor of that name.
    pub fn tensor(&self, name: &str) -> Option<&Tensor<T>> {
        self.tensors.iter().find(|(found, _)| found == name).map(|(_, tensor)| tensor)
    }

    /// Returns the tensors and numbers of these names, provided that names and shapes match exactly.
    ///
    /// # Errors
    /// [`StateError::Names`] and [`StateError::Shape`] as [`matching`], [`StateError::Numbers`] for the numbers.
    pub fn exactly(
        self,
        tensors: &[(&str, &[usize])],
        numbers: &[&str],
    ) -> Result<(Vec<Tensor<T>>, Vec<f64>), StateError> {
        // Like `number`, takes the first of two with the same name.
        let mut saved = HashMap::new();
        for (name, number) in &self.numbers {
            saved.entry(name.as_str()).or_insert(*number);
        }
        let wanted: HashSet<&str> = numbers.iter().copied().collect();
        let missing = numbers.iter().filter(|&&name| !saved.contains_key(name));
        let missing: Vec<String> = missing.map(|&name| name.to_owned()).collect();
        let unexpected = self.numbers.iter().filter(|(name, _)| !wanted.contains(name.as_str()));
        let unexpected: Vec<String> = unexpected.map(|(name, _)| name.clone()).collect();
        if !missing.is_empty() || !unexpected.is_empty() {
            return Err(StateError::Numbers { missing, unexpected });
        }
        let found = numbers.iter().filter_map(|&name| saved.get(name).copied()).collect();
        Ok((matching(self.tensors, tensors)?, found))
    }
}

/// Returns the number, or an error unless it is `right`.
fn number_of(name: &str, number: f64, right: bool, expected: &'static str) -> Result<f64, StateError> {
    if right {
        return Ok(number);
    }
    Err(StateError::Number { number: name.to_owned(), expected, found: number.to_string() })
}

/// A saved learning rate.
pub(crate) fn rate_of(name: &str, number: f64) -> Result<f64, StateError> {
    number_of(name, number, number.is_finite() && number >= 0.0, "a finite number of 0 or more")
}

/// A saved number that is finite.
pub(crate) fn finite_of(name: &str, number: f64) -> Result<f64, StateError> {
    number_of(name, number, number.is_finite(), "a finite number")
}

/// A saved count: a whole number that is exact in `f64`.
pub(crate) fn count_of(name: &str, number: f64) -> Result<u64, StateError> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let right = (0.0..=EXACT).contains(&number) && number.trunc() == number;
    Ok(number_of(name, number, right, "a whole number from 0 to 2^53")? as u64)
}

/// A saved tensor, all of whose elements are finite.
pub(crate) fn tensor_of<T: Element>(name: &str, tensor: Tensor<T>) -> Result<Tensor<T>, StateError> {
    match tensor.to_vec().iter().find(|x| !x.is_finite()) {
        None => Ok(tensor),
        Some(found) => Err(StateError::Number {
            number: name.to_owned(),
            expected: "finite elements",
            found: found.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exactly_those_that_were_asked_for() {
        let saved = SavedState::<f64>::of_numbers([("a", 1.0), ("b", f64::INFINITY)]);
        assert_eq!(saved.clone().exactly(&[], &["b", "a"]), Ok((vec![], vec![f64::INFINITY, 1.0])));
        let error = saved.clone().exactly(&[], &["b", "c"]).unwrap_err();
        assert_eq!(error.to_string(), "missing numbers: c; unexpected numbers: a");
        let error = saved.exactly(&[("t", &[2])], &["a", "b"]).unwrap_err();
        assert_eq!(error.to_string(), "missing tensors: t");
    }
}
