//! Masked values do not affect the result, through the layers too.

use nn::functional::{AttentionOptions, scaled_dot_product_attention};
use nn::{Context, Dropout, Module, MultiHeadAttention};
use rand::{SeedableRng, rngs::StdRng};
use tape::{Tape, Tensor};

#[test]
fn masked_and_not_finite() {
    let tape = Tape::new();
    let attention = AttentionOptions { mask: Some(Tensor::from([1.0, 0.0])), ..AttentionOptions::default() };
    let mut spoilt = Vec::new();
    for (name, key, value) in [
        ("NaN in a hidden value", 1.0, f64::NAN),
        ("inf in a hidden value", 1.0, f64::INFINITY),
        ("NaN in a hidden key", f64::NAN, 1.0),
    ] {
        let (q, k, v) = (tape.var([[0.5]]), tape.var([[1.0], [key]]), tape.var([[2.0], [value]]));
        let y = scaled_dot_product_attention(&q, &k, &v, &attention);
        let slope = y.sum().backward().wrt(q).item();
        if y.value().item() != 2.0 || slope != 0.0 {
            spoilt.push(format!("{name}: y {} slope {slope}", y.value().item()));
        }
    }
    let y =
        Dropout::new(1.0).forward(tape.var([f64::INFINITY]), &mut Context::train(StdRng::seed_from_u64(0)));
    if y.value().item() != 0.0 {
        spoilt.push(format!("dropped inf: {}", y.value().item()));
    }
    assert!(spoilt.is_empty(), "{spoilt:#?}");
}

#[test]
fn the_padding_of_a_batch_does_not_change_attention() {
    let layer = MultiHeadAttention::<f64>::new(4, 2, &mut StdRng::seed_from_u64(1));
    let mask = AttentionOptions { mask: Some(Tensor::from([1.0, 1.0, 0.0])), ..AttentionOptions::default() };
    let run = |padding: f64| {
        let tape = Tape::new();
        let x = tape
            .var(Tensor::from_fn([1, 3, 4], |i| if i[1] == 2 { padding } else { (i[1] * 4 + i[2]) as f64 }));
        let query = tape.var(Tensor::from_fn([1, 2, 4], |i| (i[1] * 4 + i[2]) as f64));
        let (y, weights) = layer.forward(query, x, x, &mask, &mut Context::eval());
        let slope = y.square().sum().backward().wrt(query);
        (y.value(), weights.value(), slope)
    };
    let expected = run(0.0);
    for padding in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(run(padding), expected, "{padding}");
    }
}
