//! Gradient checks of models: every parameter, large ones by directions, frozen ones not at all.

use gradcheck::{Entries, Method, Verdict};
use nn::gradcheck::module;
use nn::{
    BatchNorm1d, Context, Identity, Linear, Module, Param, Parameters, Path, RandomTensor, Relu, Sequential,
    Sigmoid, Tanh, mlp,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tape::{Element, Scalar, Tape, Tensor, Var};

const BATCH: usize = 4;

fn mnist_like(rng: &mut StdRng) -> (Tensor, Tensor) {
    let x = Tensor::from_fn([BATCH, 784], |_| if rng.random_bool(0.2) { rng.random() } else { 0.0 });
    let y = Tensor::from_fn([BATCH, 10], |i| if i[1] == (3 * i[0]) % 10 { 1.0 } else { 0.0 });
    (x, y)
}

/// A model whose first weight passes through an operation with one wrong entry in its derivative.
#[derive(Clone, Debug)]
struct Faulty {
    weight: Param,
    bias: Param,
    rest: Sequential,
    at: usize,
    error: f64,
}

impl Parameters for Faulty {
    fn visit<'a>(&'a self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a Param)) {
        self.weight.visit(&path.field("weight"), f);
        self.bias.visit(&path.field("bias"), f);
        self.rest.visit(&path.field("rest"), f);
    }
    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a mut Param)) {
        self.weight.visit_mut(&path.field("weight"), f);
        self.bias.visit_mut(&path.field("bias"), f);
        self.rest.visit_mut(&path.field("rest"), f);
    }
}

impl Module for Faulty {
    fn forward<'t>(&self, x: Var<'t>, cx: &mut Context) -> Var<'t> {
        let (at, error, tape) = (self.at, self.error, x.tape());
        let weight = tape.custom_vjp(
            &[self.weight.on(tape)],
            |w| w[0] * 1.0,
            move |_, _, dy| {
                let factor =
                    Tensor::from_fn(dy.shape(), |i| if i[0] * 784 + i[1] == at { 1.0 + error } else { 1.0 });
                vec![dy * &factor]
            },
        );
        let hidden = (x.matmul(weight.transpose()) + self.bias.on(tape)).tanh();
        self.rest.forward(hidden, cx)
    }
}

fn faulty(at: usize, error: f64, rng: &mut StdRng) -> Faulty {
    let mut normal = |scale: f64| scale * (rng.random::<f64>() + rng.random::<f64>() - 1.0);
    let weight = Param::new(Tensor::from_fn([32, 784], |_| normal(0.1)));
    let bias = Param::new(Tensor::from_fn([32], |_| normal(0.1)));
    Faulty { weight, bias, rest: mlp(&[32, 10], Tanh, Identity, rng), at, error }
}

fn loss<'t>(model: &impl Module, tape: &'t Tape, x: &Tensor, y: &Tensor) -> Scalar<'t> {
    let z = model.forward(tape.constant(x.clone()), &mut Context::eval());
    nn::loss::cross_entropy_with_logits(z, y).mean()
}

#[test]
fn all_parameters_of_a_large_network_agree() {
    let rng = &mut StdRng::seed_from_u64(1);
    let (x, y) = mnist_like(rng);
    for model in [mlp(&[784, 32, 10], Sigmoid, Identity, rng), mlp(&[784, 32, 10], Relu, Identity, rng)] {
        assert_eq!(model.count(), 25_450);
        let (x, y) = (x.clone(), y.clone());
        let report = module(&model, move |model, tape| loss(model, tape, &x, &y)).run().unwrap();
        println!("{report}");
        assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    }
}

#[test]
fn one_wrong_entry_of_a_large_network_is_found() {
    let rng = &mut StdRng::seed_from_u64(2);
    let (x, y) = mnist_like(rng);
    let lit: Vec<usize> = (0..784).filter(|&j| (0..BATCH).any(|i| x.get([i, j]) != Some(0.0))).collect();
    for (row, column, error) in [(0, lit[0], 1e-2), (17, lit[40], 1e-3), (31, lit[lit.len() - 1], 1e-2)] {
        let model = faulty(row * 784 + column, error, rng);
        let (x, y) = (x.clone(), y.clone());
        let report = module(&model, move |model, tape| loss(model, tape, &x, &y)).run().unwrap();
        assert_eq!(report.verdict(), Verdict::Disagree, "{report}");
        let worst = report.worst().unwrap();
        assert_eq!(worst.label(), format!("weight[{row},{column}]"), "{report}");
    }
    let model = faulty(0, 0.0, rng);
    let report = module(&model, move |model, tape| loss(model, tape, &x, &y)).run().unwrap();
    assert_eq!(report.verdict(), Verdict::Agree, "{report}");
}

#[test]
fn small_models_are_checked_entry_by_entry() {
    let rng = &mut StdRng::seed_from_u64(3);
    let mut model = mlp(&[3, 4, 2], Tanh, Sigmoid, rng);
    let x = Tensor::from([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]]);
    let y = Tensor::from([[0.0, 1.0], [1.0, 0.0]]);
    let run = |model: &Sequential| {
        let (x, y) = (x.clone(), y.clone());
        let check = module(model, move |model, tape| {
            nn::loss::binary_cross_entropy_with_probabilities(
                model.forward(tape.constant(x.clone()), &mut Context::eval()),
                &y,
            )
            .mean_over_samples()
        });
        check.order(2).method(Method::Auto).entries(Entries::Auto).run().unwrap()
    };
    let report = run(&model);
    assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    assert_eq!(report.entries().iter().filter(|e| e.order == 1).count(), model.count());
    let first = model.named_parameters()[0].0.clone();
    model.visit_mut(&Path::root(), &mut |path, param| {
        if path.to_string() == first {
            param.freeze();
        }
    });
    let report = run(&model);
    assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    assert!(report.by_input(&first).is_some_and(|summary| summary.constant), "{report}");
    assert_eq!(report.entries().iter().filter(|e| e.order == 1).count(), model.count());
}

