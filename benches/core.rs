//! What the pure parts cost: `cargo bench --bench core`.
//!
//! Facts are those of the pull request of the tests, its jobs repeated under other names. What is compared
//! with: SHA-256 or HMAC over the same bytes, and copying them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use bytes::Bytes;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use testrun_operator::api::TestRunReportSpec;
use testrun_operator::api::spec::{GitHubSource, Source};
use testrun_operator::collect::{Look, Memory, collect};
use testrun_operator::connections::{Connection, Connections, Own, Signing};
use testrun_operator::evidence::fingerprint;
use testrun_operator::github::{ApiBase, Credential, GitHub, Settings, tag};
use testrun_operator::verdict::facts::{Facts, Observations};
use testrun_operator::verdict::{Context, Waivers, evaluate};
use testrun_operator::webhooks::{Limits, Receiver, Stats};

fn main() {
    divan::main();
}

fn spec() -> TestRunReportSpec {
    let github = GitHubSource {
        repository: testkit::github::scenarios::pr20::REPOSITORY.into(),
        connection: "github.com".into(),
        pull_request: Some(20),
        ..Default::default()
    };
    TestRunReportSpec { source: Source { github }, ..Default::default() }
}

/// Facts with so many jobs.
fn facts(jobs: usize) -> Facts {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let gh = testkit::github::GitHub::start(testkit::github::scenarios::pull_request_20());
    gh.advance_to_end();
    let client = GitHub::new(
        &ApiBase::parse(gh.url()).unwrap(),
        &Credential::Token(testkit::github::TOKEN.to_owned().into()),
        &Settings::default(),
    )
    .unwrap();
    let seen = runtime.block_on(collect(&client, &spec(), &Memory::new(), Look::whole()));
    let Observations::Facts(mut facts) = seen else {
        panic!("the facts of the scenario cannot be read: {seen:?}")
    };
    let run = facts.runs.first_mut().unwrap();
    let known = run.jobs.clone();
    for (n, job) in known.iter().cycle().enumerate().take(jobs.saturating_sub(known.len())) {
        let mut job = job.clone();
        job.id += 1_000_000 + n as i64;
        job.name = format!("{} (copy {n})", job.name);
        run.jobs.push(job);
    }
    run.jobs_total = run.jobs.len() as i64;
    *facts
}

#[divan::bench(args = [22, 100, 1000])]
fn evaluate_jobs(bencher: Bencher<'_, '_>, jobs: usize) {
    let (spec, seen) = (spec(), Observations::Facts(Box::new(facts(jobs))));
    let now: Timestamp = "2026-01-24T00:00:00Z".parse().unwrap();
    let context = Context {
        generation: 1,
        name: Some("pr-20"),
        namespace: Some("default"),
        previous: None,
        waivers: Waivers::default(),
        now,
        moved: false,
    };
    bencher.counter(ItemsCount::new(jobs)).bench(|| evaluate(black_box(&spec), black_box(&seen), &context));
}

/// Lines as logs have them.
fn lines() -> Vec<String> {
    (0..1000)
        .map(|n| {
            format!(
                "2026-01-23T16:{:02}:{:02}.123Z expected status 200 got 503 from http://10.0.{n}.7:4{n:04}/api/v1/items/{n} \
                 after {n}ms (id 3f2504e0-4f89-11d3-9a0c-0305e82c{n:04x})",
                n / 60 % 60,
                n % 60
            )
        })
        .collect()
}

#[divan::bench]
fn normalise_lines(bencher: Bencher<'_, '_>) {
    let lines = lines();
    let bytes: usize = lines.iter().map(String::len).sum();
    bencher
        .counter(BytesCount::new(bytes))
        .bench(|| lines.iter().map(|l| fingerprint::normalise(black_box(l)).len()).sum::<usize>());
}

#[divan::bench]
fn sha256_of_the_same_lines(bencher: Bencher<'_, '_>) {
    let text = lines().concat();
    bencher.counter(BytesCount::new(text.len())).bench(|| Sha256::digest(black_box(&text)));
}

/// Memory bandwidth: what nothing that reads these lines can beat.
#[divan::bench]
fn copying_the_same_lines(bencher: Bencher<'_, '_>) {
    let text = lines().concat();
    bencher.counter(BytesCount::new(text.len())).bench(|| black_box(text.as_bytes()).to_vec());
}

/// A job with a thousand failing tests, each with its message.
#[divan::bench]
fn fingerprint_of_a_job(bencher: Bencher<'_, '_>) {
    let lines = lines();
    bencher.counter(ItemsCount::new(lines.len())).bench(|| {
        let mut failures = fingerprint::Failures::default();
        for (n, line) in lines.iter().enumerate() {
            failures.test(&format!("TestItems/{n}"), Some(black_box(line)));
        }
        failures.fingerprint()
    });
}

const SECRET: &str = "it's a secret";

/// A delivery of the usual size.
fn delivery() -> Bytes {
    let mut body = String::from(
        r#"{"action":"completed","repository":{"full_name":"acme/shop"},"workflow_run":{"id":7,"head_sha":"abc","status":"completed"},"rest":["#,
    );
    while body.len() < 24 << 10 {
        body.push_str(r#"{"name":"checks","html_url":"https://github.example.com/acme/shop","id":7},"#);
    }
    body.push_str("null]}");
    body.into()
}

fn mac(body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    mac
}

/// From the request to the sink: bounds, signature, the event, and whether it came before.
#[divan::bench]
fn webhook_delivery_received(bencher: Bencher<'_, '_>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connection = Connection {
        webhooks: vec![Signing::Secret(SECRET.into())],
        ..Connection::open("github.com", Default::default(), Own::None)
    };
    let receiver = Receiver::new(
        Connections::new([connection]).into(),
        Arc::new(|_, _| ()),
        Stats::default(),
        Limits::default(),
    );
    let body = delivery();
    let signature: String = mac(&body).finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    let mut n = 0;
    bencher
        .counter(BytesCount::new(body.len()))
        .with_inputs(|| {
            n += 1;
            http::Request::post("/webhooks/github.com")
                .header("content-type", "application/json")
                .header("content-length", body.len())
                .header("x-github-event", "workflow_run")
                .header("x-github-delivery", format!("delivery-{n}"))
                .header("x-hub-signature-256", format!("sha256={signature}"))
                .body(http_body_util::Full::new(body.clone()))
                .unwrap()
        })
        .bench_local_values(|request| {
            let status = runtime.block_on(receiver.receive(request)).status();
            assert_eq!(status, 202);
        });
}

#[divan::bench]
fn hmac_of_the_same_delivery(bencher: Bencher<'_, '_>) {
    let body = delivery();
    bencher.counter(BytesCount::new(body.len())).bench(|| mac(black_box(&body)).finalize().into_bytes());
}

/// The tag under a new token, of an answer with a hundred jobs.
#[divan::bench]
fn etag_of_an_answer(bencher: Bencher<'_, '_>) {
    let body = vec![b'x'; 180 << 10];
    bencher
        .counter(BytesCount::new(body.len()))
        .bench(|| tag("application/vnd.github+json", Some("Bearer token"), black_box(&body)));
}

#[divan::bench]
fn sha256_of_the_same_answer(bencher: Bencher<'_, '_>) {
    let body = vec![b'x'; 180 << 10];
    bencher.counter(BytesCount::new(body.len())).bench(|| Sha256::digest(black_box(&body)));
}
