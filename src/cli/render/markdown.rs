//! The summary that people used to write by hand for a pull request.

use super::bundles::{content, finding, pattern_told};
use super::text::{block, bytes, code, condition, downloads, line, link, md, stamp, tests};
use crate::api::TestRunReport;
use crate::api::status::{Failure, SuiteStatus, TestRunReportStatus};

/// The report as GitHub-flavoured markdown.
pub fn markdown(report: &TestRunReport) -> String {
    let mut out = String::new();
    let Some(status) = &report.status else {
        return format!("# CI report: not looked at yet\n\nThe operator has not seen {}.\n", name(report));
    };
    headline(&mut out, report, status);
    suites(&mut out, status);
    failures(&mut out, status);
    masked(&mut out, status);
    metrics(&mut out, status);
    artifacts(&mut out, status);
    patterns(&mut out, status);
    options(&mut out, status);
    assessment(&mut out, status);
    timeline(&mut out, status);
    footer(&mut out, report, status);
    out
}

fn name(report: &TestRunReport) -> String {
    md(report.metadata.name.as_deref().unwrap_or("this report"))
}

fn push(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn icon(state: &str) -> &'static str {
    match state {
        "Succeeded" | "True" | "Passed" => "✅",
        "Failed" | "False" => "❌",
        "Cancelled" | "Missing" => "🚫",
        "Skipped" | "Neutral" => "⏭️",
        "Running" => "⏳",
        _ => "❓",
    }
}

fn headline(out: &mut String, report: &TestRunReport, status: &TestRunReportStatus) {
    let source = status.source.as_ref();
    let what = match source.and_then(|s| s.pull_request) {
        Some(number) => format!("PR \\#{number}"),
        None => source.map_or_else(|| name(report), |s| format!("commit {}", code(&s.short_sha))),
    };
    push(out, &format!("# {what}: CI status summary\n"));
    let Some(passed) = condition(report, "Passed") else { return };
    let running = condition(report, "Complete").is_some_and(|c| c.status != "True");
    let verdict = match (passed.status.as_str(), running) {
        ("True", _) => "PASSED",
        ("False", true) => "FAILING, not final",
        ("False", false) => "FAILED",
        _ => "UNDECIDED",
    };
    push(
        out,
        &format!(
            "**{} {verdict}** ({}): {}\n",
            icon(&passed.status),
            md(&passed.reason),
            md(&passed.message)
        ),
    );
    if let Some(away) =
        condition(report, "SourceAvailable").filter(|c| c.status == "False" && c.reason != passed.reason)
    {
        push(out, &format!("> ⚠️ GitHub could not be read ({}): {}\n", md(&away.reason), md(&away.message)));
    }
    if let Some(recommendation) = &status.recommendation {
        push(out, &format!("**Next:** {}\n", md(&recommendation.summary)));
    }
}

fn suites(out: &mut String, status: &TestRunReportStatus) {
    if status.suites.is_empty() {
        return;
    }
    push(out, "## Results by suite\n");
    push(out, "| Suite | State | Passed | Rate | Tests | |");
    push(out, "|---|---|---|---|---|---|");
    for suite in &status.suites {
        let rate = suite.pass_rate.map(|r| format!("{r} %")).unwrap_or_default();
        let counts = suite.tests.as_ref().map(tests).unwrap_or_default();
        let mut remarks = Vec::new();
        if suite.critical_path {
            remarks.push("critical path");
        }
        if suite.policy != "Required" {
            remarks.push(if suite.policy == "Aggregate" { "only repeats others" } else { "informational" });
        }
        push(
            out,
            &format!(
                "| {} | {} {} | {}/{} | {rate} | {counts} | {} |",
                md(&suite.name),
                icon(&suite.state),
                md(&suite.state),
                suite.passed,
                suite.total,
                remarks.join(", ")
            ),
        );
    }
    out.push('\n');
    for suite in status.suites.iter().filter(|s| s.state != "Succeeded" && s.policy != "Aggregate") {
        jobs(out, suite);
    }
}

