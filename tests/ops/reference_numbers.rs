//! Every operation against numbers that this project did not compute: see `tests/reference/README.md`.

use serde_json::Value;
use tape::{Index, PadMode, Var};
use tests::reference::{self, Case, Compared, at_least_three};

#[path = "reference_numbers/shapes.rs"]
mod shapes;

/// Relative agreement. The references are rounded once, an operation a few times.
const RELATIVE: f64 = 1e-12;

/// Operations of the files that come with a later part of the work; none of them may be in the tree already.
const LATER: &[&str] = &[];

/// The names of the operations in the files.
trait Apply {
    fn apply<'t>(&self, x: &[Var<'t>]) -> Option<Var<'t>>;
}

fn index(case: &Case) -> Index {
    let index = &case.attrs["index"];
    let list = |key: &str| -> Vec<usize> {
        let list = index[key].as_array().expect("a list").iter();
        list.map(|n| n.as_u64().expect("a whole number") as usize).collect()
    };
    Index::new(list("shape"), list("data")).expect("an index as its shape says")
}

fn signed_widths(case: &Case) -> Vec<(isize, isize)> {
    let width = |pair: &Value, side: usize| pair[side].as_i64().expect("a width") as isize;
    let list = case.attrs["widths"].as_array().expect("a list").iter();
    list.map(|pair| (width(pair, 0), width(pair, 1))).collect()
}

fn widths(case: &Case) -> Vec<(usize, usize)> {
    signed_widths(case).into_iter().map(|(before, after)| (before as usize, after as usize)).collect()
}

fn pad_mode(case: &Case) -> PadMode {
    match case.attrs["mode"].as_str() {
        Some("reflect") => PadMode::Reflect,
        Some("replicate") => PadMode::Replicate,
        Some("circular") => PadMode::Circular,
        _ => PadMode::Constant(case.get("value")),
    }
}

fn topk<'t>(case: &Case, x: Var<'t>) -> (Var<'t>, Index) {
    x.topk(case.int("k") as usize, case.int("axis"), case.flag("largest"))
}

impl Apply for Case {
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
            "var" => a.variance_axes(self.axes(), self.int("ddof") as usize, self.flag("keepdim")),
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
            "pad" => a.pad(widths(self), pad_mode(self)),
            "flip" => a.flip(self.axes()),
            "roll" => a.roll(self.int("shift"), self.int("axis")),
            "repeat" => a.repeat(self.sizes("reps")),
            "tile" => a.tile(self.sizes("reps")),
            "repeat_interleave" => a.repeat_interleave(self.int("n") as usize, self.int("axis")),
            "gather" => a.gather(self.int("axis"), index(self)),
            "scatter" => a.scatter(b(), self.int("axis"), index(self)),
            "scatter_add" => a.scatter_add(b(), self.int("axis"), index(self)),
            "index_select" => a.index_select(self.int("axis"), self.sizes("indices")),
            "take" => a.take(index(self)),
            "sort" => a.sort(self.int("axis"), self.flag("descending")).0,
            "argsort" => a.tape().constant(a.argsort(self.int("axis"), self.flag("descending")).to_tensor()),
            "topk" => topk(self, a).0,
            "topk_indices" => a.tape().constant(topk(self, a).1.to_tensor()),
            "diag" => a.diag(self.int("offset")),
            "trace" => a.trace().to_var(),
            "tril" => a.tril(self.int("k")),
            "triu" => a.triu(self.int("k")),
            "unfold" => a.unfold(self.int("axis"), self.int("size") as usize, self.int("step") as usize),
            _ => return shapes::apply(self, x),
        })
    }
}

/// Runs a file.
fn run(file: &str) -> Compared {
    reference::run(file, |_| RELATIVE, |case, x| case.apply(x))
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
    at_least_three(&run("shape.json"), 50);
}

#[test]
fn what_comes_later_is_not_there_yet() {
    let registered: Vec<&str> = gradcheck::registry::registry().iter().map(|entry| entry.name).collect();
    let present: Vec<&&str> = LATER.iter().filter(|op| registered.contains(op)).collect();
    assert!(present.is_empty(), "in the tree, but not compared: {present:?}");
}
