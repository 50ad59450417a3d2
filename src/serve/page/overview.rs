//! The reports that somebody may list, by repository; the newest pull request first.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Html;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use serde::Deserialize;

use super::rights::{Part, Seen};
use super::{NoPage, bad, frame, read_query};
use crate::api::TestRunReport;
use crate::cache::Kept;
use crate::cli::render::markup::Markup;
use crate::cli::render::text::{age, condition, stamp};
use crate::serve::auth::User;
use crate::serve::{Site, is_name};
use crate::verdict::gate::{Word, judge};
use crate::verdict::text::{clean, count};

/// Reports of a page.
pub const ROWS: usize = 50;
/// Longest text of a filter.
const TEXT: usize = 253;
/// Namespaces that the filter offers.
const OFFERED: usize = 200;
/// Namespaces to whose jobs a repository leads.
const GRIDS: usize = 3;
/// Characters that are shown of a title and of a reason.
const SHOWN: usize = 120;

/// What is shown.
#[derive(Clone, Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Question {
    namespace: String,
    /// Part of the repository's name.
    repository: String,
    /// `passed`, `failed`, `undecided` or `unreadable`.
    state: String,
    /// From 1.
    page: Option<usize>,
    /// Which part of the namespaces, from 1, where there are too many to ask about at once.
    part: Option<usize>,
}

const STATES: [(Word, &str, &str); 4] = [
    (Word::Failed, "failed", "Failed"),
    (Word::Undecided, "undecided", "Undecided"),
    (Word::Unreadable, "unreadable", "Unreadable"),
    (Word::Passed, "passed", "Passed"),
];

