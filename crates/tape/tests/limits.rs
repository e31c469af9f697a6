//! Calls with extents, axes, counts and paddings near the limits of their types: each gives the right result,
//! or an error that begins with the operation's name, says what was expected and what was found, and points
//! at the caller's line. None writes out of bounds, aborts the process or runs without end, whether or not
//! arithmetic is checked for overflow: the tests run both ways.

#![cfg(target_pointer_width = "64")]

use std::cell::RefCell;
use std::ops::Bound;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::time::Instant;
use tape::element::Real;
use tape::ops::{self, AvgWindows, Conv2d, ConvTranspose2d, Window};
use tape::{Array, Axes, Error, Index, Op, PadMode, Shape, Tape, Tensor, transform};

thread_local! {
    /// File and text of the last panic on this thread, while one is expected.
    static LAST: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
    static EXPECTED: RefCell<bool> = const { RefCell::new(false) };
}

/// Returns the file and the text of the panic that a call ends in.
fn refusal<V>(call: impl FnOnce() -> V) -> Option<(String, String)> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !EXPECTED.with_borrow(|&expected| expected) {
                return usual(info);
            }
            let file = info.location().map_or(String::new(), |at| at.file().to_owned());
            LAST.set(Some((file, info.payload_as_str().unwrap_or_default().to_owned())));
        }));
    });
    EXPECTED.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    EXPECTED.set(false);
    match result {
        Ok(_) => None,
        Err(_) => LAST.take(),
    }
}

/// Returns `true` if the text says what was expected and what was found.
fn says_why(text: &str) -> bool {
    let words = [
        "expected",
        "needs",
        "does not exist",
        "out of range",
        "do not divide",
        "does not fit",
        "do not broadcast",
        "differ",
        "leaves nothing",
        "add up to",
        "beyond the image",
    ];
    words.iter().any(|word| text.contains(word))
}

/// The defect of how a call was refused, if there is one.
fn complaint<V>(op: &str, call: impl FnOnce() -> V) -> Option<String> {
    match refusal(call) {
        None => Some("accepted".to_owned()),
        Some((_, text)) if !text.starts_with(&format!("{op}: ")) || !says_why(&text) => Some(text),
        Some((file, text)) if file != file!() => Some(format!("{text} (at {file})")),
        Some(_) => None,
    }
}

/// The number of calls, each after the operation that must refuse it; all must.
macro_rules! all_refuse {
    ($($op:literal: $call:expr;)*) => {{
        let mut wrong = Vec::new();
        let mut count = 0;
        $(
            count += 1;
            if let Some(complaint) = complaint($op, || $call) {
                wrong.push(format!("{}\n    {complaint}", stringify!($call)));
            }
        )*
        assert!(wrong.is_empty(), "{} of {count} calls:\n{}", wrong.len(), wrong.join("\n"));
        count
    }};
}

const MAX: usize = usize::MAX;
const HALF: usize = 1 << 63;

/// More elements than an address space has bytes for, though not more than can be counted.
const LONG: usize = 1 << 45;

fn numbers(n: usize) -> Tensor {
    Tensor::arange(n)
}

fn image(shape: [usize; 4]) -> Tensor {
    Tensor::arange(shape.iter().product()).reshape(shape)
}

fn window(kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2], dilation: [usize; 2]) -> Window {
    Window { kernel, stride, padding, dilation }
}

/// The error of an operation that cannot be recorded.
fn refused<O: Op<f64>>(op: O, x: &[&Tensor]) -> Error {
    let tape = Tape::new();
    let x: Vec<_> = x.iter().map(|&x| tape.constant(x.clone())).collect();
    tape.try_apply(op, &x).expect_err("the operation must refuse these operands")
}

/// The calls that wrote and read out of bounds when the product of extents wrapped.
#[test]
fn no_product_leaves_its_buffers() {
    let wide = [(1 << 60) + 64, 16];
    let one = Tensor::scalar(1.0);
    let found = refusal(|| one.broadcast_to(wide).matmul(&Tensor::ones([16, 16])));
    let expected = "broadcast_to: expected at most 1152921504606846975 elements (an extent of 0 counts as 1), \
                    found shape [1152921504606847040, 16]";
    assert_eq!(found.map(|(_, text)| text).as_deref(), Some(expected));
    let error = Tensor::from_vec(wide, vec![1.0; 1024]).unwrap_err();
    let expected =
        "from_vec: shape [1152921504606847040, 16] needs 18446744073709552640 elements, found 1024";
    assert_eq!(error.to_string(), expected);
    let error = Tensor::from_slice(wide, &[1.0_f32; 1024]).unwrap_err();
    assert!(matches!(error, Error::Elements { op: "from_slice", .. }));

    // For valid shapes, the product has too many elements, or more than there is memory for.
    let (tall, flat) = (one.broadcast_to([1 << 50, 16]), one.broadcast_to([16, 1 << 50]));
    assert!(matches!(refused(ops::MatMul, &[&tall, &flat]), Error::Size { op: "matmul", .. }));
    assert!(matches!(refused(ops::MatMul, &[&tall, &Tensor::ones([16, 16])]), Error::Memory { .. }));
    let (w, b) = (Tensor::ones([16, 16]), Tensor::ones([16]));
    assert!(matches!(refused(ops::Linear, &[&tall, &w, &b]), Error::Memory { op: "linear", .. }));
    let long = one.broadcast_to([1 << 50]);
    assert!(matches!(refused(ops::Linear, &[&tall, &tall, &long]), Error::Size { op: "linear", .. }));
}

