//! Batch normalization.

use super::check_channels;
use crate::Parameters;
use crate::functional;
use crate::init::check_size;
use crate::module::{Context, Module};
use crate::param::{Param, recorded};
use crate::setting::{self, expect};
use tape::{Element, Error, Shape, Tensor, Var};

/// `y = (x - mean) / √(variance + eps) · weight + bias` for each channel. Ioffe and Szegedy, 2015.
///
/// In training, mean and (biased) variance are those of the batch and are differentiated. The running
/// statistics move towards them, `new = (1 - momentum) old + momentum batch`, with the unbiased variance of
/// the batch; evaluation sees the new values at once, and the next step of an optimizer writes them to the fields (see
/// [`Context`]). In evaluation the running statistics are used as constants.
///
/// # Shapes
/// `x` `[batch, channels]` or `[batch, channels, length]` for [`BatchNorm1d`], `[batch, channels, height, width]` for
/// [`BatchNorm2d`]; parameters and statistics `[channels]`. The result has the shape of `x`.
///
/// # Initial values
/// `weight` 1, `bias` 0, running mean 0 and variance 1; `eps` 1e-5, momentum 0.1.
///
/// # Panics
/// In training, if there is only one element per channel, which has no variance. (Reported to the
/// [`Context`], so an error instead if [errors wait](Context::errors_wait).)
///
/// ```
/// use nn::{BatchNorm1d, Context, Module};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::{Tape, Tensor};
/// let mut layer = BatchNorm1d::new(1).eps(3.0);
/// let mut cx = Context::train(StdRng::seed_from_u64(0));
/// let tape = Tape::new();
/// let x = tape.var([[1.0], [3.0]]);
/// let y = layer.forward(x, &mut cx);
/// assert_eq!(y.value().to_vec(), [-0.5, 0.5]);
/// assert_eq!(y.vjp([[1.0], [-1.0]]).wrt(x).to_vec(), [0.375, -0.375]);
/// cx.commit(&mut layer);
/// assert_eq!(layer.running_mean.value().to_vec(), [0.2]);
/// assert_eq!(layer.running_var.value().to_vec(), [1.1]);
/// assert_eq!(layer.num_batches_tracked.value().item(), 1.0);
/// let expected = (1.0 - 0.2) / (1.1 + 3.0f64).sqrt();
/// assert!((layer.predict(&Tensor::from([[1.0]])).to_vec()[0] - expected).abs() < 1e-15);
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct BatchNorm<const DIMENSIONS: usize, T: Element = f64> {
    /// The scale of each channel.
    pub weight: Option<Param<T>>,
    /// The shift of each channel.
    pub bias: Option<Param<T>>,
    /// The running mean of each channel, a buffer.
    pub running_mean: Param<T>,
    /// The running variance of each channel, a buffer.
    pub running_var: Param<T>,
    /// The number of batches the running statistics have seen, a buffer: a whole number, exact up to 2²⁴ in
    /// `f32`.
    pub num_batches_tracked: Param<T>,
    /// The term under the square root that keeps it from 0, finite and not negative.
    #[parameters(skip)]
    pub eps: f64,
    /// The share of each batch in the running statistics, in [0, 1]; `None` gives all batches equal shares.
    #[parameters(skip)]
    pub momentum: Option<f64>,
}

/// [`BatchNorm`] of vectors or signals.
pub type BatchNorm1d<T = f64> = BatchNorm<1, T>;

/// [`BatchNorm`] of images.
pub type BatchNorm2d<T = f64> = BatchNorm<2, T>;

impl<const DIMENSIONS: usize, T: Element> BatchNorm<DIMENSIONS, T> {
    /// A layer for this many channels.
    ///
    /// # Panics
    /// If there are too many parameters for the address space or for memory.
    #[track_caller]
    pub fn new(channels: usize) -> BatchNorm<DIMENSIONS, T> {
        check_size::<T>("batch_norm", [channels]);
        BatchNorm {
            weight: Some(Param::new(Tensor::ones([channels]))),
            bias: Some(Param::new(Tensor::zeros([channels]))),
            running_mean: Param::buffer(Tensor::zeros([channels])),
            running_var: Param::buffer(Tensor::ones([channels])),
            num_batches_tracked: Param::buffer(Tensor::scalar(T::ZERO)),
            eps: 1e-5,
            momentum: Some(0.1),
        }
    }

