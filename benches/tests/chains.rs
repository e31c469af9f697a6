//! The nodes that the scalar workloads record with the operators and with `mul_add`: the counts of
//! `docs/decisions/0007`.

use benches::scalar::{Fused, Gmm, Problem, ScalarMlp};
use tape::{Memory, Scalar, Tape};

/// The memory of one part on a tape after its sweep.
fn held(problem: &impl Problem) -> Memory {
    let tape = Tape::new();
    let x: Vec<Scalar<'_>> = problem.inputs().iter().map(|&x| tape.scalar(x)).collect();
    problem.eval(&x, 0).backward();
    tape.memory()
}

/// `n` scalars: 32 bytes a node, 8 bytes a cotangent, one more of which represents constants.
fn numbers(n: usize) -> Memory {
    Memory { nodes: n, node_bytes: 32 * n, gradient_bytes: 8 * (n + 1), ..Memory::default() }
}

#[test]
fn a_network_of_scalars_takes_a_fifth_fewer_nodes() {
    let network = ScalarMlp::new(1);
    assert_eq!(held(&network), numbers(101 + 232));
    assert_eq!(held(&Fused(&network)), numbers(101 + 163));
}

#[test]
fn a_mixture_takes_two_fifths_fewer_nodes() {
    let mixture = Gmm::new(1000);
    assert_eq!(held(&mixture), numbers(3_381_979));
    assert_eq!(held(&Fused(&mixture)), numbers(2_005_606));
}
