//! The counts of a soak: very many checks of right gradients, which must not be called wrong and seldom be left open.
//!
//! A soak runs in parts. The counts of a part are kept in a file in `target/tmp`, so that a run which was stopped goes on
//! after its last whole part. Remove the folder of the soak there to begin anew.

use gradcheck::{Reason, Report, Verdict};
use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::path::PathBuf;

/// The largest share of checks that may be left open: 0.2 %.
pub(crate) const INCONCLUSIVE: f64 = 0.002;

/// The counts of the verdicts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    agree: BTreeMap<String, usize>,
    /// By kind of subject and reason.
    open: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

impl Tally {
    /// Counts a report of a subject of some kind.
    pub(crate) fn add(&mut self, kind: &str, what: &dyn Display, report: &Report) {
        match report.verdict() {
            Verdict::Agree => *self.agree.entry(kind.to_string()).or_default() += 1,
            Verdict::Inconclusive(reason) => {
                *self.open.entry(format!("{kind}, {}", name(&reason))).or_default() += 1;
                println!("{what}\n{report}");
            }
            Verdict::Disagree => self.wrong.push(format!("{kind}: {what}\n{report}")),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.agree.values().sum::<usize>() + self.left_open() + self.wrong.len()
    }

    fn left_open(&self) -> usize {
        self.open.values().sum()
    }

    fn merge(&mut self, other: Tally) {
        for (mine, theirs) in [(&mut self.agree, other.agree), (&mut self.open, other.open)] {
            theirs.into_iter().for_each(|(key, count)| *mine.entry(key).or_default() += count);
        }
        self.wrong.extend(other.wrong);
    }

    /// One line for each count, and one for each wrong verdict.
    fn to_text(&self) -> String {
        let mut text = String::new();
        for (what, counts) in [("agree", &self.agree), ("open", &self.open)] {
            for (key, count) in counts {
                writeln!(text, "{what}\t{count}\t{key}").unwrap();
            }
        }
        self.wrong.iter().for_each(|wrong| writeln!(text, "wrong\t1\t{}", wrong.escape_debug()).unwrap());
        text
    }

    fn from_text(text: &str) -> Option<Tally> {
        let mut tally = Tally::default();
        for line in text.lines() {
            let mut fields = line.splitn(3, '\t');
            let (what, count, key) = (fields.next()?, fields.next()?.parse().ok()?, fields.next()?);
            match what {
                "agree" => drop(tally.agree.insert(key.to_string(), count)),
                "open" => drop(tally.open.insert(key.to_string(), count)),
                _ => tally.wrong.push(key.to_string()),
            }
        }
        Some(tally)
    }
}

/// The kind of a reason.
fn name(reason: &Reason) -> &'static str {
    match reason {
        Reason::Kink { op: "", .. } => "a kink that no operation reports",
        Reason::Kink { .. } => "kink",
        Reason::Noise { .. } => "noise",
        Reason::Scale { .. } => "structure below the steps",
        Reason::NonFinite { .. } => "not finite",
        Reason::Vacuous => "nothing to compare",
        _ => "other",
    }
}

/// Runs those parts of a soak that have no file yet, and asserts that no check of any part calls a right gradient wrong, and
/// that few are left open.
pub(crate) fn soak(name: &str, folder: &str, parts: usize, part: impl Fn(usize) -> Tally) {
    let folder = PathBuf::from(folder).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let mut all = Tally::default();
    for k in 0..parts {
        let path = folder.join(format!("{k:02}"));
        let kept = std::fs::read_to_string(&path).ok().and_then(|text| Tally::from_text(&text));
        let tally = kept.unwrap_or_else(|| {
            let tally = part(k);
            std::fs::write(&path, tally.to_text()).unwrap();
            println!("part {k}: {} checks, {} left open", tally.count(), tally.left_open());
            tally
        });
        all.merge(tally);
    }
    let (count, open) = (all.count(), all.left_open());
    let share = open as f64 / count as f64;
    println!("agree: {:?}\nleft open: {:?}", all.agree, all.open);
    println!("{count} checks, {} wrong, {open} left open ({:.3} %)", all.wrong.len(), 100.0 * share);
    assert!(all.wrong.is_empty(), "{}", all.wrong.join("\n"));
    assert!(count >= 100_000 && share <= INCONCLUSIVE, "{count} checks, {share}");
}
