//! The text of every error, where it is raised, and the line it points at.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, Location};
use std::sync::Once;
use tape::{Error, ParamId, Tape, Tensor};

thread_local! {
    /// Line and text of the last panic on this thread, while one is expected.
    static LAST: RefCell<Option<(u32, String)>> = const { RefCell::new(None) };
    static EXPECTED: RefCell<bool> = const { RefCell::new(false) };
}

/// Runs `work`, which must panic, and returns the line that the panic points at and its text.
#[track_caller]
fn panic_of(work: impl FnOnce()) -> (u32, String) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !EXPECTED.with_borrow(|&expected| expected) {
                return usual(info);
            }
            let here = info.location().filter(|at| at.file() == file!());
            let text = info.payload_as_str().unwrap_or_default().to_string();
            LAST.set(Some((here.map_or(0, Location::line), text)));
        }));
    });
    EXPECTED.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    EXPECTED.set(false);
    assert!(result.is_err(), "no panic");
    LAST.take().expect("the hook has seen the panic")
}

#[test]
fn every_variant_says_what_was_expected_and_found() {
    let texts = [
        (
            Error::Broadcast { op: "add", lhs: vec![2, 3], rhs: vec![4] },
            "add: shapes do not broadcast: [2, 3] and [4]",
        ),
        (Error::Shape { op: "vjp", expected: vec![2], found: vec![3] }, "vjp: expected shape [2], found [3]"),
        (
            Error::InnerDims { op: "matmul", lhs: vec![2, 3], rhs: vec![4, 5] },
            "matmul: inner dimensions differ: [2, 3] · [4, 5]",
        ),
        (
            Error::Rank { op: "item", expected: "rank 0", found: vec![2] },
            "item: expected rank 0, found shape [2]",
        ),
        (
            Error::Axis { op: "sum", axis: -3, shape: vec![2, 2] },
            "sum: axis -3 does not exist in shape [2, 2]",
        ),
        (Error::RepeatedAxis { op: "sum", axis: 1 }, "sum: axis 1 appears more than once"),
        (
            Error::Index { op: "slice", index: 7, axis: 0, shape: vec![5] },
            "slice: index 7 is out of range for axis 0 of shape [5]",
        ),
        (
            Error::Elements { op: "reshape", shape: vec![2, 3], found: 5 },
            "reshape: shape [2, 3] needs 6 elements, found 5",
        ),
        (Error::Empty { op: "max", shape: vec![0] }, "max: no elements to reduce in shape [0]"),
        (
            Error::Operands { op: "matmul", expected: "two operands", found: 1 },
            "matmul: expected two operands, found 1 operands",
        ),
        (Error::ForeignTape { op: "add", tapes: [3, 8] }, "add: operands of two tapes: tape 3 and tape 8"),
        (Error::Capacity { limit: 10 }, "tape: full, it holds at most 10 nodes"),
        (
            Error::NotKept { op: "mul", node: 4 },
            "gradients: node 4 (mul) is not a leaf and its gradient was not kept; \
             use backward_all() or backward_retaining()",
        ),
        (
            Error::UnknownParameter { id: 5 },
            "gradients: parameter 5 was not recorded on this tape as a variable (frozen ones are not)",
        ),
        (
            Error::ChangedParameter { id: 5, shape: vec![2, 3] },
            "param: the value of parameter 5, of shape [2, 3], changed after it was recorded; \
             reset the tape before the next forward pass",
        ),
        (
            Error::Invalid { op: "slice", reason: "expected a step of 1 or more, found 0".into() },
            "slice: expected a step of 1 or more, found 0",
        ),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
        assert_eq!(panic_of(|| error.panic()).1, text, "the panicking form has the same text");
    }
    let site = Location::caller();
    let error = Box::new(Error::Shape { op: "add", expected: vec![1], found: vec![2] });
    let text = format!(
        "add: expected shape [1], found [2]; operand 0 created at {site}, operand 1 created at {site}"
    );
    assert_eq!(Error::At { error, operands: vec![site, site] }.to_string(), text);
}

/// Checks that an expression panics with a text, at the line of the expression.
macro_rules! refused {
    ($work:expr, $($text:expr),+) => {{
        let (line, text) = panic_of(|| { let _ = $work; });
        $(assert!(text.contains(&*$text), "{text}");)+
        assert_eq!(line, line!(), "{text}: the line");
    }};
}

