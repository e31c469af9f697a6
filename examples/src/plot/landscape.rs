//! A function over the plane as shades with contours, and paths and points on it.

use super::colour::{CURVES, SHADES, diverging};
use super::lines::short;
use super::{PlotError, Series, key, prepare};
use plotters::prelude::*;
use std::ops::Range;
use std::path::Path;

/// A function of two variables.
pub type Height<'a> = &'a dyn Fn(f64, f64) -> f64;

/// A picture of a part of the plane.
#[derive(Clone, Default)]
pub struct Landscape<'a> {
    /// The title above the picture.
    pub title: &'a str,
    /// The label of the horizontal axis.
    pub x_label: &'a str,
    /// The label of the vertical axis.
    pub y_label: &'a str,
    /// The horizontal range.
    pub x: Range<f64>,
    /// The vertical range.
    pub y: Range<f64>,
    /// The function that is shaded; without one the plane stays white.
    pub height: Option<Height<'a>>,
    /// Contour levels, ascending. The shade runs from blue at the first over white to orange at the last.
    pub levels: &'a [f64],
    /// Grey lines.
    pub curves: &'a [Series<'a>],
    /// Lines with a dot at each point.
    pub paths: &'a [Series<'a>],
    /// Dots only, each series in the colours after those of the paths.
    pub points: &'a [Series<'a>],
}

const SIZE: (u32, u32) = (720, 520);
/// Cells in which the function is evaluated, across and down.
const CELLS: (usize, usize) = (150, 110);
/// The width of the scale on the right.
const SCALE: u32 = 90;

