//! Chapter 11: batch normalisation by hand.

use super::{Chapter, table};
use crate::diagram::{Diagram, GRADIENT, VALUE};
use crate::{Exercise, Mistake};
use nn::{BatchNorm1d, Context, Module};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tape::{Element, Tape, Tensor, Var};

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 11,
    page: "11-batch-norm",
    program: program!("11_batch_norm.rs"),
    broken: program!("11_broken.rs"),
    tables,
    figures,
    exercises,
};

/// Samples, letters of each sample, entries for each letter, letters of the alphabet, hidden neurons.
const N: usize = 6;
const LETTERS: usize = 3;
const ENTRIES: usize = 2;
const ALPHABET: usize = 5;
const HIDDEN: usize = 8;
/// The largest gain: it keeps the results of tanh below 1/2, where its slope is computed as 1 - a².
const GAIN: f64 = 0.25;

/// One of the 26 values.
struct Row {
    name: &'static str,
    forward: &'static str,
    backward: &'static str,
    shape: Vec<usize>,
    /// The gradient by hand has the bits of that from the tape.
    equal: bool,
    /// No entries differ by 1e-15.
    close: bool,
    largest: f64,
}

/// The network with an embedding, batch normalisation, tanh and cross-entropy: all 26 gradients by hand, in the order of the
/// sweep.
fn all_values<T: Element>(most_gain: f64) -> Vec<Row> {
    let rng = &mut StdRng::seed_from_u64(26);
    let mut random = |shape: &[usize], scale: f64| {
        Tensor::<T>::from_fn(shape, |_| T::from_f64(scale * rng.random_range(-1.0..1.0)))
    };
    let table = random(&[ALPHABET, ENTRIES], 1.0);
    let (w1, b1) = (random(&[HIDDEN, LETTERS * ENTRIES], 0.6), random(&[HIDDEN], 0.1));
    let (w2, b2) = (random(&[ALPHABET, HIDDEN], 0.8), random(&[ALPHABET], 0.1));
    let (gain, bias) = (random(&[HIDDEN], most_gain), random(&[HIDDEN], 0.05));
    let letters: Vec<usize> = (0..N * LETTERS).map(|k| (k * k + k / 4) % ALPHABET).collect();
    let t = Tensor::<T>::from_fn([N, ALPHABET], |at| {
        if (2 * at[0] + 1) % ALPHABET == at[1] { T::ONE } else { T::ZERO }
    });
    let number = T::from_f64;
    let n = number(N as f64);

    // Forwards, on the tape.
    let tape = Tape::<T>::of();
    let table = tape.var(table);
    let [w1, b1, w2, b2, gain, bias] = [w1, b1, w2, b2, gain, bias].map(|value| tape.var(value));
    let emb = table.index_select(0, letters.clone());
    let x = emb.reshape([N, LETTERS * ENTRIES]);
    let z1 = x.linear(w1, b1);
    let m1 = z1.sum_axes(0, true) / n;
    let d = z1 - m1;
    let q = d.square();
    let v = q.sum_axes(0, true) / (n - T::ONE);
    let i = (v + number(1e-5)).rsqrt();
    let h = d * i;
    let y = h * gain + bias;
    let a = y.tanh();
    let z = a.linear(w2, b2);
    let m = z.max_axes(1, true);
    let c = z - m;
    let e = c.exp();
    let s = e.sum_axes(1, true);
    let r = s.recip();
    let p = e * r;
    let l = p.ln();
    let loss = (l * &t).sum() / -n;
    let gradients = loss.backward_all();

    // Backwards, by hand.
    let value = |node: Var<'_, T>| node.value();
    let columns = |a: &Tensor<T>| a.sum_axes(0, true);
    let dl = &t * (T::ONE / -n);
    let dp = &dl * &value(p).recip();
    let dr = (&dp * &value(e)).sum_axes(1, true);
    let ds = &dr * &-value(r).square();
    let de = &dp * &value(r) + &ds;
    let dc = &de * &value(e);
    let dm = -dc.sum_axes(1, true);
    let dz = &dc + &dm * &value(c).ge(T::ZERO);
    let da = dz.matmul(&value(w2));
    let dw2 = dz.transpose().matmul(&value(a));
    let db2 = dz.sum_axes(0, false);
    let dy = &da * &(value(a).square() * -T::ONE + T::ONE);
    let dgain = (&dy * &value(h)).sum_axes(0, false);
    let dbias = dy.sum_axes(0, false);
    let dh = &dy * &value(gain);
    let di = columns(&(&dh * &value(d)));
    let dv = &di * &(&value(i) / &(value(v) + number(1e-5)) * number(-0.5));
    let dq = (&dv * (T::ONE / (n - T::ONE))).broadcast_to([N, HIDDEN]);
    let dd = &dh * &value(i) + &dq * &(value(d) * number(2.0));
    let dm1 = -columns(&dd);
    let dz1 = &dd + &dm1 * (T::ONE / n);
    let dx = dz1.matmul(&value(w1));
    let dw1 = dz1.transpose().matmul(&value(x));
    let db1 = dz1.sum_axes(0, false);
    let demb = dx.reshape([N * LETTERS, ENTRIES]);
    let mut dtable = [T::ZERO; ALPHABET * ENTRIES];
    for (row, &letter) in demb.to_vec().chunks(ENTRIES).zip(&letters) {
        for (sum, &share) in dtable[letter * ENTRIES..].iter_mut().zip(row) {
            *sum += share;
        }
    }
    let dtable = Tensor::from_fn([ALPHABET, ENTRIES], |at| dtable[at[0] * ENTRIES + at[1]]);

    let rows = [
        ("l", "ln p", "-t / N", dl, l),
        ("p", "e r", "∂l / p", dp, p),
        ("r", "1 / s", "row sums of ∂p ∘ e", dr, r),
        ("s", "row sums of e", "-∂r r²", ds, s),
        ("e", "exp c", "∂p r + ∂s", de, e),
        ("c", "z - m", "∂e ∘ e", dc, c),
        ("m", "row maxima of z", "-(row sums of ∂c)", dm, m),
        ("z", "a W₂ᵀ + b₂", "∂c + ∂m where z is largest", dz, z),
        ("a", "tanh y", "∂z W₂", da, a),
        ("W₂", "parameter", "∂zᵀ a", dw2, w2),
        ("b₂", "parameter", "column sums of ∂z", db2, b2),
        ("y", "h gain + bias", "∂a ∘ (1 - a²)", dy, y),
        ("gain", "parameter", "column sums of ∂y ∘ h", dgain, gain),
        ("bias", "parameter", "column sums of ∂y", dbias, bias),
        ("h", "d i", "∂y gain", dh, h),
        ("i", "1 / √(v + ε)", "column sums of ∂h ∘ d", di, i),
        ("v", "column sums of q, / (N - 1)", "-∂i i / (2 (v + ε))", dv, v),
        ("q", "d²", "∂v / (N - 1), copied", dq, q),
        ("d", "z₁ - m₁", "∂h i + 2 d ∘ ∂q", dd, d),
        ("m₁", "column means of z₁", "-(column sums of ∂d)", dm1, m1),
        ("z₁", "x W₁ᵀ + b₁", "∂d + ∂m₁ / N", dz1, z1),
        ("x", "emb, reshaped", "∂z₁ W₁", dx, x),
        ("W₁", "parameter", "∂z₁ᵀ x", dw1, w1),
        ("b₁", "parameter", "column sums of ∂z₁", db1, b1),
        ("emb", "rows of C, one for each letter", "∂x, reshaped", demb, emb),
        ("C", "parameter", "each row of ∂emb, added to the row of its letter", dtable, table),
    ];
    let row = |(name, forward, backward, hand, node): (_, _, _, Tensor<T>, Var<'_, T>)| Row {
        name,
        forward,
        backward,
        shape: hand.shape().dims().to_vec(),
        close: hand.allclose_within(&gradients.wrt(node), 0.0, 1e-15),
        equal: hand.to_vec() == gradients.wrt(node).to_vec(),
        largest: hand
            .iter()
            .map(|x| x.to_f64())
            .fold(0.0, |most: f64, x| if x.abs() > most.abs() { x } else { most }),
    };
    rows.into_iter().map(row).collect()
}

