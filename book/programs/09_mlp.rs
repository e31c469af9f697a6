use tape::{Tape, Tensor};

fn main() {
    let x = Tensor::from([[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0]]); // one sample per row
    let t = Tensor::from([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]); // their targets
    let w1 = Tensor::from([[0.4, -0.3], [-0.2, 0.5], [0.1, 0.6]]); // rows: destinations
    let b1 = Tensor::from([0.1, -0.1, 0.2]);
    let w2 = Tensor::from([[0.7, -0.5, 0.3], [-0.6, 0.2, 0.9]]);
    let b2 = Tensor::from([0.05, -0.25]);

    // On the tape: half the squared error of a sample, averaged over the samples.
    let tape = Tape::new();
    let leaves = [&w1, &b1, &w2, &b2].map(|parameter| tape.var(parameter.clone()));
    let a1 = tape.constant(x.clone()).linear(leaves[0], leaves[1]).tanh();
    let a2 = a1.linear(leaves[2], leaves[3]).sigmoid();
    let loss = (a2 - &t).square().sum() / (2.0 * 3.0);
    let taped = loss.backward().wrt(leaves);

    // By hand, the whole batch: one sample per row.
    let (a1, a2) = (a1.value(), a2.value());
    let d2 = (&a2 - &t) / 3.0 * &a2 * &(1.0 - &a2);
    let d1 = d2.matmul(&w2) * &(1.0 - a1.square());
    let [b1_sum, b2_sum] = [&d1, &d2].map(|d| d.sum_axes(0, false));
    let batch = [d1.transpose().matmul(&x), b1_sum, d2.transpose().matmul(&a1), b2_sum];

    // By hand, one sample after another: a sample is a column.
    let mut sum = [&w1, &b1, &w2, &b2].map(Tensor::zeros_like);
    for n in 0..3_isize {
        let [x, t, a1, a2] = [&x, &t, &a1, &a2].map(|a| a.slice(0, n..n + 1).transpose());
        let d2 = (&a2 - &t) / 3.0 * &a2 * &(1.0 - &a2);
        let d1 = w2.transpose().matmul(&d2) * &(1.0 - a1.square());
        let share = [&d1.matmul(&x.transpose()), &d1, &d2.matmul(&a1.transpose()), &d2];
        sum = std::array::from_fn(|k| &sum[k] + share[k].reshape(sum[k].shape()));
    }
    println!("loss {:.6}; the first entry of each gradient:", loss.value());
    for (k, name) in ["W1", "b1", "W2", "b2"].into_iter().enumerate() {
        let [t, b, c] = [&taped[k], &batch[k], &sum[k]].map(|g| g.to_vec()[0]);
        println!("{name}  tape {t:.6}  batch {b:.6}  columns {c:.6}");
    }
}
