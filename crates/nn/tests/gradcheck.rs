//! Gradient checks of models: every parameter, large ones by directions, frozen ones not at all.

use gradcheck::{Entries, Method, Verdict};
use nn::gradcheck::module;
use nn::{Context, Identity, Module, Param, Parameters, Path, Relu, Sequential, Sigmoid, Tanh, mlp};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tape::{Scalar, Tape, Tensor, Var};

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
