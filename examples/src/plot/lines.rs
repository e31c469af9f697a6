//! Curves over one axis.

use super::colour::CURVES;
use super::{PlotError, key, prepare};
use nn::train::History;
use plotters::prelude::*;
use std::ops::Range;
use std::path::Path;

/// One curve.
#[derive(Clone, Debug, Default)]
pub struct Series<'a> {
    /// The name in the legend; empty for no entry.
    pub name: &'a str,
    /// Points in the order of drawing; those that are not finite interrupt the curve.
    pub points: &'a [(f64, f64)],
}

/// A picture of curves.
#[derive(Clone, Debug, Default)]
pub struct Lines<'a> {
    /// The title above the picture.
    pub title: &'a str,
    /// The label of the horizontal axis.
    pub x_label: &'a str,
    /// The label of the vertical axis.
    pub y_label: &'a str,
    /// The curves.
    pub series: &'a [Series<'a>],
    /// Whether the vertical axis is logarithmic; values that are not positive are then left out.
    pub log_y: bool,
}

const SIZE: (u32, u32) = (720, 440);

/// Draws curves to an SVG file.
///
/// # Errors
/// If the file cannot be written.
pub fn lines(path: impl AsRef<Path>, picture: &Lines<'_>) -> Result<(), PlotError> {
    let path = path.as_ref();
    prepare(path)?;
    draw(path, picture).map_err(|error| PlotError::new(path, error))
}

/// Draws columns of a history, one curve each over the epochs.
///
/// # Errors
/// If the history lacks a column, or the file cannot be written.
pub fn history(
    path: impl AsRef<Path>,
    title: &str,
    history: &History,
    columns: &[&str],
    log_y: bool,
) -> Result<(), PlotError> {
    let path = path.as_ref();
    let points = |name: &&str| {
        let missing = || PlotError::new(path, format!("the history has no column {name:?}"));
        history.points(name).ok_or_else(missing)
    };
    let curves = columns.iter().map(points).collect::<Result<Vec<_>, PlotError>>()?;
    let series: Vec<Series<'_>> =
        columns.iter().zip(&curves).map(|(name, points)| Series { name, points }).collect();
    lines(path, &Lines { title, x_label: "epoch", y_label: "", series: &series, log_y })
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(path: &Path, picture: &Lines<'_>) -> Drawn {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    // A logarithmic axis is a linear one of logarithms with labels of the original values.
    let height = |y: f64| if picture.log_y { y.log10() } else { y };
    let curves: Vec<Vec<(f64, f64)>> = picture
        .series
        .iter()
        .map(|series| series.points.iter().map(|&(x, y)| (x, height(y))).collect())
        .collect();
    let drawn = || curves.iter().flatten().filter(|(x, y)| x.is_finite() && y.is_finite());
    let (x, y) = (range(drawn().map(|point| point.0)), range(drawn().map(|point| point.1)));
    // From zero if that costs little space, so that heights are comparable.
    let low = if !picture.log_y && y.start > 0.0 && y.start < y.end / 2.0 { 0.0 } else { y.start };
    let top = y.end + 0.04 * (y.end - low);
    let mut chart = ChartBuilder::on(&root)
        .caption(picture.title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(x.clone(), low..top)?;
    let label = |y: &f64| if picture.log_y { format!("{:.1e}", 10f64.powf(*y)) } else { short(*y) };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .x_desc(picture.x_label)
        .y_desc(picture.y_label)
        .x_label_formatter(&|x| short(*x))
        .y_label_formatter(&label)
        .axis_desc_style(("sans-serif", 15))
        .label_style(("sans-serif", 13))
        .draw()?;
    for ((points, series), colour) in curves.iter().zip(picture.series).zip(CURVES.into_iter().cycle()) {
        let finite = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
        for (i, segment) in points.split(|point| !finite(point)).enumerate() {
            let line = chart.draw_series(LineSeries::new(segment.iter().copied(), colour.stroke_width(2)))?;
            if i == 0 && !series.name.is_empty() {
                line.label(series.name)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
            }
        }
    }
    if picture.series.iter().any(|series| !series.name.is_empty()) {
        let names: Vec<&str> = picture.series.iter().map(|series| series.name).collect();
        chart
            .configure_series_labels()
            .position(key::position(&curves, &names, &x, &(low..top)))
            .background_style(WHITE.mix(0.9))
            .border_style(BLACK.mix(0.3))
            .label_font(("sans-serif", 14))
            .draw()?;
    }
    root.present()?;
    Ok(())
}

/// The shortest decimal form of a number: 0.05, 12, 2e-7.
pub(super) fn short(x: f64) -> String {
    match x.abs() {
        0.0 => "0".to_owned(),
        1e-4..1e6 => format!("{}", (x * 1e6).round() / 1e6),
        _ => format!("{x:.1e}"),
    }
}

/// From the smallest to the largest value, a little apart if they are equal.
pub(super) fn range(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) = values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    match (low, high) {
        _ if low > high => 0.0..1.0,
        _ if low == high => low - 0.5..high + 0.5,
        _ => low..high,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_of_any_kind_become_a_picture() {
        let path = std::env::temp_dir().join(format!("lines-{}/loss.svg", std::process::id()));
        let falling: Vec<(f64, f64)> = (0..20).map(|i| (f64::from(i), 0.5f64.powi(i))).collect();
        let broken = [(0.0, f64::NAN), (1.0, 1.0), (2.0, 0.0), (f64::INFINITY, 1.0)];
        let series = [
            Series { name: "falling", points: &falling },
            Series { name: "broken", points: &broken },
            Series::default(),
        ];
        for log_y in [false, true] {
            let picture = Lines { title: "a & b", x_label: "x", y_label: "y", series: &series, log_y };
            lines(&path, &picture).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains("</svg>") && text.contains("falling") && !text.contains("NaN"));
        }
        lines(&path, &Lines::default()).unwrap();
        let mut losses = History::new(["loss", "validation"]);
        losses.push(&[1.0, 2.0]);
        losses.push(&[0.5, f64::NAN]);
        history(&path, "losses", &losses, &["loss", "validation"], true).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("validation") && text.contains("epoch") && !text.contains("NaN"));
        let error = history(&path, "", &losses, &["accuracy"], true).unwrap_err();
        assert!(error.to_string().ends_with("the history has no column \"accuracy\""));
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
        let nowhere = lines("/dev/null/no/loss.svg", &Lines::default()).unwrap_err();
        assert!(nowhere.to_string().starts_with("/dev/null/no/loss.svg: "));
    }
}
