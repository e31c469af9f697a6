//! A batch in shards, each on its own tape: several threads, and the gradient of the whole batch.

use crate::module::{Context, Module, Refused};
use crate::optim::GradientAccumulator;
use crate::parameters::{Parameters, Path};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::ops::Range;
use tape::{Element, Error, Gradients, Scalar, Tape, Tensor, Var, parallel};

/// A batch split into a fixed number of shards, whose gradients are computed in parallel and added in order.
///
/// Every shard has a tape, which is reset and reused, and a [`Context`]. With the feature `rayon` the shards
/// run on the threads of rayon's current pool, without it one after the other. Results depend on the number
/// of shards, but not on the number of threads: gradients are the same to the last bit for any number of
/// threads.
///
/// The loss of a shard is a mean over its samples, weighted by the shard's fraction of the samples, so that
/// loss and gradient are those of the mean over the batch, up to rounding. Two things see the shard instead
/// of the batch: batch normalization takes its statistics from a shard, and random layers draw from the
/// generator of their shard.
///
/// ```
/// use nn::train::Shards;
/// use nn::{Context, Identity, Module, Tanh, loss, mlp};
/// use nn::optim::{Adam, Optimizer};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::{Tape, Tensor};
///
/// # fn main() -> Result<(), tape::Error> {
/// let mut rng = StdRng::seed_from_u64(0);
/// let x = Tensor::linspace(-1.0, 1.0, 50).reshape([50, 1]);
/// let y = x.square();
/// let mut model = mlp(&[1, 8, 1], Tanh, Identity, &mut rng);
///
/// let mut shards = Shards::train(4, &mut rng)?;
/// let value = shards.backward(&model, &x, &y, |a, y| loss::squared_error(a, y).mean())?;
///
/// let tape = Tape::new();
/// let whole = loss::squared_error(model.forward(tape.constant(x.clone()), &mut Context::eval()), &y).mean();
/// assert!((value - whole.value()).abs() < 1e-14);
///
/// let mut optimizer = Adam::new(0.02);
/// for _step in 0..200 {
///     shards.backward(&model, &x, &y, |a, y| loss::squared_error(a, y).mean())?;
///     optimizer.step(&mut model, shards.gradients());
/// }
/// assert!(shards.backward(&model, &x, &y, |a, y| loss::squared_error(a, y).mean())? < 0.1 * value);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Shards<T: Element = f64> {
    shards: Vec<Shard<T>>,
    sum: GradientAccumulator<T>,
    /// The requests of the shards, combined.
    cx: Context<T>,
}

/// A part of the batch.
#[derive(Debug)]
struct Shard<T: Element> {
    tape: Tape<T>,
    cx: Context<T>,
    rows: Range<usize>,
    share: f64,
    /// The gradients of the last backward pass, until they are added.
    result: Option<Result<(f64, Gradients<T>), Refused>>,
}

/// The maximum number of shards: more are a mistake, as each has its own tape.
const SHARDS: usize = 1 << 16;

impl<T: Element> Shards<T> {
    /// `count` shards in training mode, each with a generator that is seeded from `rng`, in order.
    ///
    /// # Errors
    /// If `count` is 0 or more than 65536.
    pub fn train(count: usize, rng: &mut (impl Rng + ?Sized)) -> Result<Shards<T>, Error> {
        Shards::with_contexts(count, || Context::train(StdRng::from_rng(rng)).errors_wait())
    }

    /// `count` shards in evaluation mode.
    ///
    /// # Errors
    /// If `count` is 0 or more than 65536.
    pub fn eval(count: usize) -> Result<Shards<T>, Error> {
        Shards::with_contexts(count, || Context::eval().errors_wait())
    }

    fn with_contexts(count: usize, mut cx: impl FnMut() -> Context<T>) -> Result<Shards<T>, Error> {
        if count == 0 {
            return Err(refused("expected at least 1 shard, found 0".to_owned()));
        }
        if count > SHARDS {
            return Err(refused(format!("expected at most {SHARDS} shards, found {count}")));
        }
        let shard = |_| Shard { tape: Tape::of(), cx: cx().apart(), rows: 0..0, share: 0.0, result: None };
        let shards = (0..count).map(shard).collect();
        Ok(Shards { shards, sum: GradientAccumulator::new(), cx: Context::eval() })
    }

