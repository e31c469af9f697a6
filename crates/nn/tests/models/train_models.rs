//! Models that are no modules: `Trainer` with batches of any type and with steps of any kind.

use nn::data::{BatchSource, Batches, Dataset, Loader, Prefetch, from_fn};
use nn::optim::schedule::Goal;
use nn::optim::{Adam, Optimizer, Sgd, StepError};
use nn::train::{
    Epoch, Keep, OnNonFinite, Report, StepFailure, StopReason, TrainError, Trainer, descend, loss_function,
};
use nn::{
    BatchNorm1d, Context, Embedding, Identity, Linear, Module, Param, Parameters, RandomTensor, Sequential,
    Tanh, loss, mlp, state_dict,
};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tape::{Scalar, Tape, Tensor, Var};

fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// The values of all parameters.
fn values(model: &(impl Parameters + ?Sized)) -> Vec<Vec<f64>> {
    state_dict(model).into_iter().map(|(_, value)| value.to_vec()).collect()
}

// ---- A variational autoencoder: noise beside the input ----

#[derive(Clone, Debug, Parameters)]
struct Vae {
    encoder: Sequential,
    decoder: Sequential,
}

impl Vae {
    fn new(rng: &mut StdRng) -> Vae {
        let encoder = mlp(&[3, 8, 2], Tanh, Identity, rng);
        Vae { encoder, decoder: mlp(&[1, 8, 3], Tanh, Identity, rng) }
    }

    /// The mean negative evidence lower bound, up to a constant, for observations with variance 0.01.
    fn loss<'t>(&self, x: &Tensor, noise: &Tensor, tape: &'t Tape, cx: &mut Context) -> Scalar<'t> {
        let moments = self.encoder.forward(tape.constant(x.clone()), cx).chunk(2, 1);
        let (mean, log_var) = (moments[0], moments[1]);
        let z = mean + (log_var * 0.5).exp() * noise;
        let error = loss::squared_error(self.decoder.forward(z, cx), x).mean_over_samples() * 50.0;
        let divergence = (mean.square() + log_var.exp() - log_var - 1.0).sum() * 0.5;
        error + divergence / x.shape()[0] as f64
    }
}

/// Points near a curve in space.
fn curve(n: usize, rng: &mut StdRng) -> Tensor {
    let t: Tensor = Tensor::rand([n], rng) * 4.0 - 2.0;
    Tensor::stack(&[&t, &t.sin(), &t.cos()], 1) + Tensor::randn([n, 3], rng) * 0.1
}

#[test]
fn a_vae_draws_its_noise_from_the_context_and_is_the_plain_loop() {
    let data = curve(120, &mut rng(1));
    let (train, held_out) = (data.slice(0, ..96), data.slice(0, 96..));
    let fixed = Tensor::randn([24, 1], &mut rng(2));
    let judge = |model: &Vae| model.loss(&held_out, &fixed, &Tape::new(), &mut Context::eval()).value();

    let mut by_hand = Vae::new(&mut rng(3));
    let (before, mut generator) = (judge(&by_hand), rng(4));
    let mut cx = Context::train(StdRng::from_rng(&mut generator));
    let (mut tape, mut optimizer, mut batches) = (Tape::new(), Adam::new(0.01), Batches::new(96, 20));
    let mut losses = Vec::new();
    for _ in 0..60 {
        let mut total = 0.0;
        for rows in batches.shuffle(&mut generator).iter() {
            let x = train.index_select(0, rows);
            let noise = Tensor::randn([rows.len(), 1], &mut cx.rng().unwrap());
            let loss = by_hand.loss(&x, &noise, &tape, &mut cx);
            total += loss.value() * rows.len() as f64;
            let grads = loss.backward();
            tape.reset();
            optimizer.step(&mut by_hand, &grads);
        }
        losses.push(total / 96.0);
    }

    let run = |fit: Trainer<'_, f64, Vae>| -> (Vae, Report) {
        let mut model = Vae::new(&mut rng(3));
        let report = fit
            .run_batches(
                &mut model,
                &mut Adam::new(0.01),
                &mut Batches::new(96, 20),
                &mut rng(4),
                |model, rows, tape, cx| {
                    let x = train.index_select(0, &rows[..]);
                    let noise = Tensor::randn([rows.len(), 1], &mut cx.rng().unwrap());
                    Ok(model.loss(&x, &noise, tape, cx))
                },
            )
            .unwrap();
        (model, report)
    };
    let (model, report) = run(Trainer::for_model::<Vae>(60).validation_by(judge));
    assert_eq!(values(&model), values(&by_hand));
    assert_eq!(
        (report.history.names(), report.ended),
        (&["loss".into(), "validation".into()][..], StopReason::Done)
    );
    for (found, expected) in report.history.get("loss").unwrap().iter().zip(&losses) {
        assert!((found - expected).abs() <= 1e-12 * expected.abs(), "{found} != {expected}");
    }
    let validation = report.history.get("validation").unwrap();
    assert!(before > 100.0 && validation[59] < 5.5, "from {before} to {validation:?}");

    // Early stopping and the best weights go by the validation.
    let (model, report) =
        run(Trainer::for_model::<Vae>(60).validation_by(judge).patience(2).keep(Keep::Best));
    let (epoch, least) = report.best.unwrap();
    assert_eq!((report.ended, report.history.len()), (StopReason::NoImprovement, epoch + 2));
    assert_eq!(judge(&model), least);
    assert_eq!(validation[..epoch + 2], report.history.get("validation").unwrap());
}

