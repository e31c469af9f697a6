//! Gradient bugs that other systems shipped, as regression tests: elementwise functions, reductions and scans.
//!
//! Every test asserts values and gradients.

use tape::{Scalar, Tape, Tensor, Var, ops};

type Function = for<'t> fn(Scalar<'t>) -> Scalar<'t>;
type Function32 = for<'t> fn(Scalar<'t, f32>) -> Scalar<'t, f32>;

/// The value of `f` and its derivatives of order 1 and 2 at `x`.
fn jet(x: f64, f: impl for<'t> Fn(Scalar<'t>) -> Scalar<'t>) -> [f64; 3] {
    let tape = Tape::new();
    let x = tape.scalar(x);
    let y = f(x);
    let [dy] = y.grad([x]);
    let [ddy] = dy.grad([x]);
    [y.value(), dy.value(), ddy.value()]
}

/// The same in single precision.
fn jet32(x: f32, f: impl for<'t> Fn(Scalar<'t, f32>) -> Scalar<'t, f32>) -> [f32; 3] {
    let tape = Tape::single();
    let x = tape.scalar(x);
    let y = f(x);
    let [dy] = y.grad([x]);
    let [ddy] = dy.grad([x]);
    [y.value(), dy.value(), ddy.value()]
}

/// The value of `Σ wᵢ f(x)ᵢ` and its gradient, with weights 1, 10, 100, ...
fn weighted(x: &[f64], f: impl for<'t> Fn(Var<'t>) -> Var<'t>) -> (Vec<f64>, Vec<f64>) {
    let tape = Tape::new();
    let x = tape.var(x);
    let y = f(x);
    let mut weight = 0.1;
    let weights = Tensor::from_fn(&y.shape()[..], |_| {
        weight *= 10.0;
        weight
    });
    (y.value().to_vec(), y.vjp(weights).wrt(x).to_vec())
}

/// The gradient of `Σ wᵢ ∂f/∂xᵢ`: the Hessian of `f` times the weights 1, 10, 100, ...
fn hessian_product(x: &[f64], f: impl for<'t> Fn(Var<'t>) -> Scalar<'t>) -> Vec<f64> {
    let tape = Tape::new();
    let x = tape.var(x);
    let [gradient] = f(x).grad([x]);
    let mut weight = 0.1;
    let weights = Tensor::from_fn(&x.shape()[..], |_| {
        weight *= 10.0;
        weight
    });
    gradient.vjp(weights).wrt(x).to_vec()
}

fn assert_close(found: f64, expected: f64, relative: f64) {
    assert!((found - expected).abs() <= relative * expected.abs(), "found {found}, expected {expected}");
}

#[test]
fn max_and_min_share_ties() {
    assert_eq!(weighted(&[2.0, 2.0], |x| x.max_axes(0, true)), (vec![2.0], vec![0.5, 0.5]));
    assert_eq!(weighted(&[2.0, 3.0, 2.0], |x| x.min_axes(0, true)), (vec![2.0], vec![0.5, 0.0, 0.5]));
}

#[test]
fn product_with_zeros() {
    assert_eq!(weighted(&[0.0, 2.0, 3.0], |x| x.prod_axes(0, true)), (vec![0.0], vec![6.0, 0.0, 0.0]));
    assert_eq!(weighted(&[0.0, 0.0, 3.0], |x| x.prod_axes(0, true)), (vec![0.0], vec![0.0; 3]));
    // The mixed second derivative is the product of the others: 3 between the zeros, else 0.
    assert_eq!(hessian_product(&[0.0, 0.0, 3.0], |x| x.prod()), [30.0, 3.0, 0.0]);
    assert_eq!(hessian_product(&[0.0, 2.0, 3.0], |x| x.prod()), [230.0, 3.0, 2.0]);
}

#[test]
fn softplus_does_not_overflow() {
    assert_eq!(jet(800.0, |x| x.softplus()), [800.0, 1.0, 0.0]);
    assert_eq!(jet32(800.0, |x| x.softplus()), [800.0, 1.0, 0.0]);
}