/// Draws a part of the plane to an SVG file.
///
/// # Errors
/// If the file cannot be written.
pub fn landscape(path: impl AsRef<Path>, picture: &Landscape<'_>) -> Result<(), PlotError> {
    let path = path.as_ref();
    prepare(path)?;
    draw(path, picture).map_err(|error| PlotError::new(path, error))
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

/// The shade between two contours: from `-SHADES` below the first to `SHADES` above the last.
fn band(value: f64, levels: &[f64]) -> i32 {
    shade(levels.iter().filter(|&&level| value > level).count(), levels.len())
}

/// The shade above this many of the contours.
fn shade(above: usize, contours: usize) -> i32 {
    let (above, contours) = (above as i32, contours.max(1) as i32);
    // Not the full depth of the colours, so that paths remain visible.
    (2 * above - contours) * SHADES * 3 / (5 * contours)
}

fn draw(path: &Path, picture: &Landscape<'_>) -> Drawn {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let scaled = picture.height.is_some() && !picture.levels.is_empty();
    let (left, right) = root.split_horizontally(if scaled { SIZE.0 - SCALE } else { SIZE.0 });
    let mut chart = ChartBuilder::on(&left)
        .caption(picture.title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(picture.x.clone(), picture.y.clone())?;
    if let Some(height) = picture.height {
        let (columns, rows) = CELLS;
        let x = |i: usize| picture.x.start + (picture.x.end - picture.x.start) * i as f64 / columns as f64;
        let y = |j: usize| picture.y.start + (picture.y.end - picture.y.start) * j as f64 / rows as f64;
        for j in 0..rows {
            let shade =
                |i: usize| band(height((x(i) + x(i + 1)) / 2.0, (y(j) + y(j + 1)) / 2.0), picture.levels);
            let shades: Vec<i32> = (0..columns).map(shade).collect();
            // Neighbours of one shade form one rectangle.
            let mut start = 0;
            for run in shades.chunk_by(|a, b| a == b) {
                let corners = [(x(start), y(j)), (x(start + run.len()), y(j + 1))];
                chart.draw_series([Rectangle::new(corners, diverging(run[0]).filled())])?;
                start += run.len();
            }
        }
        for segment in contours(height, picture.levels, CELLS, x, y) {
            chart.draw_series([PathElement::new(segment, BLACK.mix(0.35))])?;
        }
    }
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(if picture.height.is_some() { 0.0 } else { 0.12 }))
        .x_desc(picture.x_label)
        .y_desc(picture.y_label)
        .x_label_formatter(&|x| label(*x))
        .y_label_formatter(&|y| label(*y))
        .axis_desc_style(("sans-serif", 15))
        .label_style(("sans-serif", 13))
        .draw()?;
    for curve in picture.curves {
        let grey = BLACK.mix(0.55).stroke_width(2);
        chart.draw_series(LineSeries::new(curve.points.iter().copied(), grey))?;
    }
    let paths = picture.paths.iter().map(|series| (series, true));
    let all = paths.chain(picture.points.iter().map(|series| (series, false)));
    // The strongest colours first; blue and orange would drown in the shades.
    let colours = if picture.height.is_some() { [6, 3, 2, 0, 1, 4, 5] } else { [0, 1, 2, 3, 6, 4, 5] };
    for ((series, line), colour) in all.clone().zip(colours.into_iter().cycle()) {
        let colour = CURVES[colour];
        let inside = |&&(x, y): &&(f64, f64)| x.is_finite() && y.is_finite();
        let points = || series.points.iter().filter(inside).copied();
        if line {
            chart.draw_series(LineSeries::new(points(), colour.stroke_width(2)))?;
        }
        let size = if line { 3 } else { 5 };
        let dots = points().map(|at| {
            EmptyElement::at(at)
                + Circle::new((0, 0), size, colour.filled())
                + Circle::new((0, 0), size, WHITE.stroke_width(1))
        });
        let drawn = chart.draw_series(dots)?;
        if !series.name.is_empty() {
            drawn.label(series.name).legend(move |(x, y)| Circle::new((x + 9, y), 4, colour.filled()));
        }
    }
    if all.into_iter().any(|(series, _)| !series.name.is_empty()) {
        let lines = picture.paths.iter().chain(picture.curves).map(|series| series.points.to_vec());
        let dots = picture.points.iter().flat_map(|series| series.points).map(|&point| vec![point]);
        let names: Vec<&str> = picture.paths.iter().chain(picture.points).map(|series| series.name).collect();
        let hidden: Vec<Vec<(f64, f64)>> = lines.chain(dots).collect();
        let mut labels = chart.configure_series_labels();
        labels.position(key::position(&hidden, &names, &picture.x, &picture.y));
        labels.background_style(WHITE.mix(0.9)).border_style(BLACK.mix(0.3)).label_font(("sans-serif", 14));
        labels.draw()?;
    }
    if scaled {
        scale(&right, picture.levels)?;
    }
    root.present()?;
    Ok(())
}

/// The shades with the contours between them, from the bottom up.
fn scale(area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>, levels: &[f64]) -> Drawn {
    let (top, bottom) = (52, SIZE.1 as i32 - 62);
    let step = (bottom - top) as f64 / (levels.len() + 1) as f64;
    let y = |i: usize| bottom - (i as f64 * step).round() as i32;
    for i in 0..=levels.len() {
        area.draw(&Rectangle::new([(4, y(i + 1)), (22, y(i))], diverging(shade(i, levels.len())).filled()))?;
    }
    area.draw(&Rectangle::new([(4, y(levels.len() + 1)), (22, y(0))], BLACK.mix(0.35)))?;
    for (i, level) in levels.iter().enumerate() {
        area.draw(&Text::new(label(*level), (28, y(i + 1) - 7), ("sans-serif", 13).into_font()))?;
    }
    Ok(())
}

/// A number on a scale. Ticks come from sums, so that 0 may be 1e-17.
fn label(x: f64) -> String {
    short(if x.abs() < 1e-9 { 0.0 } else { x })
}

/// The contours as short lines, one for each cell they pass (marching squares; saddles are not resolved, as
/// they matter in none of the pictures).
fn contours(
    height: Height<'_>,
    levels: &[f64],
    (columns, rows): (usize, usize),
    x: impl Fn(usize) -> f64,
    y: impl Fn(usize) -> f64,
) -> Vec<Vec<(f64, f64)>> {
    let values: Vec<Vec<f64>> =
        (0..=rows).map(|j| (0..=columns).map(|i| height(x(i), y(j))).collect()).collect();
    let mut out = Vec::new();
    for (j, i) in (0..rows).flat_map(|j| (0..columns).map(move |i| (j, i))) {
        let corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)];
        for &level in levels {
            let crossing = |k: usize| {
                let ((ai, aj), (bi, bj)) = (corners[k], corners[(k + 1) % 4]);
                let (a, b) = (values[aj][ai] - level, values[bj][bi] - level);
                let part = a / (a - b);
                let between = |a: f64, b: f64| a + part * (b - a);
                ((a > 0.0) != (b > 0.0)).then(|| (between(x(ai), x(bi)), between(y(aj), y(bj))))
            };
            let crossings: Vec<(f64, f64)> = (0..4).filter_map(crossing).collect();
            out.extend(crossings.chunks_exact(2).map(<[_]>::to_vec));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_with_a_path_becomes_a_picture() {
        let path = std::env::temp_dir().join(format!("landscape-{}/bowl.svg", std::process::id()));
        let bowl = |x: f64, y: f64| x * x + y * y;
        let points = [(1.0, 1.0), (0.5, 0.5), (f64::NAN, 0.0)];
        let paths = [Series { name: "descent", points: &points }];
        let picture = Landscape {
            title: "a bowl",
            x: -2.0..2.0,
            y: -2.0..2.0,
            height: Some(&bowl),
            levels: &[0.5, 1.0, 2.0],
            paths: &paths,
            ..Landscape::default()
        };
        landscape(&path, &picture).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("a bowl") && text.contains("descent") && !text.contains("NaN"));
        landscape(&path, &Landscape { height: None, points: &paths, ..picture }).unwrap();
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }

    #[test]
    fn bands_are_ordered_and_a_contour_is_where_it_should_be() {
        let levels = [1.0, 2.0, 3.0];
        let bands = [0.0, 1.5, 2.5, 9.0].map(|v| band(v, &levels));
        assert!(bands.windows(2).all(|pair| pair[0] < pair[1]) && bands[0] == -bands[3]);
        let line = contours(&|x, _| x, &[0.5], (2, 1), |i| i as f64 * 0.8, |j| j as f64);
        assert_eq!(line.len(), 1);
        assert!(line[0].iter().all(|&(x, _)| (x - 0.5).abs() < 1e-12));
    }
}
