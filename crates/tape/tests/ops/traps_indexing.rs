//! Gradient bugs that other systems shipped, as regression tests: indexing, cutting, repeating and padding.
//!
//! Every test asserts values and gradients.

use std::panic::{AssertUnwindSafe, catch_unwind};
use tape::{Error, Index, PadMode, Shape, Tape, Tensor, Var};

type Operation = for<'t> fn(Var<'t>) -> Var<'t>;

/// 1, 10, 100, ... in a shape.
fn weights(shape: &Shape) -> Tensor {
    let mut weight = 0.1;
    Tensor::from_fn(shape, |_| {
        weight *= 10.0;
        weight
    })
}

/// The value of `f` and the gradient of `Σ wᵢ f(x)ᵢ`, with weights 1, 10, 100, ...
fn weighted(x: impl Into<Tensor>, f: impl for<'t> Fn(Var<'t>) -> Var<'t>) -> (Tensor, Tensor) {
    let tape = Tape::new();
    let x = tape.var(x.into());
    let y = f(x);
    (y.value(), y.vjp(weights(&y.shape())).wrt(x))
}

/// The same for a function of two tensors.
fn weighted2(
    a: impl Into<Tensor>,
    b: impl Into<Tensor>,
    f: impl for<'t> Fn(Var<'t>, Var<'t>) -> Var<'t>,
) -> (Tensor, [Tensor; 2]) {
    let tape = Tape::new();
    let (a, b) = (tape.var(a.into()), tape.var(b.into()));
    let y = f(a, b);
    let grads = y.vjp(weights(&y.shape()));
    (y.value(), [grads.wrt(a), grads.wrt(b)])
}

#[test]
fn scatter_gives_no_gradient_to_what_it_overwrites() {
    let (y, [init, src]) = weighted2([1.0, 2.0, 3.0], [5.0, 6.0], |init, src| init.scatter(src, 0, [0, 2]));
    assert_eq!(y, Tensor::from([5.0, 2.0, 6.0]));
    assert_eq!(init, Tensor::from([0.0, 10.0, 0.0]));
    assert_eq!(src, Tensor::from([1.0, 100.0]));
}

#[test]
fn scatter_add_passes_the_gradient_on_to_all_of_the_first_operand() {
    let (y, [init, src]) =
        weighted2([1.0, 2.0, 3.0], [5.0, 6.0, 7.0], |init, src| init.scatter_add(src, 0, [0, 2, 2]));
    assert_eq!(y, Tensor::from([6.0, 2.0, 16.0]));
    assert_eq!(init, Tensor::from([1.0, 10.0, 100.0]));
    assert_eq!(src, Tensor::from([1.0, 100.0, 100.0]));
    // An index shorter than the axis.
    let (y, [init, src]) = weighted2([1.0, 2.0, 3.0], [5.0], |init, src| init.scatter_add(src, 0, [1]));
    assert_eq!(y, Tensor::from([1.0, 7.0, 3.0]));
    assert_eq!(init, Tensor::from([1.0, 10.0, 100.0]));
    assert_eq!(src, Tensor::from([10.0]));
}

#[test]
fn repetitions_add_up_in_their_own_order() {
    let ones_to_six = |f: Operation| {
        let tape = Tape::new();
        let x = tape.var([1.0, 2.0]);
        let y = f(x);
        (y.value(), y.vjp(Tensor::arange(6) + 1.0).wrt(x))
    };
    let tiled = (Tensor::from([1.0, 2.0, 1.0, 2.0, 1.0, 2.0]), Tensor::from([9.0, 12.0]));
    assert_eq!(ones_to_six(|x| x.repeat([3])), tiled);
    assert_eq!(ones_to_six(|x| x.tile([3])), tiled);
    let interleaved = (Tensor::from([1.0, 1.0, 1.0, 2.0, 2.0, 2.0]), Tensor::from([6.0, 15.0]));
    assert_eq!(ones_to_six(|x| x.repeat_interleave(3, 0)), interleaved);
    // Columns that differ, along the first axis.
    let (y, dx) = weighted([[1.0, 2.0], [3.0, 4.0]], |x| x.repeat([2, 1]));
    assert_eq!(y, Tensor::from([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]));
    assert_eq!(dx, Tensor::from([[1e0 + 1e4, 1e1 + 1e5], [1e2 + 1e6, 1e3 + 1e7]]));
}

#[test]
fn a_constant_between_two_variables_takes_its_share_of_a_concatenation() {
    let tape = Tape::new();
    let (x1, x3) = (tape.var([1.0]), tape.var([4.0, 5.0, 6.0]));
    let y = tape.concat(&[x1, tape.constant([2.0, 3.0]), x3], 0);
    assert_eq!(y.value(), Tensor::arange(6) + 1.0);
    let grads = y.vjp(Tensor::arange(6) + 1.0);
    assert_eq!(grads.wrt(x1), Tensor::from([1.0]));
    assert_eq!(grads.wrt(x3), Tensor::from([4.0, 5.0, 6.0]));
}

