//! How it speaks: ETags, limits, pages, redirects, late lists, clocks, editions.

use sha2::{Digest, Sha256};

use super::client::{Ask, clean, get};
use super::{GitHub, JobSpec, RunSpec, Scenario, secs, sha_of, shop, start};
use crate::github::{Origin, TOKEN, hex};

const REPO: &str = "/repos/acme/shop";

#[test]
fn an_etag_can_be_foreseen_for_another_token_and_a_304_is_free() {
    let gh = start();
    gh.add_token("ghs_next");
    let path = format!("{REPO}/actions/runs/77");
    let first = get(&gh, &path);
    let tag_for = |token: &str| {
        let mut hash = Sha256::new();
        hash.update(format!("application/vnd.github+json:Bearer {token}:"));
        hash.update(&first.body);
        format!("W/\"{}\"", hex(&hash.finalize()))
    };
    assert_eq!(first.header("etag"), Some(tag_for(TOKEN).as_str()));
    let url = format!("{}{path}", gh.url());
    let left = first.number("x-ratelimit-remaining");
    let same = Ask::new("GET", &url).header("if-none-match", tag_for(TOKEN)).send().unwrap();
    let next = Ask::new("GET", &url)
        .token(Some("ghs_next"))
        .header("if-none-match", tag_for("ghs_next"))
        .send()
        .unwrap();
    let stale =
        Ask::new("GET", &url).token(Some("ghs_next")).header("if-none-match", tag_for(TOKEN)).send().unwrap();
    assert_eq!((same.status, next.status, stale.status), (304, 304, 200));
    assert_eq!(next.number("x-ratelimit-remaining"), left, "304 costs nothing");
    assert_eq!(stale.number("x-ratelimit-remaining"), left - 1);
    assert_eq!((gh.requests().len(), gh.counted_requests().len()), (4, 2));
    assert_eq!(
        gh.requests().iter().filter(|request| request.not_modified() && request.conditional).count(),
        2
    );
    gh.update(|s| {
        s.job(502).complete("success");
    });
    let changed = Ask::new("GET", &url).header("if-none-match", tag_for(TOKEN)).send().unwrap();
    assert_eq!(changed.status, 304, "the run itself did not change within this second");
    gh.advance(secs(1));
    gh.update(|s| {
        s.run(77).complete("success");
    });
    assert_eq!(Ask::new("GET", &url).header("if-none-match", tag_for(TOKEN)).send().unwrap().status, 200);
    clean(&gh);
}

#[test]
fn a_spent_budget_answers_403_until_the_window_ends() {
    let gh = start();
    gh.update(|s| s.limits.leave(2));
    assert_eq!(get(&gh, REPO).number("x-ratelimit-remaining"), 1);
    assert_eq!(get(&gh, REPO).number("x-ratelimit-remaining"), 0);
    let refused = get(&gh, REPO);
    assert_eq!((refused.status, refused.number("x-ratelimit-remaining")), (403, 0));
    assert!(refused.json()["message"].as_str().unwrap().contains("rate limit exceeded"));
    assert_eq!(refused.header("retry-after"), None);
    assert_eq!(get(&gh, "/rate_limit").json()["rate"]["remaining"], 0);
    let wait = refused.number("x-ratelimit-reset") - gh.now().seconds() as u64;
    gh.advance(secs(wait - 1));
    assert_eq!(get(&gh, REPO).status, 403);
    gh.advance(secs(1));
    assert_eq!(get(&gh, REPO).number("x-ratelimit-remaining"), 4999);
    gh.update(|s| {
        s.limits.leave(0);
        s.limits.primary_status = 429;
    });
    assert_eq!(get(&gh, REPO).status, 429);
    clean(&gh);
}

#[test]
fn the_secondary_limit_counts_points_and_says_when_to_come_back() {
    let gh = start();
    gh.update(|s| s.limits.points_per_minute = Some(6));
    let body = serde_json::json!({ "body": "one" });
    let write = || {
        Ask::new("POST", format!("{}{REPO}/issues/20/comments", gh.url())).body(body.clone()).send().unwrap()
    };
    assert_eq!((write().status, get(&gh, REPO).status), (201, 200));
    let refused = get(&gh, REPO);
    assert_eq!((refused.status, refused.header("retry-after")), (403, Some("60")));
    assert!(refused.number("x-ratelimit-remaining") > 0);
    gh.advance(secs(60));
    gh.update(|s| {
        s.limits.secondary_retry_after = None;
        s.limits.secondary_status = 429;
    });
    assert_eq!(write().status, 201);
    let refused = write();
    assert_eq!((refused.status, refused.header("retry-after")), (429, None));
    clean(&gh);
}

