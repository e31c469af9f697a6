use nn::Param;
use nn::optim::{Adam, GradientDescent, Optimizer, Sgd, UpdateRule};
use tape::Tape;

/// Descends on `(x² + 50 y²) / 2` from (1, 1) until it is below 1e-12.
fn descend<R: UpdateRule>(name: &str, mut optimizer: GradientDescent<R>) {
    let (mut w, mut tape) = (Param::new([1.0, 1.0]), Tape::new());
    let mut path = String::new();
    for step in 0..5000 {
        let x = w.on(&tape);
        let loss = (x * x * tape.constant([0.5, 25.0])).sum();
        if step <= 3 {
            let at = w.value().to_vec();
            path += &format!("({:.2}, {:.2}) ", at[0], at[1]);
        }
        if loss.value() < 1e-12 || loss.value() > 1e12 {
            let end = if loss.value() < 1.0 { "reached" } else { "diverged" };
            return println!("{name:<13} {end:>8} {step:>4}  {path}...");
        }
        let gradients = loss.backward();
        tape.reset();
        optimizer.step(&mut w, &gradients);
    }
}

fn main() {
    let rate = 0.035;
    println!("optimizer          end step  path");
    descend("gradient", Sgd::new(rate));
    descend("momentum 0.5", Sgd::new(rate).momentum(0.5));
    descend("momentum 0.9", Sgd::new(rate).momentum(0.9));
    descend("Adam", Adam::new(rate));
}
