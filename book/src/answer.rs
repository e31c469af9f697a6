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
    /// The answer is the right one, rounded to one or two digits.
    Close,
    /// The answer is wrong; the text says why as far as that can be guessed.
    Wrong(String),
    /// The answer could not be read.
    Unreadable(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Right => f.write_str("right"),
            Verdict::Close => f.write_str("close: give three digits"),
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
        let count = match self.right.first() {
            Some(Answer::Numbers(numbers)) => numbers.len(),
            _ => 0,
        };
        let numbers = parse(given, count);
        let same = |answer: &Answer| match answer {
            Answer::Numbers(right) => numbers.as_ref().is_some_and(|given| close(&values(given), right)),
            Answer::Text(text) => plain(given) == plain(text),
        };
        if self.right.iter().any(same) {
            return Verdict::Right;
        }
        if let Some(mistake) = self.mistakes.iter().find(|mistake| same(&mistake.answer)) {
            return Verdict::Wrong(mistake.explanation.into());
        }
        let right = match self.right.first() {
            Some(Answer::Numbers(right)) => right,
            Some(Answer::Text(text)) => {
                return unreadable(&plain(given), &plain(text)).map_or_else(
                    || Verdict::Wrong(self.hint.into()),
                    |form| Verdict::Unreadable(form.into()),
                );
            }
            None => return Verdict::Wrong(self.hint.into()),
        };
        match (numbers, separated(given)) {
            (Some(given), _) if given.len() == right.len() && rounded(&given, right) => Verdict::Close,
            (Some(given), Some(number)) if given.len() != right.len() => {
                Verdict::Unreadable(format!("write numbers without separators: {number}"))
            }
            (Some(given), _) if given.len() != right.len() => {
                Verdict::Unreadable(format!("expected {}, found {}", kind(right.len()), word(given.len())))
            }
            (Some(given), _) => Verdict::Wrong(relation(&values(&given), right).unwrap_or(self.hint).into()),
            (None, _) => Verdict::Unreadable(format!("expected {}, found {given:?}", kind(right.len()))),
        }
    }
}

/// A number of things, in words as far as there are short ones.
fn word(count: usize) -> String {
    let words = ["none", "one", "two", "three", "four", "five", "six"];
    words.get(count).map_or_else(|| count.to_string(), |&word| word.into())
}

/// The name of a list of this many numbers.
fn kind(len: usize) -> String {
    format!("{} {}", word(len), if len == 1 { "number" } else { "numbers" })
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

/// A number as it was written.
struct Written {
    value: f64,
    /// Its digits without leading zeros.
    digits: usize,
    /// The value of one in its last digit.
    unit: f64,
}

fn values(numbers: &[Written]) -> Vec<f64> {
    numbers.iter().map(|number| number.value).collect()
}

/// Returns `true` if the numbers are the right ones, rounded or cut off after fewer than three digits.
fn rounded(given: &[Written], right: &[f64]) -> bool {
    given.iter().zip(right).all(|(number, &right)| {
        let (off, unit) = ((number.value - right).abs(), number.unit);
        let cut_off = number.value.abs() < right.abs() && off < unit;
        let few = (1..3).contains(&number.digits) && off <= 0.12 * right.abs();
        close(&[number.value], &[right]) || (few && (off <= 0.5001 * unit || cut_off))
    })
}

/// A number or a fraction such as `1/4`.
fn number(word: &str) -> Option<Written> {
    if let Some((above, below)) = word.split_once('/') {
        let value = number(above)?.value / number(below).filter(|below| below.value != 0.0)?.value;
        return Some(Written { value, digits: usize::MAX, unit: 0.0 });
    }
    // 5_000 is a number in Rust, and one here.
    let digit = |part: &str, last: bool| {
        let c = if last { part.chars().next_back() } else { part.chars().next() };
        c.is_some_and(|c| c.is_ascii_digit())
    };
    let parts: Vec<&str> = word.split('_').collect();
    if parts.windows(2).any(|pair| !digit(pair[0], true) || !digit(pair[1], false)) {
        return None;
    }
    let word = parts.concat().to_lowercase();
    let value = word.parse::<f64>().ok().filter(|x| x.is_finite())?;
    let (mantissa, exponent) = word.split_once('e').unwrap_or((&word, "0"));
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len()) as f64;
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let unit = format!("1e{}", exponent.parse::<f64>().ok()? - decimals).parse().ok()?;
    Some(Written { value, digits: digits.trim_start_matches('0').len(), unit })
}

