//! The simple recurrent layer.

use super::{Cell, CellRule, Recurrent};
use tape::{Element, Var};

/// One step of a simple recurrent layer: `h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`. Elman, 1990.
///
/// ```
/// use nn::{Param, RnnCell};
/// use nn::recurrent::RnnGates;
/// use tape::{Tape, Tensor};
/// let cell = RnnCell {
///     weight_ih: Param::new([[1.0]]),
///     weight_hh: Param::new([[0.5]]),
///     bias_ih: None,
///     bias_hh: None,
///     gates: RnnGates::Tanh,
/// };
/// let tape = Tape::new();
/// let (x, h) = (tape.var([[-1.0]]), tape.var([[2.0]]));
/// let next = cell.forward(x, h);
/// assert_eq!(next.value(), Tensor::from([[0.0]]));
/// let grads = next.sum().backward();
/// assert_eq!((grads.wrt(x), grads.wrt(h)), (Tensor::from([[1.0]]), Tensor::from([[0.5]])));
/// assert_eq!(grads.of(&cell.weight_hh), Tensor::from([[2.0]]));
/// ```
pub type RnnCell<T = f64> = Cell<RnnGates, T>;

/// Simple recurrent layers along a sequence: [`Recurrent`] of [`RnnCell`]s.
///
/// ```
/// use nn::{Parameters, Rnn};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::{Tape, Tensor};
/// let rnn = Rnn::new(3, 5, 2, &mut StdRng::seed_from_u64(0));
/// assert_eq!(rnn.named_parameters()[4].0, "weight_ih_l1");
/// let tape = Tape::new();
/// let (y, h) = rnn.forward(tape.constant(Tensor::zeros([4, 7, 3])), None);
/// assert_eq!((y.shape(), h.shape()), ([4, 7, 5].into(), [2, 4, 5].into()));
/// assert_eq!(y.slice(1, 6..).squeeze(1).value(), h.slice(0, 1..).squeeze(0).value());
/// assert_eq!(y.sum().backward().of(&rnn.layers[0].weight_ih).shape(), [5, 3]);
/// ```
pub type Rnn<T = f64> = Recurrent<RnnGates, T>;

/// The activation of a simple recurrent layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RnnGates {
    /// The hyperbolic tangent.
    #[default]
    Tanh,
    /// `max(x, 0)`.
    Relu,
}

impl CellRule for RnnGates {
    const GATES: usize = 1;

    type State<'t, T: Element> = Var<'t, T>;

    fn step<'t, T: Element>(&self, input: Var<'t, T>, hidden: Var<'t, T>, _h: Var<'t, T>) -> Var<'t, T> {
        match self {
            RnnGates::Tanh => (input + hidden).tanh(),
            RnnGates::Relu => (input + hidden).relu(),
        }
    }
}
