//! Text as codes: characters, training windows, and sampling of characters.

use flate2::read::GzDecoder;
use rand::{Rng, RngExt};
use std::collections::BTreeSet;
use std::error::Error;
use std::io::Read;
use std::path::Path;

/// Eight plays: see the notice beside the file.
const SHAKESPEARE: &[u8] = include_bytes!("../data/text/shakespeare.txt.gz");

/// The fraction of a text used for training; the rest, its end, is for validation.
const TRAINING: f64 = 0.9;

/// A text, as the codes of its characters.
#[derive(Clone, Debug)]
pub struct Text {
    /// The distinct characters, sorted; a character's code is its position.
    characters: Vec<char>,
    codes: Vec<usize>,
}

impl Text {
    /// The characters of a text, and their codes.
    ///
    /// ```
    /// use examples::text::Text;
    /// let text = Text::new("abba");
    /// assert_eq!((text.training(), text.validation()), (&[0, 1, 1][..], &[0][..]));
    /// assert_eq!(text.decode(&[1, 0]), "ba");
    /// assert_eq!(text.encode("abc"), Err("the text has no 'c'".to_owned()));
    /// ```
    pub fn new(text: &str) -> Text {
        let characters: Vec<char> = text.chars().collect::<BTreeSet<_>>().into_iter().collect();
        let mut result = Text { characters, codes: Vec::new() };
        result.codes = result.encode(text).unwrap_or_default();
        result
    }

    /// The text of a file in UTF-8, or the plays in the repository.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(path: Option<&Path>) -> Result<Text, Box<dyn Error>> {
        let mut text = String::new();
        match path {
            Some(path) => {
                text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?
            }
            None => _ = GzDecoder::new(SHAKESPEARE).read_to_string(&mut text)?,
        }
        Ok(Text::new(&text))
    }

    /// The number of distinct characters.
    pub fn characters(&self) -> usize {
        self.characters.len()
    }

    /// The codes of a text.
    ///
    /// # Errors
    /// If the text has a character that this one does not have.
    pub fn encode(&self, text: &str) -> Result<Vec<usize>, String> {
        let code = |c: char| self.characters.binary_search(&c).map_err(|_| format!("the text has no {c:?}"));
        text.chars().map(code).collect()
    }

    /// The text of codes.
    pub fn decode(&self, codes: &[usize]) -> String {
        codes.iter().map(|&code| self.characters[code]).collect()
    }

    /// The first nine tenths.
    pub fn training(&self) -> &[usize] {
        &self.codes[..self.border()]
    }

    /// The last tenth.
    pub fn validation(&self) -> &[usize] {
        &self.codes[self.border()..]
    }

    fn border(&self) -> usize {
        (TRAINING * self.codes.len() as f64) as usize
    }

    /// The loss in nats per character of the validation part, for a bigram table estimated from the training
    /// part with add-one smoothing: the baseline for a network.
    pub fn pairs_loss(&self) -> f64 {
        let n = self.characters();
        let (mut pairs, mut firsts) = (vec![1.0; n * n], vec![n as f64; n]);
        for pair in self.training().windows(2) {
            pairs[pair[0] * n + pair[1]] += 1.0;
            firsts[pair[0]] += 1.0;
        }
        let loss = |pair: &[usize]| -f64::ln(pairs[pair[0] * n + pair[1]] / firsts[pair[0]]);
        let validation = self.validation().windows(2);
        let count = validation.len();
        validation.map(loss).sum::<f64>() / count as f64
    }
}

/// Windows of `length` characters from these positions, concatenated, and the character after each of their
/// characters.
///
/// ```
/// use examples::text::windows;
/// assert_eq!(windows(&[7, 8, 9, 10], &[0, 1], 2), (vec![7, 8, 8, 9], vec![8, 9, 9, 10]));
/// ```
pub fn windows(codes: &[usize], starts: &[usize], length: usize) -> (Vec<usize>, Vec<usize>) {
    let from = |shift| {
        let window = move |&start: &usize| &codes[start + shift..start + shift + length];
        starts.iter().flat_map(window).copied().collect()
    };
    (from(0), from(1))
}

/// Samples a character from the softmax of `logits / temperature`: below 1 the likely ones become likelier.
///
/// ```
/// use examples::text::draw;
/// use rand::{SeedableRng, rngs::StdRng};
/// let mut rng = StdRng::seed_from_u64(0);
/// let drawn = (0..1000).filter(|_| draw(&[0.0, 3f32.ln()], 1.0, &mut rng) == 1).count();
/// assert!((700..800).contains(&drawn), "{drawn}");
/// assert_eq!(draw(&[0.0, 3f32.ln()], 1e-3, &mut rng), 1);
/// ```
pub fn draw(logits: &[f32], temperature: f64, rng: &mut impl Rng) -> usize {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights = logits.iter().map(|&z| (f64::from(z - largest) / temperature).exp());
    let mut left = rng.random::<f64>() * weights.clone().sum::<f64>();
    for (code, weight) in weights.enumerate() {
        left -= weight;
        if left < 0.0 {
            return code;
        }
    }
    logits.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Facts stated by the notice beside the file.
    #[test]
    fn the_repository_contains_eight_plays() {
        let text = Text::read(None).unwrap();
        assert_eq!((text.codes.len(), text.characters()), (983_898, 63));
        assert_eq!(text.decode(&text.training()[..22]), "BERNARDO:\nWho's there?");
        assert_eq!(text.training().len() + text.validation().len(), 983_898);
        let loss = text.pairs_loss();
        assert!((2.0..63f64.ln()).contains(&loss), "{loss}");
    }

    #[test]
    fn a_certain_successor_costs_little() {
        let loss = Text::new(&"ab".repeat(1000)).pairs_loss();
        assert!(loss > 0.0 && loss < 2e-3, "{loss}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Text::read(Some(Path::new("no/such.txt"))).unwrap_err();
        assert!(error.to_string().starts_with("no/such.txt: "));
    }
}
