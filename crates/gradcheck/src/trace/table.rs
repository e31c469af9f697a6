//! A report as a table for the terminal.

use super::report::{TraceReport, TraceRow, TraceVerdict};
use std::fmt::Write;
use std::io::IsTerminal;

/// The width and the colours of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// The number of columns.
    pub width: usize,
    /// Whether verdicts are coloured, by escape codes of the terminal.
    pub colour: bool,
}

impl Default for Style {
    /// 100 columns without colours.
    fn default() -> Style {
        Style { width: 100, colour: false }
    }
}

impl Style {
    /// The width by the variable `COLUMNS`, else 100; colours if standard output is a terminal and `NO_COLOR` is not set.
    pub fn of_environment() -> Style {
        let width = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Style { width, colour: !plain && std::io::stdout().is_terminal() }
    }
}

/// A number with five significant digits.
pub(super) fn number(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 {
        "0".to_string()
    } else if !x.is_finite() {
        x.to_string()
    } else if (1e-3..1e4).contains(&size) {
        let digits = 4 - size.log10().floor() as i32;
        format!("{x:.*}", digits.max(0) as usize)
    } else {
        format!("{x:.3e}")
    }
}

/// A count of units in the last place.
pub(super) fn units(x: f64) -> String {
    if x.is_nan() {
        "-".to_string()
    } else if x < 1e5 {
        format!("{:.0}", x.ceil())
    } else {
        format!("{x:.0e}")
    }
}

pub(super) fn shape(dims: &[usize]) -> String {
    match dims {
        [] => "scalar".to_string(),
        dims => dims.iter().map(usize::to_string).collect::<Vec<_>>().join("x"),
    }
}

/// `3 of 57`: the difference and the bound; of a wrong row the difference alone.
pub(super) fn ulp(row: &TraceRow) -> String {
    match (row.ulp, row.bound) {
        (0.0, _) => "0".to_string(),
        (difference, _) if matches!(row.verdict, TraceVerdict::Wrong { .. }) => units(difference),
        (difference, bound) => format!("{} of {}", units(difference), units(bound)),
    }
}

/// A column: its heading, its cells, and whether they are aligned to the right.
struct Column {
    heading: &'static str,
    cells: Vec<String>,
    right: bool,
}

impl Column {
    fn new(
        heading: &'static str,
        right: bool,
        report: &TraceReport,
        cell: impl Fn(&TraceRow) -> String,
    ) -> Column {
        Column { heading, cells: report.rows.iter().map(cell).collect(), right }
    }

    fn width(&self) -> usize {
        self.cells
            .iter()
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
            .max(self.heading.chars().count())
    }

    fn pad(&self, text: &str) -> String {
        let missing = " ".repeat(self.width().saturating_sub(text.chars().count()));
        if self.right { missing + text } else { text.to_string() + &missing }
    }
}

/// The distance of columns.
const GAP: &str = "  ";

