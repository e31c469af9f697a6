//! Programs run step after step: values and derivatives beside the same steps on a tape.

use tape::{Array, MapLanes, Op, Program, Scalar, ScanLanes, Tape, Tensor, Var};

const STATE: usize = 2;
const STEP: usize = 3;
const OUTPUTS: usize = STATE + 1;

/// A small cell: two numbers of state, three that differ from step to step, a weight and a group of weights.
fn cell() -> Program {
    Program::several(|p| {
        let (h, x) = (p.group("h", STATE), p.group("x", STEP));
        let (w, v) = (p.input("w"), p.group("v", 2));
        let first = (h[0] * w + x[0] * x[1]).tanh();
        let second = h[1] * v[0] + (first * v[1]).sin();
        vec![first, second, second * x[2] + h[0]]
    })
}

/// State, steps, and the two operands that are the same in all steps.
fn operands(count: usize, lanes: usize) -> [Tensor; 4] {
    let mut at = 0.3;
    let mut wave = |shape: &[usize]| {
        Tensor::from_fn(shape.to_vec(), |_| {
            at += 0.7;
            f64::sin(at)
        })
    };
    [wave(&[STATE, lanes]), wave(&[count, STEP, lanes]), wave(&[lanes]), wave(&[2, lanes])]
}

/// The same steps, one operation each.
fn unrolled<'t>(x: [Var<'t>; 4], count: usize, lanes: usize) -> Var<'t> {
    let program = cell();
    let tape = x[0].tape();
    let (w, v) = (x[2], x[3].transpose());
    let (mut state, mut rows) = (x[0].transpose(), Vec::new());
    for t in 0..count {
        let read = x[1].slice(0, t..t + 1).reshape([STEP, lanes]).transpose();
        let next = tape.map_lanes(&program, &[state, read, w, v]);
        state = next.slice(1, ..STATE);
        rows.push(next.transpose());
    }
    tape.stack(&rows, 0)
}

#[track_caller]
fn close(found: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    assert!(found.allclose_within(expected, 1e-12, 1e-13), "{what}: found {found:?}, expected {expected:?}");
}

/// Numbers of lanes below, at and above what loops take at a time.
const CASES: [(usize, usize); 5] = [(1, 1), (4, 3), (5, 16), (3, 17), (2, 130)];

#[test]
fn values_are_those_of_the_steps() {
    for (count, lanes) in CASES {
        let x = operands(count, lanes);
        let tape = Tape::new();
        let expected = unrolled(x.clone().map(|x| tape.var(x)), count, lanes).value();
        assert_eq!(
            cell().scan_lanes(&x[0], &x[1], &[&x[2], &x[3]]),
            expected,
            "{count} steps of {lanes} lanes"
        );
    }
}

/// A cotangent that is different everywhere.
fn cotangent(shape: &[usize]) -> Tensor {
    let mut at = 0.0;
    Tensor::from_fn(shape.to_vec(), |_| {
        at += 1.3;
        f64::cos(at)
    })
}

#[test]
fn cotangents_are_those_of_the_steps() {
    for (count, lanes) in CASES {
        let x = operands(count, lanes);
        let ct = cotangent(&[count, OUTPUTS, lanes]);
        let tape = Tape::new();
        let leaves = x.clone().map(|x| tape.var(x));
        let expected = unrolled(leaves, count, lanes).vjp(ct.clone()).wrt(leaves);
        let y = tape.scan_lanes(&cell(), leaves[0], leaves[1], &leaves[2..]);
        let found = y.vjp(ct.clone()).wrt(leaves);
        found.iter().zip(&expected).for_each(|(found, expected)| close(found, expected, "in one pass"));
        // The rule for each operand, as a scan from the last step to the first.
        let op = ScanLanes::new(cell());
        let (plain, y) = (x.each_ref(), y.value());
        for (k, expected) in expected.iter().enumerate() {
            close(&op.vjp(k, &plain, &y, &ct), expected, &format!("the rule of operand {k}"));
        }
        // Some of them are constants.
        let (state, weight) = (tape.constant(x[0].clone()), tape.var(x[2].clone()));
        let y = tape.scan_lanes(
            &cell(),
            state,
            tape.constant(x[1].clone()),
            &[weight, tape.constant(x[3].clone())],
        );
        close(&y.vjp(ct).wrt(weight), &expected[2], "one operand alone");
    }
}

#[test]
fn tangents_are_those_of_the_steps() {
    for (count, lanes) in CASES {
        let x = operands(count, lanes);
        let tape = Tape::new();
        let leaves = x.clone().map(|x| tape.var(x));
        let expected = unrolled(leaves, count, lanes);
        let found = tape.scan_lanes(&cell(), leaves[0], leaves[1], &leaves[2..]);
        for k in 0..4 {
            let dx = cotangent(x[k].shape());
            close(
                &found.jvp(leaves[k], dx.clone()),
                &expected.jvp(leaves[k], dx),
                &format!("of operand {k}"),
            );
        }
    }
}

