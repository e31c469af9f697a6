//! Points of the plane in groups.

use crate::chart::Panels;
use crate::colour::CURVES;
use crate::error::PlotError;
use crate::picture::{Canvas, Draw, Drawn, near, range, short, text};
use plotters::prelude::*;

/// One set of points of a [`Scatter`].
///
/// ```
/// use nn_plot::{Cloud, Scatter};
/// let cloud = Cloud::new("two clusters").points([(0.0, 0.0, 0), (0.1, 0.2, 0), (3.0, 3.0, 1)]).marks([(0.05, 0.1)]);
/// assert_eq!(Scatter::new("").panel(cloud).svg()?.matches("<circle").count(), 3);
/// # Ok::<(), nn_plot::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cloud {
    title: String,
    points: Vec<(f64, f64, usize)>,
    marks: Vec<(f64, f64)>,
}

impl Cloud {
    /// No points yet, under this title.
    ///
    /// ```
    /// use nn_plot::{Cloud, Scatter};
    /// assert!(Scatter::new("").panel(Cloud::new("blobs")).svg()?.contains("blobs"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn new(title: impl Into<String>) -> Cloud {
        Cloud { title: text(title), points: Vec::new(), marks: Vec::new() }
    }

    /// Adds points, each with its group; a group is a colour.
    ///
    /// ```
    /// use nn_plot::{Cloud, Scatter};
    /// let cloud = Cloud::new("").points([(0.0, 0.0, 0), (1.0, 2.0, 1), (f64::NAN, 0.0, 1)]);
    /// assert_eq!(Scatter::new("").panel(cloud).svg()?.matches("<circle").count(), 2);
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn points(mut self, points: impl AsRef<[(f64, f64, usize)]>) -> Cloud {
        let finite = |point: &&(f64, f64, usize)| point.0.is_finite() && point.1.is_finite();
        self.points.extend(points.as_ref().iter().filter(finite));
        self
    }

    /// Adds black crosses: centres.
    ///
    /// ```
    /// use nn_plot::{Cloud, Scatter};
    /// let without = Scatter::new("").panel(Cloud::new("")).svg()?;
    /// let with = Scatter::new("").panel(Cloud::new("").marks([(0.5, 0.5)])).svg()?;
    /// assert!(with.len() > without.len());
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn marks(mut self, marks: impl AsRef<[(f64, f64)]>) -> Cloud {
        let finite = |point: &&(f64, f64)| point.0.is_finite() && point.1.is_finite();
        self.marks.extend(marks.as_ref().iter().filter(finite));
        self
    }
}

/// A picture of points in groups, in one panel or several. Points that are not finite are left out.
///
/// ```
/// use nn_plot::{Cloud, Scatter};
/// let parabola: Vec<(f64, f64, usize)> = (0..20).map(|i| (f64::from(i), f64::from(i * i), i as usize / 10)).collect();
/// let panel = Cloud::new("a parabola").points(parabola);
/// let text = Scatter::new("two").panel(panel.clone()).panel(panel).per_row(2).svg()?;
/// assert_eq!(text.matches("a parabola").count(), 2);
/// # Ok::<(), nn_plot::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scatter {
    title: String,
    panels: Vec<Cloud>,
    per_row: usize,
}

impl Scatter {
    /// No panels yet, under this title.
    ///
    /// ```
    /// use nn_plot::Scatter;
    /// assert!(Scatter::new("Data").svg()?.contains("Data"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn new(title: impl Into<String>) -> Scatter {
        Scatter { title: text(title), panels: Vec::new(), per_row: 2 }
    }

    /// Adds a panel.
    ///
    /// ```
    /// use nn_plot::{Cloud, Scatter};
    /// let text = Scatter::new("").panel(Cloud::new("left")).panel(Cloud::new("right")).svg()?;
    /// assert!(text.contains("left") && text.contains("right"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn panel(mut self, cloud: Cloud) -> Scatter {
        self.panels.push(cloud);
        self
    }

    /// The number of panels side by side: 2 by default.
    ///
    /// ```
    /// use nn_plot::{Cloud, Scatter};
    /// let picture = (0..3).fold(Scatter::new(""), |picture, _| picture.panel(Cloud::new("")));
    /// assert!(picture.per_row(3).svg()?.starts_with("<svg width=\"960\" height=\"360\""));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn per_row(self, panels: usize) -> Scatter {
        Scatter { per_row: panels, ..self }
    }
}

impl Scatter {
    fn layout(&self) -> Panels {
        let (count, per_row) = (self.panels.len(), self.per_row);
        Panels { count, per_row, size: (320, 320), head: (40, 12), foot: 0 }
    }
}

impl Draw for Scatter {
    fn size(&self) -> (usize, usize) {
        self.layout().picture()
    }

    fn draw(&self, root: &Canvas<'_>) -> Drawn {
        for (area, panel) in self.layout().areas(root, &self.title)?.iter().zip(&self.panels) {
            draw_panel(area, panel)?;
        }
        Ok(())
    }
}

fn draw_panel(area: &Canvas<'_>, panel: &Cloud) -> Drawn {
    let wide = |of: fn(&(f64, f64, usize)) -> f64| {
        let range = range(panel.points.iter().map(of))?;
        let edge = 0.05 * (range.end - range.start);
        Ok::<_, PlotError>(range.start - edge..range.end + edge)
    };
    let (x, y) = (wide(|point| point.0)?, wide(|point| point.1)?);
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.title, ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(24)
        .y_label_area_size(36)
        .build_cartesian_2d(x.clone(), y.clone())?;
    let label = |value: &f64| short(*value);
    chart
        .configure_mesh()
        .disable_mesh()
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&label)
        .y_label_formatter(&label)
        .label_style(("sans-serif", 12))
        .draw()?;
    let dot = |&(x, y, group): &(f64, f64, usize)| {
        Circle::new((x, y), 2, CURVES[group % CURVES.len()].mix(0.7).filled())
    };
    chart.draw_series(panel.points.iter().map(dot))?;
    chart.draw_series(
        panel
            .marks
            .iter()
            .map(|mark| Cross::new((near(&x, mark.0), near(&y, mark.1)), 6, BLACK.stroke_width(3))),
    )?;
    Ok(())
}
