//! What merge tooling makes of a report: the tests in `tests/gating`, which run the tools' own code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;
use std::process::Command;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gating")
}

#[test]
fn tools_say_what_is_expected_of_every_state() {
    // The examples are outside of the Go module, so that Go's cache does not see their changes.
    let run = Command::new("go").args(["test", "-count=1", "./..."]).current_dir(folder()).output();
    let run = match run {
        Ok(run) => run,
        Err(error) => panic!(
            "cannot run go: {error}; install Go 1.26 or later and put it on PATH: \
             tests/gating runs the code of kstatus, Flux and Argo CD"
        ),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(run.status.success(), "go test failed:\n{}{}", text(&run.stdout), text(&run.stderr));
}