fn values() -> String {
    let yes = |equal: bool| if equal { "yes" } else { "no" };
    let rows = all_values::<f64>(GAIN).into_iter().zip(all_values::<f32>(GAIN)).map(|(row, single)| {
        let shape: Vec<String> = row.shape.iter().map(usize::to_string).collect();
        let (name, largest) = (row.name, row.largest);
        [
            name.into(),
            row.forward.into(),
            row.backward.into(),
            shape.join(" x "),
            format!("{:.5}", if largest.abs() < 1e-12 { 0.0 } else { largest }),
            yes(row.equal).into(),
            yes(single.equal).into(),
        ]
    });
    table(
        [
            "value",
            "forwards",
            "its gradient by hand",
            "shape",
            "largest entry",
            "f64: same bits",
            "f32: same bits",
        ],
        rows,
    )
}

/// The one-step formula of both divisors, and the layer of `nn`.
fn divisors() -> String {
    let x = Tensor::from([[1.0, 20.0], [3.0, -10.0], [2.0, 35.0], [6.0, 15.0]]);
    let dh = Tensor::from([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5], [1.0, 0.5]]);
    let tape = Tape::new();
    let leaf = tape.var(x.clone());
    let h = BatchNorm1d::new(2).forward(leaf, &mut Context::train(StdRng::seed_from_u64(0)));
    let taped = (h * &dh).sum().backward().wrt(leaf);
    let one_step = |divisor: f64| {
        let d = &x - x.sum_axes(0, true) / 4.0;
        let i = (d.square().sum_axes(0, true) / divisor + 1e-5).rsqrt();
        let h = &d * &i;
        let along = (&dh * &h).sum_axes(0, true) / divisor;
        &i * &(&dh - dh.sum_axes(0, true) / 4.0 - &h * &along)
    };
    let rows = [("N", 4.0), ("N - 1", 3.0)].map(|(name, divisor)| {
        let gradient = one_step(divisor);
        let same = gradient.allclose_within(&taped, 0.0, 1e-14);
        let first = gradient.to_vec()[0];
        [name.into(), format!("{first:.6}"), if same { "yes" } else { "no" }.into()]
    });
    table(["divisor of the variance", "∂ℓ/∂x, first entry", "equal to `nn::BatchNorm1d`"], rows)
}