/// Views of one element, with extents whose product is just within the limit.
#[test]
fn views_within_the_limit_are_right() {
    let largest = isize::MAX as usize / 8;
    let view = Tensor::scalar(2.0).broadcast_to([largest, 1, 1]);
    assert_eq!(
        (view.size(), view.get([largest - 1, 0, 0]), view.get([largest, 0, 0])),
        (largest, Some(2.0), None)
    );
    let end = view.slice(0, largest as isize - 3..).matmul(&Tensor::full([3, 1, 1], 3.0));
    assert_eq!(end, Tensor::full([3, 1, 1], 6.0));
    assert_eq!(view.at([largest - 1, 0, 0]), 2.0);
    assert_eq!(view.flip(0).permute([1, 2, 0]).shape(), [1, 1, largest]);
    assert_eq!(view.slice_step(0, .., largest / 2).to_vec(), [2.0; 3]);
    assert_eq!(view.slice_step(0, 1.., MAX).to_vec(), [2.0]);
    assert_eq!(view.unfold(0, largest, 1).shape(), [1, 1, 1, largest]);
    let empty = format!("[[], [], [], ..., [], [], []] f64[{largest}, 0, 1]");
    assert_eq!(format!("{}", view.slice(1, ..0)).replace(",\n\n ", ", "), empty);
    assert_eq!(format!("{:?}", Tensor::scalar(2.0).broadcast_to([largest])).matches("2").count(), 8);
    assert_eq!(Tensor::<f32>::scalar(1.0).broadcast_to([2 * largest + 1]).size(), 2 * largest + 1);
    let tape = Tape::new();
    let x = tape.scalar(2.0);
    let y = x.to_var().broadcast_to([largest]).at([largest - 1]);
    assert_eq!(y.value(), 2.0);
}

#[test]
fn shapes_that_no_tensor_can_have_are_refused() {
    let count = all_refuse! {
        "shape": Shape::from([MAX, 2]).size();
        "shape": Shape::from([1 << 32, 1 << 32]).size();
        "shape": Shape::from([1 << 32, 1 << 32, 0]).size();
        "shape": Shape::from([HALF]).size();
        "zeros": Tensor::<f64>::zeros([HALF + 1, 2]);
        "zeros": Tensor::<f64>::zeros([1 << 32, 1 << 32]);
        "zeros": Tensor::<f64>::zeros([0, 1 << 32, 1 << 32]);
        "zeros": Tensor::<f64>::zeros([1 << 32, 1 << 32, 0]);
        "zeros": Tensor::<f64>::zeros([MAX]);
        "zeros": Tensor::<f64>::zeros([1 << 60]);
        "zeros": Tensor::<f32>::zeros([1 << 61]);
        "zeros": Tensor::<f64>::zeros([LONG]);
        "zeros": Tensor::<f32>::zeros([2 * LONG]);
        "zeros": Tensor::<f64>::zeros(vec![2; 64]);
        "zeros": Tensor::<f64>::zeros(vec![2; 200]);
        "ones": Tensor::<f64>::ones([MAX, MAX]);
        "ones": Tensor::<f64>::ones([LONG]);
        "full": Tensor::<f64>::full([MAX, 2], 1.0);
        "full": Tensor::<f64>::full([LONG], 1.0);
        "full": Tensor::try_full([MAX, 2], 1.0).unwrap_or_else(|error| error.panic());
        "full": Tensor::try_full([LONG], 1.0).unwrap_or_else(|error| error.panic());
        "eye": Tensor::<f64>::eye(MAX);
        "eye": Tensor::<f64>::eye(1 << 32);
        "eye": Tensor::<f64>::eye(1 << 30);
        "arange": Tensor::<f64>::arange(MAX);
        "arange": Tensor::<f64>::arange(LONG);
        "linspace": Tensor::<f64>::linspace(0.0, 1.0, MAX);
        "linspace": Tensor::<f64>::linspace(0.0, 1.0, LONG);
        "from_fn": Tensor::<f64>::from_fn([1 << 33, 1 << 33], |_| 0.0);
        "from_fn": Tensor::<f64>::from_fn([LONG], |_| 0.0);
        "from_vec": Tensor::<f64>::from_vec([1 << 32, 1 << 32], vec![]).unwrap_or_else(|error| error.panic());
        "from_vec": Tensor::<f64>::from_vec([1 << 32, 1 << 32, 0], vec![]).unwrap_or_else(|error| error.panic());
        "from_vec": Tensor::from_vec([HALF + 1, 2], vec![0.0, 0.0]).unwrap_or_else(|error| error.panic());
        "from_vec": Tensor::from_vec([(1 << 60) + 64, 16], vec![0.0; 1024]).unwrap_or_else(|error| error.panic());
        "from_vec": Tensor::from_vec(vec![1 << 40; 9], vec![0.0]).unwrap_or_else(|error| error.panic());
        "from_slice": Tensor::from_slice([HALF, 2], &[0.0; 0]).unwrap_or_else(|error| error.panic());
        "index": Index::new([1 << 32, 1 << 32], vec![]).unwrap_or_else(|error| error.panic());
        "index": Index::new([HALF + 1, 2], vec![0, 0]).unwrap_or_else(|error| error.panic());
        "index": Index::new([1 << 32, 1 << 32, 0], vec![]).unwrap_or_else(|error| error.panic());
        "one_hot": Tensor::<f64>::one_hot([0], MAX).unwrap_or_else(|error| error.panic());
        "one_hot": Tensor::<f64>::one_hot([0, 1], LONG).unwrap_or_else(|error| error.panic());
        "one_hot": Tensor::<f64>::one_hot([MAX], 3).unwrap_or_else(|error| error.panic());
        "one_hot": Tensor::<f64>::one_hot(vec![], MAX).unwrap_or_else(|error| error.panic());
        "meshgrid": {
            let axis = Tensor::scalar(1.0).broadcast_to([1 << 32]);
            Tensor::meshgrid(&[&axis, &axis]).unwrap_or_else(|error| error.panic())
        };
        "cast": Tensor::<f32>::scalar(1.0).broadcast_to([1 << 60]).cast::<f64>();
        "cast": Tensor::scalar(1.0).broadcast_to([LONG]).cast::<f32>();
        "to_vec": Tensor::scalar(1.0).broadcast_to([LONG]).to_vec();
        "map_elements": Tensor::scalar(1.0).broadcast_to([LONG]).map_elements(|x| x);
        "argmax": Tensor::scalar(1.0).broadcast_to([LONG]).argmax();
        "argmin": Tensor::scalar(1.0).broadcast_to([2, LONG]).argmin_axis(1);
        "argsort": Tensor::scalar(1.0).broadcast_to([LONG]).argsort(0, false);
    };
    assert!(count >= 50, "{count} calls");
    let tape = Tape::new();
    assert_eq!(tape.vector(&[]).shape(), [0]);
}

