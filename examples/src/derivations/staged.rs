//! Backpropagation through a small language model with batch normalisation, one operation at a time: 26 values.
//!
//! A character model: three characters of context are looked up in a table of embeddings, joined, passed through a linear layer,
//! batch normalisation, tanh and another linear layer, and scored by softmax and cross-entropy. Every operation is a statement, so
//! that each closed form is one line and rounds as the engine does. The exercise is known from Andrej Karpathy's lectures; the
//! code, the names and the data are ours.
//!
//! The engine computes the slope of tanh as `1 - h²` where `|h| ≤ 1/2` and as `4 σ(2z) σ(-2z)` elsewhere, where `1 - h²` would lose
//! digits. To round alike, the closed form does the same.

use super::{Mistake, Mistakes, Planted, last_row, mistakes};
use gradcheck::Inputs;
use gradcheck::trace::{Derivation, Equation, Steps, Trace, TraceError, TraceReport};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tape::{Element, Scalar, Tensor};

/// Samples, characters of context, width of an embedding, hidden units, characters.
const SIZES: [usize; 5] = [12, 3, 4, 16, 9];

/// Added to the variance.
const EPSILON: f64 = 1e-5;

/// The exercise: the characters of the contexts, row by row, and the characters that follow.
#[derive(Clone, Debug)]
pub struct Exercise {
    contexts: Vec<usize>,
    targets: Tensor,
}

impl Exercise {
    fn samples<T: Element>(&self) -> T {
        T::from_usize(self.targets.shape()[0])
    }
}

