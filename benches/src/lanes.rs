//! Fused passes over slices, compiled for several instruction sets as the engine's kernels are.

use pulp::{Arch, NullaryFnOnce};
use tape::element::Real;

/// The activation functions of the workloads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// The identity.
    Linear,
    /// `max(x, 0)`.
    Relu,
    /// `1 / (1 + e⁻ˣ)`.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
}

impl Activation {
    #[inline(always)]
    fn value(self, z: f32) -> f32 {
        match self {
            Activation::Linear => z,
            Activation::Relu => z.max(0.0),
            Activation::Sigmoid => Real::sigmoid(z),
            Activation::Tanh => Real::tanh(z),
        }
    }

    /// The derivative in terms of the value, as in textbooks.
    #[inline(always)]
    fn slope(self, y: f32) -> f32 {
        match self {
            Activation::Linear => 1.0,
            Activation::Relu => f32::from(y > 0.0),
            Activation::Sigmoid => y * (1.0 - y),
            Activation::Tanh => 1.0 - y * y,
        }
    }
}

/// Narrower rows leave vector units idle: then a pass is split into one over rows and one over everything.
const NARROW: usize = 128;

/// Sums of the columns of `rows`; narrow rows are added several side by side.
#[inline(always)]
fn column_sums(rows: &[f32], sums: &mut [f32]) {
    let n = sums.len();
    let abreast = 1 << (NARROW / n).ilog2();
    let mut lanes = [0.0; NARROW];
    let lanes = &mut lanes[..abreast * n];
    let groups = rows.chunks_exact(abreast * n);
    let rest = groups.remainder();
    for group in groups {
        lanes.iter_mut().zip(group).for_each(|(sum, &x)| *sum += x);
    }
    sums.fill(0.0);
    for row in lanes.chunks_exact(n).chain(rest.chunks_exact(n)) {
        sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += x);
    }
}

struct Pass<F>(F);

impl<F: FnOnce()> NullaryFnOnce for Pass<F> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        (self.0)();
    }
}

/// Runs a loop compiled for the current processor.
#[inline(always)]
pub(crate) fn fast(pass: impl FnOnce()) {
    Arch::new().dispatch(Pass(pass));
}

/// `z = act(z + b)` row by row.
pub(crate) fn bias_and_activation(z: &mut [f32], b: &[f32], act: Activation) {
    // One copy of the loop for each activation: the match is outside.
    match act {
        Activation::Linear => activate(z, b, |z| z),
        Activation::Relu => activate(z, b, |z| Activation::Relu.value(z)),
        Activation::Sigmoid => activate(z, b, |z| Activation::Sigmoid.value(z)),
        Activation::Tanh => activate(z, b, |z| Activation::Tanh.value(z)),
    }
}

#[inline(always)]
fn activate(z: &mut [f32], b: &[f32], act: impl Fn(f32) -> f32) {
    fast(
        #[inline(always)]
        || {
            if b.len() < NARROW {
                // The same vector of biases for several rows side by side.
                let abreast = NARROW / b.len();
                let mut biases = [0.0; NARROW];
                biases.chunks_exact_mut(b.len()).for_each(|row| row.copy_from_slice(b));
                for rows in z.chunks_mut(abreast * b.len()) {
                    rows.iter_mut().zip(&biases).for_each(|(z, &b)| *z = act(*z + b));
                }
            } else {
                for row in z.chunks_exact_mut(b.len()) {
                    row.iter_mut().zip(b).for_each(|(z, &b)| *z = act(*z + b));
                }
            }
        },
    );
}

/// `d = d · act'(y)` and `gb` = its column sums.
pub(crate) fn slope_and_bias_gradient(d: &mut [f32], y: &[f32], gb: &mut [f32], act: Activation) {
    match act {
        Activation::Linear => pull(d, y, gb, |d, _| d),
        Activation::Relu => pull(d, y, gb, |d, y| d * Activation::Relu.slope(y)),
        Activation::Sigmoid => pull(d, y, gb, |d, y| d * Activation::Sigmoid.slope(y)),
        Activation::Tanh => pull(d, y, gb, |d, y| d * Activation::Tanh.slope(y)),
    }
}

#[inline(always)]
fn pull(d: &mut [f32], y: &[f32], gb: &mut [f32], slope: impl Fn(f32, f32) -> f32) {
    fast(
        #[inline(always)]
        || {
            let n = gb.len();
            if n < NARROW {
                d.iter_mut().zip(y).for_each(|(d, &y)| *d = slope(*d, y));
                column_sums(d, gb);
            } else {
                gb.fill(0.0);
                for (row, y) in d.chunks_exact_mut(n).zip(y.chunks_exact(n)) {
                    for ((d, &y), sum) in row.iter_mut().zip(y).zip(gb.iter_mut()) {
                        *d = slope(*d, y);
                        *sum += *d;
                    }
                }
            }
        },
    );
}

/// `d = factor · (o - y)`.
pub(crate) fn residual(d: &mut [f32], o: &[f32], y: &[f32], factor: f32) {
    fast(
        #[inline(always)]
        || {
            for ((d, &o), &y) in d.iter_mut().zip(o).zip(y) {
                *d = factor * (o - y);
            }
        },
    );
}

/// `d = (softmax(z) - y) / batch`, row by row; `y` has a 1 at the label.
pub(crate) fn softmax_residual(d: &mut [f32], z: &[f32], y: &[f32], classes: usize, batch: usize) {
    let share = 1.0 / batch as f32;
    fast(
        #[inline(always)]
        || {
            for ((d, z), _) in d.chunks_exact_mut(classes).zip(z.chunks_exact(classes)).zip(0..) {
                let max = z.iter().fold(f32::NEG_INFINITY, |max, &z| max.max(z));
                d.iter_mut().zip(z).for_each(|(d, &z)| *d = z - max);
            }
            d.iter_mut().for_each(|d| *d = Real::exp(*d));
            for (d, y) in d.chunks_exact_mut(classes).zip(y.chunks_exact(classes)) {
                let scale = share / d.iter().sum::<f32>();
                d.iter_mut().zip(y).for_each(|(d, &y)| *d = *d * scale - y * share);
            }
        },
    );
}

/// `p -= rate · g`.
pub(crate) fn sgd(p: &mut [f32], g: &[f32], rate: f32) {
    fast(
        #[inline(always)]
        || p.iter_mut().zip(g).for_each(|(p, &g)| *p -= rate * g),
    );
}

/// `v = momentum · v + g`, `p -= rate · v`.
pub(crate) fn momentum(p: &mut [f32], g: &[f32], v: &mut [f32], momentum: f32, rate: f32) {
    fast(
        #[inline(always)]
        || {
            for ((p, &g), v) in p.iter_mut().zip(g).zip(v) {
                *v = momentum * *v + g;
                *p -= rate * *v;
            }
        },
    );
}

/// One step of Adam (0.9, 0.999, 1e-8), the `t`-th, with bias correction.
pub(crate) fn adam(p: &mut [f32], g: &[f32], [m, v]: [&mut [f32]; 2], rate: f32, t: i32) {
    let (beta1, beta2, epsilon) = (0.9f32, 0.999f32, 1e-8f32);
    let step = rate / (1.0 - beta1.powi(t));
    let root = 1.0 / (1.0 - beta2.powi(t)).sqrt();
    fast(
        #[inline(always)]
        || {
            for (((p, &g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
                *m = beta1 * *m + (1.0 - beta1) * g;
                *v = beta2 * *v + (1.0 - beta2) * g * g;
                *p -= step * *m / (v.sqrt() * root + epsilon);
            }
        },
    );
}
