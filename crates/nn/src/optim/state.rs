//! The state of an optimizer, by parameter name.

use super::descent::{Entry, GradientDescent};
use super::rule::{Clock, UpdateRule};
use crate::checkpoint::{SavedState, count_of, finite_of, rate_of, tensor_of};
use crate::files::StateError;
use crate::parameters::{Parameters, Path};
use std::collections::HashSet;
use tape::{Element, ParamId};

const RATE: &str = "learning_rate";
const STEPS: &str = "steps";
const PRODUCT: &str = "product";

/// `learning_rate`; for every parameter with state `name.steps`, `name.product`, and its slots.
pub(super) fn save<R: UpdateRule, T: Element>(
    optimizer: &GradientDescent<R, T>,
    model: &dyn Parameters<T>,
) -> SavedState<T> {
    let mut saved = SavedState::of_numbers([(RATE, optimizer.learning_rate)]);
    model.visit(&Path::root(), &mut |path, param| {
        let Some(entry) = optimizer.entries.get(&param.id()) else { return };
        let Clock { steps, product } = entry.clock;
        saved.numbers.push((path.field(STEPS).to_string(), steps as f64));
        saved.numbers.push((path.field(PRODUCT).to_string(), product));
        for (slot, tensor) in optimizer.slots(entry).iter().zip(&entry.slots) {
            saved.tensors.push((path.field(slot).to_string(), tensor.clone()));
        }
    });
    saved
}

/// Restores the state, if its names are those of the model's parameters.
pub(super) fn restore<R: UpdateRule, T: Element>(
    optimizer: &mut GradientDescent<R, T>,
    model: &dyn Parameters<T>,
    saved: SavedState<T>,
) -> Result<(), StateError> {
    let mut entries: Vec<(ParamId, Entry<T>)> = Vec::new();
    let (mut tensors, mut numbers) = (Vec::new(), vec![RATE.to_owned()]);
    let begun: HashSet<String> = saved.numbers.iter().map(|(name, _)| name.clone()).collect();
    model.visit(&Path::root(), &mut |path, param| {
        let steps = path.field(STEPS).to_string();
        if begun.contains(&steps) {
            let entry = optimizer.fresh(path, param);
            numbers.extend([steps, path.field(PRODUCT).to_string()]);
            let slots = optimizer.slots(&entry).iter();
            tensors.extend(slots.map(|slot| (path.field(slot).to_string(), param.value().shape().dims())));
            entries.push((param.id(), entry));
        }
    });
    let wanted: Vec<(&str, &[usize])> =
        tensors.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect();
    let names: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let (found, values) = saved.exactly(&wanted, &names)?;
    let mut slots = tensors.iter().zip(found);
    let mut next = names.iter().zip(values).map(|(&name, value)| (name, value));
    let mut number = || next.next().unwrap_or_default();
    let (name, rate) = number();
    let rate = rate_of(name, rate)?;
    for (_, entry) in &mut entries {
        let ((steps, n), (product, p)) = (number(), number());
        entry.clock = Clock { steps: count_of(steps, n)?, product: finite_of(product, p)? };
        for (slot, ((name, _), tensor)) in entry.slots.iter_mut().zip(&mut slots) {
            *slot = tensor_of(name, tensor)?;
        }
    }
    optimizer.learning_rate = rate;
    optimizer.entries = entries.into_iter().collect();
    Ok(())
}
