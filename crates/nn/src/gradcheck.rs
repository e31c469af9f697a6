//! Gradient checks of whole models: every named parameter, by [`gradcheck`].

use crate::Parameters;
use crate::Role;
use gradcheck::GradCheck;
use std::cell::RefCell;
use tape::{Scalar, Tape};

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
    if let Some(name) = differentiated_constant(model, &loss) {
        panic!("gradcheck: expected no gradient for `{name}`, which is not trainable, found one");
    }
    let parameters: Vec<_> =
        model.named_parameters().into_iter().map(|(name, p)| (name, p.latest(), p.role())).collect();
    let names: Vec<String> = parameters.iter().map(|(name, ..)| name.clone()).collect();
    let copy = RefCell::new(model.snapshot());
    let check = GradCheck::loss(move |v| {
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
    });
    parameters.into_iter().fold(check, |check, (name, value, role)| match role {
        Role::Trainable => check.input(name, value),
        Role::Frozen | Role::Buffer => check.constant(name, value),
    })
}

/// The name of a parameter that is not trainable and receives a gradient.
fn differentiated_constant<M: Parameters>(
    model: &M,
    loss: &impl for<'t> Fn(&M, &'t Tape) -> Scalar<'t>,
) -> Option<String> {
    let tape = Tape::new();
    let grads = loss(model, &tape).backward();
    let constant = model.named_parameters().into_iter().filter(|(_, param)| !param.is_trainable());
    constant.filter(|(_, param)| grads.try_of(*param).is_ok()).map(|(name, _)| name).next()
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
        match $crate::gradcheck::module($model, $loss).run().map(|report| report.require()) {
            Ok(Ok(certificate)) => certificate,
            Ok(Err(failure)) => panic!("{failure}"),
            Err(error) => panic!("{error}"),
        }
    };
}
