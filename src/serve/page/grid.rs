//! Jobs by commits, as TestGrid shows them: from the history, or where none is kept from the reports that there are.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Html;
use serde::Deserialize;

use super::places::{self, About, Allowed};
use super::{NoPage, bad, frame, hidden};
use crate::api::TestRunReport;
use crate::cli::render::history::{of, short};
use crate::cli::render::markup::Markup;
use crate::history::{Asked, Cell, Commit, Ended, Grid, Of, Row, Said, worst_first};
use crate::serve::Site;
use crate::serve::history::{opened, unanswered};
use crate::verdict::text::clean;

/// Commits of a page.
pub const COMMITS: usize = 20;
/// Bytes after which the rest of the jobs is for the next page.
const BYTES: usize = 150_000;

/// What is shown.
#[derive(Clone, Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Question {
    namespace: String,
    repository: String,
    branch: String,
    /// `next` of newer commits.
    before: String,
    /// The first job of the page, from 0.
    from: usize,
}

impl About for Question {
    const MAY_HAVE: &'static str = "namespace, repository, branch, before and from";

    fn namespace(&self) -> &str {
        &self.namespace
    }

    fn texts(&self) -> Vec<&str> {
        vec![&self.repository, &self.branch, &self.before]
    }
}

/// What a page is made of.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    pub grid: Grid,
    /// From a history, else from reports.
    pub kept: bool,
    /// Address of the repository, where a report knows it.
    pub web: Option<String>,
}

pub(super) async fn page(
    State(site): State<Site>,
    Allowed(question): Allowed<Question>,
) -> Result<Html<String>, NoPage> {
    let (namespace, repository) = (&question.namespace, &question.repository);
    if repository.is_empty() {
        return Err(bad("Say which repository: ?namespace=NAMESPACE&repository=OWNER/NAME."));
    }
    let reports = places::reports(&site, namespace, repository, COMMITS);
    let web = reports.iter().find_map(|report| places::web(report, repository));
    let shown_of = |grid, kept| Shown { grid, kept, web: web.clone() };
    if !site.history.is_kept() {
        return Ok(Html(shown(&shown_of(of_reports(&reports), false), &question)));
    }
    let store = opened(&site)?;
    let asked = Asked {
        namespace: namespace.clone(),
        of: Of::Commits,
        repository: repository.clone(),
        branch: question.branch.clone(),
        limit: i64::try_from(COMMITS).unwrap_or(i64::MAX),
        before: Some(question.before.clone()).filter(|b| !b.is_empty()),
    };
    let grid = store.grid(&asked).await.map_err(unanswered).map_err(hidden)?;
    Ok(Html(shown(&shown_of(grid, true), &question)))
}

/// A grid of what reports say of their commits.
fn of_reports(reports: &[TestRunReport]) -> Grid {
    let mut grid = Grid::default();
    let mut jobs: BTreeMap<&str, Vec<Option<Cell>>> = BTreeMap::new();
    for report in reports {
        let Some(status) = &report.status else { continue };
        let Some(source) = &status.source else { continue };
        let column = grid.commits.len();
        grid.commits.push(Commit {
            repository: source.repository.clone(),
            sha: source.sha.clone(),
            branch: source.branch.clone(),
            pull_request: source.pull_request,
            verdicts: vec![Said {
                report: report.metadata.name.clone().unwrap_or_default(),
                ..Said::default()
            }],
            ..Commit::default()
        });
        for job in status.suites.iter().flat_map(|suite| &suite.jobs) {
            let ended = match job.state.as_str() {
                "Succeeded" => Ended::Passed,
                "Failed" | "Cancelled" | "Missing" => Ended::Failed,
                _ => Ended::Other,
            };
            let cells = jobs.entry(&job.name).or_default();
            cells.resize(column, None);
            let (run_id, job_id) = (job.run_id.unwrap_or_default(), job.id.unwrap_or_default());
            cells.push(Some(Cell { ended, run_id, job_id }));
        }
    }
    let count = grid.commits.len();
    grid.rows = jobs
        .into_iter()
        .map(|(job, mut cells)| {
            cells.resize(count, None);
            Row { workflow: String::new(), job: job.to_owned(), cells }
        })
        .collect();
    worst_first(&mut grid.rows);
    grid
}

impl Question {
    fn with(&self, before: &str, from: usize) -> String {
        let from = if from > 0 { from.to_string() } else { String::new() };
        frame::address(
            "/grid",
            &[
                ("namespace", &self.namespace),
                ("repository", &self.repository),
                ("branch", &self.branch),
                ("before", before),
                ("from", &from),
            ],
        )
    }
}

