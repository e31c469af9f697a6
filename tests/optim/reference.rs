//! Optimizers and schedules against reference values from other software (see `tests/reference/README.md`).
//! Their first steps on a parabola are tested with the glossary.

use nn::optim::schedule::{
    Anneal, Cosine, CosineRestarts, Exponential, Goal, LinearRamp, MultiStep, OneCycle, Plateau, Schedule,
    StepDecay, Threshold,
};
use nn::optim::{
    AdaDelta, AdaGrad, Adam, AdamW, Adamax, Asgd, GradientDescent, Lbfgs, Lion, NAdam, Optimizer, RAdam,
    RmsProp, Rprop, Sgd, UpdateRule,
};
use nn::{Context, Linear, Module, Parameters, Sequential, Tanh, loss};
use serde_json::Value;
use std::collections::BTreeMap;
use tape::{Gradients, Tape, Tensor};
use tests::compare::near;
use tests::reference::{json, number, tensor};

/// Agreement with the runs of 50 steps, which move by up to 2e-11 if their start moves by 1e-13.
const RUN: f64 = 1e-10;
/// Agreement with the runs of L-BFGS, which move by up to 3e-10.
const QUASI_NEWTON: f64 = 3e-10;
/// Relative agreement with learning rates: some are computed from one another, 30 times.
const RATE: f64 = 1e-13;

/// The cases of one kind.
fn cases(kind: &str) -> Vec<Value> {
    json("optimizers.json").into_iter().filter(|case| case["kind"] == kind).collect()
}

/// A numeric attribute.
fn get(case: &Value, key: &str) -> f64 {
    number(&case["attrs"][key])
}

/// An integer attribute.
fn whole(case: &Value, key: &str) -> u64 {
    case["attrs"][key].as_u64().expect("a whole number")
}

fn flag(case: &Value, key: &str) -> bool {
    case["attrs"][key].as_bool().unwrap_or(false)
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(number).collect()
}

/// The model and its data.
struct Problem {
    model: Sequential,
    x: Tensor,
    y: Tensor,
}

impl Problem {
    fn new() -> Problem {
        let case = &cases("problem")[0];
        let start = |name: &str| tensor(&case["state"][name]).expect("a tensor");
        let model = Sequential::new()
            .push(Linear::from_values(start("0.weight"), start("0.bias")))
            .push(Tanh)
            .push(Linear::from_values(start("2.weight"), start("2.bias")));
        let given = |key: &str| tensor(&case[key]).expect("a tensor");
        Problem { model, x: given("x"), y: given("y") }
    }

    fn evaluate(&self, model: &Sequential) -> (f64, Gradients) {
        let tape = Tape::new();
        let loss =
            loss::squared_error(model.forward(tape.constant(self.x.clone()), &mut Context::eval()), &self.y)
                .mean();
        (loss.value(), loss.backward())
    }
}

/// Runs a case and compares; returns the largest distance of a parameter.
fn compare(case: &Value, tolerance: f64, mut step: impl FnMut(&Problem, &mut Sequential)) -> f64 {
    let problem = Problem::new();
    let mut model = problem.model.clone();
    let mut worst = 0.0f64;
    for (k, loss) in numbers(&case["losses"]).into_iter().enumerate() {
        near(&format!("loss before step {k}"), problem.evaluate(&model).0, loss, tolerance);
        step(&problem, &mut model);
        let snapshots = case["snapshots"].as_array().expect("a list").iter();
        for kept in snapshots.filter(|kept| kept["step"].as_u64() == Some(k as u64 + 1)) {
            let found = problem.evaluate(&model).0;
            near(&format!("loss after step {k}"), found, number(&kept["loss"]), tolerance);
            for (name, param) in model.named_parameters() {
                let expected = tensor(&kept["params"][&name]).expect("a tensor").to_vec();
                for (found, expected) in param.value().to_vec().into_iter().zip(expected) {
                    worst = worst.max(near(&format!("{name} after step {k}"), found, expected, tolerance));
                }
            }
        }
    }
    worst
}

fn asgd(case: &Value) -> Asgd {
    let from = get(case, "t0") as u64;
    let asgd = Asgd::new(get(case, "lr")).decay(get(case, "lambd")).power(get(case, "alpha"));
    asgd.average_from(from).weight_decay(get(case, "weight_decay"))
}

