//! A batch over all ranks.

use crate::call::Call;
use crate::ranks::part;
use crate::{RankError, Ranks, Reduced};
use mpi::traits::Equivalence;
use nn::{Context, Parameters};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::error::Error;
use std::time::{Duration, Instant};
use tape::{Element, Scalar, Tape};

/// The order in which the gradients of the ranks are added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// That which MPI chooses: one shard for each rank, and one all-reduce for each step. Weights of different numbers of
    /// ranks differ by rounding.
    #[default]
    Any,
    /// That of this number of shards, whatever the number of ranks: the same bits for every number of ranks up to it.
    /// Each shard is sent to all ranks on its own, so a step sends as many times the gradient as there are shards.
    Fixed(usize),
}

/// Gradients of batches over all ranks: what [`nn::train::Shards`] is for threads.
///
/// A batch is cut into shards in order: one for each rank, or a [fixed](Order::Fixed) number. The gradients are those
/// of the mean loss over the samples of the whole batch, up to rounding. Two things see the shard instead of the
/// batch: batch normalization takes its statistics from a shard (running statistics are the mean over the shards),
/// and random layers draw from a generator of their shard, which is seeded from the seed, the number of the step and
/// that of the shard. So nothing but the number of the step has to be saved for a run that is
/// [resumed](RankShards::resume_at).
#[derive(Debug)]
pub struct RankShards<'r, T: Element = f64> {
    ranks: &'r Ranks,
    order: Order,
    seed: Option<u64>,
    step: u64,
    communication: Duration,
    tape: Tape<T>,
    sum: Reduced<T>,
    /// The buffers of this rank's shards.
    own: Vec<Vec<T>>,
    /// The requests of all shards, combined.
    cx: Context<T>,
}

impl<'r, T: Element + Equivalence> RankShards<'r, T> {
    /// One shard for each rank, in training mode.
    pub fn train(ranks: &'r Ranks, seed: u64) -> RankShards<'r, T> {
        RankShards {
            ranks,
            order: Order::Any,
            seed: Some(seed),
            step: 0,
            communication: Duration::ZERO,
            tape: Tape::of(),
            sum: Reduced::default(),
            own: Vec::new(),
            cx: Context::eval(),
        }
    }

    /// One shard for each rank, in evaluation mode.
    pub fn eval(ranks: &'r Ranks) -> RankShards<'r, T> {
        RankShards { seed: None, ..RankShards::train(ranks, 0) }
    }

    /// The same with another order of the sums.
    ///
    /// # Errors
    /// If there are fewer shards than ranks.
    pub fn order(self, order: Order) -> Result<RankShards<'r, T>, RankError> {
        match order {
            Order::Fixed(shards) if shards < self.ranks.size() => Err(RankError::Setting {
                expected: format!("at least {} shards, one for each rank", self.ranks.size()),
                found: shards.to_string(),
            }),
            _ => Ok(RankShards { order, ..self }),
        }
    }

    /// The number of steps so far: save it with a checkpoint.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// The time that this rank has spent in calls of MPI, which includes waiting for slower ranks.
    pub fn communication(&self) -> Duration {
        self.communication
    }

    /// Goes on after this number of steps: random layers draw what they would have drawn without the interruption. (With
    /// [`Order::Any`] on as many ranks.)
    pub fn resume_at(&mut self, steps: u64) {
        self.step = steps;
    }

    /// The mean loss of the batch with the samples `rows`, which are the same on all ranks, and its
    /// [gradients](RankShards::gradients): `loss` records the mean loss of some of them. Every sample belongs to one
    /// rank. A call of all ranks.
    ///
    /// # Errors
    /// If there are no samples, if `loss` fails or a layer [refuses](Context::refuse) its input on any rank: the same error on
    /// all ranks. Then there are no gradients, and the statistics of layers are those before.
    pub fn backward(
        &mut self,
        model: &dyn Parameters<T>,
        rows: &[usize],
        loss: impl for<'t> FnMut(&'t Tape<T>, &[usize], &mut Context<T>) -> Result<Scalar<'t, T>, Box<dyn Error>>,
    ) -> Result<f64, RankError> {
        let (size, rank) = (self.ranks.size(), self.ranks.rank());
        let count = match self.order {
            Order::Any => size,
            Order::Fixed(count) => count,
        };
        let own = part(count, size, rank).map(|shard| (shard, &rows[part(rows.len(), count, shard)]));
        let own: Vec<_> = own.collect();
        self.reduce(model, count, &own, loss)
    }

