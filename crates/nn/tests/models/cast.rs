//! Models in another number type: values, roles, predictions, every layer, derived and refused casts.

use nn::files::StateError;
use nn::*;
use rand::{SeedableRng, rngs::StdRng};
use std::marker::PhantomData;
use tape::{Element, Tape, Tensor, Var};

/// Two roundings of `f32` in each of a few layers, of values of about 1.
const SINGLE: f64 = 1e-6;

/// One of every layer with parameters.
#[derive(Clone, Debug, Parameters)]
struct Layers<T: Element> {
    linear: Linear<T>,
    without_bias: Linear<T>,
    bilinear: Bilinear<T>,
    embedding: Embedding<T>,
    convolutions: (Conv1d<T>, Conv2d<T>, Conv3d<T>, ConvTranspose2d<T>),
    norms: (LayerNorm<T>, RmsNorm<T>, GroupNorm<T>, InstanceNorm<T>),
    batch_norms: (BatchNorm1d<T>, BatchNorm2d<T>),
    learned: (PRelu<T>, LearnedSigmoid<T>),
    cells: (RnnCell<T>, GruCell<T>, LstmCell<T>),
    recurrent: (Rnn<T>, Gru<T>, Lstm<T>),
    attention: Vec<MultiHeadAttention<T>>,
    block: Option<Box<TransformerBlock<T>>>,
    residual: [Residual<T>; 2],
    boxed: Box<dyn Module<T>>,
    chain: Sequential<T>,
    dropout: Dropout,
    #[parameters(skip)]
    mean: Tensor<T>,
    #[parameters(skip)]
    _element: PhantomData<T>,
}

fn layers<T: Element>() -> Layers<T> {
    let rng = &mut StdRng::seed_from_u64(1);
    let mut model = Layers {
        linear: Linear::new(2, 3, rng),
        without_bias: Linear::new(2, 3, rng).without_bias(),
        bilinear: Bilinear::new([2, 3], 4, rng),
        embedding: Embedding::new(5, 2, rng),
        convolutions: (
            Conv1d::new(2, 3, 2, rng),
            Conv2d::new(2, 3, [2, 2], rng),
            Conv3d::new(1, 2, [2, 1, 2], rng),
            ConvTranspose2d::new(2, 3, [2, 2], rng),
        ),
        norms: (LayerNorm::new([3]), RmsNorm::new([3]), GroupNorm::new(2, 4), InstanceNorm::new(3).affine()),
        batch_norms: (BatchNorm1d::new(3), BatchNorm2d::new(2)),
        learned: (PRelu::new(3), LearnedSigmoid::new([T::ONE], [T::ZERO])),
        cells: (RnnCell::new(2, 3, rng), GruCell::new(2, 3, rng), LstmCell::new(2, 3, rng)),
        recurrent: (Rnn::new(2, 3, 2, rng), Gru::bidirectional(2, 3, 1, rng), Lstm::new(2, 3, 1, rng)),
        attention: vec![MultiHeadAttention::new(4, 2, rng)],
        block: Some(Box::new(TransformerBlock::new(4, 2, 6, rng).activation(Gelu))),
        residual: [
            Residual::new(Linear::new(2, 2, rng)),
            Residual::new(Linear::new(2, 3, rng)).with_shortcut(Linear::new(2, 3, rng)),
        ],
        boxed: Box::new(Linear::new(2, 2, rng)),
        chain: mlp(&[2, 3, 1], Tanh, Sigmoid, rng).push(Dropout::new(0.25)).push(Flatten).push(Softmax),
        dropout: Dropout::new(0.5),
        mean: Tensor::ones([2]),
        _element: PhantomData,
    };
    model.freeze_matching("linear.*").unwrap();
    model.freeze_matching("chain.0.bias").unwrap();
    model
}

fn roles<T: Element>(model: &impl Parameters<T>) -> Vec<(String, Role)> {
    model.named_parameters().into_iter().map(|(name, param)| (name, param.role())).collect()
}

fn bits(state: &files::State<f32>) -> Vec<(String, Vec<u32>)> {
    state.iter().map(|(name, x)| (name.clone(), x.to_vec().into_iter().map(f32::to_bits).collect())).collect()
}

