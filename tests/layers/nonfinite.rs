//! Non-finite values in models: whichever node a NaN or an infinity is planted at, in either direction, the report has that
//! node, a name that the user knows, and the user's line.

use super::{loaded, mode, tensors, trains};
use nn::{
    BatchNorm1d, Context, LayerNorm, Linear, Module, Param, Parameters, Residual, Sequential, Sigmoid, Tanh,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::Location;
use tape::{Array, Error, NonFinite, Op, Shape, Tape, Tensor, Var};
use tests::networks::uniform;
use tests::reference::json;

const BAD: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

/// The identity, except that one element of the value, or of the cotangent, is another.
#[derive(Clone, Debug)]
struct Planted {
    value: Option<f64>,
    cotangent: Option<f64>,
}

/// Adds `bad` to the last element.
fn spoil<A: Array<f64>>(x: A, bad: Option<f64>) -> A {
    let Some(bad) = bad else { return x };
    let mut added = vec![0.0; x.shape().size()];
    added[x.shape().size() - 1] = bad;
    let added = x.constant(Tensor::from(added).reshape(x.shape()));
    x + added
}

impl Op<f64> for Planted {
    const NAME: &'static str = "planted";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Ok(x[0].clone())
    }

    fn eval(&self, x: &[&Tensor], _shape: &Shape) -> Tensor {
        spoil(x[0].clone(), self.value)
    }

    fn vjp<A: Array<f64>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        spoil(dy.clone(), self.cotangent)
    }
}

/// The report on a small network, with something planted after node `at`, and the number of places there are.
fn network(at: usize, planted: &Planted) -> (NonFinite, usize) {
    let tape = Tape::new();
    let x = tape.var(uniform([3, 2], 1.0, &mut StdRng::seed_from_u64(1)));
    let [w, b, v] =
        [&[4, 2][..], &[4], &[1, 4]].map(|shape| uniform(shape, 1.0, &mut StdRng::seed_from_u64(2)));
    let count = Cell::new(0);
    let p = |x| {
        count.set(count.get() + 1);
        if count.get() - 1 == at { tape.apply(planted.clone(), &[x]).named("here") } else { x }
    };
    let (x, w, b, v) = (p(x), p(tape.var(w)), p(tape.var(b)), p(tape.var(v)));
    let z = p(p(p(x.matmul(p(w.transpose()))) + b).tanh());
    let z = p(p(z.square()) + p(z.exp()));
    let y = p(p(p(z.matmul(p(v.transpose()))).sigmoid()).ln());
    let loss = p(y.mean_axes([0, 1], false).sum().to_var()).sum();
    (loss.find_nonfinite(), count.get())
}

#[test]
fn the_node_is_found_wherever_a_value_or_a_derivative_is_planted() {
    let (clean, count) = network(usize::MAX, &Planted { value: None, cotangent: None });
    assert!(clean.is_clean() && count == 16, "{clean}, {count} places");
    for bad in BAD {
        for at in 0..count {
            let (report, _) = network(at, &Planted { value: Some(bad), cotangent: None });
            let found = report.forward.expect("a value is not finite");
            assert_eq!((found.op, found.name.as_deref()), ("planted", Some("here")), "forward at {at}");
            assert!(found.value == bad || found.value.is_nan() && bad.is_nan(), "{} at {at}", found.value);

            let (report, _) = network(at, &Planted { value: None, cotangent: Some(bad) });
            assert_eq!(report.forward, None, "every value at {at} is finite");
            let found = report.backward.expect("a derivative is not finite");
            assert_eq!((found.op, found.operand), ("planted", Some(0)), "backward at {at}");
            assert!(found.to_string().starts_with("planted `here` of "), "{found}");
        }
    }
}

/// Every layer that a chain can have, with parameters that are trained, frozen and buffers.
fn model() -> Sequential {
    let rng = &mut StdRng::seed_from_u64(3);
    let mut norm = LayerNorm::new(4);
    norm.freeze_matching("*").expect("a pattern");
    Sequential::new()
        .push(Linear::new(3, 4, rng))
        .push(Tanh)
        .push(norm)
        .push(Residual::new(Sequential::new().push(Linear::new(4, 4, rng)).push(Sigmoid)))
        .push(BatchNorm1d::new(4))
        .push(Linear::new(4, 1, rng))
}

#[test]
fn a_parameter_that_is_not_finite_is_reported_by_its_name_and_the_users_line() {
    let names: Vec<String> = model().named_parameters().into_iter().map(|(name, _)| name).collect();
    let x = uniform([5, 3], 1.0, &mut StdRng::seed_from_u64(4));
    let mut reported = Vec::new();
    for bad in BAD {
        for name in names.iter().filter(|name| !name.ends_with("num_batches_tracked")) {
            let mut model = model();
            model.visit_mut(&nn::Path::root(), &mut |path, param: &mut Param| {
                if path.to_string() == *name {
                    param.value_mut().as_mut_slice()[0] = bad;
                }
            });
            let tape = Tape::new().with_locations();
            let line = line!() + 1;
            let y = model.forward(tape.constant(x.clone()), &mut Context::eval());
            model.name_on(&tape);
            let found = y.square().mean().find_nonfinite().forward.expect("a parameter is not finite");
            let site = found.site.expect("a tape with locations");
            assert_eq!((site.file(), site.line()), (file!(), line), "{name}: {found}");
            let op = if name.starts_with("2.") || name.contains("running") { "constant" } else { "leaf" };
            assert_eq!((found.op, found.name.as_ref()), (op, Some(name)), "{found}");
            reported.push(found.to_string());
        }
    }
    let expected = format!("leaf `3.body.0.bias`: value is NaN, created at {}", file!());
    assert!(reported.iter().any(|line| line.starts_with(&expected)), "{reported:#?}");
    assert_eq!(reported.len(), 3 * (names.len() - 1));
}

