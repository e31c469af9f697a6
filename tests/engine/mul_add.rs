//! `mul_add` on scalars: one node for each term of a chain, and otherwise the same as a product and a sum.

use gradcheck::{GradCheck, Verdict};
use std::fmt::Debug;
use tape::transform::{hessian, hvp};
use tape::{Arithmetic, GraphInput, Scalar, Tape};

/// The results in which two ways of writing a function must agree, as bits.
#[derive(Debug, PartialEq)]
struct Results {
    value: u64,
    gradient: Vec<u64>,
    recorded_gradient: Vec<u64>,
    second_derivatives: Vec<u64>,
    tangent: u64,
    recorded_tangent: u64,
}

fn bits(x: impl IntoIterator<Item = f64>) -> Vec<u64> {
    x.into_iter().map(f64::to_bits).collect()
}

/// Returns values that are rounded in every operation.
fn awkward(n: usize) -> Vec<f64> {
    (0..n).map(|i| (1.7 * i as f64 + 0.3).sin() + 0.1).collect()
}

/// Evaluates `f` at `n` leaves. Also returns the number of nodes that it records.
fn evaluate(n: usize, f: impl for<'t> Fn(&[Scalar<'t>]) -> Scalar<'t>) -> (Results, usize) {
    let tape = Tape::new();
    let x: Vec<Scalar<'_>> = awkward(n).into_iter().map(|x| tape.scalar(x)).collect();
    let dx: Vec<Scalar<'_>> = awkward(2 * n)[n..].iter().map(|&dx| tape.scalar_constant(dx)).collect();
    let before = tape.len();
    let y = f(&x);
    let nodes = tape.len() - before;
    let slopes = y.grad(x.clone());
    let weighted = slopes.iter().zip(&dx).map(|(&slope, &weight)| slope * weight).sum::<Scalar<'_>>();
    let values = |x: &[Scalar<'_>]| bits(x.iter().map(|x| x.value()));
    let results = Results {
        value: y.value().to_bits(),
        gradient: bits(y.backward().wrt(x.clone())),
        recorded_gradient: values(&slopes),
        second_derivatives: bits(weighted.backward().wrt(x.clone())),
        tangent: y.jvp(x.clone(), dx.iter().map(|dx| dx.value()).collect()).to_bits(),
        recorded_tangent: tape.pushforward(y, x, dx).value().to_bits(),
    };
    (results, nodes)
}

/// A way to add a term to a sum.
type Term = for<'t> fn(Scalar<'t>, Scalar<'t>, Scalar<'t>) -> Scalar<'t>;

const TERMS: [Term; 3] = [|w, x, z| z + w * x, |w, x, z| w * x + z, |w, x, z| w.mul_add(x, z)];

/// Panics unless `mul_add` gives the bits of the operators. Returns the nodes with operators and with `mul_add`.
#[track_caller]
fn same_bits(
    what: impl Debug,
    n: usize,
    f: impl for<'t> Fn(&[Scalar<'t>], Term) -> Scalar<'t>,
) -> [usize; 2] {
    let [(first, plain), (second, _), (fused, nodes)] = TERMS.map(|term| evaluate(n, |x| f(x, term)));
    assert_eq!(fused, first, "{what:?}");
    assert_eq!(fused, second, "{what:?}, the product first");
    [plain, nodes]
}

#[test]
fn chains_of_every_length_take_one_node_a_term() {
    for n in 1..=20 {
        let nodes = same_bits(n, 2 * n, |x, term| {
            let (w, x) = x.split_at(x.len() / 2);
            let terms = w.iter().zip(x).skip(1);
            terms.fold(w[0] * x[0], |z, (&w, &x)| term(w, x, z))
        });
        assert_eq!(nodes, [2 * n - 1, n], "{n}");
    }
}

#[test]
fn any_operand_may_be_a_constant() {
    for mask in 0..8 {
        let [plain, nodes] = same_bits(mask, 3, |x, term| {
            let [w, x, z] = [0, 1, 2].map(|k| if mask >> k & 1 == 0 { x[k].exp() } else { x[k].detach() });
            term(w, x, z).sin()
        });
        // With the operators a constant product takes no node, and a constant sum is not the last recorded node.
        let saved = mask & 4 == 0 && mask & 3 != 3;
        assert_eq!(plain - nodes, usize::from(saved), "{mask:03b}");
    }
}

