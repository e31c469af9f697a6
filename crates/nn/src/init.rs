//! Initial values of parameters, each with its distribution and bound.
//!
//! Elements are drawn independently, in row-major order, in `f64` and then rounded: one seed gives the same
//! model in both precisions, and on every machine.

use crate::setting::{self, Number, check, expect};
use rand::{Rng, RngExt};
use std::fmt::Debug;
use tape::element::Real;
use tape::{Element, Error, Shape, Tensor};

/// Refuses impossible parameter shapes, in the name of a layer, before any element is drawn.
#[track_caller]
pub(crate) fn check_size<T: Element>(layer: &'static str, shape: impl Into<Shape>) {
    if let Err(error) = Tensor::<T>::fits(layer, &shape.into()) {
        error.panic();
    }
}

/// The numbers of inputs and outputs of a layer's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fans {
    /// Inputs of each output unit: columns of the weight matrix of a linear layer.
    pub fan_in: usize,
    /// Output units each input reaches: rows of the weight matrix.
    pub fan_out: usize,
}

impl Fans {
    /// The fans of a layer from `fan_in` to `fan_out` units.
    pub fn new(fan_in: usize, fan_out: usize) -> Fans {
        Fans { fan_in, fan_out }
    }

    /// `1 / fan_in`; 1 for a layer without inputs, which has no weights.
    fn per_input(self) -> f64 {
        1.0 / self.fan_in.max(1) as f64
    }

    /// `2 / (fan_in + fan_out)`.
    fn per_mean(self) -> f64 {
        2.0 / (self.fan_in as f64 + self.fan_out as f64).max(1.0)
    }
}

/// A distribution of initial values.
///
/// ```
/// use nn::init::{Fans, Init, XavierUniform};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::Tensor;
/// let mut rng = StdRng::seed_from_u64(1);
/// let w: Tensor = XavierUniform.tensor([2, 4], Fans::new(4, 2), &mut rng);
/// assert_eq!(w.shape(), [2, 4]);
/// assert!(w.to_vec().iter().all(|w| w.abs() <= 1.0));
/// ```
pub trait Init: Debug {
    /// Draws one element, independent of the others. Settings are not checked: [`tensor`](Init::tensor) does
    /// that.
    fn draw(&self, fans: Fans, rng: &mut dyn Rng) -> f64;

    /// Checks the settings, which may come from user input.
    ///
    /// ```
    /// use nn::init::{Init, Normal};
    /// let error = Normal { mean: 0.0, std: -1.0 }.check().unwrap_err();
    /// assert_eq!(error.to_string(), "normal: expected a finite standard deviation of 0 or more, found -1");
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] that says what was expected and what was found.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Draws a tensor of independent elements.
    ///
    /// # Panics
    /// If the settings are out of range, or an element is infinite or NaN in the type of the tensor.
    #[track_caller]
    fn tensor<T: Element>(
        &self,
        shape: impl Into<Shape>,
        fans: Fans,
        mut rng: &mut (impl Rng + ?Sized),
    ) -> Tensor<T>
    where
        Self: Sized,
    {
        expect(self.check());
        let mut beyond = None;
        let tensor = Tensor::from_fn(shape, |_| {
            let number = self.draw(fans, &mut rng);
            let rounded = T::from_f64(number);
            if !rounded.is_finite() {
                beyond.get_or_insert(number);
            }
            rounded
        });
        if let Some(number) = beyond {
            expect(check("init", false, format_args!("a finite number of {}", T::NAME), Number(number)));
        }
        tensor
    }
}

/// U(`low`, `high`), `low` included and `high` excluded.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Uniform {
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

/// N(`mean`, `std`²).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Normal {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub std: f64,
}

/// A constant.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Constant(
    /// The number.
    pub f64,
);

/// U(±1/√fan_in), for weights and biases alike: the default of `Linear::new`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UniformFanIn;

/// U(±√(6 / (fan_in + fan_out))): preserves the variance of activations and gradients where the slope is 1.
/// Glorot and Bengio, 2010.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct XavierUniform;

/// N(0, 2 / (fan_in + fan_out)). Glorot and Bengio, 2010.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct XavierNormal;

/// U(±√(6 / fan_in)): preserves the variance of activations through rectifiers. He, Zhang, Ren and Sun, 2015.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct KaimingUniform;

/// N(0, 2 / fan_in). He, Zhang, Ren and Sun, 2015.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct KaimingNormal;

fn uniform(low: f64, high: f64, rng: &mut dyn Rng) -> f64 {
    let u: f64 = rng.random();
    low + (high - low) * u
}

/// Draws a standard normal number by the Box-Muller transform, from two uniform numbers, without state
/// between calls.
fn standard_normal(rng: &mut dyn Rng) -> f64 {
    let u: f64 = 1.0 - rng.random::<f64>();
    let angle = std::f64::consts::TAU * rng.random::<f64>();
    // The functions of `tape`, not of the platform: the same digits everywhere.
    Real::sqrt(-2.0 * Real::ln(u)) * Real::cos(angle)
}

