//! Programs: a function of scalars, recorded once and run at many points.
//!
//! [`Tape`](crate::Tape) records a function each time it is evaluated. A [`Program`] is recorded once, without values,
//! and then is plain data: a list of steps that runs over any number of points, *lanes*, with one vector loop for each
//! step. Derivatives are programs too: [`Program::gradient`] records the reverse sweep as further steps.

mod derive;
mod evaluator;
mod lanes;
mod listing;
mod loops;
mod methods;
mod plan;
mod planner;
mod pull;
mod recorder;
mod run;
mod rust;
mod scan;
mod simplify;
mod trace;

pub use derive::Derivatives;
pub use evaluator::Evaluator;
pub use lanes::MapLanes;
pub use recorder::Recorder;
pub use scan::ScanLanes;

use crate::error::{self, Error};
use crate::rules::algebra::Element;
use crate::shape::Shape;
use crate::tape::Scalar;
use crate::tensor::Tensor;
use plan::{Collect, Layout, Plan};
use recorder::Input;
use run::Operand;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use trace::Trace;

/// A function of scalars, recorded once, then plain data: it can be sent, shared, copied and run at any number of points.
///
/// ```
/// use tape::Program;
/// let neuron = Program::new(|p| {
///     let ([w, b], x) = (p.inputs(["w", "b"]), p.input("x"));
///     (w * x + b).tanh()
/// });
/// assert_eq!(neuron.call(&[2.0, -1.0, 0.5]), [0.0]);
/// // ∂y/∂w = (1 - y²) x, ∂y/∂b = 1 - y², ∂y/∂x = (1 - y²) w
/// assert_eq!(neuron.gradient().call(&[2.0, -1.0, 0.5]), [0.5, 1.0, 2.0]);
/// ```
///
/// Its inputs have no values while it is recorded, so a decision is recorded as one: [`if_gt`](crate::Arithmetic::if_gt),
/// `maximum` or `abs` decide in every lane when the program runs. Asking for a value is an error.
///
/// Every lane has the bits that the same operations have on a tape. The program is simplified only where that
/// keeps the bits: equal steps are done once, unused ones dropped, constants folded, products added in one loop.
pub struct Program<T: Element = f64>(Arc<Inner<T>>);

/// The parts of a program.
struct Inner<T: Element> {
    inputs: Vec<Input>,
    outputs: Outputs,
    /// The cotangent of the outputs, as an input.
    cotangent: Input,
    /// The steps as recorded: what derivatives are recorded from.
    recorded: Trace<T>,
    /// The steps that run.
    code: Trace<T>,
    /// The first of the outputs that are sums of cotangents. A sweep begins such a sum with 0, so it is never -0.
    cotangents: usize,
    /// The function whose gradient it is, for listings.
    gradient: Option<derive::Gradient<T>>,
    /// Plans by the inputs that differ from lane to lane, and by what is collected.
    plans: Mutex<Plans<T>>,
    /// Programs made from this one.
    derived: Mutex<HashMap<derive::Kind, Program<T>>>,
    /// The two halves of it, by the operands that differ from lane to lane.
    halves: Mutex<HashMap<Mapped, Halves<T>>>,
}

/// The outputs of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outputs {
    /// One scalar.
    One,
    /// This many, side by side.
    Several(usize),
}

impl Program<f64> {
    /// Records a function with one result. Its inputs are declared on the [`Recorder`]. (For `f32` and in generic code
    /// use [`Program::of`].)
    ///
    /// # Panics
    /// If the closure asks a scalar for its value, or records tensors.
    #[track_caller]
    pub fn new(f: impl for<'p> FnOnce(&'p Recorder<f64>) -> Scalar<'p, f64>) -> Program<f64> {
        Program::of(f)
    }

    /// Records a function with several results.
    ///
    /// ```
    /// use tape::Program;
    /// let polar = Program::several(|p| {
    ///     let [r, angle] = p.inputs(["r", "angle"]);
    ///     vec![r * angle.cos(), r * angle.sin()]
    /// });
    /// assert_eq!(polar.call(&[2.0, 0.0]), [2.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// As [`Program::new`].
    #[track_caller]
    pub fn several(f: impl for<'p> FnOnce(&'p Recorder<f64>) -> Vec<Scalar<'p, f64>>) -> Program<f64> {
        Program::several_of(f)
    }
}

