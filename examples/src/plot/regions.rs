//! Decision regions in the plane: the output of a classifier everywhere, and its training points.

use super::colour::{SHADES, diverging, shade};
use super::{PlotError, prepare};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;

/// One classifier.
#[derive(Clone, Debug, Default)]
pub struct Region<'a> {
    /// The title above the panel.
    pub title: &'a str,
    /// From `-extent` to `extent` in both directions.
    pub extent: f64,
    /// Outputs between 0 and 1 on a grid of [`GRID`] by [`GRID`] cells, as [`grid`] orders them.
    pub outputs: &'a [f64],
    /// Coordinates and classes.
    pub points: &'a [(f64, f64, bool)],
}

/// A picture of regions.
#[derive(Clone, Debug, Default)]
pub struct Regions<'a> {
    /// The title above the picture.
    pub title: &'a str,
    /// The panels.
    pub panels: &'a [Region<'a>],
    /// The number of panels side by side.
    pub columns: usize,
}

/// Cells along each side of a panel.
pub const GRID: usize = 128;

/// The centres of the cells: rows from the lowest to the highest, each from left to right.
pub fn grid(extent: f64) -> Vec<[f64; 2]> {
    let centre = |i: usize| extent * ((2 * i + 1) as f64 / GRID as f64 - 1.0);
    (0..GRID * GRID).map(|i| [centre(i % GRID), centre(i / GRID)]).collect()
}

const PANEL: u32 = 360;
const HEAD: u32 = 44;
const FOOT: u32 = 56;

