//! Writes mutants into a source, each behind its switch.

use std::ops::Range;

use crate::mutants::{Change, Mutant, Piece};

/// A source with mutants, and which of its bytes are whose.
pub struct Guarded {
    pub source: String,
    /// The bytes that a mutant adds, with its number.
    ranges: Vec<(Range<usize>, usize)>,
}

impl Guarded {
    /// Returns the number of the mutant that is to blame for an error of the compiler at a byte.
    pub fn to_blame(&self, byte: usize) -> Option<usize> {
        let around = self.ranges.iter().filter(|(range, _)| range.contains(&byte));
        around.min_by_key(|(range, _)| range.len()).map(|&(_, number)| number)
    }

    /// Returns the number of the first mutant after a byte: an arm's, if a match is no longer exhaustive.
    pub fn following(&self, byte: usize) -> Option<usize> {
        let later = self.ranges.iter().filter(|(range, _)| range.start > byte);
        later.min_by_key(|(range, _)| range.start).map(|&(_, number)| number)
    }
}

/// Returns the source with the mutants, each with its number; `switch` is the path of the function that returns
/// `true` for the number of the mutant that is switched on.
pub fn guarded(source: &str, mutants: &[(usize, &Mutant)], switch: &str) -> Guarded {
    let mut sites: Vec<Site> = Vec::new();
    for &(number, mutant) in mutants {
        let range = match &mutant.change {
            Change::Replace { whole, .. } => whole.clone(),
            Change::Insert { at, .. } => *at..*at,
        };
        match sites.iter_mut().find(|site| site.range == range) {
            Some(site) => site.mutants.push((number, &mutant.change)),
            None => sites.push(Site { range, mutants: vec![(number, &mutant.change)] }),
        }
    }
    // The outer of two sites that begin together is first.
    sites.sort_by_key(|site| (site.range.start, usize::MAX - site.range.end));
    let mut writer = Writer { source, switch, sites: &sites, written: String::new(), ranges: Vec::new() };
    writer.copy(0..source.len(), 0);
    Guarded { source: writer.written, ranges: writer.ranges }
}

/// A place of the source, and the mutants there.
struct Site<'a> {
    range: Range<usize>,
    mutants: Vec<(usize, &'a Change)>,
}

struct Writer<'a> {
    source: &'a str,
    switch: &'a str,
    sites: &'a [Site<'a>],
    written: String,
    ranges: Vec<(Range<usize>, usize)>,
}

impl Writer<'_> {
    /// Writes a range of the source, with the sites in it from number `from` on.
    fn copy(&mut self, range: Range<usize>, from: usize) {
        let sites = self.sites;
        let mut at = range.start;
        for (number, site) in sites.iter().enumerate().skip(from) {
            if site.range.start < at || site.range.end > range.end {
                continue;
            }
            self.written.push_str(&self.source[at..site.range.start]);
            self.site(number, site);
            at = site.range.end;
        }
        self.written.push_str(&self.source[at..range.end]);
    }

    /// Writes a site: the original if no mutant of it is on, else that of the mutant.
    fn site(&mut self, number: usize, site: &Site) {
        let mut replacements = Vec::new();
        for &(mutant, change) in &site.mutants {
            match change {
                Change::Replace { pieces, .. } => replacements.push((mutant, pieces)),
                Change::Insert { before, after, .. } => {
                    let text = format!("{before}{}({mutant}){after}", self.switch);
                    self.mark(mutant, |writer| writer.written.push_str(&text));
                }
            }
        }
        let Some((_, earlier)) = replacements.split_last() else { return };
        let off: Vec<String> =
            replacements.iter().map(|(mutant, _)| format!("!{}({mutant})", self.switch)).collect();
        self.written.push_str(&format!("(if {} {{ ", off.join(" && ")));
        self.copy(site.range.clone(), number + 1);
        self.written.push_str(" } else ");
        for (order, (mutant, pieces)) in replacements.iter().enumerate() {
            if order < earlier.len() {
                self.written.push_str(&format!("if {}({mutant}) ", self.switch));
            }
            self.mark(*mutant, |writer| {
                writer.written.push_str("{ ");
                for piece in *pieces {
                    match piece {
                        Piece::Text(text) => writer.written.push_str(text),
                        Piece::Source(range) => writer.copy(range.clone(), number + 1),
                    }
                }
                writer.written.push_str(" }");
            });
            if order < earlier.len() {
                self.written.push_str(" else ");
            }
        }
        self.written.push(')');
    }

    fn mark(&mut self, mutant: usize, write: impl FnOnce(&mut Self)) {
        let start = self.written.len();
        write(self);
        self.ranges.push((start..self.written.len(), mutant));
    }
}

