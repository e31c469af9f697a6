//! The graph as JSON, for other programs and for the page.

use super::text::escape;
use super::{GraphInput, GraphNode, GraphView};
use crate::rules::algebra::Element;
use crate::sweep::steps::SweepStep;
use crate::tensor::Tensor;
use std::fmt::Display;

/// The version of the format, raised when a field changes its meaning.
const VERSION: u32 = 2;

impl<T: Element> GraphView<T> {
    /// The graph as one JSON object:
    ///
    /// ```text
    /// {"version": 2, "type": "f64", "root": 3, "seed": [1.0],
    ///  "nodes": [{"index", "op", "inputs", "shape", "value", "tracked", "name"}],
    ///  "steps": [{"node", "operand", "input", "slope", "contribution", "sum"}]}
    /// ```
    ///
    /// An input is `{"node": 3}` or `{"number": 2.0}`. A tensor is the list of its elements in row-major order, each with all its
    /// digits; what JSON has no number for is a text, `"NaN"`, `"Infinity"` or `"-Infinity"`. The steps are those of the reverse sweep
    /// ([`SweepStep`](crate::SweepStep)); `slope` is `null` for tensors. In a view of a whole tape `root` and `seed` are `null`, and there are
    /// no steps.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let x = tape.scalar(3.0).named("x");
    /// let json = x.square().view().to_json();
    /// assert!(json.contains(r#""name": "x""#) && json.contains(r#""slope": 6.0"#));
    /// ```
    pub fn to_json(&self) -> String {
        let nodes: Vec<String> = self.nodes.iter().map(node).collect();
        let steps: Vec<String> = self.steps().iter().map(step).collect();
        let (root, seed) = match &self.sweep {
            Some(sweep) => (sweep.root.to_string(), numbers(&sweep.seed)),
            None => ("null".to_owned(), "null".to_owned()),
        };
        let lines = |items: Vec<String>| match items.is_empty() {
            true => "[]".to_owned(),
            false => format!("[\n  {}\n]", items.join(",\n  ")),
        };
        format!(
            "{{\"version\": {VERSION}, \"type\": \"{}\", \"root\": {root}, \"seed\": {seed},\n\"nodes\": {},\n\"steps\": {}}}\n",
            T::NAME,
            lines(nodes),
            lines(steps)
        )
    }
}

fn node<T: Element>(node: &GraphNode<T>) -> String {
    let input = |input: &GraphInput| match input {
        GraphInput::Node(index) => format!("{{\"node\": {index}}}"),
        GraphInput::Number(value) => format!("{{\"number\": {}}}", number(*value)),
    };
    let name = node.name.as_deref().map_or_else(|| "null".to_owned(), text);
    format!(
        "{{\"index\": {}, \"op\": {}, \"inputs\": {}, \"shape\": {}, \"value\": {}, \"tracked\": {}, \"name\": {name}}}",
        node.index,
        text(node.op),
        list(node.inputs.iter().map(input)),
        list(node.shape.iter()),
        numbers(&node.value),
        node.tracked,
    )
}

fn step<T: Element>(step: &SweepStep<T>) -> String {
    format!(
        "{{\"node\": {}, \"operand\": {}, \"input\": {}, \"slope\": {}, \"contribution\": {}, \"sum\": {}}}",
        step.node,
        step.operand,
        step.input,
        step.slope.map_or_else(|| "null".to_owned(), |slope| element(slope)),
        numbers(&step.contribution),
        numbers(&step.sum),
    )
}

/// A list of values that are written already.
pub(super) fn list(items: impl Iterator<Item = impl Display>) -> String {
    let items: Vec<String> = items.map(|item| item.to_string()).collect();
    format!("[{}]", items.join(", "))
}

/// A text between quotes.
pub(super) fn text(text: &str) -> String {
    format!("\"{}\"", escape(text))
}

fn numbers<T: Element>(x: &Tensor<T>) -> String {
    list(x.elements().iter().map(|&x| element(x)))
}

/// An element with the digits that its own type needs.
pub(super) fn element<T: Element>(x: T) -> String {
    let wide = x.to_f64();
    if wide.is_finite() { format!("{x:?}") } else { number(wide) }
}

/// A number with all its digits.
pub(super) fn number(x: f64) -> String {
    match x {
        x if x.is_nan() => "\"NaN\"".to_owned(),
        f64::INFINITY => "\"Infinity\"".to_owned(),
        f64::NEG_INFINITY => "\"-Infinity\"".to_owned(),
        x => format!("{x:?}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::tape::Tape;

    #[test]
    fn json_holds_every_field() {
        let tape = Tape::new();
        let x = tape.scalar(0.0).named("x\n");
        let y = 0.5 / x;
        let nodes = concat!(
            "\"nodes\": [\n",
            "  {\"index\": 1, \"op\": \"leaf\", \"inputs\": [], \"shape\": [], \"value\": [0.0], ",
            "\"tracked\": true, \"name\": \"x\\u000a\"},\n",
            "  {\"index\": 2, \"op\": \"div\", \"inputs\": [{\"number\": 0.5}, {\"node\": 1}], \"shape\": [], ",
            "\"value\": [\"Infinity\"], \"tracked\": true, \"name\": null}\n],\n",
        );
        let head = "{\"version\": 2, \"type\": \"f64\", ";
        let expected = format!("{head}\"root\": null, \"seed\": null,\n{nodes}\"steps\": []}}\n");
        assert_eq!(tape.view().to_json(), expected);
        let step = concat!(
            "\"steps\": [\n",
            "  {\"node\": 2, \"operand\": 1, \"input\": 1, \"slope\": \"-Infinity\", ",
            "\"contribution\": [\"-Infinity\"], \"sum\": [\"-Infinity\"]}\n]}\n"
        );
        assert_eq!(y.view().to_json(), format!("{head}\"root\": 2, \"seed\": [1.0],\n{nodes}{step}"));
    }

    #[test]
    fn single_precision_has_its_own_digits() {
        let tape = Tape::single();
        let x = tape.scalar(0.1);
        assert!(x.sin().view().to_json().contains("\"value\": [0.1], "));
    }
}
