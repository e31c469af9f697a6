//! Gradients of the evals beside the gradient checker, and at larger sizes beside the other mode.

use gradbench::evals::{ba, det, gmm, ht, kmeans, llsq, lse, lstm, ode};
use gradbench::samples::{self, Draw};
use gradcheck::GradCheck;
use tape::{Dual, Program, Scalar, Tape, Tensor, Var};

/// The largest difference relative to the largest element.
const TOLERANCE: f64 = 1e-11;

fn assert_close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: the number of numbers");
    let largest = expected.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    assert!(largest > 0.0, "{what}: expected a derivative that is not zero");
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        assert!((x - y).abs() <= TOLERANCE * largest, "{what}, entry {i}: found {x}, expected {y}");
    }
}

/// Requires agreement of the checker.
fn checked(check: GradCheck) {
    check.run().expect("a check").require().expect("agreement");
}

/// A direction of `n` numbers, and the product of a gradient with it.
fn direction(n: usize, seed: u64) -> Vec<f64> {
    let mut draw = Draw::new(seed);
    (0..n).map(|_| draw.uniform() - 0.5).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Numbers that move in one direction.
fn moving(x: &[f64], dx: &[f64]) -> Vec<Dual<f64, 1>> {
    x.iter().zip(dx).map(|(&x, &dx)| Dual::new(x, [dx])).collect()
}

/// The elements of a vector.
fn elements(x: Var<'_>) -> Vec<Scalar<'_>> {
    (0..x.shape()[0]).map(|i| x.at(i)).collect()
}

#[test]
fn llsq_by_the_checker() {
    let problem = llsq::Problem::new(vec![0.5, -0.25, 0.125], 4);
    checked(GradCheck::loss(|v| problem.error(&elements(v["x"]))).input("x", problem.x.clone()));
}

#[test]
fn llsq_in_forward_mode() {
    let problem = llsq::Problem::read(&samples::llsq(40, 129, 1)).expect("a problem");
    let dx = direction(40, 2);
    let [expected] = problem.error(&moving(&problem.x, &dx)).tangents();
    for gradient in [problem.gradient(&mut Tape::new()), problem.gradient_in_lanes()()] {
        assert_close(&[dot(&gradient, &dx)], &[expected], "llsq");
    }
}

#[test]
fn lse_by_the_checker() {
    checked(GradCheck::loss(|v| lse::log_sum_exp(&v["x"]).item()).input("x", [0.1, 0.7, -0.4]));
}

#[test]
fn lse_in_forward_mode() {
    let mut draw = Draw::new(3);
    let x = Tensor::from((0..1000).map(|_| draw.normal()).collect::<Vec<f64>>());
    let tape = Tape::new();
    let leaf = tape.var(x.clone());
    let dx = direction(1000, 4);
    let expected = lse::log_sum_exp(&leaf).item().jvp(leaf, Tensor::from(&dx[..]));
    for gradient in [lse::gradient(&mut Tape::new(), &x), lse::replayed_gradient(&x).expect("a replay")()] {
        assert_close(&[dot(&gradient.to_vec(), &dx)], &[expected], "lse");
    }
}

#[test]
fn ode_by_the_checker() {
    let component = ode::Component::new(3);
    checked(
        GradCheck::loss(|v| ode::last(v["x"], &component, 3)).input("x", [0.5, 1.25, -0.8, 0.3, 0.9, 1.1]),
    );
}

#[test]
fn ode_in_forward_mode() {
    let (n, s) = (25, 7);
    let mut draw = Draw::new(5);
    let x: Vec<f64> = (0..n).map(|_| 0.5 + draw.uniform()).collect();
    let dx = direction(n, 6);
    let solution = ode::solution(&moving(&x, &dx), s);
    assert_close(
        &solution.iter().map(|y| y.value()).collect::<Vec<_>>(),
        &ode::solution(&x, s),
        "ode, values",
    );
    let [expected] = solution[n - 1].tangents();
    let gradient =
        ode::gradient(&mut Tape::new(), &Tensor::from(&x[..]), &ode::Component::new(s), s).to_vec();
    assert_close(&[dot(&gradient, &dx)], &[expected], "ode");
}

#[test]
fn det_by_the_checker() {
    let mut draw = Draw::new(7);
    let a: Vec<f64> = (0..16).map(|_| draw.uniform()).collect();
    checked(GradCheck::loss(|v| det::determinant(&elements(v["a"]), 4)).input("a", a));
}

#[test]
fn det_in_forward_mode() {
    for n in 1..=7 {
        let mut draw = Draw::new(8);
        let a: Vec<f64> = (0..n * n).map(|_| draw.uniform()).collect();
        let da = direction(n * n, 9);
        let [expected] = det::determinant(&moving(&a, &da), n).tangents();
        let replayed = det::replayed_gradient(&a, n).expect("a replay")();
        for gradient in [det::gradient(&mut Tape::new(), &a, n), replayed] {
            assert_close(&[dot(&gradient, &da)], &[expected], &format!("det of {n}"));
        }
    }
}

#[test]
fn gmm_by_the_checker() {
    let problem = gmm::Problem::read(&samples::gmm(3, 2, 4, 1, 10)).expect("a problem");
    let names = ["alpha", "mu", "q", "l"];
    let function = GradCheck::loss(|v| problem.record(&names.map(|name| v[name])));
    let inputs = names.into_iter().zip(&problem.parameters);
    checked(inputs.fold(function, |check, (name, x)| check.input(name, x.clone())));
}

#[test]
fn gmm_in_forward_mode() {
    let problem = gmm::Problem::read(&samples::gmm(5, 4, 30, 0, 11)).expect("a problem");
    let tape = Tape::new();
    let parameters = problem.parameters.each_ref().map(|x| tape.var(x.clone()));
    let mut seed = 12;
    let directions = problem.parameters.each_ref().map(|x| {
        seed += 1;
        Tensor::from(direction(x.size(), seed)).reshape(x.shape().clone())
    });
    let expected = problem.record(&parameters).jvp(parameters, directions.clone());
    for gradient in [problem.gradient(&mut Tape::new()), problem.replayed_gradient().expect("a replay")()] {
        let found: f64 = gradient.iter().zip(&directions).map(|(a, b)| dot(&a.to_vec(), &b.to_vec())).sum();
        assert_close(&[found], &[expected], "gmm");
    }
}

#[test]
fn lstm_by_the_checker() {
    let problem = lstm::Problem::read(&samples::lstm(2, 2, 4, 13)).expect("a problem");
    let character = problem.character();
    let [weights, extra] = problem.parameters.clone();
    let function = GradCheck::loss(|v| problem.record([v["weights"], v["extra"]], &character));
    checked(function.input("weights", weights).input("extra", extra));
}

#[test]
fn lstm_in_forward_mode() {
    let problem = lstm::Problem::read(&samples::lstm(3, 14, 20, 14)).expect("a problem");
    let character = problem.character();
    let tape = Tape::new();
    let parameters = problem.parameters.each_ref().map(|x| tape.var(x.clone()));
    let directions = problem
        .parameters
        .each_ref()
        .map(|x| Tensor::from(direction(x.size(), 15)).reshape(x.shape().clone()));
    let loss = problem.record(parameters, &character);
    assert_close(&[loss.value()], &[problem.primal()], "lstm, value");
    let expected = loss.jvp(parameters, directions.clone());
    let gradient = problem.gradient(&mut Tape::new(), &character);
    let found: f64 = gradient.iter().zip(&directions).map(|(a, b)| dot(&a.to_vec(), &b.to_vec())).sum();
    assert_close(&[found], &[expected], "lstm");
}

#[test]
fn kmeans_by_the_checker() {
    let problem = kmeans::Problem::read(&samples::kmeans(3, 12, 2, 16)).expect("a problem");
    let nearest = problem.assignment();
    checked(
        GradCheck::loss(|v| problem.cost(&v["c"], &nearest).item()).input("c", problem.centroids.clone()),
    );
}

/// The step of Newton's method leads to the means.
#[test]
fn kmeans_leads_to_the_means() {
    let (k, n, d) = (9, 400, 5);
    let input = samples::kmeans(k, n, d, 17);
    let problem = kmeans::Problem::read(&input).expect("a problem");
    let (nearest, direction) = (problem.assignment(), problem.direction(&mut Tape::new()));
    let point = |i: usize, at: usize| input["points"][i][at].as_f64().expect("a number");
    let mean = |j: usize, at: usize| {
        let own: Vec<f64> = (0..n).filter(|&i| nearest[i] == j).map(|i| point(i, at)).collect();
        own.iter().sum::<f64>() / own.len() as f64
    };
    let expected: Vec<f64> =
        (0..k * d).map(|at| problem.centroids.to_vec()[at] - mean(at / d, at % d)).collect();
    assert_close(&direction.to_vec(), &expected, "kmeans");
}

/// A camera, a point, a weight and a feature.
const OBSERVATION: [f64; 17] =
    [0.1, -0.2, 0.3, 0.5, -0.5, 1.0, 2.0, 0.25, -0.25, 0.01, -0.02, 1.0, 2.0, 5.0, 0.5, 0.75, 1.5];

#[test]
fn ba_by_the_checker() {
    for component in 0..2 {
        let program = Program::new(|p| {
            let x = p.group("x", 17);
            ba::reprojection(&x[..11], &x[11..], x[14], [x[15], x[16]])[component]
        });
        checked(GradCheck::program(&program).input("x", OBSERVATION));
    }
}

/// Every block, also that of a camera that is not rotated, by dual numbers.
#[test]
fn ba_in_forward_mode() {
    for rotation in [[0.1, -0.2, 0.3], [0.0; 3]] {
        let mut x = OBSERVATION;
        x[..3].copy_from_slice(&rotation);
        let mut input = samples::ba(3, 2, 1500);
        (input["cam"], input["x"]) = (x[..11].into(), x[11..14].into());
        (input["w"], input["feat"]) = (x[14].into(), x[15..].into());
        let problem = ba::Problem::read(&input).expect("a problem");
        let moving: [Dual<f64, 15>; 15] = Dual::variables(std::array::from_fn(|k| x[k]));
        let feature = [Dual::constant(x[15]), Dual::constant(x[16])];
        let errors = ba::reprojection(&moving[..11], &moving[11..], moving[14], feature);
        let block: Vec<f64> = errors.iter().flat_map(|error| error.tangents()).collect();
        let mut jacobians = [ba::SparseRows::default(), ba::SparseRows::default()];
        problem.jacobian(&mut Tape::new(), &mut jacobians[0]);
        problem.jacobian_in_lanes()(&mut jacobians[1]);
        for jacobian in jacobians {
            assert_eq!((jacobian.starts.len(), jacobian.columns.len()), (4501, 31 * 1500));
            assert_eq!(jacobian.values.len(), 31 * 1500);
            for observation in [0, 511, 512, 1499] {
                assert_close(&jacobian.values[30 * observation..][..30], &block, "ba");
            }
            assert!(jacobian.values[30 * 1500..].iter().all(|&slope| slope == -2.0 * x[14]));
            assert_eq!(jacobian.columns[31 * 1500 - 1], 11 * 3 + 3 * 2 + 1499);
        }
    }
}

#[test]
fn ht_by_the_checker() {
    let problem = ht::Problem::read(&samples::ht(5, 3, 2, 18)).expect("a problem");
    let [u, v] = problem.positions.clone().expect("positions");
    let check = GradCheck::new(|x| problem.residuals(&elements(x["theta"]), Some([&x["u"], &x["v"]])));
    checked(check.input("theta", problem.theta.clone()).input("u", u).input("v", v));
}

/// A combination of the rows by a reverse sweep.
#[test]
fn ht_in_reverse_mode() {
    for mirrored in [false, true] {
        let mut input = samples::ht(60, 20, 12, 19);
        input["data"]["model"]["is_mirrored"] = mirrored.into();
        let problem = ht::Problem::read(&input).expect("a problem");
        let [u, v] = problem.positions.clone().expect("positions");
        let tape = Tape::new();
        let theta: Vec<_> = problem.theta.iter().map(|&x| tape.scalar(x)).collect();
        let (u, v) = (tape.var(u), tape.var(v));
        let ct = direction(36, 20);
        let residuals = problem.residuals(&theta, Some([&u, &v]));
        assert_close(&residuals.value().to_vec(), &problem.primal(), "ht, values");
        let cts = residuals.vjp(Tensor::from(&ct[..]).reshape([12, 3]));
        let jacobian = problem.jacobian(&mut Tape::new());
        for (k, &angle) in theta.iter().enumerate() {
            let column: Vec<f64> = jacobian.iter().skip(2 + k).step_by(28).copied().collect();
            assert_close(&[dot(&column, &ct)], &[cts.wrt(angle)], &format!("ht, column {k}"));
        }
        for (column, own) in [cts.wrt(u), cts.wrt(v)].iter().enumerate() {
            let own_rows: Vec<f64> = (0..12)
                .map(|i| (0..3).map(|j| jacobian[(3 * i + j) * 28 + column] * ct[3 * i + j]).sum())
                .collect();
            assert_close(&own_rows, &own.to_vec(), "ht, positions");
        }
    }
}
