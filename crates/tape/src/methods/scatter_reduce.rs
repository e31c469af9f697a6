//! Elements reduced by where they are scattered to, composed of the reductions over axes.

use super::rearrange::Located;
use crate::error;
use crate::error::Error;
use crate::index::Index;
use crate::operand::Operand;
use crate::ops::indexing::scatter_add::{covered, scattered};
use crate::ops::{Concat, ScatterAdd, Select, TensorOps};
use crate::rules::algebra::Element;
use crate::rules::op::Array;
use crate::tape::Var;
use crate::tensor::Tensor;
use std::collections::BTreeMap;
use std::panic::Location;

/// The reduction of all that [`scatter_reduce`](Tensor::scatter_reduce) writes to one position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScatterReduce {
    /// The sum.
    Sum,
    /// The product; its derivatives are right where elements are 0.
    Prod,
    /// The mean.
    Mean,
    /// The largest; NaN takes precedence, and ties share the derivative equally.
    Max,
    /// The smallest; NaN takes precedence, and ties share the derivative equally.
    Min,
}

/// The number of writes to each of `size` positions.
fn counts(positions: &[usize], size: usize) -> Vec<usize> {
    let mut counts = vec![0; size];
    positions.iter().for_each(|&at| counts[at] += 1);
    counts
}

/// Sums or means: one scattered addition.
fn added<T: Element, A: Array<T>>(
    x: &A,
    src: &A,
    add: ScatterAdd,
    counts: &[usize],
    mean: bool,
    own: bool,
) -> A {
    let shape = x.shape();
    let written = counts.iter().map(|&count| if count > 0 { T::ONE } else { T::ZERO });
    let start = match own {
        true => x.clone(),
        false => {
            let mask =
                Tensor::build(shape.clone(), |out| out.iter_mut().zip(written).for_each(|(out, x)| *out = x));
            A::apply(Select { mask }, &[&x.lift(0.0), x])
        }
    };
    let sums = A::apply(add, &[&start, src]);
    if !mean {
        return sums;
    }
    let terms = |count: usize| T::from_usize(if own { count + 1 } else { count.max(1) });
    let terms =
        Tensor::build(shape, |out| out.iter_mut().zip(counts).for_each(|(out, &count)| *out = terms(count)));
    sums.clone() / sums.constant(terms)
}

/// Any reduction of rows: the positions with equally many terms are the rows of one table, which is gathered from the
/// elements of both operands and reduced.
fn by_tables<T: Element, A: Array<T>>(
    x: &A,
    src: &A,
    positions: &[usize],
    counts: &[usize],
    own: bool,
    reduce: impl Fn(&A) -> A,
) -> A {
    let (shape, size) = (x.shape(), counts.len());
    let mut terms: Vec<Vec<usize>> = vec![Vec::new(); size];
    for (i, &at) in positions.iter().enumerate() {
        if own && terms[at].is_empty() {
            terms[at].push(at);
        }
        terms[at].push(size + i);
    }
    let mut tables: BTreeMap<usize, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (at, terms) in terms.iter().enumerate().filter(|(_, terms)| !terms.is_empty()) {
        let (rows, elements) = tables.entry(terms.len()).or_default();
        rows.push(at);
        elements.extend(terms);
    }
    let all = A::apply(Concat { axis: 0 }, &[&x.reshape([size]), &src.reshape([positions.len()])]);
    let mut results = vec![x.reshape([size])];
    let (mut from, mut next): (Vec<usize>, usize) = ((0..size).collect(), size);
    for (count, (rows, elements)) in tables {
        let table = error::expect(Index::new([rows.len(), count], elements));
        results.push(reduce(&all.take(table)));
        for at in rows {
            from[at] = next;
            next += 1;
        }
    }
    let results = A::apply(Concat { axis: 0 }, &results.iter().collect::<Vec<_>>());
    results.take(error::expect(Index::new(shape, from)))
}

