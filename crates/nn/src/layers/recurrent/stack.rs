//! Stacked cells along a sequence.

use super::lengths::Lengths;
use super::{Cell, CellRule, State, check_state};
use crate::Param;
use crate::cast::Cast;
use crate::parameters::{Parameters, Path};
use crate::setting::expect;
use rand::Rng;
use std::panic::Location;
use tape::{Element, Error, Tensor, Var};

/// Stacked cells along a sequence: [`Rnn`](super::Rnn), [`Gru`](super::Gru) or [`Lstm`](super::Lstm). Each
/// takes the outputs of the one below.
///
/// # Shapes
/// `x` `[batch, time, in]`; the outputs of the last cell are `[batch, time, hidden]`, states `[layers, batch, hidden]`.
///
/// # Initial values
/// As [`Cell`]. Parameters are named by layer: `weight_ih_l0`.
///
/// # Sequences of different lengths
/// Sequences in one batch are padded to the longest. [`forward_lengths`](Recurrent::forward_lengths) takes
/// their lengths: the state is then that at each sequence's own end, and the padding has no influence,
/// whatever it holds.
///
/// # Two directions
/// [`bidirectional`](Recurrent::bidirectional) layers have a second cell beside each, named
/// `weight_ih_l0_reverse`, which runs from the end of the sequence to its beginning. The outputs of both are
/// concatenated, `[batch, time, 2 · hidden]`, at the time of their input, and feed both cells above. States
/// are `[2 · layers, batch, hidden]`: for each layer the forward direction, then the reverse one, which ends
/// at the first step.
///
/// # Backpropagation through time
/// [`forward`](Recurrent::forward) records all steps, so gradients flow through the whole sequence;
/// [`forward_truncated`](Recurrent::forward_truncated) truncates them. To process a long sequence on short
/// tapes, carry over the value of the state:
///
/// ```
/// use nn::Rnn;
/// use nn::optim::{Optimizer, Sgd};
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
pub struct Recurrent<G: CellRule, T: Element = f64> {
    /// The cells, from the input upwards.
    pub layers: Vec<Cell<G, T>>,
    /// The cells of the reverse direction, one for each layer; empty if there is only one direction.
    pub reverse: Vec<Cell<G, T>>,
}

/// The maximum number of layers: more are a mistake, and would take forever to draw.
const LAYERS: usize = 1 << 16;

impl<G: CellRule, T: Element> Recurrent<G, T> {
    /// `layers` cells of `hidden` units each, the first with `inputs` inputs.
    ///
    /// # Panics
    /// If there are no layers or no hidden units.
    #[track_caller]
    pub fn new(
        inputs: usize,
        hidden: usize,
        layers: usize,
        rng: &mut (impl Rng + ?Sized),
    ) -> Recurrent<G, T> {
        check_layers(layers);
        let cell = |l| Cell::new(if l == 0 { inputs } else { hidden }, hidden, rng);
        Recurrent { layers: (0..layers).map(cell).collect(), reverse: Vec::new() }
    }

    /// As [`new`](Recurrent::new), in both [directions](Recurrent#two-directions): `hidden` units each.
    ///
    /// ```
    /// use nn::{Gru, Parameters};
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::{Tape, Tensor};
    /// let gru = Gru::bidirectional(3, 5, 2, &mut StdRng::seed_from_u64(0));
    /// assert_eq!(gru.named_parameters()[4].0, "weight_ih_l0_reverse");
    /// let tape = Tape::new();
    /// let (y, h) = gru.forward(tape.constant(Tensor::ones([4, 7, 3])), None);
    /// assert_eq!((y.shape(), h.shape()), ([4, 7, 10].into(), [4, 4, 5].into()));
    /// // The reverse direction ends at the first step.
    /// assert_eq!(y.slice(1, ..1).slice(2, 5..).squeeze(1).value(), h.slice(0, 3..).squeeze(0).value());
    /// assert_eq!(y.sum().backward().of(&gru.reverse[1].weight_ih).shape(), [15, 10]);
    /// ```
    ///
    /// # Panics
    /// If there are no layers or no hidden units.
    #[track_caller]
    pub fn bidirectional(
        inputs: usize,
        hidden: usize,
        layers: usize,
        rng: &mut (impl Rng + ?Sized),
    ) -> Recurrent<G, T> {
        check_layers(layers);
        let inputs = |l| if l == 0 { inputs } else { hidden.saturating_mul(2) };
        let mut cell = |l| Cell::new(inputs(l), hidden, rng);
        let (layers, reverse) = (0..layers).map(|l| (cell(l), cell(l))).unzip();
        Recurrent { layers, reverse }
    }

