//! Answers the problems of GradBench: JSON lines from standard input, an answer to each on standard output.

use gradbench::protocol::Session;
use gradbench::request::Tool;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

const HELP: &str = "\
Answers GradBench's problems: JSON lines on standard input, an answer to each on standard output.

usage: gradbench [NAME]

  tape          records anew in every run (the default)
  tape-program  records once, outside of the measured time, and runs the recording";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let tool = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Tool::Tape,
        ["--help" | "-h"] => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        [name] if let Some(tool) = Tool::named(name) => tool,
        _ => {
            eprintln!("gradbench: expected `tape` or `tape-program`, found `{}`", arguments.join(" "));
            return ExitCode::from(2);
        }
    };
    match answer_all(Session::new(tool)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gradbench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Answers every line until the input ends. The other side waits for each answer, so each is flushed.
fn answer_all(mut session: Session) -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        writeln!(output, "{}", session.answer(&line))?;
        output.flush()?;
        line.clear();
    }
    Ok(())
}
