//! Chapter 6: one neuron by hand.

use super::Chapter;
use crate::diagram::{Diagram, GRADIENT, VALUE};
use crate::{Exercise, Mistake};
use gradcheck::trace::Style;
use nn::loss::LossFunction;
use nn::{Linear, Sequential, Sigmoid, trace};
use tape::{Scalar, Tape, Tensor};

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 6,
    page: "06-neuron",
    program: program!("06_neuron.rs"),
    broken: program!("06_broken.rs"),
    tables,
    figures,
    exercises,
};

/// The quantities of a neuron with two inputs, in the order w1, w2, b, z, a, loss.
fn neuron<'t>(tape: &'t Tape, parameters: [f64; 3], x: [f64; 2], t: f64) -> [Scalar<'t>; 6] {
    let [w1, w2, b] = parameters.map(|value| tape.scalar(value));
    let z = w1 * x[0] + w2 * x[1] + b;
    let a = z.sigmoid();
    [w1, w2, b, z, a, 0.5 * (a - t).square()]
}

/// The trace of the neuron of the program.
fn tables() -> Vec<(&'static str, String)> {
    let model = Sequential::new().push(Linear::from_values([[0.5, 0.75]], [0.2])).push(Sigmoid);
    let (x, t) = (Tensor::from([[1.0, -2.0]]), Tensor::from([[1.0]]));
    let style = Style { width: 90, ..Style::default() };
    let report = trace::mlp(&model, &x, &t, LossFunction::SquaredError.sum().half())
        .map_or_else(|error| error.to_string(), |report| report.table(&style));
    vec![("trace", format!("```text\n{}\n```", report.trim_end()))]
}

fn figures() -> Vec<(&'static str, String)> {
    let tape = Tape::new();
    let nodes = neuron(&tape, [0.5, 0.75, 0.2], [1.0, -2.0], 1.0);
    let gradients = nodes[5].backward_all().wrt(nodes);
    let names = ["w1", "w2", "b", "z", "a", "ℓ"];
    let places = [(80.0, 50.0), (80.0, 130.0), (80.0, 210.0), (300.0, 130.0), (500.0, 130.0), (680.0, 130.0)];
    let edges = [(0, 3, "x1 = 1"), (1, 3, "x2 = -2"), (2, 3, "1"), (3, 4, "a (1 - a)"), (4, 5, "a - t")];
    let mut diagram = Diagram::new("A neuron: values, and slopes of the loss", 760, 260);
    for (from, to, slope) in edges {
        let (begin, end): ((f64, f64), (f64, f64)) = (places[from], places[to]);
        diagram = diagram.arrow((begin.0 + 55.0, begin.1), (end.0 - 57.0, end.1), slope, GRADIENT);
    }
    for (((name, place), node), gradient) in names.into_iter().zip(places).zip(nodes).zip(gradients) {
        let lines = [format!("{name} = {:.3}", node.value()), format!("∂ℓ/∂{name} = {gradient:.3}")];
        diagram = diagram.boxed(place, 110.0, &[(&lines[0], VALUE), (&lines[1], GRADIENT)]);
    }
    vec![("06-neuron.svg", diagram.svg())]
}

fn exercises() -> Vec<Exercise> {
    let tape = Tape::new();
    let [w1, w2, b, z, a, loss] = neuron(&tape, [2.0, -1.0, 0.5], [1.0, 3.0], 1.0);
    let [dw1, dw2, db, dz, da] = loss.backward_all().wrt([w1, w2, b, z, a]);
    vec![
        Exercise {
            number: "6.1",
            right: vec![z.value().into()],
            mistakes: vec![
                Mistake::new(z.value() - b.value(), "the bias is missing"),
                Mistake::new(a.value(), "that is the activation σ(z); the weighted input comes before it"),
                Mistake::new(2.0 + 3.0 + 0.5, "w2 is negative"),
            ],
            hint: "z = w1 x1 + w2 x2 + b",
        },
        Exercise {
            number: "6.2",
            right: vec![dz.into()],
            mistakes: vec![
                Mistake::new(2.0 * dz, "the factor ½ of the loss is missing"),
                Mistake::new(da, "that is ∂ℓ/∂a; multiply by the slope of the sigmoid, a (1 - a)"),
                Mistake::new(-dz, "the derivative of ½ (a - t)² is a - t, which is negative here"),
                Mistake::new(
                    a.value() * (1.0 - a.value()),
                    "that is the slope of the sigmoid; the factor a - t is missing",
                ),
            ],
            hint: "(a - t) a (1 - a) with a = σ(-0.5)",
        },
        Exercise {
            number: "6.3",
            right: vec![[dw1, dw2, db].into()],
            mistakes: vec![
                Mistake::new([2.0 * dz, -dz, 0.5 * dz], "∂z/∂w1 is the input x1, not the weight"),
                Mistake::new([da * dw1 / dz, da * dw2 / dz, da], "the slope of the sigmoid is missing"),
                Mistake::new([dw1, dw2, 0.0], "the bias has a slope too: ∂z/∂b = 1"),
                Mistake::new([dz, dz, dz], "the inputs are missing: ∂z/∂w2 = x2"),
            ],
            hint: "multiply ∂ℓ/∂z by x1, by x2 and by 1",
        },
    ]
}
