//! Settings out of range are refused where they are set, in one sentence that names what was expected and what was found.

use nn::Conv1d;
use nn::checkpoint::SavedState;
use nn::init::{self, Fans, Init};
use nn::optim::schedule::{
    self, Anneal, Cosine, CosineRestarts, Exponential, LinearRamp, MultiStep, OneCycle, PiecewiseConstant,
    Plateau, Schedule, StepDecay, Threshold,
};
use nn::optim::{
    AdaDelta, AdaGrad, Adam, AdamRule, AdamW, Adamax, Asgd, Average, GradientAccumulator, Lbfgs, Lion, NAdam,
    RAdam, RmsProp, Rprop, SgdRule, StepError,
};
use nn::optim::{Optimizer, Sgd};
use nn::recurrent::{Recurrent, RnnGates};
use nn::{
    AvgPool2d, BatchNorm1d, BatchNorm2d, Context, Conv2d, ConvTranspose2d, Dropout, Elu, GroupNorm,
    LayerNorm, LeakyRelu, MaxPool2d, Module, MultiHeadAttention, PRelu, Param, RmsNorm, SigmoidScaled,
    TransformerBlock, mlp,
};
use rand::{SeedableRng, rngs::StdRng};
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tape::element::Real;
use tape::{Tape, Tensor};

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;

/// The text of the panic, in this file; panics itself if there is none.
fn refusal<R: Debug>(f: impl FnOnce() -> R) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(accepted) => panic!("accepted: {accepted:?}"),
        Err(text) => text.downcast_ref::<String>().cloned().unwrap_or_default(),
    }
}

/// Refuses all of `wrong`, with the name of the operation and the number in the text, and takes all of `right`.
fn range<X: Copy + Debug, R: Debug>(op: &str, wrong: &[X], right: &[X], f: impl Fn(X) -> R) {
    for &x in wrong {
        let text = refusal(|| f(x));
        let names = text.starts_with(&format!("{op}: expected ")) && text.contains(", found ");
        assert!(names, "{op}, {x:?}: {text}");
    }
    right.iter().for_each(|&x| drop(f(x)));
}

fn rng() -> StdRng {
    StdRng::seed_from_u64(0)
}

#[test]
fn optimizers_refuse_what_they_cannot_work_with() {
    let accepted = |make: &dyn Fn() -> Box<dyn Optimizer<f64>>| {
        let steps = || {
            let (mut w, mut optimizer) = (Param::new(1.0), make());
            for _ in 0..3 {
                let grads = {
                    let tape = Tape::new();
                    w.on(&tape).sum().backward()
                };
                optimizer.step(&mut w, &grads);
            }
            w.value().item()
        };
        catch_unwind(AssertUnwindSafe(steps)).ok()
    };
    let found = [
        ("adam, betas(1, 0.999)", accepted(&|| Box::new(Adam::new(0.1).betas(1.0, 0.999)))),
        ("adam, betas(0.9, 1.5)", accepted(&|| Box::new(Adam::new(0.1).betas(0.9, 1.5)))),
        ("adam, eps(-1)", accepted(&|| Box::new(Adam::new(0.1).eps(-1.0)))),
        ("rmsprop, alpha(1.5)", accepted(&|| Box::new(RmsProp::new(0.1).alpha(1.5)))),
        ("sgd, rate NaN", accepted(&|| Box::new(Sgd::new(f64::NAN)))),
        ("sgd, clip_norm(-1)", accepted(&|| Box::new(Sgd::new(0.1).clip_norm(-1.0)))),
    ];
    assert!(
        found.iter().all(|(_, w)| w.is_none()),
        "accepted, with the weight after 3 steps of gradient 1 from 1: {found:#?}"
    );
}

/// Numbers below 0, and none.
const NEGATIVE: [f64; 4] = [-1.0, -1e-300, NAN, -INF];

/// Those, and infinity.
const NO_RATE: [f64; 5] = [-1.0, -1e-300, NAN, -INF, INF];

/// Outside of [0, 1).
const NO_SHARE: [f64; 6] = [1.0, 1.5, -1e-9, NAN, INF, -INF];

