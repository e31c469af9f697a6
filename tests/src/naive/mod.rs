//! Random graphs interpreted element by element, on lists of plain numbers, with the standard library's functions, or of
//! recorded scalars, for the same graph without any tensor.

mod dual;
mod number;
mod positions;

pub use dual::Dual;
use gradcheck::strategies::{Action, BinaryFn, Program, Reduction, Scan, Step, UnaryFn};
pub use number::Number;
use positions::{group, ravel, source, unravel};
use tape::Tensor;

/// The weights by which `relu`, `abs`, `max` and similar functions choose. With the weights of one evaluation, a graph of
/// the exact track is a polynomial, whose derivative is that of the graph.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    taken: Vec<f64>,
    next: Option<usize>,
}

impl Decisions {
    /// Returns the same decisions, for use at any values.
    pub fn kept(&self) -> Decisions {
        Decisions { taken: self.taken.clone(), next: Some(0) }
    }

    /// The number of decisions.
    pub fn count(&self) -> usize {
        self.taken.len()
    }

    fn decide(&mut self, decision: impl FnOnce() -> f64) -> f64 {
        match &mut self.next {
            Some(next) => {
                *next += 1;
                self.taken[*next - 1]
            }
            None => {
                let decision = decision();
                self.taken.push(decision);
                decision
            }
        }
    }
}

/// The elements of every step, and the loss.
#[derive(Clone, Debug)]
pub struct Values<N> {
    /// The elements of every step in row-major order.
    pub steps: Vec<Vec<N>>,
    /// The elements of the result, summed with its weights.
    pub loss: N,
}

/// Interprets a graph. `constant` creates a number that does not depend on the leaves.
pub fn interpret<N: Number>(
    program: &Program,
    leaves: &[Vec<N>],
    constant: impl Fn(f64) -> N,
    decisions: &mut Decisions,
) -> Values<N> {
    let mut steps: Vec<Vec<N>> = Vec::with_capacity(program.steps.len());
    for (at, step) in program.steps.iter().enumerate() {
        let value = match step.action {
            Action::Leaf => leaves[at].clone(),
            _ => {
                let operand = |&k: &usize| Operand { shape: &program.steps[k].shape, data: &steps[k] };
                let x: Vec<Operand<'_, N>> = step.operands.iter().map(operand).collect();
                evaluate(step, &x, &constant, decisions)
            }
        };
        assert_eq!(value.len(), step.shape.size(), "{:?}", step.action);
        steps.push(value);
    }
    let weights = program.cotangent.to_vec();
    let terms = steps[program.output].iter().zip(weights).map(|(&y, w)| y * constant(w));
    let loss = terms.fold(constant(0.0), |sum, term| sum + term);
    Values { steps, loss }
}

/// Returns the elements of the leaves, as they are drawn.
pub fn leaves(program: &Program) -> Vec<Vec<f64>> {
    program.leaves.iter().map(Tensor::to_vec).collect()
}

/// Interprets a graph on plain numbers at `leaves`.
pub fn numbers(program: &Program, leaves: &[Vec<f64>], decisions: &mut Decisions) -> Values<f64> {
    interpret(program, leaves, |c| c, decisions)
}

#[derive(Clone, Copy)]
struct Operand<'a, N> {
    shape: &'a [usize],
    data: &'a [N],
}

impl<N: Number> Operand<'_, N> {
    /// Returns the element that broadcasts to the one at `index` of a result.
    fn at(&self, index: &[usize]) -> N {
        self.data[source(index, self.shape)]
    }
}

/// Computes every element of a result from its index.
fn each<N>(shape: &[usize], mut f: impl FnMut(&[usize]) -> N) -> Vec<N> {
    let size = shape.iter().product::<usize>();
    (0..size).map(|at| f(&unravel(at, shape))).collect()
}

