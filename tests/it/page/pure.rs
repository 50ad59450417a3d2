//! Pages of ten thousand reports whose every text is hostile.

use std::sync::{Arc, LazyLock};

use axum::extract::Query;
use jiff::Timestamp;
use serde_json::json;
use testrun_operator::api::TestRunReport;
use testrun_operator::cache::Kept;
use testrun_operator::history::{
    Answer, Cell, Commit, Ended, Execution, Grid, Pattern, Patterns, Row, Said, summarise,
};
use testrun_operator::serve::page::{Part, grid, history, overview, patterns, report};

/// Markup, an attribute's end, a direction override, something invisible, an escape sequence.
const HOSTILE: &str =
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u{202e}dnilb\u{200b}\u{1b}[31m&lt;";

/// So many characters of it.
fn hostile(characters: usize) -> String {
    HOSTILE.chars().cycle().take(characters).collect()
}

fn hostile_report(number: i64) -> TestRunReport {
    let long = format!("{number:05}{}", "a".repeat(248));
    let job = hostile(512);
    let (passed, complete, failures) = match number % 4 {
        0 => ("True", "True", 0),
        1 => ("False", "True", 3),
        2 => ("False", "False", 1),
        _ => ("Unknown", "False", 0),
    };
    let condition = |kind: &str, status: &str| {
        json!({"type": kind, "status": status, "reason": hostile(64), "message": job, "observedGeneration": 1,
            "lastTransitionTime": "2026-01-02T03:04:05Z"})
    };
    serde_json::from_value(json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
        "metadata": {"name": long, "namespace": format!("{:03}{}", number % 250, "n".repeat(60)), "generation": 1,
            "creationTimestamp": "2026-01-02T03:04:05Z"},
        "spec": {"source": {"github": {"repository": format!("{}/{}{}", "o".repeat(39), "r".repeat(98), number % 10),
            "pullRequest": number + 1}}},
        "status": {"observedGeneration": 1, "phase": "x",
            "source": {"repository": hostile(140), "sha": "0123456789abcdef0123456789abcdef01234567",
                "shortSha": "01234567", "pullRequest": number + 1, "branch": hostile(255), "title": hostile(255),
                "url": "javascript:alert(3)"},
            "summary": {"failuresTotal": failures, "jobs": {"total": 40, "succeeded": 37, "display": job}},
            "suites": [{"name": job, "state": job, "policy": "Required", "passed": 1, "total": 2,
                "jobs": [{"name": job, "state": job, "detail": job}]}],
            "failures": [{"job": job, "state": job, "url": "javascript:alert(4)", "message": job,
                "excerpt": [{"line": 1, "text": job}]}],
            "conditions": [condition("Passed", passed), condition("Complete", complete)]}}))
    .unwrap()
}

static ALL: LazyLock<Vec<Arc<Kept>>> =
    LazyLock::new(|| (0..10_000).map(|n| Arc::new(Kept::from(&hostile_report(n)))).collect());

pub fn overview_of(query: &str) -> String {
    let Query(question) = Query::try_from_uri(&format!("/?{query}").parse().unwrap()).unwrap();
    overview::shown(&ALL, &question, Part { number: 2, of: 3 }, Timestamp::now())
}

/// The page of a report.
pub fn hostile_page() -> String {
    report::shown(&hostile_report(1))
}

/// A page without the one script that is ours.
pub fn without_script(page: &str) -> String {
    let own = regex::Regex::new("<script src=\"/page-[0-9a-f]{16}\\.js\" defer=\"defer\"></script>").unwrap();
    assert_eq!(own.find_iter(page).count(), 1, "one script");
    own.replace(page, "").into_owned()
}