/// Every call on a tensor and on a recorded one.
macro_rules! on_both {
    ($($op:literal: $x:expr => |$name:ident| $call:expr;)*) => {{
        all_refuse! {$(
            $op: {
                let $name = &$x;
                let _value = $call;
            };
            $op: {
                let tape = Tape::new();
                let $name = tape.var($x);
                let _value = $call;
            };
        )*}
    }};
}

#[test]
fn requested_shapes_are_checked() {
    let one = || Tensor::scalar(1.0);
    let count = on_both! {
        "reshape": numbers(2) => |x| x.reshape([HALF + 1, 2]);
        "reshape": numbers(1) => |x| x.reshape([MAX, MAX]);
        "reshape": numbers(0) => |x| x.reshape([1_usize << 32, 1 << 32]);
        "reshape": numbers(0) => |x| x.reshape([1_usize << 32, 1 << 32, 0]);
        "reshape": one().broadcast_to([1 << 24, 1 << 24]).transpose() => |x| x.reshape([1_usize << 48]);
        "broadcast_to": one() => |x| x.broadcast_to([(1 << 60) + 64, 16]);
        "broadcast_to": one() => |x| x.broadcast_to([MAX]);
        "broadcast_to": one() => |x| x.broadcast_to([1 << 32, 1 << 32, 0]);
        "sum_to": numbers(3) => |x| x.sum_to([MAX, 3]);
        "repeat": numbers(2) => |x| x.repeat([HALF]);
        "repeat": numbers(2) => |x| x.repeat([HALF + 1]);
        "repeat": numbers(2) => |x| x.repeat([1 << 32, 1 << 31]);
        "repeat": numbers(0) => |x| x.repeat([MAX]);
        "repeat": numbers(2) => |x| x.repeat([LONG]);
        "repeat": numbers(2) => |x| x.tile([MAX]);
        "repeat": numbers(2) => |x| x.tile([LONG, 3]);
        "repeat_interleave": numbers(2) => |x| x.repeat_interleave(HALF, 0);
        "repeat_interleave": numbers(2) => |x| x.repeat_interleave(MAX, -1);
        "repeat_interleave": numbers(2) => |x| x.repeat_interleave(LONG, 0);
        "repeat_interleave": numbers(0) => |x| x.repeat_interleave(MAX, 0);
        "repeat_interleave": numbers(2) => |x| x.repeat_interleave(1, isize::MIN);
        "pad": numbers(2) => |x| x.pad([(MAX, 0)], PadMode::Constant(0.0));
        "pad": numbers(2) => |x| x.pad([(MAX, MAX)], PadMode::Constant(0.0));
        "pad": numbers(2) => |x| x.pad([(HALF, HALF)], PadMode::Constant(0.0));
        "pad": numbers(2) => |x| x.pad([(0, LONG)], PadMode::Constant(0.0));
        "pad": numbers(2) => |x| x.pad([(MAX, 0)], PadMode::Reflect);
        "pad": numbers(2) => |x| x.pad([(0, MAX)], PadMode::Reflect);
        "pad": numbers(2) => |x| x.pad([(HALF, 3)], PadMode::Replicate);
        "pad": numbers(2) => |x| x.pad([(LONG, 3)], PadMode::Replicate);
        "pad": numbers(2) => |x| x.pad([(LONG, 3)], PadMode::Circular);
        "pad_or_crop": numbers(2) => |x| x.pad_or_crop([(isize::MIN, isize::MIN)], PadMode::Circular);
        "pad": numbers(2) => |x| x.pad_or_crop([(isize::MAX, -1)], PadMode::Constant(0.0));
        "diag_embed": numbers(2) => |x| x.diag_embed(isize::MIN);
        "place_diag": numbers(2) => |x| x.diag_embed(1 << 40);
        "fold": numbers(2) => |x| x.fold(0, 2, 1, [MAX]);
        "move_axis": numbers(2) => |x| x.move_axis(isize::MIN, 0);
        "index_put": numbers(2) => |x| x.index_put([[MAX]], 0.0, false);
        "nonzero": one().broadcast_to([LONG]) => |x| x.nonzero();
        "count_nonzero": one().broadcast_to([LONG]) => |x| x.count_nonzero_axes(0, false);
        "any": one().broadcast_to([LONG]) => |x| x.any();
        "rearrange": numbers(2) => |x| x.rearrange("(a b) -> a b", [("a", MAX)]);
        "pad": Tensor::<f64>::zeros([0, 1]) => |x| x.pad([(0, 0), (LONG, 0)], PadMode::Replicate);
        "diag": numbers(2) => |x| x.diag(isize::MAX);
        "diag": numbers(2) => |x| x.diag(isize::MIN);
        "diag": numbers(2) => |x| x.diag(1 << 40);
        "diag": numbers(2) => |x| x.diag(1 << 30);
        "slice": numbers(3) => |x| x.slice(0, isize::MAX..);
        "slice": numbers(3) => |x| x.slice(0, isize::MIN..);
        "slice": numbers(3) => |x| x.slice(0, ..isize::MAX);
        "slice": numbers(3) => |x| x.slice(0, ..=isize::MAX);
        "slice": numbers(3) => |x| x.slice(0, (Bound::Included(0), Bound::Included(isize::MIN)));
        "slice": numbers(3) => |x| x.slice(0, (Bound::Excluded(isize::MAX), Bound::Unbounded));
        "slice": numbers(3) => |x| x.slice(0, (Bound::Excluded(isize::MIN), Bound::Unbounded));
        "slice": numbers(3) => |x| x.slice(isize::MIN, ..);
        "slice": numbers(3) => |x| x.slice(isize::MAX, ..);
        "slice": numbers(3) => |x| x.slice_step(0, .., 0);
        "unfold": numbers(3) => |x| x.unfold(0, MAX, 1);
        "unfold": numbers(3) => |x| x.unfold(isize::MIN, 1, 1);
        "unfold": one().broadcast_to([1 << 40]) => |x| x.unfold(0, 1 << 39, 1);
        "roll": numbers(3) => |x| x.roll(1, isize::MAX);
        "flip": numbers(3) => |x| x.flip([isize::MIN]);
        "permute": numbers(3) => |x| x.permute([isize::MIN]);
        "sum": numbers(3) => |x| x.sum_axes(isize::MIN, false);
        "mean": numbers(3) => |x| x.mean_axes([isize::MAX], true);
        "max": numbers(3) => |x| x.max_axes(isize::MIN, false);
        "var": numbers(3) => |x| x.variance_axes(isize::MAX, MAX, false);
        "norm": numbers(3) => |x| x.norm_axes(2.0, isize::MIN, false);
        "softmax": numbers(3) => |x| x.softmax(isize::MIN);
        "log_softmax": numbers(3) => |x| x.log_softmax(isize::MAX);
        "logsumexp": numbers(3) => |x| x.logsumexp_axes(isize::MIN, true);
        "cumsum": numbers(3) => |x| x.cumsum(isize::MIN);
        "cumprod": numbers(3) => |x| x.cumprod(isize::MAX);
        "center": numbers(3) => |x| x.center(isize::MIN);
        "prod": numbers(3) => |x| x.prod_axes(isize::MIN, true);
        "squeeze": numbers(3) => |x| x.squeeze(isize::MIN);
        "unsqueeze": numbers(3) => |x| x.unsqueeze(isize::MIN);
        "unsqueeze": numbers(3) => |x| x.unsqueeze(isize::MAX);
        "flatten": numbers(3) => |x| x.flatten(isize::MIN..);
        "flatten": numbers(3) => |x| x.flatten(..=isize::MAX);
        "split": numbers(3) => |x| x.split(&[MAX, 4], 0);
        "split": numbers(3) => |x| x.split(&[HALF, HALF, 3], 0);
        "split": numbers(3) => |x| x.split(&[3], isize::MIN);
        "chunk": numbers(3) => |x| x.chunk(0, 0);
        "chunk": numbers(0) => |x| x.chunk(MAX, 0);
        "chunk": numbers(3) => |x| x.chunk(1, isize::MIN);
        "take": numbers(3) => |x| x.take([MAX]);
        "take": numbers(3) => |x| x.take([HALF]);
        "gather": numbers(3) => |x| x.gather(0, [MAX]);
        "gather": numbers(3) => |x| x.gather(isize::MIN, [0]);
        "index_select": numbers(3) => |x| x.index_select(0, [HALF]);
        "index_select": numbers(3) => |x| x.index_select(isize::MAX, [0]);
        "at": numbers(3) => |x| x.at([MAX]);
        "at": numbers(3) => |x| x.at([HALF]);
        "topk": numbers(3) => |x| x.topk(MAX, 0, true);
        "topk": numbers(3) => |x| x.topk(1, isize::MIN, true);
        "sort": numbers(3) => |x| x.sort(isize::MIN, true);
        "argsort": numbers(3) => |x| x.argsort(isize::MAX, true);
        "argmax": numbers(3) => |x| x.argmax_axis(isize::MIN);
        "sum": one().broadcast_to([LONG]) => |x| x.sum();
        "sum": Tensor::<f64>::zeros([0, 1]).broadcast_to([0, LONG]) => |x| x.sum_axes(0, false);
        "mean": one().broadcast_to([LONG]) => |x| x.mean();
        "exp": one().broadcast_to([LONG]) => |x| x.exp();
        "powi": one().broadcast_to([LONG]) => |x| x.powi(2);
        "cumsum": one().broadcast_to([LONG]) => |x| x.cumsum(0);
        "tril": one().broadcast_to([LONG, 2]) => |x| x.tril(0);
        "max_pool2d": image([1, 1, 2, 2]) => |x| x.max_pool2d(window([1, 1], [1, 1], [MAX, 0], [1, 1]));
        "max_pool2d": image([1, 1, 2, 2]) => |x| x.max_pool2d(window([1, 1], [1, 1], [HALF, HALF], [1, 1]));
        "max_pool2d": image([1, 1, 2, 2]) => |x| x.max_pool2d(window([1, 1], [1, 1], [LONG, LONG], [1, 1]));
        "max_pool2d": image([1, 1, 2, 2]) => |x| x.max_pool2d(window([MAX, 1], [1, 1], [0, 0], [1, 1]));
        "max_pool2d": image([1, 1, 2, 2]) => |x| x.max_pool2d(window([3, 1], [1, 1], [0, 0], [MAX, 1]));
        "max_pool2d": image([1, 1, 2, 2]) => |x| x.max_pool2d(window([0, 1], [1, 1], [0, 0], [1, 1]));
        "max_pool2d": image([1, 1, 2, 2]) => |x| x.max_pool2d(window([1, 1], [0, 1], [0, 0], [1, 1]));
        "max_pool2d": image([1, 1, 2, 2]) => |x| x.max_pool2d(window([2, 1], [1, 1], [9, 0], [1, 1]));
        "avg_pool2d": image([1, 1, 2, 2]) => |x| {
            x.avg_pool2d(AvgWindows::Sliding { window: window([2, 2], [1, 1], [MAX, 0], [1, 1]), count_padding: true })
        };
        "avg_pool2d": image([1, 1, 2, 2]) => |x| {
            x.avg_pool2d(AvgWindows::Sliding { window: window([2, 2], [1, 1], [LONG, 0], [1, 1]), count_padding: true })
        };
        "avg_pool2d": image([1, 1, 2, 2]) => |x| {
            x.avg_pool2d(AvgWindows::Sliding { window: window([1, 1], [1, 1], [0, 0], [MAX, MAX]), count_padding: true })
        };
        "avg_pool2d": image([1, 1, 2, 2]) => |x| x.avg_pool2d(AvgWindows::Adaptive { size: [MAX, 1] });
        "avg_pool2d": image([1, 1, 2, 2]) => |x| x.avg_pool2d(AvgWindows::Adaptive { size: [LONG, 1] });
        "avg_pool2d": image([1, 1, 2, 2]) => |x| x.avg_pool2d(AvgWindows::Adaptive { size: [1 << 32, 1 << 32] });
        "unfold2d": image([1, 1, 2, 2]) => |x| x.unfold2d(window([1, 1], [1, 1], [MAX, 0], [1, 1]));
        "unfold2d": image([1, 1, 2, 2]) => |x| x.unfold2d(window([1, 1], [1, 1], [1 << 40, 1 << 40], [1, 1]));
        "unfold2d": image([1, 1, 2, 2]) => |x| x.unfold2d(window([1 << 40, 1 << 40], [1, 1], [1 << 40, 1 << 40], [1, 1]));
        "unfold2d": image([1, 1, 2, 2]) => |x| x.unfold2d(window([MAX, MAX], [1, 1], [0, 0], [MAX, MAX]));
    };
    assert!(count >= 209, "{count} calls");
}

