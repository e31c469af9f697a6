//! How rounding errors grow with the length of sums, products and recurrences in single precision: up to 2^20 elements,
//! against the same operation in double precision.

use tape::ops::{AvgWindows, Embedding};
use tape::{Index, Tape, Tensor};

/// The longest axis.
const LONG: usize = 1 << 20;

/// The errors that the additions of a block (32 of them in a lane), the tree above it (11) and the
/// exponentials may make, in units of 2^-24 of the magnitude of the terms; adding one by one loses up to a
/// million.
const UNITS: f64 = 64.0;

/// Positive values whose sums round up more often than down, or the other way round.
fn numbers(shape: &[usize]) -> Tensor<f32> {
    Tensor::from_fn(shape, |i| {
        let at = i.iter().zip(shape).fold(0, |at, (i, extent)| at * extent + i);
        (at % 97) as f32 * 0.1 + 0.05
    })
}

/// The largest distance of `f` in single from that in double precision, in units of 2^-24 of the largest
/// value.
fn units(
    x: &Tensor<f32>,
    f: impl Fn(&Tensor<f32>) -> Tensor<f32>,
    exact: impl Fn(&Tensor<f64>) -> Tensor<f64>,
) -> f64 {
    let (found, exact) = (f(x).cast::<f64>(), exact(&x.cast::<f64>()));
    (found - exact.clone()).abs().max() / exact.abs().max() / 2f64.powi(-24)
}

/// Runs the same expression in both formats.
macro_rules! measure {
    ($name:literal, $x:expr, |$t:ident| $f:expr) => {{
        let found = units(&$x, |$t| $f, |$t| $f);
        println!("{:40} {found:8.1}", $name);
        assert!(found <= UNITS, "{}: off by {found:.1} units", $name);
    }};
}

#[test]
fn reductions() {
    let x = numbers(&[LONG]);
    measure!("sum", x, |x| x.sum_axes(0, false));
    measure!("mean", x, |x| x.mean_axes(0, false));
    measure!("norm 1", x, |x| x.norm_axes(1.0, 0, false));
    measure!("norm 2", x, |x| x.norm_axes(2.0, 0, false));
    measure!("norm 3", x, |x| x.norm_axes(3.0, 0, false));
    measure!("variance", x, |x| x.variance_axes(0, 1, false));
    measure!("standard deviation", x, |x| x.std_axes(0, 1, false));
    measure!("logsumexp", x, |x| x.logsumexp_axes(0, false));
    measure!("softmax", x, |x| x.softmax(0));
    measure!("log_softmax", x, |x| x.log_softmax(0));
    measure!("dot", x, |x| Tensor::scalar(x.dot(x)));
    measure!("squared distance", x, |x| x.squared_distance(&(x * x)));
    measure!("cross entropy", x, |x| x.cross_entropy(x, 0));
    measure!("center", x, |x| x.center(0));
    measure!("average pool", x.reshape([1, 1, 1 << 10, 1 << 10]), |x| x
        .avg_pool2d(AvgWindows::Adaptive { size: [1, 1] }));
    let columns = numbers(&[LONG / 4, 4]);
    measure!("sum of columns", columns, |x| x.sum_axes(0, false));
    measure!("sum to a row", columns, |x| x.sum_to([1, 4]));
    measure!("logsumexp of columns", columns, |x| x.logsumexp_axes(0, false));
}

#[test]
fn scans() {
    let x = numbers(&[LONG]);
    measure!("cumsum", x, |x| x.cumsum(0));
    // Factors near 1, whose rounding has a direction.
    let factors = x.map_elements(|x| 1.0 + (x - 4.85) * 1e-6);
    measure!("cumprod", factors, |x| x.cumprod(0));
    measure!("prod", factors, |x| x.prod_axes(0, false));
    let factors = x.map_elements(|_| 1.000_000_1);
    measure!("recurrence", factors, |x| x.linear_scan(x, 0, false));
    measure!("recurrence in reverse", factors, |x| x.linear_scan(x, 0, true));
}

#[test]
fn logsumexp_of_long_axes() {
    for bits in [16, 17, 18] {
        let x = Tensor::<f32>::from_fn([1 << bits], |i| (i[0] % 97) as f32 * 0.1);
        let exact = x.cast::<f64>().logsumexp();
        let error = (f64::from(x.logsumexp()) - exact).abs();
        let total: f64 = x.log_softmax(0).to_vec().iter().map(|&y| f64::from(y).exp()).sum();
        let softmax: f64 = x.softmax(0).to_vec().iter().map(|&y| f64::from(y)).sum();
        assert!(
            error < 4e-6,
            "2^{bits}: logsumexp off by {error:.1e}; exp(log_softmax) sums to {total}, softmax to {softmax}"
        );
    }
}

/// Gradients of operations that take elements by position: a position that is taken a million times gets a
/// million cotangents.
#[test]
fn gradients_of_elements_taken_often() {
    let cts = numbers(&[LONG]);
    let exact = cts.cast::<f64>().sum();
    let close = |name: &str, found: f32| {
        let units = (f64::from(found) - exact).abs() / exact / 2f64.powi(-24);
        println!("{name:40} {units:8.1}");
        assert!(units <= UNITS, "{name}: off by {units:.1} units");
    };
    let index = || Index::new([LONG], vec![1; LONG]).unwrap();
    let tape = Tape::single();
    let x = tape.var([0.5f32, 1.5, 2.5]);
    close("take", x.take(index()).vjp(cts.clone()).wrt(x).to_vec()[1]);
    close("gather", x.gather(0, index()).vjp(cts.clone()).wrt(x).to_vec()[1]);
    close("index_select", x.index_select(0, index()).vjp(cts.clone()).wrt(x).to_vec()[1]);
    let table = tape.var([[0.5f32], [1.5]]);
    let rows = tape.apply(Embedding::new(&vec![1; LONG]), &[table]);
    close("embedding", rows.vjp(cts.reshape([LONG, 1])).wrt(table).to_vec()[1]);
    let zero = Tensor::<f32>::zeros([2]);
    close("scatter_add", zero.scatter_add(&cts, 0, index()).to_vec()[1]);
    let mixed =
        Index::new([LONG], (0..LONG).map(|i| if i % 4096 == 0 { 0 } else { 1 }).collect::<Vec<_>>()).unwrap();
    let found = zero.scatter_add(&cts, 0, mixed.clone());
    let exact = zero.cast::<f64>().scatter_add(&cts.cast::<f64>(), 0, mixed);
    let distance = ((found.cast::<f64>() - exact.clone()) / exact).abs().max();
    assert!(distance <= UNITS * 2f64.powi(-24), "a rare position beside a frequent one: {distance:e}");
}
