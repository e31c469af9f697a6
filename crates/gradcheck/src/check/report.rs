//! The report of a check.

use super::entry::Entry;
use super::hints::hint;
use super::verdict::{Evidence, Reason, Verdict};
use crate::numdiff::Interval;
use std::fmt;

/// A test of the gradient as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// Its outcome.
    pub outcome: Outcome,
    /// The kind of evidence.
    pub evidence: Evidence,
}

/// The outcome of a test of the gradient as a whole.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The test passes, to within this relative error.
    Passed(f64),
    /// The test fails, for this reason.
    Failed(String),
    /// The test does not apply, for this reason.
    Skipped(String),
}

/// An input in a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Its name.
    pub input: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// `true` if it was held constant.
    pub constant: bool,
    /// `true` if its gradient may be zero.
    pub zero: bool,
    /// The number of entries that agree, disagree, and are inconclusive.
    pub counts: [usize; 3],
    /// The label of the worst entry, and the ratio of its difference to what is allowed.
    pub worst: Option<(String, f64)>,
    /// The median and the largest of the minimum detectable errors.
    pub mde: (f64, f64),
}

/// The result of a check: entry by entry, input by input, and as a whole.
#[must_use = "a report may be a failure: `require` it"]
#[derive(Clone, Debug)]
pub struct Report {
    pub(crate) name: String,
    pub(crate) seed: u64,
    pub(crate) evaluations: usize,
    pub(crate) entries: Vec<Entry>,
    pub(crate) checks: Vec<Check>,
    pub(crate) inputs: Vec<Summary>,
    pub(crate) verdict: Verdict,
}

/// Proof of an agreement, with its strength.
#[derive(Clone, Debug, PartialEq)]
pub struct Certificate {
    /// The number of comparisons.
    pub entries: usize,
    /// Any error above this, relative to the gradient of its input, would have been seen in every entry compared.
    pub detectable: f64,
    /// The weakest evidence among the entries.
    pub evidence: Evidence,
}

/// A report that is not an agreement. `Debug` prints it like `Display`, for tests that return it.
pub struct CheckFailure(pub Box<Report>);

impl std::error::Error for CheckFailure {}

impl fmt::Debug for CheckFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for CheckFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Report {
    /// Returns the overall verdict: any disagreement wins, then anything inconclusive.
    pub fn verdict(&self) -> Verdict {
        self.verdict.clone()
    }

    /// Returns the entry that disagrees most; if none does, the one with the largest discrepancy.
    pub fn worst(&self) -> Option<&Entry> {
        let rank =
            |e: &Entry| (e.verdict == Verdict::Disagree, !e.direction && e.verdict == Verdict::Disagree);
        let order = |a: &&Entry, b: &&Entry| {
            rank(a).cmp(&rank(b)).then(a.discrepancy_ratio().total_cmp(&b.discrepancy_ratio()))
        };
        self.entries.iter().max_by(order)
    }

    /// Every comparison.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Every test of the gradient as a whole.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The inputs, in order.
    pub fn inputs(&self) -> &[Summary] {
        &self.inputs
    }

    /// Returns the input of this name.
    pub fn by_input(&self, name: &str) -> Option<&Summary> {
        self.inputs.iter().find(|summary| summary.input == name)
    }

    /// The seed that reproduces this report.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The number of evaluations of the function.
    pub fn evaluations(&self) -> usize {
        self.evaluations
    }

    /// Returns the certificate of an agreement.
    ///
    /// # Errors
    /// If the verdict is not [`Verdict::Agree`].
    pub fn require(self) -> Result<Certificate, CheckFailure> {
        if self.verdict != Verdict::Agree {
            return Err(CheckFailure(Box::new(self)));
        }
        let detectable = self.entries.iter().map(|e| e.mde).fold(0.0, f64::max);
        let evidence = self.entries.iter().map(|e| e.evidence).min().unwrap_or(Evidence::Heuristic);
        Ok(Certificate { entries: self.entries.len(), detectable, evidence })
    }

