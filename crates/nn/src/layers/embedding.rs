//! Embedding of indices.

use crate::Param;
use crate::Parameters;
use crate::init::{Fans, Init, Normal, check_size};
use rand::Rng;
use tape::{Element, Error, Index, Tape, Tensor, Var, ops};

/// A table of vectors, looked up by index.
///
/// # Shapes
/// `weight` `[rows, width]`; indices of any shape give `[.., width]`.
///
/// # Math
/// The gradients of a row used several times add up. The padding row, if any, gets no gradient.
///
/// # Initial values
/// N(0, 1); the padding row is 0.
///
/// ```
/// use nn::{Embedding, Param};
/// use tape::{Tape, Tensor};
/// let layer = Embedding { weight: Param::new([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]]), padding: Some(0) };
/// let tape = Tape::new();
/// let y = layer.forward(&tape, [2, 0, 2]);
/// assert_eq!(y.value(), Tensor::from([[3.0, 4.0], [0.0, 0.0], [3.0, 4.0]]));
/// let grads = y.vjp([[1.0, 2.0], [5.0, 5.0], [10.0, 20.0]]);
/// assert_eq!(grads.of(&layer.weight), Tensor::from([[0.0, 0.0], [0.0, 0.0], [11.0, 22.0]]));
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct Embedding<T: Element = f64> {
    /// `[rows, width]`.
    pub weight: Param<T>,
    /// The row of the padding index: it receives no gradient.
    #[parameters(skip)]
    pub padding: Option<usize>,
}

impl<T: Element> Embedding<T> {
    /// A table of `rows` vectors of `width` elements.
    ///
    /// # Panics
    /// If there are too many parameters for the address space or for memory.
    #[track_caller]
    pub fn new(rows: usize, width: usize, rng: &mut (impl Rng + ?Sized)) -> Embedding<T> {
        check_size::<T>("embedding", [rows, width]);
        let normal = Normal { mean: 0.0, std: 1.0 };
        Embedding {
            weight: Param::new(normal.tensor([rows, width], Fans::new(rows, width), rng)),
            padding: None,
        }
    }

    /// Sets this row to 0 and excludes it from training.
    ///
    /// # Panics
    /// If there is no such row.
    #[track_caller]
    pub fn with_padding(mut self, row: usize) -> Embedding<T> {
        let shape = self.weight.value().shape().clone();
        if row >= shape[0] {
            Error::index(row, 0, &shape).named("embedding").panic();
        }
        self.weight.value_mut().as_mut_slice()[row * shape[1]..(row + 1) * shape[1]].fill(T::ZERO);
        Embedding { padding: Some(row), ..self }
    }

    /// Looks up the vectors of these indices.
    ///
    /// # Panics
    /// If an index is not a row of the table.
    #[track_caller]
    pub fn forward<'t>(&self, tape: &'t Tape<T>, indices: impl Into<Index>) -> Var<'t, T> {
        let indices = indices.into();
        let rows = ops::Embedding { indices: indices.as_slice().into(), shape: indices.shape().clone() };
        let y = tape.apply(rows, &[self.weight.on(tape)]);
        match self.padding {
            None => y,
            Some(padding) => {
                let is_padding =
                    indices.as_slice().iter().map(|&row| if row == padding { T::ONE } else { T::ZERO });
                let mask = Tensor::from(is_padding.collect::<Vec<_>>()).reshape(indices.shape().clone());
                Var::select(&mask.unsqueeze(-1), y.detach(), y)
            }
        }
    }
}
