//! Small matrices, every entry as a coloured cell with its number.

use crate::colour::{SHADES, diverging, shade};
use crate::error::PlotError;
use crate::picture::{self, Canvas, Draw, Drawn};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use tape::{Element, Tensor};

/// One matrix of [`Matrices`].
///
/// ```
/// use nn_plot::{Matrices, Matrix};
/// use tape::Tensor;
/// let weights: Tensor = Tensor::from([[0.25, -3.0]]);
/// let matrix = Matrix::new("W", &weights).rows(["hidden"]).columns(["a", "b"]).x_label("source");
/// let text = Matrices::new("Weights").matrix(matrix).svg()?;
/// assert!(["-3.00", "hidden", "source"].iter().all(|shown| text.contains(shown)));
/// # Ok::<(), nn_plot::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Matrix {
    title: String,
    shape: Vec<usize>,
    values: Vec<f64>,
    x_label: String,
    columns: Vec<String>,
    rows: Vec<String>,
}

impl Matrix {
    /// A matrix `[rows, columns]` under this title.
    ///
    /// ```
    /// use nn_plot::{Matrices, Matrix};
    /// use tape::Tensor;
    /// let matrix = Matrix::new("W", &Tensor::from([[0.5, 1.0]]));
    /// assert!(Matrices::new("").matrix(matrix).svg()?.contains("0.50"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn new<T: Element>(title: impl Into<String>, matrix: &Tensor<T>) -> Matrix {
        Matrix {
            title: picture::text(title),
            shape: matrix.shape().to_vec(),
            values: matrix.cast::<f64>().to_vec(),
            x_label: String::new(),
            columns: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// The meaning of the names of the columns, below them.
    ///
    /// ```
    /// use nn_plot::{Matrices, Matrix};
    /// use tape::Tensor;
    /// let matrix = Matrix::new("W", &Tensor::from([[0.5, 1.0]])).x_label("source");
    /// assert!(Matrices::new("").matrix(matrix).svg()?.contains("source"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn x_label(self, label: impl Into<String>) -> Matrix {
        Matrix { x_label: picture::text(label), ..self }
    }

    /// The names of the rows.
    ///
    /// ```
    /// use nn_plot::{Matrices, Matrix};
    /// use tape::Tensor;
    /// let matrix = Matrix::new("W", &Tensor::from([[0.5, 1.0]])).rows(["a", "b"]);
    /// let error = Matrices::new("").matrix(matrix).svg().unwrap_err().to_string();
    /// assert_eq!(error, "matrix \"W\", names of rows: expected 1, found 2");
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn rows<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Matrix {
        Matrix { rows: names.into_iter().map(picture::text).collect(), ..self }
    }

    /// The names of the columns.
    ///
    /// ```
    /// use nn_plot::{Matrices, Matrix};
    /// use tape::Tensor;
    /// let matrix = Matrix::new("W", &Tensor::from([[0.5, 1.0]])).columns(["left", "right"]);
    /// assert!(Matrices::new("").matrix(matrix).svg()?.contains("right"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn columns<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Matrix {
        Matrix { columns: names.into_iter().map(picture::text).collect(), ..self }
    }

    /// Rows and columns.
    ///
    /// # Errors
    /// If it is not a matrix, or has more names than rows or columns.
    fn extents(&self) -> Result<[usize; 2], PlotError> {
        let (title, shape) = (&self.title, &self.shape);
        let &[rows, columns] = &shape[..] else {
            let reason = format!("matrix {title:?}: expected shape [rows, columns], found {shape:?}");
            return Err(PlotError::data(reason));
        };
        for (axis, names, extent) in [("rows", &self.rows, rows), ("columns", &self.columns, columns)] {
            if ![0, extent].contains(&names.len()) {
                let found = names.len();
                let reason = format!("matrix {title:?}, names of {axis}: expected {extent}, found {found}");
                return Err(PlotError::data(reason));
            }
        }
        Ok([rows, columns])
    }
}

/// A picture of matrices, one below the other, with the number of each entry: without decimals where all entries are whole. Each
/// has its own scale, symmetric so that white is 0.
///
/// ```
/// use nn_plot::{Matrices, Matrix};
/// use tape::Tensor;
/// let counts: Tensor = Tensor::from([[9.0, 1.0], [0.0, 10.0]]);
/// let matrix = Matrix::new("rows: class", &counts).x_label("prediction");
/// assert!(Matrices::new("Confusion").matrix(matrix).svg()?.contains("10"));
/// # Ok::<(), nn_plot::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Matrices {
    title: String,
    matrices: Vec<Matrix>,
}

