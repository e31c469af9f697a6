//! The checked function as a scalar, along lines through the point of the check.

use super::inputs::Inputs;
use super::lanes::Lanes;
use super::rounding::{length, unit};
use super::samples::Samples;
use crate::numdiff::{ladder, size};
use std::sync::Arc;
use tape::internal::{MASK, SplitMix64, branches, op_name, perturbed_jvp, perturbed_vjp, roundings};
use tape::{Element, Tape, Tensor, Var};

/// The checked function, which records itself on a tape.
pub(crate) type Objective<'f> = dyn for<'t> Fn(&Inputs<'t>) -> Var<'t> + 'f;

/// A discrete decision made by a recording.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decision {
    pub(crate) node: usize,
    pub(crate) op: &'static str,
    pub(crate) element: usize,
    branch: i64,
}

/// One evaluation: `Σ ct (f(x) - f(x₀))`, with its size and its decisions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// The objective minus its value at the point of the check. Outputs that did not change cancel exactly.
    pub(crate) deviation: f64,
    /// The size of the outputs: one rounding of each amounts to `eps · size`. Outputs that did not change
    /// count too: a change below a rounding is invisible.
    pub(crate) size: f64,
    /// `true` if the discrete decisions are those at the point of the check.
    pub(crate) same: bool,
}

/// The discrete decisions of an evaluation.
#[derive(Clone, Debug, Default)]
struct Signature {
    /// A hash of the decisions that operations report.
    decisions: u64,
    /// The nodes that hold a mask, with its hash.
    masks: Vec<(u32, i64)>,
}

impl Signature {
    /// Returns `true` if both have the same decisions, and the same mask at each node for which both have
    /// one.
    fn same(&self, other: &Signature) -> bool {
        let meets = |(node, mask): &(u32, i64)| {
            other.masks.iter().find(|(known, _)| known == node).is_none_or(|(_, known)| known == mask)
        };
        self.decisions == other.decisions && self.masks.iter().all(meets)
    }
}

/// A line through the point of the check.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Direction {
    /// One entry of one input.
    Entry { input: usize, at: usize },
    /// All entries of some inputs.
    Dense(Vec<Option<Tensor>>),
}

/// A function, a point and a cotangent.
pub(crate) struct Problem<'f> {
    pub(crate) f: &'f Objective<'f>,
    pub(crate) names: Arc<[String]>,
    pub(crate) values: Vec<Tensor>,
    pub(crate) tracked: Vec<bool>,
    /// Weights of the outputs.
    pub(crate) cotangent: Tensor,
    weights: Vec<f64>,
    /// The outputs at the point of the check.
    pub(crate) outputs: Vec<f64>,
    signature: Signature,
    tape: Tape,
    /// The function as a program, if it is one.
    pub(crate) lanes: Option<Lanes>,
    pub(crate) samples: Samples,
    /// The number of points requested, remembered ones included.
    pub(crate) evaluations: usize,
}

