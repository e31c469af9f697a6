//! Orthogonal factorisations and the matrix exponential: residuals of a few roundings at every size and scale, and gradients
//! where spectra are degenerate.

use tape::{Element, Index, Tape, Tensor, ops};

/// Elements of either sign, none of them remarkable.
fn sample<T: Element>(shape: &[usize]) -> Tensor<T> {
    let mut k = 0.0f64;
    Tensor::from_fn(shape, |_| {
        k += 1.0;
        T::from_f64((k * 1.618).sin() + 0.5 * (k * k * 0.37).cos())
    })
}

fn symmetric<T: Element>(x: &Tensor<T>) -> Tensor<T> {
    (x + &x.transpose()) * T::from_f64(0.5)
}

/// The largest difference, in units of `ε` times the largest expected magnitude.
fn roundings<T: Element>(found: &Tensor<T>, expected: &Tensor<T>) -> f64 {
    assert_eq!(found.shape(), expected.shape());
    let largest = |x: &Tensor<T>| x.to_vec().iter().fold(0.0f64, |max, x| f64::max(max, x.abs().to_f64()));
    assert!(found.to_vec().iter().all(|x| x.is_finite()), "{found:?}");
    let scale = largest(expected).max(f64::MIN_POSITIVE);
    largest(&(found - expected)) / scale / T::EPSILON.to_f64()
}

#[track_caller]
fn near<T: Element>(what: &str, found: &Tensor<T>, expected: &Tensor<T>, bound: f64) {
    let gap = roundings(found, expected);
    assert!(gap <= bound, "{what}: off by {gap} roundings, bound {bound}");
}

/// Checks that the columns are orthonormal.
#[track_caller]
fn orthonormal<T: Element>(what: &str, x: &Tensor<T>, bound: f64) {
    let n = x.shape()[x.rank() - 1];
    near(what, &x.transpose().matmul(x), &Tensor::eye(n), bound);
}

const SIZES: [[usize; 2]; 12] =
    [[1, 1], [2, 2], [3, 3], [8, 8], [17, 17], [40, 40], [3, 1], [9, 4], [40, 7], [1, 3], [4, 9], [7, 40]];

fn factors_multiply_back<T: Element>(scale: f64) {
    for [m, n] in SIZES {
        let (k, name) = (m.min(n), format!("{m} × {n} times {scale:e}"));
        let bound = 8.0 * m.max(n) as f64;
        let a = sample::<T>(&[m, n]) * T::from_f64(scale);

        let (q, r) = a.qr();
        assert_eq!((q.shape(), r.shape()), (&[m, k].into(), &[k, n].into()));
        near(&format!("Q R of {name}"), &q.matmul(&r), &a, bound);
        orthonormal(&format!("Q of {name}"), &q, bound);
        assert_eq!(r.tril(-1), Tensor::zeros([k, n]), "R of {name}");
        assert!(r.diagonal().to_vec().iter().all(|&x| x > T::ZERO), "the diagonal of R of {name}");

        let (u, s, vt) = a.svd();
        assert_eq!((u.shape(), s.shape(), vt.shape()), (&[m, k].into(), &[k].into(), &[k, n].into()));
        near(&format!("U S Vᵀ of {name}"), &(&u * &s).matmul(&vt), &a, bound);
        orthonormal(&format!("U of {name}"), &u, bound);
        orthonormal(&format!("V of {name}"), &vt.transpose(), bound);
        assert!(s.to_vec().is_sorted_by(|a, b| a >= b), "singular values of {name}");

        if m == n {
            let a = symmetric(&a);
            let (values, v) = a.eigh();
            near(&format!("V Λ Vᵀ of {name}"), &(&v * &values).matmul(&v.transpose()), &a, bound);
            orthonormal(&format!("V of {name}"), &v, bound);
            assert!(values.to_vec().is_sorted_by(|a, b| a <= b), "eigenvalues of {name}");
        }
    }
}

#[test]
fn factors_multiply_back_to_a_few_roundings() {
    factors_multiply_back::<f64>(1.0);
    factors_multiply_back::<f32>(1.0);
}

#[test]
fn factors_are_as_good_where_squares_would_overflow_or_vanish() {
    for scale in [1e-300, 1e-160, 1e160, 1e305] {
        factors_multiply_back::<f64>(scale);
    }
    for scale in [1e-36, 1e-22, 1e22, 1e37] {
        factors_multiply_back::<f32>(scale);
    }
}

