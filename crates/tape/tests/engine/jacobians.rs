//! Jacobians, dense and sparse, by sweeps, programs and dual numbers: all of the same random functions.

use tape::transform::{grad, grad_and_hvp, hessian, hessian_diagonal, hvp, jacobian, sparse_jacobian};
use tape::{Algebra, Dual, Elementwise, Error, Program, Scalar, Tape, Tensor};

/// Numbers from a seed.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }

    fn number(&mut self) -> f64 {
        self.below(4001) as f64 / 1000.0 - 2.0
    }
}

/// Some operations on what exists already, mostly on what is recent, so that results depend on some of the inputs. Results are
/// any of the values: inputs, constants, and one twice.
fn random<A: Algebra>(seed: u64, x: &[A], results: usize) -> Vec<A> {
    let mut draw = Draw(seed);
    let mut values = x.to_vec();
    values.push(x[0].lift(0.75));
    for _ in 0..12 {
        let (a, b) = (values[draw.below(values.len())], values[draw.below(values.len())]);
        values.push(match draw.below(9) {
            0 => a + b,
            1 => a - b,
            2 | 3 => a * b,
            4 => a.sin(),
            5 => (-(a * a)).exp(),
            6 => a / (b * b + b.lift(1.0)),
            7 => a.mul_add(b, a),
            _ => a.if_gt(b, a * b, a + b.lift(0.5)),
        });
    }
    let mut found: Vec<A> = (0..results).map(|_| values[draw.below(values.len())]).collect();
    found.push(found[0]);
    found
}

/// Their sum.
fn total<A: Algebra>(seed: u64, x: &[A], results: usize) -> A {
    random(seed, x, results).into_iter().reduce(|sum, y| sum + y).unwrap_or(x[0])
}

const INPUTS: usize = 5;

fn point(seed: u64) -> [f64; INPUTS] {
    let mut draw = Draw(seed ^ 0x5555);
    std::array::from_fn(|_| draw.number())
}

/// The Jacobian by sweeps over all rows or columns.
fn dense(seed: u64, results: usize) -> Vec<f64> {
    jacobian(|x: &[Scalar]| x[0].tape().vector(&random(seed, x, results)), point(seed).to_vec()).to_vec()
}

fn assert_close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        assert!((x - y).abs() <= 1e-12 * y.abs().max(1.0), "{what}, entry {i}: found {x}, expected {y}");
    }
}

/// Few results and many: `jacobian` then uses the one mode or the other.
fn each_case(mut check: impl FnMut(u64, usize)) {
    for seed in 0..200 {
        check(seed, if seed % 2 == 0 { 2 } else { 8 });
    }
}

#[test]
fn sparse_rows_are_those_of_the_jacobian() {
    let mut zeros = 0;
    each_case(|seed, results| {
        let rows = sparse_jacobian(|x: &[Scalar]| random(seed, x, results), point(seed).to_vec());
        assert_eq!((rows.starts.len(), rows.columns.len()), (results + 2, rows.values.len()));
        let mut found = vec![0.0; (results + 1) * INPUTS];
        for row in 0..=results {
            let entries = rows.starts[row]..rows.starts[row + 1];
            assert!(rows.columns[entries.clone()].is_sorted_by(|a, b| a < b), "columns ascend");
            entries.for_each(|at| found[row * INPUTS + rows.columns[at]] = rows.values[at]);
        }
        zeros += found.len() - rows.values.len();
        assert_close(&found, &dense(seed, results), &format!("seed {seed}"));
    });
    assert!(zeros > 100, "the functions are sparse");
}

/// An argument that is not reached is no entry; one that cancels is.
#[test]
fn a_pattern_is_that_of_the_recording() {
    let rows =
        sparse_jacobian(|x: &[Scalar]| vec![x[0] - x[0], x[1] * 0.0, x[2].number_beside(7.0)], vec![1.0; 3]);
    assert_eq!((rows.starts, rows.columns, rows.values), (vec![0, 1, 2, 2], vec![0, 1], vec![0.0, 0.0]));
}

/// A constant on the tape of a scalar.
trait Beside: Copy {
    fn number_beside(self, c: f64) -> Self;
}

impl Beside for Scalar<'_> {
    fn number_beside(self, c: f64) -> Self {
        self.tape().scalar_constant(c)
    }
}

#[test]
#[should_panic(expected = "expected a function of scalars, found one that computes with tensors")]
fn tensors_have_no_sparse_rows() {
    sparse_jacobian(|x: &[Scalar]| vec![x[0].tape().vector(x).sum()], vec![1.0, 2.0]);
}

/// A chain of a hundred thousand rows: each of them visits its own nodes, not all before it.
#[test]
fn many_rows_of_few_entries() {
    let n = 100_000;
    let x: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let rows = sparse_jacobian(|x: &[Scalar]| x.windows(2).map(|x| x[0] * x[1]).collect(), x);
    assert_eq!(rows.values.len(), 2 * (n - 1));
    assert_eq!(rows.columns[2 * 777..][..2], [777, 778]);
    assert_eq!(rows.values[2 * 777..][..2], [778.0, 777.0]);
}

