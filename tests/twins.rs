//! The examples that are written in PyTorch too are not much longer than there.

use std::fs;
use std::path::Path;

/// The examples with a program of the same name in `examples/twins`.
const TWINS: [&str; 5] = ["gan", "neural_ode", "newton", "tree_lstm", "vae"];

/// The part of an example that its twin lacks: flags, help, and the picture.
const REST: &str = "// ---- The command line and the picture ----";

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines that are neither blank nor comments, up to [`REST`], without the imports that only the rest needs.
fn rust_lines(program: &str) -> usize {
    let (program, _) = program.split_once(REST).unwrap_or_else(|| panic!("expected the line `{REST}`"));
    let rest = ["use clap::", "use examples::", "use nn_plot::", "use std::process::ExitCode;"];
    let counted = |line: &&str| {
        let code = line.trim_start();
        !code.is_empty() && !code.starts_with("//") && !rest.iter().any(|import| code.starts_with(import))
    };
    program.lines().filter(counted).count()
}

/// The lines that are neither blank, nor comments, nor documentation of one line.
fn python_lines(program: &str) -> usize {
    let counted = |line: &&str| {
        let code = line.trim_start();
        !code.is_empty() && !code.starts_with('#') && !code.starts_with("\"\"\"")
    };
    program.lines().filter(counted).count()
}

#[test]
fn an_example_has_at_most_three_tenths_more_lines_than_its_twin() {
    for name in TWINS {
        let (rust, python) = (read(&format!("{name}.rs")), read(&format!("twins/{name}.py")));
        let (rust, python) = (rust_lines(&rust), python_lines(&python));
        println!("{name}: {rust} lines, {python} in PyTorch");
        assert!(python >= 40 && rust * 10 <= python * 13, "{name}: {rust} lines, {python} in PyTorch");
    }
}

#[test]
fn every_twin_is_compared() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/twins");
    let mut found: Vec<String> = fs::read_dir(directory)
        .expect("a directory that can be read")
        .map(|entry| entry.expect("an entry that can be read").file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, TWINS.map(|name| format!("{name}.py")));
}

#[test]
fn comments_and_the_command_line_are_not_counted() {
    let program = [
        "//! A program.",
        "use clap::Parser;",
        "use tape::Tape;",
        "",
        "fn f() {} // code",
        REST,
        "fn g() {}",
    ];
    assert_eq!(rust_lines(&program.join("\n")), 2);
    assert_eq!(python_lines("\"\"\"A program.\"\"\"\n\nimport torch\n# A comment.\nx = 1  # code\n"), 2);
}