#[test]
fn matrices_without_full_rank_have_complete_bases() {
    let zero = Tensor::<f64>::zeros([4, 3]);
    let thin = sample::<f64>(&[4, 1]).matmul(&sample(&[1, 3]));
    let graded = Tensor::from([[1.0, 1e-200, 0.0], [1.0, 2e-200, 0.0], [0.0, 1e-200, 0.0], [1.0, 0.0, 0.0]]);
    for a in [zero, thin, graded] {
        let (u, s, vt) = a.svd();
        orthonormal("U", &u, 16.0);
        orthonormal("V", &vt.transpose(), 16.0);
        let gap = (&(&u * &s).matmul(&vt) - &a).norm(2.0);
        assert!(gap <= 1e-15 * s.max(), "{gap:e}");
        let (q, r) = a.qr();
        orthonormal("Q", &q, 16.0);
        let gap = (&q.matmul(&r) - &a).norm(2.0);
        assert!(gap <= 2e-15 * s.max(), "{gap:e}");
    }
    let thin = sample::<f64>(&[2, 4, 1]).matmul(&sample(&[1, 3]));
    assert_eq!(thin.matrix_rank(), Index::from([1, 1]));
    assert_eq!(Tensor::<f64>::zeros([2, 3, 3]).matrix_rank(), Index::from([0, 0]));
    assert_eq!(Tensor::<f64>::zeros([1, 0, 3]).matrix_rank(), Index::from([0]));
}

#[test]
fn small_singular_values_of_graded_columns_keep_their_digits() {
    // Columns that differ in size by 1e30 have singular values that are as exact as those of columns of one size.
    let a = sample::<f64>(&[5, 3]);
    let (_, r) = a.qr();
    let scale = Tensor::from([1.0, 1e-15, 1e-30]);
    let (found, product) = ((&a * &scale).svdvals(), r.diagonal().prod_axis(0) * 1e-45);
    near("product of the singular values", &found.prod_axis(0), &product, 32.0);
}

/// A symmetric matrix with the given eigenvalues, equal ones up to rounding.
fn with_spectrum(values: &[f64]) -> Tensor {
    let (q, _) = sample::<f64>(&[values.len(), values.len()]).qr();
    symmetric(&(&q * &Tensor::from(values)).matmul(&q.transpose()))
}

#[test]
fn equal_eigenvalues_that_are_treated_alike_have_the_right_gradient() {
    // Two eigenvalues, and the positions of the vectors of one of them.
    for (spectrum, plane) in
        [(&[2.0, 2.0, 2.0][..], 0..3), (&[1.0, 1.0, 3.0], 0..2), (&[-1.0, 4.0, 4.0, 4.0], 1..4)]
    {
        let n = spectrum.len();
        for value in [with_spectrum(spectrum), Tensor::eye(n) * &Tensor::from(spectrum)] {
            let tape = Tape::new();
            let a = tape.var(value.clone());
            let (values, v) = a.eigh();
            // Σ λ³ has the gradient 3 A².
            let cubes = values.cube().sum().backward().wrt(a);
            near("gradient of the cubes", &cubes, &(value.matmul(&value) * 3.0), 64.0);
            // The projector P has the derivative (P dA (I - P) + (I - P) dA P) / (λ - μ).
            let w = v.slice(1, plane.clone());
            let projector = w.matmul(w.transpose());
            let c = symmetric(&sample(&[n, n]));
            let found = projector.vjp(c.clone()).wrt(a);
            let other = spectrum.iter().find(|&&value| value != spectrum[plane.start]);
            let expected = other.map_or(Tensor::zeros([n, n]), |other| {
                let (p, q) = (projector.value(), Tensor::eye(n) - projector.value());
                let mixed = p.matmul(&c).matmul(&q);
                (&mixed + &mixed.transpose()) / (spectrum[plane.start] - other)
            });
            let gap = (&found - &expected).norm(2.0);
            assert!(gap <= 1e-14, "{spectrum:?}: the gradient of the projector is off by {gap:e}");
        }
    }
}

#[test]
fn between_equal_eigenvalues_the_slope_of_a_function_of_the_matrix_is_left_out() {
    let tape = Tape::new();
    let a = tape.var(Tensor::eye(3) * 2.0);
    let (values, v) = a.eigh();
    let c = symmetric(&sample::<f64>(&[3, 3]));
    let square = (v * values.square()).matmul(v.transpose());
    assert_eq!(square.vjp(c.clone()).wrt(a), Tensor::eye(3) * &c.diagonal() * 4.0);
    assert_eq!(a.matrix_power(2).vjp(c.clone()).wrt(a), c * 4.0);
}

