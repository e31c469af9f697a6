//! Every operation against numbers that this project did not compute: see `tests/reference/README.md`.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tape::{Axes, Index, PadMode, Tape, Tensor, Var};

/// Relative agreement. The references are rounded once, an operation a few times.
const RELATIVE: f64 = 1e-12;

/// Numbers below this part of the largest of their tensor are differences of larger ones: they are compared with
/// the largest.
const CANCELLED: f64 = 1e-4;

/// Operations of the files that come with a later part of the work; none of them may be in the tree already.
const LATER: &[&str] = &[];

/// One line of a reference file.
struct Case {
    op: String,
    attrs: Value,
    inputs: Vec<Tensor>,
    cotangent: Option<Tensor>,
    output: Tensor,
    grads: Vec<Option<Tensor>>,
}

fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("NaN") => f64::NAN,
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        Some(text) => panic!("{text} is not a number"),
        None => value.as_f64().expect("a number"),
    }
}

fn tensor(value: &Value) -> Option<Tensor> {
    let list = |key: &str| value.get(key)?.as_array();
    let shape: Vec<usize> = list("shape")?.iter().map(|n| n.as_u64().expect("an extent") as usize).collect();
    let data = list("data")?.iter().map(number).collect();
    Some(Tensor::from_vec(shape, data).expect("a tensor as its shape says"))
}