/// The optimizer of a case.
fn optimizer(case: &Value) -> Box<dyn Optimizer> {
    let [eps, decay] = ["eps", "weight_decay"].map(|key| case["attrs"][key].as_f64().unwrap_or(0.0));
    let rate = get(case, "lr");
    let betas = || {
        let betas = numbers(&case["attrs"]["betas"]);
        (betas[0], betas[1])
    };
    let momentum = case["attrs"]["momentum"].as_f64().unwrap_or(0.0);
    /// Applies a setting that depends on a flag.
    fn when<R: UpdateRule>(
        flag: bool,
        optimizer: GradientDescent<R>,
        change: fn(GradientDescent<R>) -> GradientDescent<R>,
    ) -> GradientDescent<R> {
        if flag { change(optimizer) } else { optimizer }
    }
    match case["optimizer"].as_str().expect("a name") {
        "sgd" => {
            let dampening = case["attrs"]["dampening"].as_f64().unwrap_or(0.0);
            let sgd = Sgd::new(rate).momentum(momentum).dampening(dampening).weight_decay(decay);
            Box::new(when(flag(case, "nesterov"), sgd, Sgd::nesterov))
        }
        "adagrad" => {
            let initial = get(case, "initial_accumulator_value");
            let adagrad = AdaGrad::new(rate).rate_decay(get(case, "lr_decay")).initial(initial);
            Box::new(adagrad.eps(eps).weight_decay(decay))
        }
        "adadelta" => Box::new(AdaDelta::new(rate).rho(get(case, "rho")).eps(eps).weight_decay(decay)),
        "rmsprop" => {
            let rmsprop = RmsProp::new(rate).alpha(get(case, "alpha")).eps(eps).momentum(momentum);
            Box::new(when(flag(case, "centered"), rmsprop.weight_decay(decay), RmsProp::centered))
        }
        "adam" => {
            let adam = Adam::new(rate).betas(betas().0, betas().1).eps(eps).weight_decay(decay);
            Box::new(when(flag(case, "amsgrad"), adam, Adam::amsgrad))
        }
        "adamw" => Box::new(AdamW::new(rate).betas(betas().0, betas().1).eps(eps).weight_decay(decay)),
        "nadam" => {
            let psi = get(case, "momentum_decay");
            let nadam = NAdam::new(rate).betas(betas().0, betas().1).eps(eps).momentum_decay(psi);
            let decoupled = flag(case, "decoupled_weight_decay");
            Box::new(when(decoupled, nadam.weight_decay(decay), NAdam::decoupled))
        }
        "lion" => Box::new(Lion::new(rate).betas(betas().0, betas().1).weight_decay(decay)),
        "radam" => {
            let radam = RAdam::new(rate).betas(betas().0, betas().1).eps(eps);
            let decoupled = flag(case, "decoupled_weight_decay");
            Box::new(when(decoupled, radam.weight_decay(decay), RAdam::decoupled))
        }
        "adamax" => Box::new(Adamax::new(rate).betas(betas().0, betas().1).eps(eps).weight_decay(decay)),
        "rprop" => {
            let [etas, bounds] = ["etas", "step_sizes"].map(|key| numbers(&case["attrs"][key]));
            Box::new(Rprop::new(rate).etas(etas[0], etas[1]).bounds(bounds[0], bounds[1]))
        }
        "asgd" => Box::new(asgd(case)),
        name => panic!("no optimizer is called {name}"),
    }
}

#[test]
fn runs_of_fifty_steps_agree() {
    let mut compared: BTreeMap<String, usize> = BTreeMap::new();
    for case in cases("optimizer") {
        let name = case["optimizer"].as_str().expect("a name");
        if name == "lbfgs" {
            continue;
        }
        let mut optimizer = optimizer(&case);
        let worst = compare(&case, RUN, |problem, model| {
            let (_, grads) = problem.evaluate(model);
            optimizer.step(model, &grads);
        });
        println!("{name} {}: largest distance {worst:.1e}", case["attrs"]);
        *compared.entry(name.to_owned()).or_default() += 1;
    }
    let counts: Vec<(&str, usize)> = compared.iter().map(|(name, &count)| (name.as_str(), count)).collect();
    let expected = [
        ("adadelta", 2),
        ("adagrad", 2),
        ("adam", 3),
        ("adamax", 2),
        ("adamw", 2),
        ("asgd", 2),
        ("lion", 2),
        ("nadam", 2),
        ("radam", 3),
        ("rmsprop", 4),
        ("rprop", 2),
        ("sgd", 6),
    ];
    assert_eq!(counts, expected);
}

/// The averages beside the last weights, which are compared with the others.
#[test]
fn averages_of_weights_agree() {
    let mut compared = 0;
    for case in cases("optimizer").iter().filter(|case| case["optimizer"] == "asgd") {
        let (problem, mut optimizer) = (Problem::new(), asgd(case));
        let mut model = problem.model.clone();
        for step in 1..=numbers(&case["losses"]).len() as u64 {
            let (_, grads) = problem.evaluate(&model);
            optimizer.step(&mut model, &grads);
            let snapshots = case["snapshots"].as_array().expect("a list").iter();
            for kept in snapshots.filter(|kept| kept["step"].as_u64() == Some(step)) {
                for (name, param) in model.named_parameters() {
                    let expected = tensor(&kept["averages"][&name]).expect("a tensor").to_vec();
                    let found = optimizer.average(param).expect("there was a step").to_vec();
                    for (found, expected) in found.into_iter().zip(expected) {
                        near(&format!("average of {name} after step {step}"), found, expected, RUN);
                        compared += 1;
                    }
                }
            }
        }
    }
    assert_eq!(compared, 2 * 5 * 26);
}

