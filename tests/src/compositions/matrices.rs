//! Linear algebra that is composed of other operations.

use super::{Composed, doc, entry};
use gradcheck::registry::{Case, Entry, Input, Operation};
use tape::internal::{Draw, OpDoc};
use tape::{Shape, Tensor, Var};

/// Gives the case added last these operands.
fn with_values<const N: usize>(cases: &mut [Case], values: [Tensor; N]) {
    if let Some(case) = cases.last_mut() {
        case.operands = values.into_iter().map(Input::Values).collect();
    }
}

/// Matrices with a spectrum far apart and away from 0.
fn spread(draw: &mut Draw, shape: &[usize]) -> Tensor {
    Tensor::from_fn(shape, |at| {
        let small = draw.between(0, 64) as f64 / 64.0 - 0.5;
        match at {
            [.., i, j] if i == j => 1.5 + 2.5 * *i as f64 + small,
            _ => small,
        }
    })
}

/// Rows whose differences, for two factors of unlike sign, are far from 0 and from each other in magnitude.
fn rows(shape: &[usize], factor: f64) -> Tensor {
    Tensor::from_fn(shape, |at| match at {
        [leading @ .., k] => {
            let side = if k % 2 == 0 { 1.0 } else { -1.0 };
            factor * side * (2.0 * (k + 1) as f64 + 0.3 * leading.iter().sum::<usize>() as f64)
        }
        [] => factor,
    })
}

/// Leading axes and an order, which is 0 at times.
fn squares(draw: &mut Draw) -> Shape {
    let n = draw.between(0, 3);
    if draw.coin() { Shape::from([n, n]) } else { Shape::from([draw.between(0, 2), n, n]) }
}

fn spectra() -> Vec<Entry> {
    let values =
        OpDoc { domain: "symmetric", ..doc("the eigenvalues of eigh", "linalg.eigvalsh", "linalg.eigvalsh") };
    vec![
        entry("eigvalsh", OpDoc { convention: "symmetric gradient", ..values }, |draw, cases| {
            let a = squares(draw);
            case!(cases: [&a]; [] |x| x[0].eigvalsh());
            with_values(cases, [spread(draw, &a)]);
        }),
        entry(
            "svdvals",
            doc("the singular values of svd", "linalg.svdvals", "linalg.svdvals"),
            |draw, cases| {
                let a = Shape::from([draw.between(0, 2), draw.between(0, 3), draw.between(0, 3)]);
                case!(cases: [&a]; [] |x| x[0].svdvals());
                with_values(cases, [spread(draw, &a)]);
            },
        ),
        entry(
            "factors of wide matrices",
            OpDoc {
                domain: "the first columns independent",
                ..doc("Q R; U, S, Vᵀ of the transpose", "linalg.qr, linalg.svd", "linalg.qr, linalg.svd")
            },
            |draw, cases| {
                let m = draw.between(1, 3);
                let a = Shape::from([m, m + draw.between(1, 2)]);
                case!(cases: [&a]; [] |x| x[0].qr().1);
                with_values(cases, [spread(draw, &a)]);
                case!(cases: [&a]; [] |x| {
                    let (u, _, vt) = x[0].svd();
                    u.matmul(&vt)
                });
                with_values(cases, [spread(draw, &a)]);
            },
        ),
        entry(
            "lstsq",
            OpDoc {
                domain: "constant rank",
                convention: "the solution of least norm",
                ..doc("A⁺ B, which makes ‖A X - B‖ least", "linalg.lstsq", "linalg.lstsq")
            },
            |draw, cases| {
                let [m, n, k] = [1, 1, 0].map(|low| draw.between(low, 3));
                let a = Shape::from([m, n]);
                let b = if draw.coin() { Shape::from([m]) } else { Shape::from([draw.between(0, 2), m, k]) };
                case!(cases: [&a, &b]; [] |x| x[0].lstsq(&x[1]));
                let values = [spread(draw, &a), spread(draw, &b)];
                with_values(cases, values);
            },
        ),
    ]
}

