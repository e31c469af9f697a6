//! The delta recursion of backpropagation on lists of numbers, equation by equation, with a bound on rounding; no
//! tensors, no tape.
//!
//! With `z_l = W_l a_{l-1} + b_l` and `a_l = s(z_l)`, or `a_{l-1} + s(z_l)` with a skip connection:
//!
//! ```text
//! δ_l = ∂C/∂a_l · s'(z_l)          ∂C/∂W_l = Σ δ_l a_{l-1}ᵀ     (over the samples, and over layers that share W)
//! ∂C/∂a_{l-1} = W_lᵀ δ_l (+ ∂C/∂a_l)    ∂C/∂b_l = Σ δ_l
//! ```

mod activation;
mod bounded;

use activation::{activate, slope};
pub use bounded::Bounded;
use gradcheck::strategies::{Activation, LayerSpec, MlpLoss, MlpSpec};
use tape::Tensor;

/// A list of rows.
pub type Rows = Vec<Vec<Bounded>>;

/// A network with its data, as lists of numbers.
#[derive(Clone, Debug)]
pub struct Network {
    spec: MlpSpec,
    /// The weights of each layer, `[outputs][inputs]`; a tied layer uses those of its owner.
    pub weights: Vec<Rows>,
    /// The biases of each layer.
    pub biases: Vec<Option<Vec<Bounded>>>,
    x: Rows,
    y: Rows,
}

/// The results of the recursion.
#[derive(Clone, Debug)]
pub struct Backward {
    /// The loss.
    pub loss: Bounded,
    /// Its gradient in the weights of each layer that owns some.
    pub weights: Vec<Rows>,
    /// Its gradient in the biases.
    pub biases: Vec<Option<Vec<Bounded>>>,
    /// Its gradient in the data.
    pub input: Rows,
    /// Returns `true` if an argument of a `relu` is so close to 0 that another order of summation may find the other side.
    pub undecided: bool,
}

fn rows(x: &Tensor) -> Rows {
    x.to_vec().chunks(x.shape()[1]).map(|row| row.iter().map(|&x| Bounded::exact(x)).collect()).collect()
}

fn zeros(like: &Rows) -> Rows {
    like.iter().map(|row| vec![Bounded::exact(0.0); row.len()]).collect()
}

/// The sums of weights and activations of one layer, and its outputs.
struct Layer {
    a: Rows,
    z: Rows,
}

impl Network {
    /// The network that a specification describes.
    pub fn new(spec: &MlpSpec) -> Network {
        let layers = 0..spec.layers.len();
        let bias = |k: usize| spec.bias(k).map(|b| b.to_vec().into_iter().map(Bounded::exact).collect());
        Network {
            weights: layers.clone().map(|k| rows(&spec.weight(k))).collect(),
            biases: layers.map(bias).collect(),
            x: rows(&spec.input()),
            y: rows(&spec.target()),
            spec: spec.clone(),
        }
    }

    fn sums(&self, k: usize, a: &Rows) -> Rows {
        let owner = self.spec.owner(k);
        let one = |a: &Vec<Bounded>| {
            let outputs = self.weights[owner].iter().enumerate();
            let sum = |(o, w): (usize, &Vec<Bounded>)| {
                let bias = self.biases[owner].as_ref().map(|b| b[o]);
                Bounded::sum(w.iter().zip(a).map(|(&w, &a)| w * a).chain(bias))
            };
            outputs.map(sum).collect()
        };
        a.iter().map(one).collect()
    }

    fn layer(&self, k: usize, input: &Rows) -> Layer {
        let LayerSpec { activation, .. } = self.spec.layers[k];
        let z = self.sums(k, input);
        let mut a: Rows = z.iter().map(|z| z.iter().map(|&z| activate(activation, z)).collect()).collect();
        if self.spec.skips(k) {
            a.iter_mut().flatten().zip(input.iter().flatten()).for_each(|(a, &x)| *a = *a + x);
        }
        Layer { a, z }
    }

    fn forward(&self) -> Vec<Layer> {
        let mut layers: Vec<Layer> = Vec::new();
        for k in 0..self.spec.layers.len() {
            let next = self.layer(k, layers.last().map_or(&self.x, |layer| &layer.a));
            layers.push(next);
        }
        layers
    }

    /// The loss.
    pub fn loss(&self) -> f64 {
        let layers = self.forward();
        self.compare(&layers[layers.len() - 1].a).0.value
    }

    /// The loss and `∂C/∂a` of the outputs.
    fn compare(&self, a: &Rows) -> (Bounded, Rows) {
        let (mut losses, mut slopes) = (Vec::new(), Vec::new());
        for (a, y) in a.iter().zip(&self.y) {
            let (loss, slope) = sample(self.spec.loss, a, y, self.spec.batch as f64);
            losses.extend(loss);
            slopes.push(slope);
        }
        (Bounded::sum(losses), slopes)
    }

