//! Decision regions in the plane: the output of a classifier everywhere, and its training points.

use crate::chart::{self, Chart, Panels};
use crate::colour::{CURVES, SHADES, diverging, shade};
use crate::error::PlotError;
use crate::picture::{Canvas, Draw, Drawn, centred, given, near, text};
use nn::Module;
use plotters::prelude::*;
use std::ops::Range;
use tape::{Element, Error, Tensor};

/// One classifier of [`Regions`], over a part of the plane.
///
/// ```
/// use nn::Linear;
/// use nn_plot::{Region, Regions};
/// // Three classes by their logits.
/// let model = Linear::from_values([[1.0, 0.0], [-1.0, 1.0], [0.0, -1.0]], [0.0; 3]);
/// let region = Region::of_model("three", -2.0..2.0, -2.0..2.0, &model).points([(1.5, 0.0, 0), (-1.0, 1.0, 1)]);
/// assert!(Regions::new("").panel(region).svg()?.contains("class 2"));
/// # Ok::<(), nn_plot::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Region {
    title: String,
    x: Range<f64>,
    y: Range<f64>,
    /// The outputs of each cell, as [`grid`] orders them.
    outputs: Result<Vec<f64>, PlotError>,
    /// Outputs for each point.
    classes: usize,
    points: Vec<(f64, f64, usize)>,
}

impl Region {
    /// The function `f` over these ranges. It gets the centres of 128 x 128 cells, `[cells, 2]`, and returns
    ///
    /// - `[cells]` or `[cells, 1]`, the probability of class 1: the border is at 1/2;
    /// - `[cells, classes]`, one output for each class: the largest decides, so that logits and probabilities give the same.
    ///
    /// ```
    /// use nn_plot::{Region, Regions};
    /// let disc = Region::new("a disc", -2.0..2.0, -2.0..2.0, |x| (1.0 - x.square().sum_axis(1)).sigmoid());
    /// assert!(Regions::new("").panel(disc).svg()?.contains("a disc"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn new(
        title: impl Into<String>,
        x: Range<f64>,
        y: Range<f64>,
        f: impl FnOnce(&Tensor) -> Tensor,
    ) -> Region {
        Region::try_new(title, x, y, |x| Ok(f(x)))
    }

    /// The output of a model over these ranges, as [`new`](Region::new) takes it. A model that does not take inputs
    /// `[cells, 2]` is reported when the picture is drawn.
    ///
    /// ```
    /// use nn::Linear;
    /// use nn_plot::{Region, Regions};
    /// let model: Linear = Linear::from_values([[1.0, 1.0]], [0.5]);
    /// let region = Region::of_model("a line", -1.0..1.0, -1.0..1.0, &model);
    /// assert!(Regions::new("").panel(region).svg()?.contains("a line"));
    /// let wrong: Linear = Linear::from_values([[1.0, 1.0, 1.0]], [0.5]);
    /// let region = Region::of_model("three inputs", -1.0..1.0, -1.0..1.0, &wrong);
    /// let error = Regions::new("").panel(region).svg().unwrap_err().to_string();
    /// assert_eq!(error, "region \"three inputs\": linear: expected shape [16384, 3], found [16384, 2]");
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn of_model<T: Element>(
        title: impl Into<String>,
        x: Range<f64>,
        y: Range<f64>,
        model: &(impl Module<T> + ?Sized),
    ) -> Region {
        Region::try_new(title, x, y, |x| Ok(model.try_predict(&x.cast::<T>())?.cast::<f64>()))
    }

    fn try_new(
        title: impl Into<String>,
        x: Range<f64>,
        y: Range<f64>,
        f: impl FnOnce(&Tensor) -> Result<Tensor, Error>,
    ) -> Region {
        let title = text(title);
        let outputs = given("x", &x).and(given("y", &y)).and_then(|_| {
            let centres = grid(&x, &y);
            let refused = |reason: String| PlotError::data(format!("region {title:?}: {reason}"));
            let outputs = f(&Tensor::from_fn([centres.len(), 2], |i| centres[i[0]][i[1]]))
                .map_err(|error| refused(error.to_string()))?;
            match outputs.shape()[..] {
                [cells] if cells == centres.len() => Ok((outputs.to_vec(), 1)),
                [cells, classes] if cells == centres.len() && classes > 0 => Ok((outputs.to_vec(), classes)),
                _ => {
                    let (cells, found) = (centres.len(), outputs.shape().to_vec());
                    Err(refused(format!("expected outputs [{cells}] or [{cells}, classes], found {found:?}")))
                }
            }
        });
        let classes = outputs.as_ref().map_or(1, |(_, classes)| *classes);
        let outputs = outputs.map(|(outputs, _)| outputs);
        Region { title, x, y, outputs, classes, points: Vec::new() }
    }

    /// Adds points, each with its class. Those that are not finite are left out.
    ///
    /// ```
    /// use nn_plot::{Region, Regions};
    /// let half = Region::new("", -1.0..1.0, -1.0..1.0, |x| x.slice(1, ..1)).points([(0.5, 0.5, 1), (0.9, 0.1, 1)]);
    /// let text = Regions::new("").panel(half).svg()?;
    /// assert_eq!(text.matches("<circle").count(), 4); // a dot with a white edge each
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn points(mut self, points: impl AsRef<[(f64, f64, usize)]>) -> Region {
        let finite = |point: &&(f64, f64, usize)| point.0.is_finite() && point.1.is_finite();
        self.points.extend(points.as_ref().iter().filter(finite));
        self
    }
}