#[test]
fn rates_and_what_all_optimizers_share() {
    let right = [0.0, 1e-300, 0.1, 1e300];
    range("sgd", &NO_RATE, &right, Sgd::<f64>::new);
    range("adagrad", &NO_RATE, &right, AdaGrad::<f64>::new);
    range("adadelta", &NO_RATE, &right, AdaDelta::<f32>::new);
    range("rmsprop", &NO_RATE, &right, RmsProp::<f64>::new);
    range("adam", &NO_RATE, &right, Adam::<f32>::new);
    range("adamw", &NO_RATE, &right, AdamW::<f64>::new);
    range("nadam", &NO_RATE, &right, NAdam::<f64>::new);
    range("lion", &NO_RATE, &right, Lion::<f64>::new);
    range("radam", &NO_RATE, &right, RAdam::<f64>::new);
    range("adamax", &NO_RATE, &right, Adamax::<f64>::new);
    range("rprop", &NO_RATE, &right, Rprop::<f64>::new);
    range("asgd", &NO_RATE, &right, Asgd::<f64>::new);
    range("adam", &NO_RATE, &right, |rate| Adam::<f64>::new(0.1).set_learning_rate(rate));
    range("adamw", &NO_RATE, &right, |decay| AdamW::<f64>::new(0.1).weight_decay(decay));
    range("lion", &NO_RATE, &right, |factor| Lion::<f64>::new(0.1).lr_scale(factor));
    let bounds = [0.0, -0.0, -1.0, -INF, NAN];
    range("sgd", &bounds, &[1e-300, 1.0, INF], |bound| Sgd::<f64>::new(0.1).clip_norm(bound));
    range("sgd", &bounds, &[1e-300, 1.0, INF], |bound| Sgd::<f64>::new(0.1).clip_value(bound));
    range("sgd", &NO_RATE, &right, |decay| {
        Sgd::<f64>::new(0.1).group(|_| true, |group| group.weight_decay(decay))
    });
}