// ---- Two networks with an optimizer each ----

/// The optimizers are beside the networks, for checkpoints and schedules.
#[derive(Clone, Debug, Parameters)]
struct Gan {
    generator: Sequential,
    critic: Sequential,
    #[parameters(skip)]
    g: Adam,
    #[parameters(skip)]
    d: Adam,
}

impl Gan {
    fn new(rng: &mut StdRng) -> Gan {
        let [generator, critic] = [2, 1].map(|width| mlp(&[2, 16, width], Tanh, Identity, rng));
        let [g, d] = [(); 2].map(|()| Adam::new(0.02).betas(0.0, 0.99));
        Gan { generator, critic, g, d }
    }

    /// The distance of the mean of generated points from that of the real ones.
    fn distance(&self) -> f64 {
        let points = self.generator.predict(&Tensor::randn([500, 2], &mut rng(99)));
        (points.mean_axes(0, false) - Tensor::from([2.0, -1.0])).norm(2.0)
    }
}

#[test]
fn a_pair_of_adversaries_trains_with_two_optimizers_and_their_schedule() {
    let mut gan = Gan::new(&mut rng(0));
    let start = gan.distance();
    let mut tapes = (Tape::new(), Tape::new());
    let mut real = from_fn(25, |mut rng| Tensor::randn([32, 2], &mut rng) * 0.5 + Tensor::from([2.0, -1.0]));
    let rates = RefCell::new(Vec::new());
    let report = Trainer::for_model::<Gan>(40)
        .metric("distance", |gan| gan.distance())
        .watch("distance", Goal::Minimize)
        .patience(8)
        .keep(Keep::Best)
        .after_epoch(|epoch, _| {
            rates.borrow_mut().push((epoch.model.g.learning_rate(), epoch.model.d.learning_rate()));
            ControlFlow::Continue(())
        })
        .run_steps(&mut gan, &mut real, &mut rng(1), |gan, real, step, cx| {
            let rate = 0.02 * (1.0 - step.number as f64 / step.steps as f64);
            assert_eq!((step.steps, step.epoch), (1000, step.number / 25 + 1));
            gan.g.set_learning_rate(rate);
            gan.d.set_learning_rate(2.0 * rate);
            let noise = Tensor::randn([32, 2], &mut cx.rng().unwrap());
            let fake = gan.generator.predict(&noise);
            let loss = descend(&mut gan.critic, &mut gan.d, &mut tapes.0, cx, |critic, tape, cx| {
                let real = tape.var(real);
                let scores = critic.forward(real, cx);
                let slope = scores.sum().grad(real).square().sum() * (0.1 / 32.0);
                let known = critic.forward(tape.constant(fake), cx);
                Ok(((-scores).softplus() + known.softplus()).mean() + slope)
            })?;
            let critic = &gan.critic;
            descend(&mut gan.generator, &mut gan.g, &mut tapes.1, cx, |generator, tape, cx| {
                Ok((-critic.forward(generator.forward(tape.constant(noise), cx), cx)).softplus().mean())
            })?;
            Ok(loss)
        })
        .unwrap();
    let (epoch, least) = report.best.unwrap();
    assert!(start > 2.0 && least < 0.1, "from {start} to {least}");
    assert_eq!(gan.distance(), least);
    assert_eq!(report.history.get("distance").unwrap()[epoch - 1], least);
    assert_eq!(report.history.names(), ["loss", "distance"]);
    let rates = rates.borrow();
    assert_eq!(rates.len(), report.history.len());
    assert!(rates.windows(2).all(|pair| pair[0].0 > pair[1].0 && pair[1].1 == 2.0 * pair[1].0));
}