#[test]
fn equal_singular_values_that_are_treated_alike_have_the_right_gradient() {
    for (m, sizes) in [(3, [2.0, 2.0, 2.0]), (5, [2.0, 2.0, 2.0]), (4, [3.0, 1.0, 1.0])] {
        let (left, right) = (sample::<f64>(&[m, 3]).qr().0, sample::<f64>(&[3, 3]).qr().0);
        let value = (&left * &Tensor::from(sizes)).matmul(&right.transpose());
        for transpose in [false, true] {
            let turned = |x: &Tensor| if transpose { x.transpose() } else { x.clone() };
            let tape = Tape::new();
            let a = tape.var(turned(&value));
            let (u, s, vt) = a.svd();
            let c = sample::<f64>(&a.shape()[..]);
            // Σ s⁴ has the gradient 4 A Aᵀ A.
            let fourth = s.powi(4).sum().backward().wrt(a);
            let gram = a.value().transpose().matmul(&a.value());
            near("gradient of Σ s⁴", &fourth, &(a.value().matmul(&gram) * 4.0), 64.0);
            // W = U Vᵀ and H = V S Vᵀ satisfy A = W H: with the turn Ω of W, dA = W Ω H + W dH + (I - W Wᵀ) dA. So the
            // skew part of Wᵀ dA is Ω H + H Ω.
            let found = u.matmul(vt).vjp(c.clone()).wrt(a);
            let (c, found, w) = (turned(&c), turned(&found), left.matmul(&right.transpose()));
            let h_inverse = (&right / &Tensor::from(sizes)).matmul(&right.transpose());
            let turn = w.transpose().matmul(&c);
            let (turn, outside) = (&turn - &turn.transpose(), &c - &w.matmul(&w.transpose()).matmul(&c));
            // The solution X of X H + H X = turn, in the basis of H.
            let inner = right.transpose().matmul(&turn).matmul(&right);
            let solved = Tensor::from_fn([3, 3], |at| {
                inner.get([at[0], at[1]]).unwrap() / (sizes[at[0]] + sizes[at[1]])
            });
            let solved = right.matmul(&solved).matmul(&right.transpose());
            let expected = &w.matmul(&solved) + &outside.matmul(&h_inverse);
            near("gradient of U Vᵀ", &found, &expected, 64.0);
        }
    }
}

#[test]
fn second_derivatives_of_factors_agree_with_those_of_the_function() {
    // Σ λ³ = tr A³ has the Hessian product 3 (A H + H A); the sum of s⁴ is tr (AᵀA)².
    let tape = Tape::new();
    let (a, h) = (tape.var(with_spectrum(&[-1.0, 0.5, 2.0, 4.0])), symmetric(&sample::<f64>(&[4, 4])));
    let [g] = a.eigvalsh().cube().sum().grad([a]);
    let product = a.value().matmul(&h);
    near("eigenvalues", &g.vjp(h).wrt(a), &((&product + &product.transpose()) * 3.0), 256.0);

    let h = sample::<f64>(&[5, 3]);
    let a = tape
        .var(sample::<f64>(&[5, 3]) + Tensor::from_fn([5, 3], |at| if at[0] == at[1] { 3.0 } else { 0.0 }));
    let direct = |y: tape::Scalar<'_>| {
        let [g] = y.grad([a]);
        g.vjp(h.clone()).wrt(a)
    };
    let found = direct(a.svdvals().powi(4).sum());
    let expected = direct(a.transpose().matmul(a).square().sum());
    near("singular values", &found, &expected, 256.0);
    let (q, r) = a.qr();
    let found = direct((q.matmul(r.square())).square().sum());
    let expected = direct(r.square().square().sum());
    near("Q keeps lengths", &found, &expected, 512.0);
}

#[test]
fn dependent_columns_have_factors_and_no_derivative() {
    let tape = Tape::new();
    let a = tape.var([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]);
    let (q, r) = a.qr();
    near("Q R", &q.matmul(r).value(), &a.value(), 8.0);
    let error = r.sum().try_backward().unwrap_err().to_string();
    assert_eq!(error, "qr: the derivative does not exist: column 1 depends linearly on those before it");
}

#[test]
fn elements_that_are_not_finite_are_refused_or_spread() {
    let tape = Tape::new();
    let a = tape.var([[1.0, f64::NAN], [f64::NAN, 2.0]]);
    let refused = "expected finite elements, found one that is infinite or NaN";
    assert_eq!(tape.try_apply(ops::Eigh, &[a]).unwrap_err().to_string(), format!("eigh: {refused}"));
    assert_eq!(tape.try_apply(ops::Svd, &[a]).unwrap_err().to_string(), format!("svd: {refused}"));
    assert_eq!(tape.try_apply(ops::Pinv, &[a]).unwrap_err().to_string(), format!("pinv: {refused}"));
    assert!(a.qr().1.value().to_vec()[0].is_nan());
    assert!(a.matrix_exp().value().to_vec().iter().all(|x| x.is_nan()));
    let wide = tape.var(Tensor::ones([2, 3]));
    let refused = "expected matrices with at least as many rows as columns, found shape [2, 3]";
    assert_eq!(tape.try_apply(ops::Qr, &[wide]).unwrap_err().to_string(), format!("qr: {refused}"));
    assert_eq!(tape.try_apply(ops::Svd, &[wide]).unwrap_err().to_string(), format!("svd: {refused}"));
    let refused = "eigh: expected square matrices, found shape [2, 3]";
    assert_eq!(tape.try_apply(ops::Eigh, &[wide]).unwrap_err().to_string(), refused);
}

