//! The hints of a failing report claim no more than is true, of the entries that they count.

use gradcheck::{Entries, GradCheck, Report, Verdict};
use tape::Tensor;

/// The hint of a check of `Σ xᵢ²`, `x` of shape `[4]`, whose derivative is wrong by these factors; `y` is another input.
fn hint(factors: [f64; 4], y: &[usize]) -> String {
    let check = GradCheck::new(move |v| {
        let squares = v.tape().custom_vjp(
            &[v["x"]],
            |x| (x[0] * x[0]).sum().to_var(),
            move |x, _, dy| vec![x[0] * 2.0 * &Tensor::from(factors) * dy],
        );
        squares + (v["y"] * 0.0).sum()
    });
    let check = check.input("x", [1.0, -1.7, 2.9, 4.3]).constant("y", Tensor::zeros(y.to_vec()));
    line(&check.entries(Entries::All).run().unwrap())
}

fn line(report: &Report) -> String {
    assert_eq!(report.verdict(), Verdict::Disagree, "{report}");
    let text = report.to_string();
    let line = text.lines().find_map(|line| line.strip_prefix(" hint    "));
    line.unwrap_or_else(|| panic!("no hint in {text}")).to_owned()
}

#[test]
fn a_common_factor_is_that_of_an_axis_only_if_there_is_one() {
    let axis = "an axis of that length may be summed or averaged wrongly";
    assert_eq!(hint([5.0; 4], &[2, 5]), format!("a factor 5 on 4 of 4 entries of `x`: {axis}"));
    assert_eq!(hint([0.25; 4], &[2]), format!("a factor 4 on 4 of 4 entries of `x`: {axis}"));
    assert_eq!(hint([5.0; 4], &[2]), "analytic / numeric = 5.0000000 on 4 of 4 entries of `x`");
    let some = hint([1.0, 5.0, 5.0, 5.0], &[5]);
    assert_eq!(some, format!("a factor 5 on 3 of 4 entries of `x`: {axis}"));
}

#[test]
fn ratios_that_vary_are_not_called_one_factor() {
    let varies = "analytic / numeric varies from 2.7000000 to 5.0000000 on 3 of 4 entries of `x`";
    assert_eq!(hint([1.0, 2.7, 3.3, 5.0], &[5]), varies);
}

#[test]
fn a_cause_is_claimed_for_the_entries_of_which_it_is_true() {
    let twice = "a factor 2: a contribution counted twice";
    assert_eq!(hint([2.0; 4], &[2]), format!("analytic = 2 x numeric on 4 of 4 entries of `x`: {twice}"));
    let one = hint([1.0, 1.0, 1.3, 2.0], &[2]);
    let expected = "on 1 of 4 entries of `x` (1 more differ otherwise)";
    assert_eq!(one, format!("analytic = 2 x numeric {expected}: {twice}"));
    let sign = hint([-1.0, 1.0, 1.0, -1.0], &[2]);
    assert_eq!(sign, "analytic = -1 x numeric on 2 of 4 entries of `x`: the sign is wrong");
}

#[test]
fn gradients_that_are_not_finite_are_counted() {
    let text = hint([1.0, f64::NAN, 1.0, f64::NAN], &[2]);
    assert_eq!(text, "the gradient is not finite, the differences are, on 2 of 4 entries of `x`");
}
