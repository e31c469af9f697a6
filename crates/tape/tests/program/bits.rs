//! A lane has the bits of the tape: value, gradient and second derivatives.

use crate::random::Function;
use tape::{Program, Scalar, Tape, Tensor};

/// The same number, or NaN in both: Rust leaves the bits of a NaN open.
fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

fn program(f: &Function) -> Program {
    Program::new(|p| {
        let x: Vec<Scalar<'_>> = (0..f.inputs).map(|k| p.input(&format!("x{k}"))).collect();
        f.apply(&x)
    })
}

/// Value, gradient and Hessian at a point, on a tape.
fn on_tape(f: &Function, point: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
    let tape = Tape::new();
    let x: Vec<Scalar<'_>> = point.iter().map(|&x| tape.scalar(x)).collect();
    let y = f.apply(&x);
    let gradient = y.backward().wrt(x.clone());
    let hessian = y.grad(x.clone()).into_iter().flat_map(|dy| dy.backward().wrt(x.clone())).collect();
    (y.value(), gradient, hessian)
}

#[test]
fn a_point_has_the_bits_of_the_tape() {
    for seed in 0..400 {
        let f = Function::new(seed, 2 + seed as usize % 40, false);
        let program = program(&f);
        let (gradient, hessian) = (program.gradient(), program.hessian());
        let points = f.points(seed, 6);
        for lane in 0..6 {
            let x: Vec<f64> = points.iter().map(|x| x[lane]).collect();
            let (value, slopes, curvatures) = on_tape(&f, &x);
            assert!(same(program.call(&x)[0], value), "seed {seed} at {x:?}: the value");
            for (found, expected) in [(gradient.call(&x), slopes), (hessian.call(&x), curvatures)] {
                assert!(
                    found.iter().zip(&expected).all(|(&a, &b)| same(a, b)),
                    "seed {seed} at {x:?}: expected {expected:?}, found {found:?}"
                );
            }
        }
    }
}

#[test]
fn every_lane_has_the_bits_of_a_point() {
    for (seed, lanes) in (0..60).zip([1, 2, 7, 256, 1000].into_iter().cycle()) {
        let f = Function::new(seed, 30, true);
        let function = program(&f);
        let points = f.points(seed, lanes);
        let tensors: Vec<Tensor> = points.iter().map(|x| Tensor::from(x.clone())).collect();
        let operands: Vec<&Tensor> = tensors.iter().collect();
        for (order, program) in [function.clone(), function.gradient(), function.hessian()].iter().enumerate()
        {
            let found = program.map_lanes(&operands).to_vec();
            let expected: Vec<f64> = (0..lanes)
                .flat_map(|lane| program.call(&points.iter().map(|x| x[lane]).collect::<Vec<f64>>()))
                .collect();
            assert_eq!(found.len(), expected.len());
            let differs = found.iter().zip(&expected).position(|(&a, &b)| !same(a, b));
            assert_eq!(differs, None, "seed {seed}, {lanes} lanes, order {order}");
        }
    }
}

/// Derivatives with decisions are those of the tape except for the order in which contributions are added: a choice is
/// a step of its own, which passes their sum on.
#[test]
fn decisions_differentiate_as_on_the_tape() {
    for seed in 0..200 {
        let f = Function::new(seed, 25, true);
        let gradient = program(&f).gradient();
        let points = f.points(seed, 4);
        for lane in 0..4 {
            let x: Vec<f64> = points.iter().map(|x| x[lane]).collect();
            let (_, expected, _) = on_tape(&f, &x);
            let found = gradient.call(&x);
            let size = expected.iter().fold(1e-300f64, |size, x| size.max(x.abs()));
            for (&a, &b) in found.iter().zip(&expected) {
                assert!(
                    same(a, b) || !size.is_finite() || (a - b).abs() <= 1e-11 * size,
                    "seed {seed} at {x:?}: expected {b}, found {a}"
                );
            }
        }
    }
}

#[test]
fn single_precision_has_the_bits_of_the_tape_too() {
    let program = Program::<f32>::of(|p| {
        let [x, y] = p.inputs(["x", "y"]);
        (x * y).sin() / (x.exp() + 1.0)
    });
    let gradient = program.gradient();
    for k in 0..50u8 {
        let (a, b) = (f32::from(k) * 0.13 - 2.0, 1.7 - f32::from(k) * 0.07);
        let tape = Tape::single();
        let (x, y) = (tape.scalar(a), tape.scalar(b));
        let z = (x * y).sin() / (x.exp() + 1.0);
        assert_eq!(program.call(&[a, b])[0].to_bits(), z.value().to_bits());
        let expected = z.backward().wrt([x, y]).map(f32::to_bits);
        assert_eq!(gradient.call(&[a, b]).into_iter().map(f32::to_bits).collect::<Vec<_>>(), expected);
    }
}

/// The logarithm of a mixture of two normal densities in the plane, at a point: sums over shared parameters, and a choice.
fn mixture<'t>(p: &[Scalar<'t>], x: [Scalar<'t>; 2]) -> Scalar<'t> {
    let term = |p: &[Scalar<'t>]| {
        let (u, v) = ((x[0] - p[1]) * p[3].exp(), (x[1] - p[2]) * p[4].exp() + (x[0] - p[1]) * p[5]);
        p[0] + p[3] + p[4] - (u * u + v * v) * 0.5
    };
    let (a, b) = (term(&p[..6]), term(&p[6..]));
    let max = a.if_gt(b, a, b);
    ((a - max).exp() + (b - max).exp()).ln() + max
}

#[test]
fn the_hessian_of_a_mixture_is_that_of_the_tape() {
    let program = Program::new(|p| {
        let parameters = p.group("parameters", 12);
        mixture(&parameters, p.inputs(["x", "y"]))
    });
    let hessian = program.wrt(&["parameters"]).hessian();
    for seed in 0..20 {
        let number = |k: usize| (1.7 * k as f64 + seed as f64).sin();
        let point: Vec<f64> = (0..14).map(number).collect();
        let tape = Tape::new();
        let p: Vec<Scalar<'_>> = point[..12].iter().map(|&p| tape.scalar(p)).collect();
        let y = mixture(&p, [12, 13].map(|k| tape.scalar_constant(point[k])));
        let rows = y.grad(p.clone()).into_iter().map(|slope| slope.backward().wrt(p.clone()));
        let expected: Vec<f64> = rows.flatten().collect();
        let largest = expected.iter().fold(0f64, |max, x| max.max(x.abs()));
        for (k, (found, expected)) in hessian.call(&point).into_iter().zip(expected).enumerate() {
            let error = (found - expected).abs();
            assert!(error <= 1e-13 * largest, "seed {seed}, entry {k}: {found}, on the tape {expected}");
        }
    }
}
