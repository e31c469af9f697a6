//! The arguments of a checked function, by name.

use std::ops::Index;
use std::sync::Arc;
use tape::{Element, Scalar, Tape, Tensor, Var};

/// The inputs of a check on a tape: `v["w"]` is the input of that name.
#[derive(Clone, Debug)]
pub struct Inputs<'t, T: Element = f64> {
    tape: &'t Tape<T>,
    names: Arc<[String]>,
    vars: Vec<Var<'t, T>>,
}

impl<'t, T: Element> Inputs<'t, T> {
    /// Records the values as leaves, or as constants if they are not `tracked`.
    #[track_caller]
    pub(crate) fn record(
        tape: &'t Tape<T>,
        names: &Arc<[String]>,
        values: &[Tensor<T>],
        tracked: &[bool],
    ) -> Self {
        let leaf = |(value, &tracked): (&Tensor<T>, &bool)| {
            if tracked { tape.var(value.clone()) } else { tape.constant(value.clone()) }
        };
        Inputs { tape, names: names.clone(), vars: values.iter().zip(tracked).map(leaf).collect() }
    }

    /// The tape on which they are recorded.
    pub fn tape(&self) -> &'t Tape<T> {
        self.tape
    }

    /// Returns the input of this name as a scalar.
    ///
    /// # Panics
    /// If there is no such input, or its rank is not 0.
    #[track_caller]
    pub fn scalar(&self, name: &str) -> Scalar<'t, T> {
        self[name].item()
    }

    /// Returns the input with this index, in the order in which they were given, from 0.
    ///
    /// # Panics
    /// If there are not this many inputs.
    #[track_caller]
    pub fn at(&self, number: usize) -> Var<'t, T> {
        self.vars[number]
    }
}

impl<'t, T: Element> Index<&str> for Inputs<'t, T> {
    type Output = Var<'t, T>;

    #[track_caller]
    fn index(&self, name: &str) -> &Var<'t, T> {
        match self.names.iter().position(|known| known == name) {
            Some(at) => &self.vars[at],
            None => panic!("gradcheck: expected one of the inputs {:?}, found {name:?}", self.names),
        }
    }
}
