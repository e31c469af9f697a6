//! How a check runs: what is asked in which order, and what follows from the answers.

use super::GradCheck;
use super::canary::canary;
use super::judge::Claim;
use super::problem::{Direction, Problem};
use super::random::SplitMix64;
use super::report::{Check, Entry, Outcome, Report, Summary, label};
use super::setup::{Cotangent, Entries, Input, Method, Noise, SetupError};
use super::verdict::{Evidence, Verdict, Why};
use crate::tensor::Tensor;

/// Up to so many entries are compared one by one.
const SMALL: usize = 256;

/// In larger problems an input of up to so many entries still is.
const SMALL_INPUT: usize = 16;

/// Directions through each larger input.
const DIRECTIONS: usize = 3;

/// Roundings allowed to the tape in each entry of the gradient.
const ROUNDINGS: f64 = 16.0;

/// A check on its way.
pub(crate) struct Run<'p, 'f> {
    pub(crate) problem: &'p mut Problem<'f>,
    pub(crate) inputs: &'p [Input],
    pub(crate) gradients: Vec<Option<Tensor>>,
    /// The rounding error of each entry of the gradients.
    pub(crate) spreads: Vec<Vec<f64>>,
    /// The largest entry of each gradient.
    pub(crate) scales: Vec<f64>,
    pub(crate) eta: f64,
    pub(crate) resolution: f64,
    pub(crate) rng: SplitMix64,
    pub(crate) entries: Vec<Entry>,
    pub(crate) checks: Vec<Check>,
    /// The entry that `GRADCHECK_ONLY` names.
    only: Option<String>,
}

impl GradCheck<'_> {
    /// Runs the check.
    ///
    /// The environment variable `GRADCHECK_SEED` goes before [`seed`](GradCheck::seed); `GRADCHECK_ONLY='w1[2,3]'`
    /// compares only this entry. Both stand in the last line of a report.
    ///
    /// # Errors
    /// If there is nothing to check, the function is not finite or not the same twice, or the setup contradicts itself.
    pub fn run(&self) -> Result<Report, SetupError> {
        let seed = seed(self.seed)?;
        self.accept()?;
        let mut rng = SplitMix64(seed);
        let names = self.inputs.iter().map(|input| input.name.clone()).collect();
        let values = self.inputs.iter().map(|input| input.value.clone()).collect();
        let tracked = self.inputs.iter().map(|input| input.tracked).collect();
        let cotangent = |y: &Tensor| self.weights(y, &mut rng);
        let mut problem = Problem::new(&*self.f, names, values, tracked, cotangent);
        self.sound(&mut problem)?;
        let mut run = Run::new(&mut problem, self, rng);
        run.only = std::env::var("GRADCHECK_ONLY").ok();
        run.methods(self);
        let (entries, checks) = (run.entries, run.checks);
        Ok(report(self, seed, problem.evaluations, entries, checks))
    }

    /// The cotangent of the value.
    fn weights(&self, y: &Tensor, rng: &mut SplitMix64) -> Tensor {
        let ones = Tensor::ones(y.shape());
        match &self.cotangent {
            Cotangent::Random if y.rank() > 0 => Tensor::from_fn(y.shape(), |_| rng.weight()),
            Cotangent::Random | Cotangent::Ones => ones,
            Cotangent::OneHot(at) => {
                let mut hot = Tensor::zeros(y.shape());
                hot.as_mut_slice().iter_mut().skip(*at).take(1).for_each(|x| *x = 1.0);
                hot
            }
            Cotangent::Given(given) => given.clone(),
        }
    }

    fn accept(&self) -> Result<(), SetupError> {
        let size: usize = self.inputs.iter().filter(|i| i.tracked).map(|i| i.value.size()).sum();
        if size == 0 {
            return Err(SetupError::Empty { what: "an input with an entry to differentiate" });
        }
        let earlier = |(at, input): (usize, &Input)| self.inputs[..at].iter().any(|i| i.name == input.name);
        match self.inputs.iter().enumerate().find(|&pair| earlier(pair)) {
            Some((_, input)) => Err(SetupError::Name { name: input.name.clone() }),
            None => Ok(()),
        }
    }

    /// Is the function one, and finite?
    fn sound(&self, problem: &mut Problem<'_>) -> Result<(), SetupError> {
        if problem.outputs.is_empty() {
            return Err(SetupError::Empty { what: "an output" });
        }
        if problem.cotangent.size() != problem.outputs.len() {
            let (expected, found) = (vec![problem.outputs.len()], problem.cotangent.shape().dims());
            return Err(SetupError::Shape { expected, found });
        }
        if let Some(output) = problem.outputs.iter().position(|y| !y.is_finite()) {
            return Err(SetupError::NonFinite { output });
        }
        let values = problem.values.clone();
        let (again, _) = problem.evaluate(&values);
        let differs = |(a, b): (&f64, &f64)| a.to_bits() != b.to_bits();
        match again.iter().zip(&problem.outputs).position(differs) {
            Some(output) => Err(SetupError::Nondeterministic { output }),
            None => Ok(()),
        }
    }
}

