//! When a plateau reduces the rate.

use nn::checkpoint::SavedState;
use nn::optim::schedule::{Goal, Plateau, Threshold};

fn last(mut plateau: Plateau, measured: &[f64]) -> f64 {
    measured.iter().map(|&m| plateau.observe(m)).last().expect("there are measurements")
}

fn new() -> Plateau {
    Plateau::new(1.0).patience(1).factor(0.5)
}

#[test]
fn what_does_not_improve_reduces_the_rate_below_zero_too() {
    let flat = last(new(), &[-7.0; 6]);
    let rising = last(new().threshold(Threshold::Relative(0.1)), &[-1.0, -0.96, -0.92, -0.89, -0.86, -0.83]);
    let falling = last(
        new().goal(Goal::Maximize).threshold(Threshold::Relative(0.1)),
        &[-1.0, -1.04, -1.08, -1.12, -1.16, -1.2],
    );
    assert!(
        [flat, rising, falling].iter().all(|&rate| rate < 1.0),
        "rates after six epochs without improvement: {flat} {rising} {falling}"
    );
    // Rates near 1e-8, too.
    assert!(last(Plateau::new(5e-9).patience(1).factor(0.5), &[1.0; 6]) < 5e-9);
}

/// Returns `true` if the second measurement counts as better than the first.
fn better(goal: Goal, threshold: Threshold, measured: [f64; 2]) -> bool {
    last(Plateau::new(1.0).patience(0).factor(0.5).goal(goal).threshold(threshold), &measured) == 1.0
}

#[test]
fn a_relative_threshold_is_a_part_of_the_size_of_the_best() {
    let tenth = Threshold::Relative(0.1);
    for (goal, sign) in [(Goal::Minimize, 1.0), (Goal::Maximize, -1.0)] {
        let cases = [
            (10.0, 8.9, true),
            (10.0, 9.1, false),
            (10.0, 11.0, false),
            (-10.0, -11.1, true),
            (-10.0, -10.9, false),
            (-10.0, -9.0, false),
            (0.0, -1e-300, true),
            (0.0, 0.0, false),
            (-0.0, -1e-300, true),
            (0.0, 1e-300, false),
            (1e-300, 0.8e-300, true),
            (f64::INFINITY, 1e300, true),
            (f64::INFINITY, f64::INFINITY, false),
            (f64::NEG_INFINITY, -1e300, false),
            (1.0, f64::NEG_INFINITY, true),
            (1.0, f64::NAN, false),
            (-1.0, f64::NAN, false),
        ];
        for (best, next, expected) in cases {
            assert_eq!(better(goal, tenth, [sign * best, sign * next]), expected, "{goal:?}: {best} {next}");
        }
        for (best, next, expected) in [(-10.0, -10.6, true), (-10.0, -10.4, false), (0.0, -0.6, true)] {
            let half = Threshold::Absolute(0.5);
            assert_eq!(better(goal, half, [sign * best, sign * next]), expected, "{goal:?}: {best} {next}");
        }
    }
}

#[test]
fn measurements_of_nan_are_no_improvement_and_no_best() {
    let mut plateau = new();
    assert_eq!(
        [f64::NAN, f64::NAN, 3.0, 2.0, f64::NAN].map(|m| plateau.observe(m)),
        [1.0, 0.5, 0.5, 0.5, 0.5]
    );
    assert_eq!(plateau.observe(f64::NAN), 0.25);
}

#[test]
fn every_rate_is_reduced_down_to_the_floor_and_none_rises() {
    for rate in [1e-300, 1e-20, 1e-9, 1.0, 1e300] {
        assert_eq!(last(Plateau::new(rate).patience(0).factor(0.5), &[1.0; 3]), rate / 4.0);
        let floored = Plateau::new(rate).patience(0).factor(0.5).floor(0.4 * rate);
        assert_eq!(last(floored, &[1.0; 5]), 0.4 * rate);
        assert_eq!(last(Plateau::new(rate).patience(0).floor(2.0 * rate), &[1.0; 5]), rate);
    }
}

#[test]
fn saved_numbers_are_checked() {
    let good = [("rate", 0.5), ("best", f64::NAN), ("bad", 1.0), ("cooling", 0.0)];
    let mut plateau = new();
    assert_eq!(plateau.restore(SavedState::<f64>::of_numbers(good)), Ok(()));
    for (i, wrong) in
        [(0, f64::NAN), (0, -1.0), (0, f64::INFINITY), (2, -1.0), (2, 0.5), (3, f64::NAN), (3, 1e300)]
    {
        let mut numbers = good;
        numbers[i].1 = wrong;
        let error = plateau.restore(SavedState::<f64>::of_numbers(numbers)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("number {:?}: expected ", numbers[i].0)), "{error}");
        assert_eq!(plateau.rate(), 0.5);
    }
}

#[test]
fn a_change_by_exactly_the_threshold_is_no_improvement() {
    for (goal, sign) in [(Goal::Minimize, 1.0), (Goal::Maximize, -1.0)] {
        for threshold in [Threshold::Relative(0.5), Threshold::Absolute(4.0)] {
            assert!(
                !better(goal, threshold, [sign * 8.0, sign * 8.0 - sign * 4.0]),
                "{goal:?}, {threshold:?}"
            );
            assert!(
                better(goal, threshold, [sign * 8.0, sign * 8.0 - sign * 4.5]),
                "{goal:?}, {threshold:?}"
            );
        }
    }
}