pub(super) async fn page(
    State(site): State<Site>,
    Extension(user): Extension<User>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Html<String>, NoPage> {
    let question = read_query(question, "namespace, repository, state, page and part")?;
    if question.word().is_none() && !question.state.is_empty() {
        return Err(bad("The state is passed, failed, undecided or unreadable."));
    }
    if [&question.namespace, &question.repository].iter().any(|t| t.len() > TEXT) {
        return Err(bad(format!("No filter has more than {TEXT} bytes.")));
    }
    let mut all = site.reports.all();
    let guard = site.page.as_ref().unwrap_or(&site.guard);
    let asked = all.iter().map(|kept| kept.in_namespace()).filter(|name| question.allows(name)).collect();
    let seen = Seen::of(guard, &user, asked, question.part.unwrap_or(1)).await?;
    all.retain(|kept| seen.has(kept.in_namespace()));
    Ok(Html(shown(&all, &question, seen.part, Timestamp::now())))
}

impl Question {
    fn allows(&self, namespace: &str) -> bool {
        self.namespace.is_empty() || self.namespace == namespace
    }

    fn word(&self) -> Option<Word> {
        STATES.iter().find(|(_, name, _)| *name == self.state).map(|(word, ..)| *word)
    }

    /// The address of the same question with another state or page.
    fn with(&self, state: &str, page: usize) -> String {
        self.in_part(state, page, self.part.unwrap_or(1))
    }

    fn in_part(&self, state: &str, page: usize, part: usize) -> String {
        let [page, part] = [page, part].map(|n| if n > 1 { n.to_string() } else { String::new() });
        frame::address(
            "/",
            &[
                ("namespace", &self.namespace),
                ("repository", &self.repository),
                ("state", state),
                ("page", &page),
                ("part", &part),
            ],
        )
    }
}

/// The page, of reports that may all be seen, in a part of the namespaces.
pub fn shown(all: &[Arc<Kept>], question: &Question, part: Part, now: Timestamp) -> String {
    let namespaces = part;
    let state = question.word();
    let part = question.repository.to_ascii_lowercase();
    let mut found: Vec<&Kept> = all
        .iter()
        .map(AsRef::as_ref)
        .filter(|kept| question.allows(kept.in_namespace()))
        .filter(|kept| part.is_empty() || kept.repository().to_ascii_lowercase().contains(&part))
        .collect();
    let of = |word: Word| found.iter().filter(|kept| kept.facts().gate.0 == word).count();
    let counts = STATES.map(|(word, name, told)| (name, told, of(word)));
    found.retain(|kept| state.is_none_or(|word| kept.facts().gate.0 == word));
    // Of many repositories the names are made lower case once, not with each comparison.
    found.sort_by_cached_key(|kept| {
        let facts = kept.facts();
        let newest = Reverse((facts.pull_request, facts.created));
        (kept.repository().to_ascii_lowercase(), newest, kept.in_namespace(), kept.name())
    });
    let pages = found.len().div_ceil(ROWS).max(1);
    let number = question.page.unwrap_or(1).clamp(1, pages);
    let rows = found.chunks(ROWS).nth(number - 1).unwrap_or_default();

    frame::page("Reports", Some("/"), |out| {
        out.element("h1", "", "Reports");
        filter(out, all, question);
        parts(out, question, namespaces);
        states(out, question, &counts);
        if rows.is_empty() {
            out.element(
                "p",
                "",
                "No report that you may see. Who may list testrunreports in a namespace sees those of it.",
            );
            return;
        }
        table(out, rows, now, &format!("{}, page {number} of {pages}", count(found.len(), "report")));
        turn(out, question, number, pages);
    })
}

/// The way to the namespaces that were not asked about. Their names are nobody's business who may not see them.
fn parts(out: &mut Markup, question: &Question, part: Part) {
    if part.of < 2 {
        return;
    }
    out.element(
        "p",
        " role=\"status\"",
        &format!(
            "Reports are in more namespaces than are asked about for one page: this is part {} of {}. What you may see \
             can be in any of them; a namespace that you name is always asked about.",
            part.number, part.of
        ),
    );
    out.raw("<nav class=\"pages\" aria-label=\"Namespaces\"><ul>");
    for (there, told, to) in [
        (part.number > 1, "Namespaces before", part.number.saturating_sub(1)),
        (part.number < part.of, "More namespaces", part.number + 1),
    ] {
        if there {
            out.raw("<li>");
            out.anchor(told, &question.in_part(&question.state, 1, to));
            out.raw("</li>");
        }
    }
    out.raw("</ul></nav>\n");
}

fn filter(out: &mut Markup, all: &[Arc<Kept>], question: &Question) {
    let chosen = Some(question.namespace.as_str()).filter(|name| is_name(name));
    let namespaces: BTreeSet<&str> = all.iter().map(|kept| kept.in_namespace()).chain(chosen).collect();
    out.raw("<form class=\"filter\" role=\"search\" aria-label=\"Filter\" action=\"/\" method=\"get\">\n");
    out.raw("<div><label for=\"repository\">Repository</label>");
    out.open(
        "input",
        &[
            ("id", "repository"),
            ("name", "repository"),
            ("value", &question.repository),
            ("maxlength", "140"),
        ],
    );
    out.raw("</div>\n<div><label for=\"namespace\">Namespace</label>");
    let all_of_them = namespaces.iter().take(OFFERED).map(|name| (*name, *name));
    let names = [("", "all")].into_iter().chain(all_of_them);
    choice(out, "namespace", names, &question.namespace);
    out.raw("</div>\n<div><label for=\"state\">State</label>");
    let states = STATES.iter().map(|(_, name, told)| (*name, *told));
    choice(out, "state", [("", "all")].into_iter().chain(states), &question.state);
    out.raw("</div>\n");
    if let Some(part) = question.part.filter(|part| *part > 1) {
        out.open("input", &[("type", "hidden"), ("name", "part"), ("value", &part.to_string())]);
    }
    out.raw("<div><button type=\"submit\">Show</button></div>\n</form>\n");
}

fn choice<'a>(
    out: &mut Markup,
    id: &'static str,
    options: impl Iterator<Item = (&'a str, &'a str)>,
    chosen: &str,
) {
    out.open("select", &[("id", id), ("name", id)]);
    for (value, told) in options {
        let is: &[_] = if value == chosen { &[("selected", "selected")] } else { &[] };
        out.open("option", &[&[("value", value)], is].concat());
        out.text(told);
        out.raw("</option>");
    }
    out.raw("</select>");
}

fn states(out: &mut Markup, question: &Question, counts: &[(&'static str, &'static str, usize)]) {
    out.raw("<ul class=\"states\">");
    for (name, told, n) in counts {
        out.raw("<li>");
        let current: &[_] = if *name == question.state { &[("aria-current", "true")] } else { &[] };
        out.open("a", &[&[("href", question.with(name, 1).as_str())], current].concat());
        out.text(&format!("{told}: {n}"));
        out.raw("</a></li>\n");
    }
    out.raw("</ul>\n");
}

fn table(out: &mut Markup, rows: &[&Kept], now: Timestamp, caption: &str) {
    out.raw("<div class=\"wide\" role=\"region\" aria-label=\"Reports\" tabindex=\"0\"><table>\n");
    out.element("caption", "", caption);
    out.heads(&["Pull request or commit", "State", "Jobs", "Failures", "Age", "Report"]);
    for group in rows.chunk_by(|a, b| a.repository().eq_ignore_ascii_case(b.repository())) {
        out.raw("<tbody>\n<tr><th class=\"group\" scope=\"rowgroup\" colspan=\"6\">");
        out.text(group.first().map_or("", |kept| kept.repository()));
        grids(out, group);
        out.raw("</th></tr>\n");
        for kept in group {
            row(out, kept, now);
        }
        out.raw("</tbody>\n");
    }
    out.raw("</table></div>\n");
}

