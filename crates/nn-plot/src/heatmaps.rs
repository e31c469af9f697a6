//! Grids of small images: weights, gradients, digits.

use crate::chart;
use crate::colour::{diverging, shade};
use crate::error::PlotError;
use crate::picture::{Canvas, Draw, Drawn, arrange, centred, text};
use plotters::prelude::*;
use tape::{Element, Tensor};

/// A picture of tensors as images of one shape, with a scale below: blue for negative values, white around 0, orange for positive
/// ones. All share one scale, so that they are comparable; it is symmetric, and a few outliers do not set it.
///
/// ```
/// use nn::Linear;
/// use nn_plot::Heatmaps;
/// use tape::Tensor;
/// let layer = Linear::from_values([[1.0, -2.0], [0.5, 0.0], [3.0, 1.0]], [0.0; 3]);
/// let picture = Heatmaps::new("Weights").image(layer.weight.value());
/// assert!(picture.svg()?.contains("+3.000"));
/// let digits: Tensor<f32> = Tensor::from_fn([10, 8, 8], |i| i[1] as f32 - i[2] as f32);
/// assert!(Heatmaps::new("Digits").images(&digits).per_row(5).svg()?.contains("Digits"));
/// # Ok::<(), nn_plot::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Heatmaps {
    title: String,
    images: Vec<Image>,
    per_row: usize,
}

/// The shape and the values of an image.
type Image = (Vec<usize>, Vec<f64>);

impl Heatmaps {
    /// No images yet, under this title.
    ///
    /// ```
    /// use nn_plot::Heatmaps;
    /// assert!(Heatmaps::new("Weights").svg()?.contains("Weights"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn new(title: impl Into<String>) -> Heatmaps {
        Heatmaps { title: text(title), images: Vec::new(), per_row: 8 }
    }

    /// Adds a matrix `[rows, columns]`.
    ///
    /// ```
    /// use nn_plot::Heatmaps;
    /// use tape::Tensor;
    /// let text = Heatmaps::new("").image(&Tensor::from([[1.0, -0.5]])).svg()?;
    /// assert!(text.contains("-1.000") && text.contains("+1.000"));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn image<T: Element>(mut self, image: &Tensor<T>) -> Heatmaps {
        self.images.push((image.shape().to_vec(), image.cast::<f64>().to_vec()));
        self
    }

    /// Adds every matrix of a tensor `[.., rows, columns]`, in order.
    ///
    /// ```
    /// use nn_plot::Heatmaps;
    /// use tape::Tensor;
    /// let kernels: Tensor = Tensor::ones([6, 1, 5, 5]);
    /// let one_by_one = (0..6).fold(Heatmaps::new(""), |picture, _| picture.image(&Tensor::<f64>::ones([5, 5])));
    /// assert_eq!(Heatmaps::new("").images(&kernels).svg()?, one_by_one.svg()?);
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn images<T: Element>(mut self, images: &Tensor<T>) -> Heatmaps {
        let shape = images.shape().to_vec();
        let values = images.cast::<f64>().to_vec();
        match shape[shape.len().saturating_sub(2)..] {
            // Without elements there is nothing to divide.
            [rows, columns] if rows * columns > 0 => {
                let parts = values.chunks_exact(rows * columns);
                self.images.extend(parts.map(|part| (vec![rows, columns], part.to_vec())));
            }
            _ => self.images.push((shape, values)),
        }
        self
    }

    /// The number of images side by side: 8 by default.
    ///
    /// ```
    /// use nn_plot::Heatmaps;
    /// use tape::Tensor;
    /// let images: Tensor = Tensor::ones([4, 28, 28]);
    /// let text = Heatmaps::new("").images(&images).per_row(4).svg()?;
    /// assert!(text.starts_with("<svg width=\"498\" height=\"228\""));
    /// # Ok::<(), nn_plot::PlotError>(())
    /// ```
    pub fn per_row(self, images: usize) -> Heatmaps {
        Heatmaps { per_row: images, ..self }
    }

    /// Rows and columns of each image.
    ///
    /// # Errors
    /// If an image is not a matrix, or its shape differs from that of the first.
    fn shape(&self) -> Result<[usize; 2], PlotError> {
        let Some((first, _)) = self.images.first() else { return Ok([0, 0]) };
        let &[rows, columns] = &first[..] else {
            return Err(PlotError::data(format!("image 0: expected shape [rows, columns], found {first:?}")));
        };
        match self.images.iter().position(|(shape, _)| shape != first) {
            Some(i) => {
                let found = &self.images[i].0;
                Err(PlotError::data(format!(
                    "image {i}: expected shape {first:?}, as that of image 0, found {found:?}"
                )))
            }
            None => Ok([rows, columns]),
        }
    }
}

