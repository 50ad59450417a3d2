//! Races: what somebody who watches a report sees of `Passed`, in order. It is never True for a commit whose
//! facts were not all green at that time.

use std::sync::{Arc, Mutex};

use kube::api::DeleteParams;
use serde_json::{Value, json};
use testrun_operator::api::TestRunReport;
use testrun_operator::controller::Deed;
use testrun_operator::verdict::facts::{Check, Facts, Job, Observations};

use super::bench::{Bench, QUICK, SLOW};
use super::{SHA, at, green, one_job, red, running};
use crate::cluster::follow;

/// What a watcher saw of one state of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sight {
    name: String,
    uid: String,
    sha: String,
    /// Status of `Passed`; `Old` where it is not of this generation.
    passed: String,
}

/// Everything that is seen of the reports of a namespace.
#[derive(Clone)]
struct Seen(Arc<Mutex<Vec<Sight>>>);

impl Seen {
    /// Sees everything from now on.
    async fn watch(bench: &Bench) -> Self {
        let seen = Self(Arc::default());
        let keep = seen.clone();
        follow(bench.api.clone(), move |report: TestRunReport| keep.0.lock().unwrap().push(sight(&report)))
            .await;
        seen
    }

    fn all(&self) -> Vec<Sight> {
        self.0.lock().unwrap().clone()
    }

    /// First digit of the commit and `Passed`, without repetitions.
    fn of(&self, name: &str) -> Vec<String> {
        let short = |s: &Sight| format!("{}:{}", s.sha.get(..1).unwrap_or("-"), s.passed);
        let mut line: Vec<String> = self.all().iter().filter(|s| s.name == name).map(short).collect();
        line.dedup();
        line
    }

    /// Waits until the watch is as far as the report is, which a test has just seen.
    async fn until(&self, name: &str, last: &str) -> Vec<String> {
        let is = async || self.of(name).last().is_some_and(|l| l == last).then(|| self.of(name));
        crate::cluster::eventually(|| format!("the watcher to see {last}, after {:?}", self.of(name)), is)
            .await
    }
}

fn sight(report: &TestRunReport) -> Sight {
    let status = report.status.clone().unwrap_or_default();
    let passed = status.conditions.iter().find(|c| c.type_ == "Passed");
    let current = |c: &&k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| {
        c.status != "True" || c.observed_generation == report.metadata.generation
    };
    Sight {
        name: report.metadata.name.clone().unwrap(),
        uid: report.metadata.uid.clone().unwrap(),
        sha: status.source.map(|s| s.sha).unwrap_or_default(),
        passed: passed.filter(current).map_or("Old".to_owned(), |c| c.status.clone()),
    }
}

fn changed(observations: Observations, change: impl FnOnce(&mut Facts)) -> Observations {
    let Observations::Facts(mut facts) = observations else { panic!("facts") };
    change(&mut facts);
    Observations::Facts(facts)
}

/// The same facts of another commit, whose id has this digit only.
fn of(digit: char, observations: Observations) -> Observations {
    let sha = digit.to_string().repeat(40);
    changed(observations, |f| {
        f.source.sha = sha.clone();
        f.source.pull_request = Some(20);
        f.runs.iter_mut().for_each(|run| run.head_sha = sha.clone());
    })
}

/// A second attempt after a first that ended well.
fn second_attempt(conclusion: Option<&str>) -> Observations {
    let Observations::Facts(now) = one_job(conclusion) else { panic!("facts") };
    changed(green(), |f| {
        let run = &mut f.runs[0];
        let job = Job { id: 101, attempt: 2, ..now.runs[0].jobs[0].clone() };
        (run.attempt, run.status, run.conclusion) =
            (2, now.runs[0].status.clone(), now.runs[0].conclusion.clone());
        run.jobs.push(job);
        run.jobs_total = 2;
    })
}

fn with_check(conclusion: Option<&str>) -> Observations {
    changed(green(), |f| {
        f.checks = vec![Check {
            id: 9,
            name: "coverage".into(),
            app: Some("cov".into()),
            app_id: Some(4),
            head_sha: SHA.into(),
            status: if conclusion.is_some() { "completed" } else { "queued" }.into(),
            conclusion: conclusion.map(Into::into),
            at: Some(at(300)),
            ..Default::default()
        }];
    })
}

/// A green job beside a red one.
fn red_docs() -> Observations {
    changed(green(), |f| {
        let run = &mut f.runs[0];
        let docs =
            Job { id: 102, name: "docs".into(), conclusion: Some("failure".into()), ..run.jobs[0].clone() };
        run.jobs.push(docs);
        (run.jobs_total, run.conclusion) = (2, Some("failure".into()));
    })
}

