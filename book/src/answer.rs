//! Exercises, and the check of an answer to one.

use std::fmt;

/// Answers are compared to this relative precision: three digits are enough.
const PRECISION: f64 = 5e-3;
/// The difference that is allowed where the right number is zero.
const NEAR_ZERO: f64 = 1e-9;

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// One or more numbers, in order.
    Numbers(Vec<f64>),
    /// A word or an expression; compared without spaces, in lower case.
    Text(&'static str),
}

impl<const N: usize> From<[f64; N]> for Answer {
    fn from(numbers: [f64; N]) -> Answer {
        Answer::Numbers(numbers.to_vec())
    }
}

impl From<f64> for Answer {
    fn from(number: f64) -> Answer {
        Answer::Numbers(vec![number])
    }
}

impl From<&'static str> for Answer {
    fn from(text: &'static str) -> Answer {
        Answer::Text(text)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Numbers(numbers) => {
                let texts: Vec<String> = numbers.iter().map(|x| x.to_string()).collect();
                f.write_str(&texts.join(", "))
            }
            Answer::Text(text) => f.write_str(text),
        }
    }
}

/// A typical wrong answer, and the misconception behind it.
#[derive(Clone, Debug)]
pub struct Mistake {
    /// The wrong answer.
    pub answer: Answer,
    /// The explanation shown with it.
    pub explanation: &'static str,
}

impl Mistake {
    /// A wrong answer and its explanation.
    pub fn new(answer: impl Into<Answer>, explanation: &'static str) -> Mistake {
        Mistake { answer: answer.into(), explanation }
    }
}

/// An exercise of a chapter. Its text is on the page, under the same number.
#[derive(Clone, Debug)]
pub struct Exercise {
    /// Its number, such as "5.2".
    pub number: &'static str,
    /// The right answers: usually one; of a text, each spelling.
    pub right: Vec<Answer>,
    /// At least two typical wrong answers.
    pub mistakes: Vec<Mistake>,
    /// The way to the answer, for a wrong one that is not typical.
    pub hint: &'static str,
}

/// The result of checking an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The answer is right.
    Right,
    /// The answer is wrong; the text says why as far as that can be guessed.
    Wrong(String),
    /// The answer could not be read.
    Unreadable(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Right => f.write_str("right"),
            Verdict::Wrong(why) => write!(f, "wrong: {why}"),
            Verdict::Unreadable(why) => write!(f, "cannot be read: {why}"),
        }
    }
}

impl Exercise {
    /// Checks an answer.
    ///
    /// ```
    /// use book::{Exercise, Mistake, Verdict};
    /// let exercise = Exercise {
    ///     number: "0.1",
    ///     right: vec![6.0.into()],
    ///     mistakes: vec![Mistake::new(5.0, "2 and 3 are multiplied, not added")],
    ///     hint: "multiply",
    /// };
    /// assert_eq!(exercise.check("6"), Verdict::Right);
    /// assert_eq!(exercise.check("5").to_string(), "wrong: 2 and 3 are multiplied, not added");
    /// assert_eq!(exercise.check("-6").to_string(), "wrong: the sign is the opposite");
    /// ```
    pub fn check(&self, given: &str) -> Verdict {
        let same = |answer: &Answer| match answer {
            Answer::Numbers(numbers) => parse(given).is_some_and(|given| close(&given, numbers)),
            Answer::Text(text) => plain(given) == plain(text),
        };
        if self.right.iter().any(same) {
            return Verdict::Right;
        }
        if let Some(mistake) = self.mistakes.iter().find(|mistake| same(&mistake.answer)) {
            return Verdict::Wrong(mistake.explanation.into());
        }
        let Some(Answer::Numbers(right)) = self.right.first() else {
            return Verdict::Wrong(self.hint.into());
        };
        match parse(given) {
            None => Verdict::Unreadable(format!("expected {}, found {given:?}", kind(right.len()))),
            Some(given) if given.len() != right.len() => {
                Verdict::Unreadable(format!("expected {}, found {}", kind(right.len()), given.len()))
            }
            Some(given) => Verdict::Wrong(relation(&given, right).unwrap_or(self.hint).into()),
        }
    }
}

/// The name of a list of this many numbers.
fn kind(len: usize) -> String {
    if len == 1 { "a number".into() } else { format!("{len} numbers") }
}

