//! Every operation with every fault planted in its rule: the checker must find it.

use super::fixtures::{Subject, smooth};
use gradcheck::fault::{Fault, plant};
use gradcheck::{Entry, GradCheck, Report, SetupError, Verdict};
use std::collections::BTreeMap;
use tape::{Tape, Tensor, Var};

/// Records the operation, and every operand a second time later: in the reverse sweep the operation adds to existing
/// cotangents.
fn objective<'t>(subject: &Subject, x: &[Var<'t>]) -> Var<'t> {
    let y = subject.op.record(x);
    let weigh =
        |x: &Var<'t>| (*x * &Tensor::from_fn(x.shape(), |at| 0.5 + at.iter().sum::<usize>() as f64)).sum();
    x.iter().map(weigh).fold(y, |y, other| y + other)
}

/// Returns the gradients of a weighted sum of the objective.
fn gradients(subject: &Subject) -> Vec<Tensor> {
    let tape = Tape::new();
    let x: Vec<Var<'_>> = subject.x.iter().map(|x| tape.var(x.clone())).collect();
    let y = objective(subject, &x);
    y.vjp(Tensor::from_fn(y.shape(), |at| 1.0 + 0.25 * at.iter().sum::<usize>() as f64)).wrt(x)
}

/// Returns the name of the operation on the tape.
fn name(subject: &Subject) -> &'static str {
    let tape = Tape::new();
    let x: Vec<Var<'_>> = subject.x.iter().map(|x| tape.var(x.clone())).collect();
    subject.op.record(&x);
    tape.view().nodes().last().expect("the operation was recorded").op
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

/// Runs the checker with each of the faults, in a rule of the operation `op` for an operand: the operand must be found to be
/// wrong. An error is the report.
fn find(subject: &Subject, op: &'static str, faults: &[(Fault, usize)]) -> Vec<Result<(), String>> {
    let names = &NAMES[..subject.x.len()];
    let check =
        GradCheck::new(|v| objective(subject, &names.iter().map(|name| v[*name]).collect::<Vec<_>>()));
    let check = names.iter().zip(&subject.x).fold(check, |check, (name, x)| check.input(*name, x.clone()));
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

/// Returns the registered operations by name, each with its smaller cases; compositions have no rules to plant faults in.
fn operations() -> BTreeMap<&'static str, Vec<Subject>> {
    let mut all: BTreeMap<&'static str, Vec<Subject>> = BTreeMap::new();
    for entry in tests::compositions::registry() {
        if !matches!(entry.kind, gradcheck::registry::Kind::Composition(_)) {
            all.insert(entry.name, Vec::new());
        }
    }
    for subject in smooth() {
        let Some(cases) = subject.name.split(' ').next().and_then(|name| all.get_mut(name)) else { continue };
        let sizes: Vec<usize> = subject.x.iter().map(Tensor::size).collect();
        if !sizes.contains(&0) && sizes.iter().sum::<usize>() <= 30 {
            cases.push(subject);
        }
    }
    all
}

/// Plants every one of the faults in every rule, and checks that those that change a gradient are found.
fn all_are_found(faults: &[Fault]) {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let (mut missed, mut constant) = (Vec::new(), Vec::new());
    for (entry, subjects) in operations() {
        // For each fault and operand, the first case in which the fault matters.
        let mut tried = vec![[false; 4]; faults.len()];
        for subject in &subjects {
            let (op, clean) = (name(subject), gradients(subject));
            let mut planted = Vec::new();
            for (&fault, tried) in faults.iter().zip(&mut tried) {
                for (k, tried) in tried.iter_mut().enumerate().take(subject.x.len()) {
                    if !*tried && matters(&clean, &plant(fault, op, k, || gradients(subject))) {
                        *tried = true;
                        planted.push((fault, k));
                    }
                }
            }
            for (&(fault, k), outcome) in planted.iter().zip(find(subject, op, &planted)) {
                match outcome {
                    Ok(()) => *found.entry(format!("{fault:?}")).or_default() += 1,
                    Err(report) => {
                        missed.push(format!("{fault:?} in operand {k} of {}\n{report}", subject.name))
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

/// In parts, which run side by side.
#[test]
fn faults_of_accumulation_and_size_are_found() {
    all_are_found(&Fault::ALL[..4]);
}

#[test]
fn faults_of_operands_and_axes_are_found() {
    all_are_found(&Fault::ALL[4..8]);
}

#[test]
fn faults_of_values_and_positions_are_found() {
    all_are_found(&Fault::ALL[8..]);
}
