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

#[test]
fn slopes_that_are_zero_by_convention_are_listed() {
    let tape = Tape::new();
    let zeros = tape.var([0.0, 0.0]);
    let of = |report: tape::NonFinite| {
        assert_eq!((report.forward, report.backward), (None, None));
        report.absorbed.into_iter().map(|found| (found.op, found.operand)).collect::<Vec<_>>()
    };
    assert_eq!(of(zeros.norm(2.0).find_nonfinite()), [("norm", Some(0))]);
    assert_eq!(of(zeros.norm(0.5).find_nonfinite()), [("norm", Some(0))]);
    assert_eq!(of((zeros + 3.0).std(0).find_nonfinite()), [("std", Some(0))]);
    assert_eq!(of(zeros.hypot(zeros).sum().find_nonfinite()), [("hypot", Some(0)), ("hypot", Some(1))]);
    assert_eq!(of(zeros.atan2(tape.constant([0.0, 1.0])).sum().find_nonfinite()), [("atan2", Some(0))]);
    let (a, b) = (tape.scalar(0.0), tape.scalar(0.0));
    assert_eq!(of(a.hypot(b).find_nonfinite()), [("hypot", Some(0)), ("hypot", Some(1))]);
    assert_eq!(of(a.atan2(b).find_nonfinite()).len(), 2);
    // A corner with finite slopes on both sides is none of these, and neither is any other point.
    assert_eq!(of((zeros.norm(1.0) + zeros.norm(f64::INFINITY) + zeros.abs().sum()).find_nonfinite()), []);
    let clean = tape.var([3.0, -4.0]);
    let all = clean.norm(2.0) + clean.norm(0.5) + clean.std(0) + clean.hypot(zeros).sum() + a.hypot(b + 1.0);
    assert_eq!(of(all.find_nonfinite()), []);
}

#[test]
fn nodes_are_named_in_reports() {
    let tape = Tape::new();
    let (x, w) = (tape.var([0.0, 1.0]).named("x"), tape.constant([1.0, 2.0]));
    let y = ((x.ln() * w).named("product") + x).sum();
    let report = y.find_nonfinite();
    assert_eq!(report.forward.unwrap().to_string(), "ln #3 of x: value is -inf");
    let backward = report.backward.unwrap();
    assert_eq!(backward.to_string(), "ln #3 of x: derivative with respect to operand 0 is inf");
    assert_eq!((backward.labels, backward.inputs), (vec!["x".to_string()], vec![1]));
}

#[test]
fn a_location_given_for_a_scope_is_that_of_its_nodes() {
    let site = std::panic::Location::caller();
    let tape = Tape::new().with_locations();
    let x = tape.var([1.0]);
    let inner = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        tape.at_location(site, || {
            let y = x.exp();
            tape.at_location(std::panic::Location::caller(), || y.ln());
            panic!("ends the scope");
        })
    }));
    assert!(inner.is_err());
    let _after = x.sin();
    let lines: Vec<bool> = tape.view().nodes().iter().map(|node| node.site == Some(site)).collect();
    assert_eq!(lines, [false, true, true, false]);
    // Without locations there is none.
    let plain = Tape::new();
    assert_eq!(plain.at_location(site, || plain.scalar(2.0).sqrt()).value(), 2f64.sqrt());
    assert_eq!(plain.view().nodes()[1].site, None);
}
