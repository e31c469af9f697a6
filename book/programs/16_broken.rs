use nn::functional::{Conv1dOptions, conv1d};
use tape::{Tape, Tensor, Unary, ops::Tanh};

fn print(name: &str, hand: impl Into<Tensor>, tape: impl Into<Tensor>) {
    let (hand, tape) = (hand.into(), tape.into());
    let agree = hand.allclose_within(&tape.reshape(hand.shape()), 1e-12, 1e-12);
    println!("{name}: agree {agree}");
    println!("  by hand {:.3?}", hand.to_vec());
    println!("  tape    {:.3?}", tape.to_vec());
}

fn main() {
    let tape = Tape::new();
    let (x, w, dy) = ([1.0, 2.0, -1.0, 3.0, 0.5], [0.5, -1.0, 2.0], [1.0, -2.0, 0.5]);
    let (mut dx, mut dw) = ([0.0; 5], [0.0; 3]);
    for i in 0..3 {
        for k in 0..3 {
            dx[i + k] += dy[i] * w[k]; // because y[i] has the term w[k] x[i + k]
            dw[k] += dy[i] * x[i + k];
        }
    }
    let [tx, tw] = [tape.var([[x]]), tape.var([[w]])];
    let pulled = conv1d(&tx, &tw, None, Conv1dOptions::default()).vjp([[dy]]);
    print("convolution, dx", dx, pulled.wrt(tx));
    print("convolution, dw", dw, pulled.wrt(tw));

    let (u, v, x, mut h) = (0.8, 0.5, [1.0, -2.0, 3.0], vec![0.0]);
    x.iter().for_each(|x| h.push(Tanh.eval(u * h[h.len() - 1] + v * x)));
    let (mut dh, mut du, mut dv) = (1.0, 0.0, 0.0);
    for t in (0..3).rev() {
        let dz = dh * (1.0 - h[t + 1] * h[t + 1]);
        du += dz * h[t];
        dv += dz * x[t];
        dh = u * dz;
    }
    let (tu, tv, start) = (tape.scalar(u), tape.scalar(v), tape.scalar_constant(0.0));
    let end = x.iter().fold(start, |h, &x| (tu * h.detach() + tv * x).tanh());
    print("recurrence, du, dv", [du, dv], end.backward().wrt([tu, tv]));
}
