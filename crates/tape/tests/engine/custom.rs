//! Checkpoints and custom derivatives: both modes, any order, and refused arguments.

use tape::{Memory, Tape, Tensor, Var};

fn close(a: &Tensor, b: &Tensor) {
    assert_eq!(a.shape(), b.shape());
    for (a, b) in a.to_vec().iter().zip(b.to_vec()) {
        assert!((a - b).abs() <= 1e-13 * b.abs().max(1.0), "{a} and {b}");
    }
}

#[test]
fn a_checkpoint_has_the_derivatives_of_its_function() {
    let tape = Tape::new();
    let (x, w) = (tape.var([[0.3, -0.7], [1.1, 0.2]]), tape.var([[0.5, 2.0], [-1.0, 0.1]]));
    let hidden = tape.checkpoint(&[x, w], |v| v[0].matmul(v[1]).tanh() * v[0]);
    let plain = x.matmul(w).tanh() * x;
    assert_eq!(hidden.value(), plain.value());
    let ct = Tensor::from([[1.0, 10.0], [-3.0, 0.5]]);
    assert_eq!(hidden.vjp(ct.clone()).wrt((x, w)), plain.vjp(ct.clone()).wrt((x, w)), "the same bits");
    let dx = Tensor::from([[1.0, 2.0], [3.0, -4.0]]);
    close(&hidden.jvp((x, w), (dx.clone(), ct.clone())), &plain.jvp((x, w), (dx.clone(), ct.clone())));
    // Second order: reverse over reverse, and forward over reverse.
    let (gh, gp) = ((hidden * hidden).sum().grad([x, w]), (plain * plain).sum().grad([x, w]));
    for (gh, gp) in gh.into_iter().zip(gp) {
        close(&gh.value(), &gp.value());
        close(&gh.vjp(ct.clone()).wrt(x), &gp.vjp(ct.clone()).wrt(x));
        close(&gh.jvp(w, ct.clone()), &gp.jvp(w, ct.clone()));
    }
}

fn layer<'t>(x: Var<'t>, w: Var<'t>) -> Var<'t> {
    (x.matmul(w).tanh() * 0.9).softplus()
}

/// 32 layers of 64, each a checkpoint of four operations or the operations themselves.
fn deep<'t>(tape: &'t Tape, checkpoints: bool) -> [Var<'t>; 2] {
    let x = tape.var(Tensor::from_fn([16, 64], |at| (at[0] * 64 + at[1]) as f64 / 1024.0));
    let w = tape.var(Tensor::from_fn([64, 64], |at| ((at[0] * 7 + at[1] * 3) % 11) as f64 / 64.0 - 0.07));
    let y = (0..32).fold(x, |x, _| match checkpoints {
        true => tape.checkpoint(&[x, w], |v| layer(v[0], v[1])),
        false => layer(x, w),
    });
    [w, y]
}

#[test]
fn a_deep_network_of_checkpoints_holds_a_quarter_of_the_values() {
    let (plain, hidden) = (Tape::new(), Tape::new());
    let ([w, y], [v, z]) = (deep(&plain, false), deep(&hidden, true));
    assert_eq!(y.value(), z.value());
    let (all, some) = (plain.memory(), hidden.memory());
    assert_eq!([all.tensors, some.tensors], [2 + 4 * 32, 2 + 32]);
    // 16 · 64 elements for each result, 64 · 64 for the weights; no buffer is longer, as both are powers of
    // two.
    let expected = |results: usize| 8 * (results * 16 * 64 + 64 * 64);
    assert_eq!([all.value_bytes, some.value_bytes], [expected(1 + 4 * 32), expected(1 + 32)]);
    assert!(some.node_bytes < all.node_bytes, "{some} and {all}");
    let gradients = [y.sum().backward().wrt(w), z.sum().backward().wrt(v)];
    assert_eq!(gradients[0], gradients[1]);
    assert!(hidden.memory().gradient_bytes > 0, "{}", hidden.memory());
}

