//! The sections after a session: what failed and how, and the short list of it.

use super::id::from_id;
use super::{Detail, Pytest, Section};
use crate::evidence::parse::sink::Sink;
use crate::evidence::parse::text::{self, Pattern, captures, group, number, pattern};

static TITLE: Pattern = pattern!(r"^_{2,} (.*?) _{2,}$");
/// `--tb=line`.
static ONE_LINE: Pattern = pattern!(r"^(\S+\.py):(\d+): (.+)$");
/// A subtest: `SUBFAILED(i=1) a.py::test - ...`, or as the plugin before it wrote.
static SUBTEST: Pattern = pattern!(r"^(?:SUBFAILED|SUBFAIL)(\(.*?\)|\[.*?\])? (.+)$");

impl Pytest {
    /// Lines of the sections that describe failures.
    pub(super) fn detail(&mut self, text: &str) -> bool {
        let error = self.section == Section::Errors;
        let Some(session) = &mut self.session else {
            return false;
        };
        if text.starts_with("__")
            && let Some(found) = captures(&TITLE, text)
        {
            self.captured = false;
            self.in_detail = session.details.len() < 2000;
            if self.in_detail {
                let name = group(&found, 1);
                let collecting = name.strip_prefix("ERROR collecting ");
                session.uncollected += u64::from(collecting.is_some());
                let name = collecting.unwrap_or(name);
                let name = ["ERROR at setup of ", "ERROR at teardown of ", "ERROR at call of "]
                    .iter()
                    .find_map(|start| name.strip_prefix(start))
                    .unwrap_or(name);
                session.details.push(Detail { name: name.to_owned(), error, ..Detail::default() });
            }
            return true;
        }
        if !self.in_detail
            && session.details.len() < 2000
            && let Some(found) = captures(&ONE_LINE, text)
        {
            let place = Some((group(&found, 1).to_owned(), number(&found, 2)));
            let message = group(&found, 3).to_owned();
            session.details.push(Detail { name: String::new(), error, message, place, native: false });
            return true;
        }
        self.captured |= text.starts_with("-----") && text.contains(" Captured ");
        let Some(detail) = session.details.last_mut().filter(|_| self.in_detail) else {
            return false;
        };
        if let Some(said) = text.strip_prefix("E  ").or_else(|| text.strip_prefix("E\t")) {
            text::collect(&mut detail.message, said.trim());
        } else if text == "E" || text.trim().is_empty() {
            return true;
        } else if text.starts_with("  File \"") {
            // `--tb=native`: the traceback as Python writes it.
            if let Some(place) = text::location(text).filter(|(path, _)| !text::is_library(path)) {
                detail.place = Some(place);
                detail.native = true;
            }
        } else if detail.native && detail.message.is_empty() && !text.starts_with(' ') {
            detail.message = text.to_owned();
        } else if text.starts_with("-----") {
            // Captured output can hold anything.
            self.in_detail = false;
        } else if !text.starts_with([' ', '>', '\t'])
            && let Some((path, line)) = text::last_location(text.split(": ").next().unwrap_or(text))
            && !text::is_library(&path)
        {
            detail.place = Some((path, line));
        }
        true
    }

    /// Lines of the short summary.
    pub(super) fn listed(&mut self, text: &str, sink: &Sink) -> bool {
        let mut part = "";
        let (error, rest) = if let Some(rest) = text.strip_prefix("FAILED ") {
            (false, rest)
        } else if let Some(found) = captures(&SUBTEST, text) {
            part = found.get(1).map_or("", |part| part.as_str());
            (false, found.get(2).map_or("", |rest| rest.as_str()))
        } else if let Some(rest) = text.strip_prefix("ERROR ") {
            (true, rest)
        } else {
            // Messages can run over several lines; anything else is not pytest's.
            let own = ["SKIPPED ", "XFAIL ", "XPASS ", "RERUN ", "PASSED ", "SUBPASS", "SUBSKIP"];
            return text.trim().is_empty()
                || text.starts_with(' ')
                || own.iter().any(|w| text.starts_with(w));
        };
        let Some(session) = &mut self.session else {
            return false;
        };
        if session.failures.len() >= sink.limits().failures {
            session.failures_left += 1;
            return true;
        }
        // A parameter can hold anything, ` - ` included.
        let cut = match (rest.find('['), rest.find("] - ")) {
            (Some(open), Some(close)) if open < close && !rest.get(..open).unwrap_or("").contains(" - ") => {
                Some(close + 1)
            }
            _ => rest.find(" - "),
        };
        let (id, said) = match cut.and_then(|cut| rest.split_at_checked(cut)) {
            Some((id, said)) => (id, said.strip_prefix(" - ").unwrap_or(said)),
            None => (rest.trim_end(), ""),
        };
        let mut failure = from_id(id, error);
        if !part.is_empty() {
            failure.name.push_str(&format!(" {part}"));
        }
        failure.message = Some(said.to_owned()).filter(|said| !said.is_empty());
        session.failures.push(failure);
        true
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static Pattern> {
    vec![&TITLE, &ONE_LINE, &SUBTEST]
}