#[test]
fn sinc_at_zero_and_beside_it() {
    let pi2 = std::f64::consts::PI.powi(2);
    let [y, dy, ddy] = jet(0.0, |x| x.sinc());
    assert_eq!((y, dy), (1.0, 0.0));
    assert_close(ddy, -pi2 / 3.0, 1e-15);
    for x in [1e-300, 1e-9, -1e-5, 1e-3] {
        let [y, dy, ddy] = jet(x, |x| x.sinc());
        let u = pi2 * x * x;
        assert_close(y, 1.0 - u / 6.0 + u * u / 120.0, 1e-15);
        assert_close(dy, -pi2 * x / 3.0 * (1.0 - u / 10.0 + u * u / 280.0), 1e-15);
        assert_close(ddy, -pi2 / 3.0 * (1.0 - 0.3 * u + u * u / 56.0), 1e-15);
    }
    assert_eq!(jet(3.0, |x| x.sinc())[0], 0.0);
}

#[test]
fn square_root() {
    assert_eq!(jet(9.0, |x| x.sqrt())[..2], [3.0, 1.0 / 6.0]);
    assert_eq!(jet(4.0, |x| x.rsqrt())[..2], [0.5, -0.0625]);
}

#[test]
fn maximum_and_minimum_of_two() {
    let tape = Tape::new();
    let (a, b) = (tape.var([1.0, 3.0, 2.0]), tape.var([2.0, 2.0, 2.0]));
    let weights = [1.0, 10.0, 100.0];
    let grads = a.maximum(b).vjp(weights);
    assert_eq!(grads.wrt(a).to_vec(), [0.0, 10.0, 50.0]);
    assert_eq!(grads.wrt(b).to_vec(), [1.0, 0.0, 50.0]);
    let grads = a.minimum(b).vjp(weights);
    assert_eq!(grads.wrt(a).to_vec(), [1.0, 0.0, 50.0]);
    assert_eq!(grads.wrt(b).to_vec(), [0.0, 10.0, 50.0]);
    // A clamp is not composed of maxima: on its bounds it has one convention, not a tie.
    assert_eq!(jet(0.0, |x| x.clamp(0.0, 6.0))[..2], [0.0, 1.0]);
    assert_eq!(jet(6.0, |x| x.clamp(0.0, 6.0))[..2], [6.0, 1.0]);
}

#[test]
fn running_product_with_zeros() {
    let x = [2.0, 0.0, 3.0, 4.0];
    let tape = Tape::new();
    let v = tape.var(x);
    assert_eq!(v.cumprod(0).sum().backward().wrt(v).to_vec(), [1.0, 32.0, 0.0, 0.0]);
    // 2 a b + 24 a b c: ∂²/∂(1,2) = 1 + 3 + 12, ∂²/∂(2,3) = 2 + 8, ∂²/∂(2,4) = 6.
    let product = hessian_product(&x, |x| x.cumprod(0).sum());
    assert_eq!(product, [160.0, 16.0 + 1000.0 + 6000.0, 100.0, 60.0]);
    let two_zeros = [2.0, 0.0, 3.0, 0.0, 5.0];
    assert_eq!(weighted(&two_zeros, |x| x.cumprod(0)).1, [1.0, 620.0, 0.0, 0.0, 0.0]);
}

#[test]
fn product_of_negative_numbers() {
    assert_eq!(weighted(&[-2.0, 3.0], |x| x.prod_axes(0, true)), (vec![-6.0], vec![3.0, -2.0]));
}

#[test]
fn logarithms() {
    assert_eq!(jet(2.0, |x| x.ln())[1..], [0.5, -0.25]);
    assert_close(jet(2.0, |x| x.log2())[1], 0.5 / std::f64::consts::LN_2, 1e-15);
    assert_close(jet(2.0, |x| x.log10())[1], 0.5 / std::f64::consts::LN_10, 1e-15);
    assert_close(jet(1.0, |x| x.log1p())[1], 0.5, 1e-15);
}

#[test]
fn a_comparison_is_a_mask() {
    let (y, gradient) = weighted(&[-2.0, 0.0, 3.0, -1.0], |x| x * &x.lt(0.0));
    assert_eq!(y, [-2.0, 0.0, 0.0, -1.0]);
    assert_eq!(gradient, [1.0, 0.0, 0.0, 1000.0]);
}

