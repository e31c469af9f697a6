//! Linear algebra against numbers that this project did not compute (`tests/reference/README.md`), at singular
//! matrices, and what it refuses.

use tape::{Scalar, Tape, Tensor, Var, ops};
use tests::reference::{Case, at_least_three, run};

/// Relative agreement of products.
const RELATIVE: f64 = 1e-12;

/// Relative agreement of factorisations, which divide by differences.
const FACTORED: f64 = 1e-10;

fn agreement(case: &Case) -> f64 {
    match case.op.as_str() {
        "dot" | "outer" | "matmul" | "einsum" | "cross" => RELATIVE,
        _ => FACTORED,
    }
}

fn apply<'t>(case: &Case, x: &[Var<'t>]) -> Option<Var<'t>> {
    let a = x[0];
    let b = || x[1];
    Some(match case.op.as_str() {
        "dot" => a.dot(b()).to_var(),
        "outer" => a.outer(b()),
        "matmul" => a.matmul(b()),
        "einsum" => a.tape().einsum(case.attrs["spec"].as_str().expect("a specification"), x),
        "cross" => a.cross(b(), case.int("axis")),
        "cholesky" => a.cholesky(),
        "triangular_solve" => {
            a.triangular_solve(b(), case.flag("lower"), case.flag("transpose"), case.flag("unit_diagonal"))
        }
        "solve" => a.solve(b()),
        "inverse" => a.inverse(),
        "det" => a.det(),
        "logdet" => a.logdet(),
        "slogdet" if case.int("output") == 0 => a.slogdet().0,
        "slogdet" => a.slogdet().1,
        op => panic!("no operation is called {op}"),
    })
}

fn factors<'t>(case: &Case, x: &[Var<'t>]) -> Option<Var<'t>> {
    let a = x[0];
    let b = || x[1];
    let output = || case.int("output");
    Some(match case.op.as_str() {
        "qr" if output() == 0 => a.qr().0,
        "qr" => a.qr().1,
        "eigh" if output() == 0 => a.eigh().0,
        "eigh" => a.eigh().1,
        "eigvalsh" => a.eigvalsh(),
        "svd" => {
            let (u, s, vt) = a.svd();
            [u, s, vt][output() as usize]
        }
        "svdvals" => a.svdvals(),
        "pinv" => a.pinv(),
        "lstsq" => a.lstsq(b()),
        "matrix_exp" => a.matrix_exp(),
        "matrix_power" => a.matrix_power(case.int("n") as i32),
        "kron" => a.kron(b()),
        "tensordot" => a.tensordot(b(), &case.ints("axes")[..], &case.ints("rhs_axes")[..]),
        "cdist" => a.cdist(b(), case.get("p")),
        "triangular_solve_right" => a.triangular_solve_right(
            b(),
            case.flag("lower"),
            case.flag("transpose"),
            case.flag("unit_diagonal"),
        ),
        "cholesky_solve" => a.cholesky_solve(b()),
        "diagonals" => a.diagonal(),
        "rfft" => a.rfft(case.int("axis")),
        "irfft" => a.irfft(case.int("n") as usize, case.int("axis")),
        op => panic!("no operation is called {op}"),
    })
}

#[test]
fn factorisations_agree() {
    at_least_three(&run("factorisations.json", |_| FACTORED, factors), 17);
}

#[test]
fn linear_algebra_agrees() {
    at_least_three(&run("linalg.json", agreement, apply), 12);
}

#[test]
fn the_gradient_of_a_determinant_exists_at_singular_matrices() {
    let tape = Tape::new();
    let rank_two = tape.var([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]);
    let y = rank_two.det();
    assert!(y.value().item().abs() < 1e-14);
    let cofactors = Tensor::from([[-3.0, 6.0, -3.0], [6.0, -12.0, 6.0], [-3.0, 6.0, -3.0]]);
    let found = y.vjp(1.0).wrt(rank_two);
    assert!((&found - &cofactors).to_vec().iter().all(|gap| gap.abs() < 1e-13), "{found:?}");
    let zero = tape.var(Tensor::zeros([3, 3]));
    assert_eq!(zero.det().vjp(1.0).wrt(zero), Tensor::zeros([3, 3]));
}