    /// Removes `weight` and `bias`.
    pub fn without_affine(self) -> BatchNorm<DIMENSIONS, T> {
        BatchNorm { weight: None, bias: None, ..self }
    }

    /// Sets `eps`, the term under the square root that keeps it from 0.
    ///
    /// # Panics
    /// If it is negative, infinite or NaN.
    #[track_caller]
    pub fn eps(self, eps: f64) -> BatchNorm<DIMENSIONS, T> {
        expect(setting::not_negative("batch_norm", "epsilon", eps));
        BatchNorm { eps, ..self }
    }

    /// Sets the share of each batch in the running statistics; `None` gives all batches equal shares.
    ///
    /// # Panics
    /// If the share is not in [0, 1].
    #[track_caller]
    pub fn momentum(self, momentum: Option<f64>) -> BatchNorm<DIMENSIONS, T> {
        if let Some(part) = momentum {
            expect(setting::part("batch_norm", "momentum", part));
        }
        BatchNorm { momentum, ..self }
    }

    /// Refuses settings out of range, and inputs of another rank or number of channels.
    fn check(&self, shape: &Shape) -> Result<(), Error> {
        setting::not_negative("batch_norm", "epsilon", self.eps)?;
        self.momentum.map_or(Ok(()), |part| setting::part("batch_norm", "momentum", part))?;
        let vectors = DIMENSIONS == 1 && shape.rank() == 2;
        if !vectors && shape.rank() != DIMENSIONS + 2 {
            let reason =
                format!("expected a batch, channels and {DIMENSIONS} more axes, found shape {shape:?}");
            return Err(Error::Invalid { op: "batch_norm", reason });
        }
        check_channels("batch_norm", shape, self.running_mean.value().size())
    }

    /// Refuses a batch that has no variance.
    fn check_batch(&self, shape: &Shape) -> Result<(), Error> {
        if shape.size() <= shape[1] {
            let reason = format!("training needs several elements per channel, found shape {shape:?}");
            return Err(Error::Invalid { op: "batch_norm", reason });
        }
        Ok(())
    }

    /// Requests that the running statistics move towards those of this batch.
    fn track(&self, x: &Tensor<T>, cx: &mut Context<T>) {
        let axes: Vec<isize> = (0..x.rank() as isize).filter(|&axis| axis != 1).collect();
        let count = cx.get(&self.num_batches_tracked) + T::ONE;
        let part = self.momentum.map_or_else(|| T::ONE / count.item(), T::from_f64);
        let mut move_towards = |running: &Param<T>, batch: Tensor<T>| {
            let moved = cx.get(running) * (T::ONE - part) + batch * part;
            cx.set(running, moved);
        };
        move_towards(&self.running_mean, x.mean_axes(&axes[..], false));
        move_towards(&self.running_var, x.variance_axes(&axes[..], 1, false));
        cx.set(&self.num_batches_tracked, count);
    }
}

