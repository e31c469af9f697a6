//! Attention.

use tape::ops::{MaskedMatMul, Select, Zeros};
use tape::{Array, Element, Tensor, TensorOps};

/// The options of [`scaled_dot_product_attention`].
#[derive(Clone, Debug)]
pub struct AttentionOptions<T: Element = f64> {
    /// Marks the keys that a query attends to, where it is not 0. Broadcasts with the scores.
    pub mask: Option<Tensor<T>>,
    /// A constant added to the scores, with which it broadcasts. Where it is -∞, the query does not attend to the
    /// key. For a bias that is learned there is [`scaled_dot_product_attention_with_bias`].
    pub bias: Option<Tensor<T>>,
    /// Whether query `i` attends to the keys up to `i` only.
    pub causal: bool,
    /// The scale of the scores; `1 / √width` if `None`.
    pub scale: Option<f64>,
}

impl<T: Element> Default for AttentionOptions<T> {
    fn default() -> AttentionOptions<T> {
        AttentionOptions { mask: None, bias: None, causal: false, scale: None }
    }
}

/// `softmax(q kᵀ · scale + bias) v`, where masked keys have weight 0.
///
/// Masked keys and values have no influence: even if infinite or NaN, as in the padding of a batch, they
/// change neither the result nor any gradient through it.
///
/// # Shapes
/// `q` `[.., queries, width]`, `k` `[.., keys, width]`, `v` `[.., keys, out]`; the result is `[.., queries, out]`.
///
/// # Domain
/// A query whose keys are all masked gets a row of zeros, and contributes no gradient.
///
/// # Examples
/// ```
/// use nn::functional::{AttentionOptions, scaled_dot_product_attention};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let q = tape.var([[1.0], [1.0]]);
/// let k = tape.var([[3.0], [3.0]]);
/// let v = tape.var([[2.0], [4.0]]);
/// let y = scaled_dot_product_attention(&q, &k, &v, &AttentionOptions { causal: true, ..AttentionOptions::default() });
/// assert_eq!(y.value(), Tensor::from([[2.0], [3.0]]));
/// let grads = y.vjp([[1.0], [10.0]]);
/// assert_eq!(grads.wrt(v), Tensor::from([[6.0], [5.0]]));
/// assert_eq!(grads.wrt(k), Tensor::from([[-5.0], [5.0]]));
/// ```
#[track_caller]
pub fn scaled_dot_product_attention<T: Element, A: Array<T>>(
    q: &A,
    k: &A,
    v: &A,
    attention: &AttentionOptions<T>,
) -> A {
    weighted_values(&attention_weights(q, k, attention), v)
}

/// [`scaled_dot_product_attention`] with a bias that is an operand, and so differentiated: a learned bias of positions or
/// distances. It adds to that of the options, if there is one.
///
/// # Shapes
/// As [`scaled_dot_product_attention`]; `bias` broadcasts with the scores `[.., queries, keys]`.
///
/// # Math
/// The derivative for the bias is that for the scores, `s (ȳ - Σ s ȳ)` with the weights `s` and their cotangent `ȳ`, summed over
/// the axes along which it broadcasts.
///
/// # Domain
/// Where the bias is -∞, the query does not attend to the key, and the derivative is 0.
///
/// # Examples
/// ```
/// use nn::functional::{AttentionOptions, scaled_dot_product_attention_with_bias};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let q = tape.var([[1.0], [1.0]]);
/// let (k, v) = (tape.var([[3.0], [3.0]]), tape.var([[2.0], [4.0]]));
/// let bias = tape.var([[0.0, f64::NEG_INFINITY], [0.0, 0.0]]);
/// let y = scaled_dot_product_attention_with_bias(&q, &k, &v, &bias, &AttentionOptions::default());
/// assert_eq!(y.value(), Tensor::from([[2.0], [3.0]]));
/// assert_eq!(y.sum().backward().wrt(bias), Tensor::from([[0.0, 0.0], [-0.5, 0.5]]));
/// ```
#[track_caller]
pub fn scaled_dot_product_attention_with_bias<T: Element, A: Array<T>>(
    q: &A,
    k: &A,
    v: &A,
    bias: &A,
    attention: &AttentionOptions<T>,
) -> A {
    weighted_values(&attention_weights_with_bias(q, k, bias, attention), v)
}