/// Draws regions to an SVG file: outputs below 1/2 in blue, above in orange, and a black line between them; points of
/// class 1 as filled circles, of class 0 as crosses.
///
/// # Errors
/// If a panel has another number of outputs than the grid has cells, or the file cannot be written.
pub fn regions(path: impl AsRef<Path>, picture: &Regions<'_>) -> Result<(), PlotError> {
    let path = path.as_ref();
    if let Some(panel) = picture.panels.iter().find(|panel| panel.outputs.len() != GRID * GRID) {
        return Err(PlotError::new(
            path,
            format!("{} outputs for {} cells", panel.outputs.len(), GRID * GRID),
        ));
    }
    prepare(path)?;
    draw(path, picture).map_err(|error| PlotError::new(path, error))
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(path: &Path, picture: &Regions<'_>) -> Drawn {
    let columns = picture.columns.clamp(1, picture.panels.len().max(1));
    let rows = picture.panels.len().div_ceil(columns).max(1);
    let size = (columns as u32 * PANEL, HEAD + rows as u32 * PANEL + FOOT);
    let root = SVGBackend::new(path, size).into_drawing_area();
    root.fill(&WHITE)?;
    let text =
        |size: i32| TextStyle::from(("sans-serif", size).into_font()).pos(Pos::new(HPos::Center, VPos::Top));
    let middle = size.0 as i32 / 2;
    root.draw(&Text::new(picture.title, (middle, 14), text(19)))?;
    let (_, below) = root.split_vertically(HEAD);
    let (panels, _) = below.split_vertically(rows as u32 * PANEL);
    for (area, panel) in panels.split_evenly((rows, columns)).iter().zip(picture.panels) {
        draw_panel(area, panel)?;
    }
    let (band, top) = (240 / (2 * SHADES + 1), size.1 as i32 - FOOT as i32 + 8);
    let left = middle - band * (2 * SHADES + 1) / 2;
    for level in -SHADES..=SHADES {
        let x = left + (level + SHADES) * band;
        root.draw(&Rectangle::new([(x, top), (x + band, top + 14)], diverging(level).filled()))?;
    }
    for (level, label) in [(-SHADES, "0: cross"), (0, "output 1/2"), (SHADES, "1: dot")] {
        let x = left + (level + SHADES) * band + band / 2;
        root.draw(&Text::new(label, (x, top + 20), text(13)))?;
    }
    root.present()?;
    Ok(())
}

fn draw_panel(area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>, panel: &Region<'_>) -> Drawn {
    let (extent, n) = (panel.extent, GRID as i32);
    let edge = |i: i32| extent * (2.0 * f64::from(i) / f64::from(n) - 1.0);
    let mut chart = ChartBuilder::on(area)
        .caption(panel.title, ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(34)
        .y_label_area_size(42)
        .build_cartesian_2d(-extent..extent, -extent..extent)?;
    for (j, row) in panel.outputs.chunks_exact(GRID).enumerate() {
        let mut start = 0;
        for run in row.chunk_by(|&a, &b| level(a) == level(b)) {
            let end = start + run.len() as i32;
            let corners = [(edge(start), edge(j as i32)), (edge(end), edge(j as i32 + 1))];
            let fill = diverging(level(run[0])).filled();
            chart.draw_series(std::iter::once(Rectangle::new(corners, fill)))?;
            start = end;
        }
    }
    let border = BLACK.stroke_width(2);
    let lines = boundary(panel.outputs, extent);
    chart.draw_series(lines.into_iter().map(|line| PathElement::new(line, border)))?;
    let class =
        |class: bool| panel.points.iter().filter(move |point| point.2 == class).map(|&(x, y, _)| (x, y));
    let (orange, blue) = (diverging(SHADES), diverging(-SHADES));
    chart.draw_series(class(true).map(|point| Circle::new(point, 3, WHITE.filled())))?;
    chart.draw_series(class(true).map(|point| Circle::new(point, 2, orange.filled())))?;
    chart.draw_series(class(false).map(|point| Cross::new(point, 3, WHITE.stroke_width(3))))?;
    chart.draw_series(class(false).map(|point| Cross::new(point, 3, blue.stroke_width(1))))?;
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

/// The shade of an output, halved so that points remain visible.
fn level(output: f64) -> i32 {
    shade(output - 0.5, 0.5) / 2
}

/// The contour where the output is 1/2: one line segment for each pair of neighbouring cell centres it passes
/// between, interpolated along the sides of the square of four centres.
fn boundary(outputs: &[f64], extent: f64) -> Vec<Vec<(f64, f64)>> {
    let centres = grid(extent);
    let mut lines = Vec::new();
    for j in 0..GRID - 1 {
        for i in 0..GRID - 1 {
            let at = |i: usize, j: usize| j * GRID + i;
            let corners = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
            let mut crossings = Vec::new();
            for (&a, &b) in corners.iter().zip(corners.iter().cycle().skip(1)) {
                let (fa, fb) = (outputs[a] - 0.5, outputs[b] - 0.5);
                if (fa > 0.0) != (fb > 0.0) {
                    let t = fa / (fa - fb);
                    let between = |k: usize| centres[a][k] + t * (centres[b][k] - centres[a][k]);
                    crossings.push((between(0), between(1)));
                }
            }
            lines.extend(crossings.chunks_exact(2).map(<[(f64, f64)]>::to_vec));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_becomes_a_picture_with_a_round_border() {
        let path = std::env::temp_dir().join(format!("regions-{}/disc.svg", std::process::id()));
        let outputs: Vec<f64> = grid(2.0).iter().map(|[x, y]| f64::from(x.hypot(*y) < 1.0)).collect();
        let border = boundary(&outputs, 2.0);
        assert!(border.iter().flatten().all(|(x, y)| (x.hypot(*y) - 1.0).abs() < 0.05));
        let points = [(0.0, 0.0, true), (1.5, 1.5, false)];
        let panel = Region { title: "disc", extent: 2.0, outputs: &outputs, points: &points };
        let panels = [panel.clone(), panel];
        regions(&path, &Regions { title: "two", panels: &panels, columns: 2 }).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().contains("disc"));
        regions(&path, &Regions::default()).unwrap();
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
        let short = Region { outputs: &outputs[1..], ..panels[0].clone() };
        let error = regions(&path, &Regions { title: "", panels: &[short], columns: 1 }).unwrap_err();
        assert!(error.to_string().ends_with("16383 outputs for 16384 cells"), "{error}");
    }
}
