//! The phrasings that CONTRIBUTING bans do not occur in comments, messages, names and pages.

use std::fs;
use std::path::{Path, PathBuf};

/// Phrases that no line may contain. CONTRIBUTING has what to write instead.
const PHRASES: [&str; 11] = [
    "so many",
    "so much",
    "stands",
    "whoever",
    "nobody",
    "somebody",
    "asked for",
    "one's own",
    "read are",
    "what is asked",
    "looks on",
];

/// Uses of these words that are ordinary English.
const ALLOWED: [&str; 2] = ["stands for", "stands out"];

/// The files that are read: sources, scripts and pages, but not data, the list itself, or the history of names.
fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory that can be read") {
        let path = entry.expect("an entry that can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let data =
                ["tests/data", "examples/data", "reference/data"].iter().any(|end| path.ends_with(end));
            if !data && !["target", ".git"].contains(&name.as_str()) {
                files(&path, found);
            }
        } else if ["rs", "md", "py", "toml"].iter().any(|&end| path.extension().is_some_and(|e| e == end))
            && !["prose.rs", "CHANGELOG.md", "CONTRIBUTING.md"].contains(&name.as_str())
        {
            found.push(path);
        }
    }
}

/// Returns `true` if `line` contains `phrase` as whole words.
fn contains(line: &str, phrase: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || c == '_' || c == '\'';
    line.match_indices(phrase)
        .any(|(at, _)| !line[..at].ends_with(letter) && !line[at + phrase.len()..].starts_with(letter))
}

/// The complaints about one file.
fn complaints(text: &str, is_rust: bool) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut before = "";
    for (number, line) in text.lines().enumerate() {
        let mut plain = line.to_lowercase();
        ALLOWED.iter().for_each(|allowed| plain = plain.replace(allowed, ""));
        for phrase in PHRASES {
            if contains(&plain, phrase) {
                found.push((number + 1, format!("\"{phrase}\"")));
            }
        }
        let line = line.trim_start();
        let doc = |line: &str| line.starts_with("///") || line.starts_with("//!");
        let summary = is_rust && doc(line) && !doc(before);
        if summary && ["/// What ", "//! What "].iter().any(|what| line.starts_with(what)) {
            found.push((number + 1, "a summary that begins with \"What\"".into()));
        }
        if summary && line.ends_with('?') {
            found.push((number + 1, "a summary that is a question".into()));
        }
        before = line;
    }
    found
}

#[test]
fn banned_phrasings_do_not_occur() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut list = Vec::new();
    files(&root, &mut list);
    assert!(list.len() > 400, "found only {} files", list.len());
    let mut wrong = Vec::new();
    for path in list {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let shown = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
        let rust = shown.ends_with(".rs");
        wrong.extend(
            complaints(&text, rust).into_iter().map(|(line, what)| format!("{shown}:{line}: {what}")),
        );
    }
    assert!(wrong.is_empty(), "{} banned phrasings:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_banned_phrasing_is_found() {
    let text = "/// Is it empty?\nfn f() {}\n\n/// What it holds.\n/// So many rows, which stands for two.\n// withstands\n";
    let found: Vec<usize> = complaints(text, true).into_iter().map(|(line, _)| line).collect();
    assert_eq!(found, [1, 4, 5]);
    assert!(complaints("Is it empty?", false).is_empty(), "a page may ask");
}
