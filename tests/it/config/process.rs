//! The configuration as a process reads it.

use std::process::Command;

fn run(args: &[&str], env: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_testrun-operator"))
        .arg("run")
        .args(args)
        .env_clear()
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file_and_nothing_secret_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    std::fs::write(&file, "controller: {pollInterval: 5s, refreshInterval: 5m, concurrency: 3}\n").unwrap();
    let config = file.to_str().unwrap();
    let (code, out, err) = run(
        &["--print-config", "--config", config, "--poll-interval", "7s"],
        &[
            ("TESTRUN_POLL_INTERVAL", "6s"),
            ("TESTRUN_REFRESH_INTERVAL", "6m"),
            ("GITHUB_TOKEN", "ghp_canary"),
            ("TESTRUN_NAMESPACES", ""),
        ],
    );
    assert_eq!(code, Some(0), "{err}");
    for want in ["pollInterval: 7s", "refreshInterval: 6m", "concurrency: 3", "namespaces: []"] {
        assert!(out.contains(want), "{want}: {out}");
    }
    assert!(out.contains("with a token that is not shown") && !(out + &err).contains("canary"));
}

#[test]
fn everything_that_is_wrong_is_said_before_anything_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    std::fs::write(
        &file,
        "connections: [{name: a, namespaces: ['*'], repositories: [a]}]\nlogging: {level: 'x=y=z'}\n",
    )
    .unwrap();
    let config = file.to_str().unwrap();
    let (code, _, err) =
        run(&["--config", config, "--poll-interval", "soon"], &[("GITHUB_API_URL", "http://ghe.example")]);
    assert_eq!(code, Some(2), "{err}");
    for want in [
        "connections[0].repositories", "logging.level", "controller.pollInterval: \"soon\" is no duration",
        "set by a flag or the environment", "GITHUB_API_URL", "in the clear",
    ] {
        assert!(err.contains(want), "{want}: {err}");
    }
}
