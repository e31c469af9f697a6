//! Long short-term memory.

use super::{Cell, CellRule, Recurrent};
use tape::{Element, Var};

/// One step of a long short-term memory; the state is `(h, c)`. Hochreiter and Schmidhuber, 1997; with a forget gate,
/// Gers, Schmidhuber and Cummins, 2000.
///
/// # Math
/// The rows of the weights are the blocks `i`, `f`, `g`, `o` (input, forget, cell, output) of
/// `a = W_ih x + b_ih + W_hh h + b_hh`: `c' = σ(a_f) ⊙ c + σ(aᵢ) ⊙ tanh(a_g)`, `h' = σ(aₒ) ⊙ tanh(c')`.
///
/// ```
/// use nn::{LstmCell, Param};
/// use nn::recurrent::LstmGates;
/// use tape::{Tape, Tensor};
/// let cell = LstmCell {
///     weight_ih: Param::new([[0.0]; 4]),
///     weight_hh: Param::new([[0.0]; 4]),
///     bias_ih: None,
///     bias_hh: None,
///     gates: LstmGates,
/// };
/// let tape = Tape::new();
/// let (x, h, c) = (tape.var([[3.0]]), tape.var([[1.0]]), tape.var([[4.0]]));
/// let (next, carried) = cell.forward(x, (h, c));
/// assert_eq!(carried.value(), Tensor::from([[2.0]]));
/// assert_eq!(next.value(), Tensor::from([[0.5 * 2f64.tanh()]]));
/// let grads = carried.sum().backward();
/// assert_eq!(grads.wrt(c), Tensor::from([[0.5]]));
/// assert_eq!(grads.of(&cell.weight_ih), Tensor::from([[0.0], [3.0], [1.5], [0.0]]));
/// ```
pub type LstmCell<T = f64> = Cell<LstmGates, T>;

/// Long short-term memories along a sequence: [`Recurrent`] of [`LstmCell`]s.
///
/// ```
/// use nn::Lstm;
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::{Tape, Tensor};
/// let lstm = Lstm::new(3, 5, 2, &mut StdRng::seed_from_u64(0));
/// let tape = Tape::new();
/// let (y, (h, c)) = lstm.forward(tape.constant(Tensor::zeros([4, 7, 3])), None);
/// assert_eq!((y.shape(), h.shape(), c.shape()), ([4, 7, 5].into(), [2, 4, 5].into(), [2, 4, 5].into()));
/// assert_eq!(y.sum().backward().of(&lstm.layers[1].weight_hh).shape(), [20, 5]);
/// ```
pub type Lstm<T = f64> = Recurrent<LstmGates, T>;

/// The equations of a long short-term memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LstmGates;

impl CellRule for LstmGates {
    const GATES: usize = 4;

    type State<'t, T: Element> = (Var<'t, T>, Var<'t, T>);

    fn step<'t, T: Element>(
        &self,
        input: Var<'t, T>,
        hidden: Var<'t, T>,
        (_h, c): (Var<'t, T>, Var<'t, T>),
    ) -> (Var<'t, T>, Var<'t, T>) {
        let [i, f, g, o] = super::blocks(input + hidden);
        let c = f.sigmoid() * c + i.sigmoid() * g.tanh();
        (o.sigmoid() * c.tanh(), c)
    }
}
