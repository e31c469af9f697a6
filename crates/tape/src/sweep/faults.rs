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
use crate::error::Error;
use crate::rules::algebra::Element;
use crate::rules::op::Cotangents;
use crate::shape::Shape;
use crate::tape::{ErasedOp, GradientBuffers, Input};
use crate::tensor::Tensor;
use smallvec::SmallVec;
use std::cell::Cell;

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

/// The observer of every sweep when this feature is enabled: applies the planted fault.
#[derive(Default)]
pub(crate) struct Planted;

impl<T: Element> Observer<T> for Planted {
    fn apply_rule(
        &mut self,
        op: &dyn ErasedOp<T>,
        x: &[&Tensor<T>],
        y: &Tensor<T>,
        dy: Tensor<T>,
        want: &[bool],
    ) -> Result<Cotangents<T>, Error> {
        match planted(op.name()) {
            Some((fault, k)) => spoiled(fault, k, x, y, dy, |x, y, dy| op.try_vjp_all(x, y, dy, want)),
            None => op.try_vjp_all(x, y, dy, want),
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
                buffers.tensors[slot] = Some(ct);
            }
            _ => buffers.add(input, ct),
        }
    }
}

/// `rule(x, y, dy)`, with the planted fault.
fn spoiled<T: Element>(
    fault: Fault,
    k: usize,
    x: &[&Tensor<T>],
    y: &Tensor<T>,
    dy: Tensor<T>,
    rule: impl Fn(&[&Tensor<T>], &Tensor<T>, Tensor<T>) -> Result<Cotangents<T>, Error>,
) -> Result<Cotangents<T>, Error> {
    let mut cts = rule(x, y, dy.clone())?;
    let Some(Some(right)) = cts.get(k) else { return Ok(cts) };
    let same_shape = |(i, ct): (usize, &Option<Tensor<T>>)| {
        i != k && ct.as_ref().is_some_and(|ct| ct.shape() == right.shape())
    };
    let wrong = match fault {
        Fault::SwapOperands => {
            cts.iter().enumerate().position(|(i, ct)| same_shape((i, ct))).and_then(|i| cts[i].clone())
        }
        Fault::StaleValue => {
            let stale = |x: &Tensor<T>| x.map_elements(|x| x * T::from_f64(0.75));
            let before: SmallVec<[Tensor<T>; 4]> = x.iter().map(|x| stale(x)).collect();
            rule(&before.iter().collect::<SmallVec<[_; 4]>>(), &stale(y), dy)?.swap_remove(k)
        }
        Fault::IgnoreCotangent => rule(x, y, Tensor::ones(dy.shape().clone()))?.swap_remove(k),
        Fault::SkipUnbroadcast => rule(x, y, &dy * &firsts(x[k].shape(), y.shape()))?.swap_remove(k),
        _ => Some(changed(fault, right)),
    };
    if let Some(wrong) = wrong {
        cts[k] = Some(wrong);
    }
    Ok(cts)
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
