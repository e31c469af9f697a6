//! The layers of the crate: a file uses only the layers above its own in this list, and its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// From the bottom up. A layer is a file, a directory, or a file with the directory of its name.
const LAYERS: [&str; 29] = [
    "error",             // errors, as data
    "shape",             // extents, axes, broadcasting
    "index",             // indices as plain data
    "pool",              // recycled buffers
    "element",           // number types and elementary functions
    "random",            // random numbers from a seed
    "rules/algebra",     // the operations that rules are written in
    "simd",              // loops for the available instruction set
    "parallel",          // loops on several threads
    "tensor",            // storage, views, kernels
    "rules/op",          // the trait of an operation on tensors
    "ops",               // the operations, one file each
    "rules/elementwise", // scalar functions as operations on tensors
    "dual",              // forward mode without a recording
    "tape",              // recording, handles
    "operand",           // what may stand beside a tensor or handle
    "operators",         // + - * /
    "methods",           // operations as methods
    "custom",            // operations with user-defined derivatives
    "sweep",             // the chain rule, reverse and forward
    "program",           // functions of scalars, run in lanes
    "replay",            // computations with tensors, run again
    "anomaly",           // where non-finite values arise
    "transform",         // closures in, numbers and tensors out
    "graph",             // recordings as data and pictures
    "instances",         // the engine compiled for f32 and f64
    "internal",          // the interface for the crate gradcheck
    "rules",             // the module of the three layers of rules
    "lib",               // the public interface
];

/// A use of one layer by another, with its source location.
#[derive(Debug, PartialEq)]
struct Arrow {
    from: String,
    to: String,
    location: String,
}

/// The layers that the code of one file uses. `public` gives the layers of names that the crate re-exports.
fn arrows(layer: &str, file: &str, source: &str, public: &BTreeMap<String, String>) -> Vec<Arrow> {
    let mut arrows = Vec::new();
    for (number, line) in source.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let mut rest = code.replace("$crate::", "crate::");
        while let Some(at) = rest.find("crate::") {
            rest = rest.split_off(at + "crate::".len());
            // `use crate::{a, b}` would hide names from this test; the code names one layer in a line.
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            // A macro names what its caller passes: `$crate::$name`.
            if end == 0 {
                continue;
            }
            let mut name = rest[..end].to_string();
            if let Some(file) = rest[end..].strip_prefix("::").filter(|_| name == "rules") {
                let end = file.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(file.len());
                name = format!("rules/{}", &file[..end]);
            }
            let to = public.get(&name).unwrap_or(&name).clone();
            if to != layer {
                arrows.push(Arrow { from: layer.into(), to, location: format!("{file}:{}", number + 1) });
            }
        }
    }
    arrows
}

/// The arrows that do not point from a later layer to an earlier one.
fn forbidden(arrows: Vec<Arrow>) -> Vec<Arrow> {
    let level = |name: &str| LAYERS.iter().position(|&layer| layer == name);
    let allowed = |arrow: &Arrow| match (level(&arrow.from), level(&arrow.to)) {
        (Some(from), Some(to)) => to < from,
        _ => false,
    };
    arrows.into_iter().filter(|arrow| !allowed(arrow)).collect()
}

/// The layer of every name that `lib.rs` re-exports.
fn public_names(lib: &str) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for statement in lib.split(';') {
        let Some((_, path)) = statement.split_once("pub use ") else { continue };
        // The prelude repeats names.
        let Some((mut layer, list)) = path.split_once("::").filter(|(layer, _)| *layer != "super") else {
            continue;
        };
        if layer == "rules" {
            let end = layer.len() + 2 + list.find("::").unwrap_or_default();
            layer = &path[..end];
        }
        let layer = layer.replace("::", "/");
        for name in list.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|name| !name.is_empty()) {
            names.insert(name.to_string(), layer.clone());
        }
    }
    names
}

/// Every source file with its layer and its path below `src`.
fn sources(directory: &Path, prefix: &str, found: &mut Vec<(String, String, String)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let below = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        if path.is_dir() {
            sources(&path, &below, found);
        } else if name.ends_with(".rs") {
            let layer = match below.strip_suffix(".rs") {
                Some(file) if file.starts_with("rules/") => file.trim_end_matches("/mod"),
                _ => below.split(['/', '.']).next().unwrap_or_default(),
            };
            let layer = layer.to_string();
            found.push((layer, below, fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn every_arrow_points_to_an_earlier_layer() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut files);
    assert!(files.len() > 40, "expected more than 40 sources, found {}", files.len());
    let lib = files.iter().find(|(_, file, _)| file == "lib.rs").map(|(_, _, source)| source.as_str());
    let public = public_names(lib.unwrap());
    assert_eq!(public.get("Tensor").map(String::as_str), Some("tensor"));
    let mut found = Vec::new();
    for (layer, file, source) in &files {
        assert!(LAYERS.contains(&layer.as_str()), "src/{file} belongs to no layer");
        assert!(!source.contains("crate::{"), "src/{file}: one layer in each use");
        found.extend(arrows(layer, file, source, &public));
    }
    assert!(found.len() > 100, "expected more than 100 uses of other layers, found {}", found.len());
    let wrong = forbidden(found);
    assert!(wrong.is_empty(), "arrows to later or unknown layers: {wrong:#?}");
}

#[test]
fn the_documentation_has_the_same_list() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/architecture.md")).unwrap();
    let list = page.split("```").nth(1).unwrap().lines().skip(1);
    let names: Vec<&str> = list.filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, LAYERS);
}

#[test]
fn an_arrow_to_a_later_layer_is_found() {
    let public = public_names("pub use tape::{Handle, Tape};\npub use error::Error;");
    let source = "use crate::shape::Shape;\n/// [`crate::sweep`]\nfn f(_: crate::Tape) -> crate::Error {}\n";
    let found = arrows("tensor", "tensor/mod.rs", source, &public);
    let to: Vec<&str> = found.iter().map(|arrow| arrow.to.as_str()).collect();
    assert_eq!(to, ["shape", "tape", "error"]);
    let wrong = forbidden(found);
    let location = "tensor/mod.rs:3".to_string();
    assert_eq!(wrong, [Arrow { from: "tensor".into(), to: "tape".into(), location }]);
    assert_eq!(forbidden(arrows("tape", "tape.rs", "use crate::nowhere::X;", &public)).len(), 1);
}
