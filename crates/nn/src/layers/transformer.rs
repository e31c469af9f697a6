//! Transformer blocks.

use super::{Dropout, LayerNorm, MultiHeadAttention};
use crate::Linear;
use crate::Parameters;
use crate::functional::AttentionOptions;
use crate::module::{Context, Module};
use rand::Rng;
use std::panic::Location;
use tape::ops::Relu;
use tape::{Element, Var};

/// Self-attention, then a feed-forward network of two linear layers at each position, each with a
/// normalization and a residual connection. Vaswani and others, 2017; with the normalization first, Xiong and
/// others, 2020.
///
/// # Shapes
/// `x` `[batch, length, width]`; the result has its shape.
///
/// # Math
/// With `A(x)` the attention, `F(x) = linear2(activation(linear1(x)))`, and dropout `D` of both branches: `x = norm1(x + D A(x))`,
/// then `x = norm2(x + D F(x))`; with the normalization first, `x = x + D A(norm1(x))`, then `x = x + D F(norm2(x))`.
///
/// # Initial values
/// Those of its layers; the activation is [`Relu`], there is no dropout, the normalization is last, every
/// position attends to all.
///
/// ```
/// use nn::{Context, Gelu, Module, TransformerBlock};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::{Tape, Tensor};
/// let mut rng = StdRng::seed_from_u64(0);
/// let block = TransformerBlock::new(4, 2, 8, &mut rng).activation(Gelu).norm_first().causal();
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from_fn([1, 3, 4], |i| (i[1] + i[2]) as f64 * 0.1));
/// let y = block.forward(x, &mut Context::eval());
/// assert_eq!(y.shape(), x.shape());
/// let slope = y.slice(1, ..1).sum().backward().wrt(x);
/// assert_eq!(slope.slice(1, 1..), Tensor::zeros([1, 2, 4]));
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct TransformerBlock<T: Element = f64> {
    /// The attention between positions.
    pub self_attn: MultiHeadAttention<T>,
    /// From `width` to `hidden` units.
    pub linear1: Linear<T>,
    /// From `hidden` to `width` units.
    pub linear2: Linear<T>,
    /// The normalization of the attention.
    pub norm1: LayerNorm<T>,
    /// The normalization of the network.
    pub norm2: LayerNorm<T>,
    /// The activation between the linear layers.
    pub activation: Box<dyn Module<T>>,
    /// The dropout of the hidden units and of both branches.
    pub dropout: Dropout,
    /// Whether the normalizations are before attention and network instead of after them.
    #[parameters(skip)]
    pub norm_first: bool,
    /// Whether later positions are masked.
    #[parameters(skip)]
    pub causal: bool,
}

impl<T: Element> TransformerBlock<T> {
    /// A block for vectors of `width` elements.
    ///
    /// # Panics
    /// If the heads do not divide the width, or it is 0.
    #[track_caller]
    pub fn new(
        width: usize,
        heads: usize,
        hidden: usize,
        rng: &mut (impl Rng + ?Sized),
    ) -> TransformerBlock<T> {
        TransformerBlock {
            self_attn: MultiHeadAttention::new(width, heads, rng),
            linear1: Linear::new(width, hidden, rng),
            linear2: Linear::new(hidden, width, rng),
            norm1: LayerNorm::new([width]),
            norm2: LayerNorm::new([width]),
            activation: Box::new(Relu),
            dropout: Dropout::new(0.0),
            norm_first: false,
            causal: false,
        }
    }

    /// Sets the activation.
    pub fn activation(self, activation: impl Module<T> + 'static) -> TransformerBlock<T> {
        TransformerBlock { activation: Box::new(activation), ..self }
    }

    /// Sets the dropout in training: of the attention weights, the hidden units, and both branches.
    ///
    /// # Panics
    /// If `p` is not in `[0, 1]`.
    #[track_caller]
    pub fn dropout(self, p: f64) -> TransformerBlock<T> {
        let self_attn = self.self_attn.with_dropout(p);
        TransformerBlock { self_attn, dropout: Dropout::new(p), ..self }
    }

    /// Moves the normalizations before attention and network.
    pub fn norm_first(self) -> TransformerBlock<T> {
        TransformerBlock { norm_first: true, ..self }
    }

    /// Masks later positions.
    pub fn causal(self) -> TransformerBlock<T> {
        TransformerBlock { causal: true, ..self }
    }

    /// The output with these attention options, which replace the block's own
    /// [`causal`](TransformerBlock::causal).
    ///
    /// ```
    /// use nn::{Context, TransformerBlock, padding_mask};
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use nn::functional::AttentionOptions;
    /// use tape::{Tape, Tensor};
    /// let block = TransformerBlock::new(4, 2, 8, &mut StdRng::seed_from_u64(0));
    /// let attention = AttentionOptions { mask: Some(padding_mask(&[2], 3)), ..AttentionOptions::default() };
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from_fn([1, 3, 4], |i| (i[1] + i[2]) as f64 * 0.1));
    /// let y = block.forward_with(x, &attention, &mut Context::eval());
    /// let slope = y.slice(1, ..2).sum().backward().wrt(x);
    /// assert_eq!(slope.slice(1, 2..), Tensor::zeros([1, 1, 4]));
    /// ```
    #[track_caller]
    pub fn forward_with<'t>(
        &self,
        x: Var<'t, T>,
        attention: &AttentionOptions<T>,
        cx: &mut Context<T>,
    ) -> Var<'t, T> {
        x.tape().at_location(Location::caller(), || {
            let x = self.around(x, &self.norm1, cx, |x, cx| self.self_attn.forward(x, x, x, attention, cx).0);
            self.around(x, &self.norm2, cx, |x, cx| self.network(x, cx))
        })
    }

    /// `norm(x + D f(x))`, or `x + D f(norm(x))`.
    fn around<'t>(
        &self,
        x: Var<'t, T>,
        norm: &LayerNorm<T>,
        cx: &mut Context<T>,
        f: impl FnOnce(Var<'t, T>, &mut Context<T>) -> Var<'t, T>,
    ) -> Var<'t, T> {
        let input = if self.norm_first { norm.forward(x, cx) } else { x };
        let added = f(input, cx);
        let y = x + self.dropout.forward(added, cx);
        if self.norm_first { y } else { norm.forward(y, cx) }
    }

    /// The feed-forward network, position by position.
    fn network<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        let hidden = self.linear1.forward(x, cx);
        let hidden = self.activation.forward(hidden, cx);
        let hidden = self.dropout.forward(hidden, cx);
        self.linear2.forward(hidden, cx)
    }
}

impl<T: Element> Module<T> for TransformerBlock<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        if !cx.accepts(Some(&self.self_attn.in_proj_weight), self.self_attn.check(&x.shape())) {
            return x;
        }
        self.forward_with(x, &AttentionOptions { causal: self.causal, ..AttentionOptions::default() }, cx)
    }
}
