//! Scalar gradients: `reverse` and `easy-ml`, the functions written once for both.

use crate::median_us;
use easy_ml::differentiation::record_operations::SwappedOperations;
use easy_ml::differentiation::{Record, WengertList};
use easy_ml::numeric::extra::{Exp, Ln};
use reverse::{Gradient, Tape, Var};
use std::ops::{Add, Mul, Sub};
use std::path::Path;

/// A recorded scalar of either system.
trait Number:
    Copy + Add<Output = Self> + Add<f64, Output = Self> + Sub<Output = Self> + Mul<Output = Self>
where
    Self: Sub<f64, Output = Self> + Mul<f64, Output = Self>,
{
    fn value(self) -> f64;
    fn exp(self) -> Self;
    fn ln(self) -> Self;
    /// `1 - x`, one operation.
    fn from_one(self) -> Self;
    /// `1 / (1 + exp(-x))`, four operations.
    fn logistic(self) -> Self;
}

impl Number for Var<'_> {
    fn value(self) -> f64 {
        self.val()
    }
    fn exp(self) -> Self {
        Var::exp(&self)
    }
    fn ln(self) -> Self {
        Var::ln(&self)
    }
    fn from_one(self) -> Self {
        1.0 - self
    }
    fn logistic(self) -> Self {
        (Var::exp(&-self) + 1.0).recip()
    }
}

impl Number for Record<'_, f64> {
    fn value(self) -> f64 {
        self.number
    }
    fn exp(self) -> Self {
        Exp::exp(self)
    }
    fn ln(self) -> Self {
        Ln::ln(self)
    }
    fn from_one(self) -> Self {
        self.sub_swapped(1.0)
    }
    fn logistic(self) -> Self {
        (Exp::exp(-self) + 1.0).div_swapped(1.0)
    }
}

/// A function of `benches/src/scalar.rs`, with its data.
struct Problem {
    name: String,
    data: Vec<f64>,
    x: Vec<f64>,
    gradient: Vec<f64>,
    parts: usize,
}

impl Problem {
    fn read(name: &str, directory: &str) -> Option<Problem> {
        let (data, inputs, parts) = match name {
            "W7" => (0, 1000, 1),
            "W7-large" => (0, 100_000, 1),
            "W8" => (4 * 1000, 101, 1000),
            "W9" => (1000 * D, K * (1 + 2 * D + BELOW), 1),
            _ => return None,
        };
        let bytes = std::fs::read(Path::new(directory).join(name)).ok()?;
        let number = |x: &[u8]| Some(f64::from_le_bytes(x.try_into().ok()?));
        let all: Vec<f64> = bytes.chunks_exact(8).map(number).collect::<Option<_>>()?;
        let (data, rest) = all.split_at_checked(data)?;
        let (x, gradient) = rest.split_at_checked(inputs)?;
        Some(Problem { name: name.into(), data: data.into(), x: x.into(), gradient: gradient.into(), parts })
    }

    fn eval<A: Number>(&self, x: &[A], part: usize) -> A {
        match self.name.as_str() {
            "W8" => network(x, &self.data[4 * part..][..4]),
            "W9" => mixture(x, &self.data),
            _ => rosenbrock(x),
        }
    }

    fn compare(&self, found: &[f64]) -> Result<(), String> {
        let largest = self.gradient.iter().fold(0f64, |max, g| max.max(g.abs()));
        let pairs = found.iter().zip(&self.gradient);
        let error = pairs.fold(0f64, |max, (a, b)| max.max((a - b).abs())) / largest;
        if error < 1e-10 && found.len() == self.gradient.len() {
            return Ok(());
        }
        Err(format!("wrong gradient: it differs by {error:.1e} of its largest element"))
    }
}

fn sum<A: Number>(mut terms: impl Iterator<Item = A>) -> A {
    let first = terms.next().expect("a sum has terms");
    terms.fold(first, |sum, x| sum + x)
}

fn rosenbrock<A: Number>(x: &[A]) -> A {
    sum(x.windows(2).map(|pair| {
        let (t1, t2) = (pair[1] - pair[0] * pair[0], pair[0].from_one());
        t1 * t1 * 100.0 + t2 * t2
    }))
}

