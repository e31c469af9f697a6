//! One seed gives the same weights, bit for bit, in every run and every build. `.ci/reproducible` compares more: builds in
//! debug and release, with and without threads, instruction sets switched off.

use std::io::Write as _;
use std::path::PathBuf;
use std::{fs, io, thread};
use tests::training::{QUICK, TRAININGS, hash, instruction_set};

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/trained_weights.txt")
}

/// The first two words of a line of the file: the training, and the processors that its hash holds for.
fn keys() -> Vec<String> {
    let kind = |portable| if portable { "portable" } else { instruction_set() };
    TRAININGS.iter().map(|training| format!("{} {}", training.name, kind(training.portable))).collect()
}

fn hashes() -> Vec<u64> {
    TRAININGS.iter().map(|training| hash(&(training.run)(QUICK))).collect()
}

#[test]
fn one_seed_gives_the_committed_weights_in_every_run() {
    let found = hashes();
    let again = thread::spawn(hashes).join().expect("the second run");
    assert_eq!(found, again, "two runs of one program differ");
    let mut distinct = found.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), TRAININGS.len(), "two trainings are the same");
    let file = fs::read_to_string(path()).expect("the committed hashes");
    let (keys, mut wrong, mut unknown) = (keys(), Vec::new(), Vec::new());
    for (key, found) in keys.iter().zip(found) {
        match file.lines().find_map(|line| line.strip_prefix(key.as_str())) {
            Some(expected) if expected.trim() == format!("{found:016x}") => {}
            Some(expected) => wrong.push(format!("{key}: expected{expected}, found {found:016x}")),
            None => unknown.push(key.as_str()),
        }
    }
    assert!(
        wrong.is_empty(),
        "other weights than before. If that is intended: cargo test -p tests --test library -- --ignored \
         write_the_trained_weights\n{}",
        wrong.join("\n")
    );
    assert!(unknown.iter().all(|key| !key.ends_with("portable")), "no hash of {unknown:?}: write them");
    if !unknown.is_empty() {
        // Not through `eprintln!`, which the test harness would swallow.
        let text = format!("SKIPPED: no committed weights for {}: {unknown:?}\n", instruction_set());
        io::stderr().write_all(text.as_bytes()).expect("standard error");
    }
}

/// Writes the hashes of this processor; those of other processors are dropped if a portable one changed.
#[test]
#[ignore = "writes tests/data/trained_weights.txt"]
fn write_the_trained_weights() {
    let new: Vec<String> =
        keys().iter().zip(hashes()).map(|(key, hash)| format!("{key} {hash:016x}")).collect();
    let old = fs::read_to_string(path()).unwrap_or_default();
    let changed = new.iter().any(|line| line.contains(" portable ") && !old.lines().any(|old| old == line));
    let mut lines = new.clone();
    let keys = keys();
    let others = old.lines().filter(|line| !keys.iter().any(|key| line.starts_with(&format!("{key} "))));
    lines.extend(others.filter(|_| !changed).map(str::to_owned));
    lines.sort_unstable();
    fs::write(path(), lines.join("\n") + "\n").expect("a writable file");
}
