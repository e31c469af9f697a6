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

/// Names that are looked for and have no row, with the reason.
const ELSEWHERE: [(&str, &str); 11] = [
    ("any", "and `all`, `count_nonzero`, with `_axes` for some axes: of values; no derivative"),
    ("nonzero", "and `flat_nonzero`, `searchsorted`, `argsort`, `argmax`: positions; no derivative"),
    ("unbind", "the pieces of `split`, one for each entry of an axis, without the axis"),
    ("fold", "and `fold2d`: the adjoints of `unfold` and `unfold2d`, in their rows"),
    ("irfft", "the inverse of `rfft`, in its row"),
    ("masked_fill", "`select` with a constant"),
    (
        "ctc",
        "and `triplet_margin`, `poisson_nll_with_rates`, `gaussian_nll`, `focal_with_logits`: losses, in `nn::loss`",
    ),
    (
        "Adamax",
        "and `RAdam`, `Rprop`, `Asgd`, `Lbfgs` with `without_line_search`: optimizers, in `nn::optim`",
    ),
    ("Conv3d", "and `MaxPool1d`, `AdaptiveMaxPool2d`: layers with the functions of the same names, in `nn`"),
    (
        "Upsample",
        "and `PixelShuffle`, `InstanceNorm`: layers of `interpolate`, `pixel_shuffle`, `instance_norm`",
    ),
    ("Embedding", "a layer; its row `embedding` takes indices of any shape"),
];

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
    page.push_str("\n## Without a row of their own\n\n| name | |\n|---|---|\n");
    for (name, text) in ELSEWHERE {
        writeln!(page, "| `{name}` | {text} |").unwrap();
    }
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
fn names_without_a_row_exist() {
    let file =
        |name: &str| std::fs::read_to_string(path().with_file_name("../tests/data/public_api/").join(name));
    let public = ["tape.txt", "nn.txt"].map(|name| file(name).unwrap()).concat();
    let words: Vec<&str> = public.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for (name, text) in ELSEWHERE {
        let quoted = text.split('`').skip(1).step_by(2).filter(|name| *name != "_axes");
        for name in quoted.chain([name]).flat_map(|name| name.split("::")) {
            assert!(words.contains(&name), "{name}: there is nothing public of this name");
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