// ---- Indices in, labels as targets ----

#[derive(Clone, Debug, Parameters)]
#[parameters(element = f32)]
struct Words {
    embedding: Embedding<f32>,
    output: Linear<f32>,
}

impl Words {
    fn new(rng: &mut StdRng) -> Words {
        Words { embedding: Embedding::new(12, 6, rng), output: Linear::new(6, 3, rng) }
    }

    /// The logits of the classes of texts, each the mean of its words.
    fn logits<'t>(&self, texts: &[&[usize]], tape: &'t Tape<f32>, cx: &mut Context<f32>) -> Var<'t, f32> {
        let means: Vec<_> =
            texts.iter().map(|text| self.embedding.forward(tape, *text).mean_axes(0, true)).collect();
        self.output.forward(tape.concat(&means, 0), cx)
    }
}

#[test]
fn an_embedding_learns_labels_of_texts_of_unequal_length() {
    // Words 0 to 3 are those of class 0, and so on; the other words of a text are from anywhere.
    let mut draw = rng(5);
    let texts: Vec<(Vec<usize>, usize)> = (0..150)
        .map(|i| {
            let (class, length) = (i % 3, 3 + i % 7);
            let word = |k: usize| {
                if k % 3 == 2 { draw.random_range(0..12) } else { 4 * class + draw.random_range(0..4) }
            };
            ((0..length).map(word).collect(), class)
        })
        .collect();
    let lengths: Vec<usize> = texts[..120].iter().map(|(text, _)| text.len()).collect();
    let run = |depth: usize| {
        let mut model = Words::new(&mut rng(6));
        let mut batches = Prefetch::new(Batches::bucketed(&lengths, 16).unwrap(), depth).unwrap();
        let accuracy = |model: &Words| {
            let (held_out, labels): (Vec<&[usize]>, Vec<usize>) =
                texts[120..].iter().map(|(text, class)| (&text[..], *class)).unzip();
            let scores = model.logits(&held_out, &Tape::of().inference(), &mut Context::eval()).value();
            let found = nn::metrics::argmax_rows(&scores).unwrap();
            nn::metrics::accuracy(&found, &labels).unwrap()
        };
        let report = Trainer::for_model::<Words>(40)
            .metric("accuracy", accuracy)
            .watch("accuracy", Goal::Maximize)
            .patience(8)
            .keep(Keep::Best)
            .run_batches(
                &mut model,
                &mut Adam::new(0.03),
                &mut batches,
                &mut rng(7),
                |model, rows, tape, cx| {
                    let (batch, labels): (Vec<&[usize]>, Vec<usize>) =
                        rows.iter().map(|&row| (&texts[row].0[..], texts[row].1)).unzip();
                    Ok(loss::cross_entropy_with_logits(model.logits(&batch, tape, cx), &labels).mean())
                },
            )
            .unwrap();
        let (_, best) = report.best.unwrap();
        assert_eq!(accuracy(&model), best);
        assert!(best >= 0.95, "{:?}", report.history);
        assert_eq!(report.ended, StopReason::NoImprovement);
        (report, model.embedding.weight.value().to_vec())
    };
    assert_eq!(run(1), run(4));
}

// ---- A hidden Markov model: probabilities as parameters, sequences as batches ----

#[derive(Clone, Debug, Parameters)]
struct Hmm {
    /// Logits of the state after each state.
    transition: Param,
    /// Logits of a 1 in each state.
    emission: Param,
}

impl Hmm {
    /// The negative log-likelihood per symbol, by the forward algorithm.
    fn loss<'t>(&self, sequence: &[usize], tape: &'t Tape) -> Scalar<'t> {
        let transition = self.transition.on(tape).log_softmax(1);
        let emission = self.emission.on(tape);
        let seen = |symbol: usize| -(if symbol == 1 { -emission } else { emission }).softplus();
        let mut forward = seen(sequence[0]) - 2f64.ln();
        for &symbol in &sequence[1..] {
            let paths = forward.reshape([2, 1]) + transition;
            forward = paths.logsumexp_axis(0) + seen(symbol);
        }
        -forward.logsumexp() / sequence.len() as f64
    }
}