#[test]
fn exponentials_of_known_matrices() {
    assert_eq!(Tensor::<f64>::zeros([2, 3, 3]).matrix_exp().row(1), Tensor::eye(3));
    for angle in [0.1, 1.0, 10.0, 100.0f64] {
        let turn = Tensor::from([[0.0, -angle], [angle, 0.0]]).matrix_exp();
        let (s, c) = angle.sin_cos();
        near("rotation", &turn, &Tensor::from([[c, -s], [s, c]]), 8.0 * angle.max(1.0));
    }
    let diagonal = Tensor::<f64>::from([-700.0, -1.0, 1e-20, 5.0, 700.0]);
    let found = (Tensor::eye(5) * &diagonal).matrix_exp().diagonal();
    for (found, x) in found.to_vec().iter().zip(diagonal.to_vec()) {
        assert!((found / x.exp() - 1.0).abs() < 1e-12, "exp({x}) is {found:e}");
    }
    // A large block above the diagonal asks for no halvings, which would cost digits.
    let large = Tensor::from([[0.5, 1e12], [0.0, -0.25]]).matrix_exp().to_vec();
    let between = 1e12 * (0.5f64.exp() - (-0.25f64).exp()) / 0.75;
    for (found, expected) in large.iter().zip([0.5f64.exp(), between, 0.0, (-0.25f64).exp()]) {
        assert!((found - expected).abs() <= 1e-14 * expected, "{found:e} and {expected:e}");
    }
    let single = Tensor::<f32>::from([[0.0, -1.0], [1.0, 0.0]]).matrix_exp();
    near(
        "rotation in single precision",
        &single.cast::<f64>(),
        &Tensor::from([[1f64.cos(), -1f64.sin()], [1f64.sin(), 1f64.cos()]]),
        8.0 * f64::from(f32::EPSILON) / f64::EPSILON,
    );
}

#[test]
fn the_trace_of_an_exponential_has_the_exponential_as_its_gradient() {
    let tape = Tape::new();
    for scale in [0.1, 1.0, 8.0] {
        let a = tape.var(sample::<f64>(&[4, 4]) * scale);
        let y = a.matrix_exp();
        let found = y.trace().backward().wrt(a);
        near("gradient of the trace", &found, &y.value().transpose(), 256.0 * scale);
        // The trace of exp(A) has the second derivative <L(Aᵀ, H), ·>.
        let h = sample::<f64>(&[4, 4]).transpose();
        let [g] = y.trace().grad([a]);
        let (second, first) = (g.vjp(h.transpose()).wrt(a), y.vjp(h).wrt(a));
        near("second derivative of the trace", &second, &first, 1024.0 * scale);
    }
}

#[test]
fn the_pseudo_inverse_is_that_of_moore_and_penrose() {
    for (m, n, rank) in [(4, 3, 3), (3, 4, 3), (5, 4, 2), (3, 5, 1), (3, 3, 0)] {
        let a = sample::<f64>(&[m, rank]).matmul(&sample(&[rank, n]));
        let y = a.pinv();
        let (ay, ya) = (a.matmul(&y), y.matmul(&a));
        for (what, gap) in [
            ("A Y A = A", ay.matmul(&a) - &a),
            ("Y A Y = Y", ya.matmul(&y) - &y),
            ("A Y is symmetric", &ay - &ay.transpose()),
            ("Y A is symmetric", &ya - &ya.transpose()),
        ] {
            let gap = gap.norm(2.0);
            assert!(gap <= 1e-13 * (1.0 + a.norm(2.0) + y.norm(2.0)), "{what}: off by {gap:e} at {m} × {n}");
        }
    }
}

#[test]
fn equal_singular_values_do_not_disturb_the_pseudo_inverse() {
    let tape = Tape::new();
    let a = tape.var(sample::<f64>(&[3, 3]).qr().0 * 2.0);
    let c = sample::<f64>(&[3, 3]);
    let (found, expected) = (a.pinv().vjp(c.clone()).wrt(a), a.inverse().vjp(c).wrt(a));
    near("gradient", &found, &expected, 32.0);
}

#[test]
fn distances_of_zero_are_flat() {
    for p in [1.0, 2.0, f64::INFINITY] {
        let tape = Tape::new();
        let x = tape.var([[1.0, 2.0], [3.0, 5.0]]);
        let d = x.cdist(x, p);
        assert_eq!(d.value().diagonal(), Tensor::zeros([2]));
        let inside = d.vjp(Tensor::eye(2)).wrt(x);
        assert_eq!(inside, Tensor::zeros([2, 2]), "p = {p}");
    }
}
