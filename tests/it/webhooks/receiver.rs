//! The receiver alone: what it refuses, and how little a refusal costs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use testkit::github::webhook_signature;
use testrun_operator::connections::{Connection, Connections, Live, Own, Signing};
use testrun_operator::github::ApiBase;
use testrun_operator::webhooks::{self, Kind, Limits, Outcome, Receiver, Stats};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

const SECRET: &str = "it's a secret";
const BODY: &str = r#"{"action":"completed","repository":{"full_name":"acme/shop"},"workflow_run":{"id":7,"head_sha":"abc","status":"completed"}}"#;

struct Bench {
    address: String,
    told: Arc<Mutex<Vec<(String, webhooks::Event)>>>,
    stats: Stats,
    end: CancellationToken,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl Bench {
    async fn start(limits: Limits) -> Self {
        let signing = Signing::Secret(SecretString::from(SECRET));
        let of = |name: &str, webhooks: Vec<Signing>| Connection {
            webhooks,
            ..Connection::open(name, ApiBase::default(), Own::None)
        };
        Self::of(limits, Connections::new([of("github.com", vec![signing]), of("deaf", Vec::new())]).into())
            .await
    }

    async fn of(limits: Limits, connections: Live) -> Self {
        let (told, stats, end) = (Arc::default(), Stats::default(), CancellationToken::new());
        let listener = webhooks::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let list: Arc<Mutex<Vec<_>>> = Arc::clone(&told);
        let sink: webhooks::Sink =
            Arc::new(move |name, event| list.lock().unwrap().push((name.to_owned(), event.clone())));
        let receiver = Receiver::new(connections, sink, stats.clone(), limits);
        tokio::spawn(webhooks::serve(listener, receiver, end.clone()));
        Self { address, told, stats, end }
    }

    fn told(&self) -> usize {
        self.told.lock().unwrap().len()
    }

    async fn raw(&self, bytes: &[u8]) -> Option<u16> {
        raw(&self.address, bytes).await
    }

    async fn send(&self, delivery: &Delivery) -> u16 {
        self.raw(&delivery.bytes()).await.expect("an answer")
    }
}

/// Sends bytes as they are, and gives the status of the answer, or None where there is none.
async fn raw(address: &str, bytes: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
}

/// Sends one delivery to a receiver that knows this secret, and gives the status of the answer.
pub async fn deliver(address: &str, secret: &str, event: &str, id: &str, body: &str) -> u16 {
    let delivery = Delivery::good(id, body)
        .with("x-github-event", event)
        .with("x-hub-signature-256", &webhook_signature(secret, body.as_bytes()));
    raw(address, &delivery.bytes()).await.expect("an answer")
}

#[derive(Clone)]
struct Delivery {
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Delivery {
    fn good(id: &str, body: &str) -> Self {
        Self {
            method: "POST",
            path: "/webhooks/github.com",
            headers: vec![
                ("content-type", "application/json".into()),
                ("content-length", body.len().to_string()),
                ("x-github-event", "workflow_run".into()),
                ("x-github-delivery", id.into()),
                ("x-hub-signature-256", webhook_signature(SECRET, body.as_bytes())),
            ],
            body: body.into(),
        }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(n, _)| *n != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(n, _)| *n != name);
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut bytes = (text + "\r\n").into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

#[tokio::test]
async fn a_signed_delivery_is_taken_in_once() {
    let bench = Bench::start(Limits::default()).await;
    let delivery = Delivery::good("a", BODY);
    assert_eq!(bench.send(&delivery).await, 202);
    assert_eq!(bench.send(&delivery).await, 202, "GitHub delivers again with the same id");
    let told = bench.told.lock().unwrap().clone();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].0.as_str(), told[0].1.repository.as_str()), ("github.com", "acme/shop"));
    assert!(matches!(&told[0].1.kind, Kind::Run { finished: true, .. }));
    let counts = [Outcome::Accepted, Outcome::Duplicate].map(|o| bench.stats.of(o));
    assert_eq!(counts, [1, 1]);
}