#[test]
fn a_hidden_markov_model_finds_the_states_of_its_sequences() {
    let mut draw = rng(8);
    let mut sequences: Vec<Vec<usize>> = (0..16)
        .map(|_| {
            let mut state: usize = draw.random_range(0..2);
            (0..40)
                .map(|_| {
                    state = if draw.random::<f64>() < 0.05 { 1 - state } else { state };
                    usize::from(draw.random::<f64>() < [0.1, 0.9][state])
                })
                .collect()
        })
        .collect();
    let held_out = sequences.split_off(12);
    let judge = |model: &Hmm| {
        let loss = |sequence: &Vec<usize>| model.loss(sequence, &Tape::new().inference()).value();
        held_out.iter().map(loss).sum::<f64>() / 4.0
    };
    let mut model =
        Hmm { transition: Param::new([[0.2, 0.0], [0.0, 0.2]]), emission: Param::new([-0.3, 0.3]) };
    let start = judge(&model);
    let report = Trainer::for_model::<Hmm>(30)
        .validation_by(judge)
        .patience(4)
        .keep(Keep::Best)
        .run_batches(
            &mut model,
            &mut Adam::new(0.05),
            &mut sequences,
            &mut rng(9),
            |model, sequence, tape, _| Ok(model.loss(&sequence, tape)),
        )
        .unwrap();
    let (_, least) = report.best.unwrap();
    // A fair coin costs ln 2 = 0.693 per symbol.
    assert!(start > 0.66 && least < 0.45, "from {start} to {least}");
    assert_eq!(judge(&model), least);
    let probabilities = model.emission.value().sigmoid();
    let (low, high) = (probabilities.get([0]).unwrap(), probabilities.get([1]).unwrap());
    assert!((low - 0.1).abs() < 0.06 && (high - 0.9).abs() < 0.06, "{low}, {high}");
}

// ---- A graph of its own for each sample ----

/// A leaf, or two subtrees.
enum Tree {
    Leaf(usize),
    Node(Box<(Tree, Tree)>),
}

impl Tree {
    fn draw(depth: usize, rng: &mut StdRng) -> Tree {
        if depth == 0 || rng.random::<f64>() < 0.2 {
            return Tree::Leaf(rng.random_range(0..4));
        }
        Tree::Node(Box::new((Tree::draw(depth - 1, rng), Tree::draw(depth - 1, rng))))
    }

    /// The greatest leaf.
    fn value(&self) -> f64 {
        match self {
            Tree::Leaf(symbol) => *symbol as f64,
            Tree::Node(children) => children.0.value().max(children.1.value()),
        }
    }
}

#[derive(Clone, Debug, Parameters)]
struct Recursive {
    embedding: Embedding,
    join: Linear,
    output: Linear,
}

impl Recursive {
    fn state<'t>(&self, tree: &Tree, tape: &'t Tape, cx: &mut Context) -> Var<'t> {
        match tree {
            Tree::Leaf(symbol) => self.embedding.forward(tape, [*symbol]),
            Tree::Node(children) => {
                let [left, right] = [&children.0, &children.1].map(|child| self.state(child, tape, cx));
                self.join.forward(tape.concat(&[left, right], 1), cx).tanh()
            }
        }
    }

    fn values<'t>(&self, trees: &[&Tree], tape: &'t Tape, cx: &mut Context) -> Var<'t> {
        let states: Vec<_> = trees.iter().map(|tree| self.state(tree, tape, cx)).collect();
        self.output.forward(tape.concat(&states, 0), cx)
    }
}

#[test]
fn a_recursive_network_learns_the_greatest_leaf_of_trees() {
    let mut draw = rng(10);
    let trees: Vec<Tree> = (0..160).map(|_| Tree::draw(3, &mut draw)).collect();
    let mut model = Recursive {
        embedding: Embedding::new(4, 8, &mut draw),
        join: Linear::new(16, 8, &mut draw),
        output: Linear::new(8, 1, &mut draw),
    };
    let targets = |trees: &[&Tree]| Tensor::from_fn([trees.len(), 1], |i| trees[i[0]].value());
    let held_out: Vec<&Tree> = trees[120..].iter().collect();
    let judge = |model: &Recursive| {
        let found = model.values(&held_out, &Tape::new().inference(), &mut Context::eval()).value();
        nn::metrics::rmse(&found, &targets(&held_out)).unwrap()
    };
    let start = judge(&model);
    let report = Trainer::for_model::<Recursive>(25)
        .validation_by(judge)
        .patience(8)
        .keep(Keep::Best)
        .run_batches(
            &mut model,
            &mut Adam::new(0.01),
            &mut Batches::new(120, 15),
            &mut rng(11),
            |model, rows, tape, cx| {
                let batch: Vec<&Tree> = rows.iter().map(|&row| &trees[row]).collect();
                Ok(loss::squared_error(model.values(&batch, tape, cx), targets(&batch)).mean())
            },
        )
        .unwrap();
    let (_, least) = report.best.unwrap();
    assert!(start > 3.0 && least < 0.35, "from {start} to {least}");
    assert_eq!(judge(&model), least);
}

