//! Webhooks: what is sent, signed, lost, repeated, reordered and sent again.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use super::client::clean;
use super::{CheckSpec, GitHub, PullSpec, RunSpec, secs, sha_of, shop, start};
use crate::github::webhook_signature;

/// What a receiver got.
struct Got {
    headers: String,
    body: Vec<u8>,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        let line = self.headers.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.headers))
    }

    fn event(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        format!("{} {}", self.header("x-github-event"), body["action"].as_str().unwrap_or("-"))
    }
}

/// A receiver that answers with the given status, and what it got.
fn receiver(status: u16) -> (String, Receiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (send, got) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut data = Vec::new();
            let mut piece = [0; 8192];
            let (head, length) = loop {
                let count = stream.read(&mut piece).unwrap();
                data.extend(&piece[..count]);
                if let Some(at) = data.windows(4).position(|four| four == b"\r\n\r\n") {
                    let head = String::from_utf8(data[..at].to_vec()).unwrap();
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                    break (head.clone(), at + 4 + length.parse::<usize>().unwrap());
                }
            };
            while data.len() < length {
                let count = stream.read(&mut piece).unwrap();
                data.extend(&piece[..count]);
            }
            write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").unwrap();
            let body = data[head.len() + 4..].to_vec();
            if send.send(Got { headers: head, body }).is_err() {
                return;
            }
        }
    });
    (url, got)
}

fn delivered(gh: &GitHub, count: usize) {
    assert!(
        gh.wait_for(secs(10), |s| s.hooks.deliveries.len() >= count && s.hooks.waiting() == 0),
        "{:?}",
        gh.deliveries().iter().map(|one| (&one.event, &one.action, one.status)).collect::<Vec<_>>()
    );
}

#[test]
fn every_change_is_told_signed_and_fits_the_description() {
    let (url, got) = receiver(204);
    let gh = GitHub::start(shop().setup(|s| {
        s.install("acme");
    }));
    gh.update(|s| s.send_hooks_to(&url, "s3cret"));
    gh.advance(secs(10));
    gh.update(|s| {
        s.job(502).wait().start().complete("failure");
        s.run(77).settle();
        s.repo("acme/shop").push(20, &sha_of("more"), false).status(&sha_of("more"), "ci", "pending");
        s.repo("acme/shop").add_run(RunSpec::new(80).pull_request(20).job("unit")).start();
        s.repo("acme/shop")
            .add_check(CheckSpec::new("cov", sha_of("more"), 999, "cov-app").completed("neutral"));
        s.repo("acme/shop").add_run(RunSpec::new(81).pull_request(20).job((581, "deploy")));
        s.job(581).wait_for("production", false);
        s.repo("acme/shop").merge_group(20, &sha_of("group"));
        s.repo("acme/shop").push_to("main", &sha_of("pushed")).push_to("new", &sha_of("pushed"));
        s.repo("acme/shop").delete_branch("new").archive(true).archive(false);
        s.repo("acme/shop").close_pull(20, true).pull_request(PullSpec::new(21, sha_of("other")));
    });
    delivered(&gh, 23);
    clean(&gh);
    let got: Vec<Got> = got.try_iter().collect();
    let events: Vec<String> = got.iter().map(Got::event).collect();
    for wanted in [
        "ping -", "workflow_job waiting", "workflow_job in_progress", "workflow_job completed",
        "check_run completed", "workflow_run completed", "check_suite completed", "pull_request synchronize",
        "status -", "workflow_run requested", "workflow_job queued", "check_run created",
        "workflow_run in_progress", "deployment_protection_rule requested", "merge_group checks_requested",
        "pull_request closed", "pull_request opened", "push -", "repository archived",
        "repository unarchived",
    ] {
        assert!(events.iter().any(|event| event == wanted), "{wanted} is not in {events:?}");
    }
    for one in &got {
        assert_eq!(one.header("x-hub-signature-256"), webhook_signature("s3cret", &one.body));
    }
    let ids: std::collections::BTreeSet<&str> =
        got.iter().map(|one| one.header("x-github-delivery")).collect();
    assert_eq!(ids.len(), got.len());
    let run = got.iter().find(|one| one.event() == "workflow_run completed").unwrap();
    let body: Value = serde_json::from_slice(&run.body).unwrap();
    assert_eq!(
        (&body["workflow_run"]["id"], &body["workflow_run"]["conclusion"]),
        (&77.into(), &"failure".into())
    );
    assert!(body["installation"]["id"].is_u64());
}

#[test]
fn the_signature_is_the_published_one() {
    // The example of GitHub's documentation.
    assert_eq!(
        webhook_signature("It's a Secret to Everybody", b"Hello, World!"),
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    );
}

#[test]
fn deliveries_can_be_lost_repeated_reordered_and_held() {
    let many = |s: &mut crate::github::State| {
        for number in 0..40 {
            s.repo("acme/shop").status(&sha_of("head"), &format!("c{number}"), "success");
        }
    };
    let contexts = |got: &Receiver<Got>| -> Vec<String> {
        let bodies = got.try_iter().map(|one| serde_json::from_slice::<Value>(&one.body).unwrap());
        bodies.filter_map(|body| body["context"].as_str().map(str::to_owned)).collect()
    };
    let in_order: Vec<String> = (0..40).map(|number| format!("c{number}")).collect();

    let (url, got) = receiver(200);
    let gh = start();
    gh.update(|s| {
        s.send_hooks_to(&url, "x");
        s.hooks.held = true;
        s.hooks.shuffle = true;
        s.hooks.duplicate_percent = 50;
        many(s);
    });
    assert_eq!(gh.deliveries().len(), 0);
    gh.update(|s| s.hooks.release());
    delivered(&gh, 41);
    let mut seen = contexts(&got);
    assert!(seen.len() > 50 && seen != in_order, "{}", seen.len());
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 40, "each came at least once");

    let (url, got) = receiver(200);
    let gh = start();
    gh.update(|s| {
        s.send_hooks_to(&url, "x");
        s.hooks.drop_percent = 50;
        many(s);
    });
    delivered(&gh, 41);
    let seen = contexts(&got);
    assert!((5..35).contains(&seen.len()), "{}", seen.len());
    assert!(gh.deliveries().iter().all(|one| one.status == 200), "the sender does not know");
    clean(&gh);
}

#[test]
fn what_a_receiver_refused_is_listed_and_can_be_sent_again() {
    let (url, got) = receiver(500);
    let gh = start();
    gh.update(|s| s.send_hooks_to(&url, "x"));
    delivered(&gh, 1);
    let first = got.recv().unwrap();
    let failed = gh.read(|s| s.hooks.deliveries[0].clone());
    assert_eq!((failed.status, failed.redelivery), (500, false));
    let jwt = super::access::jwt_now(&gh);
    let ask = |method: &str, path: &str| {
        let url = format!("{}{path}", gh.url());
        super::client::Ask::new(method, url).token(Some(&jwt)).send().unwrap()
    };
    assert_eq!(ask("GET", "/app/hook/deliveries?status=failure").json()[0]["guid"], failed.guid);
    assert_eq!(ask("GET", "/app/hook/deliveries?status=success").json().as_array().unwrap().len(), 0);
    assert_eq!(
        ask("GET", &format!("/app/hook/deliveries/{}", failed.id)).json()["request"]["payload"]["hook_id"],
        1
    );
    assert_eq!(ask("POST", &format!("/app/hook/deliveries/{}/attempts", failed.id)).status, 202);
    delivered(&gh, 2);
    let second = got.recv().unwrap();
    assert_eq!(first.header("x-github-delivery"), second.header("x-github-delivery"));
    clean(&gh);
}
