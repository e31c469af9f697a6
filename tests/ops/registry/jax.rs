//! The names of operations in JAX.

/// Operations whose name in JAX does not follow from that in NumPy; an empty name if there is none.
const NAMES: [(&str, &str); 61] = [
    ("bessel_i", ""),
    ("celu", "jax.nn.celu"),
    ("elu", "jax.nn.elu"),
    ("gelu", "jax.nn.gelu(approximate=False)"),
    ("gelu_tanh", "jax.nn.gelu"),
    ("hard_sigmoid", "jax.nn.hard_sigmoid"),
    ("hard_swish", "jax.nn.hard_swish"),
    ("hard_tanh", "jax.nn.hard_tanh"),
    ("leaky_relu", "jax.nn.leaky_relu"),
    ("log_sigmoid", "jax.nn.log_sigmoid"),
    ("mish", "jax.nn.mish"),
    ("relu", "jax.nn.relu"),
    ("relu6", "jax.nn.relu6"),
    ("round", "jax.numpy.round (ties to even)"),
    ("rsqrt", "jax.lax.rsqrt"),
    ("selu", "jax.nn.selu"),
    ("sigmoid", "jax.nn.sigmoid"),
    ("silu", "jax.nn.silu"),
    ("softplus", "jax.nn.softplus"),
    ("softsign", "jax.nn.soft_sign"),
    ("concat", "jax.numpy.concatenate"),
    ("diag", "jax.numpy.diag, jax.numpy.diagonal"),
    ("at", "x[i, j]"),
    ("slice", "x[a:b:s]"),
    ("index_select", "jax.numpy.take"),
    ("index_put", "x.at[i].set, x.at[i].add"),
    ("index_put of positions", "x.at[i, j].set, x.at[i, j].add"),
    ("index_fill", "x.at[i].set"),
    ("scatter", "x.at[i].set"),
    ("scatter_add", "x.at[i].add"),
    ("scatter_reduce", "x.at[i].max, x.at[i].min, x.at[i].mul"),
    ("masked_select", "x[mask]"),
    ("embedding", "x[i]"),
    ("linear_scan", "jax.lax.associative_scan"),
    ("logcumsumexp", "jax.lax.cumlogsumexp"),
    ("cummax", "jax.lax.cummax"),
    ("cummin", "jax.lax.cummin"),
    ("topk", "jax.lax.top_k"),
    ("norm", "jax.numpy.linalg.norm"),
    ("standardize", "jax.nn.standardize"),
    ("softmax", "jax.nn.softmax"),
    ("log_softmax", "jax.nn.log_softmax"),
    ("glu", "jax.nn.glu"),
    ("triangular_solve", "jax.scipy.linalg.solve_triangular"),
    ("cholesky_solve", "jax.scipy.linalg.cho_solve"),
    ("rfft", "jax.numpy.fft.rfft, jax.numpy.fft.irfft"),
    ("factors of wide matrices", "jax.numpy.linalg.qr, jax.numpy.linalg.svd"),
    ("conv1d", "jax.lax.conv_general_dilated"),
    ("conv2d", "jax.lax.conv_general_dilated"),
    ("conv3d", "jax.lax.conv_general_dilated"),
    ("conv_transpose1d", "jax.lax.conv_transpose"),
    ("max_pool1d", "jax.lax.reduce_window"),
    ("max_pool2d", "jax.lax.reduce_window"),
    ("avg_pool1d", "jax.lax.reduce_window"),
    ("avg_pool2d", "jax.lax.reduce_window"),
    ("unfold", ""),
    ("unfold2d", "jax.lax.conv_general_dilated_patches"),
    ("interpolate", "jax.image.resize"),
    ("scaled_dot_product_attention", "jax.nn.dot_product_attention"),
    ("cdist", ""),
    ("map_lanes", "jax.vmap"),
];

/// The name of an operation in JAX, by its name here and in NumPy; empty if there is no function of its own for it.
pub(super) fn name(operation: &str, numpy: &str) -> String {
    if let Some((_, name)) = NAMES.iter().find(|(known, _)| *known == operation) {
        return name.to_string();
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    match numpy {
        "" => String::new(),
        // An expression is the same in both.
        expression if !expression.chars().all(is_name) => expression.to_string(),
        scipy if scipy.starts_with("scipy.") => format!("jax.{scipy}"),
        plain => format!("jax.numpy.{plain}"),
    }
}
