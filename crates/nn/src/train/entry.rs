//! The ways to start a [`Trainer`].

use super::callback::{Step, Unavailable};
use super::run::{Run, Work};
use super::step::{StepFailure, descend};
use super::{Report, TrainError, Trainer};
use crate::data::{BatchSource, Dataset};
use crate::module::{Context, Module};
use crate::optim::Optimizer;
use crate::parameters::Parameters;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::marker::PhantomData;
use tape::{Element, Error, Scalar, Tape, Tensor, Var};

impl<T: Element> Trainer<'_, T> {
    /// Trains `model` on batches of inputs and targets, usually of a [`Loader`](crate::data::Loader): `loss` maps an
    /// output and its targets to [a mean over the samples](Trainer#the-loss-of-an-epoch) unless another setting says
    /// otherwise.
    ///
    /// The loss is a closure written in place, as `|a, y| loss::squared_error(a, y).mean()`, or the name of a function
    /// with this signature. A closure in a variable needs [`loss_function`](super::loss_function). The name of a function
    /// of [`nn::loss`](crate::loss) alone is refused, as [explained there](crate::loss#as-an-argument).
    ///
    /// ```
    /// use nn::data::{Dataset, Loader};
    /// use nn::{Linear, loss};
    /// use nn::optim::Sgd;
    /// use nn::train::Trainer;
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::{Scalar, Tensor, Var};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// fn half_error<'t>(a: Var<'t>, y: &Tensor) -> Scalar<'t> {
    ///     loss::squared_error(a, y).mean() * 0.5
    /// }
    ///
    /// let data = Dataset::new(Tensor::from([[0.0], [1.0]]), Tensor::from([[1.0], [3.0]]))?;
    /// let (mut model, mut rng) = (Linear::from_values([[0.0]], [0.0]), StdRng::seed_from_u64(0));
    /// let (mut optimizer, mut loader) = (Sgd::new(0.5), Loader::new(&data, 2)?);
    /// Trainer::new(200).run(&mut model, &mut optimizer, &mut loader, &mut rng, half_error)?;
    /// assert!(model.weight.value().allclose(&Tensor::from([[2.0]])));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`TrainError`]. The model then has the weights of the last step that was made; of a refused step,
    /// the elements that could move have moved.
    ///
    /// # Panics
    /// If the model or the loss panics: the shapes of the data are not those that they take. A loss that data
    /// can make fail (labels out of range) belongs in [`try_run`](Trainer::try_run).
    pub fn run<L>(
        self,
        model: &mut (impl Module<T> + 'static),
        optimizer: &mut dyn Optimizer<T>,
        batches: &mut impl BatchSource<Batch = (Tensor<T>, Tensor<T>)>,
        rng: &mut (impl Rng + ?Sized),
        loss: L,
    ) -> Result<Report, TrainError>
    where
        L: for<'t> Fn(Var<'t, T>, &Tensor<T>) -> Scalar<'t, T>,
    {
        self.try_run(model, optimizer, batches, rng, |a, y| Ok(loss(a, y)))
    }

    /// [`run`](Trainer::run) with a loss that can fail: its error ends training, with the epoch and the step.
    ///
    /// ```
    /// use nn::data::{Dataset, Loader};
    /// use nn::functional::CrossEntropyOptions;
    /// use nn::loss::try_cross_entropy_with_logits_and_options;
    /// use nn::Linear;
    /// use nn::optim::Sgd;
    /// use nn::train::Trainer;
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::Tensor;
    /// # fn main() -> Result<(), tape::Error> {
    /// let data = Dataset::new(Tensor::zeros([3, 1]), Tensor::from([0.0, 1.0, 2.0]))?;
    /// let (mut model, mut rng) = (Linear::from_values([[0.0]; 2], [0.0, 0.0]), StdRng::seed_from_u64(0));
    /// let mut loader = Loader::new(&data, 2)?.without_shuffle();
    /// let result = Trainer::new(1).try_run(&mut model, &mut Sgd::new(0.1), &mut loader, &mut rng, |z, y| {
    ///     let labels: Vec<i64> = y.to_vec().iter().map(|&label| label as i64).collect();
    ///     Ok(try_cross_entropy_with_logits_and_options(z, &labels, &CrossEntropyOptions::default())?.mean())
    /// });
    /// let text = result.unwrap_err().to_string();
    /// assert!(text.starts_with("epoch 1, step 2: ") && text.contains("index 2 is out of range"), "{text}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`TrainError`]. The model then has the weights of the last step that was made.
    ///
    /// # Panics
    /// If the model or the loss panics: the shapes of the data are not those that they take.
    pub fn try_run<L>(
        self,
        model: &mut (impl Module<T> + 'static),
        optimizer: &mut dyn Optimizer<T>,
        batches: &mut impl BatchSource<Batch = (Tensor<T>, Tensor<T>)>,
        rng: &mut (impl Rng + ?Sized),
        loss: L,
    ) -> Result<Report, TrainError>
    where
        L: for<'t> Fn(Var<'t, T>, &Tensor<T>) -> Result<Scalar<'t, T>, Error>,
    {
        let cx = Context::train(StdRng::from_rng(&mut *rng)).errors_wait();
        self.start(model, optimizer, batches, rng, Pairs { loss, tape: Tape::of(), cx })
    }
}

