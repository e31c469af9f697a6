//! A network generic in its number type, whose products are large enough for a kernel where there is one.

use gradcheck::DoubleDouble;
use tape::element::Real;
use tape::internal::SplitMix64;
use tape::{Element, Tape, Tensor};

/// Weights and biases of the two layers.
fn parameters<T: Element>() -> Vec<Tensor<T>> {
    let rng = &mut SplitMix64(3);
    let shapes: [&[usize]; 4] = [&[40, 70], &[70], &[70, 10], &[10]];
    shapes.iter().map(|&shape| Tensor::<f64>::from_fn(shape, |_| 0.3 * rng.normal()).cast()).collect()
}

/// The loss, and the gradient of each parameter.
fn gradients<T: Element>(w: &[Tensor<T>]) -> (T, Vec<Tensor<T>>) {
    let rng = &mut SplitMix64(5);
    let x = Tensor::<f64>::from_fn([30, 40], |_| rng.normal()).cast::<T>();
    let classes = Tensor::<f64>::from_fn([30, 10], |i| f64::from(i[0] * 7 % 10 == i[1])).cast::<T>();
    let tape = Tape::<T>::of();
    let leaves: Vec<_> = w.iter().map(|w| tape.var(w.clone())).collect();
    let [w1, b1, w2, b2] = leaves[..] else { panic!("four parameters") };
    let hidden = (tape.constant(x).matmul(w1) + b1).tanh();
    let scores = hidden.matmul(w2) + b2;
    let loss = scores.cross_entropy(tape.constant(classes), 1).mean();
    (loss.value(), loss.backward().wrt(leaves))
}

#[test]
fn the_gradient_of_a_network_has_the_digits_of_its_number_type() {
    let (loss, gradient) = gradients(&parameters::<DoubleDouble>());
    let (loss_in_f64, gradient_in_f64) = gradients(&parameters::<f64>());
    assert!((loss - DoubleDouble::from(loss_in_f64)).hi().abs() < 1e-14, "{loss} and {loss_in_f64}");
    let mut distance = 0.0_f64;
    for (exact, found) in gradient.iter().zip(&gradient_in_f64) {
        for (exact, &found) in exact.to_vec().iter().zip(&found.to_vec()) {
            distance = distance.max((*exact - DoubleDouble::from(found)).hi().abs());
        }
    }
    assert!(0.0 < distance && distance < 1e-15, "{distance:e}");

    // Along a direction, against a difference of order 4: its error is the fourth power of the step.
    let rng = &mut SplitMix64(7);
    let direction: Vec<Tensor<DoubleDouble>> = parameters::<f64>()
        .iter()
        .map(|w| Tensor::<f64>::from_fn(w.shape().clone(), |_| rng.normal()).cast())
        .collect();
    let loss_at = |t: f64| {
        let step = DoubleDouble::from(t);
        let w: Vec<_> = parameters().iter().zip(&direction).map(|(w, dw)| w + &(dw * step)).collect();
        gradients(&w).0
    };
    let h = 1.0 / (1 << 23) as f64;
    let [near, far] = [h, 2.0 * h].map(|h| loss_at(h) - loss_at(-h));
    let difference = (near * DoubleDouble::from(8.0) - far) / DoubleDouble::from(12.0 * h);
    let along = gradient.iter().zip(&direction).map(|(g, dw)| (g * dw).sum()).sum::<DoubleDouble>();
    assert!((along - difference).abs().hi() < 1e-22, "{along}, by differences {difference}");
}
