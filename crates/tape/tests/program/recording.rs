//! Operations that a program may record, and those that it refuses.

use tape::{Program, Scalar};

#[track_caller]
fn refusal(record: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = std::panic::catch_unwind(record).expect_err("expected a refusal");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn a_value_cannot_be_asked_for() {
    let text = refusal(|| {
        Program::new(|p| {
            let x = p.input("x");
            if x.value() > 0.0 { x } else { -x }
        });
    });
    assert!(text.starts_with("value: expected a program to be recorded without its values"), "{text}");
    assert!(text.contains("`if_gt`"), "{text}");
    let text = refusal(|| {
        Program::new(|p| {
            let [x, y] = p.inputs(["x", "y"]);
            if x > y { x } else { y }
        });
    });
    assert!(text.contains("decide with"), "{text}");
}

#[test]
fn constants_have_values() {
    let f = Program::new(|p| {
        let x = p.input("x");
        let two = p.constant(2.0);
        if two.value() > 1.0 { x * two } else { x }
    });
    assert_eq!(f.call(&[3.0]), [6.0]);
}

#[test]
fn tensors_are_refused() {
    let text = refusal(|| {
        Program::new(|p| {
            let x = p.input("x");
            x.tape().vector(&[x, x]).sum()
        });
    });
    assert!(text.starts_with("program: expected scalars only in a program, found a tensor"), "{text}");
}

#[test]
fn sweeps_that_need_values_are_refused_and_the_recorded_ones_are_not() {
    let text = refusal(|| {
        Program::new(|p| {
            let x = p.input("x");
            let _grads = (x * x).backward();
            x
        });
    });
    assert!(text.starts_with("backward: "), "{text}");
    let slope = Program::new(|p| {
        let x = p.input("x");
        (x * x * x).grad(x)
    });
    assert_eq!(slope.call(&[2.0]), [12.0]);
    assert_eq!(slope.gradient().call(&[2.0]), [12.0]);
}

#[test]
fn names_are_unique_and_known() {
    let text = refusal(|| {
        Program::new(|p| p.input("x") + p.input("x"));
    });
    assert_eq!(text, "program: expected a name for each input, found `x` twice");
    let f = Program::new(|p| p.input("x") + p.group("w", 2)[1]);
    assert_eq!(f.inputs().collect::<Vec<_>>(), [("x", 1), ("w", 2)]);
    let text = refusal(std::panic::AssertUnwindSafe(|| drop(f.wrt(&["v"]).gradient())));
    assert_eq!(text, "wrt: expected an input among x, w, found `v`");
    let error = f.try_call(&[1.0]).unwrap_err();
    assert_eq!(error.to_string(), "program: expected 3 numbers for x (1), w (2), found 1");
}

#[test]
fn a_derivative_of_several_outputs_is_refused() {
    let f = Program::several(|p| {
        let x = p.input("x");
        vec![x, x * x]
    });
    let text = refusal(std::panic::AssertUnwindSafe(|| drop(f.gradient())));
    assert_eq!(text, "gradient: expected a program with one output, found 2");
    assert_eq!(f.jvp().call(&[3.0, 10.0]), [10.0, 60.0]);
    assert_eq!(f.vjp().call(&[3.0, 1.0, 100.0]), [601.0]);
}

#[test]
fn decisions_are_taken_in_each_lane() {
    let f = Program::new(|p| {
        let x = p.input("x");
        let zero = p.constant(0.0);
        x.if_gt(zero, x * x, -x).maximum(x.abs() * 0.5)
    });
    assert_eq!(f.map_lanes(&[&tape::Tensor::from([2.0, -3.0, 0.25])]).to_vec(), [4.0, 3.0, 0.125]);
    let g = f.gradient();
    assert_eq!([2.0, -3.0, 0.25].map(|x| g.call(&[x])[0]), [4.0, -1.0, 0.5]);
}

/// The parent that was not chosen gets nothing, not even from an infinite cotangent.
#[test]
fn what_was_not_chosen_has_no_derivative() {
    let f = Program::new(|p| {
        let x = p.input("x");
        let zero = p.constant(0.0);
        x.if_gt(zero, x.sqrt(), zero - x)
    });
    assert_eq!(f.gradient().call(&[-4.0]), [-1.0]);
    let tangent = f.jvp();
    assert_eq!(tangent.call(&[-4.0, 2.0]), [-2.0]);
    assert_eq!(tangent.call(&[4.0, 2.0]), [0.5]);
}

#[test]
fn equal_steps_are_done_once_and_unused_ones_not_at_all() {
    let f = Program::new(|p| {
        let [x, y] = p.inputs(["x", "y"]);
        let _unused = x.exp();
        let two = p.constant(1.0) + 1.0;
        (x * y).sin() + (y * x).sin() * two * 1.0
    });
    assert_eq!(f.operations(), 4, "a product, a sine, a product with 2, a sum");
}

#[test]
fn derivatives_of_any_order() {
    let f = Program::new(|p| p.input("x").powi(5));
    let mut derivative = f;
    for expected in [80.0, 160.0, 240.0, 240.0, 120.0, 0.0] {
        derivative = Program::new(|p| {
            let x = p.input("x");
            derivative.on(&[x])[0].grad(x)
        });
        assert_eq!(derivative.call(&[2.0]), [expected]);
    }
}

#[test]
fn a_direction_of_the_hessian() {
    let f = Program::new(|p| {
        let [x, y] = p.inputs(["x", "y"]);
        x * x * y
    });
    assert_eq!(f.hessian().call(&[3.0, 5.0]), [10.0, 6.0, 6.0, 0.0]);
    assert_eq!(f.hvp().call(&[3.0, 5.0, 1.0, 2.0]), [22.0, 6.0]);
}

#[test]
fn a_program_records_itself_on_a_tape() {
    let f = Program::new(|p| p.input("x").sin());
    let tape = tape::Tape::new();
    let x: Scalar<'_> = tape.scalar(0.5);
    let y = f.on(&[x * x])[0];
    assert_eq!((y.value(), y.backward().wrt(x)), (0.25f64.sin(), 0.25f64.cos()));
}

#[test]
fn a_choice_is_shown_with_its_comparison() {
    Program::new(|p| {
        let [x, y] = p.inputs(["x", "y"]);
        let (greater, equal) = (x.if_gt(y, x, y), x.if_eq(y, x, y));
        assert_eq!(format!("{greater:?} and {equal:?}"), "#3 if_gt NaN and #4 if_eq NaN");
        greater + equal
    });
}
