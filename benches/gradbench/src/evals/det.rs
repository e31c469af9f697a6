//! `det`: the determinant by expansion along the first row,
//! `det M = Σⱼ (-1)ʲ M₀ⱼ det(M without row 0 and column j)`.

use crate::input;
use crate::request::{Request, Tool};
use serde_json::Value;
use tape::{Algebra, ParamId, Program, Replay, Scalar, Tape, Tensor, Var};

/// The largest size: 13 would need a hundred times the operations of 11.
const LARGEST: usize = 12;

/// The columns that a minor still has, as a linked list: `next[0]` is the first, numbered from 1, and `next[j]` the one
/// after column `j`; the last one is followed by 0.
fn all_columns(n: usize) -> Vec<usize> {
    (1..=n).chain([0]).collect()
}

/// A matrix and its negative, row after row.
struct Rows<A> {
    n: usize,
    entries: Vec<A>,
    negatives: Vec<A>,
}

/// The determinant of the rows from `row` on, of the remaining columns.
fn minor<A: Algebra>(a: &Rows<A>, row: usize, next: &mut [usize]) -> A {
    let at = |column: usize| row * a.n + column - 1;
    let first = next[0];
    if next[first] == 0 {
        return a.entries[at(first)];
    }
    let second = next[first];
    if next[second] == 0 {
        let below = |column: usize| a.entries[at(column) + a.n];
        let product = a.entries[at(first)] * below(second);
        return a.negatives[at(second)].mul_add(below(first), product);
    }
    // The minors first, so that the products and their sum are one chain.
    let mut minors = [(0, a.entries[0]); LARGEST];
    let (mut count, mut before) = (0, 0);
    while next[before] != 0 {
        let column = next[before];
        next[before] = next[column];
        minors[count] = (column, minor(a, row + 1, next));
        next[before] = column;
        (count, before) = (count + 1, column);
    }
    let (column, minor) = minors[0];
    let mut sum = a.entries[at(column)] * minor;
    for (position, &(column, minor)) in minors[..count].iter().enumerate().skip(1) {
        let signed = if position % 2 == 1 { &a.negatives } else { &a.entries };
        sum = signed[at(column)].mul_add(minor, sum);
    }
    sum
}

/// The determinant of an `n` by `n` matrix, row after row.
pub fn determinant<A: Algebra>(a: &[A], n: usize) -> A {
    let rows = Rows { n, entries: a.to_vec(), negatives: a.iter().map(|&a| -a).collect() };
    minor(&rows, 0, &mut all_columns(n))
}

/// Its gradient: the cofactors.
pub fn gradient(tape: &mut Tape, a: &[f64], n: usize) -> Vec<f64> {
    tape.reset();
    let a: Vec<_> = a.iter().map(|&a| tape.scalar(a)).collect();
    determinant(&a, n).backward().wrt(a)
}

/// The size of the minors that are lanes of a program.
const IN_LANES: usize = 5;

/// For each sequence of columns that can be removed one after another the columns that remain, in the order of the recursion.
fn remaining(n: usize, removed: usize) -> Vec<Vec<usize>> {
    (0..removed).fold(vec![(0..n).collect()], |all, _| {
        let without = |columns: &Vec<usize>| {
            let columns = columns.clone();
            (0..columns.len()).map(move |j| {
                let mut rest = columns.clone();
                rest.remove(j);
                rest
            })
        };
        all.iter().flat_map(without).collect()
    })
}

/// The determinant of a recorded matrix `[n · n]`: the minors of the last rows in lanes, the expansion along the rows above
/// with operations on tensors.
pub fn determinant_in_lanes<'t>(a: Var<'t>, n: usize, minors: &Program) -> Scalar<'t> {
    let (tape, size) = (a.tape(), n.min(IN_LANES));
    let above = n - size;
    let lanes = remaining(n, above);
    let entry = |at: usize| lanes.iter().map(move |columns| (above + at / size) * n + columns[at % size]);
    let entries = a.index_select(0, (0..size * size).flat_map(entry).collect::<Vec<usize>>());
    let operand = entries.reshape([size * size, lanes.len()]).transpose();
    let mut minors = tape.map_lanes(minors, &[operand]);
    for row in (0..above).rev() {
        let all = remaining(n, row);
        let entries = all.iter().flatten().map(|column| row * n + column).collect::<Vec<usize>>();
        let signs: Vec<f64> = (0..n - row).map(|j| if j % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let terms = [all.len(), n - row];
        let signed = a.index_select(0, entries).reshape(terms) * &Tensor::from(signs);
        minors = (signed * minors.reshape(terms)).sum_axes(1, false);
    }
    minors.at(0)
}

/// The program of [`determinant_in_lanes`].
pub fn minors(n: usize) -> Program {
    let size = n.min(IN_LANES);
    Program::new(|p| determinant(&p.group("a", size * size), size))
}

/// The gradient, from one recording.
///
/// # Errors
/// If it cannot be replayed.
pub fn replayed_gradient(a: &[f64], n: usize) -> Result<impl FnMut() -> Vec<f64>, String> {
    let (id, a, minors) = (ParamId::new(), Tensor::from(a), minors(n));
    let replay = Replay::new([], |tape, []| determinant_in_lanes(tape.parameter(id, &a), n, &minors));
    let mut replay = replay.map_err(|error| error.to_string())?;
    Ok(move || {
        let run = replay.bind(id, &a).and_then(|replay| replay.value_and_gradient(&[]));
        run.unwrap_or_else(|error| panic!("{error}")).1.of(id).to_vec()
    })
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
    let mut tape = Tape::new();
    match (request.function, request.tool) {
        ("primal", _) => Ok(request.measure(|| determinant(&a, n)).into()),
        ("gradient", Tool::Program) => Ok(request.measure(replayed_gradient(&a, n)?).into()),
        ("gradient", Tool::Tape) => Ok(request.measure(|| gradient(&mut tape, &a, n)).into()),
        _ => Err(request.unknown("det", &["primal", "gradient"])),
    }
}