impl Init for Uniform {
    fn draw(&self, _fans: Fans, rng: &mut dyn Rng) -> f64 {
        uniform(self.low, self.high, rng)
    }

    fn check(&self) -> Result<(), Error> {
        let Uniform { low, high } = *self;
        let right = low <= high && (high - low).is_finite();
        check(
            "uniform",
            right,
            "finite bounds, the lower one first",
            format_args!("{} and {}", Number(low), Number(high)),
        )
    }
}

impl Init for Normal {
    fn draw(&self, _fans: Fans, rng: &mut dyn Rng) -> f64 {
        self.mean + self.std * standard_normal(rng)
    }

    fn check(&self) -> Result<(), Error> {
        setting::finite("normal", "mean", self.mean)?;
        setting::not_negative("normal", "standard deviation", self.std)
    }
}

impl Init for Constant {
    fn draw(&self, _fans: Fans, _rng: &mut dyn Rng) -> f64 {
        self.0
    }

    fn check(&self) -> Result<(), Error> {
        setting::finite("constant", "number", self.0)
    }
}

impl Init for UniformFanIn {
    fn draw(&self, fans: Fans, rng: &mut dyn Rng) -> f64 {
        let bound = fans.per_input().sqrt();
        uniform(-bound, bound, rng)
    }
}

impl Init for XavierUniform {
    fn draw(&self, fans: Fans, rng: &mut dyn Rng) -> f64 {
        let bound = (3.0 * fans.per_mean()).sqrt();
        uniform(-bound, bound, rng)
    }
}

impl Init for XavierNormal {
    fn draw(&self, fans: Fans, rng: &mut dyn Rng) -> f64 {
        fans.per_mean().sqrt() * standard_normal(rng)
    }
}

impl Init for KaimingUniform {
    fn draw(&self, fans: Fans, rng: &mut dyn Rng) -> f64 {
        let bound = (6.0 * fans.per_input()).sqrt();
        uniform(-bound, bound, rng)
    }
}

impl Init for KaimingNormal {
    fn draw(&self, fans: Fans, rng: &mut dyn Rng) -> f64 {
        (2.0 * fans.per_input()).sqrt() * standard_normal(rng)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    const FANS: Fans = Fans { fan_in: 50, fan_out: 30 };

    /// Mean, standard deviation, largest magnitude of 40000 numbers.
    fn moments(init: impl Init) -> [f64; 3] {
        let w: Tensor = init.tensor([200, 200], FANS, &mut StdRng::seed_from_u64(3));
        let n = w.size() as f64;
        let mean = w.sum() / n;
        let var = w.to_vec().iter().map(|w| (w - mean).powi(2)).sum::<f64>() / n;
        [mean, var.sqrt(), w.to_vec().iter().fold(0.0, |m, w| m.max(w.abs()))]
    }

    #[test]
    fn distributions_have_their_stated_moments_and_bounds() {
        let check = |[mean, std, max]: [f64; 3], centre: f64, expected: f64, bound: f64| {
            assert!((mean - centre).abs() < 0.02 * expected, "mean {mean}");
            assert!((std / expected - 1.0).abs() < 0.02, "deviation {std}, expected {expected}");
            assert!(max <= bound && max > 0.99 * bound.min(max), "largest {max}, bound {bound}");
        };
        let flat = |bound: f64| bound / 3f64.sqrt();
        let any = f64::INFINITY;
        check(moments(UniformFanIn), 0.0, flat(50f64.sqrt().recip()), 50f64.sqrt().recip());
        check(moments(XavierUniform), 0.0, flat((6.0 / 80f64).sqrt()), (6.0 / 80f64).sqrt());
        check(moments(KaimingUniform), 0.0, flat((6.0 / 50f64).sqrt()), (6.0 / 50f64).sqrt());
        check(moments(XavierNormal), 0.0, (2.0 / 80f64).sqrt(), any);
        check(moments(KaimingNormal), 0.0, (2.0 / 50f64).sqrt(), any);
        check(moments(Normal { mean: 1.0, std: 0.5 }), 1.0, 0.5, any);
        check(moments(Uniform { low: 1.0, high: 3.0 }), 2.0, flat(1.0), 3.0);
        assert_eq!(moments(Constant(0.25)), [0.25, 0.0, 0.25]);
    }

    #[test]
    fn both_precisions_draw_the_same_numbers() {
        let double: Tensor = XavierNormal.tensor([3, 4], FANS, &mut StdRng::seed_from_u64(5));
        let single: Tensor<f32> = XavierNormal.tensor([3, 4], FANS, &mut StdRng::seed_from_u64(5));
        assert_eq!(double.cast::<f32>(), single);
    }
}
