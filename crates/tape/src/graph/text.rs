//! The graph in the language of Graphviz.

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

/// Escapes the characters that DOT and JSON reserve between quotes.
pub(super) fn escape(text: &str) -> String {
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
}
