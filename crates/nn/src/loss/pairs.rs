//! Losses that are a function of prediction and target, element by element: recorded when it is known what becomes of them.

use std::panic::Location;
use tape::ops::SumZip;
use tape::{Binary, Element, Scalar, Var};

/// The function of prediction and target, and its settings.
pub(super) trait Term: Binary {
    /// The settings: `from_settings` of them is the function.
    fn settings(self) -> [f64; 2] {
        [0.0; 2]
    }

    /// The function with these settings.
    fn from_settings(settings: [f64; 2]) -> Self;
}

/// A [`Term`] of each prediction and target. Its type is known to two functions only, so a program contains the losses that it
/// uses and no others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pairs<'t, T: Element> {
    a: Var<'t, T>,
    y: Var<'t, T>,
    settings: [f64; 2],
    each: fn(Pairs<'t, T>) -> Var<'t, T>,
    sum: fn(Pairs<'t, T>) -> Scalar<'t, T>,
}

impl<'t, T: Element> Pairs<'t, T> {
    /// `a` and `y` have one shape.
    pub(super) fn new<F: Term>(a: Var<'t, T>, y: Var<'t, T>, term: F) -> Pairs<'t, T> {
        Pairs { a, y, settings: term.settings(), each: each::<F, T>, sum: sum::<F, T> }
    }

    /// The term of each pair.
    #[track_caller]
    pub(super) fn each(self) -> Var<'t, T> {
        self.a.tape().at_location(Location::caller(), || (self.each)(self))
    }

    /// The sum of all terms, in one pass.
    #[track_caller]
    pub(super) fn sum(self) -> Scalar<'t, T> {
        self.a.tape().at_location(Location::caller(), || (self.sum)(self))
    }
}

fn each<'t, F: Term, T: Element>(pairs: Pairs<'t, T>) -> Var<'t, T> {
    pairs.a.zip(pairs.y, F::from_settings(pairs.settings))
}

fn sum<'t, F: Term, T: Element>(pairs: Pairs<'t, T>) -> Scalar<'t, T> {
    let term = F::from_settings(pairs.settings);
    pairs.a.tape().apply(SumZip(term), &[pairs.a, pairs.y]).item()
}
