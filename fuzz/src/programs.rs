//! Random programs on a tape: over every registered operation, scalars and tensors mixed, with the derivatives of both
//! modes compared.

use super::bytes::Bytes;
use super::readers::brief;
use gradcheck::registry::{Apply, Evaluate, Function, Kind, Operation, registry};
use std::cell::OnceCell;
use tape::{Error, Scalar, Tape, Tensor, Var};

/// The largest tensor of a program: larger ones take time and show nothing new.
const ELEMENTS: usize = 512;

/// The error allowed to a derivative, relative to the product of the largest value, adjoint and tangent on the way: the
/// terms of which the derivative of an operation is a sum are products of these.
const TOLERANCE: f64 = 1e-10;

/// An operation, whatever its operands.
enum Instruction {
    /// A function of one or two scalars, or elementwise of tensors.
    Elementwise { f: Box<dyn Function>, operands: usize },
    /// An operation on tensors.
    Tensor { op: Box<dyn Operation>, operands: usize },
}

/// Every registered operation, with all its parameters.
fn instructions() -> Vec<Instruction> {
    let mut all = Vec::new();
    for entry in registry() {
        match entry.kind {
            Kind::Unary(functions) => {
                all.extend(functions.into_iter().map(|(f, _)| Instruction::Elementwise { f, operands: 1 }));
            }
            Kind::Binary(f, _) => all.push(Instruction::Elementwise { f, operands: 2 }),
            Kind::Tensor(cases) => all.extend(
                cases
                    .into_iter()
                    .map(|case| Instruction::Tensor { op: case.op, operands: case.operands.len() }),
            ),
            // Made of the others; the registry of operations has none.
            Kind::Composition(_) => {}
        }
    }
    all
}

thread_local! {
    static INSTRUCTIONS: OnceCell<Vec<Instruction>> = const { OnceCell::new() };
}

/// A number: most are small and short, some are at the limits.
fn number(bytes: &mut Bytes<'_>) -> f64 {
    let byte = bytes.byte();
    match byte {
        0..=5 => [0.0, -0.0, 1.0, 1e300, 5e-324, f64::INFINITY][usize::from(byte)],
        6 => f64::NAN,
        _ => (f64::from(byte) - 130.0) / 32.0,
    }
}

/// A tensor of up to three axes.
fn tensor(bytes: &mut Bytes<'_>) -> Tensor {
    let shape: Vec<usize> = (0..bytes.below(4)).map(|_| [1, 2, 3, 4, 2, 3, 5, 0][bytes.below(8)]).collect();
    Tensor::from_fn(shape, |_| number(bytes))
}

/// The values of a program so far.
struct Program<'t> {
    tape: &'t Tape,
    tensors: Vec<Var<'t>>,
    scalars: Vec<Scalar<'t>>,
}

