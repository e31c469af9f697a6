//! The closed forms of a derivation, evaluated in one number type.

use super::recording::Recording;
use std::collections::{HashMap, HashSet};
use tape::{Element, Tensor};

/// An equation of a derivation: the label it has in a text, and its right-hand side.
///
/// ```
/// use gradcheck::trace::Equation;
/// let equation = Equation::new("BP4", "δ (aˡ⁻¹)ᵀ").by_columns();
/// assert_eq!(equation.to_string(), "BP4: δ (aˡ⁻¹)ᵀ");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equation {
    pub(super) label: String,
    pub(super) formula: String,
    pub(super) columns: bool,
}

impl Equation {
    /// An equation whose closed form has the shape of the value.
    pub fn new(label: impl Into<String>, formula: impl Into<String>) -> Equation {
        Equation { label: label.into(), formula: formula.into(), columns: false }
    }

    /// The same for a closed form that gives the transpose: of a value that the tape holds with one sample per row and the
    /// derivation with one sample per column.
    pub fn by_columns(self) -> Equation {
        Equation { columns: true, ..self }
    }
}

impl std::fmt::Display for Equation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.label, self.formula)
    }
}

/// A step that was taken.
pub(super) struct Step<T: Element> {
    pub(super) name: String,
    pub(super) equation: Equation,
    /// The closed form, in the layout of the value.
    pub(super) hand: Tensor<T>,
}

/// Another closed form for a step: from the steps so far and the value of the original.
type Variant<T> = Box<dyn Fn(&Steps<T>, Tensor<T>) -> Tensor<T>>;

/// Returns `true` if a closed form is wrong, from its value and the adjoint.
pub(super) type Judge<T> = fn(&Tensor<T>, &Tensor<T>) -> bool;

/// The steps of a derivation: what a [`Derivation`](super::Derivation) reads, and where it adds a step for each value.
pub struct Steps<T: Element> {
    values: HashMap<String, Tensor<T>>,
    adjoints: HashMap<String, Tensor<T>>,
    /// The gradients that later steps read.
    gradients: HashMap<String, Tensor<T>>,
    variants: HashMap<String, Variant<T>>,
    pub(super) taken: Vec<Step<T>>,
    /// Steps after which the derivation goes on from the adjoint.
    pub(super) wrong: HashSet<String>,
    judge: Option<Judge<T>>,
}

impl<T: Element> Steps<T> {
    pub(super) fn new(
        recording: &Recording<'_, T>,
        wrong: HashSet<String>,
        judge: Option<Judge<T>>,
    ) -> Steps<T> {
        let (mut values, mut adjoints) = (HashMap::new(), HashMap::new());
        for node in recording.view.nodes() {
            let Some(name) = node.name.as_ref().filter(|name| !values.contains_key(*name)) else { continue };
            values.insert(name.clone(), node.value.clone());
            if let Some(adjoint) = recording.adjoint(node.index) {
                adjoints.insert(name.clone(), adjoint.clone());
            }
        }
        let (gradients, variants) = (HashMap::new(), HashMap::new());
        Steps { values, adjoints, gradients, variants, taken: Vec::new(), wrong, judge }
    }

    /// The recorded value of this name.
    ///
    /// # Panics
    /// If no value has the name.
    #[track_caller]
    pub fn value(&self, name: &str) -> Tensor<T> {
        found(&self.values, "a recorded value", name)
    }

    /// The gradient with respect to the value of this name, by the derivation: a step before this one. After a wrong step it
    /// is the adjoint, so that a mistake is reported once.
    ///
    /// # Panics
    /// If no step before this one derives it.
    #[track_caller]
    pub fn gradient(&self, name: &str) -> Tensor<T> {
        found(&self.gradients, "the gradient of an earlier step", name)
    }

    /// Adds a step: the closed form of the gradient with respect to the value `name`.
    pub fn step(
        &mut self,
        name: impl Into<String>,
        equation: Equation,
        form: impl FnOnce(&Steps<T>) -> Tensor<T>,
    ) {
        let name = name.into();
        let mut hand = form(self);
        if let Some(variant) = self.variants.get(&name) {
            hand = variant(self, hand);
        }
        if equation.columns && hand.rank() == 2 {
            hand = hand.transpose();
        }
        if let Some(adjoint) = self.adjoints.get(&name) {
            if self.judge.is_some_and(|wrong| wrong(&hand, adjoint)) || hand.shape() != adjoint.shape() {
                self.wrong.insert(name.clone());
            }
            let on = if self.wrong.contains(&name) { adjoint } else { &hand };
            self.gradients.insert(name.clone(), on.clone());
        }
        self.taken.push(Step { name, equation, hand });
    }

    /// Replaces the closed form of a later step: `variant` gets the steps so far and the value of the original. To try another
    /// formula, or to plant a mistake.
    pub fn replace(
        &mut self,
        name: impl Into<String>,
        variant: impl Fn(&Steps<T>, Tensor<T>) -> Tensor<T> + 'static,
    ) {
        self.variants.insert(name.into(), Box::new(variant));
    }
}

#[track_caller]
fn found<T: Element>(tensors: &HashMap<String, Tensor<T>>, expected: &str, name: &str) -> Tensor<T> {
    match tensors.get(name) {
        Some(tensor) => tensor.clone(),
        None => {
            let mut known: Vec<&str> = tensors.keys().map(String::as_str).collect();
            known.sort_unstable();
            panic!("trace: expected {expected}, one of {known:?}, found {name:?}")
        }
    }
}
