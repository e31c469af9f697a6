//! Slopes keep their digits where the function has levelled off, near the ends of its domain, and near points
//! of symmetry, to the third derivative: values from mpmath with 150 digits (`mp.taylor(f, x, 3)`).

use tape::ops::{Sigmoid, Tanh};
use tape::{Element, Scalar, SlopeFromOutput, Tape, Tensor, Unary, Var};

/// The rounding of a few dozen operations, and of arguments up to 80, which an exponential amplifies by that
/// factor.
const ULPS: f64 = 256.0;

fn function<'t, T: Element>(name: &str, x: Scalar<'t, T>, tape: &'t Tape<T>) -> Scalar<'t, T> {
    match name {
        "sigmoid" => x.sigmoid(),
        "tanh" => x.tanh(),
        "softplus" => x.softplus(),
        "log_sigmoid" => x.log_sigmoid(),
        "logaddexp" => x.logaddexp(tape.scalar_constant(T::ZERO)),
        "silu" => x.silu(),
        "mish" => x.mish(),
        "gelu_tanh" => x.gelu_tanh(),
        "sigmoid_scaled" => x.sigmoid_scaled(2.0, 0.0),
        "asin" => x.asin(),
        "acos" => x.acos(),
        "atanh" => x.atanh(),
        "acosh" => x.acosh(),
        "hypot" => x.hypot(tape.scalar_constant(T::ONE)),
        _ => unreachable!("{name}"),
    }
}

