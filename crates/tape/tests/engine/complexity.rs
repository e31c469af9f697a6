//! Work that grows with the number of operands, uses or parameters, at sizes where the square of it would take minutes.
//! Nodes and bytes are counted, `n` against `2 n`; time is not.

use tape::{ParamId, Scalar, Tape, Tensor, Var};

/// Linear work on this many items takes no noticeable time; quadratic work takes minutes.
const MANY: usize = 100_000;

fn vectors(tape: &Tape, n: usize) -> Vec<Var<'_>> {
    (0..n).map(|i| tape.var([i as f64])).collect()
}

/// Asserts that `record(tape, n)` takes at most twice the nodes and bytes for `2 n`, apart from constant
/// terms.
fn assert_linear(name: &str, record: impl Fn(&Tape, usize)) {
    let cost = |n: usize| {
        let tape = Tape::new();
        record(&tape, n);
        [tape.len(), tape.memory().bytes()]
    };
    for (half, whole) in cost(500).into_iter().zip(cost(1000)) {
        assert!(whole <= 2 * half + 4096, "{name}: {half} for n, {whole} for 2 n");
    }
}

/// `Σ sin(x)`, with `n` uses of one value.
fn fan_out<'t>(x: Scalar<'t>, n: usize) -> Scalar<'t> {
    (0..n).fold(x.tape().scalar_constant(0.0), |sum, _| sum + x.sin())
}

fn fan_out_of_tensors<'t>(x: Var<'t>, n: usize) -> Scalar<'t> {
    (0..n).fold(x.tape().constant([0.0]), |sum, _| sum + x.sin()).sum()
}

#[test]
fn a_value_is_used_many_times() {
    let tape = Tape::new();
    let x = tape.scalar(0.5);
    let y = fan_out(x, MANY);
    let slope = MANY as f64 * 0.5_f64.cos();
    let close = |found: f64| assert!((found / slope - 1.0).abs() < 1e-10, "{found}, expected {slope}");
    close(y.backward().wrt(x));
    close(y.jvp(x, 1.0));
    close(y.grad(x).value());
    close(tape.pushforward(y, x, tape.scalar_constant(1.0)).value());
    let report = y.find_nonfinite();
    assert!(report.is_clean(), "{report}");

    let tape = Tape::new();
    let x = tape.var([0.5]);
    let y = fan_out_of_tensors(x, MANY / 10);
    let slope = Tensor::from([MANY as f64 / 10.0 * 0.5_f64.cos()]);
    for found in [y.backward().wrt(x), y.grad(x).value()] {
        assert!((&found - &slope).abs().max() < 1e-8, "{found}, expected {slope}");
    }
}

#[test]
fn a_graph_with_a_large_fan_out_is_drawn() {
    let tape = Tape::new();
    let _y = fan_out(tape.scalar(0.5), MANY / 25);
    let view = tape.view();
    let nodes = view.nodes().len();
    assert_eq!(view.to_svg().matches("rx=\"6\"").count(), nodes + 4);
    assert_eq!(view.to_dot().matches("->").count(), nodes - 1 + MANY / 25 - 1);
    let bytes = view.to_json().len();
    assert!(bytes < 300 * nodes, "{bytes} bytes for {nodes} nodes");
    assert_eq!(view.ancestors(nodes).nodes().len(), nodes);
}

#[test]
fn many_tensors_are_joined() {
    let tape = Tape::new();
    let x = vectors(&tape, MANY / 4);
    let expected: Vec<f64> = (0..x.len()).map(|i| 2.0 * i as f64).collect();
    for y in [tape.concat(&x, 0), tape.stack(&x, 0)] {
        let loss = y.square().sum();
        let found: Vec<f64> = loss.backward().wrt(x.clone()).iter().map(Tensor::item).collect();
        assert_eq!(found, expected);
        let ones = vec![Tensor::ones([1]); x.len()];
        assert_eq!(loss.jvp(x.clone(), ones), expected.iter().sum());
    }
    assert_eq!(tape.concat(&x, 0).square().sum().grad(x.clone())[7].value().item(), 14.0);
}