/// The jobs of a suite that is not green, so that nobody has to guess which ones are meant.
fn jobs(out: &mut String, suite: &SuiteStatus) {
    let title = if suite.critical_path { " (critical path)" } else { "" };
    push(out, &format!("**{}**{title}\n", md(&suite.name)));
    for job in &suite.jobs {
        let shown = job.display_name.as_ref().map(|d| format!("{} ({})", md(d), md(&job.name)));
        let detail = job.detail.as_ref().map(|d| format!(", {}", md(d))).unwrap_or_default();
        let counts = job.tests.as_ref().map(|t| format!(": {}", tests(t))).unwrap_or_default();
        let note = job.note.as_ref().map(|n| format!(" ({})", md(n))).unwrap_or_default();
        push(
            out,
            &format!(
                "- {} {}: {}{detail}{counts}{note}",
                icon(&job.state),
                shown.unwrap_or_else(|| md(&job.name)),
                md(&job.state)
            ),
        );
    }
    if suite.jobs_omitted > 0 {
        push(out, &format!("- and {} more", suite.jobs_omitted));
    }
    out.push('\n');
}

fn failures(out: &mut String, status: &TestRunReportStatus) {
    if status.failures.is_empty() {
        return;
    }
    push(out, "## Failures\n");
    for (i, failure) in status.failures.iter().enumerate() {
        failure_of(out, i + 1, failure);
    }
    let total = status.summary.as_ref().map_or(0, |s| s.failures_total);
    let listed = i64::try_from(status.failures.len()).unwrap_or(i64::MAX);
    if total > listed {
        push(out, &format!("And {} more failures that are not listed.\n", total - listed));
    }
}

fn failure_of(out: &mut String, number: usize, failure: &Failure) {
    let title = failure.display_name.as_deref().unwrap_or(&failure.job);
    push(out, &format!("### {number}. {} {}\n", icon(&failure.state), md(title)));
    let id = failure.job_id.map(|id| format!(" (job {id})")).unwrap_or_default();
    push(out, &format!("- **Job:** {}{id}", link(&failure.job, failure.url.as_deref())));
    push(out, &format!("- **Suite:** {}; **state:** {}", md(&failure.suite), md(&failure.state)));
    if let Some(step) = &failure.step {
        push(out, &format!("- **Step:** {}", md(step)));
    }
    if let Some(message) = &failure.message {
        push(out, &format!("- **Message:** {}", md(message)));
    }
    if failure.consequence {
        push(out, "- A consequence of another failure in its run.");
    }
    if let Some(counts) = &failure.tests {
        push(out, &format!("- **CI:** {}", tests(counts)));
    }
    if let Some(local) = &failure.local {
        push(out, &format!("- **Local versus CI:** {}", md(&local.finding)));
    }
    for test in &failure.failing_tests {
        let at = match (&test.file, test.line) {
            (Some(file), Some(n)) => format!(" at {}", code(&format!("{file}:{n}"))),
            (Some(file), None) => format!(" in {}", code(file)),
            _ => String::new(),
        };
        let message = test.message.as_ref().map(|m| format!(": {}", md(m))).unwrap_or_default();
        push(out, &format!("- **Failing test:** {}{at}{message}", md(&test.name)));
    }
    let listed = i64::try_from(failure.failing_tests.len()).unwrap_or(i64::MAX);
    if failure.failing_tests_total > listed {
        push(out, &format!("- and {} more failing tests", failure.failing_tests_total - listed));
    }
    for cause in &failure.causes {
        let lines: Vec<String> = cause.evidence.iter().map(i64::to_string).collect();
        let lines =
            if lines.is_empty() { String::new() } else { format!(" (log lines {})", lines.join(", ")) };
        push(out, &format!("- **Possible cause:** {} {} %{lines}", md(&cause.kind), cause.probability));
        for because in &cause.because {
            push(out, &format!("  - {}", md(because)));
        }
    }
    if !failure.artifacts.is_empty() {
        let names: Vec<String> = failure.artifacts.iter().map(|a| code(a)).collect();
        push(out, &format!("- **Artifacts:** {}", names.join(", ")));
    }
    out.push('\n');
    if !failure.excerpt.is_empty() {
        push(out, "<details><summary>Lines of the log that say why</summary>\n");
        let lines: Vec<String> =
            failure.excerpt.iter().map(|l| format!("{:>6}  {}", l.line, l.text)).collect();
        push(out, &block("text", lines.iter().map(String::as_str)));
        push(out, "</details>\n");
    }
}

