//! A report as JSON.

use super::report::{TraceReport, TraceVerdict};
use std::fmt::Write;

/// The version of the format. It changes when a field changes its meaning or goes.
const VERSION: u32 = 1;

/// A text as JSON.
fn text(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out += "\\\"",
            '\\' => out += "\\\\",
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out + "\""
}

/// A number as JSON, which has no NaN and no infinity.
fn number(x: f64) -> String {
    if x.is_finite() { format!("{x:e}") } else { "null".to_string() }
}

impl TraceReport {
    /// The report as JSON with every digit. `version` is 1; a number that is not finite is `null`.
    pub fn to_json(&self) -> String {
        let conventions: Vec<String> = self.conventions.iter().map(|line| text(line)).collect();
        let mut out = format!(
            "{{\"version\":{VERSION},\"title\":{},\"conventions\":[{}],\"number\":{},\"loss\":{},\"rows\":[",
            text(&self.title),
            conventions.join(","),
            text(self.number),
            number(self.loss)
        );
        for (i, row) in self.rows.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            let (cause, adjoint_wrong) = match &row.verdict {
                TraceVerdict::Wrong { cause, adjoint_wrong } => (text(cause.key()), *adjoint_wrong),
                _ => ("null".to_string(), false),
            };
            let _ = write!(
                out,
                "{comma}\n{{\"name\":{},\"shape\":{:?},\"columns\":{},\"equation\":{},\"formula\":{},\"index\":{:?},\
                 \"hand\":{},\"adjoint\":{},\"forward\":{},\"quotient\":{},\"differing\":{},\"ulp\":{},\"bound\":{},\
                 \"verdict\":{},\"cause\":{cause},\"adjoint_wrong\":{adjoint_wrong},\"disputed\":{},\"reason\":{}}}",
                text(&row.name),
                row.shape,
                row.equation.columns,
                text(row.label()),
                text(row.formula()),
                row.index,
                number(row.hand),
                number(row.adjoint),
                number(row.forward),
                number(row.quotient),
                row.differing,
                number(row.ulp),
                number(row.bound),
                text(row.verdict.key()),
                row.disputed,
                text(&row.reason()),
            );
        }
        out + "\n]}"
    }
}
