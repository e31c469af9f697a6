//! User-defined operations: in another crate, and supported like the built-in ones of `tape`.
//!
//! ```text
//! cargo run --release --example custom_op
//! ```
//!
//! A function of one operand (Bessel functions, whose derivatives are Bessel functions), a function of two
//! (the harmonic mean), an operation on tensors (circular convolution), and custom derivatives (a step with
//! the derivative of the identity, and a root whose derivative comes from the implicit function theorem).
//! Each is checked in both modes, against finite differences, and in second order.

use clap::Parser;
use examples::cli;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::error::Error as StdError;
use std::f64::consts::PI;
use std::process::ExitCode;
use tape::{Algebra, Arity, Array, Binary, Element, Error, Op, Shape, Tape, Tensor, Unary, Var};

/// User-defined operations, checked in both modes and to second order.
#[derive(Debug, Parser)]
#[command(name = "custom_op")]
struct Args {
    /// Elements of each vector
    #[arg(long, default_value = "8", value_parser = cli::positive)]
    size: usize,
    /// Seed of the vectors and directions
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Three elements
    #[arg(long)]
    fast: bool,
}

// ---- A function of one operand ----

/// The Bessel function of the first kind `Jₙ`, for |x| up to about 20.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bessel {
    n: i32,
}

impl Unary for Bessel {
    const NAME: &'static str = "bessel";

    /// `Jₙ(x) = 1/π ∫ cos(nτ - x sin τ) dτ` over half a period, by the trapezoidal rule, which converges faster than any
    /// power for periodic functions.
    fn eval<T: Element>(&self, x: T) -> T {
        const NODES: usize = 64;
        let node = |k: usize| {
            let tau = T::from_f64(PI * (k as f64 + 0.5) / NODES as f64);
            (T::from_f64(f64::from(self.n)) * tau - x * tau.sin()).cos()
        };
        (0..NODES).map(node).sum::<T>() / T::from_usize(NODES)
    }

    /// `Jₙ' = (Jₙ₋₁ - Jₙ₊₁) / 2`: every order of derivative follows.
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let neighbours = x.map(Bessel { n: self.n - 1 }) - x.map(Bessel { n: self.n + 1 });
        neighbours * x.lift(0.5)
    }
}

// ---- A function of two operands ----

/// The harmonic mean `2ab / (a + b)`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Harmonic;

impl Binary for Harmonic {
    const NAME: &'static str = "harmonic";

    fn eval<T: Element>(&self, a: T, b: T) -> T {
        (a * b + a * b) / (a + b)
    }

    /// `y² / (2 a²)`.
    fn slope_a<A: Algebra>(&self, a: A, _b: A, y: A) -> A {
        y * y / (a.lift(2.0) * a * a)
    }

    fn slope_b<A: Algebra>(&self, _a: A, b: A, y: A) -> A {
        y * y / (b.lift(2.0) * b * b)
    }
}

// ---- An operation on tensors ----

/// Circular convolution `yᵢ = Σⱼ aⱼ bᵢ₋ⱼ` of two vectors, or, reversed, correlation `yᵢ = Σⱼ aⱼ bᵢ₊ⱼ`.
#[derive(Clone, Copy, Debug)]
struct Circular {
    correlate: bool,
}

impl<T: Element> Op<T> for Circular {
    const NAME: &'static str = "circular";
    const ARITY: Arity = Arity::Exactly(2, "two vectors");

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let (a, b) = (x[0], x[1]);
        if a.rank() == 1 && a == b { Ok(a.clone()) } else { Err(Error::shape(a.dims(), b.dims())) }
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let (a, b) = (x[0].to_vec(), x[1].to_vec());
        let n = a.len();
        let term = |i: usize, j: usize| a[j] * b[if self.correlate { i + j } else { n + i - j } % n];
        Tensor::from_fn([n], |i| (0..n).map(|j| term(i[0], j)).sum())
    }

    /// The adjoint of a convolution is a correlation, and vice versa.
    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let (convolve, correlate) = (Circular { correlate: false }, Circular { correlate: true });
        match (self.correlate, k) {
            (false, 0) => A::apply(correlate, &[x[1], dy]),
            (false, _) => A::apply(correlate, &[x[0], dy]),
            (true, 0) => A::apply(correlate, &[dy, x[1]]),
            (true, _) => A::apply(convolve, &[x[0], dy]),
        }
    }
}

// ---- Custom derivatives ----

/// Rounds to integers, with the gradient of the identity: a straight-through estimator.
fn straight_through<'t>(x: Var<'t>) -> Var<'t> {
    x.tape().custom_vjp(&[x], |x| x[0].round(), |_, _, dy| vec![dy])
}

/// The root `y` of `y⁵ + y = x` by Newton's method. The implicit function theorem gives the derivative `1 /
/// (5y⁴ + 1)` at the root, independently of the iterations.
fn quintic_root<'t>(x: Var<'t>) -> Var<'t> {
    let newton = |x: f64| {
        (0..60).fold(x.signum() * x.abs().powf(0.2), |y, _| y - (y.powi(5) + y - x) / (5.0 * y.powi(4) + 1.0))
    };
    x.tape().custom_vjp(
        &[x],
        move |x| x[0].tape().constant(x[0].value().map_elements(newton)),
        // The pullback solves for the root again, so that second derivatives see its dependence on `x`.
        |x, _, dy| vec![dy / (quintic_root(x[0]).powi(4) * 5.0 + 1.0)],
    )
}

// ---- The checks ----

/// The discrepancies between the ways to compute a derivative, relative to its magnitude.
struct Checked {
    name: &'static str,
    adjoint: f64,
    difference: f64,
    second: f64,
}

type Function = for<'t> fn(&[Var<'t>]) -> Var<'t>;