#[test]
fn shapes_are_refused_at_the_users_line() {
    let tape = Tape::new();
    let (x, y) = (tape.var([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), tape.var([1.0, 2.0]));
    let plain = Tensor::from([1.0, 2.0]);
    refused!(x + y, "add: shapes do not broadcast: [2, 3] and [2]");
    refused!(x - &plain, "sub: shapes do not broadcast: [2, 3] and [2]");
    refused!(&plain * x, "mul: shapes do not broadcast: [2] and [2, 3]");
    refused!(&x.value() / &plain, "div: shapes do not broadcast: [2, 3] and [2]");
    refused!(x.value() + plain.clone(), "add: shapes do not broadcast");
    refused!(x.zip(y, tape::ops::Mul), "mul: shapes do not broadcast");
    refused!(x.matmul(x), "matmul: inner dimensions differ: [2, 3] · [2, 3]");
    refused!(x.value().matmul(&x.value()), "matmul: inner dimensions differ: [2, 3] · [2, 3]");
    refused!(x.sum_axes(2, false), "sum: axis 2 does not exist in shape [2, 3]");
    refused!(x.sum_axes([0, -2], false), "sum: axis 0 appears more than once");
    refused!(x.reshape([4]), "reshape: shape [4] needs 4 elements, found 6");
    refused!(x.slice(1, 1..5), "slice: index 5 is out of range for axis 1 of shape [2, 3]");
    refused!(x.slice_step(1, .., 0), "slice: expected a step of 1 or more, found 0");
    refused!(x.at([0, 3]), "at: index 3 is out of range for axis 1 of shape [2, 3]");
    refused!(x.item(), "item: expected rank 0, found shape [2, 3]");
    refused!(y.transpose(), "transpose: expected rank 2 or more, found shape [2]");
    refused!(tape.constant(Tensor::zeros([0])).max(), "max: no elements to reduce in shape [0]");
    refused!(Tensor::<f64>::zeros([0]).max(), "max: no elements to reduce in shape [0]");
    refused!(Tensor::<f64>::zeros([2, 0]).min_axes(1, true), "min: no elements to reduce in shape [2, 0]");
    assert_eq!(
        Tensor::<f64>::zeros([2, 0]).max_axes(0, false).shape(),
        [0],
        "a maximum for each of no columns"
    );
    refused!(tape.concat(&[x, y], 0), "concat:");
    refused!(tape.stack(&[x, y], 0), "stack: expected shape [2, 3], found [2]");
    refused!(tape.stack(&[], 0), "stack: expected one operand or more, found 0");
    refused!(tape.apply(tape::ops::MatMul, &[x]), "matmul: expected two operands, found 1");
    refused!(y.vjp([1.0]), "vjp: expected shape [2], found [1]");
    refused!(y.grad(x, y), "grad: expected shape [2], found [2, 3]");
    refused!(y.jvp(y, Tensor::from([1.0])), "jvp: expected shape [2], found [1]");
    refused!(tape.pushforward(y, y, x), "pushforward: expected shape [2], found [2, 3]");
    // The standard library is between this line and the crate, so the line is not checked.
    let (_, text) = panic_of(|| _ = std::iter::empty::<tape::Scalar>().sum::<tape::Scalar>());
    assert_eq!(text, "sum: expected one scalar or more, found 0 operands");
    refused!((y * 2.0).sum().backward().wrt(y * 2.0), "is not a leaf and its gradient was not kept");
}

#[test]
fn foreign_tapes_are_refused_at_the_users_line_by_the_ids_of_both() {
    let (one, two) = (Tape::new(), Tape::new());
    let (a, b) = (one.scalar(1.0), two.scalar(2.0));
    let (x, y) = (one.var([1.0]), two.var([2.0]));
    // The ids of tapes are those of their debug form: `Tape<f64> 3 with 2 nodes`.
    let number = |tape: &Tape| format!("tape {}", format!("{tape:?}").split(' ').nth(1).unwrap());
    let (m, n) = (number(&one), number(&two));
    assert_ne!(m, n);
    refused!(a * b, "mul: operands of two tapes", m, n);
    refused!(a.zip(b, tape::ops::Add), "add: operands of two tapes", m, n);
    refused!(x + y, "add: operands of two tapes", m, n);
    refused!(x * b, "mul: operands of two tapes", m, n);
    refused!(a * y, "mul: operands of two tapes", m, n);
    refused!(x.map(tape::ops::Exp).zip(y, tape::ops::Sub), "sub: operands of two tapes", m, n);
    refused!(one.apply(tape::Zip(tape::ops::Sub), &[x, y]), "sub: operands of two tapes", m, n);
    refused!(a.mul_add(b, a), "mul_add: operands of two tapes", m, n);
    refused!(a.mul_add(a, b), "mul_add: operands of two tapes", m, n);
    let constant = one.scalar_constant(1.0);
    refused!(a.mul_add(2.0, constant.mul_add(b, 0.0)), "mul_add: operands of two tapes", m, n);
    refused!(one.vector(&[a, b]), "vector: operands of two tapes", m, n);
    refused!(one.concat(&[x, y], 0), "concat: operands of two tapes", m, n);
    refused!(a.backward().wrt(b), "gradients: operands of two tapes", m, n);
    refused!(a.grad(b), "grad: operands of two tapes", m, n);
    refused!(a.grad([a, b]), "grad: operands of two tapes", m, n);
    refused!(a.backward_retaining(b), "backward_retaining: operands of two tapes", m, n);
    refused!(one.jvp(a, b, 1.0), "jvp: operands of two tapes", m, n);
    refused!(one.pushforward(a, b, a), "pushforward: operands of two tapes", m, n);
    refused!(two.jvp(a, b, 1.0), "jvp: operands of two tapes", m, n);
}

#[test]
fn parameters_are_refused_at_the_users_line() {
    let tape = Tape::new();
    let id = ParamId::new();
    let x = tape.parameter(id, &Tensor::from([1.0]));
    refused!(tape.parameter(id, &Tensor::from([2.0])), "param: the value of parameter", "changed");
    let grads = (x * x).sum().backward();
    refused!(grads.of(ParamId::new()), "was not recorded on this tape");
}

#[test]
fn checked_forms_return_the_error_that_the_others_panic_with() {
    let tape = Tape::new();
    let (x, y) = (tape.var([[1.0, 2.0]]), tape.var([[1.0], [2.0], [3.0]]));
    let error = tape.try_apply(tape::ops::MatMul, &[x, y]).unwrap_err();
    assert_eq!(error, Error::InnerDims { op: "matmul", lhs: vec![1, 2], rhs: vec![3, 1] });
    assert_eq!(panic_of(|| _ = x.matmul(y)).1, error.to_string());
    let found = Tensor::from_vec([2, 2], vec![1.0; 3]).unwrap_err();
    assert_eq!(found, Error::Elements { op: "from_vec", shape: vec![2, 2], found: 3 });
    assert!(Tensor::from_slice([1], &[1.0, 2.0]).is_err());
}

#[test]
fn a_tape_with_locations_names_where_the_operands_were_created() {
    let tape = Tape::new().with_locations();
    let x = tape.var([1.0, 2.0]);
    let first = line!() - 1;
    let y = (x * x).sum_axes(0, true);
    let second = line!() - 1;
    let wide = y.broadcast_to([3]);
    let third = line!() - 1;
    let (line, text) = panic_of(|| {
        let _ = x + wide;
    });
    assert_eq!(line, line!() - 2);
    let at = |line: u32| format!("{}:{line}:", file!());
    let expected = format!("add: shapes do not broadcast: [2] and [3]; operand 0 created at {}", at(first));
    assert!(text.starts_with(&expected) && text.contains(&at(third)), "{text}");
    let text = tape.try_apply(tape::ops::MatMul, &[y, x]).unwrap_err().to_string();
    assert!(text.contains(&at(second)) && text.contains(&at(first)), "{text}");
}

#[test]
fn a_refused_operation_leaves_the_tape_as_it_was() {
    let tape = Tape::new();
    let (x, y) = (tape.var([1.0, 2.0]), tape.var([1.0, 2.0, 3.0]));
    let before = tape.len();
    panic_of(|| _ = x + y);
    panic_of(|| _ = x.reshape([3]));
    assert_eq!(tape.len(), before);
    assert_eq!((x * x).sum().backward().wrt(x), Tensor::from([2.0, 4.0]));
}