// ---- The three entry points are one loop ----

fn parabola() -> Dataset {
    let x = Tensor::linspace(-1.0, 1.0, 12).reshape([12, 1]);
    Dataset::new(x.clone(), x.square()).unwrap()
}

/// A network with statistics.
fn network() -> Sequential {
    let mut rng = rng(3);
    Sequential::new()
        .push(Linear::new(1, 4, &mut rng))
        .push(BatchNorm1d::new(4))
        .push(Tanh)
        .push(nn::Dropout::new(0.1))
        .push(Linear::new(4, 1, &mut rng))
}

#[test]
fn the_entry_points_train_alike_bit_for_bit() {
    let data = parabola();
    let loader = || Loader::new(&data, 4).unwrap().transform(|x, rng| *x = &*x + 0.01 * rng.random::<f64>());
    let mut pairs = network();
    let error = |model: &dyn Module| nn::metrics::rmse(&model.predict(data.x()), data.y()).unwrap();
    let fit = || Trainer::new(6).metric("rmse", error).keep(Keep::Best);
    let loss = loss_function(|a, y| loss::squared_error(a, y).mean());
    let expected = fit().run(&mut pairs, &mut Adam::new(0.05), &mut loader(), &mut rng(8), loss).unwrap();

    let mut batches = network();
    let report = fit()
        .run_batches(
            &mut batches,
            &mut Adam::new(0.05),
            &mut loader(),
            &mut rng(8),
            |model, (x, y), tape, cx| Ok(loss::squared_error(model.forward(tape.constant(x), cx), y).mean()),
        )
        .unwrap();
    assert_eq!((values(&batches), &report), (values(&pairs), &expected));

    let (mut steps, mut adam, mut tape) = (network(), Adam::new(0.05), Tape::new());
    let report = Trainer::for_model::<Sequential>(6)
        .metric("rmse", |model| error(model))
        .keep(Keep::Best)
        .run_steps(&mut steps, &mut loader(), &mut rng(8), |model, (x, y), _, cx| {
            let loss = loss::squared_error(model.forward(tape.constant(x), cx), &y).mean();
            let (value, grads) = (loss.value(), loss.backward());
            tape.reset();
            adam.try_step(model, &grads)?;
            Ok(value)
        })
        .unwrap();
    assert_eq!((values(&steps), &report), (values(&pairs), &expected));
}

#[test]
fn a_prefetched_loader_trains_like_the_loader_that_it_holds() {
    /// A loader with a generator for each epoch.
    struct Seeded(Loader<'static>);

    impl BatchSource for Seeded {
        type Batch = (Tensor, Tensor);

        fn batches(&self) -> usize {
            self.0.len()
        }

        fn epoch<'e>(&'e mut self, rng: &'e mut dyn Rng) -> impl Iterator<Item = (Tensor, Tensor)> {
            self.0.epoch_seeded(rng)
        }

        fn size((x, _): &(Tensor, Tensor)) -> usize {
            x.shape()[0]
        }
    }

    fn trained(source: &mut impl BatchSource<Batch = (Tensor, Tensor)>) -> (Vec<Vec<f64>>, Report) {
        let mut model = network();
        let fit = Trainer::new(4).validation(&parabola());
        let report = fit
            .run(&mut model, &mut Sgd::new(0.1), source, &mut rng(2), |a, y| loss::squared_error(a, y).mean())
            .unwrap();
        (values(&model), report)
    }

    let loader = || -> Loader<'static> {
        Loader::new(&parabola(), 5)
            .unwrap()
            .merge_last()
            .transform(|x, rng| *x = &*x + 0.01 * rng.random::<f64>())
    };
    let expected = trained(&mut Seeded(loader()));
    for depth in [1, 3] {
        assert_eq!(trained(&mut Prefetch::new(loader(), depth).unwrap()), expected);
    }
}

