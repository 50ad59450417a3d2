//! Several replicas that all receive: whichever GitHub reaches, the verdict follows.

use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};
use testkit::controlplane::ControlPlane;
use testkit::github::{GitHub, webhook_signature};

use super::operator::{REPO, SECRET, add_run, finish, github};
use crate::cluster::{cluster, eventually};
use crate::leader::LEASES;
use crate::monitoring::traces::{Collector, attribute};
use crate::reports;
use crate::story::operator::Operator;

struct Bench {
    plane: &'static ControlPlane,
    /// Of the Leases, and the namespaces of reports.
    leases: String,
    namespaces: Vec<String>,
    gh: GitHub,
    dir: tempfile::TempDir,
    shards: u16,
}

impl Bench {
    async fn new(name: &str, shards: u16, namespaces: usize) -> Self {
        let plane = cluster().await;
        let leases = plane.namespace(name).await.unwrap();
        let mut all = Vec::new();
        for _ in 0..namespaces {
            all.push(plane.namespace(name).await.unwrap());
        }
        Self { plane, leases, namespaces: all, gh: github(), dir: tempfile::tempdir().unwrap(), shards }
    }

    /// A replica that notices nothing by asking within the time of a test.
    async fn replica(&self) -> Operator {
        self.replica_with(&[]).await
    }

    async fn replica_with(&self, more: &[&str]) -> Operator {
        let config = self.dir.path().join("config.yaml");
        std::fs::write(&config, LEASES).unwrap();
        let shards = self.shards.to_string();
        let mut args = vec![
            "--config",
            config.to_str().unwrap(),
            "--lease-namespace",
            &self.leases,
            "--shards",
            &shards,
            "--poll-interval",
            "1h",
            "--refresh-interval",
            "1h",
            "--webhook-addr",
            "127.0.0.1:0",
            "--webhook-secret",
            SECRET,
        ];
        args.extend(more);
        Operator::start(self.plane, &self.namespaces.join(","), self.gh.url(), &args).await
    }

    /// GitHub delivers to this replica from now on.
    fn deliver_to(&self, replica: &Operator) {
        let url = replica.webhooks();
        self.gh.update(|s| {
            if s.hooks.url.is_none() {
                s.send_hooks_to(&url, SECRET);
            }
            s.hooks.url = Some(url);
        });
    }

    async fn create(&self) {
        for namespace in &self.namespaces {
            reports::create(self.plane, namespace, "r", reports::of_pull(REPO, 20)).await;
        }
    }

    async fn until(&self, kind: &str, want: &str) {
        for namespace in &self.namespaces {
            reports::until(self.plane, namespace, "r", kind, want).await;
        }
    }

    async fn until_held(&self, operator: &Operator, count: usize) {
        let what = || format!("{count} Leases to be held");
        let held = async || operator.metric("testrun_leases_held").await;
        eventually(what, async || (held().await == count as f64).then_some(())).await;
    }

    /// Waits until nothing is on its way, and gives what GitHub was answered since the last time.
    async fn answers(&self) -> Vec<u16> {
        let what = || "all to be delivered".to_owned();
        eventually(what, async || self.gh.read(|s| s.hooks.waiting() == 0).then_some(())).await;
        let all = self.gh.deliveries().into_iter().map(|d| d.status).collect();
        self.gh.update(|s| s.hooks.deliveries.clear());
        all
    }

    async fn lease(&self) -> Value {
        self.plane.admin().json(&["get", "lease", "testrun-operator-0", "-n", &self.leases]).await.unwrap()
    }
}

async fn outcome(operator: &Operator, outcome: &str) -> f64 {
    operator.metric(&format!("testrun_webhook_deliveries_total{{outcome=\"{outcome}\"}}")).await
}

