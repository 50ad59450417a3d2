//! CloudEvents: what a sink gets, how it is signed, and that a bad sink holds nothing up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use testrun_operator::connections::Publish;
use testrun_operator::notify::{Notifier, Retries, Sink};
use testrun_operator::runtime::metrics::Metrics;
use tokio_util::sync::CancellationToken;

use super::bench::{self, Bench, QUICK};
use super::{SHA, green, red, running};
use crate::cluster::eventually;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// A sink that answers with these codes, then with 204.
#[derive(Clone, Default)]
pub struct Heard {
    pub all: Arc<Mutex<Vec<(HeaderMap, bytes::Bytes)>>>,
    pub codes: Arc<Mutex<Vec<u16>>>,
}

impl Heard {
    pub async fn listen(&self) -> http::Uri {
        let heard = self.clone();
        let answer = move |headers: HeaderMap, body: bytes::Bytes| async move {
            heard.all.lock().unwrap().push((headers, body));
            let mut codes = heard.codes.lock().unwrap();
            let code = if codes.is_empty() { 204 } else { codes.remove(0) };
            // A redirect leads to where nobody should go.
            (StatusCode::from_u16(code).unwrap(), [("location", "http://127.0.0.1:9/")])
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new().route("/events", axum::routing::post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/events").parse().unwrap()
    }

    pub fn types(&self) -> Vec<String> {
        let all = self.all.lock().unwrap();
        let of = |b: &bytes::Bytes| {
            serde_json::from_slice::<Value>(b).unwrap()["type"].as_str().unwrap().to_owned()
        };
        all.iter().map(|(_, body)| of(body)).collect()
    }

    pub async fn until(&self, last: &str, count: usize) {
        let is = async || (self.types().len() >= count && self.types().last().unwrap() == last).then_some(());
        eventually(|| format!("{last} at the sink, after {:?}", self.types()), is).await;
    }
}

fn sink(name: &str, url: http::Uri, secret: Option<&std::path::Path>, namespaces: &str) -> Sink {
    Sink { name: name.into(), url, secret_file: secret.map(Into::into), namespaces: vec![namespaces.into()] }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_a_verdict_is_told_once_signed_and_in_order() {
    let plane = bench::plane().await;
    let namespace = plane.namespace("told").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, format!("whsec_{}\n", STANDARD.encode(SECRET))).unwrap();
    let (heard, other, gone) = (Heard::default(), Heard::default(), Heard::default());
    // Busy twice, then away from where it was: the second event is given up, the third arrives.
    *heard.codes.lock().unwrap() = vec![503, 429, 204, 307];
    let quick = Retries { most: 3, pause: Duration::from_millis(10), timeout: Duration::from_secs(5) };
    let sinks = vec![
        sink("a", heard.listen().await, Some(&secret), "told-*"),
        sink("b", other.listen().await, None, "elsewhere"),
        sink("c", "http://127.0.0.1:9/".parse().unwrap(), None, "*"),
        sink("d", gone.listen().await, Some(&folder.path().join("none")), "*"),
    ];
    let (end, metrics) = (CancellationToken::new(), Metrics::new());
    let notifier = Notifier::start(sinks, quick, metrics.clone(), &end).unwrap();
    let bench =
        Bench::start_telling(plane, namespace, QUICK, running(), Publish::default(), true, notifier).await;
    bench.create("a", json!({})).await;
    bench.reason("a", "Running").await;
    heard.until("dev.testrun.report.undecided", 3).await;
    bench.script.more(3).await;
    bench.script.say(red());
    heard.until("dev.testrun.report.failed", 4).await;
    bench.script.say(green());
    heard.until("dev.testrun.report.passed", 5).await;
    bench.script.more(3).await;
    let report = bench.reason("a", "AllRequiredSucceeded").await;
    let all = heard.all.lock().unwrap().clone();
    assert_eq!(all.len(), 5, "{:?}", heard.types());
    let ids: Vec<&str> = all.iter().map(|(h, _)| h["webhook-id"].to_str().unwrap()).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3] && ids[3] != ids[4], "{ids:?}");
    for (headers, body) in &all {
        assert_eq!(headers["content-type"], "application/cloudevents+json; charset=utf-8");
        let text = |name: &str| headers[name].to_str().unwrap().to_owned();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET).unwrap();
        mac.update(format!("{}.{}.", text("webhook-id"), text("webhook-timestamp")).as_bytes());
        mac.update(body);
        let want = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(text("webhook-signature"), want);
    }
    let last: Value = serde_json::from_slice(&all[4].1).unwrap();
    assert_eq!((&last["specversion"], &last["subject"]), (&json!("1.0"), &json!(SHA)));
    assert_eq!(last["id"], ids[4]);
    let source = last["source"].as_str().unwrap();
    assert_eq!(source, format!("/apis/testrun.dev/v1alpha1/namespaces/{}/testrunreports/a", bench.namespace));
    assert_eq!((&last["data"]["passed"], &last["data"]["final"]), (&json!(true), &json!(true)));
    assert_eq!(last["data"]["uid"], json!(report.metadata.uid));
    assert!(other.types().is_empty(), "another namespace's sink");
    assert!(gone.types().is_empty(), "nothing is sent unsigned where a signature is wanted");
    // All that could be told was; what nobody takes holds back the mark, and is told again.
    let counts = |outcome: &str| {
        let name = format!("testrun_events_total{{outcome=\"{outcome}\"}} ");
        let text = metrics.text().unwrap();
        text.lines().find_map(|l| l.strip_prefix(&name)).unwrap().parse::<u64>().unwrap()
    };
    let counted = async || (counts("delivered") >= 2 && counts("failed") >= 2).then_some(());
    eventually(
        || format!("all to be counted, and two sinks to take nothing:\n{}", metrics.text().unwrap()),
        counted,
    )
    .await;
    assert_eq!((counts("delivered"), counts("refused"), counts("dropped")), (2, 1, 0));
    assert_eq!(report.status.unwrap().told, None);
    bench.stop().await;
    end.cancel();
}
