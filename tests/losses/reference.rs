//! Losses against reference values from other software: see `tests/reference/README.md`.

use nn::functional::CrossEntropyOptions;
use nn::loss::{self, CtcOptions, Losses, TripletOptions};
use serde_json::Value;
use tape::{Tensor, Var};
use tests::reference::{Case, at_least_three, run, tensor};

/// Relative agreement.
const RELATIVE: f64 = 1e-12;

/// The labels as integers.
fn labels(case: &Case) -> Vec<i64> {
    let labels = tensor(&case.attrs["targets"]).expect("a list");
    labels.to_vec().into_iter().map(|label| label as i64).collect()
}

fn classes(case: &Case) -> CrossEntropyOptions {
    CrossEntropyOptions {
        weight: tensor(&case.attrs["weight"]),
        ignore: case.attrs["ignore_index"].as_i64(),
        smoothing: case.attrs["label_smoothing"].as_f64().unwrap_or(0.0),
    }
}

fn ctc<'t>(case: &Case, x: Var<'t>) -> Losses<'t> {
    let list = |list: &Value| -> Vec<usize> {
        let list = list.as_array().expect("a list").iter();
        list.map(|n| n.as_u64().expect("a whole number") as usize).collect()
    };
    let labels: Vec<Vec<usize>> = case.attrs["labels"].as_array().expect("lists").iter().map(list).collect();
    let lengths = (!case.attrs["lengths"].is_null()).then(|| list(&case.attrs["lengths"]));
    let options = CtcOptions { blank: case.int("blank") as usize, ..CtcOptions::default() };
    loss::ctc(x, &labels, lengths.as_deref(), &options)
}

/// The losses of a case, if it has a reduction.
fn losses<'t>(case: &Case, x: &[Var<'t>]) -> Losses<'t> {
    let weighted = |losses: Losses<'t>| match tensor(&case.attrs["weight"]) {
        Some(weight) => losses.weighted(&weight),
        None => losses,
    };
    let value = |k: usize| -> Tensor { x[k].value() };
    match case.op.as_str() {
        "mse" => loss::squared_error(x[0], x[1]),
        "l1" => loss::absolute_error(x[0], x[1]),
        "huber" => loss::huber(x[0], x[1], case.get("delta")),
        "smooth_l1" => loss::smooth_l1(x[0], x[1], case.get("beta")),
        "bce" => weighted(loss::binary_cross_entropy_with_probabilities(x[0], x[1])),
        "bce_with_logits" => {
            let pos_weight = tensor(&case.attrs["pos_weight"]).unwrap_or(Tensor::scalar(1.0));
            weighted(loss::binary_cross_entropy_with_logits_and_pos_weight(x[0], x[1], &pos_weight))
        }
        "cross_entropy" => loss::cross_entropy_with_logits_and_options(x[0], &labels(case), &classes(case)),
        "cross_entropy_probabilities" => {
            loss::cross_entropy_with_logits_and_options(x[0], x[1], &classes(case))
        }
        "nll" => loss::nll(x[0], &labels(case), &classes(case)),
        "kl_div" if case.flag("log_target") => loss::kl_divergence_from_logs(x[0], x[1]),
        "kl_div" => loss::kl_divergence(x[0], x[1]),
        "hinge" => loss::hinge(x[0], x[1], case.get("margin")),
        "hinge_embedding" => loss::hinge_embedding(x[0], &value(1), case.get("margin")),
        "multi_margin" => {
            let (p, margin) = (case.int("p") as i32, case.get("margin"));
            loss::multi_margin(x[0], &labels(case), p, margin, &classes(case))
        }
        "cosine_embedding" => loss::cosine_embedding(x[0], x[1], &value(2), case.get("margin")),
        "margin_ranking" => loss::margin_ranking(x[0], x[1], x[2], case.get("margin")),
        "triplet_margin" => {
            let [margin, p, eps] = ["margin", "p", "eps"].map(|key| case.get(key));
            let options = TripletOptions { margin, p, eps, swap: case.flag("swap") };
            loss::triplet_margin(x[0], x[1], x[2], &options)
        }
        "poisson_nll" if case.flag("log_input") => {
            loss::poisson_nll_with_log_rates(x[0], x[1], case.flag("full"))
        }
        "poisson_nll" => loss::poisson_nll_with_rates(x[0], x[1], case.get("eps"), case.flag("full")),
        "gaussian_nll" => loss::gaussian_nll(x[0], x[1], x[2], case.get("eps"), case.flag("full")),
        "binary_focal" => {
            let alpha = case.attrs["alpha"].as_f64();
            loss::binary_focal_with_logits(x[0], x[1], case.get("gamma"), alpha)
        }
        "focal" => loss::focal_with_logits(x[0], &labels(case), case.get("gamma"), &classes(case)),
        "ctc" => ctc(case, x[0].log_softmax(-1)),
        op => panic!("no loss is called {op}"),
    }
}

fn apply<'t>(case: &Case, x: &[Var<'t>]) -> Var<'t> {
    if case.op == "cosine_similarity" {
        return loss::cosine_similarity(x[0], x[1], case.int("axis"), case.get("eps"));
    }
    let losses = losses(case, x);
    match case.attrs["reduction"].as_str() {
        Some("none") => losses.per_element(),
        Some("sum") => losses.sum().to_var(),
        Some("mean") => losses.mean().to_var(),
        Some("batchmean") => losses.mean_over_samples().to_var(),
        other => panic!("{other:?} is not a reduction"),
    }
}

#[test]
fn values_and_gradients_agree() {
    let compared = run("losses.json", |_| RELATIVE, |case, x| Some(apply(case, x)));
    at_least_three(&compared, 22);
    assert_eq!(compared.values().map(|(count, _)| count).sum::<usize>(), 101);
}
