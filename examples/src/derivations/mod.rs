//! Four systems with their derivations by hand, and mistakes to plant in them: for `backprop_by_hand` and its tests.

pub mod compute_graph;
pub mod mistakes;
pub mod networks;
pub mod staged;

use gradcheck::Inputs;
use gradcheck::trace::{Derivation, Steps};
use tape::{Element, Scalar, Tensor};

/// A mistake that can be planted in one closed form of a derivation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Its name, for the command line.
    pub name: &'static str,
    /// The mistake in words.
    pub text: &'static str,
    /// The value whose closed form it is made in.
    pub row: String,
    /// The key of the cause that a trace should name.
    pub cause: &'static str,
}

/// A derivation in which each closed form can be replaced by a wrong one.
pub trait Mistakes: Derivation {
    /// The wrong closed form for a mistake, from the steps before it and the right one.
    fn wrong<T: Element>(&self, mistake: &str, d: &Steps<T>, right: Tensor<T>) -> Tensor<T>;
}

/// A derivation with a mistake.
#[derive(Clone, Debug)]
pub struct Planted<D> {
    /// The right derivation.
    pub right: D,
    /// The mistake, if there is one.
    pub mistake: Option<Mistake>,
}

impl<D: Mistakes + Clone + 'static> Derivation for Planted<D> {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Scalar<'t, T> {
        self.right.record(v)
    }

    fn derive<T: Element>(&self, d: &mut Steps<T>) {
        if let Some(mistake) = self.mistake.clone() {
            let derivation = self.right.clone();
            d.replace(mistake.row, move |d, right| derivation.wrong(mistake.name, d, right));
        }
        self.right.derive(d);
    }
}

/// `x` without all but the last of its rows.
fn last_row<T: Element>(x: &Tensor<T>) -> Tensor<T> {
    let n = x.shape()[0];
    x.slice(0, n - 1..n)
}
