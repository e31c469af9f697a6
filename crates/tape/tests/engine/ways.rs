//! Ways to take a tensor apart, for the tests of pieces and for the benchmark.

use tape::{PadMode, Scalar, Var, ops};

/// A way to take `n` pieces of a tensor of shape `[n, 4]`.
pub(crate) type TakeApart = for<'t> fn(Var<'t>, usize) -> Vec<Var<'t>>;

/// Every operation that takes pieces, or is used on pieces.
pub(crate) const WAYS: [(&str, TakeApart); 15] = [
    ("slice", |x, n| (0..n).map(|i| x.slice(0, i..i + 1)).collect()),
    ("slice of both axes", |x, n| (0..n).map(|i| x.slice(0, i..i + 1).slice_step(1, .., 2)).collect()),
    ("chunk", |x, n| x.chunk(n, 0)),
    ("split", |x, n| x.split(&vec![1; n], 0)),
    ("rows", |x, _| x.rows().collect()),
    ("unbind", |x, _| x.transpose().unbind(-1)),
    ("at", |x, n| (0..n).map(|i| x.at([i, i % 4]).to_var()).collect()),
    ("take", |x, n| (0..n).map(|i| x.take([4 * i + 3, 4 * i])).collect()),
    ("index_select", |x, n| (0..n).map(|i| x.index_select(0, [i])).collect()),
    ("gather", |x, n| (0..n).map(|i| x.gather(0, [[i, (i + 7) % n]])).collect()),
    ("embedding", |x, n| {
        (0..n).map(|i| x.tape().apply(ops::Embedding::new(&[i, (2 * i) % n]), &[x])).collect()
    }),
    ("diag", |x, n| {
        let wide = x.transpose();
        (0..n).map(|i| wide.diag(i as isize)).collect()
    }),
    ("unfold of a slice", |x, n| (0..n).map(|i| x.slice(0, i..i + 1).unfold(1, 2, 2)).collect()),
    ("pad of a slice", |x, n| {
        (0..n).map(|i| x.slice(0, i..i + 1).pad([(1, 0), (0, 1)], PadMode::Constant(0.0))).collect()
    }),
    ("repeat of a slice", |x, n| (0..n).map(|i| x.slice(0, i..i + 1).repeat([2, 1])).collect()),
];

/// `Σ xᵢ³` over the elements of all pieces.
pub(crate) fn cubes<'t>(x: Var<'t>, n: usize, take_apart: TakeApart) -> Scalar<'t> {
    take_apart(x, n).into_iter().map(|piece| piece.cube().sum()).sum()
}
