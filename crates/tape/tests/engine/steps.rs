//! The reverse sweep step by step: forks, fused products, tensors beside scalars, pieces, unused nodes, programs, errors.

use tape::{Element, Program, Scalar, Sweep, SweepStep, Tape, Tensor, Var};

/// The steps as `(node, operand, input)`.
fn path<T: Element>(sweep: &Sweep<T>) -> Vec<(usize, usize, usize)> {
    sweep.steps().iter().map(|step| (step.node, step.operand, step.input)).collect()
}

/// The last sum of a node.
fn last(sweep: &Sweep, node: usize) -> Option<&Tensor> {
    sweep.steps().iter().rev().find(|step| step.input == node).map(|step| &step.sum)
}

#[test]
fn contributions_arrive_one_by_one_at_a_fork() {
    let tape = Tape::new();
    let a = tape.scalar(2.0);
    let b = a + a;
    let c = b * b;
    let sweep = c.sweep();
    assert_eq!(path(&sweep), [(3, 0, 2), (3, 1, 2), (2, 0, 1), (2, 1, 1)]);
    let numbers = |step: &SweepStep| {
        let [cotangent, contribution, sum] =
            [&step.cotangent, &step.contribution, &step.sum].map(|x| x.item());
        (step.op, cotangent, step.slope.unwrap(), contribution, sum)
    };
    let found: Vec<_> = sweep.steps().iter().map(numbers).collect();
    let expected = [
        ("mul", 1.0, 4.0, 4.0, 4.0),
        ("mul", 1.0, 4.0, 4.0, 8.0),
        ("add", 8.0, 1.0, 8.0, 8.0),
        ("add", 8.0, 1.0, 8.0, 16.0),
    ];
    assert_eq!(found, expected);
    assert_eq!((sweep.root(), sweep.seed()), (3, &Tensor::scalar(1.0)));
    assert_eq!(sweep.gradients().wrt([a, b, c]), [16.0, 8.0, 1.0]);
    assert_eq!(sweep.into_iter().count(), 4);
}

#[test]
fn a_fused_sum_is_the_third_operand() {
    let tape = Tape::new();
    let [w, x, v, z] = [2.0, 3.0, 5.0, 7.0].map(|x| tape.scalar(x));
    let y = (w * x).mul_add(v, z * z);
    let sweep = y.sweep();
    let first = &sweep.steps()[0];
    // The product is added to the node before it.
    assert_eq!((first.op, first.operand, first.slope, first.sum.item()), ("mul_add", 2, Some(1.0), 1.0));
    assert_eq!(sweep.gradients().wrt([w, x, v, z]), [15.0, 10.0, 6.0, 14.0]);
}

#[test]
fn scalars_and_tensors_share_one_sweep() {
    let tape = Tape::new();
    let (s, t) = (tape.scalar(2.0), tape.scalar(3.0));
    let v = tape.vector(&[s, t, s]);
    let loss = (v * v).sum() * s;
    let sweep = loss.sweep();
    let grads = loss.backward_all();
    let of_tensors: Vec<&SweepStep> = sweep.steps().iter().filter(|step| step.slope.is_none()).collect();
    assert_eq!(of_tensors.len(), 1 + 2 + 3, "the sum, two factors, three entries");
    assert_eq!(sweep.gradients().wrt(v), grads.wrt(v));
    assert_eq!(last(&sweep, 1).map(Tensor::item), Some(grads.wrt(s)));
    assert_eq!(last(&sweep, 2).map(Tensor::item), Some(grads.wrt(t)));
    assert_eq!(last(&sweep, 3), Some(&grads.wrt(v)));
}

/// A piece is added in place; its step shows the contribution in the shape of the operand, and the sum that the sweep has.
#[test]
fn a_piece_contributes_where_it_was_taken() {
    let tape = Tape::new();
    let x = tape.var([0.1, 0.2, 0.3]);
    let y = x.index_select(0, [2, 2, 0]).square().sum() + x.sum();
    let sweep = y.sweep();
    let to_x: Vec<&SweepStep> = sweep.steps().iter().filter(|step| step.input == 1).collect();
    assert_eq!(to_x.len(), 2);
    assert_eq!((to_x[0].op, &to_x[0].sum), ("sum", &Tensor::from([1.0, 1.0, 1.0])));
    assert_eq!((to_x[1].op, &to_x[1].contribution), ("index_select", &Tensor::from([0.2, 0.0, 1.2])));
    // Two rows of one element are added one after the other, as the sweep does.
    let expected = Tensor::from([1.0 + 0.2, 1.0, 1.0 + 0.6 + 0.6]);
    assert_eq!(to_x[1].sum, expected);
    assert_eq!((y.backward().wrt(x), sweep.gradients().wrt(x)), (expected.clone(), expected));
}

#[test]
fn what_receives_nothing_has_no_step() {
    let tape = Tape::new();
    let (x, unused) = (tape.scalar(0.0), tape.scalar(1.0));
    let constant = tape.constant([1.0, 2.0]);
    let _aside = (unused * x).exp();
    let tensor = tape.var([3.0, 4.0]);
    // The cotangent of the root is zero, which absorbs its infinite slope: the branch ends there.
    let y = (tensor * constant).sum() + x.sqrt() * 0.0;
    let sweep = y.sweep();
    assert!(
        sweep.steps().iter().all(|step| step.input != 1 && step.input != 2 && step.input != 3),
        "{sweep:?}"
    );
    assert_eq!(sweep.gradients().wrt([x, unused]), [0.0, 0.0]);
    assert!(tape.scalar_constant(1.0).sweep().steps().is_empty());
    assert!(x.sweep().steps().is_empty(), "a leaf passes nothing on");
}

#[test]
fn a_program_is_one_node() {
    let program = Program::new(|p| {
        let [a, b] = p.inputs(["a", "b"]);
        (a * b).sin()
    });
    let tape = Tape::new();
    let (a, b) = (tape.var([1.0, 2.0]), tape.var([0.5, -0.5]));
    let sum = tape.map_lanes(&program, &[a, b]).sum();
    let sweep = sum.sweep();
    assert_eq!(path(&sweep).len(), 3, "the sum, and two operands of the program: {sweep:?}");
    assert_eq!(sweep.gradients().wrt([a, b]), sum.backward().wrt([a, b]));
}

#[test]
fn many_blocks_of_nodes_and_single_precision() {
    let tape = Tape::single();
    let x = tape.scalar(1.5);
    let unused: Vec<Scalar<f32>> = (0..500).map(|_| x * 2.0).collect();
    let y = unused.iter().take(3).copied().fold(x, |sum, x| sum + x.sin());
    for _ in 0..2 {
        let sweep = y.sweep();
        assert_eq!(sweep.steps().iter().filter(|step| step.input == 1).count(), 4);
        let sum = sweep.steps().iter().rfind(|step| step.input == 1).map(|step| step.sum.item());
        assert_eq!(sum, Some(y.backward().wrt(x)));
    }
}

#[test]
fn errors_are_those_of_the_plain_sweep() {
    let tape = Tape::new();
    let a = tape.var([[1.0, 2.0], [2.0, 4.0]]);
    let (_, log) = a.slogdet();
    assert_eq!(log.item().try_sweep().unwrap_err(), log.item().try_backward().unwrap_err());
    let error = a.try_sweep([1.0]).unwrap_err();
    assert_eq!(error, a.try_vjp([1.0]).unwrap_err());
    let values = Tape::new().inference();
    let x: Var = values.var([1.0]);
    assert!(x.sum().try_sweep().unwrap_err().to_string().contains("inference mode"));
}