#[test]
fn every_layer_goes_to_f64_and_back_bit_for_bit() {
    let single = layers::<f32>();
    let double: Layers<f64> = single.cast();
    let again: Layers<f32> = double.cast();
    assert_eq!(bits(&state_dict(&again)), bits(&state_dict(&single)));
    assert_eq!(roles(&double), roles(&single));
    assert_eq!(roles(&again), roles(&single));
    let frozen = roles(&double).iter().filter(|(_, role)| *role == Role::Frozen).count();
    let buffers = roles(&double).iter().filter(|(_, role)| *role == Role::Buffer).count();
    assert_eq!((frozen, buffers), (3, 6));
    assert_eq!((double.dropout, double.mean.to_vec()), (single.dropout, vec![1.0; 2]));
    for ((name, a), (_, b)) in state_dict(&single).iter().zip(state_dict(&double)) {
        assert_eq!(a.cast::<f64>(), b, "{name}");
    }
    let ids = |model: &Layers<f32>| model.parameters().iter().map(|param| param.id()).collect::<Vec<_>>();
    assert!(ids(&again).iter().all(|id| !ids(&single).contains(id)));
}

/// A training pass whose statistics no step has applied, then predictions in both number types.
fn agree(model: &Sequential<f32>, x: &Tensor<f32>) {
    model.forward(Tape::of().constant(x.clone()), &mut Context::train(StdRng::seed_from_u64(3)));
    let (single, double) = (model.predict(x).cast::<f64>(), model.cast::<f64>().predict(&x.cast()));
    let size = double.abs().max();
    assert!((&single - &double).abs().max() <= SINGLE * size, "{single} {double}");
}

#[test]
fn predictions_agree_in_both_number_types() {
    let rng = &mut StdRng::seed_from_u64(2);
    let x = Tensor::randn([8, 3], rng);
    agree(&mlp(&[3, 16, 8, 2], Tanh, Softmax, rng), &x);
    let body = Sequential::new().push(Linear::new(4, 4, rng)).push(BatchNorm1d::new(4)).push(Relu);
    let model = Sequential::new()
        .push(Linear::new(3, 4, rng))
        .push(Residual::new(body))
        .push(LayerNorm::new([4]))
        .push(Dropout::new(0.5))
        .push(Linear::new(4, 2, rng));
    agree(&model, &x);
    let images = Tensor::randn([2, 1, 6, 6], rng);
    let model = Sequential::new()
        .push(Conv2d::new(1, 4, [3, 3], rng))
        .push(BatchNorm2d::new(4))
        .push(LeakyRelu { slope: 0.1 })
        .push(MaxPool2d::new([2, 2]))
        .push(GroupNorm::new(2, 4))
        .push(Flatten)
        .push(Linear::new(16, 3, rng));
    agree(&model, &images);
    let sequences = Tensor::randn([2, 5, 4], rng);
    agree(&Sequential::new().push(TransformerBlock::new(4, 2, 8, rng).norm_first().causal()), &sequences);
}

#[test]
fn a_cast_model_trains() {
    use nn::optim::{Adam, Optimizer};
    let rng = &mut StdRng::seed_from_u64(4);
    let mut model = mlp::<f32>(&[1, 8, 1], Tanh, Identity, rng).cast::<f64>();
    let x: Tensor = Tensor::linspace(-1.0, 1.0, 9).reshape([9, 1]);
    let (mut adam, mut tape, mut last) = (Adam::new(0.05), Tape::new(), 1.0);
    for _ in 0..200 {
        let y = model.forward(tape.constant(x.clone()), &mut Context::eval());
        let loss = loss::squared_error(y, &x.square()).mean();
        last = loss.value();
        let grads = loss.backward();
        tape.reset();
        adam.step(&mut model, &grads);
    }
    assert!(last < 1e-3, "{last}");
}

/// A module around another, of any type.
#[derive(Clone, Debug, Parameters)]
struct Scaled<M, T = f64, const N: usize = 1>
where
    T: Element,
    M: Module<T> + Clone + 'static,
{
    body: M,
    gain: [Param<T>; N],
    #[parameters(skip)]
    name: &'static str,
}

