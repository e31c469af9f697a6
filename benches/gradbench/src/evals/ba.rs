//! `ba`: bundle adjustment. The error of each observation of a point by a camera, and of its weight; the Jacobian is sparse: an
//! observation depends on its camera, its point and its weight.

use crate::input;
use crate::request::{Request, Tool};
use serde_json::{Value, json};
use tape::{Algebra, Elementwise, Program, Tape, Tensor, Var};

/// The numbers of a camera, of a point, and of what an observation depends on.
const CAMERA: usize = 11;
const POINT: usize = 3;
const INPUTS: usize = CAMERA + POINT + 1;

/// Observations that are recorded together: their values fit the cache.
const CHUNK: usize = 512;

/// The entries that are sent of each list: the first ones, and the last.
const SAMPLE: usize = 30;

fn dot<A: Algebra>(a: [A; 3], b: [A; 3]) -> A {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross<A: Algebra>(a: [A; 3], b: [A; 3]) -> [A; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// `x` rotated by the vector `r`: Rodrigues' formula, and its limit for `r = 0`.
fn rotated<A: Algebra>(r: [A; 3], x: [A; 3]) -> [A; 3] {
    let square = dot(r, r);
    let angle = square.sqrt();
    let (sin, cos) = (angle.sin(), angle.cos());
    let axis = r.map(|r| r / angle);
    let (turned, along) = (cross(axis, x), dot(axis, x) * (angle.lift(1.0) - cos));
    let limit = cross(r, x);
    std::array::from_fn(|i| {
        let general = x[i] * cos + turned[i] * sin + axis[i] * along;
        square.if_eq(square.lift(0.0), x[i] + limit[i], general)
    })
}

/// The reprojection error of a point in a camera: rotation, centre, focal length, principal point, distortion.
pub fn reprojection<A: Algebra>(camera: &[A], point: &[A], weight: A, feature: [A; 2]) -> [A; 2] {
    let vector = |x: &[A]| [x[0], x[1], x[2]];
    let (centre, point) = (vector(&camera[3..]), vector(point));
    let [x, y, z] = rotated(vector(camera), std::array::from_fn(|i| point[i] - centre[i]));
    let (x, y) = (x / z, y / z);
    let (focal, principal, k) = (camera[6], [camera[7], camera[8]], [camera[9], camera[10]]);
    let square = x * x + y * y;
    let distortion = square.lift(1.0) + k[0] * square + k[1] * square * square;
    let projected = [x, y].map(|p| p * distortion * focal);
    std::array::from_fn(|i| weight * (projected[i] + principal[i] - feature[i]))
}

/// The error of a weight.
pub fn weight_error<A: Algebra>(weight: A) -> A {
    weight.lift(1.0) - weight * weight
}

/// All cameras, points and observations: observation `i` is that of point `i mod m` by camera `i mod n`.
#[derive(Clone, Debug)]
pub struct Problem {
    cameras: Vec<[f64; CAMERA]>,
    points: Vec<[f64; POINT]>,
    weights: Vec<f64>,
    features: Vec<[f64; 2]>,
}

/// A matrix in compressed sparse rows.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseRows {
    /// Where each row begins, and the end of the last.
    pub starts: Vec<usize>,
    /// The column of each entry.
    pub columns: Vec<usize>,
    /// The entries.
    pub values: Vec<f64>,
}

impl Problem {
    /// The arguments of a request.
    ///
    /// # Errors
    /// If they are wrong.
    pub fn read(input: &Value) -> Result<Problem, String> {
        let (n, m) = (input::positive(input, "n")?, input::positive(input, "m")?);
        let p = input::positive(input, "p")?;
        Ok(Problem {
            cameras: vec![input::array(input, "cam")?; n],
            points: vec![input::array(input, "x")?; m],
            weights: vec![input::number(input, "w")?; p],
            features: vec![input::array(input, "feat")?; p],
        })
    }

    /// The numbers of observations.
    fn observations(&self) -> usize {
        self.weights.len()
    }

    fn camera(&self, i: usize) -> usize {
        i % self.cameras.len()
    }

    fn point(&self, i: usize) -> usize {
        i % self.points.len()
    }

    /// All errors: those of the observations, then those of the weights.
    pub fn primal(&self) -> (Vec<[f64; 2]>, Vec<f64>) {
        let error = |i: usize| {
            let (camera, point) = (&self.cameras[self.camera(i)], &self.points[self.point(i)]);
            reprojection(camera, point, self.weights[i], self.features[i])
        };
        let weight_errors = self.weights.iter().map(|&weight| weight_error(weight)).collect();
        ((0..self.observations()).map(error).collect(), weight_errors)
    }

    /// Input `k` of the observations from `first` on: of the camera, the point and the weight, then the feature.
    fn column(&self, k: usize, observations: std::ops::Range<usize>) -> Tensor {
        let input = |i: usize| match k {
            _ if k < CAMERA => self.cameras[self.camera(i)][k],
            _ if k < CAMERA + POINT => self.points[self.point(i)][k - CAMERA],
            _ if k < INPUTS => self.weights[i],
            _ => self.features[i][k - INPUTS],
        };
        Tensor::from(observations.map(input).collect::<Vec<f64>>())
    }

    /// The rows and columns of the entries, with the entries of the blocks.
    fn rows(&self, blocks: Vec<f64>, weights: &[f64]) -> SparseRows {
        let (n, m, p) = (self.cameras.len(), self.points.len(), self.observations());
        let entries = 2 * INPUTS * p;
        let starts = (0..2 * p).map(|row| row * INPUTS).chain((0..=p).map(|i| entries + i)).collect();
        let mut columns = Vec::with_capacity(entries + p);
        let first_weight = CAMERA * n + POINT * m;
        for i in 0..p {
            let (camera, point) = (CAMERA * self.camera(i), CAMERA * n + POINT * self.point(i));
            for _ in 0..2 {
                columns.extend(camera..camera + CAMERA);
                columns.extend(point..point + POINT);
                columns.push(first_weight + i);
            }
        }
        columns.extend(first_weight..first_weight + p);
        let mut values = blocks;
        values.extend_from_slice(weights);
        SparseRows { starts, columns, values }
    }

    /// The Jacobian, from recordings of some observations at a time: two sweeps give the rows of all of them.
    pub fn jacobian(&self) -> SparseRows {
        let p = self.observations();
        let mut blocks = Vec::with_capacity((2 * INPUTS + 1) * p);
        let mut weights = Vec::with_capacity(p);
        let mut tape = Tape::new();
        for first in (0..p).step_by(CHUNK) {
            let observations = first..p.min(first + CHUNK);
            let count = observations.len();
            let x: Vec<Var> = (0..INPUTS).map(|k| tape.var(self.column(k, observations.clone()))).collect();
            let feature = [0, 1].map(|k| tape.constant(self.column(INPUTS + k, observations.clone())));
            let weight = x[INPUTS - 1];
            let errors = reprojection(&x[..CAMERA], &x[CAMERA..], weight, feature);
            let rows = errors.map(|error| error.vjp(Tensor::ones([count])).wrt(x.clone()));
            let rows: Vec<Vec<f64>> = rows.iter().flatten().map(Tensor::to_vec).collect();
            for i in 0..count {
                blocks.extend(rows.iter().map(|entry| entry[i]));
            }
            let slope = weight_error(weight).vjp(Tensor::ones([count])).wrt(weight);
            weights.extend(slope.to_vec());
            tape.reset();
        }
        self.rows(blocks, &weights)
    }
}

impl Problem {
    /// The Jacobian, from recordings of the error of one observation, differentiated once and run for all of them.
    pub fn jacobian_in_lanes(&self) -> impl FnMut() -> SparseRows {
        let reprojection = Program::several(|p| {
            let (camera, point, weight) =
                (p.group("camera", CAMERA), p.group("point", POINT), p.input("weight"));
            reprojection(&camera, &point, weight, p.inputs(["u", "v"])).to_vec()
        });
        let errors = reprojection.wrt(&["camera", "point", "weight"]).jacobian();
        let weight_slope = Program::new(|p| weight_error(p.input("weight"))).gradient();
        move || {
            let p = self.observations();
            let rows = |k: usize, count: usize| {
                let columns: Vec<Tensor> = (k..k + count).map(|k| self.column(k, 0..p)).collect();
                Tensor::stack(&columns.iter().collect::<Vec<_>>(), 1)
            };
            let weight = self.column(INPUTS - 1, 0..p);
            let [u, v] = [0, 1].map(|k| self.column(INPUTS + k, 0..p));
            let blocks = errors.map_lanes(&[&rows(0, CAMERA), &rows(CAMERA, POINT), &weight, &u, &v]);
            self.rows(blocks.to_vec(), &weight_slope.map_lanes(&[&weight]).to_vec())
        }
    }
}

/// The entries that are sent of a list.
fn sample<T: Copy>(list: &[T]) -> Vec<T> {
    let last = list.len() - 1;
    list[..last.min(SAMPLE)].iter().chain([&list[last]]).copied().collect()
}

/// The functions `objective` and `jacobian`.
///
/// # Errors
/// If the input is wrong, or the function another one.
pub fn evaluate(request: &Request) -> Result<Value, String> {
    let problem = Problem::read(request.input)?;
    let p = problem.observations();
    match request.function {
        "objective" => {
            let (errors, weights) = request.measure(|| problem.primal());
            Ok(json!({
                "reproj_error": {"elements": errors[0], "repeated": p},
                "w_err": {"element": weights[0], "repeated": p},
            }))
        }
        "jacobian" => {
            let jacobian = match request.tool {
                Tool::Tape => request.measure(|| problem.jacobian()),
                Tool::Program => request.measure(problem.jacobian_in_lanes()),
            };
            Ok(json!({
                "rows": sample(&jacobian.starts),
                "cols": sample(&jacobian.columns),
                "vals": sample(&jacobian.values),
            }))
        }
        _ => Err(request.unknown("ba", &["objective", "jacobian"])),
    }
}