#[test]
fn following_next_links_yields_every_item_once() {
    for (count, per_page) in [(1_u64, 1), (7, 3), (30, 30), (31, 30), (101, 100), (250, 100)] {
        let gh = GitHub::start(Scenario::new().setup(move |s| {
            s.add_repo("acme/shop").add_run(
                RunSpec::new(1)
                    .jobs((0..count).map(|index| JobSpec::new(format!("job {index}")).id(1000 + index))),
            );
        }));
        let mut next = Some(format!("{}{REPO}/actions/runs/1/jobs?per_page={per_page}", gh.url()));
        let mut seen = Vec::new();
        let id = gh.read(|s| s.repos[0].id);
        while let Some(url) = next {
            let answer = Ask::new("GET", url).send().unwrap();
            assert_eq!(answer.json()["total_count"], count);
            seen.extend(
                answer.json()["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_u64().unwrap()),
            );
            next = answer.header("link").and_then(|link| {
                let part = link.split(", ").find(|part| part.ends_with("rel=\"next\""))?;
                Some(part.trim_start_matches('<').split('>').next().unwrap().to_owned())
            });
            if let Some(next) = &next {
                assert!(
                    next.starts_with(&format!("{}/repositories/{id}/actions/runs/1/jobs?", gh.url())),
                    "{next}"
                );
            }
        }
        assert_eq!(seen, (1000..1000 + count).collect::<Vec<_>>(), "{count} by {per_page}");
        clean(&gh);
    }
}

#[test]
fn a_renamed_repository_answers_301_to_its_id_with_path_and_query() {
    let gh = start();
    gh.update(|s| {
        s.repo("acme/shop").rename("newco/store");
    });
    let moved = get(&gh, &format!("{REPO}/actions/runs/77/jobs?per_page=1"));
    let id = gh.read(|s| s.repos[0].id);
    let to = format!("{}/repositories/{id}/actions/runs/77/jobs?per_page=1", gh.url());
    assert_eq!((moved.status, moved.header("location")), (301, Some(to.as_str())));
    assert_eq!(Ask::new("GET", to).send().unwrap().json()["total_count"], 2);
    assert_eq!(get(&gh, "/repos/newco/store").json()["full_name"], "newco/store");
    assert_eq!(get(&gh, "/repos/acme/other").status, 404);
    assert_eq!(get(&gh, "/repositories/12345").status, 404);
    clean(&gh);
}

#[test]
fn logs_and_zips_come_from_a_second_origin_that_refuses_credentials() {
    let gh = start();
    let open = get(&gh, &format!("{REPO}/actions/jobs/502/logs"));
    assert_eq!(open.status, 404, "no log while it runs");
    let answer = get(&gh, &format!("{REPO}/actions/jobs/501/logs"));
    let to = answer.header("location").unwrap().to_owned();
    assert!(answer.status == 302 && to.starts_with(gh.blobs_url()) && answer.header("etag").is_none());
    let log = Ask::new("GET", &to).token(None).send().unwrap();
    assert!(String::from_utf8(log.body).unwrap().contains("Z Ran 1 of 1 Specs"));
    let forged = to.replace("sig=", "sig=0");
    assert_eq!(Ask::new("GET", forged).token(None).send().unwrap().status, 403);
    clean(&gh);
    assert_eq!(Ask::new("GET", &to).send().unwrap().status, 400);
    assert!(gh.take_violations()[0].contains("Authorization was sent to the second origin"));
    gh.advance(secs(60));
    assert_eq!(Ask::new("GET", &to).token(None).send().unwrap().status, 403, "a minute is over");
    let zip = get(&gh, &format!("{REPO}/actions/artifacts/901/zip"));
    let bytes = Ask::new("GET", zip.header("location").unwrap()).token(None).send().unwrap().body;
    let artifact = get(&gh, &format!("{REPO}/actions/artifacts/901")).json();
    assert_eq!(artifact["size_in_bytes"], bytes.len());
    assert_eq!(artifact["digest"], format!("sha256:{}", hex(&Sha256::digest(&bytes))));
    gh.update(|s| {
        s.run(77).expire_artifact("reports");
    });
    assert_eq!(get(&gh, &format!("{REPO}/actions/artifacts/901/zip")).status, 410);
    gh.update(|s| s.run(77).data().logs_gone = true);
    assert_eq!(get(&gh, &format!("{REPO}/actions/jobs/501/logs")).status, 410);
    assert_eq!(gh.requests().iter().filter(|request| request.origin == Origin::Blobs).count(), 5);
    clean(&gh);
}

#[test]
fn a_list_may_lag_behind_for_some_reads() {
    let gh = start();
    let head = sha_of("head");
    let list = || {
        let body = get(&gh, &format!("{REPO}/actions/runs?head_sha={head}")).json();
        let runs = body["workflow_runs"].as_array().unwrap().clone();
        runs.iter().map(|run| run["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    gh.update(|s| {
        s.run(77).hide_from_lists(2);
    });
    assert_eq!((list().len(), list().len(), list().len()), (0, 0, 1));
    gh.update(|s| {
        s.run(77).freeze_in_lists(1).complete("failure");
    });
    assert_eq!(get(&gh, &format!("{REPO}/actions/runs/77")).json()["status"], "completed");
    assert_eq!(list(), ["in_progress"]);
    assert_eq!(list(), ["completed"]);
    clean(&gh);
}

#[test]
fn filtered_run_lists_end_at_a_thousand() {
    let gh = GitHub::start(Scenario::new().setup(|s| {
        s.add_repo("acme/shop");
        for id in 1..=1005 {
            s.repo("acme/shop").add_run(RunSpec::new(id).event("push"));
        }
    }));
    assert_eq!(get(&gh, &format!("{REPO}/actions/runs?per_page=1")).json()["total_count"], 1005);
    assert_eq!(get(&gh, &format!("{REPO}/actions/runs?event=push&per_page=1")).json()["total_count"], 1000);
    clean(&gh);
}

#[test]
fn an_enterprise_server_is_asked_below_its_prefix() {
    let gh = GitHub::start(shop().ghes());
    assert!(gh.url().ends_with("/api/v3"));
    let runs = get(&gh, &format!("{REPO}/actions/runs?per_page=1"));
    assert!(runs.header("link").unwrap().starts_with(&format!("<{}/repositories/", gh.url())));
    assert_eq!(runs.header("x-ratelimit-limit"), None);
    let artifact = get(&gh, &format!("{REPO}/actions/artifacts/901")).json();
    assert!(artifact.get("digest").is_none());
    clean(&gh);
    let bare = gh.url().trim_end_matches("/api/v3").to_owned();
    assert_eq!(Ask::new("GET", format!("{bare}{REPO}")).send().unwrap().status, 404);
    assert_eq!(gh.violations().len(), 1);
}

#[test]
fn the_clock_moves_when_told_and_changes_come_in_order() {
    let gh = GitHub::start(
        shop()
            .at(secs(30), |s| {
                s.job(502).complete("failure");
            })
            .at(secs(40), |s| {
                s.run(77).settle();
                s.after(secs(10), |s| {
                    s.repo("acme/shop").status(&sha_of("head"), "late", "success");
                });
            }),
    );
    let job = || get(&gh, &format!("{REPO}/actions/jobs/502")).json();
    gh.advance(secs(29));
    assert_eq!(job()["status"], "in_progress");
    gh.advance(secs(11));
    assert_eq!(job()["completed_at"], "2026-01-23T16:00:30Z");
    let run = get(&gh, &format!("{REPO}/actions/runs/77"));
    assert_eq!(run.json()["updated_at"], "2026-01-23T16:00:40Z");
    assert_eq!(run.header("date"), Some("Fri, 23 Jan 2026 16:00:40 GMT"));
    assert_eq!(run.json()["conclusion"], "failure");
    gh.advance_to_end();
    assert_eq!(gh.now().to_string(), "2026-01-23T16:00:50Z");
    assert_eq!(
        get(&gh, &format!("{REPO}/commits/{}/statuses", sha_of("head"))).json().as_array().unwrap().len(),
        2
    );
    clean(&gh);
}

#[test]
fn a_playing_clock_reaches_what_is_planned() {
    let gh = GitHub::start(shop().at(secs(300), |s| {
        s.job(502).complete("success");
    }));
    gh.play(3000.0);
    assert!(gh.wait_for(secs(5), |s| s.repos[0].jobs[1].status == "completed"));
    gh.pause();
    assert!(gh.now().seconds() >= 1_769_184_000 + 300);
}

#[test]
fn a_change_that_fails_is_a_violation() {
    let gh = GitHub::start(shop().at(secs(1), |s| {
        s.run(4711).start();
    }));
    gh.advance(secs(1));
    assert!(gh.violations()[0].contains("there is no run 4711"), "{:?}", gh.violations());
}

#[test]
fn a_request_without_a_user_agent_is_refused() {
    let gh = start();
    let answer = Ask::new("GET", format!("{}{REPO}", gh.url())).header("user-agent", "").send().unwrap();
    assert_eq!((answer.status, gh.violations().len()), (403, 1));
}
