//! Networks with a state: GL-27, GL-28, GL-62.

use super::{EXACT, agrees, descend};
use gradcheck::{GradCheck, Inputs};
use nn::loss::binary_cross_entropy_with_logits;
use nn::optim::Adam;
use nn::recurrent::{CellRule, LstmGates, RnnGates};
use nn::{Context, Linear, Lstm, LstmCell, Module, Param, Parameters, Rnn};
use rand::RngExt;
use rand::rngs::StdRng;
use tape::{Tape, Tensor, Var};
use tests::compare::error;
use tests::row;
use tests::systems::{normal, rng};

/// The inputs of a cell: the affine maps of the input and of the state.
fn maps<'t>(v: &Inputs<'t>, x: Var<'t>, h: Var<'t>) -> (Var<'t>, Var<'t>) {
    (x.linear(v["w_ih"], v["b_ih"]), h.linear(v["w_hh"], v["b_hh"]))
}

/// A check with parameters for 2 inputs and 3 hidden units.
fn with_parameters<'f>(check: GradCheck<'f>, gates: usize, rng: &mut StdRng) -> GradCheck<'f> {
    let rows = 3 * gates;
    check
        .input("w_ih", normal([rows, 2], 0.7, rng))
        .input("w_hh", normal([rows, 3], 0.7, rng))
        .input("b_ih", normal([rows], 0.5, rng))
        .input("b_hh", normal([rows], 0.5, rng))
}

#[test]
fn gl_27_recurrent_network() {
    let rng = &mut rng(27);
    let check = GradCheck::new(|v| {
        let start = v["h"];
        let states = (0..5).scan(start, |h, t| {
            let (input, hidden) = maps(v, v["x"].slice(1, t..t + 1).squeeze(1), *h);
            *h = RnnGates::Tanh.step(input, hidden, *h);
            Some(*h)
        });
        v.tape().stack(&states.collect::<Vec<_>>(), 1)
    });
    let check = with_parameters(check, 1, rng)
        .input("x", normal([2, 5, 2], 1.0, rng))
        .input("h", normal([2, 3], 1.0, rng));
    row("GL-27", "tanh cell through 5 steps", "gradient check", &agrees(check), "2 inputs, 3 units");
}

/// Sequences of 20 values, and the first of each as a bit: it is ±1, the others are ±0.3.
fn sequences(n: usize, rng: &mut StdRng) -> (Tensor, Tensor) {
    let x = Tensor::from_fn([n, 20, 1], |at| {
        let sign = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
        if at[1] == 0 { sign } else { 0.3 * sign }
    });
    let first = x.slice(1, ..1).reshape([n, 1]).map_elements(|bit| (bit + 1.0) / 2.0);
    (x, first)
}

/// A recurrent layer of 8 units and its output layer.
#[derive(Clone, Debug, Parameters)]
struct Memory {
    lstm: Lstm,
    output: Linear,
}

impl Memory {
    fn say<'t>(&self, x: Var<'t>) -> Var<'t> {
        let (_, (h, _)) = self.lstm.forward(x, None);
        self.output.forward(h.squeeze(0), &mut Context::eval())
    }
}

/// Opens the forget gates initially.
fn open_forget_gates(cell: &mut LstmCell) {
    let bias = cell.bias_ih.as_mut().expect("a cell with biases");
    let hidden = bias.value().size() / 4;
    bias.value_mut().as_mut_slice()[hidden..2 * hidden].fill(5.0);
}

/// The fraction of 200 unseen sequences whose first value is recalled at the end, after 50 steps on others.
fn remembered(seed: u64) -> f64 {
    let rng = &mut rng(seed);
    let mut model = Memory { lstm: Lstm::new(1, 8, 1, rng), output: Linear::new(8, 1, rng) };
    open_forget_gates(&mut model.lstm.layers[0]);
    let mut optimizer = Adam::new(0.03);
    for _ in 0..50 {
        let (x, first) = sequences(16, rng);
        descend(&mut model, &mut optimizer, 1, |model, tape| {
            binary_cross_entropy_with_logits(model.say(tape.constant(x.clone())), &first).mean_over_samples()
        });
    }
    let (unseen, truth) = sequences(200, rng);
    let tape = Tape::new().inference();
    let said = model.say(tape.constant(unseen)).value().map_elements(|z| f64::from(z > 0.0));
    1.0 - (&said - &truth).abs().mean()
}

#[test]
fn gl_28_lstm() {
    let rng = &mut rng(28);
    let check = GradCheck::new(|v| {
        let (input, hidden) = maps(v, v["x"], v["h"]);
        let (h, c) = LstmGates.step(input, hidden, (v["h"], v["c"]));
        v.tape().concat(&[h, c], 1)
    });
    let check = with_parameters(check, 4, rng)
        .input("x", normal([1, 2], 1.0, rng))
        .input("h", normal([1, 3], 1.0, rng))
        .input("c", normal([1, 3], 1.0, rng));
    row("GL-28", "cell with 4 gates", "gradient check", &agrees(check), "2 inputs, 3 units");

    // (Of the seeds 0 to 7, one needs more steps.)
    let right = remembered(0);
    assert_eq!(right, 1.0);
    row(
        "GL-28",
        "first bit of 20, told at the end: unseen sequences right",
        "remembers over 20 steps",
        &format!("{:.0} %", 100.0 * right),
        "8 units, 50 steps; the other numbers are noise",
    );
}

#[test]
fn gl_62_backpropagation_through_time() {
    let rng = &mut rng(62);
    let (batch, time) = (3, 6);
    let rnn = Rnn::new(2, 4, 1, rng);
    let x = normal([batch, time, 2], 1.0, rng);
    let ct = normal([batch, time, 4], 1.0, rng);
    let tape = Tape::new();
    let (y, _) = rnn.forward(tape.constant(x.clone()), None);
    let (h, grads) = (y.value(), y.vjp(ct.clone()));

    // e_t = d_t ∘ (1 - h_t²), d_{t-1} = Wᵀ e_t plus the cotangent from above, one sample in each row.
    let at = |x: &Tensor, t: usize| x.slice(1, t as isize..t as isize + 1).squeeze(1);
    let cell = &rnn.layers[0];
    let [mut dw, mut du, mut db] = [vec![4, 4], vec![4, 2], vec![4]].map(Tensor::zeros);
    let mut d = Tensor::zeros([batch, 4]);
    for t in (0..time).rev() {
        d = &d + &at(&ct, t);
        let now = at(&h, t);
        let before = if t == 0 { Tensor::zeros([batch, 4]) } else { at(&h, t - 1) };
        let e = &d * &(1.0 - &(&now * &now));
        dw = &dw + &e.transpose().matmul(&before);
        du = &du + &e.transpose().matmul(&at(&x, t));
        db = &db + &e.sum_axes(0, false);
        d = e.matmul(cell.weight_hh.value());
    }
    let bias = |param: &Option<Param>| grads.of(param.as_ref().expect("a cell with biases"));
    let distances = [
        error(&grads.of(&cell.weight_hh), &dw),
        error(&grads.of(&cell.weight_ih), &du),
        error(&bias(&cell.bias_ih), &db),
        error(&bias(&cell.bias_hh), &db),
    ];
    assert!(distances.iter().all(|&distance| distance <= EXACT), "{distances:?}");
    let ours = distances[..3].iter().map(|distance| format!("{distance:.1e}")).collect::<Vec<_>>().join(", ");
    row("GL-62", "unrolled tanh cell: dW, dU, db", "recurrence of e_t", &ours, "6 steps, 3 samples");
}