/// Nothing of a stranger is markup, and nothing of theirs is invisible.
fn assert_safe(page: &str, what: &str) {
    let page = without_script(page);
    let markup: Vec<&str> = page.split('<').skip(1).filter_map(|tag| tag.split('>').next()).collect();
    for tag in markup {
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap();
        assert!(!["script", "img", "iframe", "object", "link", "base"].contains(&name), "{what}: <{tag}>");
        assert!(
            !tag.contains(" on") && !tag.contains("style=") && !tag.contains("javascript:"),
            "{what}: <{tag}>"
        );
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;"), "{what}: it was there");
    let hidden = ['\u{202e}', '\u{200b}', '\u{1b}'];
    assert!(!page.contains(hidden), "{what}: a character that cannot be seen");
}

#[test]
fn no_page_of_ten_thousand_reports_is_large_or_runs_what_strangers_wrote() {
    for query in ["", "page=2", "page=200", "state=failed", "state=undecided&page=9", "repository=R"] {
        let page = overview_of(query);
        assert_safe(&page, query);
        assert!(page.len() < 200_000, "{query}: {} bytes", page.len());
        assert_eq!(page.matches("<a href=\"/reports/").count(), overview::ROWS, "{query}");
    }
    let one = report::shown(&hostile_report(1));
    assert_safe(&one, "report");
    assert!(one.len() < 200_000, "{} bytes", one.len());
}

#[test]
fn a_grid_of_many_jobs_with_long_names_is_cut_and_goes_on() {
    let commits: Vec<Commit> = (0..20)
        .map(|n| Commit {
            repository: hostile(140),
            sha: format!("{n:040x}"),
            branch: Some(hostile(255)),
            verdicts: vec![Said { report: "a".repeat(253), ..Said::default() }],
            ..Commit::default()
        })
        .collect();
    let cells = vec![Some(Cell { ended: Ended::Failed, run_id: i64::MAX, job_id: i64::MAX }); commits.len()];
    let row =
        |n: i64| Row { workflow: hostile(255), job: format!("{}{n}", hostile(250)), cells: cells.clone() };
    let grid = Grid { commits, rows: (0..600).map(row).collect(), next: Some("1.1".into()), cut: true };
    let what = grid::Shown { grid, kept: true, web: Some(format!("https://github.com/{}", "a".repeat(140))) };
    let (mut from, mut pages) = (0, 0);
    loop {
        let query = format!("/?namespace=ci&repository=acme/shop&from={from}");
        let Query(question) = Query::try_from_uri(&query.parse().unwrap()).unwrap();
        let page = grid::shown(&what, &question);
        assert_safe(&page, &query);
        assert!(page.len() < 200_000, "{query}: {} bytes", page.len());
        pages += 1;
        let Some((_, rest)) = page.split_once("&amp;from=") else { break };
        let next: usize = rest.split('"').next().unwrap().parse().unwrap();
        assert!(next > from, "{next}");
        from = next;
    }
    assert!(pages > 5 && from < 600, "{pages} pages, the last from {from}");
}

#[test]
fn the_history_of_a_job_with_a_long_name_is_not_large() {
    let one = |n: i64| Execution {
        repository: hostile(140),
        sha: hostile(40),
        branch: Some(hostile(255)),
        workflow: hostile(255),
        job: hostile(255),
        run_id: i64::MAX,
        job_id: n,
        result: hostile(32),
        seconds: Some(if n % 2 == 0 { i64::MAX } else { n }),
        at: n,
        ..Execution::default()
    };
    let results: Vec<Execution> = (0..history::ROWS).map(one).collect();
    let summary = Some(summarise(&results, true));
    let answer = Answer { summary, results, next: Some("1.1".into()), ..Answer::default() };
    let lines = serde_json::json!([{"line": 1, "text": hostile(2_000)}]);
    let lines = Some(("r".to_owned(), serde_json::from_value(lines).unwrap()));
    let what = history::Shown { answer, web: Some(format!("https://github.com/{}", "a".repeat(140))), lines };
    let job = hostile(255);
    let query: String = url::form_urlencoded::byte_serialize(job.as_bytes()).collect();
    let query = format!("/?namespace=ci&job={query}");
    let Query(question) = Query::try_from_uri(&query.parse().unwrap()).unwrap();
    let page = history::shown(&what, &question);
    assert_safe(&page, "history");
    assert!(page.len() < 200_000, "{} bytes", page.len());
}

#[test]
fn patterns_with_long_names_are_not_large() {
    let one = |n: i64| Pattern {
        repository: hostile(140),
        fingerprint: hostile(64),
        first: i64::MIN,
        last: i64::MAX,
        results: i64::MAX,
        commits: n,
        days: vec![i64::MAX; 30],
        jobs: (0..200).map(|job| (hostile(255), format!("{job}{}", hostile(250)))).collect(),
        pulls: (0..500).collect(),
        branches: (0..500).map(|branch| format!("{branch}{}", hostile(250))).collect(),
    };
    let found = Patterns { list: (0..500).map(one).collect(), cut: true };
    let Query(question) = Query::try_from_uri(&"/?namespace=ci".parse().unwrap()).unwrap();
    let page = patterns::shown(&found, &question);
    assert_safe(&page, "patterns");
    assert!(page.contains("30 of 500 patterns") && page.contains("and 996 more"));
    assert!(page.len() < 200_000, "{} bytes", page.len());
}

#[test]
fn a_filter_is_text_and_a_page_that_is_not_there_is_the_last() {
    let query = "repository=%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    let page = overview_of(query);
    assert!(page.contains("value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\""), "{page}");
    assert!(!without_script(&page).contains("<script") && page.contains("No report that you may see"));
    assert!(
        page.contains("?repository=%22%3E%3Cscript%3Ealert%281%29%3C%2Fscript%3E&amp;state=failed\""),
        "{page}"
    );
    let last = overview_of("page=100000");
    assert!(last.contains("10000 reports, page 200 of 200") && !last.contains("Next page"), "the last");
    let first = overview_of("page=0&state=passed");
    assert!(first.contains("2500 reports, page 1 of 50") && !first.contains("Page before"), "the first");
    assert!(first.contains("aria-current=\"true\">Passed: 2500</a>") && first.contains(">Failed: 5000</a>"));
}

#[test]
fn what_is_shown_is_what_a_gate_says() {
    let mut stale = hostile_report(0);
    stale.metadata.generation = Some(2);
    let mut going = hostile_report(0);
    going.metadata.deletion_timestamp = going.metadata.creation_timestamp.clone();
    let good = "<span class=\"state good\">Passed</span>";
    let shown = |report: &TestRunReport| {
        let all = [Arc::new(Kept::from(report))];
        (
            overview::shown(&all, &overview::Question::default(), Part::WHOLE, Timestamp::now()),
            report::shown(report),
        )
    };
    let (line, page) = shown(&hostile_report(0));
    assert!(line.contains(good) && page.contains("<strong>Passed</strong>"));
    for (report, words) in [(stale, "belongs to generation 1"), (going, "is being deleted")] {
        let (line, page) = shown(&report);
        assert!(!line.contains(good) && line.contains(words), "{line}");
        assert!(page.contains("<strong>Undecided</strong>") && page.contains(words), "{page}");
    }
}
