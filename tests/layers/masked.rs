//! Masked elements have no influence, whatever they hold: forward, backward, and in recorded gradients.

use nn::functional::{
    self, AttentionOptions, CrossEntropyOptions, Reduction, attention_weights, scaled_dot_product_attention,
    weighted_values,
};
use tape::{Element, Tape, Tensor};

const BAD: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

fn numbers<T: Element>(seed: usize, shape: &[usize]) -> Tensor<T> {
    let mut at = 37 * seed;
    Tensor::from_fn(shape, |_| {
        at += 1;
        T::from_f64(((at * 7919) % 211) as f64 / 64.0 - 1.6)
    })
}

/// Value and gradients of attention, plain and recorded, and the second derivative of one of them.
fn results<T: Element>(x: [Tensor<T>; 3], attention: &AttentionOptions<T>) -> Vec<Tensor<T>> {
    let tape = Tape::<T>::of();
    let [q, k, v] = x.map(|x| tape.var(x));
    let y = scaled_dot_product_attention(&q, &k, &v, attention);
    let seed = numbers::<T>(9, &y.shape());
    let grads = y.vjp(seed.clone());
    let recorded = (y * tape.constant(seed)).sum().grad([q, k, v]);
    let second = recorded[0].vjp(numbers::<T>(5, &q.shape()));
    let mut all = vec![y.value()];
    all.extend([q, k, v].map(|x| grads.wrt(x)));
    all.extend(recorded.map(|x| x.value()));
    all.extend([q, k, v].map(|x| second.wrt(x)));
    all
}

/// `x` with `bad` in row `row` of every matrix.
fn spoilt<T: Element>(x: &Tensor<T>, row: usize, bad: T) -> Tensor<T> {
    let [a, b] = [x.shape().rank() - 2, x.shape().rank() - 1];
    Tensor::from_fn(x.shape(), |i| if i[a] == row && i[b] == 0 { bad } else { x.get(i).unwrap() })
}

/// Rows of keys and values that are hidden from every query hold `bad`: no bit of the result changes.
fn hidden_from_all<T: Element>() {
    for batch in [&[][..], &[2], &[2, 3]] {
        let shape = |rows, columns| [batch, &[rows, columns]].concat();
        let x = [numbers::<T>(1, &shape(3, 2)), numbers(2, &shape(4, 2)), numbers(3, &shape(4, 3))];
        let mask = Tensor::from([T::ONE, T::ONE, T::ZERO, T::ONE]);
        let bias = mask.map_elements(|m| if m == T::ZERO { T::NEG_INFINITY } else { T::ZERO });
        let masked = AttentionOptions { mask: Some(mask), ..AttentionOptions::default() };
        let biased = AttentionOptions { bias: Some(bias), ..AttentionOptions::default() };
        for attention in [masked, biased] {
            let expected = results(x.clone(), &attention);
            for bad in BAD.map(T::from_f64) {
                let [q, k, v] = x.clone();
                let found = results([q.clone(), spoilt(&k, 2, bad), spoilt(&v, 2, bad)], &attention);
                for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    assert_eq!(found, expected, "{} {bad} in the padding, result {i}", T::NAME);
                }
            }
        }
    }
}

#[test]
fn hidden_keys_and_values_do_not_matter() {
    hidden_from_all::<f64>();
    hidden_from_all::<f32>();
}

/// The last key is hidden from all queries but the last, so the others do not depend on it.
#[test]
fn a_query_does_not_depend_on_keys_that_only_others_see() {
    let attention = AttentionOptions { causal: true, ..AttentionOptions::default() };
    let x = [numbers::<f64>(1, &[3, 2]), numbers(2, &[3, 2]), numbers(3, &[3, 2])];
    let rows = |x: &Tensor| x.slice(0, ..2).to_vec();
    for bad in BAD {
        for spoil in [[true, false], [false, true]] {
            let tape = Tape::new();
            let run = |k: &Tensor, v: &Tensor| {
                let [q, k, v] = [&x[0], k, v].map(|x| tape.var(x.clone()));
                let y = scaled_dot_product_attention(&q, &k, &v, &attention);
                // A loss of the first two queries only, and one of all, which is not finite for the last.
                let first = y.slice(0, ..2).square().sum().backward();
                let all = y.square().sum().backward();
                ([q, k, v].map(|x| first.wrt(x)), rows(&all.wrt(q)), rows(&y.value()))
            };
            let expected = run(&x[1], &x[2]);
            let k = if spoil[0] { spoilt(&x[1], 2, bad) } else { x[1].clone() };
            let v = if spoil[1] { spoilt(&x[2], 2, bad) } else { x[2].clone() };
            assert_eq!(run(&k, &v), expected, "{bad} in {spoil:?}");
        }
    }
}

