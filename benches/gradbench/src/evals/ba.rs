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
    let inverse = angle.recip();
    let axis = r.map(|r| r * inverse);
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
    let inverse = z.recip();
    let (x, y) = (x * inverse, y * inverse);
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

/// An observation of a point by a camera.
#[derive(Clone, Copy, Debug)]
struct Observation {
    camera: usize,
    point: usize,
    weight: f64,
    feature: [f64; 2],
}

/// All cameras, points and observations.
#[derive(Clone, Debug)]
pub struct Problem {
    cameras: Vec<[f64; CAMERA]>,
    points: Vec<[f64; POINT]>,
    observations: Vec<Observation>,
}

/// A matrix in compressed sparse rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SparseRows {
    /// Where each row begins, and the end of the last.
    pub starts: Vec<u32>,
    /// The column of each entry.
    pub columns: Vec<u32>,
    /// The entries.
    pub values: Vec<f64>,
}

/// The recorded derivatives of the errors of one observation.
struct Lanes {
    reprojection: Program,
    weight: Program,
}

impl Problem {
    /// The arguments of a request: observation `i` is that of point `i mod m` by camera `i mod n`.
    ///
    /// # Errors
    /// If they are wrong.
    pub fn read(input: &Value) -> Result<Problem, String> {
        let (n, m) = (input::positive(input, "n")?, input::positive(input, "m")?);
        let p = input::positive(input, "p")?;
        let (weight, feature) = (input::number(input, "w")?, input::array(input, "feat")?);
        let observation = |i| Observation { camera: i % n, point: i % m, weight, feature };
        Ok(Problem {
            cameras: vec![input::array(input, "cam")?; n],
            points: vec![input::array(input, "x")?; m],
            observations: (0..p).map(observation).collect(),
        })
    }

    /// All errors: those of the observations, then those of the weights.
    pub fn primal(&self) -> (Vec<[f64; 2]>, Vec<f64>) {
        let error = |at: &Observation| {
            reprojection(&self.cameras[at.camera], &self.points[at.point], at.weight, at.feature)
        };
        let weight_errors = self.observations.iter().map(|at| weight_error(at.weight)).collect();
        (self.observations.iter().map(error).collect(), weight_errors)
    }

    /// The numbers that some observations depend on, and their features: a row for each number, a column for each observation.
    fn inputs(&self, observations: &[Observation]) -> Tensor {
        let mut rows = Tensor::zeros([INPUTS + 2, observations.len()]);
        for (k, row) in rows.as_mut_slice().chunks_exact_mut(observations.len()).enumerate() {
            let observed = row.iter_mut().zip(observations);
            if k < CAMERA {
                observed.for_each(|(to, at)| *to = self.cameras[at.camera][k]);
            } else if k < CAMERA + POINT {
                observed.for_each(|(to, at)| *to = self.points[at.point][k - CAMERA]);
            } else if k < INPUTS {
                observed.for_each(|(to, at)| *to = at.weight);
            } else {
                observed.for_each(|(to, at)| *to = at.feature[k - INPUTS]);
            }
        }
        rows
    }

    /// Writes the rows and columns of the entries, and zeros for these.
    fn layout(&self, rows: &mut SparseRows) {
        let p = self.observations.len();
        let entries = 2 * INPUTS * p;
        rows.starts.clear();
        rows.starts.extend((0..2 * p).map(|row| (row * INPUTS) as u32));
        rows.starts.extend((0..=p).map(|i| (entries + i) as u32));
        rows.columns.clear();
        let points = (CAMERA * self.cameras.len()) as u32;
        let weights = points + (POINT * self.points.len()) as u32;
        for (at, weight) in self.observations.iter().zip(weights..) {
            let (camera, point) = ((CAMERA * at.camera) as u32, points + (POINT * at.point) as u32);
            let block: [u32; INPUTS] = std::array::from_fn(|k| match k as u32 {
                k if k < CAMERA as u32 => camera + k,
                k if k < (CAMERA + POINT) as u32 => point + k - CAMERA as u32,
                _ => weight,
            });
            rows.columns.extend_from_slice(&block);
            rows.columns.extend_from_slice(&block);
        }
        rows.columns.extend(weights..weights + p as u32);
        rows.values.resize(entries + p, 0.0);
    }

