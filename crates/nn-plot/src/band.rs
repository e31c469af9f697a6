//! A curve with an uncertainty band, and the observed points.

use crate::chart;
use crate::colour::CURVES;
use crate::lines::Series;
use crate::picture::{Canvas, Draw, Drawn, range, short, text};
use plotters::prelude::*;

/// A picture of predictions: a band around its middle, and observed points, the first group as discs, the others as crosses.
/// Rows and points that are not finite are left out.
///
/// ```
/// use nn_plot::Band;
/// let rows: Vec<[f64; 4]> = (0..9).map(f64::from).map(|x| [x, x - 1.0, x, x + 1.0]).collect();
/// let picture = Band::new("Prediction", "95 %", rows).points("observed", [(2.0, 2.5), (4.0, 3.5)]);
/// assert!(picture.svg()?.contains("observed"));
/// # Ok::<(), nn_plot::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Band {
    title: String,
    x_label: String,
    y_label: String,
    name: String,
    rows: Vec<[f64; 4]>,
    points: Vec<Series>,
}

impl Band {
    /// A band with its name in the legend. A row is an abscissa, the lower end, the middle, and the upper end, from left to
    /// right.
    ///
    /// ```
    /// use nn_plot::Band;
    /// assert!(Band::new("", "95 %", [[0.0, -1.0, 0.0, 1.0], [1.0, -1.5, 0.0, 1.5]]).svg()?.contains("95 %"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn new(title: impl Into<String>, name: impl Into<String>, rows: impl AsRef<[[f64; 4]]>) -> Band {
        let rows = rows.as_ref().iter().copied();
        Band {
            title: text(title),
            x_label: String::new(),
            y_label: String::new(),
            name: text(name),
            rows: rows.filter(|row| row.iter().all(|value| value.is_finite())).collect(),
            points: Vec::new(),
        }
    }

    /// The label of the horizontal axis.
    ///
    /// ```
    /// use nn_plot::Band;
    /// assert!(Band::new("", "", []).x_label("length").svg()?.contains("length"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn x_label(self, label: impl Into<String>) -> Band {
        Band { x_label: text(label), ..self }
    }

    /// The label of the vertical axis.
    ///
    /// ```
    /// use nn_plot::Band;
    /// assert!(Band::new("", "", []).y_label("mass").svg()?.contains("mass"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn y_label(self, label: impl Into<String>) -> Band {
        Band { y_label: text(label), ..self }
    }

    /// Adds a group of points, with a name for the legend.
    ///
    /// ```
    /// use nn_plot::Band;
    /// assert!(Band::new("", "", []).points("observed", [(0.0, 1.0), (2.0, 0.5)]).svg()?.contains("observed"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn points(mut self, name: impl Into<String>, points: impl AsRef<[(f64, f64)]>) -> Band {
        let finite = |point: &&(f64, f64)| point.0.is_finite() && point.1.is_finite();
        let points: Vec<_> = points.as_ref().iter().filter(finite).copied().collect();
        self.points.push(Series::new(name, points));
        self
    }
}

impl Draw for Band {
    fn size(&self) -> (usize, usize) {
        (720, 480)
    }

    fn draw(&self, root: &Canvas<'_>) -> Drawn {
        let points = || self.points.iter().flat_map(|group| group.points.iter().copied());
        let x = range(self.rows.iter().map(|row| row[0]).chain(points().map(|point| point.0)))?;
        let heights = self.rows.iter().flat_map(|row| row[1..].iter().copied());
        let y = range(heights.chain(points().map(|point| point.1)))?;
        let margin = 0.03 * (y.end - y.start);
        let mut chart = chart::on(root, &self.title, x, y.start - margin..y.end + margin)?;
        let label = |value: &f64| short(*value);
        chart::axes(&mut chart, 0.12, [&self.x_label, &self.y_label], [&label, &label])?;
        let colour = CURVES[0];
        let ends = self.rows.iter().map(|row| (row[0], row[1]));
        let back = self.rows.iter().rev().map(|row| (row[0], row[3]));
        let inside = Polygon::new(ends.chain(back).collect::<Vec<_>>(), colour.mix(0.18));
        chart
            .draw_series(std::iter::once(inside))?
            .label(&self.name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 18, y + 5)], colour.mix(0.18).filled()));
        let middle = self.rows.iter().map(|row| (row[0], row[2]));
        chart
            .draw_series(LineSeries::new(middle, colour.stroke_width(2)))?
            .label("mean")
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        for (i, group) in self.points.iter().enumerate() {
            let points = group.points.iter().copied();
            let colour = CURVES[[6, 1][i.min(1)]];
            if i == 0 {
                let disc = move |point| Circle::new(point, 2, colour.mix(0.55).filled());
                let entry = chart.draw_series(points.map(disc))?.label(&group.name);
                entry.legend(move |(x, y)| Circle::new((x + 9, y), 2, colour.mix(0.55).filled()));
            } else {
                let cross = move |point| Cross::new(point, 3, colour.stroke_width(1));
                let entry = chart.draw_series(points.map(cross))?.label(&group.name);
                entry.legend(move |(x, y)| Cross::new((x + 9, y), 3, colour.stroke_width(1)));
            }
        }
        chart::legend(&mut chart, SeriesLabelPosition::UpperLeft)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prediction_becomes_a_picture() {
        let rows: Vec<[f64; 4]> = (0..9).map(f64::from).map(|x| [x, x - 1.0, x, x + 2.0]).collect();
        let picture = Band::new("a & b", "95 %", rows).points("seen", [(1.0, 1.5), (4.0, f64::NAN)]);
        let text = picture.points("held out", [(5.0, 9.0)]).svg().unwrap();
        assert!(text.contains("polygon") && text.contains("held out") && text.contains("</svg>"));
        assert!(!text.contains("NaN"));
    }
}
