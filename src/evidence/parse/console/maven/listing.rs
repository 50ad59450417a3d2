//! The list of failures that stands over the last line of a module.

use crate::evidence::parse::console::run::Run;
use crate::evidence::parse::model::{Failure, FailureKind};
use crate::evidence::parse::text::{Pattern, captures, group, number, pattern};

/// `  FooTest.bar:12 expected...`, `  FooTest>Base.bar:12->help:3 ...`, and what a retry puts before it.
static ENTRY: Pattern = pattern!(
    r"^ *(?:Run \d+: )?(?:([\w$]+)>)?([\w.$]+)\.([\w$]+)(\S*?)(?::(\d{1,7}))?(?:->\S*)?(?:[:,]? (.*))?$"
);
static OLD_ENTRY: Pattern = pattern!(r"^ *(\w+)\(([\w.$]+)\)(?:: (.*))?$");

/// Tests that are kept of one list.
const MOST: usize = 1000;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Free,
    Failures,
    Errors,
    Flakes,
}

/// What the list says.
#[derive(Debug, Default)]
pub(super) struct Listing {
    part: Part,
    failures: Vec<Failure>,
    /// Tests that passed at last, by class and name.
    flakes: Vec<String>,
    /// Attempts that are listed beyond the first.
    again: u64,
    /// A test whose attempts are listed below it.
    attempts: bool,
    /// Maven's logger wrote the title, and writes what it lists.
    own: bool,
}

impl Listing {
    /// Whether it names any failure.
    pub(super) fn any(&self) -> bool {
        !self.failures.is_empty()
    }

    /// A line of the section.
    pub(super) fn line(&mut self, text: &str, own: bool) {
        let title = match text.trim_end() {
            "Failures:" | "Failed tests:" => Some(Part::Failures),
            "Errors:" | "Tests in error:" => Some(Part::Errors),
            "Flakes:" | "Flaked tests:" => Some(Part::Flakes),
            _ => None,
        };
        if let Some(part) = title {
            self.part = part;
            self.attempts = false;
            self.own = own;
            return;
        }
        // The oldest put the first one on the line of the title.
        let text =
            match ["Failed tests: ", "Tests in error: "].iter().find_map(|start| text.strip_prefix(start)) {
                Some(rest) => {
                    self.own = own;
                    self.part = if text.starts_with('F') { Part::Failures } else { Part::Errors };
                    rest
                }
                None => text,
            };
        // Messages have lines of their own, without a mark of who wrote them.
        if self.part == Part::Free || self.own != own || text.trim().is_empty() {
            return;
        }
        let attempt = text.trim_start().starts_with("Run ");
        if attempt {
            self.again += u64::from(!text.trim_start().starts_with("Run 1:"));
            if self.part == Part::Flakes || !self.attempts {
                return;
            }
            // The first attempt says where the test that is named above failed.
            self.attempts = false;
            if let Some(entry) = entry(text)
                && let Some(last) = self.failures.last_mut()
            {
                last.line = entry.line;
                last.file = entry.file;
                last.message = entry.message;
            }
            return;
        }
        if self.part == Part::Flakes {
            if self.flakes.len() < MOST {
                self.flakes.push(text.trim().to_owned());
            }
            return;
        }
        let indented = text.starts_with("  ");
        let Some(mut entry) = entry(text).filter(|one| indented || one.message.is_none()) else { return };
        entry.kind = if self.part == Part::Errors { FailureKind::Errored } else { FailureKind::Failed };
        self.attempts = !indented;
        if self.failures.len() < MOST {
            self.failures.push(entry);
        }
    }

    /// Puts together what the classes told and what the list says, of which `bad` tests failed;
    /// returns how many attempts there were beyond the first.
    pub(super) fn settle(&mut self, run: &mut Run, bad: u64) -> u64 {
        let flaky = |failure: &Failure| {
            let whole = format!("{}.{}", failure.classname.as_deref().unwrap_or_default(), failure.name);
            self.flakes.contains(&whole)
        };
        let retried = self.again > 0 || !self.flakes.is_empty();
        if retried && run.listed() == run.failures().len() as u64 {
            let mut kept: Vec<Failure> = Vec::new();
            for failure in run.failures_mut().drain(..) {
                let known = kept.iter().any(|k| k.name == failure.name && k.classname == failure.classname);
                if !known && !flaky(&failure) {
                    kept.push(failure);
                }
            }
            run.replace(kept);
        }
        let told = run.listed();
        let more = told < bad.max(self.failures.len() as u64);
        let mut extra = Vec::new();
        // Each is taken once: parameters can have one name.
        let mut keys: Vec<Option<[String; 2]>> = run.failures().iter().map(|one| Some(key(one))).collect();
        for entry in self.failures.drain(..) {
            let wanted = Some(key(&entry));
            let at = keys.iter().position(|known| *known == wanted);
            if let Some(slot) = at.and_then(|at| keys.get_mut(at)) {
                *slot = None;
            }
            match at.and_then(|at| run.failures_mut().get_mut(at)) {
                Some(known) => {
                    known.line = known.line.or(entry.line);
                    known.file = known.file.take().or(entry.file);
                    known.message = known.message.take().or(entry.message);
                }
                None if more => extra.push(entry),
                None => {}
            }
        }
        if told == run.failures().len() as u64 && !extra.is_empty() {
            let mut all = std::mem::take(run.failures_mut());
            all.append(&mut extra);
            run.replace(all);
        }
        self.again
    }
}

/// What tells tests apart: the list has the class without its package, and the name of a
/// parameter in other words.
fn key(failure: &Failure) -> [String; 2] {
    let class = failure.classname.as_deref().unwrap_or_default();
    let class = class.rsplit(['.', '$']).next().unwrap_or_default();
    let method = failure.name.split(['(', '[', '{', ' ']).next().unwrap_or_default();
    [class.to_owned(), method.to_owned()]
}

/// One test of the list.
fn entry(text: &str) -> Option<Failure> {
    if let Some(found) = captures(&OLD_ENTRY, text) {
        return Some(Failure {
            name: group(&found, 1).to_owned(),
            classname: Some(group(&found, 2).to_owned()),
            message: found.get(3).map(|said| said.as_str().to_owned()),
            ..Failure::default()
        });
    }
    let found = captures(&ENTRY, text)?;
    // Of `FooTest>Base.bar` the first ran, and the second has the code.
    let class = if found.get(1).is_some() { group(&found, 1) } else { group(&found, 2) };
    let code = group(&found, 2).rsplit('.').next().unwrap_or_default();
    let line = found.get(5).map(|_| number(&found, 5));
    Some(Failure {
        name: format!("{}{}", group(&found, 3), group(&found, 4)),
        classname: Some(class.to_owned()),
        file: line.map(|_| format!("{}.java", code.split('$').next().unwrap_or(code))),
        line,
        message: found.get(6).map(|said| said.as_str().trim_start_matches("\u{bb} ").to_owned()),
        ..Failure::default()
    })
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&ENTRY, &OLD_ENTRY]
}
