//! What a million reports take in the cache of one replica, without an API server: `cargo bench --bench many [-- REPORTS]`.
//!
//! Each is a report with a verdict about 22 jobs, with a name, commit, ids and times of its own. It is packed and kept as
//! the watch does it; then some are opened, and all are asked what metrics ask. How evenly shards divide namespaces is
//! printed too.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Instant;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::watcher::Event;
use sha2::{Digest, Sha256};
use testrun_operator::api::TestRunReport;
use testrun_operator::api::spec::{GitHubSource, Source};
use testrun_operator::cache::{Kept, Snapshot};
use testrun_operator::collect::{Look, Memory, collect};
use testrun_operator::github::{ApiBase, Credential, GitHub, Settings};
use testrun_operator::leader::shard_of;
use testrun_operator::verdict::{Context, Waivers, evaluate};

/// Reports that are opened.
const OPENED: usize = 2_000;
const NAMESPACES: usize = 10_000;

#[tokio::main]
async fn main() {
    let given = std::env::args().skip(1).find_map(|a| a.parse().ok());
    let reports: usize = given.unwrap_or(1_000_000);
    let first = decided().await;
    let text = serde_json::to_vec(&first).unwrap().len();
    let (reader, mut writer) = reflector::store::<Kept>();
    let before = resident();
    let begin = Instant::now();
    for n in 0..reports {
        let report = another(&first, n);
        let kept = Kept::new(&report, Snapshot::of(&report, &[]));
        writer.apply_watcher_event(&Event::Apply(kept));
    }
    let packed = begin.elapsed();
    let bytes = (resident() - before) as f64 / reports as f64;

    let begin = Instant::now();
    let step = (reports / OPENED).max(1);
    for n in (0..reports).step_by(step) {
        let (name, namespace) = named(n);
        let found = reader.get(&ObjectRef::new(&name).within(&namespace)).unwrap();
        assert_eq!(found.open().unwrap().name_any(), name);
    }
    let opened = begin.elapsed() / u32::try_from(reports / step).unwrap().max(1);

    let begin = Instant::now();
    let publishing = reader.state().iter().filter(|kept| kept.facts().publishes).count();
    let asked = begin.elapsed();
    println!("| {reports} reports of 22 jobs, {text} bytes of JSON each | |\n|---|---:|");
    println!("| memory of each in the cache, KB | {:.1} |", bytes / 1024.0);
    println!("| made, packed and kept, us each | {:.0} |", packed.as_secs_f64() * 1e6 / reports as f64);
    println!("| found and opened, us each | {:.0} |", opened.as_secs_f64() * 1e6);
    println!("| all asked for what is at hand, ms | {:.0} |", asked.as_secs_f64() * 1e3);
    assert_eq!(publishing, 0);

    println!("\n| shards of {NAMESPACES} namespaces | largest share, of an even one |\n|---:|---:|");
    for shards in [2_u16, 4, 8, 16, 32] {
        let mut shares = vec![0_usize; usize::from(shards)];
        for n in 0..NAMESPACES {
            shares[usize::from(shard_of(&format!("team-{n}"), shards))] += 1;
        }
        let most = *shares.iter().max().unwrap() as f64;
        println!("| {shards} | {:.2} |", most * f64::from(shards) / NAMESPACES as f64);
    }
}

/// A report as it is stored after its verdict.
async fn decided() -> TestRunReport {
    let gh = testkit::github::GitHub::start(testkit::github::scenarios::pull_request_20());
    gh.advance_to_end();
    let token = Credential::Token(testkit::github::TOKEN.to_owned().into());
    let client = GitHub::new(&ApiBase::parse(gh.url()).unwrap(), &token, &Settings::default()).unwrap();
    let github = GitHubSource {
        repository: testkit::github::scenarios::pr20::REPOSITORY.into(),
        connection: "github.com".into(),
        pull_request: Some(20),
        ..Default::default()
    };
    let mut report = TestRunReport::new("pr-20", Default::default());
    report.spec.source = Source { github };
    let seen = collect(&client, &report.spec, &Memory::new(), Look::whole()).await;
    let context = Context {
        generation: 1,
        name: Some("pr-20"),
        namespace: Some("team-0"),
        previous: None,
        waivers: Waivers::default(),
        now: "2026-01-24T00:00:00Z".parse::<Timestamp>().unwrap(),
        moved: false,
    };
    report.status = Some(evaluate(&report.spec, &seen, &context).status);
    assert!(report.status.as_ref().unwrap().source.is_some(), "{seen:?}");
    report
}

fn named(n: usize) -> (String, String) {
    (format!("pr-{n}"), format!("team-{}", n % NAMESPACES))
}

/// The same report about something else.
fn another(first: &TestRunReport, n: usize) -> TestRunReport {
    let mut report = first.clone();
    let digest = Sha256::digest(n.to_le_bytes());
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    let (name, namespace) = named(n);
    (report.metadata.name, report.metadata.namespace) = (Some(name), Some(namespace));
    report.metadata.uid =
        Some(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32]));
    report.metadata.resource_version = Some((1_000_000 + n).to_string());
    let id = 7_000_000_000 + n as i64 * 1_000;
    let status = report.status.as_mut().unwrap();
    let source = status.source.as_mut().unwrap();
    source.sha = hex[..40].to_owned();
    for (at, run) in source.runs.iter_mut().enumerate() {
        run.id = id + at as i64;
        run.url = format!("https://github.com/acme/shop/actions/runs/{}", run.id);
    }
    for (at, failure) in status.failures.iter_mut().enumerate() {
        let job = id + 100 + at as i64;
        failure.url = Some(format!("https://github.com/acme/shop/actions/runs/{id}/job/{job}"));
    }
    report
}

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