/// A point, and the first three derivatives there. The points are exact in both formats.
const DERIVATIVES: &[(&str, f64, [f64; 3])] = &[
    ("sigmoid", 9.313225746154785e-10, [0.25, -1.1641532182693481e-10, -0.125]),
    ("sigmoid", -9.313225746154785e-10, [0.25, 1.1641532182693481e-10, -0.125]),
    ("sigmoid", 0.25, [0.24613408273759835, -0.030607512026718776, -0.11735783737287511]),
    ("sigmoid", -8.0, [0.00033523767075647424, 0.0003350128267632233, 0.0003345633649811089]),
    ("sigmoid", 8.0, [0.00033523767075647424, -0.0003350128267632233, 0.0003345633649811089]),
    ("sigmoid", 17.5, [2.5109990296416514e-08, -2.5109989035393256e-08, 2.510998651334684e-08]),
    ("sigmoid", -20.0, [2.061153613941849e-09, 2.061153605445141e-09, 2.061153588451724e-09]),
    ("sigmoid", 37.5, [5.175555005801868e-17, -5.1755550058018675e-17, 5.175555005801866e-17]),
    ("sigmoid", 40.0, [4.248354255291589e-18, -4.248354255291589e-18, 4.248354255291589e-18]),
    ("sigmoid", 80.0, [1.8048513878454153e-35, -1.8048513878454153e-35, 1.8048513878454153e-35]),
    ("sigmoid", -80.0, [1.8048513878454153e-35, 1.8048513878454153e-35, 1.8048513878454153e-35]),
    ("softplus", 9.313225746154785e-10, [0.5000000002328306, 0.25, -1.1641532182693481e-10]),
    ("softplus", -9.313225746154785e-10, [0.49999999976716936, 0.25, 1.1641532182693481e-10]),
    ("softplus", 0.25, [0.5621765008857981, 0.24613408273759835, -0.030607512026718776]),
    ("softplus", -8.0, [0.0003353501304664781, 0.00033523767075647424, 0.0003350128267632233]),
    ("softplus", 8.0, [0.9996646498695335, 0.00033523767075647424, -0.0003350128267632233]),
    ("softplus", 17.5, [0.999999974890009, 2.5109990296416514e-08, -2.5109989035393256e-08]),
    ("softplus", -20.0, [2.0611536181902037e-09, 2.061153613941849e-09, 2.061153605445141e-09]),
    ("softplus", 37.5, [1.0, 5.175555005801868e-17, -5.1755550058018675e-17]),
    ("softplus", 40.0, [1.0, 4.248354255291589e-18, -4.248354255291589e-18]),
    ("softplus", 80.0, [1.0, 1.8048513878454153e-35, -1.8048513878454153e-35]),
    ("softplus", -80.0, [1.8048513878454153e-35, 1.8048513878454153e-35, 1.8048513878454153e-35]),
    ("log_sigmoid", 9.313225746154785e-10, [0.49999999976716936, -0.25, 1.1641532182693481e-10]),
    ("log_sigmoid", -9.313225746154785e-10, [0.5000000002328306, -0.25, -1.1641532182693481e-10]),
    ("log_sigmoid", 0.25, [0.4378234991142019, -0.24613408273759835, 0.030607512026718776]),
    ("log_sigmoid", -8.0, [0.9996646498695335, -0.00033523767075647424, -0.0003350128267632233]),
    ("log_sigmoid", 8.0, [0.0003353501304664781, -0.00033523767075647424, 0.0003350128267632233]),
    ("log_sigmoid", 17.5, [2.5109990926928157e-08, -2.5109990296416514e-08, 2.5109989035393256e-08]),
    ("log_sigmoid", -20.0, [0.9999999979388464, -2.061153613941849e-09, -2.061153605445141e-09]),
    ("log_sigmoid", 37.5, [5.175555005801868e-17, -5.175555005801868e-17, 5.1755550058018675e-17]),
    ("log_sigmoid", 40.0, [4.248354255291589e-18, -4.248354255291589e-18, 4.248354255291589e-18]),
    ("log_sigmoid", 80.0, [1.8048513878454153e-35, -1.8048513878454153e-35, 1.8048513878454153e-35]),
    ("log_sigmoid", -80.0, [1.0, -1.8048513878454153e-35, -1.8048513878454153e-35]),
    ("logaddexp", 9.313225746154785e-10, [0.5000000002328306, 0.25, -1.1641532182693481e-10]),
    ("logaddexp", -9.313225746154785e-10, [0.49999999976716936, 0.25, 1.1641532182693481e-10]),
    ("logaddexp", 0.25, [0.5621765008857981, 0.24613408273759835, -0.030607512026718776]),
    ("logaddexp", -8.0, [0.0003353501304664781, 0.00033523767075647424, 0.0003350128267632233]),
    ("logaddexp", 8.0, [0.9996646498695335, 0.00033523767075647424, -0.0003350128267632233]),
    ("logaddexp", 17.5, [0.999999974890009, 2.5109990296416514e-08, -2.5109989035393256e-08]),
    ("logaddexp", -20.0, [2.0611536181902037e-09, 2.061153613941849e-09, 2.061153605445141e-09]),
    ("logaddexp", 37.5, [1.0, 5.175555005801868e-17, -5.1755550058018675e-17]),
    ("logaddexp", 40.0, [1.0, 4.248354255291589e-18, -4.248354255291589e-18]),
    ("logaddexp", 80.0, [1.0, 1.8048513878454153e-35, -1.8048513878454153e-35]),
    ("logaddexp", -80.0, [1.8048513878454153e-35, 1.8048513878454153e-35, 1.8048513878454153e-35]),
    ("silu", 9.313225746154785e-10, [0.5000000004656613, 0.5, -4.656612873077393e-10]),
    ("silu", -9.313225746154785e-10, [0.4999999995343387, 0.5, 4.656612873077393e-10]),
    ("silu", 0.25, [0.6237100215701977, 0.484616287468517, -0.12116199542337511]),
    ("silu", -8.0, [-0.0023465512355853157, -0.002009627272592838, -0.001671468439559201]),
    ("silu", 8.0, [1.0023465512355854, -0.002009627272592838, 0.001671468439559201]),
    ("silu", 17.5, [1.0000004143148393, -3.89204827526549e-07, 3.640947968773899e-07]),
    ("silu", -20.0, [-3.9161918660646786e-08, -3.710076488101912e-08, -3.503961095269906e-08]),
    ("silu", 37.5, [1.000000000000002, -1.837322027059663e-15, 1.785566477001644e-15]),
    ("silu", 40.0, [1.0000000000000002, -1.6143746170108038e-16, 1.571891074457888e-16]),
    ("silu", 80.0, [1.0, -1.407784082519424e-33, 1.3897355686409696e-33]),
    ("silu", -80.0, [-1.425832596397878e-33, -1.407784082519424e-33, -1.3897355686409696e-33]),
    ("mish", 9.313225746154785e-10, [0.6000000005960464, 0.6399999999105931, -0.09600000102519989]),
    ("mish", -9.313225746154785e-10, [0.5999999994039535, 0.6400000000894069, -0.0959999989748001]),
    ("mish", 0.25, [0.7541726677205928, 0.5824164008547952, -0.3576799561314343]),
    ("mish", -8.0, [-0.0023473943816052943, -0.0020112002753487246, -0.0016743872264379195]),
    ("mish", 8.0, [1.000003372583688, -6.2920095078779335e-06, 1.1675141658321006e-05]),
    ("mish", 17.5, [1.0000000000000429, -8.322753163966211e-14, 1.6141096084688605e-13]),
    ("mish", -20.0, [-3.916191874348969e-08, -3.710076504245658e-08, -3.503961126707727e-08]),
    ("mish", 37.5, [1.0, -7.821619928479586e-31, 1.5428948900014524e-30]),
    ("mish", 40.0, [1.0, -5.631136330077695e-33, 1.1117884549127757e-32]),
    ("mish", 80.0, [1.0, -2.0587327523551533e-67, 4.0914055964526464e-67]),
    ("mish", -80.0, [-1.425832596397878e-33, -1.407784082519424e-33, -1.3897355686409696e-33]),
    ("sigmoid_scaled", 9.313225746154785e-10, [0.5, -9.313225746154785e-10, -1.0]),
    ("sigmoid_scaled", -9.313225746154785e-10, [0.5, 9.313225746154785e-10, -1.0]),
    ("sigmoid_scaled", 0.25, [0.470007424403189, -0.23022717940928297, -0.7708540503166769]),
    ("sigmoid_scaled", -8.0, [2.2507029878186457e-07, 4.50140496250439e-07, 9.002805872477856e-07]),
    ("sigmoid_scaled", 8.0, [2.2507029878186457e-07, -4.50140496250439e-07, 9.002805872477856e-07]),
    ("sigmoid_scaled", 17.5, [1.2610233520293963e-15, -2.5220467040587894e-15, 5.044093408117566e-15]),
    ("sigmoid_scaled", -20.0, [8.496708510583178e-18, 1.6993417021166355e-17, 3.398683404233271e-17]),
    ("sigmoid_scaled", 37.5, [5.3572739236161556e-33, -1.0714547847232311e-32, 2.1429095694464623e-32]),
    ("sigmoid_scaled", 40.0, [3.6097027756908306e-35, -7.219405551381661e-35, 1.4438811102763322e-34]),
    ("sigmoid_scaled", 80.0, [6.514977064415042e-70, -1.3029954128830085e-69, 2.605990825766017e-69]),
    ("sigmoid_scaled", -80.0, [6.514977064415042e-70, 1.3029954128830085e-69, 2.605990825766017e-69]),
    ("tanh", 9.313225746154785e-10, [1.0, -1.862645149230957e-09, -2.0]),
    ("tanh", 0.75, [0.5965858082813315, -0.7578417022780214, 0.2508554732691885]),
    ("tanh", -4.0, [0.001340950683025897, 0.0026801026141057864, 0.005353013839697742]),
    ("tanh", 8.0, [4.5014059756372915e-07, -9.00280992500878e-07, 1.8005611744955712e-06]),
    ("tanh", 9.25, [3.694979796523858e-08, -7.389959456518958e-08, 1.477991836692289e-07]),
    ("tanh", 20.0, [1.6993417021166355e-17, -3.398683404233271e-17, 6.797366808466542e-17]),
    ("tanh", -40.0, [7.219405551381661e-35, 1.4438811102763322e-34, 2.8877622205526645e-34]),
    ("gelu_tanh", 9.313225746154785e-10, [0.5000000007430879, 0.7978845608028654, -1.4935317004659302e-09]),
    ("gelu_tanh", -9.313225746154785e-10, [0.4999999992569121, 0.7978845608028654, 1.4935317004659302e-09]),
    ("gelu_tanh", 0.25, [0.6953540951510604, 0.7489486142236503, -0.38219167171230406]),
    ("gelu_tanh", -3.0, [-0.011584166630969726, -0.031767658886074704, -0.06968221838332002]),
    ("gelu_tanh", 3.0, [1.0115841666309697, -0.031767658886074704, 0.06968221838332002]),
    ("gelu_tanh", 5.0, [1.0000015463619876, -9.934132224996203e-06, 6.037967578425878e-05]),
    ("asin", 9.313225746154785e-10, [1.0, 9.313225746154785e-10, 1.0]),
    ("asin", 0.5, [1.1547005383792515, 0.769800358919501, 3.079201435678004]),
    ("asin", -0.75, [1.511857892036909, -2.5917563863489868, 16.78470802587915]),
    ("asin", 0.9999990463256836, [724.077516568578, 379624971.9872411, 597098546846209.2]),
    ("acos", 9.313225746154785e-10, [-1.0, -9.313225746154785e-10, -1.0]),
    ("acos", 0.5, [-1.1547005383792515, -0.769800358919501, -3.079201435678004]),
    ("acos", -0.75, [-1.511857892036909, 2.5917563863489868, -16.78470802587915]),
    ("acos", 0.9999990463256836, [-724.077516568578, -379624971.9872411, -597098546846209.2]),
    ("atanh", 9.313225746154785e-10, [1.0, 1.862645149230957e-09, 2.0]),
    ("atanh", 0.5, [1.3333333333333333, 1.7777777777777777, 8.296296296296296]),
    ("atanh", -0.75, [2.2857142857142856, -7.836734693877551, 64.1865889212828]),
    ("atanh", 0.9999990463256836, [524288.2500001192, 549755813887.875, 1.152921504606847e+18]),
    ("acosh", 1.0000009536743164, [724.077171301595, -379625153.0065771, 597098641752474.9]),
    ("acosh", 2.0, [0.5773502691896257, -0.3849001794597505, 0.5773502691896257]),
    ("acosh", 1024.0, [0.0009765629656616204, -9.53675680649929e-07, 1.8626504783110044e-09]),
    ("hypot", 9.313225746154785e-10, [9.313225746154785e-10, 1.0, -2.7939677238464355e-09]),
    ("hypot", 0.5, [0.4472135954999579, 0.7155417527999327, -0.8586501033599192]),
    ("hypot", 32.0, [0.9995120760870788, 3.0472929148996304e-05, -2.854049949564532e-06]),
    ("hypot", -4096.0, [-0.999999970197679, 1.4551913927324342e-11, 1.0658139448214892e-14]),
    ("hypot", 1073741824.0, [1.0, 8.077935669463161e-28, -2.256949153578792e-36]),
];