impl Matrices {
    /// No matrices yet, under this title.
    ///
    /// ```
    /// use nn_plot::Matrices;
    /// assert!(Matrices::new("Weights").svg()?.contains("Weights"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn new(title: impl Into<String>) -> Matrices {
        Matrices { title: picture::text(title), matrices: Vec::new() }
    }

    /// Adds a matrix below the others.
    ///
    /// ```
    /// use nn_plot::{Matrices, Matrix};
    /// use tape::Tensor;
    /// let matrix = Matrix::new("W", &Tensor::from([[0.5, 1.0]]));
    /// let text = Matrices::new("").matrix(matrix.clone()).matrix(matrix).svg()?;
    /// assert_eq!(text.matches("0.50").count(), 2);
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn matrix(mut self, matrix: Matrix) -> Matrices {
        self.matrices.push(matrix);
        self
    }
}

const CELL: i32 = 56;
const LEFT: i32 = 110;
const HEAD: i32 = 44;
/// The height of the title above a matrix.
const ABOVE: i32 = 30;
/// The height of the column names and their label below a matrix.
const BELOW: i32 = 58;

/// The height of a matrix with its title and its names.
fn tall(matrix: &Matrix) -> usize {
    let rows = matrix.shape.first().copied().unwrap_or(0);
    rows.saturating_mul(CELL as usize).saturating_add((ABOVE + BELOW) as usize)
}

impl Draw for Matrices {
    fn size(&self) -> (usize, usize) {
        let across =
            self.matrices.iter().filter_map(|matrix| matrix.shape.get(1)).max().copied().unwrap_or(1);
        let width = across.saturating_mul(CELL as usize).saturating_add(LEFT as usize + 30).max(420);
        (width, self.matrices.iter().map(tall).fold(HEAD as usize, usize::saturating_add))
    }

    fn draw(&self, root: &Canvas<'_>) -> Drawn {
        let width = self.size().0 as i32;
        let text = |size: i32, colour: RGBColor, align: HPos| {
            let style = ("sans-serif", size).into_font().color(&colour);
            style.pos(Pos::new(align, VPos::Center))
        };
        root.draw(&Text::new(self.title.as_str(), (width / 2, 24), text(19, BLACK, HPos::Center)))?;
        let mut top = HEAD;
        for matrix in &self.matrices {
            let [rows, columns] = matrix.extents()?;
            // Counts are shown without decimals.
            let digits = if matrix.values.iter().all(|value| value.fract() == 0.0) { 0 } else { 2 };
            let finite = matrix.values.iter().map(|value| value.abs()).filter(|size| size.is_finite());
            let limit = finite.fold(0.0, f64::max);
            root.draw(&Text::new(matrix.title.as_str(), (LEFT, top + 14), text(15, BLACK, HPos::Left)))?;
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
            root.draw(&Text::new(matrix.x_label.as_str(), middle, text(13, BLACK, HPos::Center)))?;
            top += tall(matrix) as i32;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_of_another_rank_and_names_that_do_not_fit_are_refused() {
        let refused = |matrix| Matrices::new("").matrix(matrix).svg().unwrap_err().to_string();
        let error = refused(Matrix::new("W", &Tensor::<f64>::ones([2])));
        assert_eq!(error, "matrix \"W\": expected shape [rows, columns], found [2]");
        let square = Matrix::new("W", &Tensor::<f32>::ones([2, 2]));
        assert_eq!(refused(square.clone().rows(["a"])), "matrix \"W\", names of rows: expected 2, found 1");
        let error = refused(square.columns(["a", "b", "c"]));
        assert_eq!(error, "matrix \"W\", names of columns: expected 2, found 3");
    }

    #[test]
    fn entries_that_are_not_finite_are_written() {
        let matrix = Matrix::new("W", &Tensor::from([[1.0, f64::NAN, f64::INFINITY]]));
        let text = Matrices::new("").matrix(matrix).svg().unwrap();
        assert!(["1.00", "NaN", "inf"].iter().all(|shown| text.contains(shown)));
    }
}
