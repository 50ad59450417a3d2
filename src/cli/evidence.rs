//! `parse` and `explain`: the evidence engine for anyone's files.

use std::fmt::Write as _;
use std::io::{Read, Seek};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::exit::Exit;
use super::files;
use super::output::Output;
use super::print;
use crate::evidence::explain::{self, Cause, Explanation, Options};
use crate::evidence::parse::{self, Counts, Limits, Parsed};
use crate::evidence::plain;

/// Arguments of `explain`.
#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    /// Log of the failing job
    fail: PathBuf,
    /// Log of the same job when it last passed: what stands there too does not explain the failure
    #[arg(long, value_name = "PASS.log")]
    baseline: Option<PathBuf>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Form of the output of `parse`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Report {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// All files as one report in JUnit XML
    Junit,
    /// All files as one report in the Common Test Report Format
    Ctrf,
}

/// Bytes of a line that are looked at, and characters of it that are shown.
const LINE: usize = 16 << 10;
const LINE_SHOWN: usize = 2000;

/// Single tests that a report lists; the totals count them all.
const LISTED: usize = 500_000;

/// Arguments of `parse`.
#[derive(Args, Debug)]
pub(super) struct ParseArgs {
    /// Test reports, logs, or zips of them
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Report,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Explained<'a> {
    #[serde(flatten)]
    explanation: &'a Explanation,
    tests: Counts,
    tests_complete: bool,
}

/// Prints the lines of a failing log that say why.
pub(super) fn explain(args: &ExplainArgs) -> anyhow::Result<Exit> {
    let mut fail = files::open_log(&args.fail)?;
    let baseline = args.baseline.as_deref().map(files::open_log).transpose()?;
    let explanation = explain::explain_stream(&mut fail, baseline, &Options::default())
        .with_context(|| format!("cannot read {}", args.fail.display()))?;
    let name = args.fail.display().to_string();
    fail.rewind().with_context(|| format!("cannot read {name} twice; give a file, not a pipe"))?;
    if explanation.total == 0 {
        eprintln!("warning: {} is empty", plain::line(&name, 300));
    }
    let parsed = parse::parse_reader(&name, &mut fail, &Limits::default());
    match args.output {
        Output::Json => json(&Explained {
            explanation: &explanation,
            tests: parsed.tests,
            tests_complete: parsed.complete,
        }),
        Output::Text => {
            fail.rewind().with_context(|| format!("cannot read {name} again"))?;
            print(&explanation_text(&explanation, &parsed, fail)?)
        }
    }
}

fn explanation_text(explanation: &Explanation, parsed: &Parsed, log: impl Read) -> anyhow::Result<String> {
    let mut text = String::new();
    let mut blocks = explanation.lines.iter().peekable();
    let mut lines = crate::evidence::log::LineReader::new(crate::evidence::log::Utf8::new(log)?);
    while let (Some(block), Some(line)) = (blocks.peek(), lines.next_line()?) {
        if line.number < block.start {
            continue;
        }
        if line.number == block.start {
            writeln!(text, "-- lines {} to {}: {}", block.start, block.end, block.reason)?;
        }
        let clean = crate::evidence::log::clean(line.raw.get(..LINE).unwrap_or(line.raw));
        writeln!(text, "{:>7}  {}", line.number, plain::line(&clean, LINE_SHOWN))?;
        if line.number >= block.end {
            blocks.next();
        }
    }
    for Cause { cause, probability, .. } in &explanation.causes {
        writeln!(text, "cause: {cause:?} {:.0} %", probability * 100.0)?;
    }
    if parsed.tests.total > 0 {
        writeln!(text, "tests: {}", counts_text(&parsed.tests))?;
    }
    Ok(text)
}

fn counts_text(tests: &Counts) -> String {
    format!(
        "{} total, {} passed, {} failed, {} errored, {} skipped, {} pending, {} flaked",
        tests.total, tests.passed, tests.failed, tests.errored, tests.skipped, tests.pending, tests.flaked
    )
}

/// Counts the tests of each file.
pub(super) fn parse(args: &ParseArgs) -> anyhow::Result<Exit> {
    let report = matches!(args.output, Report::Junit | Report::Ctrf);
    let limits = Limits { cases: if report { LISTED } else { 0 }, ..Limits::default() };
    let mut all = Vec::new();
    let mut exit = Exit::Success;
    for path in &args.files {
        match parse::parse_path(path, &limits) {
            Ok(parsed) => {
                if !parsed.understood() && exit == Exit::Success {
                    exit = Exit::Failure;
                }
                all.push(parsed);
            }
            Err(error) => {
                eprintln!("error: {error}");
                exit = Exit::Unreadable;
                all.push(Parsed::unread(&path.display().to_string(), &error.to_string()));
            }
        }
    }
    match args.output {
        Report::Json => json(&all)?,
        Report::Text => print(&parsed_text(&all)?)?,
        Report::Junit | Report::Ctrf => {
            let mut written = Vec::new();
            match (Parsed::sum(all), args.output) {
                (Some(sum), Report::Junit) => parse::write_junit(&sum, &mut written)?,
                (Some(sum), _) => parse::write_ctrf(&sum, &mut written)?,
                (None, _) => {}
            }
            print(&String::from_utf8(written).context("the report is not UTF-8")?)?
        }
    };
    Ok(exit)
}

fn parsed_text(all: &[Parsed]) -> anyhow::Result<String> {
    let mut text = String::new();
    for parsed in all {
        let file = crate::evidence::log::clean_text(parsed.file.as_bytes());
        let incomplete = if parsed.complete { "" } else { " (incomplete)" };
        writeln!(text, "{file}: {}: {}{incomplete}", parsed.format.name(), counts_text(&parsed.tests))?;
        for failure in &parsed.failures {
            let place = match (&failure.file, failure.line) {
                (Some(file), Some(line)) => format!(" ({file}:{line})"),
                (Some(file), None) => format!(" ({file})"),
                _ => String::new(),
            };
            writeln!(text, "  failed: {}{place}", failure.name)?;
        }
        for warning in &parsed.warnings {
            writeln!(text, "  warning: {}", warning.text)?;
        }
    }
    Ok(text)
}

fn json(value: &impl Serialize) -> anyhow::Result<Exit> {
    print(&(serde_json::to_string_pretty(value)? + "\n"))
}
