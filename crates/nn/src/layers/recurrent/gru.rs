//! The gated recurrent unit.

use super::{Cell, CellRule, Recurrent};
use tape::{Element, Var};

/// One step of a gated recurrent unit. Cho and others, 2014, with the reset gate applied after the product.
///
/// # Math
/// The rows of the weights are the blocks `r`, `z`, `n` (reset, update, new); with `i = W_ih x + b_ih` and
/// `m = W_hh h + b_hh`: `r = σ(iᵣ + mᵣ)`, `z = σ(i_z + m_z)`, `n = tanh(iₙ + r ⊙ mₙ)`, `h' = (1 - z) ⊙ n + z ⊙ h`.
///
/// ```
/// use nn::{GruCell, Param};
/// use nn::recurrent::GruGates;
/// use tape::{Tape, Tensor};
/// let cell = GruCell {
///     weight_ih: Param::new([[0.0], [0.0], [0.0]]),
///     weight_hh: Param::new([[0.0], [0.0], [0.0]]),
///     bias_ih: None,
///     bias_hh: None,
///     gates: GruGates,
/// };
/// let tape = Tape::new();
/// let (x, h) = (tape.var([[3.0]]), tape.var([[1.0]]));
/// let next = cell.forward(x, h);
/// assert_eq!(next.value(), Tensor::from([[0.5]]));
/// let grads = next.sum().backward();
/// assert_eq!(grads.wrt(h), Tensor::from([[0.5]]));
/// assert_eq!(grads.of(&cell.weight_ih), Tensor::from([[0.0], [0.75], [1.5]]));
/// ```
pub type GruCell<T = f64> = Cell<GruGates, T>;

/// Gated recurrent units along a sequence: [`Recurrent`] of [`GruCell`]s.
///
/// ```
/// use nn::Gru;
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::{Tape, Tensor};
/// let gru = Gru::new(3, 5, 2, &mut StdRng::seed_from_u64(0));
/// let tape = Tape::new();
/// let (y, h) = gru.forward(tape.constant(Tensor::zeros([4, 7, 3])), None);
/// assert_eq!((y.shape(), h.shape()), ([4, 7, 5].into(), [2, 4, 5].into()));
/// assert_eq!(y.sum().backward().of(&gru.layers[1].weight_hh).shape(), [15, 5]);
/// ```
pub type Gru<T = f64> = Recurrent<GruGates, T>;

/// The equations of a gated recurrent unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GruGates;

impl CellRule for GruGates {
    const GATES: usize = 3;

    type State<'t, T: Element> = Var<'t, T>;

    fn step<'t, T: Element>(&self, input: Var<'t, T>, hidden: Var<'t, T>, h: Var<'t, T>) -> Var<'t, T> {
        let [i_r, i_z, i_n] = super::blocks(input);
        let [m_r, m_z, m_n] = super::blocks(hidden);
        let r = (i_r + m_r).sigmoid();
        let z = (i_z + m_z).sigmoid();
        let n = (i_n + r * m_n).tanh();
        n + z * (h - n)
    }
}
