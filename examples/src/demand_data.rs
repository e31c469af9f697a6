//! Table 8.1 of a textbook, units sold of a product, and data like it.

use nn::init::{Fans, Init, Normal};
use rand::RngExt;
use rand::rngs::StdRng;
use tape::Tensor;

/// The four printed rows: last week's sales, discount in percent, weeks to the holidays; units sold.
pub fn table() -> (Tensor, Tensor) {
    let x = [[76440.0, 63.0, 2.0], [41512.0, 50.0, 3.0], [77395.0, 77.0, 9.0], [21532.0, 70.0, 4.0]];
    (Tensor::from(x), Tensor::from([[94182.0], [51531.0], [95938.0], [28559.0]]))
}

/// `n` rows drawn from a model that fits the printed ones: `units = 1.2 sales + 39 discount - 25 weeks + N(0, 150²)`.
pub fn generated(n: usize, rng: &mut StdRng) -> (Tensor, Tensor) {
    let mut x = Tensor::zeros([n, 3]);
    let mut y = Tensor::zeros([n, 1]);
    let noise = Normal { mean: 0.0, std: 150.0 };
    for (row, units) in x.as_mut_slice().chunks_exact_mut(3).zip(y.as_mut_slice()) {
        let sales = rng.random_range(10_000.0..100_000.0);
        let discount = f64::from(rng.random_range(0..=100));
        let weeks = f64::from(rng.random_range(0..=12));
        row.copy_from_slice(&[sales, discount, weeks]);
        *units = 1.2 * sales + 39.0 * discount - 25.0 * weeks + noise.draw(Fans::new(1, 1), rng);
    }
    (x, y)
}
