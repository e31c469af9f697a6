//! The driver of all optimizers that need one gradient per step.

use super::error::StepError;
use super::gradients::{GradientSource, Norm, collect};
use super::groups::{Groups, Settings};
use super::rule::{Adjust, Clock, Elements, UpdateRule};
use super::{Optimizer, state};
use crate::Param;
use crate::checkpoint::SavedState;
use crate::files::StateError;
use crate::parameters::{Parameters, Path};
use crate::setting::{self, expect};
use std::collections::BTreeMap;
use tape::element::Real;
use tape::{Element, Error, ParamId, Tensor};

/// An optimizer that follows an [`UpdateRule`]: [`Sgd`](super::Sgd), [`Adam`](super::Adam) and the others are
/// this type with their rule.
///
/// Before the rule sees a gradient, it is clipped, by [`clip_norm`](GradientDescent::clip_norm) first, and
/// the weight decay is added. Parameters with other settings form a [`group`](GradientDescent::group). State
/// is keyed by parameter id, and created with the first gradient.
///
/// A step is one pass over each parameter (two with `clip_norm`), and allocates nothing once every parameter
/// has had its first. [`Optimizer`] describes the treatment of values that are not finite.
///
/// Settings are changed by methods, such as [`weight_decay`](GradientDescent::weight_decay): see
/// [the module](super#settings). Those out of range panic where they are set;
/// [`try_with_rule`](GradientDescent::try_with_rule) returns an error, for settings from user input.
#[derive(Clone, Debug)]
pub struct GradientDescent<R, T: Element = f64> {
    /// η, the factor of the step.
    pub learning_rate: f64,
    /// Infinity for none.
    clip_norm: f64,
    /// Infinity for none.
    clip_value: f64,
    groups: Groups<R>,
    pub(super) entries: BTreeMap<ParamId, Entry<T>>,
    skipped: u64,
    /// The gradients of the current step; kept to reuse their memory.
    gradients: Vec<(ParamId, Tensor<T>)>,
}

/// The state of a parameter.
#[derive(Clone, Debug)]
pub(super) struct Entry<T: Element> {
    group: usize,
    pub clock: Clock,
    pub slots: Vec<Tensor<T>>,
}

impl<T: Element> Entry<T> {
    /// State before the first step.
    fn new<R: UpdateRule>(groups: &Groups<R>, path: &Path<'_>, param: &Param<T>) -> Entry<T> {
        let group = groups.find(path);
        let rule = &groups.settings(group).rule;
        let start = T::from_f64(rule.initial_slot_value());
        let slots = rule.slots().iter().map(|_| Tensor::full(param.value().shape(), start));
        Entry { group, clock: Clock::default(), slots: slots.collect() }
    }
}

impl<R: UpdateRule, T: Element> GradientDescent<R, T> {
    /// An optimizer with this rule.
    ///
    /// # Panics
    /// If the learning rate is negative, infinite or NaN, or a setting of the rule is out of range.
    #[track_caller]
    pub fn with_rule(rule: R, learning_rate: f64) -> GradientDescent<R, T> {
        expect(GradientDescent::try_with_rule(rule, learning_rate))
    }

    /// An optimizer with a rule whose settings come from user input.
    ///
    /// ```
    /// use nn::optim::{Adam, AdamRule};
    /// let rule = AdamRule { betas: (0.9, 1.5), ..AdamRule::default() };
    /// let error = Adam::<f64>::try_with_rule(rule, 0.1).unwrap_err();
    /// assert_eq!(error.to_string(), "adam: expected a second beta in [0, 1), found 1.5");
    /// ```
    ///
    /// # Errors
    /// If the learning rate is negative, infinite or NaN, or a setting of the rule is out of range.
    pub fn try_with_rule(rule: R, learning_rate: f64) -> Result<GradientDescent<R, T>, Error> {
        setting::not_negative(R::NAME, "learning rate", learning_rate)?;
        rule.check()?;
        Ok(GradientDescent {
            learning_rate,
            clip_norm: f64::INFINITY,
            clip_value: f64::INFINITY,
            groups: Groups::new(rule),
            entries: BTreeMap::new(),
            skipped: 0,
            gradients: Vec::new(),
        })
    }

