use tape::{Scalar, Tape, Tensor};

/// Sweeps, and prints what the tape holds.
fn report(name: &str, tape: &Tape, loss: Scalar) {
    let _gradients = loss.backward();
    let memory = tape.memory();
    print!("{name:<16} loss {:.3}, {:>6} nodes, ", loss.value(), memory.nodes);
    println!("bytes: {:>8} nodes, {:>6} values", memory.node_bytes, memory.value_bytes);
}

fn main() {
    let x = Tensor::linspace(-1.0, 1.0, 16 * 64).reshape([16, 64]); // samples, features
    let w = Tensor::linspace(-0.2, 0.3, 32 * 64).reshape([32, 64]); // units, features

    let tape = Tape::new();
    let weights: Vec<Scalar> = w.to_vec().iter().map(|&w| tape.scalar(w)).collect();
    let mut loss = tape.scalar_constant(0.0);
    for sample in x.to_vec().chunks(64) {
        for unit in weights.chunks(64) {
            let start = tape.scalar_constant(0.0);
            let z = unit.iter().zip(sample).fold(start, |z, (&w, &x)| z + w * x);
            loss += z.tanh().square();
        }
    }
    report("scalars", &tape, loss);

    let tape = Tape::new();
    for step in 1..=3 {
        let (x, w) = (tape.constant(x.clone()), tape.var(w.clone()));
        let loss = x.matmul(w.transpose()).tanh().square().sum();
        report(&format!("tensors, step {step}"), &tape, loss);
    }
}
