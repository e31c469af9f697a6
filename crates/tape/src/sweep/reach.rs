//! Which nodes a sweep has to visit.

use crate::error::Error;
use crate::rules::algebra::Element;
use crate::tape::{Handle, Handles, Input, NodeId, Tape, TapeRef};

/// The nodes of some handles, all of which must belong to `tape`.
pub(crate) fn indices<'t, T: Element>(
    op: &'static str,
    tape: &Tape<T>,
    handles: &impl Handle<'t, T>,
) -> Result<Vec<NodeId>, Error> {
    let mut list = Handles::new();
    handles.gather(&mut list);
    list.0.iter().map(|handle| tape.owns(op, handle.tape()).map(|()| handle.index())).collect()
}

/// For each of the first `count` nodes, whether it depends on a target.
pub(crate) fn dependent<T: Element>(graph: &TapeRef<T>, targets: &[NodeId], count: usize) -> Vec<bool> {
    let mut active = vec![false; count];
    for &target in targets.iter().filter(|&&i| (i as usize) < count && graph.tracked(i)) {
        active[target as usize] = true;
    }
    for i in 1..count {
        active[i] |= match graph.slot(i as NodeId) {
            None => graph.nodes.get(i).operands(i as NodeId).any(|x| active[x as usize]),
            Some(slot) => graph.op(slot).is_some_and(|op| {
                let depends = |(k, x): (usize, &Input)| active[x.node as usize] && op.differentiable(k);
                graph.inputs(slot).iter().enumerate().any(depends)
            }),
        };
    }
    active
}