    /// The Jacobian, from recordings of some observations at a time: two sweeps give the rows of all of them. The buffers of
    /// `rows` are used again.
    pub fn jacobian(&self, tape: &mut Tape, rows: &mut SparseRows) {
        self.layout(rows);
        let (blocks, weights) = rows.values.split_at_mut(2 * INPUTS * self.observations.len());
        let chunks = self.observations.chunks(CHUNK);
        for ((observations, blocks), weights) in
            chunks.zip(blocks.chunks_mut(2 * INPUTS * CHUNK)).zip(weights.chunks_mut(CHUNK))
        {
            tape.reset();
            let inputs = self.inputs(observations);
            let x: Vec<Var> = (0..INPUTS as isize).map(|k| tape.var(inputs.row(k))).collect();
            let feature = [0, 1].map(|k| tape.constant(inputs.row(INPUTS as isize + k)));
            let weight = x[INPUTS - 1];
            let ones = Tensor::ones([observations.len()]);
            let errors = reprojection(&x[..CAMERA], &x[CAMERA..], weight, feature);
            let slopes = errors.map(|error| error.vjp(ones.clone()).wrt(x.clone()));
            let slopes: Vec<Tensor> = slopes.iter().flatten().map(Tensor::contiguous).collect();
            let slopes: Vec<&[f64]> =
                slopes.iter().map(|slope| slope.as_slice().unwrap_or_default()).collect();
            for (i, block) in blocks.chunks_exact_mut(2 * INPUTS).enumerate() {
                block.iter_mut().zip(&slopes).for_each(|(entry, slope)| *entry = slope[i]);
            }
            let slopes = weight_error(weight).vjp(ones).wrt(weight);
            weights.iter_mut().zip(slopes.iter()).for_each(|(entry, &slope)| *entry = slope);
        }
    }

    /// The Jacobian, from recordings of the errors of one observation, differentiated once and run for all of them.
    pub fn jacobian_in_lanes(&self) -> impl FnMut(&mut SparseRows) {
        let reprojection = Program::several(|p| {
            let (x, feature) = (p.group("x", INPUTS), p.inputs(["u", "v"]));
            reprojection(&x[..CAMERA], &x[CAMERA..], x[INPUTS - 1], feature).to_vec()
        });
        let weight = Program::new(|p| weight_error(p.input("weight"))).gradient();
        let lanes = Lanes { reprojection: reprojection.wrt(&["x"]).jacobian(), weight };
        move |rows| {
            self.layout(rows);
            let (blocks, weights) = rows.values.split_at_mut(2 * INPUTS * self.observations.len());
            let chunks = self.observations.chunks(CHUNK);
            for ((observations, blocks), weights) in
                chunks.zip(blocks.chunks_mut(2 * INPUTS * CHUNK)).zip(weights.chunks_mut(CHUNK))
            {
                let inputs = self.inputs(observations);
                let x = inputs.slice(0, ..INPUTS).transpose();
                let [weight, u, v] = [1, 2, 3].map(|k| inputs.row((INPUTS + k) as isize - 2));
                let found = lanes.reprojection.map_lanes(&[&x, &u, &v]);
                blocks.copy_from_slice(found.as_slice().unwrap_or_default());
                let found = lanes.weight.map_lanes(&[&weight]);
                weights.iter_mut().zip(found.iter()).for_each(|(entry, &slope)| *entry = slope);
            }
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
    match request.function {
        "objective" => {
            let (errors, weights) = request.measure(|| problem.primal());
            let p = problem.observations.len();
            Ok(json!({
                "reproj_error": {"elements": errors[0], "repeated": p},
                "w_err": {"element": weights[0], "repeated": p},
            }))
        }
        "jacobian" => {
            let (mut tape, mut rows) = (Tape::new(), SparseRows::default());
            // The buffers are there before the first run.
            problem.layout(&mut rows);
            match request.tool {
                Tool::Tape => request.measure(|| problem.jacobian(&mut tape, &mut rows)),
                Tool::Program => {
                    let mut jacobian = problem.jacobian_in_lanes();
                    request.measure(|| jacobian(&mut rows));
                }
            }
            Ok(json!({
                "rows": sample(&rows.starts),
                "cols": sample(&rows.columns),
                "vals": sample(&rows.values),
            }))
        }
        _ => Err(request.unknown("ba", &["objective", "jacobian"])),
    }
}
