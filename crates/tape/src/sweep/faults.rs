//! Faults planted in the reverse rules, to prove that the tests would find them. Only with the feature
//! `faults`.
//!
//! ```
//! use tape::Tape;
//! use tape::internal::{Fault, plant};
//! let slope = || {
//!     let tape = Tape::new();
//!     let x = tape.var([2.0]);
//!     x.exp().vjp([1.0]).wrt(x).item()
//! };
//! assert_eq!(plant(Fault::Negate, "exp", 0, slope), -slope());
//! ```

use super::observe::Observer;
use crate::rules::algebra::Element;
use crate::shape::Shape;
use crate::tape::{ErasedOp, GradientBuffers, Input, NodeId, TapeRef};
use crate::tensor::Tensor;
use std::any::Any;
use std::cell::Cell;
use std::sync::Arc;

/// A kind of error in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The contribution replaces what other uses contributed, instead of being added.
    Overwrite,
    /// The contribution is dropped.
    Drop,
    /// The contribution has the wrong sign.
    Negate,
    /// The contribution is too large by one part in a million.
    Scale,
    /// The contribution is that of another operand of the same shape.
    SwapOperands,
    /// The contribution is transposed: its elements are in the order of the transpose.
    Transpose,
    /// The contribution is rotated along the first axis, as if another axis were meant.
    WrongAxis,
    /// The axes along which the operand was stretched are not summed: the first of their elements is taken.
    SkipUnbroadcast,
    /// The rule sees operands and result as they were before a change.
    StaleValue,
    /// The rule takes the cotangent of the result to be 1.
    IgnoreCotangent,
    /// Every element is shifted by one position.
    OffByOne,
    /// Only the first element is contributed.
    FirstEntryOnly,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Fault; 12] = [
        Fault::Overwrite,
        Fault::Drop,
        Fault::Negate,
        Fault::Scale,
        Fault::SwapOperands,
        Fault::Transpose,
        Fault::WrongAxis,
        Fault::SkipUnbroadcast,
        Fault::StaleValue,
        Fault::IgnoreCotangent,
        Fault::OffByOne,
        Fault::FirstEntryOnly,
    ];
}

/// A fault in the rule of an operation for one operand.
#[derive(Clone, Copy)]
struct Site {
    fault: Fault,
    op: &'static str,
    operand: usize,
}

thread_local! {
    static PLANTED: Cell<Option<Site>> = const { Cell::new(None) };
}

/// Runs `f` while the rule of the operation `op` for its operand `operand` has a fault: on this thread, in
/// the sweep over values.
pub fn plant<R>(fault: Fault, op: &'static str, operand: usize, f: impl FnOnce() -> R) -> R {
    /// Removes the fault again, also when `f` panics.
    struct Clear;
    impl Drop for Clear {
        fn drop(&mut self) {
            PLANTED.set(None);
        }
    }
    PLANTED.set(Some(Site { fault, op, operand }));
    let _clear = Clear;
    f()
}

fn planted(op: &str) -> Option<(Fault, usize)> {
    PLANTED.get().filter(|planted| planted.op == op).map(|planted| (planted.fault, planted.operand))
}

/// The operation in whose rule a fault is planted, at a node: what is needed to apply the rule again.
struct Seen<T: Element> {
    op: Arc<dyn ErasedOp<T>>,
    x: Vec<Tensor<T>>,
    y: Tensor<T>,
    dy: Tensor<T>,
    want: Vec<bool>,
}

/// The observer of every sweep while this feature is on: applies the planted fault.
#[derive(Default)]
pub(crate) struct Planted {
    /// A [`Seen`], if the sweep is at a node whose rule has the fault.
    seen: Option<Box<dyn Any>>,
}

impl<T: Element> Observer<T> for Planted {
    fn adds_pieces(&self, op: &'static str) -> bool {
        planted(op).is_none()
    }

    fn tensor(&mut self, graph: &TapeRef<T>, node: NodeId, dy: &Tensor<T>) {
        self.seen = None;
        let Some(slot) = graph.slot(node) else { return };
        if let Some(op) = graph.op(slot).filter(|op| planted(op.name()).is_some()) {
            let inputs = graph.inputs(slot);
            let x = graph.values(inputs).into_iter().cloned().collect();
            let want = (0..inputs.len()).map(|k| graph.depends(inputs[k]) && op.differentiable(k)).collect();
            let (y, dy) = (graph.tensors[slot].value.clone(), dy.clone());
            self.seen = Some(Box::new(Seen { op: op.clone(), x, y, dy, want }));
        }
    }