impl<'f> Problem<'f> {
    pub(crate) fn new(
        f: &'f Objective<'f>,
        names: Vec<String>,
        values: Vec<Tensor>,
        tracked: Vec<bool>,
        cotangent: impl FnOnce(&Tensor) -> Tensor,
    ) -> Problem<'f> {
        let values: Vec<Tensor> = values.iter().map(Tensor::contiguous).collect();
        let names: Arc<[String]> = names.into();
        let tape = Tape::new();
        let (outputs, signature) = outputs(f, &tape, &names, &values, &tracked);
        let cotangent = cotangent(&outputs);
        let (weights, outputs) = (cotangent.to_vec(), outputs.to_vec());
        let lanes = None;
        Problem {
            f,
            names,
            values,
            tracked,
            cotangent,
            weights,
            outputs,
            signature,
            tape,
            lanes,
            samples: Samples::default(),
            evaluations: 1,
        }
    }

    /// The objective at the point of the check: `Σ ct f(x)`.
    pub(crate) fn objective(&self) -> f64 {
        self.weights.iter().zip(&self.outputs).map(|(w, y)| w * y).sum()
    }

    /// The size of the objective: `Σ |ct f(x)|`.
    pub(crate) fn magnitude(&self) -> f64 {
        self.weights.iter().zip(&self.outputs).map(|(w, y)| (w * y).abs()).sum()
    }

    /// Evaluates the objective at `t` along a line.
    pub(crate) fn at(&mut self, direction: &Direction, t: f64) -> Sample {
        if let Some(sample) = self.prepared(direction, t).or_else(|| self.samples.get(direction, t)) {
            self.evaluations += 1;
            return sample;
        }
        let point = self.point(direction, t);
        let (outputs, same) = self.evaluate(&point);
        let sample = self.deviation(&outputs, same);
        self.samples.insert(direction, t, sample);
        sample
    }

    /// The objective for some outputs.
    pub(crate) fn deviation(&self, outputs: &[f64], same: bool) -> Sample {
        let (mut sum, mut rest) = (0.0f64, 0.0);
        let mut sizes = Vec::with_capacity(outputs.len());
        for ((&w, &y), &before) in self.weights.iter().zip(outputs).zip(&self.outputs) {
            // A compensated sum (A. Neumaier, 1974): the checker adds no noise of its own.
            let term = w * (y - before);
            let total = sum + term;
            rest += if sum.abs() >= term.abs() { (sum - total) + term } else { (term - total) + sum };
            sum = total;
            // The roundings of subnormal numbers are as large as those of the smallest normal one.
            sizes.push(w * y.abs().max(before.abs()).max(f64::MIN_POSITIVE));
        }
        Sample { deviation: sum + rest, size: length(&sizes), same }
    }

    /// Returns the outputs at a point, and whether its decisions are those of the check.
    pub(crate) fn evaluate(&mut self, point: &[Tensor]) -> (Vec<f64>, bool) {
        self.evaluations += 1;
        self.tape.reset();
        let (outputs, signature) = outputs(self.f, &self.tape, &self.names, point, &self.tracked);
        (outputs.to_vec(), signature.same(&self.signature))
    }

    /// Returns the inputs at `t` along a line.
    pub(crate) fn point(&self, direction: &Direction, t: f64) -> Vec<Tensor> {
        let mut point = self.values.clone();
        match direction {
            Direction::Entry { input, at } => point[*input].as_mut_slice()[*at] += t,
            Direction::Dense(parts) => {
                for (x, part) in point.iter_mut().zip(parts) {
                    let Some(part) = part else { continue };
                    x.as_mut_slice().iter_mut().zip(part.to_vec()).for_each(|(x, v)| *x += t * v);
                }
            }
        }
        point
    }

    /// Returns the distance of the representable points at `-h` and `h` along a line, in units of the direction.
    pub(crate) fn width(&self, direction: &Direction, h: f64) -> f64 {
        match direction {
            Direction::Entry { input, at } => {
                let x = self.values[*input].as_slice().map_or(0.0, |x| x[*at]);
                (x + h) - (x - h)
            }
            Direction::Dense(_) => 2.0 * h,
        }
    }

    /// Returns the smallest step along a line that moves any entry, and the smallest that moves all of them.
    pub(crate) fn spacings(&self, direction: &Direction) -> (f64, f64) {
        match direction {
            Direction::Entry { input, at } => {
                let spacing =
                    self.values[*input].as_slice().map_or(f64::EPSILON, |x| ladder::spacing(x[*at]));
                (spacing, spacing)
            }
            Direction::Dense(parts) => {
                let pairs = self.values.iter().zip(parts).filter_map(|(x, v)| Some((x, v.as_ref()?)));
                let entries = pairs.flat_map(|(x, v)| x.to_vec().into_iter().zip(v.to_vec()));
                let steps = entries.filter(|&(_, v)| v != 0.0).map(|(x, v)| ladder::spacing(x) / v.abs());
                let (first, last) = steps.fold((f64::EPSILON, 0.0), |(first, last): (f64, f64), step| {
                    (first.min(step), last.max(step))
                });
                (first.max(ladder::SMALLEST), last)
            }
        }
    }

    /// Returns the smallest step along a line that moves any entry.
    pub(crate) fn spacing(&self, direction: &Direction) -> f64 {
        self.spacings(direction).0
    }

    /// Returns the size of the entries that a line moves, relative to which steps are chosen.
    pub(crate) fn scale(&self, direction: &Direction) -> f64 {
        match direction {
            Direction::Entry { input, at } => self.values[*input].as_slice().map_or(1.0, |x| size(x[*at])),
            // Dense directions are scaled as they are drawn.
            Direction::Dense(_) => 1.0,
        }
    }

    /// Returns the gradients of `Σ ct f` at a point, one for each input; `None` for those held constant.
    pub(crate) fn gradients(&mut self, point: &[Tensor], cotangent: &Tensor) -> Vec<Option<Tensor>> {
        self.tape.reset();
        let inputs = Inputs::record(&self.tape, &self.names, point, &self.tracked);
        let y = (self.f)(&inputs);
        let grads = y.vjp(cotangent.clone());
        let gradient = |i: usize| self.tracked[i].then(|| grads.wrt(inputs.at(i)).contiguous());
        (0..point.len()).map(gradient).collect()
    }

    /// Returns the slope at `t` along a line, by the gradient there.
    pub(crate) fn along(&mut self, direction: &Direction, t: f64) -> f64 {
        let (point, cotangent) = (self.point(direction, t), self.cotangent.clone());
        let gradients = self.gradients(&point, &cotangent);
        match direction {
            Direction::Entry { input, at } => {
                gradients[*input].as_ref().and_then(Tensor::as_slice).map_or(0.0, |g| g[*at])
            }
            Direction::Dense(parts) => inner(&gradients, parts),
        }
    }

    /// Returns the gradients at the point of the check, by a sweep in which every contribution is off by up to an ulp.
    pub(crate) fn perturbed(&mut self, rng: &mut SplitMix64) -> Vec<Option<Tensor>> {
        self.tape.reset();
        let inputs = Inputs::record(&self.tape, &self.names, &self.values, &self.tracked);
        let y = (self.f)(&inputs);
        let mut noise = noise(1.0, rng);
        let seed = Tensor::from_fn(y.shape(), |_| noise()) * self.cotangent.clone().reshape(y.shape());
        let grads = perturbed_vjp(y, seed, &mut noise);
        let gradient = |i: usize| self.tracked[i].then(|| grads.wrt(inputs.at(i)).contiguous());
        (0..self.values.len()).map(gradient).collect()
    }

    /// Returns a bound on the rounding error of the objective at `t` along a line, from one rounding of each result inside the
    /// function. It may be far above one of the outputs, and shows in no difference of close values: where `log(eᵃ + eᵇ) - a`
    /// absorbs b, its values do not change at all.
    pub(crate) fn inner_rounding(&mut self, direction: &Direction, t: f64) -> f64 {
        let point = self.point(direction, t);
        self.tape.reset();
        let inputs = Inputs::record(&self.tape, &self.names, &point, &self.tracked);
        let y = (self.f)(&inputs);
        0.5 * f64::EPSILON * roundings(y, self.cotangent.clone().reshape(y.shape()))
    }

    /// Returns the tangent of the outputs along a dense direction, by the tape's forward mode, at `t` along it.
    pub(crate) fn tangent(&mut self, parts: &[Option<Tensor>], t: f64) -> Tensor {
        let point = self.point(&Direction::Dense(parts.to_vec()), t);
        self.forward(parts, &point, |y, x, dx| y.jvp(x, dx))
    }

    /// Like [`tangent`](Problem::tangent) at the point of the check, with every value and every contribution of the sweep
    /// off by a few ulps: with one ulp, the few roundings of a short sweep too often come out unchanged.
    pub(crate) fn perturbed_tangent(&mut self, parts: &[Option<Tensor>], rng: &mut SplitMix64) -> Tensor {
        let point = self.values.clone();
        self.forward(parts, &point, |y, x, dx| perturbed_jvp(y, x, dx, &mut noise(4.0, rng)))
    }

    /// Records the function at a point and runs a forward sweep.
    fn forward(
        &mut self,
        parts: &[Option<Tensor>],
        point: &[Tensor],
        sweep: impl for<'t> FnOnce(Var<'t>, Vec<Var<'t>>, Vec<Tensor>) -> Tensor,
    ) -> Tensor {
        self.tape.reset();
        let inputs = Inputs::record(&self.tape, &self.names, point, &self.tracked);
        let y = (self.f)(&inputs);
        let moved = (0..parts.len()).filter(|&i| self.tracked[i] && parts[i].is_some());
        let (x, dx): (Vec<Var<'_>>, Vec<Tensor>) =
            moved.map(|i| (inputs.at(i), parts[i].clone().unwrap_or_default())).unzip();
        sweep(y, x, dx)
    }

    /// Returns a decision that differs between the point of the check and `t` along a line.
    pub(crate) fn flipped(&mut self, direction: &Direction, t: f64) -> Option<Decision> {
        let moved = self.point(direction, t);
        let values = self.values.clone();
        let [here, there] = [values, moved].map(|point| self.decisions(&point));
        let mask = |d: &Decision| d.element == MASK;
        let known = |list: &[Decision], d: &Decision| match mask(d) {
            true => list.iter().all(|other| !mask(other) || other.node != d.node || other == d),
            false => list.contains(d),
        };
        let lost = here.iter().find(|&d| !known(&there, d));
        lost.or_else(|| there.iter().find(|&d| !known(&here, d))).cloned()
    }

    fn decisions(&mut self, point: &[Tensor]) -> Vec<Decision> {
        self.tape.reset();
        let inputs = Inputs::record(&self.tape, &self.names, point, &self.tracked);
        (self.f)(&inputs);
        let mut found = Vec::new();
        branches(&self.tape, &mut |node, element, branch| found.push((node, element, branch)));
        let named = |(node, element, branch)| {
            let op = op_name(&self.tape, node);
            Decision { node: node as usize, op, element, branch }
        };
        found.into_iter().map(named).collect()
    }

    /// Returns `true` if the decisions at a point are those of a recording in the other format.
    pub(crate) fn decides_as<T: Element>(&mut self, point: &[Tensor], other: &Tape<T>) -> bool {
        self.tape.reset();
        (self.f)(&Inputs::record(&self.tape, &self.names, point, &self.tracked));
        signature(&self.tape).same(&signature(other))
    }

    /// Draws a random direction through the chosen inputs, of the size of each input.
    pub(crate) fn random(&self, rng: &mut SplitMix64, chosen: impl Fn(usize) -> bool) -> Direction {
        let part = |(i, x): (usize, &Tensor)| {
            if !self.tracked[i] || !chosen(i) {
                return None;
            }
            let size = rms(x);
            let scale = if size == 0.0 { 1.0 } else { size };
            let values: Vec<f64> = (0..x.size()).map(|_| scale * rng.normal()).collect();
            Tensor::from_vec(x.shape(), values).ok()
        };
        Direction::Dense(self.values.iter().enumerate().map(part).collect())
    }
}