impl Derivation for Exercise {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Scalar<'t, T> {
        let n: T = self.samples();
        let (over_n, over_less) = (T::ONE / n, T::ONE / (n - T::ONE));
        let looked_up = v["table"].index_select(0, &self.contexts[..]).named("looked_up");
        let joined = looked_up.reshape([SIZES[0], SIZES[1] * SIZES[2]]).named("joined");
        let pre = (joined.matmul(v["W1"]) + v["b1"]).named("pre");
        let mean = (pre.sum_axes(0, true) * over_n).named("mean");
        let dev = (pre - mean).named("dev");
        let dev2 = dev.square().named("dev2");
        let var = (dev2.sum_axes(0, true) * over_less).named("var");
        let inv_std = (var + T::from_f64(EPSILON)).rsqrt().named("inv_std");
        let normed = (dev * inv_std).named("normed");
        let act = (v["gain"] * normed + v["shift"]).named("act");
        let hidden = act.tanh().named("hidden");
        let logit = (hidden.matmul(v["W2"]) + v["b2"]).named("logit");
        let largest = logit.max_axes(1, true).named("largest");
        let shifted = (logit - largest).named("shifted");
        let power = shifted.exp().named("power");
        let total = power.sum_axes(1, true).named("total");
        let inv_total = total.recip().named("inv_total");
        let prob = (power * inv_total).named("prob");
        let logprob = prob.ln().named("logprob");
        let target = v.tape().constant(self.targets.cast::<T>());
        -((logprob * target).sum() * over_n)
    }

    fn derive<T: Element>(&self, d: &mut Steps<T>) {
        let n: T = self.samples();
        let (one, two) = (T::ONE, T::from_f64(2.0));
        let (over_n, over_less) = (one / n, one / (n - one));
        let target = self.targets.cast::<T>();
        let mut number = 0;
        let mut eq = |formula: &str| {
            number += 1;
            Equation::new(number.to_string(), formula)
        };
        d.step("logprob", eq("-1/n where the character follows, else 0"), |_| {
            target.map_elements(|t| t * -over_n)
        });
        d.step("prob", eq("∂logprob ∘ 1/prob"), |d| {
            d.gradient("logprob") * d.value("prob").map_elements(|p| one / p)
        });
        d.step("inv_total", eq("row sums of ∂prob ∘ power"), |d| {
            (d.gradient("prob") * d.value("power")).sum_axes(1, true)
        });
        d.step("total", eq("∂inv_total ∘ -inv_total²"), |d| {
            d.gradient("inv_total") * d.value("inv_total").map_elements(|y| -(y * y))
        });
        d.step("power", eq("∂prob ∘ inv_total + ∂total"), |d| {
            d.gradient("prob") * d.value("inv_total") + d.gradient("total")
        });
        d.step("shifted", eq("∂power ∘ power"), |d| d.gradient("power") * d.value("power"));
        d.step("largest", eq("-row sums of ∂shifted"), |d| -d.gradient("shifted").sum_axes(1, true));
        d.step("logit", eq("∂shifted + ∂largest where the row has its maximum"), |d| {
            let (logit, largest) = (d.value("logit"), d.value("largest"));
            let columns = logit.shape()[1];
            let at = |i: &[usize]| if logit.get(i) == largest.get([i[0], 0]) { one } else { T::ZERO };
            let here = Tensor::from_fn([logit.shape()[0], columns], at);
            d.gradient("shifted") + here * d.gradient("largest")
        });
        d.step("hidden", eq("∂logit W2ᵀ"), |d| d.gradient("logit").matmul(&d.value("W2").transpose()));
        d.step("W2", eq("hiddenᵀ ∂logit"), |d| {
            d.value("hidden").transpose().matmul(&d.gradient("logit"))
        });
        d.step("b2", eq("column sums of ∂logit"), |d| d.gradient("logit").sum_axes(0, false));
        d.step("act", eq("∂hidden ∘ (1 - hidden²)"), |d| {
            d.gradient("hidden") * tanh_slope(&d.value("act"), &d.value("hidden"))
        });
        d.step("gain", eq("column sums of ∂act ∘ normed"), |d| {
            (d.gradient("act") * d.value("normed")).sum_axes(0, true)
        });
        d.step("shift", eq("column sums of ∂act"), |d| d.gradient("act").sum_axes(0, true));
        d.step("normed", eq("∂act ∘ gain"), |d| d.gradient("act") * d.value("gain"));
        d.step("inv_std", eq("column sums of ∂normed ∘ dev"), |d| {
            (d.gradient("normed") * d.value("dev")).sum_axes(0, true)
        });
        d.step("var", eq("∂inv_std ∘ -½ inv_std / (var + ε)"), |d| {
            let y = d.value("inv_std");
            let x = d.value("var").map_elements(|v| v + T::from_f64(EPSILON));
            d.gradient("inv_std") * ((y / x) * T::from_f64(-0.5))
        });
        d.step("dev2", eq("∂var / (n - 1), in every row"), |d| {
            (d.gradient("var") * over_less).broadcast_to(d.value("dev2").shape())
        });
        d.step("dev", eq("∂normed ∘ inv_std + 2 ∂dev2 ∘ dev"), |d| {
            d.gradient("normed") * d.value("inv_std") + d.gradient("dev2") * (d.value("dev") * two)
        });
        d.step("mean", eq("-column sums of ∂dev"), |d| -d.gradient("dev").sum_axes(0, true));
        d.step("pre", eq("∂dev + ∂mean / n"), |d| d.gradient("dev") + d.gradient("mean") * over_n);
        d.step("joined", eq("∂pre W1ᵀ"), |d| d.gradient("pre").matmul(&d.value("W1").transpose()));
        d.step("W1", eq("joinedᵀ ∂pre"), |d| d.value("joined").transpose().matmul(&d.gradient("pre")));
        d.step("b1", eq("column sums of ∂pre"), |d| d.gradient("pre").sum_axes(0, false));
        d.step("looked_up", eq("∂joined in the shape of looked_up"), |d| {
            d.gradient("joined").reshape(d.value("looked_up").shape())
        });
        d.step("table", eq("each row of ∂looked_up added to its character"), |d| {
            Tensor::zeros(d.value("table").shape()).index_add(&d.gradient("looked_up"), 0, &self.contexts[..])
        });
    }
}

/// The slope of tanh as the engine computes it, so that both round alike.
fn tanh_slope<T: Element>(z: &Tensor<T>, h: &Tensor<T>) -> Tensor<T> {
    let (two, four) = (T::from_f64(2.0), T::from_f64(4.0));
    let tail = z.map_elements(|z| {
        let s = (-(two * z).abs()).sigmoid();
        four * (s * (T::ONE - s))
    });
    let middle = h.map_elements(|h| T::ONE - h * h);
    Tensor::from_fn(h.shape(), |i| {
        let square = h.get(i).map_or(T::ZERO, |h| h * h);
        let from = if square > T::from_f64(0.25) { &tail } else { &middle };
        from.get(i).unwrap_or(T::NAN)
    })
}