/// A sample of a 3-10-5-1 network; the first layer's inputs are constants.
fn network<A: Number>(p: &[A], sample: &[f64]) -> A {
    let first = |j: usize| (0..3).fold(p[30 + j], |z, i| z + p[3 * j + i] * sample[i]).logistic();
    let h: [A; 10] = std::array::from_fn(first);
    let second = |j: usize| (0..10).fold(p[90 + j], |z, i| z + p[40 + 10 * j + i] * h[i]).logistic();
    let k: [A; 5] = std::array::from_fn(second);
    let e = (0..5).fold(p[100], |z, i| z + p[95 + i] * k[i]) - sample[3];
    e * e
}

/// Dimensions, components, elements below a diagonal.
const D: usize = 10;
const K: usize = 25;
const BELOW: usize = D * (D - 1) / 2;

fn logsumexp<A: Number>(x: &[A]) -> A {
    let max = x.iter().skip(1).fold(x[0], |max, &x| if x.value() > max.value() { x } else { max });
    sum(x.iter().map(|&x| (x - max).exp())).ln() + max
}

fn mixture<A: Number>(x: &[A], points: &[f64]) -> A {
    let (alpha, rest) = x.split_at(K);
    let (mu, rest) = rest.split_at(K * D);
    let (q, l) = rest.split_at(K * D);
    let scale: Vec<A> = q.iter().map(|q| q.exp()).collect();
    let offset: Vec<A> = (0..K).map(|c| alpha[c] + sum(q[c * D..][..D].iter().copied())).collect();
    let point = |x: &[f64]| {
        let term = |c: usize| {
            let mu = &mu[c * D..][..D];
            // x - mu with a constant x, one operation, with its sign flipped: it is only squared.
            let centred: [A; D] = std::array::from_fn(|i| mu[i] - x[i]);
            let mut l = l[c * BELOW..][..BELOW].iter();
            let rows = (0..D).map(|i| {
                let below = centred[..i].iter().zip(l.by_ref());
                let row = below.fold(scale[c * D + i] * centred[i], |row, (&x, &l)| row + l * x);
                row * row
            });
            offset[c] - sum(rows) * 0.5
        };
        logsumexp(&(0..K).map(term).collect::<Vec<A>>())
    };
    let squares = |x: &[A]| sum(x.iter().map(|&x| x * x));
    let total = sum(points.chunks_exact(D).map(point));
    total - logsumexp(alpha) * (points.len() / D) as f64 + (squares(&scale) + squares(l)) * 0.5
}

fn reverse_gradient(problem: &Problem, tape: &Tape) -> Vec<f64> {
    let mut total = vec![0.0; problem.x.len()];
    for part in 0..problem.parts {
        tape.clear();
        let x = tape.add_vars(&problem.x);
        let gradient = problem.eval(&x, part).grad();
        total.iter_mut().zip(gradient.wrt(&x)).for_each(|(total, g)| *total += g);
    }
    total
}

fn easy_ml_gradient(problem: &Problem, list: &WengertList<f64>) -> Vec<f64> {
    let mut total = vec![0.0; problem.x.len()];
    for part in 0..problem.parts {
        list.clear();
        let x: Vec<Record<'_, f64>> = problem.x.iter().map(|&x| list.variable(x)).collect();
        let derivatives = problem.eval(&x, part).derivatives();
        total.iter_mut().zip(&x).for_each(|(total, x)| *total += derivatives.at(x));
    }
    total
}

/// Microseconds of a gradient: recorded, swept and read.
pub fn time(system: &str, workload: &str, directory: &str) -> Result<f64, String> {
    let none = || format!("no such workload, or no such file in {directory}");
    let problem = Problem::read(workload, directory).ok_or_else(none)?;
    let (tape, list) = (Tape::new(), WengertList::new());
    let gradient = || match system {
        "reverse" => reverse_gradient(&problem, &tape),
        _ => easy_ml_gradient(&problem, &list),
    };
    problem.compare(&gradient())?;
    Ok(median_us(|| drop(std::hint::black_box(gradient()))))
}