impl<M: Module<T> + Clone + 'static, T: Element, const N: usize> Module<T> for Scaled<M, T, N> {
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        self.gain.iter().fold(self.body.forward(x, cx), |y, gain| y * gain.on(y.tape()))
    }
}

/// A type that contains itself.
#[derive(Clone, Debug, Parameters)]
struct Tree<T: Element> {
    value: Param<T>,
    children: Vec<Tree<T>>,
}

/// A type that can be neither cloned nor cast.
struct Log;

#[derive(Parameters)]
struct Logged<T: Element> {
    value: Param<T>,
    #[parameters(skip)]
    _log: Log,
}

#[derive(Clone, Parameters)]
struct Borrowed<'a, T: Element>(Param<T>, #[parameters(skip)] &'a str);

#[test]
fn structs_of_every_kind_can_be_cast() {
    let gains = [Param::new(2.0f32), Param::new(3.0)];
    let model = Scaled { body: Linear::from_values([[0.5f32]], [1.0]), gain: gains, name: "scaled" };
    let double: Scaled<Linear<f64>, f64, 2> = model.cast();
    assert_eq!((double.predict(&Tensor::from([[2.0]])).item(), double.name), (12.0, "scaled"));
    // Of a boxed one it is not known whether the inner module can be cast.
    let boxed: Box<dyn Module<f64>> = Box::new(double);
    let refused = boxed.cast_to().map(|_: Box<dyn Module<f32>>| ()).unwrap_err().to_string();
    let scaled = concat!("found ", module_path!(), "::Scaled<nn::linear::Linear, f64, 2>");
    assert!(refused.ends_with(scaled), "{refused}");

    let leaf = |value: f32| Tree { value: Param::new(value), children: Vec::new() };
    let tree = Tree { value: Param::new(1.0), children: vec![leaf(2.0), leaf(3.0)] }.cast::<f64>();
    assert_eq!(tree.children[1].value.value().item(), 3.0);
    assert_eq!(Logged { value: Param::new([1.0f32, 2.0]), _log: Log }.count(), 2);
    let text = String::from("text");
    let borrowed = Borrowed(Param::new(0.5f32), &text).cast::<f64>();
    assert_eq!((borrowed.0.value().item(), borrowed.1), (0.5, "text"));
}

/// A module of `f32` alone: the derive finds the number type by itself.
#[derive(Clone, Debug, Parameters)]
struct OnlySingle {
    body: Linear<f32>,
}

impl Module<f32> for OnlySingle {
    fn forward<'t>(&self, x: Var<'t, f32>, cx: &mut Context<f32>) -> Var<'t, f32> {
        self.body.forward(x, cx)
    }
}

#[test]
fn a_module_of_one_number_type_is_refused_by_its_place() {
    let fixed = OnlySingle { body: Linear::from_values([[1.0]], [0.0]) };
    let inner = Sequential::new().push(Tanh).push(Identity).push(fixed.clone());
    let model = Sequential::new().push(Tanh).push(inner);
    let error = model.try_cast::<f64>().unwrap_err().to_string();
    assert!(error.starts_with("cast: layer 1: layer 2: expected a module that derives"), "{error}");
    assert!(error.ends_with(concat!("found ", module_path!(), "::OnlySingle")), "{error}");
    // To its own number type every module can be cast.
    assert_eq!(bits(&state_dict(&model.cast::<f32>())), bits(&state_dict(&model)));

    let mut twin =
        Sequential::new().push(Tanh).push(mlp::<f64>(&[2, 1], Tanh, Tanh, &mut StdRng::seed_from_u64(0)));
    let before = state_dict(&twin);
    let error = copy_cast(&fixed, &mut twin).unwrap_err();
    assert!(matches!(error, StateError::Names { .. }), "{error}");
    let mut wide = vec![Linear::<f64>::new(2, 1, &mut StdRng::seed_from_u64(0))];
    let error = copy_cast(&vec![fixed.body], &mut wide).unwrap_err();
    assert_eq!(error.to_string(), "tensor \"0.weight\": expected shape [1, 2], found [1, 1]");
    assert_eq!(state_dict(&twin), before);
}
