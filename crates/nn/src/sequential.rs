//! Modules one after another.

use crate::activation::{Identity, LeakyRelu, Relu, Sigmoid, SigmoidScaled, Softmax, Tanh};
use crate::by_hand::{Activation, Mlp};
use crate::linear::Linear;
use crate::module::{Context, Module};
use crate::param::Param;
use crate::parameters::{Parameters, Path};
use rand::Rng;
use tape::{Element, Error, Var};

/// A chain: the output of each module is the input of the next. Parameters are named by position, `0.weight`.
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

    /// The chain with one module more at its end.
    pub fn push(mut self, module: impl Module<T> + 'static) -> Sequential<T> {
        self.layers.push(Box::new(module));
        self
    }

    /// The modules in order.
    pub fn layers(&self) -> &[Box<dyn Module<T>>] {
        &self.layers
    }

    /// The modules in order, for writing.
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
}

impl<T: Element> Module<T> for Sequential<T> {
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        self.layers.iter().fold(x, |x, layer| layer.forward(x, cx))
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
/// With fewer than two sizes.
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