impl<T: Element> Program<T> {
    /// Records a function with one result, in any number type.
    ///
    /// # Panics
    /// As [`Program::new`].
    #[track_caller]
    pub fn of(f: impl for<'p> FnOnce(&'p Recorder<T>) -> Scalar<'p, T>) -> Program<T> {
        let recorder = Recorder::new();
        let y = f(&recorder);
        error::expect(Program::finish(&recorder, &[y], Outputs::One, usize::MAX))
    }

    /// Records a function with several results, in any number type.
    ///
    /// # Panics
    /// As [`Program::new`].
    #[track_caller]
    pub fn several_of(f: impl for<'p> FnOnce(&'p Recorder<T>) -> Vec<Scalar<'p, T>>) -> Program<T> {
        let recorder = Recorder::new();
        let y = f(&recorder);
        error::expect(Program::finish(&recorder, &y, Outputs::Several(y.len()), usize::MAX))
    }

    /// The program that a recorder has recorded for `y`.
    fn finish(
        recorder: &Recorder<T>,
        y: &[Scalar<'_, T>],
        outputs: Outputs,
        cotangents: usize,
    ) -> Result<Program<T>, Error> {
        let recorded = Trace::new(recorder.tape(), y)?;
        Ok(Program::from_trace(recorder.declared(), outputs, recorded, cotangents))
    }

    /// The program with these steps.
    fn from_trace(inputs: Vec<Input>, outputs: Outputs, recorded: Trace<T>, cotangents: usize) -> Program<T> {
        let code = simplify::simplified(&recorded);
        let (plans, derived, halves) = (Mutex::default(), Mutex::default(), Mutex::default());
        let cotangent = match outputs {
            Outputs::One => Input::Scalar("dy".to_string()),
            Outputs::Several(n) => Input::Group("dy".to_string(), n),
        };
        let gradient = None;
        Program(Arc::new(Inner {
            inputs,
            outputs,
            cotangent,
            recorded,
            code,
            cotangents,
            gradient,
            plans,
            derived,
            halves,
        }))
    }

    /// A flag for each input, repeated for each of its scalars.
    fn flat(&self, flags: &[bool]) -> Vec<bool> {
        let repeated = |(input, &flag): (&Input, &bool)| vec![flag; input.len()];
        self.0.inputs.iter().zip(flags).flat_map(repeated).collect()
    }

    /// The position of the first scalar of each input among those of all.
    fn firsts(&self) -> Vec<usize> {
        let mut end = 0;
        let first = |input: &Input| {
            end += input.len();
            end - input.len()
        };
        self.0.inputs.iter().map(first).collect()
    }

    /// The names of the inputs, each with its number of scalars.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.inputs.iter().map(|input| (input.name(), input.len()))
    }

    /// The number of outputs.
    pub fn outputs(&self) -> usize {
        self.0.code.outputs.len()
    }

    /// The number of operations that run for each point, after simplification.
    pub fn operations(&self) -> usize {
        self.0.code.steps.len()
    }

    /// The outputs at one point. `x` has the inputs one after another in the order in which they were declared.
    ///
    /// # Panics
    /// If there are more or fewer numbers than inputs.
    #[track_caller]
    pub fn call(&self, x: &[T]) -> Vec<T> {
        error::expect(self.try_call(x))
    }

    /// As [`call`](Program::call), but returns errors instead of panicking.
    ///
    /// # Errors
    /// If there are more or fewer numbers than inputs.
    pub fn try_call(&self, x: &[T]) -> Result<Vec<T>, Error> {
        let expected = self.0.code.inputs;
        if x.len() != expected {
            let list: Vec<String> = self.inputs().map(|(name, len)| format!("{name} ({len})")).collect();
            let reason = format!("expected {expected} numbers for {}, found {}", list.join(", "), x.len());
            return Err(Error::Invalid { op: "program", reason });
        }
        let mut rest = x;
        let operands = self.0.inputs.iter().map(|input| {
            let (head, tail) = rest.split_at(input.len());
            rest = tail;
            Tensor::from_slice([head.len()], head).map(Operand::Shared)
        });
        let operands = operands.collect::<Result<SmallVec<[_; 8]>, _>>()?;
        let results = self.run(&operands, 1, &[(self.outputs(), Collect::Lanes)]);
        Ok(results.into_iter().flat_map(|y| y.to_vec()).collect())
    }

    /// The outputs for recorded scalars, on their tape or in another program.
    ///
    /// ```
    /// use tape::{Program, Tape};
    /// let f = Program::new(|p| p.input("x").sin());
    /// let tape = Tape::new();
    /// let x = tape.scalar(0.5);
    /// let y = f.on(&[x * x])[0];
    /// assert_eq!(y.backward().wrt(x), 0.25f64.cos());
    /// ```
    ///
    /// # Panics
    /// If there are more or fewer scalars than inputs, or none, or they are not on one tape.
    #[track_caller]
    pub fn on<'t>(&self, x: &[Scalar<'t, T>]) -> Vec<Scalar<'t, T>> {
        match x.first() {
            Some(first) if x.len() == self.0.recorded.inputs => {
                error::expect(x.iter().try_for_each(|x| first.tape.owns("program", x.tape)));
                self.0.recorded.record(first.tape, x)
            }
            _ => {
                let reason = format!("expected {} scalars, found {}", self.0.recorded.inputs, x.len());
                Error::Invalid { op: "program", reason }.panic()
            }
        }
    }

    /// Runs the program in this many lanes. Its outputs are collected in order, this many in each way: as an array with a
    /// row for each lane, or as a vector of sums.
    fn run(
        &self,
        operands: &[Operand<'_, T>],
        lanes: usize,
        collect: &[(usize, Collect)],
    ) -> SmallVec<[Tensor<T>; 8]> {
        let plan = self.plan(operands.iter().map(Operand::layout).collect(), collect.into());
        let mut results: SmallVec<[Tensor<T>; 8]> = SmallVec::new();
        for &(count, way) in collect {
            let lanes = (way == Collect::Lanes).then_some(lanes);
            let shape: Shape = lanes.into_iter().chain([count]).collect();
            results.push(Tensor::build_for("program", shape, |_| {}));
        }
        run::with_buffer(plan.sums, |sums| {
            let arrays = results.iter_mut().zip(collect).filter(|(_, way)| way.1 == Collect::Lanes);
            let rows = arrays.map(|(result, &(count, _))| (count, result.as_mut_slice())).collect();
            run::run(&self.0.code.functions, &plan, operands, lanes, rows, sums);
            let mut sums = &*sums;
            for (result, &(count, _)) in
                results.iter_mut().zip(collect).filter(|(_, way)| way.1 == Collect::Sum)
            {
                let (head, tail) = sums.split_at(count);
                result.as_mut_slice().copy_from_slice(head);
                sums = tail;
            }
        });
        results
    }

    /// The plan for these operands and results, made when it is first needed.
    fn plan(&self, layouts: Layouts, collect: Ways) -> Arc<Plan<T>> {
        let mut plans = self.0.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let known = plans.entry((layouts, collect));
        let widths = || self.0.inputs.iter().map(Input::len).collect::<Vec<usize>>();
        let new = |(layouts, collect): &(Layouts, Ways)| {
            Arc::new(Plan::new(&self.0.code, &widths(), layouts, collect, self.0.cotangents))
        };
        known.or_insert_with_key(new).clone()
    }
}

