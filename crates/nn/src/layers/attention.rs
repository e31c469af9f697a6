//! Multi-head attention.

use super::Dropout;
use crate::Parameters;
use crate::functional::{self, AttentionOptions};
use crate::init::{Fans, Init, XavierUniform, check_size};
use crate::linear::{Linear, affine};
use crate::module::{Context, Module};
use crate::param::{Param, recorded};
use crate::setting::{self, expect};
use rand::Rng;
use std::panic::Location;
use tape::{Element, Error, Shape, Tensor, Var};

/// Multi-head attention: attention in `heads` subspaces in parallel. Vaswani and others, 2017.
///
/// # Shapes
/// Queries `[batch, queries, width]`, keys and values `[batch, keys, width]`; `in_proj_weight` `[3 width, width]`,
/// the stacked blocks of queries, keys and values, `in_proj_bias` `[3 width]`. The output is `[batch, queries, width]`,
/// the weights are `[batch, heads, queries, keys]`.
///
/// # Math
/// With `Q = q W_qᵀ + b_q`, `K` and `V` likewise, each split into `heads` blocks of `width / heads` columns:
/// `softmax(Q Kᵀ √(heads / width)) V` of every block, concatenated, then the linear layer `out_proj`.
///
/// # Masks
/// [`AttentionOptions`] selects the keys that a query attends to: its `mask` broadcasts with the weights and
/// is not 0 for keys to attend to, so a `[queries, keys]` mask serves all heads of all samples, and
/// [`padding_mask`] masks the ends of short samples; the product of two masks combines them. `causal` masks
/// later positions. A query whose keys are all masked has weights 0. (PyTorch's layer marks the *masked* keys
/// with true.)
///
/// # Initial values
/// `in_proj_weight` from [`XavierUniform`] for its shape, U(±√(6 / (4 width))), `out_proj.weight` from U(±1/√width),
/// biases 0; no dropout.
///
/// ```
/// use nn::functional::AttentionOptions;
/// use nn::{Context, MultiHeadAttention};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::{Tape, Tensor};
/// let layer = MultiHeadAttention::new(4, 2, &mut StdRng::seed_from_u64(0));
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from_fn([1, 3, 4], |i| (i[1] * 4 + i[2]) as f64 * 0.1));
/// let causal = AttentionOptions { causal: true, ..AttentionOptions::default() };
/// let (y, weights) = layer.forward(x, x, x, &causal, &mut Context::eval());
/// assert_eq!(y.shape(), [1, 3, 4]);
/// assert_eq!(weights.slice(2, ..1).value().to_vec(), [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
/// // The first query's output does not depend on later positions.
/// let grads = y.slice(1, ..1).sum().backward();
/// assert_eq!(grads.wrt(x).slice(1, 1..), Tensor::zeros([1, 2, 4]));
/// assert_eq!(grads.of(&layer.out_proj.bias.unwrap()).to_vec(), [1.0; 4]);
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct MultiHeadAttention<T: Element = f64> {
    /// `[3 width, width]`: queries, keys, values.
    pub in_proj_weight: Param<T>,
    /// `[3 width]`.
    pub in_proj_bias: Option<Param<T>>,
    /// The projection from the heads to the output.
    pub out_proj: Linear<T>,
    /// The dropout of the weights.
    pub dropout: Dropout,
    /// The number of heads; it divides the width.
    #[parameters(skip)]
    pub heads: usize,
}

impl<T: Element> MultiHeadAttention<T> {
    /// A layer for vectors of `width` elements.
    ///
    /// # Panics
    /// If the heads do not divide the width, or it is 0.
    #[track_caller]
    pub fn new(width: usize, heads: usize, rng: &mut (impl Rng + ?Sized)) -> MultiHeadAttention<T> {
        expect(setting::counts("attention", "width", &[width]));
        expect(check_heads(heads, width));
        let Some(rows) = width.checked_mul(3) else {
            let reason = format!("expected a width of at most {}, found {width}", usize::MAX / 3);
            Error::Invalid { op: "attention", reason }.panic()
        };
        check_size::<T>("attention", [rows, width]);
        let in_proj_weight = Param::new(XavierUniform.tensor([rows, width], Fans::new(width, rows), rng));
        let in_proj_bias = Some(Param::new(Tensor::zeros([rows])));
        let mut out_proj = Linear::new(width, width, rng);
        out_proj.bias = Some(Param::new(Tensor::zeros([width])));
        MultiHeadAttention { in_proj_weight, in_proj_bias, out_proj, dropout: Dropout::new(0.0), heads }
    }

    /// The layer without biases.
    pub fn without_bias(self) -> MultiHeadAttention<T> {
        MultiHeadAttention { in_proj_bias: None, out_proj: self.out_proj.without_bias(), ..self }
    }

    /// The layer with dropout of the weights in training.
    ///
    /// # Panics
    /// If `p` is not in `[0, 1]`.
    #[track_caller]
    pub fn with_dropout(self, p: f64) -> MultiHeadAttention<T> {
        MultiHeadAttention { dropout: Dropout::new(p), ..self }
    }

