//! Learning without labels, or with a reward instead: GL-06 and GL-11.

use nn::Param;
use nn::optim::{Optimizer, Sgd};
use rand::RngExt;
use tape::transform::grad;
use tape::{Tape, Tensor, Var};
use tests::compare::{at_most, error};
use tests::row;
use tests::systems::{normal, rng};

/// The probability that each arm of the bandit pays 1.
const CHANCES: [f64; 2] = [0.2, 0.8];

/// The fraction of the last 200 of 1000 pulls that went to the better arm. The policy is a softmax; after
/// each pull it ascends `(reward - mean reward) ∇ ln π(arm)`.
fn play(seed: u64) -> f64 {
    let (mut rng, mut tape) = (rng(seed), Tape::new());
    let (mut policy, mut optimizer) = (Param::new([0.0, 0.0]), Sgd::new(0.2));
    let (mut mean, mut better) = (0.0, 0);
    for n in 1..=1000 {
        let ln_pi = policy.on(&tape).log_softmax(-1);
        let arm = usize::from(rng.random_bool(ln_pi.at([1]).value().exp()));
        let reward = f64::from(rng.random_bool(CHANCES[arm]));
        let grads = (ln_pi.at([arm]) * (mean - reward)).backward();
        tape.reset();
        optimizer.step(&mut policy, &grads);
        mean += (reward - mean) / f64::from(n);
        better += u32::from(n > 800 && arm == 1);
    }
    f64::from(better) / 200.0
}

#[test]
fn gl_06_reinforcement_learning() {
    let least = (0..5).map(play).fold(1.0, f64::min);
    assert!(least > 0.9, "{least}");
    row(
        "GL-06",
        "policy gradient on a bandit that pays 0.2 or 0.8: better arm chosen",
        "> 90 %",
        &format!("{:.1} %", 100.0 * least),
        "last 200 of 1000 pulls, least of 5 seeds",
    );
    // On average the steps ascend the expected reward.
    let theta = Tensor::from([0.3, -0.4]);
    let reward = Tensor::from(CHANCES);
    let climbed = grad(|theta: Var<'_>| (theta.softmax(-1) * &reward).sum(), theta.clone());
    let pi = theta.softmax(-1).to_vec();
    let steps = [0, 1].map(|arm| {
        let score = grad(|theta: Var<'_>| theta.log_softmax(-1).at([arm]), theta.clone());
        &score * (pi[arm] * CHANCES[arm])
    });
    let distance = error(&(&steps[0] + &steps[1]), &climbed);
    at_most("mean of R ∇ ln π against ∇ of the mean of R", distance, 1e-15);
    row("GL-06", "mean of R ∇ ln π against ∇ of the mean of R", "equal", &format!("{distance:.1e}"), "");
}

/// The sum of squared distances to the nearest centre, `x` `[n, 2]` and `centres` `[k, 2]`.
fn distances<'t>(x: &Tensor, centres: Var<'t>) -> Var<'t> {
    let x = centres.tape().constant(x.unsqueeze(1));
    (x - centres).square().sum_axes(-1, false)
}

/// The cluster of each sample.
fn nearest(x: &Tensor, centres: &Tensor) -> Vec<usize> {
    let tape = Tape::new().inference();
    distances(x, tape.constant(centres.clone())).value().argmin_axis(-1)
}

/// Lloyd's iteration from samples that are far apart: each centre moves to the mean of its nearest samples,
/// until nothing changes.
fn k_means(x: &Tensor, k: usize) -> (Tensor, Vec<usize>) {
    let mut centres = x.slice(0, ..1);
    while centres.shape()[0] < k {
        let tape = Tape::new().inference();
        let far = distances(x, tape.constant(centres.clone())).value().min_axes(-1, false).argmax() as isize;
        centres = Tensor::concat(&[&centres, &x.slice(0, far..far + 1)], 0);
    }
    loop {
        let cluster = nearest(x, &centres);
        let member = Tensor::<f64>::one_hot(&cluster[..], k).expect("clusters are below k").transpose();
        let moved = &member.matmul(x) / &member.sum_axes(1, true);
        if moved == centres {
            return (centres, cluster);
        }
        centres = moved;
    }
}

#[test]
fn gl_11_clustering() {
    let blobs = Tensor::from([[0.0, 0.0], [4.0, 0.0], [2.0, 4.0]]);
    let (mut least, mut slope) = (1.0f64, 0.0f64);
    for seed in 0..10 {
        let around = Tensor::from_fn([150, 2], |at| blobs.get([at[0] / 50, at[1]]).expect("three blobs"));
        let x = &around + &normal([150, 2], 0.7, &mut rng(seed));
        let (centres, cluster) = k_means(&x, 3);
        // The samples of the most frequent blob in each cluster.
        let count = |k: usize, blob: usize| (0..150).filter(|&i| cluster[i] == k && i / 50 == blob).count();
        let pure: usize = (0..3).map(|k| (0..3).map(|blob| count(k, blob)).max().unwrap_or(0)).sum();
        least = least.min(pure as f64 / 150.0);
        // At a fixed point, the sum of squared distances has no slope.
        let gradient = grad(|c: Var<'_>| distances(&x, c).min_axes(-1, false).sum(), centres);
        slope = slope.max(gradient.abs().max());
    }
    assert!(least > 0.95, "{least}");
    assert!(slope <= 1e-12, "{slope:e}");
    row(
        "GL-11",
        "k-means on 3 blobs of 50 points: purity",
        "> 95 %",
        &format!("{:.1} %", 100.0 * least),
        &format!("least of 10 seeds; gradient at the end {slope:.0e}"),
    );
}
