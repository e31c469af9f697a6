//! The result of a trace, row by row.

use super::causes::Cause;
use super::steps::{Equation, Step};
use super::terms::Terms;
use crate::check::position;
use std::fmt;
use tape::{Element, GraphView, Tensor};

/// The verdict on one value.
#[derive(Clone, Debug, PartialEq)]
pub enum TraceVerdict {
    /// Closed form and adjoint have the same bits.
    Exact,
    /// They differ within the computed bound.
    Rounding(Rounding),
    /// They differ by more.
    Wrong {
        /// The likely cause.
        cause: Cause,
        /// `true` if forward mode and the difference quotient agree with the closed form: a rule of the engine is wrong.
        adjoint_wrong: bool,
    },
}

/// The reason of a difference within the bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// A sum of this many terms was added up in another order.
    Order(usize),
    /// The same operations in other groups: fused on one side, in stages on the other.
    Staging,
    /// The step itself is exact; the difference comes from the gradients it was computed from.
    Carried,
}

impl TraceVerdict {
    /// `EXACT`, `ROUNDING` or `WRONG`.
    pub fn key(&self) -> &'static str {
        match self {
            TraceVerdict::Exact => "EXACT",
            TraceVerdict::Rounding(_) => "ROUNDING",
            TraceVerdict::Wrong { .. } => "WRONG",
        }
    }
}

impl Rounding {
    /// The reason in one word, for a table: `order`, `staged` or `carried`.
    pub fn key(&self) -> &'static str {
        match self {
            Rounding::Order(_) => "order",
            Rounding::Staging => "staged",
            Rounding::Carried => "carried",
        }
    }

    /// The reason in a sentence, without the number of terms.
    pub(super) fn explanation(&self) -> &'static str {
        match self {
            Rounding::Order(_) => "a sum was added up in another order",
            Rounding::Staging => {
                "fused on one side, staged on the other: the same factors, rounded at other points"
            }
            Rounding::Carried => {
                "this step is exact; the difference was carried over from the gradients above"
            }
        }
    }
}

impl fmt::Display for Rounding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rounding::Order(terms) => write!(f, "{}: {} ({terms} terms)", self.key(), self.explanation()),
            other => write!(f, "{}: {}", other.key(), other.explanation()),
        }
    }
}

/// The comparison for one value. The numbers are those of one entry: where the difference is largest in relation to the bound,
/// or if there is none, the largest.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceRow {
    /// The name of the value.
    pub name: String,
    /// Its shape on the tape.
    pub shape: Vec<usize>,
    /// The equation.
    pub equation: Equation,
    /// The index of the entry.
    pub index: Vec<usize>,
    pub(super) entry: usize,
    /// The closed form.
    pub hand: f64,
    /// The adjoint of the reverse sweep.
    pub adjoint: f64,
    /// The derivative in forward mode.
    pub forward: f64,
    /// The central difference quotient of the loss, in `f64`.
    pub quotient: f64,
    /// The number of entries with other bits.
    pub differing: usize,
    /// The difference in units in the last place of the larger of the two.
    pub ulp: f64,
    /// The bound in the same units.
    pub bound: f64,
    /// The bound itself.
    pub(super) allowed: f64,
    /// The verdict.
    pub verdict: TraceVerdict,
    /// `true` if closed form and adjoint agree but the difference quotient does not: a kink within its step, or a mistake that
    /// both make.
    pub disputed: bool,
}

impl TraceRow {
    /// The shape in the layout of the derivation: transposed if it has one sample per column.
    pub fn shown_shape(&self) -> Vec<usize> {
        self.shown(&self.shape)
    }

    /// The index in the layout of the derivation.
    pub fn shown_index(&self) -> Vec<usize> {
        self.shown(&self.index)
    }

    fn shown(&self, list: &[usize]) -> Vec<usize> {
        let mut list = list.to_vec();
        if self.equation.columns {
            list.reverse();
        }
        list
    }

    /// The label of the equation.
    pub fn label(&self) -> &str {
        &self.equation.label
    }

    /// The right-hand side of the equation.
    pub fn formula(&self) -> &str {
        &self.equation.formula
    }

    /// The reason of the verdict in words; empty for EXACT.
    pub fn reason(&self) -> String {
        let reason = match &self.verdict {
            TraceVerdict::Exact => String::new(),
            TraceVerdict::Rounding(why) => why.to_string(),
            TraceVerdict::Wrong { cause, adjoint_wrong: false } => cause.to_string(),
            TraceVerdict::Wrong { adjoint_wrong: true, .. } => {
                "forward mode and the difference quotient agree with the closed form: a reverse rule is wrong"
                    .to_string()
            }
        };
        match (self.disputed, reason.is_empty()) {
            (false, _) => reason,
            (true, true) => DISPUTED.to_string(),
            (true, false) => format!("{reason}; {DISPUTED}"),
        }
    }
}

