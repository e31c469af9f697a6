//! Chains of modules.

use crate::Linear;
use crate::Param;
use crate::activation::{Identity, Softmax};
use crate::by_hand::{Activation, Mlp};
#[cfg(feature = "cast")]
use crate::cast::Cast;
use crate::module::{Context, Module};
use crate::parameters::{Parameters, Path};
use rand::Rng;
use tape::ops::{LeakyRelu, Relu, Sigmoid, SigmoidScaled, Tanh};
use tape::{Element, Error, Var};

/// A chain: the output of each module is the input of the next. Parameters are named by position, `0.weight`.
///
/// A [`Linear`] layer with a bias that is directly followed by [`Relu`](crate::Relu), [`Sigmoid`](crate::Sigmoid) or
/// [`Tanh`](crate::Tanh) is recorded as one operation, [`tape::ops::Dense`], which keeps less and is faster. Values are
/// those of the two modules, to the last bit. Gradients may differ within the bound that [`tape::ops::Dense`] states: its
/// slope is that of the rounded output, and so 0 where a sigmoid or tanh is rounded to its limit. Where the two
/// operations should stay apart, or the slopes of saturated units matter, put an [`Identity`] between them, or call the
/// two modules yourself.
///
/// ```
/// use nn::{Linear, Module, Parameters, Sequential, Tanh};
/// use tape::Tensor;
/// let model = Sequential::new()
///     .push(Linear::from_values([[1.0, -1.0]], [0.5]))
///     .push(Tanh)
///     .push(Linear::from_values([[2.0], [3.0]], [0.0, 1.0]));
/// assert_eq!(model.predict(&Tensor::from([[0.5, 1.0]])), Tensor::from([[0.0, 1.0]]));
/// assert_eq!(model.named_parameters()[2].0, "2.weight");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sequential<T: Element = f64> {
    layers: Vec<Box<dyn Module<T>>>,
}

impl<T: Element> Sequential<T> {
    /// The empty chain: the identity.
    pub fn new() -> Sequential<T> {
        Sequential { layers: Vec::new() }
    }

    /// Appends a module.
    pub fn push(mut self, module: impl Module<T> + 'static) -> Sequential<T> {
        self.layers.push(Box::new(module));
        self
    }

    /// The modules in order.
    pub fn layers(&self) -> &[Box<dyn Module<T>>] {
        &self.layers
    }

    /// The modules in order, mutably.
    pub fn layers_mut(&mut self) -> &mut Vec<Box<dyn Module<T>>> {
        &mut self.layers
    }
}

impl<T: Element> From<Vec<Box<dyn Module<T>>>> for Sequential<T> {
    fn from(layers: Vec<Box<dyn Module<T>>>) -> Sequential<T> {
        Sequential { layers }
    }
}

/// The same network as modules: `2 i` is the linear map of layer `i`, `2 i + 1` its activation.
///
/// ```
/// use nn::by_hand::{Activation, Layer, Mlp};
/// use nn::{Module, Sequential};
/// use tape::Tensor;
/// let layer = Layer { weight: [[2.0]].into(), bias: [1.0].into(), activation: Activation::Relu };
/// let (net, x) = (Mlp { layers: vec![layer] }, Tensor::from([[3.0], [-3.0]]));
/// assert_eq!(&Sequential::from(&net).predict(&x), net.forward(&x).output());
/// ```
impl<T: Element> From<&Mlp<T>> for Sequential<T> {
    fn from(net: &Mlp<T>) -> Sequential<T> {
        let mut model = Sequential::new();
        for layer in &net.layers {
            model = model.push(Linear::from_values(layer.weight.clone(), layer.bias.clone()));
            model = match layer.activation {
                Activation::Identity => model.push(Identity),
                Activation::Sigmoid => model.push(Sigmoid),
                Activation::SigmoidScaled { slope, offset } => model.push(SigmoidScaled { slope, offset }),
                Activation::Tanh => model.push(Tanh),
                Activation::Relu => model.push(Relu),
                Activation::LeakyRelu { slope } => model.push(LeakyRelu { slope }),
                Activation::Softmax => model.push(Softmax),
            };
        }
        model
    }
}

impl<T: Element> Parameters<T> for Sequential<T> {
    fn visit<'a>(&'a self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a Param<T>)) {
        self.layers.visit(path, f);
    }

    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a mut Param<T>)) {
        self.layers.visit_mut(path, f);
    }

    crate::__cast_module!();
}

/// With the feature `cast`.
#[cfg(feature = "cast")]
impl<T: Element, U: Element> Cast<U> for Sequential<T> {
    type Output = Sequential<U>;

