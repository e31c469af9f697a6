//! Cells one above the other, along a sequence.

use super::{Cell, Gates, State, check_state};
use crate::param::Param;
use crate::parameters::{Parameters, Path};
use rand::Rng;
use tape::{Element, Error, Var};

/// Cells one above the other along a sequence: [`Rnn`](super::Rnn), [`Gru`](super::Gru) or [`Lstm`](super::Lstm). Each
/// takes the outputs of the one below.
///
/// # Shapes
/// `x` `[batch, time, in]`; the outputs of the last cell are `[batch, time, hidden]`, states `[layers, batch, hidden]`.
///
/// # Initial values
/// As [`Cell`]. Parameters are named by layer: `weight_ih_l0`.
///
/// # Backpropagation through time
/// [`forward`](Recurrent::forward) records all steps, so gradients flow through the whole sequence.
/// [`forward_truncated`](Recurrent::forward_truncated) cuts them. To go through a long sequence on short tapes, carry the
/// numbers of the state over:
///
/// ```
/// use nn::{Optimizer, Rnn, Sgd};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::{Tape, Tensor};
/// let mut rnn = Rnn::new(1, 4, 1, &mut StdRng::seed_from_u64(0));
/// let (mut tape, mut optimizer) = (Tape::new(), Sgd::new(0.1));
/// let mut carried = Tensor::zeros([1, 1, 4]);
/// for window in [[0.1, 0.2], [0.3, 0.4]] {
///     let x = tape.constant(Tensor::from(window).reshape([1, 2, 1]));
///     let (y, h) = rnn.forward(x, Some(tape.constant(carried)));
///     let grads = (y * y).mean().backward();
///     carried = h.value();
///     tape.reset();
///     optimizer.step(&mut rnn, &grads);
/// }
/// assert!(carried.abs().max() < 1.0);
/// ```
#[derive(Clone, Debug)]
pub struct Recurrent<G: Gates, T: Element = f64> {
    /// The cells, the one that takes the input first.
    pub layers: Vec<Cell<G, T>>,
}

/// More layers than these are a mistake, and would be drawn for ever.
const LAYERS: usize = 1 << 16;

impl<G: Gates, T: Element> Recurrent<G, T> {
    /// `layers` cells of `hidden` units each, the first with `inputs` inputs.
    ///
    /// # Panics
    /// Without layers.
    #[track_caller]
    pub fn new(
        inputs: usize,
        hidden: usize,
        layers: usize,
        rng: &mut (impl Rng + ?Sized),
    ) -> Recurrent<G, T> {
        if layers == 0 {
            Error::Invalid { op: "recurrent", reason: "expected 1 layer or more, found 0".into() }.panic()
        }
        if layers > LAYERS {
            let reason = format!("expected at most {LAYERS} layers, found {layers}");
            Error::Invalid { op: "recurrent", reason }.panic()
        }
        let cell = |l| Cell::new(if l == 0 { inputs } else { hidden }, hidden, rng);
        Recurrent { layers: (0..layers).map(cell).collect() }
    }

    /// The layers without their biases.
    pub fn without_bias(self) -> Recurrent<G, T> {
        Recurrent { layers: self.layers.into_iter().map(Cell::without_bias).collect() }
    }

