//! Faults planted in the reverse rules of the engine, to prove that the tests find them. With the feature `faults`.
//!
//! [`plant`] runs a function with a fault in the rule of one operation, on this thread: every contribution to
//! the operand with the given index is changed by the [`Fault`].
//!
//! ```
//! use gradcheck::fault::{Fault, plant};
//! use tape::Tape;
//! let slope = || {
//!     let tape = Tape::new();
//!     let x = tape.var([2.0]);
//!     x.exp().vjp([1.0]).wrt(x).item()
//! };
//! assert_eq!(plant(Fault::Negate, "exp", 0, slope), -slope());
//! ```

use crate::check::Samples;
use crate::{GradCheck, Report, SetupError};
pub use tape::internal::{Fault, plant};

impl GradCheck<'_> {
    /// Runs the check once for each planted fault: in a rule of the operation with this name, for the operand with this
    /// index. The reports are those of as many [runs](GradCheck::run) inside [`plant`]; since a fault changes no value of
    /// the function, they share its evaluations.
    ///
    /// ```
    /// use gradcheck::fault::Fault;
    /// use gradcheck::{GradCheck, Verdict};
    /// let check = GradCheck::loss(|v| (v["x"].exp() * v["x"]).sum()).input("x", [1.0, 2.0]);
    /// for report in check.run_with_faults(&[(Fault::Negate, "exp", 0), (Fault::Drop, "mul", 1)]) {
    ///     assert_eq!(report.unwrap().verdict(), Verdict::Disagree);
    /// }
    /// ```
    pub fn run_with_faults(&self, sites: &[(Fault, &'static str, usize)]) -> Vec<Result<Report, SetupError>> {
        let mut samples = Samples::of_every_line();
        let run =
            |&(fault, op, operand): &(_, _, _)| plant(fault, op, operand, || self.run_with(&mut samples));
        sites.iter().map(run).collect()
    }
}
