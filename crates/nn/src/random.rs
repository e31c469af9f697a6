//! Random tensors from a generator that the caller passes.

use crate::init::{Fans, Init, Normal, Uniform};
use crate::setting::{check, expect};
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use tape::{Element, Index, Shape, Tensor};

/// Tensors of random numbers, as associated functions of [`Tensor`]: `Tensor::randn([2, 3], &mut rng)`.
///
/// Initial values of layers are drawn by [`init`](crate::init) instead, from the sizes of the layer.
///
/// ```
/// use nn::prelude::*;
/// use rand::{SeedableRng, rngs::StdRng};
/// let mut rng = StdRng::seed_from_u64(1);
/// let noise: Tensor = Tensor::randn([1000], &mut rng);
/// assert!(noise.mean().abs() < 0.1 && (noise.std(0) - 1.0).abs() < 0.1);
/// let u: Tensor = Tensor::rand([2, 3], &mut rng);
/// assert!(u.iter().all(|&u| (0.0..1.0).contains(&u)));
/// let dice: Tensor = Tensor::randint(1, 7, [10], &mut rng);
/// assert!(dice.iter().all(|&d| (1.0..=6.0).contains(&d) && d.fract() == 0.0));
/// ```
pub trait RandomTensor: Sized {
    /// Independent elements from N(0, 1).
    fn randn(shape: impl Into<Shape>, rng: &mut impl Rng) -> Self;

    /// Independent elements from U(0, 1), 1 excluded.
    fn rand(shape: impl Into<Shape>, rng: &mut impl Rng) -> Self;

    /// Independent whole numbers from `low` to `high`, `high` excluded.
    ///
    /// # Panics
    /// If `low >= high`.
    fn randint(low: i64, high: i64, shape: impl Into<Shape>, rng: &mut impl Rng) -> Self;
}

impl<T: Element> RandomTensor for Tensor<T> {
    #[track_caller]
    fn randn(shape: impl Into<Shape>, rng: &mut impl Rng) -> Tensor<T> {
        Normal { mean: 0.0, std: 1.0 }.tensor(shape, Fans::new(1, 1), rng)
    }

    #[track_caller]
    fn rand(shape: impl Into<Shape>, rng: &mut impl Rng) -> Tensor<T> {
        // A number just below 1 may round to 1 in `f32`.
        let below = 1.0 - T::EPSILON.to_f64() / 2.0;
        Uniform { low: 0.0, high: below }.tensor(shape, Fans::new(1, 1), rng)
    }

    #[track_caller]
    fn randint(low: i64, high: i64, shape: impl Into<Shape>, rng: &mut impl Rng) -> Tensor<T> {
        let found = format_args!("{low} and {high}");
        expect(check("randint", low < high, "a lower bound below the upper one", found));
        Tensor::from_fn(shape, |_| T::from_f64(rng.random_range(low..high) as f64))
    }
}

/// The numbers 0 to `n - 1` in random order, for [`index_select`](Tensor::index_select).
///
/// ```
/// use nn::permutation;
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::Tensor;
/// let x = Tensor::from([1.0, 2.0, 3.0]);
/// let shuffled = x.index_select(0, permutation(3, &mut StdRng::seed_from_u64(1)));
/// assert_eq!(shuffled.sum(), 6.0);
/// ```
pub fn permutation(n: usize, rng: &mut impl Rng) -> Index {
    let mut order: Vec<usize> = (0..n).collect();
    order.shuffle(rng);
    Index::from(order)
}
