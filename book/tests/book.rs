//! The pages show what the programs print today, and the exercises have the right verdicts.

use book::{Chapter, Verdict, chapters, docs, fill, regions, unquoted_numbers};
use std::process::Command;

/// Tells how to bring the pages up to date.
const WRITE: &str = "run: cargo run -p book -- write";

fn page(chapter: &Chapter) -> String {
    let path = docs().join(chapter.page).with_extension("md");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn run(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_book")).args(arguments).output().expect("the program book");
    assert!(output.status.success(), "book {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn output(chapter: &Chapter, broken: bool) -> String {
    let number = chapter.number.to_string();
    let arguments = ["run", &number, "--broken"];
    run(&arguments[..if broken { 3 } else { 2 }])
}

#[test]
fn programs_and_their_outputs_are_up_to_date() {
    for chapter in chapters() {
        let page = page(&chapter);
        let filled = fill(&page, &regions(&chapter, |broken| output(&chapter, broken))).unwrap();
        assert!(page == filled, "docs/learn/{}.md is stale; {WRITE}", chapter.page);
        for region in ["program", "output", "change", "broken output"] {
            assert!(page.contains(&format!("<!-- book: {region} -->")), "{}: no {region}", chapter.page);
        }
    }
}

#[test]
fn figures_are_up_to_date_and_shown() {
    for chapter in chapters() {
        let (page, figures) = (page(&chapter), (chapter.figures)());
        assert!(!figures.is_empty(), "{}: no figure", chapter.page);
        for (name, svg) in figures {
            let written = std::fs::read_to_string(docs().join("figures").join(name)).unwrap_or_default();
            assert!(written == svg, "docs/learn/figures/{name} is stale; {WRITE}");
            assert!(page.contains(&format!("](figures/{name})")), "{}: {name} is not shown", chapter.page);
        }
    }
}

#[test]
fn every_number_of_the_prose_is_quoted_from_its_page() {
    for chapter in chapters() {
        let missing = unquoted_numbers(&page(&chapter));
        assert!(missing.is_empty(), "docs/learn/{}.md: no program prints {missing:?}", chapter.page);
    }
}

#[test]
fn programs_are_short_and_differ_little_from_the_broken_ones() {
    for Chapter { page, number, program, broken, .. } in chapters() {
        let lines = program.text.lines().count();
        let most = if number == 4 { 100 } else { 40 };
        assert!((5..=most).contains(&lines), "{page}: {lines} lines");
        let widest = program.text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= 90, "{page}: a line of {widest} characters does not fit on the page");
        let changed = program.text.lines().filter(|line| !broken.text.contains(line)).count();
        assert!(program.text != broken.text && changed <= 6, "{page}: {changed} lines are broken");
    }
}

#[test]
fn a_right_answer_and_typical_mistakes_have_their_verdicts() {
    for chapter in chapters() {
        let (page, exercises) = (page(&chapter), (chapter.exercises)());
        assert_eq!(exercises.len(), 3, "{}", chapter.page);
        for (k, exercise) in exercises.iter().enumerate() {
            let number = exercise.number;
            assert_eq!(number, format!("{}.{}", chapter.number, k + 1));
            assert!(page.contains(&format!("**{number}**")), "{}: no text of {number}", chapter.page);
            assert!(
                page.contains(&format!("book -- check {number} ")),
                "{}: no command for {number}",
                chapter.page
            );
            for right in &exercise.right {
                assert_eq!(exercise.check(&right.to_string()), Verdict::Right, "{number}: {right}");
            }
            assert!(exercise.mistakes.len() >= 2, "{number}: two typical mistakes");
            for mistake in &exercise.mistakes {
                let verdict = exercise.check(&mistake.answer.to_string());
                assert_eq!(
                    verdict,
                    Verdict::Wrong(mistake.explanation.into()),
                    "{number}: {}",
                    mistake.answer
                );
            }
        }
    }
}

#[test]
fn the_command_checks_an_answer() {
    let exercise = (chapters()[0].exercises)().remove(0);
    let right = exercise.right[0].to_string();
    assert_eq!(run(&["check", exercise.number, &right]), "right\n");
    for (answer, verdict) in [("-1e9", "wrong: "), ("13.5", "wrong: "), ("?", "cannot be read: ")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_book"));
        let output = command.args(["check", exercise.number, answer]).output().expect("the program book");
        assert!(String::from_utf8_lossy(&output.stdout).starts_with(verdict), "{answer}");
        assert_eq!(output.status.code(), Some(1), "{answer}");
    }
}

#[test]
fn every_page_is_a_doctest_and_every_program_is_used() {
    let doctests = include_str!("../src/lib.rs");
    for Chapter { page, .. } in chapters() {
        assert!(doctests.contains(&format!("\"{page}\"")), "src/lib.rs does not run the code of {page}");
    }
    let programs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("programs");
    let files = std::fs::read_dir(programs).expect("the folder of programs").count();
    assert_eq!(files, 2 * chapters().len());
}