fn follows_a_pull_request() -> Value {
    json!({"source": {"github": {"repository": "octo-org/hello-world", "pullRequest": 20}}})
}

/// Goes through facts, each of which comes to a state that is waited for, and gives what the watcher saw.
async fn walk(prefix: &str, spec: Value, steps: Vec<(Observations, &str)>) -> Vec<String> {
    let bench = Bench::start(prefix, QUICK, running()).await;
    let seen = Seen::watch(&bench).await;
    bench.script.say(steps[0].0.clone());
    bench.create("a", spec).await;
    for (facts, last) in &steps {
        bench.script.say(facts.clone());
        seen.until("a", last).await;
        // Further looks at the same facts change nothing.
        bench.script.more(3).await;
    }
    let line = seen.until("a", steps.last().unwrap().1).await;
    bench.stop().await;
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn a_re_run_after_a_final_verdict_takes_it_back_at_once() {
    let steps = vec![
        (green(), "9:True"),
        (second_attempt(None), "9:Unknown"),
        (second_attempt(Some("failure")), "9:False"),
        (second_attempt(None), "9:Unknown"),
        (second_attempt(Some("success")), "9:True"),
    ];
    let line = walk("again", json!({}), steps).await;
    assert_eq!(line, ["-:Unknown", "9:True", "9:Unknown", "9:False", "9:Unknown", "9:True"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_arrives_after_a_final_verdict_counts() {
    let steps = vec![
        (green(), "9:True"),
        (with_check(None), "9:Unknown"),
        (with_check(Some("failure")), "9:False"),
        (with_check(Some("success")), "9:True"),
    ];
    let line = walk("late", json!({}), steps).await;
    assert_eq!(line, ["-:Unknown", "9:True", "9:Unknown", "9:False", "9:True"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_twin_never_hides_the_red_one() {
    // The same workflow ran for the push and, with its jobs skipped, for the pull request.
    let twins = |first: &str, second: &str| {
        changed(one_job(Some(first)), |f| {
            let Observations::Facts(other) = one_job(Some(second)) else { panic!("facts") };
            let mut run = other.runs[0].clone();
            (run.id, run.event, run.jobs[0].id) = (8, "pull_request".into(), 108);
            run.created_at = Some(at(6));
            f.runs.push(run);
        })
    };
    // In one run: a later attempt that skipped the job stands over the one that failed.
    let same_run = changed(second_attempt(Some("skipped")), |f| {
        f.runs[0].jobs[0].conclusion = Some("failure".into());
        f.runs[0].conclusion = Some("success".into());
    });
    let steps = vec![
        (twins("failure", "skipped"), "9:False"),
        (twins("skipped", "failure"), "9:False"),
        (twins("success", "success"), "9:True"),
        (same_run, "9:False"),
    ];
    let line = walk("twin", json!({}), steps).await;
    assert_eq!(line, ["-:Unknown", "9:False", "9:True", "9:False"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_moves_while_its_verdict_is_written() {
    let bench = Bench::start("moves", QUICK, of('0', running())).await;
    let seen = Seen::watch(&bench).await;
    bench.create("a", follows_a_pull_request()).await;
    seen.until("a", "0:Unknown").await;
    // Even commits become green and are left in the same moment, odd ones never become green.
    for digit in 1..9_u32 {
        let name = char::from_digit(digit, 10).unwrap();
        bench.script.say(of(name, if digit % 2 == 0 { green() } else { running() }));
        // In the middle of a look, after one, and while its verdict is on its way to the API server.
        bench.script.more(digit as usize % 3).await;
    }
    // Back to one that passed, of which a job runs again.
    bench.script.say(of('4', running()));
    seen.until("a", "4:Unknown").await;
    bench.script.more(3).await;
    bench.script.say(of('9', green()));
    let line = seen.until("a", "9:True").await;
    let odd = |s: &Sight| s.passed == "True" && "1357".contains(s.sha.get(..1).unwrap_or("-"));
    assert!(!seen.all().iter().any(odd), "{line:?}");
    let end = &line[line.len() - 3..];
    assert!(
        end[0] == "4:Unknown" && end[1..] == ["9:Unknown", "9:True"] || end[1..] == ["4:Unknown", "9:True"],
        "{line:?}"
    );
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_reports_about_one_commit_are_each_judged_by_their_own_spec() {
    let bench = Bench::start("two", QUICK, red_docs()).await;
    let seen = Seen::watch(&bench).await;
    bench.create("strict", json!({})).await;
    let lenient =
        json!({"suites": [{"name": "docs", "policy": "Informational", "match": [{"job": "^docs$"}]}]});
    bench.create("lenient", lenient).await;
    seen.until("strict", "9:False").await;
    seen.until("lenient", "9:True").await;
    bench.script.more(10).await;
    assert_eq!(seen.of("strict"), ["-:Unknown", "9:False"]);
    assert_eq!(seen.of("lenient"), ["-:Unknown", "9:True"]);
    // The strict one becomes the lenient one by an edit, and back: nothing of the one is taken for the other.
    bench.script.say(red());
    seen.until("lenient", "9:False").await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_reports_that_publish_under_one_name_say_what_the_worse_one_says() {
    let bench = Bench::start("rivals", QUICK, red_docs()).await;
    bench.script.may_act();
    let publish = json!({"status": {"context": "testrun"}, "checkRun": {"name": "testrun-report"}});
    bench.create("strict", json!({ "publish": publish })).await;
    bench.reason("strict", "RequiredFailed").await;
    let suites = json!([{"name": "docs", "policy": "Informational", "match": [{"job": "^docs$"}]}]);
    bench.create("lenient", json!({"publish": publish, "suites": suites})).await;
    bench.reason("lenient", "AllRequiredSucceeded").await;
    bench.script.more(5).await;
    let states = || -> Vec<String> {
        let of = |deed: Deed| match deed {
            Deed::Status(s) => s.state.to_owned(),
            Deed::CheckRun { run, .. } => run.conclusion.unwrap_or("pending").to_owned(),
            other => panic!("{other:?}"),
        };
        bench.script.deeds().into_iter().map(of).collect()
    };
    let both = async || (states().len() >= 2).then_some(());
    crate::cluster::eventually(|| format!("something in both places: {:?}", states()), both).await;
    assert!(!states().contains(&"success".to_owned()), "{:?}", states());
    // Once the strict one is gone the lenient one speaks for itself.
    bench.api.delete("strict", &DeleteParams::default()).await.unwrap();
    bench.gone("strict").await;
    let is = async || (states().iter().filter(|s| *s == "success").count() == 2).then_some(());
    crate::cluster::eventually(|| format!("success in both places: {:?}", states()), is).await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_made_anew_under_its_name_starts_from_nothing() {
    let bench = Bench::start("anew", SLOW, green()).await;
    let seen = Seen::watch(&bench).await;
    bench.create("a", json!({})).await;
    seen.until("a", "9:True").await;
    let first = seen.all()[0].uid.clone();
    // A look at the old object is on its way while it is replaced.
    let held = bench.script.hold().await;
    let ask = json!({"metadata": {"annotations": {"testrun.dev/requestedAt": "now"}}});
    let looks = bench.script.looks().len();
    bench.patch("a", ask).await;
    bench.script.until("the look has begun", |l| l.len() > looks).await;
    bench.api.delete("a", &DeleteParams::default()).await.unwrap();
    bench.gone("a").await;
    bench.create("a", json!({"suspend": true})).await;
    drop(held);
    bench.reason("a", "Suspended").await;
    let anew = |seen: &Seen| {
        let mut line: Vec<String> =
            seen.all().iter().filter(|s| s.uid != first && s.name == "a").map(|s| s.passed.clone()).collect();
        line.dedup();
        line
    };
    bench.script.say(running());
    bench.patch("a", json!({"spec": {"suspend": false}})).await;
    bench.reason("a", "Running").await;
    bench.script.say(green());
    bench.patch("a", json!({"metadata": {"annotations": {"testrun.dev/requestedAt": "again"}}})).await;
    seen.until("a", "9:True").await;
    assert_eq!(anew(&seen), ["Unknown", "True"]);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_the_spec_shows_nothing_of_the_old_verdict() {
    let bench = Bench::start("edit", SLOW, green()).await;
    let seen = Seen::watch(&bench).await;
    bench.create("a", json!({})).await;
    seen.until("a", "9:True").await;
    bench.script.say(red());
    bench.patch("a", json!({"spec": {"gate": {"settleSeconds": 1}}})).await;
    let line = seen.until("a", "9:False").await;
    // Between the edit and the look the stored verdict is of the old generation, and says so.
    assert_eq!(line, ["-:Unknown", "9:True", "9:Old", "9:False"]);
    bench.stop().await;
}