#[test]
#[should_panic(expected = "expected no gradient for `gain`")]
fn a_gradient_for_a_frozen_parameter_is_refused() {
    #[derive(Clone, Debug)]
    struct Stubborn(Param);
    impl Parameters for Stubborn {
        fn visit<'a>(&'a self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a Param)) {
            self.0.visit(&path.field("gain"), f);
        }
        fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a mut Param)) {
            self.0.visit_mut(&path.field("gain"), f);
        }
    }
    let mut model = Stubborn(Param::new([1.0, 2.0]));
    model.0.freeze();
    module(&model, |model, tape| tape.parameter(model.0.id(), model.0.value()).sum());
}

/// `y = x²` with a derivative that is off by `error` in one number type, or in both.
#[derive(Clone, Debug)]
struct Squared {
    wrong: &'static str,
    error: f64,
}

/// A small model in any number type, around such an operation.
#[derive(Clone, Debug, Parameters)]
struct Around<T: Element> {
    first: Linear<T>,
    norm: BatchNorm1d<T>,
    rest: Sequential<T>,
    #[parameters(skip)]
    squared: Squared,
}

impl<T: Element> Module<T> for Around<T> {
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        let Squared { wrong, error } = self.squared;
        let factor = T::from_f64(if [T::NAME, "both"].contains(&wrong) { 2.0 + error } else { 2.0 });
        let x = self.norm.forward(self.first.forward(x, cx), cx);
        let squared = x.tape().custom_vjp(&[x], |x| x[0] * x[0], move |x, _, dy| vec![x[0] * dy * factor]);
        self.rest.forward(squared, cx)
    }
}

/// The report on a model with a frozen weight, buffers that are not those of a new layer, and a wrong derivative.
fn around(wrong: &'static str, error: f64) -> gradcheck::Report {
    let rng = &mut StdRng::seed_from_u64(5);
    let mut model = Around::<f32> {
        first: Linear::new(3, 4, rng),
        norm: BatchNorm1d::new(4),
        rest: mlp(&[4, 5, 2], Sigmoid, Identity, rng),
        squared: Squared { wrong, error },
    };
    model.freeze_matching("rest.0.weight").unwrap();
    let x = Tensor::randn([6, 3], rng);
    model.forward(Tape::of().constant(x.clone()), &mut Context::train(StdRng::seed_from_u64(6)));
    let check = nn::gradcheck::module_f32(
        &model,
        |model, tape| {
            let logits = model.forward(tape.constant(x.clone()), &mut Context::eval());
            nn::loss::cross_entropy_with_logits(logits, &[0, 1, 1, 0, 1, 0]).mean()
        },
        |model, tape| {
            let logits = model.forward(tape.constant(x.cast()), &mut Context::eval());
            nn::loss::cross_entropy_with_logits(logits, &[0, 1, 1, 0, 1, 0]).mean()
        },
    );
    check.run().unwrap()
}

#[test]
fn the_gradients_of_a_model_in_single_precision_agree() {
    let report = around("", 0.0);
    assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    assert!(report.to_string().contains("f32 ok"), "{report}");
    assert!(report.by_input("rest.0.weight").is_some_and(|summary| summary.constant), "{report}");
    assert!(report.by_input("norm.running_var").is_some_and(|summary| summary.constant), "{report}");
}

#[test]
fn a_wrong_derivative_in_single_precision_is_found() {
    // In both number types, by differences in `f64`.
    let report = around("both", 1e-3);
    assert_eq!(report.verdict(), Verdict::Disagree, "{report}");
    assert!(report.worst().is_some_and(|entry| entry.verdict == Verdict::Disagree), "{report}");
    // In `f32` alone, by the gradient in `f64`.
    let report = around("f32", 1e-3);
    assert_eq!(report.verdict(), Verdict::Disagree, "{report}");
    assert!(report.entries().iter().all(|entry| entry.verdict == Verdict::Agree), "{report}");
    assert!(report.to_string().contains("f32 FAIL: "), "{report}");
}

#[test]
#[should_panic(expected = "f32 FAIL: 0.weight")]
fn a_loss_that_differs_between_the_number_types_is_found() {
    let model = mlp::<f32>(&[2, 1], Tanh, Identity, &mut StdRng::seed_from_u64(7));
    nn::assert_module_gradients_f32!(&model, |model, tape| {
        let y = model.forward(tape.constant([[1.0, 2.0]]), &mut Context::eval()).square().sum();
        y * if std::mem::size_of_val(&y.value()) == 4 { 2.0 } else { 1.0 }
    });
}

#[test]
fn a_model_at_a_kink_of_one_number_type_is_inconclusive() {
    // x · 3 - 3 x is 0 in `f64` for x = 1/10 rounded to `f32`, and not 0 after the roundings of `f32`.
    let model = Linear::from_values([[3.0f32]], [-0.3f32]);
    fn loss<'t, T: Element>(model: &Linear<T>, tape: &'t Tape<T>) -> Scalar<'t, T> {
        let x = tape.constant(Tensor::from([[0.1f32]]).cast());
        model.forward(x, &mut Context::eval()).relu().sum()
    }
    let report = nn::gradcheck::module_f32(&model, loss, loss).run().unwrap();
    assert!(matches!(report.verdict(), Verdict::Inconclusive(_)), "{report}");
}
