//! Writes `docs/seed-systems.md` from what the tests print:
//!
//! ```sh
//! cargo test --release -p tests --test systems -- --nocapture | cargo run -q -p tests --bin seed_systems
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

/// A document: its name, the prefix of its rows, the number of rows, its test file, and its pictures.
struct Document {
    title: &'static str,
    prefix: &'static str,
    rows: usize,
    pictures: &'static [(&'static str, &'static str)],
}

const DOCUMENTS: [Document; 5] = [
    Document {
        title: "A book chapter on forward propagation and backpropagation",
        prefix: "C8",
        rows: 14,
        pictures: &[
            ("descent-minima", "C8-08: where gradient descent ends depends on where it starts"),
            ("xor-loss", "C8-12: the loss of XOR"),
            ("demand-fit", "C8-14: demand, predicted and observed"),
        ],
    },
    Document {
        title: "A concise guide to neural networks, with a glossary",
        prefix: "WT",
        rows: 19,
        pictures: &[
            ("average-digits", "WT-02: the average digits"),
            ("one-vs-seven-loss", "WT-12, WT-15, WT-18: one neuron and two layers, three sizes of batch"),
            ("compute-graph", "WT-16: the recorded graph"),
        ],
    },
    Document {
        title: "An article on backpropagation with two planar examples",
        prefix: "TN",
        rows: 9,
        pictures: &[
            ("two-clusters", "TN-06: the learned boundary"),
            ("bounded-region", "TN-07 to TN-09: printed, corrected, published and learned weights"),
        ],
    },
    Document {
        title: "An article with a small class of multilayer perceptrons",
        prefix: "BP",
        rows: 14,
        pictures: &[
            ("parity-weights", "BP-11: the weights of the parity network"),
            ("mnist-weights", "BP-13: the 32 weight maps of the digit network"),
        ],
    },
    Document {
        title: "An article on gradient-based training",
        prefix: "MT",
        rows: 11,
        pictures: &[
            ("descent-momentum", "MT-03: with and without momentum"),
            ("vanishing", "MT-08: saturated outputs and deep chains"),
        ],
    },
];

/// What the literature gets wrong: the error, what is right, and the test that shows it.
const ERRORS: [(&str, &str, &str, &str); 23] = [
    (
        "E1",
        "a listing takes the activation before the first layer from index -1, which wraps to the last one",
        "the input",
        "c8_10_errors_of_the_listing",
    ),
    (
        "E2",
        "a vector of rank 1 is transposed, which does nothing",
        "columns, or an explicit outer product",
        "c8_10_errors_of_the_listing",
    ),
    (
        "E3",
        "a layer is said to be ready for its update as soon as its gradient is known",
        "the next lower delta needs the old weights",
        "c8_10_errors_of_the_listing",
    ),
    (
        "E4",
        "targets of shape [N] against outputs of shape [N, 1] broadcast to [N, N], and the network learns the mean",
        "equal shapes; the losses here refuse anything else",
        "c8_14_targets_of_another_shape",
    ),
    (
        "E5",
        "one name for squared errors with and without 1/2, as sum, average and element mean",
        "name the normalisation",
        "c8_06_squared_errors",
    ),
    ("E6", "a loss listing returns the vector of halves of squares", "their sum", "c8_06_squared_errors"),
    ("E7", "a mean absolute error without 1/N", "divide, or call it a sum", "wt_06_to_09_gradients"),
    (
        "E8",
        "the derivation of least squares keeps a norm where a vector belongs",
        "Xᵀ(Xθ - y)",
        "wt_10_least_squares",
    ),
    ("E9", "accuracy as correct over incorrect", "correct over all", "bp_14_accuracy"),
    (
        "E10",
        "an average over seven steps divides by the last index",
        "divide by the count",
        "bp_03_descent_on_a_paraboloid",
    ),
    (
        "E11",
        "a batch generator drops the first samples when there is one batch, and yields nothing when there is none",
        "every sample once",
        "bp_04_batch_generator",
    ),
    ("E12", "the last, larger batch is divided by the nominal size", "by its own size", "bp_05_sgd_step"),
    (
        "E13",
        "two printed products do not conform",
        "transposed as in the table of equations",
        "bp_06_delta_rule",
    ),
    ("E14", "the gradient of a sample is assigned to the accumulator", "added", "mt_10_training_scheme"),
    (
        "E15",
        "the derivation of softmax with cross-entropy differentiates y for ln y",
        "the result y - t is right",
        "mt_07_softmax_and_cross_entropy",
    ),
    (
        "E16",
        "printed weights are said to bound a region, and do not",
        "a constant unit, or a fifth weight below -3.3652",
        "tn_07_explicit_bounded_region",
    ),
    (
        "E17",
        "a derivative is printed as the value of the activation",
        "a (1 - a)",
        "wt_14_two_layer_gradients",
    ),
    (
        "E18",
        "a weight vector carries the index of a sample",
        "one vector for all samples",
        "wt_11_neuron_with_bce",
    ),
    (
        "E19",
        "the declared settings of the 784-2-1 network learn nothing",
        "a larger rate and more epochs",
        "wt_15_784_2_1",
    ),
    (
        "E20",
        "the effective rate with momentum is said to be larger for every α; bias gradients carry a source index",
        "equal at α = 0; no index",
        "mt_03_momentum",
    ),
    (
        "E21",
        "formulas that divide by N, beside libraries that divide by N m",
        "name it, and test with m > 1",
        "wt_14_two_layer_gradients",
    ),
    (
        "E22",
        "affine maps called linear; the log-loss as a synonym of softmax",
        "two words, two things",
        "mt_07_softmax_and_cross_entropy",
    ),
    (
        "E23",
        "minus signs lost when formulas were extracted from pictures",
        "the formulas checked here against differences",
        "c8_06_squared_errors",
    ),
];

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
            println!("wrote docs/seed-systems.md");
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
    page.push_str(GLOSSARY);
    page.push_str(
        "\n## What the literature gets wrong\n\n| id | wrong | right | shown by |\n|---|---|---|---|\n",
    );
    for (id, wrong, right, test) in ERRORS {
        let file = tests.get(test).ok_or_else(|| format!("{id}: there is no test called {test}"))?;
        let _ = writeln!(page, "| {id} | {wrong} | {right} | `{test}` in {file} |");
    }
    let path = root.join("docs/seed-systems.md");
    fs::write(&path, page).map_err(|error| format!("{}: {error}", path.display()))
}

