//! The history as tables, for people and for programs that analyse.

use jiff::Timestamp;

use super::sheet::Sheet;
use super::table::align;
use super::text::{lasted, line, took};
use crate::history::{Answer, Commit, Execution, Rate, Said, Summary, Timed, Top};

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
    let timed = answer.results.iter().any(|r| r.millis.is_some());
    let mut header =
        vec!["COMMIT", "OF", "RUN", "ATTEMPT", "WORKFLOW", "RESULT", "TESTS", "TOOK", "ENDED", "FAILURE"];
    header.extend(timed.then_some("TEST TOOK"));
    let mut rows = vec![header.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    rows.extend(answer.results.iter().map(|r| {
        let mut row = vec![
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
        ];
        row.extend(timed.then(|| r.millis.map_or_else(|| "-".to_owned(), lasted)));
        row
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
    if let Some(test) = &s.test {
        text.push_str(&format!("test     {}\n", alone(test)));
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

/// How long a test took itself.
pub(crate) fn alone(test: &Timed) -> String {
    format!(
        "{} in the median, {} at most (on {} in run {}), of {} passes of which that is known",
        lasted(test.median_millis),
        lasted(test.max_millis),
        short(&test.sha),
        test.run_id,
        test.results
    )
}

/// Jobs or tests, ranked.
pub fn top(top: &Top) -> String {
    let tests = top.ranked.iter().any(|r| r.test.is_some());
    let mut header = vec!["REPOSITORY", "WORKFLOW", "JOB"];
    header.extend(tests.then_some("TEST"));
    header.extend(["FLAKY", "COMMITS", "FAILED", "RESULTS"]);
    let timed = top.ranked.iter().any(|r| r.timed.is_some());
    header.extend(timed.then_some("TIMED"));
    header.extend((timed || !tests).then_some(["MEAN", "MAX"]).into_iter().flatten());
    let mut rows = vec![header.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    rows.extend(top.ranked.iter().map(|r| {
        let mut row = vec![line(&r.repository), line(&r.workflow), line(&r.job)];
        row.extend(tests.then(|| line(r.test.as_deref().unwrap_or_default())));
        row.extend([share(&r.flakes), r.flakes.total.to_string()]);
        row.extend([share(&r.failures), r.failures.total.to_string()]);
        let or = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        if timed {
            row.push(or(r.timed.map(|n| n.to_string())));
            row.extend([r.mean_millis, r.max_millis].map(|ms| or(ms.map(lasted))));
        } else if !tests {
            row.extend([r.mean_seconds, r.max_seconds].map(|s| or(s.map(took))));
        }
        row
    }));
    let mut text = none(&rows, &format!("nothing of that kind in {} days\n", top.days));
    if top.cut {
        let most = if timed { "take longest" } else { "failed most often" };
        text.push_str(&format!("\nof those that {most}; there are more\n"));
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

pub fn commits_sheet(answer: &Answer) -> Sheet {
    let mut rows: Vec<(&Commit, Option<&Said>)> = Vec::new();
    for commit in &answer.commits {
        rows.extend(commit.verdicts.iter().map(|said| (commit, Some(said))));
        rows.extend(commit.verdicts.is_empty().then_some((commit, None)));
    }
    let waived = |said: &Said| i64::try_from(said.waived.as_array().map_or(0, Vec::len)).ok();
    Sheet::of(&rows)
        .text("repository", |(c, _)| Some(c.repository.clone()))
        .text("sha", |(c, _)| Some(c.sha.clone()))
        .text("branch", |(c, _)| c.branch.clone())
        .whole("pullRequest", |(c, _)| c.pull_request)
        .text("report", |(_, said)| said.map(|s| s.report.clone()))
        .text("verdict", |(_, said)| said.map(|s| s.verdict.clone()))
        .text("reason", |(_, said)| said.map(|s| s.reason.clone()))
        .flag("final", |(_, said)| said.map(|s| s.r#final))
        .whole("waived", |(_, said)| said.and_then(waived))
        .whole("results", |(c, _)| Some(c.results))
        .whole("failed", |(c, _)| Some(c.failed))
        .time("began", |(c, _)| Some(c.at))
        .end()
}

pub fn results_sheet(answer: &Answer) -> Sheet {
    Sheet::of(&answer.results)
        .text("repository", |r| Some(r.repository.clone()))
        .text("sha", |r| Some(r.sha.clone()))
        .text("branch", |r| r.branch.clone())
        .whole("pullRequest", |r| r.pull_request)
        .text("workflow", |r| Some(r.workflow.clone()))
        .text("job", |r| Some(r.job.clone()))
        .text("event", |r| Some(r.event.clone()))
        .whole("run", |r| Some(r.run_id))
        .whole("attempt", |r| Some(r.attempt))
        .whole("jobId", |r| Some(r.job_id))
        .text("result", |r| Some(r.result.clone()))
        .whole("seconds", |r| r.seconds)
        .time("ended", |r| Some(r.at))
        .whole("tests", |r| r.tests)
        .whole("testsFailed", |r| r.tests_failed)
        .text("fingerprint", |r| r.fingerprint.clone())
        .whole("testMillis", |r| r.millis)
        .end()
}

pub fn top_sheet(top: &Top) -> Sheet {
    Sheet::of(&top.ranked)
        .text("repository", |r| Some(r.repository.clone()))
        .text("workflow", |r| Some(r.workflow.clone()))
        .text("job", |r| Some(r.job.clone()))
        .text("test", |r| r.test.clone())
        .whole("flakyCommits", |r| Some(r.flakes.count))
        .whole("commits", |r| Some(r.flakes.total))
        .real("flakeRate", |r| Some(r.flakes.rate))
        .real("flakeLow", |r| Some(r.flakes.low))
        .real("flakeHigh", |r| Some(r.flakes.high))
        .whole("failures", |r| Some(r.failures.count))
        .whole("results", |r| Some(r.failures.total))
        .real("failureRate", |r| Some(r.failures.rate))
        .real("failureLow", |r| Some(r.failures.low))
        .real("failureHigh", |r| Some(r.failures.high))
        .whole("meanSeconds", |r| r.mean_seconds)
        .whole("maxSeconds", |r| r.max_seconds)
        .whole("timed", |r| r.timed)
        .whole("meanMillis", |r| r.mean_millis)
        .whole("maxMillis", |r| r.max_millis)
        .end()
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
        let csv = results_sheet(&answer).csv();
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