#[test]
fn an_operand_may_be_used_twice() {
    let saved = |program: for<'t> fn(Scalar<'t>, Scalar<'t>, Term) -> Scalar<'t>| {
        let [plain, nodes] = same_bits("twice", 2, |x, term| {
            // The cotangent of `z` has another contribution before the chain is swept.
            let z = (x[0] * x[1]).sin();
            let y = program(x[0], z, term);
            (y * z + x[0]).sin() + z
        });
        plain - nodes
    };
    assert_eq!(saved(|x, z, term| term(x, x, z)), 1);
    assert_eq!(saved(|x, z, term| term(x, z, z)), 1);
    assert_eq!(saved(|x, z, term| term(z, x, z)), 1);
    assert_eq!(saved(|_, z, term| term(z, z, z)), 1);
    assert_eq!(saved(|_, z, term| (0..5).fold(z, |z, _| term(z, z, z))), 5);
    assert_eq!(saved(|x, z, term| term(z, z, x)), 0, "the sum is not the last recorded node");
    assert_eq!(saved(|x, _, term| term(x, x, x)), 0, "nor is it here");
}

#[test]
fn other_nodes_break_a_chain() {
    let [plain, nodes] = same_bits("sine", 4, |x, term| {
        x.windows(2).fold(x[0].exp(), |z, pair| {
            let w = pair[0].sin();
            term(w, pair[1], z)
        })
    });
    assert_eq!((plain, nodes), (10, 10));
    // An intermediate sum with another use.
    let [plain, nodes] = same_bits("branch", 3, |x, term| {
        let z = term(x[0], x[1], x[0] * x[2]);
        let one = term(x[1], x[2], z);
        let other = term(x[2], x[0], z);
        one * other
    });
    assert_eq!((plain, nodes), (8, 6));
}

#[test]
fn a_sum_may_be_a_leaf_or_an_element_of_a_tensor() {
    let tape = Tape::new();
    let (w, z) = (tape.scalar(2.0), tape.scalar(5.0));
    let y = w.mul_add(3.0, z);
    assert_eq!((y.value(), tape.len()), (11.0, 3), "the last leaf begins a chain");
    assert_eq!(y.backward().wrt([w, z]), [3.0, 1.0]);
    let v = tape.var([1.5, -2.0]);
    let before = tape.len();
    let y = w.mul_add(w, v.sum());
    assert_eq!((y.value(), tape.len() - before), (3.5, 2), "the sum, and a term");
    let grads = y.backward();
    assert_eq!((grads.wrt(w), grads.wrt(v).to_vec()), (4.0, vec![1.0, 1.0]));
    let (slope_w, slope_v) = y.grad((w, v));
    assert_eq!((slope_w.value(), slope_v.value().to_vec()), (4.0, vec![1.0, 1.0]));
    assert_eq!(y.jvp(v, [10.0, 1.0].into()), 11.0);
    // A tensor that is not differentiated is a constant.
    let c = tape.constant([1.0, 2.0]).sum();
    assert_eq!(w.mul_add(w, c).backward().wrt(w), 4.0);
}

#[test]
fn operands_may_be_plain_numbers() {
    let tape = Tape::new();
    let x = tape.scalar(3.0);
    assert_eq!(x.mul_add(2.0, 1.0).value(), 7.0);
    assert_eq!(tape.len(), 3);
    assert_eq!(tape.scalar_constant(2.0).mul_add(5.0, 1.0).value(), 11.0);
    assert_eq!(tape.len(), 3, "constants leave no node");
    let none = Tape::new().inference();
    let x = none.scalar(3.0);
    assert_eq!(x.mul_add(x, x).value(), 12.0);
    assert!(none.is_empty());
}

/// Evaluates a polynomial of any kind of number.
fn horner<A: Arithmetic>(coefficients: [f64; 4], x: A) -> A {
    let [first, rest @ ..] = coefficients.map(|c| x.lift(c));
    rest.into_iter().fold(first, |y, c| y.mul_add(x.clone(), c))
}

