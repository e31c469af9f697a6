use tape::ops::Sigmoid;
use tape::{Tape, Unary};

fn main() {
    let ([x1, x2], t) = ([1.0, -2.0], 1.0);
    let tape = Tape::new();
    let [w1, w2, b] = [0.5, 0.75, 0.2].map(|value| tape.scalar(value));
    let z = w1 * x1 + w2 * x2 + b;
    let a = z.sigmoid();
    let loss = 0.5 * (a - t).square();

    // By hand, from the loss back to the parameters.
    let da = a.value() - t;
    let dz = da * a.value() * (1.0 - a.value());
    let by_hand = [da, dz, dz * x1, dz * x2, dz];

    // Reverse mode, forward mode, and differences of what follows each quantity.
    let nodes = [a, z, w1, w2, b];
    let reverse = loss.backward_all().wrt(nodes);
    let forward = nodes.map(|node| tape.jvp(loss, node, 1.0));
    let of_a = |a: f64| 0.5 * (a - t) * (a - t);
    let of_z = |z: f64| of_a(Sigmoid.eval(z));
    let [w1, w2, b] = [w1, w2, b].map(|node| node.value());
    let of = |w1: f64, w2: f64, b: f64| of_z(w1 * x1 + w2 * x2 + b);
    let slope = |f: &dyn Fn(f64) -> f64, x: f64| (f(x + 1e-5) - f(x - 1e-5)) / 2e-5;
    let difference = [
        slope(&of_a, a.value()),
        slope(&of_z, z.value()),
        slope(&|w1| of(w1, w2, b), w1),
        slope(&|w2| of(w1, w2, b), w2),
        slope(&|b| of(w1, w2, b), b),
    ];

    println!("z = {:.6}, a = {:.6}, loss = {:.6}", z.value(), a.value(), loss.value());
    println!("slope of loss    by hand    reverse    forward    difference");
    for (k, name) in ["a", "z", "w1", "w2", "b"].into_iter().enumerate() {
        let columns = [by_hand[k], reverse[k], forward[k], difference[k]];
        println!("{name:<13}{}", columns.map(|x| format!("{x:>11.6}")).concat());
    }
}
