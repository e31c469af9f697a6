use gradcheck::GradCheck;
use nn::prelude::*;
use rand::{SeedableRng, rngs::StdRng};
use tape::{Algebra, Elementwise};

#[derive(Clone, Copy, Debug, PartialEq)]
struct Snake; // x + sin² x

impl Unary for Snake {
    const NAME: &'static str = "snake";
    fn eval<T: Element>(&self, x: T) -> T {
        x + x.sin() * x.sin()
    }
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(1.0) + Elementwise::sin(x)
    }
}

#[derive(Clone, Debug, Parameters)]
struct Wave(Linear, Linear);
impl Module for Wave {
    fn forward<'t>(&self, x: Var<'t>, cx: &mut Context) -> Var<'t> {
        self.1.forward(self.0.forward(x, cx).map(Snake), cx)
    }
}

fn main() {
    let tape = Tape::new();
    let x = tape.scalar(1.0);
    let y = x.map(Snake);
    println!("value {:.4}, slope {:.4}", y.value(), y.grad(x).value());
    println!("forward {:.4}, second {:.4}", y.jvp(x, 1.0), y.grad(x).grad(x).value());
    let check = GradCheck::new(|v| v["x"].map(Snake)).input("x", [-2.0, 0.5, 3.0]);
    println!("differences: {:?}", check.run().map(|report| report.verdict()));
    let mut rng = StdRng::seed_from_u64(1);
    let model = Wave(Linear::new(1, 16, &mut rng), Linear::new(16, 1, &mut rng));
    for (name, parameter) in model.named_parameters() {
        println!("{name:<8} {}", parameter.value().shape());
    }
}
