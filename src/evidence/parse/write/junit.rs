//! JUnit XML.

use super::{Listed, hidden, kind_word, listed, outside};
use crate::evidence::parse::model::{Outcome, Parsed};
use std::io::{Result, Write};

/// Writes a result as JUnit XML.
///
/// One suite per group of tests that share a suite, in order of appearance. Pending tests are
/// skipped with the status `pending`, as Ginkgo writes them; flaked tests carry a
/// `flakyFailure`. A failure that is no test is a suite without tests that has an error, so that nobody who adds
/// up suites finds that all is well.
pub fn write_junit<W: Write>(parsed: &Parsed, mut out: W) -> Result<()> {
    let tests = parsed.tests;
    let list = listed(parsed);
    let outside = outside(parsed, &list);
    let failures_outside = hidden(parsed).max(outside.len() as u64);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuites name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
        escape(&parsed.file),
        tests.total,
        tests.failed,
        tests.errored.saturating_add(failures_outside),
        tests.skipped.saturating_add(tests.pending)
    )?;
    // Stable grouping: a suite is written where its first test is.
    let mut order: Vec<&str> = Vec::new();
    let mut groups: std::collections::HashMap<&str, Vec<&Listed<'_>>> = std::collections::HashMap::new();
    for test in &list {
        let suite = test.suite.unwrap_or(&parsed.file);
        let group = groups.entry(suite).or_default();
        if group.is_empty() {
            order.push(suite);
        }
        group.push(test);
    }
    for suite in order {
        let group = groups.get(suite).map(Vec::as_slice).unwrap_or_default();
        suite_start(&mut out, suite, group)?;
        for test in group {
            case(&mut out, suite, test)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    let not_listed = tests.total.saturating_sub(list.len() as u64);
    for failure in &outside {
        let name = escape(&failure.name);
        let said = escape(failure.message.as_deref().unwrap_or(""));
        let kind = kind_word(failure.kind);
        writeln!(out, "  <testsuite name=\"{name}\" tests=\"0\" failures=\"0\" errors=\"1\">")?;
        writeln!(out, "    <error message=\"{said}\" type=\"{kind}\"/>")?;
        writeln!(out, "  </testsuite>")?;
    }
    if not_listed > 0 || failures_outside > 0 || !parsed.complete {
        let more = failures_outside.saturating_sub(outside.len() as u64);
        writeln!(out, "  <testsuite name=\"not listed\" tests=\"0\" failures=\"0\" errors=\"{more}\">")?;
        writeln!(out, "    <properties>")?;
        writeln!(out, "      <property name=\"testrun.complete\" value=\"{}\"/>", parsed.complete)?;
        writeln!(out, "      <property name=\"testrun.notListed\" value=\"{not_listed}\"/>")?;
        writeln!(out, "      <property name=\"testrun.failuresOutside\" value=\"{failures_outside}\"/>")?;
        writeln!(out, "    </properties>")?;
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn suite_start<W: Write>(out: &mut W, suite: &str, group: &[&Listed<'_>]) -> Result<()> {
    let count = |outcomes: &[Outcome]| group.iter().filter(|test| outcomes.contains(&test.outcome)).count();
    writeln!(
        out,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
        escape(suite),
        group.len(),
        count(&[Outcome::Failed]),
        count(&[Outcome::Errored]),
        count(&[Outcome::Skipped, Outcome::Pending])
    )
}

fn case<W: Write>(out: &mut W, suite: &str, test: &Listed<'_>) -> Result<()> {
    write!(out, "    <testcase name=\"{}\" classname=\"{}\"", escape(test.name), escape(suite))?;
    if let Some(seconds) = test.duration {
        write!(out, " time=\"{seconds}\"")?;
    }
    if let Some(failure) = test.failure {
        if let Some(file) = &failure.file {
            write!(out, " file=\"{}\"", escape(file))?;
        }
        if let Some(line) = failure.line {
            write!(out, " line=\"{line}\"")?;
        }
    }
    match test.outcome {
        Outcome::Passed if test.flaked => {
            writeln!(out, "><flakyFailure message=\"an earlier attempt failed\"/></testcase>")
        }
        Outcome::Passed => writeln!(out, "/>"),
        Outcome::Skipped => writeln!(out, "><skipped/></testcase>"),
        Outcome::Pending => writeln!(out, " status=\"pending\"><skipped message=\"pending\"/></testcase>"),
        Outcome::Failed | Outcome::Errored => {
            let element = if test.outcome == Outcome::Failed { "failure" } else { "error" };
            let failure = test.failure;
            let said = failure.and_then(|failure| failure.message.as_deref()).unwrap_or("");
            let kind = failure.map_or("failed", |failure| kind_word(failure.kind));
            writeln!(out, "><{element} message=\"{}\" type=\"{kind}\"/></testcase>", escape(said))
        }
    }
}

/// Text for an attribute or an element; characters that XML does not allow are replaced.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            '\n' => safe.push_str("&#10;"),
            '\t' => safe.push_str("&#9;"),
            c if c < ' ' || matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}') => {
                safe.push('\u{fffd}')
            }
            c => safe.push(c),
        }
    }
    safe
}
