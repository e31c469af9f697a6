//! A curve with an uncertainty band, and the observed points.

use super::colour::CURVES;
use super::{PlotError, prepare};
use plotters::prelude::*;
use std::path::Path;

/// A picture of a prediction.
#[derive(Clone, Debug, Default)]
pub struct Band<'a> {
    /// The title above the picture.
    pub title: &'a str,
    /// The label of the horizontal axis.
    pub x_label: &'a str,
    /// The label of the vertical axis.
    pub y_label: &'a str,
    /// The name of the band in the legend.
    pub name: &'a str,
    /// From left to right: abscissa, lower end, middle, upper end.
    pub curve: &'a [[f64; 4]],
    /// Groups of points, each with a name for the legend.
    pub points: &'a [(&'a str, &'a [(f64, f64)])],
}

const SIZE: (u32, u32) = (720, 480);

/// Draws a band to an SVG file: the first group of points as discs, the others as crosses.
///
/// # Errors
/// If the file cannot be written.
pub fn band(path: impl AsRef<Path>, picture: &Band<'_>) -> Result<(), PlotError> {
    let path = path.as_ref();
    prepare(path)?;
    draw(path, picture).map_err(|error| PlotError::new(path, error))
}

fn draw(path: &Path, picture: &Band<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let points = || picture.points.iter().flat_map(|(_, points)| points.iter().copied());
    let x = super::lines::range(picture.curve.iter().map(|row| row[0]).chain(points().map(|point| point.0)));
    let heights = picture.curve.iter().flat_map(|row| row[1..].iter().copied());
    let y = super::lines::range(heights.chain(points().map(|point| point.1)));
    let margin = 0.03 * (y.end - y.start);
    let mut chart = ChartBuilder::on(&root)
        .caption(picture.title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(x, y.start - margin..y.end + margin)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .x_desc(picture.x_label)
        .y_desc(picture.y_label)
        .x_label_formatter(&|x| super::lines::short(*x))
        .y_label_formatter(&|y| super::lines::short(*y))
        .axis_desc_style(("sans-serif", 15))
        .label_style(("sans-serif", 13))
        .draw()?;
    let colour = CURVES[0];
    let ends = picture.curve.iter().map(|row| (row[0], row[1]));
    let back = picture.curve.iter().rev().map(|row| (row[0], row[3]));
    let inside = Polygon::new(ends.chain(back).collect::<Vec<_>>(), colour.mix(0.18));
    chart
        .draw_series(std::iter::once(inside))?
        .label(picture.name)
        .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 18, y + 5)], colour.mix(0.18).filled()));
    let middle = picture.curve.iter().map(|row| (row[0], row[2]));
    chart
        .draw_series(LineSeries::new(middle, colour.stroke_width(2)))?
        .label("mean")
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    for (i, &(name, points)) in picture.points.iter().enumerate() {
        let colour = CURVES[[6, 1][i.min(1)]];
        if i == 0 {
            let disc = move |point| Circle::new(point, 2, colour.mix(0.55).filled());
            let entry = chart.draw_series(points.iter().copied().map(disc))?.label(name);
            entry.legend(move |(x, y)| Circle::new((x + 9, y), 2, colour.mix(0.55).filled()));
        } else {
            let cross = move |point| Cross::new(point, 3, colour.stroke_width(1));
            let entry = chart.draw_series(points.iter().copied().map(cross))?.label(name);
            entry.legend(move |(x, y)| Cross::new((x + 9, y), 3, colour.stroke_width(1)));
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.9))
        .border_style(BLACK.mix(0.3))
        .label_font(("sans-serif", 14))
        .draw()?;
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prediction_becomes_a_picture() {
        let path = std::env::temp_dir().join(format!("band-{}/band.svg", std::process::id()));
        let curve: Vec<[f64; 4]> = (0..9).map(f64::from).map(|x| [x, x - 1.0, x, x + 2.0]).collect();
        let (seen, held_out) = ([(1.0, 1.5), (4.0, 3.0)], [(5.0, 9.0)]);
        let points = [("seen", &seen[..]), ("held out", &held_out[..])];
        let picture =
            Band { title: "a & b", name: "95 %", curve: &curve, points: &points, ..Band::default() };
        band(&path, &picture).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("polygon") && text.contains("held out") && text.contains("</svg>"));
        band(&path, &Band::default()).unwrap();
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
}