#[test]
fn nan_is_treated_the_same_in_every_lane() {
    for length in [1, 9, 17, 40] {
        let tape = Tape::new();
        let x = tape.var(vec![f64::NAN; length]);
        let y = x.hard_tanh();
        let gradient = y.vjp(vec![1.0; length]).wrt(x);
        assert!(y.value().to_vec().iter().all(|y| y.is_nan()), "{}", y.value());
        assert_eq!(gradient.to_vec(), vec![1.0; length]);
    }
}

#[test]
fn multiplication_by_zero_and_power_zero() {
    assert_eq!(weighted(&[2.0, -3.0], |x| x * 0.0), (vec![0.0, -0.0], vec![0.0, 0.0]));
    assert_eq!(weighted(&[2.0, -3.0], |x| x.powf(0.0)), (vec![1.0, 1.0], vec![0.0, 0.0]));
    assert_eq!(weighted(&[2.0, -3.0], |x| x.pow(0.0)), (vec![1.0, 1.0], vec![0.0, 0.0]));
}

#[test]
fn sigmoid_of_large_negative_arguments() {
    let [y, dy, ddy] = jet32(-90.0, |x| x.sigmoid());
    let expected = (-90f64).exp();
    for found in [y, dy, ddy] {
        // The value is subnormal in single precision.
        assert!((f64::from(found) - expected).abs() <= 2e-45, "{found:e}");
    }
}

#[test]
fn softplus_of_large_numbers() {
    assert_eq!(jet32(100.0, |x| x.softplus())[..2], [100.0, 1.0]);
    let [y, dy, _] = jet32(20.0, |x| (x * 5.0).softplus() / 5.0);
    assert_eq!((y, dy), (20.0, 1.0));
}

#[test]
fn slopes_at_the_fold_of_the_absolute_value() {
    let ln2 = std::f64::consts::LN_2;
    assert_eq!(jet(0.0, |x| x.softplus()), [ln2, 0.5, 0.25]);
    assert_eq!(jet(0.0, |x| x.log_sigmoid()), [-ln2, 0.5, -0.25]);
    let tape = Tape::new();
    let (a, b) = (tape.scalar(0.0), tape.scalar(0.0));
    assert_eq!(a.logaddexp(b).backward().wrt([a, b]), [0.5, 0.5]);
}

#[test]
fn saturated_functions() {
    assert_eq!(jet(1000.0, |x| x.tanh()), [1.0, 0.0, 0.0]);
    assert_eq!(jet32(-1000.0, |x| x.tanh()), [-1.0, 0.0, 0.0]);
    assert_eq!(jet(1000.0, |x| x.erf()), [1.0, 0.0, 0.0]);
    assert_eq!(jet(1000.0, |x| x.erfc()), [0.0, 0.0, 0.0]);
}

/// Activations that tend to `x` at +∞ and to 0 at -∞.
#[test]
fn activations_have_no_nan_in_their_tails() {
    let smooth: [Function; 5] =
        [|x| x.silu(), |x| x.mish(), |x| x.gelu(), |x| x.gelu_tanh(), |x| x.softplus()];
    for far in [40.0, 1e3, 1e30, f64::INFINITY] {
        for f in smooth {
            let [y, dy, ddy] = jet(far, f);
            assert_eq!(y, far);
            assert!((dy - 1.0).abs() < 1e-15 && ddy.abs() < 1e-14, "{dy} {ddy}");
            let [y, dy, ddy] = jet(-far, f);
            assert!(y.abs() < 1e-15 && dy.abs() < 1e-15 && ddy.abs() < 1e-15, "{y} {dy} {ddy}");
        }
        let saturating: [Function; 2] = [|x| x.elu(1.0), |x| x.selu()];
        for f in saturating {
            let [y, dy, ddy] = jet(-far, f);
            assert!(y <= -1.0 + 1e-15 && y > -1.8, "{y}");
            assert!(dy.abs() < 1e-15 && ddy.abs() < 1e-15, "{dy} {ddy}");
            let [y, dy, ddy] = jet(far, f);
            assert!(y >= far && (1.0..1.1).contains(&dy) && ddy == 0.0, "{y} {dy} {ddy}");
        }
    }
    let single: [Function32; 5] =
        [|x| x.silu(), |x| x.mish(), |x| x.gelu(), |x| x.gelu_tanh(), |x| x.softplus()];
    for far in [100f32, 1e3, 1e30, f32::INFINITY] {
        for f in single {
            let [y, dy, ddy] = jet32(far, f);
            assert_eq!((y, dy), (far, 1.0));
            assert!(ddy.abs() < 1e-40, "{ddy}");
            let [y, dy, ddy] = jet32(-far, f);
            assert!(y.abs() < 1e-37 && dy.abs() < 1e-37 && ddy.abs() < 1e-37, "{y} {dy} {ddy}");
        }
    }
}