#[test]
fn mismatched_operands_are_refused() {
    let tape = Tape::new();
    let one = Tensor::scalar(1.0);
    let (column, row) = (one.broadcast_to([1 << 40, 1]), one.broadcast_to([1, 1 << 40]));
    let vector = one.broadcast_to([1 << 40]);
    let (x, w) = (image([1, 1, 2, 2]), image([1, 1, 1, 1]));
    let conv = |stride, padding, dilation, groups| Conv2d { stride, padding, dilation, groups };
    let transposed = |stride, padding, dilation, output_padding| ConvTranspose2d {
        conv: conv(stride, padding, dilation, 1),
        output_padding,
    };
    let kernel = image([1, 1, 2, 2]);
    let count = all_refuse! {
        "add": &column + &row;
        "mul": tape.constant(column.clone()) * tape.constant(row.clone());
        "maximum": column.maximum(&row);
        "if_gt": tape::Arithmetic::if_gt(column.clone(), row.clone(), column.clone(), row.clone());
        "select": one.select(&column, &row);
        "gt": column.gt(&row);
        "eq_mask": one.broadcast_to([LONG]).eq_mask(1.0);
        "outer": vector.outer(&vector);
        "outer": one.broadcast_to([1 << 25]).outer(&one.broadcast_to([1 << 25]));
        "matmul": column.matmul(&row);
        "matmul": one.broadcast_to([1 << 40, 16]).matmul(&Tensor::ones([16, 16]));
        "matmul": row.matmul(&column);
        "dot": Tensor::apply(ops::Dot, &[&one.broadcast_to([LONG]), &one.broadcast_to([LONG])]);
        "linear": column.linear(&column, &vector);
        "linear": one.broadcast_to([1 << 40, 16]).linear(&Tensor::ones([64, 16]), &Tensor::ones([64]));
        "solve": Tensor::eye(2).solve(&one.broadcast_to([2, LONG]));
        "triangular_solve": Tensor::eye(2).triangular_solve(&one.broadcast_to([2, LONG]), true, false, false);
        "cross": numbers(3).cross(&Tensor::ones([3]), isize::MIN);
        "recurrence": numbers(3).linear_scan(&Tensor::ones([3]), isize::MAX, false);
        "cross_entropy": numbers(3).cross_entropy(&Tensor::ones([3]), isize::MIN);
        "scatter": numbers(3).scatter(&numbers(1), 0, [MAX]);
        "scatter_add": numbers(3).scatter_add(&numbers(1), isize::MIN, [0]);
        "concat": Tensor::concat(&[&one.broadcast_to([1 << 59]), &one.broadcast_to([1 << 59])], 0);
        "concat": Tensor::concat(&[&one.broadcast_to([LONG])], 0);
        "concat": Tensor::concat(&[&numbers(2)], isize::MIN);
        "concat": Tensor::concat(&vec![&one.broadcast_to([1 << 59]); 32], 0);
        "stack": Tensor::stack(&[&one.broadcast_to([1 << 59]), &one.broadcast_to([1 << 59])], 0);
        "stack": Tensor::stack(&[&one.broadcast_to([LONG])], 0);
        "stack": Tensor::stack(&[&numbers(2)], isize::MIN);
        "stack": tape.stack(&[tape.constant(numbers(2))], isize::MAX);
        "einsum": Tensor::einsum("i,j->ij", &[&vector, &vector]);
        "einsum": Tensor::einsum("i,j->ij", &[&one.broadcast_to([1 << 25]), &one.broadcast_to([1 << 25])]);
        "einsum": tape.einsum("i,j,k->", &[tape.constant(numbers(2))]);
        "einsum": {
            let x = tape.constant(vector.clone());
            tape.try_einsum("i,j->ij", &[x, x]).unwrap_or_else(|error| error.panic())
        };
        "conv2d": x.conv2d(&w, conv([1, 1], [HALF, 0], [1, 1], 1));
        "conv2d": x.conv2d(&w, conv([1, 1], [MAX, MAX], [1, 1], 1));
        "conv2d": x.conv2d(&w, conv([1, 1], [LONG, 0], [1, 1], 1));
        "conv2d": x.conv2d(&w, conv([1, 1], [1 << 40, 1 << 40], [1, 1], 1));
        "conv2d": x.conv2d(&kernel, conv([1, 1], [0, 0], [MAX, 1], 1));
        "conv2d": x.conv2d(&kernel, conv([1, 1], [0, 0], [HALF, HALF], 1));
        "conv2d": x.conv2d(&w, conv([0, 1], [0, 0], [1, 1], 1));
        "conv2d": x.conv2d(&w, conv([1, 1], [0, 0], [0, 1], 1));
        "conv2d": x.conv2d(&w, conv([1, 1], [0, 0], [1, 1], MAX));
        "conv2d": x.conv2d(&w, conv([1, 1], [0, 0], [1, 1], 0));
        "conv2d": image([1, 0, 2, 2]).conv2d(&image([0, 0, 1, 1]), conv([1, 1], [0, 0], [1, 1], MAX));
        "conv2d": tape.constant(x.clone()).conv2d(tape.constant(w.clone()), conv([1, 1], [HALF, 0], [1, 1], 1));
        "conv_transpose2d": Tensor::apply(transposed([MAX, 1], [0, 0], [1, 1], [0, 0]), &[&x, &w]);
        "conv_transpose2d": Tensor::apply(transposed([HALF, HALF], [0, 0], [1, 1], [0, 0]), &[&x, &w]);
        "conv_transpose2d": Tensor::apply(transposed([1, 1], [0, 0], [MAX, 1], [0, 0]), &[&x, &kernel]);
        "conv_transpose2d": Tensor::apply(transposed([1, 1], [MAX, 0], [1, 1], [0, 0]), &[&x, &w]);
        "conv_transpose2d": Tensor::apply(transposed([1, 1], [0, 0], [1, 1], [MAX, 0]), &[&x, &w]);
        "conv_transpose2d": Tensor::apply(transposed([LONG, 1], [0, 0], [1, 1], [0, 0]), &[&x, &w]);
        "conv_transpose2d": Tensor::apply(transposed([MAX, 1], [0, 0], [1, 1], [MAX - 1, 0]), &[&x, &w]);
        "jacobian": transform::jacobian(|x| x * 2.0, numbers(1 << 23));
        "hessian": transform::hessian(|x| x.squared_distance(x).item(), numbers(1 << 23));
        "place": Tensor::apply(
            ops::SliceAdjoint { slice: ops::Slice::new(0, .., 1), shape: Shape::from([MAX]) },
            &[&numbers(3)],
        );
        "place_at": Tensor::apply(ops::AtAdjoint { index: [0].into(), shape: [MAX].into() }, &[&one]);
        "place_at": Tensor::apply(ops::AtAdjoint { index: [0].into(), shape: [LONG].into() }, &[&one]);
        "place_diag": Tensor::apply(ops::DiagAdjoint { offset: 0, shape: [MAX, MAX].into() }, &[&numbers(3)]);
        "fold": Tensor::apply(
            ops::Fold { unfold: ops::Unfold { axis: 0, size: 1, step: 1 }, shape: [MAX].into() },
            &[&numbers(3)],
        );
        "fold2d": Tensor::apply(
            ops::Fold2d { window: Window::new([1, 1]), size: [MAX, MAX] },
            &[&numbers(3).reshape([1, 1, 3])],
        );
        "index_add": Tensor::apply(ops::IndexAdd { axis: 0, index: [0].into(), extent: MAX }, &[&numbers(1)]);
        "index_add": Tensor::apply(ops::IndexAdd { axis: 0, index: [0].into(), extent: LONG }, &[&numbers(1)]);
        "add_rows": Tensor::apply(
            ops::EmbeddingAdjoint { taken: ops::Embedding::new(&[0]), rows: MAX },
            &[&numbers(2).reshape([1, 2])],
        );
        "embedding": Tensor::apply(ops::Embedding::new(&[MAX]), &[&Tensor::<f64>::ones([2, 2])]);
        "embedding": Tensor::apply(
            ops::Embedding { indices: [0, 1][..].into(), shape: [HALF + 1, 2].into() },
            &[&Tensor::<f64>::ones([2, 2])],
        );
        "vector": Tensor::apply(ops::FromScalars { shape: [HALF + 1, 2].into() }, &[&one, &one]);
        "spread_pool2d": Tensor::apply(
            ops::AvgPool2dAdjoint { pool: AvgWindows::Adaptive { size: [1, 1] }, size: [MAX, MAX] },
            &[&image([1, 1, 1, 1])],
        );
    };
    assert!(count >= 60, "{count} calls");
}

