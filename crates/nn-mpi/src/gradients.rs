//! Gradients and statistics of a model as one buffer, which MPI adds.

use nn::optim::GradientSource;
use nn::{Context, Parameters, Path, Role};
use std::collections::BTreeMap;
use std::ops::Range;
use tape::{Element, Gradients, ParamId, Shape, Tensor};

/// The mean of the gradients of all ranks, for an optimizer.
#[derive(Clone, Debug, Default)]
pub struct Reduced<T: Element = f64> {
    places: BTreeMap<ParamId, Place>,
    values: Vec<T>,
}

/// The elements of a parameter in a buffer.
#[derive(Clone, Debug)]
struct Place {
    elements: Range<usize>,
    shape: Shape,
    /// The place of the number of samples whose loss depends on a trainable parameter; `None` for a buffer.
    samples: Option<usize>,
}

impl<T: Element> Reduced<T> {
    /// Plans the buffer for a model: a number for each trainable parameter, and the elements of these and of the buffers.
    pub(crate) fn plan(&mut self, model: &dyn Parameters<T>) {
        let mut trainable = 0;
        model.visit(&Path::root(), &mut |_, param| trainable += usize::from(param.is_trainable()));
        self.places.clear();
        let (mut start, mut position) = (trainable, 0);
        model.visit(&Path::root(), &mut |_, param| {
            let samples = match param.role() {
                Role::Trainable => {
                    position += 1;
                    Some(position - 1)
                }
                Role::Buffer => None,
                Role::Frozen => return,
            };
            let shape = param.value().shape().clone();
            let elements = start..start + param.value().size();
            start = elements.end;
            self.places.insert(param.id(), Place { elements, shape, samples });
        });
        self.values.clear();
        self.values.resize(start, T::ZERO);
    }

    /// The number of trainable parameters.
    pub(crate) fn parameters(&self) -> usize {
        self.places.values().filter(|place| place.samples.is_some()).count()
    }

    /// The number of elements of parameters and buffers.
    pub(crate) fn elements(&self) -> usize {
        self.len() - self.parameters()
    }

    /// The length of the buffer.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The buffer of one shard: its gradients, and the changes of the buffers that its layers requested in `cx`, each
    /// times its number of samples. Weights that are whole numbers keep the mean of equal changes exact.
    pub(crate) fn fill(
        &self,
        model: &dyn Parameters<T>,
        grads: &Gradients<T>,
        cx: &Context<T>,
        samples: usize,
        out: &mut Vec<T>,
    ) {
        let weight = T::from_f64(samples as f64);
        out.clear();
        out.resize(self.len(), T::ZERO);
        model.visit(&Path::root(), &mut |_, param| {
            let Some(place) = self.places.get(&param.id()) else { return };
            let part = &mut out[place.elements.clone()];
            match place.samples {
                Some(at) => {
                    let Some(gradient) = grads.gradient(param.id()) else { return };
                    let gradient = gradient.contiguous();
                    for (out, &g) in part.iter_mut().zip(gradient.as_slice().unwrap_or_default()) {
                        *out = weight * g;
                    }
                    out[at] = weight;
                }
                None => {
                    let (new, old) = (cx.get(param).to_vec(), param.value().to_vec());
                    for (out, (new, old)) in part.iter_mut().zip(new.into_iter().zip(old)) {
                        *out = weight * (new - old);
                    }
                }
            }
        });
    }

    /// The sum that is being formed.
    pub(crate) fn values_mut(&mut self) -> &mut [T] {
        &mut self.values
    }

    /// Makes the sum over all ranks the mean over `samples`, and requests the new statistics in `cx`.
    pub(crate) fn finish(&mut self, model: &dyn Parameters<T>, samples: usize, cx: &mut Context<T>) {
        let count = T::from_f64(samples as f64);
        let start = self.parameters();
        self.values[start..].iter_mut().for_each(|x| *x /= count);
        model.visit(&Path::root(), &mut |_, param| {
            if let Some(place) = self.places.get(&param.id()).filter(|place| place.samples.is_none()) {
                let change = &self.values[place.elements.clone()];
                if change.iter().any(|&x| x != T::ZERO)
                    && let Ok(change) = Tensor::from_slice(place.shape.clone(), change)
                {
                    cx.set(param, param.value() + &change);
                }
            }
        });
    }
}

impl<T: Element> GradientSource<T> for Reduced<T> {
    fn gradient(&self, id: ParamId) -> Option<Tensor<T>> {
        let place = self.places.get(&id)?;
        let took_part = place.samples.is_some_and(|at| self.values[at] != T::ZERO);
        took_part
            .then(|| Tensor::from_slice(place.shape.clone(), &self.values[place.elements.clone()]).ok())?
    }
}
