//! Types with named parameters.
//!
//! [`Parameters`] is a visitor: a training step walks over a model without allocating a name or a list. Names
//! are formed only when a [`Path`] is printed.

use crate::Param;
use crate::cast::{Cast, not_cast};
use crate::files::{FileElement, FileError};
use crate::state;
use crate::summary::Summary;
use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use tape::{Element, Error, ParamId, Tape};

/// The path of a parameter in a model: `blocks.2.fc1.weight`. Segments are linked on the stack.
///
/// ```
/// use nn::Path;
/// let root = Path::root();
/// let blocks = root.field("blocks");
/// let third = blocks.index(2);
/// assert_eq!(third.field("weight").to_string(), "blocks.2.weight");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    segment: Segment<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Segment<'p> {
    Root,
    Field(&'p str),
    Index(usize),
    Numbered(&'p str, usize),
    Reverse(&'p str, usize),
}

impl Path<'static> {
    /// The path of the model itself: no segments.
    pub const fn root() -> Path<'static> {
        Path { parent: None, segment: Segment::Root }
    }
}

impl<'p> Path<'p> {
    /// The path of a field.
    pub fn field(&'p self, name: &'p str) -> Path<'p> {
        Path { parent: Some(self), segment: Segment::Field(name) }
    }

    /// The path of an element of a list.
    pub fn index(&'p self, i: usize) -> Path<'p> {
        Path { parent: Some(self), segment: Segment::Index(i) }
    }

    /// The path of one of several fields whose names end in a number.
    ///
    /// ```
    /// use nn::Path;
    /// assert_eq!(Path::root().field("rnn").numbered("weight_ih_l", 0).to_string(), "rnn.weight_ih_l0");
    /// ```
    pub fn numbered(&'p self, name: &'p str, i: usize) -> Path<'p> {
        Path { parent: Some(self), segment: Segment::Numbered(name, i) }
    }

    /// As [`numbered`](Path::numbered), for the reverse direction: `weight_ih_l0_reverse`.
    pub(crate) fn reverse(&'p self, name: &'p str, i: usize) -> Path<'p> {
        Path { parent: Some(self), segment: Segment::Reverse(name, i) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
            if !matches!(parent.segment, Segment::Root) {
                f.write_str(".")?;
            }
        }
        match self.segment {
            Segment::Root => Ok(()),
            Segment::Field(name) => f.write_str(name),
            Segment::Index(i) => write!(f, "{i}"),
            Segment::Numbered(name, i) => write!(f, "{name}{i}"),
            Segment::Reverse(name, i) => write!(f, "{name}{i}_reverse"),
        }
    }
}

