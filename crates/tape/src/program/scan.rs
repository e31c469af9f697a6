//! A program run step after step, each from the state that the step before has left.

use super::derive::{Derivatives, Kind};
use super::plan::{Collect, Layout, Plan};
use super::run::{self, Operand};
use super::{Outputs, Program, Ways};
use crate::error::{self, Error};
use crate::ops::{Concat, TensorOps};
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Cotangents, Op, compute};
use crate::shape::Shape;
use crate::tape::{Scalar, Tape, Var};
use crate::tensor::Tensor;
use smallvec::SmallVec;
use std::sync::Arc;

/// A [`Program`] run step after step in many lanes: see [`Tape::scan_lanes`].
#[derive(Clone, Debug)]
pub struct ScanLanes<T: Element = f64> {
    program: Program<T>,
}

/// The numbers of a step, for each lane.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// Scalars that a step takes over from the one before.
    state: usize,
    /// Scalars that differ from step to step.
    step: usize,
    /// The state and further outputs.
    outputs: usize,
}

impl<T: Element> Program<T> {
    /// The outputs of all steps: see [`Tape::scan_lanes`].
    ///
    /// # Panics
    /// If the shapes do not fit the inputs.
    #[track_caller]
    pub fn scan_lanes(&self, state: &Tensor<T>, steps: &Tensor<T>, others: &[&Tensor<T>]) -> Tensor<T> {
        let operands: SmallVec<[&Tensor<T>; 8]> =
            [state, steps].into_iter().chain(others.iter().copied()).collect();
        error::expect(compute(&ScanLanes::new(self.clone()), &operands))
    }
}

impl<T: Element> Tape<T> {
    /// Runs a program step after step, recorded as one node: a recurrent cell over a sequence, a method for a differential
    /// equation. (Other systems call it `scan`.) The memory of a step is its outputs; the reverse sweep computes within a step
    /// again what its derivative needs.
    ///
    /// The first input of the program is the state, its second what differs from step to step; further ones are
    /// the same in all steps. Its first outputs are the state that it leaves, in order.
    ///
    /// # Shapes
    /// `state` is `[s, lanes]` for a state of `s` scalars, `steps` `[count, m, lanes]` for `m` scalars that differ in each of
    /// `count` steps, and of `others` a scalar `[lanes]` and a group of `m` `[m, lanes]`. The result is `[count, outputs,
    /// lanes]`.
    ///
    /// ```
    /// use tape::{Program, Tape, Tensor};
    /// // A running sum that forgets: h ← w h + x.
    /// let cell = Program::several(|p| {
    ///     let (h, x, w) = (p.group("h", 1), p.group("x", 1), p.input("w"));
    ///     vec![w * h[0] + x[0]]
    /// });
    /// let tape = Tape::new();
    /// let (h, w) = (tape.var([[1.0]]), tape.var([0.5]));
    /// let x = tape.constant([[[1.0]], [[2.0]]]);
    /// let y = tape.scan_lanes(&cell, h, x, &[w]);
    /// // (1 / 2 + 1) / 2 + 2
    /// assert_eq!(y.value(), Tensor::from([[[1.5]], [[2.75]]]));
    /// // ∂/∂w (w (w h + x₀) + x₁) = 2 w h + x₀, ∂/∂h = w²
    /// let last = y.at([1, 0, 0]);
    /// assert_eq!(last.backward().wrt((w, h)), (Tensor::from([2.0]), Tensor::from([[0.25]])));
    /// ```
    ///
    /// # Panics
    /// If the shapes do not fit the inputs, or the program has fewer outputs than its state has scalars.
    #[track_caller]
    pub fn scan_lanes<'t>(
        &'t self,
        program: &Program<T>,
        state: Var<'t, T>,
        steps: Var<'t, T>,
        others: &[Var<'t, T>],
    ) -> Var<'t, T> {
        self.apply(ScanLanes::new(program.clone()), &[&[state, steps], others].concat())
    }
}

/// The rows of a matrix with a column for each lane.
fn rows<T: Element>(data: &[T], lanes: usize) -> Operand<'_, T> {
    Operand::Lanes { data, offset: 0, lane: 1, column: lanes as isize }
}

impl<T: Element> ScanLanes<T> {
    /// The steps of a program: see [`Tape::scan_lanes`].
    pub fn new(program: Program<T>) -> ScanLanes<T> {
        ScanLanes { program }
    }

    fn sizes(&self) -> Sizes {
        let len = |k: usize| self.program.0.inputs.get(k).map_or(0, |input| input.len());
        Sizes { state: len(0), step: len(1), outputs: self.program.outputs() }
    }

    /// The plan of `program` for this number of operands, each of whose outputs is a row.
    fn plan(program: &Program<T>, operands: usize) -> Arc<Plan<T>> {
        let ways: Ways = SmallVec::from_elem((1, Collect::Lanes), program.outputs());
        program.plan(SmallVec::from_elem(Layout::Contiguous, operands), ways)
    }

