//! Nodes and steps in words: the statement that a node records, and the derivative rule that a step applies.
//!
//! The mathematics is that of the table of operations; this file puts the names of the recording in place of its variables.

use super::{GraphInput, GraphNode, GraphView};
use crate::ops::common::doc::OpDoc;
use crate::ops::docs::{Kind, doc};
use crate::rules::algebra::Element;
use crate::shape::Shape;
use crate::sweep::steps::SweepStep;

/// A value with four significant digits.
pub(super) fn short(x: f64) -> String {
    let size = x.abs();
    if x.is_nan() {
        return "NaN".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "∞" } else { "-∞" }.to_owned();
    }
    if x == 0.0 {
        return "0".to_owned();
    }
    if !(1e-3..1e6).contains(&size) {
        let text = format!("{x:.3e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", trimmed(digits));
    }
    let before_the_point = size.log10().floor() as i32 + 1;
    trimmed(&format!("{x:.*}", (4 - before_the_point).max(0) as usize)).to_owned()
}

/// Removes zeros at the end of a fraction.
fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// Replaces variables, which are single words of letters, by names.
fn substitute(text: &str, names: &[(&str, &str)]) -> String {
    let letter = |c: char| c.is_ascii_alphabetic();
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c: char| letter(c) != letter(first)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        out.push_str(names.iter().find(|(variable, _)| *variable == word).map_or(word, |(_, name)| name));
        rest = after;
    }
    out
}

/// Parentheses around a factor that is a sum, a quotient, a choice or negative.
fn factor(text: String) -> String {
    let bare =
        ![" + ", " - ", " / ", " if "].iter().any(|sign| text.contains(sign)) && !text.starts_with('-');
    if bare { text } else { format!("({text})") }
}

/// The names that replace the variables of a row of the table. Exponents, which have no letters to replace, keep theirs.
fn variables<'n>(kind: Kind, operands: &'n [String], result: &'n str) -> Vec<(&'static str, &'n str)> {
    let of = |k: usize| operands.get(k).map_or("?", String::as_str);
    match kind {
        Kind::Unary => vec![("x", of(0)), ("y", result)],
        Kind::Binary => vec![("a", of(0)), ("b", of(1)), ("y", result)],
        Kind::Tensor => Vec::new(),
    }
}

impl<T: Element> GraphView<T> {
    /// The name of a node by its index.
    pub(super) fn label(&self, index: usize) -> String {
        self.node(index).map_or_else(|| format!("#{index}"), GraphNode::label)
    }

    /// The operands of a node by name, constants as numbers.
    fn operands(&self, node: &GraphNode<T>) -> Vec<String> {
        let operand = |input: &GraphInput| match input {
            GraphInput::Node(index) => self.label(*index),
            GraphInput::Number(value) => short(*value),
        };
        node.inputs.iter().map(operand).collect()
    }

    /// The right-hand side of the statement that recorded a node: `tanh z`, `matmul(W, x)`.
    pub(super) fn statement(&self, node: &GraphNode<T>) -> String {
        let operands = self.operands(node);
        match (node.op, operands.as_slice(), doc(node.op)) {
            ("leaf" | "constant", _, _) => node.op.to_owned(),
            ("mul", [a, b], _) => format!("{a} · {b}"),
            ("mul_add", [a, b, c], _) => format!("{c} + {a} · {b}"),
            (_, [_], Some((Kind::Unary, OpDoc { formula, .. }))) if !is_prose(formula) => {
                substitute(formula, &variables(Kind::Unary, &operands, ""))
            }
            (_, [_, _], Some((Kind::Binary, OpDoc { formula, .. }))) if !is_prose(formula) => {
                substitute(formula, &variables(Kind::Binary, &operands, ""))
            }
            _ => format!("{}({})", node.op, operands.join(", ")),
        }
    }

    /// The derivative of a node with respect to the operand of a step, as the table of operations has it and with the names of
    /// the recording; `None` for an operation that is not elementwise, or not registered.
    pub(super) fn slope(&self, step: &SweepStep<T>) -> Option<String> {
        let node = self.node(step.node)?;
        let (mut operands, result) = (self.operands(node), node.label());
        if node.op == "mul_add" {
            return Some(match step.operand {
                2 => "1".to_owned(),
                k => operands.swap_remove(1 - k),
            });
        }
        let (kind, OpDoc { derivative, .. }) = doc(node.op)?;
        let part = match kind {
            Kind::Unary if operands.len() == 1 => *derivative,
            Kind::Binary if operands.len() == 2 => {
                derivative.split(", ").nth(step.operand).unwrap_or(derivative)
            }
            _ => return None,
        };
        Some(substitute(part, &variables(kind, &operands, &result)))
    }

