//! `docs/operations.md`, generated from the registry.

use gradcheck::registry::{Entry, Kind};
use std::fmt::Write;
use std::path::PathBuf;
use tests::compositions::registry;

const HEAD: &str = "# Operations

Every registered operation, from its own file in `crates/tape/src/ops`, and every function that is composed of them. This
page is generated; the command that
writes it again is

```text
cargo test -p tests --test ops -- --ignored write
```

Derivatives are written with the result `y`. A cotangent or tangent that is exactly zero stays zero whatever the
derivative, an infinite or undefined one included.
";

/// Returns the text of a cell, with bars escaped.
fn cell(text: &str) -> String {
    if text.is_empty() { "–".into() } else { text.replace('|', "\\|") }
}

fn section(page: &mut String, title: &str, entries: &[&Entry]) {
    let header = "| name | value | derivative | domain | convention | NumPy | PyTorch |\n|---|---|---|---|---|---|---|";
    writeln!(page, "\n## {title}\n\n{header}").unwrap();
    for Entry { name, doc, .. } in entries {
        let texts = [doc.formula, doc.derivative, doc.domain, doc.convention].map(cell);
        let names = [doc.numpy, doc.torch].map(|text| match text {
            "" => cell(""),
            text => format!("`{}`", cell(text)),
        });
        writeln!(page, "| `{name}` | {} | {} |", texts.join(" | "), names.join(" | ")).unwrap();
    }
}

fn page() -> String {
    let registry = registry();
    let of = |wanted: fn(&Kind) -> bool| registry.iter().filter(|e| wanted(&e.kind)).collect::<Vec<_>>();
    let mut page = HEAD.to_string();
    section(&mut page, "Functions of one number", &of(|kind| matches!(kind, Kind::Unary(_))));
    section(&mut page, "Functions of two numbers", &of(|kind| matches!(kind, Kind::Binary(..))));
    section(&mut page, "Operations on tensors", &of(|kind| matches!(kind, Kind::Tensor(_))));
    section(&mut page, "Compositions", &of(|kind| matches!(kind, Kind::Composition(_))));
    page
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md")
}

#[test]
fn the_table_of_operations_is_up_to_date() {
    let written = std::fs::read_to_string(path()).unwrap_or_default();
    assert!(
        written == page(),
        "docs/operations.md is stale; run: cargo test -p tests --test ops -- --ignored write"
    );
}

#[test]
fn every_row_is_complete() {
    for Entry { name, doc, .. } in registry() {
        for (what, text) in [("formula", doc.formula), ("derivative", doc.derivative), ("domain", doc.domain)]
        {
            assert!(!text.is_empty(), "{name}: the doc has no {what}");
        }
    }
}

#[test]
#[ignore = "writes docs/operations.md"]
fn write() {
    let path = path();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, page()).unwrap();
}