const DISPUTED: &str =
    "the difference quotient disagrees: a kink within its step, or a mistake on both sides";

/// The result of a trace. `Display` prints it as a table of 100 columns without colours; see [`table`](TraceReport::table).
#[must_use = "a report may contain a wrong row"]
#[derive(Clone, Debug, PartialEq)]
pub struct TraceReport {
    pub(super) title: String,
    pub(super) conventions: Vec<String>,
    pub(super) number: &'static str,
    pub(super) loss: f64,
    pub(super) rows: Vec<TraceRow>,
    pub(super) view: GraphView,
}

impl TraceReport {
    /// The rows, from the loss down.
    pub fn rows(&self) -> &[TraceRow] {
        &self.rows
    }

    /// The row of the value of this name.
    pub fn row(&self, name: &str) -> Option<&TraceRow> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// The value of the loss.
    pub fn loss(&self) -> f64 {
        self.loss
    }

    /// The recorded model, in `f64`, with the steps of its sweep: for a picture of it, or a page to step through.
    ///
    /// ```
    /// # use gradcheck::{Inputs, trace::*};
    /// # use tape::{Element, Scalar};
    /// # struct Square;
    /// # impl Derivation for Square {
    /// #     fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Scalar<'t, T> { v["x"].square().named("q").sum() }
    /// #     fn derive<T: Element>(&self, d: &mut Steps<T>) {
    /// #         d.step("q", Equation::new("1", "1"), |d| d.value("q").map_elements(|_| T::ONE));
    /// #     }
    /// # }
    /// let report = Trace::of(Square).input("x", [3.0]).run()?;
    /// assert_eq!(report.view().named("q").unwrap().value.to_vec(), [9.0]);
    /// assert!(report.view().to_svg().starts_with("<svg"));
    /// assert_eq!(report.view().steps().len(), 2);
    /// # Ok::<(), TraceError>(())
    /// ```
    pub fn view(&self) -> &GraphView {
        &self.view
    }

    /// The number of rows that are EXACT, ROUNDING and WRONG.
    pub fn counts(&self) -> [usize; 3] {
        ["EXACT", "ROUNDING", "WRONG"]
            .map(|key| self.rows.iter().filter(|row| row.verdict.key() == key).count())
    }

    /// Returns `true` if no row is WRONG or disputed by the difference quotient.
    pub fn agrees(&self) -> bool {
        self.counts()[2] == 0 && self.rows.iter().all(|row| !row.disputed)
    }

    /// The rows with a WRONG verdict.
    pub fn wrong(&self) -> impl Iterator<Item = &TraceRow> {
        self.rows.iter().filter(|row| matches!(row.verdict, TraceVerdict::Wrong { .. }))
    }

    /// The summary in one line.
    pub fn summary(&self) -> String {
        let [exact, rounding, wrong] = self.counts();
        format!("{} values: {exact} EXACT, {rounding} ROUNDING, {wrong} WRONG", self.rows.len())
    }
}

impl fmt::Display for TraceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.table(&super::Style::default()))
    }
}

/// The difference that the roundings of both sides explain: and one smallest number, for underflow.
pub(super) fn allowed(hand: Terms, adjoint: Terms, unit: f64, least: f64) -> f64 {
    let bound = (hand.error() + adjoint.error()) * unit;
    if bound == 0.0 { 0.0 } else { bound + least }
}

/// The unit in the last place of a number, in a format with this precision.
fn ulp<T: Element>(x: f64) -> f64 {
    let least = T::MIN_POSITIVE.to_f64();
    let exponent = x.abs().max(least).log2().floor();
    T::EPSILON.to_f64() * exponent.exp2()
}

