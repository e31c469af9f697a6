//! Chapter 13: forward mode, Jacobians and the adjoint identity.

use super::{Chapter, table};
use crate::diagram::{Diagram, GRADIENT, VALUE};
use crate::{Exercise, Mistake};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tape::{Scalar, Tape, Tensor, Var};

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 13,
    page: "13-forward-mode",
    program: program!("13_forward_mode.rs"),
    broken: program!("13_broken.rs"),
    tables,
    figures,
    exercises,
};

/// The multiplications of the chain rule among the nodes recorded after the first `recorded`.
fn multiplications(tape: &Tape, recorded: usize) -> usize {
    let view = tape.view();
    view.nodes()[recorded..].iter().filter(|node| node.op == "chain_rule").count()
}

/// Sweeps and multiplications for the whole Jacobian of a function with this many inputs and outputs: forward, reverse.
fn cost(inputs: usize, outputs: usize) -> [(usize, usize); 2] {
    let tape = Tape::new();
    let x: Vec<Scalar> = (1..=inputs).map(|k| tape.scalar(k as f64 / 8.0)).collect();
    // A chain that all inputs enter and all outputs leave.
    let mut y = x[0].sin();
    for k in 1..16 {
        y = y.sin() * x[k % inputs];
    }
    let outputs: Vec<Scalar> = (1..=outputs).map(|k| (y * k as f64).exp()).collect();
    let one = tape.scalar_constant(1.0);
    let recorded = tape.view().nodes().len();
    for &input in &x {
        let _column = tape.pushforward(outputs.clone(), input, one);
    }
    let forward = multiplications(&tape, recorded);
    let recorded = tape.view().nodes().len();
    for &output in &outputs {
        let _row = output.grad(x.clone());
    }
    [(x.len(), forward), (outputs.len(), multiplications(&tape, recorded))]
}

fn costs() -> String {
    let rows = [(1, 8), (2, 4), (4, 2), (8, 1), (8, 8)].map(|(inputs, outputs)| {
        let [forward, reverse] = cost(inputs, outputs);
        [
            inputs.to_string(),
            outputs.to_string(),
            forward.0.to_string(),
            forward.1.to_string(),
            reverse.0.to_string(),
            reverse.1.to_string(),
        ]
    });
    let head = [
        "inputs",
        "outputs",
        "forward sweeps",
        "multiplications forward",
        "reverse sweeps",
        "multiplications reverse",
    ];
    table(head, rows)
}

/// Both sides of the adjoint identity for operations on matrices, at random values, tangents and cotangents.
fn identity() -> String {
    type Operation = for<'t> fn(Var<'t>) -> Var<'t>;
    let operations: [(&str, &str, Operation); 8] = [
        ("`x.matmul(w)`", "multiply with the transpose of w", |x| {
            let w = Tensor::from([[0.5, -1.0], [2.0, 0.25], [1.5, -0.75]]);
            x.matmul(&w)
        }),
        ("`x.transpose()`", "transpose", |x| x.transpose()),
        ("`x.sum_axes(0, true)`", "copy to all rows", |x| x.sum_axes(0, true)),
        ("`x.broadcast_to([5, 4, 3])`", "sum over the copies", |x| x.broadcast_to([5, 4, 3])),
        ("`x.index_select(0, [2, 0, 2])`", "add each row where it came from", |x| {
            x.index_select(0, [2, 0, 2])
        }),
        ("`x.cumsum(0)`", "sum from the other end", |x| x.cumsum(0)),
        ("`x.tanh()`", "multiply with the slopes", |x| x.tanh()),
        ("`x.softmax(1)`", "p ∘ (ct - row sums of ct ∘ p)", |x| x.softmax(1)),
    ];
    let rng = &mut StdRng::seed_from_u64(13);
    let rows = operations.map(|(name, adjoint, operation)| {
        let mut random = |shape: &[usize]| Tensor::from_fn(shape, |_| rng.random_range(-1.0..1.0));
        let tape = Tape::new();
        let x = tape.var(random(&[4, 3]));
        let y = operation(x);
        let (dx, ct) = (random(&[4, 3]), random(&y.shape().dims()));
        let left = (&ct * &y.jvp(x, dx.clone())).sum();
        let right = (&y.vjp(ct).wrt(x) * &dx).sum();
        let same = (left - right).abs() <= 1e-14;
        let [left, right] = [left, right].map(|side| format!("{side:.6}"));
        [name.into(), adjoint.into(), left, right, if same { "yes" } else { "no" }.into()]
    });
    table(["operation", "its adjoint", "ct · (J dx)", "(Jᵀ ct) · dx", "equal to 14 digits"], rows)
}

