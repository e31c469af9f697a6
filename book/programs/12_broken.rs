use gradcheck::GradCheck;
use tape::{Scalar, Tape, Var};

/// x / (1 + x²), with a derivative written by hand whose term x² has a relative error.
fn f(x: Var<'_>, error: f64) -> Scalar<'_> {
    let y = x.tape().custom_vjp(
        &[x],
        |x| x[0] / (x[0].square() + 1.0),
        move |x, _, dy| {
            let square = x[0].square();
            vec![dy * (1.0 - square * (1.0 + error)) / (square + 1.0).square()]
        },
    );
    y.sum()
}

fn experiment(name: &str, at: f64, f: impl for<'t> Fn(Var<'t>) -> Scalar<'t>) {
    let value = |x: f64| f(Tape::new().var([x])).value();
    let difference = (value(at + 1e-5) - value(at - 1e-5)) / 2e-5;
    let tape = Tape::new();
    let x = tape.var([at]);
    let claimed = f(x).backward().wrt(x).to_vec()[0];
    let relative = (claimed - difference).abs() / claimed.abs().max(1e-300);
    let check = GradCheck::loss(|v| f(v["x"])).input("x", [at]).run();
    let verdict = check.map_or("cannot be run".into(), |r| r.verdict().to_string());
    let verdict = verdict.split(';').next().unwrap_or_default();
    println!("{name:<11}  {relative:<10.0e}  {verdict}");
}

fn main() {
    println!("claim        difference  verdict");
    let x = 0.0;
    for error in [0.0, 1e-2, 1e-4, 1e-6, 1e-8] {
        experiment(&format!("off by {error:.0e}"), x, |x| f(x, error));
    }
    experiment("|x| at 0", 0.0, |x| x.abs().sum());
    experiment("1e8 + f", x, |x| f(x, 1e-6) + 1e8);
    experiment("relu(x - 5)", x, |x| (x - 5.0).relu().sum());
}
