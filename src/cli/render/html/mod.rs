//! The report as one page: no script, no network, light and dark, on paper and on a phone.

mod failures;

use super::bundles::{content, finding};
use super::markup::{Markup, class};
use super::text::{bytes, condition, stamp, tests};
use crate::api::TestRunReport;
use crate::api::status::{JobStatus, SuiteStatus, TestRunReportStatus};
use crate::verdict::gate::{Word, judge};

/// What a report looks like.
pub const STYLE: &str = include_str!("../report.css");

/// A page for each report, or one page with all of them.
pub fn html(reports: &[TestRunReport]) -> String {
    let title = match reports {
        [one] => headline(one),
        _ => format!("CI status of {} reports", reports.len()),
    };
    let mut out = Markup::document(&title, STYLE);
    out.raw("<body>\n<main>\n");
    for report in reports {
        out.raw("<article>\n");
        report_in(&mut out, report);
        out.raw("</article>\n");
    }
    out.raw("</main>\n</body>\n</html>\n");
    out.finish()
}

/// What the report is about.
pub fn headline(report: &TestRunReport) -> String {
    let source = report.status.as_ref().and_then(|s| s.source.as_ref());
    let what = match source {
        Some(source) => match source.pull_request {
            Some(number) => format!("PR #{number}"),
            None => format!("commit {}", source.short_sha),
        },
        None => report.metadata.name.clone().unwrap_or_else(|| "this report".to_owned()),
    };
    format!("{what}: CI status summary")
}

/// A report within a page.
pub fn report_in(out: &mut Markup, report: &TestRunReport) {
    out.element("h1", "", &headline(report));
    let Some(status) = &report.status else {
        out.element("p", "", "The operator has not looked at this report yet.");
        return;
    };
    verdict(out, report, status);
    suites(out, status);
    failures::failures(out, status);
    failures::masked(out, status);
    artifacts(out, status);
    failures::patterns(out, status);
    options(out, status);
    assessment(out, status);
    timeline(out, status);
    footer(out, report, status);
}

fn verdict(out: &mut Markup, report: &TestRunReport, status: &TestRunReportStatus) {
    if let Some(passed) = condition(report, "Passed") {
        let gate = judge(report);
        let (word, said) = match (gate.word, gate.open) {
            (Word::Passed, _) => ("Passed", "True"),
            (Word::Failed, true) => ("Failing, not final", "False"),
            (Word::Failed, false) => ("Failed", "False"),
            _ => ("Undecided", "Unknown"),
        };
        out.open("p", &[("class", &format!("verdict {}", class(said)))]);
        out.raw("<strong>");
        out.raw(word);
        // A verdict about an older spec, or of a report that is being deleted, is none.
        if said == passed.status {
            out.raw("</strong> (");
            out.text(&passed.reason);
            out.raw("): ");
            out.text(&passed.message);
        } else {
            out.raw("</strong>: ");
            out.text(&gate.message);
        }
        out.raw("</p>\n");
        if let Some(away) =
            condition(report, "SourceAvailable").filter(|c| c.status == "False" && c.reason != passed.reason)
        {
            let text = format!("GitHub could not be read ({}): {}", away.reason, away.message);
            out.element("p", " class=\"verdict unknown\"", &text);
        }
    }
    if let Some(recommendation) = &status.recommendation {
        out.raw("<p><strong>Next:</strong> ");
        out.text(&recommendation.summary);
        out.raw("</p>\n");
    }
    let Some(summary) = &status.summary else { return };
    out.raw("<dl class=\"figures\">\n");
    let rate = summary.jobs.pass_rate.map(|r| format!(" ({r} %)")).unwrap_or_default();
    out.figure("Jobs", &format!("{}/{}{rate}", summary.jobs.succeeded, summary.jobs.total));
    if summary.tests.jobs_counted > 0 {
        let n = summary.tests.jobs_counted;
        out.figure(
            "Tests",
            &format!("{} (in {n} jobs whose counts were read)", tests(&summary.tests.counts)),
        );
    } else {
        out.figure("Tests", "no counts were read");
    }
    out.figure("Failing", &summary.failures_total.to_string());
    if let Some(assessment) = &status.assessment {
        out.figure("Confidence", &format!("{} %", assessment.confidence));
        out.figure("Risk", &assessment.risk);
    }
    out.raw("</dl>\n");
}

