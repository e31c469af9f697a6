//! The plan of a check: the validation of its setup, and its methods in order.

use super::GradCheck;
use super::assemble::report;
use super::entry::Entry;
use super::lanes::Lanes;
use super::problem::Problem;
use super::report::Report;
use super::run::Run;
use super::samples::Samples;
use super::self_test::self_test;
use super::setup::{Cotangent, Entries, Input, Method, SetupError};
use super::single::SINGLE;
use tape::Tensor;
use tape::internal::SplitMix64;

/// The number of nodes of the path integral.
const NODES: usize = 16;

impl GradCheck<'_> {
    /// Runs the check.
    ///
    /// The environment variable `GRADCHECK_SEED` overrides [`seed`](GradCheck::seed); with `GRADCHECK_ONLY='w1[2,3]'`
    /// only this entry is compared. The last line of a report contains both.
    ///
    /// # Errors
    /// If there is nothing to check, the function is not finite or not deterministic, or the setup contradicts itself.
    pub fn run(&self) -> Result<Report, SetupError> {
        self.run_with(&mut Samples::default())
    }

    /// As [`run`](GradCheck::run), with the samples of earlier runs; those of this run are added to them.
    pub(crate) fn run_with(&self, samples: &mut Samples) -> Result<Report, SetupError> {
        let seed = seed(self.seed)?;
        let mut rng = SplitMix64(seed);
        let mut problem = self.problem(&mut rng)?;
        std::mem::swap(&mut problem.samples, samples);
        let mut run = Run::new(&mut problem, self, rng, 1);
        run.only = std::env::var("GRADCHECK_ONLY").ok();
        run.methods(self);
        let report = report(self, seed, run);
        *samples = problem.samples;
        Ok(report)
    }

    /// Runs only the comparisons of entries.
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
        problem.lanes =
            self.program.as_ref().map(|program| Lanes::new(program, &problem.names, &problem.values));
        Ok(problem)
    }

    /// Returns the cotangent of the value.
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

    /// Checks that the function is deterministic and finite, and that it has an output.
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

/// Returns the seed: that of the environment, if there is one.
fn seed(default: u64) -> Result<u64, SetupError> {
    let Ok(text) = std::env::var("GRADCHECK_SEED") else { return Ok(default) };
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    let reason = format!("expected an integer in GRADCHECK_SEED, found {text:?}");
    parsed.map_err(|_| SetupError::Environment { reason })
}

impl Run<'_, '_> {
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
                Method::Precision => self.precision(check.exact.as_deref()),
                Method::Projection { k } => self.sampled(Entries::Directions(k.into()), Method::Richardson),
                Method::Auto => {
                    self.metamorphic();
                    self.adjoint();
                    self.path_integral(NODES);
                    if let Some(single) = &check.single {
                        self.single(&**single);
                    }
                    self.own_derivative();
                    let dyadic = self.problem.dyadic();
                    self.sampled(check.entries, if dyadic { Method::Exact } else { Method::Richardson });
                }
                _ => self.sampled(check.entries, method),
            }
        }
        if let Some(single) = check.single.as_ref().filter(|_| check.compared)
            && !self.checks.iter().any(|check| check.name == SINGLE)
        {
            self.single(&**single);
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
}