#[cfg(test)]
mod tests {
    use super::guarded;
    use crate::mutants::mutants;

    /// Returns the source with all of its mutants.
    fn all(source: &str) -> String {
        let found = mutants(source).unwrap();
        let numbered: Vec<_> = found.iter().enumerate().collect();
        guarded(source, &numbered, "on").source
    }

    #[test]
    fn an_operator_is_replaced_behind_its_switch() {
        let expected = "fn f(a: S) -> S { (if !on(0) { a || b } else { (a) && (b) }) }";
        assert_eq!(all("fn f(a: S) -> S { a || b }"), expected);
    }

    #[test]
    fn every_copy_of_an_operand_has_the_mutants_in_it() {
        let inner = "(if !on(0) { !a } else { (a) })";
        let expected =
            format!("fn f() -> S {{ (if !on(1) {{ {inner} && b }} else {{ ({inner}) || (b) }}) }}");
        assert_eq!(all("fn f() -> S { !a && b }"), expected);
    }

    #[test]
    fn bodies_arms_and_guards() {
        assert_eq!(all("fn f() { g(); }"), "fn f() { if on(0) { return (); } g(); }");
        let expected = "fn f() -> S { match a { 1 if !on(0) => b, _ => c } }";
        assert_eq!(all("fn f() -> S { match a { 1 => b, _ => c } }"), expected);
        let guard = "(if !on(0) && !on(1) { p } else if on(0) { true } else { false })";
        let expected = format!("fn f() -> S {{ match a {{ x if {guard} => b }} }}");
        assert_eq!(all("fn f() -> S { match a { x if p => b } }"), expected);
    }

    #[test]
    fn a_body_is_not_replaced_by_itself() {
        let expected = "fn f() -> bool { if on(0) { return false; } true }";
        assert_eq!(all("fn f() -> bool { true }"), expected);
        let expected = "fn f() -> Result<usize> { if on(0) { return Ok(0); } Ok(1) }";
        assert_eq!(all("fn f() -> Result<usize> { Ok(1) }"), expected);
    }

    #[test]
    fn constants_tests_and_conditions_with_let_stay() {
        for source in [
            "const A: usize = 1 + 2;",
            "const fn f() -> usize { 1 + 2 }",
            "#[cfg(test)] mod tests { fn f() -> S { 1 + 2 } }",
            "fn f() -> [u8; 1 + 2] { [0; 1 + 2] }",
            "fn f() -> S { if let Some(x) = y && x { z } else { w } }",
            "impl Debug for S { fn fmt(&self) -> bool { 1 + 2 } }",
            "fn f() {}",
            "fn f() -> S { match a { x if let Some(y) = x => y, z => z } }",
        ] {
            assert_eq!(all(source), source);
        }
    }

    #[test]
    fn the_innermost_mutant_is_to_blame() {
        let source = "fn f() -> S { !a && b }";
        let found = mutants(source).unwrap();
        let numbered: Vec<_> = found.iter().enumerate().collect();
        let of = guarded(source, &numbered, "on");
        assert_eq!(of.to_blame(of.source.find("||").unwrap()), Some(1));
        assert_eq!(of.to_blame(of.source.rfind("(a)").unwrap()), Some(0));
        assert_eq!(of.to_blame(0), None);
        assert_eq!(of.following(0), Some(0));
    }
}