/// Orders beyond those of the reference numbers, where loops take several steps at a time.
#[test]
fn factors_of_larger_matrices_multiply_back() {
    for n in [1, 7, 8, 9, 16, 23, 40] {
        let x = Tensor::from_fn([2, n, n], |at| ((at[0] * 5 + at[1] * 7 + at[2] * 11) as f64 * 0.37).sin());
        let (eye, a) = (Tensor::eye(n), x.matmul(&x.transpose()) + Tensor::eye(n) * n as f64);
        let near = |what: &str, found: &Tensor, expected: &Tensor| {
            let gap = (found - expected).to_vec().iter().fold(0.0f64, |gap, x| gap.max(x.abs()));
            assert!(gap < 1e-11, "{what} of order {n}: off by {gap:e}");
        };
        let l = a.cholesky();
        near("factor", &(l.matmul(&l.transpose()) / n as f64), &(&a / n as f64));
        let general = x + Tensor::eye(n) * 3.0;
        near("inverse", &general.inverse().matmul(&general), &eye);
        near("solution", &general.matmul(&general.solve(&a)), &a);
        let diagonal: Vec<f64> =
            (0..2).map(|k| (0..n).map(|i| l.get([k, i, i]).unwrap().ln()).sum()).collect();
        near("logarithm", &(a.logdet() / 2.0), &Tensor::from(diagonal));
        let (sign, log) = general.slogdet();
        near("determinant", &(general.det() / (sign * log.exp())), &Tensor::ones([2]));

        let tape = Tape::new();
        let v = tape.var(general.clone());
        let y = v.det();
        let cofactors = y.vjp(Tensor::ones([2]) / y.value()).wrt(v);
        near("cofactors", &cofactors.transpose(), &general.inverse());
    }
}

fn by_factor<'t>(a: Var<'t>, x: Var<'t>) -> Scalar<'t> {
    let l = a.cholesky();
    let white = l.triangular_solve(x, true, false, false);
    let diagonal = l.tape().einsum("ii->i", &[l]);
    white.square().sum() * 0.5 + diagonal.ln().sum()
}

fn by_solution<'t>(a: Var<'t>, x: Var<'t>) -> Scalar<'t> {
    a.solve(x).dot(x) * 0.5 + a.slogdet().1.sum() * 0.5
}

/// `½ xᵀ A⁻¹ x + ½ ln det A` twice: by a Cholesky factor, and by a solution and a determinant.
#[test]
fn two_ways_to_the_same_likelihood_have_the_same_gradients() {
    let a = [[4.0, 1.0, 0.5], [1.0, 3.0, -0.25], [0.5, -0.25, 2.0]];
    let derivatives = |f: &dyn for<'t> Fn(Var<'t>, Var<'t>) -> Scalar<'t>| {
        let tape = Tape::new();
        let (a, x) = (tape.var(a), tape.var([1.0, -2.0, 0.5]));
        let y = f(a, x);
        let [da, dx] = y.grad([a, x]);
        let [sa, sx] = (da.square().sum() + dx.square().sum()).backward().wrt([a, x]);
        // The gradient of the factor is symmetric, that of the inverse is for a symmetric matrix.
        let symmetric = |x: Tensor| (&x + &x.transpose()) * 0.5;
        [Tensor::scalar(y.value()), da.value(), dx.value(), symmetric(sa), sx]
    };
    for (found, expected) in derivatives(&by_factor).iter().zip(&derivatives(&by_solution)) {
        let gap = (found - expected).to_vec().iter().fold(0.0f64, |gap, x| gap.max(x.abs()));
        assert!(gap < 1e-12, "{found:?} and {expected:?}");
    }
}

