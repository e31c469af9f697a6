//! Runs cargo in the tree.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Runs a command of cargo in the tree and returns its messages, those of a failed one too.
pub fn messages(tree: &Path, arguments: &[&str]) -> io::Result<Vec<Value>> {
    let output = Command::new("cargo")
        .args(arguments)
        .args(["--profile", "mutants", "--message-format", "json"])
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", tree.with_file_name("build"))
        .env("CARGO_INCREMENTAL", "0")
        // The loops of the tests are long, and the build is used hundreds of times.
        .env("CARGO_PROFILE_MUTANTS_OPT_LEVEL", "1")
        .env("RUSTFLAGS", "-Awarnings")
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).map_err(io::Error::other)).collect()
}