fn tables() -> Vec<(&'static str, String)> {
    let of = |rows: &[Row], same: fn(&Row) -> bool| {
        format!("{} of {}", rows.iter().filter(|&row| same(row)).count(), rows.len())
    };
    let equal = |rows: &[Row]| of(rows, |row| row.equal);
    let count = format!(
        "Gradients with the bits of the tape: {} in `f64`, {} in `f32`.\n",
        equal(&all_values::<f64>(GAIN)),
        equal(&all_values::<f32>(GAIN))
    );
    let large = all_values::<f64>(8.0 * GAIN);
    let close = of(&large, |row| row.close);
    let saturated = format!(
        "With a gain eight times as large, in `f64`: the same bits in {}, equal to 15 decimal places in {close}.\n",
        equal(&large)
    );
    vec![("values", values()), ("count", count), ("saturated", saturated), ("divisors", divisors())]
}

/// The graph of the normalisation, with its three forks.
fn figures() -> Vec<(&'static str, String)> {
    let (top, bottom) = (50.0, 150.0);
    let node = |name: &'static str| [(name, VALUE)];
    let diagram = Diagram::new("The graph of batch normalisation: x and d have two uses each", 780, 210)
        .arrow((85.0, top), (225.0, top), "", VALUE)
        .arrow((60.0, top + 15.0), (60.0, bottom - 15.0), "", VALUE)
        .arrow((105.0, bottom), (235.0, top + 17.0), "", VALUE)
        .arrow((305.0, top), (675.0, top), "", VALUE)
        .arrow((275.0, top + 15.0), (310.0, bottom - 16.0), "", VALUE)
        .arrow((350.0, bottom), (390.0, bottom), "", VALUE)
        .arrow((480.0, bottom), (510.0, bottom), "", VALUE)
        .arrow((590.0, bottom), (620.0, bottom), "", VALUE)
        .arrow((670.0, bottom - 16.0), (705.0, top + 17.0), "", VALUE)
        .text((70.0, 24.0), "fork: to d and m", GRADIENT)
        .text((265.0, 24.0), "fork: to h and q", GRADIENT)
        .text((72.0, 188.0), "one for each column", GRADIENT)
        .text((550.0, 188.0), "one for each column", GRADIENT)
        .boxed((60.0, top), 50.0, &node("x"))
        .boxed((60.0, bottom), 90.0, &node("m: mean"))
        .boxed((265.0, top), 80.0, &node("d = x - m"))
        .boxed((315.0, bottom), 70.0, &node("q = d²"))
        .boxed((435.0, bottom), 90.0, &node("v: variance"))
        .boxed((550.0, bottom), 80.0, &node("u = v + ε"))
        .boxed((665.0, bottom), 90.0, &node("i = 1 / √u"))
        .boxed((710.0, top), 70.0, &node("h = d i"));
    vec![("11-graph.svg", diagram.svg())]
}

