//! Mutation tests: a sample of mutants of the crates is compiled into one build, each behind a switch, and the
//! tests that reach a mutant are run with it switched on. See `docs/mutation-testing.md` and `.ci/mutation`.

mod cargo;
mod guards;
mod mutants;
mod prepare;
mod run;
mod sample;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "expected one of
    WORK prepare SIZE    writes SIZE mutants of every area into WORK/tree
    WORK build           builds the tests, runs each once, and notes which mutants it reaches
    WORK trace FOLDER PROGRAM
                         the same for a program of tests of the package in FOLDER
    WORK run [SECONDS]   runs the mutants without a result, each for SECONDS at most
    WORK report          prints the results by area";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| {
        text.parse().map_err(|_| std::io::Error::other(format!("expected a number, found {text}")))
    };
    let result = match arguments[..] {
        [work, "prepare", size] => number(size).and_then(|size| prepare::prepare(Path::new(work), size)),
        [work, "build"] => run::build(Path::new(work)),
        [work, "trace", folder, program] => {
            run::trace(Path::new(work), Path::new(folder), Path::new(program))
        }
        [work, "run"] => run::run(Path::new(work), Duration::MAX),
        [work, "run", seconds] => {
            number(seconds).and_then(|seconds| run::run(Path::new(work), Duration::from_secs(seconds as u64)))
        }
        [work, "report"] => run::report(Path::new(work)),
        _ => Err(std::io::Error::other(USAGE)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
