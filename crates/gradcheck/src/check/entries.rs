//! The entries and directions that a check compares.

use super::entry::{Entry, label};
use super::judge::Claim;
use super::problem::Direction;
use super::rounding::{ROUNDINGS, length};
use super::run::Run;
use super::setup::{Entries, Method, position};
use super::verdict::Verdict;
use tape::Tensor;

/// Problems with at most this many entries are compared entry by entry.
const SMALL: usize = 256;

/// In larger problems, inputs with at most this many entries are still compared entry by entry.
const SMALL_INPUT: usize = 16;

/// The number of directions through each larger input.
const DIRECTIONS: usize = 3;

impl Run<'_, '_> {
    /// Compares the chosen entries or directions.
    pub(crate) fn sampled(&mut self, entries: Entries, method: Method) {
        let total: usize = self.inputs.iter().filter(|i| i.tracked).map(|i| i.value.size()).sum();
        let inputs = self.inputs;
        for (i, input) in inputs.iter().enumerate().filter(|(_, input)| input.tracked) {
            let size = input.value.size();
            match entries {
                _ if self.only.is_some() => self.all(i, size, method),
                Entries::All => self.all(i, size, method),
                Entries::Auto if total <= SMALL || size <= SMALL_INPUT => self.all(i, size, method),
                Entries::Auto => self.directions(i, DIRECTIONS, method),
                Entries::PerTensor(n) if size <= n => self.all(i, size, method),
                Entries::PerTensor(n) => {
                    for _ in 0..n {
                        let at = (self.rng.word() % size as u64) as usize;
                        self.entry(i, at, method);
                    }
                }
                Entries::Directions(k) => self.directions(i, k, method),
            }
        }
    }

    fn all(&mut self, input: usize, size: usize, method: Method) {
        (0..size).for_each(|at| self.entry(input, at, method));
    }

    /// Compares one entry, unless `GRADCHECK_ONLY` names another.
    fn entry(&mut self, input: usize, at: usize, method: Method) {
        let index = position(self.inputs[input].value.shape(), at);
        let name = label(self.order, &self.inputs[input].name, &index, false);
        if self.only.as_ref().is_some_and(|only| *only != name) {
            return;
        }
        let line = Direction::Entry { input, at };
        let analytic = self.gradients[input].as_ref().and_then(|g| g.as_slice()).map_or(0.0, |g| g[at]);
        let (scale, flat) = (self.scale(input), self.flat());
        let claim = Claim { analytic, rounding_bound: self.rounding_bounds[input][at], scale, flat };
        let entry = self.compare(&line, claim, input, index, method);
        self.entries.push(entry);
    }

    /// Compares random directions through one input; one that fails is bisected down to an entry.
    fn directions(&mut self, input: usize, count: usize, method: Method) {
        let gradient = self.gradients[input].as_ref().map(Tensor::to_vec).unwrap_or_default();
        // A sum with an infinite term says nothing about the other terms.
        if let Some(at) = gradient.iter().position(|g| g.is_infinite()) {
            return self.entry(input, at, method);
        }
        for k in 0..count {
            let Direction::Dense(parts) = self.problem.random(&mut self.rng, |i| i == input) else {
                continue;
            };
            let Some(part) = parts[input].clone() else { continue };
            let entry = self.direction(input, k, &part, method);
            let failed = entry.verdict == Verdict::Disagree;
            self.entries.push(entry);
            if failed {
                self.bisect(input, k, part, method);
                return;
            }
        }
    }

    fn direction(&mut self, input: usize, k: usize, part: &Tensor, method: Method) -> Entry {
        let v = part.to_vec();
        let g = self.gradients[input].as_ref().map(Tensor::to_vec).unwrap_or_default();
        let analytic = g.iter().zip(&v).map(|(g, v)| g * v).sum();
        let along = |x: &[f64]| length(&x.iter().zip(&v).map(|(x, v)| x * v).collect::<Vec<f64>>());
        let rounding_bound = along(&self.rounding_bounds[input]) + ROUNDINGS * f64::EPSILON * along(&g);
        let longest = v.iter().fold(0.0, |max: f64, v| max.max(v.abs()));
        let scale = along(&g).max(self.scale(input) * longest * f64::EPSILON);
        let mut parts = vec![None; self.inputs.len()];
        parts[input] = Some(part.clone());
        let claim = Claim { analytic, rounding_bound, scale, flat: self.flat() };
        self.compare_direction(Direction::Dense(parts), claim, input, k, method)
    }

    fn compare_direction(
        &mut self,
        line: Direction,
        claim: Claim,
        input: usize,
        k: usize,
        method: Method,
    ) -> Entry {
        let mut entry = self.compare(&line, claim, input, vec![k], method);
        entry.direction = true;
        entry
    }

    /// Halves the support of a direction that disagrees, and follows the worse half, down to one entry.
    fn bisect(&mut self, input: usize, k: usize, part: Tensor, method: Method) {
        let (mut from, mut to) = (0, part.size());
        let values = part.to_vec();
        while to - from > 1 {
            let middle = from.midpoint(to);
            let mut half = |from: usize, to: usize| {
                let keep = |(i, &v): (usize, &f64)| if (from..to).contains(&i) { v } else { 0.0 };
                let kept: Vec<f64> = values.iter().enumerate().map(keep).collect();
                let part = Tensor::from_vec(part.shape(), kept).unwrap_or_else(|_| part.clone());
                self.direction(input, k, &part, method).discrepancy_ratio()
            };
            if half(from, middle) >= half(middle, to) {
                to = middle;
            } else {
                from = middle;
            }
        }
        self.entry(input, from, method);
    }

    fn compare(
        &mut self,
        line: &Direction,
        claim: Claim,
        input: usize,
        index: Vec<usize>,
        method: Method,
    ) -> Entry {
        let (judged, method, evidence) = self.problem.compare(method, line, claim, self.eta, self.resolution);
        let numeric = judged.numeric;
        Entry {
            input: self.inputs[input].name.clone(),
            index,
            direction: false,
            order: self.order,
            analytic: claim.analytic,
            numeric,
            rounding_bound: claim.rounding_bound,
            h: judged.h,
            noise: judged.noise,
            mde: (numeric.radius + claim.rounding_bound) / claim.scale,
            verdict: judged.verdict,
            evidence,
            method,
        }
    }
}
