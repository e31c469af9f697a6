//! The rounding noise of a function, measured.

use super::ladder;

/// The number of points in one difference table.
pub(crate) const POINTS: i32 = 8;

/// The spacings of the tables, relative to the size of the argument. At the widest the fourth difference of a
/// smooth function is still 2⁻⁸⁰ of its fourth derivative; the narrower ones detect noise that is correlated
/// over many ulps.
pub(crate) const SPACINGS: [f64; 3] =
    [1.0 / (1u64 << 20) as f64, 1.0 / (1u64 << 28) as f64, 1.0 / (1u64 << 36) as f64];

/// Returns the noise in values of a smooth function at equally spaced, very close arguments, from the fourth column of their
/// difference table (J. J. Moré and S. M. Wild, "Estimating computational noise", 2011): the function itself does not
/// contribute there. It is twice the largest fourth difference, over the root of the sum of its squared coefficients
/// 1, -4, 6, -4, 1.
pub(crate) fn of_table(values: &[f64]) -> f64 {
    let fourth = |w: &[f64]| (w[0] - 4.0 * w[1] + 6.0 * w[2] - 4.0 * w[3] + w[4]).abs();
    2.0 * (values.windows(5).map(fourth).fold(0.0, f64::max) / 70f64.sqrt())
}

/// Returns the noise of one evaluation of `f` near `x`: the largest of the tables, and at least one rounding of the value.
pub(crate) fn of_function(f: &mut impl FnMut(f64) -> f64, x: f64, scale: f64) -> f64 {
    let table = |spacing: f64, f: &mut dyn FnMut(f64) -> f64| {
        let spacing = (spacing * scale).max(ladder::spacing(x));
        let values: Vec<f64> = (0..POINTS).map(|i| f(x + f64::from(i) * spacing)).collect();
        of_table(&values)
    };
    let measured = SPACINGS.map(|spacing| table(spacing, f));
    // `max` drops a NaN: a table beyond the edge of the domain measures nothing.
    measured.into_iter().fold(f64::EPSILON * f(x).abs().max(f64::MIN_POSITIVE), f64::max)
}