    /// The rule for parameters in no group.
    pub fn rule(&self) -> &R {
        &self.groups.others.rule
    }

    /// Changes the rule.
    #[track_caller]
    pub(super) fn with(mut self, change: impl FnOnce(&mut R)) -> GradientDescent<R, T> {
        change(&mut self.groups.others.rule);
        expect(self.rule().check());
        self
    }

    /// The number of steps so far in which elements were left unchanged because their gradient was infinite
    /// or NaN.
    ///
    /// ```
    /// use nn::Param;
    /// use nn::optim::{Optimizer, Sgd};
    /// use tape::Tape;
    /// let mut w = Param::new([1.0, 2.0]);
    /// let mut optimizer = Sgd::new(0.5);
    /// let grads = { let tape = Tape::new(); (w.on(&tape) * tape.constant([f64::INFINITY, 1.0])).sum().backward() };
    /// optimizer.step(&mut w, &grads);
    /// assert_eq!((w.value().to_vec(), optimizer.skipped()), (vec![1.0, 1.5], 1));
    /// ```
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Sets the weight decay λ, which pulls weights towards 0: the gradient becomes `g + λ w`. With AdamW,
    /// Lion and (optionally) NAdam and RAdam the weights shrink by the factor `1 - η λ` instead. Usually 1e-5 to 1e-2;
    /// where weights shrink, 1e-2 to 0.3.
    ///
    /// # Panics
    /// If λ is negative, infinite or NaN.
    #[track_caller]
    pub fn weight_decay(mut self, decay: f64) -> GradientDescent<R, T> {
        expect(setting::not_negative(R::NAME, "weight decay", decay));
        self.groups.others.weight_decay = decay;
        self
    }

    /// Multiplies the learning rate; useful in a [`group`](GradientDescent::group).
    ///
    /// # Panics
    /// If the factor is negative, infinite or NaN.
    #[track_caller]
    pub fn lr_scale(mut self, factor: f64) -> GradientDescent<R, T> {
        expect(setting::not_negative(R::NAME, "rate factor", factor));
        self.groups.others.lr_scale = factor;
        self
    }

    /// Scales all gradients of a step by one factor if their [norm](super::gradient_norm) is above `bound`,
    /// to that norm: the direction is preserved (Pascanu, Mikolov and Bengio 2013). If a gradient is infinite
    /// or NaN there is no such factor, and no step is made: see [`Optimizer`].
    ///
    /// ```
    /// use nn::Param;
    /// use nn::optim::{Optimizer, Sgd};
    /// use tape::Tape;
    /// let mut w = Param::new([30.0, 40.0]);
    /// let grads = { let tape = Tape::new(); (w.on(&tape).square().sum() * 0.5).backward() };
    /// Sgd::new(1.0).clip_norm(5.0).step(&mut w, &grads);
    /// assert!(w.value().to_vec().iter().zip([27.0, 36.0]).all(|(w, expected)| (w - expected).abs() < 1e-12));
    /// ```
    ///
    /// # Panics
    /// If the bound is not positive; infinity means none.
    #[track_caller]
    pub fn clip_norm(mut self, bound: f64) -> GradientDescent<R, T> {
        expect(setting::bound(R::NAME, "bound of the norm", bound));
        self.clip_norm = bound;
        self
    }

    /// Clamps every element of a gradient to `[-bound, bound]`; one that is infinite or NaN is still left out
    /// of the step: see [`Optimizer`].
    ///
    /// ```
    /// use nn::Param;
    /// use nn::optim::{Optimizer, Sgd};
    /// use tape::Tape;
    /// let mut w = Param::new([30.0, -40.0, 0.5]);
    /// let grads = { let tape = Tape::new(); (w.on(&tape).square().sum() * 0.5).backward() };
    /// Sgd::new(1.0).clip_value(5.0).step(&mut w, &grads);
    /// assert_eq!(w.value().to_vec(), [25.0, -35.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If the bound is not positive; infinity means none.
    #[track_caller]
    pub fn clip_value(mut self, bound: f64) -> GradientDescent<R, T> {
        expect(setting::bound(R::NAME, "bound of the elements", bound));
        self.clip_value = bound;
        self
    }

