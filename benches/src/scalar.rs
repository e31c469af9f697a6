//! Scalar workloads: functions written once, run on `f64` and recorded.

use crate::numbers::Numbers;
use tape::{Algebra, Elementwise, Program, Scalar, Tape, Tensor};

/// A function of many variables.
pub trait Problem {
    /// Its name in the table.
    fn name(&self) -> &'static str;
    /// The point at which the gradient is computed.
    fn inputs(&self) -> Vec<f64>;
    /// The number of parts, which are evaluated and differentiated one after another, each on a separate
    /// tape.
    fn parts(&self) -> usize {
        1
    }
    /// The nominal number of operations of a part; times are divided by it.
    fn operations(&self) -> f64;
    /// The data of the function besides its inputs: samples or points, in order.
    fn data(&self) -> Vec<f64> {
        Vec::new()
    }
    /// The value of one part.
    fn eval<A: Algebra>(&self, x: &[A], part: usize) -> A;
}

/// A problem made of sums of products.
pub trait Chains: Problem {
    /// Its name in the table with `mul_add`.
    fn fused_name(&self) -> &'static str;
    /// The value of one part, the sums written with `mul_add`.
    fn eval_fused<A: Algebra>(&self, x: &[A], part: usize) -> A;
}

/// A problem whose sums of products are written with `mul_add`.
#[derive(Clone, Copy, Debug)]
pub struct Fused<'a, P>(
    /// The same with the operators.
    pub &'a P,
);

impl<P: Chains> Problem for Fused<'_, P> {
    fn name(&self) -> &'static str {
        self.0.fused_name()
    }

    fn inputs(&self) -> Vec<f64> {
        self.0.inputs()
    }

    fn parts(&self) -> usize {
        self.0.parts()
    }

    fn operations(&self) -> f64 {
        self.0.operations()
    }

    fn data(&self) -> Vec<f64> {
        self.0.data()
    }

    fn eval<A: Algebra>(&self, x: &[A], part: usize) -> A {
        self.0.eval_fused(x, part)
    }
}

/// Records and sweeps every part of `problem` on a reused tape, and adds up the gradients.
pub fn gradient(problem: &impl Problem, tape: &mut Tape, x: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; x.len()];
    for part in 0..problem.parts() {
        tape.reset();
        let leaves: Vec<Scalar<'_>> = x.iter().map(|&x| tape.scalar(x)).collect();
        let grads = problem.eval(&leaves, part).backward();
        sum.iter_mut().zip(&leaves).for_each(|(sum, &x)| *sum += grads.wrt(x));
    }
    sum
}

/// `Σ 100 (x[i+1] - x[i]²)² + (1 - x[i])²`: eight operations a term.
#[derive(Clone, Copy, Debug)]
pub struct Rosenbrock(
    /// The number of variables.
    pub usize,
);

impl Problem for Rosenbrock {
    fn name(&self) -> &'static str {
        match self.0 {
            0..=10_000 => "W7 Rosenbrock, n = 1e3",
            _ => "W7 Rosenbrock, n = 1e5",
        }
    }

    fn inputs(&self) -> Vec<f64> {
        let x = |i: usize| if i.is_multiple_of(2) { -1.2 } else { 1.0 } + 0.001 * (i % 7) as f64;
        (0..self.0).map(x).collect()
    }

    fn operations(&self) -> f64 {
        8.0 * (self.0 - 1) as f64
    }

    fn eval<A: Algebra>(&self, x: &[A], _part: usize) -> A {
        let (one, hundred) = (x[0].lift(1.0), x[0].lift(100.0));
        let mut sum = x[0].lift(0.0);
        for pair in x.windows(2) {
            let t1 = pair[1] - pair[0] * pair[0];
            let t2 = one - pair[0];
            sum = sum + (t1 * t1 * hundred + t2 * t2);
        }
        sum
    }
}

/// The squared error of a 3-10-5-1 network of scalars, one sample at a time: 232 operations.
#[derive(Clone, Debug)]
pub struct ScalarMlp {
    samples: Vec<[f64; 4]>,
}

impl ScalarMlp {
    /// `n` samples of three inputs and a target.
    pub fn new(n: usize) -> ScalarMlp {
        let mut numbers = Numbers::new(2);
        ScalarMlp { samples: (0..n).map(|_| [0; 4].map(|_| numbers.uniform(0.0, 1.0))).collect() }
    }
}

