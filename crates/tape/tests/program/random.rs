//! Random functions of scalars, which record themselves wherever they are evaluated.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tape::Scalar;

/// A step: an operation and the positions of its operands among the inputs and the steps before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    op: usize,
    operands: [usize; 4],
    constant: f64,
}

/// The number of operations; the last one decides.
const OPS: usize = 19;

/// A random function of `inputs` scalars.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) inputs: usize,
    steps: Vec<Step>,
}

impl Function {
    /// A function of this many steps. With `decides` it chooses between values by comparing others.
    pub(crate) fn new(seed: u64, steps: usize, decides: bool) -> Function {
        let mut rng = StdRng::seed_from_u64(seed);
        let inputs = rng.random_range(1..=4);
        let ops = if decides { OPS } else { OPS - 1 };
        let step = |k: usize| {
            // Mostly recent values, so that the function is deep.
            let mut operand = || {
                let from = if rng.random_bool(0.7) { (inputs + k).saturating_sub(5) } else { 0 };
                rng.random_range(from..inputs + k)
            };
            let operands = [operand(), operand(), operand(), operand()];
            Step { op: rng.random_range(0..ops), operands, constant: rng.random_range(-2.0..2.0) }
        };
        Function { inputs, steps: (0..steps).map(step).collect() }
    }

    /// Records the function.
    pub(crate) fn apply<'t>(&self, x: &[Scalar<'t>]) -> Scalar<'t> {
        let mut values = x.to_vec();
        for step in &self.steps {
            let [a, b, c, d] = step.operands.map(|at| values[at]);
            values.push(match step.op {
                0 => a + b,
                1 => a - b,
                2 => a * b,
                3 => a / (b * b + 1.0),
                4 => -a,
                5 => a.sin(),
                6 => a.tanh(),
                7 => (a * 0.25).exp(),
                8 => a.sigmoid(),
                9 => (a * a + 1.0).ln(),
                10 => a * step.constant + b,
                11 => a.mul_add(b, c),
                12 => a.maximum(b),
                13 => a.abs(),
                14 => a.relu() + step.constant,
                15 => a.powi(3),
                16 => a.atan2(b),
                17 => step.constant - a * a,
                _ => a.if_gt(b, c, d),
            });
        }
        values[values.len() - 1]
    }

    /// Points at which to evaluate the function, some of them special.
    pub(crate) fn points(&self, seed: u64, lanes: usize) -> Vec<Vec<f64>> {
        let mut rng = StdRng::seed_from_u64(seed);
        let special = [0.0, -0.0, 1.0, -1.0, 1e-300, 1e100];
        let mut number = || match rng.random_bool(0.1) {
            true => special[rng.random_range(0..special.len())],
            false => rng.random_range(-2.0..2.0),
        };
        (0..self.inputs).map(|_| (0..lanes).map(|_| number()).collect()).collect()
    }
}
