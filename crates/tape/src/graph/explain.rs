//! A computation and its derivation as text, statement by statement.

use super::words::{short, size_of};
use super::{GraphNode, GraphView};
use crate::rules::algebra::Element;
use crate::tensor::Tensor;
use std::fmt::Write;

/// The number of elements of a tensor that are printed.
const ELEMENTS: usize = 4;

impl<T: Element> GraphView<T> {
    /// The recording statement by statement; and in a view of one result ([`Scalar::view`](crate::Scalar::view)) the derivation of
    /// its gradients, with the rule of each step in words and numbers. Numbers have four significant digits, of tensors the
    /// first elements are shown.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let (w, x) = (tape.scalar(0.5).named("w"), tape.scalar(2.0).named("x"));
    /// let a = (w * x).named("z").tanh().named("a");
    /// let text = a.square().named("L").view().explain();
    /// assert_eq!(text, "\
    /// values
    ///   w = leaf     = 0.5
    ///   x = leaf     = 2
    ///   z = w · x    = 1
    ///   a = tanh z   = 0.7616
    ///   L = a²       = 0.58
    /// gradients of L, beginning with ∂L/∂L = 1
    ///   square       ∂L/∂a += ∂L/∂L · 2 a = 1 · 1.523 = 1.523
    ///   tanh         ∂L/∂z += ∂L/∂a · (1 - a²) = 1.523 · 0.42 = 0.6397
    ///   mul          ∂L/∂w += ∂L/∂z · x = 0.6397 · 2 = 1.279
    ///   mul          ∂L/∂x += ∂L/∂z · w = 0.6397 · 0.5 = 0.3199
    /// results
    ///   ∂L/∂w        = 1.279
    ///   ∂L/∂x        = 0.3199
    /// ");
    /// ```
    pub fn explain(&self) -> String {
        let statement = |node: &GraphNode<T>| format!("{} = {}", node.label(), self.statement(node));
        let left: Vec<String> = self.nodes.iter().map(statement).collect();
        let width = left.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(12);
        let mut out = String::from("values\n");
        for (node, left) in self.nodes.iter().zip(&left) {
            row(&mut out, width, left, &format!("= {}", brief(&node.value)));
        }
        let Some(sweep) = &self.sweep else { return out };
        let name = self.root_name();
        let root = self.label(sweep.root);
        let called = if name == root { String::new() } else { format!(" = {root}") };
        let seed = brief(&sweep.seed);
        let _ = writeln!(out, "gradients of {name}{called}, beginning with ∂{name}/∂{root} = {seed}");
        let mut received = std::collections::HashMap::new();
        for step in &sweep.steps {
            let contribution = brief(&step.contribution);
            let numbers = match step.slope {
                Some(slope) => {
                    format!("{} · {} = {contribution}", brief(&step.cotangent), short(slope.to_f64()))
                }
                None => contribution,
            };
            let count = received.entry(step.input).or_insert(0_usize);
            *count += 1;
            let sum =
                if *count > 1 { format!(", sum of {count}: {}", brief(&step.sum)) } else { String::new() };
            row(&mut out, width, step.op, &format!("{} = {numbers}{sum}", self.rule(step)));
        }
        out.push_str("results\n");
        for node in self.nodes.iter().filter(|node| node.op == "leaf") {
            let left = format!("∂{name}/∂{}", node.label());
            let gradient = self.gradient(node.index).map(|gradient| brief(&gradient)).unwrap_or_default();
            row(&mut out, width, &left, &format!("= {gradient}"));
        }
        out
    }
}

/// A line of two columns, the first of this width.
fn row(out: &mut String, width: usize, left: &str, right: &str) {
    let gap = width.saturating_sub(left.chars().count());
    let _ = writeln!(out, "  {left}{:gap$} {right}", "");
}

/// A scalar, or the shape and the first elements of a tensor.
fn brief<T: Element>(x: &Tensor<T>) -> String {
    let first: Vec<String> = x.iter().take(ELEMENTS).map(|&x| short(x.to_f64())).collect();
    let more = if x.size() > ELEMENTS { ", ..." } else { "" };
    let elements = first.join(", ") + more;
    if x.rank() == 0 { elements } else { format!("{} {elements}", size_of(x.shape())) }
}

#[cfg(test)]
mod tests {
    use crate::tape::Tape;

    #[test]
    fn forks_show_their_sums_and_unnamed_nodes_their_numbers() {
        let tape = Tape::new();
        let a = tape.scalar(2.0).named("a");
        let b = a + a;
        let text = (b * a).view().explain();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert!(lines.contains(&"gradients of L = #3, beginning with ∂L/∂#3 = 1"), "{text}");
        assert!(lines.contains(&"mul          ∂L/∂a += ∂L/∂#3 · #2 = 1 · 4 = 4"), "{text}");
        assert!(lines.contains(&"add          ∂L/∂a += ∂L/∂#2 · 1 = 2 · 1 = 2, sum of 3: 8"), "{text}");
        assert_eq!(lines.last(), Some(&"∂L/∂a        = 8"), "{text}");
        assert!(!tape.view().explain().contains("gradients"), "a whole tape has no sweep");
    }

    #[test]
    fn tensors_show_shapes_and_first_elements() {
        let tape = Tape::single();
        let x = tape.var(vec![1.0f32, 2.0, f32::NAN, 4.0, 5.0]).named("x");
        let text = x.square().sum().view().explain();
        assert!(text.contains("= [5] 1, 2, NaN, 4, ..."), "{text}");
        assert!(text.contains("∂L/∂x += ∂L/∂#2 ∘ 2 x = [5] 2, 4, NaN, 8, ..."), "{text}");
    }
}
