//! Operands, seeds, differences and tolerances for the tests of the registered operations.

use gradcheck::registry::{Apply, Evaluate, Function, Input, Kind, Operation};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::rc::Rc;
use tape::internal::{BinaryPoints, Points};
use tape::{Element, Shape, Tape, Tensor, Var};
use tests::compositions::registry;

/// The tolerance for central differences extrapolated four times: rounding, 1e-16 / 1e-3, and the tenth derivative, with
/// room for functions whose derivatives grow.
pub(crate) const DIFFERENCE: f64 = 1e-9;

/// The tolerance for a slope 1e-12 from an edge, which may approach that of the edge like a root.
pub(crate) const ONE_SIDED: f64 = 1e-3;

/// The number of roundings of the intermediate terms of a rule, in units of `ε` times their sum: a rule has at most a few
/// dozen steps, and terms that cancel in them have the size of the operands.
pub(crate) const ROUNDINGS: f64 = 64.0;

/// An operation and operands to test it on. Every operand is representable in `f32`.
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) op: Rc<dyn Operation>,
    pub(crate) x: Vec<Tensor<f64>>,
    /// `true` if the operation needs these values, not any of their shape.
    pub(crate) fixed: bool,
}

/// An elementwise function and single points to test it at.
pub(crate) struct Pointwise {
    pub(crate) name: String,
    pub(crate) f: Rc<dyn Function>,
    pub(crate) arity: usize,
    /// Random points in the interior of the domain.
    pub(crate) interior: Vec<Vec<f64>>,
    pub(crate) edges: Vec<f64>,
    pub(crate) kinks: Vec<f64>,
    /// Extreme arguments and special pairs.
    pub(crate) special: Vec<Vec<f64>>,
    pub(crate) convention: &'static str,
}

impl Pointwise {
    /// Returns every point, single arguments as one-element lists.
    pub(crate) fn everywhere(&self) -> Vec<Vec<f64>> {
        let ends = self.edges.iter().chain(&self.kinks).map(|&x| vec![x]);
        self.interior.iter().cloned().chain(ends).chain(self.special.iter().cloned()).collect()
    }

    pub(crate) fn slopes(&self, x: &[f64]) -> Vec<f64> {
        Evaluate::<f64>::slopes(&*self.f, x)
    }

    pub(crate) fn value(&self, x: &[f64]) -> f64 {
        Evaluate::<f64>::number(&*self.f, x)
    }
}

/// A random number generator with a fixed seed.
pub(crate) struct Random(StdRng);

impl Random {
    pub(crate) fn new(name: &str) -> Random {
        let seed = name.bytes().fold(17_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        Random(StdRng::seed_from_u64(seed))
    }

    /// Draws a number in the interval, rounded to `f32`.
    pub(crate) fn number(&mut self, (low, high): (f64, f64)) -> f64 {
        f64::from(self.0.random_range(low..high) as f32)
    }

    /// Draws non-uniform weights of either sign, none of them small.
    pub(crate) fn weights(&mut self, shape: &Shape) -> Tensor<f64> {
        Tensor::from_fn(shape.clone(), |_| {
            let size = self.number((0.3, 1.7));
            if self.0.random_range(0..2) == 0 { size } else { -size }
        })
    }

    /// Draws factors near 1.
    pub(crate) fn factors(&mut self, shape: &Shape) -> Tensor<f64> {
        Tensor::from_fn(shape.clone(), |_| self.number((0.9, 1.1)))
    }

    /// Draws steps for differences: non-uniform, in proportion to `x` where it is small.
    pub(crate) fn steps(&mut self, x: &Tensor<f64>) -> Tensor<f64> {
        let weights = self.weights(x.shape());
        weights * x.map_elements(|x| if x == 0.0 { 1.0 } else { x.abs().clamp(0.05, 1.0) })
    }

    /// Draws distinct values, far enough apart that no difference quotient makes two of them meet.
    pub(crate) fn separated(&mut self, shape: &Shape) -> Tensor<f64> {
        let n = shape.size();
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.0.random_range(0..i + 1));
        }
        let mut next = order.into_iter();
        Tensor::from_fn(shape.clone(), |_| {
            let rank = next.next().unwrap_or(0) as f64 + self.number((0.25, 0.75));
            f64::from((-2.0 + 4.0 * rank / n as f64) as f32)
        })
    }

    /// Draws a point of the intervals, away from the points of `avoid`.
    fn point(&mut self, intervals: &[(f64, f64)], avoid: &[f64]) -> f64 {
        loop {
            let interval = intervals[self.0.random_range(0..intervals.len())];
            let x = self.number(interval);
            if avoid.iter().all(|&at| (x - at).abs() > 0.05 * (1.0 + at.abs())) {
                return x;
            }
        }
    }

    pub(crate) fn argument(&mut self, points: &Points) -> f64 {
        self.point(points.interior, &[points.edges, points.kinks].concat())
    }

    /// Draws two numbers that are not close to each other, where binary functions have ties.
    pub(crate) fn pair(&mut self, pairs: &BinaryPoints) -> (f64, f64) {
        let a = self.point(pairs.a, &[]);
        (a, self.point(pairs.b, &[a]))
    }
}