#[test]
fn batches_count_by_their_size_or_alike() {
    let run = |source: &mut dyn FnMut(Trainer<'static, f64, Param>, &mut Param) -> Report| {
        let mut w = Param::new(0.0);
        source(Trainer::for_model(1), &mut w).history.last("loss").unwrap()
    };
    let still = &mut Sgd::new(0.0);
    let by_samples = run(&mut |fit, w| {
        let mut batches = Batches::new(5, 4).without_shuffle();
        fit.run_batches(w, still, &mut batches, &mut rng(0), |w, rows, tape, _| {
            Ok((w.on(tape) + rows.len() as f64).sum())
        })
        .unwrap()
    });
    assert_eq!(by_samples, (4.0 * 4.0 + 1.0) / 5.0);
    let alike = run(&mut |fit, w| {
        fit.run_batches(w, &mut Sgd::new(0.0), &mut vec![4.0, 1.0], &mut rng(0), |w, x, tape, _| {
            Ok((w.on(tape) + x).sum())
        })
        .unwrap()
    });
    assert_eq!(alike, 2.5);
    let sum = run(&mut |fit, w| {
        fit.loss_is_sum()
            .run_batches(w, &mut Sgd::new(0.0), &mut vec![4.0, 1.0], &mut rng(0), |w, x, tape, _| {
                Ok((w.on(tape) + x).sum())
            })
            .unwrap()
    });
    assert_eq!(sum, 5.0);
}

