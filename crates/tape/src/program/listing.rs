//! A program as a numbered listing in mathematics.

use super::derive::Gradient;
use super::simplify::{simplified, values_of_rest};
use super::trace::{ADD, CHAIN_RULE, Choice, DIV, MUL, NEG, SUB, Source, Step, Trace};
use super::{Input, Outputs, Program};
use crate::rules::algebra::{Element, Test};
use crate::sweep::recorded::visited;
use crate::tape::ScalarFn;
use std::fmt;

/// A step that is read once, by the next lines, is written in their place up to this depth.
const DEPTH: usize = 3;

/// How tightly the outermost operation of an expression binds.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Binding {
    Choice,
    Sum,
    Product,
    Negative,
    Whole,
}

/// The lines of a listing.
pub(super) struct Listing<'a, T: Element> {
    code: &'a Trace<T>,
    /// For each value its name, if it has a line or is an input.
    names: Vec<Option<String>>,
    /// For each step, the note beside its line.
    notes: Vec<String>,
}

/// The name of each scalar of an input.
pub(super) fn scalar_names(input: &Input) -> Vec<String> {
    match input {
        Input::Scalar(name) => vec![name.clone()],
        Input::Group(name, len) => (0..*len).map(|k| format!("{name}[{k}]")).collect(),
    }
}

/// The parameters of a function, as its type prints them: `n: 3` of `Powi { n: 3 }`.
pub(super) fn parameters<T: Element>(function: &dyn ScalarFn<T>) -> Option<String> {
    let text = format!("{function:?}");
    let (start, end) = (text.find('{')?, text.rfind('}')?);
    Some(text[start + 1..end].trim().to_string())
}

impl<'a, T: Element> Listing<'a, T> {
    fn new(inputs: &'a [Input], code: &'a Trace<T>, gradient: Option<Notes<T>>) -> Listing<'a, T> {
        let reads = code.reads();
        let is_output = |value: usize| code.outputs.contains(&Source::Value(value as u32));
        let notes = gradient.as_ref();
        // What is named in a note has a line.
        let named: Vec<Source<T>> = notes.map_or(Vec::new(), |notes| {
            let of_partials = notes.partials.iter().flat_map(|&(of, operand, _)| [of, operand]);
            of_partials.chain(notes.meanings.iter().flat_map(|&(source, of)| [source, of])).collect()
        });
        let has_meaning = |value: usize| named.contains(&Source::Value(value as u32));
        let mut names: Vec<Option<String>> = inputs.iter().flat_map(scalar_names).map(Some).collect();
        let mut depth = vec![0; names.len()];
        let mut line = 0;
        for (step, value) in code.steps.iter().zip(code.inputs..) {
            let below = step.operands().filter_map(|source| match source {
                Source::Value(v) if names[v as usize].is_none() => Some(depth[v as usize]),
                _ => None,
            });
            let own = below.max().unwrap_or(0) + 1;
            let written_inside = reads[value] == 1 && !is_output(value) && !has_meaning(value) && own < DEPTH;
            depth.push(if written_inside { own } else { 0 });
            names.push((!written_inside).then(|| {
                line += 1;
                format!("t{line}")
            }));
        }
        let mut listing = Listing { code, names, notes: vec![String::new(); code.steps.len()] };
        if let Some(notes) = gradient {
            listing.note(&notes);
        }
        listing
    }

    /// Writes beside each line what it means: in the first part the partial derivatives of the line, then the derivative
    /// that the line computes.
    fn note(&mut self, gradient: &Notes<T>) {
        let name = |source: Source<T>| self.expression(source, Binding::Choice);
        let mut notes = vec![Vec::new(); self.code.steps.len()];
        let at = |source: Source<T>| match source {
            Source::Value(value) => (value as usize).checked_sub(self.code.inputs),
            Source::Constant(_) => None,
        };
        for &(of, operand, slope) in &gradient.partials {
            if let Some(step) = at(of) {
                notes[step].push(format!("∂{}/∂{} = {}", name(of), name(operand), name(slope)));
            }
        }
        for &(source, of) in &gradient.meanings {
            if let Some(step) = at(source) {
                notes[step].push(format!("∂y/∂{}", name(of)));
            }
        }
        self.notes = notes.into_iter().map(|notes| notes.join(", ")).collect();
    }

    /// An operand as text, in parentheses if it binds less tightly than what it is written in.
    fn expression(&self, source: Source<T>, inside: Binding) -> String {
        let value = match source {
            Source::Constant(value) if value < T::ZERO && inside > Binding::Sum => {
                return format!("({value})");
            }
            Source::Constant(value) => return value.to_string(),
            Source::Value(value) => value as usize,
        };
        match &self.names[value] {
            Some(name) => name.clone(),
            None => {
                let (text, binding) = self.text(&self.code.steps[value - self.code.inputs]);
                if binding < inside { format!("({text})") } else { text }
            }
        }
    }

    /// A step as text.
    fn text(&self, step: &Step<T>) -> (String, Binding) {
        let binary = |[a, b]: [Source<T>; 2], operator: &str, binding: Binding, right: Binding| {
            let text = format!("{} {operator} {}", self.expression(a, binding), self.expression(b, right));
            (text, binding)
        };
        match *step {
            Step::Call { function: ADD, operands } => binary(operands, "+", Binding::Sum, Binding::Sum),
            Step::Call { function: SUB, operands } => binary(operands, "-", Binding::Sum, Binding::Product),
            Step::Call { function: MUL | CHAIN_RULE, operands } => {
                binary(operands, "*", Binding::Product, Binding::Product)
            }
            Step::Call { function: DIV, operands } => {
                binary(operands, "/", Binding::Product, Binding::Negative)
            }
            Step::Call { function: NEG, operands: [a, _] } => {
                (format!("-{}", self.expression(a, Binding::Negative)), Binding::Sum)
            }
            Step::Call { function, operands: [a, b] } => {
                let function = &*self.code.functions[function as usize];
                let mut arguments = self.expression(a, Binding::Choice);
                if function.arity() == 2 {
                    arguments = format!("{arguments}, {}", self.expression(b, Binding::Choice));
                }
                if let Some(parameters) = parameters(function) {
                    arguments = format!("{arguments}; {parameters}");
                }
                (format!("{}({arguments})", function.name()), Binding::Whole)
            }
            Step::Choice(ref choice) => {
                let Choice { test, compared: [a, b], between: [then, otherwise] } = **choice;
                let [a, b] = [a, b].map(|source| self.expression(source, Binding::Sum));
                let [then, otherwise] = [then, otherwise].map(|source| self.expression(source, Binding::Sum));
                let sign = if test == Test::Greater { ">" } else { "=" };
                (format!("if {a} {sign} {b} then {then} else {otherwise}"), Binding::Choice)
            }
        }
    }
}