fn masked(out: &mut String, status: &TestRunReportStatus) {
    if status.masked_failures.is_empty() {
        return;
    }
    push(out, "## Green jobs that hide a failure\n");
    for masked in &status.masked_failures {
        push(
            out,
            &format!(
                "- ⚠️ {} ({}): {}",
                link(&masked.job, masked.url.as_deref()),
                md(&masked.kind),
                md(&masked.message)
            ),
        );
    }
    out.push('\n');
}

fn metrics(out: &mut String, status: &TestRunReportStatus) {
    let Some(summary) = &status.summary else { return };
    let jobs = &summary.jobs;
    push(out, "## Success metrics\n");
    let rate = jobs.pass_rate.map(|r| format!(" ({r} %)")).unwrap_or_default();
    let mut parts = Vec::new();
    for (n, what) in [
        (jobs.failed, "failed"),
        (jobs.cancelled, "cancelled"),
        (jobs.skipped, "skipped"),
        (jobs.neutral, "neutral"),
        (jobs.action_required, "waiting for approval"),
        (jobs.running, "running"),
        (jobs.missing, "missing"),
        (jobs.unknown, "unknown"),
    ] {
        if n > 0 {
            parts.push(format!("{n} {what}"));
        }
    }
    let rest = if parts.is_empty() { String::new() } else { format!("; {}", parts.join(", ")) };
    push(out, &format!("- **Jobs:** {}/{} succeeded{rate}{rest}", jobs.succeeded, jobs.total));
    if summary.tests.jobs_counted > 0 {
        let n = summary.tests.jobs_counted;
        let of = if n == 1 {
            "1 job whose counts were read".to_owned()
        } else {
            format!("{n} jobs whose counts were read")
        };
        push(out, &format!("- **Tests:** {} in {of}", tests(&summary.tests.counts)));
    } else {
        push(out, "- **Tests:** no counts were read");
    }
    if summary.failing_tests_total > 0 {
        push(out, &format!("- **Failing tests:** {}", summary.failing_tests_total));
    }
    out.push('\n');
}

fn artifacts(out: &mut String, status: &TestRunReportStatus) {
    let bundles: Vec<_> = status.artifacts.iter().filter(|a| a.kind == "MustGather").collect();
    let missing = status.conditions.iter().find(|c| c.type_ == "ArtifactsAvailable" && c.status == "False");
    if bundles.is_empty() && missing.is_none() {
        return;
    }
    push(out, "## Must-gather bundles\n");
    if let Some(missing) = missing {
        push(out, &format!("⚠️ {}: {}\n", md(&missing.reason), md(&missing.message)));
    }
    if !bundles.is_empty() {
        push(out, "| Bundle | Job | Size | Expires | Content |");
        push(out, "|---|---|---|---|---|");
        for a in &bundles {
            push(
                out,
                &format!(
                    "| {} | {} | {} | {} | {} |",
                    link(&a.name, Some(&a.url)),
                    a.job.as_deref().map(md).unwrap_or_default(),
                    bytes(a.size_bytes),
                    a.expires_at.as_ref().map(stamp).unwrap_or_default(),
                    md(&content(a)),
                ),
            );
        }
        out.push('\n');
        for a in &bundles {
            let Some(analysis) = a.analysis.as_ref().filter(|x| !x.findings.is_empty()) else { continue };
            push(out, &format!("What {} says:\n", code(&a.name)));
            for f in &analysis.findings {
                push(out, &format!("- {}", md(&finding(f))));
            }
            let listed = i64::try_from(analysis.findings.len()).unwrap_or(i64::MAX);
            if analysis.findings_total > listed {
                push(out, &format!("- and {} more", analysis.findings_total - listed));
            }
            out.push('\n');
        }
        let commands = downloads(status);
        if !commands.is_empty() {
            push(out, &block("sh", commands.iter().map(String::as_str)));
        }
    }
}

