//! The history as tables for people and as CSV for spreadsheets.

use jiff::Timestamp;

use super::table::align;
use super::text::{line, took};
use crate::history::{Answer, Commit, Execution, Rate, Said, Summary, Top};

/// Commits with their verdicts.
pub fn commits(answer: &Answer) -> String {
    let header = ["COMMIT", "REPOSITORY", "OF", "REPORT", "VERDICT", "REASON", "RESULTS", "FAILED", "BEGAN"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for commit in &answer.commits {
        let row = |report: &str, verdict: String, reason: &str| {
            vec![
                short(&commit.sha),
                line(&commit.repository),
                of(commit.pull_request, commit.branch.as_deref()),
                line(report),
                verdict,
                line(reason),
                commit.results.to_string(),
                commit.failed.to_string(),
                time(commit.at),
            ]
        };
        if commit.verdicts.is_empty() {
            rows.push(row("-", "-".to_owned(), "-"));
        }
        for said in &commit.verdicts {
            rows.push(row(&said.report, verdict(said), &said.reason));
        }
    }
    none(&rows, "no commit is recorded\n")
}

/// A verdict, and what of it is less than it looks.
pub(super) fn verdict(said: &Said) -> String {
    let waived = said.waived.as_array().map_or(0, Vec::len);
    match (said.r#final, waived) {
        (false, _) => format!("{} (not final)", line(&said.verdict)),
        (true, 0) => line(&said.verdict),
        (true, n) => format!("{} ({n} waived)", line(&said.verdict)),
    }
}

/// Results of a job or test, under what they come to.
pub fn results(answer: &Answer) -> String {
    let header =
        ["COMMIT", "OF", "RUN", "ATTEMPT", "WORKFLOW", "RESULT", "TESTS", "TOOK", "ENDED", "FAILURE"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(answer.results.iter().map(|r| {
        vec![
            short(&r.sha),
            of(r.pull_request, r.branch.as_deref()),
            r.run_id.to_string(),
            r.attempt.to_string(),
            line(&r.workflow),
            line(&r.result),
            tests(r),
            r.seconds.map_or_else(|| "-".to_owned(), took),
            time(r.at),
            r.fingerprint.as_deref().map_or_else(|| "-".to_owned(), short),
        ]
    }));
    let head = answer.summary.as_ref().map(summary).unwrap_or_default();
    none(&rows, "no result is recorded\n") + &head
}

fn summary(s: &Summary) -> String {
    let mut text = String::from("\n");
    if s.results > 0 {
        text.push_str(&format!("failed   {} of {} results\n", share(&s.failures), s.failures.total));
        text.push_str(&format!(
            "flaky    {} of {} commits (failed and passed on the same commit)\n",
            share(&s.flakes),
            s.flakes.total
        ));
    }
    if let (Some(median), Some(max)) = (s.median_seconds, s.max_seconds) {
        text.push_str(&format!(
            "took     {} in the median, {} at most (of what passed)\n",
            took(median),
            took(max)
        ));
    }
    if let Some(bad) = &s.bad {
        let good = bad.last_good.as_deref().map_or_else(
            || "no pass before it is known".to_owned(),
            |sha| format!("it passed on {}", short(sha)),
        );
        text.push_str(&format!(
            "fails    since {} ({} commits); {good}\n",
            short(&bad.first_bad),
            bad.commits
        ));
    }
    if s.cut {
        text.push_str("of the newest results; there are older ones\n");
    }
    text
}

/// Jobs or tests, ranked.
pub fn top(top: &Top) -> String {
    let tests = top.ranked.iter().any(|r| r.test.is_some());
    let mut header = vec!["REPOSITORY", "WORKFLOW", "JOB"];
    header.extend(tests.then_some("TEST"));
    header.extend(["FLAKY", "COMMITS", "FAILED", "RESULTS"]);
    header.extend((!tests).then_some(["MEAN", "MAX"]).into_iter().flatten());
    let mut rows = vec![header.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    rows.extend(top.ranked.iter().map(|r| {
        let mut row = vec![line(&r.repository), line(&r.workflow), line(&r.job)];
        row.extend(tests.then(|| line(r.test.as_deref().unwrap_or_default())));
        row.extend([share(&r.flakes), r.flakes.total.to_string()]);
        row.extend([share(&r.failures), r.failures.total.to_string()]);
        if !tests {
            row.extend([r.mean_seconds, r.max_seconds].map(|s| s.map_or_else(|| "-".to_owned(), took)));
        }
        row
    }));
    let mut text = none(&rows, &format!("nothing of that kind in {} days\n", top.days));
    if top.cut {
        text.push_str("\nof those that failed most often; there are more\n");
    }
    text
}

/// A table, or a word where it has no row.
pub(super) fn none(rows: &[Vec<String>], word: &str) -> String {
    if rows.len() > 1 { align(rows) } else { word.to_owned() }
}

pub(crate) fn tests(r: &Execution) -> String {
    match (r.tests_failed, r.tests) {
        (Some(failed), Some(total)) => format!("{failed}/{total} failed"),
        _ => "-".to_owned(),
    }
}

pub(crate) fn of(pull: Option<i64>, branch: Option<&str>) -> String {
    match (pull, branch) {
        (Some(number), _) => format!("#{number}"),
        (None, Some(branch)) => line(branch),
        (None, None) => "-".to_owned(),
    }
}

/// `3 (12.5 %, 4.1 to 31.2)`: how often, and what the rate is with a confidence of 95 %.
pub(crate) fn share(rate: &Rate) -> String {
    let percent = |x: f64| format!("{:.1}", x * 100.0);
    format!("{} ({} %, {} to {})", rate.count, percent(rate.rate), percent(rate.low), percent(rate.high))
}

pub(crate) fn short(sha: &str) -> String {
    line(&sha.chars().take(8).collect::<String>())
}

pub(crate) fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| "-".to_owned(), |t| t.to_string())
}

pub fn commits_csv(answer: &Answer) -> String {
    let mut out = String::from(
        "repository,sha,branch,pullRequest,report,verdict,reason,final,waived,results,failed,began\n",
    );
    for commit in &answer.commits {
        for said in &commit.verdicts {
            record(&mut out, &verdict_cells(commit, said));
        }
        if commit.verdicts.is_empty() {
            record(&mut out, &verdict_cells(commit, &Said::default()));
        }
    }
    out
}

fn verdict_cells(commit: &Commit, said: &Said) -> [String; 12] {
    [
        commit.repository.clone(),
        commit.sha.clone(),
        commit.branch.clone().unwrap_or_default(),
        number(commit.pull_request),
        said.report.clone(),
        said.verdict.clone(),
        said.reason.clone(),
        said.r#final.to_string(),
        said.waived.as_array().map_or(0, Vec::len).to_string(),
        commit.results.to_string(),
        commit.failed.to_string(),
        time(commit.at),
    ]
}

pub fn results_csv(answer: &Answer) -> String {
    let mut out = String::from(
        "repository,sha,branch,pullRequest,workflow,job,event,run,attempt,jobId,result,seconds,ended,tests,testsFailed,fingerprint\n",
    );
    for r in &answer.results {
        let cells = [
            r.repository.clone(),
            r.sha.clone(),
            r.branch.clone().unwrap_or_default(),
            number(r.pull_request),
            r.workflow.clone(),
            r.job.clone(),
            r.event.clone(),
            r.run_id.to_string(),
            r.attempt.to_string(),
            r.job_id.to_string(),
            r.result.clone(),
            number(r.seconds),
            time(r.at),
            number(r.tests),
            number(r.tests_failed),
            r.fingerprint.clone().unwrap_or_default(),
        ];
        record(&mut out, &cells);
    }
    out
}

pub fn top_csv(top: &Top) -> String {
    let mut out = String::from(
        "repository,workflow,job,test,flakyCommits,commits,flakeRate,flakeLow,flakeHigh,failures,results,failureRate,failureLow,failureHigh,meanSeconds,maxSeconds\n",
    );
    for r in &top.ranked {
        let mut cells =
            vec![r.repository.clone(), r.workflow.clone(), r.job.clone(), r.test.clone().unwrap_or_default()];
        for rate in [&r.flakes, &r.failures] {
            cells.extend([rate.count, rate.total].map(|n| n.to_string()));
            cells.extend([rate.rate, rate.low, rate.high].map(|x| x.to_string()));
        }
        cells.extend([r.mean_seconds, r.max_seconds].map(number));
        record(&mut out, &cells);
    }
    out
}

pub(super) fn number(value: Option<i64>) -> String {
    value.map(|n| n.to_string()).unwrap_or_default()
}

/// One line of CSV (RFC 4180). A name of a stranger must not become a formula where it is opened.
pub(super) fn record(out: &mut String, cells: &[String]) {
    for (i, cell) in cells.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        let cell = line(cell);
        let guard = if cell.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
        match cell.contains([',', '"']) {
            true => out.push_str(&format!("\"{guard}{}\"", cell.replace('"', "\"\""))),
            false => out.push_str(&format!("{guard}{cell}")),
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_table_or_a_spreadsheet_is_only_a_name() {
        let hostile = Execution {
            job: "=HYPERLINK(\"http://a\",\"b\")".into(),
            workflow: "a\nb\u{1b}[31m,c".into(),
            result: "failure".into(),
            ..Execution::default()
        };
        let answer = Answer { results: vec![hostile], ..Answer::default() };
        let csv = results_csv(&answer);
        assert_eq!(csv.lines().count(), 2, "{csv}");
        assert!(
            csv.contains(",\"'=HYPERLINK(\"\"http://a\"\",\"\"b\"\")\",") && csv.contains("\"a b,c\""),
            "{csv}"
        );
        assert!(!results(&answer).contains('\u{1b}'));
    }

    #[test]
    fn a_share_says_how_sure_it_is() {
        assert_eq!(share(&crate::history::wilson(81, 263)), "81 (30.8 %, 25.5 to 36.6)");
        assert_eq!((took(59), took(61), took(7322)), ("59s".into(), "1m1s".into(), "2h2m".into()));
    }
}