/// Compares a step with the adjoint.
pub(super) fn compare<T: Element>(
    step: &Step<T>,
    terms: &Tensor<Terms>,
    local: &Tensor<T>,
    adjoint: &Tensor<T>,
    adjoint_terms: &Tensor<Terms>,
) -> TraceRow {
    let shape = adjoint.shape().dims();
    let (hand, machine) = (step.hand.to_vec(), adjoint.to_vec());
    let mut row = TraceRow {
        name: step.name.clone(),
        index: Vec::new(),
        entry: 0,
        shape,
        equation: step.equation.clone(),
        hand: hand.first().map_or(f64::NAN, |x| x.to_f64()),
        adjoint: machine.first().map_or(f64::NAN, |x| x.to_f64()),
        forward: f64::NAN,
        quotient: f64::NAN,
        differing: hand.len().max(machine.len()),
        ulp: f64::NAN,
        bound: f64::NAN,
        allowed: 0.0,
        verdict: TraceVerdict::Wrong { cause: Cause::Zero, adjoint_wrong: false },
        disputed: false,
    };
    row.index = position(&row.shape, 0);
    if step.hand.shape() != adjoint.shape() || terms.shape() != adjoint.shape() {
        return row;
    }
    let (terms, adjoint_terms) = (terms.to_vec(), adjoint_terms.to_vec());
    let unit = T::EPSILON.to_f64() / 2.0;
    let least = T::MIN_POSITIVE.to_f64();
    // The rank of an entry to be shown: the largest violation of the bound, then the largest size.
    let mut shown = (-1.0, -1.0);
    let (mut wrong, mut differing, mut additions) = (false, 0, 0.0f64);
    for entry in 0..machine.len() {
        let (h, a) = (hand[entry].to_f64(), machine[entry].to_f64());
        let allowed = allowed(terms[entry], adjoint_terms[entry], unit, least);
        // NaN on both sides shows nothing.
        let same = h == a;
        let difference = if same { 0.0 } else { (h - a).abs() };
        // A closed form that is wrong in `f64` may hide within the roundings of `f32`.
        let sharp = allowed_in_f64(terms[entry], adjoint_terms[entry]);
        wrong |= !same && (difference > allowed || difference.is_nan()) || !sharp;
        differing += usize::from(!same);
        additions = additions.max(terms[entry].additions()).max(adjoint_terms[entry].additions());
        let violation = if same {
            0.0
        } else if allowed > 0.0 {
            difference / allowed
        } else {
            f64::INFINITY
        };
        let violation = if violation.is_nan() { f64::INFINITY } else { violation };
        if (violation, a.abs()) > shown {
            shown = (violation, a.abs());
            let unit = ulp::<T>(h.abs().max(a.abs()));
            (row.entry, row.hand, row.adjoint) = (entry, h, a);
            (row.ulp, row.bound, row.allowed) = (difference / unit, allowed / unit, allowed);
        }
    }
    row.index = position(&row.shape, row.entry);
    row.differing = differing;
    let carried = local.shape() == adjoint.shape() && local.to_vec() == machine;
    row.verdict = match (wrong, differing) {
        (true, _) => row.verdict,
        (false, 0) => TraceVerdict::Exact,
        (false, _) if carried => TraceVerdict::Rounding(Rounding::Carried),
        // Two terms have one order.
        (false, _) if additions >= 2.0 => TraceVerdict::Rounding(Rounding::Order(additions as usize + 1)),
        (false, _) => TraceVerdict::Rounding(Rounding::Staging),
    };
    row
}

fn allowed_in_f64(hand: Terms, adjoint: Terms) -> bool {
    let allowed = allowed(hand, adjoint, f64::EPSILON / 2.0, f64::MIN_POSITIVE);
    let not_finite = !hand.value.is_finite() && !adjoint.value.is_finite();
    (hand.value - adjoint.value).abs() <= allowed || hand.value == adjoint.value || not_finite
}

/// A difference quotient is good to some six digits.
const QUOTIENT: f64 = 1e-4;

/// Returns `true` if forward mode and the difference quotient agree with the closed form and not with the adjoint.
pub(super) fn blames_the_adjoint(hand: f64, adjoint: f64, forward: f64, quotient: f64) -> bool {
    let near = |x: f64, y: f64| (x - y).abs() <= QUOTIENT * x.abs().max(y.abs());
    near(quotient, hand) && near(forward, hand) && !near(quotient, adjoint)
}

/// Returns `true` if the difference quotient contradicts an adjoint that agrees with the closed form.
pub(super) fn is_disputed<T: Element>(row: &TraceRow, adjoint: &Tensor<T>, noise: f64) -> bool {
    let largest = adjoint.to_vec().into_iter().fold(0.0, |most: f64, x| most.max(x.to_f64().abs()));
    // The adjoint may be that of `f32` at rounded values.
    let size = largest.max(row.quotient.abs());
    let allowed = QUOTIENT.max(1e3 * T::EPSILON.to_f64()) * size + row.allowed + 4.0 * noise;
    (row.quotient - row.adjoint).abs() > allowed
}