/// Returns every registered function, with its points.
pub(crate) fn functions() -> Vec<Pointwise> {
    let mut all = Vec::new();
    for entry in registry() {
        match entry.kind {
            Kind::Unary(examples) => {
                assert!(!examples.is_empty(), "{}: no examples of its parameters", entry.name);
                for (f, points) in examples {
                    let f: Rc<dyn Function> = Rc::from(f);
                    let name = format!("{} {f:?}", entry.name);
                    assert!(!points.interior.is_empty(), "{name}: no interior points");
                    let mut random = Random::new(&name);
                    all.push(Pointwise {
                        interior: (0..12).map(|_| vec![random.argument(&points)]).collect(),
                        edges: points.edges.to_vec(),
                        kinks: points.kinks.to_vec(),
                        special: points.extreme.iter().map(|&x| vec![x]).collect(),
                        convention: entry.doc.convention,
                        arity: 1,
                        name,
                        f,
                    });
                }
            }
            Kind::Binary(f, pairs) => {
                let name = entry.name.to_string();
                assert!(!pairs.a.is_empty() && !pairs.b.is_empty(), "{name}: no interior points");
                let mut random = Random::new(&name);
                let mut pair = || {
                    let (a, b) = random.pair(&pairs);
                    vec![a, b]
                };
                all.push(Pointwise {
                    interior: (0..12).map(|_| pair()).collect(),
                    edges: Vec::new(),
                    kinks: Vec::new(),
                    special: pairs.special.iter().map(|&(a, b)| vec![a, b]).collect(),
                    convention: entry.doc.convention,
                    arity: 2,
                    name,
                    f: Rc::from(f),
                });
            }
            Kind::Tensor(_) | Kind::Composition(_) => {}
        }
    }
    all
}

/// Returns the subjects with a value to differentiate: all but means of nothing and logarithms of empty sums.
pub(crate) fn smooth() -> impl Iterator<Item = Subject> {
    subjects().into_iter().filter(|Subject { name, op, x, .. }| {
        let finite = compute::<f64>(&**op, x).to_vec().iter().all(|y| y.is_finite());
        assert!(finite || x.iter().any(|x| x.size() == 0), "{name}: the value is not finite");
        finite
    })
}

/// Returns every registered operation on every set of operands: functions on tensors of random points, sizes 0 and 1
/// among them.
pub(crate) fn subjects() -> Vec<Subject> {
    const ONE: [&[usize]; 6] = [&[8], &[2, 3], &[], &[1], &[0], &[2, 0]];
    const TWO: [(&[usize], &[usize]); 9] = [
        (&[8], &[8]),
        (&[2, 3], &[3]),
        (&[3, 1], &[1, 2]),
        (&[], &[2, 2]),
        (&[2], &[]),
        (&[], &[]),
        (&[1], &[1]),
        (&[1], &[0]),
        (&[2, 0], &[1, 1]),
    ];
    let mut all = Vec::new();
    for entry in registry() {
        let name = entry.name;
        let mut random = Random::new(name);
        match entry.kind {
            Kind::Unary(examples) => {
                for (f, points) in examples {
                    let f: Rc<dyn Function> = Rc::from(f);
                    for shape in ONE {
                        let x = vec![Tensor::from_fn(shape, |_| random.argument(&points))];
                        let name = format!("{name} {f:?} {shape:?}");
                        all.push(Subject { name, op: f.clone(), x, fixed: false });
                    }
                }
            }
            Kind::Binary(f, pairs) => {
                let f: Rc<dyn Function> = Rc::from(f);
                for (a, b) in TWO {
                    let name = format!("{name} {a:?} {b:?}");
                    let x = operand_pair(&mut random, &pairs, a, b);
                    all.push(Subject { name, op: f.clone(), x, fixed: false });
                }
            }
            Kind::Tensor(cases) | Kind::Composition(cases) => {
                assert!(!cases.is_empty(), "{name}: no cases");
                for case in cases {
                    let fixed = case.operands.iter().any(|x| matches!(x, Input::Values(_)));
                    let x: Vec<Tensor<f64>> = case
                        .operands
                        .iter()
                        .map(|operand| match operand {
                            Input::Shape(shape) => random.separated(shape),
                            Input::Values(x) => x.map_elements(|x| f64::from(x as f32)),
                        })
                        .collect();
                    let shapes: Vec<&Shape> = x.iter().map(|x| x.shape()).collect();
                    let name = format!("{name} {:?} {shapes:?}", case.op);
                    all.push(Subject { name, op: Rc::from(case.op), x, fixed });
                }
            }
        }
    }
    all
}

/// Draws operands of a binary function: no element of the first is close to one of the second.
fn operand_pair(random: &mut Random, pairs: &BinaryPoints, a: &[usize], b: &[usize]) -> Vec<Tensor<f64>> {
    let a = Tensor::from_fn(a, |_| random.point(pairs.a, &[]));
    let taken = a.to_vec();
    vec![a, Tensor::from_fn(b, |_| random.point(pairs.b, &taken))]
}

