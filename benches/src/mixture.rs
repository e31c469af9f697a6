//! The mixture of Gaussians of [`Gmm`] written with operations on whole tensors.

use crate::scalar::{Gmm, Problem};
use tape::ops::Square;
use tape::{Axes, Scalar, Tape, Tensor, Var};

/// [`Gmm`] on tensors: all points and all components at once.
#[derive(Clone, Debug)]
pub struct TensorGmm {
    /// `[n, d]`.
    points: Tensor,
    /// Maps the elements below the diagonal into a matrix: `[d (d - 1) / 2, d · d]`, one 1 in each row.
    below: Tensor,
    /// `[d, d]`.
    identity: Tensor,
    /// Weights, means, logarithms of the diagonals, elements below them: `[k]`, `[k, d]`, `[k, d]`, `[k,
    /// ..]`.
    parameters: [Tensor; 4],
}

/// The four parameters on a tape, and the value.
pub type Mixture<'t> = ([Var<'t>; 4], Scalar<'t>);

impl TensorGmm {
    /// The same points at the same parameters.
    pub fn new(gmm: &Gmm) -> TensorGmm {
        let (d, k, points) = gmm.mixture();
        let row = |i: usize| i * (i.max(1) - 1) / 2;
        let below = Tensor::from_fn([d * (d - 1) / 2, d, d], |at| {
            let [number, i, j] = [at[0], at[1], at[2]];
            if j < i && number == row(i) + j { 1.0 } else { 0.0 }
        });
        let x = gmm.inputs();
        let (alpha, rest) = x.split_at(k);
        let (mu, rest) = rest.split_at(k * d);
        let (q, l) = rest.split_at(k * d);
        TensorGmm {
            points: Tensor::from_fn([points.len(), d], |at| points[at[0]][at[1]]),
            below: below.reshape([d * (d - 1) / 2, d * d]),
            identity: Tensor::from_fn([d, d], |at| if at[0] == at[1] { 1.0 } else { 0.0 }),
            parameters: [
                Tensor::from(alpha),
                Tensor::from(mu).reshape([k, d]),
                Tensor::from(q).reshape([k, d]),
                Tensor::from(l).reshape([k, d * (d - 1) / 2]),
            ],
        }
    }

    /// Records the function.
    pub fn record<'t>(&self, tape: &'t Tape) -> Mixture<'t> {
        let parameters = self.parameters.each_ref().map(|x| tape.var(x.clone()));
        let [alpha, mu, q, l] = parameters;
        let (n, [k, d]) = (self.points.shape()[0], [mu.shape()[0], mu.shape()[1]]);
        let scale = q.exp();
        // Lower triangular matrices [k, d, d], with the exponentials on the diagonal.
        let factor = l.matmul(tape.constant(self.below.clone())).reshape([k, d, d])
            + scale.reshape([k, d, 1]) * &self.identity;
        // Q (x - mu) for every point and component, [n, k, d]: one affine map of the points.
        let centre = factor.matmul(mu.reshape([k, d, 1])).reshape([k * d]);
        let residual = tape.constant(self.points.clone()).linear(factor.reshape([k * d, d]), -centre);
        let square = residual.reshape([n, k, d]).sum_map(Square, -1, false);
        let offset = alpha + q.sum_axes(1, false);
        let terms = (offset - square * 0.5).logsumexp_axes(-1, false);
        let prior = (scale.sum_map(Square, Axes::all(), false).item()
            + l.sum_map(Square, Axes::all(), false).item())
            * 0.5;
        (parameters, terms.sum() - alpha.logsumexp() * n as f64 + prior)
    }

    /// The parameters' gradients in the order of [`Gmm`]'s inputs.
    pub fn gradient(&self) -> Vec<f64> {
        let tape = Tape::new();
        let (parameters, value) = self.record(&tape);
        let grads = value.backward();
        parameters.iter().flat_map(|&x| grads.wrt(x).to_vec()).collect()
    }
}