/// `1 / (1 + e⁻ᶻ)` as four operations.
#[inline(always)]
fn logistic<A: Algebra>(z: A) -> A {
    z.lift(1.0) / (z.lift(1.0) + (-z).exp())
}

/// `w · x + b` for one unit, two operations a weight; the weights come first in `p`, row by row. A chain
/// begins with the first product, because the bias is not the scalar recorded last.
#[inline(always)]
fn unit<const FUSED: bool, A: Algebra>(p: &[A], outputs: usize, j: usize, x: &[A]) -> A {
    let (weights, bias) = (&p[j * x.len()..(j + 1) * x.len()], p[outputs * x.len() + j]);
    let terms = weights.iter().zip(x);
    match FUSED {
        true => terms.skip(1).fold(weights[0] * x[0], |z, (&w, &x)| w.mul_add(x, z)) + bias,
        false => terms.fold(bias, |z, (&w, &x)| z + w * x),
    }
}

impl ScalarMlp {
    #[inline(always)]
    fn value<const FUSED: bool, A: Algebra>(&self, p: &[A], part: usize) -> A {
        squared_error::<FUSED, A>(p, self.samples[part].map(|x| p[0].lift(x)))
    }
}

/// The squared error of the network for one sample.
#[inline(always)]
fn squared_error<const FUSED: bool, A: Algebra>(p: &[A], [a, b, c, target]: [A; 4]) -> A {
    let x = [a, b, c];
    let mut h = [p[0]; 10];
    for (j, h) in h.iter_mut().enumerate() {
        *h = logistic(unit::<FUSED, A>(&p[..40], 10, j, &x));
    }
    let mut k = [p[0]; 5];
    for (j, k) in k.iter_mut().enumerate() {
        *k = logistic(unit::<FUSED, A>(&p[40..95], 5, j, &h));
    }
    let e = unit::<FUSED, A>(&p[95..], 1, 0, &k) - target;
    e * e
}

impl Problem for ScalarMlp {
    fn name(&self) -> &'static str {
        "W8 scalar MLP"
    }

    fn inputs(&self) -> Vec<f64> {
        Numbers::new(3).vector(101, -0.5, 0.5)
    }

    fn parts(&self) -> usize {
        self.samples.len()
    }

    fn data(&self) -> Vec<f64> {
        self.samples.concat()
    }

    fn operations(&self) -> f64 {
        232.0
    }

    fn eval<A: Algebra>(&self, p: &[A], part: usize) -> A {
        self.value::<false, A>(p, part)
    }
}

impl Chains for ScalarMlp {
    fn fused_name(&self) -> &'static str {
        "W8 scalar MLP, mul_add"
    }

    fn eval_fused<A: Algebra>(&self, p: &[A], part: usize) -> A {
        self.value::<true, A>(p, part)
    }
}

/// The likelihood of a mixture of Gaussians as in ADBench (Wishart prior with gamma 1 and m 0, constants
/// dropped), in scalar operations: about 3.36 million for d = 10, k = 25, n = 1000.
#[derive(Clone, Debug)]
pub struct Gmm {
    d: usize,
    k: usize,
    points: Vec<Vec<f64>>,
}

impl Gmm {
    /// `n` points in 10 dimensions, 25 components.
    pub fn new(n: usize) -> Gmm {
        let mut numbers = Numbers::new(4);
        Gmm { d: 10, k: 25, points: (0..n).map(|_| numbers.vector(10, -1.0, 1.0)).collect() }
    }
}

impl Gmm {
    /// Dimensions, components and points.
    pub(crate) fn mixture(&self) -> (usize, usize, &[Vec<f64>]) {
        (self.d, self.k, &self.points)
    }
}

/// `ln Σ eˣ`, with the largest element factored out.
fn logsumexp<A: Algebra>(x: &[A]) -> A {
    let max = x.iter().skip(1).fold(x[0], |max, &x| x.if_gt(max, x, max));
    let sum = x.iter().skip(1).fold((x[0] - max).exp(), |sum, &x| sum + (x - max).exp());
    sum.ln() + max
}

/// `Σ x²`.
#[inline(always)]
fn squares<const FUSED: bool, A: Algebra>(x: &[A]) -> A {
    x[1..].iter().fold(x[0] * x[0], |sum, &x| if FUSED { x.mul_add(x, sum) } else { sum + x * x })
}