/// The rank has no limit of its own: shapes, views, sums, gradients and text work far beyond what is stored inline.
#[test]
fn tensors_of_any_rank() {
    for rank in [6, 7, 8, 9, 64, 65, 1000] {
        let mut shape = vec![1; rank];
        (shape[0], shape[rank - 1]) = (2, 3);
        let tape = Tape::new();
        let x = tape.var(numbers(6).reshape(shape.clone()));
        assert_eq!((x.shape().rank(), x.shape().size()), (rank, 6));
        let order: Vec<isize> = (0..rank as isize).rev().collect();
        let turned = x.permute(&order[..]);
        assert_eq!(turned.shape()[0], 3);
        shape[1] = 4;
        let y = (turned.permute(&order[..]) * 2.0).broadcast_to(shape) + tape.constant(Tensor::ones([3]));
        let sum = y.sum_axes([0, -1], false);
        assert_eq!(sum.shape().rank(), rank - 2);
        assert_eq!(sum.sum().value(), 4.0 * (2.0 * 15.0 + 6.0));
        assert_eq!(sum.sum().backward().wrt(x).to_vec(), [8.0; 6]);
        assert_eq!(sum.sum().jvp(x, x.value()), 8.0 * 15.0);
        assert!(x.value().to_string().ends_with(']'), "rank {rank}");
        let axis = complaint("sum", || x.sum_axes(rank as isize, false));
        assert_eq!(axis, None, "rank {rank}");
    }
}