/// `<u, Jv> = <Jᵀu, v>`, the gradient of `Σ u y` against central differences, and the gradient of `<Jᵀu, v>` against
/// differences of that product.
fn check(name: &'static str, f: Function, x: &[Tensor], rng: &mut StdRng) -> Checked {
    let mut random = |like: &Tensor| Tensor::from_fn(like.shape(), |_| rng.random_range(-1.0..1.0));
    let v: Vec<Tensor> = x.iter().map(&mut random).collect();
    let tape = Tape::new();
    let vars: Vec<Var<'_>> = x.iter().map(|x| tape.var(x.clone())).collect();
    let y = f(&vars);
    let u = random(&y.value());
    let dot = |a: &[Tensor], b: &[Tensor]| a.iter().zip(b).map(|(a, b)| (a * b).sum()).sum::<f64>();
    let gradients = |x: &[Tensor]| {
        let tape = Tape::new();
        let x: Vec<Var<'_>> = x.iter().map(|x| tape.var(x.clone())).collect();
        f(&x).vjp(u.clone()).wrt(x)
    };
    let value = |x: &[Tensor]| {
        let tape = Tape::new().inference();
        let x: Vec<Var<'_>> = x.iter().map(|x| tape.var(x.clone())).collect();
        (f(&x).value() * &u).sum()
    };
    let moved = |t: f64| -> Vec<Tensor> { x.iter().zip(&v).map(|(x, v)| x + &(v * t)).collect() };
    let h = 1e-5;
    let slope = dot(&gradients(x), &v);
    let forward = (y.jvp(vars.clone(), v.clone()) * &u).sum();
    // Second order: the recorded gradient, differentiated along v, against a difference of gradients along v.
    let recorded = y.grad(tape.constant(u.clone()), vars.clone());
    let curved = dot(&tape.jvp(recorded, vars, v.clone()), &v);
    let central = |f: &dyn Fn(f64) -> f64| (f(h) - f(-h)) / (2.0 * h);
    let apart = |a: f64, b: f64| (a - b).abs() / a.abs().max(b.abs()).max(1.0);
    Checked {
        name,
        adjoint: apart(slope, forward),
        difference: apart(slope, central(&|t| value(&moved(t)))),
        second: apart(curved, central(&|t| dot(&gradients(&moved(t)), &v))),
    }
}

fn main() -> ExitCode {
    cli::main(run)
}

fn run(args: Args) -> Result<(), Box<dyn StdError>> {
    let n = if args.fast { 3 } else { args.size };
    let mut rng = StdRng::seed_from_u64(args.seed);
    let mut vector = |low: f64, high: f64| Tensor::from_fn([n], |_| rng.random_range(low..high));
    let (wide, a, b) = (vector(-8.0, 8.0), vector(0.5, 3.0), vector(0.5, 3.0));

    println!(
        "One struct each, and the operation works on scalars and tensors, in both modes, to every order:\n"
    );
    let tape = Tape::new();
    let x = tape.scalar(2.0);
    let [first] = x.map(Bessel { n: 0 }).grad([x]);
    let [second] = first.grad([x]);
    println!("  J₀(2) = {:.12}", x.map(Bessel { n: 0 }).value());
    println!("  J₀'(2) = {:.12}, which is -J₁(2) = {:.12}", first.value(), -x.map(Bessel { n: 1 }).value());
    let bessel = |n: i32| x.map(Bessel { n }).value();
    println!(
        "  J₀''(2) = {:.12}, which is J₁(2)/2 - J₀(2) = {:.12}",
        second.value(),
        bessel(1) / 2.0 - bessel(0)
    );
    let rounded = straight_through(tape.constant(a.clone()));
    println!("  rounded, with gradient: {}\n", rounded.value());

    let checks = [
        check("bessel", |x| x[0].map(Bessel { n: 1 }), std::slice::from_ref(&wide), &mut rng),
        check("harmonic", |x| x[0].zip(x[1], Harmonic), &[a.clone(), b.clone()], &mut rng),
        check(
            "convolution",
            |x| x[0].tape().apply(Circular { correlate: false }, &[x[0], x[1]]),
            &[a.clone(), b.clone()],
            &mut rng,
        ),
        check(
            "correlation",
            |x| x[0].tape().apply(Circular { correlate: true }, &[x[0], x[1]]),
            &[a.clone(), b],
            &mut rng,
        ),
        check("quintic root", |x| quintic_root(x[0]), &[wide], &mut rng),
    ];
    println!("{:<14}{:>22}{:>22}{:>22}", "operation", "reverse = forward", "= differences", "second order");
    for Checked { name, adjoint, difference, second } in &checks {
        println!("{name:<14}{adjoint:>22.1e}{difference:>22.1e}{second:>22.1e}");
    }
    let straight = {
        let tape = Tape::new();
        let x = tape.var(a.clone());
        straight_through(x).vjp(Tensor::ones([n])).wrt(x)
    };
    println!(
        "\nThe straight-through estimator is not checked: it is meant to disagree with finite differences."
    );
    println!("Its gradient is {straight}.\n");
    let worst = |of: fn(&Checked) -> f64| checks.iter().map(of).fold(0.0, f64::max);
    let (adjoint, difference, second) = (worst(|c| c.adjoint), worst(|c| c.difference), worst(|c| c.second));
    if adjoint > 1e-12 || difference > 1e-8 || second > 1e-7 {
        return Err("an operation and its derivative disagree".into());
    }
    cli::result(&[
        ("operations", checks.len().to_string()),
        ("adjoint", format!("{adjoint:.1e}")),
        ("difference", format!("{difference:.1e}")),
        ("second_order", format!("{second:.1e}")),
    ]);
    Ok(())
}