#[test]
fn matrices_without_a_factorisation_are_refused_by_name() {
    let tape = Tape::new();
    let singular = tape.var([[1.0, 2.0], [2.0, 4.0]]);
    let b = tape.var([1.0, 1.0]);
    let lower = ops::TriangularSolve { lower: true, transpose: false, unit_diagonal: false };
    let refused = [
        (
            tape.try_apply(ops::Cholesky, &[singular]),
            "cholesky: the matrix is not positive definite: pivot 1 is 0",
        ),
        (tape.try_apply(ops::Solve, &[singular, b]), "solve: the matrix is singular: pivot 1 is 0"),
        (tape.try_apply(ops::Inverse, &[singular]), "inverse: the matrix is singular: pivot 1 is 0"),
        (
            tape.try_apply(ops::LogDet, &[singular]),
            "logdet: expected a positive determinant, found one of sign 0",
        ),
        (
            tape.try_apply(lower, &[singular * 0.0, b]),
            "triangular_solve: the matrix is singular: 0 on its diagonal, at 0",
        ),
        (tape.try_apply(ops::Det, &[b]), "det: expected square matrices, found shape [2]"),
        (tape.try_apply(ops::MatMul, &[b, tape.var(1.0)]), "matmul: expected rank 1 or more, found shape []"),
        (
            tape.try_apply(ops::MatMul, &[b, tape.var([1.0, 2.0, 3.0])]),
            "matmul: inner dimensions differ: [2] · [3]",
        ),
        (
            tape.try_apply(ops::Solve, &[singular, tape.var([1.0, 2.0, 3.0])]),
            "solve: inner dimensions differ: [2, 2] · [3]",
        ),
        (
            tape.try_apply(ops::Cross { axis: 0 }, &[b, b]),
            "cross: expected three coordinates, found shape [2]",
        ),
    ];
    for (found, expected) in refused {
        assert_eq!(found.map(|y| y.shape()).unwrap_err().to_string(), expected);
    }
    let (sign, log) = singular.slogdet();
    assert_eq!((sign.value().item(), log.value().item()), (0.0, f64::NEG_INFINITY));
}

#[test]
fn sums_of_products_are_refused_in_words() {
    let tape = Tape::new();
    let (a, b) = (tape.var([[1.0, 2.0], [3.0, 4.0]]), tape.var([1.0, 2.0, 3.0]));
    let refused = |spec: &str, x: &[Var<'_>]| tape.try_einsum(spec, x).unwrap_err().to_string();
    assert_eq!(refused("ij,j->i", &[a, b]), "einsum: axes j of extents 2 and 3 in \"ij,j->i\"");
    assert_eq!(
        refused("ij,j->i", &[a]),
        "einsum: expected as many operands as the specification, found 1 operands"
    );
    assert_eq!(refused("ijk->i", &[a]), "einsum: expected one axis for each letter, found shape [2, 2]");
    assert_eq!(refused("ij->ik", &[a]), "einsum: the result cannot have an axis k in \"ij->ik\"");
    assert_eq!(refused("ij->ii", &[a]), "einsum: the result cannot have an axis i in \"ij->ii\"");
    assert_eq!(refused("..j->j", &[a]), "einsum: expected letters, found '.' in \"..j->j\"");
    assert_eq!(refused("i1", &[a]), "einsum: expected letters, found '1' in \"i1\"");
    assert_eq!(refused("...j->j", &[a]), "einsum: expected ... in the result too, found \"...j->j\"");
    assert_eq!(refused("...j,...", &[a, b]), "einsum: axes ... of extents 2 and 3 in \"...j,...\"");
    assert_eq!(refused("ijk...", &[a]), "einsum: expected one axis for each letter, found shape [2, 2]");
}

#[test]
fn sums_of_products_of_any_form() {
    let tape = Tape::new();
    let (a, b) = (tape.var([[1.0, 2.0], [3.0, 4.0]]), tape.var([5.0, 6.0]));
    let value = |spec: &str, x: &[Var<'_>]| tape.einsum(spec, x).value();
    assert_eq!(value("ii", &[a]), Tensor::scalar(5.0));
    assert_eq!(value("ba", &[a]), Tensor::from([[1.0, 3.0], [2.0, 4.0]]));
    assert_eq!(value("ij, j", &[a, b]), Tensor::from([17.0, 39.0]));
    assert_eq!(value("i,ii,i->", &[b, a, b]), Tensor::scalar(169.0));
    assert_eq!(value("ij,kl->ljki", &[a, a]).shape(), [2, 2, 2, 2]);
    assert_eq!(value("i,i->i", &[b, b]), Tensor::from([25.0, 36.0]));
    let grads = tape.einsum("ii->", &[a]).vjp(1.0);
    assert_eq!(grads.wrt(a), Tensor::eye(2));
}