/// A query without keys, and one whose result the loss ignores, may hold anything.
#[test]
fn ignored_queries_have_no_influence() {
    let [k, v] = [2, 3].map(|seed| numbers::<f64>(seed, &[2, 2]));
    let q = numbers::<f64>(1, &[3, 2]);
    let sees_nothing = Tensor::from([[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]]);
    for attention in [
        AttentionOptions { mask: Some(sees_nothing), ..AttentionOptions::default() },
        AttentionOptions::default(),
    ] {
        let run = |q: Tensor| {
            let tape = Tape::new();
            let [q, k, v] = [q, k.clone(), v.clone()].map(|x| tape.var(x));
            let y = scaled_dot_product_attention(&q, &k, &v, &attention);
            let kept = tape.concat(&[y.slice(0, ..1), y.slice(0, 2..)], 0);
            let grads = kept.square().sum().backward();
            [q, k, v].map(|x| grads.wrt(x))
        };
        let expected = run(q.clone());
        assert_eq!(expected[0].slice(0, 1..2).to_vec(), [0.0; 2]);
        for bad in BAD {
            assert_eq!(run(spoilt(&q, 1, bad)), expected, "{bad}");
        }
    }
}

/// A visible key does have an influence.
#[test]
fn visible_keys_have_an_influence() {
    let tape = Tape::new();
    let q = tape.var([[0.5]]);
    for bad in BAD {
        let (k, v) = (tape.var([[1.0], [2.0]]), tape.var([[2.0], [bad]]));
        let y = scaled_dot_product_attention(&q, &k, &v, &AttentionOptions::default()).value().item();
        assert!(y == bad || (y.is_nan() && bad.is_nan()), "{y} of {bad}");
    }
    let (k, v) = (tape.var([[1.0], [f64::NAN]]), tape.var([[2.0], [1.0]]));
    let y = scaled_dot_product_attention(&q, &k, &v, &AttentionOptions::default()).value().item();
    assert!(y.is_nan(), "a visible key of NaN: found {y}");
    let weights = tape.var([[1.0, 1.0]]);
    let v = tape.var([[f64::INFINITY], [f64::NEG_INFINITY]]);
    let y = weighted_values(&weights, &v).value().item();
    assert!(y.is_nan(), "∞ - ∞: found {y}");
    let wide = attention_weights(
        &q,
        &tape.var([[1e300], [-1e300]]),
        &AttentionOptions { scale: Some(1e300), ..AttentionOptions::default() },
    );
    assert_eq!(wide.value().to_vec(), [1.0, 0.0]);
}

#[test]
fn dropped_elements_are_zero_whatever_their_value() {
    let tape = Tape::new();
    for x in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        let x = tape.var([x]);
        let y = functional::dropout(&x, 1.0, || 0.5);
        assert_eq!((y.value().item(), y.sum().backward().wrt(x).item()), (0.0, 0.0));
    }
}

