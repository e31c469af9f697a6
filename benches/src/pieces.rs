//! Tensors that are taken apart, and derivatives of a small part of a long recording: what a piece, or an inner derivative,
//! costs where there are few and where there are many.

use tape::{PadMode, Scalar, Tape, Tensor, Var, ops};

/// A way to take `n` pieces of a tensor of shape `[n, 4]`.
pub type TakeApart = for<'t> fn(Var<'t>, usize) -> Vec<Var<'t>>;

/// Every operation that takes pieces, or is used on pieces; and as many tensors that are no pieces, for comparison.
pub const WAYS: [(&str, TakeApart); 12] = [
    ("none: tensors of their own", |x, n| (0..n).map(|_| x.tape().var([[1.0; 4]])).collect()),
    ("slice", |x, n| (0..n).map(|i| x.slice(0, i..i + 1)).collect()),
    ("chunk", |x, n| x.chunk(n, 0)),
    ("rows", |x, _| x.rows().collect()),
    ("at", |x, n| (0..n).map(|i| x.at([i, i % 4]).to_var()).collect()),
    ("take", |x, n| (0..n).map(|i| x.take([4 * i + 3, 4 * i])).collect()),
    ("index_select", |x, n| (0..n).map(|i| x.index_select(0, [i])).collect()),
    ("gather", |x, n| (0..n).map(|i| x.gather(0, [[i, (i + 7) % n]])).collect()),
    ("embedding", |x, n| {
        let row = |i: usize| x.tape().apply(ops::Embedding::new(&[i, (2 * i) % n]), &[x]);
        (0..n).map(row).collect()
    }),
    ("diag", |x, n| {
        let wide = x.transpose();
        (0..n).map(|i| wide.diag(i as isize)).collect()
    }),
    ("pad", |x, n| {
        (0..n).map(|i| x.slice(0, i..i + 1).pad([(1, 0), (0, 1)], PadMode::Constant(0.0))).collect()
    }),
    ("repeat", |x, n| (0..n).map(|i| x.slice(0, i..i + 1).repeat([2, 1])).collect()),
];

/// Records `Σ x³` over `n` pieces of four elements. Returns the whole and the sum.
pub fn cubes(tape: &Tape, n: usize, take_apart: TakeApart) -> (Var<'_>, Scalar<'_>) {
    let x = tape.var(Tensor::ones([n, 4]));
    (x, take_apart(x, n).into_iter().map(|piece| piece.cube().sum()).sum())
}

/// `steps` steps of gradient descent on `(x - i)² w`, every gradient recorded, so that the last point can be differentiated.
pub fn nested<'t>(weight: Scalar<'t>, steps: usize) -> Scalar<'t> {
    (0..steps).fold(weight.tape().scalar_constant(0.0), |x, i| {
        let x = x + weight * 1e-3;
        let slope = ((x - f64::from(i as u32 % 7)).square() * weight).grad(x);
        x - 0.25 * slope
    })
}