#[test]
fn averages_and_callbacks_work_for_any_model() {
    let weights = RefCell::new(Vec::new());
    let mut w = Param::new(1.0);
    let mut rates = Vec::new();
    let report = Trainer::for_model::<Param>(6)
        .keep(Keep::AverageFrom(2))
        .before_step(|step, optimizer| {
            optimizer.set_learning_rate(0.3 / (1 + step.number) as f64);
            rates.push(optimizer.learning_rate());
        })
        .after_epoch(|epoch: &Epoch<'_, f64, Param>, _| {
            weights.borrow_mut().push(epoch.model.value().item());
            if epoch.number == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .run_batches(&mut w, &mut Sgd::new(9.0), &mut vec![()], &mut rng(0), |w, (), tape, _| {
            Ok(w.on(tape).square().sum())
        })
        .unwrap();
    let weights = weights.borrow();
    assert_eq!((report.ended, weights.len()), (StopReason::ByCallback, 4));
    assert!((w.value().item() - (weights[1] + weights[2] + weights[3]) / 3.0).abs() < 1e-15);
    assert_eq!(rates, [0.3, 0.15, 0.3 / 3.0, 0.3 / 4.0]);
}

// ---- Failures ----

/// Trains a parameter by one step for each number: the loss is that number times the parameter, then `after`.
fn steps(
    fit: Trainer<'_, f64, Param>,
    numbers: Vec<f64>,
    rate: f64,
) -> (Result<Report, TrainError>, f64, usize) {
    let (mut w, mut sgd, mut tape, mut made) = (Param::new(1.0), Sgd::new(rate), Tape::new(), 0);
    let result = fit.run_steps(&mut w, &mut { numbers }, &mut rng(0), |w, x, _, cx| {
        let loss = descend(w, &mut sgd, &mut tape, cx, |w, tape, _| Ok((w.on(tape) * x).sum()))?;
        made += 1;
        Ok(loss)
    });
    (result, w.value().item(), made)
}

#[test]
fn a_step_that_is_not_finite_follows_the_policy() {
    let numbers = || vec![1.0, f64::NAN, 2.0];
    let fit = |policy| Trainer::for_model(2).on_non_finite(policy);
    let (result, w, made) = steps(fit(OnNonFinite::Stop), numbers(), 0.125);
    let error = result.unwrap_err();
    assert_eq!(error.to_string(), "epoch 1, step 2: loss NaN, expected a finite loss and gradient");
    assert_eq!((w, made), (0.875, 1));
    let (result, w, made) = steps(fit(OnNonFinite::Skip), numbers(), 0.125);
    let report = result.unwrap();
    assert_eq!((report.skipped, w, made), (2, 1.0 - 0.125 * 6.0, 4));
    assert_eq!(report.history.get("loss").unwrap(), [(1.0 + 2.0 * 0.875) / 2.0, (0.625 + 2.0 * 0.5) / 2.0]);
    let (result, w, _) = steps(fit(OnNonFinite::RestoreBest), numbers(), 0.125);
    assert_eq!((result.unwrap().ended, w), (StopReason::NonFinite { epoch: 1, step: 2 }, 1.0));
    let (result, ..) = steps(fit(OnNonFinite::Skip), vec![f64::NAN], 0.125);
    assert_eq!(result.unwrap_err(), TrainError::AllSkipped { epoch: 1 });
    // A step to an infinite weight is refused by the optimizer.
    let (result, w, _) = steps(fit(OnNonFinite::Stop), vec![1e10], 1e300);
    assert!(matches!(result, Err(TrainError::Step { step: 1, error: StepError::Overflow { .. }, .. })));
    assert_eq!(w, 1.0);
    let (result, ..) = steps(fit(OnNonFinite::RestoreBest), vec![1e10], 1e300);
    assert_eq!(result.unwrap().ended, StopReason::NonFinite { epoch: 1, step: 1 });
}

#[test]
fn steps_made_before_a_failure_remain() {
    let mut pair = [Param::new(1.0), Param::new(1.0)];
    let (mut first, mut second, mut tape) = (Sgd::new(0.5), Sgd::new(0.5), Tape::new());
    let report = Trainer::for_model::<[Param; 2]>(1)
        .on_non_finite(OnNonFinite::Skip)
        .run_steps(&mut pair, &mut vec![1.0, f64::INFINITY], &mut rng(0), |[a, b], x, _, cx| {
            descend(a, &mut first, &mut tape, cx, |a, tape, _| Ok(a.on(tape).sum()))?;
            descend(b, &mut second, &mut tape, cx, |b, tape, _| Ok((b.on(tape) * x).sum()))
        })
        .unwrap();
    assert_eq!((report.skipped, pair.map(|w| w.value().item())), (1, [0.0, 0.5]));
}

#[test]
fn a_loss_that_is_returned_without_a_check_is_checked() {
    let mut w = Param::new(1.0);
    let mut script = [1.0, f64::NAN].into_iter();
    let result =
        Trainer::for_model::<Param>(1).run_steps(&mut w, &mut vec![(); 2], &mut rng(0), |_, (), _, _| {
            Ok(script.next().unwrap_or_default())
        });
    assert!(matches!(result, Err(TrainError::NonFinite { epoch: 1, step: 2, .. })), "{result:?}");
}

#[test]
fn errors_of_batches_and_models_end_training_under_any_policy() {
    for policy in [OnNonFinite::Stop, OnNonFinite::Skip, OnNonFinite::RestoreBest] {
        let fit = || Trainer::for_model::<Param>(1).on_non_finite(policy);
        let fault = || tape::Error::Invalid { op: "reader", reason: "the disk is full".to_owned() };
        let mut source = from_fn(2, |_| -> Result<f64, tape::Error> { Err(fault()) });
        let mut w = Param::new(1.0);
        let mut sgd = Sgd::new(0.1);
        let error = fit()
            .run_batches(&mut w, &mut sgd, &mut source, &mut rng(0), |w, x, tape, _| {
                Ok((w.on(tape) * x?).sum())
            })
            .unwrap_err();
        assert_eq!(error.to_string(), "epoch 1, step 1: reader: the disk is full");
        let error = fit().run_steps(&mut w, &mut source, &mut rng(0), |_, x, _, _| Ok(x?)).unwrap_err();
        assert_eq!(error, TrainError::Batch { epoch: 1, step: 1, error: fault() });
        // The gradient of another model.
        let mut other = Param::new(1.0);
        let error = fit()
            .run_steps(&mut w, &mut vec![()], &mut rng(0), |w, (), _, _| {
                let tape = Tape::new();
                sgd.try_step(&mut other, &w.on(&tape).sum().backward())?;
                Ok(0.0)
            })
            .unwrap_err();
        assert!(matches!(error, TrainError::Step { error: StepError::NoGradient { .. }, .. }), "{error}");
    }
}

#[test]
fn a_batch_that_a_layer_refuses_is_an_error_of_a_recorded_loss() {
    let mut model = network();
    let run = |model: &mut Sequential, rows: usize| {
        let mut source = vec![Tensor::linspace(0.0, 1.0, rows).reshape([rows, 1])];
        Trainer::for_model::<Sequential>(1).run_batches(
            model,
            &mut Sgd::new(0.1),
            &mut source,
            &mut rng(0),
            |model, x, tape, cx| Ok(model.forward(tape.constant(x), cx).square().mean()),
        )
    };
    assert!(run(&mut model, 4).is_ok());
    let before = values(&model);
    let error = run(&mut model, 1).unwrap_err().to_string();
    let expected =
        "epoch 1, step 1: batch_norm: training needs several elements per channel, found shape [1, 4]";
    assert_eq!(error, format!("{expected} (layer of 1.weight)"));
    assert_eq!(values(&model), before);
}

#[test]
fn a_failed_step_leaves_no_statistics() {
    let mut model = network();
    let (mut sgd, mut tape, mut cx) = (Sgd::new(0.1), Tape::new(), Context::train(rng(0)));
    let before = values(&model);
    let x = Tensor::linspace(0.0, 1.0, 4).reshape([4, 1]);
    let failed = descend(&mut model, &mut sgd, &mut tape, &mut cx, |model, tape, cx| {
        model.forward(tape.constant(x.clone()), cx);
        Err(tape::Error::Invalid { op: "loss", reason: "no target".to_owned() })
    });
    assert_eq!(failed.unwrap_err().to_string(), "loss: no target");
    let failed = descend(&mut model, &mut sgd, &mut tape, &mut cx, |model, tape, cx| {
        Ok(model.forward(tape.constant(x.clone()), cx).sum() * f64::INFINITY)
    });
    assert!(matches!(failed, Err(StepFailure::NonFinite { .. })));
    assert_eq!(values(&model), before);
    assert_eq!(tape.len(), 0);
}

#[test]
fn settings_for_inputs_and_targets_are_refused_elsewhere() {
    let run = |fit: Trainer<'_>| {
        let mut model = network();
        fit.run_batches(&mut model, &mut Sgd::new(0.1), &mut vec![()], &mut rng(0), |model, (), tape, cx| {
            Ok(model.forward(tape.constant(Tensor::zeros([4, 1])), cx).sum())
        })
        .unwrap_err()
        .to_string()
    };
    let alone = "for `run` and `try_run` only, whose batches are inputs and targets";
    let expected = format!("fit: `validation` is {alone}; `validation_by` takes a function");
    assert_eq!(run(Trainer::new(1).validation(&parabola())), expected);
    let expected = format!("fit: `batch_weight` is {alone}; the source of the batches gives their sizes");
    assert_eq!(run(Trainer::new(1).batch_weight(|_| 1.0)), expected);
}

