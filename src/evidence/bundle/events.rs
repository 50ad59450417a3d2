//! Warning events, grouped by reason and object, from objects and from tables.

use super::finding::{Kind, Met, Severity, Sum};
use super::object::Object;
use super::states::Source;
use super::{Analyser, stamp};

/// Events that are remembered, so that a copy of one does not count twice.
const EVENTS: usize = 200_000;

/// Reasons that explain failures of whatever depended on the object.
const CRITICAL: [&str; 6] =
    ["OOMKilling", "SystemOOM", "Evicted", "NodeNotReady", "FailedScheduling", "Preempted"];

impl Analyser {
    /// Takes an event.
    pub(super) fn event(&mut self, source: Source<'_>, event: &Object) {
        if event.r#type != "Warning" {
            return;
        }
        let uid = &event.metadata.uid;
        if !uid.is_empty() {
            if self.events.contains(uid) {
                return;
            }
            if self.events.len() < EVENTS {
                self.events.insert(uid.clone());
            }
        }
        let about = [&event.involved_object, &event.regarding];
        let about = about.into_iter().find(|about| !about.name.is_empty());
        let object = about.map_or_else(|| event.name(), |about| about.name());
        let text = if event.message.is_empty() { &event.note } else { &event.message };
        let times = [
            [&event.first_timestamp, &event.deprecated_first_timestamp, &event.event_time],
            [&event.series.last_observed_time, &event.last_timestamp, &event.deprecated_last_timestamp],
        ];
        let [first, last] = times.map(|names| names.iter().find_map(|name| stamp::of_field(name)));
        let count = event.count.max(event.deprecated_count).max(event.series.count).max(1);
        let line = self.look(|| source.line_of(if uid.is_empty() { text } else { uid }));
        self.warning(source.file, line, [&object, &event.reason, text], count, [first, last.or(first)]);
    }

    /// A warning about an object: `[object, reason, text]`.
    pub(super) fn warning(
        &mut self,
        file: &str,
        line: Option<u64>,
        [object, reason, text]: [&str; 3],
        count: u64,
        seen: [Option<jiff::Timestamp>; 2],
    ) {
        let window = self.options.window;
        let inside = window.is_some_and(|(from, until)| match seen {
            [Some(first), Some(last)] => first <= until && last >= from,
            _ => false,
        });
        let related = inside
            || self.options.subjects.iter().any(|subject| object.contains(subject))
            || (!self.options.subjects.is_empty() && self.subjects.in_text(text));
        let met = Met {
            kind: Kind::WarningEvent,
            severity: if CRITICAL.contains(&reason) { Severity::Critical } else { Severity::Warning },
            object,
            reason,
            count,
            seen,
            file,
            line,
            text,
            related,
            wording: 0,
        };
        self.findings.add(&met, Sum::Add);
    }

    /// A line of `kubectl get events`: with or without the namespace, and the times before.
    pub(super) fn event_row(&mut self, file: &str, line: u64, text: &str) {
        let mut words = text.split_whitespace();
        let before: Vec<&str> = words.by_ref().take_while(|word| *word != "Warning").take(3).collect();
        let (Some(reason), Some(object)) = (words.next(), words.next()) else { return };
        if !object.contains('/') {
            return;
        }
        let namespace = if before.len() == 2 { before.first().copied().unwrap_or_default() } else { "" };
        let (kind, name) = object.split_once('/').unwrap_or(("", object));
        let object = if namespace.is_empty() {
            format!("{kind} {name}")
        } else {
            format!("{kind} {namespace}/{name}")
        };
        let said = words.collect::<Vec<&str>>().join(" ");
        self.warning(file, Some(line), [&object, reason, &said], 1, [None, None]);
    }
}