impl Mistakes for Exercise {
    fn wrong<T: Element>(&self, mistake: &str, d: &Steps<T>, right: Tensor<T>) -> Tensor<T> {
        let (one, n): (T, T) = (T::ONE, self.samples());
        match mistake {
            "logprob-sum" => right * n,
            "logprob-sign" | "total-sign" | "var-sign" | "mean-sign" => -right,
            "prob-slope" => d.gradient("logprob"),
            "prob-upstream" => d.value("prob").map_elements(|p| one / p),
            "inv_total-not-summed" => d.gradient("prob") * d.value("power"),
            "power-fork" => d.gradient("prob") * d.value("inv_total"),
            "power-last" => d.gradient("total").broadcast_to(right.shape()),
            "shifted-input" => d.gradient("power") * d.value("shifted"),
            "logit-two" | "var-half" => right * T::from_f64(2.0),
            "hidden-not-transposed" | "w1-transposed" => right.transpose(),
            "b2-not-summed" => d.gradient("logit"),
            "b2-last" => last_row(&d.gradient("logit")).reshape(right.shape()),
            "w2-last" => last_row(&d.value("hidden")).transpose().matmul(&last_row(&d.gradient("logit"))),
            "hidden-updated" => {
                let slope = d.value("hidden").transpose().matmul(&d.gradient("logit"));
                let updated = d.value("W2") - slope * T::from_f64(0.1);
                d.gradient("logit").matmul(&updated.transpose())
            }
            "act-linear" => d.gradient("hidden"),
            "act-input" => d.gradient("hidden") * d.value("act").map_elements(|z| one - z * z),
            "act-sigmoid" => d.gradient("hidden") * d.value("hidden").map_elements(|h| h * (one - h)),
            "gain-not-summed" => d.gradient("act") * d.value("normed"),
            "gain-dev" => (d.gradient("act") * d.value("dev")).sum_axes(0, true),
            "shift-mean" | "table-mean" => right / n,
            "normed-gain" => d.gradient("act") * d.value("shift"),
            "inv_std-not-summed" => d.gradient("normed") * d.value("dev"),
            "dev2-bessel" => right * ((n - one) / n),
            "dev-fork" => d.gradient("normed") * d.value("inv_std"),
            "dev-last" => d.gradient("dev2") * (d.value("dev") * T::from_f64(2.0)),
            "mean-not-summed" => -d.gradient("dev"),
            "pre-fork" => d.gradient("dev"),
            "w1-next-delta" => d.value("joined").transpose().matmul(&d.gradient("act")),
            "b1-not-summed" => d.gradient("pre"),
            "table-overwritten" => {
                let rows = d.gradient("looked_up");
                let last = |character: usize| self.contexts.iter().rposition(|&c| c == character);
                Tensor::from_fn(right.shape(), |i| {
                    last(i[0]).and_then(|row| rows.get([row, i[1]])).unwrap_or(T::ZERO)
                })
            }
            _ => right,
        }
    }
}

/// The mistakes of this system.
pub fn list() -> Vec<Mistake> {
    mistakes::of_the_exercise()
}

/// The trace with values from this seed.
///
/// # Errors
/// As [`Trace::run`].
pub fn trace<T: Element>(seed: u64, mistake: Option<Mistake>) -> Result<TraceReport, TraceError> {
    let [n, context, width, units, characters] = SIZES;
    let mut rng = StdRng::seed_from_u64(seed);
    let contexts: Vec<usize> = (0..n * context).map(|_| rng.random_range(0..characters)).collect();
    let following: Vec<usize> = (0..n).map(|_| rng.random_range(0..characters)).collect();
    // No parameter is 0 or 1: a mistake in its gradient or in that of its factor would not show.
    let mut draw = |shape: [usize; 2], centre: f64, scale: f64| -> Tensor {
        Tensor::from_fn(shape, |_| centre + scale * rng.random_range(-1.0..1.0))
    };
    let parameters = [
        ("table", draw([characters, width], 0.0, 1.0)),
        ("W1", draw([context * width, units], 0.0, 0.5)),
        ("b1", draw([1, units], 0.0, 0.1).reshape([units])),
        ("gain", draw([1, units], 1.0, 0.2)),
        ("shift", draw([1, units], 0.0, 0.2)),
        ("W2", draw([units, characters], 0.0, 0.3)),
        ("b2", draw([1, characters], 0.0, 0.1).reshape([characters])),
    ];
    let targets = Tensor::from_fn([n, characters], |i| if following[i[0]] == i[1] { 1.0 } else { 0.0 });
    let right = Exercise { contexts, targets };
    let trace = Trace::<_, T>::of(Planted { right, mistake })
        .title("A character model with batch normalisation, one operation at a time: 26 values")
        .convention(
            "one sample per row; X W, so weights are (in, out); ∂v is the gradient with respect to v",
        );
    parameters.into_iter().fold(trace, |trace, (name, value)| trace.input(name, value.cast())).run()
}