/// The meaning of the steps of a gradient program, as values of its code.
struct Notes<T> {
    /// A value of the function, an operand, and the derivative of one with respect to the other.
    partials: Vec<(Source<T>, Source<T>, Source<T>)>,
    /// A derivative of the output, and the value that it is with respect to.
    meanings: Vec<(Source<T>, Source<T>)>,
}

impl<T: Element> Program<T> {
    /// The meaning of the steps of a gradient program. The gradient is recorded again, with all its parts.
    fn notes(&self, gradient: &Gradient<T>) -> Option<Notes<T>> {
        let recorder = super::Recorder::new();
        let recorded = gradient.function.again(&recorder);
        let (y, x) = (*recorded.outputs.first()?, recorded.of(&gradient.wrt));
        let dy = y.grad(x.clone());
        let visited = visited(y, &x).ok()?;
        let scalar = |index| crate::tape::Scalar { tape: recorder.tape(), index, value: T::NAN };
        let mut outputs: Vec<_> = if gradient.value { vec![y] } else { Vec::new() };
        outputs.extend(dy);
        let own = outputs.len();
        for (node, ct, slopes) in &visited {
            outputs.extend([scalar(*node), *ct]);
            slopes.iter().for_each(|&(parent, slope)| outputs.extend([scalar(parent), slope]));
        }
        let trace = Trace::new(recorder.tape(), &outputs).ok()?;
        let mut found = values_of_rest(&simplified(&trace), own).into_iter();
        let (mut partials, mut meanings) = (Vec::new(), Vec::new());
        for (_, _, slopes) in &visited {
            let (of, ct) = (found.next()?, found.next()?);
            meanings.extend(ct.zip(of));
            for _ in slopes {
                let (operand, slope) = (found.next()?, found.next()?);
                if let (Some(of), Some(operand), Some(slope)) = (of, operand, slope) {
                    partials.push((of, operand, slope));
                }
            }
        }
        Some(Notes { partials, meanings })
    }
}

impl<T: Element> fmt::Display for Program<T> {
    /// The steps as numbered lines in mathematics. Each line of a [`gradient`](Program::gradient) has a note: the
    /// partial derivatives of a line of the function, the derivative that a line of the sweep computes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let notes = self.0.gradient.as_ref().and_then(|gradient| self.notes(gradient));
        let listing = Listing::new(&self.0.inputs, &self.0.code, notes);
        let inputs: Vec<String> = self
            .0
            .inputs
            .iter()
            .map(|input| match input {
                Input::Scalar(name) => name.clone(),
                Input::Group(name, len) => format!("{name}[{len}]"),
            })
            .collect();
        writeln!(f, "inputs {}", inputs.join(", "))?;
        let mut lines = Vec::new();
        for (k, step) in listing.code.steps.iter().enumerate() {
            if let Some(name) = &listing.names[listing.code.inputs + k] {
                lines.push((format!("{name} = {}", listing.text(step).0), &listing.notes[k]));
            }
        }
        let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
        for (line, note) in lines {
            let gap = width - line.chars().count() + 4;
            writeln!(f, "{}", if note.is_empty() { line } else { format!("{line}{:gap$}{note}", "") })?;
        }
        for (source, name) in self.0.code.outputs.iter().zip(self.output_names()) {
            writeln!(f, "{name} = {}", listing.expression(*source, Binding::Choice))?;
        }
        Ok(())
    }
}

impl<T: Element> Program<T> {
    /// The names of the outputs in listings.
    fn output_names(&self) -> Vec<String> {
        match (&self.0.gradient, self.0.outputs) {
            (Some(gradient), _) => {
                let inputs = &gradient.function.0.inputs;
                let wrt = gradient.wrt.iter().flat_map(|&k| scalar_names(&inputs[k]));
                let value = gradient.value.then(|| "y".to_string());
                value.into_iter().chain(wrt.map(|name| format!("∂y/∂{name}"))).collect()
            }
            (None, Outputs::One) => vec!["y".to_string()],
            (None, Outputs::Several(n)) => (0..n).map(|k| format!("y[{k}]")).collect(),
        }
    }
}
