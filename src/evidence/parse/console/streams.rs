//! Logs of several programs at once, in which each line begins with the name of whose it is.
//!
//! A name is taken off only after a line with which the tool that runs them says that it does so, and
//! only in the form in which that tool writes it. Each program then has readers of its own, so that
//! lines which come in turns are not taken for one run.

use super::{Line, Readers, gate};
use crate::evidence::parse::model::FailureKind;
use crate::evidence::parse::sink::{Place, Sink, broken};
use std::collections::BTreeMap;

/// Programs that are told apart; lines of more are left out.
const MOST: usize = 256;
/// The longest name.
const NAME: usize = 120;

/// Who puts names before lines.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum By {
    #[default]
    Nobody,
    /// `web-1  | text`, of services that were named.
    Compose,
    /// `web:test: text`.
    Turbo,
    /// `web: text`.
    Lerna,
    /// `packages/web test: text`.
    Pnpm,
}

/// One program.
struct Stream {
    readers: Readers,
    seq: u64,
    open: bool,
    last: u64,
    /// Tests of it were counted.
    counted: bool,
}

/// The programs of a log.
#[derive(Default)]
pub(super) struct Streams {
    by: By,
    services: Vec<String>,
    streams: BTreeMap<String, Stream>,
    lost: u64,
    /// Programs that ended badly, and where it says so.
    failed: Vec<(String, u64)>,
}

impl Streams {
    /// Whether lines have names.
    pub(super) fn active(&self) -> bool {
        self.by != By::Nobody
    }

    /// Whether a line that has no name may be of interest.
    pub(super) fn wants(&self, text: &str) -> bool {
        let hints = ["Attaching to ", "\u{2022} Running ", "lerna ", "Scope: "];
        self.active() || hints.iter().any(|hint| text.starts_with(hint))
    }

    /// Looks at a line that has no name: it may say that the next ones have.
    pub(super) fn hint(&mut self, text: &str, number: u64) {
        let by = if let Some(list) = text.strip_prefix("Attaching to ") {
            self.services = list.split(", ").take(MOST).map(|name| name.trim().to_owned()).collect();
            By::Compose
        } else if text.starts_with("\u{2022} Running ") && text.contains(" in ") && text.contains(" packages")
        {
            By::Turbo
        } else if text.starts_with("lerna ") {
            By::Lerna
        } else if text.starts_with("Scope: ") && text.contains(" workspace projects") {
            By::Pnpm
        } else {
            return self.ended(text, number);
        };
        self.by = by;
    }

    /// `web-1 exited with code 1`, and what turbo lists.
    fn ended(&mut self, text: &str, number: u64) {
        let name = match self.by {
            By::Compose => text.split_once(" exited with code ").filter(|(_, code)| code.trim() != "0"),
            By::Turbo => text.trim_start().strip_prefix("Failed:").map(|name| (name.trim(), "")),
            By::Nobody | By::Lerna | By::Pnpm => None,
        };
        if let Some((name, _)) = name
            && self.failed.len() < MOST
        {
            self.failed.push((name.replace('#', ":"), number));
        }
    }

    /// Takes a line that begins with a name; true if it does.
    pub(super) fn line(&mut self, file: &str, line: &Line<'_>, sink: &mut Sink) -> bool {
        let Some((name, text)) = self.split(line.text) else { return false };
        if !self.streams.contains_key(name) {
            if self.streams.len() >= MOST {
                self.lost += 1;
                return true;
            }
            let stream = Stream { readers: Readers::new(file), seq: 0, open: false, last: 0, counted: false };
            self.streams.insert(name.to_owned(), stream);
        }
        let Some(stream) = self.streams.get_mut(name) else { return true };
        stream.seq += 1;
        stream.last = line.number;
        let head = text.trim_start().as_bytes();
        if stream.open || gate::interesting(head) {
            let before = sink.counts().total;
            stream.readers.line(&Line { number: line.number, seq: stream.seq, text }, sink);
            stream.open = stream.readers.open();
            stream.counted |= sink.counts().total != before;
        }
        true
    }

    /// The name before a line, and the line.
    fn split<'t>(&self, text: &'t str) -> Option<(&'t str, &'t str)> {
        let between = if self.by == By::Compose { "| " } else { ": " };
        let mut end = text.len().min(NAME);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let at = match text.get(..end)?.find(between) {
            Some(at) => at,
            // An empty line of the program.
            None => text.trim_end().strip_suffix(between.trim_end()).filter(|name| name.len() < end)?.len(),
        };
        let name = text.get(..at)?.trim_end();
        let word = |name: &str, more: &str| {
            !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "@/._-".contains(c) || more.contains(c))
        };
        let known = match self.by {
            By::Nobody => false,
            // The first version puts the project before the name that it attaches to.
            By::Compose => word(name, "") && self.services.iter().any(|service| service.ends_with(name)),
            By::Turbo => {
                name.split_once(':').is_some_and(|(package, task)| word(package, "") && word(task, ":"))
            }
            By::Lerna => word(name, "") && name != "lerna",
            By::Pnpm => {
                name.split_once(' ').is_some_and(|(folder, script)| word(folder, "") && word(script, ":"))
            }
        };
        known.then(|| (name, text.get(at + between.len()..).unwrap_or_default()))
    }

    /// The log, or its step, ended.
    pub(super) fn end(&mut self, sink: &mut Sink) {
        let done = std::mem::take(self);
        for (name, mut stream) in done.streams {
            let before = sink.counts().total;
            stream.readers.end(stream.last, sink);
            let counted = stream.counted || sink.counts().total != before;
            let failed = done
                .failed
                .iter()
                .find(|(failed, _)| name.ends_with(failed.as_str()) || failed.ends_with(&name));
            if let Some((_, line)) = failed
                && counted
                && sink.failures_seen() == 0
                && sink.counts().bad() == 0
            {
                sink.fail(broken(
                    &name,
                    FailureKind::Errored,
                    Some("it failed, and none of its tests did".to_owned()),
                ));
                sink.incomplete(Place::Line(*line), "a program failed outside of its tests");
            }
        }
        if done.lost > 0 {
            let said = format!("{} lines of more than {MOST} programs were not read", done.lost);
            sink.incomplete(Place::File, &said);
        }
    }
}
