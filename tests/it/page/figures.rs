//! How fast pages of ten thousand reports are; docs/page.md has the figures.
//!
//! `cargo test --test it -- --ignored --nocapture page::figures`

use std::time::{Duration, Instant};

use kube::runtime::reflector;
use kube::runtime::watcher::Event;
use testrun_operator::cache::Kept;
use testrun_operator::config::Page;
use testrun_operator::serve::{self, Reports, Site};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::access::{place, token};
use crate::cli::examples::pull_request_20;
use crate::cluster::cluster;
use crate::controller::bench::client;

const REPORTS: i64 = 10_000;
const TIMES: usize = 30;

/// How long until the first byte and the last, and how many there are.
async fn measure(address: &str, path: &str, token: &str) -> (Duration, Duration, usize) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    let begin = Instant::now();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0];
    stream.read_exact(&mut answer).await.unwrap();
    let first = begin.elapsed();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    (first, begin.elapsed(), answer.len())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures"]
async fn of_ten_thousand_reports() {
    let plane = cluster().await;
    let namespace = place(plane, "page-figures").await;
    let token = token(plane, &namespace, "reader", &["--audience=testrun-operator"]).await;
    let like = pull_request_20().await;
    let (store, mut writer) = reflector::store();
    writer.apply_watcher_event(&Event::Init);
    for n in 0..REPORTS {
        let mut report = like.clone();
        report.metadata.name = Some(format!("pr-{n}"));
        report.metadata.namespace = Some(namespace.clone());
        report.metadata.generation = Some(1);
        let repository = format!("octo-org/repository-{:02}", n % 40);
        report.spec.source.github.repository = repository.clone();
        if let Some(source) = report.status.as_mut().and_then(|s| s.source.as_mut()) {
            (source.repository, source.pull_request) = (repository, Some(n));
        }
        writer.apply_watcher_event(&Event::InitApply(Kept::from(&report)));
    }
    writer.apply_watcher_event(&Event::InitDone);
    let reports = Reports::default();
    reports.add(store);
    let settings = Page { enabled: true, ..Page::default() };
    let audiences = vec!["testrun-operator".to_owned()];
    let site = Site::new(client(plane).await, reports, audiences).with_page(&settings);
    let listener = serve::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let end = CancellationToken::new();
    tokio::spawn(serve::serve(listener, None, site, end.clone()));
    println!("| {REPORTS} reports | first byte, median | slowest of {TIMES} | page |\n|---|---|---|---|");
    let grid = format!("/grid?namespace={namespace}&repository=octo-org/repository-07");
    for path in [
        "/",
        "/?page=200",
        "/?state=undecided&repository=repository-07",
        &format!("/reports/{namespace}/pr-7"),
        &grid,
    ] {
        let mut times = Vec::new();
        let (asked, ..) = measure(&address, path, &token).await;
        let mut size = 0;
        for _ in 0..TIMES {
            let (first, _, bytes) = measure(&address, path, &token).await;
            times.push(first);
            size = bytes;
        }
        times.sort();
        let path = path.replace(&namespace, "ci");
        println!(
            "| `{path}` | {:.1?} (the first time {asked:.1?}) | {:.1?} | {} KB |",
            times[TIMES / 2],
            times[TIMES - 1],
            size / 1000
        );
    }
    drop(end.drop_guard());
}
