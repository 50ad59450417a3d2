//! Confidence, risk and the recommendation: computed from what was read, each step with its reason.

use super::Context;
use super::causes::Bundles;
use super::decide::Decision;
use super::facts::{Baseline, Facts};
use super::items::{Item, Items};
use super::patterns::{Nature, Patterns};
use super::report::len;
use super::state::State;
use super::text::{clean, count, list, shell};
use super::thresholds::*;
use crate::api::Reason;
use crate::api::conditions::ConditionStatus;
use crate::api::status::{ActionOption, Artifact, Assessment, Recommendation};

/// How sure the report is and how risky a merge would be.
pub(super) fn assessment(
    facts: &Facts,
    items: &Items<'_>,
    decision: &Decision,
    masked: usize,
    patterns: &Patterns,
    bundles: &Bundles,
) -> Assessment {
    let mut why = Vec::new();
    let rerun = items.items.iter().any(|i| i.recovered);
    let mut confidence = if rerun {
        why.push(format!("starts at {CONFIDENCE_RERUN} %: a failed job passed on a re-run of this commit"));
        CONFIDENCE_RERUN
    } else {
        why.push(format!("starts at {CONFIDENCE} %: more needs a pass seen on a re-run"));
        CONFIDENCE
    };
    let mut less = |points: i64, reason: String| {
        if points > 0 {
            confidence -= points;
            why.push(format!("-{points}: {reason}"));
        }
    };
    let of = |state: State| items.items.iter().filter(move |i| i.state == state && !i.aggregate);
    let open = items.items.iter().filter(|i| i.open(decision.overdue)).count();
    let all = items.items.len().max(1);
    if open > 0 {
        less(
            (len(open) * OPEN.0 / len(all)).max(OPEN.1),
            format!("{} of {all} jobs and checks not final", open),
        );
    } else if !decision.is_final() {
        less(NOT_FINAL, "not final: the facts may still change".to_owned());
    }
    let unknown = of(State::Unknown).count();
    less(
        if unknown > 0 { UNKNOWN_STATE } else { 0 },
        format!("{} in a state that is not known", count(unknown, "job")),
    );
    if !items.has_expectations {
        let what = match facts.expectations.baseline {
            Baseline::None => {
                "nothing says which jobs must be there: no expect, no green commit of the base branch, no required check"
            }
            Baseline::Found(_) => "nothing of the base branch's last green commit applies to this one",
        };
        less(NO_EXPECTATIONS, what.to_owned());
    }
    let failed: Vec<&Item<'_>> = of(State::Failed).filter(|i| i.job().is_some()).collect();
    let blind = failed.iter().filter(|i| i.job().is_none_or(|j| j.evidence.is_none())).count();
    if blind > 0 {
        less(
            (len(blind) * UNREAD.0 / len(failed.len())).max(UNREAD.1),
            format!("logs or reports of {} not read", count(blind, "failed job")),
        );
    }
    let counted = failed.iter().filter_map(|i| i.job()?.evidence.as_ref());
    let torn = counted.clone().filter(|e| e.interrupted).count();
    less(
        if torn > 0 { TORN } else { 0 },
        format!("the evidence of {} breaks off", count(torn, "failed job")),
    );
    let explained = failed.iter().filter_map(|i| Some((i.job()?.id, i.job()?.evidence.as_ref()?)));
    let bare = explained.clone().filter(|(job, e)| !e.baseline && bundles.best(*job).is_none()).count();
    if bare > 0 {
        less(
            (len(bare) * NO_BASELINE.0 / len(failed.len())).max(NO_BASELINE.1),
            format!("{} explained without a passing log to compare with", count(bare, "failure")),
        );
    }
    let against = explained.filter_map(|(job, e)| Some((bundles.contradicts(job, e)?, bundles.best(job)?.0)));
    if let Some((log, bundle)) = against.take(1).next() {
        less(BUNDLE_DISAGREES, format!("a log names {} and its bundle {bundle}", clean(log, 64)));
    }
    less(
        if masked > 0 { MASKED } else { 0 },
        format!("{} over a failure: green does not mean clean", count(masked, "green job")),
    );
    let gaps = facts.gaps.len();
    less(
        len(gaps).min(GAP.1) * GAP.0,
        format!(
            "{} not read: {}",
            count(gaps, "thing"),
            facts.gaps.first().map(|g| clean(&g.message, 200)).unwrap_or_default()
        ),
    );
    let waived = items.items.iter().filter(|i| i.excused && i.state == State::Failed).count();
    less(if waived > 0 { WAIVED } else { 0 }, format!("{} waived", count(waived, "failure")));

    let critical = items.items.iter().any(|i| {
        i.red(decision.overdue)
            && i.required
            && items.suites.list.get(i.suite).is_some_and(|s| s.critical_path)
    });
    for item in failed.iter().take(4) {
        if let Some((cause, because)) = item.job().and_then(|job| bundles.best(job.id)) {
            why.push(format!("{}: a bundle shows {cause}: {because}", clean(&item.name, 100)));
        }
    }
    for item in items.items.iter().filter(|i| i.state == State::Failed && !i.aggregate).take(4) {
        let Some(evidence) = item.job().and_then(|j| j.evidence.as_ref()) else { continue };
        match patterns.nature(evidence) {
            (Nature::Deterministic, n) => why.push(format!(
                "{}: the same failure with the same values on {n} commits: deterministic, a re-run will not help",
                clean(&item.name, 100)
            )),
            (Nature::Recurring, n) => why.push(format!(
                "{}: a failure like this on {n} commits; nothing shows that it is flaky",
                clean(&item.name, 100)
            )),
            _ => {}
        }
    }
    // One run says nothing that its own result does not.
    let past =
        failed.iter().filter_map(|i| Some((*i, i.job()?.past.as_ref().filter(|p| p.passed + p.failed > 1)?)));
    for (item, past) in past.take(4) {
        let all = past.passed + past.failed;
        let (name, branch) = (clean(&item.name, 100), clean(&past.branch, 60));
        why.push(format!("{name}: passed in {} of its last {all} runs on {branch}", past.passed));
    }
    let red = items.items.iter().filter(|i| i.required && !i.aggregate && !i.disagrees);
    let often: Vec<Option<bool>> = red.filter(|i| i.red(decision.overdue)).map(often_red).collect();
    let (risk, reason) = match decision.passed {
        ConditionStatus::Unknown => ("Unknown", "not decided".to_owned()),
        ConditionStatus::False if critical => ("High", "a suite of the critical path is red".to_owned()),
        ConditionStatus::False if often.contains(&Some(false)) => {
            ("High", "something required is red that mostly passes on the base branch".to_owned())
        }
        ConditionStatus::False if !often.is_empty() && often.iter().all(|o| *o == Some(true)) => (
            "Medium",
            "what is red often is on the base branch as well, and hides what this commit breaks".to_owned(),
        ),
        ConditionStatus::False => {
            ("High", "something required is red; no history says that it often is".to_owned())
        }
        ConditionStatus::True if waived > 0 || masked > 0 => (
            "Medium",
            format!(
                "passed with {} and {}",
                count(waived, "waived failure"),
                count(masked, "masked failure")
            ),
        ),
        ConditionStatus::True if rerun => {
            ("Medium", "passed only after a re-run: something is not deterministic".to_owned())
        }
        ConditionStatus::True if !items.has_expectations => {
            ("Medium", "passed, and nothing says what must be there".to_owned())
        }
        ConditionStatus::True => ("Low", "everything required passed at the first attempt".to_owned()),
    };
    why.push(format!("risk of merging {risk}: {reason}"));
    why.truncate(24);
    let rationale = why.iter().map(|w| clean(w, 512)).collect();
    Assessment {
        confidence: confidence.clamp(CONFIDENCE_LEAST, CONFIDENCE_RERUN),
        risk: risk.to_owned(),
        rationale,
    }
}

