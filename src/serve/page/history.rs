//! The history of a job or test; without either the least reliable of a repository.

use axum::extract::State;
use axum::response::Html;
use jiff::Timestamp;
use serde::Deserialize;

use super::places::{self, About, Allowed};
use super::{NoPage, bad, chart, frame, hidden};
use crate::api::TestRunReport;
use crate::api::status::ExcerptLine;
use crate::cli::render::history::{alone, of, share, short, tests, time};
use crate::cli::render::markup::Markup;
use crate::cli::render::text::{lasted, took};
use crate::history::{Answer, Asked, By, Of, Ranked, Ranking, Summary, Top};
use crate::serve::Site;
use crate::serve::history::{opened, unanswered};
use crate::verdict::text::clean;

/// Results of a page.
pub const ROWS: i64 = 50;
/// Jobs and tests that are ranked, of so many days.
const RANKED: i64 = 25;
const DAYS: i64 = 30;
/// Reports that are looked through for failing lines.
const REPORTS: usize = 100;

/// What is shown.
#[derive(Clone, Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Question {
    namespace: String,
    repository: String,
    branch: String,
    job: String,
    test: String,
    /// `next` of the page before.
    before: String,
}

impl About for Question {
    const MAY_HAVE: &'static str = "namespace, repository, branch, job or test, and before";

    fn namespace(&self) -> &str {
        &self.namespace
    }

    fn texts(&self) -> Vec<&str> {
        vec![&self.repository, &self.branch, &self.job, &self.test, &self.before]
    }
}

/// What a page is made of.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    pub answer: Answer,
    /// Address of the repository, where a report knows it.
    pub web: Option<String>,
    /// The report that failed last, and the lines of the log that say why.
    pub lines: Option<(String, Vec<ExcerptLine>)>,
}

pub(super) async fn page(
    State(site): State<Site>,
    Allowed(question): Allowed<Question>,
) -> Result<Html<String>, NoPage> {
    let (namespace, repository) = (&question.namespace, &question.repository);
    let store = opened(&site)?;
    let of = match (question.job.as_str(), question.test.as_str()) {
        ("", "") => return Ok(Html(unreliable(&store, &question).await?)),
        (job, "") => Of::Job(job.to_owned()),
        ("", test) => Of::Test(test.to_owned()),
        _ => return Err(bad("Ask for a job or for a test, not for both.")),
    };
    let asked = Asked {
        namespace: namespace.clone(),
        of,
        repository: repository.clone(),
        branch: question.branch.clone(),
        limit: ROWS,
        before: Some(question.before.clone()).filter(|b| !b.is_empty()),
    };
    let answer = store.page(&asked).await.map_err(unanswered).map_err(hidden)?;
    let named = if repository.is_empty() {
        answer.results.first().map_or("", |r| r.repository.as_str())
    } else {
        repository
    };
    let reports = places::reports(&site, namespace, named, REPORTS);
    let web = reports.iter().find_map(|report| places::web(report, named));
    let lines = reports.iter().find_map(|report| lines(report, &question));
    Ok(Html(shown(&Shown { answer, web, lines }, &question)))
}

/// The lines that say why it failed, if it did in this report.
fn lines(report: &TestRunReport, question: &Question) -> Option<(String, Vec<ExcerptLine>)> {
    let of = |failure: &&crate::api::status::Failure| match question.test.is_empty() {
        true => failure.job == question.job,
        false => failure.failing_tests.iter().any(|test| test.name == question.test),
    };
    let failures = &report.status.as_ref()?.failures;
    let failure = failures.iter().filter(of).find(|failure| !failure.excerpt.is_empty())?;
    Some((report.metadata.name.clone()?, failure.excerpt.clone()))
}

async fn unreliable(store: &crate::history::Store, question: &Question) -> Result<String, NoPage> {
    let asked = |tests: bool, by: By| Ranking {
        namespace: question.namespace.clone(),
        tests,
        by,
        repository: question.repository.clone(),
        branch: question.branch.clone(),
        days: DAYS,
        limit: RANKED,
    };
    let now = Timestamp::now().as_second();
    let top = async |tests, by| store.top(&asked(tests, by), now).await.map_err(unanswered).map_err(hidden);
    let (jobs, tests) = (top(false, By::Flakes).await?, top(true, By::Flakes).await?);
    let slow = top(true, By::Seconds).await?;
    Ok(ranked(&jobs, &tests, &slow, question))
}

