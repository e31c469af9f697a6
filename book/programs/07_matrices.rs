use tape::{Tape, Tensor};

fn main() {
    let (samples, inputs, outputs) = (4, 3, 2);
    let tape = Tape::new();
    let x =
        tape.var(Tensor::from_fn([samples, inputs], |k| 1.0 + (3 * k[0] + k[1]) as f64));
    let w = tape.var(Tensor::from_fn([outputs, inputs], |k| k[0] as f64 - k[1] as f64));
    let y = x.matmul(w.transpose()); // y[n, i] = Σ_j x[n, j] w[i, j]

    // A loss whose slope with respect to y[n, i] is dy[n, i].
    let dy = Tensor::from_fn([samples, outputs], |k| (k[0] as f64) - 2.0 * k[1] as f64);
    let gradients = y.vjp(dy.clone());
    let dw = gradients.wrt(w);

    // The chain rule, index by index: dw[i, j] = Σ_n dy[n, i] x[n, j].
    let x = x.value();
    let by_index = Tensor::from_fn([outputs, inputs], |k| {
        (0..samples).map(|n| dy[[n, k[0]]] * x[[n, k[1]]]).sum()
    });
    println!("x {}, w {}, y {}, dy {}", x.shape(), w.shape(), y.shape(), dy.shape());
    println!("dw {} on the tape:\n{dw}", dw.shape());
    println!("index by index: {}", if by_index == dw { "equal" } else { "different" });

    // Three products of dy and x that one might write from memory.
    let (dyt, xt) = (dy.transpose(), x.transpose());
    for (name, a, b) in [("dyᵀ·x", &dyt, &x), ("dy·x", &dy, &x), ("xᵀ·dy", &xt, &dy)]
    {
        let text = if a.shape()[1] != b.shape()[0] {
            "does not conform".to_string()
        } else {
            let product = a.matmul(b);
            let equal = if product == dw { "equal" } else { "different" };
            format!("{}, {equal}", product.shape())
        };
        println!("{name:<5} {text}");
    }
}