/// A picture of decision regions, in one panel or several.
///
/// With one output: below 1/2 in blue, above in orange, and a black line between them; points of class 1 are filled circles,
/// others are crosses. With one output for each class: a colour for each class, also that of its points.
///
/// ```
/// use nn::{Sigmoid, Tanh, mlp};
/// use nn_plot::{Region, Regions};
/// use rand::{SeedableRng, rngs::StdRng};
/// let model = mlp::<f64>(&[2, 4, 1], Tanh, Sigmoid, &mut StdRng::seed_from_u64(0));
/// let region = Region::of_model("before training", -1.0..1.0, -1.0..1.0, &model).points([(0.5, 0.5, 1)]);
/// assert!(Regions::new("Two classes").panel(region).svg()?.contains("output 1/2"));
/// # Ok::<(), nn_plot::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Regions {
    title: String,
    panels: Vec<Region>,
    per_row: usize,
}

impl Regions {
    /// No panels yet, under this title.
    ///
    /// ```
    /// use nn_plot::Regions;
    /// assert!(Regions::new("Borders").svg()?.contains("Borders"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn new(title: impl Into<String>) -> Regions {
        Regions { title: text(title), panels: Vec::new(), per_row: 2 }
    }

    /// Adds a panel. All have one output, or all several.
    ///
    /// ```
    /// use nn_plot::{Region, Regions};
    /// let panel = |title| Region::new(title, -1.0..1.0, -1.0..1.0, |x| x.slice(1, ..1));
    /// let text = Regions::new("").panel(panel("left")).panel(panel("right")).svg()?;
    /// assert!(text.contains("left") && text.contains("right"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn panel(mut self, region: Region) -> Regions {
        self.panels.push(region);
        self
    }

    /// The number of panels side by side: 2 by default.
    ///
    /// ```
    /// use nn_plot::{Region, Regions};
    /// let panel = || Region::new("", -1.0..1.0, -1.0..1.0, |x| x.slice(1, ..1));
    /// let text = Regions::new("").panel(panel()).panel(panel()).per_row(1).svg()?;
    /// assert!(text.starts_with("<svg width=\"360\" height=\"820\""));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn per_row(self, panels: usize) -> Regions {
        Regions { per_row: panels, ..self }
    }
}

/// Cells along each side of a panel.
const GRID: usize = 128;

/// A position in a range, from -1 to 1.
fn at(range: &Range<f64>, part: f64) -> f64 {
    (range.start + range.end) / 2.0 + (range.end - range.start) / 2.0 * part
}

/// The centres of the cells: rows from the lowest to the highest, each from left to right.
fn grid(x: &Range<f64>, y: &Range<f64>) -> Vec<[f64; 2]> {
    let centre = |range, i: usize| at(range, (2 * i + 1) as f64 / GRID as f64 - 1.0);
    (0..GRID * GRID).map(|i| [centre(x, i % GRID), centre(y, i / GRID)]).collect()
}

const FOOT: u32 = 56;

impl Regions {
    fn layout(&self) -> Panels {
        let (count, per_row) = (self.panels.len(), self.per_row);
        Panels { count, per_row, size: (360, 360), head: (44, 14), foot: FOOT }
    }
}

impl Draw for Regions {
    fn size(&self) -> (usize, usize) {
        self.layout().picture()
    }

    fn draw(&self, root: &Canvas<'_>) -> Drawn {
        let one = self.panels.iter().filter(|panel| panel.classes == 1).count();
        if one > 0 && one < self.panels.len() {
            return Err(PlotError::data(
                "expected panels with one output or panels with several, found both",
            )
            .into());
        }
        for (area, panel) in self.layout().areas(root, &self.title)?.iter().zip(&self.panels) {
            draw_panel(area, panel)?;
        }
        let (width, height) = self.size();
        let (width, top) = (width as i32, height as i32 - FOOT as i32 + 8);
        match self.panels.iter().map(|panel| panel.classes).max() {
            Some(classes @ 2..) => names(root, classes, width, top),
            _ => {
                let labels = ["0: cross", "output 1/2", "1: dot"].map(str::to_owned);
                chart::scale(root, (width / 2 - chart::SCALE / 2, top), labels)
            }
        }
    }
}