/// The page of the least reliable, and of the slowest tests.
pub fn ranked(jobs: &Top, tests: &Top, slow: &Top, question: &Question) -> String {
    frame::page("Least reliable", None, |out| {
        out.element("h1", "", "The least reliable");
        out.element("p", "", &format!("{}, {DAYS} days.", question.place()));
        let index = [
            ("namespace", question.namespace.as_str()),
            ("repository", &question.repository),
            ("branch", &question.branch),
        ];
        out.raw("<p>");
        out.anchor("Patterns over time", &frame::address("/patterns", &index));
        out.raw("</p>\n");
        for (title, top) in [("Jobs", jobs), ("Tests", tests)] {
            out.element("h2", "", title);
            if top.ranked.is_empty() {
                out.element("p", "", "None failed and passed on the same commit.");
                continue;
            }
            region(out, title, &["Name", "Flaky commits", "of", "Failures", "of"]);
            for one in &top.ranked {
                name(out, one, question);
                for rate in [&one.flakes, &one.failures] {
                    out.element("td", "", &share(rate));
                    out.element("td", " class=\"number\"", &rate.total.to_string());
                }
                out.raw("</tr>\n");
            }
            out.raw("</tbody></table></div>\n");
        }
        slowest(out, slow, question);
    })
}

/// Tests that take long; nothing where no duration is known.
fn slowest(out: &mut Markup, slow: &Top, question: &Question) {
    if slow.ranked.is_empty() {
        return;
    }
    out.element("h2", "", "Slowest tests");
    region(out, "Slowest tests", &["Name", "Mean", "Longest", "of passes", "Failures"]);
    for one in &slow.ranked {
        name(out, one, question);
        let times = [one.mean_millis, one.max_millis].map(|ms| ms.map(lasted));
        let count = one.timed.map(|n| n.to_string());
        for cell in times.into_iter().chain([count]) {
            out.element("td", " class=\"number\"", &cell.unwrap_or_default());
        }
        out.element("td", "", &share(&one.failures));
        out.raw("</tr>\n");
    }
    out.raw("</tbody></table></div>\n<p><small>Of passes that were among the slowest of their job, where a log or a report \
             tells how long they took.</small></p>\n");
}

/// The beginning of a row.
fn name(out: &mut Markup, one: &Ranked, question: &Question) {
    let (kind, name) = one.test.as_deref().map_or(("job", one.job.as_str()), |test| ("test", test));
    let address = [
        ("namespace", question.namespace.as_str()),
        ("repository", &one.repository),
        ("branch", &question.branch),
        (kind, name),
    ];
    out.raw("<tr><th class=\"what\" scope=\"row\">");
    out.anchor(name, &frame::address("/history", &address));
    let within = if one.test.is_some() { format!(", {}", one.job) } else { String::new() };
    out.element("small", "", &format!("{}{within}", one.repository));
    out.raw("</th>");
}

impl Question {
    fn place(&self) -> String {
        frame::place(&self.namespace, &self.repository, &self.branch)
    }

    fn with(&self, before: &str) -> String {
        frame::address(
            "/history",
            &[
                ("namespace", &self.namespace),
                ("repository", &self.repository),
                ("branch", &self.branch),
                ("job", &self.job),
                ("test", &self.test),
                ("before", before),
            ],
        )
    }
}

