//! Wrong rules are found, and the graph that shows one shrinks to the smallest.

use gradcheck::Verdict;
use gradcheck::strategies::{
    Action, BinaryFn, Domain, Exactness, GraphSpec, Node, Opcode, Reduction, Step, UnaryFn, graphs, tensors,
};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{TestCaseError, TestError, TestRunner};
use tape::{Algebra, Element, Unary, Var};
use tests::properties::config;

/// `tanh` with the derivative `1 - y`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct WrongTanh;

impl Unary for WrongTanh {
    const NAME: &'static str = "wrong_tanh";
    fn eval<T: Element>(&self, x: T) -> T {
        x.tanh()
    }
    fn slope<A: Algebra>(&self, _x: A, y: A) -> A {
        y.lift(1.0) - y
    }
}

fn wrong_tanh<'t>(step: &Step, x: &[Node<'t>]) -> Option<Node<'t>> {
    (step.action == Action::Unary(UnaryFn::Tanh)).then(|| match x[0] {
        Node::Scalar(x) => Node::Scalar(x.map(WrongTanh)),
        Node::Tensor(x) => Node::Tensor(x.map(WrongTanh)),
    })
}

/// A product whose second operand gets no gradient where it is stretched.
fn forgets_stretched<'t>(step: &Step, x: &[Node<'t>]) -> Option<Node<'t>> {
    let wanted = step.action == Action::Binary(BinaryFn::Mul) && x[1].value().shape() != &step.shape;
    wanted.then(|| Node::from(x[0].var() * x[1].var().detach()))
}

/// A mean that divides its gradient twice.
fn mean_twice<'t>(step: &Step, x: &[Node<'t>]) -> Option<Node<'t>> {
    let Action::Reduce { kind: Reduction::Mean, .. } = step.action else { return None };
    let y: Var<'t> = step.record(x).var();
    let count = (x[0].value().size() / y.shape().size().max(1)) as f64;
    Some(Node::from(y.detach() * (1.0 - 1.0 / count) + y * (1.0 / count)))
}

/// A replacement for some steps.
type Substitute = for<'t> fn(&Step, &[Node<'t>]) -> Option<Node<'t>>;

/// The smallest graph for which the checker disagrees with the substitute.
fn smallest(substitute: Substitute) -> GraphSpec {
    let property = |spec: GraphSpec| match spec.resolve().gradcheck_with(substitute).run() {
        Ok(report) if report.verdict() == Verdict::Disagree => Err(TestCaseError::fail("a wrong derivative")),
        _ => Ok(()),
    };
    match TestRunner::new(config(1024)).run(&graphs(Exactness::Smooth), property) {
        Err(TestError::Fail(_, spec)) => {
            println!("{spec}");
            spec
        }
        other => panic!("the wrong derivative is not found: {other:?}"),
    }
}

#[test]
fn a_wrong_tanh_shrinks_to_a_leaf_and_a_tanh() {
    let spec = smallest(wrong_tanh);
    let expected = GraphSpec::new(Exactness::Smooth)
        .leaf([], [16])
        .node(Opcode::Unary(UnaryFn::Tanh), [0, 0], 0, 0)
        .cotangent([16]);
    assert_eq!(spec, expected);
}

#[test]
fn a_forgotten_broadcast_shrinks_to_a_product() {
    let spec = smallest(forgets_stretched);
    assert!(spec.nodes.len() <= 2 && spec.leaves.len() <= 2, "{spec}");
    assert!(spec.nodes.iter().any(|node| node.op == Opcode::Binary(BinaryFn::Mul)), "{spec}");
}

#[test]
fn a_mean_divided_twice_shrinks_to_a_mean_of_two() {
    let spec = smallest(mean_twice);
    assert_eq!((spec.nodes.len(), spec.leaves.len()), (1, 1), "{spec}");
    assert_eq!(spec.leaves[0].shape, [2], "{spec}");
}

/// Every graph that shrinking returns is one that failed.
#[test]
fn shrinking_ends_at_a_graph_that_fails() {
    let mut runner = TestRunner::new(config(1));
    for _ in 0..50 {
        let mut tree = graphs(Exactness::Exact).new_tree(&mut runner).unwrap();
        let fails = |spec: &GraphSpec| spec.resolve().steps.iter().any(|step| step.action == Action::MatMul);
        if !fails(&tree.current()) {
            continue;
        }
        let mut steps = 0;
        let mut more = tree.simplify();
        while more {
            more = if fails(&tree.current()) { tree.simplify() } else { tree.complicate() };
            steps += 1;
            assert!(steps < 50_000, "shrinking ends");
        }
        let smallest = tree.current();
        assert!(fails(&smallest), "{smallest}");
        assert!(smallest.nodes.len() == 1 && smallest.leaves.len() == 1, "{smallest}");
    }
}

/// Every draw gives a value in its domain.
#[test]
fn every_value_lies_in_its_domain() {
    for domain in Domain::ALL {
        for k in i8::MIN..=i8::MAX {
            let x = domain.number(k);
            let inside = match domain {
                Domain::Real => x.abs() <= 8.0,
                Domain::NonZero => x.abs() >= 1.0 / 16.0,
                Domain::Positive => x >= 1.0 / 8.0,
                Domain::Unit => x.abs() <= 2.0,
                Domain::AboveOne => x >= 9.0 / 8.0,
            };
            assert!(inside && (64.0 * x).fract() == 0.0, "{domain:?}: {k} is {x}");
        }
        let tree = tensors(domain).new_tree(&mut TestRunner::new(config(1))).unwrap();
        assert!(tree.current().to_vec().iter().all(|x| x.is_finite()));
    }
}
