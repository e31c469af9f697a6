//! Every function at 1200 points, against references that `scripts/double_double_reference.py` wrote.

use gradcheck::DoubleDouble;
use std::path::Path;
use tape::element::Real;

/// The bound of a function that computes with its argument, and what `docs/accuracy.md` states.
const FEW_UNITS: f64 = 2.5e-31;

/// Near a zero that lies between the numbers of the format, digits are lost: relative to 1 there is no loss.
const NEAR_ZEROS: f64 = 1e-28;

/// `y ln x` has an error of its own size, up to 700 here.
const LARGE_EXPONENT: f64 = 1e-29;

/// The records of a file: `N` doubles each.
fn records<const N: usize>(name: &str) -> Vec<[f64; N]> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/double_double")
        .join(name)
        .with_extension("f64");
    let bytes = std::fs::read(&path).unwrap();
    let (doubles, []) = bytes.as_chunks::<8>() else { panic!("{name}: half a number") };
    let doubles: Vec<f64> = doubles.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect();
    let (records, []) = doubles.as_chunks::<N>() else { panic!("{name}: half a record") };
    assert!(records.len() >= 1000, "{name}: {} points", records.len());
    records.to_vec()
}

fn number(hi: f64, lo: f64) -> DoubleDouble {
    DoubleDouble::from_parts(hi, lo)
}

/// The relative error, in exact arithmetic but for its own rounding.
fn error(found: DoubleDouble, hi: f64, lo: f64) -> f64 {
    let error = ((found - number(hi, lo)).hi() / hi).abs();
    if error.is_nan() { f64::INFINITY } else { error }
}

/// The largest error, and the argument.
fn worst(errors: impl Iterator<Item = (f64, String)>) -> (f64, String) {
    errors.fold((0.0, String::new()), |most, next| if next.0 > most.0 { next } else { most })
}

fn judge(name: &str, bound: f64, (error, at): (f64, String)) {
    println!("| `{name}` | {error:.1e} |");
    assert!(error <= bound, "{name}({at}): relative error {error:e}, expected at most {bound:e}");
}

fn unary(name: &str, bound: f64, f: fn(DoubleDouble) -> DoubleDouble) {
    let errors = records::<4>(name)
        .into_iter()
        .map(|[hi, lo, y, rest]| (error(f(number(hi, lo)), y, rest), format!("{hi:e} + {lo:e}")));
    judge(name, bound, worst(errors));
}

fn binary(name: &str, bound: f64, f: fn(DoubleDouble, DoubleDouble) -> DoubleDouble) {
    let errors = records::<6>(name).into_iter().map(|[a, a_rest, b, b_rest, y, rest]| {
        (error(f(number(a, a_rest), number(b, b_rest)), y, rest), format!("{a:e}, {b:e}"))
    });
    judge(name, bound, worst(errors));
}

macro_rules! unary {
    ($bound:expr; $($name:ident)*) => {
        $(unary(stringify!($name), $bound, <DoubleDouble as Real>::$name);)*
    };
}

#[test]
fn every_function_has_the_digits_of_its_references() {
    unary!(FEW_UNITS; exp exp2 expm1 ln log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sqrt cbrt);
    unary!(FEW_UNITS; sigmoid softplus log_sigmoid erf erfc trigamma);
    unary!(NEAR_ZEROS; lgamma digamma);
    unary("polygamma2", FEW_UNITS, |x| x.polygamma(2));
    unary("polygamma3", FEW_UNITS, |x| x.polygamma(3));
    unary("polygamma8", FEW_UNITS, |x| x.polygamma(8));
    binary("pow", LARGE_EXPONENT, Real::pow);
    binary("atan2", FEW_UNITS, Real::atan2);
    binary("hypot", FEW_UNITS, Real::hypot);
}

/// Arguments at which the result is special for some function.
const SPECIAL: [f64; 19] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    -2.0,
    0.5,
    -0.5,
    3.0,
    -3.0,
    1e300,
    -1e300,
    1e-300,
    -1e-300,
    800.0,
    -800.0,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

/// Special values are those of `f64`: the same NaNs, infinities and signed zeros, and elsewhere the same number but for the
/// error of `f64`.
fn as_in_f64(name: &str, x: impl std::fmt::Debug, found: DoubleDouble, expected: f64) {
    let (found, rest) = (found.hi(), found.lo());
    // The sign of a zero of `lgamma`, at 1 and 2, is that of a rounding.
    let expected = if name == "lgamma" && expected == 0.0 { 0.0 } else { expected };
    let special = expected.is_nan() || expected.is_infinite() || expected == 0.0;
    let same = if special {
        rest == 0.0 && (found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan())
    } else {
        (found - expected).abs() <= 450.0 * f64::EPSILON * expected.abs() + f64::MIN_POSITIVE
    };
    assert!(same, "{name}({x:?}): expected {expected:e}, found {found:e} + {rest:e}");
}

macro_rules! special {
    ($($name:ident)*) => {
        for x in SPECIAL {
            $(as_in_f64(stringify!($name), x, Real::$name(DoubleDouble::from(x)), Real::$name(x));)*
        }
    };
}

#[test]
fn special_values_are_those_of_f64() {
    special!(exp exp2 expm1 ln log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sqrt cbrt);
    special!(sigmoid softplus log_sigmoid erf erfc lgamma digamma trigamma abs floor ceil round trunc sign);
    for a in SPECIAL {
        for n in [2, 3] {
            as_in_f64("polygamma", (n, a), Real::polygamma(DoubleDouble::from(a), n), Real::polygamma(a, n));
        }
        for n in [-3, -1, 0, 1, 2, 3] {
            as_in_f64("powi", (a, n), Real::powi(DoubleDouble::from(a), n), Real::powi(a, n));
        }
        for b in SPECIAL {
            let (x, y) = (DoubleDouble::from(a), DoubleDouble::from(b));
            as_in_f64("pow", (a, b), x.pow(y), Real::pow(a, b));
            as_in_f64("atan2", (a, b), x.atan2(y), Real::atan2(a, b));
            as_in_f64("hypot", (a, b), Real::hypot(x, y), Real::hypot(a, b));
            as_in_f64("copysign", (a, b), x.copysign(y), a.copysign(b));
            as_in_f64("maximum", (a, b), x.maximum(y), Real::maximum(a, b));
            as_in_f64("minimum", (a, b), x.minimum(y), Real::minimum(a, b));
            as_in_f64("+", (a, b), x + y, a + b);
            as_in_f64("-", (a, b), x - y, a - b);
            as_in_f64("*", (a, b), x * y, a * b);
            as_in_f64("/", (a, b), x / y, a / b);
            assert_eq!(x.partial_cmp(&y), a.partial_cmp(&b), "{a} and {b}");
        }
    }
}