#[test]
fn a_source_without_batches_is_refused_before_and_during_training() {
    let mut w = Param::new(1.0);
    let result = Trainer::for_model::<Param>(1).run_steps(
        &mut w,
        &mut Vec::<()>::new(),
        &mut rng(0),
        |_, (), _, _| Ok(0.0),
    );
    assert_eq!(result.unwrap_err().to_string(), "expected 1 batch or more in an epoch, found 0");

    /// One batch in the first epoch, then none.
    struct Once(Option<()>);

    impl BatchSource for Once {
        type Batch = ();

        fn batches(&self) -> usize {
            1
        }

        fn epoch<'e>(&'e mut self, _: &'e mut dyn Rng) -> impl Iterator<Item = ()> {
            self.0.take().into_iter()
        }
    }

    let result =
        Trainer::for_model::<Param>(2)
            .run_steps(&mut w, &mut Once(Some(())), &mut rng(0), |_, (), _, _| Ok(0.0));
    assert_eq!(result.unwrap_err(), TrainError::NoBatches { samples: None });
}

#[test]
fn a_callback_that_wants_the_optimizer_of_a_step_closure_is_told_where_it_is() {
    let run = |fit: Trainer<'_, f64, Param>| {
        let mut w = Param::new(1.0);
        fit.run_steps(&mut w, &mut vec![()], &mut rng(0), |_, (), _, _| Ok(0.0))
    };
    let rate = RefCell::new(0.0);
    let fit =
        Trainer::for_model(1).before_step(|_, optimizer| *rate.borrow_mut() = optimizer.learning_rate());
    assert!(run(fit).is_ok() && rate.borrow().is_nan());
    let fit = || Trainer::for_model(1);
    let calls: [(&str, Trainer<'_, f64, Param>); 2] = [
        ("set_learning_rate", fit().before_step(|_, optimizer| optimizer.set_learning_rate(0.1))),
        (
            "save",
            fit().after_epoch(|epoch, optimizer| {
                optimizer.save(epoch.model);
                ControlFlow::Continue(())
            }),
        ),
    ];
    for (call, fit) in calls {
        let payload = catch_unwind(AssertUnwindSafe(|| run(fit))).unwrap_err();
        let expected = format!("{call}: the step closure of run_steps owns the optimizers: call theirs");
        assert_eq!(payload.downcast_ref(), Some(&expected));
    }
}

#[cfg(feature = "progress")]
#[test]
fn a_progress_bar_takes_any_model() {
    let mut w = Param::new(1.0);
    let fit = Trainer::for_model::<Param>(3).callback(nn::train::Progress::new(3));
    assert!(fit.run_steps(&mut w, &mut vec![()], &mut rng(0), |_, (), _, _| Ok(0.0)).is_ok());
}
