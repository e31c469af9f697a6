use tape::{Tape, Tensor};

fn main() {
    // A row is added to each row of a matrix.
    let tape = Tape::new();
    let x = tape.var([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    let b = tape.var([10.0, 20.0]);
    let y = x + b;
    let dy = Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    let db = y.vjp(dy.clone()).wrt(b);
    println!("x {}, b {}, y {}", x.shape(), b.shape(), y.shape());
    println!("gradient of b {:?}", db.to_vec());
    println!("sums of dy    {:?}", dy.sum_axes(0, false).to_vec());

    // Copying three times, written as a product with a column of ones.
    let ones = Tensor::ones([3, 1]);
    let copies = ones.matmul(Tensor::from([[10.0, 20.0]]));
    println!("ones · b      the copies: {}", (y - x).value() == copies);
    println!("onesᵀ · dy    {:?}", ones.transpose().matmul(&dy).to_vec());

    // A sum copies its cotangent; a mean also divides it.
    let of = |f: tape::Scalar| f.backward().wrt(x).to_vec()[0];
    println!("slope of the sum {:.3}, of the mean {:.3}", of(x.sum()), of(x.mean()));

    // Fitting y = w x to three samples of y = 2 x.
    let inputs = Tensor::from([[1.0], [2.0], [3.0]]);
    let targets = &inputs * 2.0;
    let (mut w, mut loss) = (0.0, 0.0);
    for _ in 0..100 {
        let tape = Tape::new();
        let weight = tape.scalar(w);
        let (x, t) = (tape.constant(inputs.clone()), tape.constant(targets.clone()));
        let mean = (weight * x - t).square().mean();
        (w, loss) = (w - 0.05 * mean.backward().wrt(weight), mean.value());
    }
    println!("fitted: w = {w:.3}, loss = {loss:.3}");
}
