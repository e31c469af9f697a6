//! Programs as operations on tensors.

use tape::{MapLanes, Op, Program, Shape, Tape, Tensor};

/// The squared error of a small network: weights that the lanes share, a sample in each.
fn network() -> Program {
    Program::new(|p| {
        let (w, x, target) = (p.group("w", 7), p.group("x", 2), p.input("target"));
        let h = [0, 1].map(|j| (w[2 * j] * x[0] + w[2 * j + 1] * x[1] + w[4]).tanh());
        (w[5] * h[0] + w[6] * h[1] - target).powi(2)
    })
}

fn operands(lanes: usize) -> [Tensor; 3] {
    let wave = |shape: &[usize], k: f64| {
        let mut at = 0.0;
        Tensor::from_fn(shape.to_vec(), |_| {
            at += k;
            f64::sin(at)
        })
    };
    [wave(&[7], 0.7), wave(&[lanes, 2], 0.37), wave(&[lanes], 1.3)]
}

/// The gradients of the sum over the lanes, each lane on the tape.
fn lane_by_lane(x: &[Tensor; 3]) -> (f64, [Tensor; 3]) {
    let lanes = x[2].size();
    let tape = Tape::new();
    let (w, rows, targets) = (tape.var(x[0].clone()), tape.var(x[1].clone()), tape.var(x[2].clone()));
    let mut sum = tape.scalar_constant(0.0);
    for lane in 0..lanes {
        let w: Vec<_> = (0..7).map(|k| w.at([k])).collect();
        let x = [0, 1].map(|k| rows.at([lane, k]));
        let h = [0, 1].map(|j| (w[2 * j] * x[0] + w[2 * j + 1] * x[1] + w[4]).tanh());
        sum += (w[5] * h[0] + w[6] * h[1] - targets.at([lane])).powi(2);
    }
    let grads = sum.backward();
    (sum.value(), [grads.wrt(w), grads.wrt(rows), grads.wrt(targets)])
}

#[track_caller]
fn close(found: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    let size = expected.to_vec().iter().fold(1.0f64, |size, x| size.max(x.abs()));
    for (a, b) in found.to_vec().into_iter().zip(expected.to_vec()) {
        assert!((a - b).abs() <= 1e-13 * size, "{what}: expected {b}, found {a}");
    }
}

#[test]
fn sums_and_gradients_equal_lane_by_lane() {
    let program = network();
    for lanes in [1, 2, 7, 63, 64, 65, 256, 1000, 3001] {
        let x = operands(lanes);
        let (value, expected) = lane_by_lane(&x);
        let references: Vec<&Tensor> = x.iter().collect();
        close(&program.sum_lanes(&references), &Tensor::scalar(value), "the sum");
        let (sum, plain) = program.wrt(&["w", "x", "target"]).sum_lanes(&references);
        close(&sum, &Tensor::scalar(value), "the sum beside its gradients");
        let tape = Tape::new();
        let leaves = x.clone().map(|x| tape.var(x));
        let recorded = tape.sum_lanes(&program, &leaves).item();
        let swept = recorded.backward().wrt(leaves);
        let rows = tape.map_lanes(&program, &leaves).sum().backward().wrt(leaves);
        for k in 0..3 {
            close(&plain[k], &expected[k], "plain gradients");
            close(&swept[k], &expected[k], "gradients of the sum on the tape");
            close(&rows[k], &expected[k], "gradients of the rows on the tape");
        }
    }
}

#[test]
fn second_derivatives_on_the_tape_equal_lane_by_lane() {
    let program = network();
    let x = operands(9);
    let tape = Tape::new();
    let leaves = x.clone().map(|x| tape.var(x));
    let direction = tape.constant(Tensor::from_fn([7], |at| (at[0] as f64).cos()));
    let gradient = tape.sum_lanes(&program, &leaves).item().grad(leaves[0]);
    let curvature = (gradient * direction).sum().backward().wrt(leaves);
    // The same by central differences of the gradient, moved along the direction.
    let moved = |step: f64| {
        let w = &x[0] + &(&direction.value() * step);
        let (_, gradients) = lane_by_lane(&[w, x[1].clone(), x[2].clone()]);
        gradients
    };
    let (ahead, behind) = (moved(1e-5), moved(-1e-5));
    for k in 0..3 {
        let expected = (&ahead[k] - &behind[k]) * 5e4;
        for (a, b) in curvature[k].to_vec().into_iter().zip(expected.to_vec()) {
            assert!((a - b).abs() < 1e-8, "operand {k}: expected {b}, found {a}");
        }
    }
    let tangent = tape.jvp(tape.map_lanes(&program, &leaves), leaves[0], direction.value());
    let vjp = tape.map_lanes(&program, &leaves).vjp(Tensor::ones([9])).wrt(leaves[0]);
    let (left, right) = (tangent.sum(), (&vjp * &direction.value()).sum());
    assert!((left - right).abs() < 1e-13, "the adjoint identity: {left} and {right}");
}

#[test]
fn strided_operands_are_read_in_place() {
    let program = network();
    let x = operands(130);
    let transposed = Tensor::from_fn([2, 130], |at| x[1].get([at[1], at[0]]).unwrap());
    let tape = Tape::new();
    let view = tape.constant(transposed).transpose().value();
    assert!(!view.is_contiguous());
    assert_eq!(program.map_lanes(&[&x[0], &view, &x[2]]), program.map_lanes(&[&x[0], &x[1], &x[2]]));
}

