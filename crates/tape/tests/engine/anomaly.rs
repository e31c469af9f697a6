//! Non-finite values: where they first arise, in both directions and in second order, and what zero absorbed.

use tape::{Tape, Tensor};

#[test]
fn the_first_value_that_is_not_finite_is_named_with_its_location() {
    let tape = Tape::new().with_locations();
    let x = tape.var([1.0, 0.0, -1.0]);
    let line = line!() + 1;
    let y = x.ln();
    let _later = (y * y).sum();
    let found = tape.find_nonfinite().forward.expect("ln 0 is infinite");
    assert_eq!((found.op, found.inputs.len(), found.value), ("ln", 1, f64::NEG_INFINITY));
    let site = found.site.expect("a tape with locations records it");
    assert!(site.file().ends_with("anomaly.rs") && site.line() == line, "{site}");
    assert!(found.to_string().contains("anomaly.rs"), "{found}");
}

#[test]
fn the_first_derivative_that_is_not_finite_is_named_though_every_value_is() {
    let tape = Tape::new().with_locations();
    let (x, w) = (tape.var([4.0, 0.0]), tape.var([1.0, 2.0]));
    let y = (x.sqrt() * w).sum();
    let report = y.find_nonfinite();
    assert_eq!(report.forward, None);
    let found = report.backward.expect("the slope of the root at 0 is infinite");
    assert_eq!((found.op, found.operand, found.value), ("sqrt", Some(0), f64::INFINITY));
    // The same for scalars.
    let a = tape.scalar(0.0);
    let found = (a.sqrt() * 3.0).find_nonfinite().backward.expect("as for tensors");
    assert_eq!((found.op, found.value), ("sqrt", f64::INFINITY));
}

#[test]
fn in_second_order_the_operation_of_the_recorded_gradient_is_named() {
    let tape = Tape::new();
    let x = tape.scalar(0.0);
    // |x|^1.5 has a finite first derivative at 0 and an infinite second.
    let [slope] = x.powf(1.5).grad([x]);
    assert_eq!(slope.value(), 0.0);
    let report = slope.find_nonfinite();
    assert_eq!(report.forward, None);
    assert_eq!(report.backward.expect("1 / √0").op, "powf");
}

#[test]
fn absorbed_slopes_are_listed_and_finite_graphs_are_clean() {
    let tape = Tape::new();
    let x = tape.var([0.0, 4.0]);
    // The untaken branch has an infinite slope at 0, which its zero cotangent absorbs.
    let mask = Tensor::from([0.0, 1.0]);
    let y = tape::Var::select(&mask, x.sqrt(), x).sum();
    assert_eq!(y.backward().wrt(x).to_vec(), [1.0, 0.25]);
    let report = y.find_nonfinite();
    assert_eq!((report.forward, report.backward), (None, None));
    assert_eq!(report.absorbed.len(), 1);
    assert_eq!((report.absorbed[0].op, report.absorbed[0].value), ("sqrt", f64::INFINITY));
    // sqrt(x)² at 0: the derivative 1 is lost, and the report says where.
    let z = tape.scalar(0.0);
    let square = z.sqrt().square();
    assert_eq!(square.backward().wrt(z), 0.0);
    assert_eq!(square.find_nonfinite().absorbed[0].op, "sqrt");
    let clean = Tape::new();
    let report = (clean.var([1.0, 2.0]).exp().sum() * 2.0).find_nonfinite();
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.to_string(), "everything is finite");
}