/// The function as a program with inputs in two groups.
fn program(seed: u64, results: usize) -> Program {
    Program::several(|p| {
        let x = [p.group("a", 2), p.group("b", INPUTS - 2)].concat();
        random(seed, &x, results)
    })
}

#[test]
fn jacobians_of_programs() {
    each_case(|seed, results| {
        let (program, expected) = (program(seed, results), dense(seed, results));
        assert_close(&program.jacobian().call(&point(seed)), &expected, &format!("seed {seed}"));
        let of_b = program.wrt(&["b"]).jacobian().call(&point(seed));
        let columns: Vec<f64> = expected.chunks(INPUTS).flat_map(|row| row[2..].to_vec()).collect();
        assert_close(&of_b, &columns, &format!("with respect to b, seed {seed}"));
        let sparse = program.sparse_jacobian();
        let values = sparse.values.call(&point(seed));
        let mut found = vec![0.0; expected.len()];
        for row in 0..=results {
            for at in sparse.starts[row]..sparse.starts[row + 1] {
                found[row * INPUTS + sparse.columns[at]] = values[at];
            }
        }
        assert_close(&found, &expected, &format!("sparse, seed {seed}"));
        let of_b = program.wrt(&["b"]).sparse_jacobian();
        let kept = |&&column: &&usize| column >= 2;
        let columns: Vec<usize> = sparse.columns.iter().filter(kept).map(|column| column - 2).collect();
        assert_eq!(of_b.columns, columns, "columns of b");
    });
}

#[test]
fn diagonals_of_hessians() {
    for seed in 0..50 {
        let x = point(seed).to_vec();
        let matrix = hessian(|x: &[Scalar]| total(seed, x, 6), x.clone()).to_vec();
        let diagonal: Vec<f64> = (0..INPUTS).map(|i| matrix[i * INPUTS + i]).collect();
        let found = hessian_diagonal(|x: &[Scalar]| total(seed, x, 6), x.clone());
        assert_close(&found, &diagonal, &format!("seed {seed}"));
        let program = Program::new(|p| total(seed, &p.group("x", INPUTS), 6));
        assert_close(&program.hessian_diagonal().call(&x), &diagonal, &format!("program, seed {seed}"));
        let v: Vec<f64> = point(seed + 1000).to_vec();
        let found = grad_and_hvp(|x: &[Scalar]| total(seed, x, 6), x.clone(), v.clone());
        let slope = grad(|x: &[Scalar]| total(seed, x, 6), x.clone());
        assert_eq!(found, (slope, hvp(|x: &[Scalar]| total(seed, x, 6), x, v)), "seed {seed}");
    }
}

#[test]
fn a_gradient_and_a_product_of_tensors() {
    let x = Tensor::from([[1.0, 2.0], [3.0, -1.0]]);
    let (slope, product) = grad_and_hvp(|a, x| x.powi(3).sum() * a, (2.0, x.clone()), (0.0, x.ones_like()));
    assert_eq!(slope, (1.0 + 8.0 + 27.0 - 1.0, &x.clone().powi(2) * 6.0));
    assert_eq!(product, (slope.1.sum() / 2.0, &x * 12.0));
}

#[test]
fn evaluators_have_the_bits_of_calls() {
    each_case(|seed, results| {
        let program = program(seed, results);
        let jacobian = program.jacobian();
        let (mut values, mut slopes) = (program.evaluator(), jacobian.evaluator());
        for other in [seed, seed + 1, seed + 2] {
            let x = point(other);
            let bits = |x: &[f64]| x.iter().map(|x| x.to_bits()).collect::<Vec<u64>>();
            assert_eq!(bits(values.call(&x)), bits(&program.call(&x)));
            assert_eq!(bits(slopes.call(&x)), bits(&jacobian.call(&x)));
        }
    });
}

#[test]
fn evaluators_check_their_arguments() {
    let mut sum = Program::new(|p| p.input("a") + p.input("b")).evaluator();
    assert_eq!(sum.value(&[1.0, 2.0]), 3.0);
    let error = sum.try_call(&[1.0]).expect_err("one number is missing");
    assert_eq!(error.to_string(), "program: expected 2 numbers, found 1");
    assert!(matches!(error, Error::Invalid { .. }));
    // An input that no output depends on, and an output that depends on none.
    let mut still = Program::several(|p| vec![p.constant(2.0), p.inputs(["a", "b"])[1]]).evaluator();
    assert_eq!(still.call(&[5.0, 7.0]), [2.0, 7.0]);
}

#[test]
#[should_panic(expected = "expected a program with one output, found 2")]
fn an_evaluator_of_several_outputs_has_no_value() {
    Program::several(|p| vec![p.constant(2.0), p.input("x")]).evaluator().value(&[1.0]);
}

#[test]
fn tangents_of_dual_numbers_are_the_jacobian() {
    each_case(|seed, results| {
        let at = Dual::variables(point(seed));
        let found: Vec<f64> = random(seed, &at, results).iter().flat_map(|y| y.tangents()).collect();
        assert_close(&found, &dense(seed, results), &format!("seed {seed}"));
        let values: Vec<f64> = random(seed, &at, results).iter().map(|y| y.value()).collect();
        assert_eq!(values, random(seed, &point(seed), results));
    });
}

