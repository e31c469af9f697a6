//! A network of two layers written as single statements, 20 samples, 10 inputs, 7 hidden units and 13 outputs.

use super::{Mistake, Mistakes, Planted, last_row, mistakes};
use gradcheck::Inputs;
use gradcheck::trace::{Derivation, Equation, Steps, Trace, TraceError, TraceReport};
use nn::by_hand::{bias_gradient, input_gradient, weight_gradient};
use nn::init::{Fans, Init, Normal};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tape::{Element, Scalar, Tensor};

/// The statements and their derivatives: `T1 = A0 W1ᵀ`, `Z1 = T1 + b1`, `A1 = σ(Z1)`, the same for a second layer,
/// `T3 = A2 - Y`, `T4 = T3²`, and the mean.
#[derive(Clone, Copy, Debug)]
pub struct ComputeGraph;

impl Derivation for ComputeGraph {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Scalar<'t, T> {
        let t1 = v["A0"].matmul(v["W1"].transpose()).named("T1");
        let z1 = (t1 + v["b1"]).named("Z1");
        let a1 = z1.sigmoid().named("A1");
        let t2 = a1.matmul(v["W2"].transpose()).named("T2");
        let z2 = (t2 + v["b2"]).named("Z2");
        let a2 = z2.sigmoid().named("A2");
        let t3 = (a2 - v["Y"]).named("T3");
        t3.square().named("T4").mean()
    }

    fn derive<T: Element>(&self, d: &mut Steps<T>) {
        let two = T::from_f64(2.0);
        let eq = |formula: &str| Equation::new("WT-16", formula);
        let slope = |a: Tensor<T>| a.map_elements(|a| a * (T::ONE - a));
        d.step("T4", eq("1 / (N n2)"), |d| {
            let t4 = d.value("T4");
            Tensor::full(t4.shape(), T::ONE / T::from_usize(t4.size()))
        });
        d.step("T3", eq("2 T3 ∘ ∂T4"), |d| d.value("T3") * two * d.gradient("T4"));
        d.step("A2", eq("∂T3"), |d| d.gradient("T3"));
        d.step("Z2", eq("D2 = ∂A2 ∘ A2 ∘ (1 - A2)"), |d| d.gradient("A2") * slope(d.value("A2")));
        d.step("b2", eq("column sums of D2"), |d| bias_gradient(&d.gradient("Z2")));
        d.step("T2", eq("D2"), |d| d.gradient("Z2"));
        d.step("W2", eq("D2ᵀ A1"), |d| weight_gradient(&d.gradient("T2"), &d.value("A1")));
        d.step("A1", eq("D2 W2"), |d| input_gradient(&d.gradient("T2"), &d.value("W2")));
        d.step("Z1", eq("D1 = ∂A1 ∘ A1 ∘ (1 - A1)"), |d| d.gradient("A1") * slope(d.value("A1")));
        d.step("b1", eq("column sums of D1"), |d| bias_gradient(&d.gradient("Z1")));
        d.step("T1", eq("D1"), |d| d.gradient("Z1"));
        d.step("W1", eq("D1ᵀ A0"), |d| weight_gradient(&d.gradient("T1"), &d.value("A0")));
    }
}

impl Mistakes for ComputeGraph {
    fn wrong<T: Element>(&self, mistake: &str, d: &Steps<T>, right: Tensor<T>) -> Tensor<T> {
        let (one, two) = (T::ONE, T::from_f64(2.0));
        let samples = d.value("A0").shape()[0];
        match mistake {
            "t4-sum" => Tensor::ones(right.shape()),
            "t4-samples-only" => Tensor::full(right.shape(), one / T::from_usize(samples)),
            "t3-square" => right / two,
            "t3-upstream" => d.value("T3") * two,
            "t3-sign" => -right,
            "z2-input" => d.gradient("A2") * d.value("Z2").map_elements(|z| z * (one - z)),
            "z2-linear" => d.gradient("A2"),
            "b2-not-summed" => d.gradient("Z2"),
            "b2-last" => last_row(&d.gradient("Z2")).reshape(right.shape()),
            "w2-transposed" => right.transpose(),
            "w2-last" => weight_gradient(&last_row(&d.gradient("T2")), &last_row(&d.value("A1"))),
            "a1-updated" => {
                input_gradient(&d.gradient("T2"), &(d.value("W2") - d.gradient("W2") * T::from_f64(0.5)))
            }
            "a1-upstream" => input_gradient(&Tensor::ones(d.gradient("T2").shape()), &d.value("W2")),
            "z1-tanh" => d.gradient("A1") * d.value("A1").map_elements(|a| one - a * a),
            "z1-upstream" => d.value("A1").map_elements(|a| a * (one - a)),
            "t1-broadcast" | "b1-mean" => right / T::from_usize(samples),
            "w1-layer" => weight_gradient(&d.gradient("T1"), &d.value("A1")),
            "w1-next-delta" => weight_gradient(&d.gradient("T2"), &d.value("A0")),
            "b1-not-summed" => d.gradient("Z1"),
            _ => right,
        }
    }
}

/// The mistakes of this system.
pub fn list() -> Vec<Mistake> {
    mistakes::of_the_compute_graph()
}

/// Normal values from this seed: `A0`, `Y`, `W1`, `b1`, `W2`, `b2`.
pub(super) fn values(seed: u64) -> [Tensor; 6] {
    let [n, n0, n1, n2] = [20, 10, 7, 13];
    let mut rng = StdRng::seed_from_u64(seed);
    let shapes: [&[usize]; 6] = [&[n, n0], &[n, n2], &[n1, n0], &[n1], &[n2, n1], &[n2]];
    shapes.map(|shape| Normal { mean: 0.0, std: 1.0 }.tensor(shape, Fans::new(1, 1), &mut rng))
}

/// The trace with normal values from this seed.
///
/// # Errors
/// As [`Trace::run`].
pub fn trace<T: Element>(seed: u64, mistake: Option<Mistake>) -> Result<TraceReport, TraceError> {
    let [x, y, w1, b1, w2, b2] = values(seed);
    Trace::<_, T>::of(Planted { right: ComputeGraph, mistake })
        .title("Compute graph, statement by statement: N = 20, 10 inputs, 7 hidden units, 13 outputs, mean squared error")
        .convention("one sample per row; W is (destination, source); D is the gradient with respect to Z")
        .constant("A0", x.cast())
        .constant("Y", y.cast())
        .input("W1", w1.cast())
        .input("b1", b1.cast())
        .input("W2", w2.cast())
        .input("b2", b2.cast())
        .run()
}
