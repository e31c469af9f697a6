//! Every fault planted in the rules of operations: the checker must find it, at the right operand.

use gradcheck::fault::{Fault, plant};
use gradcheck::registry::Apply;
use gradcheck::{DoubleDouble, Entry, GradCheck, Method, Report, SetupError, Verdict};
use std::collections::BTreeMap;
use std::rc::Rc;
use tape::{Element, Tape, Tensor, Var};

/// An operation with operands to check it at.
pub(crate) struct Cell {
    /// The name for messages.
    pub(crate) name: String,
    pub(crate) op: Rc<dyn Apply<f64>>,
    /// The same in numbers of 32 digits, if these are to find the faults.
    pub(crate) exact: Option<Rc<dyn Apply<DoubleDouble>>>,
    pub(crate) x: Vec<Tensor>,
}

/// Records the operation, and every operand a second time later: in the reverse sweep the operation adds to existing
/// cotangents.
fn objective<'t, T: Element>(op: &dyn Apply<T>, x: &[Var<'t, T>]) -> Var<'t, T> {
    let y = op.record(x);
    let weight = |at: &[usize]| T::from_f64(0.5 + at.iter().sum::<usize>() as f64);
    let weigh = |x: &Var<'t, T>| (*x * &Tensor::from_fn(x.shape(), weight)).sum();
    x.iter().map(weigh).fold(y, |y, other| y + other)
}

impl Cell {
    /// Cells of operands that are neither empty nor large.
    pub(crate) fn is_small(&self) -> bool {
        let sizes: Vec<usize> = self.x.iter().map(Tensor::size).collect();
        !sizes.contains(&0) && sizes.iter().sum::<usize>() <= 30
    }

    /// Returns the gradients of a weighted sum of the objective.
    fn gradients(&self) -> Vec<Tensor> {
        let tape = Tape::new();
        let x: Vec<Var<'_>> = self.x.iter().map(|x| tape.var(x.clone())).collect();
        let y = objective(&*self.op, &x);
        y.vjp(Tensor::from_fn(y.shape(), |at| 1.0 + 0.25 * at.iter().sum::<usize>() as f64)).wrt(x)
    }

    /// Returns the name of the operation on the tape.
    fn op_name(&self) -> &'static str {
        let tape = Tape::new();
        let x: Vec<Var<'_>> = self.x.iter().map(|x| tape.var(x.clone())).collect();
        self.op.record(&x);
        tape.view().nodes().last().expect("the operation was recorded").op
    }

    /// Runs the checker with each of the faults, in a rule of the operation `op` for an operand: the operand must be found to
    /// be wrong. An error is the report.
    fn find(&self, op: &'static str, faults: &[(Fault, usize)]) -> Vec<Result<(), String>> {
        let arity = self.x.len();
        let check =
            GradCheck::new(move |v| objective(&*self.op, &(0..arity).map(|k| v.at(k)).collect::<Vec<_>>()));
        let check = match &self.exact {
            Some(exact) => check
                .method(Method::Precision)
                .exact(move |v| objective(&**exact, &(0..arity).map(|k| v.at(k)).collect::<Vec<_>>())),
            None => check,
        };
        let check = NAMES.iter().zip(&self.x).fold(check, |check, (name, x)| check.input(*name, x.clone()));
        let sites: Vec<_> = faults.iter().map(|&(fault, k)| (fault, op, k)).collect();
        let reports = check.run_with_faults(&sites).into_iter().zip(faults);
        let found = |(report, &(_, k)): (Result<Report, SetupError>, &(Fault, usize))| {
            let report = report.map_err(|error| error.to_string())?;
            let at_operand = |entry: &Entry| entry.input == NAMES[k] && entry.verdict == Verdict::Disagree;
            let named = report.entries().iter().any(at_operand);
            if report.verdict() == Verdict::Disagree && named { Ok(()) } else { Err(report.to_string()) }
        };
        reports.map(found).collect()
    }
}

/// Returns `true` if the fault changes any entry by more than a ten-millionth of the largest.
fn matters(clean: &[Tensor], wrong: &[Tensor]) -> bool {
    clean.iter().zip(wrong).any(|(clean, wrong)| {
        let size = clean.abs().to_vec().into_iter().fold(0.0, f64::max);
        clean
            .to_vec()
            .iter()
            .zip(wrong.to_vec())
            .any(|(clean, wrong)| (clean - wrong).abs() > 1e-7 * size || wrong.is_nan() != clean.is_nan())
    })
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Plants every one of the faults in every rule, and checks that those that change a gradient are found. The cells are in
/// the order of the names of their operations.
pub(crate) fn all_are_found(faults: &[Fault], operations: BTreeMap<&'static str, Vec<Cell>>) {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let (mut missed, mut constant) = (Vec::new(), Vec::new());
    for (entry, cells) in operations {
        // For each fault and operand, the first case in which the fault matters.
        let mut tried = vec![[false; 4]; faults.len()];
        for cell in &cells {
            let (op, clean) = (cell.op_name(), cell.gradients());
            let mut planted = Vec::new();
            for (&fault, tried) in faults.iter().zip(&mut tried) {
                for (k, tried) in tried.iter_mut().enumerate().take(cell.x.len()) {
                    if !*tried && matters(&clean, &plant(fault, op, k, || cell.gradients())) {
                        *tried = true;
                        planted.push((fault, k));
                    }
                }
            }
            for (&(fault, k), outcome) in planted.iter().zip(cell.find(op, &planted)) {
                match outcome {
                    Ok(()) => *found.entry(format!("{fault:?}")).or_default() += 1,
                    Err(report) => {
                        missed.push(format!("{fault:?} in operand {k} of {}\n{report}", cell.name))
                    }
                }
            }
        }
        let negated = faults.iter().zip(&tried).find(|&(&fault, _)| fault == Fault::Negate);
        if negated.is_some_and(|(_, tried)| !tried.contains(&true)) {
            constant.push(entry);
        }
    }
    println!("{found:?}, {} in all", found.values().sum::<usize>());
    assert!(missed.is_empty(), "{} faults were not found:\n{}", missed.len(), missed.join("\n"));
    if faults.contains(&Fault::Negate) {
        // Step functions have the derivative 0, which has no sign to change.
        assert_eq!(constant, ["ceil", "floor", "heaviside", "round", "sign", "trunc"]);
    }
    for fault in faults {
        assert!(found[&format!("{fault:?}")] >= 40, "{fault:?} mattered too seldom: {found:?}");
    }
}
