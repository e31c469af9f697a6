//! Sums of products named by letters, composed of matrix products.

use crate::error::{self, Error};
use crate::ops::{Slice, TensorOps};
use crate::rules::algebra::Element;
use crate::rules::op::Array;
use crate::shape::{Axes, Shape};
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;
use std::panic::Location;

impl<T: Element> Tensor<T> {
    /// The sum of products given by `spec`: see [`Tape::einsum`].
    ///
    /// ```
    /// use tape::Tensor;
    /// let a = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// assert_eq!(Tensor::einsum("ii->", &[&a]), Tensor::scalar(5.0));
    /// ```
    #[track_caller]
    pub fn einsum(spec: &str, x: &[&Tensor<T>]) -> Tensor<T> {
        error::expect(sum_of_products(spec, x))
    }
}

impl<T: Element> Tape<T> {
    /// The sum of products given by `spec`, as in NumPy: one letter for each axis of each operand, the same
    /// letter for axes that run together; letters that the result does not have are summed over.
    ///
    /// Without `->` the result has the letters that occur once, in alphabetical order. A letter twice in one
    /// operand takes its diagonal. `...` denotes any number of further axes, which broadcast and come
    /// first in an implicit result. Spaces are ignored. Operands are multiplied from left to right.
    ///
    /// # Panics
    /// As [`try_einsum`](Tape::try_einsum).
    ///
    /// ```
    /// use tape::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let a = tape.var([[1.0, 2.0], [3.0, 4.0]]);
    /// let b = tape.var([5.0, 6.0]);
    /// let y = tape.einsum("ij,j->i", &[a, b]);
    /// assert_eq!(y.value(), Tensor::from([17.0, 39.0]));
    /// assert_eq!(y.vjp([1.0, 10.0]).wrt(b), Tensor::from([31.0, 42.0]));
    /// assert_eq!(tape.einsum("...j,...j->...", &[a, b]).value(), y.value());
    /// ```
    #[track_caller]
    pub fn einsum<'t>(&'t self, spec: &str, x: &[Var<'t, T>]) -> Var<'t, T> {
        error::expect(self.try_einsum(spec, x))
    }

    /// [`einsum`](Tape::einsum) for a specification from untrusted input.
    ///
    /// # Errors
    /// If the specification is malformed, the number of operands or axes differs from it, or axes with one
    /// letter have different extents.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let (a, b) = (tape.var([1.0, 2.0]), tape.var([1.0, 2.0, 3.0]));
    /// let error = tape.try_einsum("i,i->", &[a, b]).unwrap_err();
    /// assert_eq!(error.to_string(), "einsum: axes i of extents 2 and 3 in \"i,i->\"");
    /// ```
    #[track_caller]
    pub fn try_einsum<'t>(&'t self, spec: &str, x: &[Var<'t, T>]) -> Result<Var<'t, T>, Error> {
        x.iter().try_for_each(|x| self.owns("einsum", x.tape()))?;
        self.at_location(Location::caller(), || sum_of_products(spec, &x.iter().collect::<Vec<_>>()))
    }
}

/// A tensor whose axes have names.
struct Labelled<A> {
    axes: Vec<char>,
    x: A,
}

fn invalid(reason: String) -> Error {
    Error::Invalid { op: "einsum", reason }
}

/// The letters of each operand, and those of the result if it is given.
type Letters = (Vec<Vec<char>>, Option<Vec<char>>);

/// Reads a specification: the axes behind `...`, counted from the last one, get letters that nothing else
/// uses.
fn letters(spec: &str, shapes: &[Shape]) -> Result<Letters, Error> {
    const HIDDEN: u32 = 0xE000;
    let text: String = spec.chars().filter(|letter| !letter.is_whitespace()).collect();
    let (left, right) = match text.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (&text[..], None),
    };
    let mut widest = 0;
    let mut read = |axes: &str, hidden: Option<usize>| {
        let (before, after) =
            axes.split_once("...").map_or((axes, None), |(before, after)| (before, Some(after)));
        let given = before.chars().chain(after.unwrap_or("").chars());
        if let Some(letter) = given.clone().find(|letter| !letter.is_ascii_alphabetic()) {
            return Err(invalid(format!("expected letters, found {letter:?} in {spec:?}")));
        }
        let hidden = match after {
            Some(_) => hidden.map_or(widest, |rank| rank.saturating_sub(given.count())),
            None => 0,
        };
        widest = widest.max(hidden);
        let own = (0..hidden as u32).rev().filter_map(|i| char::from_u32(HIDDEN + i));
        Ok(before.chars().chain(own).chain(after.unwrap_or("").chars()).collect::<Vec<char>>())
    };
    let ranks = shapes.iter().map(Shape::rank).chain(std::iter::repeat(0));
    let operands = left.split(',').zip(ranks).map(|(axes, rank)| read(axes, Some(rank)));
    let operands = operands.collect::<Result<Vec<_>, Error>>()?;
    Ok((operands, right.map(|axes| read(axes, None)).transpose()?))
}

/// The letters of each operand, and those of the result.
fn parse(spec: &str, shapes: &[Shape]) -> Result<(Vec<Vec<char>>, Vec<char>), Error> {
    let (operands, result) = letters(spec, shapes)?;
    let hidden = |letter: &char| !letter.is_ascii();
    let Some(result) = result else {
        let mut all: Vec<char> = operands.concat();
        all.sort_unstable();
        let (mut first, mut once) = (Vec::new(), Vec::new());
        for run in all.chunk_by(|a, b| a == b) {
            match (hidden(&run[0]), run.len()) {
                (true, _) => first.insert(0, run[0]),
                (false, 1) => once.push(run[0]),
                _ => {}
            }
        }
        return Ok((operands, [first, once].concat()));
    };
    for (i, letter) in result.iter().enumerate() {
        if result[..i].contains(letter) || !operands.iter().flatten().any(|known| known == letter) {
            return Err(invalid(format!("the result cannot have an axis {letter} in {spec:?}")));
        }
    }
    if operands.iter().flatten().any(|letter| hidden(letter) && !result.contains(letter)) {
        return Err(invalid(format!("expected ... in the result too, found {spec:?}")));
    }
    Ok((operands, result))
}

/// Drops the axes of extent 1 behind `...` that broadcast: another operand has them with another extent.
fn stretched<T: Element, A: Array<T>>(letters: &mut [Vec<char>], x: &[&A]) -> Vec<A> {
    let mut wide: Vec<char> = Vec::new();
    for (letters, x) in letters.iter().zip(x) {
        let shape = x.shape();
        wide.extend(
            letters.iter().zip(shape.iter()).filter(|(_, extent)| **extent != 1).map(|(letter, _)| letter),
        );
    }
    let narrow = |letters: &mut Vec<char>, x: &A| {
        let shape = x.shape();
        let stays = |i: usize| letters[i].is_ascii() || shape[i] != 1 || !wide.contains(&letters[i]);
        let kept: Vec<usize> = (0..shape.rank()).filter(|&i| stays(i)).collect();
        if kept.len() == shape.rank() {
            return x.clone();
        }
        *letters = kept.iter().map(|&i| letters[i]).collect();
        x.reshape(kept.iter().map(|&i| shape[i]).collect::<Shape>())
    };
    letters.iter_mut().zip(x).map(|(letters, x)| narrow(letters, x)).collect()
}

/// Checks that the operands have the axes that the specification gives them.
fn check_ranks(letters: &[Vec<char>], shapes: &[Shape]) -> Result<(), Error> {
    if letters.len() != shapes.len() {
        let found = shapes.len();
        return Err(Error::Operands {
            op: "einsum",
            expected: "as many operands as the specification",
            found,
        });
    }
    match letters.iter().zip(shapes).find(|(letters, shape)| letters.len() != shape.rank()) {
        Some((_, shape)) => {
            Err(Error::Rank { op: "einsum", expected: "one axis for each letter", found: shape.dims() })
        }
        None => Ok(()),
    }
}

/// Checks that axes with the same letter have the same extent.
fn check_extents(spec: &str, letters: &[Vec<char>], shapes: &[Shape]) -> Result<(), Error> {
    let mut extents: Vec<(char, usize)> = Vec::new();
    for (letters, shape) in letters.iter().zip(shapes) {
        for (&letter, &extent) in letters.iter().zip(shape.iter()) {
            match extents.iter().find(|(known, _)| *known == letter) {
                Some(&(_, other)) if other != extent => {
                    let letter = if letter.is_ascii() { letter.to_string() } else { "...".into() };
                    let reason = format!("axes {letter} of extents {other} and {extent} in {spec:?}");
                    return Err(invalid(reason));
                }
                Some(_) => {}
                None => extents.push((letter, extent)),
            }
        }
    }
    Ok(())
}

pub(crate) fn sum_of_products<T: Element, A: Array<T>>(spec: &str, x: &[&A]) -> Result<A, Error> {
    let shapes = |x: &[&A]| x.iter().map(|x| x.shape()).collect::<Vec<_>>();
    let (mut letters, result) = parse(spec, &shapes(x))?;
    check_ranks(&letters, &shapes(x))?;
    let x = stretched(&mut letters, x);
    check_extents(spec, &letters, &shapes(&x.iter().collect::<Vec<_>>()))?;
    let mut operands = letters.iter().zip(x).map(|(axes, x)| diagonal(Labelled { axes: axes.clone(), x }));
    let Some(mut product) = operands.next() else { return Err(invalid("no operands".to_owned())) };
    for (i, next) in operands.enumerate() {
        let needed: Vec<char> = letters[i + 2..].iter().flatten().chain(&result).copied().collect();
        product = contract(product, next, &needed)?;
    }
    Ok(arrange(&sum_except(product, |axis| result.contains(&axis)), &result))
}

/// One axis for every letter: for several axes with the same letter, their diagonal.
fn diagonal<T: Element, A: Array<T>>(mut named: Labelled<A>) -> Labelled<A> {
    let twice = |axes: &[char]| {
        let repeated = |i: &usize| axes[..*i].contains(&axes[*i]);
        (0..axes.len()).find(repeated)
    };
    while let Some(second) = twice(&named.axes) {
        let letter = named.axes.remove(second);
        let Some(first) = named.axes.iter().position(|&axis| axis == letter) else { break };
        let rank = named.axes.len() + 1;
        let order = (0..rank).filter(|&axis| axis != first && axis != second).chain([first, second]);
        let moved = permuted(&named.x, order);
        let shape = moved.shape();
        let (n, leading) = (shape[rank - 1], &shape[..rank - 2]);
        let flat = moved.reshape(leading.iter().copied().chain([n * n]).collect::<Shape>());
        named.x = A::apply(Slice::new(-1, .., n + 1), &[&flat]);
        named.axes.remove(first);
        named.axes.push(letter);
    }
    named
}

fn permuted<T: Element, A: Array<T>>(x: &A, order: impl Iterator<Item = usize>) -> A {
    let order: Vec<isize> = order.map(|axis| axis as isize).collect();
    if order.iter().enumerate().all(|(i, &axis)| i as isize == axis) {
        x.clone()
    } else {
        x.permute(&order[..])
    }
}

/// Sums over the axes that are not kept.
fn sum_except<T: Element, A: Array<T>>(named: Labelled<A>, keep: impl Fn(char) -> bool) -> Labelled<A> {
    let (kept, summed): (Vec<usize>, Vec<usize>) = (0..named.axes.len()).partition(|&i| keep(named.axes[i]));
    if summed.is_empty() {
        return named;
    }
    let summed: Vec<isize> = summed.into_iter().map(|axis| axis as isize).collect();
    let axes = kept.into_iter().map(|i| named.axes[i]).collect();
    Labelled { axes, x: named.x.sum_axes(Axes::from(&summed[..]), false) }
}

/// The axes in the given order.
fn arrange<T: Element, A: Array<T>>(named: &Labelled<A>, order: &[char]) -> A {
    let position = |letter: &char| named.axes.iter().position(|axis| axis == letter);
    permuted(&named.x, order.iter().filter_map(position))
}

/// One batched matrix product: rows from the left operand, columns from the right one, and a sum over the
/// axes of both that are not needed later.
fn contract<T: Element, A: Array<T>>(
    left: Labelled<A>,
    right: Labelled<A>,
    needed: &[char],
) -> Result<Labelled<A>, Error> {
    let (in_left, in_right) = (left.axes.clone(), right.axes.clone());
    let left = sum_except(left, |axis| in_right.contains(&axis) || needed.contains(&axis));
    let right = sum_except(right, |axis| in_left.contains(&axis) || needed.contains(&axis));
    let (shared, rows): (Vec<char>, Vec<char>) = left.axes.iter().partition(|axis| right.axes.contains(axis));
    let columns: Vec<char> = right.axes.iter().copied().filter(|axis| !left.axes.contains(axis)).collect();
    let (batch, inner): (Vec<char>, Vec<char>) = shared.into_iter().partition(|axis| needed.contains(axis));
    let a = arrange(&left, &[&batch[..], &rows, &inner].concat());
    let b = arrange(&right, &[&batch[..], &inner, &columns].concat());
    let (sa, sb) = (a.shape(), b.shape());
    let (batches, at) = (&sa[..batch.len()], batch.len() + rows.len());
    let size = |extents: &[usize]| extents.iter().product::<usize>();
    let count = size(batches);
    let (m, k, n) = (size(&sa[batch.len()..at]), size(&sa[at..]), size(&sb[batch.len() + inner.len()..]));
    let extents: Shape = sa[..at].iter().chain(&sb[batch.len() + inner.len()..]).copied().collect();
    Tensor::<T>::fits("einsum", &extents)?;
    let product = a.reshape([count, m, k]).matmul(&b.reshape([count, k, n]));
    Ok(Labelled { axes: [batch, rows, columns].concat(), x: product.reshape(extents) })
}