/// Minus zero, the limit from the left, without a step before it: the gate vanishes before the result does.
#[test]
fn activations_reach_minus_zero_at_large_negative_arguments() {
    let functions: [Function; 4] = [|x| x.silu(), |x| x.mish(), |x| x.gelu(), |x| x.gelu_tanh()];
    for f in functions {
        for far in [-1e3, -1e30, -f64::MAX, f64::NEG_INFINITY] {
            assert_eq!(jet(far, f)[0].to_bits(), (-0.0_f64).to_bits());
        }
        let values = [-5.0, -10.0, -15.0, f64::NAN].map(|x| jet(x, f)[0]);
        assert!(values[..3].iter().all(|&y| y < 0.0) && values[3].is_nan(), "{values:?}");
    }
}

#[test]
fn exact_gelu_does_not_cancel_in_the_left_tail() {
    let [y, dy, _] = jet(-10.0, |x| x.gelu());
    // Reference values computed with 40 digits.
    assert_close(y, -7.619853024160525e-23, 1e-13);
    assert_close(dy, -7.618400096464814e-22, 1e-13);
}

#[test]
fn untaken_branches_do_not_spoil_the_gradient() {
    let tape = Tape::single();
    let a = tape.var([100f32]);
    let y = Var::select(&a.le(0.0), a.exp(), a + 1.0);
    assert_eq!(y.vjp([1.0]).wrt(a).to_vec(), [1.0]);

    let (y, gradient) = weighted(&[0.0, 4.0], |x| Var::select(&x.gt(2.0), x.log2(), x * 2.0));
    assert_eq!(y, [0.0, 2.0]);
    assert_close(gradient[0], 2.0, 0.0);
    assert_close(gradient[1], 10.0 / (4.0 * std::f64::consts::LN_2), 1e-15);

    let (_, gradient) = weighted(&[16.0, 0.0], |x| Var::select(&x.eq_mask(0.0), x * 0.5, x.sqrt() + 1.0));
    assert_eq!(gradient, [0.125, 5.0]);

    // The recorded gradient and its derivative are finite too.
    let tape = Tape::new();
    let x = tape.var([16.0, 0.0]);
    let y = Var::select(&x.eq_mask(0.0), x * 0.5, x.sqrt() + 1.0);
    let [gradient] = y.sum().grad([x]);
    assert_eq!(gradient.value().to_vec(), [0.125, 0.5]);
    assert_eq!(gradient.sum().backward().wrt(x).to_vec(), [-1.0 / 256.0, 0.0]);
}

#[test]
fn logsumexp_of_a_masked_element() {
    let tape = Tape::single();
    let x = tape.var([0f32, 100.0]);
    let y = x.masked_fill(&Tensor::from([0.0, 1.0]), f32::NEG_INFINITY).logsumexp();
    assert_eq!(y.value(), 0.0);
    assert_eq!(y.backward().wrt(x).to_vec(), [1.0, 0.0]);
}

#[test]
fn log_sigmoid_of_minus_infinity() {
    assert_eq!(jet(f64::NEG_INFINITY, |x| x.log_sigmoid()), [f64::NEG_INFINITY, 1.0, 0.0]);
    assert_eq!(jet(-1e3, |x| x.log_sigmoid()), [-1e3, 1.0, 0.0]);
}