impl<T: Element, M: Parameters<T> + ?Sized> Trainer<'_, T, M> {
    /// Trains `model` with one optimizer on batches of any type: `loss` records the loss of a batch, as [a mean over its
    /// samples](Trainer#the-loss-of-an-epoch) unless another setting says otherwise. For models of several inputs, of
    /// indices, with labels as targets, with several outputs, and for losses with a penalty.
    ///
    /// Batches of data in memory are lists of indices, from [`Batches`](crate::data::Batches):
    ///
    /// ```
    /// use nn::data::Batches;
    /// use nn::optim::Adam;
    /// use nn::train::{Keep, Trainer};
    /// use nn::{Context, Embedding, Linear, Module, Parameters, loss};
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::{Tape, Var};
    ///
    /// /// Predicts the word that follows another.
    /// #[derive(Clone, Debug, Parameters)]
    /// struct Bigram {
    ///     embedding: Embedding,
    ///     output: Linear,
    /// }
    ///
    /// impl Bigram {
    ///     fn logits<'t>(&self, words: &[usize], tape: &'t Tape, cx: &mut Context) -> Var<'t> {
    ///         self.output.forward(self.embedding.forward(tape, words), cx)
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), nn::train::TrainError> {
    /// let text: Vec<usize> = (0..41).map(|i| i * i % 5).collect();
    /// let pairs: Vec<(usize, usize)> = text.windows(2).map(|pair| (pair[0], pair[1])).collect();
    /// let mut rng = StdRng::seed_from_u64(0);
    /// let mut model = Bigram { embedding: Embedding::new(5, 4, &mut rng), output: Linear::new(4, 5, &mut rng) };
    /// let report = Trainer::for_model::<Bigram>(30)
    ///     .metric("first", |model| model.logits(&[0], &Tape::new(), &mut Context::eval()).value().argmax() as f64)
    ///     .patience(5)
    ///     .keep(Keep::Best)
    ///     .run_batches(
    ///         &mut model,
    ///         &mut Adam::new(0.1),
    ///         &mut Batches::new(pairs.len(), 8),
    ///         &mut rng,
    ///         |model, rows, tape, cx| {
    ///             let (words, next): (Vec<usize>, Vec<usize>) = rows.into_iter().map(|row| pairs[row]).unzip();
    ///             Ok(loss::cross_entropy_with_logits(model.logits(&words, tape, cx), &next).mean())
    ///         },
    ///     )?;
    /// assert!(report.best.unwrap().1 < 0.8);
    /// assert_eq!(report.history.names(), ["loss", "first"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Batches are weighted by their samples if the source knows them ([`BatchSource::size`]). Noise of the loss comes from
    /// the generator of the context; validation is a closure, [`validation_by`](Trainer::validation_by).
    ///
    /// # Errors
    /// See [`TrainError`]; as in [`run`](Trainer::run), no step is made if the loss or a gradient is not finite. Settings for
    /// inputs and targets, [`validation`](Trainer::validation) and [`batch_weight`](Trainer::batch_weight), are refused.
    ///
    /// # Panics
    /// If the model or the loss panics.
    pub fn run_batches<S, L>(
        self,
        model: &mut M,
        optimizer: &mut dyn Optimizer<T>,
        batches: &mut S,
        rng: &mut (impl Rng + ?Sized),
        loss: L,
    ) -> Result<Report, TrainError>
    where
        S: BatchSource,
        L: for<'t> FnMut(&M, S::Batch, &'t Tape<T>, &mut Context<T>) -> Result<Scalar<'t, T>, Error>,
    {
        let cx = Context::train(StdRng::from_rng(&mut *rng)).errors_wait();
        let work = Recorded { loss, tape: Tape::of(), cx, batch: PhantomData };
        self.start(model, optimizer, batches, rng, work)
    }

    /// Trains `model` by a closure that makes the whole step and returns the loss of the batch: for several optimizers,
    /// several steps per batch, or a step that is no gradient descent. The closure owns what it needs, and gets the model, a
    /// batch, the position of the [`Step`], by which it sets learning rates, and the context. Optimizers that callbacks
    /// read, for checkpoints, are fields of the model with `#[parameters(skip)]`.
    ///
    /// Two models that are trained against each other, each with its optimizer and its schedule:
    ///
    /// ```
    /// use nn::data::from_fn;
    /// use nn::optim::{Adam, Optimizer};
    /// use nn::train::{Trainer, descend};
    /// use nn::{Param, RandomTensor};
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::{Tape, Tensor};
    ///
    /// // The generator adds its parameter to noise; the critic scores points by a slope, which it pays for.
    /// let mut model = [Param::new(0.0), Param::new(0.0)];
    /// let (mut g, mut d) = (Adam::new(0.05), Adam::new(0.05));
    /// let (mut tape, mut rng) = (Tape::new(), StdRng::seed_from_u64(0));
    /// let mut real = from_fn(20, |mut rng| Tensor::randn([64], &mut rng) + 3.0);
    /// let report = Trainer::for_model::<[Param; 2]>(30)
    ///     .metric("shift", |[generator, _]| generator.value().item())
    ///     .run_steps(&mut model, &mut real, &mut rng, |[generator, critic], real, step, cx| {
    ///         for optimizer in [&mut g, &mut d] {
    ///             optimizer.set_learning_rate(0.05 * (1.0 - step.number as f64 / step.steps as f64));
    ///         }
    ///         let fake = Tensor::randn([64], &mut cx.rng().expect("a generator in training")) + generator.value();
    ///         let loss = descend(critic, &mut d, &mut tape, cx, |critic, tape, _| {
    ///             let slope = critic.on(tape);
    ///             Ok((slope * (fake.mean() - real.mean()) + slope.square()).sum())
    ///         })?;
    ///         let slope = critic.value().item();
    ///         descend(generator, &mut g, &mut tape, cx, |generator, tape, _| Ok((generator.on(tape) * -slope).sum()))?;
    ///         Ok(loss)
    ///     })?;
    /// assert!((report.history.last("shift").unwrap() - 3.0).abs() < 0.2);
    /// # Ok::<(), nn::train::TrainError>(())
    /// ```
    ///
    /// # Steps that fail
    /// The trainer sees the result of the closure, not the steps in it. A loss that is not finite, and an error about a
    /// value that is not finite ([`StepFailure::NonFinite`], [`StepError::Gradient`](crate::optim::StepError::Gradient),
    /// [`StepError::Overflow`](crate::optim::StepError::Overflow)), follow the policy of
    /// [`on_non_finite`](Trainer::on_non_finite): training ends with an error, or the batch counts as skipped, or the best
    /// weights are restored. Optimizers that made their step before the failure have made it: neither their state nor, for
    /// a skipped batch, the model is taken back. If all or none must step, take every gradient before the first step.
    /// [`descend`] and `optimizer.try_step(..)?` report what is not finite; `optimizer.step(..)` does not report a gradient.
    ///
    /// # Errors
    /// See [`TrainError`]. Settings for inputs and targets, [`validation`](Trainer::validation) and
    /// [`batch_weight`](Trainer::batch_weight), are refused.
    ///
    /// # Panics
    /// If the closure panics: layers panic here if they refuse a batch. If a callback uses its optimizer: there is
    /// [none](super::Callback).
    pub fn run_steps<S, F>(
        self,
        model: &mut M,
        batches: &mut S,
        rng: &mut (impl Rng + ?Sized),
        step: F,
    ) -> Result<Report, TrainError>
    where
        S: BatchSource,
        F: FnMut(&mut M, S::Batch, Step, &mut Context<T>) -> Result<f64, StepFailure>,
    {
        let cx = Context::train(StdRng::from_rng(&mut *rng));
        self.start(model, &mut Unavailable, batches, rng, Whole { step, cx, batch: PhantomData })
    }

    fn start<W: Work<T, M>>(
        self,
        model: &mut M,
        optimizer: &mut dyn Optimizer<T>,
        batches: &mut impl BatchSource<Batch = W::Batch>,
        rng: &mut (impl Rng + ?Sized),
        work: W,
    ) -> Result<Report, TrainError> {
        self.check(W::PAIRS)?;
        let (watched, goal) = self.watched_column()?;
        if batches.batches() == 0 {
            return Err(TrainError::NoBatches { samples: batches.epoch_samples() });
        }
        let step = Step { number: 0, steps: self.epochs.saturating_mul(batches.batches()), epoch: 1 };
        let mut run = Run { fit: self, model, optimizer, work, step };
        let mut rng = rng;
        let result = run.train(batches, &mut rng, &watched, goal);
        run.fit.callbacks.iter_mut().for_each(|callback| callback.finish());
        result
    }
}

