//! Ten thousand deliveries in ten seconds, a tenth of them forged, a tenth repeated, in no order.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::Sha256;
use testkit::github::sha_of;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::world::{Plan, SECRET, World};

const DELIVERIES: usize = 10_000;
const CONNECTIONS: usize = 32;
const TIME: Duration = Duration::from_secs(10);

pub async fn storm() {
    let plan = Plan {
        repositories: 5,
        reports: 100,
        jobs: 2,
        speed: 1.0,
        webhooks: true,
        sweep: false,
        suites: true,
        by_sha: false,
    };
    let world = World::start("storm", plan).await;
    world.begin_all().await;
    // The storm brings the only events that anything has ended.
    world.gh.update(|s| s.hooks.drop_percent = 100);
    for n in 0..plan.reports {
        world.gh.update(|s| {
            for job in 0..plan.jobs {
                s.job(world.job(n, job)).start();
                s.job(world.job(n, job)).complete("success");
            }
        });
        world.finish(n);
    }
    world.gh.forget_requests();
    let (rss, _) = memory(&world);

    let mut all = Vec::with_capacity(DELIVERIES);
    for n in 0..DELIVERIES {
        let forged = n % 10 == 3;
        // The same delivery again, as GitHub sends it.
        let n = if n % 10 == 7 { n - 7 } else { n };
        // Most are of commits that no report is about.
        let about = if n < plan.reports * 10 && n % 10 == 0 { Some(n / 10) } else { None };
        let sha = about.map_or_else(|| sha_of(&format!("stranger {n}")), |r| sha_of(&format!("head {r}")));
        let body = json!({"action": "completed", "repository": {"full_name": world.repository(about.unwrap_or(n))},
            "workflow_run": {"id": 10_000 + about.unwrap_or(90_000 + n), "head_sha": sha, "status": "completed",
                "conclusion": "success", "event": "pull_request", "padding": "x".repeat(6000)}})
        .to_string();
        all.push(delivery(&world, n, &body, if forged { "another secret" } else { SECRET }));
    }
    let mut seed = 7_u64;
    for i in (1..all.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        all.swap(i, (seed >> 33) as usize % (i + 1));
    }
    let all = Arc::new(all);
    let url = world.operator.webhooks();
    let address = url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let start = Instant::now();
    let tasks: Vec<_> = (0..CONNECTIONS)
        .map(|c| {
            let (all, address) = (all.clone(), address.clone());
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(&address).await.unwrap();
                let mut took = Vec::new();
                for n in (c..all.len()).step_by(CONNECTIONS) {
                    tokio::time::sleep_until(start + TIME.mul_f64(n as f64 / all.len() as f64)).await;
                    let sent = Instant::now();
                    stream.write_all(&all[n]).await.unwrap();
                    took.push((answer(&mut stream).await, sent.elapsed()));
                }
                took
            })
        })
        .collect();
    let mut codes = std::collections::BTreeMap::<u16, usize>::new();
    let mut times = Vec::new();
    for task in tasks {
        for (code, took) in task.await.unwrap() {
            *codes.entry(code).or_default() += 1;
            times.push(took);
        }
    }
    let lasted = start.elapsed();
    world.wait("Passed", "True", plan.reports).await;
    let decided = start.elapsed();
    times.sort();
    let at = |q: f64| times[((times.len() - 1) as f64 * q) as usize].as_secs_f64() * 1000.0;
    println!(
        "\n{DELIVERIES} deliveries in {:.1} s, a tenth forged, a tenth repeated, shuffled; {} reports",
        lasted.as_secs_f64(),
        plan.reports
    );
    println!("  answers by code: {codes:?}");
    println!("  time to the answer: p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms", at(0.5), at(0.99), at(1.0));
    println!(
        "  all {} reports decided {:.1} s after the first delivery",
        plan.reports,
        decided.as_secs_f64()
    );
    println!("  GitHub requests that count: {}", world.gh.counted_requests().len());
    for outcome in ["accepted", "duplicate", "unauthorized"] {
        let name = format!("testrun_webhook_deliveries_total{{outcome=\"{outcome}\"}}");
        println!("  {outcome}: {}", world.operator.metric(&name).await);
    }
    let (after, peak) = memory(&world);
    println!("  resident memory: {rss} kB before, {after} kB after, {peak} kB at most");
    world.end().await;
}

fn delivery(world: &World, id: usize, body: &str, secret: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    let url = world.operator.webhooks();
    let path = url.splitn(4, '/').nth(3).unwrap();
    format!(
        "POST /{path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-GitHub-Event: workflow_run\r\n\
         X-GitHub-Delivery: storm-{id}\r\nX-Hub-Signature-256: sha256={hex}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Code of one answer; its body is read as long as it says it is.
async fn answer(stream: &mut TcpStream) -> u16 {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|l| l.strip_prefix("content-length: "))
        .map_or(0, |l| l.trim().parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    head[9..12].parse().unwrap()
}

/// `VmRSS` and `VmHWM` of the operator.
fn memory(world: &World) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.operator.id())).unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
    };
    (of("VmRSS:"), of("VmHWM:"))
}
