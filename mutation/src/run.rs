//! Runs the tests on each mutant of the sample.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::cargo;
use crate::prepare::LIST;
use crate::sample::AREAS;

/// A line of the list of tests: milliseconds, folder, program, test, numbers of the mutants that it reaches.
const TESTS: &str = "tests.txt";
/// A line of the results: number of the mutant, `caught`, `survived` or `open`, and the test that catches it or
/// why none does. The last line of a mutant counts.
const RESULTS: &str = "results.txt";
/// A line for a test that passed with a mutant: number of the mutant, and of the line of the test in its list. It is
/// not run again.
const PASSED: &str = "passed.txt";

/// The packages whose tests are run, but for their documentation.
const PROGRAMS: &[&str] =
    &["test", "--no-run", "-p", "tape", "-p", "gradcheck", "-p", "nn", "-p", "tests", "--lib", "--tests"];

/// A mutant may take this many times the time of the original, and this much longer.
const SLOWER: u32 = 3;
const LONGER: Duration = Duration::from_secs(3);
/// A test that was too slow is run once more with this many times as long, because the machine may have been busy.
const PATIENCE: u32 = 10;
/// The limit of a test of the original, and of its memory in KiB.
const LONGEST: Duration = Duration::from_secs(120);
const MEMORY: usize = 6 << 20;

/// A test, with the mutants that it reaches.
struct Test {
    time: Duration,
    folder: PathBuf,
    program: PathBuf,
    name: String,
    reaches: HashSet<usize>,
}

#[derive(PartialEq)]
enum Outcome {
    Passed,
    Failed,
    TooSlow,
}