fn suites(out: &mut Markup, status: &TestRunReportStatus) {
    if status.suites.is_empty() {
        return;
    }
    out.element("h2", "", "Results by suite");
    out.raw("<div class=\"wide\"><table>\n");
    out.heads(&["Suite", "State", "Passed", "Share", "Tests"]);
    out.raw("<tbody>\n");
    for suite in &status.suites {
        out.raw("<tr><th scope=\"row\">");
        out.text(&suite.name);
        if suite.critical_path {
            out.raw(" <small>critical path</small>");
        }
        match suite.policy.as_str() {
            "Required" => {}
            "Aggregate" => out.raw(" <small>only repeats others</small>"),
            _ => out.raw(" <small>informational</small>"),
        }
        out.raw("</th><td>");
        out.state(&suite.state);
        out.raw("</td><td>");
        out.text(&format!("{}/{}", suite.passed, suite.total));
        out.raw("</td><td>");
        bar(out, suite);
        out.raw("</td><td>");
        out.text(&suite.tests.as_ref().map(tests).unwrap_or_default());
        out.raw("</td></tr>\n");
    }
    out.raw("</tbody>\n</table></div>\n");
    for suite in status.suites.iter().filter(|s| s.policy != "Aggregate") {
        let good = suite.state == "Succeeded";
        let open = if good { "<details><summary>" } else { "<details open><summary>" };
        out.raw(open);
        out.text(&format!("{} ({}/{})", suite.name, suite.passed, suite.total));
        out.raw("</summary>\n<ul class=\"jobs\">\n");
        for job in &suite.jobs {
            job_of(out, job);
        }
        if suite.jobs_omitted > 0 {
            out.element("li", "", &format!("and {} more", suite.jobs_omitted));
        }
        out.raw("</ul>\n</details>\n");
    }
}

/// A bar of green, red and undecided shares. What is neither passed nor listed as red is undecided.
fn bar(out: &mut Markup, suite: &SuiteStatus) {
    let total = suite.total.max(1);
    // What is missing is not red before its deadline.
    let is_red = |state: &str| class(state) == "bad" && (state != "Missing" || suite.state == "Failed");
    let red = suite.jobs.iter().filter(|j| is_red(&j.state)).count();
    let red = i64::try_from(red).unwrap_or(i64::MAX).clamp(0, (suite.total - suite.passed).max(0));
    let share = |n: i64| n.clamp(0, total).saturating_mul(100) / total;
    let rest = (suite.total - suite.passed - red).max(0);
    let label = format!("{} passed, {red} failed, {rest} undecided of {}", suite.passed, suite.total);
    let shape = [("class", "bar"), ("role", "img"), ("aria-label", &label), ("viewBox", "0 0 100 10")];
    out.open("svg", &[&shape[..], &[("preserveAspectRatio", "none")]].concat());
    let mut from = 0;
    for (name, n) in [("good", suite.passed), ("bad", red), ("open", rest)] {
        let (x, width) = (from.to_string(), share(n).to_string());
        if n > 0 {
            out.open("rect", &[("class", name), ("x", &x), ("width", &width), ("height", "10")]);
            out.raw("</rect>");
        }
        from += share(n);
    }
    out.raw("</svg>");
}

fn job_of(out: &mut Markup, job: &JobStatus) {
    out.raw("<li>");
    out.state(&job.state);
    out.raw(" ");
    out.text(job.display_name.as_deref().unwrap_or(&job.name));
    if let Some(counts) = &job.tests {
        out.text(&format!(": {}", tests(counts)));
    }
    for more in [&job.detail, &job.note].into_iter().flatten() {
        out.text(&format!(" ({more})"));
    }
    out.raw("</li>\n");
}