fn exercises() -> Vec<Exercise> {
    // h of one column, and the cotangents of h; i = 2.
    let (h, dh, i) = (Tensor::from([-1.0, 0.0, 1.0]), Tensor::from([1.0, 2.0, 6.0]), 2.0);
    let (mean, along) = (dh.mean(), (&h * &dh).sum() / 2.0);
    let three = |t: Tensor| {
        let entries = t.to_vec();
        [entries[0], entries[1], entries[2]]
    };
    let right = three((&dh - mean - &h * along) * i);
    let copies = 8.0;
    let (entry, slope, scale) = (1.5, 3.0, 10.0);
    vec![
        Exercise {
            number: "11.1",
            right: vec![right.into()],
            mistakes: vec![
                Mistake::new(three(&dh * i), "mean and variance depend on x too: two more paths"),
                Mistake::new(three((&dh - mean) * i), "the path through the variance is missing"),
                Mistake::new(
                    three((&dh - mean - &h * (2.0 * along / 3.0)) * i),
                    "that is the formula for a variance divided by N; here it is N - 1",
                ),
            ],
            hint: "subtract the mean 3 of the cotangents, then h times the sum of h ∘ ∂h over N - 1, and multiply by i",
        },
        Exercise {
            number: "11.2",
            right: vec![0.0.into()],
            mistakes: vec![
                Mistake::new(1.0, "the bias is added to all samples, so the mean takes it away again"),
                Mistake::new(copies, "each sample has a share, but the sum of the shares is what counts"),
            ],
            hint: "by how much does h change if the same number is added to all x of a column?",
        },
        Exercise {
            number: "11.3",
            right: vec![[entry, slope / scale].into()],
            mistakes: vec![
                Mistake::new(
                    [entry, slope * scale],
                    "h does not change with the scale of x, so a larger x needs a smaller slope",
                ),
                Mistake::new(
                    [entry, slope],
                    "h is the same, but moving x by one is now a smaller change of h",
                ),
                Mistake::new(
                    [entry * scale, slope / scale],
                    "h is the same: dividing by the standard deviation undoes the scale",
                ),
            ],
            hint: "h(10 x) = h(x); differentiate both sides with respect to x",
        },
    ]
}
