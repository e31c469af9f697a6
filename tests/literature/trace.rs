//! The four systems of the example `backprop_by_hand`, and the mistakes that are planted in them.

use examples::derivations::{Mistake, compute_graph, networks, staged};
use gradcheck::trace::{TraceReport, TraceVerdict};
use nn::trace::Pack;
use std::fmt::Write;
use std::path::PathBuf;
use tape::Element;
use tests::row;

/// Digits in the batch of 784-32-10.
const DIGITS: usize = 8;

/// The traces of the four systems in every notation.
fn systems<T: Element>(seed: u64) -> Vec<TraceReport> {
    let mut reports = Vec::new();
    for pack in Pack::ALL {
        reports.push(networks::fixture().trace::<T>(&pack, None).unwrap());
        reports.push(networks::compute_graph(seed).trace::<T>(&pack, None).unwrap());
        reports.push(networks::digits(DIGITS, seed, None).unwrap().trace::<T>(&pack, None).unwrap());
    }
    reports.push(compute_graph::trace::<T>(seed, None).unwrap());
    reports.push(staged::trace::<T>(seed, None).unwrap());
    reports
}

#[test]
fn every_row_of_the_four_systems_is_exact_or_within_the_bound() {
    let mut counts = [0; 3];
    for report in [systems::<f64>(0), systems::<f64>(1), systems::<f32>(0), systems::<f32>(1)].concat() {
        assert!(report.agrees(), "{report}");
        for (sum, count) in counts.iter_mut().zip(report.counts()) {
            *sum += count;
        }
    }
    let [exact, rounding, wrong] = counts;
    row(
        "C8-10, WT-16",
        "rows of the trace, f64 and f32, six notations",
        "EXACT or ROUNDING",
        &format!("{exact} EXACT, {rounding} ROUNDING, {wrong} WRONG"),
        "two seeds",
    );
}

#[test]
fn the_exercise_in_stages_is_exact_in_both_number_types() {
    for seed in 0..8 {
        for report in [staged::trace::<f64>(seed, None).unwrap(), staged::trace::<f32>(seed, None).unwrap()] {
            assert_eq!(report.counts(), [26, 0, 0], "seed {seed}: {report}");
        }
    }
}

#[test]
fn the_fixture_is_that_of_the_text() {
    let report = networks::fixture().trace::<f64>(&Pack::CHAPTER_8, None).unwrap();
    let hand = |name: &str| report.row(name).map(|row| row.hand).unwrap();
    assert!((report.loss() - 0.3154438594440903).abs() < 1e-15);
    // Entries of the published deltas and weights: each row shows one of them.
    let published = [
        ("z1", [-0.111600806031, 0.147989273764, f64::NAN, f64::NAN]),
        ("z0", [0.011088129845, 0.043003058096, f64::NAN, f64::NAN]),
        ("W1", [-0.070770043089, -0.040830762941, 0.093845265581, 0.054144008182]),
        ("W0", [0.011088129845, 0.022176259691, 0.043003058096, 0.086006116192]),
    ];
    for (name, entries) in published {
        assert!(entries.iter().any(|entry| (entry - hand(name)).abs() < 1e-12), "{name}: {}", hand(name));
    }
}

/// The answer of a trace to a planted mistake.
struct Cell {
    /// The only wrong row is the right one.
    found: bool,
    /// The key of the cause, and whether it is the right one.
    cause: &'static str,
    named: bool,
}

fn cell(report: &TraceReport, mistake: &Mistake) -> Cell {
    let wrong: Vec<_> = report.wrong().collect();
    let [row] = wrong[..] else { return Cell { found: false, cause: "no single row", named: false } };
    let TraceVerdict::Wrong { cause, adjoint_wrong } = &row.verdict else { unreachable!("a wrong row") };
    Cell {
        found: row.name == mistake.row && !adjoint_wrong,
        cause: cause.key(),
        named: cause.key() == mistake.cause,
    }
}

/// A mistake with what the traces of some systems say; none where a system does not have it.
type Row = (Mistake, Vec<Option<Cell>>);