#[test]
fn the_settings_of_every_rule() {
    let shares = [0.0, 0.5, 1.0 - 1e-16];
    range("sgd", &NO_SHARE, &shares, |x| Sgd::<f64>::new(0.1).momentum(x));
    range("sgd", &[-0.1, 1.1, NAN, INF], &[0.0, 1.0], |x| Sgd::<f64>::new(0.1).momentum(0.9).dampening(x));
    range("adagrad", &NO_RATE, &[0.0, 1.0], |x| AdaGrad::<f64>::new(0.1).rate_decay(x));
    range("adagrad", &NO_RATE, &[0.0, 1.0], |x| AdaGrad::<f64>::new(0.1).initial(x));
    range("adagrad", &NO_RATE, &[0.0, 1.0], |x| AdaGrad::<f64>::new(0.1).eps(x));
    range("adadelta", &NO_SHARE, &shares, |x| AdaDelta::<f64>::new(0.1).rho(x));
    range("adadelta", &NO_RATE, &[0.0, 1.0], |x| AdaDelta::<f64>::new(0.1).eps(x));
    range("rmsprop", &NO_SHARE, &shares, |x| RmsProp::<f64>::new(0.1).alpha(x));
    range("rmsprop", &NO_SHARE, &shares, |x| RmsProp::<f64>::new(0.1).momentum(x));
    range("rmsprop", &NO_RATE, &[0.0, 1.0], |x| RmsProp::<f64>::new(0.1).eps(x));
    range("adam", &NO_SHARE, &shares, |x| Adam::<f64>::new(0.1).betas(x, 0.9));
    range("adam", &NO_SHARE, &shares, |x| Adam::<f64>::new(0.1).betas(0.9, x));
    range("adam", &NO_RATE, &[0.0, 1.0], |x| Adam::<f64>::new(0.1).eps(x));
    range("adamw", &NO_SHARE, &shares, |x| AdamW::<f64>::new(0.1).betas(x, 0.9));
    range("adamw", &NO_RATE, &[0.0, 1.0], |x| AdamW::<f64>::new(0.1).eps(x));
    range("nadam", &NO_SHARE, &shares, |x| NAdam::<f64>::new(0.1).betas(x, 0.9));
    range("nadam", &NO_SHARE, &shares, |x| NAdam::<f64>::new(0.1).betas(0.9, x));
    range("nadam", &NO_RATE, &[0.0, 1.0], |x| NAdam::<f64>::new(0.1).eps(x));
    range("nadam", &NO_RATE, &[0.0, 1.0], |x| NAdam::<f64>::new(0.1).momentum_decay(x));
    range("lion", &NO_SHARE, &shares, |x| Lion::<f64>::new(0.1).betas(x, 0.9));
    range("lion", &NO_SHARE, &shares, |x| Lion::<f64>::new(0.1).betas(0.9, x));
    range("radam", &NO_SHARE, &shares, |x| RAdam::<f64>::new(0.1).betas(x, 0.9));
    range("radam", &NO_SHARE, &shares, |x| RAdam::<f64>::new(0.1).betas(0.9, x));
    range("radam", &NO_RATE, &[0.0, 1.0], |x| RAdam::<f64>::new(0.1).eps(x));
    range("adamax", &NO_SHARE, &shares, |x| Adamax::<f64>::new(0.1).betas(x, 0.9));
    range("adamax", &NO_SHARE, &shares, |x| Adamax::<f64>::new(0.1).betas(0.9, x));
    range("adamax", &NO_RATE, &[0.0, 1.0], |x| Adamax::<f64>::new(0.1).eps(x));
    range("rprop", &[0.0, 1.0, -0.5, NAN, INF], &[0.5, 0.9], |x| Rprop::<f64>::new(0.1).etas(x, 1.2));
    range("rprop", &[0.0, 1.0, -0.5, NAN, INF], &[1.1, 3.0], |x| Rprop::<f64>::new(0.1).etas(0.5, x));
    range("rprop", &[-1.0, NAN, INF, 51.0], &[0.0, 50.0], |x| Rprop::<f64>::new(0.1).bounds(x, 50.0));
    range("rprop", &[-1.0, NAN, INF, 0.5], &[1.0, 50.0], |x| Rprop::<f64>::new(0.1).bounds(1.0, x));
    range("asgd", &NO_RATE, &[0.0, 1.0], |x| Asgd::<f64>::new(0.1).decay(x));
    range("asgd", &NO_RATE, &[0.0, 1.0], |x| Asgd::<f64>::new(0.1).power(x));
    range("lbfgs", &[0.0, -1.0, NAN, INF], &[1e-3, 1.0], |x| Lbfgs::<f64>::new().learning_rate(x));
    range("lbfgs", &[0], &[1, usize::MAX], |n| Lbfgs::<f64>::new().iterations(n));
    range("lbfgs", &NO_RATE, &[0.0, 1.0], |x| Lbfgs::<f64>::new().tolerances(x, 1e-9));
    range("lbfgs", &NO_RATE, &[0.0, 1.0], |x| Lbfgs::<f64>::new().tolerances(1e-9, x));
    range("average", &NO_SHARE, &shares, Average::<f64>::ema);
    let text = refusal(|| Sgd::<f64>::new(0.1).nesterov());
    assert_eq!(text, "sgd: expected a momentum for Nesterov's step, found 0");
    let plain = Sgd::<f64>::new(0.1).momentum(0.9).nesterov().momentum(0.0);
    assert_eq!(*plain.rule(), SgdRule::default());
}

#[test]
fn rules_from_outside_are_refused_with_an_error() {
    let rule = AdamRule::<false> { betas: (0.9, 0.999), eps: NAN, amsgrad: false };
    let error = Adam::<f64>::try_with_rule(rule, 0.1).unwrap_err().to_string();
    assert_eq!(error, "adam: expected a finite epsilon of 0 or more, found NaN");
    let error = Sgd::<f64>::try_with_rule(SgdRule::default(), -1.0).unwrap_err().to_string();
    assert_eq!(error, "sgd: expected a finite learning rate of 0 or more, found -1");
    assert_eq!(
        refusal(|| Adam::<f64>::with_rule(rule, 0.1)),
        "adam: expected a finite epsilon of 0 or more, found NaN"
    );
}

fn gradients(model: &[Param]) -> tape::Gradients {
    let tape = Tape::new();
    model.iter().map(|w| w.on(&tape).sum()).reduce(|a, b| a + b).expect("there are parameters").backward()
}

#[test]
fn a_rate_that_was_written_into_the_field_is_refused_by_the_step() {
    let mut model = [Param::new([1.0])];
    let grads = gradients(&model);
    for rate in NO_RATE {
        let mut sgd = Sgd::new(0.1);
        sgd.learning_rate = rate;
        let error = sgd.try_step(&mut model, &grads).unwrap_err();
        assert!(matches!(error, StepError::LearningRate { .. }), "{error}");
    }
    assert_eq!(model[0].value().to_vec(), [1.0]);
}