/// Returns the sum of the products of the entries that both contain.
pub(crate) fn inner(gradients: &[Option<Tensor>], parts: &[Option<Tensor>]) -> f64 {
    let pairs = gradients.iter().zip(parts).filter_map(|(g, v)| Some((g.as_ref()?, v.as_ref()?)));
    pairs.map(|(g, v)| g.to_vec().iter().zip(v.to_vec()).map(|(g, v)| g * v).sum::<f64>()).sum()
}

/// Returns the root of the mean square of the elements.
fn rms(x: &Tensor) -> f64 {
    let x = x.to_vec();
    let unit = unit(&x);
    let squares = x.iter().map(|x| (x / unit) * (x / unit)).sum::<f64>();
    (squares / x.len().max(1) as f64).sqrt() * unit
}

/// Records the function, and returns its outputs with the decisions that led to them.
fn outputs(
    f: &Objective<'_>,
    tape: &Tape,
    names: &Arc<[String]>,
    point: &[Tensor],
    tracked: &[bool],
) -> (Tensor, Signature) {
    let y = f(&Inputs::record(tape, names, point, tracked));
    (y.value(), signature(tape))
}

/// Returns the discrete decisions of a recording.
fn signature<T: Element>(tape: &Tape<T>) -> Signature {
    let mut hash = SplitMix64(tape.len() as u64);
    let mut masks = Vec::new();
    branches(tape, &mut |node, element, branch| {
        if element == MASK {
            masks.push((node, branch));
            return;
        }
        hash.0 ^= (u64::from(node) << 40) ^ ((element as u64) << 8) ^ branch as u64;
        hash.0 = hash.word();
    });
    Signature { decisions: hash.0, masks }
}

/// Returns a source of random factors at most this many ulps from 1.
fn noise(ulps: f64, rng: &mut SplitMix64) -> impl FnMut() -> f64 {
    move || 1.0 + ulps * f64::EPSILON * (2.0 * rng.uniform() - 1.0)
}
