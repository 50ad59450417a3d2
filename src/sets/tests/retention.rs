//! What stays though no list asks for it: older commits, and what was closed.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::cache::Snapshot;

/// Commits, the oldest first; each was reported a hundred seconds before the next, the last one that long ago.
const COMMITS: i64 = 4;

fn candidate(number: Option<i64>, n: i64) -> Candidate {
    Candidate { number, head: format!("{n:08}{}", "a".repeat(32)), ..pull(1) }
}

fn report(set: &TestRunReportSet, candidate: &Candidate, second: i64, failed: bool) -> Arc<TestRunReport> {
    let mut report = TestRunReport::clone(&made(set, &Wanted::of(set, candidate).unwrap()));
    report.metadata.creation_timestamp = Some(Time(at(second)));
    let condition = json!({"type": "Passed", "status": "False", "reason": "RequiredFailed", "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z"});
    report.status = failed.then(|| serde_json::from_value(json!({"conditions": [condition]})).unwrap());
    Arc::new(report)
}

fn of_commits(generators: Value, retention: Value) -> TestRunReportSet {
    set(json!({"generators": generators, "retention": retention, "template": {"follow": "Commit"}}))
}

/// Reports of all commits, those of them that are asked for, and which of the others failed.
fn series(
    set: &TestRunReportSet,
    number: Option<i64>,
    wanted: i64,
    failed: &[i64],
) -> (Candidates, Vec<Arc<TestRunReport>>) {
    let made_at = |n: i64| (n - COMMITS) * 100;
    let reports =
        (0..COMMITS).map(|n| report(set, &candidate(number, n), made_at(n), failed.contains(&n))).collect();
    let list = (COMMITS - wanted..COMMITS).rev().map(|n| candidate(number, n)).collect();
    (Candidates { list, ..open([]) }, reports)
}

/// Which commits have a report after a plan, and when the next of them goes.
fn stay(plan: &Plan, reports: &[Arc<TestRunReport>]) -> (Vec<i64>, Option<i64>) {
    let gone = pruned(plan);
    let left = reports.iter().filter(|r| !gone.contains(&r.metadata.name.as_deref().unwrap()));
    let commits = left.map(|r| r.spec.source.github.sha.as_ref().unwrap()[..8].parse().unwrap()).collect();
    (commits, plan.next.map(|next| next.as_second() - at(0).as_second()))
}

#[test]
fn of_the_commits_of_an_open_pull_request_those_stay_that_the_set_says() {
    for (retention, failed, left, next) in [
        (json!({}), vec![], vec![3], None),
        (json!({"perPullRequest": 3}), vec![], vec![1, 2, 3], None),
        (json!({"perPullRequest": 100}), vec![], vec![0, 1, 2, 3], None),
        // 0 was the newest until 1 was there, three hundred seconds ago.
        (json!({"perPullRequest": 2, "failedTtlAfterClosed": 299}), vec![0], vec![2, 3], None),
        (json!({"perPullRequest": 2, "failedTtlAfterClosed": 350}), vec![0], vec![0, 2, 3], Some(50)),
        (json!({"failedTtlAfterClosed": 1000}), vec![0, 2], vec![0, 2, 3], Some(700)),
        // It is not closed.
        (json!({"ttlAfterClosed": 1000}), vec![0, 2], vec![3], None),
        (json!({"perPullRequest": 9, "maxAgeSeconds": 250}), vec![], vec![2, 3], Some(50)),
        // The one at the head stays however old it is, and no failure is worth more than the age.
        (json!({"failedTtlAfterClosed": 1000, "maxAgeSeconds": 60}), vec![0, 1, 2], vec![3], None),
        (json!({"perPullRequest": 9, "maxReports": 2}), vec![], vec![2, 3], None),
        (json!({"perPullRequest": 9, "maxReports": 1}), vec![], vec![3], None),
    ] {
        let set = of_commits(json!({"pullRequests": {}}), retention.clone());
        let (listed, reports) = series(&set, Some(1), 1, &failed);
        let plan = planned(&set, &listed, &closed([]), &reports);
        assert_eq!(stay(&plan, &reports), (left, next), "{retention} {failed:?}");
        assert_eq!(plan.kept + plan.prune.len(), reports.len());
    }
}

#[test]
fn of_a_closed_pull_request_as_many_stay_as_of_an_open_one() {
    for (retention, failed, left, next) in [
        (json!({"perPullRequest": 2}), vec![], vec![], None),
        (json!({"ttlAfterClosed": 100}), vec![], vec![3], Some(50)),
        (json!({"perPullRequest": 2, "ttlAfterClosed": 100}), vec![], vec![2, 3], Some(50)),
        (json!({"ttlAfterClosed": 100, "failedTtlAfterClosed": 500}), vec![0, 3], vec![0, 3], Some(200)),
        (
            json!({"perPullRequest": 9, "ttlAfterClosed": 100, "maxAgeSeconds": 120}),
            vec![],
            vec![3],
            Some(20),
        ),
    ] {
        let set = of_commits(json!({"pullRequests": {}}), retention.clone());
        let (_, reports) = series(&set, Some(1), 1, &failed);
        let since = BTreeMap::from([(1, at(-50))]);
        let plan = planned(&set, &open([]), &since, &reports);
        assert_eq!(stay(&plan, &reports), (left, next), "{retention} {failed:?}");
    }
}

