use tape::Tape;

/// The slope of one step when one operand moves and the other is held.
fn nudge(step: impl Fn(f64) -> f64, operand: f64) -> f64 {
    let h = 1e-5;
    (step(operand + h) - step(operand - h)) / (2.0 * h)
}

fn main() {
    let tape = Tape::new();
    let x = tape.scalar(2.0).named("x");
    let y = tape.scalar(3.0).named("y");
    let a = (x * y).named("a");
    let b = (a + x.value()).named("b");
    let z = (b * y).named("z");

    println!("node  operation  operands  value");
    let view = tape.view();
    for node in view.nodes() {
        let parents = node.parents().filter_map(|index| view.node(index));
        let operands: Vec<String> = parents.map(|parent| parent.label()).collect();
        let (label, op, value) = (node.label(), node.op, node.value.item());
        println!("{label:<4}  {op:<9}  {:<8}  {value}", operands.join(", "));
    }

    let on_the_tape = z.backward().wrt(x);
    let [x, y, a, b] = [x, y, a, b].map(|node| node.value());
    println!("∂a/∂x = {:.3}, ∂a/∂y = {:.3}", nudge(|x| x * y, x), nudge(|y| x * y, y));
    println!("∂b/∂a = {:.3}, ∂b/∂x = {:.3}", nudge(|a| a + x, a), nudge(|x| a + x, x));
    println!("∂z/∂b = {:.3}, ∂z/∂y = {:.3}", nudge(|b| b * y, b), nudge(|y| b * y, y));
    println!("whole program: ∂z/∂x = {:.3}", nudge(|x| (x * y + x) * y, x));
    println!("on the tape:   ∂z/∂x = {on_the_tape:.3}");
}
