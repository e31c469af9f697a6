//! The value of the derivative where it does not exist: one test for each row of the table of conventions.

use tape::{Tape, Tensor, Var};

/// Checks the derivative of a function at a point: of a scalar and of a tensor, in both modes, plain and
/// recorded.
macro_rules! slope {
    (|$x:ident| $y:expr, at $point:expr, is $slope:expr) => {{
        let (point, slope): (f64, f64) = ($point, $slope);
        let tape = Tape::new();
        {
            let $x = tape.scalar(point);
            let y = $y;
            assert_eq!(y.backward().wrt($x), slope, "scalar, reverse");
            assert_eq!(y.grad($x).value(), slope, "scalar, reverse, recorded");
            assert_eq!(y.jvp($x, 1.0), slope, "scalar, forward");
            assert_eq!(
                tape.pushforward(y, $x, tape.scalar_constant(1.0)).value(),
                slope,
                "scalar, forward, recorded"
            );
        }
        let $x = tape.var([point]);
        let y = $y;
        let one = tape.constant([1.0]);
        assert_eq!(y.vjp([1.0]).wrt($x).item(), slope, "tensor, reverse");
        assert_eq!(y.grad(one, $x).value().item(), slope, "tensor, reverse, recorded");
        assert_eq!(y.jvp($x, Tensor::from([1.0])).item(), slope, "tensor, forward");
        assert_eq!(tape.pushforward(y, $x, one).value().item(), slope, "tensor, forward, recorded");
    }};
}

/// The gradient of a scalar function of a vector, plain and recorded, and the tangents along each axis.
#[track_caller]
fn gradient(x: &[f64], f: impl for<'t> Fn(Var<'t>) -> tape::Scalar<'t>) -> Vec<f64> {
    let tape = Tape::new();
    let x = tape.var(x);
    let y = f(x);
    let plain = y.backward().wrt(x).to_vec();
    assert_eq!(y.grad(x).value().to_vec(), plain, "recorded");
    let axis = |i: usize| Tensor::from_fn(x.shape(), |at| if at[0] == i { 1.0 } else { 0.0 });
    let tangents: Vec<f64> = (0..plain.len()).map(|i| y.jvp(x, axis(i))).collect();
    assert_eq!(tangents, plain, "forward");
    plain
}

#[test]
fn relu_is_flat_at_zero() {
    slope!(|x| x.relu(), at 0.0, is 0.0);
    slope!(|x| x.relu(), at -0.0, is 0.0);
}

#[test]
fn abs_is_flat_at_zero() {
    slope!(|x| x.abs(), at 0.0, is 0.0);
}

#[test]
fn ties_of_reductions_share_equally() {
    assert_eq!(gradient(&[2.0, 7.0, 7.0, 1.0], |x| x.max() * 3.0), [0.0, 1.5, 1.5, 0.0]);
    assert_eq!(gradient(&[2.0, 1.0, 7.0, 1.0], |x| x.min() * 3.0), [0.0, 1.5, 0.0, 1.5]);
}

#[test]
fn ties_of_two_share_equally() {
    for maximum in [true, false] {
        let tape = Tape::new();
        let (a, b) = (tape.var([1.0, 2.0, 3.0]), tape.var([2.0, 2.0, 2.0]));
        let y = if maximum { a.maximum(b) } else { a.minimum(b) };
        let grads = y.vjp([1.0, 10.0, 100.0]);
        let (low, high) = (Tensor::from([1.0, 5.0, 0.0]), Tensor::from([0.0, 5.0, 100.0]));
        let (of_a, of_b) = if maximum { (high, low) } else { (low, high) };
        assert_eq!(grads.wrt((a, b)), (of_a, of_b));
    }
    slope!(|x| x.maximum(x), at 2.0, is 1.0);
}

