//! Functions of neural networks that are compositions of operations: generic over [`Array`], so they compute
//! on tensors and record on handles, and are differentiable to every order like their parts.
//!
//! An optional operand is an `Option`.
//!
//! ```
//! use nn::functional;
//! use tape::Tape;
//! let tape = Tape::new();
//! let x = tape.var([[1.0, 2.0, 6.0], [4.0, 4.0, 4.0]]);
//! let y = functional::layer_norm(&x, -1, None, None, 1e-5);
//! assert_eq!(y.value().slice(0, 1..).to_vec(), [0.0, 0.0, 0.0]);
//! ```

mod attention;
mod conv;
mod conv3d;
mod dropout;
mod interpolate;
mod loss;
mod norm;
mod pixels;
mod pool;

pub use attention::{
    AttentionOptions, attention_weights, attention_weights_with_bias, scaled_dot_product_attention,
    scaled_dot_product_attention_with_bias, weighted_values,
};
pub use conv::{Conv1dOptions, ConvTranspose1dOptions, conv_transpose1d, conv_transpose2d, conv1d, conv2d};
pub use conv3d::{Conv3dOptions, conv3d};
pub use dropout::dropout;
pub use interpolate::{Interpolation, Resize, interpolate};
pub use loss::{CrossEntropyOptions, Reduction, bce_with_logits, cross_entropy, soft_cross_entropy};
pub(crate) use loss::{class_axis, no_class};
pub use norm::{batch_norm, group_norm, instance_norm, layer_norm, rms_norm};
pub(crate) use pixels::{check_shuffle, check_unshuffle};
pub use pixels::{pixel_shuffle, pixel_unshuffle};
pub(crate) use pool::check_adaptive;
pub use pool::{
    Pool1dOptions, adaptive_avg_pool1d, adaptive_max_pool1d, adaptive_max_pool2d, avg_pool1d, max_pool1d,
};

use std::iter::repeat_n;
use tape::{Array, Element, Shape, TensorOps};

/// Reshapes a vector with one element per channel (axis 1 of `x`) to broadcast with `x`.
///
/// # Shapes
/// `channels` `[channels]`, `x` `[batch, channels, ..]`; the result is `[channels, 1, ..]`, of one axis less than `x`.
///
/// # Examples
/// ```
/// use nn::functional;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.constant(Tensor::ones([4, 2, 3]));
/// let scale = tape.var([2.0, 5.0]);
/// let y = x * functional::per_channel(&scale, &x);
/// assert_eq!(y.value().slice(0, ..1).to_vec(), [2.0, 2.0, 2.0, 5.0, 5.0, 5.0]);
/// assert_eq!(y.sum().backward().wrt(scale).to_vec(), [12.0, 12.0]);
/// ```
#[track_caller]
pub fn per_channel<T: Element, A: Array<T>>(channels: &A, x: &A) -> A {
    let behind = x.shape().rank().saturating_sub(2);
    let shape: Shape = [channels.shape().size()].into_iter().chain(repeat_n(1, behind)).collect();
    channels.reshape(shape)
}

/// `y · w + b`, where `w` and `b` are optional.
#[track_caller]
fn affine<T: Element, A: Array<T>>(y: A, w: Option<A>, b: Option<A>) -> A {
    let scaled = match w {
        Some(w) => y * w,
        None => y,
    };
    match b {
        Some(b) => scaled + b,
        None => scaled,
    }
}
