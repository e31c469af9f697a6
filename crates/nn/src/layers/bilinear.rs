//! A bilinear map of two vectors.

use super::from_fan_in;
use crate::Param;
use crate::Parameters;
use crate::init::check_size;
use crate::setting::expect;
use rand::Rng;
use tape::{Element, Error, Shape, Var};

/// `yₒ = x₁ᵀ Wₒ x₂ + bₒ`.
///
/// # Shapes
/// `x₁` `[.., in1]`, `x₂` `[.., in2]`, `W` `[out, in1, in2]`, `b` `[out]`; the result is `[.., out]`. Leading
/// axes broadcast.
///
/// # Initial values
/// `W` and `b` from U(±1/√in1).
///
/// ```
/// use nn::{Bilinear, Param};
/// use tape::{Tape, Tensor};
/// let layer = Bilinear { weight: Param::new([[[1.0, 2.0], [3.0, 4.0]]]), bias: Some(Param::new([0.5])) };
/// let tape = Tape::new();
/// let (a, b) = (tape.var([[1.0, 10.0]]), tape.var([[1.0, 100.0]]));
/// let y = layer.forward(a, b);
/// assert_eq!(y.value(), Tensor::from([[4231.5]]));
/// let grads = y.vjp([[1.0]]);
/// assert_eq!(grads.wrt(a), Tensor::from([[201.0, 403.0]]));
/// assert_eq!(grads.wrt(b), Tensor::from([[31.0, 42.0]]));
/// assert_eq!(grads.of(&layer.weight), Tensor::from([[[1.0, 100.0], [10.0, 1000.0]]]));
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct Bilinear<T: Element = f64> {
    /// `[out, in1, in2]`.
    pub weight: Param<T>,
    /// `[out]`.
    pub bias: Option<Param<T>>,
}

impl<T: Element> Bilinear<T> {
    /// A layer from `inputs[0]` and `inputs[1]` to `outputs` units.
    ///
    /// # Panics
    /// If there are too many parameters for the address space or for memory.
    #[track_caller]
    pub fn new(inputs: [usize; 2], outputs: usize, rng: &mut (impl Rng + ?Sized)) -> Bilinear<T> {
        check_size::<T>("bilinear", [outputs, inputs[0], inputs[1]]);
        let weight = [outputs, inputs[0], inputs[1]];
        let [weight, bias] = from_fan_in("bilinear", weight, outputs, inputs[0], rng);
        Bilinear { weight, bias: Some(bias) }
    }

    /// Removes the bias.
    pub fn without_bias(self) -> Bilinear<T> {
        Bilinear { bias: None, ..self }
    }

    /// The output for two inputs on one tape.
    ///
    /// # Panics
    /// If the widths of the inputs are not those of the weights, or their leading axes do not broadcast.
    #[track_caller]
    pub fn forward<'t>(&self, x1: Var<'t, T>, x2: Var<'t, T>) -> Var<'t, T> {
        expect(self.check([&x1.shape(), &x2.shape()]));
        let tape = x1.tape();
        let y = tape.einsum("...i,oij,...j->...o", &[x1, self.weight.on(tape), x2]);
        match &self.bias {
            Some(bias) => y + bias.on(tape),
            None => y,
        }
    }

    /// Refuses inputs of other widths.
    fn check(&self, inputs: [&Shape; 2]) -> Result<(), Error> {
        let (shape, [a, b]) = (self.weight.value().shape(), inputs);
        if a.last() != Some(&shape[1]) || b.last() != Some(&shape[2]) {
            let (a_width, b_width) = (shape[1], shape[2]);
            let reason =
                format!("expected inputs [.., {a_width}] and [.., {b_width}], found shapes {a:?} and {b:?}");
            return Err(Error::Invalid { op: "bilinear", reason });
        }
        Ok(())
    }
}