/// Something with named parameters.
///
/// Written by `#[derive(Parameters)]`: each field that is a parameter, a module, or a `Vec`, `Option`, `Box`,
/// array or tuple of them is visited under its name; `#[parameters(skip)]` marks a field that is something
/// else. The element type is the type parameter bound by `Element`, or else `f32` if the types of fields say so, as
/// `Linear<f32>` does, or else `f64`; `#[parameters(element = f32)]` on the struct states it. A struct that is generic over
/// it is also [`Cast`].
///
/// ```
/// use nn::{Linear, Param, Parameters};
///
/// #[derive(Parameters)]
/// struct Net {
///     blocks: Vec<Linear>,
///     gain: Param,
///     #[parameters(skip)]
///     steps: usize,
/// }
///
/// let blocks = vec![Linear::from_values([[1.0, 2.0]], [0.5])];
/// let mut net = Net { blocks, gain: Param::new(1.0), steps: 3 };
/// let names: Vec<String> = net.named_parameters().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["blocks.0.weight", "blocks.0.bias", "gain"]);
/// assert_eq!(net.count(), 4);
/// assert_eq!(net.freeze_matching("blocks.*").unwrap(), 2);
/// assert_eq!(net.count(), 1);
/// ```
///
/// Fields of both number types are refused, unless the struct states which one its parameters have:
///
/// ```compile_fail
/// use nn::{Linear, Parameters};
///
/// #[derive(Parameters)]
/// struct Mixed {
///     first: Linear<f32>,
///     second: Linear<f64>,
/// }
/// ```
///
/// By hand, each visit has one line per field. Both visits call `f` for the same parameters, under the same
/// names, in the same order:
///
/// ```
/// use nn::{Param, Parameters, Path};
///
/// struct Scale {
///     gain: Param,
///     offset: Param,
/// }
///
/// impl Parameters for Scale {
///     fn visit<'a>(&'a self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a Param)) {
///         self.gain.visit(&path.field("gain"), f);
///         self.offset.visit(&path.field("offset"), f);
///     }
///     fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a mut Param)) {
///         self.gain.visit_mut(&path.field("gain"), f);
///         self.offset.visit_mut(&path.field("offset"), f);
///     }
/// }
///
/// let model = vec![Scale { gain: Param::new([1.0, 1.0]), offset: Param::new(0.0) }];
/// assert_eq!(model.named_parameters()[1].0, "0.offset");
/// assert_eq!(model.count(), 3);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no parameters of type `{T}`",
    note = "derive `Parameters` for it, make it a `Param`, or mark the field with `#[parameters(skip)]`",
    note = "`#[parameters(element = f32)]` on a struct states the type of its elements if its fields do not"
)]
pub trait Parameters<T: Element = f64> {
    /// Calls `f` with every parameter and its path, which begins with `path`.
    fn visit<'a>(&'a self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a Param<T>));

    /// As [`visit`](Parameters::visit), mutably.
    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a mut Param<T>));

    /// Every parameter with its name, in order of visit; frozen ones and buffers too.
    fn named_parameters(&self) -> Vec<(String, &Param<T>)> {
        let mut list = Vec::new();
        self.visit(&Path::root(), &mut |path, param| list.push((path.to_string(), param)));
        list
    }

    /// Names the parameters that a tape has recorded, for [views](Tape::view) and for
    /// [`find_nonfinite`](Tape::find_nonfinite). Call it after the forward pass.
    ///
    /// ```
    /// use nn::{Context, Linear, Module, Parameters, Sequential, Tanh};
    /// use tape::{Tape, Tensor};
    /// let model = Sequential::new().push(Tanh).push(Linear::from_values([[1.0, f64::NAN]], [0.5]));
    /// let tape = Tape::new();
    /// let y = model.forward(tape.constant([[1.0, 2.0]]), &mut Context::eval());
    /// model.name_on(&tape);
    /// let found = y.square().mean().find_nonfinite().forward.unwrap();
    /// assert_eq!(found.to_string(), "leaf `1.weight`: value is NaN");
    /// ```
    fn name_on(&self, tape: &Tape<T>) {
        self.visit(&Path::root(), &mut |path, param| {
            tape.name_parameter(param.id(), &param.latest(), &path.to_string());
        });
    }

    /// Every parameter in order of visit; frozen ones and buffers too.
    fn parameters(&self) -> Vec<&Param<T>> {
        self.named_parameters().into_iter().map(|(_, param)| param).collect()
    }

    /// The parameters with their shapes, as a table to print.
    ///
    /// ```
    /// use nn::{Linear, Parameters};
    /// let layer = Linear::from_values([[1.0, 2.0]], [0.5]);
    /// let expected = "\
    /// name    shape    trainable       fixed
    /// weight  [1, 2]           2           0
    /// bias    [1]              1           0
    /// all                      3           0
    /// 24 bytes of parameters";
    /// assert_eq!(layer.summary().to_string(), expected);
    /// ```
    fn summary(&self) -> Summary {
        Summary::of(self)
    }

    /// Writes the parameters to a file, `.safetensors` or `.npz`: [`save`](crate::save) as a method.
    ///
    /// # Errors
    /// As [`files::save`](crate::files::save).
    fn save(&self, path: impl AsRef<std::path::Path>) -> Result<(), FileError>
    where
        Self: Sized,
        T: FileElement,
    {
        state::save(path, self)
    }

    /// Loads the parameters from a file, `.safetensors` or `.npz`: [`load`](crate::load) as a method.
    ///
    /// # Errors
    /// As [`load`](crate::load). The model is then unchanged.
    fn load(&mut self, path: impl AsRef<std::path::Path>) -> Result<(), FileError>
    where
        Self: Sized,
        T: FileElement,
    {
        state::load(path, self)
    }

    /// The number of trainable elements.
    fn count(&self) -> usize {
        let mut count = 0;
        self.visit(&Path::root(), &mut |_, param| {
            count += if param.is_trainable() { param.value().size() } else { 0 };
        });
        count
    }

    /// Freezes every trainable parameter whose name matches, and returns how many: they get no gradient, and
    /// no optimizer changes them. `*` matches any text. Buffers stay buffers.
    ///
    /// # Errors
    /// If no parameter matches.
    ///
    /// ```
    /// use nn::{Parameters, Tanh, mlp};
    /// use rand::{SeedableRng, rngs::StdRng};
    /// let mut model = mlp::<f64>(&[2, 3, 1], Tanh, Tanh, &mut StdRng::seed_from_u64(0));
    /// assert_eq!(model.freeze_matching("*.bias"), Ok(2));
    /// assert_eq!(model.count(), 9);
    /// assert_eq!(model.unfreeze_matching("2.*"), Ok(2));
    /// assert_eq!(model.count(), 10);
    /// let error = model.freeze_matching("3.*").unwrap_err().to_string();
    /// assert_eq!(error, "freeze_matching: no parameter matches \"3.*\"; there are 0.weight, 0.bias, 2.weight, 2.bias");
    /// ```
    fn freeze_matching(&mut self, pattern: &str) -> Result<usize, Error> {
        change_matching(self, "freeze_matching", pattern, Param::freeze)
    }

    /// Makes every frozen parameter whose name matches trainable again: see
    /// [`freeze_matching`](Parameters::freeze_matching).
    ///
    /// # Errors
    /// If no parameter matches.
    fn unfreeze_matching(&mut self, pattern: &str) -> Result<usize, Error> {
        change_matching(self, "unfreeze_matching", pattern, Param::unfreeze)
    }

    /// Freezes as [`freeze_matching`](Parameters::freeze_matching) until the guard is dropped, which gives back access to
    /// the model and leaves frozen what was frozen before.
    ///
    /// ```
    /// use nn::{Parameters, Tanh, mlp};
    /// use rand::{SeedableRng, rngs::StdRng};
    /// let mut model = mlp::<f64>(&[2, 3, 1], Tanh, Tanh, &mut StdRng::seed_from_u64(0));
    /// model.freeze_matching("0.bias")?;
    /// let frozen = model.frozen("0.*")?;
    /// assert_eq!(frozen.count(), 4);
    /// drop(frozen);
    /// assert_eq!(model.count(), 10);
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// If no parameter matches.
    fn frozen(&mut self, pattern: &str) -> Result<Frozen<'_, Self, T>, Error>
    where
        Self: Sized,
    {
        let mut before = BTreeSet::new();
        self.visit(&Path::root(), &mut |_, param| {
            if param.is_trainable() {
                before.insert(param.id());
            }
        });
        change_matching(self, "frozen", pattern, Param::freeze)?;
        Ok(Frozen { model: self, before, element: PhantomData })
    }

    /// The model as it is now, with the same parameter ids. (`clone` gives fresh ones.)
    fn snapshot(&self) -> Self
    where
        Self: Clone + Sized,
    {
        let mut ids: Vec<ParamId> = Vec::new();
        self.visit(&Path::root(), &mut |_, param| ids.push(param.id()));
        let mut copy = self.clone();
        let mut ids = ids.into_iter();
        copy.visit_mut(&Path::root(), &mut |_, param| {
            if let Some(id) = ids.next() {
                param.set_id(id);
            }
        });
        copy
    }

    /// The model in the number type `U`: its values converted, its frozen parameters and buffers as they are, with fresh ids.
    /// From `f32` to `f64` no value changes; from `f64` to `f32` values are rounded to nearest.
    ///
    /// ```
    /// use nn::{Identity, Module, Parameters, Tanh, mlp};
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::Tensor;
    /// let mut single = mlp::<f32>(&[2, 3, 1], Tanh, Identity, &mut StdRng::seed_from_u64(0));
    /// single.freeze_matching("0.*")?;
    /// let double = single.cast::<f64>();
    /// assert_eq!(double.count(), single.count());
    /// let (y, expected) = (double.predict(&Tensor::from([[0.5, -1.0]])), single.predict(&Tensor::from([[0.5, -1.0]])));
    /// assert!((&y - &expected.cast::<f64>()).abs().max() < 1e-6);
    /// assert_eq!(nn::state_dict(&double.cast::<f32>()), nn::state_dict(&single));
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Panics
    /// If [`try_cast`](Parameters::try_cast) returns an error.
    #[track_caller]
    fn cast<U: Element>(&self) -> Self::Output
    where
        Self: Cast<U> + Sized,
    {
        match self.try_cast() {
            Ok(model) => model,
            Err(error) => error.panic(),
        }
    }

    /// As [`cast`](Parameters::cast).
    ///
    /// # Errors
    /// If a boxed module, such as a layer of a [`Sequential`](crate::Sequential), cannot be cast: see [`Cast`].
    ///
    /// ```
    /// use nn::{Context, Module, Param, Parameters, Sequential};
    /// use tape::Var;
    ///
    /// /// A module of `f32` alone.
    /// #[derive(Clone, Debug, Parameters)]
    /// struct Gain(Param<f32>);
    ///
    /// impl Module<f32> for Gain {
    ///     fn forward<'t>(&self, x: Var<'t, f32>, _: &mut Context<f32>) -> Var<'t, f32> {
    ///         x * self.0.on(x.tape())
    ///     }
    /// }
    ///
    /// let model = Sequential::new().push(Gain(Param::new(2.0)));
    /// assert!(model.try_cast::<f32>().is_ok());
    /// let error = model.try_cast::<f64>().unwrap_err().to_string();
    /// assert!(error.starts_with("cast: layer 0: expected a module that derives `Parameters` and is generic"), "{error}");
    /// ```
    fn try_cast<U: Element>(&self) -> Result<Self::Output, Error>
    where
        Self: Cast<U> + Sized,
    {
        self.cast_to()
    }

    /// Casts this, as a boxed module, to the number type of the place `to`.
    #[doc(hidden)]
    fn cast_module(&self, _to: &mut dyn Any) -> Result<(), Error>
    where
        Self: 'static,
    {
        Err(not_cast::<Self>())
    }
}

