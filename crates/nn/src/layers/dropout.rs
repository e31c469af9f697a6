//! Dropout.

use crate::functional;
use crate::module::{Context, Module, without_parameters};
use rand::RngExt;
use tape::{Element, Error, Var};

/// In training, sets each element to 0 with probability `p`, else divides it by `1 - p`, which preserves the
/// expectation; in evaluation, `y = x`.
///
/// Random numbers come from the generator of the [`Context`], one for each element in row-major order. Hinton
/// and others, 2012.
///
/// ```
/// use nn::{Context, Dropout, Module};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::{Tape, Tensor};
/// let dropout = Dropout::new(0.5);
/// assert_eq!(dropout.predict(&Tensor::from([1.0, 2.0])).to_vec(), [1.0, 2.0]);
/// let tape = Tape::new();
/// let x = tape.var([1.0; 8]);
/// let y = dropout.forward(x, &mut Context::train(StdRng::seed_from_u64(0)));
/// assert!(y.value().to_vec().iter().all(|&y| y == 0.0 || y == 2.0));
/// assert_eq!(y.sum().backward().wrt(x), y.value());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    p: f64,
}

impl Dropout {
    /// Dropout with probability `p`.
    ///
    /// # Panics
    /// If `p` is not in `[0, 1]`. With `p = 1` everything is 0.
    #[track_caller]
    pub fn new(p: f64) -> Dropout {
        if !(0.0..=1.0).contains(&p) {
            let reason = format!("expected a probability between 0 and 1, found {p}");
            Error::Invalid { op: "dropout", reason }.panic()
        }
        Dropout { p }
    }

    /// The probability that an element becomes 0.
    pub fn p(&self) -> f64 {
        self.p
    }
}

without_parameters!(Dropout);

impl<T: Element> Module<T> for Dropout {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        match cx.rng() {
            // Nothing is drawn where nothing can drop.
            Some(rng) if self.p > 0.0 => {
                x.tape().refuse_replay("dropout", "random numbers, which would be the same in every run");
                functional::dropout(&x, self.p, || rng.random())
            }
            _ => x,
        }
    }
}