impl Test {
    /// Runs the test, with a setting of its environment.
    fn run(&self, work: &Path, (variable, value): (&str, &str), limit: Duration) -> io::Result<Outcome> {
        let temporary = work.join("tmp");
        fs::create_dir_all(&temporary)?;
        let mut child = Command::new("sh")
            .args(["-c", &format!("ulimit -v {MEMORY}; ulimit -c 0; exec \"$0\" \"$@\"")])
            .arg(&self.program)
            .args(["--exact", &self.name])
            .env(variable, value)
            .env("TMPDIR", &temporary)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(if status.success() { Outcome::Passed } else { Outcome::Failed });
            }
            if start.elapsed() > limit {
                // With the processes that the test has started.
                Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status()?;
                child.wait()?;
                return Ok(Outcome::TooSlow);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Builds the tests and [traces](trace) each program.
pub fn build(work: &Path) -> io::Result<()> {
    let messages = cargo::messages(&work.canonicalize()?.join("tree"), PROGRAMS)?;
    if !messages.iter().any(|message| message["reason"] == "build-finished" && message["success"] == true) {
        return Err(io::Error::other("expected tests that compile"));
    }
    let modified = |file: &Path| fs::metadata(file).and_then(|about| about.modified()).ok();
    let traced = modified(&work.join(TESTS));
    for message in messages.iter().filter(|message| message["profile"]["test"] == true) {
        if let (Some(program), Some(manifest)) =
            (message["executable"].as_str(), message["manifest_path"].as_str())
        {
            if modified(Path::new(program)) > traced {
                retire(work, Path::new(program))?;
            }
            trace(work, &Path::new(manifest).with_file_name(""), Path::new(program))?;
        }
    }
    Ok(())
}

/// Empties the lines of a program that was compiled again: its tests may be others now, and have passed with no mutant.
fn retire(work: &Path, program: &Path) -> io::Result<()> {
    let list = work.join(TESTS);
    let text = if list.exists() { fs::read_to_string(&list)? } else { return Ok(()) };
    let program = format!("\t{}\t", program.display());
    let line =
        |line: &str| if line.contains(&program) { "0\t\t\t\t\n".to_owned() } else { format!("{line}\n") };
    fs::write(list, text.lines().map(line).collect::<String>())
}

/// Runs each test of a program that is not yet in the list, with notes of the mutants that it reaches, and adds it to
/// the list.
pub fn trace(work: &Path, folder: &Path, program: &Path) -> io::Result<()> {
    let (work, folder, program) = (&work.canonicalize()?, folder.canonicalize()?, program.canonicalize()?);
    let list = work.join(TESTS);
    let known = if list.exists() { tests(work)? } else { Vec::new() };
    let known: HashSet<_> =
        known.iter().filter(|test| test.program == program).map(|test| &*test.name).collect();
    let mut list = fs::OpenOptions::new().create(true).append(true).open(list)?;
    let names = Command::new(&program).args(["--list", "--format", "terse"]).current_dir(&folder).output()?;
    let names = String::from_utf8_lossy(&names.stdout).into_owned();
    for name in
        names.lines().filter_map(|line| line.strip_suffix(": test")).filter(|name| !known.contains(name))
    {
        let mut test = Test {
            time: Duration::ZERO,
            folder: folder.clone(),
            program: program.clone(),
            name: name.to_owned(),
            reaches: HashSet::new(),
        };
        let notes = work.join(format!("trace-{}.txt", std::process::id()));
        fs::write(&notes, "")?;
        let start = Instant::now();
        if test.run(work, ("MUTANT_TRACE", &notes.display().to_string()), LONGEST)? != Outcome::Passed {
            println!("left out, since it fails without a mutant: {name} of {}", program.display());
            continue;
        }
        test.time = start.elapsed();
        // A test with child processes notes a mutant more than once.
        let reached: BTreeSet<usize> =
            fs::read_to_string(&notes)?.lines().filter_map(|line| line.parse().ok()).collect();
        fs::remove_file(&notes)?;
        let reached: Vec<_> = reached.iter().map(usize::to_string).collect();
        let (folder, program) = (folder.display(), program.display());
        writeln!(list, "{}\t{folder}\t{program}\t{name}\t{}", test.time.as_millis(), reached.join(","))?;
    }
    Ok(())
}

/// Runs each mutant that is not caught on the tests that reach it and have not passed with it, for about `limit`: what
/// is left of it is for a later run.
pub fn run(work: &Path, limit: Duration) -> io::Result<()> {
    let work = &work.canonicalize()?;
    let mut tests: Vec<_> = tests(work)?.into_iter().enumerate().collect();
    tests.sort_by_key(|(_, test)| test.time);
    let (done, mut passed) = (results(work)?, passed(work)?);
    let append = |name| fs::OpenOptions::new().create(true).append(true).open(work.join(name));
    let (mut results, mut passes) = (append(RESULTS)?, append(PASSED)?);
    for (number, [_, compiles, name]) in list(work)? {
        let before = done.get(&number).map(|(result, _)| result.as_str());
        if compiles == "refused" || before == Some("caught") {
            continue;
        }
        let passed = passed.remove(&number).unwrap_or_default();
        let reaching: Vec<_> = tests.iter().filter(|(_, test)| test.reaches.contains(&number)).collect();
        let left: Vec<_> = reaching.iter().filter(|(line, _)| !passed.contains(line)).collect();
        if before == Some("survived") && left.is_empty() {
            continue;
        }
        let start = Instant::now();
        let mut result = match reaching.len() {
            0 => ("survived", "no test reaches it".to_owned()),
            count => ("survived", format!("the {count} tests that reach it pass")),
        };
        for (line, test) in left {
            if start.elapsed().saturating_add(test.time) > limit {
                result = ("open", format!("no test of the first {} seconds", limit.as_secs()));
                break;
            }
            let (number, time) = (number.to_string(), SLOWER * test.time + LONGER);
            let mut outcome = test.run(work, ("MUTANT", &number), time)?;
            if outcome == Outcome::TooSlow {
                outcome = test.run(work, ("MUTANT", &number), PATIENCE * time)?;
            }
            match outcome {
                Outcome::Passed => writeln!(passes, "{number}\t{line}")?,
                Outcome::Failed => result = ("caught", test.name.clone()),
                Outcome::TooSlow => result = ("caught", format!("{} is too slow", test.name)),
            }
            if result.0 == "caught" {
                break;
            }
        }
        fs::remove_dir_all(work.join("tmp")).or_else(missing)?;
        writeln!(results, "{number}\t{}\t{}", result.0, result.1)?;
        println!("{} in {:.1} s: {name}: {}", result.0, start.elapsed().as_secs_f64(), result.1);
    }
    Ok(())
}

/// Nothing is wrong with a folder that is not there.
fn missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Prints the results by area, and the mutants that no test catches.
pub fn report(work: &Path) -> io::Result<()> {
    let (list, results) = (list(work)?, results(work)?);
    println!("| area | drawn | compile | caught | survive | not yet run |\n|---|---|---|---|---|---|");
    let mut left = Vec::new();
    for area in AREAS.iter().map(|area| Some(area.name)).chain([None]) {
        let mut counts = [0; 5];
        for (number, [of, compiles, name]) in &list {
            if area.is_some_and(|area| area != of) {
                continue;
            }
            counts[0] += 1;
            if compiles == "refused" {
                continue;
            }
            counts[1] += 1;
            match results.get(number).map(|(result, test)| (&**result, test)) {
                Some(("caught", _)) => counts[2] += 1,
                Some(("survived", why)) => {
                    counts[3] += 1;
                    left.extend(area.map(|_| format!("{number} {name}: {why}")));
                }
                _ => counts[4] += 1,
            }
        }
        let [drawn, compile, caught, survive, open] = counts;
        println!("| {} | {drawn} | {compile} | {caught} | {survive} | {open} |", area.unwrap_or("all"));
    }
    println!("\n{}", left.join("\n"));
    Ok(())
}

/// Reads the list of tests.
fn tests(work: &Path) -> io::Result<Vec<Test>> {
    let lines = lines(&work.join(TESTS))?;
    let test = |[time, folder, program, name, reaches]: [String; 5]| {
        let reaches = reaches.split(',').filter_map(|number| number.parse().ok()).collect();
        let time = Duration::from_millis(time.parse().map_err(io::Error::other)?);
        Ok(Test { time, folder: folder.into(), program: program.into(), name, reaches })
    };
    lines.into_iter().map(test).collect()
}

/// Reads the list of mutants: area, whether it compiles, name.
fn list(work: &Path) -> io::Result<BTreeMap<usize, [String; 3]>> {
    let lines = lines(&work.join(LIST))?.into_iter();
    lines
        .map(|[number, rest @ ..]: [String; 4]| Ok((number.parse().map_err(io::Error::other)?, rest)))
        .collect()
}

/// Reads the results; the last one of a mutant counts.
fn results(work: &Path) -> io::Result<BTreeMap<usize, (String, String)>> {
    let path = work.join(RESULTS);
    let lines = if path.exists() { lines(&path)? } else { Vec::new() };
    let result =
        |[number, result, why]: [String; 3]| Ok((number.parse().map_err(io::Error::other)?, (result, why)));
    lines.into_iter().map(result).collect()
}

/// Reads which tests passed with each mutant, as their lines in the list.
fn passed(work: &Path) -> io::Result<BTreeMap<usize, HashSet<usize>>> {
    let path = work.join(PASSED);
    let mut passed: BTreeMap<usize, HashSet<usize>> = BTreeMap::new();
    for columns in if path.exists() { lines::<2>(&path)? } else { Vec::new() } {
        let [number, line] = columns.map(|column| column.parse().map_err(io::Error::other));
        passed.entry(number?).or_default().insert(line?);
    }
    Ok(passed)
}

/// Reads a file of lines with `N` columns.
fn lines<const N: usize>(path: &Path) -> io::Result<Vec<[String; N]>> {
    let wrong =
        |line: &str| io::Error::other(format!("{}: expected {N} columns, found {line:?}", path.display()));
    let line = |line: &str| {
        let columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
        columns.try_into().map_err(|_| wrong(line))
    };
    fs::read_to_string(path)?.lines().map(line).collect()
}
