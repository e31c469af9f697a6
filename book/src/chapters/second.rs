//! Chapter 14: second derivatives.

use super::{Chapter, table};
use crate::{Exercise, Mistake};
use nn_plot::Landscape;
use tape::transform::{hvp, value_and_grad};
use tape::{Scalar, Tape};

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 14,
    page: "14-second-derivatives",
    program: program!("14_second.rs"),
    broken: program!("14_broken.rs"),
    tables,
    figures,
    exercises,
};

/// The curved valley of the program.
fn valley([x, y]: [Scalar<'_>; 2]) -> Scalar<'_> {
    x.powi(4) - 2.0 * x.powi(2) + 0.3 * x + 5.0 * (y - x * x).powi(2)
}

/// The value at a point, without a gradient.
fn height(x: f64, y: f64) -> f64 {
    let tape = Tape::new();
    valley([x, y].map(|p| tape.scalar_constant(p))).value()
}

fn gradient(p: [f64; 2]) -> [f64; 2] {
    value_and_grad(valley, p).1
}

fn dot(a: [f64; 2], b: [f64; 2]) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

/// The Hessian-vector product by recording the gradient and by a difference of two gradients; the parabola along the
/// negative gradient; what each order costs.
fn tables() -> Vec<(&'static str, String)> {
    vec![("products", products()), ("parabola", parabola()), ("costs", costs())]
}

fn products() -> String {
    let p = [1.5, 1.0];
    let row = |(name, v): (&str, [f64; 2])| {
        let exact = hvp(valley, p, v);
        let h = 1e-5;
        let at = |h: f64| gradient([p[0] + h * v[0], p[1] + h * v[1]]);
        let (right, left) = (at(h), at(-h));
        // Adding zero turns -0 into 0.
        let difference = [0, 1].map(|k| ((right[k] - left[k]) / (2.0 * h) * 1e5).round() / 1e5 + 0.0);
        [
            name.to_string(),
            format!("{}, {}", exact[0], exact[1]),
            format!("{:.5}, {:.5}", difference[0], difference[1]),
            format!("{}", dot(v, exact) / dot(v, v)),
        ]
    };
    let rows =
        [("(1, 0)", [1.0, 0.0]), ("(0, 1)", [0.0, 1.0]), ("(1, 3), along the valley", [1.0, 3.0])].map(row);
    table(["direction v", "H v", "difference of two gradients", "curvature vᵀ·H·v / vᵀ·v"], rows)
}

fn parabola() -> String {
    let p = [1.5, 1.0];
    let (value, g) = value_and_grad(valley, p);
    let curvature = dot(g, hvp(valley, p, g));
    let best = dot(g, g) / curvature;
    let row = |(name, share): (&str, f64)| {
        let step = share * best;
        let straight = value - step * dot(g, g);
        [
            name.to_string(),
            format!("{step:.4}"),
            format!("{:.2}", height(p[0] - step * g[0], p[1] - step * g[1])),
            format!("{:.2}", straight + 0.5 * step * step * curvature),
            format!("{straight:.2}"),
        ]
    };
    let rows =
        [("none", 0.0), ("a tenth of the best", 0.1), ("half", 0.5), ("the best", 1.0), ("twice", 2.0)];
    table(["step", "η", "f", "parabola", "tangent"], rows.map(row))
}

/// The scalar operations recorded for Rosenbrock's function of `n` inputs, its gradient, and one product with its Hessian.
fn operations(n: usize) -> [usize; 3] {
    let tape = Tape::new();
    let x: Vec<Scalar> = (0..n).map(|k| tape.scalar(0.5 + k as f64 / 64.0)).collect();
    let begin = tape.len();
    let terms = x.windows(2).map(|x| (1.0 - x[0]).powi(2) + 100.0 * (x[1] - x[0].powi(2)).powi(2));
    let value = terms.reduce(|a, b| a + b).unwrap_or(x[0]);
    let after_value = tape.len();
    let g = value.grad(x.clone());
    let after_gradient = tape.len();
    let along = g.iter().zip(1..).map(|(&g, k)| g * f64::from(k)).reduce(|a, b| a + b).unwrap_or(value);
    let _product = along.grad(x);
    [after_value - begin, after_gradient - after_value, tape.len() - after_gradient]
}

fn costs() -> String {
    let row = |n: usize| {
        let [value, gradient, product] = operations(n);
        [
            n.to_string(),
            value.to_string(),
            gradient.to_string(),
            product.to_string(),
            format!("{:.2}", product as f64 / (value + gradient) as f64),
            (n * product).to_string(),
        ]
    };
    let head = ["inputs", "f", "∇f", "H v, after them", "H v / (f and ∇f)", "all of H"];
    table(head, [2, 8, 32, 128].map(row))
}

/// The path of Newton's method or of descent by the gradient.
fn path(start: [f64; 2], newton: bool) -> Vec<(f64, f64)> {
    let mut p = start;
    let mut path = vec![(p[0], p[1])];
    for _ in 0..if newton { 6 } else { 120 } {
        let g = gradient(p);
        let [a, b] = [[1.0, 0.0], [0.0, 1.0]].map(|v| hvp(valley, p, v));
        let det = a[0] * b[1] - a[1] * b[0];
        let solved = [(b[1] * g[0] - a[1] * g[1]) / det, (a[0] * g[1] - a[1] * g[0]) / det];
        p = [0, 1].map(|k| p[k] - if newton { solved[k] } else { 0.02 * g[k] });
        path.push((p[0], p[1]));
    }
    // Later points would cover one another.
    path.into_iter().enumerate().filter(|(k, _)| *k < 4 || k % 6 == 0).map(|(_, point)| point).collect()
}

fn figures() -> Vec<(&'static str, String)> {
    let picture =
        Landscape::new("Newton steps and gradient steps in a valley with two bottoms", -1.6..1.7, -0.4..2.2)
            .x_label("x")
            .y_label("y")
            .height(height, &[-1.2, -0.9, -0.6, -0.3, 0.0, 1.0, 4.0, 10.0])
            .path("Newton from (1.5, 1)", path([1.5, 1.0], true))
            .path("gradient from (1.5, 1)", path([1.5, 1.0], false))
            .path("Newton from (0.2, 0.1)", path([0.2, 0.1], true))
            .path("gradient from (0.2, 0.1)", path([0.2, 0.1], false));
    vec![("14-newton.svg", picture.svg().unwrap_or_default())]
}

fn exercises() -> Vec<Exercise> {
    // f = x² y³ at (2, 1).
    let (x, y) = (2.0f64, 1.0f64);
    let (xx, xy, yy) = (2.0 * y.powi(3), 6.0 * x * y * y, 6.0 * x * x * y);
    // Newton on x⁴ from 3.
    let start = 3.0f64;
    let (slope, bend) = (4.0 * start.powi(3), 12.0 * start.powi(2));
    let largest = 500.0;
    vec![
        Exercise {
            number: "14.1",
            right: vec![[xx + xy, xy + yy].into()],
            mistakes: vec![
                Mistake::new([xx, yy], "these are ∂²f/∂x² and ∂²f/∂y²; the mixed derivatives are missing"),
                Mistake::new([xx, xy], "this is H·(1, 0), the first column only"),
                Mistake::new([2.0 * x * y.powi(3), 3.0 * x * x * y * y], "this is the gradient"),
            ],
            hint: "take the gradient (2xy³, 3x²y²), add its two entries, and differentiate the sum by x and by y",
        },
        Exercise {
            number: "14.2",
            right: vec![(start - slope / bend).into()],
            mistakes: vec![
                Mistake::new(0.0, "Newton's method is exact in one step only where f is a parabola"),
                Mistake::new(
                    start - slope,
                    "this is a gradient step; divide the slope by the second derivative",
                ),
                Mistake::new(slope / bend, "this is how far it goes; subtract it from the start"),
            ],
            hint: "f' = 4x³ and f'' = 12x², and the step is -f'/f''",
        },
        Exercise {
            number: "14.3",
            right: vec![(2.0 / largest).into()],
            mistakes: vec![
                Mistake::new(
                    1.0 / largest,
                    "this step goes straight to the bottom of the parabola; one twice as long still returns to the same height",
                ),
                Mistake::new(
                    2.0 / 5.0,
                    "the smallest curvature says how slow the descent is; the largest says when it diverges",
                ),
            ],
            hint: "along a direction of curvature c each step multiplies the distance by 1 - ηc",
        },
    ]
}
