//! The steps of a program, in the order in which they were recorded.

use crate::error::Error;
use crate::ops::{Add, Div, Mul, Neg, Sub};
use crate::rules::algebra::{Binary, ChainRule, Element, Test, Unary};
use crate::tape::{CONSTANT, LEAF, NodeId, Scalar, ScalarFn, ScalarFns, Tape};
use std::collections::HashMap;
use std::sync::Arc;

/// The largest number of steps of a program: with its derivative a few gigabytes.
const LIMIT: usize = 1 << 24;

/// The function of a step: an index into [`Trace::functions`].
pub(super) type Function = u32;

pub(super) const ADD: Function = index(Add::BUILTIN_INDEX);
pub(super) const SUB: Function = index(Sub::BUILTIN_INDEX);
pub(super) const MUL: Function = index(Mul::BUILTIN_INDEX);
pub(super) const DIV: Function = index(Div::BUILTIN_INDEX);
pub(super) const NEG: Function = index(Neg::BUILTIN_INDEX);
pub(super) const CHAIN_RULE: Function = index(ChainRule::BUILTIN_INDEX);

const fn index(builtin: Option<u32>) -> Function {
    match builtin {
        Some(index) => index,
        None => panic!("the function has a fixed index"),
    }
}

/// An operand: an input or the result of an earlier step by its number, inputs first, or a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Source<T> {
    Value(u32),
    Constant(T),
}

impl<T: Copy> Source<T> {
    /// A value replaced by what `f` says of its number; a constant stays.
    pub(super) fn follow(self, f: impl FnOnce(usize) -> Source<T>) -> Source<T> {
        match self {
            Source::Value(value) => f(value as usize),
            constant => constant,
        }
    }
}

/// One step.
#[derive(Clone, Debug)]
pub(super) enum Step<T> {
    /// A function of one or two operands.
    Call { function: Function, operands: [Source<T>; 2] },
    /// Apart, because there are few: other steps need not be as large.
    Choice(Box<Choice<T>>),
}

/// The first of `between` if the test of `compared` holds, else the second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice<T> {
    pub(super) test: Test,
    pub(super) compared: [Source<T>; 2],
    pub(super) between: [Source<T>; 2],
}

impl<T: Copy> Step<T> {
    /// Everything the step reads.
    pub(super) fn operands(&self) -> impl Iterator<Item = Source<T>> {
        let (first, second) = match self {
            Step::Call { operands, .. } => (*operands, None),
            Step::Choice(choice) => (choice.compared, Some(choice.between)),
        };
        first.into_iter().chain(second.into_iter().flatten())
    }

    /// The same step with other operands.
    pub(super) fn map(&self, mut f: impl FnMut(Source<T>) -> Source<T>) -> Step<T> {
        match *self {
            Step::Call { function, operands } => Step::Call { function, operands: operands.map(f) },
            Step::Choice(ref choice) => {
                let Choice { test, compared, between } = **choice;
                let (compared, between) = (compared.map(&mut f), between.map(f));
                Step::Choice(Box::new(Choice { test, compared, between }))
            }
        }
    }
}

/// The steps of a program: plain data, without a tape.
#[derive(Clone, Debug)]
pub(super) struct Trace<T: Element> {
    /// The number of inputs.
    pub(super) inputs: usize,
    /// The functions of the steps; the arithmetic operators come first.
    pub(super) functions: Vec<Arc<dyn ScalarFn<T>>>,
    pub(super) steps: Vec<Step<T>>,
    pub(super) outputs: Vec<Source<T>>,
}