fn cases(file: &str) -> Vec<Case> {
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
    fn get(&self, key: &str) -> f64 {
        number(&self.attrs[key])
    }

    fn int(&self, key: &str) -> isize {
        self.attrs[key].as_i64().expect("a whole number") as isize
    }

    fn flag(&self, key: &str) -> bool {
        self.attrs[key].as_bool().expect("true or false")
    }

    fn ints(&self, key: &str) -> Vec<isize> {
        let list = self.attrs[key].as_array().expect("a list");
        list.iter().map(|n| n.as_i64().expect("a whole number") as isize).collect()
    }

    fn sizes(&self, key: &str) -> Vec<usize> {
        self.ints(key).into_iter().map(|n| n as usize).collect()
    }

    fn axes(&self) -> Axes {
        if self.attrs["axes"].is_null() { Axes::all() } else { Axes::from(&self.ints("axes")[..]) }
    }

    fn mask(&self) -> Tensor {
        let flags = self.attrs["mask"].as_array().expect("a mask").iter();
        let data = flags.map(|flag| f64::from(u8::from(flag.as_bool().expect("a flag")))).collect();
        Tensor::from_vec(self.sizes("mask_shape"), data).expect("a mask as its shape says")
    }

    fn index(&self) -> Index {
        let index = &self.attrs["index"];
        let list = |key: &str| -> Vec<usize> {
            let list = index[key].as_array().expect("a list").iter();
            list.map(|n| n.as_u64().expect("a whole number") as usize).collect()
        };
        Index::new(list("shape"), list("data")).expect("an index as its shape says")
    }

    fn widths(&self) -> Vec<(usize, usize)> {
        let width = |pair: &Value, side: usize| pair[side].as_u64().expect("a width") as usize;
        let list = self.attrs["widths"].as_array().expect("a list").iter();
        list.map(|pair| (width(pair, 0), width(pair, 1))).collect()
    }

    fn pad_mode(&self) -> PadMode {
        match self.attrs["mode"].as_str() {
            Some("reflect") => PadMode::Reflect,
            Some("replicate") => PadMode::Replicate,
            _ => PadMode::Constant(self.get("value")),
        }
    }

    fn topk<'t>(&self, x: Var<'t>) -> (Var<'t>, Index) {
        x.topk(self.int("k") as usize, self.int("axis"), self.flag("largest"))
    }

    /// The result on a tape, or nothing for an operation that comes later.
    fn apply<'t>(&self, x: &[Var<'t>]) -> Option<Var<'t>> {
        let a = x[0];
        let b = || x[1];
        Some(match self.op.as_str() {
            "neg" => -a,
            "abs" => a.abs(),
            "sign" => a.sign(),
            "recip" => a.recip(),
            "square" => a.square(),
            "cube" => a.cube(),
            "sqrt" => a.sqrt(),
            "rsqrt" => a.rsqrt(),
            "cbrt" => a.cbrt(),
            "exp" => a.exp(),
            "exp2" => a.exp2(),
            "expm1" => a.expm1(),
            "ln" => a.ln(),
            "log2" => a.log2(),
            "log10" => a.log10(),
            "log1p" => a.log1p(),
            "sin" => a.sin(),
            "cos" => a.cos(),
            "tan" => a.tan(),
            "asin" => a.asin(),
            "acos" => a.acos(),
            "atan" => a.atan(),
            "sinh" => a.sinh(),
            "cosh" => a.cosh(),
            "tanh" => a.tanh(),
            "asinh" => a.asinh(),
            "acosh" => a.acosh(),
            "atanh" => a.atanh(),
            "sinc" => a.sinc(),
            "sigmoid" => a.sigmoid(),
            "sigmoid_scaled" => a.sigmoid_scaled(self.get("slope"), self.get("offset")),
            "log_sigmoid" => a.log_sigmoid(),
            "softplus" => a.softplus(),
            "relu" => a.relu(),
            "leaky_relu" => a.leaky_relu(self.get("slope")),
            "elu" => a.elu(self.get("alpha")),
            "selu" => a.selu(),
            "gelu" if self.attrs["approximate"] == "tanh" => a.gelu_tanh(),
            "gelu" => a.gelu(),
            "silu" => a.silu(),
            "mish" => a.mish(),
            "hard_tanh" | "clamp" => a.clamp(self.get("lo"), self.get("hi")),
            "erf" => a.erf(),
            "erfc" => a.erfc(),
            "lgamma" => a.lgamma(),
            "digamma" => a.digamma(),
            "floor" => a.floor(),
            "ceil" => a.ceil(),
            "round" => a.round(),
            "powi" => a.powi(self.int("n") as i32),
            "powf" => a.powf(self.get("p")),
            "rsub_const" => self.get("c") - a,
            "rdiv_const" => self.get("c") / a,
            "rpow_const" => a.rpow(self.get("c")),
            "add_const" => a + self.get("c"),
            "sub_const" => a - self.get("c"),
            "mul_const" => a * self.get("c"),
            "div_const" => a / self.get("c"),
            "add" => a + b(),
            "sub" => a - b(),
            "mul" => a * b(),
            "div" => a / b(),
            "pow" => a.pow(b()),
            "atan2" => a.atan2(b()),
            "hypot" => a.hypot(b()),
            "minimum" => a.minimum(b()),
            "maximum" => a.maximum(b()),
            "logaddexp" => a.logaddexp(b()),
            "where" => Var::select(&self.mask(), a, b()),
            "masked_fill" => a.masked_fill(&self.mask(), self.get("value")),
            "sum" => a.sum_axes(self.axes(), self.flag("keepdim")),
            "mean" => a.mean_axes(self.axes(), self.flag("keepdim")),
            "prod" => a.prod_axes(self.axes(), self.flag("keepdim")),
            "max" => a.max_axes(self.axes(), self.flag("keepdim")),
            "min" => a.min_axes(self.axes(), self.flag("keepdim")),
            "logsumexp" => a.logsumexp_axes(self.axes(), self.flag("keepdim")),
            "var" => a.var_axes(self.axes(), self.int("ddof") as usize, self.flag("keepdim")),
            "std" => a.std_axes(self.axes(), self.int("ddof") as usize, self.flag("keepdim")),
            "norm" => a.norm_axes(self.get("p"), self.axes(), self.flag("keepdim")),
            "softmax" => a.softmax(self.int("axis")),
            "log_softmax" => a.log_softmax(self.int("axis")),
            "cumsum" => a.cumsum(self.int("axis")),
            "cumprod" => a.cumprod(self.int("axis")),
            "argmax" if self.attrs["axis"].is_null() => self.positions(vec![a.argmax()], a),
            "argmin" if self.attrs["axis"].is_null() => self.positions(vec![a.argmin()], a),
            "argmax" => self.positions(a.argmax_axis(self.int("axis")), a),
            "argmin" => self.positions(a.argmin_axis(self.int("axis")), a),
            "reshape" => a.reshape(self.sizes("shape")),
            "transpose" => a.permute(&self.ints("axes")[..]),
            "broadcast_to" => a.broadcast_to(self.sizes("shape")),
            "slice" => {
                let bounds = self.ints("start").into_iter().zip(self.ints("stop")).zip(self.sizes("step"));
                bounds.enumerate().fold(a, |x, (axis, ((start, stop), step))| {
                    x.slice_step(axis as isize, start..stop, step)
                })
            }
            "concat" => a.tape().concat(x, self.int("axis")),
            "stack" => a.tape().stack(x, self.int("axis")),
            "split" => a.split(&self.sizes("sizes"), self.int("axis"))[self.int("output") as usize],
            "chunk" => a.chunk(self.int("chunks") as usize, self.int("axis"))[self.int("output") as usize],
            "pad" => a.pad(self.widths(), self.pad_mode()),
            "flip" => a.flip(self.axes()),
            "roll" => a.roll(self.int("shift"), self.int("axis")),
            "repeat" => a.repeat(self.sizes("reps")),
            "tile" => a.tile(self.sizes("reps")),
            "repeat_interleave" => a.repeat_interleave(self.int("n") as usize, self.int("axis")),
            "gather" => a.gather(self.int("axis"), self.index()),
            "scatter" => a.scatter(b(), self.int("axis"), self.index()),
            "scatter_add" => a.scatter_add(b(), self.int("axis"), self.index()),
            "index_select" => a.index_select(self.int("axis"), self.sizes("indices")),
            "take" => a.take(self.index()),
            "sort" => a.sort(self.int("axis"), self.flag("descending")).0,
            "argsort" => a.tape().constant(a.argsort(self.int("axis"), self.flag("descending")).to_tensor()),
            "topk" => self.topk(a).0,
            "topk_indices" => a.tape().constant(self.topk(a).1.to_tensor()),
            "diag" => a.diag(self.int("offset")),
            "trace" => a.trace().to_var(),
            "tril" => a.tril(self.int("k")),
            "triu" => a.triu(self.int("k")),
            "unfold" => a.unfold(self.int("axis"), self.int("size") as usize, self.int("step") as usize),
            op if LATER.contains(&op) => return None,
            op => panic!("no operation is called {op}"),
        })
    }

    /// Positions as numbers, in the shape of the reference.
    fn positions<'t>(&self, positions: Vec<usize>, like: Var<'t>) -> Var<'t> {
        let data = positions.into_iter().map(|n| n as f64).collect();
        let found = Tensor::from_vec(self.output.shape(), data).expect("as many positions as the reference");
        like.tape().constant(found)
    }

    /// Compares value and gradients; says how far apart they are.
    fn check(&self) -> Option<f64> {
        let tape = Tape::new();
        let x: Vec<Var<'_>> = self.inputs.iter().map(|x| tape.var(x.clone())).collect();
        let y = self.apply(&x)?;
        let mut worst = self.distance("value", &y.value(), &self.output, &[]);
        if let Some(ct) = &self.cotangent {
            let grads = y.vjp(ct.clone());
            for (k, (&x, expected)) in x.iter().zip(&self.grads).enumerate() {
                if let Some(expected) = expected {
                    let what = format!("gradient of operand {k}");
                    worst = worst.max(self.distance(&what, &grads.wrt(x), expected, &self.terms(ct)));
                }
            }
        }
        Some(worst)
    }

    /// The size of the terms of which each gradient is a difference, where that is known: the derivative of the
    /// softmax, `y (ȳ - Σ y ȳ)`, cancels where one probability is nearly 1.
    fn terms(&self, ct: &Tensor) -> Vec<f64> {
        let largest = ct.to_vec().into_iter().fold(0.0f64, |max, ct| max.max(ct.abs()));
        match self.op.as_str() {
            "softmax" => self.output.to_vec().into_iter().map(|y| y * largest).collect(),
            _ => Vec::new(),
        }
    }

    fn distance(&self, what: &str, ours: &Tensor, reference: &Tensor, terms: &[f64]) -> f64 {
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

/// Runs a file and returns how many cases of each operation were compared, with the largest distance.
fn run(file: &str) -> BTreeMap<String, (usize, f64)> {
    let mut compared: BTreeMap<String, (usize, f64)> = BTreeMap::new();
    for case in cases(file) {
        if let Some(distance) = case.check() {
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

fn at_least_three(compared: &BTreeMap<String, (usize, f64)>, operations: usize) {
    assert_eq!(compared.len(), operations, "operations compared: {:?}", compared.keys());
    for (op, (count, _)) in compared {
        assert!(*count >= 3, "{op} is compared in {count} cases only");
    }
}

#[test]
fn elementwise_functions_agree() {
    at_least_three(&run("ops.json"), 69);
}

#[test]
fn reductions_and_scans_agree() {
    at_least_three(&run("reductions.json"), 15);
}

#[test]
fn shape_operations_agree() {
    at_least_three(&run("shape.json"), 29);
}

#[test]
fn what_comes_later_is_not_there_yet() {
    let registered: Vec<&str> = tape::registry::registry().iter().map(|entry| entry.name).collect();
    let present: Vec<&&str> = LATER.iter().filter(|op| registered.contains(op)).collect();
    assert!(present.is_empty(), "in the tree, but not compared: {present:?}");
}
