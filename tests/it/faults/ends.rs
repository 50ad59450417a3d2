//! The end of a process while the API server takes requests and says nothing.

use std::time::{Duration, Instant};

use super::relay::{Fate, Relay};
use crate::cluster::cluster;
use crate::controller::bench::client;
use crate::leader::{self, LEASES};
use crate::story::operator::Operator;

/// Each of them would be waited for.
const SHARDS: usize = 40;
/// What the chart gives a pod for its end.
const GRACE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_says_nothing_keeps_no_process_from_its_end() {
    let plane = cluster().await;
    let namespace = plane.namespace("mute").await.unwrap();
    let (relay, gh) = (Relay::to_kube(client(plane).await).await, leader::running());
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let kubeconfig = put("kubeconfig", &relay.kubeconfig(&namespace).to_string());
    let (config, shards) = (put("config.yaml", LEASES), SHARDS.to_string());
    let config = config.to_str().unwrap();
    let args = ["--config", config, "--lease-namespace", &namespace, "--shards", &shards];
    let mut operator = Operator::start_as(&kubeconfig, &namespace, gh.url(), &args).await;
    leader::until_held(&operator, SHARDS).await;
    relay.rule(|_| Fate::Lost);
    let begin = Instant::now();
    operator.signal("TERM").await;
    assert!(operator.ended().await.success());
    assert!(begin.elapsed() < GRACE, "{:?}", begin.elapsed());
}