#[test]
fn generic_code_runs_on_numbers_tensors_and_handles() {
    let (c, x) = ([2.0, -3.0, 0.5, 7.0], 1.5);
    let expected = ((2.0 * x - 3.0) * x + 0.5) * x + 7.0;
    let slope = (6.0 * x - 6.0) * x + 0.5;
    assert_eq!((horner(c, x), horner(c, x as f32)), (expected, expected as f32));
    assert_eq!(horner(c, tape::Tensor::from([x])).to_vec(), [expected]);
    let tape = Tape::new();
    let (a, v) = (tape.scalar(x), tape.var([x]));
    let (y, u) = (horner(c, a), horner(c, v));
    assert_eq!((y.value(), y.backward().wrt(a)), (expected, slope));
    assert_eq!((u.value().to_vec(), u.vjp([1.0]).wrt(v).to_vec()), (vec![expected], vec![slope]));
    // There are two roundings: with one, the rounding error of the product would be left.
    let x = 1.0 + f64::EPSILON;
    assert_eq!(Arithmetic::mul_add(x, x, -(x * x)), 0.0);
    assert_ne!(x.mul_add(x, -(x * x)), 0.0, "the standard library's");
}

/// Two layers of sums of products, with functions between them.
fn network<'t>(p: &[Scalar<'t>]) -> Scalar<'t> {
    let unit = |w: &[Scalar<'t>], x: [Scalar<'t>; 2]| w[1].mul_add(x[1], w[0] * x[0]).tanh();
    let h = [unit(&p[..2], [p[6], p[7]]), unit(&p[2..4], [p[6], p[7]])];
    let y = unit(&p[4..6], h);
    y.mul_add(y, y)
}

#[test]
fn gradients_agree_with_differences() {
    let x = awkward(8);
    let check = GradCheck::loss(|v| {
        let p: Vec<Scalar<'_>> = (0..8).map(|k| v["p"].at([k])).collect();
        network(&p)
    });
    let report = check.input("p", x.clone()).order(2).run().unwrap();
    assert_eq!(report.verdict(), Verdict::Agree, "{report}");
}

