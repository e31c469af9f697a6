//! Chapter 16: convolution, recurrence and attention.

use super::{Chapter, table};
use crate::diagram::{Diagram, GRADIENT, VALUE};
use crate::{Exercise, Mistake};
use nn::functional::{AttentionOptions, scaled_dot_product_attention};
use nn_plot::{Matrices, Matrix};
use tape::ops::Tanh;
use tape::{Scalar, Tape, Tensor, Unary};

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 16,
    page: "16-structures",
    program: program!("16_structures.rs"),
    broken: program!("16_broken.rs"),
    tables,
    figures,
    exercises,
};

/// The recurrence of the program: its weights and its inputs.
const WEIGHTS: [f64; 2] = [0.8, 0.5];
const INPUTS: [f64; 3] = [1.0, -2.0, 3.0];

/// One step of the recurrence: the state after it, the cotangents of that state and of its weighted input, and the shares
/// for both weights.
struct Step {
    state: f64,
    dh: f64,
    dz: f64,
    du: f64,
    dv: f64,
}

/// The steps of the recurrence, first step first.
fn unrolled() -> Vec<Step> {
    let [u, v] = WEIGHTS;
    let mut states = vec![0.0];
    for x in INPUTS {
        states.push(Tanh.eval(u * states[states.len() - 1] + v * x));
    }
    let mut dh = 1.0;
    let mut steps = Vec::new();
    for t in (0..INPUTS.len()).rev() {
        let state = states[t + 1];
        let dz = dh * (1.0 - state * state);
        steps.push(Step { state, dh, dz, du: dz * states[t], dv: dz * INPUTS[t] });
        dh = u * dz;
    }
    steps.reverse();
    steps
}

fn unrolled_table() -> String {
    let steps = unrolled();
    let mut rows: Vec<[String; 6]> = steps
        .iter()
        .enumerate()
        .map(|(t, step)| {
            let number = |x: f64| format!("{x:.3}");
            [
                (t + 1).to_string(),
                number(step.state),
                number(step.dh),
                number(step.dz),
                number(step.du),
                number(step.dv),
            ]
        })
        .collect();
    let sum = |share: fn(&Step) -> f64| format!("{:.3}", steps.iter().map(share).sum::<f64>());
    let empty = String::new;
    rows.push(["sum".into(), empty(), empty(), empty(), sum(|s| s.du), sum(|s| s.dv)]);
    table(["t", "h[t]", "∂ℓ/∂h[t]", "∂ℓ/∂z[t]", "share of ∂ℓ/∂u", "share of ∂ℓ/∂v"], rows)
}

/// The derivative of the state after this many steps with respect to the first one, 0.1, without inputs.
fn factor(u: f64, steps: usize) -> f64 {
    let tape = Tape::new();
    let first = tape.scalar(0.1);
    let last = (0..steps).fold(first, |h: Scalar, _| (u * h).tanh());
    last.backward().wrt(first)
}

fn factors() -> String {
    let row = |u: f64| {
        let at = |steps: usize| format!("{:.1e}", factor(u, steps));
        [format!("{u:.1}"), at(1), at(5), at(20), at(50), format!("{:.1e}", u.powi(50))]
    };
    table(
        ["u", "1 step", "5 steps", "20 steps", "50 steps", "50 steps without tanh"],
        [0.5, 0.9, 1.0, 1.1, 2.0].map(row),
    )
}

/// Queries, keys, values, and a cotangent of the result.
fn operands() -> [Tensor; 4] {
    [
        Tensor::from([[1.0, 0.5], [-0.5, 2.0]]),
        Tensor::from([[1.0, 0.0], [0.5, -1.0], [0.0, 2.0]]),
        Tensor::from([[3.0, 1.0], [0.0, 2.0], [-1.0, 4.0]]),
        Tensor::from([[1.0, -1.0], [0.5, 2.0]]),
    ]
}

/// The weights of the attention, and by hand the cotangents of the weights, the scores, the queries, keys and values.
fn attention_by_hand() -> [Tensor; 6] {
    let [q, k, v, dy] = operands();
    let scale = 1.0 / 2f64.sqrt();
    let p = (q.matmul(&k.transpose()) * scale).softmax(1);
    let dp = dy.matmul(&v.transpose());
    let ds = &p * (&dp - (&dp * &p).sum_axes(1, true));
    let dq = ds.matmul(&k) * scale;
    let dk = ds.transpose().matmul(&q) * scale;
    let dv = p.transpose().matmul(&dy);
    [p, dp, ds, dq, dk, dv]
}

fn attention() -> String {
    let tape = Tape::new();
    let [q, k, v, dy] = operands();
    let [q, k, v] = [q, k, v].map(|x| tape.var(x));
    let gradients = scaled_dot_product_attention(&q, &k, &v, &AttentionOptions::default()).vjp(dy.clone());
    let [_, _, _, dq, dk, dv] = attention_by_hand();
    let row = |(name, formula, hand, tape): (&str, &str, Tensor, Tensor)| {
        let numbers =
            |x: &Tensor| x.to_vec().iter().map(|x| format!("{x:.3}")).collect::<Vec<_>>().join(", ");
        let agree = if hand.allclose_within(&tape, 1e-12, 1e-12) { "yes" } else { "no" };
        [name.to_string(), formula.to_string(), numbers(&hand), numbers(&tape), agree.to_string()]
    };
    table(
        ["cotangent", "formula", "by hand", "tape", "agree"],
        [
            ("dQ", "dS·K / √d", dq, gradients.wrt(q)),
            ("dK", "dSᵀ·Q / √d", dk, gradients.wrt(k)),
            ("dV", "Pᵀ·dY", dv, gradients.wrt(v)),
        ]
        .map(row),
    )
}