fn rerun(gh: &GitHub, conclusion: &str) {
    gh.update(|s| {
        s.run(77).rerun("someone", |_| true);
    });
    let jobs: Vec<u64> = gh.read(|s| {
        let mut ids: Vec<u64> = s.repos[0].jobs.iter().map(|j| j.id).collect();
        ids.sort_unstable();
        ids.split_off(ids.len() - 2)
    });
    gh.advance(testkit::github::secs(30));
    gh.update(|s| {
        for job in &jobs {
            s.job(*job).start();
            s.job(*job).complete(conclusion);
        }
        s.run(77).settle();
    });
    gh.advance(testkit::github::secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_to_any_replica_reaches_the_verdict_and_the_leader_may_die_in_between() {
    let bench = Bench::new("any", 1, 1).await;
    let mut one = bench.replica().await;
    bench.until_held(&one, 1).await;
    let (two, three) = (bench.replica().await, bench.replica().await);
    bench.create().await;
    bench.until("Passed", "Unknown/Pending").await;

    // Each replica gets a part of the story, none of them more than that.
    bench.deliver_to(&two);
    add_run(&bench.gh, 77, 501);
    bench.until("Passed", "Unknown/Running").await;
    bench.deliver_to(&three);
    finish(&bench.gh, 77, 501, "failure");
    bench.until("Stalled", "True/RequiredFailed").await;
    assert!(bench.answers().await.iter().all(|status| *status == 202));
    bench.deliver_to(&one);
    rerun(&bench.gh, "success");
    bench.until("Passed", "True/AllRequiredSucceeded").await;
    assert!(outcome(&two, "forwarded").await > 0.0 && outcome(&three, "forwarded").await > 0.0);
    assert_eq!(outcome(&one, "forwarded").await, 0.0, "who leads has nobody to send to");
    for waiting in [&two, &three] {
        assert_eq!(waiting.metric("testrun_status_writes_total").await, 0.0, "who waits writes nothing");
    }
    assert!(bench.answers().await.iter().all(|status| *status == 202));

    // The leader dies. What arrives before there is another one waits for it, or is told to have failed.
    one.kill().await;
    bench.deliver_to(&two);
    rerun(&bench.gh, "failure");
    bench.until("Stalled", "True/RequiredFailed").await;
    let answers = bench.answers().await;
    assert!(answers.iter().all(|status| [202, 503].contains(status)), "{answers:?}");
    rerun(&bench.gh, "success");
    bench.until("Passed", "True/AllRequiredSucceeded").await;
    assert!(bench.answers().await.iter().all(|status| *status == 202));

    // In order, with nobody dead: the next one knows at once.
    let (stays, goes) = match two.metric("testrun_leases_held").await {
        1.0 => (three, two),
        _ => (two, three),
    };
    goes.stop().await;
    bench.until_held(&stays, 1).await;
    bench.deliver_to(&stays);
    rerun(&bench.gh, "failure");
    bench.until("Stalled", "True/RequiredFailed").await;
    stays.stop().await;
    let left = &bench.lease().await["metadata"]["annotations"]["testrun.dev/webhooks"];
    assert!(left.is_null(), "who has gone is not told anything: {left}");
    assert!(bench.gh.violations().is_empty(), "{:?}", bench.gh.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shard_hears_of_a_delivery_wherever_it_arrives() {
    let bench = Bench::new("every", 4, 6).await;
    let one = bench.replica().await;
    bench.until_held(&one, 4).await;
    let two = bench.replica().await;
    bench.until_held(&two, 2).await;
    bench.until_held(&one, 2).await;
    bench.create().await;
    bench.until("Passed", "Unknown/Pending").await;
    bench.deliver_to(&one);
    add_run(&bench.gh, 77, 501);
    bench.until("Passed", "Unknown/Running").await;
    bench.deliver_to(&two);
    finish(&bench.gh, 77, 501, "failure");
    bench.until("Stalled", "True/RequiredFailed").await;
    assert!(bench.answers().await.iter().all(|status| *status == 202));
    for replica in [&one, &two] {
        assert!(outcome(replica, "forwarded").await > 0.0 && outcome(replica, "accepted").await > 0.0);
        assert_eq!(outcome(replica, "unreached").await, 0.0);
    }
    one.stop().await;
    two.stop().await;
}

/// Posts a delivery and gives the status of the answer.
async fn post(url: &str, id: &str, secret: &str, more: &str) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let body = json!({"action": "completed", "repository": {"full_name": REPO},
        "workflow_run": {"id": 7, "head_sha": "abc", "status": "completed"}})
    .to_string();
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let head = format!(
        "POST /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nx-github-event: workflow_run\r\nx-github-delivery: {id}\r\n\
         x-hub-signature-256: {}\r\n{more}\r\n",
        body.len(),
        webhook_signature(secret, body.as_bytes()),
    );
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_leader_github_is_told_that_it_failed_and_nothing_goes_in_circles() {
    let bench = Bench::new("nobody", 1, 1).await;
    // Somebody who is gone holds the Lease, and says that it is reached at an address of the machine's own metadata.
    let ghost = |webhooks: &str| {
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "testrun-operator-0", "namespace": bench.leases,
                "labels": {"testrun.dev/lease": "testrun-operator", "testrun.dev/shard": "0"},
                "annotations": {"testrun.dev/shards": "1", "testrun.dev/webhooks": webhooks}},
            "spec": {"holderIdentity": "ghost", "leaseDurationSeconds": 3600}})
        .to_string()
    };
    bench.plane.admin().with_file(&ghost("169.254.169.254:80"), &["create"]).await.unwrap();
    let one = bench.replica().await;
    let url = one.webhooks();
    assert_eq!(post(&url, "a", "guess", "").await, 401, "what is forged ends here");
    assert_eq!(post(&url, "a", SECRET, "").await, 503);
    assert_eq!(post(&url, "a", SECRET, "").await, 503, "it is not taken for one that was there before");
    assert_eq!(outcome(&one, "unreached").await, 2.0);
    // A copy goes no further, and says so at once.
    assert_eq!(post(&url, "b", SECRET, "testrun-shards: 0\r\n").await, 421);
    assert_eq!(post(&url, "b", SECRET, "testrun-shards: zero\r\n").await, 400);
    assert_eq!(
        post(&url, "b", "guess", "testrun-shards: 0\r\n").await,
        401,
        "a copy is verified as anything else"
    );
    // Two that take each other for the leader.
    let two = bench.replica().await;
    let at = two.webhooks().replace("http://", "").replace("/webhooks/github.com", "");
    bench.plane.admin().with_file(&ghost(&at), &["replace"]).await.unwrap();
    // Until the Lease has come to the first one it knows nobody.
    let asked = async || {
        assert_eq!(post(&url, "c", SECRET, "").await, 503);
        (outcome(&two, "misdirected").await > 0.0).then_some(())
    };
    eventually(|| "the other one to be asked", asked).await;
    let tries = outcome(&two, "misdirected").await;
    assert!((1.0..=20.0).contains(&tries), "{tries}");
    assert_eq!(outcome(&two, "forwarded").await + outcome(&two, "unreached").await, 0.0);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_is_sent_on_stays_in_its_trace_and_nobody_else_adds_to_one() {
    let bench = Bench::new("traced", 1, 1).await;
    let collector = Collector::default();
    let url = collector.start().await;
    let more = ["--otlp-endpoint", url.as_str()];
    let one = bench.replica_with(&more).await;
    bench.until_held(&one, 1).await;
    let two = bench.replica_with(&more).await;
    bench.create().await;
    bench.until("Passed", "Unknown/Pending").await;
    bench.deliver_to(&two);
    add_run(&bench.gh, 77, 501);
    bench.until("Passed", "Unknown/Running").await;
    bench.answers().await;
    assert!(outcome(&two, "forwarded").await > 0.0);
    // Somebody who has seen a delivery sends it again, with a trace of their own.
    let strange = "0af7651916cd43dd8448eb211c80319c";
    let trace = format!("traceparent: 00-{strange}-b7ad6b7169203331-01\r\n");
    let guess = webhook_signature("guess", trace.as_bytes());
    for (id, headers) in [
        ("plain", trace.clone()),
        ("copy", format!("testrun-shards: 0\r\n{trace}")),
        ("signed", format!("testrun-shards: 0\r\n{trace}testrun-trace-signature: {guess}\r\n")),
    ] {
        assert_eq!(post(&one.webhooks(), id, SECRET, &headers).await, 202, "{id}");
    }
    two.stop().await;
    one.stop().await;

    let spans = collector.spans();
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let of = |name: &str| spans.iter().filter(|s| s.name == name).collect::<Vec<_>>();
    let within = |outer: &Span, name: &str| {
        let inside = |s: &&Span| s.trace_id == outer.trace_id && s.parent_span_id == outer.span_id;
        of(name).into_iter().find(inside)
    };
    let first = of("delivery").into_iter().filter(|d| d.parent_span_id.is_empty());
    let whole = first
        .filter_map(|d| within(d, "delivery").filter(|sent_on| within(sent_on, "reconcile").is_some()))
        .count();
    let seen: Vec<_> = spans
        .iter()
        .map(|s| (s.name.as_str(), attribute(s, "delivery"), hex(&s.trace_id), hex(&s.parent_span_id)))
        .collect();
    assert!(whole > 0, "no delivery with one inside that led to a look: {seen:?}");
    for id in ["plain", "copy", "signed"] {
        assert!(seen.iter().any(|s| s.0 == "delivery" && s.1 == id), "{id}: {seen:?}");
    }
    assert!(seen.iter().all(|s| s.2 != strange), "a stranger's trace was taken over: {seen:?}");
}
