//! Calls with extents, axes, counts and paddings near the limits of their types: each gives the right result, or an error
//! that begins with the operation's name and says what was expected and what was found. None writes where it must not,
//! ends the process or takes for ever, whether or not arithmetic is checked for overflow.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use tape::ops;
use tape::{Error, Op, Tape, Tensor};

thread_local! {
    /// File and text of the last panic on this thread, while one is expected.
    static LAST: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
    static EXPECTED: RefCell<bool> = const { RefCell::new(false) };
}

/// What a call that must not succeed says, and in which file.
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

    // Of shapes that there can be, the product has too many elements, or more than there is memory for.
    let (tall, flat) = (one.broadcast_to([1 << 50, 16]), one.broadcast_to([16, 1 << 50]));
    assert!(matches!(refused(ops::MatMul, &[&tall, &flat]), Error::Size { op: "matmul", .. }));
    assert!(matches!(refused(ops::MatMul, &[&tall, &Tensor::ones([16, 16])]), Error::Memory { .. }));
    let (w, b) = (Tensor::ones([16, 16]), Tensor::ones([16]));
    assert!(matches!(refused(ops::Linear, &[&tall, &w, &b]), Error::Memory { op: "linear", .. }));
    let long = one.broadcast_to([1 << 50]);
    assert!(matches!(refused(ops::Linear, &[&tall, &tall, &long]), Error::Size { op: "linear", .. }));
}

/// A batch of products that repeat one matrix, with extents whose product is just within the limit.
#[test]
fn views_within_the_limit_are_computed() {
    let largest = isize::MAX as usize / 8;
    let view = Tensor::scalar(2.0).broadcast_to([largest, 1, 1]);
    assert_eq!(view.size(), largest);
    let corner = view.slice(0, largest as isize - 3..).matmul(&Tensor::full([4, 1, 1], 3.0).slice(0, ..3));
    assert_eq!(corner, Tensor::full([3, 1, 1], 6.0));
}

/// Why an operation cannot be recorded.
fn refused<O: Op<f64>>(op: O, x: &[&Tensor]) -> Error {
    let tape = Tape::new();
    let x: Vec<_> = x.iter().map(|&x| tape.constant(x.clone())).collect();
    tape.try_apply(op, &x).expect_err("the operation must refuse these operands")
}
