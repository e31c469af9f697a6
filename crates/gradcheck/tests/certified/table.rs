//! `docs/certified.md`, and the bounds that it states.

use crate::explained::{EXPLAINED, UNITS, bounds};
use crate::measure::{Row, Worst};
use crate::rows;
use std::fmt::Write;
use std::path::PathBuf;

/// The points of the table, and of the test that runs with the others.
const MANY: usize = 10_000;
const FEW: usize = 200;

/// Fails with every row that exceeds its bounds.
fn judge(rows: &[Row]) {
    let mut broken = String::new();
    for row in rows {
        for (order, (worst, bound)) in row.worst.iter().zip(bounds(row.name).0).enumerate() {
            if worst.units > bound {
                let units = worst.units;
                writeln!(broken, "{} order {order}: {units:.1} > {bound}: {}", row.name, worst.at).unwrap();
            }
        }
    }
    assert!(broken.is_empty(), "errors in units in the last place times the condition:\n{broken}");
}

#[test]
fn every_derivative_keeps_its_bound() {
    let rows = rows(FEW);
    assert!(rows.len() > 150, "{} operations", rows.len());
    judge(&rows);
}

#[test]
fn only_existing_rows_are_explained() {
    let names: Vec<&str> = gradcheck::registry::registry().iter().map(|entry| entry.name).collect();
    for own in EXPLAINED {
        assert!(names.contains(&own.name), "{}: there is no such operation", own.name);
        assert!(own.bounds.iter().any(|&bound| bound > UNITS), "{}: needs no bound of its own", own.name);
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/certified.md")
}

#[test]
fn every_operation_has_its_row() {
    let page = std::fs::read_to_string(path()).unwrap();
    for twins in gradcheck::registry::twins() {
        let name = twins.name;
        assert!(
            page.contains(&format!("\n| `{name}` |")),
            "docs/certified.md has no row `{name}`; run: cargo test -p gradcheck --test certified -- --ignored write"
        );
    }
}

const HEAD: &str = "# Certified derivatives

Value, first and second derivative of every registered operation in `f64`, against [numbers of 32 digits](accuracy.md#double-double).
This page is generated; the command that writes it again is

```text
cargo test -p gradcheck --test certified -- --ignored write
```

The numbers are the largest errors, in units in the last place divided by the condition where that is more than 1.

- Functions of numbers: at a point x the unit is that of the larger of the result and its change x · derivative, so that at zeros and next
  to kinks an error is relative to the change of the result. Half of the points are uniform in the intervals of the registered samples, a quarter
  have sizes from 2⁻⁴⁰ to 2⁴⁰, a quarter are next to ends of the domain, kinks and remarkable points. Results below 1e-290 count as if they had
  this size. The derivatives of a function of two numbers are all three second ones.
- Operations on tensors: all registered cases with random operands (some have fixed ones), with random cotangents. The unit is that of
  the largest entry of the result, or of one of lower order, plus the change of the result when every operand moves by one unit.

The bound is 4 units; rows with bounds of their own, for value, first and second derivative, say why. The references compute the same formulas:
that these are the derivatives is shown by differences to 22 digits (`cargo test -p gradcheck --test double_double differences`).

";

fn section(page: &mut String, rows: &[&Row], counted: &str) {
    writeln!(page, "| name | {counted} | value | first | second | bounds |\n|---|---|---|---|---|---|")
        .unwrap();
    for row in rows {
        let error = |worst: &Worst| match worst.units {
            units if units < 1e4 => format!("{units:.2}"),
            units => format!("{units:.0e}"),
        };
        let errors = row.worst.each_ref().map(error).join(" | ");
        let (own, reason) = bounds(row.name);
        let note = match reason {
            "" => String::new(),
            reason => {
                let shown =
                    |bound: f64| if bound.is_finite() { bound.to_string() } else { "none".to_string() };
                format!("{}: {reason}", own.map(shown).join(", "))
            }
        };
        writeln!(page, "| `{}` | {} | {errors} | {note} |", row.name, row.points).unwrap();
    }
}

fn page(rows: &[Row]) -> String {
    let of = |elementwise: bool| rows.iter().filter(|row| row.elementwise == elementwise).collect::<Vec<_>>();
    let mut page = HEAD.to_string();
    section(&mut page, &of(true), "points");
    page.push('\n');
    section(&mut page, &of(false), "entries");
    page
}

#[test]
#[ignore = "writes docs/certified.md: about a minute"]
fn write() {
    let rows = rows(MANY);
    std::fs::write(path(), page(&rows)).unwrap();
    judge(&rows);
}