    /// Runs `program`, each of whose outputs is a row of `out`.
    fn run(program: &Program<T>, plan: &Plan<T>, operands: &[Operand<'_, T>], lanes: usize, out: &mut [T]) {
        let rows = out.chunks_exact_mut(lanes).map(|row| (1, row)).collect();
        run::run(&program.0.code.functions, plan, operands, lanes, rows, &mut []);
    }

    /// The number of scalars of an operand in each lane, if it is one of those that are the same in all steps.
    fn kept(&self, k: usize) -> usize {
        if k < 2 { 0 } else { self.program.0.inputs[k].len() }
    }

    /// Declares the inputs that are the same in all steps.
    #[track_caller]
    fn others<'t>(&self, p: &'t super::Recorder<T>) -> Vec<Scalar<'t, T>> {
        self.program.0.inputs[2..].iter().flat_map(|input| p.fresh(input.clone())).collect()
    }

    /// The reverse sweep as a scan from the last step to the first. The state is the cotangent of the state, and the sum of
    /// those of operand `k`, if that is the same in all steps; a step reads its state, its operands and its cotangent.
    #[track_caller]
    fn reversed(&self, k: usize) -> ScanLanes<T> {
        let Sizes { state, step, outputs } = self.sizes();
        let wanted: SmallVec<[usize; 8]> =
            if k == 0 { SmallVec::from_slice(&[0]) } else { SmallVec::from_slice(&[0, k]) };
        let (pull, kept) = (self.program.derived(Kind::Pull(wanted)), self.kept(k));
        ScanLanes::new(Program::several_of(|p| {
            let (sums, read) = (p.group("state", state + kept), p.group("step", state + step + outputs));
            let (at, dy) = read.split_at(state + step);
            let cts = dy.iter().enumerate().map(|(i, &ct)| if i < state { ct + sums[i] } else { ct });
            let arguments = [at, &self.others(p), &cts.collect::<Vec<_>>()].concat();
            let found = pull.on(&arguments);
            let more = found[state..].iter().enumerate().map(|(i, &ct)| match kept {
                0 => ct,
                _ => sums[state + i] + ct,
            });
            found[..state].iter().copied().chain(more).collect()
        }))
    }

    /// The forward sweep as a scan: the state is the state and its tangent, and the further outputs are the tangents of those of
    /// the program.
    #[track_caller]
    fn moved(&self, k: usize) -> ScanLanes<T> {
        let Sizes { state, step, .. } = self.sizes();
        let wrt = if k == 0 { vec![0] } else { vec![0, k] };
        let push = error::expect(
            Derivatives { program: &self.program, wrt }.push(Outputs::Several(self.sizes().outputs)),
        );
        ScanLanes::new(Program::several_of(|p| {
            let state_and_tangent = p.group("state", 2 * state);
            let read = p.group("step", if k == 1 { 2 * step } else { step });
            let others = self.others(p);
            let moving = if k < 2 { Vec::new() } else { p.fresh(self.program.0.inputs[k].clone()) };
            let arguments = [&state_and_tangent[..state], &read[..step], &others].concat();
            let after = self.program.on(&arguments);
            let tangents = [&arguments[..], &state_and_tangent[state..], &read[step..], &moving].concat();
            [&after[..state], &push.on(&tangents)].concat()
        }))
    }
}