/// Calls near the limits that have a result.
#[test]
fn extreme_calls_with_a_result_give_it() {
    let x = numbers(3);
    let matrix = image([1, 1, 3, 3]).reshape([3, 3]);
    // Shifts and diagonals of any size.
    assert_eq!(x.roll(isize::MIN, 0), x.roll((isize::MIN).rem_euclid(3), 0));
    assert_eq!(x.roll(isize::MAX, 0), x.roll(isize::MAX % 3, 0));
    for k in [isize::MIN, isize::MAX] {
        let (none, all) = (Tensor::zeros([3, 3]), matrix.clone());
        assert_eq!(matrix.tril(k), if k < 0 { none.clone() } else { all.clone() });
        assert_eq!(matrix.triu(k), if k < 0 { all } else { none });
        assert_eq!(matrix.diag(k).shape(), [0]);
        let tape = Tape::new();
        let (a, v) = (tape.var(matrix.clone()), tape.var(x.clone()));
        assert_eq!(a.diag(k).vjp(Tensor::zeros([0])).wrt(a), Tensor::zeros([3, 3]));
        // The cotangent is shifted back.
        let y = v.roll(k, 0);
        assert_eq!(y.vjp(y.value()).wrt(v), x);
    }
    // Nothing comes after the last element.
    assert_eq!(x.slice(0, (Bound::Excluded(-1), Bound::Unbounded)).shape(), [0]);
    assert_eq!(x.slice_step(0, .., MAX).to_vec(), [0.0]);
    assert_eq!(x.chunk(MAX, 0).len(), 3);
    assert_eq!(x.unfold(0, 1, MAX).shape(), [1, 1]);
    assert_eq!(x.repeat_interleave(0, 0).shape(), [0]);
    assert_eq!(Tensor::<f64>::zeros([0, 3]).pad([(0, 0), (1, 1)], PadMode::Replicate).shape(), [0, 5]);
    assert_eq!(x.variance_axes(0, MAX, false).item(), f64::INFINITY);

    // Windows that are almost entirely in the padding.
    let picture = image([1, 1, 2, 2]);
    let far = window([1 << 40, 1 << 40], [MAX, MAX], [1 << 39, 1 << 39], [1, 1]);
    assert_eq!(picture.max_pool2d(far).to_vec(), [3.0]);
    let mean = |count_padding| picture.avg_pool2d(AvgWindows::Sliding { window: far, count_padding }).item();
    assert_eq!([mean(false), mean(true)], [1.5, 6.0 / (1u128 << 80) as f64]);
    let strided = window([2, 2], [MAX, MAX], [0, 0], [1, 1]);
    assert_eq!(picture.max_pool2d(strided).to_vec(), [3.0]);
    let tape = Tape::new();
    let v = tape.var(picture.clone());
    let pooled = v.max_pool2d(far);
    assert_eq!(pooled.vjp(Tensor::full([1, 1, 1, 1], 2.0)).wrt(v).to_vec(), [0.0, 0.0, 0.0, 2.0]);

    // Powers and polygamma functions of every order.
    for x in [1.0, -1.0, 0.5, 2.0, 1e300, 0.0] {
        let (tape, n) = (Tape::new(), i32::MIN);
        let v = tape.scalar(x);
        let y = v.powi(n);
        assert_eq!(y.value(), f64::powf(x, f64::from(n)), "{x}");
        let slope = f64::from(n) * f64::powf(x, f64::from(n) - 1.0);
        assert_eq!(y.backward().wrt(v), slope, "{x}");
        assert_eq!(v.powi(i32::MAX).value(), f64::powf(x, f64::from(i32::MAX)), "{x}");
    }
    assert_eq!(Tensor::from([1.0_f32, -1.0, 2.0]).powi(i32::MIN).to_vec(), [1.0, 1.0, 0.0]);
    // `mpmath.psi` with 30 digits.
    let table = [
        (171, 400.0, 9.955_951_183_686_45e-139),
        (200, 50.5, -3.498_270_281_580_372_5e32),
        (200, 300.0, -2.034_303_512_767_49e-123),
        (1000, 500.25, -6.048_150_364_868_072e-135),
        (100_000, 36_800.0, -1.357_876_142_036_396e-16),
    ];
    for (n, x, expected) in table {
        let found = Real::polygamma(x, n);
        let bound = 4.0 * f64::from(n) * f64::from(n).ln() * f64::EPSILON;
        assert!((found / expected - 1.0).abs() < bound, "order {n} at {x}: {found}, expected {expected}");
    }
    for n in [u32::MAX, u32::MAX - 1, 1 << 31] {
        let sign = if n % 2 == 1 { 1.0 } else { -1.0 };
        assert_eq!(Real::polygamma(1.0, n), sign * f64::INFINITY);
        assert_eq!(Real::polygamma(1e12, n), sign * 0.0);
        assert_eq!(Real::polygamma(1e12_f32, n), sign as f32 * 0.0);
        let value = Real::polygamma(-1.5, n);
        assert!(value.is_nan(), "order {n}: {value}");
        let tape = Tape::new();
        let v = tape.scalar(2.0);
        let slope = v.polygamma(n).backward().wrt(v);
        let right = if n == u32::MAX { slope.is_nan() } else { slope == -sign * f64::INFINITY };
        assert!(right, "order {n}: slope {slope}");
    }
    assert_eq!(Axes::from(isize::MIN), Axes::from([isize::MIN]));
}

