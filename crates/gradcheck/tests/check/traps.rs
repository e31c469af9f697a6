//! False alarms of other systems' gradient checkers, as regression tests.

use gradcheck::{GradCheck, Verdict};
use tape::Tensor;

#[test]
fn the_entries_of_an_expanded_input_move_one_by_one() {
    let expanded = Tensor::from([[0.5], [-1.25]]).broadcast_to([2, 3]);
    let report = GradCheck::loss(|v| (v["x"].exp() * &Tensor::from([1.0, -2.0, 3.0])).sum().square())
        .input("x", expanded)
        .run()
        .unwrap();
    assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    assert_eq!(report.entries().len(), 6);
    let slopes: Vec<f64> = report.entries().iter().map(|entry| entry.analytic).collect();
    assert!(slopes[0] != slopes[1], "one element of the buffer, three entries: {slopes:?}");
}
