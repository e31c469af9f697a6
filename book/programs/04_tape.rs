use std::cell::RefCell;
use std::ops::{Add, Div, Mul, Sub};

/// A list of nodes: for each, its operands and the local derivatives.
#[derive(Default)]
pub struct SmallTape {
    nodes: RefCell<Vec<Vec<(usize, f64)>>>,
}

/// A number on a tape.
#[derive(Clone, Copy)]
pub struct Number<'t> {
    tape: &'t SmallTape,
    /// The position of its node.
    pub index: usize,
    /// Its value.
    pub value: f64,
}

impl SmallTape {
    /// Records an input.
    pub fn leaf(&self, value: f64) -> Number<'_> {
        self.push(value, vec![])
    }

    fn push(&self, value: f64, operands: Vec<(usize, f64)>) -> Number<'_> {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(operands);
        Number { tape: self, index: nodes.len() - 1, value }
    }
}

impl<'t> Number<'t> {
    fn unary(self, value: f64, slope: f64) -> Number<'t> {
        self.tape.push(value, vec![(self.index, slope)])
    }

    fn binary(self, other: Number<'t>, value: f64, slopes: [f64; 2]) -> Number<'t> {
        self.tape.push(value, vec![(self.index, slopes[0]), (other.index, slopes[1])])
    }

    /// The exponential.
    pub fn exp(self) -> Number<'t> {
        self.unary(self.value.exp(), self.value.exp())
    }

    /// The natural logarithm.
    pub fn ln(self) -> Number<'t> {
        self.unary(self.value.ln(), 1.0 / self.value)
    }

    /// The derivatives with respect to all nodes: one sweep, last to first.
    pub fn backward(self) -> Vec<f64> {
        let nodes = self.tape.nodes.borrow();
        let mut cotangents = vec![0.0; nodes.len()];
        cotangents[self.index] = 1.0;
        for (index, operands) in nodes.iter().enumerate().rev() {
            for &(operand, slope) in operands {
                cotangents[operand] += cotangents[index] * slope;
            }
        }
        cotangents
    }
}

macro_rules! operator {
    ($Trait:ident $method:ident $op:tt, $slopes:expr) => {
        impl $Trait for Number<'_> {
            type Output = Self;
            fn $method(self, other: Self) -> Self {
                let (a, b) = (self.value, other.value);
                let slopes: fn(f64, f64) -> [f64; 2] = $slopes;
                self.binary(other, a $op b, slopes(a, b))
            }
        }
    };
}

operator!(Add add +, |_, _| [1.0, 1.0]);
operator!(Sub sub -, |_, _| [1.0, -1.0]);
operator!(Mul mul *, |a, b| [b, a]);
operator!(Div div /, |a, b| [1.0 / b, -a / (b * b)]);

fn main() {
    let tape = SmallTape::default();
    let (x, y) = (tape.leaf(2.0), tape.leaf(3.0));
    let z = (x * y + x) * y - (x / y).exp().ln();
    let gradient = z.backward();
    println!("small tape: {:.6} {:.6}", gradient[x.index], gradient[y.index]);

    let tape = tape::Tape::new();
    let (x, y) = (tape.scalar(2.0), tape.scalar(3.0));
    let z = (x * y + x) * y - (x / y).exp().ln();
    let gradient = z.backward();
    println!("the engine: {:.6} {:.6}", gradient.wrt(x), gradient.wrt(y));
}
