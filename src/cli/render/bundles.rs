//! What is in artifacts and patterns, in words.

use crate::api::status::{Artifact, BundleFinding, Pattern};

/// What became of an artifact's content, in a word or two, and of its copy.
pub(super) fn content(a: &Artifact) -> String {
    let content = at_github(a);
    let Some(copy) = &a.copy else { return content };
    let text = |of: &Option<String>| of.clone().unwrap_or_default();
    let said = match copy.is_there() {
        true => format!("copy: {}", text(&copy.url)),
        false => format!("not copied ({}): {}", copy.state, text(&copy.message)),
    };
    if content.is_empty() { said } else { format!("{content}; {said}") }
}

fn at_github(a: &Artifact) -> String {
    let analysis = a.analysis.as_ref();
    match analysis.map(|x| x.state.as_str()) {
        _ if a.expired => "expired".to_owned(),
        None => String::new(),
        Some("Analysed" | "Incomplete") if a.kind == "MustGather" => {
            let n = analysis.map_or(0, |x| x.findings_total);
            let whole = if analysis.is_some_and(|x| x.state == "Incomplete") { ", read in part" } else { "" };
            let noun = if n == 1 { "finding" } else { "findings" };
            format!("{n} {noun}{whole}")
        }
        Some("Analysed") => analysis.and_then(|x| x.message.clone()).unwrap_or_default(),
        Some(state) => {
            let why = analysis.and_then(|x| x.message.as_ref()).map(|m| format!(": {m}")).unwrap_or_default();
            format!("{state}{why}")
        }
    }
}

/// One finding of a bundle, on one line.
pub(super) fn finding(f: &BundleFinding) -> String {
    let reason = if f.reason.is_empty() { String::new() } else { format!(" {}", f.reason) };
    let times = if f.count > 1 { format!(" ({} times)", f.count) } else { String::new() };
    let mark = match (f.related, f.also_passing) {
        (true, _) => ", of the failing test",
        (_, true) => ", a passing job has it too",
        _ => "",
    };
    let line = f.line.map_or(String::new(), |n| format!(":{n}"));
    format!(
        "{} {} {}{reason}{times}{mark}: {} ({}{line})",
        f.severity,
        f.kind,
        f.object,
        f.text.trim(),
        f.file
    )
}

/// What kind of pattern it is, and how often it was seen.
pub(super) fn pattern_told(p: &Pattern) -> String {
    match p.kind.as_str() {
        "Flaky" => "Flaky: failed and passed on this commit".to_owned(),
        "Deterministic" => format!("Deterministic: the same values on {} commits", p.commits_total),
        "Recurring" => format!("Recurring: on {} commits", p.commits_total),
        _ if p.jobs_total > 1 => format!("{} jobs fail alike", p.jobs_total),
        _ => "Seen before".to_owned(),
    }
}