/// The numbers in a text, separated by commas, spaces or brackets; where two are expected, also by a cross, as in `32x10`.
fn parse(text: &str, expected: usize) -> Option<Vec<Written>> {
    let mut text = text.replace('−', "-");
    if expected == 2
        && let Some((first, second)) = text.split_once(['x', '×'])
        && first.trim_end().ends_with(|c: char| c.is_ascii_digit())
        && second.trim_start().starts_with(|c: char| c.is_ascii_digit())
    {
        text = format!("{first} {second}");
    }
    let words =
        text.split(|c: char| c.is_whitespace() || ",;[]()".contains(c)).filter(|word| !word.is_empty());
    let numbers: Vec<Written> = words.map(number).collect::<Option<_>>()?;
    (!numbers.is_empty()).then_some(numbers)
}

/// The first number in a text whose digits are separated by commas, as in `5,000`, without its commas.
fn separated(text: &str) -> Option<String> {
    let digits = |group: &str| group.chars().all(|c| c.is_ascii_digit());
    let words = text.split(|c: char| c.is_whitespace() || ";[]()".contains(c));
    let mut words = words.map(|word| word.trim_end_matches(',')).filter(|word| {
        let mut groups = word.trim_start_matches(['-', '−']).split(',');
        let first = groups.next().is_some_and(|group| (1..=3).contains(&group.len()) && digits(group));
        let mut rest = groups.peekable();
        first && rest.peek().is_some() && rest.all(|group| group.len() == 3 && digits(group))
    });
    words.next().map(|word| word.replace(',', ""))
}

/// An expression without spaces and the name before `=`, in lower case, with one spelling of products and transposes.
fn plain(text: &str) -> String {
    let text = text.to_lowercase().replace(".t()", "ᵀ").replace("^t", "ᵀ");
    let text = match text.split_once('=') {
        Some((name, rest)) if !name.trim().is_empty() && name.trim().chars().all(char::is_alphanumeric) => {
            rest
        }
        _ => &text,
    };
    let characters: Vec<char> = text.trim().chars().collect();
    let mut plain = String::new();
    let mut space = false;
    for (k, &c) in characters.iter().enumerate() {
        let next = characters.get(k + 1).copied().unwrap_or(' ');
        if c.is_whitespace() {
            space = true;
            continue;
        }
        // A space between two factors is a product; between a number and a name it is not needed: 2 y is 2y.
        let last_word = plain.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
        let after_number = !last_word.is_empty() && last_word.chars().all(|c| c.is_ascii_digit());
        let after_factor = plain.ends_with(|c: char| c.is_alphanumeric() || c == ')');
        if space && after_factor && !after_number && (c.is_alphanumeric() || c == '(') {
            plain.push('·');
        }
        let decimal = after_number && !space && next.is_ascii_digit();
        plain.push(match c {
            '*' | '@' | '×' | '⋅' | '∙' => '·',
            '.' if !decimal => '·',
            'ᵀ' | '\'' => 't',
            '−' => '-',
            c => c,
        });
        space = false;
    }
    plain
}