/// Inputs and targets, for a module and a loss of its output.
struct Pairs<T: Element, L> {
    loss: L,
    tape: Tape<T>,
    cx: Context<T>,
}

impl<T, L> Pairs<T, L>
where
    T: Element,
    L: for<'t> Fn(Var<'t, T>, &Tensor<T>) -> Result<Scalar<'t, T>, Error>,
{
    /// The loss, unless the model refuses its input.
    fn record<'t>(
        loss: &L,
        model: &dyn Module<T>,
        x: Tensor<T>,
        y: &Tensor<T>,
        tape: &'t Tape<T>,
        cx: &mut Context<T>,
    ) -> Result<Scalar<'t, T>, Error> {
        let output = model.forward(tape.constant(x), cx);
        cx.take_error_of(model).map_or_else(|| loss(output, y), Err)
    }
}

impl<T, L> Work<T, dyn Module<T>> for Pairs<T, L>
where
    T: Element,
    L: for<'t> Fn(Var<'t, T>, &Tensor<T>) -> Result<Scalar<'t, T>, Error>,
{
    type Batch = (Tensor<T>, Tensor<T>);
    const PAIRS: bool = true;

    fn step(
        &mut self,
        model: &mut (dyn Module<T> + 'static),
        optimizer: &mut dyn Optimizer<T>,
        (x, y): (Tensor<T>, Tensor<T>),
        _: Step,
    ) -> Result<f64, StepFailure> {
        let Pairs { loss, tape, cx } = self;
        descend(model, optimizer, tape, cx, |model, tape, cx| Self::record(loss, model, x, &y, tape, cx))
    }

    fn targets((_, y): &(Tensor<T>, Tensor<T>)) -> Option<&Tensor<T>> {
        Some(y)
    }

    fn validation(&self, model: &(dyn Module<T> + 'static), data: &Dataset<T>) -> Option<Result<f64, Error>> {
        let (tape, mut cx) = (Tape::of().inference(), Context::eval().errors_wait());
        let loss = Self::record(&self.loss, model, data.x().clone(), data.y(), &tape, &mut cx);
        Some(loss.map(|loss| loss.value().to_f64()))
    }
}

/// Batches of any type, for a loss that records everything.
struct Recorded<T: Element, L, B> {
    loss: L,
    tape: Tape<T>,
    cx: Context<T>,
    batch: PhantomData<B>,
}

impl<T, M, L, B> Work<T, M> for Recorded<T, L, B>
where
    T: Element,
    M: Parameters<T> + ?Sized,
    L: for<'t> FnMut(&M, B, &'t Tape<T>, &mut Context<T>) -> Result<Scalar<'t, T>, Error>,
{
    type Batch = B;

    fn step(
        &mut self,
        model: &mut M,
        optimizer: &mut dyn Optimizer<T>,
        batch: B,
        _: Step,
    ) -> Result<f64, StepFailure> {
        let Recorded { loss, tape, cx, .. } = self;
        descend(model, optimizer, tape, cx, |model, tape, cx| loss(model, batch, tape, cx))
    }
}

/// Batches of any type, for a closure that makes the whole step.
struct Whole<T: Element, F, B> {
    step: F,
    cx: Context<T>,
    batch: PhantomData<B>,
}

impl<T, M, F, B> Work<T, M> for Whole<T, F, B>
where
    T: Element,
    M: ?Sized,
    F: FnMut(&mut M, B, Step, &mut Context<T>) -> Result<f64, StepFailure>,
{
    type Batch = B;

    fn step(
        &mut self,
        model: &mut M,
        _: &mut dyn Optimizer<T>,
        batch: B,
        step: Step,
    ) -> Result<f64, StepFailure> {
        (self.step)(model, batch, step, &mut self.cx)
    }
}
