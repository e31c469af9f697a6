//! The unit in which errors are measured, and the largest errors of an operation.

use gradcheck::DoubleDouble;

/// Results below this are compared as if they had this size: numbers of 32 digits have fewer there.
const TINY: f64 = 1e-290;

/// A unit in the last place of a number of this size.
fn ulp(size: f64) -> f64 {
    let size = size.abs().max(TINY);
    f64::EPSILON * f64::from_bits(size.to_bits() & !((1 << 52) - 1))
}

/// The error of a result in units in its last place, divided by the condition: `change` is the largest change of the result when
/// every operand changes by its own size, to first order. Where the result is zero, or smaller than its change, the unit is
/// that of the change.
pub(crate) fn units(found: f64, exact: DoubleDouble, change: f64) -> f64 {
    let error = (DoubleDouble::from(found) - exact).hi().abs();
    let unit = ulp(exact.hi().abs().max(change.abs()));
    if error.is_nan() { f64::INFINITY } else { error / unit }
}

/// The largest error of results of one order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Worst {
    pub(crate) units: f64,
    pub(crate) at: String,
}

impl Worst {
    pub(crate) fn add(&mut self, units: f64, at: impl FnOnce() -> String) {
        if units > self.units {
            *self = Worst { units, at: at() };
        }
    }
}

/// The largest errors of an operation.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// `true` for a function of numbers, `false` for an operation on tensors.
    pub(crate) elementwise: bool,
    /// The number of points, or of entries, at which there is a finite result.
    pub(crate) points: usize,
    /// Of the value, the first derivative and the second one.
    pub(crate) worst: [Worst; 3],
}

/// The row of an operation, which is added if there is none.
pub(crate) fn row<'r>(rows: &'r mut Vec<Row>, name: &'static str, elementwise: bool) -> &'r mut Row {
    let at = rows.iter().position(|row| row.name == name).unwrap_or(rows.len());
    if at == rows.len() {
        rows.push(Row { name, elementwise, points: 0, worst: Default::default() });
    }
    &mut rows[at]
}

#[test]
fn errors_are_counted_in_units_of_the_result_or_of_its_change() {
    let exact = |x: f64| DoubleDouble::from(x);
    assert_eq!(units(1.0 + 8.0 * f64::EPSILON, exact(1.0), 0.5), 8.0);
    assert_eq!(units(1.0 + 8.0 * f64::EPSILON, exact(1.0), 16.0), 0.5);
    assert_eq!(units(-f64::EPSILON, exact(0.0), 1.0), 1.0);
    assert_eq!(units(0.75, exact(1.5), 0.0), 0.75 / f64::EPSILON);
    assert_eq!(units(f64::NAN, exact(1.0), 0.0), f64::INFINITY);
}