/// `|Q x|²` for a lower triangular matrix, given by its diagonal and the elements below it row by row.
#[inline(always)]
fn square<A: Algebra>(diagonal: &[A], below: &[A], x: &mut [A]) -> A {
    let mut below = below.iter();
    let mut square = x[0].lift(0.0);
    for i in 0..x.len() {
        let mut row = diagonal[i] * x[i];
        for (&x, &l) in x[..i].iter().zip(below.by_ref()) {
            row = row + l * x;
        }
        square = square + row * row;
    }
    square
}

/// [`square`] with all rows before the sum of their squares, so that no chain is broken. Rows are computed in
/// place, the last one first: a row needs no later element.
#[inline(always)]
fn fused_square<A: Algebra>(diagonal: &[A], below: &[A], x: &mut [A]) -> A {
    let mut end = below.len();
    for i in (0..x.len()).rev() {
        let l = &below[end - i..end];
        x[i] = x[..i].iter().zip(l).fold(diagonal[i] * x[i], |row, (&x, &l)| l.mul_add(x, row));
        end -= i;
    }
    squares::<true, A>(x)
}

/// The parameters of a mixture and what is computed from them once.
struct Mixture<'a, A> {
    alpha: &'a [A],
    mu: &'a [A],
    below: &'a [A],
    scale: Vec<A>,
    offset: Vec<A>,
}

impl<'a, A: Algebra> Mixture<'a, A> {
    #[inline(always)]
    fn new(d: usize, k: usize, x: &'a [A]) -> Mixture<'a, A> {
        let (alpha, rest) = x.split_at(k);
        let (mu, rest) = rest.split_at(k * d);
        let (q, below) = rest.split_at(k * d);
        let sum = |x: &[A]| x[1..].iter().fold(x[0], |sum, &x| sum + x);
        let scale = q.iter().map(|&q| q.exp()).collect();
        let offset = alpha.iter().zip(q.chunks_exact(d)).map(|(&alpha, q)| alpha + sum(q)).collect();
        Mixture { alpha, mu, below, scale, offset }
    }

    /// The logarithm of the density at a point, up to a constant; `terms` and `centred` are working memory.
    #[inline(always)]
    fn point<const FUSED: bool>(&self, point: &[A], terms: &mut [A], centred: &mut [A]) -> A {
        let (d, half) = (point.len(), point[0].lift(0.5));
        let below = d * (d - 1) / 2;
        for (c, term) in terms.iter_mut().enumerate() {
            for (centred, (&x, &mu)) in centred.iter_mut().zip(point.iter().zip(&self.mu[c * d..])) {
                *centred = x - mu;
            }
            let (diagonal, below) = (&self.scale[c * d..][..d], &self.below[c * below..][..below]);
            let square = match FUSED {
                true => fused_square(diagonal, below, centred),
                false => square(diagonal, below, centred),
            };
            *term = self.offset[c] - half * square;
        }
        logsumexp(terms)
    }

    /// The terms of the whole that belong to no point.
    #[inline(always)]
    fn prior<const FUSED: bool>(&self, n: usize) -> A {
        let squares = squares::<FUSED, A>(&self.scale) + squares::<FUSED, A>(self.below);
        let half = squares.lift(0.5);
        half * squares - half.lift(n as f64) * logsumexp(self.alpha)
    }
}

impl Gmm {
    #[inline(always)]
    fn value<const FUSED: bool, A: Algebra>(&self, x: &[A]) -> A {
        let mixture = Mixture::new(self.d, self.k, x);
        let (mut terms, mut centred) = (vec![x[0]; self.k], vec![x[0]; self.d]);
        let mut lifted = vec![x[0]; self.d];
        let mut total = x[0].lift(0.0);
        for point in &self.points {
            lifted.iter_mut().zip(point).for_each(|(lifted, &p)| *lifted = x[0].lift(p));
            total = total + mixture.point::<FUSED>(&lifted, &mut terms, &mut centred);
        }
        total + mixture.prior::<FUSED>(self.points.len())
    }
}

impl Problem for Gmm {
    fn name(&self) -> &'static str {
        "W9 GMM"
    }

    fn inputs(&self) -> Vec<f64> {
        let (d, k) = (self.d, self.k);
        Numbers::new(5).vector(k * (1 + 2 * d + d * (d - 1) / 2), -0.5, 0.5)
    }