/// Returns `true` if all numbers agree to [`PRECISION`].
fn close(given: &[f64], right: &[f64]) -> bool {
    given.len() == right.len()
        && right.iter().all(|r| r.is_finite())
        && given.iter().zip(right).all(|(g, r)| (g - r).abs() <= (PRECISION * r.abs()).max(NEAR_ZERO))
}

/// A simple relation between a wrong answer and the right one.
fn relation(given: &[f64], right: &[f64]) -> Option<&'static str> {
    let scaled = |factor: f64| right.iter().map(|r| r * factor).collect::<Vec<f64>>();
    let sorted = |numbers: &[f64]| {
        let mut numbers = numbers.to_vec();
        numbers.sort_by(f64::total_cmp);
        numbers
    };
    if close(given, &scaled(-1.0)) {
        Some("the sign is the opposite")
    } else if close(given, &scaled(2.0)) {
        Some("it is twice the right one")
    } else if close(given, &scaled(0.5)) {
        Some("it is half the right one")
    } else if close(given, &right.iter().map(|r| 1.0 / r).collect::<Vec<f64>>()) {
        Some("it is the reciprocal of the right one")
    } else if close(&sorted(given), &sorted(right)) {
        Some("the numbers are right, their order is not")
    } else {
        None
    }
}

/// The numbers in a text, separated by commas, spaces or brackets. A fraction such as `1/4` is one.
fn parse(text: &str) -> Option<Vec<f64>> {
    let text = text.replace('−', "-");
    let words =
        text.split(|c: char| c.is_whitespace() || ",;[]()".contains(c)).filter(|word| !word.is_empty());
    let number = |word: &str| word.parse::<f64>().ok().filter(|x| x.is_finite());
    let fraction = |word: &str| match word.split_once('/') {
        Some((above, below)) => Some(number(above)? / number(below).filter(|&x| x != 0.0)?),
        None => number(word),
    };
    let numbers: Vec<f64> = words.map(fraction).collect::<Option<_>>()?;
    (!numbers.is_empty()).then_some(numbers)
}

/// A text without spaces, in lower case, with one spelling of products and transposes.
fn plain(text: &str) -> String {
    text.to_lowercase()
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '*' | '@' => '·',
            'ᵀ' | '\'' => 't',
            '−' => '-',
            c => c,
        })
        .collect::<String>()
        .replace("^t", "t")
        .replace(".t()", "t")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exercise(right: impl Into<Answer>) -> Exercise {
        Exercise { number: "0.0", right: vec![right.into()], mistakes: Vec::new(), hint: "think" }
    }

    #[test]
    fn numbers_are_read_in_every_spelling() {
        for text in ["0.25, -2", "[0.25 -2]", "1/4;−2.0", "(0.2502, -2)"] {
            assert_eq!(exercise([0.25, -2.0]).check(text), Verdict::Right, "{text}");
        }
        for text in ["", "x", "1/0, 2", "1", "nan, nan", "1, 2, 3"] {
            assert!(matches!(exercise([0.25, -2.0]).check(text), Verdict::Unreadable(_)), "{text}");
        }
    }

    #[test]
    fn three_digits_are_enough_and_two_are_not() {
        let third = exercise(1.0 / 3.0);
        assert_eq!(third.check("0.333"), Verdict::Right);
        assert_eq!(third.check("0.33"), Verdict::Wrong("think".into()));
        assert_eq!(exercise(0.0).check("0"), Verdict::Right);
        assert_eq!(exercise(0.0).check("0.001"), Verdict::Wrong("think".into()));
    }

    #[test]
    fn a_simple_relation_is_named() {
        let pair = exercise([3.0, 4.0]);
        for (text, word) in [
            ("-3, -4", "sign"),
            ("6, 8", "twice"),
            ("1.5, 2", "half"),
            ("1/3, 1/4", "reciprocal"),
            ("4, 3", "order"),
        ] {
            assert!(pair.check(text).to_string().contains(word), "{text}");
        }
    }

    #[test]
    fn an_expression_has_several_spellings() {
        for text in ["aᵀ·d", "a^T d".replace(' ', "*").as_str(), "A.t() * D", "a' @ d"] {
            assert_eq!(exercise("aᵀ · d").check(text), Verdict::Right, "{text}");
        }
        assert_eq!(exercise("aᵀ·d").check("a·d"), Verdict::Wrong("think".into()));
    }
}