/// An error about a shape whose elements cannot be counted is printed as well.
#[test]
fn errors_of_every_size_are_printed() {
    let text = |shape: Vec<usize>| Error::Elements { op: "f", shape, found: 1 }.to_string();
    assert_eq!(
        text(vec![MAX, MAX]),
        format!("f: shape [{MAX}, {MAX}] needs {} elements, found 1", MAX as u128 * MAX as u128)
    );
    assert_eq!(
        text(vec![MAX; 3]),
        format!("f: shape [{MAX}, {MAX}, {MAX}] needs more elements than can be counted, found 1")
    );
    assert_eq!(
        Error::Size { op: "f", limit: MAX, found: vec![MAX; 9] }
            .to_string()
            .matches(&MAX.to_string())
            .count(),
        10
    );
    let error = refused(ops::Repeat { reps: [LONG].into() }, &[&numbers(2)]);
    let expected = "repeat: expected memory for 562949953421312 bytes of shape [70368744177664], found less";
    assert_eq!(error.to_string(), expected);
}

/// No call of this file iterates over the elements of what it refuses.
#[test]
fn refusals_take_no_time() {
    let start = Instant::now();
    let picture = image([1, 1, 2, 2]);
    for _ in 0..1000 {
        let far = window([1 << 40, 1 << 40], [1, 1], [LONG, LONG], [1, 1]);
        assert!(refusal(|| picture.max_pool2d(far)).is_some());
        assert!(refusal(|| Tensor::<f64>::zeros([LONG])).is_some());
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}
