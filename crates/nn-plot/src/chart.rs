//! The parts that pictures share: axes and their legend, panels side by side, a scale of shades, contours.

use crate::colour::{SHADES, diverging};
use crate::picture::{Canvas, Drawn, arrange, centred};
use plotters::chart::SeriesLabelPosition;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use std::ops::Range;

/// A chart with linear axes.
pub(crate) type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// The text of a number at an axis.
type Format<'f> = &'f dyn Fn(&f64) -> String;

/// A chart that fills its area, under a title.
pub(crate) fn on<'a, 'b>(
    area: &Canvas<'b>,
    title: &str,
    x: Range<f64>,
    y: Range<f64>,
) -> Result<Chart<'a, 'b>, Box<dyn std::error::Error>> {
    let mut chart = ChartBuilder::on(area);
    chart.caption(title, ("sans-serif", 20)).margin(14).x_label_area_size(44).y_label_area_size(64);
    Ok(chart.build_cartesian_2d(x, y)?)
}

/// Draws the axes with their names, and lines of this opacity at their numbers.
pub(crate) fn axes(
    chart: &mut Chart<'_, '_>,
    opacity: f64,
    names: [&str; 2],
    formats: [Format<'_>; 2],
) -> Drawn {
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(TRANSPARENT).bold_line_style(BLACK.mix(opacity));
    mesh.x_desc(names[0]).y_desc(names[1]).x_label_formatter(&formats[0]).y_label_formatter(&formats[1]);
    mesh.axis_desc_style(("sans-serif", 15)).label_style(("sans-serif", 13));
    Ok(mesh.draw()?)
}

/// Draws the legend.
pub(crate) fn legend<'b>(chart: &mut Chart<'b, 'b>, position: SeriesLabelPosition) -> Drawn {
    let mut labels = chart.configure_series_labels();
    labels.position(position).background_style(WHITE.mix(0.9)).border_style(BLACK.mix(0.3));
    Ok(labels.label_font(("sans-serif", 14)).draw()?)
}

/// Panels of one size in rows, below a title and above a foot.
pub(crate) struct Panels {
    pub count: usize,
    pub per_row: usize,
    /// Width and height of a panel.
    pub size: (u32, u32),
    /// The height above the panels, and the place of the title in it.
    pub head: (u32, i32),
    /// The height below the panels.
    pub foot: u32,
}

impl Panels {
    /// Width and height of the picture.
    pub(crate) fn picture(&self) -> (usize, usize) {
        let (columns, rows) = arrange(self.count, self.per_row);
        let height = rows.saturating_mul(self.size.1 as usize);
        let height = height.saturating_add((self.head.0 + self.foot) as usize);
        (columns.saturating_mul(self.size.0 as usize), height)
    }

    /// Draws the title, and returns the areas of the panels.
    pub(crate) fn areas<'a>(
        &self,
        root: &Canvas<'a>,
        title: &str,
    ) -> Result<Vec<Canvas<'a>>, Box<dyn std::error::Error>> {
        let (columns, rows) = arrange(self.count, self.per_row);
        root.draw(&Text::new(title, (self.picture().0 as i32 / 2, self.head.1), centred(19)))?;
        let (_, below) = root.split_vertically(self.head.0);
        let (panels, _) = below.split_vertically(rows as u32 * self.size.1);
        Ok(panels.split_evenly((rows, columns)))
    }
}

/// The width of one shade of a [`scale`].
const BAND: i32 = 240 / (2 * SHADES + 1);

/// The width of a [`scale`].
pub(crate) const SCALE: i32 = BAND * (2 * SHADES + 1);

/// Draws all shades side by side, with labels at the first, the neutral and the last.
pub(crate) fn scale(root: &Canvas<'_>, (left, top): (i32, i32), labels: [String; 3]) -> Drawn {
    let x = |level: i32| left + (level + SHADES) * BAND;
    for level in -SHADES..=SHADES {
        let corners = [(x(level), top), (x(level) + BAND, top + 14)];
        root.draw(&Rectangle::new(corners, diverging(level).filled()))?;
    }
    for (level, label) in [-SHADES, 0, SHADES].into_iter().zip(labels) {
        root.draw(&Text::new(label, (x(level) + BAND / 2, top + 20), centred(13)))?;
    }
    Ok(())
}

/// The segments of the contour at 0 in a cell, from its corners in order around it, each a point and a value (marching
/// squares; saddles are not resolved, as they matter in none of the pictures).
pub(crate) fn segments(corners: [((f64, f64), f64); 4]) -> impl Iterator<Item = Vec<(f64, f64)>> {
    let crossing = |k: usize| {
        let ((a, at_a), (b, at_b)) = (corners[k], corners[(k + 1) % 4]);
        let part = at_a / (at_a - at_b);
        let between = |a: f64, b: f64| a + part * (b - a);
        ((at_a > 0.0) != (at_b > 0.0) && part.is_finite()).then(|| (between(a.0, b.0), between(a.1, b.1)))
    };
    let crossings: Vec<(f64, f64)> = (0..4).filter_map(crossing).collect();
    crossings.chunks_exact(2).map(<[_]>::to_vec).collect::<Vec<_>>().into_iter()
}
