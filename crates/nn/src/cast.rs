//! Models in another number type.

use crate::files::StateError;
use crate::module::Module;
use crate::param::Param;
use crate::parameters::Parameters;
use crate::state::{load_state_dict, state_dict};
use std::any::{Any, type_name};
use std::marker::PhantomData;
use tape::{Element, Error, Tensor};

/// A model that exists in several number types: [`Parameters::cast`] converts it.
///
/// Every layer of this crate is one. `#[derive(Parameters)]` implements the trait for a struct that is generic over its
/// number type, `struct Model<T: Element>`, if its fields are `Cast` too; fields that do not depend on the number type are
/// cloned. A boxed module, and so a layer of a [`Sequential`](crate::Sequential), can be cast if its type derives
/// `Parameters`, can be cast, and is a [`Module`] in both number types; but not if it is generic over another module. This
/// needs the feature `cast` of this crate, with which every module that is boxed is compiled in both number types.
///
/// ```
/// use nn::{Context, Linear, Module, Parameters, Sequential, Tanh};
/// use tape::{Element, Tensor, Var};
///
/// #[derive(Clone, Debug, Parameters)]
/// struct Twice<T: Element> {
///     body: Sequential<T>,
///     #[parameters(skip)]
///     times: usize,
/// }
///
/// impl<T: Element> Module<T> for Twice<T> {
///     fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
///         (0..self.times).fold(x, |x, _| self.body.forward(x, cx))
///     }
/// }
///
/// let body = Sequential::new().push(Linear::from_values([[0.5f32]], [0.25])).push(Tanh);
/// let single = Sequential::new().push(Twice { body, times: 2 });
/// let double = single.cast::<f64>();
/// let (y, expected) = (double.predict(&Tensor::from([[1.0]])), (0.5 * 0.75f64.tanh() + 0.25).tanh());
/// assert!((y.item() - expected).abs() < 1e-15, "{y}");
/// assert_eq!(nn::state_dict(&double.cast::<f32>()), nn::state_dict(&single));
/// ```
///
/// By hand:
///
/// ```
/// use nn::{Cast, Param, Parameters, Path};
/// use tape::{Element, Error};
///
/// struct Gain<T: Element>(Param<T>);
///
/// impl<T: Element, U: Element> Cast<U> for Gain<T> {
///     type Output = Gain<U>;
///
///     fn cast_to(&self) -> Result<Gain<U>, Error> {
///         Ok(Gain(self.0.cast_to()?))
///     }
/// }
///
/// let gain: Gain<f64> = Gain(Param::new(0.5f32)).cast_to()?;
/// assert_eq!(gain.0.value().item(), 0.5);
/// # Ok::<(), Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cast to `{U}`",
    note = "`#[derive(Parameters)]` makes `struct Model<T: Element>` castable if all its fields are",
    note = "chains and other boxed modules need the feature `cast` of `nn`",
    note = "between two models of any types, `nn::copy_cast` copies the values by name"
)]
pub trait Cast<U: Element> {
    /// The same type of model in the number type `U`.
    type Output;

    /// The model in the number type `U`: see [`Parameters::try_cast`].
    ///
    /// # Errors
    /// If a boxed module cannot be cast.
    fn cast_to(&self) -> Result<Self::Output, Error>;
}

/// Copies the [latest](Param::latest) values of `source` into the parameters of `target` with the same names, converted to
/// its number type: for models that are not [`Cast`], such as one that was written for `f32` alone and its twin in `f64`.
/// Identities and [roles](crate::Role) remain those of `target`.
///
/// # Errors
/// As [`load_state_dict`]. `target` is then unchanged.
///
/// ```
/// use nn::{Linear, copy_cast};
/// let single = Linear::from_values([[0.5f32, 2.0]], [0.25]);
/// let mut double = Linear::from_values([[0.0f64, 0.0]], [0.0]);
/// copy_cast(&single, &mut double)?;
/// assert_eq!(double.weight.value().to_vec(), [0.5, 2.0]);
/// let error = copy_cast(&single, &mut double.without_bias()).unwrap_err();
/// assert_eq!(error.to_string(), "unexpected tensors: bias");
/// # Ok::<(), nn::files::StateError>(())
/// ```
pub fn copy_cast<T: Element, U: Element>(
    source: &(impl Parameters<T> + ?Sized),
    target: &mut (impl Parameters<U> + ?Sized),
) -> Result<(), StateError> {
    let state = state_dict(source).into_iter().map(|(name, value)| (name, value.cast())).collect();
    load_state_dict(target, state)
}

/// The same role, a fresh id, and the [latest](Param::latest) value.
impl<T: Element, U: Element> Cast<U> for Param<T> {
    type Output = Param<U>;

    fn cast_to(&self) -> Result<Param<U>, Error> {
        Ok(self.converted(self.latest().cast()))
    }
}

impl<T: Element, U: Element> Cast<U> for Tensor<T> {
    type Output = Tensor<U>;

    fn cast_to(&self) -> Result<Tensor<U>, Error> {
        Ok(self.cast())
    }
}

impl<T: Element, U: Element> Cast<U> for PhantomData<T> {
    type Output = PhantomData<U>;

    fn cast_to(&self) -> Result<PhantomData<U>, Error> {
        Ok(PhantomData)
    }
}

