#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod retention;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::api::set::PULL_LABEL;
use crate::api::{TestRunReport, TestRunReportSet};
use crate::cache::Kept;
use crate::collect::{Candidate, Candidates};

fn set(spec: Value) -> TestRunReportSet {
    let mut whole = json!({"source": {"repository": "acme/shop"}, "generators": {"pullRequests": {}}});
    whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    serde_json::from_value(json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReportSet",
        "metadata": {"name": "shop", "namespace": "team", "uid": "uid-of-shop"}, "spec": whole}))
    .unwrap()
}

fn pull(number: i64) -> Candidate {
    Candidate {
        number: Some(number),
        head: format!("{number:040x}"),
        branch: format!("feature/{number}"),
        base: "main".into(),
        author: "octo-dev".into(),
        title: format!("Change {number}"),
        ..Candidate::default()
    }
}

fn open(numbers: impl IntoIterator<Item = i64>) -> Candidates {
    let mut list: Vec<Candidate> = numbers.into_iter().map(pull).collect();
    list.sort_by_key(|p| std::cmp::Reverse(p.number));
    Candidates { repository: Some("acme/shop".into()), list, whole: true, ..Candidates::default() }
}

/// The report that the API server would hold after it took in what is wanted.
fn made(set: &TestRunReportSet, wanted: &Wanted) -> Arc<TestRunReport> {
    let keeps = serde_json::to_value(set.spec.retention.deletion_policy).unwrap() == "Keep";
    let owners = if keeps { json!([]) } else { owned_by("TestRunReportSet", "shop", "uid-of-shop") };
    let metadata = json!({"name": wanted.name, "namespace": "team", "uid": format!("uid-of-{}", wanted.name),
        "labels": wanted.labels, "annotations": wanted.annotations, "ownerReferences": owners});
    let report = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
        "metadata": metadata, "spec": wanted.spec});
    Arc::new(serde_json::from_value(report).unwrap())
}

fn owned_by(kind: &str, name: &str, uid: &str) -> Value {
    json!([{"apiVersion": "testrun.dev/v1alpha1", "kind": kind, "name": name, "uid": uid, "controller": true}])
}

/// A report that is not the set's.
fn foreign(name: &str, owners: Value) -> Arc<TestRunReport> {
    let report = json!({"apiVersion": "testrun.dev/v1alpha1", "kind": "TestRunReport",
        "metadata": {"name": name, "namespace": "team", "uid": "other", "ownerReferences": owners},
        "spec": {"source": {"github": {"repository": "acme/shop", "pullRequest": 1}}}});
    Arc::new(serde_json::from_value(report).unwrap())
}