#[test]
fn a_group_that_selects_nothing_is_refused() {
    let mut model = [Param::new([1.0]), Param::new([1.0])];
    let mut sgd = Sgd::new(0.1)
        .group(|name| name == "0", |group| group.lr_scale(0.5))
        .group(|name| name == "bais", |group| group.weight_decay(1.0));
    let grads = gradients(&model);
    let error = sgd.try_step(&mut model, &grads).unwrap_err();
    assert_eq!(error.to_string(), "sgd: group 1 selects no parameter of the model");
    assert_eq!(model[0].value().to_vec(), [1.0]);
    // A group that the first one leaves nothing to does select, and so does one of what is frozen.
    model[1].freeze();
    let mut sgd = Sgd::new(0.1)
        .group(|name| name == "0", |group| group.lr_scale(0.5))
        .group(|name| name < "1", |group| group.weight_decay(1.0))
        .group(|name| name == "1", |group| group.weight_decay(1.0));
    assert_eq!(sgd.try_step(&mut model, &grads), Ok(()));
    assert_eq!(model[0].value().to_vec(), [0.95]);
}

#[test]
fn shares_of_accumulated_gradients_are_numbers() {
    let model = [Param::new([1.0])];
    let grads = gradients(&model);
    range("accumulated", &[NAN, INF, -INF], &[0.0, 0.5, -1.0], |share| {
        GradientAccumulator::new().add(&model, &grads, share);
    });
}

#[test]
fn schedules_at_the_ends_of_their_phases() {
    // The rise takes no time: it ends in epoch 0.
    let one_cycle = OneCycle { rise: 0.25, ..OneCycle::new(2.0, 4) };
    assert_eq!(one_cycle.at(0), 2.0);
    // Periods of equal length are not counted one by one.
    let restarts = CosineRestarts { base: 1.0, floor: 0.0, period: 4, period_factor: 1 };
    assert_eq!(restarts.at(1 << 62), 1.0);
    assert_eq!(restarts.at((1 << 62) + 1), restarts.at(1));
}

#[test]
fn schedules_refuse_rates_and_factors_that_are_none() {
    let right = [0.0, 0.5, 1.0];
    /// Both forms of one refusal.
    fn schedule<S: Schedule>(op: &str, right: &[f64], make: impl Fn(f64) -> S) {
        for x in NO_RATE {
            let error = make(x).check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{op}: expected ")), "{op}, {x}: {error}");
            assert_eq!(refusal(|| make(x).at(0)), error);
            assert_eq!(refusal(|| make(x).warm_up(3).at(0)), error);
            assert_eq!(make(x).warm_up(3).check().unwrap_err().to_string(), error);
        }
        right.iter().for_each(|&x| assert_eq!(make(x).check(), Ok(())));
    }
    schedule("constant schedule", &right, schedule::Constant);
    schedule("step schedule", &right, |base| StepDecay { base, factor: 0.5, every: 1 });
    schedule("step schedule", &right, |factor| StepDecay { base: 1.0, factor, every: 1 });
    schedule("multi-step schedule", &right, |base| MultiStep { base, factor: 0.5, milestones: vec![1] });
    schedule("multi-step schedule", &right, |factor| MultiStep { base: 1.0, factor, milestones: vec![1] });
    schedule("exponential schedule", &right, |base| Exponential { base, factor: 0.5 });
    schedule("exponential schedule", &right, |factor| Exponential { base: 1.0, factor });
    schedule("cosine schedule", &right, |base| Cosine { base, floor: 0.0, period: 3 });
    schedule("cosine schedule", &right, |floor| Cosine { base: 1.0, floor, period: 3 });
    schedule("cosine restarts", &right, |base| CosineRestarts {
        base,
        floor: 0.0,
        period: 3,
        period_factor: 2,
    });
    schedule("cosine restarts", &right, |floor| CosineRestarts {
        base: 1.0,
        floor,
        period: 3,
        period_factor: 2,
    });
    schedule("linear schedule", &right, |from| LinearRamp { from, to: 0.0, epochs: 3 });
    schedule("linear schedule", &right, |to| LinearRamp { from: 1.0, to, epochs: 3 });
    schedule("listed schedule", &right, |base| PiecewiseConstant { base, changes: vec![] });
    schedule("listed schedule", &right, |rate| PiecewiseConstant {
        base: 1.0,
        changes: vec![(3, 0.5), (5, rate)],
    });
    schedule("one cycle", &[0.5], |top| OneCycle::new(top, 10));
    schedule("one cycle", &[0.0, 1.0], |rise| OneCycle { rise, ..OneCycle::new(1.0, 10) });
    schedule("one cycle", &[0.5], |first| OneCycle {
        first,
        anneal: Anneal::Linear,
        ..OneCycle::new(1.0, 10)
    });
    schedule("one cycle", &[0.5], |last| OneCycle { last, ..OneCycle::new(1.0, 10) });
    range("one cycle", &[0], &[1], |epochs| OneCycle::new(1.0, epochs).at(0));
    let twice = PiecewiseConstant { base: 1.0, changes: vec![(3, 0.5), (3, 0.1)] };
    assert_eq!(refusal(|| twice.at(0)), "listed schedule: expected one rate for an epoch, found two for 3");
    range("plateau", &NO_RATE, &right, Plateau::new);
    range("plateau", &NO_SHARE, &[0.0, 0.5], |factor| Plateau::new(1.0).factor(factor));
    range("plateau", &NO_RATE, &right, |floor| Plateau::new(1.0).floor(floor));
    range("plateau", &NO_RATE, &right, |x| Plateau::new(1.0).threshold(Threshold::Relative(x)));
    range("plateau", &NO_RATE, &right, |x| Plateau::new(1.0).threshold(Threshold::Absolute(x)));
}

