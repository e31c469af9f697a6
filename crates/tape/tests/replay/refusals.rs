//! Refusals, when a step is recorded, of all that a replay would get wrong.

use tape::{Error, ParamId, Replay, Scalar, Tape, Tensor, Var};

type Step = for<'t> fn(&'t Tape, [Var<'t>; 2]) -> Scalar<'t>;

/// The operation and the line of the refusal.
fn refusal(step: Step) -> (&'static str, u32) {
    let (x, y) = (Tensor::from([1.0, 2.0]), Tensor::from([3.0, 4.0]));
    match Replay::new([&x, &y], step) {
        Err(Error::NotReplayable { op, site, .. }) => {
            assert!(site.file().ends_with("refusals.rs"), "{op}: {site}");
            (op, site.line())
        }
        other => panic!("expected a refusal, found {other:?}"),
    }
}

/// Steps, each with the operation that is refused.
macro_rules! steps {
    ($($op:literal: $step:expr;)*) => {{
        let steps: &[(&str, Step)] = &[$(($op, $step)),*];
        steps
    }};
}

#[test]
fn the_use_of_a_value_is_refused_with_the_operation_and_the_line() {
    let first = line!();
    let steps = steps! {
        "value": |_, [x, _]| if x.value().sum() > 0.0 { x.sum() } else { -x.sum() };
        "value": |_, [x, _]| if x.sum().value() > 0.0 { x.sum() } else { -x.sum() };
        "value": |_, [x, _]| if x.sum() > x.mean() { x.sum() } else { -x.sum() };
        "value": |_, [x, _]| if x.sum() == x.mean() { x.sum() } else { -x.sum() };
        "value": |_, [x, _]| if x.sum().gt(0.0) { x.sum() } else { -x.sum() };
        "argmax": |_, [x, y]| x.at([y.argmax()]);
        "sort": |_, [x, _]| x.sort(0, false).0.at([0]);
        "topk": |_, [x, _]| x.topk(1, 0, true).0.at([0]);
        "argsort": |_, [x, y]| x.gather(0, &y.argsort(0, false)).at([0]);
        "gt": |_, [x, y]| (x * &y.gt(0.0)).sum();
        "if_gt": |_, [x, y]| x.sum().if_gt(y.sum(), x.mean(), y.mean());
        "backward": |_, [x, y]| (y * &x.square().sum().backward().wrt(x)).sum();
        "jvp": |tape, [x, y]| (x * &tape.jvp(y.square(), y, Tensor::from([1.0, 0.0]))).sum();
        "noise": |tape, [x, _]| {
            tape.refuse_replay("noise", "random numbers");
            x.sum()
        };
    };
    let last = line!();
    // Every step has lines of its own.
    let mut before = first;
    for &(op, step) in steps {
        let (refused, line) = refusal(step);
        assert_eq!(refused, op, "after line {before}");
        assert!(before < line && line < last, "{op}: line {line} after {before}");
        before = line;
    }
}

#[test]
fn the_refusal_is_one_line_that_says_why() {
    let x = Tensor::from([1.0, 2.0]);
    let Err(error) = Replay::new([&x], |_, [x]| x.at([x.argmax()])) else { panic!("refused") };
    let text = error.to_string();
    let start = "argmax: expected a step that can be replayed, found the use of a value, which will be another one, at ";
    assert!(text.starts_with(start) && !text.contains('\n'), "{text}");
    assert_eq!(error.clone().named("other"), error);
}

/// Values of constants stay the same, and shapes are those of every run.
#[test]
fn what_does_not_depend_on_inputs_may_be_used() {
    let x = Tensor::from([1.0, 2.0]);
    let replay = Replay::new([&x], |tape, [x]| {
        let c = tape.constant([3.0, -1.0]);
        let mask = c.gt(0.0);
        let n = x.shape()[0] as f64;
        assert_eq!(format!("{x}"), "[1, 2] f64[2]", "printing decides nothing");
        (x * &mask).sum() * c.square().sum().value() / n
    });
    let (value, _) = replay.unwrap().value_and_gradient(&[&Tensor::from([4.0, 5.0])]).unwrap();
    assert_eq!(value, 4.0 * 10.0 / 2.0);
}

#[test]
fn wrong_arguments_of_a_run_are_errors_and_the_next_run_works() {
    let (id, x, w) = (ParamId::new(), Tensor::from([1.0, 2.0]), Tensor::from([3.0, 4.0]));
    let mut replay = Replay::new([&x], |tape, [x]| (x * tape.parameter(id, &w)).sum()).unwrap();
    let text =
        |result: Result<(f64, tape::Gradients), Error>| result.map(|run| run.0).unwrap_err().to_string();
    let missing = format!(
        "replay: expected a value for parameter {} of shape [2], found none since the last run",
        id.get()
    );
    assert_eq!(text(replay.value_and_gradient(&[&x])), missing);
    let shape = "replay: expected shape [2], found [3]";
    assert_eq!(replay.bind(id, &Tensor::zeros([3])).map(|_| ()).unwrap_err().to_string(), shape);
    assert!(matches!(replay.bind(ParamId::new(), &w).map(|_| ()), Err(Error::UnknownParameter { .. })));
    let run = replay.bind(id, &w).unwrap().value_and_gradient(&[&Tensor::zeros([3])]);
    assert_eq!(text(run), shape);
    let run = replay.bind(id, &w).unwrap().value_and_gradient(&[&x, &x]);
    assert_eq!(text(run), "replay: expected as many inputs as were recorded, found 2 operands");
    let (value, gradients) = replay.bind(id, &w).unwrap().value_and_gradient(&[&x]).unwrap();
    assert_eq!((value, gradients.of(id)), (11.0, x.clone()));
    assert_eq!(replay.parameters().collect::<Vec<_>>(), [id]);

    let mut several = Replay::several([&x], |_, [x]| vec![x, x + 1.0]).unwrap();
    let error = text(several.value_and_gradient(&[&x]));
    assert!(error.starts_with("replay: expected one output of rank 0 to differentiate, found 2"), "{error}");
    let mut vector = Replay::several([&x], |_, [x]| vec![x]).unwrap();
    assert!(vector.value_and_gradient(&[&x]).is_err() && vector.run(&[&x]).is_ok());
    let other = Tape::new();
    let foreign = Replay::several([&x], |_, _| Vec::new());
    assert_eq!(foreign.unwrap().run(&[&x]).unwrap(), []);
    drop(other);
}

/// An error of a run is that of the operation, as on a tape.
#[test]
fn an_operation_may_refuse_the_values_of_a_run() {
    let eye = Tensor::eye(2);
    let b = Tensor::from([1.0, 2.0]);
    let mut replay = Replay::new([&eye, &b], |_, [a, b]| a.solve(b).sum()).unwrap();
    let error = replay.run(&[&Tensor::zeros([2, 2]), &b]).map(<[Tensor]>::to_vec).unwrap_err();
    let tape = Tape::new();
    let expected =
        tape.try_apply(tape::ops::Solve, &[tape.constant(Tensor::zeros([2, 2])), tape.constant(b.clone())]);
    assert_eq!(error.to_string(), expected.unwrap_err().to_string());
    assert_eq!(replay.run(&[&eye, &b]).unwrap(), [Tensor::scalar(3.0)]);
}
