//! The measure by which the benchmarks compare gradients before they time anything.

use benches::training::difference;

#[test]
fn the_worst_tensor_counts_and_nan_is_worst() {
    let reference = [vec![1.0, -4.0], vec![0.5], vec![0.0]];
    assert_eq!(difference(&reference, &reference), 0.0);
    assert_eq!(difference(&[vec![1.0, -3.0], vec![0.25], vec![0.0]], &reference), 0.5);
    assert_eq!(difference(&[vec![1.0, -4.0], vec![0.5], vec![1e-9]], &reference), f64::INFINITY);
    assert!(difference(&[vec![1.0, f64::NAN], vec![0.25], vec![0.0]], &reference).is_nan());
}
