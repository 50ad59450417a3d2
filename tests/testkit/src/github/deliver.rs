//! The worker that signs and sends webhook deliveries.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::hex;
use super::hooks::{Delivery, Hooks};
use super::oas::{Edition, Spec};
use super::server::Server;

/// The most that is read of a receiver's answer.
const ANSWER_MAX: u64 = 64 << 10;

/// Sends what waits, batch after batch, for as long as the server lives.
pub async fn run(server: std::sync::Weak<Server>) {
    let Some(first) = server.upgrade() else {
        return;
    };
    let wake = first.state().hooks.wake.clone();
    drop(first);
    loop {
        wake.notified().await;
        let Some(server) = server.upgrade() else {
            return;
        };
        loop {
            let (settings, batch) = {
                let mut state = server.state();
                if state.hooks.held || state.hooks.outbox.is_empty() {
                    break;
                }
                let mut batch = std::mem::take(&mut state.hooks.outbox);
                disturb(&mut state.hooks, &mut batch);
                state.hooks.in_flight = batch.len();
                let settings = Hooks { deliveries: Vec::new(), ..state.hooks.clone() };
                (settings, batch)
            };
            for delivery in batch {
                one(&server, &settings, delivery).await;
            }
        }
    }
}

async fn one(server: &Arc<Server>, settings: &Hooks, mut delivery: Delivery) {
    let name = match &delivery.action {
        Some(action) => format!("{}-{action}", delivery.event),
        None => delivery.event.clone(),
    };
    let found = match Spec::load(Edition::Webhooks) {
        Ok(spec) => spec.check_webhook(&name.replace('_', "-"), &delivery.payload),
        Err(error) => vec![error],
    };
    if !delivery.dropped {
        let sent = tokio::time::timeout(settings.timeout, post(settings, &delivery)).await;
        delivery.status = sent.ok().and_then(Result::ok).unwrap_or(0);
    } else {
        // Whoever lost it, GitHub did not notice.
        delivery.status = 200;
    }
    let mut state = server.state();
    state.violations.extend(found.into_iter().map(|text| format!("webhook {name}: {text}")));
    delivery.delivered = Some(state.now);
    state.hooks.deliveries.push(delivery);
    state.hooks.in_flight = state.hooks.in_flight.saturating_sub(1);
    drop(state);
    server.arrived.notify_all();
}

/// Loses, repeats and reorders as the settings say.
fn disturb(hooks: &mut Hooks, batch: &mut Vec<Delivery>) {
    let mut seed = hooks.seed;
    let mut percent = || {
        // xorshift64: any sequence will do, as long as it is the same every time.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for delivery in batch.iter_mut() {
        delivery.dropped = percent() % 100 < u64::from(hooks.drop_percent);
    }
    let again: Vec<Delivery> =
        batch.iter().filter(|_| percent() % 100 < u64::from(hooks.duplicate_percent)).cloned().collect();
    batch.extend(again);
    if hooks.shuffle {
        for index in (1..batch.len()).rev() {
            let other = usize::try_from(percent() % (index as u64 + 1)).unwrap_or_default();
            batch.swap(index, other);
        }
    }
    hooks.seed = seed.max(1);
}

/// `sha256=<hex>` over the body.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    format!("sha256={}", hex(&mac.finalize().into_bytes()))
}

/// One POST over a connection of its own; gives the receiver's status.
async fn post(settings: &Hooks, delivery: &Delivery) -> io::Result<u16> {
    let url = settings.url.as_deref().unwrap_or_default();
    let rest = url.strip_prefix("http://").ok_or_else(|| io::Error::other("plain HTTP only"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let body = serde_json::to_vec::<Value>(&delivery.payload)?;
    let secret = if settings.wrong_signature { "not the secret" } else { settings.secret.as_str() };
    let head = format!(
        "POST /{path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: GitHub-Hookshot/testkit\r\naccept: */*\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\
         x-github-event: {}\r\nx-github-delivery: {}\r\nx-github-hook-id: 1\r\n\
         x-github-hook-installation-target-id: {}\r\nx-github-hook-installation-target-type: integration\r\n\
         x-hub-signature-256: {}\r\n\r\n",
        body.len(),
        delivery.event,
        delivery.guid,
        super::OPERATOR_APP,
        signature(secret, &body),
    );
    let mut stream = TcpStream::connect(host).await?;
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    let mut answer = Vec::new();
    let mut limited = stream.take(ANSWER_MAX);
    // The head is enough; a receiver that keeps the connection open must not hold up the rest.
    while !answer.windows(2).any(|pair| pair == b"\r\n") {
        if limited.read_buf(&mut answer).await? == 0 {
            break;
        }
    }
    let line = String::from_utf8_lossy(&answer).into_owned();
    let status = line.split(' ').nth(1).and_then(|code| code.get(..3)).and_then(|code| code.parse().ok());
    status.ok_or_else(|| io::Error::other("no status line"))
}

/// How long a test may wait between looks at the state.
pub const LOOK_AGAIN: Duration = Duration::from_millis(10);
