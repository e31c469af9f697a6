//! Curves over one axis.

use crate::chart;
use crate::colour::CURVES;
use crate::error::PlotError;
use crate::key;
use crate::picture::{Canvas, Draw, Drawn, range, short, text};
use nn::train::History;
use plotters::prelude::*;

/// One curve, or one set of points.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// The name in the legend; empty for no entry.
    pub name: String,
    /// Points in the order of drawing.
    pub points: Vec<(f64, f64)>,
}

impl Series {
    pub(crate) fn new(name: impl Into<String>, points: impl AsRef<[(f64, f64)]>) -> Series {
        Series { name: text(name), points: points.as_ref().to_vec() }
    }
}

/// A picture of curves over one axis, each with its colour. A point that is not finite interrupts its curve.
///
/// ```
/// use nn_plot::Lines;
/// let squares: Vec<(f64, f64)> = (0..9).map(f64::from).map(|x| (x, x * x)).collect();
/// let picture = Lines::new("Growth").x_label("x").y_label("y").curve("x²", &squares).curve("x", [(0.0, 0.0), (8.0, 8.0)]);
/// assert!(picture.svg()?.contains("x²"));
/// # Ok::<(), nn_plot::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lines {
    title: String,
    x_label: String,
    y_label: String,
    curves: Vec<Series>,
    log_y: bool,
}

impl Lines {
    /// No curves yet, under this title.
    ///
    /// ```
    /// let text = nn_plot::Lines::new("Loss").svg()?;
    /// assert!(text.contains("Loss") && text.contains("</svg>"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn new(title: impl Into<String>) -> Lines {
        let (x_label, y_label, curves) = (String::new(), String::new(), Vec::new());
        Lines { title: text(title), x_label, y_label, curves, log_y: false }
    }

    /// Every column of a history, as a curve over the epochs.
    ///
    /// ```
    /// use nn::train::History;
    /// use nn_plot::Lines;
    /// let mut history = History::new(["loss", "accuracy"]);
    /// history.push(&[0.5, 0.75]);
    /// history.push(&[0.25, 0.875]);
    /// let text = Lines::history("Training", &history).svg()?;
    /// assert!(text.contains("loss") && text.contains("accuracy") && text.contains("epoch"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn history(title: impl Into<String>, history: &History) -> Lines {
        let columns =
            history.names().iter().filter_map(|name| Some(Series::new(name, history.points(name)?)));
        Lines { curves: columns.collect(), ..Lines::new(title).x_label("epoch") }
    }

    /// These columns of a history, as curves over the epochs.
    ///
    /// # Errors
    /// If the history lacks a column.
    ///
    /// ```
    /// use nn::train::History;
    /// use nn_plot::Lines;
    /// let mut history = History::new(["loss", "accuracy"]);
    /// history.push(&[0.5, 0.75]);
    /// assert!(!Lines::columns("Training", &history, ["loss"])?.svg()?.contains("accuracy"));
    /// let error = Lines::columns("Training", &history, ["rmse"]).unwrap_err();
    /// assert_eq!(error.to_string(), "the history has no column \"rmse\"; there are loss, accuracy");
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn columns<N: AsRef<str>>(
        title: impl Into<String>,
        history: &History,
        columns: impl IntoIterator<Item = N>,
    ) -> Result<Lines, PlotError> {
        let mut picture = Lines::new(title).x_label("epoch");
        for name in columns {
            let name = name.as_ref();
            let points = history.points(name).ok_or_else(|| {
                let known = history.names().join(", ");
                PlotError::data(format!("the history has no column {name:?}; there are {known}"))
            })?;
            picture = picture.curve(name, points);
        }
        Ok(picture)
    }

    /// Adds a curve through these points, with a name for the legend; an empty name has no entry.
    ///
    /// ```
    /// use nn_plot::Lines;
    /// let text = Lines::new("").curve("loss", [(1.0, 0.5), (2.0, 0.25)]).curve("", vec![(1.0, 0.5)]).svg()?;
    /// assert_eq!(text.matches("loss").count(), 1);
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn curve(mut self, name: impl Into<String>, points: impl AsRef<[(f64, f64)]>) -> Lines {
        self.curves.push(Series::new(name, points));
        self
    }

    /// Adds several curves, each a name and its points.
    ///
    /// ```
    /// use nn_plot::Lines;
    /// let runs = [vec![(1.0, 0.5), (2.0, 0.25)], vec![(1.0, 0.6), (2.0, 0.2)]];
    /// let named = runs.iter().enumerate().map(|(i, points)| (format!("run {i}"), points));
    /// assert!(Lines::new("Loss").curves(named).svg()?.contains("run 1"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn curves<N: Into<String>, P: AsRef<[(f64, f64)]>>(
        mut self,
        curves: impl IntoIterator<Item = (N, P)>,
    ) -> Lines {
        self.curves.extend(curves.into_iter().map(|(name, points)| Series::new(name, points)));
        self
    }

    /// The label of the horizontal axis.
    ///
    /// ```
    /// use nn_plot::Lines;
    /// assert!(Lines::new("Loss").x_label("epoch").svg()?.contains("epoch"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn x_label(self, label: impl Into<String>) -> Lines {
        Lines { x_label: text(label), ..self }
    }

    /// The label of the vertical axis.
    ///
    /// ```
    /// use nn_plot::Lines;
    /// assert!(Lines::new("Loss").y_label("nats").svg()?.contains("nats"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn y_label(self, label: impl Into<String>) -> Lines {
        Lines { y_label: text(label), ..self }
    }

    /// Makes the vertical axis logarithmic; values that are not positive are then left out.
    ///
    /// ```
    /// use nn_plot::Lines;
    /// let picture = Lines::new("Loss").curve("", [(1.0, 0.1), (2.0, 0.0), (3.0, 1e-5)]).log_y();
    /// assert!(picture.svg()?.contains("1.0e-5"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn log_y(self) -> Lines {
        Lines { log_y: true, ..self }
    }
}

