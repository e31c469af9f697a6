//! A function over the plane as shades with contours, and paths and points on it.

use crate::chart;
use crate::colour::{CURVES, SHADES, diverging};
use crate::error::PlotError;
use crate::key;
use crate::lines::Series;
use crate::picture::{Canvas, Draw, Drawn, given, near, short, text};
use plotters::prelude::*;
use std::fmt;
use std::ops::Range;

/// A picture of a part of the plane: a function as shades with contours, and curves, paths and points on it.
///
/// ```
/// use nn_plot::Landscape;
/// let picture = Landscape::new("A bowl", -2.0..2.0, -2.0..2.0)
///     .height(|x, y| x * x + y * y, &[0.5, 1.0, 2.0])
///     .path("descent", [(1.0, 1.5), (0.5, 0.75), (0.25, 0.375)]);
/// assert!(picture.svg()?.contains("descent"));
/// let error = Landscape::new("", 1.0..1.0, 0.0..1.0).svg().unwrap_err().to_string();
/// assert_eq!(error, "x: expected a range from a smaller to a larger value, found 1 to 1");
/// # Ok::<(), nn_plot::PlotError>(())
/// ```
pub struct Landscape<'a> {
    title: String,
    x_label: String,
    y_label: String,
    x: Range<f64>,
    y: Range<f64>,
    height: Option<Height<'a>>,
    levels: Vec<f64>,
    curves: Vec<Series>,
    paths: Vec<Series>,
    points: Vec<Series>,
}

/// A function of two variables.
type Height<'a> = Box<dyn Fn(f64, f64) -> f64 + 'a>;

impl<'a> Landscape<'a> {
    /// A white plane over these ranges, under this title.
    ///
    /// ```
    /// use nn_plot::Landscape;
    /// assert!(Landscape::new("A plane", -1.0..1.0, -1.0..1.0).svg()?.contains("A plane"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn new(title: impl Into<String>, x: Range<f64>, y: Range<f64>) -> Landscape<'a> {
        Landscape {
            title: text(title),
            x_label: String::new(),
            y_label: String::new(),
            x,
            y,
            height: None,
            levels: Vec::new(),
            curves: Vec::new(),
            paths: Vec::new(),
            points: Vec::new(),
        }
    }

    /// The label of the horizontal axis.
    ///
    /// ```
    /// use nn_plot::Landscape;
    /// assert!(Landscape::new("", -1.0..1.0, -1.0..1.0).x_label("first weight").svg()?.contains("first weight"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn x_label(self, label: impl Into<String>) -> Landscape<'a> {
        Landscape { x_label: text(label), ..self }
    }

    /// The label of the vertical axis.
    ///
    /// ```
    /// use nn_plot::Landscape;
    /// assert!(Landscape::new("", -1.0..1.0, -1.0..1.0).y_label("second weight").svg()?.contains("second weight"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn y_label(self, label: impl Into<String>) -> Landscape<'a> {
        Landscape { y_label: text(label), ..self }
    }

    /// The function that is shaded, with its contour levels, ascending. The shade runs from blue at the first over white to
    /// orange at the last.
    ///
    /// ```
    /// use nn_plot::Landscape;
    /// let picture = Landscape::new("", -1.0..1.0, -1.0..1.0).height(|x, y| x * y, &[-0.5, 0.0, 0.5]);
    /// assert!(picture.svg()?.contains("-0.5"));
    /// let wrong = Landscape::new("", -1.0..1.0, -1.0..1.0).height(|x, y| x * y, &[0.5, 0.0]);
    /// assert_eq!(wrong.svg().unwrap_err().to_string(), "expected ascending contour levels, found [0.5, 0.0]");
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn height(self, height: impl Fn(f64, f64) -> f64 + 'a, levels: &[f64]) -> Landscape<'a> {
        Landscape { height: Some(Box::new(height)), levels: levels.to_vec(), ..self }
    }

    /// Adds a grey line.
    ///
    /// ```
    /// use nn_plot::Landscape;
    /// let plane = || Landscape::new("", -1.0..1.0, -1.0..1.0);
    /// assert!(plane().curve([(-1.0, 0.0), (1.0, 0.5)]).svg()?.len() > plane().svg()?.len());
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn curve(mut self, points: impl AsRef<[(f64, f64)]>) -> Landscape<'a> {
        let series = self.series("", points);
        self.curves.push(series);
        self
    }

    /// Adds a line with a dot at each point, and a name for the legend.
    ///
    /// ```
    /// use nn_plot::Landscape;
    /// assert!(Landscape::new("", -1.0..1.0, -1.0..1.0).path("descent", [(1.0, 1.0), (0.5, 0.5)]).svg()?.contains("descent"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn path(mut self, name: impl Into<String>, points: impl AsRef<[(f64, f64)]>) -> Landscape<'a> {
        let series = self.series(name, points);
        self.paths.push(series);
        self
    }

    /// Adds dots, in the colours after those of the paths, with a name for the legend.
    ///
    /// ```
    /// use nn_plot::Landscape;
    /// assert!(Landscape::new("", -1.0..1.0, -1.0..1.0).points("ends", [(0.5, 0.5)]).svg()?.contains("ends"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn points(mut self, name: impl Into<String>, points: impl AsRef<[(f64, f64)]>) -> Landscape<'a> {
        let series = self.series(name, points);
        self.points.push(series);
        self
    }

    /// The finite ones of these points, near the picture.
    fn series(&self, name: impl Into<String>, points: impl AsRef<[(f64, f64)]>) -> Series {
        let finite = |point: &&(f64, f64)| point.0.is_finite() && point.1.is_finite();
        let points = points.as_ref().iter().filter(finite);
        // Ranges that are refused when the picture is drawn have no neighbourhood.
        let near =
            |range: &Range<f64>, value| if range.start < range.end { near(range, value) } else { value };
        let points: Vec<_> = points.map(|&(x, y)| (near(&self.x, x), near(&self.y, y))).collect();
        Series::new(name, points)
    }
}

