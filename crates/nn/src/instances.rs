//! The optimizers compiled for `f32` and `f64`, so that the crates that use them need not: see the file of this name in
//! `tape`. With the feature `cast`, layers too.

use crate::optim::{Adam, Optimizer, Sgd};
use std::hint::black_box;
use tape::Element;

fn optimizers<T: Element>() -> [Box<dyn Optimizer<T>>; 2] {
    [Box::new(Sgd::new(0.1)), Box::new(Adam::new(0.1))]
}

/// The casts of boxed modules, and so the modules that they result in: a program that uses layers in one number type would
/// otherwise compile them in the other one too.
#[cfg(feature = "cast")]
mod layers {
    use crate::cast::Source;
    use crate::*;
    use std::any::Any;
    use std::hint::black_box;
    use tape::{Element, Error};

    /// A cast of a boxed module.
    type Fill<M, U> = fn(&Source<'static, M, U>, &mut dyn Any) -> Result<(), Error>;

    macro_rules! layers {
        ($($layer:ty),* $(,)?) => {
            fn layers<T: Element, U: Element>() {
                $(black_box(Source::fill as Fill<$layer, U>);)*
            }
        };
    }

    layers! {
        Linear<T>, Sequential<T>, Residual<T>, BatchNorm1d<T>, BatchNorm2d<T>, LayerNorm<T>, Conv2d<T>,
        Dropout, Flatten, MaxPool2d, AvgPool2d, Identity, Relu, Sigmoid, Tanh, Gelu, Softmax,
    }

    pub(super) fn instances() {
        layers::<f32, f32>();
        layers::<f32, f64>();
        layers::<f64, f32>();
        layers::<f64, f64>();
    }
}

/// Never called: it exists to be compiled.
#[doc(hidden)]
pub fn instances() {
    black_box((optimizers::<f32>(), optimizers::<f64>()));
    #[cfg(feature = "cast")]
    layers::instances();
}