impl<T: Element> Trace<T> {
    /// The steps that a tape recorded for `outputs`; its leaves are the inputs. Nothing else is kept.
    ///
    /// # Errors
    /// If there are too many steps, or an output belongs to another tape.
    pub(super) fn new(tape: &Tape<T>, outputs: &[Scalar<'_, T>]) -> Result<Trace<T>, Error> {
        outputs.iter().try_for_each(|y| tape.owns("program", y.tape))?;
        let graph = tape.graph();
        let needed = needed(tape, outputs);
        // Every function of the program gets a number when it is first used; the operators have theirs.
        let builtins = ScalarFns::<T>::BUILTINS;
        let mut numbers: HashMap<u32, Function> = (0..builtins).map(|rule| (rule, rule)).collect();
        let mut functions: Vec<_> = (0..builtins).map(|rule| graph.functions.get(rule).clone()).collect();
        let is_input = |&i: &usize| tape.nodes.get(i).rule == LEAF;
        let inputs = (1..tape.nodes.len()).filter(is_input).count();
        let (mut values, mut steps) = (vec![0; tape.nodes.len()], Vec::new());
        for (input, node) in (1..tape.nodes.len()).filter(is_input).enumerate() {
            values[node] = input as u32;
        }
        for i in 1..values.len() {
            let node = tape.nodes.get(i);
            if !needed[i] || node.rule == LEAF {
                continue;
            }
            let source = |parent: NodeId, constant: T| match parent {
                CONSTANT => Source::Constant(constant),
                parent => Source::Value(values[parent as usize]),
            };
            let operands = [0, 1].map(|k| source(node.parent[k], node.partial[k]));
            let last = |steps: &[Step<T>]| (inputs + steps.len() - 1) as u32;
            match (node.function(), graph.choice(i as NodeId)) {
                (Some(rule), _) => {
                    let function = *numbers.entry(rule).or_insert_with(|| {
                        functions.push(graph.functions.get(rule).clone());
                        (functions.len() - 1) as Function
                    });
                    steps.push(Step::Call { function, operands });
                }
                (None, Some(choice)) => {
                    let compared = choice.compared.map(|(node, constant)| source(node, constant));
                    let choice = Choice { test: choice.test, compared, between: operands };
                    steps.push(Step::Choice(Box::new(choice)));
                }
                (None, None) => {}
            }
            if let Some(addend) = node.addend(i as NodeId) {
                let operands = [Source::Value(last(&steps)), source(addend, T::ZERO)];
                steps.push(Step::Call { function: ADD, operands });
            }
            values[i] = last(&steps);
            if steps.len() > LIMIT {
                let reason = format!("expected at most {LIMIT} operations, found more");
                return Err(Error::Invalid { op: "program", reason });
            }
        }
        let output = |y: &Scalar<'_, T>| match y.index {
            CONSTANT => Source::Constant(y.value),
            node => Source::Value(values[node as usize]),
        };
        Ok(Trace { inputs, functions, steps, outputs: outputs.iter().map(output).collect() })
    }

    /// The branches that all functions and choices take with these inputs, as one number: 0 if all are 0.
    pub(super) fn branch(&self, mut values: Vec<T>) -> i64 {
        let mut hash = 0i64;
        for (step, at) in self.steps.iter().zip(1..) {
            let read = |source| match source {
                Source::Value(value) => values[value as usize],
                Source::Constant(value) => value,
            };
            let (value, branch) = match *step {
                Step::Call { function, operands } => {
                    let ([a, b], function) = (operands.map(read), &self.functions[function as usize]);
                    (function.eval(a, b), function.branch(a, b))
                }
                Step::Choice(ref choice) => {
                    let [a, b] = choice.compared.map(read);
                    let holds = choice.test.holds(a, b);
                    (read(choice.between[usize::from(!holds)]), 1 + i64::from(holds))
                }
            };
            if branch != 0 {
                hash = hash.wrapping_mul(31).wrapping_add(branch ^ (at << 3));
            }
            values.push(value);
        }
        hash
    }

    /// For each input and step, whether it depends on an input that is `mapped`.
    pub(super) fn varies(&self, mapped: &[bool]) -> Vec<bool> {
        let mut varies = mapped.to_vec();
        for step in &self.steps {
            let reads = |source| matches!(source, Source::Value(value) if varies[value as usize]);
            varies.push(step.operands().any(reads));
        }
        varies
    }

