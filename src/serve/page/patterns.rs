//! Patterns over time: failures that look alike, since when they are seen, how often a day, and where else.

use axum::extract::State;
use axum::response::Html;
use jiff::Timestamp;
use serde::Deserialize;

use super::places::{About, Allowed};
use super::{NoPage, frame, hidden};
use crate::cli::render::history::short;
use crate::cli::render::markup::Markup;
use crate::history::{Pattern, Patterns, Stretch};
use crate::serve::Site;
use crate::serve::history::{opened, unanswered};
use crate::verdict::text::{clean, count};

/// Days that are looked at.
pub const DAYS: i64 = 30;
/// Patterns of a page, and jobs, and pull requests and branches, that are named of each.
const ROWS: usize = 30;
const JOBS: usize = 2;
const NAMED: usize = 4;
/// Width of a day, and height of the bars.
const STEP: i64 = 5;
const HEIGHT: i64 = 24;

/// What is shown.
#[derive(Clone, Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Question {
    namespace: String,
    repository: String,
    branch: String,
}

impl About for Question {
    const MAY_HAVE: &'static str = "namespace, repository and branch";

    fn namespace(&self) -> &str {
        &self.namespace
    }

    fn texts(&self) -> Vec<&str> {
        vec![&self.repository, &self.branch]
    }
}

pub(super) async fn page(
    State(site): State<Site>,
    Allowed(question): Allowed<Question>,
) -> Result<Html<String>, NoPage> {
    let asked = Stretch {
        namespace: question.namespace.clone(),
        repository: question.repository.clone(),
        branch: question.branch.clone(),
        days: DAYS,
    };
    let now = Timestamp::now().as_second();
    let found = opened(&site)?.patterns(&asked, now).await.map_err(unanswered).map_err(hidden)?;
    Ok(Html(shown(&found, &question)))
}

/// The page.
pub fn shown(found: &Patterns, question: &Question) -> String {
    frame::page("Patterns", None, |out| {
        out.element("h1", "", "Patterns over time");
        let place = frame::place(&question.namespace, &question.repository, &question.branch);
        out.element("p", "", &format!("{place}, {DAYS} days: failures whose logs look alike."));
        let index = [
            ("namespace", question.namespace.as_str()),
            ("repository", &question.repository),
            ("branch", &question.branch),
        ];
        out.raw("<p>");
        out.anchor("The least reliable jobs and tests", &frame::address("/history", &index));
        out.raw("</p>\n");
        if found.list.is_empty() {
            out.element("p", "", "No failure whose log was read is recorded.");
            return;
        }
        out.raw("<div class=\"wide\" role=\"region\" aria-label=\"Patterns\" tabindex=\"0\"><table>\n");
        let shown = found.list.len().min(ROWS);
        out.element(
            "caption",
            "",
            &format!("{shown} of {} patterns, on the most commits first", found.list.len()),
        );
        out.heads(&["Where it fails", "Commits", "Failures a day", "First seen", "Last seen", "Seen on"]);
        out.raw("<tbody>\n");
        for pattern in found.list.iter().take(ROWS) {
            row(out, pattern, question);
        }
        out.raw("</tbody></table></div>\n");
        if found.cut {
            out.element("p", "", "There are more failures than were looked at: the oldest are not counted.");
        }
    })
}

fn row(out: &mut Markup, pattern: &Pattern, question: &Question) {
    out.raw("<tr><th class=\"what\" scope=\"row\">");
    for (n, (workflow, job)) in pattern.jobs.iter().take(JOBS).enumerate() {
        if n > 0 {
            out.raw(", ");
        }
        let address = [
            ("namespace", question.namespace.as_str()),
            ("repository", &pattern.repository),
            ("branch", &question.branch),
            ("job", job),
        ];
        out.anchor(job, &frame::address("/history", &address));
        if !workflow.is_empty() {
            out.text(&format!(" ({})", clean(workflow, 80)));
        }
    }
    out.text(&more(pattern.jobs.len(), JOBS));
    out.element("small", "", &format!("{} {}", pattern.repository, short(&pattern.fingerprint)));
    out.raw("</th>");
    out.element("td", " class=\"number\"", &pattern.commits.to_string());
    out.raw("<td class=\"what\">");
    bars(out, pattern);
    out.raw("</td>");
    for at in [pattern.first, pattern.last] {
        out.element("td", " class=\"number\"", &day(at));
    }
    let pulls = pattern.pulls.iter().rev().map(|number| format!("#{number}"));
    let branches = pattern.branches.iter().map(|branch| clean(branch, 80));
    let named: Vec<String> = pulls.chain(branches).take(NAMED).collect();
    let all = pattern.pulls.len() + pattern.branches.len();
    out.element("td", " class=\"where\"", &format!("{}{}", named.join(", "), more(all, NAMED)));
    out.raw("</tr>\n");
}

/// How many are not named.
fn more(all: usize, named: usize) -> String {
    match all.saturating_sub(named) {
        0 => String::new(),
        n => format!(" and {n} more"),
    }
}

/// A bar for each day, the oldest at the left, and in words how many there are.
fn bars(out: &mut Markup, pattern: &Pattern) {
    let most = pattern.days.iter().copied().max().unwrap_or(0).max(1);
    let width = i64::try_from(pattern.days.len()).unwrap_or(0).saturating_mul(STEP);
    let (width, height) = (width.to_string(), HEIGHT.to_string());
    out.open("svg", &[("aria-hidden", "true"), ("width", &width), ("height", &height)]);
    for (at, failures) in (0..).step_by(5).zip(&pattern.days).filter(|(_, n)| **n > 0) {
        let high = (failures.saturating_mul(HEIGHT) / most).max(1);
        let (x, from, high) = (i64::to_string(&at), (HEIGHT - high).to_string(), high.to_string());
        let rect = [("fill", "currentColor"), ("x", &*x), ("y", &*from), ("width", "4"), ("height", &*high)];
        out.open("rect", &rect);
        out.raw("</rect>");
    }
    out.raw("</svg>");
    let days = pattern.days.iter().filter(|n| **n > 0).count();
    out.element("small", "", &format!("{} on {}, at most {most}", pattern.results, count(days, "day")));
}

fn day(seconds: i64) -> String {
    let at = Timestamp::from_second(seconds).map(|t| t.strftime("%Y-%m-%d").to_string());
    at.unwrap_or_else(|_| "-".to_owned())
}
