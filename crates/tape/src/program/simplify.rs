//! Simplification that changes no bit: equal steps are done once, unused ones not at all.
//!
//! Nothing is reassociated. A derivative is recorded from the steps as they were written, because sharing equal
//! steps before the sweep would change the order in which it adds cotangents.

use super::trace::{ADD, CHAIN_RULE, Choice, Function, MUL, Source, Step, Trace};
use crate::rules::algebra::{Element, Test};
use std::collections::HashMap;

/// A step in a form that finds an equal one: constants by their bits.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Call(Function, [(bool, u64); 2]),
    Choice(Test, [(bool, u64); 4]),
}

/// An operand as part of a [`Key`].
fn part<T: Element>(source: Source<T>) -> (bool, u64) {
    match source {
        Source::Value(number) => (false, number.into()),
        Source::Constant(value) => (true, value.to_bits64()),
    }
}

impl Key {
    fn new<T: Element>(step: &Step<T>) -> Key {
        match *step {
            Step::Call { function, operands } => {
                let mut parts = operands.map(part);
                // Sums and products have the same bits in either order.
                if matches!(function, ADD | MUL) {
                    parts.sort_unstable();
                }
                Key::Call(function, parts)
            }
            Step::Choice(ref choice) => {
                let Choice { test, compared: [a, b], between: [then, otherwise] } = **choice;
                Key::Choice(test, [a, b, then, otherwise].map(part))
            }
        }
    }
}

/// The same program with fewer steps.
pub(super) fn simplified<T: Element>(trace: &Trace<T>) -> Trace<T> {
    let (mut steps, mut known) = (Vec::new(), HashMap::with_capacity(trace.steps.len()));
    // What became of each value.
    let mut became: Vec<Source<T>> = (0..trace.inputs as u32).map(Source::Value).collect();
    let follow = |became: &[Source<T>], source: Source<T>| match source {
        Source::Value(number) => became[number as usize],
        constant => constant,
    };
    for step in &trace.steps {
        let step = step.map(|source| follow(&became, source));
        became.push(folded(trace, &step).unwrap_or_else(|| {
            let next = (trace.inputs + steps.len()) as u32;
            let number = *known.entry(Key::new(&step)).or_insert(next);
            if number == next {
                steps.push(step);
            }
            Source::Value(number)
        }));
    }
    let outputs = trace.outputs.iter().map(|&source| follow(&became, source)).collect();
    without_unused(Trace { inputs: trace.inputs, functions: trace.functions.clone(), steps, outputs })
}

/// The value of a step that needs no step: of constants alone, a product with 1, a choice between equals.
fn folded<T: Element>(trace: &Trace<T>, step: &Step<T>) -> Option<Source<T>> {
    match *step {
        Step::Call { function: CHAIN_RULE, operands: [Source::Constant(ct), _] } if ct == T::ZERO => {
            Some(Source::Constant(T::ZERO))
        }
        Step::Call { function: MUL | CHAIN_RULE, operands: [x, Source::Constant(one)] } if one == T::ONE => {
            Some(x)
        }
        Step::Call { function: MUL | CHAIN_RULE, operands: [Source::Constant(one), x] } if one == T::ONE => {
            Some(x)
        }
        Step::Call { function, operands: [Source::Constant(a), Source::Constant(b)] } => {
            Some(Source::Constant(trace.functions[function as usize].eval(a, b)))
        }
        Step::Choice(ref choice) => match (choice.compared, choice.between) {
            ([Source::Constant(a), Source::Constant(b)], between) => {
                Some(between[usize::from(!choice.test.holds(a, b))])
            }
            (_, [then, otherwise]) => (part(then) == part(otherwise)).then_some(then),
        },
        Step::Call { .. } => None,
    }
}

/// The program without the steps that no output depends on.
fn without_unused<T: Element>(trace: Trace<T>) -> Trace<T> {
    let used = used(&trace, &trace.outputs);
    trace.part((0..trace.inputs as u32).collect(), |value| used[value], &trace.outputs)
}

/// For each input and step, whether some outputs depend on it.
fn used<T: Element>(trace: &Trace<T>, outputs: &[Source<T>]) -> Vec<bool> {
    let mut used = vec![false; trace.inputs + trace.steps.len()];
    let mark = |used: &mut [bool], source: Source<T>| {
        if let Source::Value(number) = source {
            used[number as usize] = true;
        }
    };
    outputs.iter().for_each(|&source| mark(&mut used, source));
    for (i, step) in trace.steps.iter().enumerate().rev() {
        if used[trace.inputs + i] {
            step.operands().for_each(|source| mark(&mut used, source));
        }
    }
    used
}

/// The outputs from the `own`th on as values of the same program with the outputs before it alone; `None` for a value that
/// it does not compute.
pub(super) fn values_of_rest<T: Element>(trace: &Trace<T>, own: usize) -> Vec<Option<Source<T>>> {
    let used = used(trace, &trace.outputs[..own]);
    let (mut next, mut numbers) = (trace.inputs as u32, Vec::new());
    for (value, &used) in used.iter().enumerate() {
        let number = if value < trace.inputs { Some(value as u32) } else { used.then_some(next) };
        next += u32::from(value >= trace.inputs && used);
        numbers.push(number);
    }
    let value = |&source: &Source<T>| match source {
        Source::Value(value) => numbers[value as usize].map(Source::Value),
        constant => Some(constant),
    };
    trace.outputs[own..].iter().map(value).collect()
}