    /// For each input and step, whether some outputs depend on it.
    pub(super) fn used(&self, outputs: &[Source<T>]) -> Vec<bool> {
        let mut used = vec![false; self.inputs + self.steps.len()];
        let mark = |used: &mut [bool], source: Source<T>| {
            if let Source::Value(number) = source {
                used[number as usize] = true;
            }
        };
        outputs.iter().for_each(|&source| mark(&mut used, source));
        for (i, step) in self.steps.iter().enumerate().rev() {
            if used[self.inputs + i] {
                step.operands().for_each(|source| mark(&mut used, source));
            }
        }
        used
    }

    /// The steps whose values are `wanted`; `inputs` are the values that become its inputs.
    pub(super) fn part(
        &self,
        inputs: Vec<u32>,
        wanted: impl Fn(usize) -> bool,
        outputs: &[Source<T>],
    ) -> Trace<T> {
        let mut numbers = vec![u32::MAX; self.inputs + self.steps.len()];
        inputs.iter().zip(0..).for_each(|(&value, number)| numbers[value as usize] = number);
        let renumber =
            |numbers: &[u32], source: Source<T>| source.follow(|value| Source::Value(numbers[value]));
        let mut steps = Vec::new();
        for (step, value) in self.steps.iter().zip(self.inputs..) {
            if wanted(value) {
                numbers[value] = (inputs.len() + steps.len()) as u32;
                steps.push(step.map(|source| renumber(&numbers, source)));
            }
        }
        let outputs = outputs.iter().map(|&source| renumber(&numbers, source)).collect();
        Trace { inputs: inputs.len(), functions: self.functions.clone(), steps, outputs }
    }

    /// Records the steps on a tape, with these scalars as inputs, and returns the outputs.
    #[track_caller]
    pub(super) fn record<'t>(&self, tape: &'t Tape<T>, inputs: &[Scalar<'t, T>]) -> Vec<Scalar<'t, T>> {
        let read = |values: &[Scalar<'t, T>], source| match source {
            Source::Value(number) => values[number as usize],
            Source::Constant(value) => tape.scalar_constant(value),
        };
        let mut values = inputs.to_vec();
        for step in &self.steps {
            let scalar = |source| read(&values, source);
            let value = match *step {
                Step::Call { function, operands } => {
                    let [a, b] = operands.map(scalar);
                    self.functions[function as usize].record(a, b)
                }
                Step::Choice(ref choice) => {
                    let ([a, b], [then, otherwise]) =
                        (choice.compared.map(scalar), choice.between.map(scalar));
                    a.choose(choice.test, b, then, otherwise)
                }
            };
            values.push(value);
        }
        self.outputs.iter().map(|&source| read(&values, source)).collect()
    }

    /// How often each input and step is read, by steps and as an output.
    pub(super) fn reads(&self) -> Vec<u32> {
        let mut reads = vec![0; self.inputs + self.steps.len()];
        for source in self.steps.iter().flat_map(Step::operands).chain(self.outputs.iter().copied()) {
            if let Source::Value(value) = source {
                reads[value as usize] += 1;
            }
        }
        reads
    }
}

/// For each node of a tape, whether an output depends on it.
fn needed<T: Element>(tape: &Tape<T>, outputs: &[Scalar<'_, T>]) -> Vec<bool> {
    let graph = tape.graph();
    let mut needed = vec![false; tape.nodes.len()];
    outputs.iter().for_each(|y| needed[y.index as usize] = true);
    for i in (1..needed.len()).rev() {
        if needed[i] {
            tape.nodes.get(i).operands(i as NodeId).for_each(|parent| needed[parent as usize] = true);
            if let Some(choice) = graph.choice(i as NodeId) {
                choice.compared.iter().for_each(|&(node, _)| needed[node as usize] = true);
            }
        }
    }
    needed
}