fn products() -> Vec<Entry> {
    vec![
        entry("kron", doc("every element of a times the whole of b", "kron", "kron"), |draw, cases| {
            let (a, b) = (draw.shape(0, 3), draw.shape(0, 3));
            case!(cases: [a, b]; [] |x| x[0].kron(&x[1]));
        }),
        entry(
            "matrix_power",
            OpDoc {
                domain: "n ≥ 0, or invertible",
                ..doc("Aⁿ", "linalg.matrix_power", "linalg.matrix_power")
            },
            |draw, cases| {
                let a = squares(draw);
                // The power 1 is the operand itself: nothing is recorded.
                let n = [-2, -1, 0, 2, 3][draw.between(0, 4)];
                case!(cases: [&a]; [n] |x| x[0].matrix_power(n));
                with_values(cases, [spread(draw, &a) * 0.5]);
            },
        ),
        entry(
            "tensordot",
            OpDoc {
                domain: "summed extents agree",
                ..doc("Σ a b over pairs of axes", "tensordot", "tensordot")
            },
            |draw, cases| {
                let [i, j, k] = [0, 1, 0].map(|low| draw.between(low, 3));
                let (a, b) = (Shape::from([i, j, k]), Shape::from([k, 2, i]));
                case!(cases: [&a, &b]; [] |x| x[0].tensordot(&x[1], [-1, 0], [0, 2]));
                let (a, b) = (Shape::from([i, j]), Shape::from([2, j]));
                case!(cases: [&a, &b]; [] |x| x[0].tensordot(&x[1], 1, 1));
            },
        ),
        entry(
            "cdist",
            OpDoc {
                domain: "p > 0",
                convention: "0 at a distance of 0; ties as norm",
                ..doc("‖xᵢ - yⱼ‖ₚ", "scipy.spatial.distance.cdist", "cdist")
            },
            |draw, cases| {
                let [batch, m, n, k] = [1, 0, 1, 1].map(|low| draw.between(low, 3));
                let p = [1.0, 2.0, f64::INFINITY][draw.between(0, 2)];
                let (x, y) = (Shape::from([batch, m, k]), Shape::from([n, k]));
                case!(cases: [&x, &y]; [p] |x| x[0].cdist(&x[1], p));
                with_values(cases, [rows(&x, 1.0), rows(&y, -0.5)]);
            },
        ),
    ]
}

fn solutions() -> Vec<Entry> {
    let triangular =
        OpDoc { domain: "no zero on the diagonal", ..doc("B op(A)⁻¹", "", "linalg.solve_triangular") };
    vec![
        entry(
            "cholesky_solve",
            OpDoc { formula: "(L Lᵀ)⁻¹ B", torch: "cholesky_solve", ..triangular },
            |draw, cases| {
                let l = squares(draw);
                let b = Shape::from([l[l.rank() - 1], draw.between(0, 2)]);
                case!(cases: [&l, &b]; [] |x| x[0].cholesky_solve(&x[1]));
                let values = [spread(draw, &l), spread(draw, &b)];
                with_values(cases, values);
            },
        ),
        entry("triangular_solve_right", triangular, |draw, cases| {
            let a = squares(draw);
            let b = Shape::from([draw.between(0, 2), a[a.rank() - 1]]);
            let [lower, transpose, unit] = [0; 3].map(|_| draw.coin());
            case!(cases: [&a, &b]; [lower, transpose, unit] |x| {
                x[0].triangular_solve_right(&x[1], lower, transpose, unit)
            });
            let values = [spread(draw, &a), spread(draw, &b)];
            with_values(cases, values);
        }),
    ]
}

pub(super) fn entries() -> Vec<Entry> {
    [spectra(), products(), solutions()].into_iter().flatten().collect()
}
