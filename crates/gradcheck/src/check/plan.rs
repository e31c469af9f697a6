//! How a check runs: what is asked in which order, and what follows from the answers.

use super::GradCheck;
use super::assemble::report;
use super::judge::Claim;
use super::problem::{Direction, Problem};
use super::report::{Check, Entry, Report, label};
use super::rounding::{ROUNDINGS, length, relative, spreads};
use super::self_test::self_test;
use super::setup::{Cotangent, Entries, Input, Method, Noise, SetupError, position};
use super::verdict::Verdict;
use tape::Tensor;
use tape::internal::SplitMix64;

/// Up to so many entries are compared one by one.
const SMALL: usize = 256;

/// In larger problems an input of up to so many entries still is.
const SMALL_INPUT: usize = 16;

/// Directions through each larger input.
const DIRECTIONS: usize = 3;

/// Nodes of the path integral.
const NODES: usize = 16;

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
    /// 1 for the gradient, 2 for that of the recorded gradient.
    order: u8,
    /// The entry that `GRADCHECK_ONLY` names.
    pub(crate) only: Option<String>,
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
        let mut rng = SplitMix64(seed);
        let mut problem = self.problem(&mut rng)?;
        let mut run = Run::new(&mut problem, self, rng, 1);
        run.only = std::env::var("GRADCHECK_ONLY").ok();
        run.methods(self);
        Ok(report(self, seed, run))
    }

    /// The comparisons alone.
    pub(crate) fn comparisons(
        &self,
        rng: &mut SplitMix64,
        order: u8,
        only: Option<String>,
    ) -> Result<Vec<Entry>, SetupError> {
        let mut problem = self.problem(rng)?;
        let mut run = Run::new(&mut problem, self, rng.clone(), order);
        run.only = only;
        run.sampled(self.entries, Method::Richardson);
        Ok(run.entries)
    }

    pub(crate) fn problem(&self, rng: &mut SplitMix64) -> Result<Problem<'_>, SetupError> {
        self.accept()?;
        let names = self.inputs.iter().map(|input| input.name.clone()).collect();
        let values = self.inputs.iter().map(|input| input.value.clone()).collect();
        let tracked = self.inputs.iter().map(|input| input.tracked).collect();
        let cotangent = |y: &Tensor| self.weights(y, rng);
        let mut problem = Problem::new(&*self.f, names, values, tracked, cotangent);
        self.sound(&mut problem)?;
        Ok(problem)
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
    fn new(
        problem: &'p mut Problem<'f>,
        check: &'p GradCheck<'_>,
        mut rng: SplitMix64,
        order: u8,
    ) -> Run<'p, 'f> {
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
                problem.noise(&line, problem.scale(&line))
            }
        };
        let (inputs, resolution) = (&check.inputs[..], check.resolution);
        let (entries, checks) = (Vec::new(), Vec::new());
        Run {
            problem,
            inputs,
            gradients,
            spreads,
            scales,
            eta,
            resolution,
            rng,
            entries,
            checks,
            order,
            only: None,
        }
    }

    fn methods(&mut self, check: &GradCheck<'_>) {
        let auto = [Method::Auto];
        let methods = if check.methods.is_empty() { &auto[..] } else { &check.methods };
        for &method in methods {
            match method {
                Method::Metamorphic => self.metamorphic(),
                Method::Adjoint => self.adjoint(),
                Method::Taylor => self.taylor(),
                Method::PathIntegral { nodes } => self.path_integral(nodes.into()),
                Method::HessianSymmetry => self.symmetry(),
                Method::Projection { k } => self.sampled(Entries::Directions(k.into()), Method::Richardson),
                Method::Auto => {
                    self.metamorphic();
                    self.adjoint();
                    self.path_integral(NODES);
                    if let Some(single) = &check.single {
                        self.single(&**single);
                    }
                    let dyadic = self.problem.dyadic();
                    self.sampled(check.entries, if dyadic { Method::Exact } else { Method::Richardson });
                }
                _ => self.sampled(check.entries, method),
            }
        }
        if check.order >= 2 {
            self.symmetry();
            self.hessian(check);
        }
        let inputs = self.inputs;
        let zero = |name: &str| inputs.iter().any(|input| input.name == name && input.zero);
        self.checks.push(self_test(&self.entries, zero));
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
        let name = label(self.order, &self.inputs[input].name, &index, false);
        if self.only.as_ref().is_some_and(|only| *only != name) {
            return;
        }
        let line = Direction::Entry { input, at };
        let analytic = self.gradients[input].as_ref().and_then(|g| g.as_slice()).map_or(0.0, |g| g[at]);
        let (scale, flat) = (self.scale(input), self.flat());
        let claim = Claim { analytic, spread: self.spreads[input][at], scale, flat };
        let entry = self.compare(&line, claim, input, index, method);
        self.entries.push(entry);
    }

    /// Compares random directions through one input; one that fails is bisected down to an entry.
    fn directions(&mut self, input: usize, count: usize, method: Method) {
        let gradient = self.gradients[input].as_ref().map(Tensor::to_vec).unwrap_or_default();
        // A sum with an infinite term says nothing about the others.
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
        let spread = along(&self.spreads[input]) + ROUNDINGS * f64::EPSILON * along(&g);
        let longest = v.iter().fold(0.0, |max: f64, v| max.max(v.abs()));
        let scale = along(&g).max(self.scale(input) * longest * f64::EPSILON);
        let mut parts = vec![None; self.inputs.len()];
        parts[input] = Some(part.clone());
        let claim = Claim { analytic, spread, scale, flat: self.flat() };
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

    /// Has no input a gradient?
    fn flat(&self) -> bool {
        self.scales.iter().all(|&scale| scale == 0.0)
    }

    /// The size of derivatives with respect to an input: of its own gradient, or of all if that is zero.
    fn scale(&self, input: usize) -> f64 {
        let all = self.scales.iter().fold(0.0, |max: f64, &s| if s.is_finite() { max.max(s) } else { max });
        match self.scales[input] {
            own if own > 0.0 && own.is_finite() => own,
            _ if all > 0.0 => all,
            // Of a function, if there is one: that of its values.
            _ => Some(self.problem.magnitude()).filter(|&size| size > 0.0).unwrap_or(1.0),
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
        let (judged, method, evidence) = self.problem.compare(method, line, claim, self.eta, self.resolution);
        let numeric = judged.numeric;
        Entry {
            input: self.inputs[input].name.clone(),
            index,
            direction: false,
            order: self.order,
            analytic: claim.analytic,
            numeric,
            spread: claim.spread,
            h: judged.h,
            noise: judged.noise,
            mde: (numeric.radius + claim.spread) / claim.scale,
            verdict: judged.verdict,
            evidence,
            method,
        }
    }
}
