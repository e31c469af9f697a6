//! Operations that move, find and write elements: bad calls, ties, and agreement with plain loops.

use std::panic::{AssertUnwindSafe, catch_unwind};
use tape::ops::Window;
use tape::{Error, Index, PadMode, ScatterReduce, Tape, Tensor, Var};

type Operation = for<'t> fn(Var<'t>) -> Var<'t>;

/// A pattern, the sizes of names, and the reason of the error.
type BadPattern = (&'static str, &'static [(&'static str, usize)], &'static str);

/// A reduction of a list, in plain Rust.
type Reduction = fn(&[f64]) -> f64;

fn by_value<'t>(x: Var<'t>, index: Index) -> Var<'t> {
    x.tape().constant(index.to_tensor())
}

#[test]
fn bad_calls_get_one_clear_error() {
    const CASES: [(Operation, &str); 33] = [
        (|x| x.swap_axes(0, 2), "swap_axes: axis 2 does not exist in shape [2, 3]"),
        (|x| x.move_axis(-3, 0), "move_axis: axis -3 does not exist in shape [2, 3]"),
        (|x| x.rot90(1, [0, 2]), "rot90: axis 2 does not exist in shape [2, 3]"),
        (|x| x.rot90(1, [0, -2]), "rot90: axis 0 appears more than once"),
        (|x| x.row(0).diagonal(), "diagonal: expected rank 2 or more, found shape [3]"),
        (|x| x.row(0).traces(), "traces: expected rank 2 or more, found shape [3]"),
        (|x| x.row(0).row(0).diag_embed(0), "diag_embed: expected rank 1 or more, found shape []"),
        (
            |x| x.row(0).row(0).diag(0),
            "diag: expected a vector, a matrix or a batch of matrices, found shape []",
        ),
        (
            |x| x.pad_or_crop([(1, 1)], PadMode::Circular),
            "pad_or_crop: expected two widths for each axis, found shape [2, 3]",
        ),
        (
            |x| x.pad_or_crop([(0, 0), (-2, -2)], PadMode::Circular),
            "pad_or_crop: expected at most 3 elements to remove from axis 1 of shape [2, 3], found 2 before and 2 after",
        ),
        (
            |x| x.pad_or_crop([(-2, 1), (0, 0)], PadMode::Circular),
            "pad: axis 0 needs 1 elements for that width, found 0",
        ),
        (|x| x.fold(0, 3, 1, [5]), "fold: expected shape [3, 3], found [2, 3]"),
        (|x| x.fold2d(Window::new([2, 2]), [4, 4]), "fold2d: expected patches of rank 3, found shape [2, 3]"),
        (|x| x.index_copy(x, 1, [0]), "index_copy: expected shape [2, 1], found [2, 3]"),
        (|x| x.index_add(x, 1, [0, 1, 3]), "index_add: index 3 is out of range for axis 1 of shape [2, 3]"),
        (|x| x.index_add(x, 1, [[0, 1, 2]]), "index_add: expected a list of indices, found shape [1, 3]"),
        (|x| x.index_fill(2, [0], 0.0), "index_fill: axis 2 does not exist in shape [2, 3]"),
        (|x| x.index_fill(0, [2], 0.0), "index_fill: index 2 is out of range for axis 0 of shape [2, 3]"),
        (
            |x| x.index_put(Vec::<Index>::new(), 0.0, false),
            "index_put: expected positions along 1 axis or more of shape [2, 3], found 0",
        ),
        (
            |x| x.index_put([[0], [0], [0]], 0.0, false),
            "index_put: expected positions along at most 2 axes of shape [2, 3], found 3",
        ),
        (|x| x.index_put(vec![vec![0], vec![0, 1]], 0.0, false), "index_put: expected shape [1], found [2]"),
        (
            |x| x.index_put([[0], [3]], 0.0, true),
            "index_put: index 3 is out of range for axis 1 of shape [2, 3]",
        ),
        (|x| x.index_put([[0]], x, true), "index_put: expected shape [1, 3], found [2, 3]"),
        (
            |x| x.scatter_reduce(x, 0, [[2, 0]], ScatterReduce::Max, true),
            "scatter_reduce: index 2 is out of range for axis 0 of shape [2, 3]",
        ),
        (
            |x| x.scatter_reduce(x.slice(1, ..1), 0, [[0, 0]], ScatterReduce::Sum, true),
            "scatter_reduce: expected shape [1, 2], found [2, 1]",
        ),
        (|x| x.masked_select(&Tensor::ones([2])), "masked_select: expected shape [2, 3], found [2]"),
        (|x| x.any_axes(2, false).sum() * x, "any: axis 2 does not exist in shape [2, 3]"),
        (|x| by_value(x, x.count_nonzero_axes([0, 0], true)), "count_nonzero: axis 0 appears more than once"),
        (|x| by_value(x, x.flip(1).searchsorted(1.0, true)), "searchsorted: expected shape [2, 1], found []"),
        (
            |x| by_value(x, x.flip(1).row(0).searchsorted(1.0, true)),
            "searchsorted: expected elements in ascending order along the last axis, found 3 before 2",
        ),
        (
            |x| by_value(x, x.row(0).row(0).searchsorted(1.0, true)),
            "searchsorted: expected rank 1 or more, found shape []",
        ),
        (|x| x.rearrange("a b", []), "rearrange: expected \"axes -> axes\", found \"a b\""),
        (
            |x| x.rearrange("a b c -> a", []),
            "rearrange: expected 3 axes in \"a b c -> a\", found shape [2, 3]",
        ),
    ];
    let tape = Tape::new();
    let x = tape.var([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    for (f, text) in CASES {
        let panic = catch_unwind(AssertUnwindSafe(|| drop(f(x).value()))).expect_err(text);
        assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some(text));
    }
}

#[test]
fn bad_patterns_get_one_clear_error() {
    const CASES: [BadPattern; 12] = [
        ("a (b -> a b", &[], "expected brackets in pairs, not nested, found \"a (b -> a b\""),
        ("a b) -> a b", &[], "expected brackets in pairs, not nested, found \"a b) -> a b\""),
        ("a ((b)) -> a b", &[], "expected brackets in pairs, not nested, found \"a ((b)) -> a b\""),
        ("a, b -> a b", &[], "expected names, brackets or ..., found ',' in \"a, b -> a b\""),
        ("a 2 -> a 2", &[], "expected a name or 1, found 2 in \"a 2 -> a 2\""),
        ("a a -> a", &[], "axis a appears more than once on one side of \"a a -> a\""),
        ("a b -> a", &[], "axis b is on one side only of \"a b -> a\""),
        ("a b -> a b c", &[], "axis c is on one side only of \"a b -> a b c\""),
        ("a 1 -> a", &[], "expected extent 1 in \"a 1 -> a\", found 3 in shape [2, 3]"),
        ("(a ...) -> a ...", &[], "expected ... outside of brackets on the left, found \"(a ...) -> a ...\""),
        ("a b -> b a", &[("c", 2)], "expected sizes of axes of \"a b -> b a\", found one of \"c\""),
        (
            "a (b c d) -> a b c d",
            &[("b", 3)],
            "expected the sizes of all names but one of (b c d) in \"a (b c d) -> a b c d\", found [b = 3]",
        ),
    ];
    let x = Tensor::<f64>::zeros([2, 3]);
    for (pattern, sizes, text) in CASES {
        let found = x.try_rearrange(pattern, sizes.iter().copied());
        assert_eq!(found, Err(Error::Invalid { op: "rearrange", reason: text.to_owned() }));
    }
    assert_eq!(x.rearrange("... -> ...", []), x);
    assert_eq!(x.rearrange("a ... b -> (b ... a) 1", []).shape(), [6, 1]);
    assert_eq!(Tensor::<f64>::zeros([0, 4]).rearrange("a (b c) -> (a c) b", [("b", 2)]).shape(), [0, 2]);
}

/// Every way and every side of a set of writes, against a loop over the elements.
#[test]
fn scattered_reductions_are_those_of_a_loop() {
    const WAYS: [(ScatterReduce, Reduction); 5] = [
        (ScatterReduce::Sum, |x| x.iter().sum()),
        (ScatterReduce::Prod, |x| x.iter().product()),
        (ScatterReduce::Mean, |x| x.iter().sum::<f64>() / x.len() as f64),
        (ScatterReduce::Max, |x| x.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        (ScatterReduce::Min, |x| x.iter().copied().fold(f64::INFINITY, f64::min)),
    ];
    let (n, m) = (40, 100);
    let x = Tensor::from_fn([n], |i| 1.0 + (i[0] * 7 % 11) as f64 / 8.0);
    let src = Tensor::from_fn([m], |i| 0.5 + (i[0] * 5 % 13) as f64 / 16.0);
    // Position 0 gets many, some get none.
    let index: Vec<usize> = (0..m).map(|i| if i % 3 == 0 { 0 } else { i * i % n }).collect();
    for (by, reduce) in WAYS {
        for own in [true, false] {
            let found = x.scatter_reduce(&src, 0, &index[..], by, own);
            for at in 0..n {
                let written = index.iter().enumerate().filter(|&(_, &to)| to == at).map(|(i, _)| src[i]);
                let mut terms: Vec<f64> = written.collect();
                if own || terms.is_empty() {
                    terms.insert(0, x[at]);
                }
                let expected = reduce(&terms);
                assert!((found[at] - expected).abs() <= 1e-14 * expected.abs(), "{by:?} {own} at {at}");
            }
        }
    }
}

#[test]
fn products_with_zeros_and_ties_have_their_derivatives() {
    let tape = Tape::new();
    let (x, src) = (tape.var([2.0, 3.0]), tape.var([0.0, 5.0, 0.0]));
    let y = x.scatter_reduce(src, 0, [0, 0, 1], ScatterReduce::Prod, true);
    let grads = y.vjp([1.0, 1.0]);
    assert_eq!(grads.wrt(x), Tensor::from([0.0, 0.0]));
    assert_eq!(grads.wrt(src), Tensor::from([10.0, 0.0, 3.0]));
    let y = x.scatter_reduce(src, 0, [0, 1, 0], ScatterReduce::Min, false);
    let grads = y.vjp([1.0, 1.0]);
    assert_eq!((y.value(), grads.wrt(src)), (Tensor::from([0.0, 5.0]), Tensor::from([0.5, 1.0, 0.5])));
    assert_eq!(grads.wrt(x), Tensor::zeros([2]));
    let nan = Tensor::from([1.0, f64::NAN]).scatter_reduce(
        [2.0].into_iter().collect::<Tensor>(),
        0,
        [1],
        ScatterReduce::Max,
        true,
    );
    assert!(nan[0] == 1.0 && nan[1].is_nan());
}

#[test]
fn searches_find_the_first_and_the_last_place() {
    let sorted = Tensor::from([[1.0, 2.0, 2.0, f64::INFINITY], [-1.0, 0.0, 5.0, f64::NAN]]);
    let values = Tensor::from([[2.0, 0.0, f64::NAN], [5.0, f64::NAN, -2.0]]);
    assert_eq!(sorted.searchsorted(&values, false), Index::from([[1, 0, 4], [2, 3, 0]]));
    assert_eq!(sorted.searchsorted(&values, true), Index::from([[3, 0, 4], [3, 4, 0]]));
    let nothing = Tensor::<f64>::zeros([0]);
    assert_eq!(nothing.searchsorted(3.0, true), Index::new([], vec![0]).unwrap());
    assert_eq!(sorted.searchsorted(Tensor::zeros([2, 0]), true), Index::new([2, 0], vec![]).unwrap());
}

#[test]
fn truth_of_nothing_and_of_nan() {
    let empty = Tensor::<f64>::zeros([2, 0]);
    assert!(!empty.any() && empty.all());
    assert_eq!(
        (empty.any_axes(1, false), empty.all_axes(1, true)),
        (Tensor::zeros([2]), Tensor::ones([2, 1]))
    );
    assert_eq!(empty.count_nonzero_axes(1, false), Index::from([0, 0]));
    assert_eq!(empty.nonzero(), vec![Index::from(Vec::new()); 2]);
    let x = Tensor::from([[0.0, f64::NAN, -0.0], [1.0, 2.0, 0.0]]);
    assert_eq!((x.count_nonzero(), x.flat_nonzero()), (3, Index::from([1, 3, 4])));
    assert_eq!(x.transpose().nonzero(), [Index::from([0, 1, 1]), Index::from([1, 0, 1])]);
    assert_eq!(x.count_nonzero_axes(0, true), Index::from([[1, 2, 0]]));
    assert_eq!(Tensor::scalar(1.0).nonzero(), Vec::<Index>::new());
}

/// Sixteen further elements of a circle than it has, on both sides.
#[test]
fn circles_have_any_number_of_periods() {
    let x = Tensor::arange(3);
    let y = x.pad([(7, 9)], PadMode::Circular);
    let expected = Tensor::from_fn([19], |i| ((i[0] + 2) % 3) as f64);
    assert_eq!(y, expected);
    assert_eq!(x.pad_or_crop([(-1, -1)], PadMode::Circular), Tensor::from([1.0]));
    assert_eq!(x.pad_or_crop([(-3, 0)], PadMode::Reflect), Tensor::zeros([0]));
}

/// Rotations by quarters follow one another.
#[test]
fn four_quarters_are_a_whole() {
    let x = Tensor::<f64>::arange(24).reshape([2, 3, 4]);
    let mut y = x.clone();
    for quarters in 0..4 {
        assert_eq!(x.rot90(quarters, [-1, 0]), y);
        assert_eq!(x.rot90(quarters - 4, [-1, 0]), y);
        y = y.rot90(1, [-1, 0]);
    }
    assert_eq!(y, x);
}

#[test]
fn of_several_entries_only_the_last_gets_the_gradient() {
    let tape = Tape::new();
    let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
    let src = tape.var([[5.0, 6.0], [7.0, 8.0]]);
    let cotangent = [[1.0, 10.0], [100.0, 1000.0]];
    for y in
        [x.index_copy(src, 1, [0, 0]), x.transpose().index_put([[0, 0]], src.transpose(), false).transpose()]
    {
        assert_eq!(y.value(), Tensor::from([[6.0, 2.0], [8.0, 4.0]]));
        let grads = y.vjp(cotangent);
        assert_eq!(grads.wrt(x), Tensor::from([[0.0, 10.0], [0.0, 1000.0]]));
        assert_eq!(grads.wrt(src), Tensor::from([[0.0, 1.0], [0.0, 100.0]]));
    }
}
