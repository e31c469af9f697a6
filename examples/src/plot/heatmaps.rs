//! Grids of small images: weights, gradients, digits.

use super::colour::{SHADES, diverging, shade};
use super::{PlotError, prepare};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;

/// A picture of images. All share one scale, so that they are comparable; it is symmetric, so that white is
/// 0.
#[derive(Clone, Debug, Default)]
pub struct Heatmaps<'a> {
    /// The title above the picture.
    pub title: &'a str,
    /// The values of each image, row by row.
    pub images: &'a [&'a [f64]],
    /// Rows and columns of one image.
    pub shape: [usize; 2],
    /// The number of images side by side.
    pub columns: usize,
}

/// Pixels of the picture for one pixel of an image.
const PIXEL: i32 = 4;
/// The gap between images.
const GAP: i32 = 10;
/// The height above the images.
const HEAD: i32 = 48;
/// The height below the images, for the scale.
const FOOT: i32 = 58;

/// The fraction of the values that the scale covers; a few outliers would make all others white.
const COVERED: f64 = 0.995;

/// Draws images in a grid, with a scale below, to an SVG file.
///
/// # Errors
/// If an image has another number of values than its shape, or the file cannot be written.
pub fn heatmaps(path: impl AsRef<Path>, picture: &Heatmaps<'_>) -> Result<(), PlotError> {
    let path = path.as_ref();
    let [rows, columns] = picture.shape;
    if let Some(image) = picture.images.iter().find(|image| image.len() != rows * columns) {
        return Err(PlotError::new(path, format!("{} values for {rows} x {columns} pixels", image.len())));
    }
    prepare(path)?;
    draw(path, picture).map_err(|error| PlotError::new(path, error))
}

fn draw(path: &Path, picture: &Heatmaps<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let [rows, columns] = picture.shape.map(|n| n as i32);
    let across = picture.columns.clamp(1, picture.images.len().max(1)) as i32;
    let down = (picture.images.len() as i32 + across - 1) / across;
    let step = |n: i32| n * PIXEL + GAP;
    let width = (across * step(columns) + GAP).max(320);
    let height = HEAD + down * step(rows) + FOOT;
    let limit = limit(picture.images);
    let root = SVGBackend::new(path, (width as u32, height as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    let text = |size: i32, horizontal| {
        TextStyle::from(("sans-serif", size).into_font()).pos(Pos::new(horizontal, VPos::Top))
    };
    root.draw(&Text::new(picture.title, (width / 2, 14), text(19, HPos::Center)))?;
    for (i, image) in picture.images.iter().enumerate() {
        let (left, top) = (GAP + i as i32 % across * step(columns), HEAD + i as i32 / across * step(rows));
        let rectangle = |x: [i32; 2], y: [i32; 2], level: i32| {
            let corner = |x: i32, y: i32| (left + x * PIXEL, top + y * PIXEL);
            root.draw(&Rectangle::new([corner(x[0], y[0]), corner(x[1], y[1])], diverging(level).filled()))
        };
        rectangle([0, columns], [0, rows], 0)?;
        for y in 0..rows {
            // Neighbours of one shade form one rectangle; the neutral ones are already there.
            let row = &image[(y * columns) as usize..((y + 1) * columns) as usize];
            let mut start = 0;
            for run in row.chunk_by(|&a, &b| shade(a, limit) == shade(b, limit)) {
                let (end, level) = (start + run.len() as i32, shade(run[0], limit));
                if level != 0 {
                    rectangle([start, end], [y, y + 1], level)?;
                }
                start = end;
            }
        }
    }
    let (band, top) = (240 / (2 * SHADES + 1), height - FOOT + 12);
    let left = (width - band * (2 * SHADES + 1)) / 2;
    for level in -SHADES..=SHADES {
        let x = left + (level + SHADES) * band;
        root.draw(&Rectangle::new([(x, top), (x + band, top + 14)], diverging(level).filled()))?;
    }
    for (level, value) in [(-SHADES, -limit), (0, 0.0), (SHADES, limit)] {
        let x = left + (level + SHADES) * band + band / 2;
        let label = if value == 0.0 { "0".to_owned() } else { format!("{value:+.3}") };
        root.draw(&Text::new(label, (x, top + 20), text(13, HPos::Center)))?;
    }
    root.present()?;
    Ok(())
}

/// The magnitude at the ends of the scale.
fn limit(images: &[&[f64]]) -> f64 {
    let mut sizes: Vec<f64> = images.iter().flat_map(|image| image.iter()).map(|x| x.abs()).collect();
    sizes.retain(|size| size.is_finite());
    sizes.sort_by(f64::total_cmp);
    let index = (sizes.len() as f64 * COVERED) as usize;
    sizes.get(index).or(sizes.last()).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_become_a_picture_and_a_wrong_size_is_refused() {
        let path = std::env::temp_dir().join(format!("heatmaps-{}/weights.svg", std::process::id()));
        let image: Vec<f64> = (0..6).map(|i| f64::from(i) - 2.5).collect();
        let images = vec![image.as_slice(); 5];
        let picture = Heatmaps { title: "five", images: &images, shape: [2, 3], columns: 3 };
        heatmaps(&path, &picture).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("five") && text.contains("+2.500") && text.contains("</svg>"));
        heatmaps(&path, &Heatmaps::default()).unwrap();
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
        let error = heatmaps(&path, &Heatmaps { shape: [2, 2], ..picture }).unwrap_err();
        assert!(error.to_string().ends_with("6 values for 2 x 2 pixels"), "{error}");
    }

    #[test]
    fn a_few_outliers_do_not_set_the_scale() {
        let mut values = vec![0.5; 1000];
        values[3] = -80.0;
        values[4] = f64::NAN;
        assert_eq!(limit(&[&values]), 0.5);
        assert_eq!(limit(&[]), 0.0);
    }
}
