//! Gradients compared with differences, as a verdict that says how strong it is.
//!
//! A check does not ask whether two numbers are "close". Differences give an interval in which the derivative lies,
//! from the extrapolation of many steps and the measured rounding noise of the function; the gradient agrees if it
//! lies in the interval and the interval is narrow enough to have shown an error of the size asked for
//! ([`resolution`](GradCheck::resolution)). It disagrees only if a second formula at other steps finds the same.
//! Everything else is inconclusive, with the reason: a kink, noise, structure below the steps.
//!
//! ```
//! use tape::gradcheck::{GradCheck, Verdict};
//! use tape::Tensor;
//! let report = GradCheck::loss(|v| (v["x"].matmul(v["w"]).tanh() * v["b"]).sum())
//!     .input("w", [[0.5, -1.0], [0.25, 2.0]])
//!     .input("b", [0.3, -0.7])
//!     .frozen("x", Tensor::from([[1.0, 2.0], [-0.5, 0.75]]))
//!     .run()
//!     .unwrap();
//! assert_eq!(report.verdict(), Verdict::Agree, "{report}");
//! let certificate = report.require().unwrap();
//! assert!(certificate.detectable < 1e-8);
//! ```
//!
//! A wrong derivative:
//!
//! ```
//! use tape::gradcheck::{GradCheck, Verdict};
//! let report = GradCheck::new(|v| {
//!     // The derivative of x² is not x.
//!     v.tape().custom_vjp(&[v["x"]], |x| x[0] * x[0], |x, _, dy| vec![x[0] * dy])
//! })
//! .input("x", [1.0, 3.0])
//! .run()
//! .unwrap();
//! assert_eq!(report.verdict(), Verdict::Disagree);
//! assert!(report.to_string().contains("ratio 0.5000000"), "{report}");
//! ```

mod adjoint;
mod assemble;
mod canary;
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
mod second;
mod setup;
mod single;
mod sweep;
mod taylor;
mod verdict;

pub use crate::numdiff::{Interval, Step};
pub use inputs::Inputs;
pub use report::{Certificate, Check, CheckFailure, Entry, Outcome, Report, Summary};
pub use setup::{Cotangent, Entries, Method, Noise, SetupError};
pub use single::Model;
pub use sweep::{FORMULAS, Sweep, SweepPoint};
pub use verdict::{Evidence, Verdict, Why};

use crate::tape::{Scalar, Var};
use crate::tensor::Tensor;
use problem::Objective;
use setup::Input;
use single::Single;

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
    pub fn frozen(self, name: impl Into<String>, value: impl Into<Tensor>) -> Self {
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

/// Checks the gradients of a function of tensors or numbers by [`GradCheck`], and panics with the report if they do not
/// agree: `assert_gradients!(|x, y| ..., x, y)`. The closure gets a [`Var`] for each value; its own value is a `Var` or
/// a [`Scalar`].
///
/// ```
/// use tape::assert_gradients;
/// assert_gradients!(|x, y| (x * y).sin(), [1.0, 2.0], [0.5, -3.0]);
/// assert_gradients!(|a| a.item().exp() * 2.0, 0.5);
/// ```
///
/// ```should_panic
/// # use tape::assert_gradients;
/// assert_gradients!(|x| x.detach() * x, [1.0, 2.0]);
/// ```
///
/// # Panics
/// If the check is not an agreement, or cannot be run.
#[macro_export]
macro_rules! assert_gradients {
    (|$($name:ident),+ $(,)?| $body:expr, $($value:expr),+ $(,)?) => {{
        let mut names = [$(stringify!($name)),+].into_iter();
        let check = $crate::gradcheck::GradCheck::new(|v| {
            $(let $name = v[stringify!($name)];)+
            $crate::gradcheck::Output::into_var($body)
        });
        $(let check = check.input(names.next().unwrap_or_default(), $value);)+
        match check.run().map(|report| report.require()) {
            Ok(Ok(certificate)) => certificate,
            Ok(Err(failure)) => panic!("{failure}"),
            Err(error) => panic!("{error}"),
        }
    }};
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