#[test]
fn memory_counts_a_buffer_once_and_nothing_after_a_reset() {
    let mut tape = Tape::new().with_locations();
    assert_eq!(tape.memory(), Memory::default());
    let x = tape.var(Tensor::<f64>::ones([4, 8]));
    let before = tape.memory();
    assert_eq!(before.value_bytes, 4 * 8 * 8);
    let _views = (x.reshape([32]), x.transpose(), x.broadcast_to([3, 4, 8]));
    let views = tape.memory();
    assert_eq!((views.tensors, views.value_bytes), (4, before.value_bytes));
    assert!(views.node_bytes > before.node_bytes, "{views} and {before}");
    assert_eq!(views.bytes(), views.node_bytes + views.value_bytes + views.gradient_bytes);
    let line =
        format!("4 nodes, 4 tensors: {} bytes of nodes, 256 of values, 0 of gradients", views.node_bytes);
    assert_eq!(views.to_string(), line);
    tape.reset();
    assert_eq!(tape.memory(), Memory::default());
}

#[test]
fn a_custom_derivative_is_used_in_both_modes_and_differentiated_again() {
    let tape = Tape::new();
    let x = tape.var([0.3, -0.7, 1.1]);
    // sin with the derivative 2 cos, to distinguish it from the recorded one.
    let y = tape.custom_vjp(&[x], |x| x[0].sin(), |x, _, dy| vec![dy * x[0].cos() * 2.0]);
    let ct = Tensor::from([1.0, 10.0, 100.0]);
    let expected = (x.cos() * 2.0).value();
    close(&y.vjp(ct.clone()).wrt(x), &(&expected * &ct));
    close(&y.jvp(x, ct.clone()), &(&expected * &ct));
    let slope = y.grad(tape.constant(Tensor::ones([3])), x);
    close(&slope.vjp(ct.clone()).wrt(x), &(&(x.sin() * -2.0).value() * &ct));
    // The output and the cotangents of several inputs.
    let z = tape.var([2.0, 3.0, 5.0]);
    let q = tape.custom_vjp(&[x, z], |x| x[0] / x[1], |x, q, dy| vec![dy / x[1], -(dy * q / x[1])]);
    let plain = x / z;
    let (a, b) = (q.vjp(ct.clone()).wrt([x, z]), plain.vjp(ct.clone()).wrt([x, z]));
    a.iter().zip(&b).for_each(|(a, b)| close(a, b));
    close(&q.jvp(z, ct.clone()), &plain.jvp(z, ct.clone()));
}

#[test]
#[should_panic(expected = "custom_vjp: expected 2 cotangents from the pullback, found 1")]
fn a_pullback_returns_one_cotangent_for_each_operand() {
    let tape = Tape::new();
    let (x, z) = (tape.var([1.0]), tape.var([2.0]));
    tape.custom_vjp(&[x, z], |x| x[0] * x[1], |_, _, dy| vec![dy]).vjp([1.0]);
}

#[test]
#[should_panic(expected = "custom_vjp: expected shape [2], found []")]
fn a_cotangent_has_the_shape_of_its_operand() {
    let tape = Tape::new();
    let x = tape.var([1.0, 2.0]);
    tape.custom_vjp(&[x], |x| x[0] * 2.0, |_, _, dy| vec![dy.sum().to_var()]).vjp([1.0, 1.0]);
}

#[test]
fn a_backward_pass_inside_a_custom_derivative_works() {
    let tape = Tape::new();
    let x = tape.var([0.5, 2.0]);
    let y = tape.custom_vjp(
        &[x],
        |x| x[0].exp(),
        |x, _, dy| {
            let inner = Tape::new();
            let z = inner.var(x[0].value());
            let slope = z.exp().sum().backward().wrt(z);
            vec![dy * &slope]
        },
    );
    assert_eq!(y.vjp([1.0, 1.0]).wrt(x), y.value());
}