/// Asserts that every node that `run` records is recorded in this file. (Only `sum` and `product` of iterators cannot know
/// their caller: the standard library is between.)
#[track_caller]
fn recorded_here(of: &str, run: impl for<'t> FnOnce(&'t Tape)) {
    let tape = Tape::new().with_locations();
    run(&tape);
    let view = tape.view();
    assert!(view.nodes().len() > 1, "{of} records something");
    let site = |node: &tape::GraphNode| node.site.expect("a tape with locations");
    let elsewhere = view.nodes().iter().filter(|node| site(node).file() != file!());
    let elsewhere: BTreeSet<String> =
        elsewhere.map(|node| format!("{} at {}", node.op, site(node))).collect();
    assert!(elsewhere.is_empty(), "{of}: {elsewhere:#?}");
}

#[test]
fn losses_and_compositions_record_at_the_line_of_their_caller() {
    use nn::loss;
    let (a, y) = (uniform([4, 3], 0.4, &mut StdRng::seed_from_u64(5)) + 0.5, Tensor::full([4, 3], 0.25));
    let signs = Tensor::from([1.0, -1.0, 1.0, -1.0]);
    let (classes, options) = ([0usize, 2, 1, 0], nn::functional::CrossEntropyOptions::default());
    recorded_here("losses", |tape| {
        let a = tape.var(a.clone());
        for loss in [
            loss::squared_error(a, &y),
            loss::absolute_error(a, &y),
            loss::huber(a, &y, 1.0),
            loss::smooth_l1(a, &y, 1.0),
            loss::binary_cross_entropy_with_probabilities(a, &y),
            loss::binary_cross_entropy_with_logits(a, &y),
            loss::hinge(a, &y, 1.0),
            loss::hinge_embedding(a.slice(1, ..1).squeeze(1), &signs, 1.0),
            loss::cross_entropy_with_logits(a, &y),
            loss::cross_entropy_with_logits(a, &classes),
            loss::nll(a, &classes, &options),
            loss::multi_margin(a, &classes, 1, 1.0, &options),
            loss::kl_divergence(a.log_softmax(1), &y),
            loss::cosine_embedding(a, a * 2.0, &signs, 0.1),
            loss::margin_ranking(a, a * 2.0, &y, 0.1),
            loss::triplet_margin(a, a * 2.0, a * 3.0, &loss::TripletOptions::default()),
            loss::poisson_nll_with_log_rates(a, &y, true),
            loss::poisson_nll_with_rates(a, &y, 1e-8, true),
            loss::gaussian_nll(a, &y, a * 2.0, 1e-6, true),
            loss::binary_focal_with_logits(a, &y, 2.0, Some(0.25)),
            loss::focal_with_logits(a, &classes, 2.0, &options),
            loss::ctc(a.unsqueeze(0), &[[1usize, 2]], None, &loss::CtcOptions::default()),
        ] {
            loss.mean();
            loss.sum();
            loss.mean_over_samples();
        }
        loss::l2_penalty(&model(), tape);
        loss::l1_penalty(&model(), tape);
    });
    recorded_here("tensors", |tape| {
        let x = tape.var(a.clone());
        let (rows, parts) = (x.rows().collect::<Vec<_>>(), x.chunk(3, 1));
        tape.concat(&rows, 0);
        tape.stack(&parts, 0);
        x.split(&[1, 2], 1);
        x.sort(1, true);
        x.topk(2, 1, true);
        x.masked_fill(&y, 2.0);
        x.mul_add(x, 1.0);
        x.flatten(..).tile([2]);
        x.expand_as(x).unsqueeze(0).squeeze(0).row(1);
        x.matmul(x.transpose()).slogdet();
        x.diag(0);
        x.rpow(2.0).flatten(..).dot(x.flatten(..));
        let _quotient = (x - 1.0) / (2.0 - x) * -x;
        x.maximum(0.5).atan2(x).std(0);
        let [dx] = x.square().sum().grad([x]);
        dx.sum().grad([x]);
        tape.checkpoint(&[x], |x| x[0].exp().sin());
    });
    recorded_here("scalars", |tape| {
        let (u, v) = (tape.scalar(0.5), tape.scalar(2.0));
        let w = u + v + u * v;
        let x = tape.vector(&[u, v, w.maximum(u).clamp(0.0, 1.0)]);
        let [du] = (x.dot(x) + (2.0 - u) / v + u.mul_add(v, w) + u.pow(v) + u.rpow(3.0)).grad([u]);
        du.grad([v]);
    });
}

/// A layer records at the line of its caller, however many closures and boxes are between.
#[test]
fn every_layer_records_at_the_line_of_its_caller() {
    let cases = json("layers.json");
    let mut elsewhere = BTreeSet::new();
    for case in &cases {
        let (layer, mut cx) = (loaded(case), mode(trains(case)));
        let tape = Tape::new().with_locations();
        let inputs: Vec<Var<'_>> = tensors(&case["inputs"]).into_iter().map(|x| tape.var(x)).collect();
        let before = tape.view().nodes().len();
        layer.run(&tape, &inputs, &mut cx);
        let view = tape.view();
        assert!(view.nodes().len() > before);
        for node in &view.nodes()[before..] {
            let site: &Location<'_> = node.site.expect("a tape with locations");
            if !site.file().ends_with("catalogue.rs") {
                elsewhere.insert(format!("{}: {} at {site}", case["layer"], node.op));
            }
        }
    }
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
    assert_eq!(cases.len(), 86);
}
