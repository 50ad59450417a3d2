//! The same laws on a PostgreSQL server, where Debian's package has one.

use serde_json::json;
use testrun_operator::history::{History, Of};
use testrun_operator::runtime::metrics::Metrics;
use tokio_util::sync::CancellationToken;

use super::broken::{long, records, troubled};
use super::laws::{self, asked};
use super::server::Server;
use crate::cluster::eventually;
use crate::controller::bench::{Bench, QUICK};
use crate::controller::{green, red};

#[tokio::test(flavor = "multi_thread")]
async fn the_laws_hold_on_a_server() {
    let Some(server) = Server::start().await else { return };
    laws::hold(&server.place()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_for_a_while_keeps_no_verdict_and_has_it_all_in_the_end() {
    let Some(mut server) = Server::start().await else { return };
    let (metrics, stop) = (Metrics::new(), CancellationToken::new());
    let (history, task) = History::start(server.place(), long(), metrics.clone(), stop.clone());
    let bench = Bench::start_recording("pggone", QUICK, red(), history.clone()).await;
    bench.create("a", json!({})).await;
    bench.reason("a", "RequiredFailed").await;
    let counted = async |outcome: &str| {
        let some = async || (records(&metrics, outcome) > 0.0).then_some(());
        eventually(|| format!("a record that is {outcome}"), some).await;
    };
    counted("stored").await;
    server.kill().await;
    bench.script.say(green());
    bench.reason("a", "AllRequiredSucceeded").await;
    troubled(&metrics).await;
    server.run().await;
    let namespace = bench.namespace.clone();
    let found = async || {
        let commits = history.store()?.page(&asked(&namespace, Of::Commits, 10, None)).await.ok()?.commits;
        commits.first().filter(|c| c.verdicts.iter().any(|v| v.verdict == "passed")).map(|c| c.results)
    };
    assert_eq!(eventually(|| "the verdict of meanwhile", found).await, 1);
    bench.stop().await;
    stop.cancel();
    task.unwrap().await.unwrap();
}
