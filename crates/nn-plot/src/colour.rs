//! Colours that do not rely on red against green.

use plotters::style::RGBColor;

/// For curves: the palette of Okabe and Ito without its yellow, which is faint on white.
pub(crate) const CURVES: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

/// Shades on each side of the neutral one.
pub(crate) const SHADES: i32 = 16;

const NEGATIVE: [f64; 3] = [5.0, 80.0, 160.0];
const NEUTRAL: [f64; 3] = [247.0, 247.0, 247.0];
const POSITIVE: [f64; 3] = [175.0, 75.0, 0.0];

/// The shade of a value: from `-SHADES` at `-limit` over 0 to `SHADES` at `limit`; neutral for NaN.
pub(crate) fn shade(value: f64, limit: f64) -> i32 {
    let part = if limit > 0.0 { (value / limit).clamp(-1.0, 1.0) } else { 0.0 };
    (part * f64::from(SHADES)).round() as i32
}

/// Blue for negative shades, white around 0, orange for positive ones.
pub(crate) fn diverging(shade: i32) -> RGBColor {
    let end = if shade < 0 { NEGATIVE } else { POSITIVE };
    let part = f64::from(shade.abs()) / f64::from(SHADES);
    let [red, green, blue] = [0, 1, 2].map(|i| (NEUTRAL[i] + (end[i] - NEUTRAL[i]) * part).round() as u8);
    RGBColor(red, green, blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_are_symmetric_and_bounded() {
        assert_eq!([-9.0, -1.0, 0.0, 0.5, 1.0, f64::NAN].map(|x| shade(x, 1.0)), [-16, -16, 0, 8, 16, 0]);
        assert_eq!(shade(3.0, 0.0), 0);
        assert_eq!(diverging(0), RGBColor(247, 247, 247));
        assert_eq!(diverging(SHADES), RGBColor(175, 75, 0));
    }
}
