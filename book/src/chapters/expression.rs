//! The expression z = (x y + x) y of chapters 2, 3 and 5, step by step.

use tape::{GraphView, Tape};

/// A step of the recording.
pub(crate) struct Step {
    pub(crate) label: String,
    /// The positions of the operands in the list.
    pub(crate) operands: Vec<usize>,
    pub(crate) value: f64,
    /// The local derivative with respect to each operand.
    pub(crate) local: Vec<f64>,
    /// The gradient of z.
    pub(crate) gradient: f64,
}

/// Records the expression at x = 2, y = 3, and differentiates it.
pub(crate) fn steps() -> Vec<Step> {
    let tape = Tape::new();
    let (x, y) = (tape.scalar(2.0).named("x"), tape.scalar(3.0).named("y"));
    let a = (x * y).named("a");
    let b = (a + x).named("b");
    let z = (b * y).named("z");
    let gradients = z.backward_all().wrt([x, y, a, b, z]);
    let view: GraphView = tape.view();
    let value = |position: usize| view.nodes()[position].value.item();
    let step = |(node, gradient): (&tape::GraphNode, f64)| {
        let operands: Vec<usize> = node.parents().map(|index| index - 1).collect();
        let local = match (node.op, operands[..].as_ref()) {
            ("mul", &[left, right]) => vec![value(right), value(left)],
            _ => vec![1.0; operands.len()],
        };
        Step { label: node.label(), operands, value: node.value.item(), local, gradient }
    };
    view.nodes().iter().zip(gradients).map(step).collect()
}

/// The paths from a step to the last one: their steps, and the product of the local derivatives.
pub(crate) fn paths(steps: &[Step], from: usize) -> Vec<(Vec<usize>, f64)> {
    if from == steps.len() - 1 {
        return vec![(vec![from], 1.0)];
    }
    let edges = steps.iter().enumerate().flat_map(|(to, step)| {
        let here = step.operands.iter().zip(&step.local).filter(|&(&operand, _)| operand == from);
        here.map(move |(_, &local)| (to, local)).collect::<Vec<_>>()
    });
    let onward = |(to, local): (usize, f64)| {
        let extended = paths(steps, to).into_iter().map(move |(path, product)| {
            let path = std::iter::once(from).chain(path).collect();
            (path, local * product)
        });
        extended.collect::<Vec<_>>()
    };
    edges.flat_map(onward).collect()
}

#[cfg(test)]
mod tests {
    use super::{paths, steps};

    #[test]
    fn the_sum_over_paths_is_the_gradient() {
        let steps = steps();
        for from in 0..steps.len() {
            let sum: f64 = paths(&steps, from).iter().map(|(_, product)| product).sum();
            assert_eq!(sum, steps[from].gradient, "{}", steps[from].label);
        }
    }
}