/// The colours of the classes, as many as fit.
fn names(root: &Canvas<'_>, classes: usize, width: i32, top: i32) -> Drawn {
    const STEP: i32 = 64;
    let shown = (classes as i32).min(width / STEP);
    let left = (width - shown * STEP) / 2;
    for class in 0..shown {
        let middle = left + class * STEP + STEP / 2;
        let corners = [(middle - 12, top), (middle + 12, top + 14)];
        root.draw(&Rectangle::new(corners, CURVES[class as usize % CURVES.len()].filled()))?;
        root.draw(&Text::new(format!("class {class}"), (middle, top + 20), centred(13)))?;
    }
    Ok(())
}

fn draw_panel(area: &Canvas<'_>, panel: &Region) -> Drawn {
    let outputs = panel.outputs.as_ref().map_err(Clone::clone)?;
    let (known, found) = (panel.classes.max(2), panel.points.iter().map(|point| point.2).max());
    if let Some(found) = found.filter(|&class| class >= known) {
        let reason = format!("region {:?}: expected classes below {known}, found {found}", panel.title);
        return Err(PlotError::data(reason).into());
    }
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.title, ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(34)
        .y_label_area_size(42)
        .build_cartesian_2d(panel.x.clone(), panel.y.clone())?;
    if panel.classes == 1 {
        fill(&mut chart, panel, &outputs.iter().map(|&output| level(output)).collect::<Vec<_>>(), diverging)?;
        border(&mut chart, panel, &outputs.iter().map(|output| output - 0.5).collect::<Vec<_>>())?;
    } else {
        let cells: Vec<&[f64]> = outputs.chunks_exact(panel.classes).collect();
        fill(&mut chart, panel, &cells.iter().map(|cell| largest(cell)).collect::<Vec<_>>(), faint)?;
        for class in 0..panel.classes {
            let margin: Vec<f64> = cells.iter().map(|cell| margin(cell, class)).collect();
            border(&mut chart, panel, &margin)?;
        }
    }
    let class = |class: usize| {
        let of_class = move |point: &&(f64, f64, usize)| point.2 == class;
        panel.points.iter().filter(of_class).map(|&(x, y, _)| (near(&panel.x, x), near(&panel.y, y)))
    };
    if panel.classes == 1 {
        let (orange, blue) = (diverging(SHADES), diverging(-SHADES));
        chart.draw_series(class(1).map(|point| Circle::new(point, 3, WHITE.filled())))?;
        chart.draw_series(class(1).map(|point| Circle::new(point, 2, orange.filled())))?;
        chart.draw_series(class(0).map(|point| Cross::new(point, 3, WHITE.stroke_width(3))))?;
        chart.draw_series(class(0).map(|point| Cross::new(point, 3, blue.stroke_width(1))))?;
    } else {
        for number in 0..panel.classes {
            let colour = CURVES[number % CURVES.len()];
            chart.draw_series(class(number).map(|point| Circle::new(point, 4, WHITE.filled())))?;
            chart.draw_series(class(number).map(|point| Circle::new(point, 3, colour.filled())))?;
        }
    }
    chart
        .configure_mesh()
        .disable_mesh()
        .x_labels(7)
        .y_labels(7)
        .x_desc("x")
        .y_desc("y")
        .label_style(("sans-serif", 12))
        .axis_desc_style(("sans-serif", 13))
        .draw()?;
    Ok(())
}

/// Fills the cells: neighbours of one kind form one rectangle.
fn fill(chart: &mut Chart<'_, '_>, panel: &Region, kinds: &[i32], colour: fn(i32) -> RGBColor) -> Drawn {
    let edge = |range, i: usize| at(range, 2.0 * i as f64 / GRID as f64 - 1.0);
    for (j, row) in kinds.chunks_exact(GRID).enumerate() {
        let mut start = 0;
        for run in row.chunk_by(|a, b| a == b) {
            let end = start + run.len();
            let corners =
                [(edge(&panel.x, start), edge(&panel.y, j)), (edge(&panel.x, end), edge(&panel.y, j + 1))];
            chart.draw_series(std::iter::once(Rectangle::new(corners, colour(run[0]).filled())))?;
            start = end;
        }
    }
    Ok(())
}

/// Draws the line where the values of the cells change their sign.
fn border(chart: &mut Chart<'_, '_>, panel: &Region, values: &[f64]) -> Drawn {
    let lines = boundary(values, &panel.x, &panel.y);
    chart.draw_series(lines.into_iter().map(|line| PathElement::new(line, BLACK.stroke_width(2))))?;
    Ok(())
}