#[test]
fn what_is_closed_in_the_future_by_githubs_clock_is_closed_now() {
    let later = BTreeMap::from([(1, at(3_000))]);
    for (ttl, gone, next) in [(0, vec!["shop-pr-1"], None), (60, vec![], Some(60))] {
        let set = set(json!({"retention": {"ttlAfterClosed": ttl}}));
        let reports = carried(&set, &first(&set, &open([1])), &[]);
        let plan = planned(&set, &open([]), &later, &reports);
        assert_eq!(pruned(&plan), gone);
        assert_eq!(plan.next.map(|next| next.as_second() - at(0).as_second()), next);
    }
}

#[test]
fn a_commit_that_is_not_among_the_newest_of_its_branch_stays_for_a_while() {
    for (retention, failed, left, next) in [
        (json!({}), vec![0], vec![2, 3], None),
        // 1 was among the newest two until 3 was there, 0 until 2 was.
        (json!({"ttlAfterClosed": 150}), vec![], vec![1, 2, 3], Some(50)),
        (json!({"ttlAfterClosed": 150, "failedTtlAfterClosed": 1000}), vec![0], vec![0, 1, 2, 3], Some(50)),
        (json!({"failedTtlAfterClosed": 1000}), vec![0], vec![0, 2, 3], Some(800)),
        (json!({"ttlAfterClosed": 1000, "maxAgeSeconds": 350}), vec![0, 1], vec![1, 2, 3], Some(50)),
        (json!({"ttlAfterClosed": 1000, "maxReports": 3}), vec![], vec![1, 2, 3], Some(900)),
    ] {
        let set = of_commits(json!({"commits": {"branch": "main", "last": 2}}), retention.clone());
        let (listed, reports) = series(&set, None, 2, &failed);
        let plan = planned(&set, &listed, &closed([]), &reports);
        assert_eq!(stay(&plan, &reports), (left, next), "{retention} {failed:?}");
    }
}

#[test]
fn what_was_pushed_out_just_now_stays_from_now_on_and_what_was_taken_back_from_when_it_was_made() {
    let retention = json!({"ttlAfterClosed": 60});
    let set = of_commits(json!({"commits": {"branch": "main", "last": 2}}), retention);
    let (mut listed, reports) = series(&set, None, 2, &[]);
    listed.list.insert(0, candidate(None, 9));
    listed.list.truncate(2);
    let plan = planned(&set, &listed, &closed([]), &reports);
    assert_eq!(stay(&plan, &reports), (vec![2, 3], Some(60)), "2 has just left");
    // The two newest are taken back: the branch is at 1 again.
    let (mut listed, reports) = series(&set, None, 2, &[]);
    listed.list = vec![candidate(None, 1), candidate(None, 0)];
    let plan = planned(&set, &listed, &closed([]), &reports);
    assert_eq!(stay(&plan, &reports), (vec![0, 1], None));
}

#[test]
fn what_is_not_selected_or_has_another_name_by_now_is_no_older_commit() {
    let ample = json!({"perPullRequest": 9, "failedTtlAfterClosed": 1000});
    let set = of_commits(json!({"pullRequests": {"labels": ["ci"]}}), ample.clone());
    let (listed, reports) = series(&set, Some(1), 1, &[0, 1, 2, 3]);
    let plan = planned(&set, &listed, &closed([]), &reports);
    assert_eq!(pruned(&plan).len(), reports.len(), "it has no such label");
    // Another name for the same commit, and one that followed the pull request.
    let before = of_commits(json!({"pullRequests": {}}), ample.clone());
    let mut named = before.clone();
    named.spec.template.metadata.name = Some("at-{{head_short_sha}}".into());
    let mut following = before.clone();
    following.spec.template.follow = crate::api::set::Follow::PullRequest;
    let at_head = candidate(Some(1), 3);
    let reports = [report(&named, &at_head, -50, true), report(&following, &at_head, -90, true)];
    let plan = planned(&before, &Candidates { list: vec![at_head], ..open([]) }, &closed([]), &reports);
    assert_eq!((plan.create.len(), pruned(&plan).len()), (1, 2));
}

