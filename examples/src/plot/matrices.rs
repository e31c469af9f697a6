//! Small matrices, every entry as a coloured cell with its number.

use super::colour::{SHADES, diverging, shade};
use super::{PlotError, prepare};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;

/// One matrix.
#[derive(Clone, Debug, Default)]
pub struct Matrix<'a> {
    /// The title above it.
    pub title: &'a str,
    /// Rows and columns.
    pub shape: [usize; 2],
    /// The entries, row by row.
    pub values: &'a [f64],
    /// The meaning of the column names, below them.
    pub x_label: &'a str,
    /// The names of the columns.
    pub columns: &'a [String],
    /// The names of the rows.
    pub rows: &'a [String],
}

/// A picture of matrices: one below the other, each with its own scale, symmetric so that white is 0.
#[derive(Clone, Debug, Default)]
pub struct Matrices<'a> {
    /// The title above the picture.
    pub title: &'a str,
    /// The matrices.
    pub matrices: &'a [Matrix<'a>],
}

const CELL: i32 = 56;
const LEFT: i32 = 110;
const HEAD: i32 = 44;
/// The height of the title above a matrix.
const ABOVE: i32 = 30;
/// The height of the column names and their label below a matrix.
const BELOW: i32 = 58;

/// Draws matrices to an SVG file.
///
/// # Errors
/// If a matrix has another number of values than its shape, or the file cannot be written.
pub fn matrices(path: impl AsRef<Path>, picture: &Matrices<'_>) -> Result<(), PlotError> {
    let path = path.as_ref();
    for matrix in picture.matrices {
        let [rows, columns] = matrix.shape;
        if matrix.values.len() != rows * columns {
            let reason = format!("{} values for {rows} x {columns} entries", matrix.values.len());
            return Err(PlotError::new(path, reason));
        }
    }
    prepare(path)?;
    draw(path, picture).map_err(|error| PlotError::new(path, error))
}

fn draw(path: &Path, picture: &Matrices<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let across = picture.matrices.iter().map(|matrix| matrix.shape[1] as i32).max().unwrap_or(1);
    let tall = |matrix: &Matrix<'_>| ABOVE + matrix.shape[0] as i32 * CELL + BELOW;
    let width = (LEFT + across * CELL + 30).max(420);
    let height = HEAD + picture.matrices.iter().map(tall).sum::<i32>();
    let root = SVGBackend::new(path, (width as u32, height as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    let text = |size: i32, colour: RGBColor, align: HPos| {
        let style = ("sans-serif", size).into_font().color(&colour);
        style.pos(Pos::new(align, VPos::Center))
    };
    root.draw(&Text::new(picture.title, (width / 2, 24), text(19, BLACK, HPos::Center)))?;
    let mut top = HEAD;
    for matrix in picture.matrices {
        let [rows, columns] = matrix.shape;
        // Counts are shown without decimals.
        let digits = if matrix.values.iter().all(|value| value.fract() == 0.0) { 0 } else { 2 };
        let limit = matrix.values.iter().fold(0.0, |limit: f64, value| limit.max(value.abs()));
        root.draw(&Text::new(matrix.title, (LEFT, top + 14), text(15, BLACK, HPos::Left)))?;
        let corner =
            |row: usize, column: usize| (LEFT + column as i32 * CELL, top + ABOVE + row as i32 * CELL);
        for row in 0..rows {
            for column in 0..columns {
                let value = matrix.values[row * columns + column];
                let level = shade(value, limit);
                let (x, y) = corner(row, column);
                let corners = [(x, y), (x + CELL - 2, y + CELL - 2)];
                root.draw(&Rectangle::new(corners, diverging(level).filled()))?;
                let ink = if level.abs() > SHADES / 2 { WHITE } else { BLACK };
                let middle = (x + CELL / 2, y + CELL / 2);
                root.draw(&Text::new(format!("{value:.digits$}"), middle, text(14, ink, HPos::Center)))?;
            }
            let (x, y) = corner(row, 0);
            let name = matrix.rows.get(row).map_or("", String::as_str);
            root.draw(&Text::new(name, (x - 8, y + CELL / 2), text(13, BLACK, HPos::Right)))?;
        }
        for (column, name) in matrix.columns.iter().enumerate().take(columns) {
            let (x, y) = corner(rows, column);
            root.draw(&Text::new(name.as_str(), (x + CELL / 2, y + 10), text(13, BLACK, HPos::Center)))?;
        }
        let middle = (LEFT + columns as i32 * CELL / 2, corner(rows, 0).1 + 30);
        root.draw(&Text::new(matrix.x_label, middle, text(13, BLACK, HPos::Center)))?;
        top += tall(matrix);
    }
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_written_and_a_wrong_size_is_refused() {
        let path = std::env::temp_dir().join(format!("matrices-{}/weights.svg", std::process::id()));
        let names: Vec<String> = ["a", "b"].map(str::to_owned).into();
        let matrix = Matrix {
            title: "W",
            shape: [1, 2],
            values: &[0.25, -3.0],
            x_label: "source",
            columns: &names,
            rows: &names[..1],
        };
        matrices(&path, &Matrices { title: "one", matrices: std::slice::from_ref(&matrix) }).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("-3.00") && text.contains("0.25") && text.contains("source"));
        matrices(&path, &Matrices::default()).unwrap();
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
        let wrong = Matrix { shape: [2, 2], ..matrix };
        let error = matrices(&path, &Matrices { title: "", matrices: &[wrong] }).unwrap_err();
        assert!(error.to_string().ends_with("2 values for 2 x 2 entries"), "{error}");
    }
}