#[test]
fn windows_that_overlap_add_up() {
    let tape = Tape::new();
    let x = tape.var([1.0, 2.0, 3.0, 4.0]);
    let y = x.unfold(0, 2, 1);
    assert_eq!(y.value(), Tensor::from([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]));
    assert_eq!(y.vjp(Tensor::ones([3, 2])).wrt(x), Tensor::from([1.0, 2.0, 2.0, 1.0]));
    // Each square is counted once per window, also by the second derivative.
    let [dx] = (y * y).sum().grad([x]);
    assert_eq!(dx.value(), Tensor::from([2.0, 8.0, 12.0, 8.0]));
    assert_eq!(dx.vjp(weights(&x.shape())).wrt(x), Tensor::from([2.0, 40.0, 400.0, 2000.0]));
}

#[test]
fn an_element_taken_twice_gets_both_gradients() {
    let tape = Tape::new();
    let x = tape.var([0.1]);
    for y in [x.gather(0, [0, 0]), x.index_select(0, [0, 0]), x.take([0, 0])] {
        assert_eq!(y.value(), Tensor::from([0.1, 0.1]));
        assert_eq!(y.vjp([0.2, 0.3]).wrt(x), Tensor::from([0.5]));
    }
}

#[test]
fn an_index_smaller_than_the_source_leaves_the_rest_of_it_alone() {
    let source = [[5.0, 6.0, 7.0], [8.0, 9.0, 10.0]];
    let init = [[1.0, 2.0], [3.0, 4.0]];
    let (y, [dx, dsrc]) = weighted2(init, source, |x, src| x.scatter_add(src, 0, [[0]]));
    assert_eq!(y, Tensor::from([[6.0, 2.0], [3.0, 4.0]]));
    assert_eq!(dx, Tensor::from([[1.0, 10.0], [100.0, 1000.0]]));
    assert_eq!(dsrc, Tensor::from([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]));
    let index = Index::from([[0], [0]]);
    let (y, [dx, dsrc]) = weighted2(init, source, |x, src| x.scatter(src, 1, &index));
    assert_eq!(y, Tensor::from([[5.0, 2.0], [8.0, 4.0]]));
    assert_eq!(dx, Tensor::from([[0.0, 10.0], [0.0, 1000.0]]));
    assert_eq!(dsrc, Tensor::from([[1.0, 0.0, 0.0], [100.0, 0.0, 0.0]]));
}

#[test]
fn of_several_writes_only_the_last_gets_the_gradient() {
    let (y, [init, src]) =
        weighted2([1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], |x, src| x.scatter(src, 0, [1, 2, 1, 1]));
    assert_eq!(y, Tensor::from([1.0, 7.0, 5.0]));
    assert_eq!(init, Tensor::from([1.0, 0.0, 0.0]));
    assert_eq!(src, Tensor::from([0.0, 100.0, 0.0, 10.0]));
    // The same for the second derivative of Σ y³: 6 y where written last.
    let tape = Tape::new();
    let (x, src) = (tape.var([1.0, 2.0, 3.0]), tape.var([4.0, 5.0, 6.0, 7.0]));
    let y = x.scatter(src, 0, [1, 2, 1, 1]);
    let [dsrc] = (y * y * y).sum().grad([src]);
    assert_eq!(dsrc.value(), Tensor::from([0.0, 75.0, 0.0, 147.0]));
    assert_eq!(dsrc.vjp(weights(&src.shape())).wrt(src), Tensor::from([0.0, 300.0, 0.0, 42000.0]));
}

#[test]
fn ties_keep_their_order_when_sorted_and_nan_is_largest() {
    let (y, dx) = weighted([2.0, 1.0, 2.0], |x| x.sort(0, true).0);
    assert_eq!(y, Tensor::from([2.0, 2.0, 1.0]));
    assert_eq!(dx, Tensor::from([1.0, 100.0, 10.0]));
    let (y, dx) = weighted([2.0, 1.0, 2.0], |x| x.topk(1, 0, true).0);
    assert_eq!(y, Tensor::from([2.0]));
    assert_eq!(dx, Tensor::from([1.0, 0.0, 0.0]));
    let x = Tensor::from([f64::NAN, 1.0, f64::INFINITY]);
    assert_eq!(x.argsort(0, false), Index::from([1, 2, 0]));
    assert_eq!(x.argsort(0, true), Index::from([0, 2, 1]));
    let (values, index) = Tensor::<f64>::zeros([0, 2]).sort(0, false);
    assert_eq!((values.shape(), index.shape()), (&Shape::from([0, 2]), &Shape::from([0, 2])));
}