fn evaluate<N: Number>(
    step: &Step,
    x: &[Operand<'_, N>],
    constant: &impl Fn(f64) -> N,
    decisions: &mut Decisions,
) -> Vec<N> {
    let (first, shape) = (x[0], &step.shape[..]);
    let elements = || first.data.iter().copied();
    // Picks an element of the first operand for each element of the result.
    let pick = |source: &dyn Fn(&mut Vec<usize>)| {
        each(shape, |index| {
            let mut index = index.to_vec();
            source(&mut index);
            first.data[ravel(&index, first.shape)]
        })
    };
    match &step.action {
        Action::Leaf => unreachable!("leaves are given"),
        Action::Unary(f) => elements().map(|x| unary(*f, x, constant, decisions)).collect(),
        Action::Binary(f) => {
            each(shape, |index| binary(*f, x[0].at(index), x[1].at(index), constant, decisions))
        }
        Action::Times(c) => elements().map(|x| x * constant(*c)).collect(),
        Action::Scale(k) => elements().map(|x| x * constant(2_f64.powi(*k))).collect(),
        Action::FanOut(uses) => elements().map(|x| x * constant(*uses as f64)).collect(),
        Action::Elements => first.data.to_vec(),
        Action::Plus(c) => elements().map(|x| x + constant(*c)).collect(),
        Action::Ramp(c) => elements().enumerate().map(|(i, x)| x + constant(i as f64 * c)).collect(),
        Action::MatMul => each(shape, |index| product(x, index, constant)),
        Action::Reduce { kind, axis, keepdim } => {
            let groups = group(first.shape, *axis, *keepdim, shape);
            let members = groups.iter().map(|group| group.iter().map(|&k| first.data[k]).collect::<Vec<N>>());
            members.map(|members| reduce(*kind, &members, constant, decisions)).collect()
        }
        Action::Scan(kind, axis) => scan(*kind, &first, *axis, constant),
        Action::BroadcastTo => each(shape, |index| first.at(index)),
        Action::Reshape => first.data.to_vec(),
        Action::Permute(order) => pick(&|index| {
            let of_result = index.clone();
            order.iter().zip(of_result).for_each(|(&axis, i)| index[axis] = i);
        }),
        Action::Slice { axis, start, .. } => pick(&|index| index[*axis] += start),
        Action::Flip(axis) => pick(&|index| index[*axis] = shape[*axis] - 1 - index[*axis]),
        Action::Roll { axis, shift } => pick(&|index| {
            let from = index[*axis] as isize - shift;
            index[*axis] = from.rem_euclid(shape[*axis] as isize) as usize;
        }),
        Action::IndexSelect { axis, index: entries } => pick(&|index| index[*axis] = entries[index[*axis]]),
        Action::Concat(axis) => each(shape, |index| {
            let (mut index, extent) = (index.to_vec(), first.shape[*axis]);
            let second = index[*axis] >= extent;
            index[*axis] %= extent.max(1);
            x[usize::from(second)].data[ravel(&index, x[usize::from(second)].shape)]
        }),
        Action::ScatterAdd { axis, index: entries } => {
            let mut out = first.data.to_vec();
            for (at, &added) in x[1].data.iter().enumerate() {
                let mut index = unravel(at, shape);
                index[*axis] = entries[index[*axis]];
                let at = ravel(&index, shape);
                out[at] = out[at] + added;
            }
            out
        }
        Action::Select(mask) => {
            let mask = mask.to_vec();
            each(shape, |index| x[usize::from(mask[ravel(index, shape)] == 0.0)].at(index))
        }
    }
}

fn unary<N: Number>(f: UnaryFn, x: N, constant: &impl Fn(f64) -> N, decisions: &mut Decisions) -> N {
    let v = x.value();
    match f {
        UnaryFn::Relu => x * constant(decisions.decide(|| f64::from(v > 0.0))),
        UnaryFn::Abs => x * constant(decisions.decide(|| if v == 0.0 { 0.0 } else { v.signum() })),
        _ => x.unary(f),
    }
}

fn binary<N: Number>(f: BinaryFn, a: N, b: N, constant: &impl Fn(f64) -> N, decisions: &mut Decisions) -> N {
    let (v, w) = (a.value(), b.value());
    let share = |first: bool| if v == w { 0.5 } else { f64::from(first) };
    let weight = match f {
        BinaryFn::Maximum => decisions.decide(|| share(v > w)),
        BinaryFn::Minimum => decisions.decide(|| share(v < w)),
        _ => return a.binary(b, f),
    };
    a * constant(weight) + b * constant(1.0 - weight)
}

/// Computes one element of a matrix product.
fn product<N: Number>(x: &[Operand<'_, N>], index: &[usize], constant: &impl Fn(f64) -> N) -> N {
    let [left, right] = [x[0].shape, x[1].shape];
    let (rows, columns) = (left.len() > 1, right.len() > 1);
    let batch = &index[..index.len() - usize::from(rows) - usize::from(columns)];
    let row = rows.then(|| index[batch.len()]);
    let column = columns.then(|| index[index.len() - 1]);
    let inner = left[left.len() - 1];
    let position = |shape: &[usize], matrix: &[usize]| {
        let leading = shape.len() - matrix.len();
        let own = source(&batch[batch.len() - leading.min(batch.len())..], &shape[..leading]);
        own * shape[leading..].iter().product::<usize>() + ravel(matrix, &shape[leading..])
    };
    (0..inner).fold(constant(0.0), |sum, k| {
        let a: Vec<usize> = row.into_iter().chain([k]).collect();
        let b: Vec<usize> = [k].into_iter().chain(column).collect();
        x[0].data[position(left, &a)].mul_add(x[1].data[position(right, &b)], sum)
    })
}

fn sum<N: Number>(x: &[N], constant: &impl Fn(f64) -> N) -> N {
    x.iter().fold(constant(0.0), |sum, &x| sum + x)
}

fn reduce<N: Number>(kind: Reduction, x: &[N], constant: &impl Fn(f64) -> N, decisions: &mut Decisions) -> N {
    let mean = |x: &[N]| sum(x, constant) / constant(x.len() as f64);
    match kind {
        Reduction::Sum => sum(x, constant),
        Reduction::Mean => mean(x),
        Reduction::Prod => x.iter().fold(constant(1.0), |product, &x| product * x),
        Reduction::LogSumExp => {
            let powers: Vec<N> = x.iter().map(|x| x.unary(UnaryFn::Exp)).collect();
            sum(&powers, constant).unary(UnaryFn::Ln)
        }
        Reduction::Variance => {
            let middle = mean(x);
            let distances: Vec<N> = x.iter().map(|&x| x - middle).collect();
            let squares = distances.iter().fold(constant(0.0), |sum, &x| x.mul_add(x, sum));
            squares / constant(x.len() as f64)
        }
        Reduction::Max => {
            let largest = x.iter().map(|x| x.value()).fold(f64::NEG_INFINITY, f64::max);
            let chosen =
                x.iter().map(|&x| x * constant(decisions.decide(|| f64::from(x.value() == largest))));
            chosen.fold(constant(0.0), |sum, x| sum + x)
        }
    }
}

fn scan<N: Number>(kind: Scan, x: &Operand<'_, N>, axis: usize, constant: &impl Fn(f64) -> N) -> Vec<N> {
    let kept: Vec<usize> = x.shape.iter().enumerate().map(|(k, &n)| if k == axis { 1 } else { n }).collect();
    let mut out = x.data.to_vec();
    for row in group(x.shape, Some(axis), true, &kept) {
        let members: Vec<N> = row.iter().map(|&k| x.data[k]).collect();
        let powers = || members.iter().map(|x| x.unary(UnaryFn::Exp)).collect::<Vec<N>>();
        for (i, &k) in row.iter().enumerate() {
            out[k] = match kind {
                Scan::CumSum => sum(&members[..=i], constant),
                Scan::Softmax => powers()[i] / sum(&powers(), constant),
                Scan::LogSoftmax => members[i] - sum(&powers(), constant).unary(UnaryFn::Ln),
            };
        }
    }
    out
}
