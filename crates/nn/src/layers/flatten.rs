//! Flattening of all axes but the first.

use crate::module::{Context, Module, without_parameters};
use tape::{Element, Var};

/// `[batch, ..]` as `[batch, rest]`, the elements in the same order: the usual step between convolutions and
/// fully connected layers.
///
/// ```
/// use nn::{Context, Flatten, Module};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 2.0], [3.0, 4.0]]]);
/// let y = Flatten.forward(x, &mut Context::eval());
/// assert_eq!(y.value(), Tensor::from([[1.0, 2.0, 3.0, 4.0]]));
/// assert_eq!(y.vjp([[5.0, 6.0, 7.0, 8.0]]).wrt(x), Tensor::from([[[5.0, 6.0], [7.0, 8.0]]]));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flatten;

without_parameters!(Flatten);

impl<T: Element> Module<T> for Flatten {
    fn forward<'t>(&self, x: Var<'t, T>, _cx: &mut Context<T>) -> Var<'t, T> {
        x.flatten(1..)
    }
}
