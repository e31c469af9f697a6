//! Places the legend where it hides the least.

use plotters::chart::SeriesLabelPosition;
use std::ops::Range;

/// Positions of a legend, the usual ones first: a tie goes to the first.
const POSITIONS: [(SeriesLabelPosition, [f64; 2]); 8] = [
    (SeriesLabelPosition::UpperRight, [1.0, 1.0]),
    (SeriesLabelPosition::LowerRight, [1.0, 0.0]),
    (SeriesLabelPosition::UpperLeft, [0.0, 1.0]),
    (SeriesLabelPosition::LowerLeft, [0.0, 0.0]),
    (SeriesLabelPosition::UpperMiddle, [0.5, 1.0]),
    (SeriesLabelPosition::LowerMiddle, [0.5, 0.0]),
    (SeriesLabelPosition::MiddleRight, [1.0, 0.5]),
    (SeriesLabelPosition::MiddleLeft, [0.0, 0.5]),
];

/// Points sampled on each segment of a curve.
const SAMPLES: usize = 16;

/// The position for a legend with these names that covers the fewest points of the curves.
pub(crate) fn position(
    curves: &[Vec<(f64, f64)>],
    names: &[&str],
    x: &Range<f64>,
    y: &Range<f64>,
) -> SeriesLabelPosition {
    let letters = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    // In fractions of the plot, about 600 x 350: letters are 8 wide, lines 20 high.
    let (width, height) = (0.12 + 0.013 * letters as f64, 0.06 + 0.055 * names.len() as f64);
    let part = |value: f64, range: &Range<f64>| (value - range.start) / (range.end - range.start);
    let hidden = |position: [f64; 2]| {
        let (left, bottom) = (position[0] * (1.0 - width), position[1] * (1.0 - height));
        let inside = |(a, b): (f64, f64)| {
            (left..left + width).contains(&part(a, x)) && (bottom..bottom + height).contains(&part(b, y))
        };
        let segments = curves.iter().flat_map(|curve| curve.windows(2));
        let samples = segments.flat_map(|segment| {
            (0..SAMPLES).map(move |i| {
                let t = i as f64 / SAMPLES as f64;
                (
                    segment[0].0 + t * (segment[1].0 - segment[0].0),
                    segment[0].1 + t * (segment[1].1 - segment[0].1),
                )
            })
        });
        let ends = curves.iter().filter_map(|curve| curve.last().copied());
        samples.chain(ends).filter(|&point| inside(point)).count()
    };
    let best = POSITIONS.into_iter().min_by_key(|(_, position)| hidden(*position));
    best.map_or(SeriesLabelPosition::UpperRight, |(position, _)| position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legend_is_placed_where_nothing_is() {
        let falling = vec![(0.0, 1.0), (1.0, 0.0)];
        let chosen = |curves: &[Vec<(f64, f64)>]| position(curves, &["loss"], &(0.0..1.0), &(0.0..1.0));
        assert!(matches!(chosen(std::slice::from_ref(&falling)), SeriesLabelPosition::UpperRight));
        let top = vec![(0.0, 0.95), (1.0, 0.95)];
        assert!(matches!(chosen(&[falling, top]), SeriesLabelPosition::LowerLeft));
        assert!(matches!(chosen(&[]), SeriesLabelPosition::UpperRight));
    }
}
