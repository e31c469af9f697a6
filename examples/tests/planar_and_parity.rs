//! The programs `two_clusters`, `bounded_region`, `parity` and `vanishing` as a user meets them.

use std::path::PathBuf;
use std::process::{Command, Output};

/// A directory that goes when the test is over.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // A program that refused its flags has not written anything.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a program, which the test run built too, in a directory of its own.
fn run(name: &str, test: &str, flags: &[&str]) -> (Output, Scratch) {
    let place = std::env::temp_dir().join(format!("examples-{name}-{test}-{}", std::process::id()));
    std::fs::create_dir_all(&place).unwrap();
    let program = std::env::current_exe().unwrap().parent().unwrap().with_file_name("examples").join(name);
    let output = Command::new(&program).args(flags).current_dir(&place).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    (output, Scratch(place))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn quick_runs_end_with_a_result_and_draw_what_they_name() {
    let cases: [(&str, &[&str], &str); 4] = [
        ("two_clusters", &["--epochs", "5"], "accuracy=1.0000"),
        ("bounded_region", &["--runs", "1"], "bounded=true"),
        ("parity", &["--exact", "--epochs", "10"], "accuracy=1.0000"),
        ("vanishing", &["--depth", "5"], "first=2.0032e-4"),
    ];
    for (name, flags, expected) in cases {
        let (output, place) = run(name, "quick", flags);
        let printed = text(&output.stdout);
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        let last = printed.lines().last().unwrap();
        assert!(last.starts_with("result: ") && last.contains(expected), "{name}: {last}");
        let pictures: Vec<&str> = printed.lines().filter_map(|line| line.strip_prefix("picture: ")).collect();
        assert_eq!(pictures.len(), 2, "{name}");
        assert!(pictures.iter().all(|picture| place.0.join(picture).exists()), "{name}: {pictures:?}");
    }
}

#[test]
fn bad_input_is_one_sentence_and_code_2() {
    let cases: [(&str, &[&str], &str); 5] = [
        (
            "two_clusters",
            &["--margin", "3"],
            "--margin leaves no room: at most 1.4 times --centre and once --spread",
        ),
        (
            "two_clusters",
            &["--centre", "0"],
            "invalid value '0' for '--centre <CENTRE>': expected a number above 0",
        ),
        (
            "bounded_region",
            &["--runs", "0"],
            "invalid value '0' for '--runs <RUNS>': expected a whole number of at least 1",
        ),
        ("parity", &["--exact", "--seed", "1"], "--exact repeats a run with seed 0"),
        (
            "vanishing",
            &["--depth", "201"],
            "invalid value '201' for '--depth <DEPTH>': 201 is not in 1..=200",
        ),
    ];
    for (name, flags, expected) in cases {
        let (output, _place) = run(name, "bad", flags);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert_eq!(text(&output.stderr), format!("error: {expected}\n"));
    }
}
