//! The check: a plan of methods, their intervals, and the verdict.

mod adjoint;
mod assemble;
mod entries;
mod entry;
mod exact;
mod formulas;
mod hints;
mod inputs;
mod judge;
mod line;
mod metamorphic;
mod plan;
mod problem;
mod quadrature;
mod report;
mod rounding;
mod run;
mod second;
mod self_test;
mod setup;
mod single;
mod sweep;
mod taylor;
mod verdict;

pub use crate::numdiff::{Interval, Step};
pub use entry::Entry;
pub use inputs::Inputs;
pub use report::{Certificate, Check, CheckFailure, Outcome, Report, Summary};
pub use setup::{Cotangent, Entries, Method, Noise, SetupError};
pub use single::Model;
pub use sweep::{FORMULAS, Sweep, SweepPoint};
pub use verdict::{Evidence, Reason, Verdict};

use problem::Objective;
use setup::Input;
use single::Single;
use tape::Tensor;
use tape::{Scalar, Var};

/// A gradient check: a function, its inputs by name, and what to ask. [`run`](GradCheck::run) answers.
///
/// The function must give the same value whenever it is called: random numbers are drawn outside and captured.
pub struct GradCheck<'f> {
    f: Box<Objective<'f>>,
    single: Option<Box<Single<'f>>>,
    name: String,
    inputs: Vec<Input>,
    cotangent: Cotangent,
    methods: Vec<Method>,
    entries: Entries,
    resolution: f64,
    noise: Noise,
    order: u8,
    seed: u64,
}

impl<'f> GradCheck<'f> {
    /// A check of a function with a tensor as its value, of any shape.
    pub fn new<F: for<'t> Fn(&Inputs<'t>) -> Var<'t> + 'f>(f: F) -> GradCheck<'f> {
        GradCheck {
            f: Box::new(f),
            single: None,
            name: std::thread::current().name().unwrap_or("gradcheck").to_string(),
            inputs: Vec::new(),
            cotangent: Cotangent::Random,
            methods: Vec::new(),
            entries: Entries::Auto,
            resolution: 1e-6,
            noise: Noise::DifferenceTable,
            order: 1,
            seed: 0x5EED,
        }
    }

    /// A check of a function with a number as its value.
    pub fn loss<F: for<'t> Fn(&Inputs<'t>) -> Scalar<'t> + 'f>(f: F) -> GradCheck<'f> {
        GradCheck::new(move |v| f(v).to_var())
    }

    /// The name in reports; that of the thread, in a test that of the test, if none is given.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// An input whose gradient is checked: a number or a tensor.
    pub fn input(self, name: impl Into<String>, value: impl Into<Tensor>) -> Self {
        self.push(name.into(), value.into(), true, false)
    }

    /// An input that is held constant and must receive no gradient.
    pub fn constant(self, name: impl Into<String>, value: impl Into<Tensor>) -> Self {
        self.push(name.into(), value.into(), false, false)
    }

    fn push(mut self, name: String, value: Tensor, tracked: bool, zero: bool) -> Self {
        self.inputs.push(Input { name, value, tracked, zero });
        self
    }

    /// The gradient of this input is zero and meant to be: it is checked, but need not show anything else.
    pub fn expect_zero(mut self, name: &str) -> Self {
        self.inputs.iter_mut().filter(|input| input.name == name).for_each(|input| input.zero = true);
        self
    }

    /// The cotangent of the value; random numbers if none is given, so that no two outputs weigh the same. A value
    /// of rank 0 has the cotangent 1.
    pub fn cotangent(mut self, cotangent: Cotangent) -> Self {
        self.cotangent = cotangent;
        self
    }

    /// A method to check with; several may be given. [`Method::Auto`] if none is.
    pub fn method(mut self, method: Method) -> Self {
        self.methods.push(method);
        self
    }

    /// Which entries to check.
    pub fn entries(mut self, entries: Entries) -> Self {
        self.entries = entries;
        self
    }

    /// The smallest relative error that must have been detectable, 1e-6 if none is given. Not a tolerance: smaller
    /// errors are reported too wherever they are seen; if larger ones could hide, the check is inconclusive.
    pub fn resolution(mut self, resolution: f64) -> Self {
        self.resolution = resolution;
        self
    }

    /// How the rounding noise of the function is found.
    pub fn noise(mut self, noise: Noise) -> Self {
        self.noise = noise;
        self
    }

    /// Up to which order derivatives are checked: 1, or 2 for the Hessian too.
    pub fn order(mut self, order: u8) -> Self {
        self.order = order;
        self
    }

    /// The seed of everything random; the report prints it, and the environment variable `GRADCHECK_SEED` goes first.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

/// What a checked function may return: a tensor or a number.
pub trait Output<'t> {
    /// The value as a tensor.
    fn into_var(self) -> Var<'t>;
}

impl<'t> Output<'t> for Var<'t> {
    fn into_var(self) -> Var<'t> {
        self
    }
}

impl<'t> Output<'t> for Scalar<'t> {
    fn into_var(self) -> Var<'t> {
        self.to_var()
    }
}