/// A model of which some parameters are frozen until this is dropped: see [`Parameters::frozen`]. It dereferences to the
/// model, so a step is `optimizer.step(&mut *frozen, &grads)`.
#[derive(Debug)]
#[must_use = "parameters are frozen only as long as this lives"]
pub struct Frozen<'m, M: Parameters<T>, T: Element = f64> {
    model: &'m mut M,
    /// The parameters that were trainable.
    before: BTreeSet<ParamId>,
    element: PhantomData<T>,
}

impl<M: Parameters<T>, T: Element> Deref for Frozen<'_, M, T> {
    type Target = M;

    fn deref(&self) -> &M {
        self.model
    }
}

impl<M: Parameters<T>, T: Element> DerefMut for Frozen<'_, M, T> {
    fn deref_mut(&mut self) -> &mut M {
        self.model
    }
}

impl<M: Parameters<T>, T: Element> Drop for Frozen<'_, M, T> {
    fn drop(&mut self) {
        let before = &self.before;
        self.model.visit_mut(&Path::root(), &mut |_, param| {
            if before.contains(&param.id()) {
                param.unfreeze();
            }
        });
    }
}

/// Changes the parameters whose names match.
fn change_matching<T: Element>(
    model: &mut (impl Parameters<T> + ?Sized),
    op: &'static str,
    pattern: &str,
    change: fn(&mut Param<T>),
) -> Result<usize, Error> {
    let (mut matched, mut others) = (0, Vec::new());
    model.visit_mut(&Path::root(), &mut |path, param| {
        let name = path.to_string();
        if matches(pattern, &name) {
            change(param);
            matched += 1;
        } else {
            others.push(name);
        }
    });
    match matched {
        0 => Err(Error::Invalid {
            op,
            reason: format!("no parameter matches {pattern:?}; there are {}", others.join(", ")),
        }),
        _ => Ok(matched),
    }
}

