//! A program as the source of a Rust function.

use super::listing::{parameters, scalar_names};
use super::trace::{ADD, CHAIN_RULE, Choice, DIV, MUL, NEG, SUB, Source, Step};
use super::{Input, Program};
use crate::error::Error;
use crate::rules::algebra::{Element, Test};
use std::fmt::Write;

/// Functions that are methods of the standard library, by their names here.
const METHODS: [(&str, &str); 26] = [
    ("abs", "abs"),
    ("acos", "acos"),
    ("acosh", "acosh"),
    ("asin", "asin"),
    ("asinh", "asinh"),
    ("atan", "atan"),
    ("atan2", "atan2"),
    ("atanh", "atanh"),
    ("cbrt", "cbrt"),
    ("ceil", "ceil"),
    ("cos", "cos"),
    ("cosh", "cosh"),
    ("exp", "exp"),
    ("exp2", "exp2"),
    ("expm1", "exp_m1"),
    ("floor", "floor"),
    ("hypot", "hypot"),
    ("ln", "ln"),
    ("log10", "log10"),
    ("log1p", "ln_1p"),
    ("log2", "log2"),
    ("round", "round"),
    ("sin", "sin"),
    ("sinh", "sinh"),
    ("sqrt", "sqrt"),
    ("tan", "tan"),
];

/// Functions that are expressions of `a`, or of `a` and `b`.
const EXPRESSIONS: [(&str, &str); 17] = [
    ("cube", "a * a * a"),
    ("log_sigmoid", "a.min(0.0) - (-a.abs()).exp().ln_1p()"),
    ("maximum", "if a > b || a.is_nan() { a } else { b }"),
    ("minimum", "if a < b || a.is_nan() { a } else { b }"),
    ("neg", "-a"),
    ("one_minus_square", "(1.0 - a) * (1.0 + a)"),
    ("pow", "a.powf(b)"),
    ("recip", "1.0 / a"),
    ("relu", "a.max(0.0)"),
    ("rsqrt", "1.0 / a.sqrt()"),
    ("sigmoid", "1.0 / (1.0 + (-a).exp())"),
    ("sigmoid_slope", "1.0 / ((1.0 + (-a).exp()) * (1.0 + a.exp()))"),
    ("sign", "if a > 0.0 { 1.0 } else if a < 0.0 { -1.0 } else { 0.0 }"),
    ("silu", "a / (1.0 + (-a).exp())"),
    ("softplus", "a.max(0.0) + (-a.abs()).exp().ln_1p()"),
    ("square", "a * a"),
    ("tanh", "a.tanh()"),
];