#[test]
fn power_zero_at_zero() {
    assert_eq!(jet(0.0, |x| x.powi(0)), [1.0, 0.0, 0.0]);
    assert_eq!(jet(0.0, |x| x.powf(0.0)), [1.0, 0.0, 0.0]);
    assert_eq!(jet(0.0, |x| x.pow(0.0)), [1.0, 0.0, 0.0]);
    assert_eq!(jet(0.0, |x| x.pow(0.0) + x.pow(1.0) + x.pow(2.0)), [1.0, 1.0, 2.0]);
}

#[test]
fn power_of_two_variables_at_its_singular_points() {
    let gradient = |a: f64, b: f64| {
        let tape = Tape::new();
        let (a, b) = (tape.scalar(a), tape.scalar(b));
        a.pow(b).backward().wrt([a, b])
    };
    assert_eq!(gradient(0.0, 0.0), [0.0, 0.0]);
    assert_eq!(gradient(0.0, 1.0), [1.0, 0.0]);
    assert_eq!(gradient(0.0, 2.0), [0.0, 0.0]);
    assert_eq!(gradient(-2.0, 3.0)[0], 12.0);
    assert!(gradient(-2.0, 3.0)[1].is_nan(), "no derivative exists");
    // With respect to the base alone it exists, and a constant exponent works for a negative base.
    assert_eq!(jet(-2.0, |x| x.pow(3.0)), [-8.0, 12.0, -12.0]);
    let [y, dy, ddy] = jet(3.0, |x| x.rpow(2.0));
    let ln2 = std::f64::consts::LN_2;
    assert_eq!(y, 8.0);
    assert_close(dy, 8.0 * ln2, 1e-15);
    assert_close(ddy, 8.0 * ln2 * ln2, 1e-15);
    // The mixed derivatives agree where the exponent is 0.
    let tape = Tape::new();
    let (a, b) = (tape.scalar(2.0), tape.scalar(0.0));
    let [da, db] = a.pow(b).grad([a, b]);
    assert_eq!((da.backward().wrt(b), db.backward().wrt(a)), (0.5, 0.5));
}

#[test]
fn norms_at_the_origin() {
    for p in [1.0, 1.5, 2.0, 3.0, f64::INFINITY] {
        let (y, gradient) = weighted(&[0.0, 0.0], |x| x.norm_axes(p, 0, true));
        assert_eq!((y, gradient), (vec![0.0], vec![0.0, 0.0]));
        assert_eq!(hessian_product(&[0.0, 0.0], |x| x.norm(p)), [0.0, 0.0]);
    }
    // norm² is computed from the norm: 0, not 2, because the norm's own derivative is 0 by convention.
    assert_eq!(weighted(&[0.0, 0.0], |x| x.norm_axes(2.0, 0, true).square()).1, [0.0, 0.0]);
    let tape = Tape::new();
    let (a, b) = (tape.scalar(0.0), tape.scalar(0.0));
    assert_eq!(a.hypot(b).backward().wrt([a, b]), [0.0, 0.0]);
    assert_eq!(a.atan2(b).backward().wrt([a, b]), [0.0, 0.0]);
}

#[test]
fn norms_neither_overflow_nor_underflow() {
    for scale in [1e-300, 1e-160, 1.0, 1e160, 1e300] {
        for p in [1.0, 2.0, 3.0, f64::INFINITY] {
            let (y, gradient) = weighted(&[3.0 * scale, -4.0 * scale], |x| x.norm_axes(p, 0, true));
            let (unit, slope) = weighted(&[3.0, -4.0], |x| x.norm_axes(p, 0, true));
            assert_close(y[0], unit[0] * scale, 1e-15);
            assert_close(gradient[0], slope[0], 1e-14);
            assert_close(gradient[1], slope[1], 1e-14);
        }
        let (y, _) = weighted(&[3.0 * scale, -3.0 * scale], |x| x.std_axes(0, 0, true));
        assert_close(y[0], 3.0 * scale, 1e-15);
    }
    assert_eq!(weighted(&[1.0, f64::INFINITY], |x| x.norm_axes(2.0, 0, true)).0, [f64::INFINITY]);
    let (norm, _) = weighted(&[1.0, f64::NAN], |x| x.norm_axes(f64::INFINITY, 0, true));
    assert!(norm[0].is_nan(), "{norm:?}");
}