#[test]
fn dropped_elements_do_not_matter() {
    for bad in BAD {
        for p in [0.5, 1.0] {
            let tape = Tape::new();
            let x = tape.var([bad, 3.0]);
            let mut uniform = [0.1, 0.9].into_iter();
            let y = functional::dropout(&x, p, || uniform.next().unwrap());
            let kept = if p < 1.0 { 6.0 } else { 0.0 };
            assert_eq!(y.value().to_vec(), [0.0, kept]);
            // Neither does the cotangent of a dropped element.
            let slope = if p < 1.0 { 2.0 } else { 0.0 };
            assert_eq!(y.vjp([bad, 1.0]).wrt(x).to_vec(), [0.0, slope]);
            assert_eq!(y.jvp(x, Tensor::from([bad, 1.0])).to_vec(), [0.0, slope]);
            assert_eq!((y * y).sum().grad(x).value().to_vec(), [0.0, 2.0 * slope * kept]);
        }
    }
    // The slope of a root at 0 is infinite.
    let tape = Tape::new();
    let x = tape.var([4.0, 9.0]);
    let mut uniform = [0.1, 0.9].into_iter();
    let y = functional::dropout(&x, 0.5, || uniform.next().unwrap());
    assert_eq!(y.sqrt().sum().backward().wrt(x).to_vec()[0], 0.0);
}

#[test]
fn classes_and_samples_of_weight_zero_do_not_matter() {
    for bad in BAD {
        let tape = Tape::new();
        let x = tape.var([[0.0, 0.0], [bad, 1.0]]);
        let classes =
            CrossEntropyOptions { weight: Some(Tensor::from([1.0, 0.0])), ..CrossEntropyOptions::default() };
        let y = functional::cross_entropy(&x, &[0, 1], &classes, Reduction::Mean);
        assert_eq!(y.value().item(), 2f64.ln());
        let slope = Tensor::from([[-0.5, 0.5], [0.0, 0.0]]);
        assert_eq!(y.sum().backward().wrt(x), slope, "{bad}");
        assert_eq!(y.sum().grad(x).value(), slope);
        let t = tape.var([[1.0, bad], [1.0, bad]]);
        let x = tape.var([[0.0, 0.0], [0.0, 0.0]]);
        let y = functional::soft_cross_entropy(&x, &t, &classes, Reduction::Mean);
        assert_eq!(y.value().item(), 2f64.ln());
        assert_eq!(y.sum().backward().wrt(t), Tensor::from([[2f64.ln() / 2.0, 0.0], [2f64.ln() / 2.0, 0.0]]));
        let x = tape.var([0.0, bad]);
        let weight = tape.constant([1.0, 0.0]);
        let y =
            functional::bce_with_logits(&x, &tape.constant([0.0, 0.5]), Some(&weight), None, Reduction::Sum);
        assert_eq!(y.value().item(), 2f64.ln());
        assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.5, 0.0]);
        assert_eq!(y.sum().grad(x).value().to_vec(), [0.5, 0.0]);
    }
    let tape = Tape::new();
    let x = tape.var([f64::INFINITY, f64::NEG_INFINITY]);
    let y = functional::bce_with_logits(&x, &tape.constant([1.0, 0.0]), None, None, Reduction::Sum);
    assert_eq!((y.value().item(), y.sum().backward().wrt(x).to_vec()), (0.0, vec![0.0, 0.0]));
}

/// -∞ excludes an element from a softmax, and its cotangent with it.
#[test]
fn cotangents_of_elements_excluded_from_softmax_do_not_matter() {
    for bad in BAD {
        let tape = Tape::new();
        let x = tape.var([0.0, 0.0, f64::NEG_INFINITY]);
        let y = x.softmax(0);
        assert_eq!(y.vjp([1.0, 0.0, bad]).wrt(x).to_vec(), [0.25, -0.25, 0.0]);
        assert_eq!(y.jvp(x, Tensor::from([1.0, 0.0, bad])).to_vec(), [0.25, -0.25, 0.0]);
    }
}

#[test]
fn triangles_cut_off_elements_that_are_not_finite() {
    let tape = Tape::new();
    let x = tape.var([[1.0, f64::NAN], [f64::INFINITY, 2.0]]);
    let (lower, upper) = (x.tril(-1), x.triu(0));
    assert_eq!(lower.value(), Tensor::from([[0.0, 0.0], [f64::INFINITY, 0.0]]));
    assert_eq!(upper.vjp([[1.0, 2.0], [f64::NAN, 3.0]]).wrt(x), Tensor::from([[1.0, 2.0], [0.0, 3.0]]));
}