    /// The loss of a batch, and its [gradients](Shards::gradients): `loss` maps an output and its targets to
    /// a mean over the samples, which are along the first axis of `x` and `y`.
    ///
    /// # Errors
    /// If there are fewer samples than shards, if the number of targets differs, or if a module
    /// [refuses](Context::refuse) its shard, as batch normalization does with a single element per channel.
    /// The statistics of layers are then those before, and there are no gradients.
    pub fn backward<L>(
        &mut self,
        model: &impl Module<T>,
        x: &Tensor<T>,
        y: &Tensor<T>,
        loss: L,
    ) -> Result<f64, Error>
    where
        L: for<'t> Fn(Var<'t, T>, &Tensor<T>) -> Scalar<'t, T> + Sync,
    {
        let [samples, targets] = [x, y].map(|x| x.shape().first().copied().unwrap_or(0));
        if samples != targets {
            return Err(refused(format!("expected as many targets as samples, {samples}, found {targets}")));
        }
        self.backward_by(model, samples, |tape, rows, cx| {
            let rows = rows.start as isize..rows.end as isize;
            let output = model.forward(tape.constant(x.slice(0, rows.clone())), cx);
            loss(output, &y.slice(0, rows))
        })
    }

    /// The same for models with other inputs: `loss` records the mean loss of the samples `rows` of `samples`.
    ///
    /// # Errors
    /// If there are fewer samples than shards, or if a module [refuses](Context::refuse) its shard.
    pub fn backward_by<L>(&mut self, model: &dyn Parameters<T>, samples: usize, loss: L) -> Result<f64, Error>
    where
        L: for<'t> Fn(&'t Tape<T>, Range<usize>, &mut Context<T>) -> Scalar<'t, T> + Sync,
    {
        self.divide(samples)?;
        parallel::each(&mut self.shards, |_, shard| shard.backward(&loss));
        self.sum.clear();
        let results = self.shards.iter_mut().filter_map(|shard| Some((shard.result.take()?, shard.share)));
        let named = |refused: Refused| refused.named(model);
        let results = results
            .map(|(result, share)| Ok((result.map_err(named)?, share)))
            .collect::<Result<Vec<_>, Error>>();
        let results = results.inspect_err(|_| self.shards.iter_mut().for_each(|shard| shard.cx.discard()))?;
        let mut mean = 0.0;
        for ((value, grads), share) in results {
            self.sum.add(model, &grads, share);
            mean += share * value;
        }
        self.combine(model);
        Ok(mean)
    }

    /// Assigns rows to the shards: equal numbers, or one more for the first ones.
    fn divide(&mut self, samples: usize) -> Result<(), Error> {
        let count = self.shards.len();
        if samples < count {
            let expected = format!("expected at least {count} samples, one for each shard");
            return Err(refused(format!("{expected}, found {samples}")));
        }
        let mut start = 0;
        for (i, shard) in self.shards.iter_mut().enumerate() {
            let rows = samples / count + usize::from(i < samples % count);
            shard.rows = start..start + rows;
            shard.share = rows as f64 / samples as f64;
            start += rows;
        }
        Ok(())
    }

    /// The gradients of the last batch, for an optimizer.
    pub fn gradients(&self) -> &GradientAccumulator<T> {
        &self.sum
    }

    /// Requests for the parameters of `model` the values that its layers [requested](Context::set): the mean over the
    /// shards, weighted by their fractions of the samples.
    fn combine(&mut self, model: &dyn Parameters<T>) {
        model.visit(&Path::root(), &mut |_, param| {
            let requested = |shard: &mut Shard<T>| Some((shard.cx.take(param.id())?, shard.share));
            let mut requested = self.shards.iter_mut().filter_map(requested);
            let Some((first, _)) = requested.next() else { return };
            // Relative to the first value, so that the mean of equal values is that value.
            let mean = requested.fold(first.clone(), |mean, (value, share)| {
                mean + (value - &first) * Tensor::scalar(T::from_f64(share))
            });
            self.cx.set(param, mean);
        });
    }

    /// Applies the statistics that the layers of `model` collected, as the step of an optimizer does: see
    /// [`Context::commit`].
    pub fn commit(&mut self, model: &mut dyn Parameters<T>) {
        self.cx.commit(model);
    }
}

impl<T: Element> Shard<T> {
    fn backward<L>(&mut self, loss: &L)
    where
        L: for<'t> Fn(&'t Tape<T>, Range<usize>, &mut Context<T>) -> Scalar<'t, T>,
    {
        let loss = loss(&self.tape, self.rows.clone(), &mut self.cx);
        self.result = Some(match self.cx.take_refused() {
            None => Ok((loss.value().to_f64(), loss.backward())),
            Some(refused) => Err(refused),
        });
        self.tape.reset();
    }
}

