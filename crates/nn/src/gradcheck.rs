//! Gradient checks of whole models: every named parameter, by [`gradcheck`].

use crate::{Cast, Parameters, Role};
use gradcheck::{GradCheck, Inputs};
use std::cell::RefCell;
use tape::{Element, Scalar, Tape};

#[doc(hidden)]
pub use gradcheck::certified;

/// A check of the gradient of `loss` with respect to every trainable parameter of `model`. Frozen parameters and
/// buffers appear in the report as held constant, and must not receive a gradient.
///
/// `loss` must return the same value on every call: create a training context inside it, with a fixed seed.
///
/// ```
/// use nn::{Context, Module, Tanh, Identity, mlp};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::Tensor;
/// let model = mlp(&[2, 3, 1], Tanh, Identity, &mut StdRng::seed_from_u64(7));
/// let (x, y) = (Tensor::from([[0.5, -1.0], [2.0, 0.25]]), Tensor::from([[1.0], [-1.0]]));
/// let check = nn::gradcheck::module(&model, |model, tape| {
///     nn::loss::squared_error(model.forward(tape.constant(x.clone()), &mut Context::eval()), &y).mean()
/// });
/// let certificate = check.run().unwrap().require().unwrap();
/// assert_eq!(certificate.entries, 13);
/// ```
///
/// # Panics
/// If a frozen parameter or a buffer receives a gradient.
#[track_caller]
pub fn module<'f, M, F>(model: &M, loss: F) -> GradCheck<'f>
where
    M: Parameters + Clone + 'f,
    F: for<'t> Fn(&M, &'t Tape) -> Scalar<'t> + 'f,
{
    refuse_differentiated_constants(model, &loss);
    let parameters: Vec<_> =
        model.named_parameters().into_iter().map(|(name, p)| (name, p.latest(), p.role())).collect();
    let check = GradCheck::loss(recorded(model, loss));
    parameters.into_iter().fold(check, |check, (name, value, role)| match role {
        Role::Trainable => check.input(name, value),
        Role::Frozen | Role::Buffer => check.constant(name, value),
    })
}

/// A check of a model in `f32`: of the gradient of the [cast](crate::Cast) model by `double`, as by [`module`], and of the
/// gradient in `f32` by `single`, entry by entry against that in `f64` of the same weights. Both closures compute the same
/// loss by the same operations; [`assert_module_gradients_f32!`](crate::assert_module_gradients_f32) writes both from one.
///
/// Differences in `f32` are too coarse to show anything. So an error in a formula is found in `f64`, and one that exists in
/// `f32` alone by the comparison, for which [`GradCheck::single`] states the bound. A data set that the closures capture
/// is cast in `double`, which changes no value.
///
/// ```
/// use nn::{Context, Identity, Module, Tanh, mlp};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::Tensor;
/// let model = mlp::<f32>(&[2, 3, 1], Tanh, Identity, &mut StdRng::seed_from_u64(7));
/// let x = Tensor::from([[0.5f32, -1.0], [2.0, 0.25]]);
/// let check = nn::gradcheck::module_f32(
///     &model,
///     |model, tape| model.forward(tape.constant(x.clone()), &mut Context::eval()).square().mean(),
///     |model, tape| model.forward(tape.constant(x.cast()), &mut Context::eval()).square().mean(),
/// );
/// let report = check.run().unwrap();
/// assert!(report.to_string().contains("f32 ok"), "{report}");
/// assert_eq!(report.require().unwrap().entries, 13);
/// ```
///
/// # Panics
/// If a frozen parameter or a buffer receives a gradient, or a boxed module of the model cannot be cast: chains need the feature
/// `cast`.
#[track_caller]
pub fn module_f32<'f, M, F, G>(model: &M, single: F, double: G) -> GradCheck<'f>
where
    M: Parameters<f32> + Cast<f64> + Clone + 'f,
    M::Output: Parameters + Clone + 'f,
    F: for<'t> Fn(&M, &'t Tape<f32>) -> Scalar<'t, f32> + 'f,
    G: for<'t> Fn(&M::Output, &'t Tape) -> Scalar<'t> + 'f,
{
    refuse_differentiated_constants(model, &single);
    let single = recorded(model, single);
    module(&model.cast(), double).single(move |v| single(v).to_var())
}

