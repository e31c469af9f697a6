//! Activations, special functions, scans and order statistics against numbers that this project did not compute.

use tape::Var;
use tests::reference::{self, Case, at_least_three};

/// Relative agreement. The references are rounded once, a function a few times.
const RELATIVE: f64 = 1e-12;

fn apply<'t>(case: &Case, x: &[Var<'t>]) -> Option<Var<'t>> {
    let (a, axis) = (x[0], || case.int("axis"));
    Some(match case.op.as_str() {
        "softsign" => a.softsign(),
        "celu" => a.celu(case.get("alpha")),
        "relu6" => a.relu6(),
        "hard_sigmoid" => a.hard_sigmoid(),
        "hard_swish" => a.hard_swish(),
        "hard_tanh_between" => a.hard_tanh_between(case.get("lo"), case.get("hi")),
        "softplus_scaled" => a.softplus_scaled(case.get("beta")),
        "tanh_shrink" => a.tanh_shrink(),
        "soft_shrink" => a.soft_shrink(case.get("lambda")),
        "hard_shrink" => a.hard_shrink(case.get("lambda")),
        "logit" => a.logit(),
        "erfinv" => a.erfinv(),
        "trunc" => a.trunc(),
        "i0" => a.i0(),
        "i1" => a.i1(),
        "bessel_i" => a.bessel_i(case.int("n") as u32),
        "xlogy" => a.xlogy(x[1]),
        "xlog1py" => a.xlog1py(x[1]),
        "fmod" => a.fmod(x[1]),
        "remainder" => a.remainder(x[1]),
        "logsubexp" => a.logsubexp(x[1]),
        "betaln" => a.betaln(x[1]),
        "lerp" => a.lerp(x[1], x[2]),
        "glu" => a.glu(axis()),
        "logcumsumexp" => a.logcumsumexp(axis()),
        "cummax" => a.cummax(axis()).0,
        "cummin" => a.cummin(axis()).0,
        "quantile" => a.quantile(case.get("q"), axis()),
        "median" => a.median(axis()),
        "kth_value" => a.kth_value(case.int("k") as usize, axis()).0,
        "norm" => a.norm_axes(case.get("p"), case.axes(), false),
        _ => return None,
    })
}

#[test]
fn functions_and_scans_agree() {
    let compared = reference::run("functions.json", |_| RELATIVE, apply);
    at_least_three(&compared, 31);
}
