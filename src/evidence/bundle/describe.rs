//! The text of `kubectl describe pod`, and tables of `kubectl get events`.

use std::io::Read;

use super::Analyser;
use super::finding::{Kind, Met, Severity, Sum};
use crate::evidence::log::{LineReader, Utf8, clean};

/// Bytes of a line that are kept.
const LINE: usize = 4096;

/// Where in a description a line is.
#[derive(Debug, Default)]
struct Place {
    /// `namespace/pod`.
    pod: String,
    container: String,
    init: bool,
    events: bool,
}

impl Analyser {
    /// Reads the description of a pod.
    pub(super) fn description(&mut self, path: &str, object: &str, input: &mut dyn Read) {
        let mut place = Place { pod: object.to_owned(), ..Place::default() };
        self.each_line(path, input, |analyser, number, line| {
            analyser.described(path, number, line, &mut place)
        });
    }

    /// Reads a table of events.
    pub(super) fn event_table(&mut self, path: &str, input: &mut dyn Read) {
        self.each_line(path, input, |analyser, number, line| {
            if line.contains(" Warning ") {
                analyser.event_row(path, number, line);
            }
        });
    }

    fn each_line(&mut self, path: &str, input: &mut dyn Read, mut each: impl FnMut(&mut Self, u64, &str)) {
        let mut lines = match Utf8::new(input) {
            Ok(text) => LineReader::with_cap(text, LINE),
            Err(error) => return self.unread(path, &error.to_string()),
        };
        loop {
            match lines.next_line() {
                Ok(Some(line)) => each(self, line.number, &clean(line.raw)),
                Ok(None) => return,
                Err(error) => return self.unread(path, &error.to_string()),
            }
        }
    }

    fn described(&mut self, path: &str, number: u64, line: &str, place: &mut Place) {
        let indent = line.len() - line.trim_start().len();
        let (name, value) = line.trim().split_once(':').unwrap_or((line.trim(), ""));
        let value = value.trim();
        if indent == 0 {
            match name {
                "Name" if !place.pod.contains('/') => place.pod = value.to_owned(),
                "Init Containers" => place.init = true,
                "Containers" => place.init = false,
                _ => {}
            }
            place.events = name == "Events";
            place.container.clear();
            return;
        }
        if place.events {
            if let Some(rest) = line.trim().strip_prefix("Warning") {
                self.described_event(path, number, rest, place);
            }
            return;
        }
        if indent == 2 && value.is_empty() {
            place.container = name.to_owned();
            return;
        }
        let (kind, severity, count) = match (name, value) {
            ("Reason", "OOMKilled") => (Kind::OomKilled, Severity::Critical, 1),
            ("Reason", "CrashLoopBackOff") => (Kind::CrashLoopBackOff, Severity::Critical, 1),
            ("Reason", "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName") => {
                (Kind::ImagePull, Severity::Critical, 1)
            }
            ("Reason", "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError") => {
                (Kind::ContainerFailed, Severity::Critical, 1)
            }
            ("Exit Code", code) if code != "0" => {
                let kind = if place.init { Kind::InitContainer } else { Kind::ContainerExited };
                (kind, Severity::Error, 1)
            }
            ("Restart Count", count) => match count.parse::<u64>() {
                Ok(count) if count > 0 => (Kind::Restarts, Severity::Warning, count),
                _ => return,
            },
            _ => return,
        };
        let object = format!("{}/{}", place.pod, place.container);
        let related = self.options.subjects.iter().any(|subject| object.contains(subject));
        let code = format!("exit code {value}");
        let reason = match kind {
            Kind::Restarts => "",
            Kind::InitContainer | Kind::ContainerExited => &code,
            _ => value,
        };
        let met = Met {
            kind,
            severity,
            object: object.trim_end_matches('/'),
            reason,
            count,
            seen: [None, None],
            file: path,
            line: Some(number),
            text: line,
            related,
            wording: 0,
        };
        self.findings.add(&met, Sum::Most);
    }

    /// `  BackOff  3m2s (x12 over 8m)  kubelet  Back-off restarting failed container`.
    fn described_event(&mut self, path: &str, number: u64, rest: &str, place: &Place) {
        let mut words = rest.split_whitespace();
        let Some(reason) = words.next() else { return };
        let times = rest.split_once("(x").and_then(|(_, rest)| rest.split([' ', ')']).next());
        let count = times.and_then(|n| n.parse().ok()).unwrap_or(1).max(1);
        let said = rest.trim_start().strip_prefix(reason).unwrap_or(rest).trim();
        self.warning(path, Some(number), [&format!("Pod {}", place.pod), reason, said], count, [None, None]);
    }
}
