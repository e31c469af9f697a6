//! Gates and mixtures of two halves or two values, as methods.

use crate::error::{self, Error};
use crate::operand::Operand;
use crate::rules::algebra::{Arithmetic, Element};
use crate::shape::Shape;
use crate::tape::{Scalar, Var};
use crate::tensor::Tensor;

/// `a + (b - a) w`, from the nearer end, so that both ends are exact.
#[track_caller]
fn lerp<A: Arithmetic>(a: A, b: A, w: A) -> A {
    let distance = b.clone() - a.clone();
    let near = distance.clone() * w.clone() + a;
    let far = b - distance * (w.lift(1.0) - w.clone());
    let half = w.lift(0.5);
    half.if_gt(w, near, far)
}

/// Half the extent of an axis.
fn half(x: &Shape, axis: isize) -> Result<isize, Error> {
    let axis = x.axis(axis).map_err(|error| error.named("glu"))?;
    if x[axis].is_multiple_of(2) {
        return Ok((x[axis] / 2) as isize);
    }
    let reason = format!("expected an even extent along axis {axis}, found shape {x:?}");
    Err(Error::Invalid { op: "glu", reason })
}

/// The methods of a type: the type of `self`, and whether it is an array.
macro_rules! mixtures {
    ($([$($lifetime:lifetime)?] $type:ty, $this:ty, $own:expr;)*) => {$(
        impl<$($lifetime,)? T: Element> $type {
            /// Linear interpolation: `self` where `weight` is 0, `end` where it is 1, exactly; beyond, extrapolation.
            ///
            /// ```
            /// use tape::Tape;
            /// let tape = Tape::new();
            /// let (a, b, w) = (tape.scalar(2.0), tape.scalar(6.0), tape.scalar(0.25));
            /// let y = a.lerp(b, w);
            /// let grads = y.backward();
            /// assert_eq!(y.value(), 3.0);
            /// assert_eq!(grads.wrt([a, b, w]), [0.75, 0.25, 4.0]);
            /// ```
            #[track_caller]
            pub fn lerp(self: $this, end: impl Operand<$type>, weight: impl Operand<$type>) -> $type {
                let own: fn($this) -> $type = $own;
                let (end, weight) = (end.beside(&self), weight.beside(&self));
                lerp(own(self), end, weight)
            }
        }
    )*};
}

mixtures! {
    [] Tensor<T>, &Self, |x| x.clone();
    ['t] Scalar<'t, T>, Self, |x| x;
    ['t] Var<'t, T>, Self, |x| x;
}

/// The methods of arrays.
macro_rules! gates {
    ($([$($lifetime:lifetime)?] $type:ty, $this:ty;)*) => {$(
        impl<$($lifetime,)? T: Element> $type {
            /// The gated linear unit: the first half of `axis` times the sigmoid of the second (Y. N. Dauphin et al., 2017).
            ///
            /// ```
            /// use tape::Tape;
            /// let tape = Tape::new();
            /// let x = tape.var([[3.0, 0.0]]);
            /// let y = x.glu(-1);
            /// assert_eq!(y.value().to_vec(), [1.5]);
            /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.5, 0.75]);
            /// ```
            ///
            /// # Panics
            /// If the axis does not exist or has an odd extent.
            #[track_caller]
            pub fn glu(self: $this, axis: isize) -> $type {
                let middle = error::expect(half(&self.shape(), axis));
                self.slice(axis, ..middle) * self.slice(axis, middle..).sigmoid()
            }
        }
    )*};
}

gates! {
    [] Tensor<T>, &Self;
    ['t] Var<'t, T>, Self;
}