    /// Returns the entries as comma-separated values, with a header.
    pub fn to_csv(&self) -> String {
        let mut csv =
            String::from("entry,analytic,numeric,radius,rounding_bound,h,noise,mde,method,verdict\n");
        for e in &self.entries {
            let verdict = match &e.verdict {
                Verdict::Agree => "agree",
                Verdict::Disagree => "disagree",
                Verdict::Inconclusive(_) => "inconclusive",
            };
            let Interval { mid, radius } = e.numeric;
            csv += &format!(
                "\"{}\",{:e},{mid:e},{radius:e},{:e},{:e},{:e},{:e},{:?},{verdict}\n",
                e.label(),
                e.analytic,
                e.rounding_bound,
                e.h,
                e.noise,
                e.mde,
                format!("{:?}", e.method)
            );
        }
        csv
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Agree => "AGREE".to_string(),
            Verdict::Disagree => "DISAGREE".to_string(),
            Verdict::Inconclusive(_) => "INCONCLUSIVE".to_string(),
        };
        writeln!(
            f,
            "gradcheck `{}`: {verdict}   seed {:#X}  {} entries, {} inputs, {} evaluations",
            self.name,
            self.seed,
            self.entries.len(),
            self.inputs.len(),
            self.evaluations
        )?;
        self.table(f)?;
        self.worst_line(f)?;
        self.open_questions(f)?;
        write!(f, " methods")?;
        for check in &self.checks {
            match &check.outcome {
                Outcome::Passed(error) => write!(f, " {} ok {error:.0e} |", check.name)?,
                Outcome::Failed(why) => write!(f, " {} FAIL: {why} |", check.name)?,
                Outcome::Skipped(why) => write!(f, " {} not applied: {why} |", check.name)?,
            }
        }
        let only = match self.worst() {
            Some(worst) if self.verdict != Verdict::Agree => format!(" GRADCHECK_ONLY='{}'", worst.label()),
            _ => String::new(),
        };
        write!(f, "\n rerun   GRADCHECK_SEED={:#X}{only} cargo test {}", self.seed, self.name)
    }
}

impl Report {
    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.inputs.iter().map(|s| s.input.len()).max().unwrap_or(0).max(5);
        let shapes: Vec<String> = self.inputs.iter().map(|s| format!("{:?}", s.shape)).collect();
        let shape = shapes.iter().map(String::len).max().unwrap_or(0).max(5);
        writeln!(
            f,
            " {:name$}  {:shape$}  agree disagree inconcl  worst |a-n|/(r+r_a)        MDE (median / worst)",
            "input", "shape"
        )?;
        for (s, text) in self.inputs.iter().zip(&shapes) {
            write!(f, " {:name$}  {text:shape$}  ", s.input)?;
            if s.constant {
                writeln!(f, "constant: no gradient, as required")?;
                continue;
            }
            let [agree, disagree, open] = s.counts;
            let worst = s
                .worst
                .as_ref()
                .map_or(String::new(), |(at, discrepancy_ratio)| format!("{discrepancy_ratio:.1e} at {at}"));
            writeln!(f, "{agree:5} {disagree:8} {open:7}  {worst:26}  {:.0e} / {:.0e}", s.mde.0, s.mde.1)?;
        }
        Ok(())
    }

    fn worst_line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(worst) = self.worst() else { return Ok(()) };
        writeln!(
            f,
            " worst   {}: analytic {}, numeric {} ({:?}, h >= {:.1e}); ratio {:.7}",
            worst.label(),
            worst.analytic,
            worst.numeric,
            worst.method,
            worst.h,
            worst.ratio()
        )?;
        match hint(&self.entries, &self.inputs, worst) {
            Some(hint) if worst.verdict == Verdict::Disagree => writeln!(f, " hint    {hint}"),
            _ => Ok(()),
        }
    }

    /// Writes up to five inconclusive entries, and the inputs for which nothing was shown.
    fn open_questions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.entries.iter().filter_map(|e| match &e.verdict {
            Verdict::Inconclusive(why) => Some((e, why)),
            _ => None,
        });
        for (entry, why) in open.take(5) {
            let what = if matches!(why, Reason::Kink { .. }) { "kink" } else { "open" };
            writeln!(f, " {what}    {}: {why}", entry.label())?;
        }
        match &self.verdict {
            Verdict::Inconclusive(Reason::Vacuous) => {
                let nothing = |s: &&Summary| !s.constant && !s.zero && s.worst.is_none();
                let silent: Vec<&str> =
                    self.inputs.iter().filter(nothing).map(|s| s.input.as_str()).collect();
                writeln!(
                    f,
                    " vacuous {} {silent:?}: if zero is intended, declare it with `expect_zero`",
                    Reason::Vacuous
                )
            }
            _ => Ok(()),
        }
    }
}