#[test]
fn what_was_compared_is_opened_again_only_if_it_or_what_is_wanted_changed() {
    let of = |workflow: &str| set(json!({"template": {"spec": {"workflows": [workflow]}}}));
    let (before, after) = (of("CI"), of("Other"));
    let right = carried(&before, &first(&before, &open([1])), &[]);
    let kept = Arc::new(Kept::from(right[0].as_ref()));
    let plan = |set: &TestRunReportSet, kept: &Arc<Kept>, compared: &Compared| {
        super::super::plan(set, &open([1]), &closed([]), std::slice::from_ref(kept), compared, at(0)).unwrap()
    };
    let compared = plan(&before, &kept, &Compared::new()).compared;
    assert_eq!(compared.len(), 1);
    // The same report as far as is at hand, with something else in the packet: nobody looks.
    let wrong = carried(&after, &first(&after, &open([1])), &[]);
    let unopened = Arc::new(Kept::new(&right[0], Snapshot::of(&wrong[0], &[])));
    assert_eq!(plan(&before, &unopened, &Compared::new()).update.len(), 1);
    let again = plan(&before, &unopened, &compared);
    assert_eq!((again.update.len(), again.compared.len()), (0, 1));
    assert_eq!(plan(&after, &kept, &compared).update.len(), 1, "another template");
    let mut edited = TestRunReport::clone(&right[0]);
    edited.metadata.generation = Some(2);
    edited.spec.workflows = vec!["Mine".into()];
    assert_eq!(plan(&before, &Arc::new(Kept::from(&edited)), &compared).update.len(), 1);
    let mut edited = TestRunReport::clone(&right[0]);
    edited.metadata.labels = None;
    assert_eq!(plan(&before, &Arc::new(Kept::from(&edited)), &compared).update.len(), 1);
}

proptest! {
    #[test]
    fn the_newest_always_stay_and_the_others_within_what_the_set_says(
        made in proptest::collection::vec((-500_i64..0, any::<bool>()), 1..12),
        per in 1_i32..5,
        most in 1_i32..12,
        failed_ttl in proptest::option::of(0_i64..600),
        age in proptest::option::of(60_i64..600),
        branch in any::<bool>(),
        moved in any::<bool>(),
    ) {
        let generators =
            if branch { json!({"commits": {"branch": "main", "last": 2}}) } else { json!({"pullRequests": {}}) };
        let mut retention = json!({"perPullRequest": per, "maxReports": most});
        retention["failedTtlAfterClosed"] = json!(failed_ttl);
        retention["maxAgeSeconds"] = json!(age);
        let set = of_commits(generators, retention);
        let number = (!branch).then_some(1);
        let mut made = made;
        made.sort();
        let count = i64::try_from(made.len()).unwrap();
        let of = |n: i64| candidate(number, n);
        let reports: Vec<_> =
            (0..count).zip(&made).map(|(n, (second, failed))| report(&set, &of(n), *second, *failed)).collect();
        // Of the newest ones one may not be there yet.
        let top = count + i64::from(moved);
        let last = if branch { 2 } else { 1 };
        let list: Vec<_> = ((top - last).max(0)..top).rev().map(of).collect();
        let listed = Candidates { list, ..open([]) };
        let plan = planned(&set, &listed, &closed([]), &reports);
        let gone = pruned(&plan);
        let wanted: Vec<String> = listed.list.iter().take(usize::try_from(most).unwrap())
            .map(|c| Wanted::of(&set, c).unwrap().name).collect();
        for name in &wanted {
            prop_assert!(!gone.contains(&name.as_str()), "{name} is asked for");
        }
        let after = carried(&set, &plan, &reports);
        prop_assert!(after.len() <= usize::try_from(most).unwrap());
        let extra: Vec<_> = after.iter().filter(|r| !wanted.contains(r.metadata.name.as_ref().unwrap())).collect();
        let of_failed = extra.iter().filter(|r| r.status.is_some()).count();
        let others = extra.len() - of_failed;
        prop_assert!(others < usize::try_from(per).unwrap() || others == 0, "{others} of {per}");
        prop_assert!(!branch || others == 0);
        for report in &extra {
            let old = -(report.metadata.creation_timestamp.as_ref().unwrap().0.as_second() - at(0).as_second());
            prop_assert!(age.is_none_or(|age| old < age), "{old} of {age:?}");
        }
        // Carried out, there is nothing to do; and what is to go next goes then.
        let settled: Vec<_> = after.iter().map(|r| {
            let mut r = TestRunReport::clone(r);
            r.metadata.creation_timestamp.get_or_insert(Time(at(0)));
            Arc::new(r)
        }).collect();
        let rest = planned(&set, &listed, &closed([]), &settled);
        prop_assert!(rest.is_done(), "{rest:?}");
        if let Some(next) = rest.next {
            prop_assert!(next > at(0));
            let then = planned_at(next.as_second() - at(0).as_second(), &set, &listed, &closed([]), &settled);
            prop_assert!(!then.prune.is_empty());
        }
    }
}
