//! Where the inputs of a program are declared.

use crate::error::Error;
use crate::rules::algebra::Element;
use crate::tape::{Scalar, Tape};
use std::cell::RefCell;

/// An input of a program: a scalar, or several under one name.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Input {
    Scalar(String),
    Group(String, usize),
}

impl Input {
    pub(super) fn name(&self) -> &str {
        match self {
            Input::Scalar(name) | Input::Group(name, _) => name,
        }
    }

    /// The number of scalars.
    pub(super) fn len(&self) -> usize {
        match *self {
            Input::Scalar(_) => 1,
            Input::Group(_, len) => len,
        }
    }
}

/// Records a [`Program`](crate::Program): what its closure gets, to declare inputs.
pub struct Recorder<T: Element = f64> {
    tape: Tape<T>,
    inputs: RefCell<Vec<Input>>,
}

impl<T: Element> Recorder<T> {
    pub(super) fn new() -> Recorder<T> {
        Recorder { tape: Tape::for_program(), inputs: RefCell::default() }
    }

    pub(super) fn tape(&self) -> &Tape<T> {
        &self.tape
    }

    pub(super) fn declared(&self) -> Vec<Input> {
        self.inputs.borrow().clone()
    }

    /// Declares an input, a scalar.
    ///
    /// # Panics
    /// If an input of that name exists.
    #[track_caller]
    pub fn input(&self, name: &str) -> Scalar<'_, T> {
        self.declare(Input::Scalar(name.to_string()));
        self.tape.input()
    }

    /// Declares several inputs.
    ///
    /// # Panics
    /// If an input of one of the names exists.
    #[track_caller]
    pub fn inputs<const N: usize>(&self, names: [&str; N]) -> [Scalar<'_, T>; N] {
        names.map(|name| self.input(name))
    }

    /// Declares an input of `len` scalars: as an operand of [`Program::map_lanes`](crate::Program::map_lanes) a row of a
    /// matrix for each lane, or one vector that all lanes share.
    ///
    /// # Panics
    /// If an input of that name exists.
    #[track_caller]
    pub fn group(&self, name: &str, len: usize) -> Vec<Scalar<'_, T>> {
        self.declare(Input::Group(name.to_string(), len));
        (0..len).map(|_| self.tape.input()).collect()
    }

    /// A constant.
    pub fn constant(&self, value: T) -> Scalar<'_, T> {
        self.tape.scalar_constant(value)
    }

    /// Declares an input like one of another program, and returns its scalars.
    #[track_caller]
    pub(super) fn like(&self, input: &Input) -> Vec<Scalar<'_, T>> {
        match input {
            Input::Scalar(name) => vec![self.input(name)],
            Input::Group(name, len) => self.group(name, *len),
        }
    }

    /// Declares an input of a derivative: like [`like`](Recorder::like), with a number behind the name if it is taken.
    #[track_caller]
    pub(super) fn fresh(&self, input: Input) -> Vec<Scalar<'_, T>> {
        let taken = |name: &str| self.inputs.borrow().iter().any(|known| known.name() == name);
        let first = input.name().to_string();
        let numbered = |number: &usize| if *number == 1 { first.clone() } else { format!("{first}{number}") };
        let name = (1..).map(|number: usize| numbered(&number)).find(|name| !taken(name)).unwrap_or_default();
        self.like(&match input {
            Input::Scalar(_) => Input::Scalar(name),
            Input::Group(_, len) => Input::Group(name, len),
        })
    }

    #[track_caller]
    fn declare(&self, input: Input) {
        let mut inputs = self.inputs.borrow_mut();
        if inputs.iter().any(|known| known.name() == input.name()) {
            let reason = format!("expected a name for each input, found `{}` twice", input.name());
            Error::Invalid { op: "program", reason }.panic();
        }
        inputs.push(input);
    }
}
