//! Measures the derivatives of all evals in units of their functions: the tool's own in plain `f64`, and, where there is a C++
//! compiler, `cpp/primal.cpp`. For `saddle` and `particle` the unit is the same search with differences.

use gradbench::evals::{self, nested, particle, saddle};
use gradbench::request::{Request, Tool};
use gradbench::samples;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

const HELP: &str = "\
Measures derivatives over functions, as a table.

usage: ratios [--small | --medium | --large] [--seconds S] [--rounds N] [EVAL..]

Each time is the mean processor time of some seconds of runs, each ratio the median of the rounds, in which tools and
C++ take turns.";

/// The flags of the suite's own C++ tools.
const FLAGS: [&str; 2] = ["-std=c++17", "-O3"];

/// One row of the table.
struct Case {
    eval: &'static str,
    size: String,
    input: Value,
    /// The arguments of `cpp/primal.cpp`.
    arguments: String,
}

/// How large the problems are.
#[derive(Clone, Copy, PartialEq)]
enum Scale {
    Small,
    Medium,
    Large,
}

/// Numbers of lists, at any depth, one after another.
fn flat(value: &Value, to: &mut String) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| flat(value, to)),
        other => {
            let _ = write!(to, "{other} ");
        }
    }
}

fn case(eval: &'static str, size: String, input: Value, sizes: &[usize], fields: &[&str]) -> Case {
    let mut arguments = sizes.iter().map(|n| format!("{n} ")).collect::<String>();
    fields.iter().for_each(|field| flat(input.pointer(field).unwrap_or(&Value::Null), &mut arguments));
    Case { eval, size, input, arguments }
}

fn cases(scale: Scale) -> Vec<Case> {
    let of = |sizes: [usize; 3]| sizes[scale as usize];
    let mut cases = Vec::new();
    let (d, k, n) = (of([2, 10, 20]), of([5, 25, 25]), 1000);
    let fields = ["/gamma", "/x", "/alpha", "/mu", "/q", "/l"];
    let size = format!("d = {d}, k = {k}, n = {n}");
    cases.push(case("gmm", size, samples::gmm(d, k, n, 0, 1), &[d, k, n, 0], &fields));
    let n = of([256, 1024, 4096]);
    cases.push(case("llsq", format!("n = {n}"), samples::llsq(128, n, 1), &[128, n], &["/x"]));
    let n = of([2500, 160_000, 640_000]);
    cases.push(case("lse", format!("n = {n}"), samples::lse(n, 1), &[n], &["/x"]));
    let (k, n, d) = (of([10, 100, 1000]), of([1000, 10_000, 10_000]), 8);
    let size = format!("k = {k}, n = {n}, d = {d}");
    let fields = ["/points", "/centroids"];
    cases.push(case("kmeans", size, samples::kmeans(k, n, d, 1), &[k, n, d], &fields));
    let (layers, c) = (of([2, 4, 6]), of([1024, 4096, 4096]));
    let size = format!("{layers} layers, c = {c}");
    let fields = ["/main_params", "/extra_params", "/state", "/sequence"];
    cases.push(case("lstm", size, samples::lstm(layers, 14, c, 1), &[layers, c, 14], &fields));
    let (n, s) = (of([1000, 10_000, 100_000]), of([10, 100, 100]));
    cases.push(case("ode", format!("n = {n}, s = {s}"), samples::ode(n, s, 1), &[n, s], &["/x"]));
    let l = of([7, 9, 10]);
    cases.push(case("det", format!("l = {l}"), samples::det(l, 1), &[l], &["/A"]));
    let [n, m, p] = [[21, 1131, 3645], [49, 7776, 31_843], [161, 48_126, 182_072]][scale as usize];
    let size = format!("n = {n}, m = {m}, p = {p}");
    let fields = ["/cam", "/x", "/w", "/feat"];
    cases.push(case("ba", size, samples::ba(n, m, p), &[n, m, p], &fields));
    let (v, c) = (of([544, 10_000, 10_000]), of([100, 100, 1600]));
    let mut hand = case("ht", format!("V = {v}, c = {c}"), samples::ht(v, 1084, c, 1), &[22, v, c], &[]);
    hand_arguments(&mut hand);
    cases.push(hand);
    for (eval, input) in [("saddle", json!({"start": [1.0, 1.0]})), ("particle", json!({"w": 0.0}))] {
        cases.push(case(eval, String::new(), input, &[], &[]));
    }
    cases
}

