use tape::{Scalar, Tape};

/// The multiplications of the chain rule among the nodes after the first `recorded`.
fn multiplications(tape: &Tape, recorded: usize) -> usize {
    let view = tape.view();
    view.nodes()[recorded..].iter().filter(|node| node.op == "chain_rule").count()
}

/// The paths from all leaves to the last node.
fn paths(tape: &Tape) -> usize {
    let view = tape.view();
    let mut paths = vec![0; view.nodes().len() + 1];
    for node in view.nodes() {
        let above: usize = node.parents().map(|parent| paths[parent]).sum();
        paths[node.index] = if node.op == "leaf" { 1 } else { above };
    }
    paths[view.nodes().len()]
}

fn main() {
    println!("steps  inputs  paths  multiplications: reverse  forward");
    for steps in [2, 4, 8, 16] {
        let (inputs, tape) = (steps, Tape::new());
        let x: Vec<Scalar> = (1..=inputs).map(|k| tape.scalar(k as f64 / 16.0)).collect();
        let mut y = x[0].exp();
        for k in 1..steps {
            y = (y + y.sin()) * x[k % inputs];
        }
        let paths = paths(&tape);
        let (recorded, one) = (tape.view().nodes().len(), tape.scalar_constant(1.0));
        let _gradient = y.grad(x.clone()); // one reverse sweep, recorded
        let reverse = multiplications(&tape, recorded);
        let recorded = tape.view().nodes().len();
        for &input in &x {
            let _slope = tape.pushforward(y, input, one); // one forward sweep each
        }
        let forward = multiplications(&tape, recorded);
        println!("{steps:<5}  {inputs:<6}  {paths:<5}  {reverse:>24}  {forward:>7}");
    }
}
