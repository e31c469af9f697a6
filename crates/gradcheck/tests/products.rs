//! Matrix products of every layout. The larger ones go to the `gemm` crate, the only unsafe call of the engine, so
//! `.ci/sanitize` runs these tests with every load and store checked.

use gradcheck::strategies::Layout;
use tape::ops::Linear;
use tape::{Array, Tensor};

/// Returns `x` with both axes backwards in memory.
fn reversed(x: &Tensor) -> Tensor {
    x.flip([0, 1]).contiguous().flip([0, 1])
}

/// Returns `x` in every layout that keeps its values, each with its name.
fn laid_out(x: &Tensor) -> Vec<(String, Tensor)> {
    let layouts = Layout::ALL.iter().filter(|layout| layout.keeps_values());
    let named = layouts.map(|layout| (format!("{layout:?}"), layout.of(x)));
    named.chain([("Reversed".to_owned(), reversed(x))]).collect()
}

/// Sizes. Where every instruction is interpreted, none and those of a call to `gemm`.
const EXTENTS: &[usize] = if cfg!(miri) { &[0, 17] } else { &[0, 1, 2, 7, 8, 9, 17, 33] };

/// The elements are small integers, so that every order of additions gives the same sum.
#[test]
fn products_are_exact_in_every_layout() {
    let number = |i: usize, j: usize| ((5 * i + 3 * j) % 7) as f64 - 3.0;
    let count = EXTENTS.len();
    for case in 0..count.pow(3) {
        let [m, k, n] = [case / count.pow(2), case / count % count, case % count].map(|i| EXTENTS[i]);
        let expected = Tensor::from_fn([m, n], |at| {
            (0..k).fold(0.0, |sum, p| sum + number(at[0], p) * number(p, at[1] + 1))
        });
        let bias = Tensor::from_fn([n], |at| at[0] as f64 - 4.0);
        let a = Tensor::from_fn([m, k], |at| number(at[0], at[1]));
        let b = Tensor::from_fn([k, n], |at| number(at[0], at[1] + 1));
        for (left, a) in laid_out(&a) {
            for (right, b) in laid_out(&b) {
                let which = format!("{} {left} times {} {right}", a.shape(), b.shape());
                assert_eq!(a.matmul(&b), expected, "{which}");
                let sums = Tensor::apply(Linear, &[&a, &b.transpose(), &bias]);
                assert_eq!(sums, &expected + &bias, "{which}, and a bias");
            }
        }
    }
}