/// Pixels of the picture for one pixel of an image: at least, and in a small picture at most.
const PIXEL: [usize; 2] = [4, 24];
/// The smallest width of a picture.
const NARROWEST: usize = 320;
/// The gap between images.
const GAP: i32 = 10;
/// The height above the images.
const HEAD: i32 = 48;
/// The height below the images, for the scale.
const FOOT: i32 = 58;

/// The fraction of the values that the scale covers; a few outliers would make all others white.
const COVERED: f64 = 0.995;

/// The extent of this many images of `n` pixels, each with a gap.
fn extent(count: usize, n: usize, pixel: usize) -> usize {
    count.saturating_mul(n.saturating_mul(pixel).saturating_add(GAP as usize))
}

/// Pixels of the picture for one pixel of an image: more if all images then fit into the narrowest picture.
fn pixel([across, down]: [usize; 2], [rows, columns]: [usize; 2]) -> usize {
    let [least, most] = PIXEL;
    let room = NARROWEST - GAP as usize;
    let fits = |&pixel: &usize| extent(across, columns, pixel).max(extent(down, rows, pixel)) <= room;
    (least..=most).rev().find(fits).unwrap_or(least)
}

impl Draw for Heatmaps {
    fn size(&self) -> (usize, usize) {
        let [rows, columns] = self.shape().unwrap_or_default();
        let (across, down) = arrange(self.images.len(), self.per_row);
        let down = if self.images.is_empty() { 0 } else { down };
        let pixel = pixel([across, down], [rows, columns]);
        let width = extent(across, columns, pixel).saturating_add(GAP as usize).max(NARROWEST);
        (width, extent(down, rows, pixel).saturating_add((HEAD + FOOT) as usize))
    }

    fn draw(&self, root: &Canvas<'_>) -> Drawn {
        let [rows, columns] = self.shape()?.map(|n| n as i32);
        let (across, down) = arrange(self.images.len(), self.per_row);
        let pixel = pixel([across, down], self.shape()?);
        let margin = (self.size().0 - extent(across, columns as usize, pixel) + GAP as usize) as i32 / 2;
        let (across, pixel) = (across as i32, pixel as i32);
        let step = |n: i32| n * pixel + GAP;
        let (width, height) = self.size();
        let (width, height) = (width as i32, height as i32);
        let limit = limit(self.images.iter().flat_map(|(_, values)| values));
        root.draw(&Text::new(self.title.as_str(), (width / 2, 14), centred(19)))?;
        for (i, (_, image)) in self.images.iter().enumerate() {
            let (left, top) =
                (margin + i as i32 % across * step(columns), HEAD + i as i32 / across * step(rows));
            let rectangle = |x: [i32; 2], y: [i32; 2], level: i32| {
                let corner = |x: i32, y: i32| (left + x * pixel, top + y * pixel);
                root.draw(&Rectangle::new(
                    [corner(x[0], y[0]), corner(x[1], y[1])],
                    diverging(level).filled(),
                ))
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
        let label = |value: f64| if value == 0.0 { "0".to_owned() } else { format!("{value:+.3}") };
        let place = ((width - chart::SCALE) / 2, height - FOOT + 12);
        chart::scale(root, place, [-limit, 0.0, limit].map(label))
    }
}

/// The magnitude at the ends of the scale.
fn limit<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    let mut sizes: Vec<f64> = values.map(|x| x.abs()).filter(|size| size.is_finite()).collect();
    sizes.sort_by(f64::total_cmp);
    let index = (sizes.len() as f64 * COVERED) as usize;
    sizes.get(index).or(sizes.last()).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_of_another_shape_is_refused() {
        let (square, row) = (Tensor::<f64>::ones([2, 2]), Tensor::<f64>::ones([1, 3]));
        let error = Heatmaps::new("").image(&square).image(&row).svg().unwrap_err().to_string();
        assert_eq!(error, "image 1: expected shape [2, 2], as that of image 0, found [1, 3]");
        let error = Heatmaps::new("").image(&Tensor::<f64>::ones([2])).svg().unwrap_err().to_string();
        assert_eq!(error, "image 0: expected shape [rows, columns], found [2]");
        let error = Heatmaps::new("").image(&Tensor::<f64>::ones([1, 8000])).svg().unwrap_err().to_string();
        assert_eq!(error, "expected a picture of at most 30000 pixels a side, found 32020 x 120");
    }

    #[test]
    fn a_few_outliers_do_not_set_the_scale() {
        let mut values = vec![0.5; 1000];
        values[3] = -80.0;
        values[4] = f64::NAN;
        assert_eq!(limit(values.iter()), 0.5);
        assert_eq!(limit([].iter()), 0.0);
    }
}