/// The page of a job or test.
pub fn shown(what: &Shown, question: &Question) -> String {
    let (kind, name) = match question.test.as_str() {
        "" => ("Job", question.job.as_str()),
        test => ("Test", test),
    };
    let title = format!("{kind} {}", clean(name, 255));
    frame::page(&title, None, |out| {
        out.element("h1", "", &title);
        out.element("p", "", &format!("{}.", question.place()));
        if let Some(sum) = &what.answer.summary {
            summary(out, sum);
        }
        if what.answer.results.is_empty() {
            out.element("p", "", "No result is recorded.");
            return;
        }
        if question.test.is_empty() {
            chart::durations(out, &what.answer.results);
        }
        if let Some((report, lines)) = &what.lines {
            out.element("h2", "", "Where it failed last");
            out.raw("<p>");
            out.text("Report ");
            out.anchor(report, &format!("/reports/{}/{report}", question.namespace));
            out.raw("</p>\n");
            out.excerpt(lines);
        }
        out.element("h2", "", "Results");
        table(out, what);
        out.raw("<nav class=\"pages\" aria-label=\"Pages\"><ul>");
        let older = what.answer.next.as_deref().map(|next| ("Older results", question.with(next)));
        let newest = (!question.before.is_empty()).then(|| ("Newest results", question.with("")));
        for (told, address) in newest.into_iter().chain(older) {
            out.raw("<li>");
            out.anchor(told, &address);
            out.raw("</li>");
        }
        out.raw("</ul></nav>\n");
    })
}

fn summary(out: &mut Markup, sum: &Summary) {
    out.raw("<dl class=\"figures\">\n");
    out.figure("Failed", &format!("{} of {} results", share(&sum.failures), sum.failures.total));
    out.figure("Flaky", &format!("{} of {} commits", share(&sum.flakes), sum.flakes.total));
    if let (Some(median), Some(most)) = (sum.median_seconds, sum.max_seconds) {
        out.figure(
            "Took, of what passed",
            &format!("{} in the median, {} at most", took(median), took(most)),
        );
    }
    if let Some(test) = &sum.test {
        out.figure("The test itself took", &alone(test));
    }
    if let Some(bad) = &sum.bad {
        let good = bad.last_good.as_deref().map_or_else(String::new, |s| format!(", passed on {}", short(s)));
        out.figure("Fails since", &format!("{} ({} commits){good}", short(&bad.first_bad), bad.commits));
    }
    out.raw("</dl>\n<p><small>In brackets: the share, and the ends of its 95 % confidence interval. Flaky is what failed and \
             passed on the same commit for the same event.");
    out.raw(if sum.cut {
        " Of the newest results; there are older ones.</small></p>\n"
    } else {
        "</small></p>\n"
    });
}

fn region(out: &mut Markup, label: &str, heads: &[&'static str]) {
    out.open("div", &[("class", "wide"), ("role", "region"), ("aria-label", label), ("tabindex", "0")]);
    out.raw("<table>\n");
    out.heads(heads);
    out.raw("<tbody>\n");
}

fn table(out: &mut Markup, what: &Shown) {
    let timed = what.answer.results.iter().any(|r| r.millis.is_some());
    let heads = ["Commit", "Of", "Run", "Result", "Tests", "Took", "Ended", "The test took"];
    region(out, "Results", heads.get(..if timed { 8 } else { 7 }).unwrap_or_default());
    for result in &what.answer.results {
        out.raw("<tr><th scope=\"row\"><code>");
        out.text(&short(&result.sha));
        out.raw("</code></th><td>");
        out.text(&clean(&of(result.pull_request, result.branch.as_deref()), 80));
        out.raw("</td><td>");
        let run = format!("{} attempt {}", result.run_id, result.attempt);
        let web = what.web.as_ref();
        let address = web.map(|web| format!("{web}/actions/runs/{}/job/{}", result.run_id, result.job_id));
        out.link(&run, address.as_deref());
        out.raw("</td><td>");
        let colour = match result.passed() {
            Some(true) => "good",
            Some(false) => "bad",
            None => "unknown",
        };
        out.badge(colour, &result.result);
        for cell in [tests(result), result.seconds.map_or_else(|| "-".to_owned(), took), time(result.at)] {
            out.raw("</td><td>");
            out.text(&cell);
        }
        if timed {
            out.raw("</td><td>");
            out.text(&result.millis.map_or_else(|| "-".to_owned(), lasted));
        }
        out.raw("</td></tr>\n");
    }
    out.raw("</tbody></table></div>\n");
}