/// The way to the jobs of a repository, in each namespace that has reports about it.
fn grids(out: &mut Markup, group: &[&Kept]) {
    let namespaces: BTreeSet<&str> = group.iter().map(|kept| kept.in_namespace()).collect();
    let repository = group.first().map_or("", |kept| kept.repository());
    for namespace in namespaces.iter().take(GRIDS) {
        out.raw(" <small>");
        let address = frame::address("/grid", &[("namespace", namespace), ("repository", repository)]);
        out.anchor(&format!("Jobs by commits in {namespace}"), &address);
        out.raw("</small>");
    }
}

fn row(out: &mut Markup, kept: &Kept, now: Timestamp) {
    let address = format!("/reports/{}/{}", kept.in_namespace(), kept.name());
    out.raw("<tr><th class=\"what\" scope=\"row\">");
    let Ok(report) = kept.open() else {
        out.anchor(kept.name(), &address);
        out.raw("</th><td colspan=\"5\">It cannot be read from memory.</td></tr>\n");
        return;
    };
    let status = report.status.as_ref();
    let source = status.and_then(|s| s.source.as_ref());
    out.anchor(&subject(&report), &address);
    if let Some(title) = source.and_then(|s| s.title.as_deref()) {
        out.element("small", "", &clean(title, SHOWN));
    }
    out.raw("</th><td class=\"verdict-of\">");
    state(out, &report);
    out.raw("</td><td class=\"number\">");
    let summary = status.and_then(|s| s.summary.as_ref());
    out.text(&summary.map_or_else(|| "-".to_owned(), |s| format!("{}/{}", s.jobs.succeeded, s.jobs.total)));
    out.raw("</td><td class=\"number\">");
    out.text(&summary.map_or_else(|| "-".to_owned(), |s| s.failures_total.to_string()));
    out.raw("</td><td class=\"number\">");
    if let Some(created) = &report.metadata.creation_timestamp {
        time(out, created, now);
    }
    out.raw("</td><td class=\"where\">");
    out.text(&format!("{}/{}", kept.in_namespace(), kept.name()));
    out.raw("</td></tr>\n");
}

/// `#20 of feature/x`, `main at 1f0c9d2a`.
fn subject(report: &TestRunReport) -> String {
    let source = report.status.as_ref().and_then(|s| s.source.as_ref());
    let github = &report.spec.source.github;
    let branch = source.map_or(github.branch.as_ref(), |s| s.branch.as_ref()).map(|b| clean(b, SHOWN));
    let commit = source.map_or_else(
        || github.sha.as_deref().map(|sha| clean(sha, 8)),
        |s| Some(s.short_sha.clone()).filter(|s| !s.is_empty()),
    );
    let pull = source.map_or(github.pull_request, |s| s.pull_request);
    match (pull, branch, commit) {
        (Some(number), _, Some(commit)) => format!("#{number} at {commit}"),
        (Some(number), ..) => format!("#{number}"),
        (None, Some(branch), Some(commit)) => format!("{branch} at {commit}"),
        (None, Some(branch), None) => branch,
        (None, None, Some(commit)) => format!("commit {commit}"),
        (None, None, None) => report.name_any(),
    }
}

/// What a gate says of it, and why in a word.
fn state(out: &mut Markup, report: &TestRunReport) {
    let gate = judge(report);
    let (colour, word) = match (gate.word, gate.open) {
        (Word::Passed, _) => ("good", "Passed"),
        (Word::Failed, false) => ("bad", "Failed"),
        (Word::Failed, true) => ("bad", "Failing"),
        (Word::Undecided, true) => ("open", "Undecided"),
        (Word::Undecided, false) => ("unknown", "Undecided"),
        (Word::Unreadable, _) => ("unknown", "Unreadable"),
    };
    out.badge(colour, word);
    let reason = condition(report, "Passed").map(|c| c.reason.as_str());
    let told = reason.filter(|reason| gate.message.starts_with(*reason)).unwrap_or(&gate.message);
    out.raw(" ");
    out.element("small", "", &clean(told, SHOWN));
}

/// An age; the time itself is in the element.
fn time(out: &mut Markup, at: &Time, now: Timestamp) {
    let stamp = stamp(at);
    out.open("time", &[("datetime", &stamp), ("title", &stamp)]);
    out.text(&age(Some(at), now));
    out.raw("</time>");
}

fn turn(out: &mut Markup, question: &Question, number: usize, pages: usize) {
    if pages < 2 {
        return;
    }
    out.raw("<nav class=\"pages\" aria-label=\"Pages\"><ul>");
    for (there, told, to) in [
        (number > 1, "First page", 1),
        (number > 1, "Page before", number.saturating_sub(1)),
        (number < pages, "Next page", number + 1),
        (number < pages, "Last page", pages),
    ] {
        if there {
            out.raw("<li>");
            out.anchor(told, &question.with(&question.state, to));
            out.raw("</li>");
        }
    }
    out.raw("</ul></nav>\n");
}