#[test]
fn hessians_are_symmetric_and_made_of_their_products() {
    let x: [f64; 8] = awkward(8).try_into().unwrap();
    let h = hessian(|p: [Scalar<'_>; 8]| network(&p), x);
    let scale = h.abs().max();
    for i in 0..8 {
        let row = hvp(|p: [Scalar<'_>; 8]| network(&p), x, std::array::from_fn(|k| f64::from(k == i)));
        for (j, product) in row.into_iter().enumerate() {
            let [entry, mirrored] = [[i, j], [j, i]].map(|at| h.get(at).unwrap());
            assert!((entry - product).abs() <= 1e-14 * scale && (entry - mirrored).abs() <= 1e-14 * scale);
        }
    }
    // The Hessian of a dot product is known.
    let h = hessian(|[a, b, x, y]: [Scalar<'_>; 4]| b.mul_add(y, a * x), [1.0, 2.0, 3.0, 4.0]);
    let expected = [[0., 0., 1., 0.], [0., 0., 0., 1.], [1., 0., 0., 0.], [0., 1., 0., 0.]];
    assert_eq!(h, tape::Tensor::from(expected));
}

#[test]
fn intermediate_sums_have_gradients_of_their_own() {
    let tape = Tape::new();
    let (w, x) = (tape.scalar(2.0), tape.scalar(3.0));
    let z = w * x;
    let middle = w.mul_add(x, z);
    let y = middle.mul_add(w, x.mul_add(5.0, middle));
    assert_eq!((middle.value(), y.value()), (12.0, 51.0));
    let grads = y.backward_retaining([middle, z]);
    assert_eq!(grads.wrt([middle, z]), [3.0, 3.0]);
    assert_eq!(y.backward_all().wrt([middle, z, w, x]), [3.0, 3.0, 30.0, 17.0]);
    let [slope] = y.grad([middle]);
    assert_eq!((slope.value(), slope.backward().wrt(w)), (3.0, 1.0));
    assert_eq!(y.jvp(middle, 10.0), 30.0, "the direction moves the sum itself");
}

#[test]
fn the_graph_shows_three_operands() {
    let tape = Tape::new();
    let (w, x) = (tape.scalar(2.0).named("w"), tape.scalar(3.0));
    let z = w * x;
    let _ = w.mul_add(x, z);
    let _ = w.mul_add(0.5, w.mul_add(x, z)).named("y");
    let view = tape.view();
    let [.., first, _, _, last] = view.nodes() else { panic!("six nodes") };
    assert_eq!((first.op, last.op), ("mul_add", "mul_add"));
    let node = GraphInput::Node;
    assert_eq!(first.inputs, [node(1), node(2), node(3)]);
    assert_eq!(last.inputs, [node(1), GraphInput::Number(0.5), node(6)]);
    assert_eq!((first.value.item(), last.value.item()), (12.0, 13.0));
    assert_eq!(view.ancestors(4).nodes().len(), 4, "the sum it goes on from is one of them");
    let dot = view.to_dot();
    for edge in ["n1 -> n4;", "n2 -> n4;", "n3 -> n4;", "n1 -> n7;", "n6 -> n7;"] {
        assert!(dot.contains(edge), "{edge} in {dot}");
    }
    assert!(dot.contains("mul_add 0.5"), "{dot}");
    let json = "\"op\": \"mul_add\", \"inputs\": [{\"node\": 1}, {\"number\": 0.5}, {\"node\": 6}]";
    assert!(view.to_json().contains(json), "{}", view.to_json());
    assert!(view.to_svg().contains("mul_add"));
}

#[test]
fn a_value_that_is_not_finite_is_found_at_its_operand() {
    let tape = Tape::new().with_locations();
    let (w, x) = (tape.scalar(1e300), tape.scalar(1e10));
    let z = w * 0.0;
    let line = line!() + 1;
    let y = w.mul_add(x, z);
    let found = y.find_nonfinite().forward.expect("1e310 is infinite");
    assert_eq!((found.op, found.node, found.inputs), ("mul_add", 4, vec![1, 2, 3]));
    assert_eq!(found.site.map(|site| site.line()), Some(line));
    // The slope of each operand: the other factor for a factor, 1 for the sum.
    let step = |y: Scalar<'_>| y.find_nonfinite().backward.map(|found| (found.op, found.operand));
    let small = tape.scalar(1e-300);
    let y = w.mul_add(small, small * 1.0) * 1e10;
    assert_eq!(step(y), Some(("mul_add", Some(1))));
    let y = small.mul_add(w, small * 1.0) * 1e10;
    assert_eq!(step(y), Some(("mul_add", Some(0))));
    let y = small.mul_add(small, small * 1.0) * f64::INFINITY;
    assert_eq!(step(y), Some(("mul", Some(0))), "the product by infinity comes first");
    // An infinite slope that a zero cotangent absorbs.
    let tape = Tape::new();
    let (infinite, x) = (tape.scalar(f64::INFINITY), tape.scalar(2.0));
    let z = x * 1.0;
    let absorbed = (infinite.mul_add(x, z) * 0.0).find_nonfinite().absorbed;
    let operands: Vec<_> = absorbed.iter().map(|found| (found.op, found.operand)).collect();
    assert_eq!(operands, [("mul_add", Some(1))]);
}

#[test]
fn zero_absorbs_as_in_a_product_and_a_sum() {
    same_bits("absorbed", 2, |x, term| {
        let z = x[1].exp();
        term(x[0], (x[0] * 0.0).sqrt(), z).sin() * 0.0 + x[1]
    });
}

#[test]
fn a_chain_of_a_million_terms_is_swept_and_swept_again() {
    let work = || {
        let (n, tape) = (1_000_000, Tape::new());
        let (w, x) = (tape.scalar(0.5), tape.scalar(2.0));
        let z = (1..n).fold(w * x, |z, _| w.mul_add(x, z));
        assert_eq!((z.value(), tape.len()), (n as f64, n + 2), "one node for each term");
        assert_eq!(z.backward().wrt([w, x]), [2e6, 0.5e6]);
        let slope = z.grad(w);
        assert_eq!((slope.value(), slope.backward().wrt([w, x])), (2e6, [0.0, 1e6]));
        assert_eq!(z.jvp([w, x], [1.0, 0.0]), 2e6);
    };
    let thread = std::thread::Builder::new().stack_size(64 << 10).spawn(work);
    thread.expect("a thread").join().expect("a loop needs no stack");
}

#[test]
fn a_chain_takes_half_the_memory() {
    let bytes = |term: Term| {
        let tape = Tape::new();
        let x = tape.scalar(0.5);
        let _ = (0..1000).fold(x * x, |z, _| term(x, x, z));
        tape.memory().node_bytes - 64
    };
    assert_eq!((bytes(TERMS[0]), bytes(TERMS[2])), (64_000, 32_000));
}
