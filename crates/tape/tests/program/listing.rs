//! Listings.

use tape::Program;

#[test]
fn a_neuron() {
    let neuron = Program::new(|p| {
        let [w, x, b] = p.inputs(["w", "x", "b"]);
        (w * x + b).sigmoid()
    });
    assert_eq!(neuron.to_string(), "inputs w, x, b\nt1 = sigmoid(w * x + b)\ny = t1\n");
    println!("{}", neuron.value_and_gradient());
    println!("{}", neuron.gradient());
}

#[test]
fn precedence_and_parameters() {
    let f = Program::new(|p| {
        let ([a, b], w) = (p.inputs(["a", "b"]), p.group("w", 2));
        let _ = &w;
        a - (b - w[1]) + (a + b) * -b / (a * b) - a.powi(3)
    });
    println!("{f}");
}
