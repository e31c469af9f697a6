//! Listings, which a reader compares with a derivation by hand.

use tape::Program;

fn neuron() -> Program {
    Program::new(|p| {
        let [w, x, b] = p.inputs(["w", "x", "b"]);
        (w * x + b).sigmoid()
    })
}

#[test]
fn a_function_is_written_as_mathematics() {
    assert_eq!(neuron().to_string(), "inputs w, x, b\nt1 = sigmoid(w * x + b)\ny = t1\n");
    let f = Program::new(|p| {
        let ([a, b], w) = (p.inputs(["a", "b"]), p.group("w", 2));
        a - (b - w[1]) + (a + b) * -b / (a * b) - a.powi(3)
    });
    let expected = "inputs a, b, w[2]
t1 = (a + b) * (-b) / (a * b)
t2 = a - (b - w[1]) + t1
t3 = t2 - powi(a; n: 3)
y = t3
";
    assert_eq!(f.to_string(), expected);
    let f = Program::several(|p| {
        let [a, b] = p.inputs(["a", "b"]);
        vec![a.if_gt(b, a * 2.0, b), a.maximum(b)]
    });
    let expected = "inputs a, b
t1 = if a > b then a * 2 else b
t2 = maximum(a, b)
y[0] = t1
y[1] = t2
";
    assert_eq!(f.to_string(), expected);
}

#[test]
fn a_negative_number_is_in_parentheses_within_a_product() {
    let f = Program::new(|p| {
        let x = p.input("x");
        x * -2.0 - 3.0 * x
    });
    assert_eq!(f.to_string(), "inputs x\nt1 = x * (-2) - 3 * x\ny = t1\n");
}

#[test]
fn equal_choices_are_made_once() {
    let f = Program::several(|p| {
        let [x, y] = p.inputs(["x", "y"]);
        vec![x.if_gt(y, x, y), x.if_gt(y, x, y), x.if_eq(y, x, y)]
    });
    let expected = "inputs x, y
t1 = if x > y then x else y
t2 = if x = y then x else y
y[0] = t1
y[1] = t1
y[2] = t2
";
    assert_eq!(f.to_string(), expected);
}

#[test]
fn the_lines_of_a_gradient_have_notes() {
    let expected = "inputs w, x, b
t1 = w * x                ∂t1/∂w = x, ∂t1/∂x = w
t2 = t1 + b               ∂t2/∂t1 = 1, ∂t2/∂b = 1
t3 = sigmoid(t2)          ∂t3/∂t2 = t4
t4 = sigmoid_slope(t2)    ∂y/∂b, ∂y/∂t1, ∂y/∂t2
t5 = t4 * x               ∂y/∂w
t6 = t4 * w               ∂y/∂x
y = t3
∂y/∂w = t5
∂y/∂x = t6
∂y/∂b = t4
";
    assert_eq!(neuron().value_and_gradient().to_string(), expected);
    let expected = "inputs w, x, b
t1 = w * x                ∂t1/∂w = x
t2 = t1 + b               ∂t2/∂t1 = 1, ∂t2/∂b = 1
t3 = sigmoid_slope(t2)    ∂y/∂b, ∂y/∂t1, ∂y/∂t2
t4 = t3 * x               ∂y/∂w
∂y/∂w = t4
∂y/∂b = t3
";
    assert_eq!(neuron().wrt(&["w", "b"]).gradient().to_string(), expected);
}

/// A value that is read twice gets the sum of two contributions.
#[test]
fn contributions_add_up() {
    let f = Program::new(|p| {
        let x = p.input("x");
        let u = x.sin();
        u * u + u
    });
    let text = f.gradient().to_string();
    assert!(text.contains("∂y/∂t1"), "{text}");
    assert!(text.contains("+"), "{text}");
}
