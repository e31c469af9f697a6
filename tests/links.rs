//! Links of the pages: files, anchors, and the reading order of the book. Without a network.

use crate::documentation::read;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Pages that are no part of the book.
const NOT_IN_THE_BOOK: [&str; 2] = ["docs/SUMMARY.md", "docs/pictures/README.md"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The pages under `directory`, as paths from the root.
fn pages(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root().join(directory)).expect("a directory that can be read") {
        let entry = entry.expect("an entry that can be read");
        let path = directory.join(entry.file_name());
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if entry.path().is_dir() {
            if !hidden && !["target", "site", "data"].iter().any(|name| path.ends_with(name)) {
                pages(&path, found);
            }
        } else if path.extension().is_some_and(|end| end == "md") {
            found.push(path);
        }
    }
}

/// The lines of a page outside code blocks, without code in backquotes.
fn prose(text: &str) -> Vec<String> {
    let (mut code, mut lines) = (false, Vec::new());
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            code = !code;
        } else if !code {
            lines.push(line.split('`').step_by(2).collect::<Vec<_>>().join("``"));
        }
    }
    lines
}

/// The anchors of a page: its headings as the repository hosts and mdBook spell them.
fn anchors(text: &str) -> Vec<String> {
    let mut code = false;
    let headings = text.lines().filter(|line| {
        code ^= line.trim_start().starts_with("```");
        !code && line.starts_with('#')
    });
    let anchor = |heading: &str| {
        let kept = |c: &char| c.is_alphanumeric() || [' ', '-', '_'].contains(c);
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        title.chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

/// The targets of the links of a page.
fn targets(text: &str) -> Vec<String> {
    let inline = |line: &String| {
        let ends = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        ends.map(|(target, _)| target.to_string()).collect::<Vec<_>>()
    };
    prose(text).iter().flat_map(inline).collect()
}

/// The path that `target` means on `page`, without `..`.
fn resolved(page: &Path, target: &str) -> PathBuf {
    let joined = page.parent().unwrap_or(Path::new("")).join(target);
    let mut path = PathBuf::new();
    for part in joined.components() {
        if part == Component::ParentDir {
            path.pop();
        } else {
            path.push(part);
        }
    }
    path
}

/// The complaint about a link of `page`, if it leads nowhere.
fn complaint(page: &Path, target: &str, texts: &BTreeMap<PathBuf, String>) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { page.to_path_buf() } else { resolved(page, file) };
    if !root().join(&path).exists() {
        return Some(format!("{}: there is no {target}", page.display()));
    }
    let known =
        anchor.is_empty() || texts.get(&path).is_none_or(|text| anchors(text).iter().any(|a| a == anchor));
    (!known).then(|| format!("{}: no heading has the anchor of {target}", page.display()))
}

#[test]
fn no_link_and_no_anchor_is_broken() {
    let mut found = Vec::new();
    pages(Path::new(""), &mut found);
    let texts: BTreeMap<PathBuf, String> =
        found.into_iter().map(|page| (page.clone(), read(&page.display().to_string()))).collect();
    let (mut links, mut broken) = (0, Vec::new());
    for (page, text) in &texts {
        for target in targets(text) {
            links += 1;
            broken.extend(complaint(page, &target, &texts));
        }
    }
    assert!(links > 300, "found only {links} links");
    assert!(broken.is_empty(), "{} broken links:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn a_broken_link_is_found() {
    let page = Path::new("docs/architecture.md");
    let texts = BTreeMap::from([(page.to_path_buf(), "# One `two`, three\n".to_string())]);
    for (target, right) in [
        ("#one-two-three", true),
        ("#one", false),
        ("architecture.md#one-two-three", true),
        ("architecture.md#one", false),
        ("../README.md", true),
        ("../README", false),
        ("https://example.org/none", true),
    ] {
        assert_eq!(complaint(page, target, &texts).is_none(), right, "{target}");
    }
    assert_eq!(targets("[a](b.md) `[x](y)` [c `d`](e.md)\n```text\n[f](g)\n```\n"), ["b.md", "e.md"]);
}

#[test]
fn every_page_of_the_documentation_is_in_the_book_once() {
    let summary = targets(&read("docs/SUMMARY.md"));
    let mut found = Vec::new();
    pages(Path::new("docs"), &mut found);
    assert!(found.len() > 40, "found only {} pages", found.len());
    for page in found.iter().map(|page| page.display().to_string()) {
        let times = summary.iter().filter(|&target| format!("docs/{target}") == page).count();
        let expected = usize::from(!NOT_IN_THE_BOOK.contains(&page.as_str()));
        assert_eq!(times, expected, "docs/SUMMARY.md lists {page} {times} times, expected {expected}");
    }
}