/// With the feature `cast`.
#[cfg(feature = "cast")]
impl<T: Element, U: Element> Cast<U> for Box<dyn Module<T>> {
    type Output = Box<dyn Module<U>>;

    fn cast_to(&self) -> Result<Box<dyn Module<U>>, Error> {
        let mut place: Place<U> = None;
        let outcome = (**self).cast_module(&mut place);
        if let Some(module) = place {
            return Ok(module);
        }
        // To its own number type, any module can be cast.
        let copy: Box<dyn Any> = Box::new(self.clone());
        match copy.downcast::<Box<dyn Module<U>>>() {
            Ok(module) => Ok(*module),
            Err(_) => Err(outcome.err().unwrap_or_else(not_cast::<Self>)),
        }
    }
}

impl<U: Element, M: Cast<U>> Cast<U> for Box<M> {
    type Output = Box<M::Output>;

    fn cast_to(&self) -> Result<Self::Output, Error> {
        Ok(Box::new((**self).cast_to()?))
    }
}

impl<U: Element, M: Cast<U>> Cast<U> for Option<M> {
    type Output = Option<M::Output>;

    fn cast_to(&self) -> Result<Self::Output, Error> {
        self.as_ref().map(M::cast_to).transpose()
    }
}

impl<U: Element, M: Cast<U>> Cast<U> for Vec<M> {
    type Output = Vec<M::Output>;

    fn cast_to(&self) -> Result<Self::Output, Error> {
        self.iter().map(M::cast_to).collect()
    }
}

impl<U: Element, M: Cast<U>, const N: usize> Cast<U> for [M; N] {
    type Output = [M::Output; N];

    fn cast_to(&self) -> Result<Self::Output, Error> {
        let list = self.iter().map(M::cast_to).collect::<Result<Vec<_>, _>>()?;
        Ok(list.try_into().unwrap_or_else(|_| unreachable!("one for each element")))
    }
}

/// Tuples, entry by entry.
macro_rules! tuples {
    ($($name:ident $at:tt),*) => {
        impl<U: Element, $($name: Cast<U>),*> Cast<U> for ($($name,)*) {
            type Output = ($($name::Output,)*);

            fn cast_to(&self) -> Result<Self::Output, Error> {
                Ok(($(self.$at.cast_to()?,)*))
            }
        }
    };
}

tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);

/// The place of a boxed module that was cast, as [`Any`]: the number type is not known to the type of a boxed module.
pub(crate) type Place<U> = Option<Box<dyn Module<U>>>;

/// The error for a type of module that cannot be cast.
pub(crate) fn not_cast<M: ?Sized>() -> Error {
    let found = type_name::<M>();
    let reason = format!(
        "expected a module that derives `Parameters` and is generic over its number type alone, found {found}"
    );
    Error::Invalid { op: "cast", reason }
}

/// A module to be cast to `U`, if it can.
///
/// A derive does not know whether a type is a [`Module`] in another number type. It calls `fill` on this: the compiler
/// prefers the inherent method, but passes over it where its conditions do not hold, and finds that of [`Unable`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Source<'m, M, U>(&'m M, PhantomData<U>);

impl<'m, M, U: Element> Source<'m, M, U> {
    pub fn new(module: &'m M) -> Source<'m, M, U> {
        Source(module, PhantomData)
    }
}

impl<M, U: Element> Source<'_, M, U>
where
    M: Cast<U>,
    M::Output: Module<U> + 'static,
{
    /// Casts the module, if `to` is the place of one in `U`. Compiled once for every type: see `instances.rs`.
    #[inline(never)]
    pub fn fill(&self, to: &mut dyn Any) -> Result<(), Error> {
        if let Some(place) = to.downcast_mut::<Place<U>>() {
            *place = Some(Box::new(self.0.cast_to()?));
        }
        Ok(())
    }
}

/// A module that cannot be cast.
#[doc(hidden)]
pub trait Unable {
    fn fill(&self, to: &mut dyn Any) -> Result<(), Error>;
}

impl<M, U: Element> Unable for Source<'_, M, U> {
    fn fill(&self, to: &mut dyn Any) -> Result<(), Error> {
        if to.is::<Place<U>>() { Err(not_cast::<M>()) } else { Ok(()) }
    }
}

/// The part of a model that does not depend on the number type. (A condition on `U` is one that a derive may state without
/// knowing whether it holds.)
#[doc(hidden)]
pub trait Kept<U> {
    fn kept(&self) -> Self;
}

impl<V: Clone, U> Kept<U> for V {
    fn kept(&self) -> V {
        self.clone()
    }
}

/// Implements the cast of a boxed module in an implementation of [`Parameters`].
#[cfg(feature = "cast")]
#[doc(hidden)]
#[macro_export]
macro_rules! __cast_module {
    () => {
        fn cast_module(
            &self,
            to: &mut dyn ::std::any::Any,
        ) -> ::std::result::Result<(), $crate::derived::Error>
        where
            Self: 'static,
        {
            #[allow(unused_imports)]
            use $crate::derived::Unable as _;
            $crate::derived::Source::<Self, f32>::new(self).fill(to)?;
            $crate::derived::Source::<Self, f64>::new(self).fill(to)
        }
    };
}

/// Without the feature, no module is compiled in another number type than its own.
#[cfg(not(feature = "cast"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __cast_module {
    () => {};
}
