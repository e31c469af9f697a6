//! Writes the sample into the tree, without the mutants that the compiler refuses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;

use crate::cargo;
use crate::guards::{Guarded, guarded};
use crate::sample::{AREAS, Drawn, sample};

/// A line of the list of mutants: number, area, whether it compiles, name.
pub const LIST: &str = "mutants.txt";

/// Draws `size` mutants of every area and writes them into the tree `work/tree`, which must be as committed.
pub fn prepare(work: &Path, size: usize) -> io::Result<()> {
    let tree = work.join("tree");
    let (drawn, counts) = sample(&tree, size)?;
    for (area, count) in AREAS.iter().zip(counts) {
        println!("{}: {count} mutants", area.name);
    }
    add_switches(&tree)?;
    let mut originals = BTreeMap::new();
    for mutant in &drawn {
        originals.insert(mutant.file.clone(), fs::read_to_string(tree.join(&mutant.file))?);
    }
    // Numbers begin with 1: 0 is no mutant.
    let mut refused: BTreeSet<usize> = BTreeSet::new();
    loop {
        let mut written = BTreeMap::new();
        for (file, source) in &originals {
            let of_file = drawn.iter().enumerate().map(|(number, drawn)| (number + 1, drawn));
            let of_file = of_file.filter(|(number, drawn)| drawn.file == *file && !refused.contains(number));
            let of_file: Vec<_> = of_file.map(|(number, drawn)| (number, &drawn.mutant)).collect();
            let switch =
                if file.starts_with("crates/tape") { "crate::mutation::is" } else { "::tape::mutation::is" };
            let guarded = guarded(source, &of_file, switch);
            fs::write(tree.join(file), &guarded.source)?;
            written.insert(file.clone(), guarded);
        }
        let blamed = check(&tree, &written)?;
        println!("{} of {} mutants are refused by the compiler", refused.len() + blamed.len(), drawn.len());
        if blamed.is_empty() {
            return list(work, &drawn, &refused);
        }
        refused.extend(blamed);
    }
}

/// Adds the module of the switches to `tape`.
fn add_switches(tree: &Path) -> io::Result<()> {
    let source = tree.join("crates/tape/src");
    fs::write(source.join("mutation.rs"), include_str!("switch.rs"))?;
    let root = source.join("lib.rs");
    let text = fs::read_to_string(&root)?;
    fs::write(root, text + "#[doc(hidden)]\npub mod mutation;\n")
}

/// Checks the tree and returns the numbers of the mutants with errors.
fn check(tree: &Path, written: &BTreeMap<PathBuf, Guarded>) -> io::Result<BTreeSet<usize>> {
    let messages = cargo::messages(tree, &["check", "-p", "tape", "-p", "nn"])?;
    let mut blamed = BTreeSet::new();
    for message in
        messages.iter().map(|message| &message["message"]).filter(|message| message["level"] == "error")
    {
        let spans = message["spans"].as_array().map_or(&[][..], Vec::as_slice);
        let place = |span: &Value| {
            let file = written.get(Path::new(span["file_name"].as_str()?))?;
            Some((file, usize::try_from(span["byte_start"].as_u64()?).ok()?))
        };
        let places: Vec<_> =
            spans.iter().filter(|span| span["is_primary"] == true).filter_map(place).collect();
        let not_exhaustive = message["code"]["code"] == "E0004";
        let mutant = places.iter().find_map(|(file, byte)| match file.to_blame(*byte) {
            None if not_exhaustive => file.following(*byte),
            mutant => mutant,
        });
        match mutant {
            Some(mutant) => _ = blamed.insert(mutant),
            None if spans.is_empty() => {} // "aborting due to 3 previous errors"
            None => {
                println!("no mutant is to blame for: {}", message["rendered"].as_str().unwrap_or_default())
            }
        }
    }
    let failed =
        messages.iter().any(|message| message["reason"] == "build-finished" && message["success"] == false);
    match failed && blamed.is_empty() {
        true => Err(io::Error::other("expected a tree that compiles without mutants")),
        false => Ok(blamed),
    }
}

fn list(work: &Path, drawn: &[Drawn], refused: &BTreeSet<usize>) -> io::Result<()> {
    let line = |(number, drawn): (usize, &Drawn)| {
        let compiles = if refused.contains(&(number + 1)) { "refused" } else { "compiles" };
        format!("{}\t{}\t{compiles}\t{}\n", number + 1, drawn.area, drawn.name())
    };
    fs::write(work.join(LIST), drawn.iter().enumerate().map(line).collect::<String>())
}