#[test]
fn epochs_may_be_as_many_as_a_count_holds() {
    let slow = Exponential { base: 1.0, factor: 1.0 - 1e-9 };
    assert!((slow.at(3_000_000_000) - (-3f64).exp()).abs() < 1e-8, "{}", slow.at(3_000_000_000));
    assert_eq!(schedule::Constant(1.0).warm_up(u64::MAX).at(u64::MAX - 1), 1.0);
    let restarts = CosineRestarts { base: 1.0, floor: 0.0, period: 1, period_factor: u64::MAX };
    assert!((0.0..=1.0).contains(&restarts.at(u64::MAX)));
    // The functions of `tape`, whose bits are the same everywhere.
    for k in 0..1000 {
        let angle = std::f64::consts::PI * k as f64 / 700.0;
        let schedule = Cosine { base: 1.0, floor: 0.25, period: 700 };
        assert_eq!(schedule.at(k), 0.25 + 0.75 * (1.0 + Real::cos(angle)) / 2.0);
    }
}

#[test]
fn initialisers_refuse_bounds_and_deviations_that_are_none() {
    fn draws(init: impl Init) -> Tensor<f32> {
        init.tensor([3], Fans::new(3, 2), &mut rng())
    }
    range(
        "uniform",
        &[(1.0, 0.0), (NAN, 1.0), (0.0, NAN), (-INF, 1.0), (0.0, INF), (f64::MIN, f64::MAX)],
        &[(0.0, 0.0), (-1.0, 2.0)],
        |(low, high)| draws(init::Uniform { low, high }),
    );
    range("normal", &NEGATIVE, &[0.0, 1.0], |std| draws(init::Normal { mean: 0.0, std }));
    range("normal", &[NAN, INF, -INF], &[0.0, -1.0], |mean| draws(init::Normal { mean, std: 1.0 }));
    range("constant", &[NAN, INF, -INF], &[0.0, -1.0], |x| draws(init::Constant(x)));
    assert_eq!(
        refusal(|| draws(init::Constant(1e300))),
        "init: expected a finite number of f32, found 1e300"
    );
    // Without elements too, and from the layers.
    let none = || -> Tensor { init::Normal { mean: 0.0, std: NAN }.tensor([0], Fans::new(3, 2), &mut rng()) };
    assert!(refusal(none).starts_with("normal: expected"));
    let layer = || nn::Linear::<f64>::with_init(2, 2, init::Normal { mean: 0.0, std: -1.0 }, &mut rng());
    assert!(refusal(layer).starts_with("normal: expected"));
    assert!(
        init::XavierUniform.tensor::<f64>([2], Fans::new(usize::MAX, usize::MAX), &mut rng()).to_vec()[0]
            != 0.0
    );
}