#[test]
fn many_scalars_make_a_vector() {
    let tape = Tape::new();
    let x: Vec<Scalar<'_>> = (0..MANY).map(|i| tape.scalar(i as f64)).collect();
    let loss = tape.vector(&x).square().sum();
    assert_eq!(loss.backward().wrt(x.clone())[5], 10.0);
    assert_eq!(loss.jvp(x.clone(), vec![1.0; MANY]), (0..MANY).map(|i| 2.0 * i as f64).sum());
    let one = tape.scalar_constant(1.0);
    let tangent = tape.pushforward(loss, x.clone(), vec![one; MANY]);
    assert_eq!(tangent.value(), (0..MANY).map(|i| 2.0 * i as f64).sum());
}

/// `Σ (x - i)²` of the first `i`, and of each a step towards its minimum by an inner derivative that is itself recorded.
#[test]
fn many_inner_derivatives_on_one_tape() {
    let tape = Tape::new();
    let (weight, one) = (tape.scalar(0.5), tape.scalar_constant(1.0));
    let mut x = tape.scalar(0.0);
    for i in 0..MANY / 5 {
        let start = x;
        let inner = (start - f64::from(i as u32 % 7)).square() * weight;
        let slope = inner.grad(start);
        assert_eq!(inner.jvp(start, 1.0), slope.value());
        assert_eq!(tape.pushforward(inner, start, one).value(), slope.value());
        x = start - 0.25 * slope;
    }
    // Each step multiplies the distance by 1 - 0.25 · 2 · weight: the last few decide.
    let slope = x.backward().wrt(weight);
    let expected = (0..MANY / 5).fold((0.0, 0.0), |(x, dx): (f64, f64), i| {
        let distance = x - f64::from(i as u32 % 7);
        (x - 0.25 * distance, 0.75 * dx - 0.5 * distance)
    });
    assert!((x.value() - expected.0).abs() < 1e-12 && (slope - expected.1).abs() < 1e-12, "{slope}");
    assert_eq!(x.grad(weight).value(), slope);
}

#[test]
fn many_tensors_with_inner_derivatives_on_one_tape() {
    let tape = Tape::new();
    let weight = tape.var([0.5, 0.25]);
    for i in 0..MANY / 20 {
        let x = tape.var([f64::from(i as u32 % 5), 1.0]);
        let y = (x.square() * weight).sum();
        let grads = y.backward();
        assert_eq!(grads.wrt((x, weight)), (2.0 * x.value() * weight.value(), x.value().square()));
        assert_eq!(y.grad(x).value(), grads.wrt(x));
        assert_eq!(y.jvp(x, Tensor::ones([2])), grads.wrt(x).sum());
    }
}

/// Sweeps that reach little and sweeps that reach everything in turn leave the same gradients as a tape of their own.
#[test]
fn narrow_and_wide_sweeps_in_turn() {
    fn record(tape: &Tape, n: usize) -> (Vec<Scalar<'_>>, Vec<Scalar<'_>>) {
        let x: Vec<_> = (0..n).map(|i| tape.scalar(0.1 * i as f64)).collect();
        let roots = x.iter().scan(x[0], |sum, &x| {
            *sum = (*sum * 0.5 + x).sin();
            Some(*sum)
        });
        let roots = roots.collect();
        (x, roots)
    }
    let tape = Tape::new();
    let (x, roots) = record(&tape, 300);
    for (turn, &k) in [299, 0, 1, 298, 5, 250, 2, 297, 299, 0].iter().cycle().take(60).enumerate() {
        let y = if turn % 3 == 0 { roots[k] } else { (x[k] * x[0]).exp() };
        let own = Tape::new();
        let (other, other_roots) = record(&own, 300);
        let expected = if turn % 3 == 0 { other_roots[k] } else { (other[k] * other[0]).exp() };
        assert_eq!(y.backward().wrt(x.clone()), expected.backward().wrt(other.clone()), "turn {turn}, {k}");
        assert_eq!(
            y.grad(x.clone()).iter().map(|dx| dx.value()).collect::<Vec<_>>(),
            y.backward().wrt(x.clone())
        );
    }
}

