//! How long the history takes with many results, on SQLite and PostgreSQL side by side.
//!
//! `cargo bench --bench history [-- RESULTS] [sqlite|postgres]`; without a number it is a million. Ten million need
//! 10 GB of disk in the folder for temporary files. PostgreSQL is that of Debian's package.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../tests/it/cluster.rs"]
#[allow(dead_code)]
mod cluster;
mod data;
mod results;
mod rows;
#[path = "../../tests/it/history/server.rs"]
#[allow(dead_code)]
mod server;

use testrun_operator::history::Place;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let results = arguments.iter().find_map(|a| a.parse().ok()).unwrap_or(1_000_000);
    let named = |store: &str| arguments.iter().any(|a| a == store);
    let (mut heads, mut columns) = (Vec::new(), Vec::new());
    if named("sqlite") || !named("postgres") {
        let folder = tempfile::tempdir().unwrap();
        heads.push("SQLite, a file");
        columns.push(results::of(&Place::File(folder.path().join("h.db")), results).await);
    }
    if named("postgres") || !named("sqlite") {
        let Some(server) = server::Server::start().await else { return };
        heads.push("PostgreSQL");
        columns.push(results::of(&server.place(), results).await);
    }
    println!("| | {} |\n|---|{}", heads.join(" | "), "---|".repeat(heads.len()));
    for row in 0..columns[0].len() {
        let cells: Vec<&str> = columns.iter().map(|c| c[row].1.as_str()).collect();
        println!("| {} | {} |", columns[0][row].0, cells.join(" | "));
    }
}
