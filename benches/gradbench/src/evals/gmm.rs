//! `gmm`: the logarithm of the posterior density of a mixture of Gaussians, up to a constant factor.
//!
//! Component `c` has a lower triangular matrix `Q_c`, with `exp(q_c)` on the diagonal and `l_c` below it, column after
//! column. With `b_ic = α_c + Σⱼ q_cj - ½ |Q_c (xᵢ - μ_c)|²` and `w = d + m + 1` the function is
//!
//! `- n d/2 ln 2π + Σᵢ lse_c b_ic - n lse α + k (w d (ln γ - ½ ln 2) - lnΓ_d(w/2))
//!  - Σ_c [γ²/2 (Σⱼ exp(2 q_cj) + Σ l_c²) - m Σⱼ q_cj]`.

use crate::evals::rows;
use crate::input;
use crate::request::{Request, Tool};
use serde_json::{Value, json};
use std::f64::consts::{LN_2, PI};
use tape::ops::Square;
use tape::{Array, Axes, Elementwise, Index, ParamId, Replay, Scalar, Tape, Tensor, TensorOps};

/// The data and the parameters.
#[derive(Clone, Debug)]
pub struct Problem {
    /// `[n, d]`
    points: Tensor,
    /// `α [k]`, `μ [k, d]`, `q [k, d]`, `l [k, d (d - 1) / 2]`.
    pub parameters: [Tensor; 4],
    gamma: f64,
    m: usize,
    /// For each entry of a matrix, row after row, its position in a row of `l` and a zero behind it.
    below: Index,
}

/// The logarithm of the multivariate gamma function.
fn log_gamma(d: usize, a: f64) -> f64 {
    let terms = (1..=d).map(|j| Elementwise::lgamma(a + 0.5 * (1.0 - j as f64)));
    0.25 * (d * (d - 1)) as f64 * PI.ln() + terms.sum::<f64>()
}

impl Problem {
    /// The arguments of a request.
    ///
    /// # Errors
    /// If they are wrong.
    pub fn read(input: &Value) -> Result<Problem, String> {
        let [d, k, n] = ["d", "k", "n"].map(|name| input::positive(input, name));
        let (d, k, n, m) = (d?, k?, n?, input::count(input, "m")?);
        let below = d * (d - 1) / 2;
        let matrix = |name: &str, rows: usize, columns: usize| {
            let (elements, shape) = input::matrix(input, name, Some(rows), Some(columns))?;
            Tensor::from_vec(shape, elements).map_err(|error| error.to_string())
        };
        // The first row of column `j` below the diagonal is at `j d - j (j + 1) / 2`.
        let position = |row: usize, column: usize| {
            if row > column { column * d - column * (column + 1) / 2 + row - column - 1 } else { below }
        };
        let positions: Vec<usize> = (0..d * d).map(|at| position(at / d, at % d)).collect();
        Ok(Problem {
            points: matrix("x", n, d)?,
            parameters: [
                Tensor::from(input::vector_of(input, "alpha", k)?),
                matrix("mu", k, d)?,
                matrix("q", k, d)?,
                matrix("l", k, below)?,
            ],
            gamma: input::number(input, "gamma")?,
            m,
            below: positions.into(),
        })
    }

    /// The function of the parameters.
    pub fn objective<A: Array<f64>>(&self, [alpha, mu, q, l]: &[A; 4]) -> A {
        let (n, d, k) = (self.points.shape()[0], self.points.shape()[1], alpha.shape()[0]);
        let number = |x: f64| alpha.lift(x);
        let scale = q.clone().exp();
        let zero = alpha.constant(Tensor::zeros([k, 1]));
        let below = A::apply(tape::ops::Concat { axis: 1 }, &[l, &zero]).index_select(1, &self.below);
        let identity = alpha.constant(Tensor::eye(d));
        let factor = below.reshape([k, d, d]) + scale.reshape([k, d, 1]) * identity;
        // Q (x - μ) of all points and components: one affine map of the points.
        let centre = factor.matmul(&mu.reshape([k, d, 1])).reshape([k * d]);
        let points = alpha.constant(self.points.clone());
        let residual = points.linear(&factor.reshape([k * d, d]), &-centre).reshape([n, k, d]);
        let log_determinant = q.sum_axes(1, false);
        let b = alpha.clone() + log_determinant.clone() - residual.sum_map(Square, -1, false) * number(0.5);
        let likelihood = log_sum_exp(&b).sum_axes(Axes::all(), false) - log_sum_exp(alpha) * number(n as f64);
        let squares = scale.sum_map(Square, Axes::all(), false) + l.sum_map(Square, Axes::all(), false);
        let prior = squares * number(0.5 * self.gamma * self.gamma)
            - log_determinant.sum_axes(Axes::all(), false) * number(self.m as f64);
        likelihood - prior + number(self.constant(n, d, k))
    }

