//! Ones and sevens of MNIST, as a problem with two classes.

use nn::data::Images;
use tape::Tensor;

/// Mean and deviation of the pixels of MNIST's training images, scaled to [0, 1].
pub const PIXELS: (f64, f64) = (0.1307, 0.3081);

/// The ones and sevens as standardised rows, and targets `[N, 1]`: 0 for a one, 1 for a seven.
pub fn rows(images: &Images) -> (Tensor, Tensor) {
    let chosen: Vec<usize> = (0..images.len()).filter(|&i| matches!(images.labels()[i], 1 | 7)).collect();
    let [_, height, width] = images.shape();
    let mut x = Tensor::zeros([chosen.len(), height * width]);
    let mut y = Tensor::zeros([chosen.len(), 1]);
    let rows = x.as_mut_slice().chunks_exact_mut((height * width).max(1));
    for ((&i, row), y) in chosen.iter().zip(rows).zip(y.as_mut_slice()) {
        let pixels = images.image(i).unwrap_or_default();
        row.iter_mut().zip(pixels).for_each(|(x, &p)| *x = (f64::from(p) / 255.0 - PIXELS.0) / PIXELS.1);
        *y = f64::from(images.labels()[i] == 7);
    }
    (x, y)
}

/// The fraction of outputs on the right side of 1/2; exactly 1/2 counts as class 0.
pub fn accuracy(output: &Tensor, y: &Tensor) -> f64 {
    let right = output.to_vec().into_iter().zip(y.to_vec()).filter(|&(p, y)| (p > 0.5) == (y > 0.5));
    right.count() as f64 / y.size().max(1) as f64
}