/// Whether a job is often red on the base branch; None where too little is known.
fn often_red(item: &Item<'_>) -> Option<bool> {
    let past = item.job()?.past.as_ref()?;
    let all = past.passed + past.failed;
    (all >= PAST_RUNS).then_some(past.passed * 100 <= all * PAST_RED)
}

/// What to do next, with commands.
pub(super) fn recommendation(
    facts: &Facts,
    items: &Items<'_>,
    decision: &Decision,
    context: &Context<'_>,
    artifacts: &[Artifact],
) -> Recommendation {
    let repo = shell(&facts.source.repository);
    let red: Vec<&Item<'_>> = items
        .items
        .iter()
        .filter(|i| i.required && i.red(decision.overdue) && !i.aggregate && !i.disagrees)
        .collect();
    let cut = red.iter().filter(|i| i.cut_short || matches!(i.state, State::Cancelled)).count();
    let setup = red.iter().any(|i| i.job().is_none() && i.run().is_some() && i.state == State::Failed);
    let action = match decision.passed {
        ConditionStatus::True => "Merge",
        ConditionStatus::Unknown => match decision.reason {
            Reason::ActionRequired => "Complete",
            Reason::Undecidable => "Analyse",
            _ => "Wait",
        },
        ConditionStatus::False if !decision.complete && red.is_empty() => "Wait",
        ConditionStatus::False if setup => "FixSetup",
        ConditionStatus::False if decision.reason == Reason::Incomplete => "Complete",
        ConditionStatus::False if !red.is_empty() && cut == red.len() => "Rerun",
        ConditionStatus::False => "Analyse",
    };
    let mut options = Vec::new();
    let mut option = |name: &str, description: String, commands: Vec<String>| {
        options.push(ActionOption {
            action: name.to_owned(),
            description: clean(&description, 512),
            commands: commands.into_iter().take(8).map(|c| clean(&c, 512)).collect(),
            recommended: name == action,
        });
    };
    let watch = || match context.name {
        Some(name) => vec![format!(
            "kubectl wait --for=condition=Passed testrunreport/{name} -n {} --timeout=30m",
            context.namespace.unwrap_or("default")
        )],
        None => vec![format!(
            "kubectl testrun gate --repo {repo} --sha {} --timeout 30m",
            shell(&facts.source.sha)
        )],
    };
    let mut runs: Vec<i64> = red.iter().filter_map(|i| i.run().map(|r| r.id)).collect();
    runs.sort_unstable();
    runs.dedup();
    match decision.passed {
        ConditionStatus::True => {
            let merge = facts.source.pull_request.map(|n| {
                format!("gh pr merge {n} --repo {repo} --match-head-commit {}", shell(&facts.source.sha))
            });
            option(
                "Merge",
                "every required job and check of this commit is green".to_owned(),
                merge.into_iter().collect(),
            );
        }
        ConditionStatus::Unknown => match action {
            "Complete" => {
                let pages = items
                    .items
                    .iter()
                    .filter(|i| i.state == State::ActionRequired)
                    .filter_map(|i| i.run().map(|r| format!("gh run view {} --repo {repo} --web", r.id)));
                let mut pages: Vec<String> = pages.collect();
                pages.dedup();
                option("Complete", "approve or reject what waits for a person".to_owned(), pages);
            }
            "Analyse" => option("Analyse", decision.message.clone(), Vec::new()),
            _ => option("Wait", "no verdict yet; wait for a final one".to_owned(), watch()),
        },
        ConditionStatus::False => {
            let logs = red.iter().filter(|i| i.state == State::Failed).filter_map(|i| {
                Some(format!("gh run view {} --job {} --repo {repo} --log-failed", i.run()?.id, i.job()?.id))
            });
            if setup {
                option(
                    "FixSetup",
                    "a workflow could not start; GitHub shows the error in the workflow file".to_owned(),
                    runs.iter().map(|r| format!("gh run view {r} --repo {repo}")).collect(),
                );
            }
            if decision.reason == Reason::Incomplete {
                option(
                    "Complete",
                    "run what is missing, or take it out of what is expected (suites[].expect)".to_owned(),
                    Vec::new(),
                );
            }
            option(
                "Analyse",
                "read the failing tests and the lines that explain them, and fix the cause".to_owned(),
                logs.collect(),
            );
            let bundles = artifacts.iter().filter(|a| a.kind == "MustGather" && !a.is_gone());
            let mut commands: Vec<String> = bundles
                .map(|a| {
                    let name = shell(&a.name);
                    format!("gh run download {} --repo {repo} --name {name} --dir {name}", a.run_id)
                })
                .take(7)
                .collect();
            if !commands.is_empty() {
                let of = match context.name {
                    Some(name) => format!("{name} -n {}", context.namespace.unwrap_or("default")),
                    None => format!("--repo {repo} --sha {}", shell(&facts.source.sha)),
                };
                commands.insert(0, format!("kubectl testrun artifacts {of} --download must-gather"));
                option(
                    "Download",
                    "get the must-gather bundles: all at once with their digests compared, or one by one"
                        .to_owned(),
                    commands,
                );
            }
            option(
                "Rerun",
                if cut > 0 {
                    format!("{} cut short: only a re-run tells what they would have said", count(cut, "job"))
                } else {
                    "tells a flaky failure from a lasting one: only a pass on this commit counts".to_owned()
                },
                runs.iter().map(|r| format!("gh run rerun {r} --failed --repo {repo}")).collect(),
            );
            option(
                "Waive",
                "merge knowingly: a waiver names the job or test, a reason, an approver and an end, and shows in the verdict".to_owned(),
                context.name.map(|n| format!("kubectl edit testrunreport/{n} -n {}", context.namespace.unwrap_or("default"))).into_iter().collect(),
            );
            if !decision.complete {
                option("Wait", "jobs still run; the red ones stay red without a re-run".to_owned(), watch());
            }
        }
    }
    let summary = match action {
        "Merge" => "Merge: the verdict is green.".to_owned(),
        "Wait" => "Wait: not everything is final.".to_owned(),
        "Complete" => format!("Complete what is missing: {}", decision.message),
        "Rerun" => "Re-run: what is red was cut short.".to_owned(),
        "FixSetup" => "Fix the workflow: it could not start.".to_owned(),
        _ if decision.passed == ConditionStatus::Unknown => {
            format!("Look at what cannot be decided: {}", decision.message)
        }
        _ => format!("Analyse before merging: {}", list(red.iter().map(|i| i.name.as_str()), 5)),
    };
    Recommendation { action: action.to_owned(), summary: clean(&summary, 512), options }
}
