//! Tensors that are taken apart: each piece costs what it holds, in every sweep and order.
//!
//! `benches/performance` has the times.

use super::ways::{WAYS, cubes};
use tape::{Index, Op, Scalar, Shape, Tape, Tensor, Var, ops};

fn ramp(n: usize) -> Tensor {
    Tensor::from_fn([n, 4], |at| 0.25 * (at[0] % 13) as f64 - (at[1] as f64))
}

#[test]
fn pieces_in_every_sweep() {
    const MANY: usize = 500;
    for (name, take_apart) in WAYS {
        let tape = Tape::new();
        let x = tape.var(ramp(MANY));
        // How often each element is in a piece: the gradient of their sum.
        let pieces = take_apart(x, MANY);
        let count: usize =
            pieces.iter().map(|piece| piece.value().iter().filter(|&&x| x != 0.0).count()).sum();
        let uses = pieces.into_iter().map(Var::sum).sum::<Scalar>().backward().wrt(x);
        let held =
            uses.iter().zip(&ramp(MANY)).filter(|&(_, &x)| x != 0.0).map(|(uses, _)| uses).sum::<f64>();
        assert_eq!(held, count as f64, "{name}");

        let y = cubes(x, MANY, take_apart);
        let (slope, curvature) = (3.0 * ramp(MANY).square() * &uses, 6.0 * ramp(MANY) * &uses);
        assert!(y.backward().wrt(x).allclose(&slope), "{name}: backward");
        let direction = Tensor::from_fn([MANY, 4], |at| if at[0] % 2 == 0 { 1.0 } else { -0.5 });
        let close = |found: f64, expected: &Tensor, sweep: &str| {
            let expected = (expected * &direction).sum();
            assert!((found / expected - 1.0).abs() < 1e-12, "{name}: {sweep}: {found}, expected {expected}");
        };
        close(y.jvp(x, direction.clone()), &slope, "jvp");
        let pushed = tape.pushforward(y, x, tape.constant(direction.clone()));
        close(pushed.value(), &slope, "pushforward");
        assert!(
            pushed.backward().wrt(x).allclose(&(&curvature * &direction)),
            "{name}: reverse over forward"
        );
        let recorded = y.grad(x);
        assert!(recorded.value().allclose(&slope), "{name}: grad");
        close(
            (recorded * &direction).sum().backward().wrt(x).sum(),
            &(&curvature * &direction * &direction.recip()),
            "sum",
        );
        let second = (recorded * &direction).sum().grad(x);
        assert!(second.value().allclose(&(&curvature * &direction)), "{name}: grad of grad");
        assert!(
            recorded.jvp(x, direction.clone()).allclose(&(&curvature * &direction)),
            "{name}: forward over reverse"
        );
        let third = second.sum().backward().wrt(x);
        assert!(third.allclose(&(6.0 * &uses * &direction)), "{name}: third order");
    }
}

#[test]
fn nodes_and_bytes_are_in_proportion_to_the_pieces() {
    for (name, take_apart) in WAYS {
        let cost = |n: usize| {
            let tape = Tape::new();
            let x = tape.var(ramp(n));
            let y = cubes(x, n, take_apart);
            y.backward();
            let slope = y.grad(x);
            let _curvature = slope.sum().grad(x);
            [tape.len(), tape.memory().bytes()].map(|cost| cost as f64 / n as f64)
        };
        for (few, many) in cost(250).into_iter().zip(cost(4000)) {
            assert!(many <= 1.3 * few, "{name}: {few} for each of 250 pieces, {many} for each of 4000");
        }
    }
}

#[test]
fn a_piece_is_added_where_it_was_taken_whatever_else_uses_the_operand() {
    let tape = Tape::new();
    let x = tape.var([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    // The same element in pieces of several kinds, before, between and after uses of the whole.
    let before = (x * x).sum();
    let pieces = x.slice(1, 1..2).square().sum() + x.at([1, 1]).square() + x.take([4, 4]).square().sum();
    let after = (x.transpose() * 2.0).sum() + x.index_select(0, [1]).sum();
    let y = before + pieces + after;
    let expected = Tensor::from([[4.0, 6.0 + 4.0, 8.0], [11.0, 13.0 + 10.0 + 10.0 + 20.0, 15.0]]);
    assert_eq!(y.backward().wrt(x), expected);
    assert_eq!(y.grad(x).value(), expected);
    assert_eq!(y.backward_all().wrt(x), expected);
    // Gradients that are kept are those of the pieces.
    let piece = x.slice(0, ..1);
    let grads = (piece.square().sum() + x.sum()).backward_retaining(piece);
    assert_eq!(grads.wrt(piece), Tensor::from([[2.0, 4.0, 6.0]]));
    assert_eq!(grads.wrt(x), Tensor::from([[3.0, 5.0, 7.0], [1.0, 1.0, 1.0]]));
}

/// Takes two elements of a vector, and reports those at `reported`.
#[derive(Clone, Debug)]
struct Pair {
    reported: [(usize, usize); 2],
}

impl Op<f64> for Pair {
    const NAME: &'static str = "pair";

    fn shape(&self, _x: &[&Shape]) -> Result<Shape, tape::Error> {
        Ok(Shape::from([2]))
    }
    fn eval(&self, x: &[&Tensor], _shape: &Shape) -> Tensor {
        x[0].take([0, 2])
    }
    fn sources(&self, _x: &Shape, run: &mut dyn FnMut(usize, usize)) -> bool {
        self.reported.iter().for_each(|&(start, length)| run(start, length));
        true
    }
    fn vjp<A: tape::Array<f64>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let add = ops::IndexAdd { axis: 0, index: Index::from([0, 2]), extent: x[0].shape()[0] };
        A::apply(add, &[dy])
    }
}

#[test]
fn an_operation_of_ones_own_takes_pieces() {
    let tape = Tape::new();
    let x = tape.var([1.0, 2.0, 3.0, 4.0]);
    let pair = |reported| tape.apply(Pair { reported }, &[x]);
    let y = pair([(0, 1), (2, 1)]).square().sum() + x.sum();
    assert_eq!(y.backward().wrt(x).to_vec(), [3.0, 1.0, 7.0, 1.0]);
    assert_eq!(y.grad(x).value().to_vec(), [3.0, 1.0, 7.0, 1.0]);
    for (reported, found) in [
        (
            [(0, 1), (4, 1)],
            "pair: expected 2 elements of an operand of shape [4] from `sources`, found 2 or some beyond its end",
        ),
        ([(0, 1), (1, 0)], "pair: expected 2 elements of an operand of shape [4] from `sources`, found 1"),
        (
            [(0, 2), (2, 1)],
            "pair: expected 2 elements of an operand of shape [4] from `sources`, found 3 or some beyond its end",
        ),
        ([(0, usize::MAX), (2, 2)], "or some beyond its end"),
    ] {
        let y = pair(reported).square().sum() + x.sum();
        for error in [y.try_backward().unwrap_err(), y.try_grad(x).map(|_| ()).unwrap_err()] {
            assert!(error.to_string().contains(found), "{error}");
        }
    }
}