    fn data(&self) -> Vec<f64> {
        self.points.concat()
    }

    fn operations(&self) -> f64 {
        3360.0 * self.points.len() as f64
    }

    fn eval<A: Algebra>(&self, x: &[A], _part: usize) -> A {
        self.value::<false, A>(x)
    }
}

impl Chains for Gmm {
    fn fused_name(&self) -> &'static str {
        "W9 GMM, mul_add"
    }

    fn eval_fused<A: Algebra>(&self, x: &[A], _part: usize) -> A {
        self.value::<true, A>(x)
    }
}

/// A problem that is a sum of one function over many points.
pub trait Lanes: Problem {
    /// Its name in the table, in lanes.
    fn lanes_name(&self) -> &'static str;
    /// The function of a point, with the names of the inputs that are differentiated.
    fn program(&self) -> (Program, &'static [&'static str]);
    /// The operands, at the same inputs as [`Problem::inputs`].
    fn operands(&self) -> Vec<Tensor>;
    /// The gradient from those of the operands.
    fn assemble(&self, gradients: Vec<Tensor>) -> Vec<f64>;
}

impl Lanes for Rosenbrock {
    fn lanes_name(&self) -> &'static str {
        match self.0 {
            0..=10_000 => "W7 Rosenbrock, n = 1e3, lanes",
            _ => "W7 Rosenbrock, n = 1e5, lanes",
        }
    }

    fn program(&self) -> (Program, &'static [&'static str]) {
        let term = Program::new(|p| {
            let [x, next] = p.inputs(["x", "next"]);
            let (t1, t2) = (next - x * x, 1.0 - x);
            t1 * t1 * 100.0 + t2 * t2
        });
        (term, &["x", "next"])
    }

    fn operands(&self) -> Vec<Tensor> {
        let x = self.inputs();
        vec![Tensor::from(&x[..x.len() - 1]), Tensor::from(&x[1..])]
    }

    fn assemble(&self, gradients: Vec<Tensor>) -> Vec<f64> {
        let mut sum = vec![0.0; self.0];
        for (k, gradient) in gradients.iter().enumerate() {
            sum[k..].iter_mut().zip(gradient.as_slice().unwrap_or_default()).for_each(|(sum, g)| *sum += g);
        }
        sum
    }
}

impl Lanes for ScalarMlp {
    fn lanes_name(&self) -> &'static str {
        "W8 scalar MLP, lanes"
    }

    fn program(&self) -> (Program, &'static [&'static str]) {
        let error = Program::new(|p| {
            let (weights, sample) = (p.group("p", 101), p.inputs(["a", "b", "c", "target"]));
            squared_error::<false, _>(&weights, sample)
        });
        (error, &["p"])
    }

    fn operands(&self) -> Vec<Tensor> {
        let column = |k: usize| Tensor::from(self.samples.iter().map(|s| s[k]).collect::<Vec<f64>>());
        [Tensor::from(self.inputs())].into_iter().chain((0..4).map(column)).collect()
    }

    fn assemble(&self, gradients: Vec<Tensor>) -> Vec<f64> {
        gradients[0].to_vec()
    }
}

impl Lanes for Gmm {
    fn lanes_name(&self) -> &'static str {
        "W9 GMM, lanes"
    }

    fn program(&self) -> (Program, &'static [&'static str]) {
        let (d, k) = (self.d, self.k);
        let density = Program::new(|p| {
            let (x, point) = (p.group("x", self.inputs().len()), p.group("point", d));
            let (mut terms, mut centred) = (vec![x[0]; k], vec![x[0]; d]);
            Mixture::new(d, k, &x).point::<false>(&point, &mut terms, &mut centred)
        });
        (density, &["x"])
    }

    fn operands(&self) -> Vec<Tensor> {
        let points = Tensor::from_vec([self.points.len(), self.d], self.points.concat());
        vec![Tensor::from(self.inputs()), points.expect("a row for each point")]
    }

    fn assemble(&self, gradients: Vec<Tensor>) -> Vec<f64> {
        let prior = Program::new(|p| {
            Mixture::new(self.d, self.k, &p.group("x", self.inputs().len())).prior::<false>(self.points.len())
        });
        let prior = prior.gradient().call(&self.inputs());
        gradients[0].to_vec().iter().zip(prior).map(|(a, b)| a + b).collect()
    }
}
