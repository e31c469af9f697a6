//! The graph as text: DOT for Graphviz, JSON for other programs.

use super::{GraphInput, GraphNode, GraphView};
use crate::rules::algebra::Element;
use std::fmt::Write;

impl<T: Element> GraphView<T> {
    /// The graph in the language of Graphviz: leaves are boxes, constants are grey, operations are ellipses.
    pub fn to_dot(&self) -> String {
        let mut out = String::from("digraph tape {\n  rankdir=TB;\n  node [fontname=\"sans-serif\"];\n");
        for node in &self.nodes {
            let style = match node.op {
                "leaf" => "shape=box style=filled fillcolor=\"#cfe3f1\"",
                "constant" => "shape=box style=filled fillcolor=\"#e6e6e6\"",
                _ => "shape=ellipse",
            };
            let name = node.name.as_deref().map(|name| escape(name) + "\\n").unwrap_or_default();
            let _ =
                writeln!(out, "  n{} [label=\"{name}{}\" {style}];", node.index, escape(&description(node)));
            for parent in node.parents().filter(|&parent| self.node(parent).is_some()) {
                let _ = writeln!(out, "  n{parent} -> n{};", node.index);
            }
        }
        out + "}\n"
    }

    /// The graph as one JSON object: `{"nodes": [{"index", "op", "inputs", "shape", "value", "tracked", "name"}]}`.
    ///
    /// An input is `{"node": 3}` or `{"number": 2.0}`; a value is the list of its elements in row-major
    /// order, with `null` for values that JSON cannot represent (NaN and infinities).
    pub fn to_json(&self) -> String {
        let nodes: Vec<String> = self.nodes.iter().map(object).collect();
        format!("{{\"nodes\": [\n  {}\n]}}\n", nodes.join(",\n  "))
    }
}

/// Describes a node in one line: its operation with constant operands, and its shape.
pub(super) fn description<T: Element>(node: &GraphNode<T>) -> String {
    let mut text = node.op.to_owned();
    for input in &node.inputs {
        if let GraphInput::Number(value) = input {
            let _ = write!(text, " {value}");
        }
    }
    if node.shape.rank() > 0 {
        let _ = write!(text, " {}", node.shape);
    }
    text
}

fn object<T: Element>(node: &GraphNode<T>) -> String {
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    let input = |input: &GraphInput| match input {
        GraphInput::Node(index) => format!("{{\"node\": {index}}}"),
        GraphInput::Number(value) => format!("{{\"number\": {}}}", number(*value)),
    };
    let name = match &node.name {
        Some(name) => format!("\"{}\"", escape(name)),
        None => "null".to_owned(),
    };
    format!(
        "{{\"index\": {}, \"op\": \"{}\", \"inputs\": {}, \"shape\": {}, \"value\": {}, \"tracked\": {}, \"name\": {name}}}",
        node.index,
        escape(node.op),
        list(node.inputs.iter().map(input).collect()),
        list(node.shape.iter().map(usize::to_string).collect()),
        list(node.value.to_vec().into_iter().map(|x| number(x.to_f64())).collect()),
        node.tracked,
    )
}

/// A number with all its digits, `null` if it is not finite.
fn number(x: f64) -> String {
    if x.is_finite() { format!("{x:?}") } else { "null".to_owned() }
}

/// Escapes the characters that both languages reserve between quotes.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::tape::Tape;

    #[test]
    fn dot_names_nodes_and_edges() {
        let tape = Tape::new();
        let x = tape.var([1.0, 2.0]).named("a \"b\"");
        let _ = (x * x).sum().named("loss");
        let dot = tape.view().to_dot();
        assert!(dot.contains("n1 [label=\"a \\\"b\\\"\\nleaf [2]\" shape=box"), "{dot}");
        assert!(dot.contains("n3 [label=\"loss\\nsum\" shape=ellipse];"), "{dot}");
        assert_eq!(dot.matches("n1 -> n2;").count(), 2, "an operand used twice is two edges");
        assert!(dot.ends_with("}\n"));
    }

    #[test]
    fn json_holds_every_field() {
        let tape = Tape::new();
        let x = tape.scalar(0.0).named("x\n");
        let _ = 0.5 / x;
        let expected = concat!(
            "{\"nodes\": [\n",
            "  {\"index\": 1, \"op\": \"leaf\", \"inputs\": [], \"shape\": [], \"value\": [0.0], ",
            "\"tracked\": true, \"name\": \"x\\u000a\"},\n",
            "  {\"index\": 2, \"op\": \"div\", \"inputs\": [{\"number\": 0.5}, {\"node\": 1}], \"shape\": [], ",
            "\"value\": [null], \"tracked\": true, \"name\": null}\n]}\n",
        );
        assert_eq!(tape.view().to_json(), expected);
    }
}
