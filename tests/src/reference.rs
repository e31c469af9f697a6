//! Reference numbers: files of cases that this project did not compute (see `tests/reference/README.md`), and how
//! closely ours must agree.

use serde_json::Value;
use std::fs;
use std::path::Path;
use tape::{Axes, Tensor};

/// Relative agreement. The references are rounded once, an operation a few times.
pub const RELATIVE: f64 = 1e-12;

/// Numbers below this part of the largest of their tensor are differences of larger ones: they are compared with
/// the largest.
pub const CANCELLED: f64 = 1e-4;

/// One line of a reference file.
pub struct Case {
    /// The name of the operation.
    pub op: String,
    /// Its parameters.
    pub attrs: Value,
    /// The operands.
    pub inputs: Vec<Tensor>,
    /// The cotangent of the result.
    pub cotangent: Option<Tensor>,
    /// The result.
    pub output: Tensor,
    /// The cotangents of the operands.
    pub grads: Vec<Option<Tensor>>,
}

/// A number, `NaN` or an infinity.
pub fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("NaN") => f64::NAN,
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        Some(text) => panic!("{text} is not a number"),
        None => value.as_f64().expect("a number"),
    }
}

/// A tensor of a shape and its data.
pub fn tensor(value: &Value) -> Option<Tensor> {
    let list = |key: &str| value.get(key)?.as_array();
    let shape: Vec<usize> = list("shape")?.iter().map(|n| n.as_u64().expect("an extent") as usize).collect();
    let data = list("data")?.iter().map(number).collect();
    Some(Tensor::from_vec(shape, data).expect("a tensor as its shape says"))
}

/// The cases of a file.
pub fn cases(file: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/data").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let parsed: Value = serde_json::from_str(&text).expect("a JSON array");
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let case = |case: &Value| Case {
        op: case["op"].as_str().expect("a name").to_owned(),
        attrs: case["attrs"].clone(),
        inputs: list(&case["inputs"]).iter().map(|x| tensor(x).expect("an operand")).collect(),
        cotangent: tensor(&case["cotangent"]),
        output: tensor(&case["output"]).expect("a result"),
        grads: list(&case["grads"]).iter().map(tensor).collect(),
    };
    list(&parsed).iter().map(case).collect()
}

impl Case {
    /// A parameter that is a number.
    pub fn get(&self, key: &str) -> f64 {
        number(&self.attrs[key])
    }

    /// A parameter that is a whole number.
    pub fn int(&self, key: &str) -> isize {
        self.attrs[key].as_i64().expect("a whole number") as isize
    }

    /// A parameter that is true or false.
    pub fn flag(&self, key: &str) -> bool {
        self.attrs[key].as_bool().expect("true or false")
    }

    /// A list of whole numbers.
    pub fn ints(&self, key: &str) -> Vec<isize> {
        let list = self.attrs[key].as_array().expect("a list");
        list.iter().map(|n| n.as_i64().expect("a whole number") as isize).collect()
    }

    /// A list of sizes.
    pub fn sizes(&self, key: &str) -> Vec<usize> {
        self.ints(key).into_iter().map(|n| n as usize).collect()
    }

    /// The axes, all if there are none.
    pub fn axes(&self) -> Axes {
        if self.attrs["axes"].is_null() { Axes::all() } else { Axes::from(&self.ints("axes")[..]) }
    }

    /// The mask, as zeros and ones.
    pub fn mask(&self) -> Tensor {
        let flags = self.attrs["mask"].as_array().expect("a mask").iter();
        let data = flags.map(|flag| f64::from(u8::from(flag.as_bool().expect("a flag")))).collect();
        Tensor::from_vec(self.sizes("mask_shape"), data).expect("a mask as its shape says")
    }

    /// How far ours is from the reference, in the measure of [`RELATIVE`].
    ///
    /// # Panics
    /// If it is too far.
    pub fn distance(&self, what: &str, ours: &Tensor, reference: &Tensor, terms: &[f64]) -> f64 {
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
                distance <= RELATIVE,
                "{} {}: {what}[{i}] is {a:e}, the reference {b:e}: relative distance {distance:.1e}",
                self.op,
                self.attrs,
            );
            worst = worst.max(distance);
        }
        worst
    }
}