#[test]
fn fused_chains_equal_their_operations() {
    let tape = Tape::new();
    let a = tape.var(Tensor::from_fn([3, 1, 70], |at| (at[0] * 70 + at[2]) as f64 * 0.01 - 1.0));
    let b = tape.var(Tensor::from_fn([4, 70], |at| (at[0] as f64 - at[1] as f64) * 0.02));
    let c = tape.var(Tensor::scalar(0.3));
    let fused = tape.fuse([a, b, c], |[a, b, c]| (a * b + c).tanh() * a.maximum(b));
    let plain = (a * b + c).tanh() * a.maximum(b);
    assert_eq!(fused.value(), plain.value());
    let (found, expected) = (fused.sum().backward().wrt((a, b, c)), plain.sum().backward().wrt((a, b, c)));
    close(&found.0, &expected.0, "a");
    close(&found.1, &expected.1, "b");
    close(&found.2, &expected.2, "c");
    let nodes = tape.len();
    let _again = tape.fuse([a, b], |[a, b]| a * b);
    assert_eq!(tape.len(), nodes + 1, "one node");
}

#[test]
fn fused_operands_may_have_any_layout() {
    let tape = Tape::new();
    let a = tape.var(Tensor::from_fn([5, 40], |at| (at[0] * 40 + at[1]) as f64 * 0.01));
    let b = tape.var(Tensor::from_fn([3, 1, 1], |at| at[0] as f64 - 1.0));
    let (transposed, reversed) = (a.transpose(), a.flip([0, 1]).transpose());
    let fused = tape.fuse([transposed, reversed, b], |[a, r, b]| a * b - r);
    let plain = transposed * b - reversed;
    assert_eq!(fused.shape(), [3, 40, 5]);
    assert_eq!(fused.value(), plain.value());
    let (found, expected) = (fused.sum().backward().wrt((a, b)), plain.sum().backward().wrt((a, b)));
    close(&found.0, &expected.0, "a");
    close(&found.1, &expected.1, "b");
}

#[test]
fn no_lanes_are_a_sum_of_nothing() {
    let program = network();
    let x = operands(0);
    let references: Vec<&Tensor> = x.iter().collect();
    assert_eq!(program.map_lanes(&references).shape(), [0]);
    let (sum, gradients) = program.wrt(&["w", "x"]).sum_lanes(&references);
    assert_eq!((sum.item(), gradients[0].to_vec()), (0.0, vec![0.0; 7]));
    assert_eq!(gradients[1].shape(), [0, 2]);
}

/// The derivative with respect to the shared input is the same in every lane: its sum is a product.
#[test]
fn the_sum_of_what_the_lanes_share_is_a_product() {
    let program = Program::new(|p| {
        let [w, x] = p.inputs(["w", "x"]);
        w * w * 1.5 + x
    });
    let x = Tensor::from_fn([70], |at| at[0] as f64);
    let (sum, gradients) = program.wrt(&["w", "x"]).sum_lanes(&[&Tensor::scalar(2.0), &x]);
    assert_eq!(sum.item(), 70.0 * 6.0 + 70.0 * 69.0 / 2.0);
    assert_eq!(gradients, [Tensor::scalar(70.0 * 6.0), Tensor::ones([70])]);
}

#[test]
fn an_output_may_be_an_operand_of_another_one() {
    let program = Program::several(|p| {
        let [x, y] = p.inputs(["x", "y"]);
        let product = x * y;
        vec![product, product + x, product]
    });
    let x = [0, 1].map(|k| Tensor::from_fn([100], |at| (at[0] + k) as f64));
    let found = program.map_lanes(&[&x[0], &x[1]]);
    let expected = |at: &[usize]| (at[0] * (at[0] + 1) + if at[1] == 1 { at[0] } else { 0 }) as f64;
    assert_eq!(found, Tensor::from_fn([100, 3], expected));
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let op = MapLanes::rows(network());
    let error = |x: &[&[usize]]| {
        let shapes: Vec<Shape> = x.iter().map(|x| Shape::from(x.to_vec())).collect();
        let error = op.shape(&shapes.iter().collect::<Vec<_>>()).unwrap_err();
        error.named("map_lanes").to_string()
    };
    assert_eq!(error(&[&[7], &[5, 2]]), "map_lanes: expected an operand for each of w, x, target, found 2");
    assert_eq!(
        error(&[&[7], &[5, 3], &[5]]),
        "map_lanes: expected [2] (shared) or [lanes, 2] for the input `x`, found shape [5, 3]"
    );
    assert_eq!(
        error(&[&[7], &[5, 2], &[4]]),
        "map_lanes: expected 5 lanes as for `x` for the input `target`, found shape [4]"
    );
    assert_eq!(
        error(&[&[7], &[2], &[]]),
        "map_lanes: expected an operand that differs from lane to lane, found all shared; use `call` for one point"
    );
}

#[test]
fn anomalies_inside_a_program_are_found() {
    let tape = Tape::new();
    let x = tape.var([1.0, 0.0, 4.0]);
    let root = Program::new(|p| p.input("x").sqrt());
    let y = tape.map_lanes(&root, &[x]).sum();
    let found = y.find_nonfinite().backward.expect("the slope at 0 is infinite");
    assert_eq!((found.op, found.value), ("map_lanes", f64::INFINITY));
    let view = tape.view();
    assert!(view.nodes().iter().any(|node| node.op == "map_lanes"));
}

#[test]
fn a_program_is_shared_among_threads() {
    fn plain<P: Send + Sync + Clone + std::fmt::Debug + 'static>(_: &P) {}
    let program = network();
    plain(&program);
    let x = operands(500);
    let references: Vec<&Tensor> = x.iter().collect();
    let expected = program.map_lanes(&references);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(program.map_lanes(&references), expected));
        }
    });
}