#[tokio::test]
async fn whatever_is_not_signed_over_its_raw_bytes_is_refused_unread() {
    let bench = Bench::start(Limits::default()).await;
    let good = Delivery::good("a", BODY);
    let signed = |secret: &str, body: &str| webhook_signature(secret, body.as_bytes());
    let sha1 = "sha1=3b2c1ae0b0b1e6d1b4e1f0a0b0c0d0e0f0a0b0c0";
    let spaced = BODY.replace("{", "{ ");
    for (name, delivery) in [
        ("no signature", good.clone().without("x-hub-signature-256")),
        ("empty", good.clone().with("x-hub-signature-256", "")),
        ("short", good.clone().with("x-hub-signature-256", "sha256=00")),
        ("not hex", good.clone().with("x-hub-signature-256", &format!("sha256={}", "zz".repeat(32)))),
        ("signs", good.clone().with("x-hub-signature-256", &format!("sha256={}", "+1".repeat(32)))),
        ("another algorithm", good.clone().with("x-hub-signature-256", sha1)),
        ("the old header only", good.clone().without("x-hub-signature-256").with("x-hub-signature", sha1)),
        ("another secret", good.clone().with("x-hub-signature-256", &signed("other", BODY))),
        ("the empty secret", good.clone().with("x-hub-signature-256", &signed("", BODY))),
        ("another body", good.clone().with("x-hub-signature-256", &signed(SECRET, &spaced))),
        ("a connection that takes none", Delivery { path: "/webhooks/deaf", ..good.clone() }),
        ("no such connection", Delivery { path: "/webhooks/none", ..good.clone() }),
        ("no connection", Delivery { path: "/", ..good.clone() }),
        ("a path upwards", Delivery { path: "/webhooks/../webhooks/github.com", ..good.clone() }),
    ] {
        assert_eq!(bench.send(&delivery).await, 401, "{name}");
    }
    assert_eq!(bench.told(), 0);
    assert_eq!(bench.stats.of(Outcome::Unauthorized), 14);
    assert_eq!(bench.send(&good).await, 202, "the id of a refused delivery is still free");
}

