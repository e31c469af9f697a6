//! `det`: the determinant by expansion along the first row,
//! `det M = Σⱼ (-1)ʲ M₀ⱼ det(M without row 0 and column j)`.

use crate::input;
use crate::request::{Request, Tool};
use serde_json::Value;
use tape::{Algebra, Tape};

/// The largest size: 13 would need a hundred times the operations of 11.
const LARGEST: usize = 12;

/// The columns that a minor still has, as a linked list: `next[0]` is the first, numbered from 1, and `next[j]` the one
/// after column `j`; the last one is followed by 0.
fn all_columns(n: usize) -> Vec<usize> {
    (1..=n).chain([0]).collect()
}

/// The determinant of the remaining columns of `rows`.
fn minor<A: Algebra>(rows: &[&[A]], next: &mut [usize]) -> A {
    let (first, rest) = (rows[0], &rows[1..]);
    let mut before = 0;
    if rest.is_empty() {
        return first[next[0] - 1];
    }
    let mut sum: Option<A> = None;
    let mut negative = false;
    while next[before] != 0 {
        let column = next[before];
        next[before] = next[column];
        let minor = minor(rest, next);
        next[before] = column;
        let entry = first[column - 1];
        sum = Some(match sum {
            None => entry * minor,
            Some(sum) if negative => sum - entry * minor,
            Some(sum) => sum + entry * minor,
        });
        (negative, before) = (!negative, column);
    }
    sum.unwrap_or(first[0])
}

/// The determinant of an `n` by `n` matrix, row after row.
pub fn determinant<A: Algebra>(a: &[A], n: usize) -> A {
    minor(&a.chunks(n).collect::<Vec<_>>(), &mut all_columns(n))
}

/// Its gradient: the cofactors.
pub fn gradient(a: &[f64], n: usize) -> Vec<f64> {
    let tape = Tape::new();
    let a: Vec<_> = a.iter().map(|&a| tape.scalar(a)).collect();
    determinant(&a, n).backward().wrt(a)
}

/// The functions `primal` and `gradient`.
///
/// # Errors
/// If the input is wrong, or the function another one.
pub fn evaluate(request: &Request) -> Result<Value, String> {
    let n = input::positive(request.input, "ell")?;
    if n > LARGEST {
        return Err(format!("`ell`: expected at most {LARGEST}, found {n}"));
    }
    let a = input::vector_of(request.input, "A", n * n)?;
    match (request.function, request.tool) {
        ("primal", _) => Ok(request.measure(|| determinant(&a, n)).into()),
        ("gradient", Tool::Tape | Tool::Program) => Ok(request.measure(|| gradient(&a, n)).into()),
        _ => Err(request.unknown("det", &["primal", "gradient"])),
    }
}
