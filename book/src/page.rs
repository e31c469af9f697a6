//! Pages: their generated regions, and the numbers that their prose quotes.
//!
//! A region begins with the line `<!-- book: NAME -->` and ends with `<!-- book: end -->`.

use crate::Chapter;
use crate::diff::diff;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

const BEGIN: &str = "<!-- book: ";
const END: &str = "<!-- book: end -->";

/// A fault of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum PageError {
    /// There is nothing to generate for a region of this name.
    UnknownRegion(String),
    /// A region has no end.
    Open(String),
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PageError::UnknownRegion(name) => {
                write!(f, "region \"{name}\": the chapter generates nothing of this name")
            }
            PageError::Open(name) => {
                write!(f, "region \"{name}\": expected a line `{END}` after it, found none")
            }
        }
    }
}

impl std::error::Error for PageError {}

/// The folder of the pages.
pub fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/learn")
}

/// The contents of the regions of a chapter; `run` returns the output of its program (`false`) and of its broken program
/// (`true`).
pub fn regions(chapter: &Chapter, run: impl Fn(bool) -> String) -> BTreeMap<String, String> {
    let fenced = |language: &str, text: &str| format!("```{language}\n{}\n```\n", text.trim_end());
    let mut regions: BTreeMap<String, String> =
        (chapter.tables)().into_iter().map(|(name, text)| (name.to_string(), text)).collect();
    regions.insert("program".into(), fenced("rust", chapter.program.text));
    regions.insert("output".into(), fenced("text", &run(false)));
    regions.insert("change".into(), fenced("diff", &diff(chapter.program.text, chapter.broken.text)));
    regions.insert("broken output".into(), fenced("text", &run(true)));
    regions
}

/// Returns the page with its regions filled.
///
/// # Errors
/// If a region is unknown, or has no end.
pub fn fill(page: &str, regions: &BTreeMap<String, String>) -> Result<String, PageError> {
    let mut filled = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        filled += &format!("{line}\n");
        let Some(name) = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(" -->")) else {
            continue;
        };
        let content = regions.get(name).ok_or_else(|| PageError::UnknownRegion(name.into()))?;
        lines.by_ref().find(|&line| line == END).ok_or_else(|| PageError::Open(name.into()))?;
        filled += &format!("{}\n{END}\n", content.trim_end());
    }
    Ok(filled)
}

/// The numbers in the prose of a page that are in none of its regions and code blocks: with a decimal point, with an exponent,
/// or of two digits and more. A number that is quoted is one that some test compares. Titles and exercises may have numbers of
/// their own.
pub fn unquoted_numbers(page: &str) -> Vec<String> {
    let (mut prose, mut quoted) = (String::new(), String::new());
    let (mut region, mut code, mut exercises) = (false, false, false);
    for line in page.lines() {
        if line.starts_with(BEGIN) {
            region = line != END;
            continue;
        }
        let fence = line.starts_with("```");
        if line.starts_with("## ") {
            exercises = line == "## Exercises";
        }
        // The title of a page has the number of its chapter.
        if exercises || (line.starts_with("# ") && !region && !code) {
            continue;
        }
        let text = if region || code || fence { &mut quoted } else { &mut prose };
        *text += line;
        text.push('\n');
        code ^= fence;
    }
    let known = numbers(&quoted);
    let mut missing: Vec<String> =
        numbers(&without_links(&prose)).into_iter().filter(|x| !known.contains(x)).collect();
    missing.dedup();
    missing
}

/// The text without what links and pictures show and point to.
fn without_links(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::new();
    while let Some((before, after)) = rest.split_once('[') {
        plain += before;
        rest = match after.split_once("](").and_then(|(shown, after)| Some((shown, after.split_once(')')?))) {
            Some((shown, (_, after))) if !shown.contains(['[', ']']) => after,
            _ => after,
        };
    }
    plain + rest
}

/// The numbers in a text that have a decimal point, an exponent, or at least two digits.
fn numbers(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < characters.len() {
        let inside_a_name = at > 0 && (characters[at - 1].is_alphanumeric() || characters[at - 1] == '_');
        if !characters[at].is_ascii_digit() || inside_a_name {
            at += 1;
            continue;
        }
        let begin = at;
        while at < characters.len() {
            let next = |k: usize| characters.get(at + k).copied().unwrap_or(' ');
            let part = match characters[at] {
                c if c.is_ascii_digit() => 1,
                '.' | ',' if next(1).is_ascii_digit() && characters[at] == '.' => 1,
                'e' if next(1).is_ascii_digit() || (next(1) == '-' && next(2).is_ascii_digit()) => 2,
                _ => break,
            };
            at += part;
        }
        let number: String = characters[begin..at].iter().collect();
        if number.len() > 1 {
            found.push(number);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_filled_and_the_rest_is_kept() {
        let regions = BTreeMap::from([("output".to_string(), "new\n".to_string())]);
        let page = "a\n<!-- book: output -->\nold\n<!-- book: end -->\nb\n";
        let filled = fill(page, &regions).unwrap();
        assert_eq!(filled, "a\n<!-- book: output -->\nnew\n<!-- book: end -->\nb\n");
        assert_eq!(fill(&filled, &regions).unwrap(), filled);
        let error = fill("<!-- book: other -->\n<!-- book: end -->\n", &regions).unwrap_err();
        assert_eq!(error, PageError::UnknownRegion("other".into()));
        assert_eq!(fill("<!-- book: output -->\n", &regions).unwrap_err(), PageError::Open("output".into()));
    }

    #[test]
    fn a_number_that_nothing_on_the_page_shows_is_found() {
        let page =
            "It is 0.25, not 0.5 or 1e-7; see [chapter 12](12-x.md), x12 and 3.\n```text\n0.25 1e-6\n```\n";
        assert_eq!(unquoted_numbers(page), ["0.5", "1e-7"]);
        let page = "Of 100, 99.\n<!-- book: output -->\n100\n<!-- book: end -->\n";
        assert_eq!(unquoted_numbers(page), ["99"]);
        assert_eq!(unquoted_numbers("## Exercises\n0.1\n## Then\n0.2\n"), ["0.2"]);
        assert_eq!(unquoted_numbers("# 15. Training\n16\n"), ["16"]);
    }
}
