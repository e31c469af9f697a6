//! `kmeans`: the step of Newton's method for `f(C) = Σᵢ minⱼ |C_j - P_i|²`, the elementwise quotient of the gradient and the
//! diagonal of the Hessian.

use crate::evals::rows;
use crate::input;
use crate::request::Request;
use serde_json::Value;
use tape::{Algebra, Array, Axes, Elementwise, Tape, Tensor, TensorOps};

/// The points, and the centroids.
#[derive(Clone, Debug)]
pub struct Problem {
    /// `[n, d]`
    points: Tensor,
    /// `[k, d]`
    pub centroids: Tensor,
}

/// `|a - b|²`
fn squared_distance<A: Algebra>(a: &[A], b: &[A]) -> A {
    let terms = a.iter().zip(b).map(|(&a, &b)| (a - b).square());
    terms.reduce(|sum, term| sum + term).unwrap_or(a[0])
}

impl Problem {
    /// The arguments of a request.
    ///
    /// # Errors
    /// If they are wrong.
    pub fn read(input: &Value) -> Result<Problem, String> {
        let (points, [n, d]) = input::matrix(input, "points", None, None)?;
        if n == 0 || d == 0 {
            return Err(format!("`points`: expected numbers, found {n} lists of {d}"));
        }
        let (centroids, [k, _]) = input::matrix(input, "centroids", None, Some(d))?;
        if k == 0 {
            return Err("`centroids`: expected at least one list, found none".to_string());
        }
        let tensor = |x, n| Tensor::from_vec([n, d], x).map_err(|error| error.to_string());
        Ok(Problem { points: tensor(points, n)?, centroids: tensor(centroids, k)? })
    }

    /// For each point the centroid that is nearest, of equals the first, and its squared distance.
    fn nearest(&self) -> impl Iterator<Item = (usize, f64)> {
        let d = self.points.shape()[1];
        let [points, centroids] = [&self.points, &self.centroids].map(|x| x.as_slice().unwrap_or_default());
        points.chunks_exact(d).map(move |point| {
            let distances = centroids.chunks_exact(d).map(|centroid| squared_distance(centroid, point));
            let first = (0, f64::INFINITY);
            distances.enumerate().fold(first, |least, next| if next.1 < least.1 { next } else { least })
        })
    }

    /// The sum of the squared distances of the points to their nearest centroids.
    pub fn primal(&self) -> f64 {
        self.nearest().map(|(_, distance)| distance).sum()
    }

    /// The same, where the nearest centroids are known.
    pub fn cost<A: Array<f64>>(&self, centroids: &A, nearest: &[usize]) -> A {
        let points = centroids.constant(self.points.clone());
        (centroids.index_select(0, nearest) - points).square().sum_axes(Axes::all(), false)
    }

    /// The centroids nearest to the points.
    pub fn assignment(&self) -> Vec<usize> {
        self.nearest().map(|(centroid, _)| centroid).collect()
    }

    /// The gradient over the diagonal of the Hessian. Which centroid is nearest is decided by values and has no derivative.
    pub fn direction(&self, tape: &mut Tape) -> Tensor {
        let nearest = self.assignment();
        tape.reset();
        let centroids = tape.var(self.centroids.clone());
        let slope = self.cost(&centroids, &nearest).item().grad(centroids);
        // A centroid moves its own slope alone: the Hessian is diagonal, and its product with ones is the diagonal.
        slope.value() / slope.jvp(centroids, self.centroids.ones_like())
    }
}

/// The functions `cost` and `dir`.
///
/// # Errors
/// If the input is wrong, or the function another one.
pub fn evaluate(request: &Request) -> Result<Value, String> {
    let problem = Problem::read(request.input)?;
    match request.function {
        "cost" => Ok(request.measure(|| problem.primal()).into()),
        "dir" => {
            let mut tape = Tape::new();
            let direction = request.measure(|| problem.direction(&mut tape));
            Ok(rows(&direction.to_vec(), direction.shape()[1]))
        }
        _ => Err(request.unknown("kmeans", &["cost", "dir"])),
    }
}
