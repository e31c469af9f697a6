//! Sinc and its derivatives of high order, which are computed by two formulas: a series near 0 and a
//! recurrence.

use std::f64::consts::PI;
use tape::Tape;

/// The value at `x` and the derivatives of orders 1 to `N - 1`.
fn jet<const N: usize>(x: f64) -> [f64; N] {
    let tape = Tape::new();
    let x = tape.scalar(x);
    let mut y = x.sinc();
    [(); N].map(|()| {
        let value = y.value();
        y = y.grad(x);
        value
    })
}

#[track_caller]
fn assert_close(found: f64, expected: f64, relative: f64) {
    assert!((found - expected).abs() <= relative * expected.abs(), "found {found}, expected {expected}");
}

#[test]
fn sinc_keeps_its_digits_at_large_arguments() {
    for n in [1.0, 2.0, 3.0, 7.0, 100.0, 1e6 + 1.0, 2f64.powi(40), 2f64.powi(52) + 1.0] {
        let sign = if n % 2.0 == 0.0 { 1.0 } else { -1.0 };
        for x in [n, -n] {
            let [y, dy, ddy] = jet(x);
            assert_eq!(y, 0.0, "exactly 0 at {x}");
            assert_close(dy, sign / x, 1e-15);
            assert_close(ddy, -2.0 * sign / (x * x), 1e-15);
        }
    }
    for n in [0.0, 1.0, 2.0, 3.0, 100.0, 1e6 + 1.0, 2f64.powi(40)] {
        let (x, sign) = (n + 0.5, if n % 2.0 == 0.0 { 1.0 } else { -1.0 });
        let [y, dy] = jet(x);
        assert_close(y, sign / (PI * x), 1e-15);
        assert_close(dy, -sign / (PI * x * x), 1e-15);
        assert_eq!(jet(-x), [y, -dy]);
    }
}

/// The derivatives of orders 0 to 10 at 0.4 and 1.25, from `πⁿ ∫ tⁿ cos(πxt + nπ/2) dt` over 0 to 1 with 40 digits.
const DERIVATIVES: [(f64, [f64; 11]); 2] = [
    (
        0.4,
        [
            0.7568267286406569,
            -1.119524335664274,
            -1.8719587335325203,
            6.415001782257937,
            9.57178588454465,
            -44.39466221650045,
            -61.685105076570224,
            336.7753412819913,
            445.6670628582755,
            -2697.2155752622134,
            -3444.956033353516,
        ],
    ),
    (
        1.25,
        [
            -0.18006326323142122,
            -0.42163481436410105,
            2.4517688782459084,
            -0.301153948079076,
            -16.57610616613601,
            11.201521609055359,
            119.34357170712808,
            -124.48014705066593,
            -911.8629169019584,
            1197.8893017241926,
            7279.4586100010265,
        ],
    ),
];

#[test]
fn sinc_has_every_derivative_to_its_last_digits() {
    for (x, expected) in DERIVATIVES {
        for (order, (found, expected)) in jet::<11>(x).into_iter().zip(expected).enumerate() {
            let error = (found - expected).abs() / expected.abs().max(1.0);
            assert!(error < 2e-14, "order {order} at {x}: {found}, not {expected}, {error:e}");
        }
    }
}