impl<'t> Program<'t> {
    fn tensor(&self, bytes: &mut Bytes<'_>) -> Var<'t> {
        self.tensors[bytes.below(self.tensors.len())]
    }

    fn scalar(&self, bytes: &mut Bytes<'_>) -> Scalar<'t> {
        self.scalars[bytes.below(self.scalars.len())]
    }

    /// Records one instruction; a refusal must be an error of the tape that fits on a screen.
    fn step(&mut self, instructions: &[Instruction], bytes: &mut Bytes<'_>) {
        let choice = usize::from(bytes.byte()) | usize::from(bytes.byte()) << 8;
        match choice & 7 {
            0 => self.scalars.push(self.tensor(bytes).sum()),
            1 => {
                let count = 1 + bytes.below(4);
                let entries: Vec<Scalar<'t>> = (0..count).map(|_| self.scalar(bytes)).collect();
                self.tensors.push(self.tape.vector(&entries));
            }
            kind => match &instructions[(choice >> 3) % instructions.len()] {
                Instruction::Elementwise { f, operands } if kind < 4 => {
                    let x: Vec<Scalar<'t>> = (0..*operands).map(|_| self.scalar(bytes)).collect();
                    self.scalars.push(Evaluate::<f64>::scalar(f.as_ref(), &x));
                }
                Instruction::Elementwise { f, operands } => {
                    let x: Vec<Var<'t>> = (0..*operands).map(|_| self.tensor(bytes)).collect();
                    self.keep(Apply::<f64>::try_record(f.as_ref(), &x));
                }
                Instruction::Tensor { op, operands } => {
                    let x: Vec<Var<'t>> = (0..*operands).map(|_| self.tensor(bytes)).collect();
                    self.keep(Apply::<f64>::try_record(op.as_ref(), &x));
                }
            },
        }
    }

    fn keep(&mut self, recorded: Result<Var<'t>, Error>) {
        match recorded {
            Ok(y) if y.shape().size() <= ELEMENTS => self.tensors.push(y),
            Ok(_) => {}
            Err(error) => brief(&error),
        }
    }
}

/// Returns `true` if all numbers are finite.
fn finite(numbers: &[f64]) -> bool {
    numbers.iter().all(|x| x.is_finite())
}

/// The elements of tensors and scalars, in order.
fn flat((tensors, scalars): &(Vec<Tensor>, Vec<f64>)) -> Vec<f64> {
    tensors.iter().flat_map(Tensor::to_vec).chain(scalars.iter().copied()).collect()
}

/// A list of instructions: it records, or each refusal is an error; gradients have the shapes of their leaves, and the
/// reverse sweep, the recorded gradient and the forward sweep agree.
pub fn tape_program(data: &[u8]) {
    INSTRUCTIONS.with(|cell| record(cell.get_or_init(instructions), &mut Bytes(data)));
}

fn record(instructions: &[Instruction], bytes: &mut Bytes<'_>) {
    let tape = Tape::new();
    let tensors: Vec<Var<'_>> = (0..1 + bytes.below(3)).map(|_| tape.var(tensor(bytes))).collect();
    let scalars: Vec<Scalar<'_>> = (0..1 + bytes.below(3)).map(|_| tape.scalar(number(bytes))).collect();
    let leaves = (tensors.clone(), scalars.clone());
    let mut program = Program { tape: &tape, tensors, scalars };
    for _ in 0..16 {
        if bytes.0.is_empty() {
            break;
        }
        program.step(instructions, bytes);
    }
    let nodes = (program.tensors.clone(), program.scalars.clone());
    let ends = nodes.0.iter().map(|x| x.sum()).chain(nodes.1.iter().copied());
    let loss = ends.fold(tape.scalar_constant(0.0), |sum, end| sum + end);

    // Some derivatives do not exist at some points, such as that of a determinant's logarithm at a singular matrix.
    let gradient = match loss.try_backward() {
        Ok(gradients) => gradients.wrt(leaves.clone()),
        Err(error) => return brief(&error),
    };
    for (leaf, gradient) in leaves.0.iter().zip(&gradient.0) {
        assert_eq!(leaf.shape(), *gradient.shape());
    }
    let mut steps = [1.0, -0.5, 0.25, -2.0].into_iter().cycle();
    let mut step = move || steps.next().unwrap_or(1.0);
    let towards = leaves.0.iter().map(|x| Tensor::from_fn(x.shape(), |_| step())).collect::<Vec<_>>();
    let direction = (towards, leaves.1.iter().map(|_| step()).collect::<Vec<f64>>());
    let values = (
        nodes.0.iter().map(|x| x.value()).collect::<Vec<_>>(),
        nodes.1.iter().map(|x| x.value()).collect::<Vec<_>>(),
    );
    let values = flat(&values);
    let tangents = flat(&tape.jvp(nodes.clone(), leaves.clone(), direction.clone()));
    let tangent = loss.jvp(leaves.clone(), direction.clone());
    let adjoints = flat(&loss.backward_all().wrt(nodes));
    let recorded = loss.grad(leaves);
    let recorded =
        (recorded.0.iter().map(|x| x.value()).collect(), recorded.1.iter().map(|x| x.value()).collect());
    let (gradient, recorded, direction) = (flat(&gradient), flat(&recorded), flat(&direction));
    if !(finite(&tangents)
        && finite(&adjoints)
        && finite(&gradient)
        && finite(&recorded)
        && tangent.is_finite())
    {
        return;
    }
    let inner = |a: &[f64]| a.iter().zip(&direction).map(|(a, b)| a * b).sum::<f64>();
    let largest = |numbers: &[f64]| numbers.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
    let scale = largest(&values) * largest(&tangents) * largest(&adjoints);
    // Of infinite values the derivatives may be finite, but nothing bounds their errors.
    if !scale.is_finite() {
        return;
    }
    for (mode, found) in [("the recorded gradient", inner(&recorded)), ("the tangent", tangent)] {
        let expected = inner(&gradient);
        assert!(
            (found - expected).abs() <= TOLERANCE * scale,
            "{mode}: {found}, the reverse sweep: {expected}, scale {scale}\n{}",
            tape.view().to_dot()
        );
    }
}
