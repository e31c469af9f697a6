//! The f32 functions with native f32 arithmetic at every f32 argument, against the f64 functions.
//!
//!     cargo test --release -p tape --test elementary -- --nocapture --ignored every_f32
//!
//! takes about half an hour and prints the last column of `docs/accuracy.md`. An f64 error of a few ulp is far
//! below what is measured here, and the f64 functions are tested against the multiple-precision reference.

use super::functions::{Binary, Unary, Visitor, for_each_unary};
use super::loops::map;
use super::{Reference, bound_f32, ulps};

const NATIVE: [&str; 12] =
    ["exp", "exp2", "ln", "sin", "cos", "tan", "tanh", "sigmoid", "softplus", "log_sigmoid", "erf", "sqrt"];

struct Exhaustive {
    failed: Vec<String>,
}

impl Visitor for Exhaustive {
    fn unary<F: Unary>(&mut self, name: &str, f: F) {
        if !NATIVE.contains(&name) {
            return;
        }
        const STEP: usize = 1 << 16;
        let (mut y, mut exact) = (vec![0.0_f32; STEP], vec![0.0_f64; STEP]);
        let (mut worst, mut at) = (0.0, 0.0);
        for start in (0..1 << 32).step_by(STEP) {
            let x: Vec<f32> = (start..start + STEP as u64).map(|u| f32::from_bits(u as u32)).collect();
            let wide: Vec<f64> = x.iter().map(|&x| x as f64).collect();
            map(f, &x, &mut y);
            map(f, &wide, &mut exact);
            for i in 0..STEP {
                let error = error(y[i], exact[i]);
                if error > worst {
                    (worst, at) = (error, x[i]);
                }
            }
        }
        println!("{name:12} {worst:.4} at {at:e}");
        if worst > bound_f32(name) {
            self.failed.push(name.to_string());
        }
    }
    fn binary<F: Binary>(&mut self, _: &str, _: F) {}
}

/// The distance in units of the last place of the rounded exact value.
fn error(y: f32, exact: f64) -> f64 {
    let rounded = exact as f32;
    if y.to_bits() == rounded.to_bits() && !rounded.is_normal() {
        return 0.0;
    }
    let exponent = ((rounded.to_bits() >> 23) & 0xff) as i32;
    let unit = f64::from_bits(((exponent.max(1) - 150 + 1023) as u64) << 52);
    ulps(
        y,
        &Reference { rounded, rest: if rounded.is_finite() { (exact - rounded as f64) / unit } else { 0.0 } },
    )
}

#[test]
#[ignore = "takes about half an hour"]
fn every_f32_argument_is_within_the_bound() {
    let mut all = Exhaustive { failed: Vec::new() };
    for_each_unary(&mut all);
    assert!(all.failed.is_empty(), "outside their bounds: {:?}", all.failed);
}
