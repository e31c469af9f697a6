//! Numbers that this project did not compute, and comparing with them: see `tests/reference/README.md`.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tape::{Axes, Tape, Tensor, Var};

/// Numbers below this part of the largest of their tensor are differences of larger ones: they are compared with
/// the largest.
const CANCELLED: f64 = 1e-4;

/// How many cases of each operation were compared, with the largest distance.
pub type Compared = BTreeMap<String, (usize, f64)>;

/// One line of a reference file.
#[derive(Clone, Debug)]
pub struct Case {
    /// The operation.
    pub op: String,
    /// Its attributes.
    pub attrs: Value,
    /// The operands.
    pub inputs: Vec<Tensor>,
    /// The cotangent of the result, if there are gradients.
    pub cotangent: Option<Tensor>,
    /// The result.
    pub output: Tensor,
    /// The gradients of the operands.
    pub grads: Vec<Option<Tensor>>,
}

/// A number, which may be no finite one.
pub fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("NaN") => f64::NAN,
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        Some(text) => panic!("{text} is not a number"),
        None => value.as_f64().expect("a number"),
    }
}

/// A tensor from its shape and its data.
pub fn tensor(value: &Value) -> Option<Tensor> {
    let list = |key: &str| value.get(key)?.as_array();
    let shape: Vec<usize> = list("shape")?.iter().map(|n| n.as_u64().expect("an extent") as usize).collect();
    let data = list("data")?.iter().map(number).collect();
    Some(Tensor::from_vec(shape, data).expect("a tensor as its shape says"))
}

/// Zeros and ones of a mask of truth values.
pub fn flags(value: &Value) -> Tensor {
    let list = |key: &str| value[key].as_array().expect("a list").clone();
    let shape: Vec<usize> = list("shape").iter().map(|n| n.as_u64().expect("an extent") as usize).collect();
    let flag = |flag: &Value| f64::from(u8::from(flag.as_bool().expect("true or false")));
    Tensor::from_vec(shape, list("data").iter().map(flag).collect()).expect("a mask as its shape says")
}

/// The lines of one file.
pub fn json(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/data").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("a JSON array")
}

/// The cases of one file of operations.
pub fn cases(file: &str) -> Vec<Case> {
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let case = |case: &Value| Case {
        op: case["op"].as_str().expect("a name").to_owned(),
        attrs: case["attrs"].clone(),
        inputs: list(&case["inputs"]).iter().map(|x| tensor(x).expect("an operand")).collect(),
        cotangent: tensor(&case["cotangent"]),
        output: tensor(&case["output"]).expect("a result"),
        grads: list(&case["grads"]).iter().map(tensor).collect(),
    };
    json(file).iter().map(case).collect()
}

impl Case {
    /// A number among the attributes.
    pub fn get(&self, key: &str) -> f64 {
        number(&self.attrs[key])
    }

    /// A whole number among the attributes.
    pub fn int(&self, key: &str) -> isize {
        self.attrs[key].as_i64().expect("a whole number") as isize
    }

    /// A flag among the attributes.
    pub fn flag(&self, key: &str) -> bool {
        self.attrs[key].as_bool().expect("true or false")
    }

    /// Whole numbers among the attributes.
    pub fn ints(&self, key: &str) -> Vec<isize> {
        let list = self.attrs[key].as_array().expect("a list");
        list.iter().map(|n| n.as_i64().expect("a whole number") as isize).collect()
    }

    /// Extents among the attributes.
    pub fn sizes(&self, key: &str) -> Vec<usize> {
        self.ints(key).into_iter().map(|n| n as usize).collect()
    }

    /// The axes of a reduction.
    pub fn axes(&self) -> Axes {
        if self.attrs["axes"].is_null() { Axes::all() } else { Axes::from(&self.ints("axes")[..]) }
    }

    /// The mask of a choice.
    pub fn mask(&self) -> Tensor {
        let flags = self.attrs["mask"].as_array().expect("a mask").iter();
        let data = flags.map(|flag| f64::from(u8::from(flag.as_bool().expect("a flag")))).collect();
        Tensor::from_vec(self.sizes("mask_shape"), data).expect("a mask as its shape says")
    }

