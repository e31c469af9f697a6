//! `#[derive(Parameters)]` on every shape of struct, through the public interface alone.

use nn::{Linear, Module, Param, Parameters, Sequential, Tanh, mlp};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::marker::PhantomData;
use tape::{Element, Tape};

fn names<T: Element>(model: &impl Parameters<T>) -> Vec<String> {
    model.named_parameters().into_iter().map(|(name, _)| name).collect()
}

#[derive(Parameters, Clone)]
struct Inner<T: Element> {
    weight: Param<T>,
    #[parameters(skip)]
    _width: usize,
    r#type: Option<Param<T>>,
}

#[derive(Parameters)]
struct Outer<T>
where
    T: Element,
{
    head: Sequential<T>,
    blocks: Vec<Inner<T>>,
    pair: [Box<Inner<T>>; 2],
    scaled: (Param<T>, Inner<T>),
    either: Box<dyn Module<T>>,
}

#[derive(Parameters)]
struct Positions(Param, #[parameters(skip)] PhantomData<i32>, Linear);

#[derive(Parameters)]
#[parameters(element = f32)]
struct Single {
    weight: Param<f32>,
}

/// The fields say the number type; a field that is skipped does not.
#[derive(Parameters)]
struct Found {
    chain: Sequential<f32>,
    blocks: Vec<(Box<Linear<f32>>, Param<f32>)>,
    #[parameters(skip)]
    _rate: f64,
}

/// The attribute wins over the fields.
#[derive(Parameters)]
#[parameters(element = f64)]
struct Stated(Param, Misleading<f32>);

#[derive(Parameters)]
struct Misleading<S> {
    weight: Param<f64>,
    #[parameters(skip)]
    _setting: S,
}

#[derive(Parameters)]
struct Empty;

fn inner<T: Element>(with: bool) -> Inner<T> {
    let zero = tape::Tensor::zeros([]);
    Inner { weight: Param::new(zero.clone()), _width: 1, r#type: with.then(|| Param::new(zero)) }
}

fn outer<T: Element>() -> Outer<T> {
    let mut rng = StdRng::seed_from_u64(0);
    Outer {
        head: mlp(&[1, 1], Tanh, Tanh, &mut rng),
        blocks: vec![inner(false), inner(true)],
        pair: [Box::new(inner(false)), Box::new(inner(true))],
        scaled: (Param::new(tape::Tensor::zeros([])), inner(false)),
        either: Box::new(Linear::new(1, 1, &mut rng).without_bias()),
    }
}

#[test]
fn names_are_the_paths_of_the_fields() {
    let expected = [
        "head.0.weight",
        "head.0.bias",
        "blocks.0.weight",
        "blocks.1.weight",
        "blocks.1.type",
        "pair.0.weight",
        "pair.1.weight",
        "pair.1.type",
        "scaled.0",
        "scaled.1.weight",
        "either.weight",
    ];
    assert_eq!(names(&outer::<f64>()), expected);
    assert_eq!(names(&outer::<f32>()), expected);
    assert_eq!(
        names(&Positions(Param::new(0.0), PhantomData, Linear::from_values([[1.0]], [1.0]))),
        ["0", "2.weight", "2.bias"]
    );
    assert_eq!(names(&Single { weight: Param::new([1.0_f32]) }), ["weight"]);
    let found = Found {
        chain: mlp(&[1, 1], Tanh, Tanh, &mut StdRng::seed_from_u64(0)),
        blocks: vec![(Box::new(Linear::from_values([[1.0]], [1.0])), Param::new(1.0))],
        _rate: 0.1,
    };
    assert_eq!(
        names::<f32>(&found),
        ["chain.0.weight", "chain.0.bias", "blocks.0.0.weight", "blocks.0.0.bias", "blocks.0.1"]
    );
    let stated = Stated(Param::new(0.0), Misleading { weight: Param::new(0.0), _setting: 1.0f32 });
    assert_eq!(names(&stated), ["0", "1.weight"]);
    assert!(names::<f64>(&Empty).is_empty());
}

#[test]
fn a_frozen_parameter_gets_no_gradient_and_keeps_its_bits() {
    use nn::optim::{Optimizer, Sgd};
    let mut model = outer::<f64>();
    assert_eq!(model.freeze_matching("blocks.*.weight"), Ok(2));
    let before: Vec<_> = nn::state_dict(&model);
    let mut optimizer = Sgd::new(0.1).momentum(0.5);
    let mut tape = Tape::new();
    for _ in 0..3 {
        let mut loss = tape.scalar_constant(0.0);
        for (_, param) in model.named_parameters() {
            let p = param.on(&tape);
            loss += (p * p + p).sum();
        }
        let grads = loss.backward();
        for (name, param) in model.named_parameters() {
            assert_eq!(grads.try_of(param).is_ok(), param.is_trainable(), "{name}");
        }
        tape.reset();
        optimizer.step(&mut model, &grads);
    }
    for ((name, old), (_, new)) in before.iter().zip(nn::state_dict(&model)) {
        let frozen = name.starts_with("blocks") && name.ends_with("weight");
        assert_eq!(*old == new, frozen, "{name}");
    }
}