    /// The rule of a step: `∂L/∂z += ∂L/∂a · (1 - a²)`.
    pub(super) fn rule(&self, step: &SweepStep<T>) -> String {
        let root = self.root_name();
        let (to, from) = (self.label(step.input), self.label(step.node));
        let left = format!("∂{root}/∂{to} += ");
        let Some(slope) = self.slope(step) else {
            let rule = doc(step.op).map(|(_, doc)| format!(": {}", doc.derivative)).unwrap_or_default();
            return format!("{left}∂{root}/∂{from} by the rule of {}{rule}", step.op);
        };
        if step.slope.is_some() {
            return format!("{left}∂{root}/∂{from} · {}", factor(slope));
        }
        let product = format!("∂{root}/∂{from} ∘ {}", factor(slope));
        match step.contribution.shape() == step.cotangent.shape() {
            true => format!("{left}{product}"),
            // The adjoint of repeating an operand is a sum.
            false => format!("{left}sum of {product} over the axes along which {to} was repeated"),
        }
    }

    /// The name of the root in derivatives: its own, or `L`.
    pub(super) fn root_name(&self) -> String {
        let named = self.sweep.as_ref().and_then(|sweep| self.node(sweep.root)?.name.clone());
        named.unwrap_or_else(|| "L".to_owned())
    }
}

/// Whether a formula is a sentence: its variables are not words of their own.
fn is_prose(formula: &str) -> bool {
    formula.split(' ').filter(|word| word.len() > 3 && word.chars().all(|c| c.is_ascii_lowercase())).count()
        > 1
        || formula.starts_with("nearest")
}

/// The extents of a tensor: `[2, 3]`.
pub(super) fn size_of(shape: &Shape) -> String {
    if shape.rank() == 0 { String::new() } else { shape.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::Tape;

    #[test]
    fn four_digits() {
        let cases = [
            (0.25, "0.25"),
            (-1.0, "-1"),
            (1.0 / 3.0, "0.3333"),
            (123.456, "123.5"),
            (99999.5, "100000"),
            (1234567.0, "1.235e6"),
            (-0.0, "0"),
            (1e-5, "1e-5"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-∞"),
        ];
        for (x, text) in cases {
            assert_eq!(short(x), text, "{x}");
        }
    }

    #[test]
    fn variables_are_replaced_where_they_are_words() {
        assert_eq!(substitute("x exp(x) - y²", &[("x", "z"), ("y", "#3")]), "z exp(z) - #3²");
        assert_eq!(substitute("-a / b²", &[("a", "b"), ("b", "a")]), "-b / a²");
        assert_eq!(factor("1 - y²".to_owned()), "(1 - y²)");
        assert_eq!(factor("2 x".to_owned()), "2 x");
    }

    #[test]
    fn rules_are_those_of_the_table_with_the_names_of_the_recording() {
        let tape = Tape::new();
        let (w, x) = (tape.scalar(2.0).named("w"), tape.scalar(3.0).named("x"));
        let z = (w * x).named("z");
        let a = (z / 2.0).tanh().named("a");
        let view = (a - 1.0).view();
        let statements: Vec<String> = view.nodes().iter().map(|node| view.statement(node)).collect();
        assert_eq!(statements, ["leaf", "leaf", "w · x", "z / 2", "tanh #4", "a - 1"]);
        let rules: Vec<String> = view.steps().iter().map(|step| view.rule(step)).collect();
        let expected = [
            "∂L/∂a += ∂L/∂#6 · 1",
            "∂L/∂#4 += ∂L/∂a · (1 - a²)",
            "∂L/∂z += ∂L/∂#4 · (1 / 2)",
            "∂L/∂w += ∂L/∂z · x",
            "∂L/∂x += ∂L/∂z · w",
        ];
        assert_eq!(rules, expected);
    }

    #[test]
    fn rules_of_tensors_say_what_is_summed() {
        let tape = Tape::new();
        let (w, b) = (tape.var([[1.0, 2.0]]).named("W"), tape.var([[0.5], [1.0]]).named("b"));
        let loss = (w * b).exp().sum().named("loss");
        let view = loss.view();
        let rules: Vec<String> = view.steps().iter().map(|step| view.rule(step)).collect();
        let expected = [
            "∂loss/∂#4 += ∂loss/∂loss by the rule of sum: 1",
            "∂loss/∂#3 += ∂loss/∂#4 ∘ #4",
            "∂loss/∂W += sum of ∂loss/∂#3 ∘ b over the axes along which W was repeated",
            "∂loss/∂b += sum of ∂loss/∂#3 ∘ W over the axes along which b was repeated",
        ];
        assert_eq!(rules, expected);
    }
}