#[test]
fn flipped_and_overlapping_views_are_read_right_by_other_operations() {
    let (a, b) = ([[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]);
    let (y, [da, db]) = weighted2(a, b, |a, b| a.flip(0).matmul(b.flip([0, 1])));
    assert_eq!(
        y,
        Tensor::from([
            [3.0 * 8.0 + 4.0 * 6.0, 3.0 * 7.0 + 4.0 * 5.0],
            [1.0 * 8.0 + 2.0 * 6.0, 1.0 * 7.0 + 2.0 * 5.0]
        ])
    );
    // Row 1 of `a` is multiplied by the weights 1, 10, row 0 by the weights 100, 1000.
    assert_eq!(da, Tensor::from([[7800.0, 5600.0], [78.0, 56.0]]));
    assert_eq!(db, Tensor::from([[2040.0, 204.0], [1030.0, 103.0]]));
    let x = Tensor::from([1.0, 2.0, 3.0, 4.0]);
    assert_eq!(x.flip(0).exp(), x.exp().flip(0));
    assert_eq!((x.flip(0).sum(), x.unfold(0, 2, 1).sum()), (10.0, 15.0));
    let mut windows = x.unfold(0, 2, 1);
    windows.as_mut_slice()[1] = 9.0;
    assert_eq!(windows, Tensor::from([[1.0, 9.0], [2.0, 3.0], [3.0, 4.0]]));
    assert_eq!(x, Tensor::from([1.0, 2.0, 3.0, 4.0]));
}

#[test]
fn elements_cut_off_do_not_spoil_the_gradient() {
    let tape = Tape::new();
    let x = tape.var([[4.0, 0.0], [9.0, 1.0]]);
    let y = x.sqrt().tril(0);
    assert_eq!(y.value(), Tensor::from([[2.0, 0.0], [3.0, 1.0]]));
    assert_eq!(y.sum().backward().wrt(x), Tensor::from([[0.25, 0.0], [1.0 / 6.0, 0.5]]));
    assert_eq!(Tensor::full([2, 2], f64::NAN).triu(5), Tensor::zeros([2, 2]));
}

#[test]
fn indices_and_sizes_out_of_range_are_refused() {
    let tape = Tape::new();
    let x = tape.var([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let refused = |f: Operation| {
        let panic = catch_unwind(AssertUnwindSafe(|| drop(f(x).value()))).expect_err("a refusal");
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    };
    let cases: [(Operation, &str); 14] = [
        (|x| x.gather(1, [[3]]), "gather: index 3 is out of range for axis 1 of shape [2, 3]"),
        (|x| x.gather(1, [0]), "gather: expected an index with as many axes as the operand, found shape [1]"),
        (|x| x.gather(1, [[0], [0], [0]]), "gather: expected shape [2, 1], found [3, 1]"),
        (|x| x.scatter(x, 0, [[2, 0]]), "scatter: index 2 is out of range for axis 0 of shape [2, 3]"),
        (|x| x.scatter_add(x.slice(1, ..1), 0, [[0, 0]]), "scatter_add: expected shape [1, 2], found [2, 1]"),
        (|x| x.index_select(0, [2]), "index_select: index 2 is out of range for axis 0 of shape [2, 3]"),
        (|x| x.take([6]), "take: index 6 is out of range for axis 0 of shape [6]"),
        (|x| x.split(&[1, 1], 1)[0], "split: sizes [1, 1] add up to 2, but axis 1 of shape [2, 3] has 3"),
        (|x| x.chunk(0, 1)[0], "chunk: expected 1 chunk or more, found 0"),
        (|x| x.pad([(1, 1)], PadMode::Reflect), "pad: expected two widths for each axis, found shape [2, 3]"),
        (
            |x| x.pad([(0, 0), (0, 3)], PadMode::Reflect),
            "pad: axis 1 needs 4 elements for that width, found 3",
        ),
        (|x| x.topk(4, 1, true).0, "topk: expected at most the 3 elements of axis 1, found 4"),
        (|x| x.unfold(0, 3, 1), "unfold: a window of 3 does not fit axis 0 of shape [2, 3]"),
        (|x| x.squeeze(0), "squeeze: expected extent 1 along axis 0, found shape [2, 3]"),
    ];
    for (f, text) in cases {
        assert_eq!(refused(f), text);
    }
    assert!(matches!(Index::new([2], vec![1]), Err(Error::Elements { op: "index", .. })));
}

#[test]
fn grids_and_one_hot_rows_of_nothing_exist() {
    assert_eq!(Tensor::<f64>::one_hot(Vec::new(), 0), Ok(Tensor::zeros([0, 0])));
    assert_eq!(Tensor::<f64>::one_hot([[1], [0]], 2), Tensor::from_vec([2, 1, 2], vec![0.0, 1.0, 1.0, 0.0]));
    let error = Tensor::<f64>::one_hot([0, 3], 3);
    assert_eq!(error, Err(Error::Index { op: "one_hot", index: 3, axis: 1, shape: vec![2, 3] }));
    let grid = Tensor::meshgrid(&[&Tensor::from([1.0, 2.0]), &Tensor::zeros([0])]);
    assert_eq!(grid, Ok(vec![Tensor::zeros([2, 0]); 2]));
}
