//! Recurrent layers: single steps ([`Cell`]), and stacks of cells along a sequence ([`Recurrent`]), in one or
//! both directions, also for sequences of different lengths.
//!
//! This file holds what the kinds have in common; [`CellRule`] is how they differ: the equations, and the
//! state carried from step to step.

mod gru;
mod lengths;
mod lstm;
mod rnn;
mod stack;

pub use gru::{Gru, GruCell, GruGates};
pub use lstm::{Lstm, LstmCell, LstmGates};
pub use rnn::{Rnn, RnnCell, RnnGates};
pub use stack::Recurrent;

use crate::Parameters;
use crate::init::{Fans, Init, UniformFanIn, check_size};
use crate::linear::affine;
use crate::param::{Param, recorded};
use crate::setting::expect;
use rand::Rng;
use std::fmt::Debug;
use std::panic::Location;
use tape::{Element, Error, Shape, Tape, Tensor, Var};

/// The equations of a kind of recurrent layer. You can define your own:
///
/// ```
/// use nn::recurrent::{Cell, CellRule, Recurrent};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::{Element, Tape, Tensor, Var};
///
/// /// `h' = ¾ h + ¼ tanh(W_ih x + b_ih + W_hh h + b_hh)`
/// #[derive(Clone, Debug, Default)]
/// struct Leaky;
///
/// impl CellRule for Leaky {
///     const GATES: usize = 1;
///     type State<'t, T: Element> = Var<'t, T>;
///
///     fn step<'t, T: Element>(&self, input: Var<'t, T>, hidden: Var<'t, T>, h: Var<'t, T>) -> Var<'t, T> {
///         h * T::from_f64(0.75) + (input + hidden).tanh() * T::from_f64(0.25)
///     }
/// }
///
/// let rng = &mut StdRng::seed_from_u64(0);
/// let cell: Cell<Leaky> = Cell::new(1, 1, rng).without_bias();
/// let tape = Tape::new();
/// let (x, h) = (tape.constant([[0.0]]), cell.zero_state(&tape, 1));
/// assert_eq!(cell.forward(x, h).value(), Tensor::from([[0.0]]));
/// let h = tape.var([[4.0]]);
/// let next = cell.forward(x, h);
/// let w = cell.weight_hh.value().sum();
/// assert!((next.value().sum() - (3.0 + 0.25 * (4.0 * w).tanh())).abs() < 1e-15);
/// let slope = 0.75 + 0.25 * w / (4.0 * w).cosh().powi(2);
/// assert!((next.sum().backward().wrt(h).sum() - slope).abs() < 1e-15);
/// let (y, _) = Recurrent::<Leaky>::new(3, 5, 2, rng).forward(tape.constant(Tensor::zeros([4, 7, 3])), None);
/// assert_eq!(y.shape(), [4, 7, 5]);
/// ```
pub trait CellRule: Clone + Debug + Default + Send + Sync + 'static {
    /// The number of blocks of hidden units in the rows of the weights.
    const GATES: usize;

    /// The state carried from step to step.
    type State<'t, T: Element>: State<'t, T>;

    /// The next state, from `input = W_ih x + b_ih` and `hidden = W_hh h + b_hh`, both `[batch, GATES · hidden]`.
    fn step<'t, T: Element>(
        &self,
        input: Var<'t, T>,
        hidden: Var<'t, T>,
        state: Self::State<'t, T>,
    ) -> Self::State<'t, T>;
}

/// The state carried from step to step: one or two tensors of equal shapes, the first of which is the output.
///
/// ```
/// use nn::recurrent::State;
/// use tape::Tape;
/// let tape = Tape::new();
/// let (h, c) = (tape.var([[1.0]]), tape.var([[2.0]]));
/// let carried = (h, c).detach();
/// assert_eq!(carried.1.value().to_vec(), [2.0]);
/// assert_eq!((carried.1 * c).sum().backward().wrt(c).to_vec(), [2.0]);
/// ```
pub trait State<'t, T: Element>: Copy {
    /// A state of these parts.
    fn from_fn(part: impl FnMut(usize) -> Var<'t, T>) -> Self;

    /// A part; the output is part 0.
    fn part(self, i: usize) -> Var<'t, T>;

    /// Applies a function to all parts.
    fn map(self, mut f: impl FnMut(Var<'t, T>) -> Var<'t, T>) -> Self {
        Self::from_fn(|i| f(self.part(i)))
    }

    /// The same values as constants: truncates backpropagation through time.
    #[track_caller]
    fn detach(self) -> Self {
        self.map(|part| part.detach())
    }
}

impl<'t, T: Element> State<'t, T> for Var<'t, T> {
    fn from_fn(mut part: impl FnMut(usize) -> Var<'t, T>) -> Var<'t, T> {
        part(0)
    }

    fn part(self, _i: usize) -> Var<'t, T> {
        self
    }
}

impl<'t, T: Element> State<'t, T> for (Var<'t, T>, Var<'t, T>) {
    fn from_fn(mut part: impl FnMut(usize) -> Var<'t, T>) -> (Var<'t, T>, Var<'t, T>) {
        (part(0), part(1))
    }

    fn part(self, i: usize) -> Var<'t, T> {
        [self.0, self.1][i]
    }
}

