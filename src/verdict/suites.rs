//! Suites: those of the spec, or sensible ones made from workflows and job names.

use std::collections::{BTreeMap, BTreeSet};

use super::items::Item;
use super::plan::{Plan, UNMATCHED};
use super::text;

/// Suite of checks of other apps.
pub(super) const CHECKS: &str = "Checks";
/// Suite of what must be there and belongs nowhere else.
pub(super) const REQUIRED_CHECKS: &str = "Required checks";
/// Suite of what does not fit into the bounded list.
const OTHER: &str = "Other";
/// Most derived suites; the status holds 70 suites in all.
const MAX_DERIVED: usize = 60;

/// One suite of the report.
#[derive(Clone, Debug)]
pub(super) struct SuiteInfo {
    pub name: String,
    pub required: bool,
    pub min_pass_rate: Option<i64>,
    pub critical_path: bool,
}

/// The suites of a report in order, with the rule that finds the one of a job.
pub(super) struct Suites {
    pub list: Vec<SuiteInfo>,
    /// Suite of (workflow, base name) for derived ones.
    derived: BTreeMap<(String, String), usize>,
    special: BTreeMap<&'static str, usize>,
}

impl Suites {
    /// The suites of the spec.
    pub fn new(plan: &Plan<'_>) -> Self {
        let list = plan
            .suites
            .iter()
            .map(|s| SuiteInfo {
                name: s.name.to_owned(),
                required: s.required,
                min_pass_rate: s.min_pass_rate,
                critical_path: s.critical_path,
            })
            .collect();
        Self { list, derived: BTreeMap::new(), special: BTreeMap::new() }
    }

    /// Makes suites from what ran, where the spec has none: jobs of one matrix are a suite, and jobs
    /// that stand alone are in the suite of their workflow.
    pub fn derive(&mut self, plan: &Plan<'_>, items: &[Item<'_>]) {
        if !plan.suites.is_empty() {
            return;
        }
        let mut sizes: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for item in items {
            *sizes.entry((item.workflow, base(&item.name))).or_default() += 1;
        }
        let mut owners: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for ((workflow, base), size) in &sizes {
            if *size > 1 {
                owners.entry(*base).or_default().insert(*workflow);
            }
        }
        for ((workflow, base), size) in &sizes {
            let name = if *size > 1 {
                match owners.get(base) {
                    Some(all) if all.len() > 1 => format!("{workflow}: {base}"),
                    _ => (*base).to_owned(),
                }
            } else {
                (*workflow).to_owned()
            };
            let at = self.named(&text::clean(&name, 200));
            self.derived.insert(((*workflow).to_owned(), (*base).to_owned()), at);
        }
    }

    /// Suite of a job that no suite of the spec matches.
    pub fn for_job(&mut self, plan: &Plan<'_>, workflow: &str, name: &str) -> usize {
        if !plan.suites.is_empty() {
            return self.special(UNMATCHED);
        }
        match self.derived.get(&(workflow.to_owned(), base(name).to_owned())) {
            Some(at) => *at,
            None => {
                let name = if workflow.is_empty() { REQUIRED_CHECKS } else { workflow };
                self.named(&text::clean(name, 200))
            }
        }
    }

    /// A suite of ours.
    pub fn special(&mut self, name: &'static str) -> usize {
        if let Some(at) = self.special.get(name) {
            return *at;
        }
        let at = self.push(name);
        self.special.insert(name, at);
        at
    }

    /// Whether failures of the suite count.
    pub fn required(&self, at: usize) -> bool {
        self.list.get(at).is_none_or(|s| s.required)
    }

    fn named(&mut self, name: &str) -> usize {
        if let Some(at) = self.list.iter().position(|s| s.name == name) {
            return at;
        }
        if self.list.len() >= MAX_DERIVED {
            return self.special(OTHER);
        }
        self.push(name)
    }

    /// Names are unique, because they are the key of the list: a suite of the spec may be called like ours.
    fn push(&mut self, name: &str) -> usize {
        let mut unique = name.to_owned();
        for n in 2..=self.list.len() + 2 {
            if !self.list.iter().any(|s| s.name == unique) {
                break;
            }
            unique = format!("{name} ({n})");
        }
        self.list.push(SuiteInfo { name: unique, required: true, min_pass_rate: None, critical_path: false });
        self.list.len() - 1
    }
}

/// The name of a job without its matrix values: `unit (a, b)` is `unit`.
pub(crate) fn base(name: &str) -> &str {
    let cut = name.find(" (").unwrap_or(name.len());
    let base = name.get(..cut).unwrap_or(name).trim();
    if base.is_empty() { name } else { base }
}

/// The matrix values of a job's name: `unit (a)` has `a`.
pub(super) fn matrix(name: &str) -> Option<&str> {
    let (_, rest) = name.split_once(" (")?;
    rest.strip_suffix(')').filter(|s| !s.is_empty())
}
