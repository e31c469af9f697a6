//! Text from a file in a message: without control characters, and truncated where it is long.

use std::fmt::{self, Display, Formatter, Write};

/// The maximum number of characters of a name or cell in a message.
const SHOWN: usize = 80;

/// The maximum number of characters of a sentence, which may come from another library and contain a name.
const SENTENCE: usize = 300;

/// The maximum number of names of a list in a message.
const LISTED: usize = 20;

/// A text between quotes: `"fc1.weight"`, `"aaaa"... (65536 bytes)`.
pub(crate) struct Quoted<'a>(pub &'a str);

/// A sentence without quotes.
pub(crate) struct Plain<'a>(pub &'a str);

/// Names, separated by commas: `fc1.weight, fc1.bias`.
pub(crate) struct Listed<'a>(pub &'a [String]);

/// The beginning of a sentence about a tensor, which is empty if the tensor has no name.
pub(super) struct Tensor<'a>(pub &'a str);

/// Extents of axes: `[2, 3]`.
pub(crate) struct Extents<'a, N>(pub &'a [N]);

/// The first characters of a text, and whether these are all.
fn cut(text: &str, characters: usize) -> (&str, bool) {
    match text.char_indices().nth(characters) {
        Some((at, _)) => (&text[..at], false),
        None => (text, true),
    }
}

/// Writes the length of a truncated text.
fn length(f: &mut Formatter<'_>, text: &str, whole: bool) -> fmt::Result {
    if whole { Ok(()) } else { write!(f, "... ({} bytes)", text.len()) }
}

/// Escapes unprintable characters, but not quotes.
fn printable(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    text.chars().try_for_each(|c| match c {
        '"' | '\'' | '\\' => f.write_char(c),
        _ => c.escape_debug().try_for_each(|c| f.write_char(c)),
    })
}

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (shown, whole) = cut(self.0, SHOWN);
        write!(f, "{shown:?}")?;
        length(f, self.0, whole)
    }
}

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (shown, whole) = cut(self.0, SENTENCE);
        printable(f, shown)?;
        length(f, self.0, whole)
    }
}

impl Display for Listed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, name) in self.0.iter().take(LISTED).enumerate() {
            f.write_str(if i == 0 { "" } else { ", " })?;
            let (shown, whole) = cut(name, SHOWN);
            printable(f, shown)?;
            length(f, name, whole)?;
        }
        match self.0.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, ", ... ({more} more)"),
        }
    }
}

impl<N: fmt::Debug> Display for Extents<'_, N> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.get(..LISTED) {
            Some(shown) if shown.len() < self.0.len() => write!(f, "{shown:?}... ({} axes)", self.0.len()),
            _ => write!(f, "{:?}", self.0),
        }
    }
}

impl fmt::Display for Tensor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "tensor {}: ", Quoted(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_shown_and_long_ones_cut() {
        assert_eq!(Quoted("é \"a\"\n").to_string(), r#""é \"a\"\n""#);
        assert_eq!(Plain("é \"a\"\n\u{1b}[2J").to_string(), "é \"a\"\\n\\u{1b}[2J");
        let long = "é".repeat(1000);
        assert_eq!(Quoted(&long).to_string(), format!("\"{}\"... (2000 bytes)", "é".repeat(80)));
        assert_eq!(Plain(&long).to_string(), format!("{}... (2000 bytes)", "é".repeat(300)));
        let names: Vec<String> = (0..22).map(|i| i.to_string()).collect();
        assert_eq!(Listed(&names[..2]).to_string(), "0, 1");
        assert!(Listed(&names).to_string().ends_with("18, 19, ... (2 more)"));
        assert_eq!(Extents(&[2, 3]).to_string(), "[2, 3]");
        assert!(Extents(&[1; 30]).to_string().ends_with("1, 1]... (30 axes)"));
    }
}