fn artifacts(out: &mut Markup, status: &TestRunReportStatus) {
    let bundles: Vec<_> = status.artifacts.iter().filter(|a| a.kind == "MustGather").collect();
    let missing = status.conditions.iter().find(|c| c.type_ == "ArtifactsAvailable" && c.status == "False");
    if bundles.is_empty() && missing.is_none() {
        return;
    }
    out.element("h2", "", "Must-gather bundles");
    if let Some(missing) = missing {
        out.element("p", "", &format!("{}: {}", missing.reason, missing.message));
    }
    if bundles.is_empty() {
        return;
    }
    out.raw("<div class=\"wide\"><table>\n");
    out.heads(&["Bundle", "Job", "Size", "Expires", "Content"]);
    out.raw("<tbody>\n");
    for a in &bundles {
        out.raw("<tr><th scope=\"row\">");
        out.link(&a.name, Some(&a.url));
        out.raw("</th><td>");
        out.text(a.job.as_deref().unwrap_or_default());
        out.raw("</td><td>");
        out.text(&bytes(a.size_bytes));
        out.raw("</td><td>");
        out.text(&a.expires_at.as_ref().map(stamp).unwrap_or_default());
        out.raw("</td><td>");
        out.text(&content(a));
        out.raw("</td></tr>\n");
    }
    out.raw("</tbody>\n</table></div>\n");
    for a in &bundles {
        let Some(analysis) = a.analysis.as_ref().filter(|x| !x.findings.is_empty()) else { continue };
        let listed = i64::try_from(analysis.findings.len()).unwrap_or(i64::MAX);
        out.element("h3", "", &format!("What {} says", a.name));
        out.raw("<ul>\n");
        for f in &analysis.findings {
            out.element("li", "", &finding(f));
        }
        if analysis.findings_total > listed {
            out.element("li", "", &format!("and {} more", analysis.findings_total - listed));
        }
        out.raw("</ul>\n");
    }
    out.commands(&super::text::downloads(status));
}

fn options(out: &mut Markup, status: &TestRunReportStatus) {
    let Some(recommendation) = &status.recommendation else { return };
    out.element("h2", "", "What to do next");
    for option in &recommendation.options {
        let mark = if option.recommended { " (recommended)" } else { "" };
        out.raw("<p><strong>");
        out.text(&option.action);
        out.raw(mark);
        out.raw(":</strong> ");
        out.text(&option.description);
        out.raw("</p>\n");
        out.commands(&option.commands);
    }
}

fn assessment(out: &mut Markup, status: &TestRunReportStatus) {
    let Some(assessment) = &status.assessment else { return };
    out.element("h2", "", "Confidence and risk");
    out.element("p", "", &format!("Confidence {} %, risk {}", assessment.confidence, assessment.risk));
    out.raw("<ul>\n");
    for reason in &assessment.rationale {
        out.element("li", "", reason);
    }
    out.raw("</ul>\n");
}

fn timeline(out: &mut Markup, status: &TestRunReportStatus) {
    if status.transitions.is_empty() {
        return;
    }
    out.element("h2", "", "Timeline of the verdict");
    out.raw("<ol class=\"timeline\">\n");
    for t in &status.transitions {
        out.open("li", &[("class", class(&t.passed))]);
        out.raw("<time>");
        out.text(&stamp(&t.time));
        out.raw("</time> ");
        out.state(&t.passed);
        out.text(&format!(" {} ({}): {}", t.reason, t.sha, t.message));
        out.raw("</li>\n");
    }
    out.raw("</ol>\n");
}

fn footer(out: &mut Markup, report: &TestRunReport, status: &TestRunReportStatus) {
    out.raw("<footer>\n");
    if !status.notes.is_empty() {
        out.element("h2", "", "Notes");
        out.raw("<ul>\n");
        for note in &status.notes {
            out.element("li", "", note);
        }
        out.raw("</ul>\n");
    }
    if let Some(source) = &status.source {
        out.raw("<p>");
        let pull = source.pull_request.map_or_else(String::new, |n| format!("PR #{n} of "));
        out.link(&format!("{pull}{}", source.repository), source.url.as_deref());
        out.text(&source.title.as_deref().map(|t| format!(": {t}")).unwrap_or_default());
        out.raw("<br>Commit <code>");
        out.text(&source.sha);
        out.raw("</code></p>\n<ul>\n");
        for run in &source.runs {
            out.raw("<li>Run ");
            out.link(&run.id.to_string(), Some(&run.url));
            let aside = run.set_aside.as_ref().map(|w| format!("; {w}")).unwrap_or_default();
            out.text(&format!(
                " {} ({}, attempt {}): {}{aside}",
                run.workflow, run.event, run.attempt, run.result
            ));
            out.raw("</li>\n");
        }
        out.raw("</ul>\n");
    }
    if let Some(name) = &report.metadata.name {
        let namespace = report.metadata.namespace.as_deref().map(|n| format!("{n}/")).unwrap_or_default();
        out.element("p", "", &format!("Report {namespace}{name}"));
    }
    out.raw("</footer>\n");
}
