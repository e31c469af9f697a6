//! Graphs under the gradient checker.

use super::program::{Program, Step};
use super::record::Node;
use crate::DoubleDouble;
use crate::check::{Cotangent, GradCheck};
use tape::Var;

impl Program {
    /// Returns a check of the gradient of the loss with respect to the leaves, `x0`, `x1` and so on, by any method,
    /// [`Precision`](crate::Method::Precision) included.
    ///
    /// A random graph may be constant in a leaf, so a gradient of zero is accepted; the test must ensure that
    /// most are not zero.
    ///
    /// ```
    /// use gradcheck::Verdict;
    /// use gradcheck::strategies::{GraphSpec, UnaryFn, Opcode, Exactness};
    /// let spec = GraphSpec::new(Exactness::Smooth).leaf([2], [16, -8]).node(Opcode::Unary(UnaryFn::Tanh), [0, 0], 0, 0);
    /// let report = spec.resolve().gradcheck().run().unwrap();
    /// assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    /// ```
    pub fn gradcheck(&self) -> GradCheck<'_> {
        self.gradcheck_with(|_, _| None).exact(move |v| {
            let leaves: Vec<Var<'_, DoubleDouble>> = (0..self.leaves.len()).map(|k| v.at(k)).collect();
            self.record_with(&leaves, |_, _| None).output.var()
        })
    }

    /// Returns the check with some steps replaced, as in [`record_with`](Program::record_with).
    ///
    /// ```
    /// use gradcheck::Verdict;
    /// use gradcheck::strategies::{Action, GraphSpec, Node, UnaryFn, Opcode, Step, Exactness};
    /// // A tanh that is not differentiated.
    /// fn detached<'t>(step: &Step, x: &[Node<'t>]) -> Option<Node<'t>> {
    ///     (step.action == Action::Unary(UnaryFn::Tanh)).then(|| step.record(x).var().detach().into())
    /// }
    /// let spec = GraphSpec::new(Exactness::Smooth).leaf([2], [16, -8]).node(Opcode::Unary(UnaryFn::Tanh), [0, 0], 0, 0);
    /// let report = spec.resolve().gradcheck_with(detached).run().unwrap();
    /// assert_eq!(report.verdict(), Verdict::Disagree);
    /// ```
    pub fn gradcheck_with<'f, F>(&'f self, substitute: F) -> GradCheck<'f>
    where
        F: for<'a, 'b, 't> Fn(&'a Step, &'b [Node<'t>]) -> Option<Node<'t>> + 'f,
    {
        // The result and its weights separately, not the loss: if terms cancel, the checker must know their
        // sizes.
        let check = GradCheck::new(move |v| {
            let leaves: Vec<Var<'_>> = (0..self.leaves.len()).map(|k| v.at(k)).collect();
            self.record_with(&leaves, &substitute).output.var()
        });
        let check = check.cotangent(Cotangent::Given(self.cotangent.clone()));
        self.leaves.iter().enumerate().fold(check, |check, (k, leaf)| {
            let name = format!("x{k}");
            check.input(&name, leaf.clone()).expect_zero(&name)
        })
    }
}