fn close<T: Element>(found: T, exact: f64) -> bool {
    let (found, eps) = (found.to_f64(), T::EPSILON.to_f64());
    // Subnormal numbers have fewer digits, and so have results computed from them.
    let small = T::MIN_POSITIVE.to_f64() / eps;
    (found - exact).abs()
        <= ULPS * eps * exact.abs() + if exact.abs() < small { small * ULPS * eps } else { 0.0 }
}

fn derivatives<T: Element>() {
    for &(name, at, exact) in DERIVATIVES {
        let tape = Tape::<T>::of();
        let x = tape.scalar(T::from_f64(at));
        let mut y = function(name, x, &tape);
        for (order, exact) in exact.into_iter().enumerate() {
            let (plain, ahead) = (y.backward().wrt(x), y.jvp(x, T::ONE));
            [y] = y.grad([x]);
            for (way, found) in [("backward", plain), ("jvp", ahead), ("grad", y.value())] {
                let what = format!("{} {name} at {at:e}, derivative {}, {way}", T::NAME, order + 1);
                assert!(close(found, exact), "{what}: {:e}, exactly {exact:e}", found.to_f64());
            }
        }
    }
}

#[test]
fn derivatives_keep_their_digits() {
    derivatives::<f64>();
    derivatives::<f32>();
}

