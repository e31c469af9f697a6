//! Gradients compared with differences, with a verdict that states how strong it is.
//!
//! A check has no tolerance for "close" values. Differences give an interval that contains the derivative,
//! from the extrapolation of many steps and the measured rounding noise of the function; the gradient agrees
//! if it lies in the interval and the interval is narrow enough to have revealed an error of the requested
//! size ([`resolution`](GradCheck::resolution)). It disagrees only if a second formula at other steps
//! confirms it. Everything else is inconclusive, with the reason: a kink, noise, structure below the steps.
//!
//! ```
//! use gradcheck::{GradCheck, Verdict};
//! use tape::Tensor;
//! let report = GradCheck::loss(|v| (v["x"].matmul(v["w"]).tanh() * v["b"]).sum())
//!     .input("w", [[0.5, -1.0], [0.25, 2.0]])
//!     .input("b", [0.3, -0.7])
//!     .constant("x", Tensor::from([[1.0, 2.0], [-0.5, 0.75]]))
//!     .run()
//!     .unwrap();
//! assert_eq!(report.verdict(), Verdict::Agree, "{report}");
//! let certificate = report.require().unwrap();
//! assert!(certificate.detectable < 1e-8);
//! ```
//!
//! [`trace`] compares a derivation by hand with the engine, value by value.
//!
//! A wrong derivative:
//!
//! ```
//! use gradcheck::{GradCheck, Verdict};
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

#![cfg_attr(docsrs, feature(doc_cfg))]

mod check;
mod double_double;
#[cfg(feature = "faults")]
pub mod fault;
pub mod numdiff;
pub mod precision;
#[cfg(feature = "registry")]
pub mod registry;
#[cfg(feature = "proptest")]
pub mod strategies;
pub mod trace;

pub use double_double::DoubleDouble;
pub use precision::Precision;

#[doc(inline)]
pub use check::{
    Certificate, Check, CheckFailure, Cotangent, Entries, Entry, Evidence, FORMULAS, GradCheck, Inputs,
    Interval, Method, Model, Noise, Outcome, Output, Reason, Report, SetupError, Step, Summary, Sweep,
    SweepPoint, Verdict,
};

/// Checks the gradients of a function of tensors or scalars by [`GradCheck`], and panics with the report if they do not
/// agree: `assert_gradients!(|x, y| ..., x, y)`. The closure gets a [`Var`](tape::Var) for each value and returns a `Var`
/// or a [`Scalar`](tape::Scalar). The value of the macro is the [`Certificate`].
///
/// ```
/// use gradcheck::assert_gradients;
/// assert_gradients!(|x, y| (x * y).sin(), [1.0, 2.0], [0.5, -3.0]);
/// assert_gradients!(|a| a.item().exp() * 2.0, 0.5);
/// ```
///
/// ```should_panic
/// # use gradcheck::assert_gradients;
/// assert_gradients!(|x| x.detach() * x, [1.0, 2.0]);
/// ```
///
/// # Panics
/// If the verdict is not [`Verdict::Agree`], or the check cannot be run.
#[macro_export]
macro_rules! assert_gradients {
    (|$($name:ident),+ $(,)?| $body:expr, $($value:expr),+ $(,)?) => {{
        let mut names = [$(stringify!($name)),+].into_iter();
        let check = $crate::GradCheck::new(|v| {
            $(let $name = v[stringify!($name)];)+
            $crate::Output::into_var($body)
        });
        $(let check = check.input(names.next().unwrap_or_default(), $value);)+
        $crate::certified(check)
    }};
}

/// Runs a check for a macro that asserts: panics with the report if the gradients do not agree.
#[doc(hidden)]
#[track_caller]
pub fn certified(check: GradCheck<'_>) -> Certificate {
    match check.run().map(|report| report.require()) {
        Ok(Ok(certificate)) => certificate,
        Ok(Err(failure)) => panic!("{failure}"),
        Err(error) => panic!("{error}"),
    }
}

/// The README of the crate runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