#[test]
fn directions_share_a_sweep_with_the_same_bits() {
    let tape = Tape::new();
    let (x, a) = (tape.var([[1.0, 2.0], [3.0, 4.0]]), tape.scalar(0.3));
    let y = (x.matmul(x.sin()) * a.exp()).softmax(1);
    let direction =
        |k: usize| (Tensor::from_fn([2, 2], |at| (k * 3 + at[0] + 2 * at[1]) as f64 % 4.0), k as f64 - 1.0);
    let directions: Vec<_> = (0..4).map(direction).collect();
    let together = tape.jvp_each((y, a.sin()), (x, a), &directions);
    for (found, direction) in together.into_iter().zip(directions) {
        assert_eq!(found, tape.jvp((y, a.sin()), (x, a), direction));
    }
    assert_eq!(tape.jvp_each(y, x, &[]), []);
    let wrong = tape.try_jvp_each(y, x, &[Tensor::ones([2, 2]), Tensor::ones([2])]).unwrap_err();
    assert_eq!(wrong.to_string(), "jvp: expected shape [2, 2], found [2]");
}

#[test]
fn many_intermediate_gradients_are_kept() {
    let tape = Tape::new();
    let x = tape.var([0.5]);
    let parts: Vec<Var<'_>> = (0..MANY / 4).map(|_| x.sin()).collect();
    let y = parts.iter().fold(tape.constant([0.0]), |sum, &part| sum + part).sum();
    let grads = y.backward_retaining(parts.clone()).wrt(parts);
    assert!(grads.iter().all(|grad| grad.item() == 1.0));
}

#[test]
fn parameters_may_be_recorded_in_any_order() {
    let ids: Vec<ParamId> = (0..2 * MANY).map(|_| ParamId::new()).collect();
    let value = Tensor::from([1.0]);
    let tape = Tape::new();
    for &id in ids.iter().rev() {
        tape.parameter(id, &value);
    }
    let y = ids.iter().fold(tape.constant([0.0]), |sum, &id| sum + tape.parameter(id, &value));
    let grads = y.sum().backward();
    assert!(ids.iter().all(|&id| grads.of(id).item() == 1.0));
}

#[test]
fn many_functions_differ_in_their_parameters() {
    let tape = Tape::new();
    let x = tape.scalar(1.0);
    let y = (0..MANY).fold(tape.scalar_constant(0.0), |sum, i| sum + x.powf(i as f64));
    assert_eq!(y.backward().wrt(x), (0..MANY).map(|i| i as f64).sum());
}

#[test]
fn nodes_and_bytes_are_linear() {
    assert_linear("fan-out", |tape, n| drop(fan_out(tape.scalar(0.5), n).backward()));
    assert_linear("gradient of a fan-out", |tape, n| {
        let x = tape.scalar(0.5);
        fan_out(x, n).grad(x);
    });
    assert_linear("tangent of a fan-out", |tape, n| {
        let x = tape.scalar(0.5);
        tape.pushforward(fan_out(x, n), x, tape.scalar_constant(1.0));
    });
    assert_linear("gradient of a fan-out of tensors", |tape, n| {
        let x = tape.var([0.5]);
        fan_out_of_tensors(x, n).grad(x);
    });
    assert_linear("gradient of a concatenation", |tape, n| {
        let x = vectors(tape, n);
        tape.concat(&x, 0).square().sum().grad(x);
    });
    assert_linear("tangent of a concatenation", |tape, n| {
        let x = vectors(tape, n);
        let dx = x.iter().map(|_| tape.constant([1.0])).collect();
        tape.pushforward(tape.concat(&x, 0).square().sum(), x, dx);
    });
    assert_linear("tangent of a stack", |tape, n| {
        let x = vectors(tape, n);
        let dx = x.iter().map(|_| tape.constant([1.0])).collect();
        tape.pushforward(tape.stack(&x, 0).square().sum(), x, dx);
    });
    assert_linear("tangent of a vector of scalars", |tape, n| {
        let x: Vec<_> = (0..n).map(|i| tape.scalar(i as f64)).collect();
        let dx = x.iter().map(|_| tape.scalar_constant(1.0)).collect();
        tape.pushforward(tape.vector(&x).square().sum(), x, dx);
    });
}
