//! The optimizers compiled for `f32` and `f64`, so that the crates that use them need not: see the file of this name in
//! `tape`.

use crate::optim::{Adam, Optimizer, Sgd};
use std::hint::black_box;
use tape::Element;

fn optimizers<T: Element>() -> [Box<dyn Optimizer<T>>; 2] {
    [Box::new(Sgd::new(0.1)), Box::new(Adam::new(0.1))]
}

/// Never called: it exists to be compiled.
#[doc(hidden)]
pub fn instances() {
    black_box((optimizers::<f32>(), optimizers::<f64>()));
}