impl<T: Element> Op<T> for ScanLanes<T> {
    const NAME: &'static str = "scan_lanes";
    const ARITY: Arity = Arity::Any;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let inputs = &self.program.0.inputs;
        let invalid = |reason: String| Err(Error::Invalid { op: error::UNNAMED, reason });
        let Sizes { state, step, outputs } = self.sizes();
        if inputs.len() < 2 || x.len() != inputs.len() {
            return invalid(format!(
                "expected a state, steps and {} operands more, found {} operands",
                inputs.len().saturating_sub(2),
                x.len()
            ));
        }
        if outputs < state {
            return invalid(format!(
                "expected a program whose first {state} outputs are its state, found {outputs} outputs"
            ));
        }
        let [count, _, lanes] = x[1][..] else {
            return invalid(format!(
                "expected steps of shape [count, {step}, lanes], found {:?}",
                x[1].dims()
            ));
        };
        for (k, (found, input)) in x.iter().zip(inputs).enumerate() {
            let expected: Shape = match k {
                0 => Shape::from([state, lanes]),
                1 => Shape::from([count, step, lanes]),
                _ if matches!(input, super::Input::Scalar(_)) => Shape::from([lanes]),
                _ => Shape::from([input.len(), lanes]),
            };
            if **found != expected {
                return Err(Error::Shape {
                    op: error::UNNAMED,
                    expected: expected.dims(),
                    found: found.dims(),
                });
            }
        }
        Ok(Shape::from([count, outputs, lanes]))
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let (Sizes { state, step, outputs }, lanes) = (self.sizes(), shape[2]);
        let x: SmallVec<[_; 8]> = x.iter().map(|x| x.elements()).collect();
        let others: SmallVec<[Operand<'_, T>; 8]> = x[2..].iter().map(|x| rows(x, lanes)).collect();
        Tensor::build_for("scan_lanes", shape.clone(), |out| {
            if lanes * outputs == 0 {
                return;
            }
            let plan = ScanLanes::plan(&self.program, x.len());
            for t in 0..shape[0] {
                let (before, after) = out.split_at_mut(t * outputs * lanes);
                let from = match t {
                    0 => &x[0][..],
                    _ => &before[(t - 1) * outputs * lanes..],
                };
                let read = &x[1][t * step * lanes..];
                let mut operands: SmallVec<[Operand<'_, T>; 8]> = SmallVec::new();
                operands.extend([rows(&from[..state * lanes], lanes), rows(read, lanes)]);
                operands.extend(others.iter().cloned());
                ScanLanes::run(&self.program, &plan, &operands, lanes, &mut after[..outputs * lanes]);
            }
        })
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dx: &A) -> A {
        let Sizes { state, .. } = self.sizes();
        let still = y.constant(Tensor::zeros(x[0].shape()));
        let begin = A::apply(Concat { axis: 0 }, &[x[0], if k == 0 { dx } else { &still }]);
        let read = if k == 1 { A::apply(Concat { axis: 1 }, &[x[1], dx]) } else { x[1].clone() };
        let mut operands: SmallVec<[&A; 8]> =
            [&begin, &read].into_iter().chain(x[2..].iter().copied()).collect();
        if k >= 2 {
            operands.push(dx);
        }
        A::apply(self.moved(k), &operands).slice(1, state..)
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let (Sizes { state, .. }, kept) = (self.sizes(), self.kept(k));
        let (shape, of_operand) = (y.shape(), x[k].shape());
        let (count, lanes) = (shape[0], shape[2]);
        if count == 0 {
            return y.constant(Tensor::zeros(of_operand));
        }
        let first = x[0].reshape([1, state, lanes]);
        let states = A::apply(Concat { axis: 0 }, &[&first, &y.slice(0, ..count - 1).slice(1, ..state)]);
        let read = A::apply(Concat { axis: 1 }, &[&states, x[1], dy]).flip(0);
        let begin = y.constant(Tensor::zeros([state + kept, lanes]));
        let operands: SmallVec<[&A; 8]> = [&begin, &read].into_iter().chain(x[2..].iter().copied()).collect();
        let found = A::apply(self.reversed(k), &operands);
        match k {
            0 => found.slice(0, count - 1..).reshape(of_operand),
            1 => found.slice(1, state..).flip(0),
            _ => found.slice(0, count - 1..).slice(1, state..).reshape(of_operand),
        }
    }

    /// All cotangents in one pass from the last step to the first.
    fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        let (Sizes { state, step, outputs }, shape) = (self.sizes(), y.shape());
        let (count, lanes) = (shape[0], shape[2]);
        let inputs = &self.program.0.inputs;
        // The cotangent of the state is passed on, whether or not it is wanted in the end.
        let wanted: SmallVec<[usize; 8]> = (0..x.len()).filter(|&k| k == 0 || want[k]).collect();
        let mut each: Cotangents<T> =
            x.iter().zip(want).map(|(x, &want)| want.then(|| Tensor::zeros(x.shape().clone()))).collect();
        if count * lanes == 0 {
            return each;
        }
        let pull = self.program.derived(Kind::Pull(wanted.clone()));
        let plan = ScanLanes::plan(&pull, x.len() + 1);
        let x: SmallVec<[_; 8]> = x.iter().map(|x| x.elements()).collect();
        let (y, dy) = (y.elements(), dy.elements());
        let others: SmallVec<[Operand<'_, T>; 8]> = x[2..].iter().map(|x| rows(x, lanes)).collect();
        let [mut passed, mut ct, mut found] =
            [state, outputs, pull.outputs()].map(|rows| vec![T::ZERO; rows * lanes]);
        for t in (0..count).rev() {
            ct.copy_from_slice(&dy[t * outputs * lanes..][..outputs * lanes]);
            ct.iter_mut().zip(&passed).for_each(|(ct, &passed)| *ct += passed);
            let from = match t {
                0 => &x[0][..],
                _ => &y[(t - 1) * outputs * lanes..],
            };
            let read = &x[1][t * step * lanes..];
            let mut operands: SmallVec<[Operand<'_, T>; 8]> = SmallVec::new();
            operands.extend([rows(&from[..state * lanes], lanes), rows(read, lanes)]);
            operands.extend(others.iter().cloned());
            operands.push(rows(&ct, lanes));
            ScanLanes::run(&pull, &plan, &operands, lanes, &mut found);
            let (of_state, mut rest) = found.split_at(state * lanes);
            passed.copy_from_slice(of_state);
            for &k in &wanted[1..] {
                let (own, after) = rest.split_at(inputs[k].len() * lanes);
                rest = after;
                let Some(sum) = each[k].as_mut().map(Tensor::as_mut_slice) else { continue };
                if k == 1 {
                    sum[t * step * lanes..][..own.len()].copy_from_slice(own);
                } else {
                    sum.iter_mut().zip(own).for_each(|(sum, &ct)| *sum += ct);
                }
            }
        }
        if let Some(sum) = &mut each[0] {
            sum.as_mut_slice().copy_from_slice(&passed);
        }
        each
    }
}