impl<T: Element> Program<T> {
    /// The program as the source of a Rust function that needs nothing but the standard library: arguments are the inputs, in
    /// order, and the result is the output, or an array of several.
    ///
    /// Values may differ in the last digits: the standard library has elementary functions of its own.
    ///
    /// ```
    /// use tape::Program;
    /// let f = Program::new(|p| {
    ///     let [x, y] = p.inputs(["x", "y"]);
    ///     (x * y).sin()
    /// });
    /// let source = f.to_rust("wave").unwrap();
    /// assert_eq!(
    ///     source,
    ///     "fn wave(x: f64, y: f64) -> f64 {\n    let t1 = x * y;\n    let t2 = t1.sin();\n    t2\n}\n"
    /// );
    /// ```
    ///
    /// # Errors
    /// If an operation is neither in the standard library nor a short expression (`erf`, one of your own), or a name
    /// is not an identifier.
    pub fn to_rust(&self, name: &str) -> Result<String, Error> {
        let code = &self.0.code;
        let refused = |reason: String| Error::Invalid { op: "to_rust", reason };
        let identifier = |name: &str| match name
            .chars()
            .enumerate()
            .all(|(i, c)| c == '_' || if i == 0 { c.is_alphabetic() } else { c.is_alphanumeric() })
            && !name.is_empty()
        {
            true => Ok(()),
            false => Err(refused(format!("expected names that are identifiers, found `{name}`"))),
        };
        identifier(name)?;
        self.inputs().try_for_each(|(name, _)| identifier(name))?;
        let number = T::NAME;
        let arguments: Vec<String> = self
            .0
            .inputs
            .iter()
            .map(|input| match input {
                Input::Scalar(name) => format!("{name}: {number}"),
                Input::Group(name, len) => format!("{name}: [{number}; {len}]"),
            })
            .collect();
        // A name that no input has.
        let known: Vec<String> = self.0.inputs.iter().flat_map(scalar_names).collect();
        let mut prefix = "t".to_string();
        while known.iter().any(|input| input.starts_with(&prefix)) {
            prefix.push('_');
        }
        let text = |source: Source<T>| match source {
            Source::Constant(value) if value.is_nan() => format!("{number}::NAN"),
            Source::Constant(value) if value == T::INFINITY => format!("{number}::INFINITY"),
            Source::Constant(value) if value == T::NEG_INFINITY => format!("{number}::NEG_INFINITY"),
            Source::Constant(value) if value < T::ZERO => format!("({value:?}_{number})"),
            Source::Constant(value) => format!("{value:?}_{number}"),
            Source::Value(value) => match (value as usize).checked_sub(code.inputs) {
                None => known[value as usize].clone(),
                Some(step) => format!("{prefix}{}", step + 1),
            },
        };
        let mut source = String::new();
        for (k, step) in code.steps.iter().enumerate() {
            let value = match *step {
                Step::Call { function, operands } => {
                    let [a, b] = operands.map(text);
                    self.expression(function, &a, &b).map_err(refused)?
                }
                Step::Choice(ref choice) => {
                    let Choice { test, compared, between } = **choice;
                    let ([a, b], [then, otherwise]) = (compared.map(text), between.map(text));
                    let sign = if test == Test::Greater { ">" } else { "==" };
                    format!("if {a} {sign} {b} {{ {then} }} else {{ {otherwise} }}")
                }
            };
            // Writing to a string cannot fail.
            let _ok = writeln!(source, "    let {prefix}{} = {value};", k + 1);
        }
        let outputs: Vec<String> = code.outputs.iter().map(|&source| text(source)).collect();
        let (result, value) = match self.0.outputs {
            super::Outputs::One => (number.to_string(), outputs.concat()),
            super::Outputs::Several(n) => (format!("[{number}; {n}]"), format!("[{}]", outputs.join(", "))),
        };
        Ok(format!("fn {name}({}) -> {result} {{\n{source}    {value}\n}}\n", arguments.join(", ")))
    }

    /// A function of operands as an expression.
    fn expression(&self, function: u32, a: &str, b: &str) -> Result<String, String> {
        let known = &*self.0.code.functions[function as usize];
        let two = |table: &[(&'static str, &'static str)]| {
            table.iter().find(|(name, _)| *name == known.name()).map(|&(_, rust)| rust)
        };
        Ok(match function {
            ADD => format!("{a} + {b}"),
            SUB => format!("{a} - {b}"),
            MUL => format!("{a} * {b}"),
            DIV => format!("{a} / {b}"),
            NEG => format!("-{a}"),
            // Zero absorbs whatever the slope is.
            CHAIN_RULE => format!("if {a} == 0.0 {{ 0.0 }} else {{ {a} * {b} }}"),
            _ => match (two(&METHODS), two(&EXPRESSIONS), known.name(), parameters(known)) {
                (Some(method), _, _, None) if known.arity() == 2 => format!("{a}.{method}({b})"),
                (Some(method), _, _, None) => format!("{a}.{method}()"),
                (_, Some(expression), _, None) if known.arity() == 2 => {
                    format!("{{ let (a, b) = ({a}, {b}); {expression} }}")
                }
                (_, Some(expression), _, None) => format!("{{ let a = {a}; {expression} }}"),
                (_, _, "powi", Some(n)) => format!("{a}.powi({})", n.trim_start_matches("n: ")),
                (_, _, "powf", Some(p)) => format!("{a}.powf({}_{})", p.trim_start_matches("p: "), T::NAME),
                (_, _, name, _) => {
                    return Err(format!("expected functions of the standard library, found `{name}`"));
                }
            },
        })
    }
}