    /// Removes the biases.
    pub fn without_bias(self) -> Recurrent<G, T> {
        let [layers, reverse] =
            [self.layers, self.reverse].map(|cells| cells.into_iter().map(Cell::without_bias).collect());
        Recurrent { layers, reverse }
    }

    /// The outputs at every time and the final state; without an initial state, it is zero.
    ///
    /// # Panics
    /// If the input is not a batch of sequences of one step or more, or the state has the wrong shape.
    #[track_caller]
    pub fn forward<'t>(
        &self,
        x: Var<'t, T>,
        state: Option<G::State<'t, T>>,
    ) -> (Var<'t, T>, G::State<'t, T>) {
        let run = || sequence(x).and_then(|(_, time)| self.run(x, &Lengths::full(time), state));
        expect(x.tape().at_location(Location::caller(), run))
    }

    /// As [`forward`](Recurrent::forward), for padded sequences of these `lengths`. Outputs past a sequence's
    /// end are 0, and the state is that at its own end. The padding has no influence, even if it is NaN, and
    /// its gradient is 0.
    ///
    /// ```
    /// use nn::Lstm;
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::{Tape, Tensor};
    /// let lstm = Lstm::new(1, 2, 1, &mut StdRng::seed_from_u64(0));
    /// let tape = Tape::new();
    /// let batch = tape.var(Tensor::from([[0.3, -0.2, 0.9], [0.7, f64::NAN, f64::NAN]]).reshape([2, 3, 1]));
    /// let (y, (h, _)) = lstm.forward_lengths(batch, &[3, 1], None);
    /// let alone = lstm.forward(batch.slice(0, 1..).slice(1, ..1), None).1.0;
    /// assert_eq!(h.slice(1, 1..).value(), alone.value());
    /// assert_eq!(y.slice(0, 1..).slice(1, 1..).value(), Tensor::zeros([1, 2, 2]));
    /// let slope = h.sum().backward().wrt(batch).to_vec();
    /// assert!(slope[..4].iter().all(|&slope| slope != 0.0) && slope[4..] == [0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If [`try_forward_lengths`](Recurrent::try_forward_lengths) returns an error.
    #[track_caller]
    pub fn forward_lengths<'t>(
        &self,
        x: Var<'t, T>,
        lengths: &[usize],
        state: Option<G::State<'t, T>>,
    ) -> (Var<'t, T>, G::State<'t, T>) {
        expect(self.try_forward_lengths(x, lengths, state))
    }

    /// [`forward_lengths`](Recurrent::forward_lengths), for lengths from user input.
    ///
    /// ```
    /// use nn::Rnn;
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::{Tape, Tensor};
    /// let rnn = Rnn::new(1, 2, 1, &mut StdRng::seed_from_u64(0));
    /// let tape = Tape::new();
    /// let x = tape.constant(Tensor::ones([2, 3, 1]));
    /// assert!(rnn.try_forward_lengths(x, &[3, 2], None).is_ok());
    /// let error = rnn.try_forward_lengths(x, &[3, 4], None).unwrap_err().to_string();
    /// assert_eq!(error, "recurrent: expected lengths from 1 to 3, found 4 of sequence 1");
    /// ```
    ///
    /// # Errors
    /// If the number of lengths differs from that of the sequences, or a length is 0 or exceeds the steps of
    /// the batch; if the input is not a batch of sequences of one step or more, or the state has the wrong
    /// shape.
    #[track_caller]
    pub fn try_forward_lengths<'t>(
        &self,
        x: Var<'t, T>,
        lengths: &[usize],
        state: Option<G::State<'t, T>>,
    ) -> Result<(Var<'t, T>, G::State<'t, T>), Error> {
        let (batch, time) = sequence(x)?;
        let lengths = Lengths::new(lengths, batch, time)?;
        x.tape().at_location(Location::caller(), || self.run(x, &lengths, state))
    }

    fn run<'t>(
        &self,
        x: Var<'t, T>,
        lengths: &Lengths<T>,
        state: Option<G::State<'t, T>>,
    ) -> Result<(Var<'t, T>, G::State<'t, T>), Error> {
        let (tape, (batch, time)) = (x.tape(), sequence(x)?);
        let directions = [&self.layers, &self.reverse];
        let directions = &directions[..if self.reverse.is_empty() { 1 } else { 2 }];
        if directions.iter().any(|cells| cells.len() != self.layers.len()) {
            let (layers, reverse) = (self.layers.len(), self.reverse.len());
            let reason =
                format!("expected a reverse cell for each of {layers} layers, or none, found {reverse}");
            return Err(Error::Invalid { op: "recurrent", reason });
        }
        for cell in directions.iter().filter_map(|cells| cells.first()) {
            cell.check_input(&x.shape(), &[batch, time])?;
        }
        if let Some(state) = state {
            let count = directions.len() * self.layers.len();
            check_state::<G, T>(state, &[count, batch, self.layers[0].hidden()])?;
        }
        let x = lengths.clear(x);
        let mut values: Vec<Var<'t, T>> =
            (0..time as isize).map(|t| x.slice(1, t..t + 1).squeeze(1)).collect();
        let mut ends = Vec::new();
        for l in 0..self.layers.len() {
            let mut outputs = Vec::new();
            for (backwards, cells) in [false, true].into_iter().zip(directions) {
                let (cell, place) = (&cells[l], ends.len() as isize);
                let start = match state {
                    Some(state) => state.map(|part| part.slice(0, place..place + 1).squeeze(0)),
                    None => cell.zero_state(tape, batch),
                };
                let (output, end) = along(cell, &values, lengths, backwards, start);
                outputs.push(output);
                ends.push(end);
            }
            let side_by_side = |a: Vec<Var<'t, T>>, b: Vec<Var<'t, T>>| {
                a.into_iter().zip(b).map(|(a, b)| tape.concat(&[a, b], 1)).collect()
            };
            values = outputs.into_iter().reduce(side_by_side).unwrap_or_default();
        }
        let part = |i| ends.iter().map(|end| end.part(i)).collect::<Vec<_>>();
        Ok((tape.stack(&values, 1), State::from_fn(|i| tape.stack(&part(i), 0))))
    }

    /// As [`forward`](Recurrent::forward), but no derivative flows from a window of `steps` steps back into the one
    /// before it: truncated backpropagation through time.
    ///
    /// ```
    /// use nn::{Param, Rnn};
    /// use nn::recurrent::RnnGates;
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
    /// As `forward`; if windows have no steps, or there are two directions: the reverse one begins at the end
    /// of the whole sequence.
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
        if !self.reverse.is_empty() {
            let reason = "expected one direction to cut into windows, found two".into();
            Error::Invalid { op: "recurrent", reason }.panic()
        }
        let (_, time) = expect(sequence(x));
        let (steps, time) = (steps.min(time) as isize, time as isize);
        let mut outputs = Vec::new();
        let mut start: isize = 0;
        loop {
            let end = (start + steps).min(time);
            let (y, after) = self.forward(x.slice(1, start..end), state);
            outputs.push(y);
            if end == time {
                return (x.tape().concat(&outputs, 1), after);
            }
            (start, state) = (end, Some(after.detach()));
        }
    }
}

