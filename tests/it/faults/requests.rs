//! Single requests to the API server, watches, and what others do to reports meanwhile.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use testrun_operator::controller::Vigil;

use super::bench::{Faulty, WARY};
use super::relay::{Call, Fate, status};
use crate::cluster::eventually;
use crate::controller::bench::{QUICK, SLOW, soon};

fn is_status(call: &Call) -> bool {
    call.is_write() && call.path.contains("/status")
}

/// A rule that hits the first so many status writes.
fn first(count: usize, fate: Fate) -> impl FnMut(&Call) -> Fate + Send + 'static {
    let mut left = count;
    move |call| {
        if !is_status(call) || left == 0 {
            return Fate::Pass;
        }
        left -= 1;
        fate.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_refused_or_whose_answer_is_lost_is_made_once() {
    const RETRY: &[(&str, &str)] = &[("retry-after", "1")];
    let cases = [
        ("429", 1, Fate::Answer(429, RETRY, status(429, "TooManyRequests"))),
        ("503", 1, Fate::Answer(503, &[], status(503, "ServiceUnavailable"))),
        ("500 for long", 2, Fate::Answer(500, &[], status(500, "InternalError"))),
        ("504, and written", 1, Fate::AnswerAfter(504, status(504, "Timeout"))),
        ("500, and written", 1, Fate::AnswerAfter(500, status(500, "InternalError"))),
        ("cut before", 1, Fate::Cut),
        ("cut after", 1, Fate::CutAfter),
        ("garbage, and written", 1, Fate::AnswerAfter(200, "<html>".into())),
        ("slow", 2, Fate::Late(Duration::from_secs(2))),
    ];
    let runs = cases.map(|(name, count, fate)| {
        Box::pin(async move {
            let faulty = Faulty::start("write", QUICK, Vigil::default()).await;
            faulty.relay.rule(first(count, fate));
            faulty.turn_green();
            faulty.decided("a").await;
            faulty.bench.script.more(3).await;
            let codes = faulty.bench.writes("a");
            let written = codes.iter().filter(|c| **c == 200).count();
            assert!(written <= 2, "{name}: {codes:?}");
            assert!(codes.len() <= 3, "{name}: {codes:?}");
            faulty.end().await;
        })
    });
    futures::future::join_all(runs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_is_cut_goes_on() {
    let faulty = Faulty::start("cut", SLOW, Vigil::default()).await;
    for round in 0..5 {
        faulty.relay.cut_streams();
        let name = format!("r{round}");
        faulty.bench.create(&name, json!({})).await;
        faulty.bench.reason(&name, "Running").await;
    }
    faulty.turn_green();
    faulty.relay.cut_streams();
    faulty.bench.patch("a", json!({"metadata": {"annotations": {"testrun.dev/requestedAt": "now"}}})).await;
    faulty.decided("a").await;
    faulty.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_is_refused_for_its_version_lists_anew() {
    let faulty = Faulty::start("gone", SLOW, Vigil::default()).await;
    let refused = Arc::new(Mutex::new(None::<String>));
    let (seen, count) = (refused.clone(), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    faulty.relay.rule(move |call| {
        if !(call.is_watch() && call.path.contains("/testrunreports")) {
            return Fate::Pass;
        }
        let version = call.path.split('&').find(|p| p.starts_with("resourceVersion=")).unwrap_or_default();
        // For ever, as for a version that is compacted away.
        if seen.lock().unwrap().get_or_insert_with(|| version.to_owned()) == version {
            counted.fetch_add(1, Ordering::SeqCst);
            return Fate::Answer(410, &[], status(410, "Expired"));
        }
        Fate::Pass
    });
    faulty.relay.cut_streams();
    faulty
        .relay
        .until("the watch is refused", |calls| calls.iter().filter(|c| c.is_watch()).count() >= 2)
        .await;
    faulty.bench.create("b", json!({})).await;
    faulty.bench.reason("b", "Running").await;
    assert!(count.load(Ordering::SeqCst) <= 3, "the version that is gone is not asked for again and again");
    faulty.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_stands_still_is_noticed() {
    let faulty = Faulty::start("still", SLOW, WARY).await;
    faulty.relay.stall_streams();
    faulty.bench.create("b", json!({})).await;
    faulty.turn_green();
    // Everything is listed anew; the new watch stands still again.
    faulty.decided("b").await;
    faulty.relay.heal();
    faulty.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_the_cache_has_not_seen_is_read_before_the_next_write() {
    let faulty = Faulty::start("stale", QUICK, Vigil::default()).await;
    faulty.relay.stall_streams();
    faulty.bench.patch("a", json!({"spec": {"suspend": true}})).await;
    faulty.bench.script.say(crate::controller::green());
    let report = faulty.bench.reason("a", "Suspended").await;
    assert_eq!(report.status.unwrap().observed_generation, 2);
    let codes = faulty.bench.writes_once(3, "a").await;
    assert_eq!(codes, [200, 409, 200], "the verdict of the old spec was refused");
    faulty.relay.heal();
    faulty.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_that_the_cache_has_not_seen_gets_no_verdict_of_its_predecessor() {
    let faulty = Faulty::start("heir", QUICK, WARY).await;
    faulty.relay.stall_streams();
    faulty.bench.api.delete("a", &DeleteParams::default()).await.unwrap();
    faulty.bench.gone("a").await;
    faulty.bench.create("a", json!({"suspend": true})).await;
    faulty.bench.script.say(crate::controller::green());
    faulty.bench.reason("a", "Suspended").await;
    assert!(faulty.passes().iter().all(|p| p != "True"));
    faulty.relay.heal();
    faulty.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_without_end_do_not_keep_a_verdict_away() {
    let faulty = Faulty::start("storm", SLOW, Vigil::default()).await;
    let api = faulty.bench.api.clone();
    let storm = tokio::spawn(async move {
        // Slower than a write on a busy machine, and quicker than a look.
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        // Where an edit took longer the next ones would else come one upon the other.
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for n in 0_u64.. {
            ticks.tick().await;
            let patch = json!({"metadata": {"labels": {"n": n.to_string()}}});
            api.patch("a", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
        }
    });
    faulty.turn_green();
    faulty.bench.patch("a", json!({"metadata": {"annotations": {"testrun.dev/requestedAt": "now"}}})).await;
    faulty.decided("a").await;
    storm.abort();
    let codes = faulty.bench.writes_once(2, "a").await;
    let conflicts = codes.iter().filter(|c| **c == 409).count();
    let looks = faulty.bench.script.looks().len();
    assert!(looks <= 5, "conflicts over labels are no reason to look again");
    assert!(conflicts <= 5 * looks, "each look tries five times: {codes:?}");
    faulty.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_are_taken_away_are_missed_and_their_return_is_noticed() {
    let faulty = Faulty::start("rights", QUICK, Vigil::default()).await;
    faulty.bench.ready().await;
    faulty.relay.rule(|call| match call.path.contains("/testrunreports") {
        true => Fate::Answer(403, &[], status(403, "Forbidden")),
        false => Fate::Pass,
    });
    faulty.relay.cut_streams();
    faulty.turn_green();
    let mut state = faulty.bench.health.subscribe();
    soon("it is not ready", state.wait_for(Result::is_err)).await.unwrap();
    faulty.bench.report("a", super::bench::is_open).await;
    let before = faulty.relay.calls().len();
    // How often it asks can only be seen over a time.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let refused = faulty.relay.calls().len() - before;
    assert!(refused <= 30, "{refused} requests in three seconds");
    faulty.relay.heal();
    faulty.bench.ready().await;
    faulty.decided("a").await;
    faulty.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_deleted_is_not_written() {
    let faulty = Faulty::start("going", QUICK, Vigil::default()).await;
    faulty.bench.patch("a", json!({"metadata": {"finalizers": ["example.org/stuck"]}})).await;
    faulty.bench.api.delete("a", &DeleteParams::default()).await.unwrap();
    faulty.bench.report("a", |r| r.metadata.deletion_timestamp.is_some()).await;
    faulty.turn_green();
    faulty.bench.create("b", json!({})).await;
    faulty.decided("b").await;
    assert!(faulty.bench.report("a", |_| true).await.status.is_some_and(|s| s.phase == "Running"));
    assert_eq!(faulty.bench.writes_once(1, "a").await, [200], "nothing after its deletion was asked for");
    // Nothing of ours holds it.
    faulty.bench.patch("a", json!({"metadata": {"finalizers": null}})).await;
    faulty.bench.gone("a").await;
    faulty.end().await;
}

/// A generator of numbers that says the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_edits_under_any_faults_come_to_what_a_new_object_would() {
    let seeds = std::env::var("TESTRUN_SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(6);
    let mut injected = BTreeMap::new();
    for seed in 0..seeds {
        let faulty = Faulty::start("edits", QUICK, WARY).await;
        faulty.turn_green();
        let mut dice = Dice(seed + 1);
        let kinds = Arc::new(Mutex::new(BTreeMap::<&str, usize>::new()));
        let (counted, mut fate) = (kinds.clone(), Dice(seed + 1000));
        faulty.relay.rule(move |call| {
            if call.is_watch() || fate.below(4) > 0 {
                return Fate::Pass;
            }
            let (name, fate) = match fate.below(6) {
                0 => ("cut before", Fate::Cut),
                1 => ("cut after", Fate::CutAfter),
                2 => ("409", Fate::Answer(409, &[], status(409, "Conflict"))),
                3 => ("500 after", Fate::AnswerAfter(500, status(500, "InternalError"))),
                4 => ("500", Fate::Answer(500, &[], status(500, "InternalError"))),
                _ => ("late", Fate::Late(Duration::from_millis(100))),
            };
            *counted.lock().unwrap().entry(name).or_default() += 1;
            fate
        });
        let mut spec = json!({});
        for _ in 0..30 {
            let edit = match dice.below(6) {
                0 => json!({"suspend": dice.below(2) == 0}),
                1 => json!({"gate": {"mode": *dice.of(&["Enforce", "Report"])}}),
                2 => json!({"gate": {"settleSeconds": dice.below(3)}}),
                3 => {
                    json!({"suites": [{"name": "all", "match": [{"job": ".*"}], "expect": {"count": 1 + dice.below(2)}}]})
                }
                4 => json!({"suites": null}),
                _ => json!({"ignore": [{"job": *dice.of(&["lint", "docs"])}]}),
            };
            for (key, value) in edit.as_object().unwrap() {
                match (value.is_null(), key.as_str()) {
                    (true, _) => drop(spec.as_object_mut().unwrap().remove(key)),
                    (_, "gate") => {
                        for (k, v) in value.as_object().unwrap() {
                            spec["gate"][k] = v.clone();
                        }
                    }
                    _ => spec[key] = value.clone(),
                }
            }
            faulty.bench.patch("a", json!({ "spec": edit })).await;
            if dice.below(5) == 0 {
                faulty.relay.cut_streams();
            }
        }
        faulty.relay.heal();
        spec["suspend"] = json!(false);
        let asked = json!({"testrun.dev/requestedAt": "now"});
        faulty
            .bench
            .patch("a", json!({"spec": {"suspend": false}, "metadata": {"annotations": asked}}))
            .await;
        faulty.bench.create("fresh", spec.clone()).await;
        let here = faulty.bench.namespace.clone();
        let same = async || {
            let a = faulty.bench.report("a", |_| true).await;
            let fresh = faulty.bench.report("fresh", |_| true).await;
            let observed = a.status.as_ref().map(|s| s.observed_generation) == a.metadata.generation;
            let [mut a, fresh] = [a, fresh].map(|r| super::bench::said(&r, &here));
            // The one was edited, the other never was.
            a["observedGeneration"] = fresh["observedGeneration"].clone();
            for c in a["conditions"].as_array_mut().into_iter().flatten() {
                c["observedGeneration"] = fresh["observedGeneration"].clone();
            }
            (observed && a == fresh && a["phase"] != "Pending").then_some(())
        };
        eventually(|| format!("seed {seed}: the two reports to say the same of {spec}"), same).await;
        for (name, count) in kinds.lock().unwrap().iter() {
            *injected.entry(*name).or_insert(0) += count;
        }
        faulty.end().await;
    }
    println!("{seeds} sequences of 30 edits; faults: {injected:?}");
}