fn refused(reason: String) -> Error {
    Error::Invalid { op: "shards", reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BatchNorm1d;
    use crate::optim::GradientSource;
    use crate::{Identity, Sequential, Tanh, loss, mlp};

    fn model() -> Sequential {
        mlp(&[3, 7, 2], Tanh, Identity, &mut StdRng::seed_from_u64(0))
    }

    fn numbers(rows: usize, columns: usize) -> Tensor {
        Tensor::from_fn([rows, columns], |i| ((i[0] * columns + i[1]) as f64 * 0.7).sin())
    }

    /// Loss and gradients of the whole batch.
    fn whole(model: &Sequential, x: &Tensor, y: &Tensor) -> (f64, Gradients) {
        let tape = Tape::new();
        let loss =
            loss::squared_error(model.forward(tape.constant(x.clone()), &mut Context::eval()), y).mean();
        (loss.value(), loss.backward())
    }

    #[test]
    fn any_number_of_shards_gives_the_gradient_of_the_batch() {
        let (model, x, y) = (model(), numbers(23, 3), numbers(23, 2));
        let (value, grads) = whole(&model, &x, &y);
        for count in [1, 2, 4, 7, 22, 23] {
            let mut shards = Shards::eval(count).unwrap();
            for repetition in 0..3 {
                let found = shards.backward(&model, &x, &y, |a, y| loss::squared_error(a, y).mean()).unwrap();
                assert!((found - value).abs() <= 1e-12 * value.abs(), "{count} shards: {found} != {value}");
                model.visit(&Path::root(), &mut |path, param| {
                    let [found, expected] =
                        [shards.gradients().gradient(param.id()).unwrap(), grads.of(param)];
                    let scale = expected.map_elements(f64::abs).max();
                    let error = (found - expected).map_elements(f64::abs).max();
                    assert!(
                        error <= 1e-12 * scale,
                        "{path}, {count} shards, {repetition}: {error:e} of {scale:e}"
                    );
                });
            }
        }
    }

    #[test]
    fn a_shard_without_samples_and_no_shard_are_refused() {
        let message = |result: Result<f64, Error>| result.unwrap_err().to_string();
        let mut shards = Shards::eval(4).unwrap();
        let mut backward = |samples, targets| {
            shards.backward(&model(), &numbers(samples, 3), &numbers(targets, 2), |a, y| {
                loss::squared_error(a, y).mean()
            })
        };
        let expected = "expected at least 4 samples, one for each shard, found 3";
        assert!(message(backward(3, 3)).contains(expected));
        assert!(message(backward(5, 6)).contains("expected as many targets as samples, 5, found 6"));
        assert!(backward(4, 4).is_ok());
        let error = Shards::<f64>::eval(0).unwrap_err().to_string();
        assert!(error.contains("expected at least 1 shard, found 0"), "{error}");
    }

    #[test]
    fn a_shard_that_a_layer_refuses_is_an_error() {
        let mut model = Sequential::new().push(BatchNorm1d::<f64>::new(3));
        let before = crate::state_dict(&model);
        let mut shards = Shards::train(3, &mut StdRng::seed_from_u64(0)).unwrap();
        let error =
            shards.backward(&model, &numbers(5, 3), &numbers(5, 3), |a, y| loss::squared_error(a, y).mean());
        let expected =
            "batch_norm: training needs several elements per channel, found shape [1, 3] (layer of 0.weight)";
        assert_eq!(error.unwrap_err().to_string(), expected);
        shards.commit(&mut model);
        assert_eq!(crate::state_dict(&model), before);
        assert!(
            shards
                .backward(&model, &numbers(6, 3), &numbers(6, 3), |a, y| loss::squared_error(a, y).mean())
                .is_ok()
        );
    }

    #[test]
    fn statistics_are_the_mean_over_the_shards() {
        let mut model = Sequential::new().push(BatchNorm1d::<f64>::new(3));
        let (x, mut alone) = (numbers(10, 3), model.clone());
        let mut rng = StdRng::seed_from_u64(0);
        let mut shards = Shards::train(3, &mut rng).unwrap();
        shards.backward(&model, &x, &x, |a, y| loss::squared_error(a, y).mean()).unwrap();
        shards.commit(&mut model);
        let (tape, mut cx) = (Tape::new(), Context::train(rng));
        alone.forward(tape.constant(x), &mut cx);
        cx.commit(&mut alone);
        let means = |model: &Sequential| {
            let mut means = Vec::new();
            model.visit(&Path::root(), &mut |path, param| {
                if path.to_string().ends_with("running_mean") {
                    means = param.value().to_vec();
                }
            });
            means
        };
        let (found, expected) = (means(&model), means(&alone));
        assert_eq!(found.len(), 3);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-15 && expected != 0.0, "{found} != {expected}");
        }
    }
}