#[test]
fn runs_of_lbfgs_agree() {
    let runs = cases("optimizer").into_iter().filter(|case| case["optimizer"] == "lbfgs");
    let mut compared = 0;
    for case in runs {
        let mut optimizer = Lbfgs::new()
            .learning_rate(get(&case, "lr"))
            .iterations(whole(&case, "max_iter") as usize)
            .history(whole(&case, "history_size") as usize)
            .tolerances(get(&case, "tolerance_grad"), get(&case, "tolerance_change"));
        if case["attrs"]["line_search_fn"].is_null() {
            optimizer = optimizer.without_line_search();
        }
        let worst = compare(&case, QUASI_NEWTON, |problem, model| {
            optimizer.step(model, |model| problem.evaluate(model));
        });
        println!("lbfgs {}: largest distance {worst:.1e}", case["attrs"]);
        compared += 1;
    }
    assert_eq!(compared, 6);
}

/// The learning rates of a schedule's case.
fn schedule(case: &Value) -> Option<Box<dyn Schedule>> {
    let base = number(&case["base_lr"]);
    let get = |key: &str| get(case, key);
    let whole = |key: &str| whole(case, key);
    Some(match case["scheduler"].as_str().expect("a name") {
        "step" => Box::new(StepDecay { base, factor: get("gamma"), every: whole("step_size") }),
        "multi_step" => {
            let milestones = numbers(&case["attrs"]["milestones"]).into_iter().map(|k| k as u64).collect();
            Box::new(MultiStep { base, factor: get("gamma"), milestones })
        }
        "exponential" => Box::new(Exponential { base, factor: get("gamma") }),
        "cosine_annealing" => Box::new(Cosine { base, floor: get("eta_min"), period: whole("t_max") }),
        "cosine_warm_restarts" => {
            let (period, period_factor) = (whole("t_0"), whole("t_mult"));
            Box::new(CosineRestarts { base, floor: get("eta_min"), period, period_factor })
        }
        "linear" => {
            let (from, to) = (base * get("start_factor"), base * get("end_factor"));
            Box::new(LinearRamp { from, to, epochs: whole("total_iters") })
        }
        "one_cycle" => {
            let linear = case["attrs"]["anneal_strategy"] == "linear";
            Box::new(OneCycle {
                rise: get("pct_start"),
                anneal: if linear { Anneal::Linear } else { Anneal::Cosine },
                first: get("div_factor"),
                last: get("final_div_factor"),
                three_phases: flag(case, "three_phase"),
                ..OneCycle::new(get("max_lr"), whole("total_steps"))
            })
        }
        _ => return None,
    })
}

#[test]
fn schedules_agree() {
    let mut compared: BTreeMap<String, usize> = BTreeMap::new();
    for case in cases("scheduler") {
        let name = case["scheduler"].as_str().expect("a name").to_owned();
        let Some(schedule) = schedule(&case) else { continue };
        for (k, expected) in numbers(&case["lr"]).into_iter().enumerate() {
            let found = schedule.at(k as u64);
            let error = (found - expected).abs();
            // The rates of one cycle are differences of larger ones.
            let size = expected.abs().max(1e-3 * number(&case["base_lr"]));
            assert!(error <= RATE * size, "{name} {}: epoch {k}: {found} for {expected}", case["attrs"]);
        }
        *compared.entry(name).or_default() += 1;
    }
    assert_eq!(compared.values().sum::<usize>(), 17);
    assert_eq!(compared.len(), 7);
}

#[test]
fn reductions_on_a_plateau_agree() {
    let mut compared = 0;
    for case in cases("scheduler").iter().filter(|case| case["scheduler"] == "reduce_on_plateau") {
        let threshold = get(case, "threshold");
        let relative = case["attrs"]["threshold_mode"] == "rel";
        let smallest = case["attrs"]["mode"] == "min";
        let mut plateau = Plateau::new(number(&case["base_lr"]))
            .goal(if smallest { Goal::Minimize } else { Goal::Maximize })
            .factor(get(case, "factor"))
            .patience(whole(case, "patience"))
            .threshold(if relative { Threshold::Relative(threshold) } else { Threshold::Absolute(threshold) })
            .cooldown(whole(case, "cooldown"))
            .floor(get(case, "min_lr"));
        let (begun, losses) = (plateau, numbers(&case["losses"]));
        for (k, (loss, expected)) in losses.into_iter().zip(numbers(&case["lr"])).enumerate() {
            let found = plateau.observe(loss);
            assert!((found - expected).abs() <= RATE * expected, "epoch {k}: {found} for {expected}");
            // A restored schedule continues in the same way.
            let mut restored = begun;
            restored.restore(plateau.save::<f64>()).expect("it was just saved");
            assert_eq!(restored, plateau);
        }
        compared += 1;
    }
    assert_eq!(compared, 3);
}