#[test]
fn layers_refuse_what_they_cannot_work_with() {
    let epsilons = [0.0, 1e-5, 3.0];
    range("batch_norm", &NO_RATE, &epsilons, |eps| BatchNorm1d::<f64>::new(2).eps(eps));
    range("batch_norm", &NO_RATE, &epsilons, |eps| BatchNorm2d::<f32>::new(2).eps(eps));
    range("batch_norm", &[-0.1, 1.1, NAN, INF], &[0.0, 1.0], |m| {
        BatchNorm1d::<f64>::new(2).momentum(Some(m))
    });
    range("layer_norm", &NO_RATE, &epsilons, |eps| LayerNorm::<f64>::new([2]).eps(eps));
    range("rms_norm", &NO_RATE, &epsilons, |eps| RmsNorm::<f64>::new([2]).eps(eps));
    range("group_norm", &NO_RATE, &epsilons, |eps| GroupNorm::<f64>::new(2, 4).eps(eps));
    range("layer_norm", &[[0; 0]], &[], |shape| LayerNorm::<f64>::new(shape));
    range("rms_norm", &[[0; 0]], &[], |shape| RmsNorm::<f64>::new(shape));
    range("dropout", &[-0.1, 1.1, NAN, INF], &[0.0, 1.0], Dropout::new);
    range("dropout", &[-0.1, 1.1, NAN], &[0.5], |p| {
        MultiHeadAttention::<f64>::new(4, 2, &mut rng()).with_dropout(p)
    });
    range("dropout", &[-0.1, 1.1, NAN], &[0.5], |p| {
        TransformerBlock::<f64>::new(4, 2, 8, &mut rng()).dropout(p)
    });
    let pairs = ([[0, 1], [1, 0], [0, 0]], [[1, 1], [2, 3]]);
    range("conv2d", &pairs.0, &pairs.1, |kernel| Conv2d::<f64>::new(1, 1, kernel, &mut rng()));
    range("conv2d", &pairs.0, &pairs.1, |x| Conv2d::<f64>::new(1, 1, [2, 2], &mut rng()).stride(x));
    range("conv2d", &pairs.0, &pairs.1, |x| Conv2d::<f64>::new(1, 1, [2, 2], &mut rng()).dilation(x));
    range("conv_transpose2d", &pairs.0, &pairs.1, |kernel| {
        ConvTranspose2d::<f64>::new(1, 1, kernel, &mut rng())
    });
    range("conv_transpose2d", &pairs.0, &pairs.1, |x| {
        ConvTranspose2d::<f64>::new(1, 1, [2, 2], &mut rng()).stride(x)
    });
    range("conv_transpose2d", &pairs.0, &pairs.1, |x| {
        ConvTranspose2d::<f64>::new(1, 1, [2, 2], &mut rng()).dilation(x)
    });
    range("conv1d", &[0], &[1, 2], |kernel| Conv1d::<f64>::new(1, 1, kernel, &mut rng()));
    range("conv1d", &[0], &[1, 2], |x| Conv1d::<f64>::new(1, 1, 2, &mut rng()).stride(x));
    range("conv1d", &[0], &[1, 2], |x| Conv1d::<f64>::new(1, 1, 2, &mut rng()).dilation(x));
    range("max_pool2d", &pairs.0, &pairs.1, MaxPool2d::new);
    range("avg_pool2d", &pairs.0, &pairs.1, AvgPool2d::new);
    range("prelu", &[0], &[1, 3], PRelu::<f64>::new);
    range("attention", &[0], &[2, 4], |width| MultiHeadAttention::<f64>::new(width, 2, &mut rng()));
    range("recurrent", &[0], &[1, 2], |layers| Recurrent::<RnnGates>::new(1, 1, layers, &mut rng()));
    for groups in [0, 2, 3] {
        assert!(
            refusal(|| Conv2d::<f64>::grouped(4, 5, [1, 1], groups, &mut rng()))
                .contains("groups do not divide")
        );
        assert!(
            refusal(|| Conv1d::<f64>::grouped(4, 5, 1, groups, &mut rng())).contains("groups do not divide")
        );
        let transposed = || ConvTranspose2d::<f64>::grouped(4, 5, [1, 1], groups, &mut rng());
        assert!(refusal(transposed).contains("groups do not divide"));
    }
    assert!(refusal(|| GroupNorm::<f64>::new(0, 4)).contains("groups do not divide"));
    assert!(refusal(|| GroupNorm::<f64>::new(3, 4)).contains("groups do not divide"));
    for heads in [0, 3, 8] {
        assert!(
            refusal(|| MultiHeadAttention::<f64>::new(4, heads, &mut rng())).contains("heads do not divide")
        );
    }
}