/// The form in which to write an expression, if it cannot be read; both texts as [`plain`] returns them.
fn unreadable(given: &str, right: &str) -> Option<&'static str> {
    // Names are short on the pages; with a transpose they have a letter more.
    let name =
        |word: &str| (1..=4).contains(&word.chars().count()) && word.chars().all(char::is_alphanumeric);
    if right.contains('·') && !right.contains(['/', '(']) {
        let factors = given.split('·').count();
        return (factors < 2 || !given.split('·').all(name)).then_some("write a·b");
    }
    let known = |c: char| c.is_alphanumeric() || "+-·/()^.√".contains(c);
    let mut depth = 0i32;
    let nested = given.chars().all(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth >= 0
    });
    let mut words = given.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).peekable();
    let readable =
        nested && depth == 0 && given.chars().all(known) && words.peek().is_some() && words.all(name);
    (!readable).then_some("write names, numbers and + - * / ( )")
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
        for text in ["0.33", "0.3", ".33"] {
            assert_eq!(third.check(text), Verdict::Close, "{text}");
        }
        assert_eq!(third.check("0.33").to_string(), "close: give three digits");
        for text in ["0.34", "0.330", "0.4", "0", "-0.33"] {
            assert!(matches!(third.check(text), Verdict::Wrong(_)), "{text}");
        }
        assert_eq!(exercise([1.0 / 3.0, -2.0 / 3.0]).check("0.33 -0.67"), Verdict::Close);
        assert_eq!(exercise([1.0 / 3.0, -2.0 / 3.0]).check("0.33 -0.66"), Verdict::Close);
        assert_eq!(exercise([1.0 / 3.0, -2.0 / 3.0]).check("0.33 0.67"), Verdict::Wrong("think".into()));
        assert_eq!(exercise(0.5 / 2f64.sqrt()).check("0.35"), Verdict::Close);
        assert_eq!(exercise(-0.1463).check("-0.15"), Verdict::Close);
        assert_eq!(exercise(1.463e-7).check("1.5e-7"), Verdict::Close);
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
        for text in ["dy·w", "dx = dy·w", "dx=dy*w", "dy w", "dy . w", "dy.w", "dy × w", " dy  @ w "] {
            assert_eq!(exercise("dy·w").check(text), Verdict::Right, "{text}");
        }
        for text in ["dx = w·dy", "w dy", "dy^T w", "w . x"] {
            assert_eq!(exercise("dy·w").check(text), Verdict::Wrong("think".into()), "{text}");
        }
        for text in ["1 / (2 y)", "1/(2y)", "slope = 1/(2y)"] {
            assert_eq!(exercise("1/(2y)").check(text), Verdict::Right, "{text}");
        }
        assert_eq!(exercise("0.5/y").check("0.5 / y"), Verdict::Right);
    }

    #[test]
    fn an_expression_that_cannot_be_read_is_not_wrong() {
        for text in ["", "?", "dyw", "dy·", "matmul(dy, w)", "dy + w", "first"] {
            let verdict = exercise("dy·w").check(text);
            assert_eq!(verdict.to_string(), "cannot be read: write a·b", "{text}");
        }
        for text in ["", "1/(2y", "the reciprocal", "{y}"] {
            assert!(matches!(exercise("1/(2y)").check(text), Verdict::Unreadable(_)), "{text}");
        }
        assert_eq!(exercise("1/(2y)").check("1/sqrt(y)"), Verdict::Wrong("think".into()));
    }

    #[test]
    fn the_wrong_number_of_numbers_is_named() {
        let verdict = exercise(6.0).check("2, 3");
        assert_eq!(verdict.to_string(), "cannot be read: expected one number, found two");
        let verdict = exercise([2.0, 3.0]).check("6");
        assert_eq!(verdict.to_string(), "cannot be read: expected two numbers, found one");
    }

    #[test]
    fn digits_may_be_grouped_by_underscores_and_not_by_commas() {
        let pair = exercise([5000.0, 5e6]);
        assert_eq!(pair.check("5_000, 5_000_000"), Verdict::Right);
        assert!(matches!(pair.check("5_, _5"), Verdict::Unreadable(_)));
        for text in ["5,000 5,000,000", "5,000, 5,000,000"] {
            let verdict = pair.check(text);
            assert_eq!(
                verdict.to_string(),
                "cannot be read: write numbers without separators: 5000",
                "{text}"
            );
        }
        assert_eq!(exercise([32.0, 100.0]).check("32,100"), Verdict::Right);
    }

    #[test]
    fn two_numbers_may_be_a_shape() {
        for text in ["32x10", "32 x 10", "32×10", "[32, 10]"] {
            assert_eq!(exercise([32.0, 10.0]).check(text), Verdict::Right, "{text}");
        }
        for text in ["x10", "32x", "32x10x2"] {
            assert!(matches!(exercise([32.0, 10.0]).check(text), Verdict::Unreadable(_)), "{text}");
        }
        assert!(matches!(exercise(320.0).check("32x10"), Verdict::Unreadable(_)));
    }
}