/// `weights · v`, where a value of weight 0 contributes nothing, even if infinite or NaN.
///
/// # Shapes
/// `weights` `[.., queries, keys]`, `v` `[.., keys, out]`; the result is `[.., queries, out]`.
///
/// # Math
/// The matrix product and its gradients, where products with an exactly zero weight or cotangent are 0.
///
/// # Examples
/// ```
/// use nn::functional::weighted_values;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let weights = tape.var([[1.0, 0.0], [0.5, 0.5]]);
/// let v = tape.var([[2.0], [f64::INFINITY]]);
/// let y = weighted_values(&weights, &v);
/// assert_eq!(y.value(), Tensor::from([[2.0], [f64::INFINITY]]));
/// assert_eq!(y.vjp([[1.0], [0.0]]).wrt(v), Tensor::from([[1.0], [0.0]]));
/// ```
#[track_caller]
pub fn weighted_values<T: Element, A: Array<T>>(weights: &A, v: &A) -> A {
    A::apply(MaskedMatMul { zeros: Zeros::Left }, &[weights, v])
}

/// The attention weights `softmax(q kᵀ · scale + bias)` of [`scaled_dot_product_attention`].
///
/// # Shapes
/// `q` `[.., queries, width]`, `k` `[.., keys, width]`; the result is `[.., queries, keys]`.
///
/// # Domain
/// Rows sum to 1; the row of a query whose keys are all masked is 0, and contributes no gradient.
///
/// # Examples
/// ```
/// use nn::functional::{AttentionOptions, attention_weights};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let (q, k) = (tape.var([[1.0], [1.0]]), tape.var([[3.0], [3.0]]));
/// let y = attention_weights(&q, &k, &AttentionOptions { causal: true, ..AttentionOptions::default() });
/// assert_eq!(y.value(), Tensor::from([[1.0, 0.0], [0.5, 0.5]]));
/// assert_eq!(y.vjp([[1.0, 0.0], [1.0, 0.0]]).wrt(k), Tensor::from([[0.25], [-0.25]]));
/// ```
#[track_caller]
pub fn attention_weights<T: Element, A: Array<T>>(q: &A, k: &A, attention: &AttentionOptions<T>) -> A {
    weights(q, k, None, attention)
}

/// The attention weights of [`scaled_dot_product_attention_with_bias`].
///
/// # Shapes
/// As [`attention_weights`]; `bias` broadcasts with the scores `[.., queries, keys]`.
///
/// # Examples
/// ```
/// use nn::functional::{AttentionOptions, attention_weights_with_bias};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let (q, k) = (tape.var([[1.0], [1.0]]), tape.var([[3.0], [3.0]]));
/// let bias = tape.var([0.0, 3f64.ln()]); // the same for both queries
/// let y = attention_weights_with_bias(&q, &k, &bias, &AttentionOptions::default());
/// assert!(y.value().allclose(&Tensor::from([[0.25, 0.75], [0.25, 0.75]])));
/// let slope = y.vjp([[1.0, 0.0], [1.0, 0.0]]).wrt(bias);
/// assert!(slope.allclose(&Tensor::from([0.375, -0.375])));
/// ```
#[track_caller]
pub fn attention_weights_with_bias<T: Element, A: Array<T>>(
    q: &A,
    k: &A,
    bias: &A,
    attention: &AttentionOptions<T>,
) -> A {
    weights(q, k, Some(bias), attention)
}

/// The attention weights, with an operand as a bias or without.
#[track_caller]
fn weights<T: Element, A: Array<T>>(q: &A, k: &A, bias: Option<&A>, attention: &AttentionOptions<T>) -> A {
    let width = q.shape().last().copied().unwrap_or(1);
    let scale = attention.scale.unwrap_or(1.0 / (width as f64).sqrt());
    let product = MaskedMatMul { zeros: Zeros::Cotangents };
    let mut scores = A::apply(product, &[&(q.clone() * q.lift(scale)), &k.transpose()]);
    let unseen = scores.lift(f64::NEG_INFINITY);
    if let Some(bias) = bias {
        // By selection: the score may be infinite too.
        scores = bias.clone().if_eq(unseen.clone(), unseen.clone(), scores + bias.clone());
    }
    if let Some(bias) = &attention.bias {
        scores = scores.clone() + scores.constant(bias.clone());
        let mask = bias.map_elements(|bias| if bias == T::NEG_INFINITY { T::ZERO } else { T::ONE });
        if mask.min() == T::ZERO {
            scores = A::apply(Select { mask }, &[&scores, &unseen]);
        }
    }
    if let Some(mask) = &attention.mask {
        scores = A::apply(Select { mask: mask.clone() }, &[&scores, &unseen]);
    }
    if attention.causal {
        let shape = scores.shape();
        let (queries, keys) = (shape[shape.rank() - 2], shape[shape.rank() - 1]);
        let mask = Tensor::from_fn([queries, keys], |i| if i[1] <= i[0] { T::ONE } else { T::ZERO });
        scores = A::apply(Select { mask }, &[&scores, &unseen]);
    }
    scores.softmax(-1)
}