impl<const DIMENSIONS: usize, T: Element> Module<T> for BatchNorm<DIMENSIONS, T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        let (shape, train) = (x.shape(), cx.is_train());
        let checked = self.check(&shape);
        let checked = if train { checked.and_then(|()| self.check_batch(&shape)) } else { checked };
        if !cx.accepts(Some(self.weight.as_ref().unwrap_or(&self.running_mean)), checked) {
            return x;
        }
        let (w, b) = (recorded(&self.weight, x.tape()), recorded(&self.bias, x.tape()));
        if train {
            let statistics =
                "running statistics, which a run would not update (in evaluation mode there are none)";
            x.tape().refuse_replay("batch_norm", statistics);
            self.track(&x.example_value(), cx);
            return functional::batch_norm(&x, None, w.as_ref(), b.as_ref(), self.eps);
        }
        let (mean, variance) = (self.running_mean.on(x.tape()), self.running_var.on(x.tape()));
        functional::batch_norm(&x, Some([&mean, &variance]), w.as_ref(), b.as_ref(), self.eps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};
    use tape::Tape;

    fn train(layer: &BatchNorm1d, batches: &[Tensor]) -> Context {
        let mut cx = Context::train(StdRng::seed_from_u64(0));
        let tape = Tape::new();
        for x in batches {
            layer.forward(tape.constant(x.clone()), &mut cx);
        }
        cx
    }

    #[test]
    fn without_momentum_all_batches_have_equal_parts() {
        let mut layer = BatchNorm1d::new(1).momentum(None);
        let batches = [[[1.0], [3.0]], [[2.0], [6.0]], [[0.0], [6.0]]].map(Tensor::from);
        train(&layer, &batches).commit(&mut layer);
        assert_eq!(layer.num_batches_tracked.value().item(), 3.0);
        assert!((layer.running_mean.value().to_vec()[0] - 3.0).abs() < 1e-15);
        assert!((layer.running_var.value().to_vec()[0] - (2.0 + 8.0 + 18.0) / 3.0).abs() < 1e-14);
    }

    #[test]
    fn a_layer_used_twice_in_a_step_tracks_both_batches() {
        let batches = [[[1.0], [3.0]], [[2.0], [6.0]]].map(Tensor::from);
        let (mut at_once, mut one_by_one) = (BatchNorm1d::new(1), BatchNorm1d::new(1));
        train(&at_once, &batches).commit(&mut at_once);
        for batch in &batches {
            train(&one_by_one, std::slice::from_ref(batch)).commit(&mut one_by_one);
        }
        assert_eq!(at_once.running_mean.value(), one_by_one.running_mean.value());
        assert_eq!(at_once.running_var.value(), one_by_one.running_var.value());
    }

    #[test]
    fn evaluation_moves_nothing() {
        let mut layer = BatchNorm1d::<f64>::new(2);
        let mut cx = Context::eval();
        layer.forward(Tape::new().constant([[1.0, 2.0], [3.0, 5.0]]), &mut cx);
        cx.commit(&mut layer);
        assert_eq!(layer.num_batches_tracked.value().item(), 0.0);
        assert_eq!(layer.running_mean.value().to_vec(), [0.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "batch_norm: training needs several elements per channel, found shape [1, 2]")]
    fn one_number_has_no_variance() {
        train(&BatchNorm1d::new(2), &[Tensor::from([[1.0, 2.0]])]);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let refused = |set: fn(BatchNorm1d<f32>) -> BatchNorm1d<f32>| {
            let payload = std::panic::catch_unwind(|| set(BatchNorm1d::new(2))).unwrap_err();
            payload.downcast_ref::<String>().cloned().unwrap_or_default()
        };
        let eps = "batch_norm: expected a finite epsilon of 0 or more, found ";
        assert_eq!(refused(|layer| layer.eps(-1.0)), format!("{eps}-1"));
        assert_eq!(refused(|layer| layer.eps(f64::NAN)), format!("{eps}NaN"));
        let momentum = "batch_norm: expected a momentum in [0, 1], found ";
        assert_eq!(refused(|layer| layer.momentum(Some(1.5))), format!("{momentum}1.5"));
        assert_eq!(refused(|layer| layer.momentum(Some(-0.5))), format!("{momentum}-0.5"));
        assert_eq!(refused(|layer| layer.momentum(Some(f64::NAN))), format!("{momentum}NaN"));
        BatchNorm1d::<f32>::new(2).eps(1e-30).momentum(Some(1.0)).momentum(Some(0.0)).momentum(None);
    }

    #[test]
    #[should_panic(expected = "batch_norm: expected a batch, channels and 2 more axes, found shape [4, 3]")]
    fn images_have_four_axes() {
        BatchNorm2d::<f64>::new(3).predict(&Tensor::zeros([4, 3]));
    }
}
