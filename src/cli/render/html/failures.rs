//! What failed, what hides a failure, and which failures look alike.

use super::super::bundles::pattern_told;
use super::super::markup::Markup;
use super::super::text::tests;
use crate::api::status::{Failure, TestRunReportStatus};

pub(super) fn failures(out: &mut Markup, status: &TestRunReportStatus) {
    if status.failures.is_empty() {
        return;
    }
    out.element("h2", "", "Failures");
    for failure in &status.failures {
        failure_of(out, failure);
    }
    let total = status.summary.as_ref().map_or(0, |s| s.failures_total);
    let more = total - i64::try_from(status.failures.len()).unwrap_or(i64::MAX);
    if more > 0 {
        out.element("p", "", &format!("And {more} more failures that are not listed."));
    }
}

fn failure_of(out: &mut Markup, failure: &Failure) {
    out.raw("<section class=\"failure\">\n<h3>");
    out.state(&failure.state);
    out.raw(" ");
    out.text(failure.display_name.as_deref().unwrap_or(&failure.job));
    out.raw("</h3>\n<ul>\n<li>Job: ");
    out.link(&failure.job, failure.url.as_deref());
    out.raw("</li>\n");
    if let Some(step) = &failure.step {
        out.element("li", "", &format!("Step: {step}"));
    }
    if let Some(message) = &failure.message {
        out.element("li", "", message);
    }
    if failure.consequence {
        out.element("li", "", "A consequence of another failure in its run.");
    }
    if let Some(counts) = &failure.tests {
        out.element("li", "", &format!("CI: {}", tests(counts)));
    }
    if let Some(local) = &failure.local {
        out.element("li", "", &format!("Local versus CI: {}", local.finding));
    }
    for test in &failure.failing_tests {
        let at = match (&test.file, test.line) {
            (Some(file), Some(n)) => format!(" at {file}:{n}"),
            (Some(file), None) => format!(" in {file}"),
            _ => String::new(),
        };
        let message = test.message.as_ref().map(|m| format!(": {m}")).unwrap_or_default();
        out.element("li", "", &format!("Failing test: {}{at}{message}", test.name));
    }
    let more = failure.failing_tests_total - i64::try_from(failure.failing_tests.len()).unwrap_or(i64::MAX);
    if more > 0 {
        out.element("li", "", &format!("and {more} more failing tests"));
    }
    for cause in &failure.causes {
        out.raw("<li>");
        out.text(&format!("Possible cause: {} {} %", cause.kind, cause.probability));
        if !cause.because.is_empty() {
            out.raw("<ul>\n");
            cause.because.iter().for_each(|because| out.element("li", "", because));
            out.raw("</ul>");
        }
        out.raw("</li>\n");
    }
    out.raw("</ul>\n");
    if !failure.excerpt.is_empty() {
        out.raw("<details><summary>Lines of the log that say why</summary>\n");
        out.excerpt(&failure.excerpt);
        out.raw("</details>\n");
    }
    out.raw("</section>\n");
}

pub(super) fn masked(out: &mut Markup, status: &TestRunReportStatus) {
    if status.masked_failures.is_empty() {
        return;
    }
    out.element("h2", "", "Green jobs that hide a failure");
    out.raw("<ul>\n");
    for masked in &status.masked_failures {
        out.raw("<li>");
        out.link(&masked.job, masked.url.as_deref());
        out.text(&format!(" ({}): {}", masked.kind, masked.message));
        out.raw("</li>\n");
    }
    out.raw("</ul>\n");
}

pub(super) fn patterns(out: &mut Markup, status: &TestRunReportStatus) {
    if status.patterns.is_empty() {
        return;
    }
    out.element("h2", "", "Patterns");
    out.raw("<ul>\n");
    for p in &status.patterns {
        let also: Vec<String> = p.elsewhere.iter().map(|e| format!("; also on {e}")).collect();
        let text = format!("{}: {} ({}){}", pattern_told(p), p.jobs.join(", "), p.text, also.concat());
        out.element("li", "", &text);
    }
    out.raw("</ul>\n");
}
