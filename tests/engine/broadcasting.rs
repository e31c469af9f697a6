//! Broadcasting and its adjoint, against a loop over the elements.

use proptest::prelude::*;
use tape::{Tape, Tensor};

/// The tolerance of a closed form of a few terms.
const ROUNDING: f64 = 1e-13;
use gradcheck::strategies::broadcastable;

fn values(shape: &[usize], seed: f64) -> Tensor {
    let mut k = seed;
    Tensor::from_fn(shape, |_| {
        k += 1.0;
        (k * 0.7).sin() + 1.5
    })
}

/// Returns the index of the element that broadcasts to `index`.
fn source(index: &[usize], shape: &[usize]) -> Vec<usize> {
    let index = &index[index.len() - shape.len()..];
    index.iter().zip(shape).map(|(&i, &extent)| if extent == 1 { 0 } else { i }).collect()
}

/// Differentiates `Σ w f(a, b)` element by element.
fn by_hand(w: &Tensor, a: &Tensor, b: &Tensor, slope: impl Fn(f64, f64) -> [f64; 2]) -> [Tensor; 2] {
    let mut sums = [a, b].map(|x| vec![0.0; x.size()]);
    let _ = Tensor::<f64>::from_fn(w.shape(), |index| {
        let sources = [source(index, a.shape()), source(index, b.shape())];
        let slopes = slope(a.get(&sources[0]).unwrap(), b.get(&sources[1]).unwrap());
        for (k, x) in [a, b].into_iter().enumerate() {
            let at = sources[k].iter().zip(x.shape().iter()).fold(0, |at, (&i, &n)| at * n + i);
            sums[k][at] += w.get(index).unwrap() * slopes[k];
        }
        0.0
    });
    let [da, db] = sums;
    [Tensor::from_vec(a.shape(), da).unwrap(), Tensor::from_vec(b.shape(), db).unwrap()]
}

proptest! {
    #[test]
    fn gradients_are_sums_over_stretched_axes(pair in broadcastable()) {
        let (a, b) = (values(&pair.a, 0.0), values(&pair.b, 50.0));
        let tape = Tape::new();
        let (x, y) = (tape.var(a.clone()), tape.var(b.clone()));
        let product = x * y / (x + y);
        prop_assert_eq!(product.shape(), pair.result);
        let w = values(product.shape().as_ref(), 100.0);
        let grads = product.vjp(w.clone());
        let expected = by_hand(&w, &a, &b, |a, b| {
            let sum = (a + b) * (a + b);
            [b * b / sum, a * a / sum]
        });
        let recorded = product.grad(tape.constant(w), [x, y]).map(|g| g.value());
        for (k, var) in [x, y].into_iter().enumerate() {
            let found = grads.wrt(var);
            prop_assert_eq!(found.shape(), expected[k].shape());
            for ((found, recorded), expected) in
                found.to_vec().into_iter().zip(recorded[k].to_vec()).zip(expected[k].to_vec())
            {
                let scale = ROUNDING * expected.abs().max(1.0);
                prop_assert!((found - expected).abs() <= scale, "{found} {expected}");
                prop_assert!((recorded - expected).abs() <= scale, "{recorded} {expected}");
            }
        }
    }
}

#[test]
fn a_scalar_times_a_vector_has_a_scalar_gradient() {
    let tape = Tape::new();
    let v = tape.var(2.0);
    let loss = (v * &Tensor::from([3.0, 5.0])).sum();
    let gradient = loss.backward().wrt(v);
    assert_eq!((gradient.rank(), gradient.item()), (0, 8.0));
}
