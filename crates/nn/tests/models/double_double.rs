//! A network and its optimizer in numbers of 32 digits: both are generic, so nothing else is needed.

use gradcheck::DoubleDouble;
use nn::optim::{Adam, Optimizer};
use nn::{Context, Linear, Module, Parameters};
use tape::element::Real;
use tape::{Element, Tape, Tensor};

#[derive(Parameters)]
struct Network<T: Element> {
    hidden: Linear<T>,
    output: Linear<T>,
}

const RATE: f64 = 0.125;

/// Numbers between -1 and 1, the same in every type.
fn spread<T: Element>(rows: usize, cols: usize) -> Tensor<T> {
    Tensor::<f64>::from_fn([rows, cols], |i| ((i[0] * 31 + i[1] * 17) % 23) as f64 / 11.5 - 1.0).cast()
}

impl<T: Element> Network<T> {
    fn new() -> Network<T> {
        let layer = |rows: usize, cols: usize| {
            Linear::from_values(spread(rows, cols), spread(1, rows).reshape([rows]))
        };
        Network { hidden: layer(50, 60), output: layer(5, 50) }
    }

    fn values(&self) -> Vec<Tensor<T>> {
        let layers = [&self.hidden, &self.output];
        layers.iter().map(|layer| layer.weight.value().clone()).collect()
    }

    /// A step of the optimizer; returns the gradients of the weights.
    fn step(&mut self, optimizer: &mut Adam<T>) -> Vec<Tensor<T>> {
        let tape = Tape::<T>::of();
        let x = tape.constant(spread::<T>(40, 60));
        let labels: Vec<usize> = (0..40).map(|i| i * 3 % 5).collect();
        let hidden = self.hidden.forward(x, &mut Context::eval()).tanh();
        let scores = self.output.forward(hidden, &mut Context::eval());
        let grads = nn::loss::cross_entropy_with_logits(scores, &labels).mean().backward();
        let weights = [&self.hidden, &self.output].map(|layer| grads.wrt(layer.weight.on(&tape)));
        optimizer.step(self, &grads);
        weights.to_vec()
    }
}

fn distance(x: &[Tensor<DoubleDouble>], y: &[Tensor<DoubleDouble>]) -> f64 {
    let entries = |x: &[Tensor<DoubleDouble>]| x.iter().flat_map(Tensor::to_vec).collect::<Vec<_>>();
    entries(x).into_iter().zip(entries(y)).fold(0.0, |most, (x, y)| f64::max(most, (x - y).hi().abs()))
}

#[test]
fn a_network_trains_in_double_double() {
    let mut exact = Network::<DoubleDouble>::new();
    let mut found = Network::<f64>::new();
    let (mut adam, mut adam_in_f64) = (Adam::new(RATE), Adam::new(RATE));
    let before = exact.values();
    let gradients = exact.step(&mut adam);
    let rounded: Vec<Tensor<DoubleDouble>> = found.step(&mut adam_in_f64).iter().map(Tensor::cast).collect();
    let error = distance(&gradients, &rounded);
    assert!(0.0 < error && error < 1e-14, "the gradient in f64 is off by {error:e}");

    // The first step is the gradient over its size, but for ε.
    let step = |g: DoubleDouble| DoubleDouble::from(RATE) * g / (g.abs() + DoubleDouble::from(1e-8));
    let expected: Vec<_> = before.iter().zip(&gradients).map(|(w, g)| w - &g.map_elements(step)).collect();
    let error = distance(&exact.values(), &expected);
    assert!(error < RATE * 1e-30, "the first step is off by {error:e}");

    for _ in 0..3 {
        exact.step(&mut adam);
        found.step(&mut adam_in_f64);
    }
    let rounded: Vec<Tensor<DoubleDouble>> = found.values().iter().map(Tensor::cast).collect();
    let error = distance(&exact.values(), &rounded);
    assert!(0.0 < error && error < 1e-9, "after four steps f64 is off by {error:e}");
}