/// Runs one cell along a batch; returns its outputs at every time and the final state.
#[track_caller]
fn along<'t, G: CellRule, T: Element>(
    cell: &Cell<G, T>,
    values: &[Var<'t, T>],
    lengths: &Lengths<T>,
    backwards: bool,
    mut state: G::State<'t, T>,
) -> (Vec<Var<'t, T>>, G::State<'t, T>) {
    let step = cell.on(values[0].tape());
    let mut outputs = Vec::with_capacity(values.len());
    for i in 0..lengths.longest {
        // In reverse, a sequence keeps its initial state until its own end is reached.
        let t = if backwards { lengths.longest - 1 - i } else { i };
        let next = step(values[t], state);
        outputs.push(lengths.or_zero(t, next.part(0)));
        state = State::from_fn(|part| lengths.or_last(t, next.part(part), state.part(part)));
    }
    if backwards {
        outputs.reverse();
    }
    if lengths.longest < values.len() {
        let tape = values[0].tape();
        let zero = tape.constant(Tensor::zeros(outputs[0].shape()));
        outputs.resize(values.len(), zero);
    }
    (outputs, state)
}

#[track_caller]
fn check_layers(layers: usize) {
    if layers == 0 || layers > LAYERS {
        let reason = format!("expected 1 to {LAYERS} layers, found {layers}");
        Error::Invalid { op: "recurrent", reason }.panic()
    }
}