/// The second derivatives in all four combinations of modes.
#[test]
fn dual_numbers_nest() {
    for seed in 0..50 {
        let expected = hessian(|x: &[Scalar]| total(seed, x, 4), point(seed).to_vec()).to_vec();
        // Forward over forward.
        let inner = Dual::<f64, INPUTS>::variables(point(seed));
        let outer = Dual::<_, INPUTS>::variables(inner);
        let y = total(seed, &outer, 4);
        let found: Vec<f64> = y.tangents().iter().flat_map(|slope| slope.tangents()).collect();
        assert_close(&found, &expected, &format!("forward over forward, seed {seed}"));
        // Reverse over forward: the tangents are recorded.
        let tape = Tape::new();
        let x = point(seed).map(|x| tape.scalar(x));
        let slopes = total(seed, &Dual::<_, INPUTS>::variables(x), 4).tangents();
        let found: Vec<f64> = slopes.iter().flat_map(|slope| slope.backward().wrt(x)).collect();
        assert_close(&found, &expected, &format!("reverse over forward, seed {seed}"));
        // In a program.
        let program = Program::several(|p| {
            let x: [Scalar; INPUTS] = std::array::from_fn(|k| p.input(&format!("x{k}")));
            total(seed, &Dual::<_, INPUTS>::variables(x), 4).tangents().to_vec()
        });
        assert_close(&program.jacobian().call(&point(seed)), &expected, &format!("program, seed {seed}"));
    }
}

/// Every elementwise function, by the tangent of a dual number and by a reverse sweep: the same number.
macro_rules! functions {
    (unary $($unary:expr),* ; binary $($binary:expr),*) => {
        #[test]
        fn every_function_of_a_dual_number() {
            use tape::ops::*;
            let tape = Tape::new();
            $(for at in [0.3, 0.7] {
                let x = tape.scalar(at);
                let [dual] = Dual::variables([at]);
                let (y, dy) = (x.map($unary), tape::Arithmetic::map(dual, $unary));
                assert_eq!(dy.value(), y.value(), "{:?}", $unary);
                assert_eq!(dy.tangents(), [y.backward().wrt(x)], "{:?}", $unary);
                // The second derivative.
                let [nested] = Dual::<_, 1>::variables([Dual::<_, 1>::variables([at])[0]]);
                let [second] = tape::Arithmetic::map(nested, $unary).tangents()[0].tangents();
                let expected = y.grad(x).backward().wrt(x);
                assert!((second - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{:?}", $unary);
            })*
            $(for at in [[0.3, 1.7], [0.9, 0.4]] {
                let x = at.map(|x| tape.scalar(x));
                let dual = Dual::variables(at);
                let (y, dy) = (x[0].zip(x[1], $binary), tape::Arithmetic::zip(dual[0], dual[1], $binary));
                assert_eq!(dy.value().to_bits(), y.value().to_bits(), "{:?}", $binary);
                assert_eq!(dy.tangents(), y.backward().wrt(x), "{:?}", $binary);
            })*
        }
    };
}

functions! {
    unary Abs, Ceil, Cube, Floor, Neg, Recip, Round, Sign, Square, Trunc, Powi { n: 3 }, Powf { p: 1.5 },
        Acos, Asin, Asinh, Atan, Atanh, Cbrt, Cos, Cosh, Digamma, Erf, Erfc, Erfinv, Exp, Exp2, Expm1, I0, I1,
        Lgamma, Ln, Log10, Log1p, Log2, Logit, Rsqrt, Sin, Sinc, Sinh, Sqrt, Tan, Tanh, Relu, Sigmoid, Softplus;
    binary Add, Sub, Mul, Div, Atan2, BetaLn, Fmod, Hypot, LogAddExp, Maximum, Minimum, Pow, Remainder, XLog1pY, XLogY
}

/// An infinite slope against a tangent that is zero, and in a direction that a number does not take.
#[test]
fn a_zero_tangent_stays_zero() {
    let still = Dual::new(0.0, [0.0, 1.0]);
    assert_eq!(Elementwise::sqrt(still).tangents(), [0.0, f64::INFINITY]);
    let constant = Dual::<f64, 2>::constant(0.0);
    assert_eq!(Elementwise::sqrt(constant).tangents(), [0.0, 0.0]);
}

#[test]
fn dual_numbers_compare_by_value() {
    let [x, y] = Dual::variables([1.0, 2.0]);
    assert!(x < y && x != y && x == Dual::constant(1.0));
    assert_eq!((-x).tangents(), [-1.0, 0.0]);
    let chosen = tape::Arithmetic::if_gt(x, y, x, y * y);
    assert_eq!((chosen.value(), chosen.tangents()), (4.0, [0.0, 4.0]));
    let equal = tape::Arithmetic::if_eq(x, x, x + y, y);
    assert_eq!((equal.value(), equal.tangents()), (3.0, [1.0, 1.0]));
}