/// The seed, from the environment if it stands there.
fn seed(default: u64) -> Result<u64, SetupError> {
    let Ok(text) = std::env::var("GRADCHECK_SEED") else { return Ok(default) };
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    let reason = format!("expected a number in GRADCHECK_SEED, found {text:?}");
    parsed.map_err(|_| SetupError::Environment { reason })
}

impl<'p, 'f> Run<'p, 'f> {
    fn new(problem: &'p mut Problem<'f>, check: &'p GradCheck<'_>, mut rng: SplitMix64) -> Run<'p, 'f> {
        let (values, cotangent) = (problem.values.clone(), problem.cotangent.clone());
        let gradients = problem.gradients(&values, &cotangent);
        let spreads = spreads(problem, &gradients, &mut rng);
        let size = |g: &Option<Tensor>| {
            g.as_ref().map_or(0.0, |g| g.to_vec().iter().fold(0.0, |max: f64, g| max.max(g.abs())))
        };
        let scales = gradients.iter().map(size).collect();
        let eta = match check.noise {
            Noise::Ulps(k) => k * f64::EPSILON * problem.objective().abs(),
            Noise::DifferenceTable => {
                let line = relative(problem, &mut rng);
                problem.noise(&line)
            }
        };
        let (inputs, resolution) = (&check.inputs[..], check.resolution);
        let (entries, checks) = (Vec::new(), Vec::new());
        Run { problem, inputs, gradients, spreads, scales, eta, resolution, rng, entries, checks, only: None }
    }

    fn methods(&mut self, check: &GradCheck<'_>) {
        let auto = [Method::Auto];
        let methods = if check.methods.is_empty() { &auto[..] } else { &check.methods };
        for &method in methods {
            match method {
                Method::Metamorphic => self.metamorphic(),
                Method::Adjoint => self.adjoint(),
                Method::Projection { k } => self.sampled(Entries::Directions(k.into()), Method::Richardson),
                Method::Auto => {
                    self.metamorphic();
                    self.adjoint();
                    self.sampled(check.entries, Method::Richardson);
                }
                _ => self.sampled(check.entries, method),
            }
        }
        let inputs = self.inputs;
        let zero = |name: &str| inputs.iter().any(|input| input.name == name && input.zero);
        self.checks.push(canary(&self.entries, zero));
    }

    fn metamorphic(&mut self) {
        let check = self.problem.metamorphic(&self.gradients);
        self.checks.push(check);
    }

    /// Compares the entries or directions chosen.
    fn sampled(&mut self, entries: Entries, method: Method) {
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

    /// Compares one entry, unless another was asked for.
    fn entry(&mut self, input: usize, at: usize, method: Method) {
        let index = position(self.inputs[input].value.shape(), at);
        let name = label(&self.inputs[input].name, &index, false);
        if self.only.as_ref().is_some_and(|only| *only != name) {
            return;
        }
        let line = Direction::Entry { input, at };
        let analytic = self.gradients[input].as_ref().and_then(|g| g.as_slice()).map_or(0.0, |g| g[at]);
        let claim = Claim { analytic, spread: self.spreads[input][at], scale: self.scale(input) };
        let entry = self.compare(&line, claim, input, index, method);
        self.entries.push(entry);
    }

    /// Compares random directions through one input; one that fails is bisected down to an entry.
    fn directions(&mut self, input: usize, count: usize, method: Method) {
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
        let squares = |x: &[f64]| x.iter().zip(&v).map(|(x, v)| (x * v).powi(2)).sum::<f64>().sqrt();
        let spread = squares(&self.spreads[input]) + ROUNDINGS * f64::EPSILON * squares(&g);
        let scale = squares(&g).max(self.scale(input) * f64::EPSILON);
        let mut parts = vec![None; self.inputs.len()];
        parts[input] = Some(part.clone());
        self.compare_direction(Direction::Dense(parts), Claim { analytic, spread, scale }, input, k, method)
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
                self.direction(input, k, &part, method).excess()
            };
            if half(from, middle) >= half(middle, to) {
                to = middle;
            } else {
                from = middle;
            }
        }
        self.entry(input, from, method);
    }

    /// The size of derivatives with respect to an input: of its own gradient, or of all if that is zero.
    fn scale(&self, input: usize) -> f64 {
        let all = self.scales.iter().fold(0.0, |max: f64, &s| if s.is_finite() { max.max(s) } else { max });
        match self.scales[input] {
            own if own > 0.0 && own.is_finite() => own,
            _ if all > 0.0 => all,
            _ => self.problem.objective().abs().max(1.0),
        }
    }

    fn compare(
        &mut self,
        line: &Direction,
        claim: Claim,
        input: usize,
        index: Vec<usize>,
        method: Method,
    ) -> Entry {
        let judged = self.problem.judge(line, claim, self.eta, self.resolution);
        let numeric = judged.numeric;
        Entry {
            input: self.inputs[input].name.clone(),
            index,
            direction: false,
            analytic: claim.analytic,
            numeric,
            spread: claim.spread,
            h: judged.h,
            noise: judged.noise,
            mde: (numeric.radius + claim.spread) / claim.scale,
            verdict: judged.verdict,
            evidence: Evidence::Interval,
            method,
        }
    }
}