fn network_rows() -> Vec<Row> {
    let pack = Pack::ROWS;
    let nets = [networks::fixture(), networks::compute_graph(0), networks::digits(DIGITS, 0, None).unwrap()];
    let mut names: Vec<&str> = Vec::new();
    let mut all: Vec<Mistake> = Vec::new();
    for mistake in nets.iter().flat_map(|net| net.mistakes(&pack)) {
        if !names.contains(&mistake.name) {
            names.push(mistake.name);
            all.push(mistake);
        }
    }
    let cells = |mistake: &Mistake| {
        nets.iter()
            .map(|net| {
                let here = net.mistakes(&pack).into_iter().find(|here| here.name == mistake.name)?;
                Some(cell(&net.trace::<f64>(&pack, Some(here)).unwrap(), mistake))
            })
            .collect()
    };
    all.into_iter().map(|mistake| (mistake.clone(), cells(&mistake))).collect()
}

fn rows_of(list: Vec<Mistake>, trace: impl Fn(Mistake) -> TraceReport) -> Vec<Row> {
    list.into_iter()
        .map(|mistake| (mistake.clone(), vec![Some(cell(&trace(mistake.clone()), &mistake))]))
        .collect()
}

fn tables() -> [(&'static str, Vec<&'static str>, Vec<Row>); 3] {
    [
        ("Networks", vec!["2-2-2", "10-7-13", "784-32-10"], network_rows()),
        (
            "Compute graph",
            vec!["cause"],
            rows_of(compute_graph::list(), |mistake| compute_graph::trace::<f64>(0, Some(mistake)).unwrap()),
        ),
        (
            "26 values in stages",
            vec!["cause"],
            rows_of(staged::list(), |mistake| staged::trace::<f64>(0, Some(mistake)).unwrap()),
        ),
    ]
}

/// The page with the tables, and the numbers of mistakes, cells, rows found, and causes named.
fn page() -> (String, [usize; 4]) {
    let mut counts = [0; 4];
    let mut body = String::new();
    for (title, columns, rows) in tables() {
        let _ = write!(
            body,
            "\n## {title}\n\n| mistake | value | {} | in words |\n|---|---|",
            columns.join(" | ")
        );
        let _ = writeln!(body, "{}---|", "---|".repeat(columns.len()));
        for (mistake, cells) in rows {
            counts[0] += 1;
            let mut texts = Vec::new();
            for cell in &cells {
                let Some(cell) = cell else {
                    texts.push(String::new());
                    continue;
                };
                counts[1] += 1;
                counts[2] += usize::from(cell.found);
                counts[3] += usize::from(cell.named);
                texts.push(match (cell.found, cell.named) {
                    (false, _) => format!("**missed**: {}", cell.cause),
                    (true, true) => cell.cause.to_string(),
                    (true, false) => format!("*{}*", cell.cause),
                });
            }
            let _ = writeln!(
                body,
                "| `{}` | {} | {} | {} |",
                mistake.name,
                mistake.row,
                texts.join(" | "),
                mistake.text
            );
        }
    }
    let [mistakes, cells, found, named] = counts;
    let head = format!(
        "# Planted mistakes\n\n\
         {mistakes} mistakes, planted one at a time in the closed forms of the four systems of `backprop_by_hand` ([Trace](trace.md)):\n\
         {cells} traces. In {found} of them the wrong row is the one with the mistake, and the only one; in {named} the cause that is\n\
         named is the mistake. A cause in italics is another one; an empty cell is a system in which the mistake changes nothing.\n\n\
         Written by `cargo test -p tests --test literature -- --ignored write_the_planted_mistakes`.\n"
    );
    (head + &body, counts)
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/trace-faults.md")
}

#[test]
fn planted_mistakes_are_found_in_their_row_and_named() {
    let (page, [mistakes, cells, found, named]) = page();
    assert!(mistakes >= 40, "{mistakes} mistakes");
    assert_eq!(found, cells, "{page}");
    assert!(named * 100 >= cells * 80, "{named} of {cells} causes\n{page}");
    let written = std::fs::read_to_string(file()).unwrap_or_default();
    assert!(written == page, "docs/trace-faults.md differs; write it again by the command in it\n{page}");
}

#[test]
#[ignore = "writes docs/trace-faults.md"]
fn write_the_planted_mistakes() {
    std::fs::write(file(), page().0).unwrap();
}
