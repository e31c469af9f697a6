//! The operators, rounding to integers, and text.

use gradcheck::DoubleDouble;
use tape::element::{Constant, Real};

fn number(x: f64) -> DoubleDouble {
    DoubleDouble::from(x)
}

/// Pseudo-random numbers with both parts.
fn random(count: usize) -> impl Iterator<Item = DoubleDouble> {
    let mut state = 1_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    std::iter::from_fn(move || {
        let size = 2.0_f64.powi((next() * 40.0) as i32);
        Some(DoubleDouble::from_parts(size * next(), size * next() * 2.0_f64.powi(-54)))
    })
    .take(count)
}

/// A few units of 2^-106.
const FEW_UNITS: f64 = 8.0 / (1_u128 << 106) as f64;

#[test]
fn operators_invert_each_other_to_the_last_places() {
    let (x, y): (Vec<_>, Vec<_>) = random(4000).zip(random(4001).skip(1)).unzip();
    for (x, y) in x.into_iter().zip(y) {
        let close = |a: DoubleDouble, size: f64| (a - x).hi().abs() <= FEW_UNITS * size;
        assert!(close(x / y * y, x.hi().abs()), "{x} / {y}");
        assert!(close(x * y / y, x.hi().abs()), "{x} · {y}");
        assert!(close(x + y - y, x.hi().abs() + y.hi().abs()), "{x} + {y}");
        assert!(close(Real::sqrt(x * x).copysign(x), x.hi().abs()), "the root of the square of {x}");
        assert!(
            (x + y).lo().abs() <= (x + y).hi().abs() * f64::EPSILON / 2.0,
            "the normal form of {x} + {y}"
        );
    }
}

#[test]
fn digits_beyond_those_of_f64_are_kept() {
    let tiny = number(1e-25);
    assert_eq!(number(1.0) + tiny - number(1.0), tiny);
    assert!(number(1.0) + tiny > number(1.0) && number(1.0) - tiny < number(1.0));
    assert_eq!((number(1.0) + tiny).floor(), number(1.0));
    assert_eq!((number(1.0) - tiny).floor(), number(0.0));
    assert_eq!((number(2.5) - tiny).round(), number(2.0));
    assert_eq!((number(-2.5) - tiny).round(), number(-3.0));
    assert_eq!((number(-3.0) + tiny).trunc(), number(-2.0));
    assert_eq!((number(3.0) + tiny).ceil(), number(4.0));
    let odd = DoubleDouble::from_usize((1 << 60) + 1);
    assert_eq!((odd.hi(), odd.lo()), ((1_u64 << 60) as f64, 1.0));
}

#[test]
fn the_largest_numbers_and_the_smallest_do_not_become_nan() {
    let (large, small) = (DoubleDouble::MAX, DoubleDouble::MIN_POSITIVE);
    assert_eq!(large * number(1.0), large);
    assert_eq!(large / large, number(1.0));
    assert_eq!(large * number(2.0), DoubleDouble::INFINITY);
    assert_eq!(large + large, DoubleDouble::INFINITY);
    assert_eq!(Real::hypot(large.scaled_by_half(), number(0.0)), large.scaled_by_half());
    assert_eq!(small / small, number(1.0));
    assert_eq!(small * small, number(0.0));
    let square = Real::sqrt(small) * Real::sqrt(small);
    assert!((square - small).hi().abs() <= f64::EPSILON * small.hi(), "{square}");
}

trait Half {
    fn scaled_by_half(self) -> Self;
}

impl Half for DoubleDouble {
    fn scaled_by_half(self) -> DoubleDouble {
        self * number(0.5)
    }
}

#[test]
fn the_text_has_31_digits() {
    let text = |x: DoubleDouble| x.to_string();
    assert_eq!(text(Constant::PI.to()), "3.14159265358979323846264338328");
    assert_eq!(text(number(1.0) / number(3.0)), "0.3333333333333333333333333333333");
    assert_eq!(text(number(2.0) / number(3.0)), "0.6666666666666666666666666666667");
    assert_eq!(text(number(-0.5)), "-0.5");
    assert_eq!(text(number(1200.0)), "1200");
    assert_eq!(text(number(1.0) - number(1e-30)), "0.999999999999999999999999999999");
    assert_eq!(text(number(1.0) - number(1e-32)), "1");
    assert_eq!(text(number(f64::NAN)), "NaN");
    assert_eq!(text(-DoubleDouble::ZERO), "-0");
    assert_eq!(text(number(2.0).powi(1000)), "1.07150860718626732094842504906e301");
    assert_eq!(format!("{:>6}|{:<5}|", number(-1.5), number(2.0)), "  -1.5|2    |");
}