/// A direction that moves every entry by its own size.
fn relative(problem: &Problem<'_>, rng: &mut SplitMix64) -> Direction {
    let part = |(x, &tracked): (&Tensor, &bool)| {
        let values: Vec<f64> = x.to_vec().into_iter().map(|x| x * rng.weight()).collect();
        if tracked { Tensor::from_vec(x.shape(), values).ok() } else { None }
    };
    Direction::Dense(problem.values.iter().zip(&problem.tracked).map(part).collect())
}

/// The rounding error of the gradients: some roundings of each entry, and twice what changes when the inputs move by
/// an ulp or two.
fn spreads(problem: &mut Problem<'_>, gradients: &[Option<Tensor>], rng: &mut SplitMix64) -> Vec<Vec<f64>> {
    let own = |g: &Option<Tensor>| -> Vec<f64> {
        g.iter().flat_map(Tensor::to_vec).map(|g| ROUNDINGS * f64::EPSILON * g.abs()).collect()
    };
    let mut spreads: Vec<Vec<f64>> = gradients.iter().map(own).collect();
    let cotangent = problem.cotangent.clone();
    for _ in 0..2 {
        let line = relative(problem, rng);
        let moved = problem.point(&line, 2.0 * f64::EPSILON);
        if problem.evaluate(&moved).1 != problem.signature {
            continue;
        }
        let again = problem.gradients(&moved, &cotangent);
        for ((spread, g), again) in spreads.iter_mut().zip(gradients).zip(again) {
            let (Some(g), Some(again)) = (g, again) else { continue };
            for ((spread, g), again) in spread.iter_mut().zip(g.to_vec()).zip(again.to_vec()) {
                // A NaN is left out.
                *spread = spread.max(ROUNDINGS * f64::EPSILON * g.abs() + 2.0 * (again - g).abs());
            }
        }
    }
    spreads
}

/// The position along each axis of a row-major position.
fn position(shape: &[usize], mut at: usize) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (axis, &extent) in shape.iter().enumerate().rev() {
        index[axis] = at % extent;
        at /= extent;
    }
    index
}

/// Puts everything together.
fn report(
    check: &GradCheck<'_>,
    seed: u64,
    evaluations: usize,
    entries: Vec<Entry>,
    checks: Vec<Check>,
) -> Report {
    let inputs: Vec<Summary> = check.inputs.iter().map(|input| summary(input, &entries)).collect();
    let verdict = overall(&entries, &checks, &inputs, std::env::var("GRADCHECK_ONLY").is_ok());
    Report { name: check.name.clone(), seed, evaluations, entries, checks, inputs, verdict }
}

fn summary(input: &Input, entries: &[Entry]) -> Summary {
    let own: Vec<&Entry> = entries.iter().filter(|e| e.input == input.name).collect();
    let mut counts = [0; 3];
    for entry in &own {
        counts[match entry.verdict {
            Verdict::Agree => 0,
            Verdict::Disagree => 1,
            Verdict::Inconclusive(_) => 2,
        }] += 1;
    }
    let shows = |e: &&&Entry| e.analytic != 0.0 || !e.numeric.contains(0.0);
    let worst = own.iter().filter(shows).max_by(|a, b| a.excess().total_cmp(&b.excess()));
    let mut mde: Vec<f64> = own.iter().map(|e| e.mde).filter(|mde| mde.is_finite()).collect();
    mde.sort_by(f64::total_cmp);
    Summary {
        input: input.name.clone(),
        shape: input.value.shape().dims(),
        frozen: !input.tracked,
        zero: input.zero,
        counts,
        worst: worst.map(|e| (e.label(), e.excess())),
        mde: (mde.get(mde.len() / 2).copied().unwrap_or(f64::NAN), mde.last().copied().unwrap_or(f64::NAN)),
    }
}

/// Any disagreement wins; then whatever is inconclusive; an agreement must have shown something in every input.
fn overall(entries: &[Entry], checks: &[Check], inputs: &[Summary], part: bool) -> Verdict {
    let failed = |check: &Check| matches!(check.outcome, Outcome::Failed(_));
    let broken = checks.iter().any(|check| failed(check) && check.name != "canary");
    if broken || entries.iter().any(|e| e.verdict == Verdict::Disagree) {
        return Verdict::Disagree;
    }
    if let Some(open) = entries.iter().find(|e| matches!(e.verdict, Verdict::Inconclusive(_))) {
        return open.verdict.clone();
    }
    let agrees = |s: &Summary| {
        let seen = |e: &Entry| e.input == s.input && e.verdict == Verdict::Agree && e.analytic != 0.0;
        s.frozen || s.shape.contains(&0) || (s.zero && s.counts[0] > 0) || entries.iter().any(seen)
    };
    let shown = if entries.is_empty() { checks.len() > 1 } else { part || inputs.iter().all(agrees) };
    if checks.iter().any(failed) || !shown {
        return Verdict::Inconclusive(Why::Vacuous);
    }
    Verdict::Agree
}
