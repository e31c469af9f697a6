//! Settings by groups of parameters.

use super::rule::UpdateRule;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use crate::Path;

/// The settings that may differ between groups of parameters.
#[derive(Clone, Debug)]
pub(super) struct Settings<R> {
    pub lr_scale: f64,
    pub weight_decay: f64,
    pub rule: R,
}

#[derive(Clone)]
struct Group<R> {
    selects: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    settings: Settings<R>,
    /// `true` once the group has selected a parameter.
    found: bool,
}

// A pattern only reads a name: what it is made of does not matter to a group.
impl<R: UnwindSafe> UnwindSafe for Group<R> {}
impl<R: RefUnwindSafe> RefUnwindSafe for Group<R> {}

impl<R: fmt::Debug> fmt::Debug for Group<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

/// The groups, and the settings of the parameters in none.
#[derive(Clone, Debug)]
pub(super) struct Groups<R> {
    pub others: Settings<R>,
    list: Vec<Group<R>>,
}

impl<R: UpdateRule> Groups<R> {
    pub(super) fn new(rule: R) -> Groups<R> {
        Groups { others: Settings { lr_scale: 1.0, weight_decay: 0.0, rule }, list: Vec::new() }
    }

    pub(super) fn push(
        &mut self,
        selects: impl Fn(&str) -> bool + Send + Sync + 'static,
        settings: Settings<R>,
    ) {
        self.list.push(Group { selects: Arc::new(selects), settings, found: false });
    }

    /// The index of a parameter's group, one past the last for those in none.
    pub(super) fn find(&self, path: &Path<'_>) -> usize {
        if self.list.is_empty() {
            return 0;
        }
        let name = path.to_string();
        self.list.iter().position(|group| (group.selects)(&name)).unwrap_or(self.list.len())
    }

    /// Returns `true` if some rule keeps state.
    pub(super) fn keep(&self) -> bool {
        let mut rules = self.list.iter().map(|group| &group.settings.rule).chain([&self.others.rule]);
        rules.any(|rule| !rule.slots().is_empty())
    }

    /// Returns `true` if some group has no parameter yet.
    pub(super) fn wait(&self) -> bool {
        self.list.iter().any(|group| !group.found)
    }

    /// Records that there is a parameter of this name.
    pub(super) fn see(&mut self, path: &Path<'_>) {
        let name = path.to_string();
        for group in self.list.iter_mut().filter(|group| !group.found) {
            group.found = (group.selects)(&name);
        }
    }

    /// The first group that has selected no parameter.
    pub(super) fn unused(&self) -> Option<usize> {
        self.list.iter().position(|group| !group.found)
    }

    /// The settings of a group.
    pub(super) fn settings(&self, group: usize) -> &Settings<R> {
        self.list.get(group).map_or(&self.others, |group| &group.settings)
    }
}