#[test]
fn activations_refuse_settings_that_are_no_numbers() {
    let x = Tensor::from([1.0, -1.0]);
    let no_numbers = [NAN, INF, -INF];
    range("leaky_relu", &no_numbers, &[0.0, -1.0], |slope| LeakyRelu { slope }.predict(&x));
    range("elu", &no_numbers, &[0.0, 2.0], |alpha| Elu { alpha }.predict(&x));
    range("sigmoid_scaled", &no_numbers, &[1.0], |slope| SigmoidScaled { slope, offset: 0.0 }.predict(&x));
    range("sigmoid_scaled", &no_numbers, &[1.0], |offset| SigmoidScaled { slope: 1.0, offset }.predict(&x));
    let model = mlp(&[1, 2, 1], LeakyRelu { slope: NAN }, Elu::default(), &mut rng());
    let tape = Tape::new();
    let forward = || model.forward(tape.constant([[1.0]]), &mut Context::eval()).value();
    assert_eq!(refusal(forward), "leaky_relu: expected a finite slope, found NaN");
}

/// The contents of a checkpoint are settings from outside: errors name them and leave the optimizer unchanged.
#[test]
fn saved_state_is_checked() {
    let mut model = [Param::new([1.0, 2.0])];
    let grads = gradients(&model);
    let mut adam = Adam::new(0.1);
    adam.step(&mut model, &grads);
    let good = adam.save(&model);
    let number = |name: &str, value: f64| {
        let mut saved = good.clone();
        let found = saved.numbers.iter_mut().find(|(found, _)| found == name);
        found.expect("there is one").1 = value;
        saved
    };
    let mut wrong: Vec<SavedState> = Vec::new();
    wrong.extend(NO_RATE.map(|rate| number("learning_rate", rate)));
    wrong.extend([-1.0, 0.5, NAN, INF, 1e300].map(|steps| number("0.steps", steps)));
    wrong.extend([NAN, INF].map(|product| number("0.product", product)));
    for x in [NAN, INF, -INF] {
        let mut saved = good.clone();
        saved.tensors[1].1 = Tensor::from([0.5, x]);
        wrong.push(saved);
    }
    let mut other = Adam::new(0.3);
    for saved in wrong {
        let error = other.restore(&model, saved).unwrap_err().to_string();
        assert!(error.starts_with("number \"") && error.contains("expected"), "{error}");
        assert_eq!(other.save(&model).numbers, [("learning_rate".to_owned(), 0.3)]);
    }
    assert_eq!(other.restore(&model, good), Ok(()));

    let mut average = Average::swa();
    average.update(&model);
    for updates in [-1.0, 0.5, NAN, INF] {
        let mut saved = average.save();
        saved.numbers[0].1 = updates;
        let error = average.restore(&model, saved).unwrap_err().to_string();
        assert!(error.starts_with("number \"updates\": expected a whole number"), "{error}");
    }

    let bowl = |w: &Param| {
        let tape = Tape::new();
        let f = w.on(&tape).square().square().sum();
        (f.value(), f.backward())
    };
    let (mut w, mut lbfgs) = (Param::new([2.0, -1.0]), Lbfgs::new().iterations(3));
    lbfgs.step(&mut w, bowl);
    let good = lbfgs.save();
    for i in 0..good.numbers.len() {
        let mut saved = good.clone();
        saved.numbers[i].1 = NAN;
        assert!(lbfgs.restore(&w, saved).is_err());
    }
    for i in 0..good.tensors.len() {
        let mut saved = good.clone();
        saved.tensors[i].1 = Tensor::from([0.0, INF]);
        assert!(lbfgs.restore(&w, saved).is_err());
    }
    let mut flat = good.clone();
    flat.tensors.iter_mut().filter(|(name, _)| name == "change.0").for_each(|(_, y)| *y = Tensor::zeros([2]));
    assert!(lbfgs.restore(&w, flat).is_err());
    assert_eq!(lbfgs.save(), good);
}