/// See [`Tensor::scatter_reduce`].
fn reduced<T: Element, A: Array<T>>(
    [x, src]: [&A; 2],
    axis: isize,
    index: Index,
    by: ScatterReduce,
    own: bool,
) -> Result<A, Error> {
    let named = |error: Error| error.named("scatter_reduce");
    let shape = scattered(axis, &index, &[&x.shape(), &src.shape()]).map_err(named)?;
    Tensor::<T>::fits("scatter_reduce", &shape)?;
    if by == ScatterReduce::Sum && own {
        return Ok(A::apply(ScatterAdd { axis, index }, &[x, src]));
    }
    let positions = index.positions(shape.axis(axis).map_err(named)?, &shape);
    let counts = counts(&positions, shape.size());
    let tables = |reduce: fn(&A) -> A| by_tables(x, &covered(src, &index), &positions, &counts, own, reduce);
    Ok(match by {
        ScatterReduce::Sum | ScatterReduce::Mean => {
            let mean = by == ScatterReduce::Mean;
            added(x, src, ScatterAdd { axis, index }, &counts, mean, own)
        }
        ScatterReduce::Prod => tables(|rows| rows.prod_axes(1, false)),
        ScatterReduce::Max => tables(|rows| rows.max_axes(1, false)),
        ScatterReduce::Min => tables(|rows| rows.min_axes(1, false)),
    })
}

/// The methods of a type: the type of `self`, and how it gets its shape.
macro_rules! methods {
    ($([$($lifetime:lifetime)?] $type:ty, $this:ty;)*) => {$(
        impl<$($lifetime,)? T: Element> $type {
            /// The elements of `src` reduced with each other at the indexed positions along `axis`, and with the element that
            /// was there if `include_self` (`scatter_reduce` in PyTorch). Positions without an index keep their element.
            ///
            /// Shapes are those of [`ScatterAdd`](crate::ops::ScatterAdd). Sums and means are one scattered addition;
            /// otherwise the positions with equally many terms are gathered as a table and reduced along an axis
            /// ([`Prod`](crate::ops::Prod), [`Max`](crate::ops::Max), [`Min`](crate::ops::Min)), in time proportional to
            /// the elements of both operands.
            ///
            /// ```
            /// use tape::{ScatterReduce, Tape, Tensor};
            /// let tape = Tape::new();
            /// let x = tape.var([1.0, 2.0, 3.0]);
            /// let src = tape.var([5.0, 2.0, 5.0]);
            /// let y = x.scatter_reduce(src, 0, [0, 1, 0], ScatterReduce::Max, true);
            /// assert_eq!(y.value(), Tensor::from([5.0, 2.0, 3.0]));
            /// let grads = y.vjp([1.0, 10.0, 100.0]);
            /// assert_eq!(grads.wrt(x), Tensor::from([0.0, 5.0, 100.0]));
            /// assert_eq!(grads.wrt(src), Tensor::from([0.5, 5.0, 0.5]));
            /// let y = x.scatter_reduce(src, 0, [0, 1, 0], ScatterReduce::Mean, false);
            /// assert_eq!(y.value(), Tensor::from([5.0, 2.0, 3.0]));
            /// ```
            ///
            /// # Panics
            /// If the axis does not exist, an index is out of range, or the shapes do not match.
            #[track_caller]
            pub fn scatter_reduce(
                self: $this,
                src: impl Operand<$type>,
                axis: isize,
                index: impl Into<Index>,
                by: ScatterReduce,
                include_self: bool,
            ) -> $type {
                let (src, index) = (src.beside(&self), index.into());
                let reduce = || reduced([&self.clone(), &src], axis, index, by, include_self);
                error::expect(self.located(Location::caller(), reduce))
            }
        }
    )*};
}

methods! {
    [] Tensor<T>, &Self;
    ['t] Var<'t, T>, Self;
}