impl fmt::Debug for Landscape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Landscape { title, x, y, levels, .. } = self;
        let mut shown = f.debug_struct("Landscape");
        shown
            .field("title", title)
            .field("x", x)
            .field("y", y)
            .field("levels", levels)
            .finish_non_exhaustive()
    }
}

const SIZE: (u32, u32) = (720, 520);
/// Cells in which the function is evaluated, across and down.
const CELLS: (usize, usize) = (150, 110);
/// The width of the scale on the right.
const SCALE: u32 = 90;

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

impl Draw for Landscape<'_> {
    fn size(&self) -> (usize, usize) {
        (SIZE.0 as usize, SIZE.1 as usize)
    }

    fn draw(&self, root: &Canvas<'_>) -> Drawn {
        let (x_range, y_range) = (given("x", &self.x)?, given("y", &self.y)?);
        if !self.levels.is_sorted_by(|a, b| a < b) {
            let reason = format!("expected ascending contour levels, found {:?}", self.levels);
            return Err(PlotError::data(reason).into());
        }
        let scaled = self.height.is_some() && !self.levels.is_empty();
        let (left, right) = root.split_horizontally(if scaled { SIZE.0 - SCALE } else { SIZE.0 });
        let mut chart = chart::on(&left, &self.title, x_range.clone(), y_range.clone())?;
        if let Some(height) = &self.height {
            let (columns, rows) = CELLS;
            let x = |i: usize| x_range.start + (x_range.end - x_range.start) * i as f64 / columns as f64;
            let y = |j: usize| y_range.start + (y_range.end - y_range.start) * j as f64 / rows as f64;
            for j in 0..rows {
                let shade =
                    |i: usize| band(height((x(i) + x(i + 1)) / 2.0, (y(j) + y(j + 1)) / 2.0), &self.levels);
                let shades: Vec<i32> = (0..columns).map(shade).collect();
                // Neighbours of one shade form one rectangle.
                let mut start = 0;
                for run in shades.chunk_by(|a, b| a == b) {
                    let corners = [(x(start), y(j)), (x(start + run.len()), y(j + 1))];
                    chart.draw_series([Rectangle::new(corners, diverging(run[0]).filled())])?;
                    start += run.len();
                }
            }
            for segment in contours(height, &self.levels, CELLS, x, y) {
                chart.draw_series([PathElement::new(segment, BLACK.mix(0.35))])?;
            }
        }
        let (opacity, label) = (if self.height.is_some() { 0.0 } else { 0.12 }, |value: &f64| label(*value));
        chart::axes(&mut chart, opacity, [&self.x_label, &self.y_label], [&label, &label])?;
        for curve in &self.curves {
            let grey = BLACK.mix(0.55).stroke_width(2);
            chart.draw_series(LineSeries::new(curve.points.iter().copied(), grey))?;
        }
        let paths = self.paths.iter().map(|series| (series, true));
        let all = paths.chain(self.points.iter().map(|series| (series, false)));
        // The strongest colours first; blue and orange would drown in the shades.
        let colours = if self.height.is_some() { [6, 3, 2, 0, 1, 4, 5] } else { [0, 1, 2, 3, 6, 4, 5] };
        for ((series, line), colour) in all.clone().zip(colours.into_iter().cycle()) {
            let colour = CURVES[colour];
            let points = || series.points.iter().copied();
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
                drawn.label(&series.name).legend(move |(x, y)| Circle::new((x + 9, y), 4, colour.filled()));
            }
        }
        if all.into_iter().any(|(series, _)| !series.name.is_empty()) {
            let lines = self.paths.iter().chain(&self.curves).map(|series| series.points.to_vec());
            let dots = self.points.iter().flat_map(|series| &series.points).map(|&point| vec![point]);
            let names: Vec<&str> =
                self.paths.iter().chain(&self.points).map(|series| series.name.as_str()).collect();
            let hidden: Vec<Vec<(f64, f64)>> = lines.chain(dots).collect();
            chart::legend(&mut chart, key::position(&hidden, &names, &x_range, &y_range))?;
        }
        if scaled {
            scale(&right, &self.levels)?;
        }
        Ok(())
    }
}

/// The shades with the contours between them, from the bottom up.
fn scale(area: &Canvas<'_>, levels: &[f64]) -> Drawn {
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

/// The contours as short lines, one for each cell they pass.
fn contours(
    height: &dyn Fn(f64, f64) -> f64,
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
            out.extend(chart::segments(corners.map(|(i, j)| ((x(i), y(j)), values[j][i] - level))));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_with_a_path_becomes_a_picture() {
        let points = [(1.0, 1.0), (0.5, 0.5), (f64::NAN, 0.0), (1e300, 0.0)];
        let plane = || Landscape::new("a bowl", -2.0..2.0, -2.0..2.0).path("descent", points);
        let bowl = plane().height(|x: f64, y: f64| (x * x + y * y).ln().sqrt(), &[0.5, 1.0, 2.0]);
        for picture in [plane(), bowl] {
            let text = picture.svg().unwrap();
            assert!(text.contains("a bowl") && text.contains("descent") && !text.contains("NaN"));
        }
        let error = plane().height(|x, _| x, &[1.0, 0.0]).svg().unwrap_err().to_string();
        assert_eq!(error, "expected ascending contour levels, found [1.0, 0.0]");
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
