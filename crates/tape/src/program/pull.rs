//! Cotangents of the operands of a run, or the value of a sum over lanes beside its gradients.

use super::derive::Kind;
use super::lanes::Operands;
use super::plan::Collect;
use super::run::Operand;
use super::{Mapped, Program, Ways};
use crate::rules::algebra::Element;
use crate::tensor::Tensor;
use smallvec::SmallVec;

impl<T: Element> Program<T> {
    /// The cotangents of the `wanted` operands, in a run that also sums the value over the lanes if `value` is set;
    /// otherwise the last operand is the cotangent of the outputs.
    ///
    /// What depends on shared operands alone is not differentiated in every lane: the cotangents of what the lanes read of
    /// it are summed over the lanes, and passed on once.
    pub(super) fn pull(
        &self,
        operands: &[Operand<'_, T>],
        lanes: usize,
        wanted: &[usize],
        value: bool,
    ) -> (Option<Tensor<T>>, SmallVec<[Tensor<T>; 8]>) {
        let inputs = &self.0.inputs;
        let (x, dy) = operands.split_at(inputs.len());
        let is_shared = |k: usize| matches!(x[k], Operand::Shared(_));
        let kind = |wanted: SmallVec<[usize; 8]>| {
            if value { Kind::ValueAndPull(wanted) } else { Kind::Pull(wanted) }
        };
        let head: Ways = if value { SmallVec::from_slice(&[(1, Collect::Sum)]) } else { SmallVec::new() };
        if !wanted.iter().any(|&k| is_shared(k)) {
            let ways = wanted.iter().map(|&k| (inputs[k].len(), Collect::Lanes));
            let ways: Ways = head.into_iter().chain(ways).collect();
            let mut results = self.derived(kind(wanted.into())).run(operands, lanes, &ways);
            let sum = value.then(|| results.remove(0));
            return (sum, results);
        }
        let mapped: Mapped = (0..x.len()).map(|k| !is_shared(k)).collect();
        let (shared, rest) = self.halves(&mapped);
        let (same, differ): (SmallVec<[usize; 8]>, SmallVec<[usize; 8]>) =
            (0..x.len()).partition(|&k| is_shared(k));
        let same_operands: Operands<'_, T> = same.iter().map(|&k| x[k].clone()).collect();
        let between = shared.outputs();
        let passed = shared.run(&same_operands, 1, &[(between, Collect::Lanes)]).remove(0);
        // The position of an operand among those of its half.
        let position = |half: &[usize], k: usize| half.iter().position(|&other| other == k);
        let pulled: SmallVec<[usize; 8]> = wanted.iter().filter_map(|&k| position(&differ, k)).collect();
        let ways = pulled.iter().map(|&k| (inputs[differ[k]].len(), Collect::Lanes));
        let ways: Ways = head.into_iter().chain([(between, Collect::Sum)]).chain(ways).collect();
        let rest = rest.derived(kind(std::iter::once(0).chain(pulled.iter().map(|&k| k + 1)).collect()));
        let rest_operands: Operands<'_, T> = std::iter::once(Operand::Shared(passed))
            .chain(differ.iter().map(|&k| x[k].clone()))
            .chain(dy.iter().cloned())
            .collect();
        let mut results = rest.run(&rest_operands, lanes, &ways);
        let sum = value.then(|| results.remove(0));
        let ct = results.remove(0);
        let pulled_shared: SmallVec<[usize; 8]> = wanted.iter().filter_map(|&k| position(&same, k)).collect();
        let ways: Ways = pulled_shared.iter().map(|&k| (inputs[same[k]].len(), Collect::Lanes)).collect();
        let same_operands: Operands<'_, T> = same_operands.into_iter().chain([Operand::Shared(ct)]).collect();
        let shared_cts = shared.derived(Kind::Pull(pulled_shared)).run(&same_operands, 1, &ways);
        let (mut results, mut shared_cts) = (results.into_iter(), shared_cts.into_iter());
        let next = |&k: &usize| if is_shared(k) { shared_cts.next() } else { results.next() };
        (sum, wanted.iter().filter_map(next).collect())
    }
}