#[test]
fn norms_of_many_elements() {
    // Alternating 3 and -4: above a few hundred elements the sum is computed in halves.
    let x: Vec<f64> = (0..2000).map(|i| if i % 2 == 0 { 3.0 } else { -4.0 }).collect();
    for (p, sum) in [(1.0, 7e3), (2.0, 25e3), (3.0, 91e3), (0.5, 1e3 * (3f64.sqrt() + 2.0))] {
        let (y, gradient) = weighted(&x, |x| x.norm_axes(p, 0, true));
        let norm = f64::powf(sum, 1.0 / p);
        assert_close(y[0], norm, 1e-13);
        for (x, slope) in x.iter().zip(gradient) {
            assert_close(slope, x.signum() * (x.abs() / norm).powf(p - 1.0), 1e-12);
        }
    }
}

#[test]
#[should_panic(expected = "norm: expected p to be 0, positive, or -inf, found -1")]
fn a_norm_has_no_negative_exponent() {
    Tensor::from([1.0, 2.0]).norm(-1.0);
}

#[test]
fn norms_of_order_0_and_minus_infinity_count_and_take_the_smallest() {
    let x = [3.0, 0.0, -2.0, 0.0];
    assert_eq!(weighted(&x, |x| x.norm_axes(0.0, 0, true)), (vec![2.0], vec![0.0; 4]));
    let (y, slopes) = weighted(&x, |x| x.norm_axes(f64::NEG_INFINITY, 0, true));
    // The sign of 0 is 0, so the smallest magnitude passes nothing on there.
    assert_eq!((y, slopes), (vec![0.0], vec![0.0; 4]));
    let smallest = weighted(&[3.0, -2.0, 2.0], |x| x.norm_axes(f64::NEG_INFINITY, 0, true));
    assert_eq!(smallest.0, [2.0]);
    assert_eq!(smallest.1[0], 0.0);
    assert_eq!(smallest.1[1], -smallest.1[2]);
}

#[test]
fn constant_rows_have_no_spread() {
    for constant in [0.0, 0.1, 1e200, -3e-308] {
        let x = [constant; 7];
        assert_eq!(weighted(&x, |x| x.std_axes(0, 1, true)), (vec![0.0], vec![0.0; 7]));
        assert_eq!(weighted(&x, |x| x.variance_axes(0, 1, true)), (vec![0.0], vec![0.0; 7]));
        assert_eq!(hessian_product(&x, |x| x.std(1)), [0.0; 7]);
    }
    // A large common offset does not drown the spread.
    let (y, _) = weighted(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0], |x| x.variance_axes(0, 1, true));
    assert_eq!(y, [1.0]);
    assert!(Tensor::<f64>::from([2.0]).variance(1).is_nan());
}

#[test]
fn square_root_at_zero() {
    let infinity = f64::INFINITY;
    assert_eq!(jet(0.0, |x| x.sqrt())[..2], [0.0, infinity]);
    assert_eq!(jet(0.0, |x| x.cbrt())[..2], [0.0, infinity]);
    assert_eq!(jet(0.0, |x| x.rsqrt())[..2], [infinity, -infinity]);
    // An unused singular node changes nothing.
    let tape = Tape::new();
    let x = tape.scalar(0.0);
    let _ = x.sqrt();
    let _ = x.recip();
    assert_eq!((x * 3.0).backward().wrt(x), 3.0);
}

#[test]
fn kinks() {
    assert_eq!(jet(0.0, |x| x.abs())[..2], [0.0, 0.0]);
    assert_eq!(jet(0.0, |x| x.relu())[..2], [0.0, 0.0]);
    assert_eq!(jet(0.0, |x| x.leaky_relu(0.1))[..2], [0.0, 0.1]);
    assert_eq!(jet(0.0, |x| x.elu(0.5))[..2], [0.0, 0.5]);
    assert_eq!(jet(0.0, |x| x.heaviside(0.25)), [0.25, 0.0, 0.0]);
    let steps: [Function; 3] = [|x| x.floor(), |x| x.ceil(), |x| x.round()];
    for f in steps {
        assert_eq!(jet(2.5, f)[1..], [0.0, 0.0]);
    }
    assert_eq!([-2.5, -0.5, 0.5, 2.5].map(|x| jet(x, |x| x.round())[0]), [-3.0, -1.0, 1.0, 3.0]);
}

