//! The load harness: it runs, and the peer says what the operator says.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bench::github::{Server, Size, State, source_of};
use bench::rounds;
use bench::session::Plan;
use bench::subjects::{Programs, Subject, build_peer};
use bench::table;
use testkit::github::TOKEN;
use tokio::net::TcpListener;

use crate::cli::{Cli, FAILED, PASSED, UNDECIDED};

const SIZE: Size = Size { jobs: 20, repositories: 7 };

#[tokio::test(flavor = "multi_thread")]
async fn the_peer_says_of_every_state_what_the_operator_says() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let github = Server::new(SIZE, State::Passed);
    tokio::spawn(github.clone().serve(listener));
    let expected = tempfile::tempdir().unwrap();
    for (number, state) in (40..).zip(State::ALL) {
        github.move_to(number..number + 1, state);
        let (repository, pull) = source_of(number, SIZE);
        let pull = pull.to_string();
        let args = ["report", "--repo", &repository, "--pr", &pull, "--github-url", &url, "-o", "json"];
        let ran = Cli::new(&args).env("GITHUB_TOKEN", TOKEN).run().await;
        assert!([PASSED, FAILED, UNDECIDED].contains(&ran.code), "{ran:?}");
        std::fs::write(expected.path().join(format!("{}.json", state.as_str())), ran.out).unwrap();
    }
    // The expected reports are outside of the Go module, so that Go's cache does not see their changes.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/peer");
    let mut go = Command::new("go");
    go.args(["test", "-count=1", "./..."]).current_dir(folder);
    go.env("BENCH_GITHUB", &url).env("BENCH_EXPECTED", expected.path());
    let run = tokio::task::spawn_blocking(move || go.output()).await.unwrap();
    let run = run.expect("go 1.26 or later must be on PATH: the peer is written in Go");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(run.status.success(), "go test failed:\n{}{}", text(&run.stdout), text(&run.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_load_harness_measures_both_operators() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let operator = env!("CARGO_BIN_EXE_testrun-operator").into();
    let programs = Programs { operator, peer: build_peer(root).await.unwrap(), harness: None };
    let plan = Plan {
        reports: 50,
        size: SIZE,
        workers: 8,
        rest: Duration::from_millis(500),
        changes: 3,
        traffic: 5,
        calm: Duration::from_millis(200),
        operator_args: Vec::new(),
    };
    let subjects = [Subject::Operator, Subject::Peer, Subject::Bare];
    let rounds = rounds::alternate(&plan, &subjects, 1, &programs, root, |_| Ok(())).await.unwrap();
    for round in &rounds[..2] {
        let of =
            |name: &str| round.figures.get(name).unwrap_or_else(|| panic!("{} has no {name}", round.subject));
        let promised =
            [("pass.writes", 1.0), ("pass.reconciles", 1.0), ("rest.writes", 0.0), ("restart.writes", 0.0)];
        for (name, expected) in promised {
            assert_eq!(of(name), expected, "{name} of {}", round.subject);
        }
        assert!(of("pass.github") > 5.0 && of("traffic.sent_bytes") > of("object.bytes") / 2.0, "{round:?}");
    }
    let table = table::markdown(&rounds);
    assert!(table.contains("| operator | peer | bare | operator / peer |"), "{table}");
}
