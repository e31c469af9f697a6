use tape::Tape;

fn f(x: f64) -> f64 {
    1000.0 + x / (1.0 + x * x)
}

fn main() {
    let x = 2.0;
    let exact = (1.0 - x * x) / ((1.0 + x * x) * (1.0 + x * x)); // the quotient rule

    println!("step h   one-sided  central");
    let mut h = 0.1;
    for _ in 1..=14 {
        let one_sided = (f(x + h) - f(x)) / h;
        let central = (f(x + h) - f(x - h)) / (2.0 * h);
        let errors = [one_sided, central].map(|slope| (slope - exact).abs());
        println!("{h:<7.0e}  {:<9.1e}  {:.1e}", errors[0], errors[1]);
        h /= 10.0;
    }

    let tape = Tape::new();
    let x = tape.scalar(x);
    let y = 1000.0 + x / (1.0 + x * x);
    let slope = y.backward().wrt(x);
    println!("exact slope {exact:.3}");
    println!("tape slope  {slope:.3}, error {:.1e}", (slope - exact).abs());
}