fn tables() -> Vec<(&'static str, String)> {
    vec![("costs", costs()), ("identity", identity())]
}

/// The Jacobian of the program with one column and one row marked.
fn figures() -> Vec<(&'static str, String)> {
    let x = [2.0, 3.0, -1.0];
    let jacobian = |i: usize, j: usize| {
        let tape = Tape::new();
        let leaves = x.map(|x| tape.scalar(x));
        let a = leaves[0] * leaves[1];
        let outputs = [a + leaves[2] * leaves[2], a * leaves[2] + leaves[0]];
        outputs[i].backward().wrt(leaves)[j]
    };
    let at = |i: usize, j: usize| (150.0 + 110.0 * j as f64, 70.0 + 60.0 * i as f64);
    let mut diagram =
        Diagram::new("A forward sweep gives a column of the Jacobian, a reverse sweep a row", 700, 230);
    for (j, name) in ["x", "y", "z"].into_iter().enumerate() {
        diagram = diagram.text((at(0, j).0, 34.0), &format!("∂/∂{name}"), "#404040");
    }
    for (i, name) in ["u", "v"].into_iter().enumerate() {
        diagram = diagram.text((70.0, at(i, 0).1 + 5.0), name, "#404040");
        for j in 0..3 {
            let colour = match (i, j) {
                (0, _) => GRADIENT,
                (_, 1) => VALUE,
                _ => "#404040",
            };
            diagram = diagram.boxed(at(i, j), 80.0, &[(&jacobian(i, j).to_string(), colour)]);
        }
    }
    let diagram = diagram
        .arrow((260.0, 205.0), (260.0, 160.0), "", VALUE)
        .text((260.0, 222.0), "forward sweep with dx = (0, 1, 0): a column", VALUE)
        .arrow((470.0, 70.0), (425.0, 70.0), "", GRADIENT)
        .text((582.0, 75.0), "reverse sweep with ct = (1, 0): a row", GRADIENT);
    vec![("13-jacobian.svg", diagram.svg())]
}

fn exercises() -> Vec<Exercise> {
    let (x, y) = (2.0, 3.0);
    let j = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let (ct, dx) = (Tensor::from([2.0, -1.0]), Tensor::from([1.0, 0.0, -1.0]));
    let row = |ct: &Tensor| {
        let entries = (ct.reshape([1, 2]).matmul(&j)).to_vec();
        [entries[0], entries[1], entries[2]]
    };
    let column = j.matmul(&dx.reshape([3, 1])).to_vec();
    let (inputs, outputs) = (50.0, 3.0);
    vec![
        Exercise {
            number: "13.1",
            right: vec![[y, x, 1.0, 2.0 * y].into()],
            mistakes: vec![
                Mistake::new([y, 1.0, x, 2.0 * y], "that is the transpose: one row for each output"),
                Mistake::new([x, y, 1.0, 2.0 * y], "the derivative of x y with respect to x is y"),
            ],
            hint: "the first row has the derivatives of x y, the second those of x + y²",
        },
        Exercise {
            number: "13.2",
            right: vec![row(&ct).into()],
            mistakes: vec![
                Mistake::new(
                    [column[0], column[1]],
                    "that is J dx, a forward sweep; Jᵀ ct has three entries",
                ),
                Mistake::new(row(&Tensor::from([1.0, 1.0])), "each row is weighted with its entry of ct"),
                Mistake::new(
                    row(&Tensor::from([-1.0, 2.0])),
                    "the first entry of ct belongs to the first row",
                ),
            ],
            hint: "twice the first row minus the second",
        },
        Exercise {
            number: "13.3",
            right: vec![[inputs, outputs].into()],
            mistakes: vec![
                Mistake::new(
                    [outputs, inputs],
                    "a forward sweep is for one input, a reverse sweep for one output",
                ),
                Mistake::new(
                    [inputs * outputs, inputs * outputs],
                    "a sweep gives a whole column or row, not one entry",
                ),
            ],
            hint: "columns belong to inputs, rows to outputs",
        },
    ]
}