/// The page.
pub fn shown(what: &Shown, question: &Question) -> String {
    let title = format!("Jobs of {}", clean(&question.repository, 140));
    let Shown { grid, kept, web } = what;
    frame::page(&title, None, |out| {
        out.element("h1", "", &title);
        let source = if *kept { "the newest commits first" } else { "from the reports that there are now" };
        out.element("p", "", &format!("In namespace {}, {source}.", question.namespace));
        if *kept {
            let index = [("namespace", question.namespace.as_str()), ("repository", &question.repository)];
            out.raw("<p>");
            out.anchor("The least reliable jobs and tests", &frame::address("/history", &index));
            out.raw("; ");
            out.anchor("patterns over time", &frame::address("/patterns", &index));
            out.raw("</p>\n");
        } else {
            out.element(
                "p",
                "",
                "This operator keeps no history: only the last state of each report is known, and long lists of jobs are cut.",
            );
        }
        if grid.rows.is_empty() {
            out.element("p", "", "No result of this repository is known here.");
        } else {
            legend(out);
            let next = table(out, grid, question, web.as_deref());
            turn(out, grid, question, next);
        }
        if grid.cut {
            out.element(
                "p",
                "",
                "There are more results than were looked at: the oldest commits may lack some.",
            );
        }
    })
}

/// What is written into a cell, what it means, and its colour.
const fn told(ended: Ended) -> (&'static str, &'static str, &'static str) {
    match ended {
        Ended::Passed => ("P", "passed", "cell good"),
        Ended::Failed => ("F", "failed", "cell bad"),
        Ended::Flaky => ("~", "flaky: failed and passed", "cell open"),
        Ended::Other => ("-", "neither passed nor failed", "cell unknown"),
    }
}

fn legend(out: &mut Markup) {
    out.raw("<ul class=\"states\">");
    for ended in [Ended::Passed, Ended::Failed, Ended::Flaky, Ended::Other] {
        let (sign, words, class) = told(ended);
        out.raw("<li>");
        out.open("span", &[("class", class)]);
        out.raw(sign);
        out.raw("</span> ");
        out.raw(words);
        out.raw("</li>\n");
    }
    out.raw("</ul>\n");
}

/// Says with which job the next page begins.
fn table(out: &mut Markup, grid: &Grid, question: &Question, web: Option<&str>) -> Option<usize> {
    out.raw("<div class=\"wide\" role=\"region\" aria-label=\"Jobs by commits\" tabindex=\"0\"><table class=\"grid\">\n");
    out.element("caption", "", &format!("{} jobs on {} commits", grid.rows.len(), grid.commits.len()));
    out.raw("<thead><tr><th scope=\"col\">Job</th>");
    for commit in &grid.commits {
        out.raw("<th scope=\"col\">");
        let report = commit
            .verdicts
            .first()
            .map(|said| said.report.as_str())
            .filter(|name| crate::serve::is_name(name));
        match report {
            Some(name) => {
                let address = format!("/reports/{}/{name}", question.namespace);
                out.anchor(&short(&commit.sha), &address);
            }
            None => out.text(&short(&commit.sha)),
        }
        out.element("small", "", &clean(&of(commit.pull_request, commit.branch.as_deref()), 24));
        out.raw("</th>");
    }
    out.raw("</tr></thead>\n<tbody>\n");
    let mut next = None;
    for (n, row) in grid.rows.iter().enumerate().skip(question.from) {
        if out.bytes() > BYTES && n > question.from {
            next = Some(n);
            break;
        }
        out.raw("<tr><th scope=\"row\">");
        let job = [
            ("namespace", question.namespace.as_str()),
            ("repository", &question.repository),
            ("job", &row.job),
        ];
        out.anchor(&row.job, &frame::address("/history", &job));
        if !row.workflow.is_empty() {
            out.raw(" ");
            out.element("small", "", &row.workflow);
        }
        out.raw("</th>");
        for cell in &row.cells {
            self::cell(out, cell.as_ref(), web);
        }
        out.raw("</tr>\n");
    }
    out.raw("</tbody></table></div>\n");
    next
}

fn cell(out: &mut Markup, cell: Option<&Cell>, web: Option<&str>) {
    let Some(cell) = cell else { return out.raw("<td></td>") };
    let (sign, words, class) = told(cell.ended);
    out.open("td", &[("class", class)]);
    let run = web.filter(|_| cell.run_id > 0);
    if let Some(web) = run {
        let job = if cell.job_id > 0 { format!("/job/{}", cell.job_id) } else { String::new() };
        out.open("a", &[("href", &format!("{web}/actions/runs/{}{job}", cell.run_id)), ("title", words)]);
    }
    out.raw("<span aria-hidden=\"true\">");
    out.raw(sign);
    out.raw("</span><span class=\"read\">");
    out.raw(words);
    out.raw(if run.is_some() { "</span></a></td>" } else { "</span></td>" });
}

fn turn(out: &mut Markup, grid: &Grid, question: &Question, next: Option<usize>) {
    out.raw("<nav class=\"pages\" aria-label=\"Pages\"><ul>");
    let mut add = |told: &str, address: String| {
        out.raw("<li>");
        out.anchor(told, &address);
        out.raw("</li>");
    };
    if question.from > 0 {
        add("First jobs", question.with(&question.before, 0));
    }
    if let Some(next) = next {
        add("More jobs", question.with(&question.before, next));
    }
    if !question.before.is_empty() {
        add("Newest commits", question.with("", 0));
    }
    if let Some(older) = &grid.next {
        add("Older commits", question.with(older, 0));
    }
    out.raw("</ul></nav>\n");
}
