//! What reports cost of GitHub's rate limit, and what the webhook receiver stands.
//!
//! `cargo bench --bench github -- requests|hour|storm|sets [webhooks|polled|swept]` against a real API server, the operator as a process, and
//! the GitHub of the tests, whose clock runs faster than ours. Without a name all of them run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../tests/it/cluster.rs"]
#[allow(dead_code)]
mod cluster;
#[path = "../../tests/it/story/operator.rs"]
#[allow(dead_code)]
mod operator;

mod count;
mod sets;
mod storm;
mod world;

fn main() {
    let names: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let wanted = |name: &str| {
        let benches = names.iter().filter(|n| !count::WAYS.contains(&n.as_str()));
        benches.clone().next().is_none() || benches.clone().any(|n| n == name)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if wanted("requests") {
            count::requests().await;
        }
        if wanted("hour") {
            count::hour(&names).await;
        }
        if wanted("storm") {
            storm::storm().await;
        }
        if wanted("sets") {
            sets::sets().await;
        }
    });
}
