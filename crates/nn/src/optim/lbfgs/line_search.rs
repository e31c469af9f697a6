//! A line search for the strong Wolfe conditions: Nocedal and Wright, "Numerical Optimization" (2006), algorithms 3.5
//! and 3.6, with the safeguards of Moré and Thuente (1994).

/// Sufficient decrease: `φ(t) ≤ φ(0) + C1 t φ'(0)`.
const C1: f64 = 1e-4;
/// Curvature: `|φ'(t)| ≤ C2 |φ'(0)|`.
const C2: f64 = 0.9;
/// The maximum number of evaluations.
const EVALUATIONS: usize = 25;

/// A step length, and the function there.
#[derive(Clone, Debug)]
pub(super) struct Trial<G> {
    /// The step length `t`.
    pub t: f64,
    /// `φ(t)`.
    pub value: f64,
    /// `φ'(t)`.
    pub slope: f64,
    /// The gradient, whose projection is `φ'`.
    pub gradient: G,
}

/// The conditions, relative to the start.
struct Wolfe {
    value: f64,
    slope: f64,
}

impl Wolfe {
    /// Returns `true` if the value is too large for the step, or NaN.
    fn exceeds<G>(&self, trial: &Trial<G>) -> bool {
        let small = trial.value <= self.value + C1 * trial.t * self.slope;
        !small || trial.slope.is_nan()
    }

    /// Returns `true` if the slope is flat enough.
    fn is_flat<G>(&self, trial: &Trial<G>) -> bool {
        trial.slope.abs() <= -C2 * self.slope
    }
}

/// The result of the first phase.
enum Bracket<G> {
    /// A point that satisfies both conditions.
    Found(Trial<G>),
    /// Two points with such a point in between.
    Between(Trial<G>, Trial<G>),
}

/// Searches from `start`, where `t` is 0, with `first` as the first step; returns the point and the number of
/// evaluations. Intervals shorter than `least` are not divided.
pub(super) fn search<G: Clone>(
    mut at: impl FnMut(f64) -> Trial<G>,
    start: Trial<G>,
    first: f64,
    least: f64,
) -> (Trial<G>, usize) {
    let wolfe = Wolfe { value: start.value, slope: start.slope };
    let mut evaluations = 0;
    let mut counted = |t: f64| {
        evaluations += 1;
        at(t)
    };
    let mut left = EVALUATIONS;
    let found = match bracket(&mut counted, &wolfe, start, first, &mut left) {
        Bracket::Found(trial) => trial,
        Bracket::Between(a, b) => zoom(&mut counted, &wolfe, a, b, least, left),
    };
    (found, evaluations)
}

/// Extends the step until two points enclose a solution.
fn bracket<G: Clone>(
    at: &mut impl FnMut(f64) -> Trial<G>,
    wolfe: &Wolfe,
    start: Trial<G>,
    first: f64,
    left: &mut usize,
) -> Bracket<G> {
    let origin = start.clone();
    let (mut before, mut trial) = (start, at(first));
    while *left > 0 {
        let rises = EVALUATIONS - *left > 1 && trial.value >= before.value;
        if wolfe.exceeds(&trial) || rises {
            return Bracket::Between(before, trial);
        }
        if wolfe.is_flat(&trial) {
            return Bracket::Found(trial);
        }
        if trial.slope >= 0.0 {
            return Bracket::Between(before, trial);
        }
        let bounds = (trial.t + 0.01 * (trial.t - before.t), 10.0 * trial.t);
        let next = at(minimum_of_cubic(&before, &trial, bounds));
        before = std::mem::replace(&mut trial, next);
        *left -= 1;
    }
    Bracket::Between(origin, trial)
}

/// Divides the interval between two points until one satisfies both conditions.
fn zoom<G: Clone>(
    at: &mut impl FnMut(f64) -> Trial<G>,
    wolfe: &Wolfe,
    a: Trial<G>,
    b: Trial<G>,
    least: f64,
    left: usize,
) -> Trial<G> {
    let (mut low, mut high) = if b.value < a.value { (b, a) } else { (a, b) };
    let mut stuck = false;
    for _ in 0..left {
        let (from, to) = (low.t.min(high.t), low.t.max(high.t));
        if to - from < least {
            break;
        }
        let t = minimum_of_cubic(&low, &high, (from, to));
        let (t, close) = keep_off_the_ends(t, from, to, stuck);
        stuck = close;
        let trial = at(t);
        if wolfe.exceeds(&trial) || trial.value >= low.value {
            high = trial;
            if high.value < low.value && !high.slope.is_nan() {
                std::mem::swap(&mut low, &mut high);
            }
            continue;
        }
        if wolfe.is_flat(&trial) {
            return trial;
        }
        if trial.slope * (high.t - low.t) >= 0.0 {
            high = low;
        }
        low = trial;
    }
    low
}

/// A step within a tenth of the interval from one of its ends is accepted once; a second one in succession,
/// or one at the end itself, is moved to that distance. Returns the step and whether it was such a first one.
fn keep_off_the_ends(t: f64, from: f64, to: f64, stuck: bool) -> (f64, bool) {
    let margin = 0.1 * (to - from);
    if (to - t).min(t - from) >= margin {
        return (t, false);
    }
    if !stuck && from < t && t < to {
        return (t, true);
    }
    let nearer_the_upper = (t - to).abs() < (t - from).abs();
    (if nearer_the_upper { to - margin } else { from + margin }, false)
}

