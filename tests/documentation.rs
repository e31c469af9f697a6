//! The documentation agrees with the code.

use std::fs;
use std::path::Path;
use tape::Tape;

/// The text of a file of the workspace.
pub(super) fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_readme_prints_what_the_program_prints() {
    let tape = Tape::new();
    let (x, y) = (tape.scalar(2.0), tape.scalar(3.0));
    let z = (x * y).sin() + x.powi(2) / y;
    let grads = z.backward();
    let f = |x: f64, y: f64| (x * y).sin() + x.powi(2) / y;
    let h = 1e-6;
    let difference = (f(2.0 + h, 3.0) - f(2.0 - h, 3.0)) / (2.0 * h);
    let readme = read("README.md");
    for line in [
        format!("z.value()); // {:.6}", z.value()),
        format!("grads.wrt(y)); // {:.6} {:.6}", grads.wrt(x), grads.wrt(y)),
        format!("(2.0 * h)); // {difference:.6}"),
    ] {
        assert!(readme.contains(&line), "README.md does not say `{line}`");
    }
    let program = readme.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap_or("");
    assert!((1..=15).contains(&program.lines().count()), "the first program is at most 15 lines");
}

#[test]
fn the_page_about_views_shows_the_derivation() {
    let tape = Tape::new();
    let (w, x) = (tape.scalar(0.5).named("w"), tape.scalar(2.0).named("x"));
    let a = (w * x).named("z").tanh().named("a");
    let listing = a.square().named("L").view().explain();
    let page = read("docs/viewer.md");
    assert!(page.contains(&format!("```text\n{listing}```")), "docs/viewer.md does not show:\n{listing}");
}

#[test]
fn the_guide_to_a_new_operation_shows_the_real_files() {
    let guide = read("docs/adding-an-operation.md");
    let tree = read("crates/tape/src/ops/activation/softplus.rs") + &read("crates/tape/src/ops/mod.rs");
    let fragments: Vec<&str> =
        guide.split("```rust,ignore\n").skip(1).filter_map(|s| s.split("```").next()).collect();
    assert!(fragments.len() >= 5, "the guide shows the operation");
    for fragment in fragments {
        assert!(tree.contains(fragment), "the tree does not contain:\n{fragment}");
    }
}

/// The roots of the paths in the tables of CONTRIBUTING.md.
const ROOTS: [&str; 4] = ["", "crates/tape/src", "crates/gradcheck/src", "crates/nn/src"];

/// Checks that the files which a row of a table names exist; of a new one, `<name>.rs`, the folder.
fn assert_files_exist(row: &str) -> usize {
    let files: Vec<&str> = row.split('`').skip(1).step_by(2).filter(|name| name.ends_with(".rs")).collect();
    for file in &files {
        let begin = file.split('<').next().unwrap_or_default();
        let exists =
            |root: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(root).join(begin).exists();
        assert!(!begin.is_empty() && ROOTS.into_iter().any(exists), "there is no {file}: {row}");
    }
    files.len()
}

#[test]
fn contributors_find_the_files_to_change() {
    let page = read("CONTRIBUTING.md");
    let rows_after = |head: &str| -> Vec<String> {
        let table = page.split(head).nth(1).unwrap_or_else(|| panic!("there is no table `{head}`"));
        table.lines().skip(2).take_while(|line| line.starts_with('|')).map(str::to_owned).collect()
    };
    let ways = rows_after("| change | way |");
    assert_eq!(ways.len(), 10);
    for row in ways {
        assert!(assert_files_exist(&row) > 0, "no file: {row}");
        assert!(row.matches('→').count() <= 2, "more than three places on the way: {row}");
    }
    let additions = rows_after("| addition | files | noticed by |");
    assert_eq!(additions.len(), 5);
    for row in additions {
        let files = row.split(" | ").nth(1).unwrap_or_default();
        assert!((2..=4).contains(&assert_files_exist(files)), "{row}");
    }
}

#[test]
fn every_convention_has_the_test_that_its_row_names() {
    let page = read("docs/conventions.md");
    let files =
        ["conventions", "factorisations", "saturation", "shapes", "traps_elementwise", "traps_indexing"];
    let tests: String = files.iter().map(|file| read(&format!("crates/tape/tests/ops/{file}.rs"))).collect();
    let tests = tests + &read("tests/layers/traps.rs");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ") && line.contains('`')).collect();
    assert!(rows.len() >= 15, "the table is there");
    for row in rows {
        let name = row.trim_end_matches(" |").rsplit('`').nth(1).unwrap_or_default();
        assert!(tests.contains(&format!("fn {name}(")), "no test is called `{name}`");
    }
}

#[test]
fn every_term_of_the_glossary_is_listed_with_its_test() {
    let page = read("docs/literature.md");
    for number in 1..=62 {
        let id = format!("| GL-{number:02} |");
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with(&id)).collect();
        assert!(!rows.is_empty(), "{id} is missing");
        for row in rows {
            let cells: Vec<&str> = row.split(" | ").collect();
            let Some(file) = cells[6].split("](../").nth(1).and_then(|link| link.split(')').next()) else {
                assert_eq!(cells[5], "text only", "{row}");
                continue;
            };
            // Either the row names another one, or the term has a test of its own.
            let other = cells[2].split_once(": ").is_some_and(|(id, _)| id.len() == 5 && id.contains('-'));
            let test = if other { "#[test]".to_owned() } else { format!("fn gl_{number:02}_") };
            assert!(read(file).contains(&test), "{file} has no {test}");
        }
    }
}

#[test]
fn the_glossary_of_the_book_has_every_term_and_every_notation() {
    let (glossary, literature) = (read("docs/glossary.md"), read("docs/literature.md"));
    for number in 1..=62 {
        let id = format!("| GL-{number:02} |");
        let term = |page: &str| {
            let row =
                page.lines().find(|line| line.starts_with(&id)).unwrap_or_else(|| panic!("no row {id}"));
            row.split(" | ").nth(1).unwrap_or_default().to_owned()
        };
        assert_eq!(term(&glossary), term(&literature), "{id}");
    }
    let table = glossary.split("## Five notations").nth(1).and_then(|rest| rest.split("\n## ").next());
    let rows: Vec<&str> = table.unwrap_or_default().lines().filter(|line| line.starts_with("| ")).collect();
    assert!(rows.len() > 12, "one row for each quantity");
    for row in rows {
        assert_eq!(row.matches('|').count(), 8, "the quantity, this book, and five documents: {row}");
    }
}

#[test]
fn a_user_defined_model_takes_less_than_forty_lines() {
    let program = read("examples/custom_model.rs");
    let model = program.split("// ---- The operation ----").nth(1).unwrap_or_default();
    let model = model.split("// ---- The experiment ----").next().unwrap_or_default();
    let code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    assert!((20..40).contains(&model.lines().filter(code).count()));
}