/// The square of the length of a gradient.
fn length<'t>(y: Var<'t>, ct: &Tensor, x: [Var<'t>; 4]) -> Scalar<'t> {
    let [a, b, c, d] = y.grad(y.tape().constant(ct.clone()), x).map(|slope| slope.square().sum());
    a + b + c + d
}

/// The gradient of the length of a gradient, in both modes.
#[test]
fn second_derivatives_are_those_of_the_steps() {
    let (count, lanes) = (3, 5);
    let x = operands(count, lanes);
    let ct = cotangent(&[count, OUTPUTS, lanes]);
    let tape = Tape::new();
    let leaves = x.clone().map(|x| tape.var(x));
    let expected = length(unrolled(leaves, count, lanes), &ct, leaves);
    let found = length(tape.scan_lanes(&cell(), leaves[0], leaves[1], &leaves[2..]), &ct, leaves);
    assert!((found.value() - expected.value()).abs() < 1e-12 * expected.value().abs());
    let (a, b) = (found.backward().wrt(leaves), expected.backward().wrt(leaves));
    a.iter().zip(&b).for_each(|(a, b)| close(a, b, "second derivatives"));
    let dx = x.each_ref().map(|x| cotangent(x.shape()));
    let (a, b) = (found.jvp(leaves, dx.clone()), expected.jvp(leaves, dx));
    assert!((a - b).abs() < 1e-11 * b.abs(), "forward over reverse: {a}, expected {b}");
}

#[test]
fn no_steps_and_no_lanes() {
    for (count, lanes) in [(0, 3), (4, 0)] {
        let tape = Tape::new();
        let x = operands(count, lanes).map(|x| tape.var(x));
        let y = tape.scan_lanes(&cell(), x[0], x[1], &x[2..]);
        assert_eq!(y.shape(), [count, OUTPUTS, lanes]);
        let cts = y.vjp(Tensor::zeros([count, OUTPUTS, lanes])).wrt(x);
        assert!(cts.iter().all(|ct| ct.to_vec().iter().all(|&ct| ct == 0.0)));
    }
}

/// Views are read as they are: of the steps, every second number of a larger tensor.
#[test]
fn operands_may_be_views() {
    let x = operands(4, 6);
    let wide = Tensor::stack(&[&x[1], &x[1]], 3);
    let view = wide.slice(3, 0..1).reshape([4, STEP, 6]);
    let transposed = x[0].transpose().contiguous();
    let found = cell().scan_lanes(&transposed.transpose(), &view, &[&x[2], &x[3]]);
    assert_eq!(found, cell().scan_lanes(&x[0], &x[1], &[&x[2], &x[3]]));
}

#[test]
fn wrong_shapes_are_refused() {
    let refused = |program: Program, x: &[Tensor]| {
        let tape = Tape::new();
        let x: Vec<Var> = x.iter().map(|x| tape.var(x.clone())).collect();
        tape.try_apply(ScanLanes::new(program), &x).expect_err("an error").to_string()
    };
    let x = operands(2, 3);
    let mut wrong = x.clone();
    wrong[0] = Tensor::zeros([STATE, 4]);
    assert_eq!(refused(cell(), &wrong), "scan_lanes: expected shape [2, 3], found [2, 4]");
    wrong = x.clone();
    wrong[1] = Tensor::zeros([3, 3]);
    assert_eq!(
        refused(cell(), &wrong),
        "scan_lanes: expected steps of shape [count, 3, lanes], found [3, 3]"
    );
    assert_eq!(
        refused(cell(), &x[..3]),
        "scan_lanes: expected a state, steps and 2 operands more, found 3 operands"
    );
    let short = Program::several(|p| vec![p.group("h", 2)[0] * p.group("x", 1)[0]]);
    let error = refused(short, &[Tensor::zeros([2, 3]), Tensor::zeros([2, 1, 3])]);
    assert_eq!(error, "scan_lanes: expected a program whose first 2 outputs are its state, found 1 outputs");
}

/// The rules of a program in lanes, for comparison with those of a scan of one step.
#[test]
fn one_step_is_a_run_in_lanes() {
    let x = operands(1, 8);
    let once = MapLanes::rows(cell());
    let (state, read, v) = (x[0].transpose(), x[1].reshape([STEP, 8]).transpose(), x[3].transpose());
    let rows = Array::apply(once, &[&state, &read, &x[2], &v]);
    let scanned: Tensor = cell().scan_lanes(&x[0], &x[1], &[&x[2], &x[3]]);
    assert_eq!(scanned.reshape([OUTPUTS, 8]), rows.transpose());
}