/// The minimum of the cubic through both points with their slopes, clamped to the bounds; their midpoint if
/// it has none (Nocedal and Wright, equation 3.59).
fn minimum_of_cubic<G>(a: &Trial<G>, b: &Trial<G>, bounds: (f64, f64)) -> f64 {
    let (a, b) = if a.t <= b.t { (a, b) } else { (b, a) };
    let d1 = a.slope + b.slope - 3.0 * (a.value - b.value) / (a.t - b.t);
    let square = d1 * d1 - a.slope * b.slope;
    if square < 0.0 || square.is_nan() {
        return (bounds.0 + bounds.1) / 2.0;
    }
    let d2 = square.sqrt();
    let t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2));
    t.min(bounds.1).max(bounds.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn along(f: impl Fn(f64) -> (f64, f64)) -> impl Fn(f64) -> Trial<()> {
        move |t| {
            let (value, slope) = f(t);
            Trial { t, value, slope, gradient: () }
        }
    }

    #[test]
    fn a_cubic_is_minimised_exactly() {
        // t³ - 3 t has its minimum at 1.
        let at = along(|t| (t * t * t - 3.0 * t, 3.0 * t * t - 3.0));
        let t = minimum_of_cubic(&at(0.0), &at(3.0), (0.0, 3.0));
        assert!((t - 1.0).abs() < 1e-15, "{t}");
        assert_eq!(minimum_of_cubic(&at(3.0), &at(0.0), (0.0, 3.0)), t);
    }

    /// The steps of a bracket whose points have these values, all with the slope -1.
    fn bracketed(values: &[f64]) -> (Vec<f64>, Bracket<()>) {
        let mut steps = Vec::new();
        let mut at = |t| {
            steps.push(t);
            Trial { t, value: values[steps.len() - 1], slope: -1.0, gradient: () }
        };
        let start = Trial { t: 0.0, value: 0.0, slope: -1.0, gradient: () };
        let mut left = EVALUATIONS;
        let found = bracket(&mut at, &Wolfe { value: 0.0, slope: -1.0 }, start, 1.0, &mut left);
        (steps, found)
    }

    #[test]
    fn a_step_grows_by_a_hundredth_of_the_last_one_or_more() {
        // The cubic of a steep descent has its minimum closer than that.
        let (steps, _) = bracketed(&[-1000.0, 1.0]);
        assert_eq!(steps, [1.0, 1.01]);
    }

    #[test]
    fn a_value_above_the_last_one_closes_the_bracket() {
        let (_, found) = bracketed(&[-1000.0, -2000.0, -1999.0, 1.0]);
        assert!(matches!(&found, Bracket::Between(a, b) if (a.value, b.value) == (-2000.0, -1999.0)));
    }

    #[test]
    fn steps_keep_off_the_ends_of_their_interval() {
        let step = |t, stuck| keep_off_the_ends(t, 1.0, 5.0, stuck);
        assert_eq!(step(3.0, true), (3.0, false));
        assert_eq!(step(4.9, false), (4.9, true));
        assert_eq!(step(4.9, true), (4.6, false));
        assert_eq!(step(1.1, true), (1.4, false));
        assert_eq!(step(5.0, false), (4.6, false));
    }

    #[test]
    fn what_is_found_satisfies_both_conditions() {
        // Steps too short, too long, and across a hill.
        let functions: [fn(f64) -> (f64, f64); 3] = [
            |t| ((t - 4.0) * (t - 4.0), 2.0 * (t - 4.0)),
            |t| (-t / (t * t + 2.0), (t * t - 2.0) / ((t * t + 2.0) * (t * t + 2.0))),
            |t| ((3.0 * t).cos() - 2.0 * t + 0.1 * t * t, -3.0 * (3.0 * t).sin() - 2.0 + 0.2 * t),
        ];
        for f in functions {
            for first in [1e-3, 0.1, 1.0, 10.0, 100.0] {
                let at = along(f);
                let start = at(0.0);
                let wolfe = Wolfe { value: start.value, slope: start.slope };
                let (found, evaluations) = search(&at, start, first, 1e-12);
                assert!(!wolfe.exceeds(&found) && wolfe.is_flat(&found), "first {first}: {found:?}");
                assert!(evaluations <= EVALUATIONS + 1);
            }
        }
    }

    #[test]
    fn what_is_not_a_number_ends_the_search() {
        let (found, evaluations) = search(
            along(|t| if t > 0.0 { (f64::NAN, f64::NAN) } else { (0.0, -1.0) }),
            along(|_| (0.0, -1.0))(0.0),
            1.0,
            1e-9,
        );
        assert!(evaluations <= EVALUATIONS + 1 && found.t == 0.0, "{found:?}");
    }

    #[test]
    fn beyond_a_wall_of_nan_the_search_turns_back() {
        // (t - 1)² up to 1.5, and nothing beyond.
        let at =
            along(|t| if t > 1.5 { (f64::NAN, f64::NAN) } else { ((t - 1.0) * (t - 1.0), 2.0 * (t - 1.0)) });
        let start = at(0.0);
        let (found, _) = search(&at, start, 100.0, 1e-12);
        assert!(found.t > 0.0 && found.value < 1.0, "{found:?}");
    }
}