#[test]
fn clamp_passes_on_its_bounds() {
    let (y, gradient) = weighted(&[-1.0, 2.0, 0.5, -3.0, 4.0], |x| x.clamp(-1.0, 2.0));
    assert_eq!(y, [-1.0, 2.0, 0.5, -1.0, 2.0]);
    assert_eq!(gradient, [1.0, 10.0, 100.0, 0.0, 0.0]);
    // An infinite slope behind a clamp that does not pass is absorbed.
    assert_eq!(jet(0.0, |x| x.sqrt().clamp(1.0, 2.0))[..2], [1.0, 0.0]);
}

#[test]
fn max_along_an_axis_shares_ties() {
    let tape = Tape::new();
    let x = tape.var([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]);
    let gradient = x.max_axes(1, false).vjp([6.0, 60.0]).wrt(x);
    assert_eq!(gradient, Tensor::from([[0.0, 3.0, 3.0], [20.0, 20.0, 20.0]]));
    assert_eq!((x.argmax_axis(1), x.argmin_axis(1)), (vec![1, 0], vec![0, 0]));
}

#[test]
fn inverse_cosine_at_its_end() {
    assert_eq!(jet(1.0, |x| x.acos())[..2], [0.0, f64::NEG_INFINITY]);
    assert_eq!(jet(-1.0, |x| x.asin())[1], f64::INFINITY);
    assert_eq!(jet(1.0, |x| x.acosh())[..2], [0.0, f64::INFINITY]);
    // Just inside, 1 - x² keeps its digits.
    let x = 1.0 - f64::EPSILON / 2.0;
    assert_close(jet(x, |x| x.asin())[1], (0.5 / (f64::EPSILON / 2.0)).sqrt(), 1e-15);
    assert_close(jet(x, |x| x.atanh())[1], 0.5 / (f64::EPSILON / 2.0), 1e-15);
}

#[test]
fn slopes_survive_large_arguments() {
    for x in [1e200, -1e200] {
        assert_eq!(jet(x, |x| x.asinh())[1], 1e-200);
        assert_eq!(jet(x, |x| x.atan())[1..], [0.0, 0.0]);
    }
    assert_close(jet(1e200, |x| x.acosh())[1], 1e-200, 1e-15);
    let tape = Tape::new();
    let (a, b) = (tape.scalar(3e200), tape.scalar(4e200));
    let grads = a.atan2(b).backward();
    assert_close(grads.wrt(a), 0.16e-200, 1e-15);
    assert_close(grads.wrt(b), -0.12e-200, 1e-15);
    // The -1 of expm1 is not added back.
    assert_close(jet(-40.0, |x| x.expm1())[1], (-40f64).exp(), 1e-15);
}

#[test]
fn logaddexp_of_infinities() {
    let (infinity, tape) = (f64::INFINITY, Tape::new());
    let at = |a: f64, b: f64| {
        let (a, b) = (tape.scalar(a), tape.scalar(b));
        let y = a.logaddexp(b);
        let grads = y.backward();
        (y.value(), grads.wrt(a), grads.wrt(b))
    };
    assert_eq!(at(-infinity, -infinity), (-infinity, 0.0, 0.0));
    assert_eq!(at(-infinity, 1.0), (1.0, 0.0, 1.0));
    assert_eq!(at(infinity, 0.0), (infinity, 1.0, 0.0));
    assert_eq!(at(infinity, infinity), (infinity, 0.5, 0.5));
}

#[test]
fn gamma_functions_have_every_derivative() {
    let tape = Tape::new();
    let x = tape.scalar(1.0);
    let mut y = x.lgamma();
    // (-1)ⁿ (n - 1)! ζ(n), and -γ first.
    let expected = [
        0.0,
        -0.577_215_664_901_532_9,
        1.644_934_066_848_226_4,
        -2.404_113_806_319_188_6,
        6.493_939_402_266_829,
        -24.886_266_123_440_88,
    ];
    for expected in expected {
        assert!((y.value() - expected).abs() <= 1e-14 * expected.abs().max(1.0), "{} {expected}", y.value());
        [y] = y.grad([x]);
    }
    assert_eq!(tape.scalar(3.0).polygamma(0).value(), tape.scalar(3.0).digamma().value());
}