/// The C++ program takes corners instead of triangles, and parents from 1.
fn hand_arguments(case: &mut Case) {
    let data = &case.input["data"];
    let model = &data["model"];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let triangles = list(&model["triangles"]);
    let corners: Vec<Value> = list(&data["correspondences"])
        .iter()
        .map(|number| triangles[number.as_u64().unwrap_or(0) as usize].clone())
        .collect();
    let parents: Vec<Value> =
        list(&model["parents"]).iter().map(|parent| (parent.as_i64().unwrap_or(-1) + 1).into()).collect();
    let more = [
        &case.input["theta"],
        &case.input["us"],
        &data["points"],
        &corners.into(),
        &parents.into(),
        &model["base_relatives"],
        &model["inverse_base_absolutes"],
        &model["base_positions"],
        &model["weights"],
    ];
    more.into_iter().for_each(|value| flat(value, &mut case.arguments));
}

/// The names of the function and of its derivative.
fn functions(eval: &str) -> [&'static str; 2] {
    match eval {
        "gmm" | "lstm" | "ba" | "ht" => ["objective", "jacobian"],
        "kmeans" => ["cost", "dir"],
        _ => ["primal", "gradient"],
    }
}

/// The mean processor time of a function, in nanoseconds, and its output.
fn mean(tool: Tool, eval: &str, function: &str, input: &Value, seconds: f64) -> Result<(f64, Value), String> {
    let mut input = input.clone();
    (input["min_runs"], input["min_seconds"]) = (3.into(), seconds.into());
    let request = Request::new(tool, function, &input)?;
    let output = evals::named(eval)?(&request)?;
    Ok((request.processor_time(), output))
}

/// The program of `cpp/primal.cpp`, if there is a compiler.
fn compiled() -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("cpp/primal.cpp");
    let program = std::env::current_exe().ok()?.with_file_name("gradbench-primal");
    let status = Command::new("g++").args(FLAGS).arg(&source).arg("-o").arg(&program).status();
    status.is_ok_and(|status| status.success()).then_some(program)
}

