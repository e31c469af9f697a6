//! Planted cancellations are named, well-conditioned models are not blamed.

use gradcheck::{Inputs, Model, Precision};
use tape::element::Real;
use tape::{Element, Tensor, Var};

/// Formulas that lose digits in their gradients.
#[derive(Clone, Copy, Debug)]
enum Planted {
    Versine,
    ExpMinusOne,
    LogOfOnePlus,
    DifferenceOfRoots,
    OnePassVariance,
    ThirdOrder,
    Reciprocals,
    Quadratic,
    Sinhc,
    Telescope,
}

use Planted::{
    DifferenceOfRoots, ExpMinusOne, LogOfOnePlus, OnePassVariance, Quadratic, Reciprocals, Sinhc, Telescope,
    ThirdOrder, Versine,
};

impl Model for Planted {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T> {
        let x = v["x"];
        let one = T::ONE;
        match self {
            Versine => (x.cos() - one) / x.square(),
            ExpMinusOne => (x.exp() - one) / x,
            LogOfOnePlus => (x + one).ln() / x,
            DifferenceOfRoots => (x + one).sqrt() - x.sqrt(),
            OnePassVariance => x.square().mean().to_var() - x.mean().square().to_var(),
            ThirdOrder => (x - x.sin()) / (x * x * x),
            Reciprocals => x.recip() - (x + one).recip(),
            Quadratic => (x.square() + one).sqrt() - x,
            Sinhc => (x.exp() - (-x).exp()) / x.square(),
            Telescope => ((x + one).square() - x.square() - one) / x,
        }
    }
}

/// Each with the points at which it is tried, and the operation that loses the digits there: in the function, or among the
/// contributions to its gradient, where those cancel without help from the value of the function.
const PLANTED: [(Planted, [f64; 4], &str, bool); 10] = [
    (Versine, [1e-2, 1e-3, 1e-4, 1e-5], "sub", false),
    (ExpMinusOne, [1e-3, 1e-4, 1e-5, 1e-6], "sub", false),
    (LogOfOnePlus, [1e-3, 1e-4, 1e-5, 1e-6], "ln", false),
    (DifferenceOfRoots, [1e5, 1e6, 1e7, 1e8], "add", true),
    (OnePassVariance, [1e4, 1e5, 1e6, 1e7], "add", true),
    (ThirdOrder, [1e-1, 3e-2, 1e-2, 1e-3], "sub", false),
    (Reciprocals, [1e5, 1e6, 1e7, 1e8], "add", true),
    (Quadratic, [1e3, 1e4, 1e5, 1e6], "add", true),
    (Sinhc, [1e-4, 1e-5, 1e-6, 1e-7], "sub", false),
    (Telescope, [1e-4, 1e-5, 1e-6, 1e-7], "sub", false),
];

#[test]
fn forty_planted_cancellations_are_named() {
    let (mut named, mut missed) = (0, Vec::new());
    for (model, points, op, derivative) in PLANTED {
        for point in points {
            // A few numbers next to each other.
            let x = Tensor::from([1.0, 1.25, 1.5])
                .map_elements(|x| if point > 1.0 { point + x } else { point * x });
            let report = Precision::of(model).input("x", x).run();
            let found = report
                .loss()
                .and_then(|loss| loss.magnified_by.as_ref())
                .map(|node| (node.op, node.derivative));
            println!("{model:?} at {point:e}: {report}");
            match found {
                Some(found) if found == (op, derivative) => named += 1,
                _ => missed.push(format!("{model:?} at {point:e}: {found:?}")),
            }
        }
    }
    println!("{named} of 40 named; missed: {missed:#?}");
    assert!(named >= 38, "{named} of 40 named; missed: {missed:#?}");
}

/// Models without a fault.
#[derive(Clone, Copy, Debug)]
enum Sound {
    Network,
    LogSoftmax,
    Variance,
    Expm1,
    Log1p,
    Norm,
    Products,
}

impl Model for Sound {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T> {
        let x = v["x"];
        match self {
            Sound::Network => (x.tanh().square() + x.sigmoid()).sum().to_var(),
            Sound::LogSoftmax => x.log_softmax(0).square(),
            Sound::Variance => x.variance(0).to_var(),
            Sound::Expm1 => x.expm1() / x,
            Sound::Log1p => x.square().log1p(),
            Sound::Norm => x.norm(2.0).to_var(),
            Sound::Products => (x * x + x.exp()) * x.sin(),
        }
    }
}

#[test]
fn well_conditioned_models_are_not_blamed() {
    for model in [
        Sound::Network,
        Sound::LogSoftmax,
        Sound::Variance,
        Sound::Expm1,
        Sound::Log1p,
        Sound::Norm,
        Sound::Products,
    ] {
        let report = Precision::of(model).input("x", [0.5, 1.25, 0.75, 2.0]).run();
        assert!(report.loss().is_none(), "{model:?}: {report}");
        assert!(report.digits()[0].median > 14.0, "{model:?}: {report}");
        assert!(report.to_string().contains("no entry has lost digits"), "{report}");
    }
}

/// A function whose own formula loses digits: the derivative is right to eight of them.
struct BadlyWritten;

impl Model for BadlyWritten {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T> {
        v["x"].map(badly::Blunt).square()
    }
}

mod badly {
    use tape::{Algebra, Element, Unary};

    /// `x` computed as (x + 10⁸) - 10⁸.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub(super) struct Blunt;

    impl Unary for Blunt {
        const NAME: &'static str = "blunt";
        fn eval<T: Element>(&self, x: T) -> T {
            (x + T::from_f64(1e8)) - T::from_f64(1e8)
        }
        fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
            x.lift(1.0)
        }
    }
}

#[test]
fn a_badly_written_operation_is_told_from_an_ill_conditioned_model() {
    let report = Precision::of(BadlyWritten).input("x", [0.3]).run();
    let loss = report.loss().unwrap();
    assert_eq!(loss.rounded_by.op, "blunt", "{report}");
    assert!(loss.rounded_by.units > 1e6 && loss.magnified_by.is_none(), "{report}");
    assert!((0.9..1.1).contains(&loss.rounded_by.share), "{report}");
    assert!(loss.hint.as_ref().unwrap().contains("its own formula"), "{report}");
    let digits = Real::log10(loss.rounded_by.units * f64::EPSILON);
    assert!((digits + report.digits()[0].least).abs() < 1.0, "{report}");
}
