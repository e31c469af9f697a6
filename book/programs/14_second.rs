use tape::{Scalar, Tape};

/// A curved valley with two bottoms.
fn f<'t>([x, y]: [Scalar<'t>; 2]) -> Scalar<'t> {
    x.powi(4) - 2.0 * x.powi(2) + 0.3 * x + 5.0 * (y - x * x).powi(2)
}

/// The value, the gradient, and the Hessian as its products with unit vectors.
fn derivatives(p: [f64; 2]) -> (f64, [f64; 2], [[f64; 2]; 2]) {
    let tape = Tape::new();
    let x = p.map(|p| tape.scalar(p));
    let value = f(x);
    let g = value.grad(x); // the gradient as recorded scalars
    let hvp = |v: [f64; 2]| (g[0] * v[0] + g[1] * v[1]).backward().wrt(x);
    (value.value(), g.map(|g| g.value()), [hvp([1.0, 0.0]), hvp([0.0, 1.0])])
}

fn smaller_eigenvalue([a, b]: [[f64; 2]; 2]) -> f64 {
    (a[0] + b[1]) / 2.0 - ((a[0] - b[1]) / 2.0).hypot(a[1])
}

fn main() {
    let start = [1.5, 1.0];
    println!("method    steps        x        y     value  gradient  smaller curvature");
    for newton in [true, false] {
        let name = if newton { "Newton" } else { "gradient" };
        let mut p = start;
        for step in 0..=if newton { 6 } else { 600 } {
            let (value, g, h) = derivatives(p);
            if newton || step % 100 == 0 {
                let (length, least) = (g[0].hypot(g[1]), smaller_eigenvalue(h));
                print!("{name:<8}  {step:>5}  {:>7.4}  {:>7.4}  ", p[0], p[1]);
                println!("{value:>8.4}  {length:>8.1e}  {least:>6.2}");
            }
            let det = h[0][0] * h[1][1] - h[0][1] * h[1][0];
            let solved = |k: usize| (h[1 - k][1 - k] * g[k] - h[0][1] * g[1 - k]) / det;
            p = [0, 1].map(|k| p[k] - if newton { solved(k) } else { 0.02 * g[k] });
        }
    }
}