/// The mean processor time of the function in C++, and the sum of its outputs.
fn in_cpp(program: &Path, case: &Case, seconds: f64) -> Option<(f64, f64)> {
    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut input = child.stdin.take()?;
    write!(input, "{} {seconds} {}", case.eval, case.arguments).ok()?;
    drop(input);
    let output = String::from_utf8(child.wait_with_output().ok()?.stdout).ok()?;
    let mut numbers = output.split_whitespace().map(str::parse::<f64>);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The number by which the outputs of both languages are compared: their sum.
fn sum(eval: &str, output: &Value) -> f64 {
    let mut numbers = String::new();
    match eval {
        // The C++ program adds the first error, the last, and an error of a weight.
        "ba" => {
            flat(&output["reproj_error"]["elements"], &mut numbers);
            flat(&output["w_err"]["element"], &mut numbers);
        }
        _ => flat(output, &mut numbers),
    }
    numbers.split_whitespace().filter_map(|x| x.parse::<f64>().ok()).sum()
}

/// Measures a case and prints its row.
fn measure(case: &Case, cpp: Option<&Path>, seconds: f64, rounds: usize) -> Result<(), String> {
    if ["saddle", "particle"].contains(&case.eval) {
        return measure_nested(case, seconds, rounds);
    }
    let [function, derivative] = functions(case.eval);
    let mut columns: [Vec<f64>; 7] = Default::default();
    for _ in 0..rounds {
        let (own, value) = mean(Tool::Tape, case.eval, function, &case.input, seconds)?;
        let (tape, _) = mean(Tool::Tape, case.eval, derivative, &case.input, seconds)?;
        let (program, _) = mean(Tool::Program, case.eval, derivative, &case.input, seconds)?;
        let other = cpp.and_then(|program| in_cpp(program, case, seconds));
        if let Some((_, expected)) = other {
            let found = sum(case.eval, &value);
            if (found - expected).abs() > 1e-8 * expected.abs().max(1.0) {
                return Err(format!("{}: expected the value {expected} of C++, found {found}", case.eval));
            }
        }
        let other = other.map_or(f64::NAN, |(time, _)| time);
        let row = [own, other, tape, tape / own, program / own, tape / other, program / other];
        columns.iter_mut().zip(row).for_each(|(column, x)| column.push(x));
    }
    let [own, other, tape, ratios @ ..] = columns.map(median);
    let micro = |x: f64| if x.is_nan() { "-".to_string() } else { format!("{:.1}", x / 1e3) };
    let ratio = |x: f64| if x.is_nan() { "-".to_string() } else { format!("{x:.2}") };
    let times = [other, own, tape].map(micro).join(" | ");
    println!("| {} | {} | {times} | {} |", case.eval, case.size, ratios.map(ratio).join(" | "));
    Ok(())
}

/// The four combinations of modes, in units of the same search with differences.
fn measure_nested(case: &Case, seconds: f64, rounds: usize) -> Result<(), String> {
    let mut columns: [Vec<f64>; 5] = Default::default();
    for _ in 0..rounds {
        let differences = match case.eval {
            "saddle" => nested::mean_time(seconds, || saddle::by_differences([1.0, 1.0])),
            _ => nested::mean_time(seconds, || particle::by_differences(0.0)),
        };
        columns[0].push(differences);
        for (column, variant) in columns[1..].iter_mut().zip(nested::VARIANTS) {
            column.push(mean(Tool::Tape, case.eval, variant, &case.input, seconds)?.0 / differences);
        }
    }
    let [differences, ratios @ ..] = columns.map(median);
    let each: Vec<String> =
        nested::VARIANTS.iter().zip(ratios).map(|(variant, ratio)| format!("{variant} {ratio:.2}")).collect();
    println!("| {} | differences {:.1} us | {} |", case.eval, differences / 1e3, each.join(" | "));
    Ok(())
}

fn main() -> ExitCode {
    let (mut scale, mut seconds, mut rounds, mut wanted) = (Scale::Medium, 0.3, 5, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|x| x.parse::<f64>().ok());
        match argument.as_str() {
            "--small" => scale = Scale::Small,
            "--medium" => scale = Scale::Medium,
            "--large" => scale = Scale::Large,
            "--seconds" if let Some(x) = number() => seconds = x,
            "--rounds" if let Some(x) = number() => rounds = (x as usize).max(1),
            "--help" | "-h" => {
                println!("{HELP}");
                return ExitCode::SUCCESS;
            }
            name if evals::named(name).is_ok() => wanted.push(name.to_string()),
            _ => {
                eprintln!("ratios: expected an option or an eval, found `{argument}`\n{HELP}");
                return ExitCode::from(2);
            }
        }
    }
    let cpp = compiled();
    if cpp.is_none() {
        println!("no C++ compiler `g++`: only over the tool's own functions");
    }
    println!(
        "| eval | size | C++ us | own us | tape us | tape / own | tape-program / own | tape / C++ | tape-program / C++ |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for case in
        cases(scale).iter().filter(|case| wanted.is_empty() || wanted.iter().any(|name| name == case.eval))
    {
        if let Err(error) = measure(case, cpp.as_deref(), seconds, rounds) {
            eprintln!("ratios: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