/// Returns `true` if `name` matches the pattern, with any text for each `*`.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, rest)) => name.strip_prefix(before).is_some_and(|name| {
            name.char_indices().map(|(at, _)| at).chain([name.len()]).any(|at| matches(rest, &name[at..]))
        }),
    }
}

impl<T: Element> Parameters<T> for Param<T> {
    fn visit<'a>(&'a self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a Param<T>)) {
        f(path, self);
    }

    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a mut Param<T>)) {
        f(path, self);
    }
}

impl<T: Element, P: Parameters<T> + ?Sized> Parameters<T> for Box<P> {
    fn visit<'a>(&'a self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a Param<T>)) {
        (**self).visit(path, f);
    }

    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a mut Param<T>)) {
        (**self).visit_mut(path, f);
    }

    fn cast_module(&self, to: &mut dyn Any) -> Result<(), Error>
    where
        Self: 'static,
    {
        (**self).cast_module(to)
    }
}

impl<T: Element, P: Parameters<T>> Parameters<T> for Option<P> {
    fn visit<'a>(&'a self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a Param<T>)) {
        if let Some(inner) = self {
            inner.visit(path, f);
        }
    }

    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a mut Param<T>)) {
        if let Some(inner) = self {
            inner.visit_mut(path, f);
        }
    }
}