#[tokio::test]
async fn what_is_no_delivery_is_refused_with_what_to_do() {
    let bench = Bench::start(Limits { body: 1 << 20, ..Limits::default() }).await;
    let good = Delivery::good("a", BODY);
    let unusable = Delivery::good("b", r#"{"repository":null}"#);
    for (want, delivery) in [
        (405, Delivery { method: "GET", ..good.clone() }),
        (415, good.clone().with("content-type", "application/x-www-form-urlencoded")),
        (415, good.clone().without("content-type")),
        (411, good.clone().without("content-length").with("transfer-encoding", "chunked")),
        (413, good.clone().with("content-length", "1048577")),
        (400, good.clone().without("x-github-event")),
        (400, good.clone().with("x-github-delivery", &"x".repeat(129))),
        (400, unusable),
        (400, Delivery::good("c", "not json")),
    ] {
        assert_eq!(bench.send(&delivery).await, want, "{:?}", delivery.headers);
    }
    assert_eq!(bench.told(), 0);
}

#[tokio::test]
async fn a_peer_that_dawdles_is_cut_off_and_holds_up_nobody() {
    let limits = Limits {
        // Enough for the one that is answered, also on a busy machine.
        time: Duration::from_secs(3),
        headers: Duration::from_secs(3),
        connections: 4,
        ..Limits::default()
    };
    let bench = Bench::start(limits).await;
    // Half a request line, half the headers, half the body.
    let whole = Delivery::good("a", BODY).bytes();
    let mut open = Vec::new();
    for part in [&whole[..10], &whole[..100], &whole[..whole.len() - 5]] {
        let mut stream = TcpStream::connect(&bench.address).await.unwrap();
        stream.write_all(part).await.unwrap();
        open.push(stream);
    }
    assert_eq!(bench.send(&Delivery::good("b", BODY)).await, 202, "one place is left");
    for mut stream in open {
        let mut rest = Vec::new();
        tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await.unwrap().unwrap();
    }
    assert_eq!(bench.stats.of(Outcome::TooSlow), 1);
    assert_eq!(bench.told(), 1);
}

#[tokio::test]
async fn bodies_at_the_same_time_are_bounded() {
    let limits = Limits { body: 1 << 20, bodies: 1 << 20, time: Duration::from_secs(4), ..Limits::default() };
    let bench = Bench::start(limits).await;
    // It announces as much as there is room for, and sends nothing of it.
    let mut hog = TcpStream::connect(&bench.address).await.unwrap();
    let announced = Delivery::good("a", "").with("content-length", "1048576");
    hog.write_all(&announced.bytes()).await.unwrap();
    // Its answer is the proof that the hog was there before.
    let refused = async {
        loop {
            if bench.send(&Delivery::good("b", BODY)).await == 503 {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), refused).await.unwrap();
    drop(hog);
    assert_eq!(bench.send(&Delivery::good("c", BODY)).await, 202, "there is room again");
}

#[tokio::test]
async fn two_secrets_are_valid_while_one_replaces_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let files = ["one", "two"].map(|name| dir.path().join(name));
    std::fs::write(&files[0], "first\n").unwrap();
    std::fs::write(&files[1], "second").unwrap();
    let connection = Connection {
        webhooks: files.iter().cloned().map(Signing::File).collect(),
        ..Connection::open("github.com", ApiBase::default(), Own::None)
    };
    let bench = Bench::of(Limits::default(), Connections::new([connection]).into()).await;
    for (id, secret, want) in [("a", "first", 202), ("b", "second", 202), ("c", "third", 401)] {
        let signature = webhook_signature(secret, BODY.as_bytes());
        let delivery = Delivery::good(id, BODY).with("x-hub-signature-256", &signature);
        assert_eq!(bench.send(&delivery).await, want, "{secret}");
    }
    // A rotated file is noticed within seconds, without a restart.
    std::fs::write(&files[0], "third").unwrap();
    let signature = webhook_signature("third", BODY.as_bytes());
    let delivery = Delivery::good("d", BODY).with("x-hub-signature-256", &signature);
    crate::cluster::eventually(
        || "the new secret".to_owned(),
        async || (bench.send(&delivery).await == 202).then_some(()),
    )
    .await;
}

#[tokio::test]
async fn a_storm_loses_nothing_and_believes_nothing_forged() {
    let bench = Arc::new(Bench::start(Limits::default()).await);
    let send = |n: usize| {
        let bench = bench.clone();
        async move {
            // A tenth is forged, a tenth comes twice.
            let body = BODY.replace("\"id\":7", &format!("\"id\":{n}"));
            let delivery = Delivery::good(&format!("d-{n}"), &body);
            match n % 10 {
                3 => {
                    let forged =
                        delivery.with("x-hub-signature-256", &webhook_signature("guess", body.as_bytes()));
                    assert_eq!(bench.send(&forged).await, 401);
                }
                7 => {
                    assert_eq!(bench.send(&delivery).await, 202);
                    assert_eq!(bench.send(&delivery).await, 202);
                }
                _ => assert_eq!(bench.send(&delivery).await, 202),
            }
        }
    };
    use futures::StreamExt;
    futures::stream::iter((0..1000).map(send)).for_each_concurrent(64, |sent| sent).await;
    assert_eq!(bench.told(), 900);
    let counts = [Outcome::Accepted, Outcome::Duplicate, Outcome::Unauthorized].map(|o| bench.stats.of(o));
    assert_eq!(counts, [900, 100, 100]);
}

/// Signed as GitHub signs them, through the listener: what is told is what the bodies say, none is lost.
#[tokio::test]
async fn published_examples_arrive_as_deliveries() {
    let bench = Bench::start(Limits::default()).await;
    let all = testkit::github::webhook_examples().unwrap();
    assert!(all.len() > 100, "{} examples", all.len());
    let (mut want, mut ignored) = (Vec::new(), 0);
    for (n, (event, body)) in all.iter().enumerate() {
        let body = serde_json::to_string_pretty(body).unwrap();
        let events = webhooks::read(event, body.as_bytes()).unwrap();
        ignored += u64::from(events.iter().all(|e| e.kind == Kind::Other));
        want.extend(events.into_iter().filter(|e| e.kind != Kind::Other));
        let status = deliver(&bench.address, SECRET, event, &format!("example {n}"), &body).await;
        assert_eq!(status, 202, "{event}: {body}");
    }
    let told: Vec<_> = bench.told.lock().unwrap().iter().map(|(_, event)| event.clone()).collect();
    let told: Vec<_> = told.into_iter().filter(|e| e.kind != Kind::Other).collect();
    assert!(want.len() > 40, "{} tell something", want.len());
    assert_eq!(told, want);
    let counts = [Outcome::Accepted, Outcome::Ignored, Outcome::Malformed].map(|o| bench.stats.of(o));
    assert_eq!(counts, [all.len() as u64 - ignored, ignored, 0]);
}
