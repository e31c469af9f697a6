//! Points of the plane in groups.

use super::colour::CURVES;
use super::{PlotError, lines, prepare};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;

/// One set of points.
#[derive(Clone, Debug, Default)]
pub struct Cloud<'a> {
    /// The title above the panel.
    pub title: &'a str,
    /// Coordinates and groups; a group is a colour.
    pub points: &'a [(f64, f64, usize)],
    /// Positions of black crosses: centres.
    pub marks: &'a [(f64, f64)],
}

/// A picture of points.
#[derive(Clone, Debug, Default)]
pub struct Scatter<'a> {
    /// The title above the picture.
    pub title: &'a str,
    /// The panels.
    pub panels: &'a [Cloud<'a>],
    /// The number of panels side by side.
    pub columns: usize,
}

const PANEL: u32 = 320;
const HEAD: u32 = 40;

/// Draws points to an SVG file.
///
/// # Errors
/// If the file cannot be written.
pub fn scatter(path: impl AsRef<Path>, picture: &Scatter<'_>) -> Result<(), PlotError> {
    let path = path.as_ref();
    prepare(path)?;
    draw(path, picture).map_err(|error| PlotError::new(path, error))
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(path: &Path, picture: &Scatter<'_>) -> Drawn {
    let columns = picture.columns.clamp(1, picture.panels.len().max(1));
    let rows = picture.panels.len().div_ceil(columns).max(1);
    let size = (columns as u32 * PANEL, HEAD + rows as u32 * PANEL);
    let root = SVGBackend::new(path, size).into_drawing_area();
    root.fill(&WHITE)?;
    let style = TextStyle::from(("sans-serif", 19).into_font()).pos(Pos::new(HPos::Center, VPos::Top));
    root.draw(&Text::new(picture.title, (size.0 as i32 / 2, 12), style))?;
    let (_, panels) = root.split_vertically(HEAD);
    for (area, panel) in panels.split_evenly((rows, columns)).iter().zip(picture.panels) {
        draw_panel(area, panel)?;
    }
    root.present()?;
    Ok(())
}

fn draw_panel(area: &DrawingArea<SVGBackend<'_>, Shift>, panel: &Cloud<'_>) -> Drawn {
    let wide = |values: &mut dyn Iterator<Item = f64>| {
        let range = lines::range(values.filter(|value| value.is_finite()));
        let edge = 0.05 * (range.end - range.start);
        range.start - edge..range.end + edge
    };
    let (x, y) =
        (&mut panel.points.iter().map(|point| point.0), &mut panel.points.iter().map(|point| point.1));
    let mut chart = ChartBuilder::on(area)
        .caption(panel.title, ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(24)
        .y_label_area_size(36)
        .build_cartesian_2d(wide(x), wide(y))?;
    let label = |value: &f64| lines::short(*value);
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
    chart.draw_series(panel.marks.iter().map(|&mark| Cross::new(mark, 6, BLACK.stroke_width(3))))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_become_a_picture() {
        let path = std::env::temp_dir().join(format!("scatter-{}/groups.svg", std::process::id()));
        let points: Vec<_> = (0..20).map(|i| (f64::from(i), f64::from(i * i), i as usize)).collect();
        let panel = Cloud { title: "a parabola", points: &points, marks: &[(3.0, 9.0)] };
        scatter(&path, &Scatter { title: "two", panels: &[panel.clone(), panel], columns: 2 }).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches("a parabola").count(), 2);
        assert_eq!(text.matches("<circle").count(), 40);
        scatter(&path, &Scatter { panels: &[Cloud::default()], ..Scatter::default() }).unwrap();
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
}