    fn cast_to(&self) -> Result<Sequential<U>, Error> {
        let layers = self.layers.iter().enumerate().map(|(i, layer)| {
            layer.cast_to().map_err(|error| match error {
                Error::Invalid { op, reason } => {
                    Error::Invalid { op, reason: format!("layer {i}: {reason}") }
                }
                error => error,
            })
        });
        Ok(Sequential { layers: layers.collect::<Result<_, _>>()? })
    }
}

impl<T: Element> Module<T> for Sequential<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        cx.chain(x.tape(), self, |cx| {
            let (mut x, mut layers) = (x, &self.layers[..]);
            while let [layer, rest @ ..] = layers {
                let position = self.layers.len() - layers.len();
                let fused = match (layer.as_linear(), rest) {
                    (Some(linear), [next, rest @ ..]) if linear.check(&x.shape()).is_ok() => {
                        next.forward_after(linear, x).map(|y| (y, rest))
                    }
                    _ => None,
                };
                (x, layers) = fused.unwrap_or_else(|| (layer.forward(x, cx), rest));
                if cx.is_refused_at(position) {
                    break;
                }
            }
            x
        })
    }
}

/// A multilayer perceptron: linear layers between the given sizes, `hidden` after each but the last and `output`
/// after the last. Initial values as [`Linear::new`].
///
/// ```
/// use nn::{Identity, Parameters, Sigmoid, mlp};
/// use rand::{SeedableRng, rngs::StdRng};
/// let model = mlp::<f64>(&[3, 10, 5, 1], Sigmoid, Identity, &mut StdRng::seed_from_u64(0));
/// assert_eq!(model.count(), 101);
/// assert_eq!(model.named_parameters()[2].0, "2.weight");
/// ```
///
/// # Panics
/// If there are fewer than two sizes.
#[track_caller]
pub fn mlp<T: Element>(
    sizes: &[usize],
    hidden: impl Module<T> + Clone + 'static,
    output: impl Module<T> + 'static,
    rng: &mut (impl Rng + ?Sized),
) -> Sequential<T> {
    if sizes.len() < 2 {
        let reason = format!("expected sizes of input and output, found {sizes:?}");
        Error::Invalid { op: "mlp", reason }.panic();
    }
    let mut model = Sequential::new();
    for (i, size) in sizes.windows(2).enumerate() {
        model = model.push(Linear::new(size[0], size[1], rng));
        if i + 2 < sizes.len() {
            model = model.push(hidden.clone());
        }
    }
    model.push(output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tape::{Tape, Tensor};

    /// The bound of three slopes, each within 2 ε of a value of about 1/10.
    const SLOPES: f64 = 60.0 * f64::EPSILON;

    /// Value and gradients of a model at some input.
    fn results(model: &Sequential) -> Vec<Tensor> {
        let tape = Tape::new();
        let x = tape.var([[0.5, -1.5], [2.0, 0.25], [-0.75, 1.0]]);
        let y = model.forward(x, &mut Context::eval());
        let grads = y.square().sum().backward();
        let mut all = vec![y.value(), grads.wrt(x)];
        model.visit(&Path::root(), &mut |_, param| all.push(grads.of(param)));
        all
    }

    #[test]
    fn a_fused_activation_equals_the_two_modules() {
        let first = || Linear::from_values([[0.5, -1.0], [2.0, 0.25], [1.0, 1.0]], [0.125, -0.5, 0.0]);
        let second = || Linear::from_values([[1.0, -0.5, 0.75]], [0.25]);
        let third = || Linear::from_values([[-1.5]], [0.0]).without_bias();
        let fused =
            Sequential::new().push(first()).push(Tanh).push(second()).push(Sigmoid).push(third()).push(Tanh);
        let apart = Sequential::new()
            .push(first())
            .push(Identity)
            .push(Tanh)
            .push(second())
            .push(Identity)
            .push(Sigmoid)
            .push(third())
            .push(Tanh);
        let [fused, apart] = [&fused, &apart].map(results);
        assert_eq!(fused[0], apart[0], "values, to the last bit");
        for (found, expected) in fused.iter().zip(&apart) {
            let size = expected.abs().max();
            assert!((found - expected).abs().max() <= SLOPES * size, "{found:?} and {expected:?}");
        }
    }

    #[test]
    fn a_linear_layer_and_its_activation_are_one_node() {
        let layer = || Linear::from_values([[0.5, -1.0]], [0.125]);
        let nodes = |model: Sequential| {
            let tape = Tape::new();
            model.forward(tape.var([[0.5, -1.5]]), &mut Context::eval());
            tape.len()
        };
        let fused = nodes(Sequential::new().push(layer()).push(Relu));
        let apart = nodes(Sequential::new().push(layer()).push(Identity).push(Relu));
        assert_eq!(fused + 1, apart);
        let boxed: Box<dyn Module> = Box::new(Relu);
        assert_eq!(nodes(Sequential::new().push(layer()).push(boxed)), fused);
    }
}