#[test]
fn the_unit_step_takes_the_given_value_at_either_zero() {
    for at_zero in [0.0, 0.25, 1.0] {
        let step = |x: f64| {
            (Tape::new().scalar(x).heaviside(at_zero).value(), Tensor::from([x]).heaviside(at_zero).item())
        };
        assert_eq!([-0.0, 0.0].map(step), [(at_zero, at_zero); 2]);
        let tiny = f64::from_bits(1);
        assert_eq!(
            [-f64::INFINITY, -tiny, tiny, f64::INFINITY].map(step),
            [0.0, 0.0, 1.0, 1.0].map(|y| (y, y))
        );
        let (value, slope) = step(f64::NAN);
        assert!(value.is_nan() && slope.is_nan(), "{value} {slope}");
        slope!(|x| x.heaviside(at_zero), at 0.0, is 0.0);
        slope!(|x| x.heaviside(at_zero), at -0.0, is 0.0);
    }
}

#[test]
fn a_root_is_vertical_at_zero() {
    slope!(|x| x.sqrt(), at 0.0, is f64::INFINITY);
}

#[test]
fn the_power_zero_is_flat_everywhere() {
    for x in [-2.0, 0.0, 3.0] {
        slope!(|x| x.powi(0), at x, is 0.0);
        slope!(|x| x.powf(0.0), at x, is 0.0);
    }
    slope!(|x| x.powi(0) + x.powi(1) + x.powi(2), at 0.0, is 1.0);
    let tape = Tape::new();
    let (x, y) = (tape.scalar(0.0), tape.scalar(0.0));
    assert_eq!(x.pow(y).backward().wrt(x), 0.0);
}

#[test]
fn a_power_of_zero_is_flat_in_its_exponent() {
    let tape = Tape::new();
    for exponent in [0.5, 1.0, 3.0] {
        let (x, y) = (tape.scalar(0.0), tape.scalar(exponent));
        assert_eq!(x.pow(y).backward().wrt(y), 0.0);
        assert_eq!(x.pow(y).grad(y).value(), 0.0);
        assert_eq!(x.pow(y).jvp(y, 1.0), 0.0);
    }
}

#[test]
fn norms_and_deviations_are_flat_at_their_tip() {
    assert_eq!(gradient(&[0.0, 0.0], |x| x.norm(2.0)), [0.0, 0.0]);
    assert_eq!(gradient(&[0.1, 0.1, 0.1], |x| x.std(0)), [0.0, 0.0, 0.0]);
    let tape = Tape::new();
    let (x, y) = (tape.scalar(0.0), tape.scalar(0.0));
    for z in [x.hypot(y), x.atan2(y)] {
        assert_eq!(z.backward().wrt([x, y]), [0.0, 0.0]);
        assert_eq!(z.grad([x, y]).map(|g| g.value()), [0.0, 0.0]);
        assert_eq!((z.jvp(x, 1.0), z.jvp(y, 1.0)), (0.0, 0.0));
    }
}

#[test]
fn sinc_is_flat_at_zero() {
    slope!(|x| x.sinc(), at 0.0, is 0.0);
}

#[test]
fn a_fully_masked_row_of_softmax_is_a_zero_row() {
    let masked = f64::NEG_INFINITY;
    let tape = Tape::new();
    let x = tape.var([[masked, masked], [0.0, masked]]);
    let y = x.softmax(-1);
    assert_eq!(y.value(), Tensor::from([[0.0, 0.0], [1.0, 0.0]]));
    assert_eq!(y.vjp([[1.0, 2.0], [3.0, 4.0]]).wrt(x), Tensor::zeros([2, 2]));
}

#[test]
fn clamp_passes_inside_and_on_the_bounds() {
    for (point, slope) in [(-1.5, 0.0), (-1.0, 1.0), (0.5, 1.0), (2.0, 1.0), (2.5, 0.0)] {
        slope!(|x| x.clamp(-1.0, 2.0), at point, is slope);
    }
}

#[test]
fn zero_absorbs_in_a_square_of_a_root() {
    // The derivative of sqrt(x)² at 0 is 1. The cotangent 2 sqrt(0) of the root is exactly zero and absorbs
    // its infinite slope: 0. Forward, the tangent of the root is infinite, and the product is undefined.
    let tape = Tape::new();
    let x = tape.scalar(0.0);
    let y = x.sqrt().square();
    assert_eq!(y.backward().wrt(x), 0.0);
    assert_eq!(y.grad(x).value(), 0.0);
    let tangent = y.jvp(x, 1.0);
    assert!(tangent.is_nan(), "{tangent}");
}
