//! Check runs and comments: each there once, whoever else writes what looks like them.

use serde_json::{Value, json};
use testkit::github::{Fault, GitHub as Fake, Match, secs, sha_of};
use testrun_operator::api::{Reason, TestRunReport, TestRunReportSpec};
use testrun_operator::connections::{Connection, Held, Own};
use testrun_operator::controller::{Access, Deed, GitHubObserver, Observer};
use testrun_operator::github::Stats;
use testrun_operator::verdict::publish::check_run::{Annotation, CheckRun};
use testrun_operator::verdict::publish::comment::Comment;

use super::app::{Bench, REPO, scenario};
use super::*;

const MARK: &str = "<!-- testrun-operator:0123456789abcdef -->";

fn check(id: &str, conclusion: Option<&'static str>, annotations: usize) -> CheckRun {
    let remark = |n: usize| Annotation {
        path: "pkg/a_test.go".into(),
        line: n as i64 + 1,
        title: format!("test {n}"),
        message: "expected 1, got 2".into(),
    };
    CheckRun {
        repository: REPO.into(),
        sha: sha_of("head"),
        name: "testrun-report".into(),
        external_id: format!("testrun:{id}"),
        details_url: "https://github.com/acme/shop/pull/20#testrun".into(),
        conclusion,
        title: id.into(),
        summary: "# Report".into(),
        annotations: (0..annotations).map(remark).collect(),
    }
}

fn show(bench: &Bench, run: CheckRun) -> Deed {
    Deed::CheckRun { run: Box::new(run), app: Some(bench.app) }
}

fn wish(text: &str, create: bool) -> Comment {
    Comment {
        repository: REPO.into(),
        pull_request: 20,
        marker: MARK.into(),
        body: format!("{MARK}\n{text}"),
        create,
    }
}

fn say(bench: &Bench, text: &str) -> Deed {
    Deed::Comment { comment: Box::new(wish(text, true)), app: Some(bench.app) }
}

/// Writes other than for tokens, as method and the end of the path.
fn writes(gh: &Fake) -> Vec<String> {
    let all = gh.requests().into_iter().filter(|r| r.method != "GET" && !r.path.ends_with("/access_tokens"));
    all.map(|r| format!("{} {}", r.method, r.path.split("/acme/shop/").last().unwrap())).collect()
}

fn runs(gh: &Fake) -> Vec<(String, Option<String>, usize)> {
    gh.read(|s| {
        let all = s.repos[0].check_runs.iter().filter(|c| c.name == "testrun-report");
        all.map(|c| (c.external_id.clone().unwrap_or_default(), c.conclusion.clone(), c.annotations.len()))
            .collect()
    })
}

#[tokio::test]
async fn a_check_run_is_made_once_and_changed_in_place() {
    let bench = Bench::start(scenario());
    bench.act(show(&bench, check("a", None, 0))).await.unwrap();
    bench.act(show(&bench, check("a", None, 0))).await.unwrap();
    bench.act(show(&bench, check("b", Some("success"), 0))).await.unwrap();
    bench.act(show(&bench, check("b", Some("success"), 0))).await.unwrap();
    assert_eq!(runs(&bench.gh), [("testrun:b".into(), Some("success".into()), 0)]);
    let all = writes(&bench.gh);
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all[0] == "POST check-runs" && all[1].starts_with("PATCH check-runs/"), "{all:?}");
    let rights: Vec<Value> = bench.exchanges().into_iter().map(|e| e["permissions"].clone()).collect();
    assert_eq!(rights, [json!({"checks": "write", "metadata": "read"})]);
    bench.clean();
}

#[tokio::test]
async fn annotations_come_fifty_at_a_time_and_never_twice() {
    let bench = Bench::start(scenario());
    bench.act(show(&bench, check("red", Some("failure"), 120))).await.unwrap();
    assert_eq!(writes(&bench.gh).len(), 3, "{:?}", writes(&bench.gh));
    assert_eq!(runs(&bench.gh), [("testrun:red".into(), Some("failure".into()), 120)]);
    bench.act(show(&bench, check("red", Some("failure"), 120))).await.unwrap();
    assert_eq!(writes(&bench.gh).len(), 3);
    // They cannot be taken back: what follows is a check run of its own, and the newest counts.
    bench.act(show(&bench, check("green", Some("success"), 0))).await.unwrap();
    let newest = ("testrun:green".to_owned(), Some("success".to_owned()), 0);
    assert_eq!(runs(&bench.gh).last(), Some(&newest));
    bench.clean();
}

