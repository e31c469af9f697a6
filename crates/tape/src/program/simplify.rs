//! Simplification that changes no bit: equal steps are done once, unused ones not at all.
//!
//! Nothing is reassociated. A derivative is recorded from the steps as they were written, because sharing equal
//! steps before the sweep would change the order in which it adds cotangents.

use super::trace::{ADD, CHAIN_RULE, Choice, MUL, Source, Step, Trace};
use crate::rules::algebra::Element;
use crate::tape::Word;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;

/// An operand as a number and whether it is a constant, which is compared by its bits.
fn part<T: Element>(source: Source<T>) -> (bool, [u64; 2]) {
    match source {
        Source::Value(number) => (false, [number.into(), 0]),
        Source::Constant(value) => {
            let (hi, lo) = value.to_parts();
            (true, [hi.to_bits(), lo.to_bits()])
        }
    }
}

/// Returns `true` if both steps have the same value. Sums and products have the same bits in either order.
fn equal<T: Element>(a: &Step<T>, b: &Step<T>) -> bool {
    match (a, b) {
        (Step::Call { function, operands: a }, Step::Call { function: other, operands: b }) => {
            let ([a0, a1], [b0, b1]) = (a.map(part), b.map(part));
            let swapped = matches!(*function, ADD | MUL) && (a0, a1) == (b1, b0);
            function == other && ((a0, a1) == (b0, b1) || swapped)
        }
        (Step::Choice(a), Step::Choice(b)) => {
            let parts = |choice: &Choice<T>| (choice.compared.map(part), choice.between.map(part));
            a.test == b.test && parts(a) == parts(b)
        }
        _ => false,
    }
}

/// A number that equal steps share, and others hardly ever.
fn fingerprint<T: Element>(step: &Step<T>) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |x: u64| {
        let x = (x ^ (x >> 32)).wrapping_mul(ODD);
        x ^ (x >> 29)
    };
    let kind = match step {
        Step::Call { function, .. } => u64::from(*function),
        Step::Choice(choice) => u64::from(u32::MAX) + choice.test as u64,
    };
    let ordered = !matches!(step, Step::Call { function: ADD | MUL, .. });
    step.operands().zip(1..).fold(mix(kind), |sum, (source, position)| {
        let (constant, [bits, rest]) = part(source);
        let bits = bits ^ rest.rotate_left(32);
        let position = if ordered { position } else { 1 };
        sum.wrapping_add(mix(bits.wrapping_mul(ODD) ^ (2 * position + u64::from(constant))))
    })
}

/// The same program with fewer steps.
pub(super) fn simplified<T: Element>(trace: &Trace<T>) -> Trace<T> {
    let mut steps: Vec<Step<T>> = Vec::new();
    // The first step with each fingerprint. One that differs from it all the same is not shared, which costs a step.
    let mut known: HashMap<u64, u32, BuildHasherDefault<Word>> = HashMap::default();
    // What became of each value.
    let mut became: Vec<Source<T>> = (0..trace.inputs as u32).map(Source::Value).collect();
    for step in &trace.steps {
        let step = step.map(|source| source.follow(|value| became[value]));
        became.push(folded(trace, &step).unwrap_or_else(|| {
            let next = steps.len() as u32;
            let first = *known.entry(fingerprint(&step)).or_insert(next);
            let place = match steps.get(first as usize) {
                Some(known) if equal(known, &step) => first,
                _ => {
                    steps.push(step);
                    next
                }
            };
            Source::Value(trace.inputs as u32 + place)
        }));
    }
    let outputs = trace.outputs.iter().map(|source| source.follow(|value| became[value])).collect();
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
    let used = trace.used(&trace.outputs);
    trace.part((0..trace.inputs as u32).collect(), |value| used[value], &trace.outputs)
}

/// The outputs from the `own`th on as values of the same program with the outputs before it alone; `None` for a value that
/// it does not compute.
pub(super) fn values_of_rest<T: Element>(trace: &Trace<T>, own: usize) -> Vec<Option<Source<T>>> {
    let used = trace.used(&trace.outputs[..own]);
    let rest = trace.part((0..trace.inputs as u32).collect(), |value| used[value], &trace.outputs[own..]);
    let known = |source: &Source<T>| match *source {
        Source::Value(value) => (value as usize) < trace.inputs || used[value as usize],
        Source::Constant(_) => true,
    };
    trace.outputs[own..].iter().zip(rest.outputs).map(|(old, new)| known(old).then_some(new)).collect()
}