    /// Applies `change` to the settings of the parameters whose names `selects` accepts. It starts from the
    /// current settings and may change the weight decay, the rate factor and the rule's own settings;
    /// clipping and the learning rate are the same for all. A parameter belongs to the first group that
    /// selects it, by its name at its first step. A step is refused while some group selects no parameter of
    /// its model, trainable or not, and has selected none of an earlier model: its pattern is a mistake.
    ///
    /// ```
    /// use nn::optim::AdamW;
    /// use nn::Param;
    /// use nn::optim::Optimizer;
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
    #[track_caller]
    pub fn group(
        mut self,
        selects: impl Fn(&str) -> bool + Send + Sync + 'static,
        change: impl FnOnce(GradientDescent<R, T>) -> GradientDescent<R, T>,
    ) -> GradientDescent<R, T> {
        let mut blank = GradientDescent::with_rule(self.rule().clone(), self.learning_rate);
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

    /// Collects the gradients, or refuses a step that cannot be made before anything changes.
    fn prepare(
        &mut self,
        model: &dyn Parameters<T>,
        grads: &dyn GradientSource<T>,
    ) -> Result<Vec<(ParamId, Tensor<T>)>, StepError> {
        let (optimizer, found) = (R::NAME, self.learning_rate);
        if !(found.is_finite() && found >= 0.0) {
            return Err(StepError::LearningRate { optimizer, found });
        }
        if self.groups.wait() {
            model.visit(&Path::root(), &mut |path, _| self.groups.see(path));
            if let Some(number) = self.groups.unused() {
                return Err(StepError::Group { optimizer, number });
            }
        }
        let mut gradients = std::mem::take(&mut self.gradients);
        let parameters = collect(optimizer, model, grads, &mut gradients)?;
        if gradients.is_empty() && parameters > 0 {
            return Err(StepError::NoGradient { optimizer, parameters });
        }
        let kept = if self.groups.keep() { &gradients[..] } else { &[] };
        for (id, gradient) in kept {
            let slots = self.entries.get(id).map_or(&[][..], |entry| &entry.slots);
            if let Some(slot) = slots.iter().find(|slot| slot.shape() != gradient.shape()) {
                let (expected, found) = (slot.shape().dims(), gradient.shape().dims());
                let parameter = name_of(model, Some(*id));
                return Err(StepError::Shape { optimizer, parameter, expected, found });
            }
        }
        Ok(gradients)
    }

    /// The factors that bring the norm of all gradients below its bound.
    ///
    /// # Errors
    /// If the norm is not finite.
    fn factors(
        &self,
        model: &dyn Parameters<T>,
        gradients: &[(ParamId, Tensor<T>)],
    ) -> Result<[T; 2], StepError> {
        if self.clip_norm == f64::INFINITY {
            return Ok([T::ONE; 2]);
        }
        let norm = Norm::of(gradients);
        if norm.length.is_finite() {
            return Ok(norm.factors(self.clip_norm).unwrap_or([T::ONE; 2]));
        }
        let first = gradients.iter().find(|(_, gradient)| !is_finite(gradient)).map(|(id, _)| *id);
        Err(StepError::Gradient { optimizer: R::NAME, parameter: name_of(model, first) })
    }

    /// Updates one parameter by its gradient times both factors. Returns `true` if all elements moved.
    fn update(
        &mut self,
        path: &Path<'_>,
        param: &mut Param<T>,
        gradient: &Tensor<T>,
        [first, scale]: [T; 2],
    ) -> bool {
        let entry = self.entries.entry(param.id()).or_insert_with(|| Entry::new(&self.groups, path, param));
        let Settings { lr_scale, weight_decay, rule } = self.groups.settings(entry.group);
        let rate = lr_scale * self.learning_rate;
        let (decay, shrink) =
            if rule.decoupled() { (0.0, rate * weight_decay) } else { (*weight_decay, 0.0) };
        let adjust = Adjust {
            scale,
            limit: T::from_f64(self.clip_value),
            decay: T::from_f64(decay),
            shrink: T::narrow(T::Wide::ONE - T::Wide::from_f64(shrink)),
            most: Adjust::most([rate, decay, 1.0 - shrink]),
        };
        let changed = match first == T::ONE {
            true if gradient.is_contiguous() => None,
            true => Some(gradient.contiguous()),
            false => Some(gradient.map_elements(|g| first * g)),
        };
        let gradient = changed.as_ref().unwrap_or(gradient);
        let mut finite = true;
        let elements = Elements {
            weights: param.value_mut().as_mut_slice(),
            gradient: gradient.as_slice().unwrap_or_default(),
            slots: &mut entry.slots,
            adjust,
            finite: &mut finite,
        };
        entry.clock.steps += 1;
        rule.update(rate, &mut entry.clock, elements);
        finite
    }

    /// The reason why elements of a parameter were left unchanged.
    #[cold]
    fn refusal(&self, path: &Path<'_>, gradient: &Tensor<T>) -> StepError {
        let (optimizer, parameter, learning_rate) = (R::NAME, path.to_string(), self.learning_rate);
        match is_finite(gradient) {
            true => StepError::Overflow { optimizer, parameter, learning_rate },
            false => StepError::Gradient { optimizer, parameter },
        }
    }

    /// Updates all parameters that have a gradient, and applies the requests of the forward pass.
    ///
    /// # Errors
    /// If elements were left unchanged: for the first such parameter with finite gradients, else for the
    /// first.
    fn update_all(
        &mut self,
        model: &mut dyn Parameters<T>,
        gradients: &[(ParamId, Tensor<T>)],
    ) -> Result<(), StepError> {
        let factors = self.factors(model, gradients)?;
        let mut result = Ok(());
        let mut gradients = gradients.iter().peekable();
        model.visit_mut(&Path::root(), &mut |path, param| {
            param.settle();
            let Some((_, gradient)) = gradients.next_if(|(id, _)| *id == param.id()) else { return };
            if self.update(path, param, gradient, factors) {
                return;
            }
            match (&result, self.refusal(path, gradient)) {
                (Ok(()), error) | (Err(StepError::Gradient { .. }), error @ StepError::Overflow { .. }) => {
                    result = Err(error);
                }
                _ => {}
            }
        });
        result
    }
}

/// The name of a parameter, for messages.
fn name_of<T: Element>(model: &dyn Parameters<T>, id: Option<ParamId>) -> String {
    let mut name = String::new();
    model.visit(&Path::root(), &mut |path, param| {
        if Some(param.id()) == id {
            name = path.to_string();
        }
    });
    name
}

/// Returns `true` if all elements are finite.
fn is_finite<T: Element>(gradient: &Tensor<T>) -> bool {
    gradient.contiguous().as_slice().unwrap_or_default().iter().all(|g| g.is_finite())
}

// Not inlined, so that programs use the copies in this crate: see `instances`.
impl<R: UpdateRule, T: Element> Optimizer<T> for GradientDescent<R, T> {
    #[inline(never)]
    fn try_step(
        &mut self,
        model: &mut dyn Parameters<T>,
        grads: &dyn GradientSource<T>,
    ) -> Result<(), StepError> {
        let mut gradients = self.prepare(model, grads)?;
        let result = self.update_all(model, &gradients);
        gradients.clear();
        self.gradients = gradients;
        self.skipped += u64::from(matches!(result, Err(StepError::Gradient { .. })));
        result
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    #[track_caller]
    fn set_learning_rate(&mut self, learning_rate: f64) {
        expect(setting::not_negative(R::NAME, "learning rate", learning_rate));
        self.learning_rate = learning_rate;
    }

    #[inline(never)]
    fn save(&self, model: &dyn Parameters<T>) -> SavedState<T> {
        state::save(self, model)
    }

    #[inline(never)]
    fn restore(&mut self, model: &dyn Parameters<T>, saved: SavedState<T>) -> Result<(), StateError> {
        state::restore(self, model, saved)
    }
}