/// Plans by what they are for.
type Plans<T> = HashMap<(Layouts, Ways), Arc<Plan<T>>>;

/// How the values of each operand lie in memory.
type Layouts = SmallVec<[Layout; 16]>;

/// For each operand, whether it differs from lane to lane.
type Mapped = SmallVec<[bool; 16]>;

/// The part that depends on operands alone that all lanes share, and the rest.
type Halves<T> = (Program<T>, Program<T>);

/// How many outputs are collected in which way.
type Ways = SmallVec<[(usize, Collect); 8]>;

impl<T: Element> Clone for Program<T> {
    fn clone(&self) -> Program<T> {
        Program(self.0.clone())
    }
}

impl<T: Element> fmt::Debug for Program<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs: Vec<&str> = self.inputs().map(|(name, _)| name).collect();
        write!(f, "Program<{}>({}) with {} operations", T::NAME, inputs.join(", "), self.operations())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program holds what is made from it, so none of that may hold the program.
    #[test]
    fn programs_are_freed_with_what_was_made_from_them() {
        let program = Program::new(|p| {
            let (w, x) = (p.input("w"), p.input("x"));
            (w.exp() * x).sin()
        });
        let (w, x) = (Tensor::scalar(0.5), Tensor::from([1.0, 2.0, 3.0]));
        let (_, gradients) = program.wrt(&["w", "x"]).sum_lanes(&[&w, &x]);
        assert_eq!(gradients.len(), 2);
        let (_, rest) = program.halves(&SmallVec::from_slice(&[false, true]));
        let alive = [Arc::downgrade(&program.0), Arc::downgrade(&rest.0)];
        drop((program, rest));
        assert!(alive.iter().all(|program| program.upgrade().is_none()), "a cycle keeps a program alive");
    }
}
