//! Edges, kinks and extreme arguments of the elementwise functions.

use super::fixtures::*;
use tape::{Scalar, Tape};

/// The distance from an edge or a kink at which a one-sided derivative is taken.
const ASIDE: f64 = 1e-3;

#[test]
fn interior_slopes_agree_with_finite_differences() {
    for function in functions() {
        for x in &function.interior {
            for (k, slope) in function.slopes(x).into_iter().enumerate() {
                let step = x[k].abs().clamp(0.05, 1.0);
                let expected = difference(|t| {
                    let mut x = x.clone();
                    x[k] += t * step;
                    vec![function.value(&x)]
                });
                let what = format!("slope {k} at {x:?}");
                close(&function.name, &what, &[slope * step], &expected, DIFFERENCE);
            }
        }
    }
}

/// Returns the derivative at `x`, from points no farther than a tenth of [`ASIDE`].
fn derivative(function: &Pointwise, x: f64) -> f64 {
    let scale = 0.1 * ASIDE;
    difference(|t| vec![function.value(&[x + t * scale])])[0] / scale
}

#[test]
fn on_either_side_of_a_kink_the_slope_is_that_of_the_side() {
    for function in functions() {
        for &kink in &function.kinks {
            for side in [kink - ASIDE, kink + ASIDE] {
                let (slope, expected) = (function.slopes(&[side])[0], derivative(&function, side));
                close(&function.name, &format!("slope at {side}"), &[slope], &[expected], 1e-6);
            }
        }
    }
}

#[test]
fn at_a_kink_the_slope_lies_between_those_of_the_sides() {
    for function in functions() {
        for &kink in &function.kinks {
            let at = function.slopes(&[kink])[0];
            let sides = [function.slopes(&[kink - ASIDE])[0], function.slopes(&[kink + ASIDE])[0]];
            let (low, high) = (sides[0].min(sides[1]) - 1e-2, sides[0].max(sides[1]) + 1e-2);
            assert!((low..=high).contains(&at), "{}: slope {at} at the kink {kink}", function.name);
        }
    }
}

/// Parses a documented convention of the form `<slope> at <point>`, or several with commas between them.
fn conventions(text: &str) -> Vec<(f64, f64)> {
    let number = |word: &str| word.replace('−', "-").parse::<f64>().ok();
    let one = |part: &str| {
        let (slope, at) = part.trim().split_once(" at ")?;
        Some((number(slope)?, number(at)?))
    };
    text.split([',', ';']).filter_map(one).collect()
}

#[test]
fn the_slope_follows_the_documented_convention() {
    assert_eq!(conventions("0 at 0, inf at -1"), [(0.0, 0.0), (f64::INFINITY, -1.0)]);
    let mut checked = 0;
    for function in functions().iter().filter(|function| function.arity == 1) {
        for (slope, at) in conventions(function.convention) {
            assert_eq!(function.slopes(&[at])[0], slope, "{} at {at}", function.name);
            checked += 1;
        }
    }
    assert!(checked >= 3, "the conventions of relu, abs and sqrt at 0 are documented");
}

#[test]
fn every_kink_has_a_convention() {
    for function in functions() {
        assert!(
            function.kinks.is_empty() || !function.convention.is_empty(),
            "{}: there is no convention for {:?}",
            function.name,
            function.kinks
        );
    }
}

#[test]
fn at_an_edge_the_slope_is_the_limit_from_inside() {
    for function in functions() {
        for &edge in &function.edges {
            let (slope, name) = (function.slopes(&[edge])[0], &function.name);
            assert!(!slope.is_nan(), "{name}: slope at the edge {edge} is NaN");
            let inside = |h: f64| function.slopes(&[edge + h])[0];
            let side = if function.value(&[edge + ASIDE]).is_nan() { -1.0 } else { 1.0 };
            let [near, nearer] = [inside(side * 1e-9), inside(side * 1e-12)];
            if slope.is_infinite() {
                let grows = nearer.abs() > near.abs() && nearer.signum() == slope.signum();
                assert!(grows, "{name}: slope {slope} at the edge {edge}, {near} and {nearer} beside it");
            } else {
                close(name, &format!("slope at the edge {edge}"), &[slope], &[nearer], ONE_SIDED);
            }
        }
    }
}

#[test]
fn where_the_value_is_not_nan_neither_is_the_slope() {
    for function in functions() {
        for x in function.everywhere() {
            let (value, slopes) = (function.value(&x), function.slopes(&x));
            if !value.is_nan() {
                assert!(slopes.iter().all(|s| !s.is_nan()), "{}: slopes {slopes:?} at {x:?}", function.name);
            }
        }
    }
}

#[test]
fn where_the_slope_is_finite_the_second_derivative_is_not_nan() {
    for function in functions() {
        for x in function.everywhere() {
            if function.value(&x).is_nan() || function.slopes(&x).iter().any(|slope| !slope.is_finite()) {
                continue;
            }
            let tape = Tape::new();
            let scalars: Vec<Scalar> = x.iter().map(|&x| tape.scalar(x)).collect();
            let y = function.f.scalar(&scalars);
            for gradient in y.grad(scalars.clone()) {
                let second = gradient.backward().wrt(scalars.clone());
                let name = &function.name;
                assert!(second.iter().all(|s| !s.is_nan()), "{name}: second derivatives {second:?} at {x:?}");
            }
        }
    }
}