/// The rows by id, in the order they were printed.
fn rows(input: &str) -> Result<BTreeMap<String, Vec<Row>>, String> {
    let mut rows: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for line in input.lines().filter_map(|line| line.split_once("row: ")).map(|(_, row)| row) {
        let fields: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let [id, what, published, ours, ..] = fields[..] else {
            return Err(format!("not a row: {line}"));
        };
        let remark = fields.get(4).unwrap_or(&"").trim_end_matches('|').trim().to_owned();
        // A bar would end the cell.
        let cell = |text: &str| text.replace('|', "\\|");
        let ([what, published, ours], remark) = ([what, published, ours].map(cell), cell(&remark));
        // "WT-03..05" is printed by one test for several rows; it stands with the first.
        let id = id.split("..").next().unwrap_or(id).to_owned();
        rows.entry(id).or_default().push(Row { what, published, ours, remark });
    }
    if rows.is_empty() {
        Err("no rows: pipe the output of the tests into this program".into())
    } else {
        Ok(rows)
    }
}

/// The tests by name, with the file each stands in.
fn tests(directory: &Path) -> Result<BTreeMap<String, String>, String> {
    let mut tests = BTreeMap::new();
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
fn tests_of<'a>(prefix: &str, number: usize, tests: &'a BTreeMap<String, String>) -> Vec<(&'a str, &'a str)> {
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
    rows: &BTreeMap<String, Vec<Row>>,
    tests: &BTreeMap<String, String>,
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

const INTRODUCTION: &str = "# The seed systems

Five documents of the literature describe systems, with equations, listings and numbers. All of them run on this
engine. Each row below is a test; *published* is what the document prints, *ours* what the test measured when this page
was made. The page is written by

```sh
cargo test --release -p tests --test systems -- --nocapture | cargo run -q -p tests --bin seed_systems
```

and not by hand. Rows on the complete MNIST data need `MNIST_DIR`; without it those tests say that they were skipped,
and the rows show the smaller set that comes with this repository.
";

const GLOSSARY: &str = "
## The glossary

The guide ends with a glossary, GL-01 to GL-62. Its rows need layers that are not there yet (convolutions, recurrent
cells, attention, normalisation) and are open until they are.
";