#[test]
fn functions_of_two_operands_mix_scalars_numbers_and_tensors() {
    let tape = Tape::new();
    let (x, s) = (tape.var([-1.0, 2.0]), tape.scalar(0.5));
    let y = x.maximum(s);
    let grads = y.vjp([1.0, 10.0]);
    assert_eq!((grads.wrt(x).to_vec(), grads.wrt(s)), (vec![0.0, 10.0], 1.0));
    assert_eq!(x.minimum(&Tensor::from([0.0, 1.0])).value().to_vec(), [-1.0, 1.0]);
    assert_eq!(x.value().maximum(0.0).to_vec(), [0.0, 2.0]);
    assert_eq!(s.maximum(1.0).value(), 1.0);
    let (single, powers) = (Tape::single(), Tensor::from([1.0, 3.0]).rpow(2.0));
    assert_eq!(single.var([1.0, 3.0]).rpow(2.0).maximum(2.5).value().to_vec(), [2.5, 8.0]);
    assert_eq!(powers.minimum(tape.var([9.0, 7.0]).value()).to_vec(), [2.0, 7.0]);
    assert!(s.lt(1.0) && s.le(s) && !s.gt(s) && s.eq_mask(0.5) && s.ne_mask(1.0) && s.ge(0.5));
    // A mask broadcasts, and each operand gets the sum over the axes along which it was stretched.
    let (a, b) = (tape.var([1.0, 2.0, 3.0]), tape.scalar(7.0));
    let mask = Tensor::from([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]);
    let y = Var::select(&mask, a, b);
    let grads = y.vjp([[1.0, 10.0, 100.0], [1e3, 1e4, 1e5]]);
    assert_eq!(y.value().to_vec(), [1.0, 7.0, 3.0, 7.0, 7.0, 3.0]);
    assert_eq!((grads.wrt(a).to_vec(), grads.wrt(b)), (vec![1.0, 0.0, 100_100.0], 11_010.0));
}

#[test]
fn scans_run_along_any_axis_and_over_nothing() {
    let x = Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    assert_eq!(x.cumsum(0).to_vec(), [1.0, 2.0, 4.0, 6.0, 9.0, 12.0]);
    assert_eq!(x.cumprod(-1).to_vec(), [1.0, 2.0, 3.0, 12.0, 5.0, 30.0]);
    let reversed = Tape::new();
    let v = reversed.var(x);
    let y = reversed.apply(ops::CumSum { axis: 0, reverse: true }, &[v]);
    assert_eq!(y.value().to_vec(), [9.0, 12.0, 8.0, 10.0, 5.0, 6.0]);
    let empty = Tape::new();
    let v = empty.var(Tensor::zeros([0, 2]));
    assert_eq!(v.cumprod(0).vjp(Tensor::zeros([0, 2])).wrt(v).shape(), [0, 2]);
    assert_eq!(v.prod().value(), 1.0);
    assert_eq!(v.prod().backward().wrt(v).shape(), [0, 2]);
}

#[test]
fn quotient_by_its_divisor() {
    let tape = Tape::new();
    let (a, b) = (tape.scalar(3.0), tape.scalar(2.0));
    assert_eq!((a / b).backward().wrt([a, b]), [0.5, -0.75]);
    let (c, d) = (tape.var([3.0, 3.0]), tape.var([2.0, -2.0]));
    assert_eq!((c / d).vjp([1.0, 10.0]).wrt(d).to_vec(), [-0.75, -7.5]);
    // The constant on the left must not become 1.
    assert_eq!((5.0 / b).backward().wrt(b), -1.25);
}

#[test]
fn weighted_sum_of_exponentials_by_its_weights() {
    // ln Σ b eˣ at x = 0: the derivative with respect to a weight of 0 is that of any other.
    let tape = Tape::new();
    let (x, b) = (tape.var([0.0, 0.0]), tape.var([1.0, 0.0]));
    let y = (x.exp() * b).sum().ln();
    assert_eq!(y.value(), 0.0);
    assert_eq!(y.backward().wrt(b).to_vec(), [1.0, 1.0]);
}