    /// Positions as numbers, in the shape of the reference.
    pub fn positions<'t>(&self, positions: Vec<usize>, like: Var<'t>) -> Var<'t> {
        let data = positions.into_iter().map(|n| n as f64).collect();
        let found = Tensor::from_vec(self.output.shape(), data).expect("as many positions as the reference");
        like.tape().constant(found)
    }

    /// Compares value and gradients; says how far apart they are.
    fn check(
        &self,
        relative: f64,
        apply: impl for<'t> Fn(&Case, &[Var<'t>]) -> Option<Var<'t>>,
    ) -> Option<f64> {
        let tape = Tape::new();
        let x: Vec<Var<'_>> = self.inputs.iter().map(|x| tape.var(x.clone())).collect();
        let y = apply(self, &x)?;
        let mut worst = self.distance("value", relative, &y.value(), &self.output, &[]);
        if let Some(ct) = &self.cotangent {
            let grads = y.vjp(ct.clone());
            for (k, (&x, expected)) in x.iter().zip(&self.grads).enumerate() {
                if let Some(expected) = expected {
                    let what = format!("gradient of operand {k}");
                    worst =
                        worst.max(self.distance(&what, relative, &grads.wrt(x), expected, &self.terms(ct)));
                }
            }
        }
        Some(worst)
    }

    /// The size of the terms of which each gradient is a difference, where that is known: the derivative of the
    /// softmax, `y (ȳ - Σ y ȳ)`, cancels where one probability is nearly 1, and so does `s y (1 - y)` of a sigmoid of
    /// `s x + c`, as its layer computes it.
    fn terms(&self, ct: &Tensor) -> Vec<f64> {
        let largest = ct.to_vec().into_iter().fold(0.0f64, |max, ct| max.max(ct.abs()));
        match self.op.as_str() {
            "softmax" => self.output.to_vec().into_iter().map(|y| y * largest).collect(),
            "sigmoid_scaled" => {
                let slope = self.get("slope").abs();
                self.output.to_vec().into_iter().map(|y| slope * y * largest).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The largest relative distance of `ours` from the reference; panics above `relative`. `terms` are the sizes of the
    /// terms of which an element is a difference, where they are known.
    pub fn distance(
        &self,
        what: &str,
        relative: f64,
        ours: &Tensor,
        reference: &Tensor,
        terms: &[f64],
    ) -> f64 {
        assert_eq!(ours.shape(), reference.shape(), "{} {}: shape of the {what}", self.op, self.attrs);
        let (ours, reference) = (ours.to_vec(), reference.to_vec());
        let finite = reference.iter().filter(|x| x.is_finite());
        let largest = finite.fold(0.0f64, |max, x| max.max(x.abs()));
        let mut worst = 0.0f64;
        for (i, (a, b)) in ours.iter().zip(&reference).enumerate() {
            let same = a == b || a.is_nan() && b.is_nan();
            let distance = if same {
                0.0
            } else {
                (a - b).abs() / b.abs().max(CANCELLED * largest).max(terms.get(i).copied().unwrap_or(0.0))
            };
            assert!(
                distance <= relative,
                "{} {}: {what}[{i}] is {a:e}, the reference {b:e}: relative distance {distance:.1e}",
                self.op,
                self.attrs,
            );
            worst = worst.max(distance);
        }
        worst
    }
}

/// Runs a file, with a relative agreement and the operation of each case, and returns how many cases of each operation
/// were compared, with the largest distance.
pub fn run(
    file: &str,
    relative: impl Fn(&Case) -> f64,
    apply: impl for<'t> Fn(&Case, &[Var<'t>]) -> Option<Var<'t>>,
) -> Compared {
    let mut compared = Compared::new();
    for case in cases(file) {
        if let Some(distance) = case.check(relative(&case), &apply) {
            let (count, worst) = compared.entry(case.op.clone()).or_default();
            *count += 1;
            *worst = worst.max(distance);
        }
    }
    for (op, (count, worst)) in &compared {
        println!("{op}: {count} cases, largest relative distance {worst:.1e}");
    }
    compared
}

/// Checks that this many operations were compared, each in three cases or more.
pub fn at_least_three(compared: &Compared, operations: usize) {
    assert_eq!(compared.len(), operations, "operations compared: {:?}", compared.keys());
    for (op, (count, _)) in compared {
        assert!(*count >= 3, "{op} is compared in {count} cases only");
    }
}
