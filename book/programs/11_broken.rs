use tape::{Tape, Tensor};

fn main() {
    // The cotangent of the result: whatever comes after is written as this weighted sum.
    let dh = Tensor::from([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5], [1.0, 0.5]]);
    let tape = Tape::new();
    let x = tape.var([[1.0, 20.0], [3.0, -10.0], [2.0, 35.0], [6.0, 15.0]]);
    let m = x.sum_axes(0, true) / 4.0; // 1: the mean of each column
    let d = x - m; // 2: the deviations
    let q = d.square(); // 3
    let v = q.sum_axes(0, true) / 3.0; // 4: the variance, N - 1 below
    let u = v + 1e-5; // 5: never zero
    let i = u.rsqrt(); // 6: one over the standard deviation
    let h = d * i; // 7: mean 0, variance 1
    let on_the_tape = (h * &dh).sum().backward_all();

    let [vd, vu, vi, vh] = [d, u, i, h].map(|node| node.value());
    let di = (&dh * &vd).sum_axes(0, true); // through 7: i was copied down its column
    let du = &di * &(&vi / &vu * -0.5); // through 6
    let dv = &du * 1.0; // through 5
    let dq = (&dv * (1.0 / 3.0)).broadcast_to([4, 2]); // 4: summed, so copied back
    let dd = &dh * &vi + &dq * &(&vd * 2.0); // through 7 and 3: d has two uses
    let dm = -dd.sum_axes(0, true); // through 2
    let dx = &dh * &vi; // m and i as if they were constants

    let by_hand = [di, du, dv, dq, dd, dm, dx];
    let text = |t: &Tensor| t.iter().map(|x| format!("{x:8.4}")).collect::<String>();
    for (k, node) in [i, u, v, q, d, m, x].into_iter().enumerate() {
        let equal = by_hand[k] == on_the_tape.wrt(node);
        let (name, entries) = (["i", "u", "v", "q", "d", "m", "x"][k], text(&by_hand[k]));
        println!("∂ℓ/∂{name} {entries:<64}  equal: {equal}");
    }
    let sums = [dh.sum_axes(0, true), (&dh * &vh).sum_axes(0, true)];
    let one_step = &vi * &(&dh - &sums[0] / 4.0 - &vh * &(&sums[1] / 3.0));
    let dx = &by_hand[6];
    println!("one step agrees: {}", dx.allclose_within(&one_step, 0.0, 1e-15));
    let left =
        [dx.sum_axes(0, true), (dx * &vh).sum_axes(0, true)].map(|t| text(&t.abs()));
    println!("column sums of ∂ℓ/∂x{}, of ∂ℓ/∂x ∘ h{}, up to sign", left[0], left[1]);
}
