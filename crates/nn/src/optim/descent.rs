//! The driver of all optimizers that need one gradient a step.

use super::gradients::{GradientSource, gradient_norm};
use super::groups::{Groups, Settings};
use super::rule::{Adjust, Clock, Elements, Rule};
use super::{Optimizer, state};
use crate::checkpoint::SavedState;
use crate::files::Problem;
use crate::param::Param;
use crate::parameters::{Parameters, Path};
use std::collections::BTreeMap;
use tape::{Element, Error, ParamId, Tensor};

/// An optimizer that follows a [`Rule`]: [`Sgd`](super::Sgd), [`Adam`](super::Adam) and the others are this type
/// with their rule.
///
/// Before the rule sees a gradient, it is clipped, by [`clip_norm`](Descent::clip_norm) first, and then joined by the
/// weight decay. Parameters that shall be treated differently make up a [`group`](Descent::group). State is kept by
/// parameter id, and begins with the first gradient.
///
/// A step is one pass over each parameter (two with `clip_norm`), and allocates nothing once every parameter had its
/// first.
#[derive(Clone, Debug)]
pub struct Descent<R, T: Element = f64> {
    /// η, the factor of the step.
    pub learning_rate: f64,
    /// Infinite for none.
    clip_norm: f64,
    /// Infinite for none.
    clip_value: f64,
    groups: Groups<R>,
    pub(super) entries: BTreeMap<ParamId, Entry<T>>,
}

/// What is kept for a parameter.
#[derive(Clone, Debug)]
pub(super) struct Entry<T: Element> {
    group: usize,
    pub clock: Clock,
    pub slots: Vec<Tensor<T>>,
}

impl<T: Element> Entry<T> {
    /// State before the first step.
    fn new<R: Rule>(groups: &Groups<R>, path: &Path<'_>, param: &Param<T>) -> Entry<T> {
        let group = groups.find(path);
        let rule = &groups.settings(group).rule;
        let start = T::from_f64(rule.start());
        let slots = rule.slots().iter().map(|_| Tensor::full(param.value().shape(), start));
        Entry { group, clock: Clock::default(), slots: slots.collect() }
    }
}

impl<R: Rule, T: Element> Descent<R, T> {
    /// Descent by a rule.
    pub fn by(rule: R, learning_rate: f64) -> Descent<R, T> {
        Descent {
            learning_rate,
            clip_norm: f64::INFINITY,
            clip_value: f64::INFINITY,
            groups: Groups::new(rule),
            entries: BTreeMap::new(),
        }
    }

    /// The rule, as it holds for parameters in no group.
    pub fn rule(&self) -> &R {
        &self.groups.others.rule
    }

    /// Changes the rule.
    pub(super) fn with(mut self, change: impl FnOnce(&mut R)) -> Descent<R, T> {
        change(&mut self.groups.others.rule);
        self
    }

    /// λ of the weight decay, which pulls weights towards 0: the gradient becomes `g + λ w`. With AdamW, Lion and
    /// NAdam (if asked to) the weights shrink by the factor `1 - η λ` instead. Usually 1e-5 to 1e-2; where weights
    /// shrink, 1e-2 to 0.3.
    pub fn weight_decay(mut self, decay: f64) -> Descent<R, T> {
        self.groups.others.weight_decay = decay;
        self
    }

    /// Multiplies the learning rate; of use in a [`group`](Descent::group).
    pub fn rate_factor(mut self, factor: f64) -> Descent<R, T> {
        self.groups.others.rate_factor = factor;
        self
    }

    /// Scales all gradients of a step by one factor if their [norm](gradient_norm) is above `bound`, to that norm:
    /// the direction stays (Pascanu, Mikolov and Bengio 2013). If the norm is not a number, nothing is scaled.
    ///
    /// ```
    /// use nn::{Optimizer, Param, Sgd};
    /// use tape::Tape;
    /// let mut w = Param::new([30.0, 40.0]);
    /// let grads = { let tape = Tape::new(); (w.on(&tape).square().sum() * 0.5).backward() };
    /// Sgd::new(1.0).clip_norm(5.0).step(&mut w, &grads);
    /// assert!(w.value().to_vec().iter().zip([27.0, 36.0]).all(|(w, expected)| (w - expected).abs() < 1e-12));
    /// ```
    pub fn clip_norm(mut self, bound: f64) -> Descent<R, T> {
        self.clip_norm = bound;
        self
    }

    /// Moves every element of a gradient into `[-bound, bound]`.
    ///
    /// ```
    /// use nn::{Optimizer, Param, Sgd};
    /// use tape::Tape;
    /// let mut w = Param::new([30.0, -40.0, 0.5]);
    /// let grads = { let tape = Tape::new(); (w.on(&tape).square().sum() * 0.5).backward() };
    /// Sgd::new(1.0).clip_value(5.0).step(&mut w, &grads);
    /// assert_eq!(w.value().to_vec(), [25.0, -35.0, 0.0]);
    /// ```
    pub fn clip_value(mut self, bound: f64) -> Descent<R, T> {
        self.clip_value = bound;
        self
    }

