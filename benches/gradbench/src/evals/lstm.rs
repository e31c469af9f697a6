//! `lstm`: layers of long short-term memory cells with diagonal weights, which predict the next character of a sequence. All
//! products are elementwise, so a cell is a function of one component; the components meet in the loss alone.

use crate::input;
use crate::request::{Request, Tool};
use serde_json::Value;
use tape::{Algebra, Array, Axes, Elementwise, PadMode, Program, Scalar, Tape, Tensor, TensorOps, Var};

/// The weights and biases of a component of a layer: of the forget gate, the input gate, the output gate and the change.
const WEIGHTS: usize = 8;

/// A component of all layers reads one character: the prediction. The state of a layer is its hidden value and its memory.
pub fn predicted<A: Algebra>(weights: &[A], [input, output, bias]: [A; 3], state: &mut [A], bit: A) -> A {
    let mut value = bit * input;
    for (layer, state) in weights.chunks_exact(WEIGHTS).zip(state.chunks_exact_mut(2)) {
        let (hidden, memory) = (state[0], state[1]);
        let affine = |gate: usize, x: A| x * layer[gate] + layer[4 + gate];
        let forget = affine(0, value).sigmoid();
        let ingate = affine(1, hidden).sigmoid();
        let outgate = affine(2, value).sigmoid();
        let change = affine(3, hidden).tanh();
        state[1] = memory * forget + ingate * change;
        state[0] = outgate * state[1].tanh();
        value = state[0];
    }
    value * output + bias
}

/// Components are computed this many at a time: there are as many lanes, of which those behind the last component are not
/// used.
const LANES: usize = 16;

/// The loss of predictions `[c - 1, b]` of the bits that follow.
fn loss<A: Array<f64>>(predictions: &A, bits: &Tensor) -> A {
    let sum = predictions.clone().exp().sum_axes(1, true);
    let logarithms = predictions.clone() - (sum + predictions.lift(2.0)).ln();
    let total = (logarithms * predictions.constant(bits.clone())).sum_axes(Axes::all(), false);
    -total * predictions.lift(1.0 / bits.size() as f64)
}

/// The parameters, the initial state and the sequence, all with a column for each component.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The weights of the layers `[8 L, b]`, and those of input and output `[3, b]`.
    pub parameters: [Tensor; 2],
    /// `[2 L, b]`
    state: Tensor,
    /// `[c, b]`
    sequence: Tensor,
}

impl Problem {
    /// The arguments of a request.
    ///
    /// # Errors
    /// If they are wrong.
    pub fn read(input: &Value) -> Result<Problem, String> {
        let (sequence, [c, b]) = input::matrix(input, "sequence", None, None)?;
        if c < 2 || b == 0 {
            return Err(format!("`sequence`: expected at least 2 lists of bits, found {c} of {b}"));
        }
        let (main, [rows, _]) = input::matrix(input, "main_params", None, Some(4 * b))?;
        if rows == 0 || rows % 2 == 1 {
            return Err(format!("`main_params`: expected two lists for each layer, found {rows}"));
        }
        let (extra, _) = input::matrix(input, "extra_params", Some(3), Some(b))?;
        let (state, _) = input::matrix(input, "state", Some(rows), Some(b))?;
        let tensor = |rows: usize, x| Tensor::from_vec([rows, b], x).map_err(|error| error.to_string());
        Ok(Problem {
            parameters: [tensor(4 * rows, main)?, tensor(3, extra)?],
            state: tensor(rows, state)?,
            sequence: tensor(c, sequence)?,
        })
    }

    /// The bits to be predicted.
    fn targets(&self) -> Tensor {
        self.sequence.slice(0, 1..)
    }

    /// The loss.
    pub fn primal(&self) -> f64 {
        let (c, b) = (self.sequence.shape()[0], self.sequence.shape()[1]);
        let column = |x: &Tensor, j: usize| x.transpose().row(j as isize).to_vec();
        let [weights, extra] = &self.parameters;
        let mut predictions = vec![0.0; (c - 1) * b];
        for j in 0..b {
            let (weights, extra) = (column(weights, j), column(extra, j));
            let (mut state, bits) = (column(&self.state, j), column(&self.sequence, j));
            for t in 0..c - 1 {
                let extra = [extra[0], extra[1], extra[2]];
                predictions[t * b + j] = predicted(&weights, extra, &mut state, bits[t]);
            }
        }
        let predictions = Tensor::from(predictions).reshape([c - 1, b]);
        loss(&predictions, &self.targets()).item()
    }

    /// Records a component that reads a character: its new state, and its prediction.
    pub fn character(&self) -> Program {
        let layers = self.state.shape()[0] / 2;
        Program::several(|p| {
            let (mut state, bit) = (p.group("state", 2 * layers), p.group("bit", 1));
            let (weights, extra) = (p.group("weights", WEIGHTS * layers), p.group("extra", 3));
            let prediction = predicted(&weights, [extra[0], extra[1], extra[2]], &mut state, bit[0]);
            [state, vec![prediction]].concat()
        })
    }

    /// Records the loss. The characters are steps of one operation, in which the components are lanes.
    pub fn record<'t>(&self, parameters: [Var<'t>; 2], character: &Program) -> Scalar<'t> {
        let tape = parameters[0].tape();
        let (c, b, size) = (self.sequence.shape()[0], self.sequence.shape()[1], self.state.shape()[0]);
        let lanes = b.next_multiple_of(LANES);
        let padded = |x: Var<'t>| x.pad([(0, 0), (0, lanes - b)], PadMode::Constant(0.0));
        let [weights, extra] = parameters.map(padded);
        let state = padded(tape.constant(self.state.clone()));
        let bits = padded(tape.constant(self.sequence.slice(0, ..c - 1))).reshape([c - 1, 1, lanes]);
        let steps = tape.scan_lanes(character, state, bits, &[weights, extra]);
        let predictions = steps.slice(1, size..).reshape([c - 1, lanes]).slice(1, ..b);
        loss(&predictions, &self.targets()).item()
    }

    /// The gradient.
    pub fn gradient(&self, tape: &mut Tape, character: &Program) -> [Tensor; 2] {
        tape.reset();
        let parameters = self.parameters.each_ref().map(|x| tape.var(x.clone()));
        self.record(parameters, character).backward().wrt(parameters)
    }
}

/// The functions `objective` and `jacobian`.
///
/// # Errors
/// If the input is wrong, or the function another one.
pub fn evaluate(request: &Request) -> Result<Value, String> {
    let (problem, mut tape) = (Problem::read(request.input)?, Tape::new());
    let output =
        |gradient: [Tensor; 2]| Value::from(gradient.iter().flat_map(Tensor::to_vec).collect::<Vec<_>>());
    match (request.function, request.tool) {
        ("objective", _) => Ok(request.measure(|| problem.primal()).into()),
        ("jacobian", Tool::Tape) => {
            Ok(output(request.measure(|| problem.gradient(&mut tape, &problem.character()))))
        }
        ("jacobian", Tool::Program) => {
            let character = problem.character();
            Ok(output(request.measure(|| problem.gradient(&mut tape, &character))))
        }
        _ => Err(request.unknown("lstm", &["objective", "jacobian"])),
    }
}