#[test]
fn a_checkpoint_sees_the_same_mask_twice() {
    // Dropout: the mask is drawn outside and passed in, so that the second run does not draw another.
    let tape = Tape::new();
    let x = tape.var([1.0, 2.0, 3.0]);
    let mask = tape.constant([2.0, 0.0, 2.0]);
    let y = tape.checkpoint(&[x, mask], |v| v[0] * v[0] * v[1]);
    let ct = [1.0, 10.0, 100.0];
    assert_eq!(y.vjp(ct).wrt(x), (x * x * mask).vjp(ct).wrt(x));
    assert_eq!(y.vjp([1.0; 3]).wrt(x).to_vec(), [4.0, 0.0, 12.0]);
}

/// The derivative of the root y(a) of y² - a, from that of the equation, which the pullback differentiates itself.
#[test]
fn a_pullback_may_differentiate() {
    let tape = Tape::new();
    let a = tape.var([4.0, 9.0]);
    let root = tape.custom_vjp(
        &[a],
        |a| a[0].sqrt(),
        |a, y, dy| {
            let slope = (y * y - a[0]).sum().grad(y);
            vec![dy / slope]
        },
    );
    let expected = Tensor::from([0.25, 1.0 / 6.0]);
    close(&root.sum().backward().wrt(a), &expected);
    close(&root.sum().grad(a).value(), &expected);
    close(&root.jvp(a, Tensor::from([1.0, 1.0])), &expected);
    let second = root.sum().grad(a).sum().backward().wrt(a);
    close(&second, &Tensor::from([-1.0 / 32.0, -1.0 / 108.0]));
}

#[test]
fn a_checkpoint_and_a_custom_function_may_differentiate() {
    let tape = Tape::new();
    let x = tape.var([0.5, 2.0]);
    let slope = |x: &[Var<'_>]| x[0].powi(3).sum().grad(x[0]).value();
    assert_eq!(slope(&[x]).to_vec(), [0.75, 12.0]);
    let y = tape.checkpoint(&[x], |x| x[0].powi(3).sum().grad(x[0]));
    assert_eq!(y.value().to_vec(), [0.75, 12.0]);
    assert_eq!(y.sum().backward().wrt(x).to_vec(), [3.0, 12.0]);
    let y = tape.custom_vjp(&[x], |x| x[0].powi(3).sum().grad(x[0]), |x, _, dy| vec![x[0] * dy * 6.0]);
    assert_eq!(y.value().to_vec(), [0.75, 12.0]);
    assert_eq!(y.sum().backward().wrt(x).to_vec(), [3.0, 12.0]);
}

/// Each table that a recording needs is counted: operands, settings of operations, values of scalars once they are known.
#[test]
fn memory_counts_every_table_of_a_recording() {
    let bytes = |record: fn(Var<'_>)| {
        let tape = Tape::new();
        record(tape.var([[1.0, 2.0], [3.0, 4.0]]));
        tape.memory().node_bytes
    };
    let plain = bytes(|x| _ = x.sin());
    assert!(bytes(|x| _ = x + x) > plain, "two operands");
    assert!(bytes(|x| _ = x.reshape([4])) > plain, "a shape");
    let tape = Tape::new();
    let _y = tape.scalar(2.0).sin();
    let before = tape.memory().node_bytes;
    tape.view();
    assert_eq!(
        tape.memory().node_bytes - before,
        3 * size_of::<f64>(),
        "the node of the constants has one too"
    );
}

#[test]
fn functions_are_named_in_the_graph() {
    let tape = Tape::new();
    let x = tape.var([1.0, 2.0]);
    tape.checkpoint(&[x], |x| x[0].sin());
    tape.custom_vjp(&[x], |x| x[0].cos(), |_, _, dy| vec![dy]);
    let names: Vec<&str> = tape.view().nodes().iter().map(|node| node.op).collect();
    assert_eq!(names, ["leaf", "checkpoint", "custom_vjp"]);
}