    /// As [`backward`](RankShards::backward), where every rank has its own samples: those `rows` of its own data, as many as it
    /// has. The loss is the mean over the samples of all ranks. A call of all ranks.
    ///
    /// # Errors
    /// As [`backward`](RankShards::backward); and with [`Order::Fixed`], for which the samples of the whole batch
    /// must be known.
    pub fn backward_own(
        &mut self,
        model: &dyn Parameters<T>,
        rows: &[usize],
        loss: impl for<'t> FnMut(&'t Tape<T>, &[usize], &mut Context<T>) -> Result<Scalar<'t, T>, Box<dyn Error>>,
    ) -> Result<f64, RankError> {
        if let Order::Fixed(shards) = self.order {
            let expected = "`Order::Any` for samples that each rank has for itself".to_owned();
            return Err(RankError::Setting { expected, found: format!("`Order::Fixed({shards})`") });
        }
        self.reduce(model, self.ranks.size(), &[(self.ranks.rank(), rows)], loss)
    }

    /// The gradients of the last batch, for an optimizer.
    pub fn gradients(&self) -> &Reduced<T> {
        &self.sum
    }

    /// Applies the statistics that the layers of `model` collected, as the step of an optimizer does: see [`Context::commit`].
    pub fn commit(&mut self, model: &mut dyn Parameters<T>) {
        self.cx.commit(model);
    }

    /// The sum over all shards, of which `own` are this rank's.
    fn reduce(
        &mut self,
        model: &dyn Parameters<T>,
        count: usize,
        own: &[(usize, &[usize])],
        mut loss: impl for<'t> FnMut(
            &'t Tape<T>,
            &[usize],
            &mut Context<T>,
        ) -> Result<Scalar<'t, T>, Box<dyn Error>>,
    ) -> Result<f64, RankError> {
        self.cx.discard();
        self.sum.plan(model);
        self.own.resize_with(own.len(), Vec::new);
        // For each shard of this rank its samples and its loss, and the number of parameters; as many numbers on all ranks.
        let pairs = 2 * count.div_ceil(self.ranks.size());
        let mut losses = vec![0.0; pairs];
        losses.push(self.sum.parameters() as f64);
        let mut result = Ok(());
        for (i, &(shard, rows)) in own.iter().enumerate() {
            match self.shard(model, i, shard, rows, &mut loss) {
                Ok(value) => losses[2 * i..][..2].copy_from_slice(&[rows.len() as f64, value]),
                Err(reason) => {
                    result = Err(reason);
                    break;
                }
            }
        }
        self.step += 1;
        let start = Instant::now();
        let agreed =
            self.ranks.agree(Call::Backward, Some(self.sum.elements()), result.map(|()| &losses[..]));
        let agreed = agreed.and_then(|agreed| {
            self.ranks.expect_equal(&agreed, pairs, "parameters")?;
            Ok(agreed)
        });
        let agreed = agreed.inspect_err(|_| self.sum = Reduced::default())?;
        // In the order of the shards, so that the loss has the same bits for every number of ranks too.
        let (mut samples, mut total, mut owners) = (0.0, 0.0, Vec::with_capacity(count));
        for rank in 0..self.ranks.size() {
            let shards = part(count, self.ranks.size(), rank).len();
            for shard in agreed.of(rank).chunks_exact(2).take(shards) {
                samples += shard[0];
                total += shard[0] * shard[1];
                owners.push(rank);
            }
        }
        if samples == 0.0 {
            self.sum = Reduced::default();
            let expected = "at least 1 sample in a batch".to_owned();
            return Err(RankError::Setting { expected, found: "0".to_owned() });
        }
        match self.order {
            Order::Any => self.ranks.add(&self.own[0], self.sum.values_mut()),
            Order::Fixed(_) => self.add_in_order(&owners),
        }
        self.communication += start.elapsed();
        self.sum.finish(model, samples as usize, &mut self.cx);
        Ok(total / samples)
    }

    /// The loss of shard `shard`; its gradients are written to the buffer `i`.
    fn shard(
        &mut self,
        model: &dyn Parameters<T>,
        i: usize,
        shard: usize,
        rows: &[usize],
        loss: &mut impl for<'t> FnMut(
            &'t Tape<T>,
            &[usize],
            &mut Context<T>,
        ) -> Result<Scalar<'t, T>, Box<dyn Error>>,
    ) -> Result<f64, String> {
        if rows.is_empty() {
            self.own[i].clear();
            self.own[i].resize(self.sum.len(), T::ZERO);
            return Ok(0.0);
        }
        let mut cx = match self.seed {
            Some(seed) => Context::train(generator(seed, self.step, shard)),
            None => Context::eval(),
        }
        .errors_wait();
        let value = match loss(&self.tape, rows, &mut cx) {
            Err(error) => Err(error.to_string()),
            Ok(loss) => match cx.take_error_of(model) {
                Some(error) => Err(error.to_string()),
                None => {
                    let value = loss.value().to_f64();
                    self.sum.fill(model, &loss.backward(), &cx, rows.len(), &mut self.own[i]);
                    Ok(value)
                }
            },
        };
        cx.discard();
        self.tape.reset();
        value
    }

    /// Adds the buffers of the shards one by one.
    fn add_in_order(&mut self, owners: &[usize]) {
        let mut own = self.own.iter();
        let mut next = Vec::new();
        for &rank in owners {
            if rank == self.ranks.rank()
                && let Some(own) = own.next()
            {
                next.clone_from(own);
            } else {
                next.resize(self.sum.len(), T::ZERO);
            }
            self.ranks.spread(rank, &mut next);
            for (sum, &x) in self.sum.values_mut().iter_mut().zip(&next) {
                *sum += x;
            }
        }
    }
}

/// The generator of the random layers of a shard in a step.
fn generator(seed: u64, step: u64, shard: usize) -> StdRng {
    let mut bytes = [0; 32];
    for (bytes, number) in bytes.chunks_exact_mut(8).zip([seed, step, shard as u64, 0]) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
    StdRng::from_seed(bytes)
}