/// The loss of a model whose parameters are the inputs of a check.
fn recorded<'f, T, M, F>(
    model: &M,
    loss: F,
) -> impl for<'t> Fn(&Inputs<'t, T>) -> Scalar<'t, T> + use<'f, T, M, F>
where
    T: Element,
    M: Parameters<T> + Clone + 'f,
    F: for<'t> Fn(&M, &'t Tape<T>) -> Scalar<'t, T> + 'f,
{
    let names: Vec<String> = model.named_parameters().into_iter().map(|(name, _)| name).collect();
    let copy = RefCell::new(model.snapshot());
    move |v| {
        let mut model = copy.borrow_mut();
        let mut name = names.iter();
        model.visit_mut(&crate::Path::root(), &mut |_, param| {
            let Some(input) = name.next().map(|name| v[name]) else { return };
            *param.value_mut() = input.value();
            if param.is_trainable() {
                v.tape().bind(param.id(), input);
            }
        });
        loss(&model, v.tape())
    }
}

/// Refuses a gradient of a parameter that is not trainable.
#[track_caller]
fn refuse_differentiated_constants<T: Element, M: Parameters<T>>(
    model: &M,
    loss: &impl for<'t> Fn(&M, &'t Tape<T>) -> Scalar<'t, T>,
) {
    let tape = Tape::of();
    let grads = loss(model, &tape).backward();
    let mut constants = model.named_parameters().into_iter().filter(|(_, param)| !param.is_trainable());
    if let Some((name, _)) = constants.find(|(_, param)| grads.try_of(*param).is_ok()) {
        panic!("gradcheck: expected no gradient for `{name}`, which is not trainable, found one");
    }
}

/// Checks every parameter of a model by [`module`](crate::gradcheck::module), and panics with the report if the
/// gradients do not agree.
///
/// ```
/// use nn::{Context, Linear, Module, assert_module_gradients};
/// use rand::{SeedableRng, rngs::StdRng};
/// let model = Linear::new(3, 2, &mut StdRng::seed_from_u64(7));
/// assert_module_gradients!(&model, |model, tape| {
///     let x = tape.constant([[1.0, -2.0, 0.5]]);
///     model.forward(x, &mut Context::eval()).square().sum()
/// });
/// ```
///
/// # Panics
/// If the verdict is anything but agreement, or the check cannot be run.
#[macro_export]
macro_rules! assert_module_gradients {
    ($model:expr, $loss:expr $(,)?) => {
        $crate::gradcheck::certified($crate::gradcheck::module($model, $loss))
    };
}

/// Checks every parameter of a model in `f32` by [`module_f32`](crate::gradcheck::module_f32), and panics with the report
/// if the gradients do not agree.
///
/// The closure is compiled for both number types, so it says neither: tensors that it captures are `cast`.
///
/// ```
/// use nn::{Context, Linear, Module, assert_module_gradients_f32};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::Tensor;
/// let model = Linear::<f32>::new(3, 2, &mut StdRng::seed_from_u64(7));
/// let x = Tensor::from([[1.0f32, -2.0, 0.5]]);
/// assert_module_gradients_f32!(&model, |model, tape| {
///     model.forward(tape.constant(x.cast()), &mut Context::eval()).square().sum()
/// });
/// ```
///
/// # Panics
/// If the verdict is anything but agreement, or the check cannot be run.
#[macro_export]
macro_rules! assert_module_gradients_f32 {
    ($model:expr, $loss:expr $(,)?) => {
        $crate::gradcheck::certified($crate::gradcheck::module_f32($model, $loss, $loss))
    };
}