/// Closed just now.
fn closed(numbers: impl IntoIterator<Item = i64>) -> BTreeMap<i64, Timestamp> {
    numbers.into_iter().map(|n| (n, at(0))).collect()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn planned(
    set: &TestRunReportSet,
    listed: &Candidates,
    closed: &BTreeMap<i64, Timestamp>,
    reports: &[Arc<TestRunReport>],
) -> Plan {
    planned_at(0, set, listed, closed, reports)
}

fn planned_at(
    seconds: i64,
    set: &TestRunReportSet,
    listed: &Candidates,
    closed: &BTreeMap<i64, Timestamp>,
    reports: &[Arc<TestRunReport>],
) -> Plan {
    let kept: Vec<Arc<Kept>> = reports.iter().map(|r| Arc::new(Kept::from(r.as_ref()))).collect();
    super::plan(set, listed, closed, &kept, &Compared::new(), at(seconds)).unwrap()
}

fn pruned(plan: &Plan) -> Vec<&str> {
    plan.prune.iter().map(|r| r.name()).collect()
}

fn first(set: &TestRunReportSet, listed: &Candidates) -> Plan {
    planned(set, listed, &closed([]), &[])
}

fn names(wanted: &[Wanted]) -> Vec<&str> {
    wanted.iter().map(|w| w.name.as_str()).collect()
}

/// What there is after a plan was carried out.
fn carried(set: &TestRunReportSet, plan: &Plan, reports: &[Arc<TestRunReport>]) -> Vec<Arc<TestRunReport>> {
    let gone: HashSet<_> = plan.prune.iter().map(|r| Some(r.name().to_owned())).collect();
    let changed: HashSet<_> = plan.update.iter().map(|u| Some(u.wanted.name.clone())).collect();
    let stay =
        |r: &&Arc<TestRunReport>| !gone.contains(&r.metadata.name) && !changed.contains(&r.metadata.name);
    let new = plan.create.iter().chain(plan.update.iter().map(|u| &u.wanted)).map(|w| made(set, w));
    reports.iter().filter(stay).cloned().chain(new).collect()
}

#[test]
fn a_report_is_what_the_template_makes_of_its_pull_request() {
    let set = set(json!({"template": {
        "metadata": {
            "labels": {"team": "shop", "branch": "{{branch}}", "by": "{{ author }}"},
            "annotations": {"title": "{{title}}: {{number}} of {{set}} into {{base_branch}}"}},
        "spec": {"gate": {"mode": "Report"}, "publish": {"status": {"context": "testrun/{{number}}"}}}}}));
    let mut one = pull(7);
    one.branch = "feature/(x)\u{202e}".into();
    one.title = "{{set}}\u{1b}[31m \"quoted\"".into();
    let listed = Candidates { list: vec![one], ..open([]) };
    let plan = first(&set, &listed);
    let report = &plan.create[0];
    assert_eq!(report.name, "shop-pr-7");
    let label = |key: &str| report.labels[key].as_str();
    assert_eq!(
        [label("team"), label("branch"), label("by"), label("testrun.dev/set"), label(PULL_LABEL)],
        ["shop", "feature--x", "octo-dev", "shop", "7"]
    );
    assert_eq!(
        report.annotations["title"], "{{set}} \"quoted\": 7 of shop into main",
        "what is put in is not filled again, and hides nothing"
    );
    assert_eq!(
        report.spec,
        json!({"source": {"github": {"repository": "acme/shop", "connection": "github.com", "pullRequest": 7}},
            "gate": {"mode": "Report"}, "publish": {"status": {"context": "testrun/7"}}})
    );
}

#[test]
fn what_is_not_known_of_files_makes_and_removes_nothing() {
    let set = set(json!({"generators": {"pullRequests": {"paths": ["src/*"], "draft": false}},
        "retention": {"maxReports": 2}}));
    let told = |number: i64, touches: Option<bool>| Candidate { touches, ..pull(number) };
    let of = |list: Vec<Candidate>| Candidates { list, ..open([]) };
    let yes = of(vec![told(9, Some(true)), told(8, Some(false)), told(7, None), told(6, Some(true))]);
    let plan = first(&set, &yes);
    assert_eq!(names(&plan.create), ["shop-pr-9", "shop-pr-6"]);
    assert_eq!((plan.matching, &plan.unread, plan.is_done()), (2, &BTreeSet::from([7]), false));
    // The report of one that was pushed to stays until its files are known, and goes if they are others.
    let reports = carried(&set, &plan, &[]);
    let pushed = of(vec![told(9, None), told(6, Some(true))]);
    let plan = planned(&set, &pushed, &closed([]), &reports);
    assert!(plan.prune.is_empty() && plan.create.is_empty() && plan.kept == 2, "{plan:?}");
    let known = of(vec![told(9, Some(false)), told(6, Some(true))]);
    let plan = planned(&set, &known, &closed([]), &reports);
    assert_eq!(pruned(&plan), ["shop-pr-9"]);
    // Beyond the bound nobody has to know.
    let over = of(vec![told(9, Some(true)), told(8, Some(true)), told(7, None), told(6, None)]);
    let plan = planned(&set, &over, &closed([]), &reports);
    assert!(plan.unread.is_empty(), "{plan:?}");
    assert_eq!(pruned(&plan), ["shop-pr-6"]);
}

#[test]
fn names_are_fixed_safe_and_bounded() {
    let name = |metadata: Value, follow: &str, uid: &str| {
        let mut set = set(json!({"template": {"follow": follow, "metadata": metadata}}));
        set.metadata.name = Some(uid.to_owned());
        first(&set, &open([7])).create[0].name.clone()
    };
    assert_eq!(name(json!({}), "PullRequest", "shop"), "shop-pr-7");
    assert_eq!(name(json!({}), "Commit", "shop"), "shop-pr-7-00000000");
    assert_eq!(name(json!({"name": "pr-{{ number }}"}), "Commit", "shop"), "pr-7");
    let dotted = name(json!({}), "PullRequest", "shop.v1");
    assert!(
        dotted.starts_with("shop-v1-pr-7-") && dotted != name(json!({}), "PullRequest", "shop-v1"),
        "{dotted}"
    );
    let long = name(json!({"name": "{{set}}-{{head_sha}}"}), "Commit", &"s".repeat(50));
    let other = name(json!({"name": "{{set}}-{{head_short_sha}}{{head_sha}}"}), "Commit", &"s".repeat(50));
    assert_eq!((long.len(), other.len()), (63, 63));
    assert_ne!(long, other, "what is cut off still counts");
}

#[test]
fn what_the_author_of_a_pull_request_chooses_gets_into_no_spec_and_no_name() {
    for (template, field) in [
        (json!({"spec": {"workflows": ["{{branch}}"]}}), "spec.template.spec.workflows[0]: {{branch}} is no"),
        (
            json!({"spec": {"suites": [{"name": "a", "match": [{"job": "{{title}}"}]}]}}),
            "match[0].job: {{title}}",
        ),
        (json!({"metadata": {"name": "{{author}}-{{number}}"}}), "metadata.name: {{author}}"),
        (json!({"metadata": {"labels": {"t": "{{title}}"}}}), "labels[t]: {{title}}"),
        (
            json!({"metadata": {"annotations": {"t": "{{nmber}}"}}}),
            "annotations[t]: {{nmber}} is no placeholder",
        ),
        (
            json!({"metadata": {"annotations": {"t": "{{number"}}}),
            "annotations[t]: a placeholder is not closed",
        ),
    ] {
        let error = check(&set(json!({"template": template}))).unwrap_err();
        assert!(error.contains(field), "{error}");
    }
    check(&set(json!({"template": {"spec": {"workflows": ["CI }} {"]}}}))).unwrap();
}

#[test]
fn a_generator_selects_by_all_that_it_names() {
    let mut it = pull(1);
    it.labels = BTreeSet::from(["CI".to_owned(), "bug".to_owned()]);
    for (select, selected) in [
        (json!({}), true),
        (json!({"baseBranches": ["main"]}), true),
        (json!({"baseBranches": ["release/*"]}), false),
        (json!({"baseBranches": ["release/*", "m?in"]}), true),
        (json!({"labels": ["ci"]}), true),
        (json!({"labels": ["ci", "docs"]}), false),
        (json!({"authors": ["somebody", "Octo-Dev"]}), true),
        (json!({"authors": ["octo"]}), false),
        (json!({"draft": false}), true),
        (json!({"draft": true}), false),
        (json!({"draft": false, "labels": ["bug"], "authors": ["else"]}), false),
    ] {
        assert_eq!(selects(&serde_json::from_value(select.clone()).unwrap(), &it), selected, "{select}");
    }
}

#[test]
fn a_report_of_another_is_never_touched() {
    let set = set(json!({}));
    for (owners, by) in [
        (json!([]), "a report that no set made"),
        (owned_by("TestRunReportSet", "shop", "uid-of-the-shop-before"), "the set shop"),
        (owned_by("TestRunReportSet", "other", "x"), "the set other"),
        (owned_by("Application", "argo", "uid-of-shop"), "Application argo"),
    ] {
        let there = foreign("shop-pr-1", owners);
        for listed in [open([1]), open([])] {
            let plan = planned(&set, &listed, &closed([1]), std::slice::from_ref(&there));
            assert!(plan.is_done() && plan.kept == 0, "{by}: {plan:?}");
            let taken = listed.list.iter().map(|_| Taken { name: "shop-pr-1".into(), by: by.into() });
            assert_eq!(plan.taken, taken.collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_report_goes_only_when_its_pull_request_is_known_to_be_closed_or_not_selected() {
    let all = set(json!({"generators": {"pullRequests": {"labels": []}}}));
    let reports = carried(&all, &first(&all, &open([1, 2, 3])), &[]);
    let missing = planned(&all, &open([1, 3]), &closed([]), &reports);
    assert_eq!((missing.ask.clone(), missing.prune.len(), missing.kept), (vec![2], 0, 3), "asked first");
    let gone = planned(&all, &open([1, 3]), &closed([2]), &reports);
    assert_eq!((gone.prune.len(), gone.kept), (1, 2));
    assert_eq!(pruned(&gone), ["shop-pr-2"]);
    let labelled = set(json!({"generators": {"pullRequests": {"labels": ["ci"]}}}));
    let unlabelled = planned(&labelled, &open([1, 2, 3]), &closed([]), &reports);
    assert_eq!((unlabelled.prune.len(), unlabelled.ask.len()), (3, 0), "they were seen");
}

#[test]
fn a_report_stays_for_a_while_after_its_pull_request_was_closed_and_a_failed_one_longer() {
    let kept =
        set(json!({"retention": {"ttlAfterClosed": 60, "failedTtlAfterClosed": 600, "maxReports": 3}}));
    let mut reports = carried(&kept, &first(&kept, &open([1, 2, 3])), &[]);
    let mut failed = TestRunReport::clone(&reports[0]);
    let condition = json!({"type": "Passed", "status": "False", "reason": "RequiredFailed", "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z"});
    failed.status = Some(serde_json::from_value(json!({"conditions": [condition]})).unwrap());
    let name = failed.metadata.name.clone().unwrap();
    reports[0] = Arc::new(failed);
    let plan_at = |seconds: i64, listed: &Candidates, reports: &[Arc<TestRunReport>]| {
        let plan = planned_at(seconds, &kept, listed, &closed([1, 2, 3]), reports);
        let gone: Vec<String> = pruned(&plan).into_iter().map(str::to_owned).collect();
        (plan.kept, gone, plan.next)
    };
    assert_eq!(plan_at(59, &open([]), &reports), (3, vec![], Some(at(60))));
    let (kept_then, gone, next) = plan_at(60, &open([]), &reports);
    assert_eq!((kept_then, gone.len(), next), (1, 2, Some(at(600))));
    assert!(!gone.contains(&name));
    assert_eq!(plan_at(600, &open([]), &reports).1.len(), 3);
    // Open ones come first: of three there are two, so that one of those that are closed has room.
    assert_eq!(plan_at(1, &open([4, 5]), &reports).1.len(), 2);
    // One that was opened again is as any other.
    let (_, gone, _) = plan_at(9000, &open([1]), &reports);
    assert_eq!(gone.len(), 2);
}

#[test]
fn over_the_bound_the_newest_have_reports() {
    let small = set(json!({"retention": {"maxReports": 2}}));
    let plan_of =
        |listed: &Candidates, reports: &[Arc<TestRunReport>]| planned(&small, listed, &closed([]), reports);
    let before = plan_of(&open([1, 2]), &[]);
    let reports = carried(&small, &before, &[]);
    let more = plan_of(&open([1, 2, 3]), &reports);
    assert_eq!((more.matching, more.over, names(&more.create)), (3, 1, vec!["shop-pr-3"]));
    assert_eq!(pruned(&more), ["shop-pr-1"]);
    // A list that ends early: what is older than it needs no question, what is among it does.
    let cut = Candidates { whole: false, ..open([4, 5, 7]) };
    let cut = plan_of(&cut, &reports);
    assert!(cut.more && cut.ask.is_empty() && cut.prune.len() == 2, "{cut:?}");
    assert_eq!(cut.reach, None);
    // One that ends at its reach says nothing of what is older: that is asked for, and stays while it is open.
    let far = plan_of(&Candidates { whole: false, reach: 2, ..open([6, 7]) }, &reports);
    assert_eq!((far.more, far.reach, far.ask.as_slice(), far.prune.len()), (false, Some(2), &[1, 2][..], 0));
}

#[test]
fn a_changed_template_and_a_changed_report_are_put_right_and_what_others_added_stays() {
    let before = set(json!({"template": {"metadata": {"labels": {"a": "1", "b": "2"}},
        "spec": {"localResults": [{"suite": "unit"}], "workflows": ["CI"]}}}));
    let reports = carried(&before, &first(&before, &open([1])), &[]);
    let again = |set: &TestRunReportSet, reports: &[Arc<TestRunReport>]| {
        let plan = planned(set, &open([1]), &closed([]), reports);
        (plan.create.len(), plan.update.len(), plan.prune.len())
    };
    assert_eq!(again(&before, &reports), (0, 0, 0), "at rest");
    let fewer = set(json!({"template": {"metadata": {"labels": {"a": "1"}},
        "spec": {"localResults": [{"suite": "unit"}], "workflows": ["CI"]}}}));
    assert_eq!(again(&fewer, &reports), (0, 1, 0), "a label less is a change");
    let keep = set(json!({"retention": {"deletionPolicy": "Keep"}}));
    assert_eq!(again(&keep, &reports), (0, 1, 0), "the owner reference has to go");
    let edited = |change: &dyn Fn(&mut TestRunReport)| {
        let mut report = TestRunReport::clone(&reports[0]);
        change(&mut report);
        again(&before, &[Arc::new(report)])
    };
    assert_eq!(edited(&|r| r.spec.workflows = vec!["Other".into()]), (0, 1, 0));
    assert_eq!(edited(&|r| r.spec.workflows.push("More".into())), (0, 0, 0), "a set that others may add to");
    let ignore = |r: &mut TestRunReport| r.spec.ignore = vec![Default::default()];
    assert_eq!(edited(&ignore), (0, 0, 0), "not of the template");
    assert_eq!(edited(&|r| drop(r.metadata.labels.as_mut().unwrap().remove("a"))), (0, 1, 0));
    let added = |r: &mut TestRunReport| {
        r.spec.suspend = true;
        r.metadata.labels.as_mut().unwrap().insert("mine".into(), "x".into());
        r.spec
            .local_results
            .push(crate::api::spec::LocalResult { suite: "e2e".into(), ..Default::default() });
    };
    assert_eq!(edited(&added), (0, 0, 0));
}

#[test]
fn a_push_moves_a_report_or_brings_another() {
    for (follow, name, changes) in [
        ("PullRequest", json!({}), (0, 0, 0)),
        ("Commit", json!({}), (1, 0, 1)),
        ("Commit", json!({"name": "pr-{{number}}"}), (0, 1, 0)),
    ] {
        let set = set(json!({"template": {"follow": follow, "metadata": name}}));
        let reports = carried(&set, &first(&set, &open([1])), &[]);
        let mut moved = open([1]);
        moved.list[0].head = "f".repeat(40);
        let plan = planned(&set, &moved, &closed([]), &reports);
        assert_eq!((plan.create.len(), plan.update.len(), plan.prune.len()), changes, "{follow} {name}");
    }
}

#[test]
fn commits_of_a_branch_have_reports_as_long_as_they_are_among_the_newest() {
    let set = set(json!({"generators": {"commits": {"branch": "main"}}}));
    let commits = |numbers: std::ops::RangeInclusive<i64>| {
        let mut listed = open(numbers);
        for commit in &mut listed.list {
            commit.head = format!("{:08x}{}", commit.number.unwrap(), "a".repeat(32));
            commit.number = None;
        }
        listed
    };
    let before = first(&set, &commits(1..=2));
    assert_eq!(names(&before.create), ["shop-00000002", "shop-00000001"]);
    let report = &before.create[0];
    assert_eq!(report.spec["source"]["github"]["sha"], format!("00000002{}", "a".repeat(32)));
    assert!(!report.labels.contains_key(PULL_LABEL));
    let reports = carried(&set, &before, &[]);
    let after = planned(&set, &commits(2..=3), &closed([]), &reports);
    assert_eq!(names(&after.create), ["shop-00000003"]);
    assert_eq!(pruned(&after), ["shop-00000001"]);
    // A set that was about pull requests before lets go of their reports.
    let of_pulls = super::tests::set(json!({}));
    let reports = carried(&of_pulls, &first(&of_pulls, &open([7])), &[]);
    let turned = planned(&set, &commits(1..=1), &closed([]), &reports);
    assert_eq!((turned.prune.len(), turned.ask.len()), (1, 0));
    let numbered = super::tests::set(json!({"generators": {"commits": {"branch": "main"}},
        "template": {"metadata": {"labels": {"n": "{{number}}"}}}}));
    let error = check(&numbered).unwrap_err();
    assert!(error.contains("labels[n]: {{number}} is no placeholder here"), "{error}");
}

#[test]
fn five_thousand_open_pull_requests_are_planned_at_once() {
    let large = set(json!({"retention": {"maxReports": 3000}}));
    let listed = open(1..=5000);
    let begin = Instant::now();
    let plan_one = first(&large, &listed);
    assert_eq!((plan_one.create.len(), plan_one.over), (3000, 2000));
    assert_eq!(plan_one.create[0].name, "shop-pr-5000");
    let reports = carried(&large, &plan_one, &[]);
    let rest = planned(&large, &listed, &closed([]), &reports);
    assert!(rest.is_done() && rest.kept == 3000);
    let took = begin.elapsed();
    // A hundred times what it takes on a small machine: it must not grow with the square of their number.
    assert!(took.as_secs() < 60, "{took:?}");
    println!("5,000 pull requests planned twice in {took:?}");
}

prop_compose! {
    fn state()(
        numbers in proptest::collection::btree_set(1_i64..40, 0..30),
        before in proptest::collection::btree_set(1_i64..40, 0..30),
        foreigners in proptest::collection::btree_set(1_i64..40, 0..5),
        most in 1_i32..30,
        whole in any::<bool>(),
        commit in any::<bool>(),
        keep in any::<bool>(),
        moved in any::<bool>(),
    ) -> (TestRunReportSet, Candidates, Vec<Arc<TestRunReport>>) {
        let set = set(json!({"retention": {"maxReports": most, "deletionPolicy": if keep { "Keep" } else { "Delete" }},
            "template": {"follow": if commit { "Commit" } else { "PullRequest" }}}));
        let mut was = open(before);
        if moved {
            was.list.iter_mut().for_each(|p| p.head = "e".repeat(40));
        }
        let ample = TestRunReportSet { spec: { let mut s = set.spec.clone(); s.retention.max_reports = 100; s }, ..set.clone() };
        let mut reports = carried(&set, &first(&ample, &was), &[]);
        for number in foreigners {
            let name = format!("shop-pr-{number}");
            reports.retain(|r| r.metadata.name.as_deref() != Some(&name));
            reports.push(foreign(&name, json!([])));
        }
        (set, Candidates { whole, ..open(numbers) }, reports)
    }
}

proptest! {
    #[test]
    fn a_plan_touches_only_its_own_stays_within_its_bound_and_comes_to_rest((set, listed, reports) in state()) {
        let plan_with = |closed: &BTreeMap<i64, Timestamp>, reports: &[Arc<TestRunReport>]| planned(&set, &listed, closed, reports);
        let one = plan_with(&closed([]), &reports);
        for update in &one.update {
            prop_assert!(is_owned(&update.report, &set), "{:?}", update.report.metadata.name);
        }
        for report in &one.prune {
            prop_assert!(is_of(report, &set), "{}", report.name());
        }
        let taken: HashSet<String> = reports.iter().filter_map(|r| r.metadata.name.clone()).collect();
        for wanted in &one.create {
            prop_assert!(!taken.contains(&wanted.name));
        }
        // GitHub says of those that are asked for that they are closed.
        let closed = closed(one.ask.iter().copied());
        let two = plan_with(&closed, &reports);
        prop_assert!(two.ask.is_empty());
        let after = carried(&set, &two, &reports);
        let most = usize::try_from(set.spec.retention.max_reports).unwrap();
        prop_assert!(after.iter().filter(|r| is_owned(r, &set)).count() <= most);
        for report in reports.iter().filter(|r| !is_owned(r, &set)) {
            prop_assert!(after.contains(report), "a report of another is gone or changed");
        }
        let three = plan_with(&closed, &after);
        prop_assert!(three.is_done(), "{three:?}");
        prop_assert_eq!(three.kept, after.iter().filter(|r| is_owned(r, &set)).count());
    }
}
