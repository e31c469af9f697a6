//! `llsq`: least squares. A polynomial with coefficients `x` is to be the sign function at `n` points of [-1, 1]:
//!
//! `y = ½ Σᵢ (sᵢ - Σⱼ xⱼ tᵢʲ)²` with `tᵢ = -1 + 2 i / (n - 1)` and `sᵢ = sign(tᵢ)`.

use crate::input;
use crate::request::{Request, Tool};
use serde_json::Value;
use tape::{Algebra, Elementwise, Program, Tape, Tensor};

/// Half the squared error of the polynomial with coefficients `x` at the point `t`, where it is to be `s`.
pub fn error<A: Algebra>(x: &[A], t: A, s: A) -> A {
    let (mut sum, mut power) = (t.lift(0.0), t.lift(1.0));
    for &x in x {
        sum = x.mul_add(power, sum);
        power = power * t;
    }
    (s - sum).square() * s.lift(0.5)
}

/// The coefficients and the points.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The coefficients.
    pub x: Vec<f64>,
    t: Vec<f64>,
    s: Vec<f64>,
}

impl Problem {
    /// `n` points, at least 2.
    pub fn new(x: Vec<f64>, n: usize) -> Problem {
        let t: Vec<f64> = (0..n).map(|i| -1.0 + 2.0 * i as f64 / (n as f64 - 1.0)).collect();
        let s = t.iter().map(|&t| if t == 0.0 { 0.0 } else { f64::signum(t) }).collect();
        Problem { x, t, s }
    }

    /// The arguments of a request.
    ///
    /// # Errors
    /// If they are wrong.
    pub fn read(input: &Value) -> Result<Problem, String> {
        let (x, n) = (input::vector(input, "x")?, input::count(input, "n")?);
        match (x.len(), n) {
            (0, _) => Err("`x`: expected at least one number, found none".to_string()),
            (_, 0 | 1) => Err(format!("`n`: expected at least 2 points, found {n}")),
            _ => Ok(Problem::new(x, n)),
        }
    }

    /// The sum of the errors of all points for the coefficients `x`.
    pub fn error<A: Algebra>(&self, x: &[A]) -> A {
        let number = |c: f64| x[0].lift(c);
        let terms = self.t.iter().zip(&self.s).map(|(&t, &s)| error(x, number(t), number(s)));
        terms.fold(number(0.0), |sum, term| sum + term)
    }

    /// The gradient, from a recording of all terms.
    pub fn gradient(&self, tape: &mut Tape) -> Vec<f64> {
        tape.reset();
        let x: Vec<_> = self.x.iter().map(|&x| tape.scalar(x)).collect();
        self.error(&x).backward().wrt(x)
    }

    /// The gradient, from a recording of one term that runs at all points.
    pub fn gradient_in_lanes(&self) -> impl FnMut() -> Vec<f64> {
        let term = Program::new(|p| error(&p.group("x", self.x.len()), p.input("t"), p.input("s")));
        let operands = [&self.x, &self.t, &self.s].map(|x| Tensor::from(&x[..]));
        move || term.wrt(&["x"]).sum_lanes(&operands.each_ref()).1[0].to_vec()
    }
}

/// The functions `primal` and `gradient`.
///
/// # Errors
/// If the input is wrong, or the function another one.
pub fn evaluate(request: &Request) -> Result<Value, String> {
    let problem = Problem::read(request.input)?;
    let mut tape = Tape::new();
    match (request.function, request.tool) {
        ("primal", _) => Ok(request.measure(|| problem.error(&problem.x)).into()),
        ("gradient", Tool::Tape) => Ok(request.measure(|| problem.gradient(&mut tape)).into()),
        ("gradient", Tool::Program) => Ok(request.measure(problem.gradient_in_lanes()).into()),
        _ => Err(request.unknown("llsq", &["primal", "gradient"])),
    }
}
