//! Traces, as a collector gets them: decoded by the types of the protocol's own description.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Is;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use testkit::github::TOKEN;

use crate::cluster::{cluster, eventually};
use crate::reports;
use crate::story::operator::Operator;
use crate::webhooks::operator::{REPO, SECRET, add_run, finish, github};

/// Takes traces, or refuses them.
#[derive(Clone, Default)]
pub struct Collector {
    bodies: Arc<Mutex<Vec<Bytes>>>,
    refuses: Arc<Mutex<bool>>,
}

impl Collector {
    pub async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let this = self.clone();
        let take = move |body: Bytes| {
            let this = this.clone();
            async move {
                this.bodies.lock().unwrap().push(body);
                if *this.refuses.lock().unwrap() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
            }
        };
        let router = axum::Router::new().route("/v1/traces", axum::routing::post(take));
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    /// How many batches it was sent.
    fn batches(&self) -> usize {
        self.bodies.lock().unwrap().len()
    }

    pub fn spans(&self) -> Vec<Span> {
        let bodies = self.bodies.lock().unwrap();
        let requests = bodies.iter().map(|b| ExportTraceServiceRequest::decode(b.clone()).unwrap());
        let resources = requests.flat_map(|r| r.resource_spans);
        resources.flat_map(|r| r.scope_spans).flat_map(|s| s.spans).collect()
    }

    fn said(&self, text: &str) -> bool {
        let bodies = self.bodies.lock().unwrap();
        bodies.iter().any(|b| b.windows(text.len()).any(|w| w == text.as_bytes()))
    }
}

pub fn attribute<'s>(span: &'s Span, name: &str) -> &'s str {
    let found = span.attributes.iter().find(|a| a.key == name).and_then(|a| a.value.as_ref());
    match found.and_then(|v| v.value.as_ref()) {
        Some(Is::StringValue(text)) => text,
        _ => "",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_a_webhook_to_the_condition() {
    let plane = cluster().await;
    let namespace = plane.namespace("traces").await.unwrap();
    let collector = Collector::default();
    let url = collector.start().await;
    let gh = github();
    let args = [
        "--otlp-endpoint", &url, "--poll-interval", "1h", "--refresh-interval", "1h", "--webhook-addr",
        "127.0.0.1:0", "--webhook-secret", SECRET,
    ];
    let operator = Operator::start(plane, &namespace, gh.url(), &args).await;
    gh.update(|s| s.send_hooks_to(&operator.webhooks(), SECRET));
    reports::create(plane, &namespace, "pr", reports::of_pull(REPO, 20)).await;
    let until = async |want: &str| reports::until(plane, &namespace, "pr", "Passed", want).await;
    until("Unknown/Pending").await;
    add_run(&gh, 77, 501);
    finish(&gh, 77, 501, "success");
    until("True/AllRequiredSucceeded").await;
    // What is left is sent at the end.
    operator.stop().await;

    let spans = collector.spans();
    let of = |name: &str| spans.iter().filter(|s| s.name == name).collect::<Vec<_>>();
    let inside = |outer: &Span, name: &str| {
        of(name).into_iter().any(|s| s.trace_id == outer.trace_id && s.parent_span_id == outer.span_id)
    };
    let whole = of("delivery").into_iter().any(|delivery| {
        let reconciles = of("reconcile").into_iter().filter(|r| {
            r.trace_id == delivery.trace_id
                && r.parent_span_id == delivery.span_id
                && attribute(r, "name") == "pr"
                && attribute(r, "namespace") == namespace
        });
        reconciles.into_iter().any(|r| inside(r, "request") && inside(r, "write"))
    });
    let names: Vec<&str> = spans.iter().map(|s| s.name.as_str()).collect();
    assert!(whole, "no delivery, reconcile, request and write in one trace: {names:?}");
    assert!(of("request").iter().any(|s| attribute(s, "of") == "jobs"), "{names:?}");
    assert!(collector.said("testrun-operator"), "the service has a name");
    for secret in [TOKEN, SECRET] {
        assert!(!collector.said(secret), "a secret is in a trace");
    }
    assert!(gh.violations().is_empty(), "{:?}", gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_refuses_or_is_gone_keeps_nothing_up() {
    let plane = cluster().await;
    let refusing = Collector::default();
    *refusing.refuses.lock().unwrap() = true;
    let url = refusing.start().await;
    for (name, url) in [("tracesno", url.as_str()), ("tracesgone", "http://127.0.0.1:9")] {
        let namespace = plane.namespace(name).await.unwrap();
        let gh = github();
        add_run(&gh, 77, 501);
        finish(&gh, 77, 501, "success");
        let args = ["--otlp-endpoint", url, "--refresh-interval", "1s"];
        let operator = Operator::start(plane, &namespace, gh.url(), &args).await;
        reports::create(plane, &namespace, "pr", reports::of_pull(REPO, 20)).await;
        reports::until(plane, &namespace, "pr", "Passed", "True/AllRequiredSucceeded").await;
        operator.stop().await;
    }
    assert!(!refusing.bodies.lock().unwrap().is_empty(), "it was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_once_of_a_collector_that_takes_no_traces() {
    let plane = cluster().await;
    let namespace = plane.namespace("tracesonce").await.unwrap();
    let collector = Collector::default();
    *collector.refuses.lock().unwrap() = true;
    let url = collector.start().await;
    let gh = github();
    add_run(&gh, 77, 501);
    let args = ["--otlp-endpoint", &url, "--refresh-interval", "1s"];
    let often = [("OTEL_BSP_SCHEDULE_DELAY", "200")];
    let operator = Operator::start_with(plane.kubeconfig_path(), &namespace, gh.url(), &args, &often).await;
    reports::create(plane, &namespace, "pr", reports::of_pull(REPO, 20)).await;
    let more = async |batches: usize| {
        let before = collector.batches();
        let sent = async || (collector.batches() >= before + batches).then_some(());
        eventually(|| format!("{batches} more batches of spans"), sent).await;
    };
    let (no, again) = ("the collector takes no traces: it answers 503", "the collector takes traces again");
    more(4).await;
    assert_eq!((operator.logged(no), operator.logged(again)), (1, 0));
    // It is over, and that is said once too.
    *collector.refuses.lock().unwrap() = false;
    eventually(|| "the good news", async || (operator.logged(again) == 1).then_some(())).await;
    more(3).await;
    assert_eq!((operator.logged(no), operator.logged(again)), (1, 1));
    // Another outage is news.
    *collector.refuses.lock().unwrap() = true;
    more(4).await;
    assert_eq!((operator.logged(no), operator.logged(again)), (2, 1));
    operator.stop().await;
}
