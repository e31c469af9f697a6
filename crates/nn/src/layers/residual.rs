//! Residual connections.

use crate::Parameters;
use crate::module::{Context, Module};
use tape::{Element, Error, Var};

/// `y = shortcut(x) + body(x)`; without a shortcut `y = x + body(x)`. He, Zhang, Ren and Sun, 2016.
///
/// # Shapes
/// Those of the body, whose output must have the shape of the shortcut's.
///
/// # Panics
/// If those two shapes differ.
///
/// ```
/// use nn::{Context, Linear, Module, Residual};
/// use tape::{Tape, Tensor};
/// let layer = Residual::new(Linear::from_values([[2.0]], [1.0]));
/// let tape = Tape::new();
/// let x = tape.var([[3.0]]);
/// let y = layer.forward(x, &mut Context::eval());
/// assert_eq!(y.value(), Tensor::from([[10.0]]));
/// assert_eq!(y.vjp([[1.0]]).wrt(x), Tensor::from([[3.0]]));
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct Residual<T: Element = f64> {
    /// The body, whose output is added.
    pub body: Box<dyn Module<T>>,
    /// The map of the input to the shape of the body's output; `None` where the shapes agree.
    pub shortcut: Option<Box<dyn Module<T>>>,
}

impl<T: Element> Residual<T> {
    /// `y = x + body(x)`.
    pub fn new(body: impl Module<T> + 'static) -> Residual<T> {
        Residual { body: Box::new(body), shortcut: None }
    }

    /// `y = shortcut(x) + body(x)`.
    pub fn with_shortcut(self, shortcut: impl Module<T> + 'static) -> Residual<T> {
        Residual { shortcut: Some(Box::new(shortcut)), ..self }
    }
}

impl<T: Element> Module<T> for Residual<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        cx.chain(x.tape(), self, |cx| {
            let passed = match &self.shortcut {
                Some(shortcut) => shortcut.forward(x, cx),
                None => x,
            };
            let added = self.body.forward(x, cx);
            if passed.shape() != added.shape() {
                let (expected, found) = (passed.shape().dims(), added.shape().dims());
                cx.refuse(Error::Shape { op: "residual", expected, found });
                return x;
            }
            passed + added
        })
    }
}
