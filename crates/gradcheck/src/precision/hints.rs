//! The usual way to keep the digits that an operation loses.

use tape::GraphView;
use tape::element::Real;

/// Nodes that lose digits together, the result first, and what keeps them.
const HINTS: [(&[&str], &[&str], &str); 11] = [
    (&["sub", "add"], &["exp"], "`expm1` keeps the digits of a difference of `exp` and 1"),
    (&["ln", "log"], &["add", "sub"], "`log1p` keeps the digits of a logarithm next to 1"),
    (&["sub", "add", "neg"], &["cos"], "1 - cos x is 2 sin²(x/2)"),
    (&["sub"], &["erf"], "`erfc` is 1 - erf(x) with all digits"),
    (&["sub"], &["sigmoid"], "1 - sigmoid(x) is sigmoid(-x)"),
    (
        &["sub"],
        &["tanh"],
        "1 - tanh²(x) has its digits as the derivative of `tanh`; 1 - tanh(x) is 2 sigmoid(-2x)",
    ),
    (&["ln"], &["sigmoid"], "`log_sigmoid` is the fused operation"),
    (&["ln"], &["softmax", "div"], "`log_softmax` is the fused operation; subtract the maximum first"),
    (&["ln"], &["sum"], "`logsumexp` is the fused operation; subtract the maximum first"),
    (&["sub"], &["square", "mul", "mean", "div"], "subtract the mean first: `var` does, in two passes"),
    (&["sub"], &["sqrt", "hypot"], "multiply by the conjugate: √a - √b is (a - b) / (√a + √b)"),
];

/// The hint for a node that magnifies errors.
pub(super) fn hint<T: tape::Element>(view: &GraphView<T>, node: usize) -> Option<&'static str> {
    let node = view.node(node)?;
    let inputs: Vec<&str> = node.parents().filter_map(|i| Some(view.node(i)?.op)).collect();
    let fits = |(ops, operands, _): &&(&[&str], &[&str], &'static str)| {
        ops.contains(&node.op) && inputs.iter().any(|input| operands.contains(input))
    };
    let known = HINTS.iter().find(fits).map(|&(_, _, text)| text);
    let general = match node.op {
        "sub" | "add" => Some("two numbers cancel: rewrite the difference"),
        "sum" | "mean" | "matmul" | "dot" => Some("terms cancel: subtract what they have in common first"),
        "sin" | "cos" | "tan" => Some("the argument is large: reduce it before it is rounded"),
        _ => None,
    };
    known.or(general)
}

/// The same for an operation that itself rounds by more than it should.
pub(super) fn rounds_badly(op: &str, units: f64) -> String {
    format!(
        "`{op}` is off by {units:.0} units in the last place at exact operands: its own formula loses the digits"
    )
}

/// Returns the number of decimal digits of a number type.
pub(super) fn all<T: Real>() -> f64 {
    // Not `f64::log10`: the same on every machine.
    -Real::log10(T::EPSILON.to_f64())
}

/// Returns the number of decimal digits that two numbers have in common, relative to `scale`; at most those of `T`.
pub(super) fn digits<T: Real>(error: f64, scale: f64) -> f64 {
    if error == 0.0 {
        return all::<T>();
    }
    (-Real::log10(error / scale)).clamp(0.0, all::<T>())
}
