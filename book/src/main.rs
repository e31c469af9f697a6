//! Runs the programs of the book, checks answers to its exercises, and writes what its pages generate.

use book::{Chapter, Verdict, chapters, docs, fill, regions};
use clap::{Parser, Subcommand};
use std::error::Error;
use std::process::{Command, ExitCode};

/// The programs and exercises of the book in docs/learn.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Lists the chapters.
    List,
    /// Runs the program of a chapter.
    Run {
        chapter: usize,
        /// Runs the broken program instead.
        #[arg(long)]
        broken: bool,
    },
    /// Checks an answer to an exercise; fails unless it is right.
    Check {
        /// The number of the exercise, such as 5.2.
        exercise: String,
        /// The answer: numbers, separated by commas, or an expression.
        #[arg(allow_hyphen_values = true)]
        answer: String,
    },
    /// Writes outputs, tables and figures into the pages.
    Write,
}

fn chapter(number: usize) -> Result<Chapter, String> {
    let last = chapters().len();
    let found = chapters().into_iter().find(|chapter| chapter.number == number);
    found.ok_or_else(|| format!("expected a chapter from 1 to {last}, found {number}"))
}

fn check(exercise: &str, answer: &str) -> Result<Verdict, String> {
    let all = chapters().into_iter().flat_map(|chapter| (chapter.exercises)());
    let found = all.into_iter().find(|e| e.number == exercise);
    let found =
        found.ok_or_else(|| format!("expected the number of an exercise, such as 5.2, found {exercise}"))?;
    Ok(found.check(answer))
}

/// Writes a file if its text has changed.
fn write(path: std::path::PathBuf, text: &str) -> Result<(), Box<dyn Error>> {
    if std::fs::read_to_string(&path).ok().as_deref() != Some(text) {
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

fn write_all() -> Result<(), Box<dyn Error>> {
    let program = std::env::current_exe()?;
    for chapter in chapters() {
        let run = |broken: bool| {
            let mut command = Command::new(&program);
            command.args(["run", &chapter.number.to_string()]);
            if broken {
                command.arg("--broken");
            }
            command
                .output()
                .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
                .unwrap_or_default()
        };
        let path = docs().join(chapter.page).with_extension("md");
        let page = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let filled =
            fill(&page, &regions(&chapter, run)).map_err(|error| format!("{}: {error}", path.display()))?;
        write(path, &filled)?;
        for (name, svg) in (chapter.figures)() {
            write(docs().join("figures").join(name), &svg)?;
        }
    }
    Ok(())
}

fn run(action: Action) -> Result<ExitCode, Box<dyn Error>> {
    match action {
        Action::List => {
            for Chapter { number, page, .. } in chapters() {
                println!("{number:>2}  docs/learn/{page}.md");
            }
        }
        Action::Run { chapter: number, broken } => {
            let chapter = chapter(number)?;
            (if broken { chapter.broken } else { chapter.program }.main)();
        }
        Action::Check { exercise, answer } => {
            let verdict = check(&exercise, &answer)?;
            println!("{verdict}");
            if verdict != Verdict::Right {
                return Ok(ExitCode::FAILURE);
            }
        }
        Action::Write => write_all()?,
    }
    Ok(ExitCode::SUCCESS)
}

fn main() -> ExitCode {
    match run(Arguments::parse().action) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