fn patterns(out: &mut String, status: &TestRunReportStatus) {
    if status.patterns.is_empty() {
        return;
    }
    push(out, "## Patterns\n");
    for pattern in &status.patterns {
        let jobs: Vec<String> = pattern.jobs.iter().map(|j| md(j)).collect();
        push(
            out,
            &format!("- **{}:** {} ({})", md(&pattern_told(pattern)), jobs.join(", "), code(&pattern.text)),
        );
        for place in &pattern.elsewhere {
            push(out, &format!("  - also on {}", md(place)));
        }
    }
    out.push('\n');
}

fn options(out: &mut String, status: &TestRunReportStatus) {
    let Some(recommendation) = &status.recommendation else { return };
    push(out, "## What to do next\n");
    for (letter, option) in ('A'..='Z').zip(&recommendation.options) {
        let mark = if option.recommended { " ⭐ **recommended**" } else { "" };
        push(
            out,
            &format!("**Option {letter}: {}**{mark}: {}\n", md(&option.action), md(&option.description)),
        );
        if !option.commands.is_empty() {
            push(out, &block("sh", option.commands.iter().map(String::as_str)));
        }
    }
}

fn assessment(out: &mut String, status: &TestRunReportStatus) {
    let Some(assessment) = &status.assessment else { return };
    push(out, "## Confidence and risk\n");
    push(out, &format!("**Confidence {} %, risk {}**\n", assessment.confidence, md(&assessment.risk)));
    for reason in &assessment.rationale {
        push(out, &format!("- {}", md(reason)));
    }
    out.push('\n');
}

fn timeline(out: &mut String, status: &TestRunReportStatus) {
    if status.transitions.is_empty() {
        return;
    }
    push(out, "## Timeline of the verdict\n");
    push(out, "| Time | Commit | Passed | Reason | |");
    push(out, "|---|---|---|---|---|");
    for t in &status.transitions {
        push(
            out,
            &format!(
                "| {} | {} | {} {} | {} | {} |",
                stamp(&t.time),
                code(&t.sha),
                icon(&t.passed),
                md(&t.passed),
                md(&t.reason),
                md(&t.message)
            ),
        );
    }
    out.push('\n');
}

fn footer(out: &mut String, report: &TestRunReport, status: &TestRunReportStatus) {
    if !status.notes.is_empty() {
        push(out, "## Notes\n");
        for note in &status.notes {
            push(out, &format!("- {}", md(note)));
        }
        out.push('\n');
    }
    push(out, "---\n");
    let Some(source) = &status.source else { return };
    let title = source.title.as_deref().map(|t| format!(": {}", md(t))).unwrap_or_default();
    let pull = source.pull_request.map(|n| format!("PR {}", link(&format!("#{n}"), source.url.as_deref())));
    push(
        out,
        &format!(
            "- **Repository:** {}; {}{title}",
            md(&source.repository),
            pull.unwrap_or_else(|| "no pull request".into())
        ),
    );
    let branch = match (&source.branch, &source.base_branch) {
        (Some(head), Some(base)) => format!("; **branch:** {} into {}", code(head), code(base)),
        (Some(head), None) => format!("; **branch:** {}", code(head)),
        _ => String::new(),
    };
    push(out, &format!("- **Commit:** {}{branch}", code(&source.sha)));
    for run in &source.runs {
        let aside = run.set_aside.as_ref().map(|w| format!("; {}", md(w))).unwrap_or_default();
        push(
            out,
            &format!(
                "- **Run:** {} {} ({}, attempt {}): {}{aside}",
                md(&run.workflow),
                link(&run.id.to_string(), Some(&run.url)),
                md(&run.event),
                run.attempt,
                md(&run.result)
            ),
        );
    }
    if source.runs_total > i64::try_from(source.runs.len()).unwrap_or(i64::MAX) {
        push(out, &format!("- {} runs in all", source.runs_total));
    }
    if let Some(done) = &status.completed_at {
        push(out, &format!("- **Completed:** {}", stamp(done)));
    }
    if let Some(name) = &report.metadata.name {
        let namespace = report.metadata.namespace.as_deref().map(|n| format!("{n}/")).unwrap_or_default();
        push(out, &format!("- **Report:** {}", code(&line(&format!("{namespace}{name}")))));
    }
}
