//! State that training saves: tensors and numbers, each with a name.

use crate::files::{Problem, State, matching};
use std::collections::{HashMap, HashSet};
use tape::{Element, Tensor};

/// Named tensors and named numbers: what is to be kept of an optimizer, a schedule, or an average.
///
/// ```
/// use nn::{Optimizer, Param, Sgd};
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
    /// Nothing.
    pub fn new() -> SavedState<T> {
        SavedState { tensors: State::new(), numbers: Vec::new() }
    }

    /// Only numbers.
    pub fn of_numbers<const N: usize>(numbers: [(&str, f64); N]) -> SavedState<T> {
        let numbers = numbers.map(|(name, number)| (name.to_owned(), number));
        SavedState { tensors: State::new(), numbers: numbers.into() }
    }

    /// The number of a name.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.numbers.iter().find(|(found, _)| found == name).map(|&(_, number)| number)
    }

    /// The tensor of a name.
    pub fn tensor(&self, name: &str) -> Option<&Tensor<T>> {
        self.tensors.iter().find(|(found, _)| found == name).map(|(_, tensor)| tensor)
    }

    /// The tensors and numbers of these names, if the names and shapes are exactly those.
    ///
    /// # Errors
    /// [`Problem::Names`] and [`Problem::Shape`] as [`matching`], [`Problem::Numbers`] for the numbers.
    pub fn exactly(
        self,
        tensors: &[(&str, &[usize])],
        numbers: &[&str],
    ) -> Result<(Vec<Tensor<T>>, Vec<f64>), Problem> {
        // As `number` finds them: of two with one name the first.
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
            return Err(Problem::Numbers { missing, unexpected });
        }
        let found = numbers.iter().filter_map(|&name| saved.get(name).copied()).collect();
        Ok((matching(self.tensors, tensors)?, found))
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
