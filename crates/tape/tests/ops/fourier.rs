//! The Fourier transform of every small length against its definition, and what it refuses.

use tape::{Tape, Tensor, ops};

#[test]
fn transforms_of_every_length_follow_the_definition() {
    for n in (1..=40).chain([97, 128, 360]) {
        let x = Tensor::from_fn([n], |at| (at[0] as f64 * 1.7).sin() + 0.25 * at[0] as f64 % 1.0);
        let found = x.rfft(0);
        let expected = Tensor::from_fn([n / 2 + 1, 2], |at| {
            let angle = |j: usize| 2.0 * std::f64::consts::PI * ((j * at[0]) % n) as f64 / n as f64;
            let part = |j: usize| if at[1] == 0 { angle(j).cos() } else { -angle(j).sin() };
            x.to_vec().iter().enumerate().map(|(j, x)| x * part(j)).sum::<f64>()
        });
        let bound = 1e-15 * n as f64;
        assert!((&found - &expected).norm(f64::INFINITY) <= bound, "n = {n}: {found:?} and {expected:?}");
        assert!((&found.irfft(n, 0) - &x).norm(f64::INFINITY) <= bound, "n = {n}");
    }
}

#[test]
fn any_axis_is_that_axis_of_the_last() {
    let x = Tensor::from_fn([4, 3, 5], |at| (at[0] * 31 + at[1] * 7 + at[2] * 3) as f64 % 11.0);
    for axis in 0..3 {
        let y = x.rfft(axis);
        let mut shape = x.shape().dims();
        shape[axis as usize] = shape[axis as usize] / 2 + 1;
        shape.push(2);
        assert_eq!(y.shape().dims(), shape);
        assert_eq!(y, x.rfft(axis - 3));
        assert!(y.irfft(x.shape()[axis as usize], axis).allclose(&x));
    }
    assert_eq!(
        x.rfft(1).slice(0, 2..3).slice(2, 4..5).to_vec(),
        x.slice(0, 2..3).slice(2, 4..5).flatten(..).rfft(0).to_vec()
    );
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    let tape = Tape::new();
    let refused = |n: usize, shape: &[usize]| {
        tape.try_apply(ops::Irfft { n }, &[tape.var(Tensor::zeros(shape))]).unwrap_err().to_string()
    };
    assert_eq!(refused(4, &[4, 2]), "irfft: expected shape [3, 2], found [4, 2]");
    assert_eq!(refused(4, &[3]), "irfft: expected two axes or more, found shape [3]");
    assert_eq!(refused(0, &[1, 2]), "irfft: expected one number or more along the axis, found none");
    let empty = tape.try_apply(ops::Rfft, &[tape.var(Tensor::zeros([2, 0]))]).unwrap_err().to_string();
    assert_eq!(empty, "rfft: expected one number or more along the axis, found none");
}
