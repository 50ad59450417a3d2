//! Faults as a client sees them.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Ask, clean, get};
use super::{GitHub, secs, start};
use crate::github::{Fault, Match};

const RUNS: &str = "/repos/acme/shop/actions/runs?per_page=1";
const RUN: &str = "/repos/acme/shop/actions/runs/77";

fn with(fault: Fault) -> GitHub {
    let gh = start();
    gh.fail(Match::path("/actions/runs"), fault);
    gh
}

#[test]
fn answers_in_place_of_the_right_one() {
    let cases = [
        (Fault::Status(500), 500),
        (Fault::Status(502), 502),
        (Fault::Answer(503, "<html>unicorn</html>".into()), 503),
        (Fault::Garbage("{\"total_count\":".into()), 200),
        (Fault::Redirect("http://169.254.169.254/".into()), 302),
        (Fault::PrimaryLimit, 403),
        (Fault::SecondaryLimit(429, Some(7)), 429),
    ];
    for (fault, status) in cases {
        let gh = with(fault.clone());
        let answer = get(&gh, RUNS);
        assert_eq!(answer.status, status, "{fault:?}");
        match fault {
            Fault::Redirect(to) => assert_eq!(answer.header("location"), Some(to.as_str())),
            Fault::PrimaryLimit => assert_eq!(answer.number("x-ratelimit-remaining"), 0),
            Fault::SecondaryLimit(..) => assert_eq!(answer.number("retry-after"), 7),
            _ => {}
        }
        assert!(gh.requests()[0].fault.is_some() && !gh.requests()[0].counted);
        clean(&gh);
    }
}

#[test]
fn connections_that_break() {
    let gh = with(Fault::Truncate);
    assert_eq!(
        Ask::new("GET", format!("{}{RUNS}", gh.url())).send().unwrap_err().kind(),
        ErrorKind::UnexpectedEof
    );
    let gh = with(Fault::Reset);
    assert_eq!(
        Ask::new("GET", format!("{}{RUNS}", gh.url())).send().unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(gh.requests()[0].status, 0);
    let gh = start();
    gh.fail(Match::blobs("/job-logs/"), Fault::Truncate);
    let to = get(&gh, "/repos/acme/shop/actions/jobs/501/logs").header("location").unwrap().to_owned();
    assert!(Ask::new("GET", to).token(None).send().is_err());
    clean(&gh);
}

#[test]
fn answers_that_never_come_or_come_slowly() {
    let gh = with(Fault::Hang);
    let url = format!("{}{RUNS}", gh.url());
    let client = std::thread::spawn(move || Ask::new("GET", url).send());
    assert!(gh.wait_until(secs(5), |requests| requests.len() == 1));
    // It ends only with the server.
    assert!(!client.is_finished() && gh.most_in_flight() == 1);
    drop(gh);
    assert!(client.join().unwrap().is_err());
    let gh = with(Fault::SlowBody(500, Duration::from_millis(1)));
    assert_eq!(get(&gh, RUNS).json()["total_count"], 2);
    let gh = with(Fault::Delay(Duration::from_millis(20)));
    assert_eq!(get(&gh, RUNS).status, 200);
    let gh = with(Fault::Oversized(3 << 20));
    assert_eq!(get(&gh, RUNS).body.len(), 3 << 20);
}

#[test]
fn bodies_and_links_that_lie() {
    assert_eq!(get(&with(Fault::WrongTotalCount(5)), RUNS).json()["total_count"], 7);
    assert_eq!(get(&with(Fault::UnknownStatus("paused".into())), RUN).json()["status"], "paused");
    assert_eq!(get(&with(Fault::UnknownConclusion("odd".into())), RUN).json()["conclusion"], "odd");
    let gh = with(Fault::NullConclusion);
    gh.update(|s| {
        s.run(77).complete("success");
    });
    assert_eq!(get(&gh, RUN).json()["conclusion"], Value::Null);
    let gh = with(Fault::Edit(Arc::new(|body| body["head_sha"] = json!("0000"))));
    assert_eq!(get(&gh, RUN).json()["head_sha"], "0000");
    let looping = get(&with(Fault::LoopingLink), RUNS);
    assert!(looping.header("link").unwrap().contains("&page=1>; rel=\"next\""));
    let foreign = get(&with(Fault::ForeignLink("https://evil.invalid".into())), RUNS);
    assert!(foreign.header("link").unwrap().starts_with("<https://evil.invalid/repositories/"));
    assert_eq!(get(&with(Fault::NoEtag), RUNS).header("etag"), None);
}

#[test]
fn a_fault_hits_what_it_is_meant_for_and_ends() {
    let gh = start();
    gh.fail(Match::path("/actions/runs/{run_id}$").method("get").after(1).times(2), Fault::Status(500));
    let seen: Vec<u16> = (0..5).map(|_| get(&gh, RUN).status).collect();
    assert_eq!(seen, [200, 500, 500, 200, 200]);
    assert_eq!(get(&gh, "/repos/acme/shop/actions/runs/77/jobs").status, 200);
    gh.fail(Match::any(), Fault::Status(503));
    assert_eq!(get(&gh, RUN).status, 503);
    gh.clear_faults();
    assert_eq!(get(&gh, RUN).status, 200);
    clean(&gh);
}
