//! What the command itself says around its suites: builds, the list at its end, its verdict.

use super::Ginkgo;
use super::summary::OUTSIDE;
use crate::evidence::parse::console::Line;
use crate::evidence::parse::model::{FailureKind, Format};
use crate::evidence::parse::sink::{Place, Sink, broken};
use crate::evidence::parse::text::{self, Pattern, captures, group, pattern};

static DID_NOT_RUN: Pattern =
    pattern!(r"\[(Compilation failure|Suite did not run[^\]]*|Vet failure[^\]]*)\]");

impl Ginkgo {
    /// Lines that are not part of a suite.
    pub(super) fn outside(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let text = line.text;
        if let Some(rest) = text.strip_prefix("Failed to compile ") {
            let name = rest.trim_end().trim_end_matches(':').to_owned();
            self.explained = true;
            sink.seen(Format::Ginkgo);
            sink.fail(broken(&name, FailureKind::BuildFailed, None));
            let said = format!("suite {name} was not built: its specs are not counted");
            sink.incomplete(Place::Line(line.number), &said);
            self.compiling = Some(name);
            return true;
        }
        if let Some(name) = &self.compiling {
            if text.contains(".go:") {
                let name = text::tidy(name, text::NAME_CAP);
                let failure =
                    sink.failures_mut().iter_mut().rev().find(|f| f.name == name && f.message.is_none());
                if let Some(failure) = failure {
                    failure.message = Some(text::tidy(text, text::MESSAGE_CAP));
                    if let Some((file, line)) = text::location(text) {
                        failure.file = Some(text::tidy(&file, text::NAME_CAP));
                        failure.line = Some(line);
                    }
                }
                self.compiling = None;
            } else if !text.trim().is_empty() && !text.starts_with('#') {
                self.compiling = None;
            }
            return true;
        }
        if text.starts_with("There were failures detected in the following suites") {
            self.suites_list = true;
            return true;
        }
        if self.suites_list {
            if let Some(found) = captures(&DID_NOT_RUN, text) {
                let why = group(&found, 1);
                if why.starts_with("Suite did not run") {
                    let said = format!("{}: {why}", text.trim().split(' ').next().unwrap_or("a suite"));
                    sink.incomplete(Place::Line(line.number), &said);
                }
            } else if text.starts_with("Test Suite") || !(text.starts_with(' ') || text.is_empty()) {
                self.suites_list = false;
            } else if self.blamed.is_none() && !text.is_empty() {
                self.blamed = Some(text.trim().to_owned());
            }
            if !text.starts_with("Test Suite Failed") {
                return true;
            }
        }
        if text.starts_with("Detected Programmatic Focus") {
            if !self.focus {
                self.focus = true;
                sink.warn(Place::Line(line.number), "programmatic focus is set: only part of the specs ran");
            }
            return true;
        }
        // That of Swift has the name of a suite there.
        let verdict = text.starts_with("Test Suite ") && !text.starts_with("Test Suite '");
        if text.starts_with("Ginkgo ran ") || verdict {
            self.cut_off(sink);
            self.forget_wrapped();
            self.command = None;
            sink.seen(Format::Ginkgo);
            if text.starts_with("Test Suite ") {
                let failed = text.starts_with("Test Suite Failed");
                self.verdict(failed, line.number, sink);
            }
            return true;
        }
        false
    }

    /// What the command says of all its suites together.
    fn verdict(&mut self, failed: bool, line: u64, sink: &mut Sink) {
        let explained = std::mem::take(&mut self.explained);
        let blamed = self.blamed.take();
        if failed && !explained {
            let name = blamed.as_deref().unwrap_or("the test suite");
            sink.fail(broken(name, FailureKind::Errored, Some(OUTSIDE.to_owned())));
            sink.incomplete(Place::Line(line), "a suite failed outside of its specs: specs may be missing");
        }
    }

    /// A failure beside the suites explains why the command fails.
    pub(in crate::evidence::parse) fn explain(&mut self) {
        self.explained = true;
    }

    /// The log ended.
    pub(in crate::evidence::parse) fn end(&mut self, sink: &mut Sink) {
        let open = self.suite.is_some() || self.ran.is_some();
        self.cut_off(sink);
        if let Some(line) = self.command.take()
            && !open
        {
            let said = "the log ends before the ginkgo command does: suites may be missing";
            sink.incomplete(Place::Line(line), said);
        }
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&DID_NOT_RUN]
}