/// The shade of an output, halved so that points remain visible.
fn level(output: f64) -> i32 {
    shade(output - 0.5, 0.5) / 2
}

/// The class with the largest output, the first of equal ones; -1 if none is a number.
fn largest(outputs: &[f64]) -> i32 {
    let better = |best: Option<usize>, i: usize| match best {
        Some(best) if outputs[i] > outputs[best] => Some(i),
        None if !outputs[i].is_nan() => Some(i),
        best => best,
    };
    (0..outputs.len()).fold(None, better).map_or(-1, |class| class as i32)
}

/// The output of a class less the largest of the others.
fn margin(outputs: &[f64], class: usize) -> f64 {
    let others = outputs.iter().enumerate().filter(|(other, _)| *other != class);
    outputs[class] - others.map(|(_, &output)| output).fold(f64::NEG_INFINITY, f64::max)
}

/// The colour of a class, faint so that points remain visible; grey for none.
fn faint(class: i32) -> RGBColor {
    let Ok(class) = usize::try_from(class) else { return diverging(0) };
    let RGBColor(red, green, blue) = CURVES[class % CURVES.len()];
    let pale = |part: u8| (0.3 * f64::from(part) + 0.7 * 255.0).round() as u8;
    RGBColor(pale(red), pale(green), pale(blue))
}

/// The contour where the values are 0: one line segment for each pair of neighbouring cell centres it passes between,
/// interpolated along the sides of the square of four centres.
fn boundary(values: &[f64], x: &Range<f64>, y: &Range<f64>) -> Vec<Vec<(f64, f64)>> {
    let centres = grid(x, y);
    let mut lines = Vec::new();
    for j in 0..GRID - 1 {
        for i in 0..GRID - 1 {
            let at = |i: usize, j: usize| j * GRID + i;
            let corners = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
            lines.extend(chart::segments(corners.map(|at| (centres[at].into(), values[at]))));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::Linear;

    const SQUARE: Range<f64> = -2.0..2.0;

    fn refused(region: Region) -> String {
        Regions::new("").panel(region).svg().unwrap_err().to_string()
    }

    #[test]
    fn a_disc_has_a_round_border() {
        let inside: Vec<f64> =
            grid(&SQUARE, &SQUARE).iter().map(|[x, y]| f64::from(x.hypot(*y) < 1.0) - 0.5).collect();
        let border = boundary(&inside, &SQUARE, &SQUARE);
        assert!(border.len() > 100);
        assert!(border.iter().flatten().all(|(x, y)| (x.hypot(*y) - 1.0).abs() < 0.05));
    }

    #[test]
    fn a_model_that_does_not_fit_is_refused() {
        let model: Linear = Linear::from_values([[1.0, 1.0, 1.0]], [0.0]);
        let error = refused(Region::of_model("a", SQUARE, SQUARE, &model));
        assert_eq!(error, "region \"a\": linear: expected shape [16384, 3], found [16384, 2]");
        let error = refused(Region::new("a", SQUARE, SQUARE, |_| Tensor::ones([3])));
        assert_eq!(error, "region \"a\": expected outputs [16384] or [16384, classes], found [3]");
        let flat = |title: &str, classes| {
            Region::new(title, SQUARE, SQUARE, |x| Tensor::ones([x.shape()[0], classes]))
        };
        let error = refused(flat("a", 3).points([(0.0, 0.0, 3)]));
        assert_eq!(error, "region \"a\": expected classes below 3, found 3");
        let error = Regions::new("").panel(flat("a", 1)).panel(flat("b", 2)).svg().unwrap_err().to_string();
        assert_eq!(error, "expected panels with one output or panels with several, found both");
        let error = refused(Region::new("a", 0.0..0.0, SQUARE, |_| unreachable!("there are no cells")));
        assert_eq!(error, "x: expected a range from a smaller to a larger value, found 0 to 0");
    }

    #[test]
    fn outputs_that_are_not_numbers_are_neutral() {
        for classes in [1, 3] {
            let region = Region::new("", SQUARE, SQUARE, |x| {
                Tensor::from_fn(
                    [x.shape()[0], classes],
                    |i| if i[0] % 2 == 0 { f64::NAN } else { f64::INFINITY },
                )
            });
            let text =
                Regions::new("").panel(region.points([(f64::NAN, 0.0, 0), (1e300, 0.0, 1)])).svg().unwrap();
            assert!(!text.contains("NaN"));
        }
        assert_eq!([largest(&[f64::NAN, 1.0, 1.0]), largest(&[0.0, 2.0]), largest(&[f64::NAN])], [1, 1, -1]);
    }
}