    /// Treats the parameters whose names `selects` chooses as `change` says: it starts from the settings so far and
    /// may change the weight decay, the rate factor and what is the rule's own; clipping and the learning rate are
    /// the same for all. A parameter belongs to the first group that selects it; its name at its first step
    /// decides.
    ///
    /// ```
    /// use nn::optim::AdamW;
    /// use nn::{Optimizer, Param};
    /// use tape::Tape;
    /// let mut model = [Param::new(1.0), Param::new(1.0)];
    /// let grads = {
    ///     let tape = Tape::new();
    ///     ((model[0].on(&tape) + model[1].on(&tape)) * 0.0).sum().backward()
    /// };
    /// let optimizer = AdamW::new(0.1).weight_decay(0.5);
    /// let mut optimizer = optimizer.group(|name| name == "1", |group| group.weight_decay(0.0));
    /// optimizer.step(&mut model, &grads);
    /// assert_eq!(model.map(|w| w.value().item()), [0.95, 1.0]);
    /// ```
    pub fn group(
        mut self,
        selects: impl Fn(&str) -> bool + Send + Sync + 'static,
        change: impl FnOnce(Descent<R, T>) -> Descent<R, T>,
    ) -> Descent<R, T> {
        let mut blank = Descent::by(self.rule().clone(), self.learning_rate);
        blank.groups.others = self.groups.others.clone();
        self.groups.push(selects, change(blank).groups.others);
        self
    }

    /// State before the first step.
    pub(super) fn fresh(&self, path: &Path<'_>, param: &Param<T>) -> Entry<T> {
        Entry::new(&self.groups, path, param)
    }

    /// The names of the slots of a parameter.
    pub(super) fn slots(&self, entry: &Entry<T>) -> &'static [&'static str] {
        self.groups.settings(entry.group).rule.slots()
    }

    /// The factor that brings the norm of all gradients below its bound.
    fn scale(&self, model: &dyn Parameters<T>, grads: &dyn GradientSource<T>) -> f64 {
        if self.clip_norm == f64::INFINITY {
            return 1.0;
        }
        let norm = gradient_norm(model, grads);
        if norm > self.clip_norm { self.clip_norm / norm } else { 1.0 }
    }

    /// Changes one parameter.
    fn update(&mut self, path: &Path<'_>, param: &mut Param<T>, gradient: Tensor<T>, scale: f64) {
        let entry = self.entries.entry(param.id()).or_insert_with(|| Entry::new(&self.groups, path, param));
        let Settings { rate_factor, weight_decay, rule } = self.groups.settings(entry.group);
        let rate = rate_factor * self.learning_rate;
        let (decay, shrink) =
            if rule.decoupled() { (0.0, 1.0 - rate * weight_decay) } else { (*weight_decay, 1.0) };
        let adjust = Adjust {
            scale: T::from_f64(scale),
            limit: T::from_f64(self.clip_value),
            decay: T::from_f64(decay),
            shrink: T::from_f64(shrink),
        };
        let gradient = if gradient.is_contiguous() { gradient } else { gradient.contiguous() };
        let elements = Elements {
            weights: param.value_mut().as_mut_slice(),
            gradient: gradient.as_slice().unwrap_or_default(),
            slots: &mut entry.slots,
            adjust,
        };
        entry.clock.steps += 1;
        rule.update(rate, &mut entry.clock, elements);
    }
}

impl<R: Rule, T: Element> Optimizer<T> for Descent<R, T> {
    #[track_caller]
    fn step(&mut self, model: &mut dyn Parameters<T>, grads: &dyn GradientSource<T>) {
        let scale = self.scale(model, grads);
        let (mut trainable, mut updated) = (0usize, 0usize);
        model.visit_mut(&Path::root(), &mut |path, param| {
            if !param.is_trainable() {
                return;
            }
            trainable += 1;
            if let Some(gradient) = grads.gradient(param.id()) {
                self.update(path, param, gradient, scale);
                updated += 1;
            }
        });
        if updated == 0 && trainable > 0 {
            let reason = format!("no gradient for any of the model's {trainable} parameters");
            Error::Invalid { op: R::NAME, reason }.panic();
        }
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }

    fn save(&self, model: &dyn Parameters<T>) -> SavedState<T> {
        state::save(self, model)
    }

    fn restore(&mut self, model: &dyn Parameters<T>, saved: SavedState<T>) -> Result<(), Problem> {
        state::restore(self, model, saved)
    }
}
