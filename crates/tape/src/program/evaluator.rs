//! A program at one point after another, without allocation.

use super::plan::{Collect, Layout, Loop, Place, Plan};
use super::{Outputs, Program, run};
use crate::error::{self, Error};
use crate::rules::algebra::Element;
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;

/// Evaluates a [`Program`] at single points: the right-hand side of a differential equation, a step of a search. A call costs a
/// few nanoseconds an operation, and allocates nothing; for many points at once see [`Program::map_lanes`].
///
/// ```
/// use tape::Program;
/// let slope = Program::new(|p| p.input("x").powi(3)).gradient();
/// let mut slope = slope.evaluator();
/// assert_eq!(slope.call(&[2.0]), [12.0]);
/// assert_eq!(slope.call(&[1.0]), [3.0]);
/// ```
///
/// The results have the bits of [`Program::call`].
#[derive(Clone)]
pub struct Evaluator<T: Element = f64> {
    program: Program<T>,
    plan: Arc<Plan<T>>,
    /// Constants, inputs and the results of steps.
    values: Vec<T>,
    /// For each input that is read, its position in the arguments and that among the values.
    inputs: Vec<[u32; 2]>,
    /// Where each output is, and whether it is a sum of cotangents, in which -0 becomes 0.
    outputs: Vec<(u32, bool)>,
    results: Vec<T>,
}

impl<T: Element> Program<T> {
    /// The program ready to run at single points.
    pub fn evaluator(&self) -> Evaluator<T> {
        let layouts = SmallVec::from_elem(Layout::Shared, self.0.inputs.len());
        let plan = self.plan(layouts, SmallVec::from_slice(&[(self.outputs(), Collect::Lanes)]));
        let firsts = self.firsts();
        let inputs = plan
            .inputs
            .iter()
            .map(|&([operand, column], place)| [(firsts[operand as usize] as u32) + column, place]);
        let inputs = inputs.collect();
        let mut outputs = vec![(0, false); self.outputs()];
        for step in &plan.loops {
            match *step {
                Loop::Store { column, from: Place::Shared(place), sum, .. } => {
                    outputs[column as usize] = (place, sum)
                }
                _ => unreachable!("of shared inputs, every step runs once"),
            }
        }
        let results = vec![T::ZERO; outputs.len()];
        Evaluator { program: self.clone(), values: plan.shared.clone(), plan, inputs, outputs, results }
    }
}

impl<T: Element> Evaluator<T> {
    /// The outputs at one point. `x` has the inputs one after another in the order in which they were declared.
    ///
    /// # Panics
    /// If there are more or fewer numbers than inputs.
    #[track_caller]
    pub fn call(&mut self, x: &[T]) -> &[T] {
        error::expect(self.try_call(x))
    }

    /// As [`call`](Evaluator::call), but returns errors instead of panicking.
    ///
    /// # Errors
    /// If there are more or fewer numbers than inputs.
    pub fn try_call(&mut self, x: &[T]) -> Result<&[T], Error> {
        let Evaluator { program, plan, values, inputs, outputs, results } = self;
        if x.len() != program.0.code.inputs {
            let reason = format!("expected {} numbers, found {}", program.0.code.inputs, x.len());
            return Err(Error::Invalid { op: "program", reason });
        }
        for &[from, to] in inputs.iter() {
            values[to as usize] = x[from as usize];
        }
        run::once(plan, &program.0.code.functions, values);
        for (result, &(place, sum)) in results.iter_mut().zip(outputs.iter()) {
            let value = values[place as usize];
            *result = if sum { value + T::ZERO } else { value };
        }
        Ok(results)
    }

    /// The only output at one point.
    ///
    /// # Panics
    /// If there are more or fewer numbers than inputs, or the program has several outputs.
    #[track_caller]
    pub fn value(&mut self, x: &[T]) -> T {
        if self.program.0.outputs != Outputs::One {
            let reason = format!("expected a program with one output, found {}", self.program.outputs());
            Error::Invalid { op: "program", reason }.panic();
        }
        self.call(x)[0]
    }
}

impl<T: Element> fmt::Debug for Evaluator<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Evaluator of {:?}", self.program)
    }
}