/// Converts the operands to either element type.
pub(crate) fn cast<T: Element>(x: &[Tensor<f64>]) -> Vec<Tensor<T>> {
    x.iter().map(Tensor::cast).collect()
}

pub(crate) fn compute<T: Element>(op: &dyn Apply<T>, x: &[Tensor<T>]) -> Tensor<T> {
    op.compute(&x.iter().collect::<Vec<_>>())
}

/// Records the operands: as leaves where `tracked`, else as constants.
pub(crate) fn record<'t, T: Element>(
    tape: &'t Tape<T>,
    x: &[Tensor<T>],
    tracked: &[bool],
) -> Vec<Var<'t, T>> {
    let leaf = |(x, &tracked): (&Tensor<T>, &bool)| {
        if tracked { tape.var(x.clone()) } else { tape.constant(x.clone()) }
    };
    x.iter().zip(tracked).map(leaf).collect()
}

/// Returns the cotangents of all operands by the plain reverse sweep.
pub(crate) fn vjp<T: Element>(op: &dyn Apply<T>, x: &[Tensor<T>], ct: &Tensor<T>) -> Vec<Tensor<T>> {
    let tape = Tape::of();
    let vars = record(&tape, x, &vec![true; x.len()]);
    op.record(&vars).vjp(ct.clone()).wrt(vars)
}

/// Returns the tangent of the result by the plain forward sweep.
pub(crate) fn jvp<T: Element>(op: &dyn Apply<T>, x: &[Tensor<T>], dx: &[Tensor<T>]) -> Tensor<T> {
    let tape = Tape::of();
    let vars = record(&tape, x, &vec![true; x.len()]);
    tape.jvp(op.record(&vars), vars.clone(), dx.to_vec())
}

/// Returns `x + t · dx`.
pub(crate) fn moved(x: &[Tensor<f64>], dx: &[Tensor<f64>], t: f64) -> Vec<Tensor<f64>> {
    x.iter().zip(dx).map(|(x, dx)| x + &(dx * t)).collect()
}

/// Returns the elements of several tensors, one after another.
pub(crate) fn flat<T: Element>(x: &[Tensor<T>]) -> Vec<T> {
    x.iter().flat_map(Tensor::to_vec).collect()
}

/// Returns the derivative of `f` at 0, by central differences over steps halved four times and extrapolated: the estimate
/// that its neighbours confirm best.
pub(crate) fn difference(f: impl Fn(f64) -> Vec<f64>) -> Vec<f64> {
    const LEVELS: usize = 5;
    let quotient = |level: usize| -> Vec<f64> {
        let h = 0.5_f64.powi(7 + level as i32);
        f(h).iter().zip(f(-h)).map(|(a, b)| (a - b) / (2.0 * h)).collect()
    };
    let quotients: Vec<Vec<f64>> = (0..LEVELS).map(quotient).collect();
    let estimate = |i: usize| {
        let mut row: Vec<f64> = quotients.iter().map(|q| q[i]).collect();
        let (mut best, mut error) = (row[LEVELS - 1], f64::INFINITY);
        for order in 1..LEVELS {
            let factor = 4_f64.powi(order as i32);
            let finer: Vec<f64> = row.windows(2).map(|w| (factor * w[1] - w[0]) / (factor - 1.0)).collect();
            for (k, &finer) in finer.iter().enumerate() {
                let gap = (finer - row[k]).abs().max((finer - row[k + 1]).abs());
                if gap < error {
                    (best, error) = (finer, gap);
                }
            }
            row = finer;
        }
        best
    };
    (0..quotients[0].len()).map(estimate).collect()
}

/// Panics unless `found` is `expected` to `tolerance`, relative to the largest expected value or to 1.
#[track_caller]
pub(crate) fn close(name: &str, what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{name}: {what}: sizes");
    let scale = expected.iter().fold(1.0_f64, |scale, x| scale.max(x.abs()));
    for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let equal = found == expected || (found.is_nan() && expected.is_nan());
        assert!(
            equal || (found - expected).abs() <= tolerance * scale,
            "{name}: {what}: element {i} is {found}, expected {expected} (off by {:e})",
            (found - expected).abs() / scale
        );
    }
}

/// Panics unless `<u, dy> = <ct, dx>` to the rounding of its terms.
#[track_caller]
pub(crate) fn adjoint(name: &str, what: &str, [u, dy]: [&[f64]; 2], [ct, dx]: [&[f64]; 2]) {
    let products = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).collect::<Vec<_>>();
    let (left, right) = (products(u, dy), products(ct, dx));
    let terms: f64 = left.iter().chain(&right).map(|x| x.abs()).sum();
    let gap = (left.iter().sum::<f64>() - right.iter().sum::<f64>()).abs();
    let bound = ROUNDINGS * f64::EPSILON * terms;
    assert!(gap <= bound, "{name}: {what}: <u, Jv> and <Jᵀu, v> differ by {gap:e}, bound {bound:e}");
}