/// Tensors, whose loops are compiled for vectors, give the bits of scalars.
#[test]
fn tensors_have_the_slopes_of_scalars() {
    let points: Vec<f64> = (-400..=400).map(|i| f64::from(i) * 0.25).collect();
    let tape = Tape::new();
    let all = tape.var(points.clone());
    let y: [Var<'_>; 2] = [all.sigmoid(), all.tanh()];
    let slopes = y.map(|y| y.sum().backward().wrt(all).to_vec());
    for (i, &point) in points.iter().enumerate() {
        let x = tape.scalar(point);
        let expected = [x.sigmoid(), x.tanh()].map(|y| y.backward().wrt(x));
        assert_eq!([slopes[0][i], slopes[1][i]], expected, "at {point}");
    }
}

#[test]
fn sigmoid_and_tanh_slope() {
    let tape = Tape::new();
    let slope = |x: f64| {
        let x = tape.scalar(x);
        x.sigmoid().backward().wrt(x)
    };
    let tanh = |x: f64| {
        let x = tape.scalar(x);
        x.tanh().backward().wrt(x)
    };
    let curvature = |x: f64| {
        let x = tape.scalar(x);
        x.softplus().grad([x])[0].backward().wrt(x)
    };
    let single = Tape::single();
    let slope32 = {
        let x = single.scalar(16.0f32);
        x.sigmoid().backward().wrt(x)
    };
    let found = [slope(40.0), tanh(20.0), curvature(40.0), f64::from(slope32)];
    let exact = [4.248354255291589e-18, 1.6993417021166355e-17, 4.248354255291589e-18, 1.1253514941e-7];
    for (found, exact) in found.iter().zip(exact) {
        assert!((found / exact - 1.0).abs() < 1e-6, "{found:e}, exactly {exact:e}");
    }
}

/// Where the published formulas lose no digits, their bits are kept.
#[test]
fn small_values_have_the_slope_of_the_formula() {
    let tape = Tape::new();
    for i in -400..=0 {
        let x = tape.scalar(f64::from(i) * 0.03);
        let y = x.sigmoid();
        assert_eq!(y.backward().wrt(x), y.value() * (1.0 - y.value()));
        let x = tape.scalar(f64::from(i) * 0.00137);
        for x in [x, -x] {
            let y = x.tanh();
            assert!(y.value().abs() <= 0.5, "{}", y.value());
            assert_eq!(y.grad(x).value(), 1.0 - y.value() * y.value());
        }
    }
}

/// The documented accuracy of the slopes that the fused layer computes from the value.
fn from_value<T: Element>() {
    let eps = T::EPSILON.to_f64();
    for i in -4000..4000 {
        let x = T::from_f64(f64::from(i) * 0.01);
        let (z, y) = (Unary::eval(&Sigmoid, x), Unary::eval(&Tanh, x));
        let distance = |a: T, b: T| (a.to_f64() - b.to_f64()).abs();
        let sigmoid = distance(Sigmoid.slope_from_output(z), Sigmoid.slope(x, z));
        assert!(sigmoid <= eps, "{} sigmoid at {x}: {:.2} eps", T::NAME, sigmoid / eps);
        let tanh = distance(Tanh.slope_from_output(y), Tanh.slope(x, y));
        assert!(tanh <= 2.0 * eps, "{} tanh at {x}: {:.2} eps", T::NAME, tanh / eps);
    }
}

#[test]
fn the_slope_from_the_value_is_off_by_its_rounding() {
    from_value::<f64>();
    from_value::<f32>();
}

/// A tiny probability beside large ones: first and second derivatives of the softmax family, against exact
/// values.
fn families<T: Element>() {
    let tape = Tape::<T>::of();
    let number = T::from_f64;
    let check = |name: &str, found: Tensor<T>, exact: &[f64]| {
        let found = found.to_vec();
        let right = found.iter().zip(exact).all(|(&found, &exact)| close(found, exact));
        assert!(right, "{} {name}: {found:?}, exactly {exact:?}", T::NAME);
    };
    // p = σ(40) and σ(-40), whose product is the slope.
    let p = 4.248354255291589e-18;
    for twice in [false, true] {
        // Beside one large probability, or beside two equal halves.
        let logits = if twice { vec![40.0, 40.0, 0.0] } else { vec![40.0, 0.0] };
        let tiny = if twice { p / 2.0 } else { p };
        let x = tape.var(logits.iter().map(|&x| number(x)).collect::<Vec<T>>());
        let seed = |large: f64, small: f64| {
            let large = vec![number(large); logits.len() - 1];
            Tensor::from([large, vec![number(small)]].concat())
        };
        let large = 1.0 / (logits.len() - 1) as f64;
        let exact = [vec![tiny * large; logits.len() - 1], vec![-tiny]].concat();
        check("softmax", x.softmax(0).vjp(seed(1.0, 0.0)).wrt(x), &exact);
        check("softmax of another scale", x.softmax(0).vjp(seed(4.0, 3.0)).wrt(x), &exact);
        check("softmax forward", x.softmax(0).jvp(x, seed(1.0, 0.0)), &exact);
        check("softmax, constant", x.softmax(0).vjp(seed(0.1, 0.1)).wrt(x), &vec![0.0; logits.len()]);
        let hessian = x.logsumexp().grad(x).vjp(seed(1.0, 0.0)).wrt(x);
        check("logsumexp, second derivative", hessian, &exact);
        let ahead: Vec<f64> = [vec![tiny; logits.len() - 1], vec![-1.0]].concat();
        check("log_softmax forward", x.log_softmax(0).jvp(x, seed(1.0, 0.0)), &ahead);
    }
    let x = tape.var([number(40.0), T::ZERO]);
    let first = || Tensor::from([T::ONE, T::ZERO]);
    check("log_softmax", x.log_softmax(0).vjp(first()).wrt(x), &[p, -p]);
    let first_class = tape.constant([[T::ONE, T::ZERO]]);
    check(
        "cross_entropy",
        x.reshape([1, 2]).cross_entropy(first_class, -1).sum().backward().wrt(x),
        &[-p, p],
    );
    let slope = x.log_softmax(0).slice(0, ..1).sum().grad(x);
    // d²/dx₀² ln p₀ = -p₀ p₁
    check("log_softmax, second derivative", slope.vjp(first()).wrt(x), &[-p, p]);
    let slope = x.reshape([1, 2]).cross_entropy(first_class, -1).sum().grad(x);
    check("cross_entropy, second derivative", slope.vjp(first()).wrt(x), &[p, -p]);
}

#[test]
fn the_softmax_family_keeps_its_digits() {
    families::<f64>();
    families::<f32>();
}

/// One infinite logit takes all the probability; a row of -∞ has no slope.
#[test]
fn infinite_logits() {
    let (infinite, none) = (f64::INFINITY, f64::NEG_INFINITY);
    let tape = Tape::new();
    let x = tape.var([infinite, 0.0]);
    assert_eq!(x.logsumexp().value(), infinite);
    assert_eq!(x.logsumexp().backward().wrt(x), Tensor::from([1.0, 0.0]));
    assert_eq!(x.logsumexp().grad(x).value(), Tensor::from([1.0, 0.0]));
    assert_eq!(x.logsumexp().jvp(x, Tensor::from([1.0, 5.0])), 1.0);
    assert_eq!(x.softmax(0).value(), Tensor::from([1.0, 0.0]));
    assert_eq!(x.log_softmax(0).value(), Tensor::from([0.0, none]));
    let two = tape.var([infinite, 0.0, infinite]);
    assert_eq!(two.logsumexp().backward().wrt(two), Tensor::from([0.5, 0.0, 0.5]));
    let rows = tape.var([[none, none], [none, 1.0]]);
    let y = rows.log_softmax(-1);
    assert_eq!(y.value(), Tensor::from([[none, none], [none, 0.0]]));
    assert_eq!(y.vjp([[1.0, 2.0], [0.0, 3.0]]).wrt(rows), Tensor::zeros([2, 2]));
    assert_eq!(y.jvp(rows, Tensor::from([[1.0, 2.0], [0.0, 3.0]])), Tensor::from([[0.0, 0.0], [-3.0, 0.0]]));
    assert_eq!(y.slice(0, ..1).sum().grad(rows).value(), Tensor::zeros([2, 2]));
    let rows = tape.var([[none, none], [0.0, 0.0]]);
    assert_eq!(rows.logsumexp_axes(1, false).value().to_vec(), [none, 2f64.ln()]);
    assert_eq!(
        rows.logsumexp_axes(1, false).vjp([1.0, 1.0]).wrt(rows),
        Tensor::from([[0.0, 0.0], [0.5, 0.5]])
    );
    let unknown = tape.var([infinite, f64::NAN]);
    let y = unknown.logsumexp();
    let slopes = y.backward().wrt(unknown);
    assert!(y.value().is_nan() && slopes.to_vec().iter().all(|x| x.is_nan()), "{} {slopes}", y.value());
}