/// One step of a recurrent layer: [`RnnCell`], [`GruCell`] or [`LstmCell`], which state the equations.
///
/// # Shapes
/// `x` `[batch, in]`, states `[batch, hidden]`.
///
/// # Initial values
/// All parameters from U(±1/√hidden).
#[derive(Clone, Debug, Parameters)]
pub struct Cell<G: CellRule, T: Element = f64> {
    /// `[gates · hidden, in]`.
    pub weight_ih: Param<T>,
    /// `[gates · hidden, hidden]`.
    pub weight_hh: Param<T>,
    /// `[gates · hidden]`.
    pub bias_ih: Option<Param<T>>,
    /// `[gates · hidden]`.
    pub bias_hh: Option<Param<T>>,
    /// The equations.
    #[parameters(skip)]
    pub gates: G,
}

impl<G: CellRule, T: Element> Cell<G, T> {
    /// A cell from `inputs` to `hidden` units.
    ///
    /// # Panics
    /// If there are no hidden units, or too many parameters for the address space or for memory.
    #[track_caller]
    pub fn new(inputs: usize, hidden: usize, rng: &mut (impl Rng + ?Sized)) -> Cell<G, T> {
        if hidden == 0 {
            Error::Invalid { op: "recurrent", reason: "expected 1 hidden unit or more, found 0".into() }
                .panic()
        }
        let Some(rows) = hidden.checked_mul(G::GATES) else {
            let reason = format!("expected at most {} units, found {hidden}", usize::MAX / G::GATES);
            Error::Invalid { op: "recurrent", reason }.panic()
        };
        check_size::<T>("recurrent", [rows, inputs]);
        check_size::<T>("recurrent", [rows, hidden]);
        let mut draw = |shape: &[usize]| Param::new(UniformFanIn.tensor(shape, Fans::new(hidden, rows), rng));
        Cell {
            weight_ih: draw(&[rows, inputs]),
            weight_hh: draw(&[rows, hidden]),
            bias_ih: Some(draw(&[rows])),
            bias_hh: Some(draw(&[rows])),
            gates: G::default(),
        }
    }

    /// The cell without its biases.
    pub fn without_bias(self) -> Cell<G, T> {
        Cell { bias_ih: None, bias_hh: None, ..self }
    }

    /// The number of hidden units.
    pub fn hidden(&self) -> usize {
        self.weight_hh.value().shape()[1]
    }

    /// The initial state: zeros.
    #[track_caller]
    pub fn zero_state<'t>(&self, tape: &'t Tape<T>, batch: usize) -> G::State<'t, T> {
        let zeros = || State::from_fn(|_| tape.constant(Tensor::zeros([batch, self.hidden()])));
        tape.at_location(Location::caller(), zeros)
    }

    /// The state after one more input.
    ///
    /// # Panics
    /// If the width of the input is not that of `weight_ih`, or the batch sizes of input and state differ.
    #[track_caller]
    pub fn forward<'t>(&self, x: Var<'t, T>, state: G::State<'t, T>) -> G::State<'t, T> {
        let batch = x.shape().first().copied().unwrap_or(1);
        expect(self.check_input(&x.shape(), &[batch]));
        expect(check_state::<G, T>(state, &[batch, self.hidden()]));
        x.tape().at_location(Location::caller(), || self.on(x.tape())(x, state))
    }

    /// Refuses inputs that are not vectors of the cell's width, one for each index of `axes`.
    fn check_input(&self, x: &Shape, axes: &[usize]) -> Result<(), Error> {
        let mut expected = axes.to_vec();
        expected.push(self.weight_ih.value().shape()[1]);
        if x[..] != expected[..] {
            return Err(Error::Shape { op: "recurrent input", expected, found: x.dims() });
        }
        Ok(())
    }

    /// A step with parameters that are recorded once for a whole sequence.
    #[track_caller]
    fn on<'t>(&self, tape: &'t Tape<T>) -> impl Fn(Var<'t, T>, G::State<'t, T>) -> G::State<'t, T> {
        let (w_ih, w_hh) = (self.weight_ih.on(tape), self.weight_hh.on(tape));
        let (b_ih, b_hh) = (recorded(&self.bias_ih, tape), recorded(&self.bias_hh, tape));
        move |x, state| self.gates.step(affine(x, w_ih, b_ih), affine(state.part(0), w_hh, b_hh), state)
    }
}

/// Refuses a state of another shape: a batch of one would broadcast.
fn check_state<'t, G: CellRule, T: Element>(state: G::State<'t, T>, expected: &[usize]) -> Result<(), Error> {
    let mut wrong = None;
    state.map(|part| {
        if *part.shape() != *expected {
            let (expected, found) = (expected.to_vec(), part.shape().dims());
            wrong = Some(Error::Shape { op: "recurrent state", expected, found });
        }
        part
    });
    wrong.map_or(Ok(()), Err)
}

/// Splits the gates, which lie side by side.
fn blocks<'t, T: Element, const GATES: usize>(x: Var<'t, T>) -> [Var<'t, T>; GATES] {
    let hidden = (x.shape()[1] / GATES) as isize;
    std::array::from_fn(|k| x.slice(1, k as isize * hidden..(k as isize + 1) * hidden))
}