fn tables() -> Vec<(&'static str, String)> {
    vec![("unrolled", unrolled_table()), ("factors", factors()), ("attention", attention())]
}

/// The recurrence unrolled: states above, the weights that all steps share below.
fn unrolled_figure() -> String {
    let steps = unrolled();
    let mut diagram =
        Diagram::new("A recurrence unrolled in time: states, and the cotangents on their way back", 760, 250);
    diagram = diagram.boxed((60.0, 60.0), 110.0, &[("h[0]", VALUE), ("0", VALUE)]);
    for (t, step) in steps.iter().enumerate() {
        let x = 240.0 + 200.0 * t as f64;
        let beside = [-20.0, 50.0, 10.0][t];
        let factor = format!("· u (1 - h[{}]²)", t + 1);
        diagram = diagram
            .arrow((x - 125.0, 60.0), (x - 75.0, 60.0), "", VALUE)
            .boxed(
                (x, 60.0),
                150.0,
                &[
                    (&format!("h[{}] = {:.3}", t + 1, step.state), VALUE),
                    (&format!("∂ℓ/∂h[{}] = {:.3}", t + 1, step.dh), GRADIENT),
                ],
            )
            .arrow((380.0, 188.0), (x, 86.0), "", VALUE)
            .text((x + beside, 120.0), &format!("share {:.3}", step.du), GRADIENT)
            .text((x - 100.0, 26.0), &factor, GRADIENT);
    }
    let total: f64 = steps.iter().map(|step| step.du).sum();
    diagram
        .boxed(
            (380.0, 210.0),
            230.0,
            &[("u = 0.8", VALUE), (&format!("∂ℓ/∂u = {total:.3}, the sum"), GRADIENT)],
        )
        .svg()
}

/// The convolution of the program as a matrix.
fn banded() -> Tensor {
    let w = [0.5, -1.0, 2.0];
    let entry = |n: usize| {
        let (i, j) = (n / 5, n % 5);
        if (i..i + 3).contains(&j) { w[j - i] } else { 0.0 }
    };
    Tensor::from((0..15).map(entry).collect::<Vec<f64>>()).reshape([3, 5])
}

fn figures() -> Vec<(&'static str, String)> {
    let [p, _, ds, ..] = attention_by_hand();
    let named = |matrix: Matrix| matrix.rows(["query 1", "query 2"]).columns(["key 1", "key 2", "key 3"]);
    let attention = Matrices::new("Attention: the weights, and what comes back to the scores")
        .matrix(named(Matrix::new("weights P", &p)))
        .matrix(named(Matrix::new("cotangents of the scores", &ds)));
    let outputs = ["y1", "y2", "y3"];
    let inputs = ["x1", "x2", "x3", "x4", "x5"];
    let convolution = Matrices::new("The convolution as a matrix, and its adjoint")
        .matrix(Matrix::new("y from x", &banded()).rows(outputs).columns(inputs))
        .matrix(Matrix::new("dx from dy", &banded().transpose()).rows(inputs).columns(outputs));
    vec![
        ("16-convolution.svg", convolution.svg().unwrap_or_default()),
        ("16-unrolled.svg", unrolled_figure()),
        ("16-attention.svg", attention.svg().unwrap_or_default()),
    ]
}

fn exercises() -> Vec<Exercise> {
    // y[i] = w[0] x[i] + w[1] x[i + 1] for three inputs.
    let (x, dy) = ([2.0, 5.0, 1.0], [1.0, 3.0]);
    let dw = [dy[0] * x[0] + dy[1] * x[1], dy[0] * x[1] + dy[1] * x[2]];
    // h ← u h, three times, from 2, with u = 3.
    let (u, h, steps) = (3.0f64, 2.0, 3);
    // A softmax over two scores with the weights 0.8 and 0.2, and cotangents 1 and 0 of the weights.
    let (p, dp) = ([0.8, 0.2], [1.0, 0.0]);
    let mean = p[0] * dp[0] + p[1] * dp[1];
    vec![
        Exercise {
            number: "16.1",
            right: vec![dw.into()],
            mistakes: vec![
                Mistake::new(
                    [dy[0] * x[0], dy[0] * x[1]],
                    "both outputs use the weights: the shares of y[2] are missing",
                ),
                Mistake::new(
                    [dy[0] * x[1] + dy[1] * x[0], dy[0] * x[2] + dy[1] * x[1]],
                    "the kernel was reversed: dw[k] sums dy[i] x[i + k]",
                ),
            ],
            hint: "write out both outputs, and collect the factor of each weight",
        },
        Exercise {
            number: "16.2",
            right: vec![(f64::from(steps) * u.powi(steps - 1) * h).into()],
            mistakes: vec![
                Mistake::new(
                    u.powi(steps - 1) * h,
                    "this is the share of the last step only; u is used in all three",
                ),
                Mistake::new(u.powi(steps), "this is ∂h[3]/∂h[0]; the question is about u"),
            ],
            hint: "h[3] = u³ h[0]; each of the three uses of u has a share",
        },
        Exercise {
            number: "16.3",
            right: vec![[p[0] * (dp[0] - mean), p[1] * (dp[1] - mean)].into()],
            mistakes: vec![
                Mistake::new(
                    [p[0] * dp[0], p[1] * dp[1]],
                    "the weights sum to 1, so the mean of dP must be subtracted first",
                ),
                Mistake::new(
                    [p[0] * (1.0 - p[0]), p[1] * (1.0 - p[1])],
                    "these are only the diagonal entries of the softmax's Jacobian",
                ),
                Mistake::new([dp[0] - mean, dp[1] - mean], "multiply by the weights P as well"),
            ],
            hint: "dS = P ∘ (dP - Σ dP P)",
        },
    ]
}