impl<T: Element, P: Parameters<T>> Parameters<T> for [P] {
    fn visit<'a>(&'a self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a Param<T>)) {
        for (i, inner) in self.iter().enumerate() {
            inner.visit(&path.index(i), f);
        }
    }

    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a mut Param<T>)) {
        for (i, inner) in self.iter_mut().enumerate() {
            inner.visit_mut(&path.index(i), f);
        }
    }
}

impl<T: Element, P: Parameters<T>> Parameters<T> for Vec<P> {
    fn visit<'a>(&'a self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a Param<T>)) {
        self.as_slice().visit(path, f);
    }

    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a mut Param<T>)) {
        self.as_mut_slice().visit_mut(path, f);
    }
}

impl<T: Element, P: Parameters<T>, const N: usize> Parameters<T> for [P; N] {
    fn visit<'a>(&'a self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a Param<T>)) {
        self.as_slice().visit(path, f);
    }

    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a mut Param<T>)) {
        self.as_mut_slice().visit_mut(path, f);
    }
}

/// The fields of a tuple are named by their positions.
macro_rules! tuples {
    ($($name:ident $at:tt),*) => {
        impl<T: Element, $($name: Parameters<T>),*> Parameters<T> for ($($name,)*) {
            fn visit<'a>(&'a self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a Param<T>)) {
                $(self.$at.visit(&path.index($at), f);)*
            }

            fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a mut Param<T>)) {
                $(self.$at.visit_mut(&path.index($at), f);)*
            }
        }
    };
}

tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    type Model = (Vec<Option<Param>>, Box<[Param; 2]>);

    fn model() -> Model {
        let frozen = {
            let mut p = Param::new([1.0]);
            p.freeze();
            p
        };
        (vec![None, Some(Param::new([1.0, 2.0]))], Box::new([frozen, Param::buffer(3.0)]))
    }

    #[test]
    fn names_are_paths_and_both_visits_agree() {
        let mut model = model();
        let names: Vec<String> = model.named_parameters().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["0.1", "1.0", "1.1"]);
        let mut again = Vec::new();
        model.visit_mut(&Path::root(), &mut |path, _| again.push(path.to_string()));
        assert_eq!(again, names);
        assert_eq!(model.count(), 2);
    }

    #[test]
    fn what_was_frozen_before_stays_frozen_after_a_guard() {
        let mut model = model();
        let roles =
            |model: &Model| model.named_parameters().iter().map(|(_, p)| p.role()).collect::<Vec<_>>();
        let before = roles(&model);
        assert_eq!(before, [Role::Trainable, Role::Frozen, Role::Buffer]);
        let mut frozen = Parameters::<f64>::frozen(&mut model, "*").unwrap();
        assert_eq!(roles(&frozen), [Role::Frozen, Role::Frozen, Role::Buffer]);
        frozen.visit_mut(&Path::root(), &mut |_, param| param.freeze());
        drop(frozen);
        assert_eq!(roles(&model), before);
        let error = Parameters::<f64>::frozen(&mut model, "2.*").map(|_| ()).unwrap_err().to_string();
        assert_eq!(error, "frozen: no parameter matches \"2.*\"; there are 0.1, 1.0, 1.1");
        assert_eq!(roles(&model), before);
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, expected) in [
            ("0.weight", "0.weight", true),
            ("0.weight", "10.weight", false),
            ("*", "", true),
            ("*.weight", "a.b.weight", true),
            ("*.weight", "a.weights", false),
            ("a.*.b*", "a.x.y.bias", true),
            ("a.*.b*", "a.bias", false),
            ("é*", "ébène", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_clone_has_fresh_ids_and_a_snapshot_the_same() {
        let model = model();
        let ids = |m: &Model| m.named_parameters().iter().map(|(_, p)| p.id()).collect::<Vec<_>>();
        let clone = Parameters::<f64>::snapshot(&model);
        assert_eq!(ids(&clone), ids(&model));
        assert!(ids(&model.clone()).iter().all(|id| !ids(&model).contains(id)));
    }
}