#[tokio::test]
async fn what_was_written_before_a_crash_is_found_again() {
    let bench = Bench::start(scenario());
    // GitHub does it, and its answer is lost.
    bench.gh.fail(Match::path("/check-runs").method("POST"), Fault::Truncate);
    bench.act(show(&bench, check("a", Some("success"), 0))).await.unwrap_err();
    bench.gh.clear_faults();
    bench.act(show(&bench, check("a", Some("success"), 0))).await.unwrap();
    assert_eq!(runs(&bench.gh).len(), 1);
    // In the middle of the annotations: what is there is not taken for whole.
    bench.gh.fail(Match::path("/check-runs/").method("PATCH"), Fault::Reset);
    bench.act(show(&bench, check("red", Some("failure"), 60))).await.unwrap_err();
    bench.gh.clear_faults();
    bench.act(show(&bench, check("red", Some("failure"), 60))).await.unwrap();
    let last = ("testrun:red".to_owned(), Some("failure".to_owned()), 60);
    assert_eq!(runs(&bench.gh).last(), Some(&last));
    bench.gh.fail(Match::path("/comments").method("POST"), Fault::Truncate);
    bench.act(say(&bench, "red")).await.unwrap_err();
    bench.gh.clear_faults();
    bench.act(say(&bench, "red")).await.unwrap();
    assert_eq!(bench.gh.read(|s| s.repos[0].comments.len()), 1);
    bench.clean();
}

#[tokio::test]
async fn what_others_wrote_is_not_ours_whatever_it_looks_like() {
    let bench = Bench::start(scenario());
    let forged = format!("{MARK}\n# Passed");
    bench.gh.update(|s| {
        s.add_user_token("ghp_person");
        let (id, created) = (s.fresh_id(), s.now);
        let first = testkit::github::Comment {
            id,
            issue: 20,
            author: "mallory".into(),
            body: forged.clone(),
            app_id: None,
            created,
            updated: created,
        };
        s.repos[0].comments.push(first);
    });
    bench.act(say(&bench, "# Failed")).await.unwrap();
    bench.act(say(&bench, "# Failed")).await.unwrap();
    bench.act(say(&bench, "# Passed now")).await.unwrap();
    let all = bench.gh.read(|s| s.repos[0].comments.clone());
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(all[0].body, forged, "a stranger's comment is left alone");
    assert_eq!(all[1].body, format!("{MARK}\n# Passed now"));
    // A mark that is quoted further down is none.
    let quoted = format!("> {MARK}\nindeed");
    bench.gh.update(|s| s.repos[0].comments[1].body = quoted.clone());
    bench.act(say(&bench, "# Failed")).await.unwrap();
    assert_eq!(bench.gh.read(|s| s.repos[0].comments.len()), 3);
    // Where there is none, one that only follows is not made.
    bench.gh.update(|s| s.repos[0].comments.clear());
    let deed = Deed::Comment { comment: Box::new(wish("open", false)), app: Some(bench.app) };
    bench.act(deed).await.unwrap();
    assert!(bench.gh.read(|s| s.repos[0].comments.is_empty()));
    let rights: Vec<Value> = bench.exchanges().into_iter().map(|e| e["permissions"].clone()).collect();
    assert_eq!(rights, [json!({"metadata": "read", "pull_requests": "write"})]);
    bench.clean();
}

#[tokio::test]
async fn a_users_token_comments_as_its_user_and_makes_no_check_run() {
    let gh = Fake::start(scenario());
    gh.update(|s| s.add_user_token("ghp_person"));
    let observer = GitHubObserver::new(Settings::default(), Stats::default());
    let base = ApiBase::parse(gh.url()).unwrap();
    let access = || Access {
        connection: std::sync::Arc::new(Connection::open("a", base.clone(), Own::None)),
        held: Held::Token(SecretString::from("ghp_person")),
        owner: String::new(),
    };
    let report = TestRunReport::new("r", TestRunReportSpec { ..spec(REPO, |s| s.pull_request = Some(20)) });
    for text in ["one", "one", "two"] {
        let deed = Deed::Comment { comment: Box::new(wish(text, true)), app: None };
        observer.act(&report, access(), &deed).await.unwrap();
    }
    let all = gh.read(|s| s.repos[0].comments.clone());
    assert_eq!(all.iter().map(|c| c.body.as_str()).collect::<Vec<_>>(), [format!("{MARK}\ntwo")]);
    let deed = Deed::CheckRun { run: Box::new(check("a", None, 0)), app: None };
    let trouble = observer.act(&report, access(), &deed).await.unwrap_err();
    assert_eq!(trouble.reason, Reason::Forbidden, "{}", trouble.message);
    let _ = secs(1);
}
