//! The program speaks the protocol: lines in, answers out, whatever the lines are.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The running program, and the pipes to it.
struct Program {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Program {
    fn new(name: &str) -> Program {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gradbench"))
            .arg(name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let (input, output) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        Program { child, input, output: BufReader::new(output) }
    }

    /// The answer to a line; it arrives although the input stays open.
    fn answer(&mut self, line: &str) -> Value {
        writeln!(self.input, "{line}").expect("the program reads");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("the program answers");
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{answer}: {error}"))
    }

    /// The answer to an evaluation.
    fn evaluate(&mut self, module: &str, function: &str, input: Value) -> Value {
        let message = json!({
            "id": 7, "kind": "evaluate", "module": module, "function": function, "input": input,
            "description": "unknown fields are tolerated",
        });
        self.answer(&message.to_string())
    }

    /// Ends the input: nothing is left to read, and the status is 0.
    fn end(mut self) {
        drop(self.input);
        let mut rest = String::new();
        self.output.read_line(&mut rest).expect("the end of the output");
        assert_eq!(rest, "");
        assert_eq!(self.child.wait().expect("a status").code(), Some(0));
    }
}

#[test]
fn a_session_of_hello() {
    for name in ["tape", "tape-program"] {
        let mut program = Program::new(name);
        let started = program.answer(r#"{"kind": "start", "id": 0, "eval": "hello"}"#);
        assert_eq!((&started["id"], &started["tool"]), (&json!(0), &json!(name)));
        let defined = program.answer(r#"{"id": 1, "kind": "define", "module": "hello"}"#);
        assert_eq!(defined, json!({"id": 1, "success": true}));
        let mut x = json!(1);
        for expected in [1.0_f64, 2.0, 4.0, 8.0, 64.0, 128.0, 16384.0, 32768.0] {
            let function = if expected.log2() % 2.0 == 0.0 { "square" } else { "double" };
            let answer = program.evaluate("hello", function, x);
            assert_eq!((&answer["id"], &answer["success"]), (&json!(7), &json!(true)), "{answer}");
            assert_eq!(answer["output"].as_f64(), Some(expected), "{function}");
            let timings = answer["timings"].as_array().expect("timings");
            assert_eq!((timings.len(), &timings[0]["name"]), (1, &json!("evaluate")));
            assert!(timings[0]["nanoseconds"].is_u64(), "{answer}");
            x = answer["output"].clone();
            let analysis = program.answer(r#"{"id": 3, "kind": "analysis", "of": 7, "valid": true}"#);
            assert_eq!(analysis, json!({"id": 3}));
        }
        program.end();
    }
}

#[test]
fn runs_are_repeated_and_each_is_reported() {
    let mut program = Program::new("tape");
    let answer = program.evaluate("lse", "primal", json!({"x": [1.0, 2.0], "min_runs": 5, "min_seconds": 0}));
    assert_eq!(answer["timings"].as_array().map(Vec::len), Some(5));
    let answer =
        program.evaluate("lse", "gradient", json!({"x": [1.0, 2.0], "min_runs": 1, "min_seconds": 0.01}));
    let timings = answer["timings"].as_array().expect("timings");
    let sum: u64 = timings.iter().map(|entry| entry["nanoseconds"].as_u64().expect("an integer")).sum();
    assert!(timings.len() > 1 && sum >= 10_000_000, "{} runs of {sum} ns", timings.len());
    program.end();
}

#[test]
fn bad_requests_are_answered_and_the_program_lives_on() {
    let mut program = Program::new("tape-program");
    let refused = |answer: Value, parts: &[&str]| {
        assert_eq!(answer["success"], json!(false), "{answer}");
        assert!(answer.get("output").is_none(), "{answer}");
        let error = answer["error"].as_str().expect("an error").to_string();
        assert!(!error.contains('\n'), "{error}");
        for part in parts {
            assert!(error.contains(part), "expected {part} in: {error}");
        }
    };
    refused(program.answer(r#"{"id": 1, "kind": "define", "module": "unheard"}"#), &["`unheard`", "hello"]);
    refused(program.evaluate("lse", "hessian", json!({"x": [1.0]})), &["`hessian`", "gradient"]);
    refused(program.evaluate("lse", "primal", json!({"x": []})), &["`x`", "none"]);
    refused(
        program.evaluate("lse", "primal", json!({"x": "text"})),
        &["`x`", "a list of numbers", "a string"],
    );
    refused(program.evaluate("lse", "primal", json!({})), &["`x`", "nothing"]);
    refused(program.evaluate("llsq", "primal", json!({"x": [1.0], "n": 1e300})), &["`n`", "1e+300"]);
    refused(program.evaluate("llsq", "primal", json!({"x": [1.0], "n": 1})), &["`n`", "2", "1"]);
    refused(
        program.evaluate("det", "primal", json!({"A": [1.0, 2.0], "ell": 2})),
        &["`A`", "4 numbers", "2"],
    );
    refused(program.evaluate("saddle", "fx", json!({"start": [1.0, 1.0]})), &["`fx`", "rr"]);
    refused(program.evaluate("kmeans", "dir", json!({"points": [[1.0]], "centroids": [[1.0, 2.0]]})), &["1"]);
    refused(program.evaluate("particle", "ff", json!({"w": 1e200})), &["axis"]);
    refused(program.answer("not JSON"), &["JSON"]);
    refused(program.answer(""), &["JSON"]);
    refused(program.answer(r#"{"id": 4, "kind": "evaluate"}"#), &["`module`"]);
    assert_eq!(program.answer(r#"{"id": 5, "kind": "greeting"}"#), json!({"id": 5}));
    assert_eq!(program.evaluate("hello", "square", json!(3))["output"], json!(9.0));
    program.end();
}

/// Lines of megabytes are read whole.
#[test]
fn long_lines() {
    let mut program = Program::new("tape");
    let x: Vec<f64> = (0..100_000).map(|i| f64::from(i).sin()).collect();
    let answer = program.evaluate("lse", "gradient", json!({"x": x}));
    let gradient = answer["output"].as_array().expect("a list");
    assert_eq!(gradient.len(), x.len());
    let sum: f64 = gradient.iter().map(|x| x.as_f64().expect("a number")).sum();
    assert!((sum - 1.0).abs() < 1e-12, "the gradient is a probability, and sums to {sum}");
    program.end();
}

/// Infinities are `null`, which the suite takes for a wrong answer, not for a broken line.
#[test]
fn infinities_are_null() {
    let mut program = Program::new("tape");
    let answer = program.evaluate("hello", "square", json!(1e200));
    assert_eq!((&answer["success"], &answer["output"]), (&json!(true), &Value::Null));
    program.end();
}

#[test]
fn a_name_that_is_none_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_gradbench")).arg("tap").output().expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("found `tap`"));
}
