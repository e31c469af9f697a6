//! Writes `docs/literature.md` from the output of the tests:
//!
//! ```sh
//! cargo test --release -p tests --test literature -- --nocapture | cargo run -q -p tests --bin literature
//! ```

mod documents;
mod glossary;

use documents::{DOCUMENTS, Document, ERRORS};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

/// The rows by id, in the order they were printed.
type Rows = BTreeMap<String, Vec<Row>>;

/// The tests by name, with the file of each.
type Tests = BTreeMap<String, String>;

/// One checked number.
struct Row {
    what: String,
    published: String,
    ours: String,
    remark: String,
}

fn main() -> ExitCode {
    match write() {
        Ok(()) => {
            println!("wrote docs/literature.md");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn write() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let input = io::read_to_string(io::stdin()).map_err(|error| format!("standard input: {error}"))?;
    let rows = rows(&input)?;
    let tests = tests(&root.join("tests"))?;
    let mut page = String::from(INTRODUCTION);
    for document in &DOCUMENTS {
        section(&mut page, document, &rows, &tests, &root)?;
    }
    glossary::section(&mut page, &rows, &tests)?;
    page.push_str("\n## Errors in the literature\n\n| id | wrong | right | shown by |\n|---|---|---|---|\n");
    for (id, wrong, right, test) in ERRORS {
        let file = tests.get(test).ok_or_else(|| format!("{id}: there is no test called {test}"))?;
        let _ = writeln!(page, "| {id} | {wrong} | {right} | `{test}` in {file} |");
    }
    let path = root.join("docs/literature.md");
    fs::write(&path, page).map_err(|error| format!("{}: {error}", path.display()))
}

/// Reads the rows.
fn rows(input: &str) -> Result<Rows, String> {
    let mut rows = Rows::new();
    for line in input.lines().filter_map(|line| line.split_once("row: ")).map(|(_, row)| row) {
        let fields: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let [id, what, published, ours, ..] = fields[..] else {
            return Err(format!("not a row: {line}"));
        };
        let remark = fields.get(4).unwrap_or(&"").trim_end_matches('|').trim().to_owned();
        // A bar would end the cell.
        let cell = |text: &str| text.replace('|', "\\|");
        let ([what, published, ours], remark) = ([what, published, ours].map(cell), cell(&remark));
        // "WT-03..05" is printed by one test for several rows; it is listed with the first.
        let id = id.split("..").next().unwrap_or(id).to_owned();
        let printed = rows.entry(id.clone()).or_default();
        if printed.iter().any(|row| row.what == what) {
            return Err(format!("{id}: two rows are called \"{what}\""));
        }
        printed.push(Row { what, published, ours, remark });
    }
    if rows.is_empty() {
        Err("no rows: pipe the output of the tests into this program".into())
    } else {
        Ok(rows)
    }
}

/// Finds the tests.
fn tests(directory: &Path) -> Result<Tests, String> {
    let mut tests = Tests::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        let entries =
            fs::read_dir(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text =
                    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                let shown = path.components().rev().take_while(|part| part.as_os_str() != "..");
                let shown: Vec<_> =
                    shown.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
                let shown = shown.into_iter().rev().collect::<Vec<_>>().join("/");
                for name in text.lines().filter_map(|line| line.strip_prefix("fn ")?.split('(').next()) {
                    tests.insert(name.to_owned(), shown.clone());
                }
            }
        }
    }
    Ok(tests)
}

/// The test functions of a row: named by its id, or by a range that holds it.
fn tests_of<'a>(prefix: &str, number: usize, tests: &'a Tests) -> Vec<(&'a str, &'a str)> {
    let prefix = format!("{}_", prefix.to_lowercase());
    let holds = |name: &str| {
        let mut parts = name.strip_prefix(&prefix)?.split('_');
        let first: usize = parts.next()?.parse().ok()?;
        let last = match parts.next() {
            Some("to") => parts.next()?.parse().ok()?,
            _ => first,
        };
        Some((first..=last).contains(&number))
    };
    let found = tests.iter().filter(|(name, _)| holds(name) == Some(true));
    found.map(|(name, file)| (name.as_str(), file.as_str())).collect()
}

fn section(
    page: &mut String,
    document: &Document,
    rows: &Rows,
    tests: &Tests,
    root: &Path,
) -> Result<(), String> {
    let _ = write!(page, "\n## {}\n\n", document.title);
    page.push_str("| id | what | published | ours | remark | where |\n|---|---|---|---|---|---|\n");
    for number in 1..=document.rows {
        let id = format!("{}-{number:02}", document.prefix);
        let tests = tests_of(document.prefix, number, tests);
        let Some((_, file)) = tests.first() else { return Err(format!("{id}: no test is named after it")) };
        let mut numbers = rows.get(&id);
        if numbers.is_none() {
            // A row may be checked together with the one its test is named after.
            let first =
                tests.iter().filter_map(|(name, _)| name.split('_').nth(1)).next().unwrap_or_default();
            numbers = rows.get(&format!("{}-{first}", document.prefix));
        }
        let Some(numbers) = numbers else { return Err(format!("{id}: no test printed a row for it")) };
        for Row { what, published, ours, remark } in numbers {
            let _ = writeln!(page, "| {id} | {what} | {published} | {ours} | {remark} | {file} |");
        }
    }
    for (picture, caption) in document.pictures {
        let file = format!("pictures/{picture}.svg");
        if !root.join("docs").join(&file).exists() {
            return Err(format!("docs/{file} is missing: see docs/pictures/README.md"));
        }
        let _ = write!(page, "\n![{caption}]({file})\n\n*{caption}*\n");
    }
    Ok(())
}

const INTRODUCTION: &str = "# Systems of the literature

Five documents of the literature describe systems, with equations, listings and numbers. All of them run on this
engine. Each row below is a test; *published* is the value printed in the document, *ours* the value that the test
measured when this page was generated by

```sh
cargo test --release -p tests --test literature -- --nocapture | cargo run -q -p tests --bin literature
```

Rows on the complete MNIST data need `MNIST_DIR`; without it those tests report that they were skipped, and the rows
show the smaller set in this repository.
";