    /// The outputs at every time, and the state at the end; without a state to begin with, that of zeros.
    ///
    /// # Panics
    /// If the input is not a batch of sequences of one step or more, or the state does not fit.
    #[track_caller]
    pub fn forward<'t>(
        &self,
        x: Var<'t, T>,
        state: Option<G::State<'t, T>>,
    ) -> (Var<'t, T>, G::State<'t, T>) {
        let (tape, (batch, time)) = (x.tape(), sequence(x));
        let mut values: Vec<Var<'t, T>> = (0..time).map(|t| x.slice(1, t..t + 1).squeeze(1)).collect();
        if let Some(state) = state {
            check_state::<G, T>(state, &[self.layers.len(), batch, self.layers[0].hidden()]);
        }
        let mut ends = Vec::new();
        for (l, cell) in (0..).zip(&self.layers) {
            let step = cell.on(tape);
            let mut state = match state {
                Some(state) => state.map(|part| part.slice(0, l..l + 1).squeeze(0)),
                None => cell.start(tape, batch),
            };
            for value in &mut values {
                state = step(*value, state);
                *value = state.part(0);
            }
            ends.push(state);
        }
        let part = |i| ends.iter().map(|end| end.part(i)).collect::<Vec<_>>();
        (tape.stack(&values, 1), State::from_fn(|i| tape.stack(&part(i), 0)))
    }

    /// As [`forward`](Recurrent::forward), but no derivative flows from a window of `steps` steps back into the one
    /// before it: truncated backpropagation through time.
    ///
    /// ```
    /// use nn::{Param, Rnn, layers::recurrent::RnnGates};
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::{Tape, Tensor};
    /// let mut rnn = Rnn::new(1, 1, 1, &mut StdRng::seed_from_u64(0)).without_bias();
    /// let cell = &mut rnn.layers[0];
    /// (cell.weight_ih, cell.weight_hh) = (Param::new([[1.0]]), Param::new([[0.5]]));
    /// cell.gates = RnnGates::Relu;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 1.0, 1.0, 1.0]).reshape([1, 4, 1]));
    /// let last = |y: tape::Var<'_>| y.slice(1, 3..).sum().backward().wrt(x).to_vec();
    /// assert_eq!(last(rnn.forward(x, None).0), [0.125, 0.25, 0.5, 1.0]);
    /// assert_eq!(last(rnn.forward_truncated(x, None, 2).0), [0.0, 0.0, 0.5, 1.0]);
    /// ```
    ///
    /// # Panics
    /// As `forward`, and for windows of no steps.
    #[track_caller]
    pub fn forward_truncated<'t>(
        &self,
        x: Var<'t, T>,
        mut state: Option<G::State<'t, T>>,
        steps: usize,
    ) -> (Var<'t, T>, G::State<'t, T>) {
        if steps == 0 {
            Error::Invalid { op: "recurrent", reason: "expected windows of 1 step or more, found 0".into() }
                .panic()
        }
        let (_, time) = sequence(x);
        let steps = isize::try_from(steps).unwrap_or(isize::MAX);
        let mut outputs = Vec::new();
        let mut start: isize = 0;
        loop {
            let end = start.saturating_add(steps).min(time);
            let (y, after) = self.forward(x.slice(1, start..end), state);
            outputs.push(y);
            if end == time {
                return (x.tape().concat(&outputs, 1), after);
            }
            (start, state) = (end, Some(after.detach()));
        }
    }
}

/// Samples and steps of a batch of sequences.
#[track_caller]
fn sequence<T: Element>(x: Var<'_, T>) -> (usize, isize) {
    match x.shape()[..] {
        [batch, time, _] if time > 0 => (batch, time as isize),
        _ => {
            let expected = "sequences [batch, time, inputs] of 1 step or more";
            Error::Rank { op: "recurrent", expected, found: x.shape().dims() }.panic()
        }
    }
}

impl<G: Gates, T: Element> Parameters<T> for Recurrent<G, T> {
    fn visit<'a>(&'a self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a Param<T>)) {
        for (l, cell) in self.layers.iter().enumerate() {
            cell.weight_ih.visit(&path.numbered("weight_ih_l", l), f);
            cell.weight_hh.visit(&path.numbered("weight_hh_l", l), f);
            cell.bias_ih.visit(&path.numbered("bias_ih_l", l), f);
            cell.bias_hh.visit(&path.numbered("bias_hh_l", l), f);
        }
    }

    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a mut Param<T>)) {
        for (l, cell) in self.layers.iter_mut().enumerate() {
            cell.weight_ih.visit_mut(&path.numbered("weight_ih_l", l), f);
            cell.weight_hh.visit_mut(&path.numbered("weight_hh_l", l), f);
            cell.bias_ih.visit_mut(&path.numbered("bias_ih_l", l), f);
            cell.bias_hh.visit_mut(&path.numbered("bias_hh_l", l), f);
        }
    }
}