    /// The terms without parameters.
    fn constant(&self, n: usize, d: usize, k: usize) -> f64 {
        let w = (d + self.m + 1) as f64;
        let normalization = w * d as f64 * (self.gamma.ln() - 0.5 * LN_2) - log_gamma(d, 0.5 * w);
        k as f64 * normalization - 0.5 * (n * d) as f64 * (2.0 * PI).ln()
    }

    /// The value.
    pub fn primal(&self) -> f64 {
        self.objective(&self.parameters).item()
    }

    /// Records the function on a tape with these parameters.
    pub fn record<'t>(&self, parameters: &[tape::Var<'t>; 4]) -> Scalar<'t> {
        self.objective(parameters).item()
    }

    /// The gradient, recorded anew.
    pub fn gradient(&self, tape: &mut Tape) -> [Tensor; 4] {
        tape.reset();
        let parameters = self.parameters.each_ref().map(|x| tape.var(x.clone()));
        self.record(&parameters).backward().wrt(parameters)
    }

    /// The gradient, from one recording.
    ///
    /// # Errors
    /// If the function cannot be replayed.
    pub fn replayed_gradient(&self) -> Result<impl FnMut() -> [Tensor; 4], String> {
        let ids = [(); 4].map(|()| ParamId::new());
        let given: Vec<(ParamId, &Tensor)> = ids.into_iter().zip(&self.parameters).collect();
        let mut replay = Replay::new([], |tape, []| {
            self.record(&std::array::from_fn(|k| tape.parameter(given[k].0, given[k].1)))
        })
        .map_err(|error| error.to_string())?;
        let parameters = self.parameters.clone();
        Ok(move || {
            for (id, value) in ids.iter().zip(&parameters) {
                replay.bind(*id, value).unwrap_or_else(|error| panic!("{error}"));
            }
            let (_, gradients) = replay.value_and_gradient(&[]).unwrap_or_else(|error| panic!("{error}"));
            ids.map(|id| gradients.of(id))
        })
    }
}

/// `lse` of the last axis.
fn log_sum_exp<A: Array<f64>>(x: &A) -> A {
    x.logsumexp_axes(-1, false)
}

/// A gradient, laid out like the input.
fn output([alpha, mu, q, l]: [Tensor; 4]) -> Value {
    let matrix = |x: &Tensor| match x.shape()[1] {
        0 => vec![Value::Array(Vec::new()); x.shape()[0]].into(),
        columns => rows(&x.to_vec(), columns),
    };
    json!({"alpha": alpha.to_vec(), "mu": matrix(&mu), "q": matrix(&q), "l": matrix(&l)})
}

/// The functions `objective` and `jacobian`.
///
/// # Errors
/// If the input is wrong, or the function another one.
pub fn evaluate(request: &Request) -> Result<Value, String> {
    let problem = Problem::read(request.input)?;
    let mut tape = Tape::new();
    match (request.function, request.tool) {
        ("objective", _) => Ok(request.measure(|| problem.primal()).into()),
        ("jacobian", Tool::Tape) => Ok(output(request.measure(|| problem.gradient(&mut tape)))),
        ("jacobian", Tool::Program) => Ok(output(request.measure(problem.replayed_gradient()?))),
        _ => Err(request.unknown("gmm", &["objective", "jacobian"])),
    }
}