impl TraceReport {
    /// The report as a table of this style. Where it is too narrow for all columns, formulas are listed below it; then the
    /// positions of entries are left out, or forward mode and the difference quotient.
    ///
    /// ```
    /// # use gradcheck::{Inputs, trace::*};
    /// # use tape::{Element, Scalar};
    /// # struct Double;
    /// # impl Derivation for Double {
    /// #     fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Scalar<'t, T> { (v["x"] * T::from_f64(2.0)).sum() }
    /// #     fn derive<T: Element>(&self, d: &mut Steps<T>) {
    /// #         d.step("x", Equation::new("1", "-2"), |d| d.value("x").map_elements(|_| T::from_f64(-2.0)));
    /// #     }
    /// # }
    /// let report = Trace::of(Double).input("x", [1.0]).run()?;
    /// let table = report.table(&Style { width: 120, colour: false });
    /// assert!(table.contains("WRONG  the sign is opposite"), "{table}");
    /// # Ok::<(), TraceError>(())
    /// ```
    pub fn table(&self, style: &Style) -> String {
        let text = |heading, cell: fn(&TraceRow) -> String| Column::new(heading, false, self, cell);
        let numbers = |heading, cell: fn(&TraceRow) -> String| Column::new(heading, true, self, cell);
        let base = || {
            vec![
                text("value", |row| row.name.clone()),
                text("shape", |row| shape(&row.shown_shape())),
                text("eq.", |row| row.equation.label.clone()),
                text("at", |row| shape(&row.shown_index()).replace("scalar", "").replace('x', ",")),
                numbers("by hand", |row| number(row.hand)),
                numbers("adjoint", |row| number(row.adjoint)),
            ]
        };
        let oracles = || {
            vec![
                numbers("forward", |row| number(row.forward)),
                numbers("differences", |row| number(row.quotient)),
            ]
        };
        let end = || vec![numbers("ulp", ulp), text("verdict", verdict)];
        let formula = || text("gradient by hand", |row| row.equation.formula.clone());
        let width =
            |columns: &[Column]| columns.iter().map(|c| c.width() + GAP.len()).sum::<usize>() - GAP.len();
        let mut full: Vec<Column> = base().into_iter().chain(oracles()).chain(end()).collect();
        full.insert(3, formula());
        let wide: Vec<Column> = base().into_iter().chain(oracles()).chain(end()).collect();
        let mut placeless: Vec<Column> = base().into_iter().chain(oracles()).chain(end()).collect();
        placeless.retain(|column| column.heading != "at");
        let narrow: Vec<Column> = base().into_iter().chain(end()).collect();
        let (columns, listed) = if width(&full) <= style.width {
            (full, false)
        } else if width(&wide) <= style.width {
            (wide, true)
        } else if width(&placeless) <= style.width {
            (placeless, true)
        } else {
            (narrow, true)
        };

        let mut out = String::new();
        self.header(&mut out, style.width);
        let line: Vec<String> = columns.iter().map(|column| column.pad(column.heading)).collect();
        let _ = writeln!(out, "{}", line.join(GAP).trim_end());
        for (i, row) in self.rows.iter().enumerate() {
            let cells: Vec<String> = columns
                .iter()
                .map(|column| match column.heading {
                    "verdict" => coloured(row, style.colour),
                    _ => column.pad(&column.cells[i]),
                })
                .collect();
            let mut line = cells.join(GAP).trim_end().to_string();
            let reason = remark(row);
            let plain: usize =
                columns.iter().map(|column| column.width() + GAP.len()).sum::<usize>() - GAP.len();
            if !reason.is_empty() && plain + GAP.len() + reason.chars().count() <= style.width {
                let _ = write!(line, "{GAP}{reason}");
                let _ = writeln!(out, "{line}");
            } else {
                let _ = writeln!(out, "{line}");
                if !reason.is_empty() {
                    wrap(&mut out, &reason, "      ", style.width);
                }
            }
        }
        self.explanations(&mut out, style.width);
        if listed && self.rows.iter().any(|row| !row.equation.formula.is_empty()) {
            let _ = writeln!(out, "\nGradients by hand:");
            let names = columns[0].width();
            let labels = columns[2].width();
            for row in &self.rows {
                let pad =
                    |text: &str, width: usize| text.to_string() + &" ".repeat(width - text.chars().count());
                let start = format!("{}  {}  ", pad(&row.name, names), pad(&row.equation.label, labels));
                let _ = writeln!(out, "{start}{}", row.equation.formula);
            }
        }
        let _ = write!(out, "\n{}", self.summary());
        out
    }

    /// The reasons of roundings that occur, once each.
    fn explanations(&self, out: &mut String, width: usize) {
        let mut known: Vec<&'static str> = Vec::new();
        for row in &self.rows {
            if let TraceVerdict::Rounding(why) = &row.verdict
                && !known.contains(&why.key())
            {
                if known.is_empty() {
                    let _ = writeln!(out);
                }
                known.push(why.key());
                wrap(out, &format!("{}: {}", why.key(), why.explanation()), "", width);
            }
        }
    }

    fn header(&self, out: &mut String, width: usize) {
        if !self.title.is_empty() {
            wrap(out, &self.title, "", width);
        }
        for line in &self.conventions {
            wrap(out, line, "  ", width);
        }
        let _ = writeln!(out, "  {}, loss {}\n", self.number, number(self.loss));
    }
}

/// The verdict, with the reason of a rounding in one word.
fn verdict(row: &TraceRow) -> String {
    match &row.verdict {
        TraceVerdict::Rounding(why) => format!("{} {}", row.verdict.key(), why.key()),
        verdict => verdict.key().to_string(),
    }
}

/// The text beside or below a row.
fn remark(row: &TraceRow) -> String {
    match row.verdict {
        TraceVerdict::Rounding(_) if !row.disputed => String::new(),
        _ => row.reason(),
    }
}

/// The verdict with its colour: green, yellow, red.
fn coloured(row: &TraceRow, colour: bool) -> String {
    let code = match row.verdict {
        TraceVerdict::Exact => 32,
        TraceVerdict::Rounding(_) => 33,
        TraceVerdict::Wrong { .. } => 31,
    };
    if colour { format!("\x1b[{code}m{}\x1b[0m", verdict(row)) } else { verdict(row) }
}

/// Writes a text in lines of this width.
fn wrap(out: &mut String, text: &str, indent: &str, width: usize) {
    let mut line = String::from(indent);
    let mut first = true;
    for word in text.split(' ') {
        if !first && line.chars().count() + 1 + word.chars().count() > width {
            let _ = writeln!(out, "{line}");
            line = String::from(indent);
            first = true;
        }
        if !first {
            line.push(' ');
        }
        line.push_str(word);
        first = false;
    }
    let _ = writeln!(out, "{line}");
}
