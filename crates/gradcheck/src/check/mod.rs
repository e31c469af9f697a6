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
mod lanes;
mod line;
mod metamorphic;
mod plan;
mod precision;
mod problem;
mod quadrature;
mod report;
mod rounding;
mod run;
mod samples;
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
#[cfg(feature = "faults")]
pub(crate) use samples::Samples;
pub(crate) use setup::position;
pub use setup::{Cotangent, Entries, Method, Noise, SetupError};
pub use single::Model;
pub use sweep::{FORMULAS, Sweep, SweepPoint};
pub use verdict::{Evidence, Reason, Verdict};

use precision::Exact;
use problem::Objective;
use setup::Input;
use single::Single;
use tape::{Program, Scalar, Tensor, Var};

/// A gradient check: a function, its inputs by name, and options. [`run`](GradCheck::run) runs it.
///
/// The function must be deterministic: draw random numbers outside and capture them.
pub struct GradCheck<'f> {
    f: Box<Objective<'f>>,
    single: Option<Box<Single<'f>>>,
    exact: Option<Box<Exact<'f>>>,
    /// `true` if an agreement requires the comparison in `f32`.
    compared: bool,
    program: Option<Program>,
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
    /// Creates a check of a function whose value is a tensor of any shape.
    pub fn new<F: for<'t> Fn(&Inputs<'t>) -> Var<'t> + 'f>(f: F) -> GradCheck<'f> {
        GradCheck {
            f: Box::new(f),
            single: None,
            exact: None,
            compared: false,
            program: None,
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

    /// Creates a check of a function whose value is a scalar.
    pub fn loss<F: for<'t> Fn(&Inputs<'t>) -> Scalar<'t> + 'f>(f: F) -> GradCheck<'f> {
        GradCheck::new(move |v| f(v).to_var())
    }

    /// Sets the name in reports. The default is the name of the thread, which in a test is the name of the
    /// test.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Adds an input whose gradient is checked: a scalar or a tensor.
    pub fn input(self, name: impl Into<String>, value: impl Into<Tensor>) -> Self {
        self.push(name.into(), value.into(), true, false)
    }

    /// Adds an input that is held constant and must receive no gradient.
    pub fn constant(self, name: impl Into<String>, value: impl Into<Tensor>) -> Self {
        self.push(name.into(), value.into(), false, false)
    }

    fn push(mut self, name: String, value: Tensor, tracked: bool, zero: bool) -> Self {
        self.inputs.push(Input { name, value, tracked, zero });
        self
    }

    /// Declares that the gradient of this input may be zero everywhere: it is checked, but need not show
    /// anything.
    pub fn expect_zero(mut self, name: &str) -> Self {
        self.inputs.iter_mut().filter(|input| input.name == name).for_each(|input| input.zero = true);
        self
    }

    /// Sets the cotangent of the value. The default is random, so that no two outputs have the same weight; for a value of
    /// rank 0 it is 1.
    pub fn cotangent(mut self, cotangent: Cotangent) -> Self {
        self.cotangent = cotangent;
        self
    }

    /// Adds a method to check with. The default is [`Method::Auto`].
    pub fn method(mut self, method: Method) -> Self {
        self.methods.push(method);
        self
    }

    /// Sets the entries to check. The default is [`Entries::Auto`].
    pub fn entries(mut self, entries: Entries) -> Self {
        self.entries = entries;
        self
    }

    /// Sets the smallest relative error that must have been detectable, 1e-6 by default. It is not a
    /// tolerance: smaller errors are reported too if they are seen; if larger ones could be hidden, the check
    /// is inconclusive.
    pub fn resolution(mut self, resolution: f64) -> Self {
        self.resolution = resolution;
        self
    }

    /// Sets the method to determine the rounding noise of the function. The default is
    /// [`Noise::DifferenceTable`].
    pub fn noise(mut self, noise: Noise) -> Self {
        self.noise = noise;
        self
    }

    /// Sets the highest order of derivatives to check: 1, the default, or 2 for the Hessian too.
    pub fn order(mut self, order: u8) -> Self {
        self.order = order;
        self
    }

    /// Sets the seed of all randomness. The report prints it; the environment variable `GRADCHECK_SEED`
    /// overrides it.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

/// The value of a checked function: a tensor or a scalar.
pub trait Output<'t> {
    /// Converts the value to a tensor.
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