    /// The outputs of the queries, and the attention weights.
    ///
    /// # Panics
    /// If the shapes are incompatible.
    #[track_caller]
    pub fn forward<'t>(
        &self,
        query: Var<'t, T>,
        key: Var<'t, T>,
        value: Var<'t, T>,
        attention: &AttentionOptions<T>,
        cx: &mut Context<T>,
    ) -> (Var<'t, T>, Var<'t, T>) {
        self.attend([query, key, value], None, attention, cx)
    }

    /// [`forward`](MultiHeadAttention::forward) with a bias that is differentiated, for example of the distances between
    /// positions: it is added to the scores `[batch, heads, queries, keys]`, with which it broadcasts.
    ///
    /// ```
    /// use nn::functional::AttentionOptions;
    /// use nn::{Context, MultiHeadAttention, Param};
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::{Tape, Tensor};
    /// let rng = &mut StdRng::seed_from_u64(0);
    /// let (layer, bias): (MultiHeadAttention, _) = (MultiHeadAttention::new(4, 2, rng), Param::new(Tensor::zeros([2, 3, 3])));
    /// let (tape, options, cx) = (Tape::new(), AttentionOptions::default(), &mut Context::eval());
    /// let x = tape.constant(Tensor::from_fn([1, 3, 4], |i| (i[1] * 4 + i[2]) as f64 / 12.0));
    /// let (y, _) = layer.forward_with_bias(x, x, x, bias.on(&tape), &options, cx);
    /// assert_eq!(y.value(), layer.forward(x, x, x, &options, cx).0.value());
    /// let slope = y.sum().backward().of(&bias);
    /// assert!(slope.sum_axes(-1, false).abs().max() < 1e-15 && slope.abs().max() > 1e-4);
    /// ```
    ///
    /// # Panics
    /// If the shapes are incompatible.
    #[track_caller]
    pub fn forward_with_bias<'t>(
        &self,
        query: Var<'t, T>,
        key: Var<'t, T>,
        value: Var<'t, T>,
        bias: Var<'t, T>,
        attention: &AttentionOptions<T>,
        cx: &mut Context<T>,
    ) -> (Var<'t, T>, Var<'t, T>) {
        self.attend([query, key, value], Some(bias), attention, cx)
    }

    /// The outputs of the queries, and the attention weights.
    #[track_caller]
    fn attend<'t>(
        &self,
        x: [Var<'t, T>; 3],
        bias: Option<Var<'t, T>>,
        attention: &AttentionOptions<T>,
        cx: &mut Context<T>,
    ) -> (Var<'t, T>, Var<'t, T>) {
        let [q, k, v] = self.project(x);
        let weights = match bias {
            Some(bias) => functional::attention_weights_with_bias(&q, &k, &bias, attention),
            None => functional::attention_weights(&q, &k, attention),
        };
        let [samples, heads, queries, _] = [0, 1, 2, 3].map(|axis| q.shape()[axis]);
        let expected = vec![samples, heads, queries, k.shape()[2]];
        if *weights.shape() != *expected {
            // The mask, or keys of another batch size, broadcast the weights.
            Error::Shape { op: "attention weights", expected, found: weights.shape().dims() }.panic()
        }
        let weights = self.dropout.forward(weights, cx);
        let found = functional::weighted_values(&weights, &v).permute([0, 2, 1, 3]).flatten(2..);
        (self.out_proj.forward(found, cx), weights)
    }

    /// Projects queries, keys and values by their blocks of the weights, each to `[batch, heads, length, width / heads]`.
    #[track_caller]
    fn project<'t>(&self, x: [Var<'t, T>; 3]) -> [Var<'t, T>; 3] {
        let tape = x[0].tape();
        // Before the closures, so that an error is reported at the line of the caller.
        for x in x {
            expect(self.check(&x.shape()));
        }
        let (weight, bias) = (self.in_proj_weight.on(tape), recorded(&self.in_proj_bias, tape));
        let width = weight.shape()[1] as isize;
        let projection = |i: isize| {
            let (x, rows) = (x[i as usize], i * width..(i + 1) * width);
            let shape = x.shape();
            let projected = affine(x, weight.slice(0, rows.clone()), bias.map(|b| b.slice(0, rows)));
            projected
                .reshape([shape[0], shape[1], self.heads, width as usize / self.heads])
                .permute([0, 2, 1, 3])
        };
        tape.at_location(Location::caller(), || [0, 1, 2].map(projection))
    }

    /// Refuses what is not a batch of sequences of the layer's width.
    pub(super) fn check(&self, x: &Shape) -> Result<(), Error> {
        let width = self.in_proj_weight.value().shape()[1];
        check_heads(self.heads, width)?;
        match x[..] {
            [_, _, found] if found == width => Ok(()),
            _ => {
                let reason = format!("expected [batch, length, {width}], found shape {x:?}");
                Err(Error::Invalid { op: "attention", reason })
            }
        }
    }
}

/// Refuses heads that do not divide the width.
fn check_heads(heads: usize, width: usize) -> Result<(), Error> {
    if heads == 0 || !width.is_multiple_of(heads) {
        let reason = format!("{heads} heads do not divide a width of {width}");
        return Err(Error::Invalid { op: "attention", reason });
    }
    Ok(())
}

/// The mask for samples of these lengths among `keys` positions: 1 for a key of the sample, 0 for padding.
///
/// # Shapes
/// The result is `[batch, 1, 1, keys]`, which broadcasts with the weights of [`MultiHeadAttention`].
///
/// # Panics
/// If a length is above `keys`.
///
/// ```
/// use nn::padding_mask;
/// use tape::Tensor;
/// let mask: Tensor = padding_mask(&[3, 1], 3);
/// assert_eq!(mask, Tensor::from([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]).reshape([2, 1, 1, 3]));
/// ```
#[track_caller]
pub fn padding_mask<T: Element>(lengths: &[usize], keys: usize) -> Tensor<T> {
    if let Some(length) = lengths.iter().find(|&&length| length > keys) {
        let reason = format!("expected lengths up to {keys}, found {length}");
        Error::Invalid { op: "padding_mask", reason }.panic()
    }
    check_size::<T>("padding_mask", [lengths.len(), 1, 1, keys]);
    Tensor::from_fn([lengths.len(), 1, 1, keys], |i| if i[3] < lengths[i[0]] { T::ONE } else { T::ZERO })
}