impl Draw for Lines {
    fn size(&self) -> (usize, usize) {
        (720, 440)
    }

    fn draw(&self, root: &Canvas<'_>) -> Drawn {
        // A logarithmic axis is a linear one of logarithms with labels of the original values.
        let height = |y: f64| if self.log_y { y.log10() } else { y };
        let curves: Vec<Vec<(f64, f64)>> = self
            .curves
            .iter()
            .map(|series| series.points.iter().map(|&(x, y)| (x, height(y))).collect())
            .collect();
        let drawn = || curves.iter().flatten().filter(|(x, y)| x.is_finite() && y.is_finite());
        let (x, y) = (range(drawn().map(|point| point.0))?, range(drawn().map(|point| point.1))?);
        // From zero if that costs little space, so that heights are comparable.
        let low = if !self.log_y && y.start > 0.0 && y.start < y.end / 2.0 { 0.0 } else { y.start };
        let top = y.end + 0.04 * (y.end - low);
        let mut chart = chart::on(root, &self.title, x.clone(), low..top)?;
        let label = |y: &f64| if self.log_y { format!("{:.1e}", 10f64.powf(*y)) } else { short(*y) };
        chart::axes(&mut chart, 0.12, [&self.x_label, &self.y_label], [&|x| short(*x), &label])?;
        for ((points, series), colour) in curves.iter().zip(&self.curves).zip(CURVES.into_iter().cycle()) {
            let finite = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
            for (i, segment) in points.split(|point| !finite(point)).enumerate() {
                let line =
                    chart.draw_series(LineSeries::new(segment.iter().copied(), colour.stroke_width(2)))?;
                if i == 0 && !series.name.is_empty() {
                    line.label(&series.name).legend(move |(x, y)| {
                        PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2))
                    });
                }
            }
        }
        if self.curves.iter().any(|series| !series.name.is_empty()) {
            let names: Vec<&str> = self.curves.iter().map(|series| series.name.as_str()).collect();
            chart::legend(&mut chart, key::position(&curves, &names, &x, &(low..top)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_of_any_kind_become_a_picture() {
        let falling: Vec<(f64, f64)> = (0..20).map(|i| (f64::from(i), 0.5f64.powi(i))).collect();
        let broken = [(0.0, f64::NAN), (1.0, 1.0), (2.0, 0.0), (f64::INFINITY, 1.0)];
        let picture = Lines::new("a & b").x_label("x").y_label("y").curve("falling", falling);
        let picture = picture.curve("broken", broken).curve("", []);
        for picture in [picture.clone(), picture.log_y()] {
            let text = picture.svg().unwrap();
            assert!(text.contains("</svg>") && text.contains("falling") && !text.contains("NaN"));
        }
    }
}
