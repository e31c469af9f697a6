//! The command line: flags by `clap`, one clear sentence and exit code 2 for any invalid input.

use clap::Parser;
use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// The exit code for a bad flag, a bad file, or any other error the user can correct.
pub const BAD_INPUT: u8 = 2;

/// Parses the flags and runs the program. `--help` goes to standard output and succeeds; an error is one line on
/// standard error.
pub fn main<A: Parser>(run: impl FnOnce(A) -> Result<(), Box<dyn Error>>) -> ExitCode {
    let args = match A::try_parse() {
        Ok(args) => args,
        Err(error) if !error.use_stderr() => {
            say(error.to_string().trim_end());
            return ExitCode::SUCCESS;
        }
        Err(error) => return refuse(sentence(&error.to_string())),
    };
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(error),
    }
}

fn refuse(reason: impl Display) -> ExitCode {
    eprintln!("error: {reason}");
    ExitCode::from(BAD_INPUT)
}

/// Turns the parser's message before the usage into one line.
fn sentence(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let text = text.split("\n\nUsage:").next().unwrap_or(text);
    let text = text.split("\n\nFor more information").next().unwrap_or(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Prints a line on standard output; ends the program, as other tools do, when the reader is gone (`| head`).
pub fn say(line: impl Display) {
    if writeln!(io::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}

/// Prints the last line of a program: `result: accuracy=0.9123 seconds=12.3`.
pub fn result(fields: &[(&str, String)]) {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    say(format_args!("result: {}", fields.join(" ")));
}

/// Parses a non-negative integer, for `value_parser`.
///
/// # Errors
/// Describes any other input.
pub fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "expected a whole number".to_owned())
}

/// Checks the name of a file for parameters, for `value_parser`, so that an error is found before an hour of
/// training.
///
/// # Errors
/// If the extension is not a known format, or the directory does not exist.
pub fn parameter_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if !matches!(path.extension().and_then(|ending| ending.to_str()), Some("safetensors" | "npz")) {
        return Err("expected a name that ends in .safetensors or .npz".to_owned());
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() && !parent.is_dir() => {
            Err(format!("there is no directory {}", parent.display()))
        }
        _ => Ok(path),
    }
}

/// Parses an integer of at least 1, for `value_parser`.
///
/// # Errors
/// Describes any other input.
pub fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a whole number of at least 1".to_owned()),
        Ok(n) => Ok(n),
    }
}

/// Parses a finite number above 0, for `value_parser`.
///
/// # Errors
/// Describes any other input.
pub fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("expected a number above 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[derive(Clone, Debug, PartialEq, ValueEnum)]
    enum Kind {
        Round,
        Square,
    }

    #[derive(Debug, Parser)]
    struct Args {
        #[arg(long, value_parser = positive, default_value = "1")]
        size: usize,
        #[arg(long, default_value = "round")]
        kind: Kind,
    }

    fn complaint(flags: &[&str]) -> String {
        let flags = ["program"].iter().chain(flags);
        sentence(&Args::try_parse_from(flags).unwrap_err().to_string())
    }

    #[test]
    fn errors_are_reported_in_one_line() {
        assert_eq!(
            complaint(&["--sice", "3"]),
            "unexpected argument '--sice' found tip: a similar argument exists: '--size'"
        );
        assert_eq!(
            complaint(&["--size", "0"]),
            "invalid value '0' for '--size <SIZE>': expected a whole number of at least 1"
        );
        assert_eq!(
            complaint(&["--kind", "oval"]),
            "invalid value 'oval' for '--kind <KIND>' [possible values: round, square]"
        );
        assert_eq!(Args::try_parse_from(["program"]).unwrap().kind, Kind::Round);
    }

    #[test]
    fn rates_are_positive_numbers() {
        assert_eq!(rate("0.5"), Ok(0.5));
        assert!(["0", "-1", "nan", "inf", "x", ""].iter().all(|text| rate(text).is_err()));
        assert!(count("0").is_ok() && count("-1").is_err());
    }

    #[test]
    fn a_file_that_cannot_be_written_is_refused_at_once() {
        assert!(parameter_file("model.npz").is_ok());
        assert_eq!(
            parameter_file("model.txt").unwrap_err(),
            "expected a name that ends in .safetensors or .npz"
        );
        assert_eq!(parameter_file("no/such/model.npz").unwrap_err(), "there is no directory no/such");
    }
}
