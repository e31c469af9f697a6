use tape::{Tape, Tensor};

fn main() {
    let t = Tensor::from([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]); // two targets
    let tape = Tape::new();
    let z = tape.var([[1.0, 2.0, 4.0], [3.0, -1.0, 0.5]]);
    let m = z.max_axes(1, true); // 1: the largest of each row
    let c = z - m; // 2: at most 0
    let e = c.exp(); // 3
    let s = e.sum_axes(1, true); // 4: of each row
    let r = s.recip(); // 5
    let p = e * r; // 6: the softmax
    let l = p.ln(); // 7
    let loss = (l * &t).sum() / -2.0; // 8
    let on_the_tape = loss.backward_all();

    let [vc, ve, vr, vp] = [c, e, r, p].map(|node| node.value());
    let dl = &t / -2.0; // through 8
    let dp = &dl * &vp.recip(); // through 7
    let dr = (&dp * &ve).sum_axes(1, true); // through 6: r was copied along its row
    let ds = &dr * &-(&vr * &vr); // through 5
    let de = &dp * &vr + &ds; // through 6 and 4: e has two uses
    let dc = &de * &ve; // through 3
    let dm = -dc.sum_axes(1, true); // through 2
    let largest = vc.ge(0.0); // 1 where c is 0, else 0
    let dz = &dc + &dm * &largest; // through 2 and 1: z has two uses
    let one_step = (&vp - &t) / 2.0;

    println!("loss {:.6}; two rows of each gradient:", loss.value());
    let by_hand = [dl, dp, dr, ds, de, dc, dm, dz];
    let nodes = [l, p, r, s, e, c, m, z];
    for (name, k) in "lprsecmz".chars().zip(0..) {
        let equal = by_hand[k] == on_the_tape.wrt(nodes[k]);
        let entries: String = by_hand[k].iter().map(|x| format!("{x:8.4}")).collect();
        println!("∂ℓ/∂{name} {entries:<48}  equal: {equal}");
    }
    let agree = by_hand[7].allclose_within(&one_step, 0.0, 1e-15);
    println!("all steps and (p - t) / 2 agree to 15 digits: {agree}");
}