    fn contribution(&mut self, _node: NodeId, k: usize, _input: NodeId, ct: Tensor<T>) -> Tensor<T> {
        match self.seen.as_ref().and_then(|seen| seen.downcast_ref::<Seen<T>>()) {
            Some(seen) => seen.spoiled(k).unwrap_or(ct),
            None => ct,
        }
    }

    fn accumulate(
        &mut self,
        op: &'static str,
        k: usize,
        buffers: &mut GradientBuffers<T>,
        input: Input,
        ct: Tensor<T>,
    ) {
        match input.slot() {
            Some(slot) if ct.rank() > 0 && planted(op) == Some((Fault::Overwrite, k)) => {
                buffers.set(input.node, slot, ct);
            }
            _ => buffers.add(input, ct),
        }
    }
}

impl<T: Element> Seen<T> {
    /// The cotangents that the rule gives.
    fn rule(&self, x: &[Tensor<T>], y: &Tensor<T>, dy: Tensor<T>) -> Vec<Option<Tensor<T>>> {
        let mut cts = vec![None; x.len()];
        let x: Vec<&Tensor<T>> = x.iter().collect();
        // The sweep has applied the rule already; it would have reported an error.
        let _applied = self.op.pull(&x, y, dy, &self.want, &mut |k, ct| {
            cts[k] = Some(ct);
            Ok(())
        });
        cts
    }

    /// The cotangent of operand `k` with the planted fault; `None` if it is right.
    fn spoiled(&self, k: usize) -> Option<Tensor<T>> {
        let (fault, operand) = planted(self.op.name())?;
        if k != operand {
            return None;
        }
        let (x, y, dy) = (&self.x, &self.y, &self.dy);
        let right = self.rule(x, y, dy.clone());
        let ct = right[k].as_ref()?;
        match fault {
            Fault::SwapOperands => {
                let same_shape = |(i, other): &(usize, &Option<Tensor<T>>)| {
                    *i != k && other.as_ref().is_some_and(|other| other.shape() == ct.shape())
                };
                right.iter().enumerate().find(same_shape).and_then(|(_, other)| other.clone())
            }
            Fault::StaleValue => {
                let stale = |x: &Tensor<T>| x.map_elements(|x| x * T::from_f64(0.75));
                let before: Vec<Tensor<T>> = x.iter().map(stale).collect();
                self.rule(&before, &stale(y), dy.clone()).swap_remove(k)
            }
            Fault::IgnoreCotangent => self.rule(x, y, Tensor::ones(dy.shape().clone())).swap_remove(k),
            Fault::SkipUnbroadcast => self.rule(x, y, dy * &firsts(x[k].shape(), y.shape())).swap_remove(k),
            _ => Some(changed(fault, ct)),
        }
    }
}

/// 1 at the first of the elements of `y` over which an operand of shape `x` was stretched, else 0; 1
/// everywhere if `x` does not broadcast to that shape.
fn firsts<T: Element>(x: &Shape, y: &Shape) -> Tensor<T> {
    let missing = y.rank().saturating_sub(x.rank());
    let kept = |axis: usize| axis >= missing && x[axis - missing] == y[axis];
    let stretches =
        x.rank() <= y.rank() && (missing..y.rank()).all(|axis| kept(axis) || x[axis - missing] == 1);
    Tensor::from_fn(y.clone(), |at| {
        let first = at.iter().enumerate().all(|(axis, &i)| i == 0 || kept(axis));
        if first || !stretches { T::ONE } else { T::ZERO }
    })
}

/// A contribution with a fault that depends on nothing else.
fn changed<T: Element>(fault: Fault, ct: &Tensor<T>) -> Tensor<T> {
    let (n, shape) = (ct.size(), ct.shape().clone());
    let moved = |source: &dyn Fn(usize) -> usize| {
        let old = ct.to_vec();
        Tensor::from((0..n).map(|i| old[source(i)]).collect::<Vec<_>>()).reshape(shape.clone())
    };
    match fault {
        Fault::Drop => Tensor::zeros(shape),
        Fault::Negate => ct.map_elements(|x| -x),
        Fault::Scale => ct.map_elements(|x| x * T::from_f64(1.0 + 1e-6)),
        Fault::Transpose if ct.rank() >= 2 => ct.transpose().reshape(shape),
        Fault::WrongAxis if n > 0 && ct.rank() >= 1 => {
            let step = n / shape[0];
            moved(&|i| (i + step) % n)
        }
        Fault::OffByOne if n > 0 => moved(&|i| (i + 1) % n),
        Fault::FirstEntryOnly => {
            let only = |at: &[usize]| if at.iter().all(|&i| i == 0) { T::ONE } else { T::ZERO };
            ct * &Tensor::from_fn(shape, only)
        }
        _ => ct.clone(),
    }
}