/// Samples and steps of a batch of sequences.
fn sequence<T: Element>(x: Var<'_, T>) -> Result<(usize, usize), Error> {
    match x.shape()[..] {
        [batch, time, _] if time > 0 => Ok((batch, time)),
        _ => {
            let expected = "sequences [batch, time, inputs] of 1 step or more";
            Err(Error::Rank { op: "recurrent", expected, found: x.shape().dims() })
        }
    }
}

impl<G: CellRule, T: Element, U: Element> Cast<U> for Recurrent<G, T> {
    type Output = Recurrent<G, U>;

    fn cast_to(&self) -> Result<Recurrent<G, U>, Error> {
        Ok(Recurrent { layers: self.layers.cast_to()?, reverse: self.reverse.cast_to()? })
    }
}

impl<G: CellRule, T: Element> Parameters<T> for Recurrent<G, T> {
    fn visit<'a>(&'a self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a Param<T>)) {
        for (l, cell) in self.layers.iter().enumerate() {
            cell.weight_ih.visit(&path.numbered("weight_ih_l", l), f);
            cell.weight_hh.visit(&path.numbered("weight_hh_l", l), f);
            cell.bias_ih.visit(&path.numbered("bias_ih_l", l), f);
            cell.bias_hh.visit(&path.numbered("bias_hh_l", l), f);
            if let Some(cell) = self.reverse.get(l) {
                cell.weight_ih.visit(&path.reverse("weight_ih_l", l), f);
                cell.weight_hh.visit(&path.reverse("weight_hh_l", l), f);
                cell.bias_ih.visit(&path.reverse("bias_ih_l", l), f);
                cell.bias_hh.visit(&path.reverse("bias_hh_l", l), f);
            }
        }
    }

    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a mut Param<T>)) {
        let mut reverse = self.reverse.iter_mut();
        for (l, cell) in self.layers.iter_mut().enumerate() {
            cell.weight_ih.visit_mut(&path.numbered("weight_ih_l", l), f);
            cell.weight_hh.visit_mut(&path.numbered("weight_hh_l", l), f);
            cell.bias_ih.visit_mut(&path.numbered("bias_ih_l", l), f);
            cell.bias_hh.visit_mut(&path.numbered("bias_hh_l", l), f);
            if let Some(cell) = reverse.next() {
                cell.weight_ih.visit_mut(&path.reverse("weight_ih_l", l), f);
                cell.weight_hh.visit_mut(&path.reverse("weight_hh_l", l), f);
                cell.bias_ih.visit_mut(&path.reverse("bias_ih_l", l), f);
                cell.bias_hh.visit_mut(&path.reverse("bias_hh_l", l), f);
            }
        }
    }
}