    /// The loss and all its gradients.
    pub fn backward(&self) -> Backward {
        let layers = self.forward();
        let (loss, mut da) = self.compare(&layers[layers.len() - 1].a);
        let mut weights: Vec<Vec<Rows>> = vec![Vec::new(); layers.len()];
        let mut biases: Vec<Vec<Rows>> = vec![Vec::new(); layers.len()];
        let mut undecided = false;
        for k in (0..layers.len()).rev() {
            let s = self.spec.layers[k].activation;
            let z = &layers[k].z;
            undecided |= s == Activation::Relu && z.iter().flatten().any(|z| z.is_near_zero());
            let delta: Rows = da.iter().zip(z).map(|(da, z)| hadamard(da, s, z)).collect();
            let input = k.checked_sub(1).map_or(&self.x, |before| &layers[before].a);
            let owner = self.spec.owner(k);
            for (delta, a) in delta.iter().zip(input) {
                weights[owner].push(delta.iter().map(|&d| a.iter().map(|&a| d * a).collect()).collect());
                biases[owner].push(vec![delta.clone()]);
            }
            let skipped = self.spec.skips(k).then_some(&da);
            da = delta
                .iter()
                .enumerate()
                .map(|(n, d)| self.back(owner, d, skipped.map(|da| &da[n])))
                .collect();
        }
        let bias = |(k, terms): (usize, &Vec<Rows>)| {
            self.biases[k].as_ref().map(|b| total(&vec![b.clone()], terms).concat())
        };
        Backward {
            loss,
            weights: weights.iter().enumerate().map(|(k, terms)| total(&self.weights[k], terms)).collect(),
            biases: biases.iter().enumerate().map(bias).collect(),
            input: da,
            undecided,
        }
    }

    /// `Wᵀ δ`, plus what came past the layer.
    fn back(&self, owner: usize, delta: &[Bounded], past: Option<&Vec<Bounded>>) -> Vec<Bounded> {
        let column = |i: usize| {
            let through = self.weights[owner].iter().zip(delta).map(move |(w, &d)| w[i] * d);
            Bounded::sum(through.chain(past.map(|da| da[i])))
        };
        (0..self.weights[owner][0].len()).map(column).collect()
    }
}

/// `∂C/∂a · s'(z)`.
fn hadamard(da: &[Bounded], s: Activation, z: &[Bounded]) -> Vec<Bounded> {
    da.iter().zip(z).map(|(&da, &z)| da * slope(s, z)).collect()
}

/// The sums of what samples and layers add to a gradient of the shape of `like`.
fn total(like: &Rows, terms: &[Rows]) -> Rows {
    let mut out = zeros(like);
    for (i, row) in out.iter_mut().enumerate() {
        for (j, x) in row.iter_mut().enumerate() {
            *x = Bounded::sum(terms.iter().map(|term| term[i][j]));
        }
    }
    out
}

/// The terms of the loss of one sample and its slopes.
fn sample(loss: MlpLoss, a: &[Bounded], y: &[Bounded], batch: f64) -> (Vec<Bounded>, Vec<Bounded>) {
    let per = |count: f64| move |x: Bounded| x * Bounded { value: 1.0 / count, error: 1.0 / count };
    let distances = || a.iter().zip(y).map(|(&a, &y)| a - y);
    match loss {
        MlpLoss::HalfSse => {
            let half = Bounded::exact(0.5);
            (distances().map(|d| half * d * d).collect(), distances().collect())
        }
        MlpLoss::Mse => {
            let mean = per(batch * a.len() as f64);
            let two = Bounded::exact(2.0);
            (distances().map(|d| mean(d * d)).collect(), distances().map(|d| mean(two * d)).collect())
        }
        MlpLoss::BceWithLogits => {
            let softplus = |a: Bounded| activate(Activation::Softplus, a);
            let sigmoid = |a: Bounded| activate(Activation::Sigmoid, a);
            let terms = a.iter().zip(y).map(|(&a, &y)| per(batch)(softplus(a) - y * a));
            (terms.collect(), a.iter().zip(y).map(|(&a, &y)| per(batch)(sigmoid(a) - y)).collect())
        }
        MlpLoss::SoftmaxCrossEntropy => {
            let p = softmax(a);
            let terms = y.iter().zip(&p).map(|(&y, p)| per(batch)(-(y * p.1)));
            (terms.collect(), y.iter().zip(&p).map(|(&y, p)| per(batch)(p.0 - y)).collect())
        }
    }
}

/// The probabilities and their logarithms.
fn softmax(a: &[Bounded]) -> Vec<(Bounded, Bounded)> {
    let largest = a.iter().fold(f64::NEG_INFINITY, |max, a| max.max(a.value));
    let moved = a.iter().fold(0.0_f64, |max, a| max.max(a.error));
    let sum: f64 = a.iter().map(|a| (a.value - largest).exp()).sum();
    let one = |a: &Bounded| {
        let ln = a.value - largest - sum.ln();
        let p = ln.exp();
        // Sums of positive terms, an exponential and a logarithm: a few roundings for each class, and those of `ln`.
        let own = 8.0 + a.value.abs() + largest.abs() + ln.abs();
        let steps = moved * 2.0 + own * 2.0 + 4.0;
        (Bounded { value: p, error: p * steps }, Bounded { value: ln, error: steps })
    };
    a.iter().map(one).collect()
}
