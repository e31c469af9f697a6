//! `ht`: hand tracking. A mesh is moved by bones, the bones by angles; the residual of each correspondence is the distance of a point
//! from a vertex, or from a position in a triangle. The Jacobian is tall: forward mode, all directions in one sweep.

use crate::evals::rows;
use crate::input;
use crate::request::Request;
use serde_json::Value;
use tape::{Algebra, Arithmetic, Array, Elementwise, Index, Scalar, Tape, Tensor, TensorOps, Var};

/// The parameters of the pose: rotation and translation of the hand, and four angles for each finger.
const POSE: usize = 26;

/// The bones whose angles are parameters: three of each of five fingers, after the root and the wrist.
const MOVED_BONES: usize = 17;

type Matrix<A> = [[A; 3]; 3];

/// A rotation or scaling, and a translation.
#[derive(Clone, Copy, Debug)]
struct Affine<A> {
    linear: Matrix<A>,
    translation: [A; 3],
}

fn product<A: Algebra>(a: Matrix<A>, b: Matrix<A>) -> Matrix<A> {
    std::array::from_fn(|i| std::array::from_fn(|j| dot(a[i], std::array::from_fn(|k| b[k][j]))))
}

fn dot<A: Algebra>(a: [A; 3], b: [A; 3]) -> A {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn applied<A: Algebra>(a: Matrix<A>, x: [A; 3]) -> [A; 3] {
    a.map(|row| dot(row, x))
}

impl<A: Algebra> Affine<A> {
    /// First `other`, then this.
    fn after(self, other: Affine<A>) -> Affine<A> {
        let moved = applied(self.linear, other.translation);
        Affine {
            linear: product(self.linear, other.linear),
            translation: std::array::from_fn(|i| moved[i] + self.translation[i]),
        }
    }

    fn rotated(self, rotation: Matrix<A>) -> Affine<A> {
        Affine { linear: product(self.linear, rotation), translation: self.translation }
    }
}

/// The rotation by `x` about the first axis, then by `y` about the second, then by `z` about the third.
fn rotation<A: Algebra>([x, y, z]: [A; 3]) -> Matrix<A> {
    let (zero, one) = (x.lift(0.0), x.lift(1.0));
    let [(sx, cx), (sy, cy), (sz, cz)] = [x, y, z].map(|angle| (angle.sin(), angle.cos()));
    let about_x = [[one, zero, zero], [zero, cx, -sx], [zero, sx, cx]];
    let about_y = [[cy, zero, sy], [zero, one, zero], [-sy, zero, cy]];
    let about_z = [[cz, -sz, zero], [sz, cz, zero], [zero, zero, one]];
    product(about_z, product(about_y, about_x))
}

/// The rotation by a vector, whose length is the angle: the identity, without derivative, if it is shorter than 1e-4.
fn rotation_by_vector<A: Algebra>(r: [A; 3]) -> Matrix<A> {
    let angle = dot(r, r).sqrt();
    let (sin, cos) = (angle.sin(), angle.cos());
    let [x, y, z] = r.map(|r| r / angle);
    let (one, versine) = (angle.lift(1.0), angle.lift(1.0) - cos);
    let (zero, small) = (angle.lift(0.0), angle.lift(1e-4));
    let general = [
        [x * x + (one - x * x) * cos, x * y * versine - z * sin, x * z * versine + y * sin],
        [x * y * versine + z * sin, y * y + (one - y * y) * cos, y * z * versine - x * sin],
        [x * z * versine - y * sin, y * z * versine + x * sin, z * z + (one - z * z) * cos],
    ];
    let choose = |i: usize, j: usize| small.if_gt(angle, if i == j { one } else { zero }, general[i][j]);
    std::array::from_fn(|i| std::array::from_fn(|j| choose(i, j)))
}

/// Numbers that can be put into a matrix.
pub trait Number: Algebra {
    /// The matrix.
    type Matrix: Array<f64>;
    /// Numbers as rows of three.
    fn rows(numbers: &[Self]) -> Self::Matrix;
}

impl Number for f64 {
    type Matrix = Tensor;
    fn rows(numbers: &[f64]) -> Tensor {
        Tensor::from(numbers).reshape([numbers.len() / 3, 3])
    }
}

impl<'t> Number for Scalar<'t> {
    type Matrix = Var<'t>;
    fn rows(numbers: &[Scalar<'t>]) -> Var<'t> {
        let tape = numbers[0].tape();
        tape.vector(numbers).reshape([numbers.len() / 3, 3])
    }
}

/// The model and the data.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The pose.
    pub theta: Vec<f64>,
    /// For each correspondence its position in the triangle, `[c, 1]` twice.
    pub positions: Option<[Tensor; 2]>,
    parents: Vec<Option<usize>>,
    base_relatives: Vec<Affine<f64>>,
    inverse_base_absolutes: Vec<Affine<f64>>,
    /// `[V, 1, 4]`
    base_positions: Tensor,
    /// `[V, B, 1]`
    weights: Tensor,
    mirrored: bool,
    /// The vertex of each correspondence, or the three of its triangle.
    corners: Vec<Index>,
    /// `[c, 3]`
    points: Tensor,
}

/// Affine maps, from matrices of 4 by 4.
fn affine_maps(input: &Value, name: &str, count: usize) -> Result<Vec<Affine<f64>>, String> {
    let matrices = input::list(input, name)?;
    if matrices.len() != count {
        return Err(format!("`{name}`: expected {count} matrices, found {}", matrices.len()));
    }
    let map = |matrix: &Value| {
        let wrapped = serde_json::json!({ name: matrix });
        let (x, _) = input::matrix(&wrapped, name, Some(4), Some(4))?;
        let row = |i: usize| [x[4 * i], x[4 * i + 1], x[4 * i + 2]];
        Ok(Affine { linear: [row(0), row(1), row(2)], translation: [x[3], x[7], x[11]] })
    };
    matrices.iter().map(map).collect()
}

impl Problem {
    /// The arguments of a request.
    ///
    /// # Errors
    /// If they are wrong.
    pub fn read(input: &Value) -> Result<Problem, String> {
        let data = &input["data"];
        let model = &data["model"];
        let bones = input::positive(model, "bone_count")?;
        if bones < MOVED_BONES {
            return Err(format!("`bone_count`: expected at least {MOVED_BONES}, found {bones}"));
        }
        let (positions, [vertices, _]) = input::matrix(model, "base_positions", None, Some(4))?;
        let (weights, _) = input::matrix(model, "weights", Some(vertices), Some(bones))?;
        let parents = input::list(model, "parents")?;
        if parents.len() != bones {
            return Err(format!("`parents`: expected {bones} bones, found {}", parents.len()));
        }
        let parent = |(bone, parent): (usize, &Value)| match parent.as_i64() {
            Some(-1) => Ok(None),
            Some(parent) if (0..bone as i64).contains(&parent) => Ok(Some(parent as usize)),
            _ => Err(format!("`parents`: expected a bone before bone {bone} or -1, found {parent}")),
        };
        let correspondences = input::list(data, "correspondences")?;
        let c = correspondences.len();
        let (points, _) = input::matrix(data, "points", Some(c), Some(3))?;
        let us = input::list(input, "us")?;
        let (corners, positions_in_triangles) = if us.is_empty() {
            (vec![input::indices(correspondences, "correspondences", vertices)?.into()], None)
        } else {
            let (us, _) = input::matrix(input, "us", Some(c), Some(2))?;
            let triangles = input::list(model, "triangles")?;
            let numbers = input::indices(correspondences, "correspondences", triangles.len())?;
            let triangle = |&number: &usize| match triangles[number].as_array() {
                Some(corners) if corners.len() == 3 => input::indices(corners, "triangles", vertices),
                _ => Err(format!("`triangles`: expected three vertices, found {}", triangles[number])),
            };
            let found: Vec<Vec<usize>> = numbers.iter().map(triangle).collect::<Result<_, String>>()?;
            let corner = |k: usize| Index::from(found.iter().map(|corners| corners[k]).collect::<Vec<_>>());
            let column = |k: usize| {
                Tensor::from(us.iter().skip(k).step_by(2).copied().collect::<Vec<_>>()).reshape([c, 1])
            };
            ((0..3).map(corner).collect(), Some([column(0), column(1)]))
        };
        let mirrored = model["is_mirrored"].as_bool();
        Ok(Problem {
            theta: input::vector_of(input, "theta", POSE)?,
            positions: positions_in_triangles,
            parents: parents.iter().enumerate().map(parent).collect::<Result<_, String>>()?,
            base_relatives: affine_maps(model, "base_relatives", bones)?,
            inverse_base_absolutes: affine_maps(model, "inverse_base_absolutes", bones)?,
            base_positions: Tensor::from(positions).reshape([vertices, 1, 4]),
            weights: Tensor::from(weights).reshape([vertices, bones, 1]),
            mirrored: mirrored.ok_or("`is_mirrored`: expected true or false")?,
            corners,
            points: Tensor::from(points).reshape([c, 3]),
        })
    }

    /// The map that each bone applies to the mesh in the pose `theta`.
    fn bones<A: Number>(&self, theta: &[A]) -> Vec<Affine<A>> {
        let zero = theta[0].lift(0.0);
        let mut angles = vec![[zero; 3]; self.parents.len()];
        let mut next = theta[6..].iter().copied();
        let mut take = || next.next().unwrap_or(zero);
        for finger in 0..5 {
            for joint in 0..3 {
                let angles = &mut angles[2 + 4 * finger + joint];
                angles[0] = take();
                if joint == 0 {
                    angles[1] = take();
                }
            }
        }
        let constant = |map: &Affine<f64>| Affine {
            linear: map.linear.map(|row| row.map(|x| zero.lift(x))),
            translation: map.translation.map(|x| zero.lift(x)),
        };
        let mut absolutes: Vec<Affine<A>> = Vec::with_capacity(angles.len());
        for ((&[x, z, y], parent), base) in angles.iter().zip(&self.parents).zip(&self.base_relatives) {
            let relative = constant(base).rotated(rotation([x, y, z]));
            absolutes.push(parent.map_or(relative, |parent| absolutes[parent].after(relative)));
        }
        let inverses = self.inverse_base_absolutes.iter().map(constant);
        absolutes.into_iter().zip(inverses).map(|(absolute, inverse)| absolute.after(inverse)).collect()
    }

    /// The residuals of all correspondences, `[c, 3]`.
    pub fn residuals<A: Number>(&self, theta: &[A], positions: Option<[&A::Matrix; 2]>) -> A::Matrix {
        // A vertex is moved by the mean of the bones: the sum of their matrices, each times its weight and the position.
        let (vertices, bones) = (self.weights.shape()[0], self.weights.shape()[1]);
        let column = |map: Affine<A>, j: usize| match j {
            3 => map.translation,
            _ => map.linear.map(|row| row[j]),
        };
        let maps: Vec<A> =
            self.bones(theta).into_iter().flat_map(|map| (0..4).flat_map(move |j| column(map, j))).collect();
        let maps = A::rows(&maps);
        let weighted = (&self.weights * &self.base_positions).reshape([vertices, bones * 4]);
        let mesh = maps.constant(weighted).matmul(&maps);
        let mirror = if self.mirrored { -1.0 } else { 1.0 };
        let pose = rotation_by_vector([theta[0], theta[1], theta[2]]);
        // Rows are vertices, so the matrix is transposed; its first row takes the mirrored x.
        let pose: Vec<A> = (0..9)
            .map(|at| pose[at % 3][at / 3] * theta[0].lift(if at < 3 { mirror } else { 1.0 }))
            .collect();
        let mesh = mesh.matmul(&A::rows(&pose)) + A::rows(&theta[3..6]);
        let corner = |k: usize| mesh.index_select(0, &self.corners[k]);
        let found = match positions {
            None => corner(0),
            Some([u, v]) => {
                let rest = u.lift(1.0) - u.clone() - v.clone();
                u.clone() * corner(0) + v.clone() * corner(1) + rest * corner(2)
            }
        };
        mesh.constant(self.points.clone()) - found
    }

    /// The residuals, one after another.
    pub fn primal(&self) -> Vec<f64> {
        let positions = self.positions.as_ref().map(|[u, v]| [u, v]);
        self.residuals(&self.theta, positions).to_vec()
    }

    /// The Jacobian, row after row: the columns of the correspondence's own position, then those of the pose. All positions
    /// move together, because a residual depends on its own alone.
    pub fn jacobian(&self, tape: &mut Tape) -> Vec<f64> {
        tape.reset();
        let theta: Vec<Scalar> = self.theta.iter().map(|&x| tape.scalar(x)).collect();
        let still = vec![0.0; POSE];
        let poses = (0..POSE).map(|k| {
            let mut pose = still.clone();
            pose[k] = 1.0;
            pose
        });
        let columns = match &self.positions {
            None => {
                let residuals = self.residuals(&theta, None);
                tape.jvp_each(residuals, theta, &poses.collect::<Vec<_>>())
            }
            Some(positions) => {
                let [u, v] = positions.each_ref().map(|x| tape.var(x.clone()));
                let residuals = self.residuals(&theta, Some([&u, &v]));
                let (zeros, ones) = (positions[0].zeros_like(), positions[0].ones_like());
                let own =
                    [[&ones, &zeros], [&zeros, &ones]].map(|[u, v]| (still.clone(), u.clone(), v.clone()));
                let poses = poses.map(|pose| (pose, zeros.clone(), zeros.clone()));
                let directions: Vec<_> = own.into_iter().chain(poses).collect();
                tape.jvp_each(residuals, (theta, u, v), &directions)
            }
        };
        let columns: Vec<Vec<f64>> = columns.iter().map(Tensor::to_vec).collect();
        (0..columns[0].len()).flat_map(|row| columns.iter().map(move |column| column[row])).collect()
    }

    /// The number of columns of the Jacobian.
    fn columns(&self) -> usize {
        POSE + if self.positions.is_some() { 2 } else { 0 }
    }
}

/// The functions `objective` and `jacobian`.
///
/// # Errors
/// If the input is wrong, or the function another one.
pub fn evaluate(request: &Request) -> Result<Value, String> {
    let (problem, mut tape) = (Problem::read(request.input)?, Tape::new());
    match request.function {
        "objective" => Ok(request.measure(|| problem.primal()).into()),
        "jacobian" => Ok(rows(&request.measure(|| problem.jacobian(&mut tape)), problem.columns())),
        _ => Err(request.unknown("ht", &["objective", "jacobian"])),
    }
}
