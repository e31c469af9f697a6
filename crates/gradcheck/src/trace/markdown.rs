//! A report as a page of Markdown.

use super::report::TraceReport;
use super::table::{number, shape, ulp};
use std::fmt::Write;

impl TraceReport {
    /// The report as Markdown: title, conventions, and a table with a row for each value.
    pub fn to_markdown(&self) -> String {
        let mut out = String::new();
        if !self.title.is_empty() {
            let _ = writeln!(out, "## {}\n", self.title);
        }
        for line in &self.conventions {
            let _ = writeln!(out, "- {line}");
        }
        let _ = writeln!(out, "- {}, loss {}\n", self.number, number(self.loss));
        out += "| value | shape | equation | gradient by hand | by hand | adjoint | forward | differences | ulp | verdict | reason |\n";
        out += "|---|---|---|---|--:|--:|--:|--:|--:|---|---|\n";
        for row in &self.rows {
            let cells = [
                row.name.clone(),
                shape(&row.shown_shape()),
                row.label().to_string(),
                row.formula().to_string(),
                number(row.hand),
                number(row.adjoint),
                number(row.forward),
                number(row.quotient),
                ulp(row),
                row.verdict.key().to_string(),
                row.reason(),
            ];
            let cells = cells.map(|cell| cell.replace('|', "\\|"));
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
        let _ = write!(out, "\n{}", self.summary());
        out
    }
}
