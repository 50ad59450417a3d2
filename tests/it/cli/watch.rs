//! Following reports: line by line in a pipe, on a board on a terminal.

use std::time::Duration;

use testkit::controlplane::ControlPlane;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::cluster::{cli, create, write};
use super::*;
use crate::cluster::{cluster, may};

async fn label(plane: &ControlPlane, namespace: &str, name: &str) {
    plane.kubectl_ok(&["label", "testrunreport", name, "team=a", "-n", namespace]).await.unwrap();
}

/// A watch that runs, and what it has said so far.
fn begin(plane: &ControlPlane, namespace: &str, args: &[&str]) -> tokio::process::Child {
    Command::from(testkit::bound(env!("CARGO_BIN_EXE_kubectl-testrun")))
        .env_clear()
        .env("KUBECONFIG", plane.kubeconfig_path())
        .args(["watch", "-n", namespace])
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_hears_of_each_change_and_the_worst_verdict_is_the_exit_code() {
    let plane = cluster().await;
    let namespace = plane.namespace("cliwatch").await.unwrap();
    for name in ["a", "b", "other"] {
        create(plane, &namespace, name, false).await;
    }
    label(plane, &namespace, "a").await;
    label(plane, &namespace, "b").await;
    write(plane, &namespace, "a", "Unknown", "False", 1).await;
    let mut child = begin(plane, &namespace, &["-l", "team=a"]);
    let (_lifeline, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut out = BufReader::new(out).lines();
    let mut all = Vec::new();
    let mut until = async |text: &str| loop {
        let line = tokio::time::timeout(Duration::from_secs(60), out.next_line()).await.expect(text).unwrap();
        let line = line.unwrap_or_else(|| panic!("it ended before it said {text}: {all:?}"));
        all.push(line.clone());
        if line.contains(text) {
            break;
        }
    };
    // Both are there before anything else is told of them.
    until("b  ").await;
    write(plane, &namespace, "a", "True", "True", 1).await;
    until("a  Passed 99361f9f: Reason: text").await;
    // One that comes meanwhile is followed too.
    create(plane, &namespace, "c", false).await;
    label(plane, &namespace, "c").await;
    until("c  ").await;
    write(plane, &namespace, "b", "False", "True", 1).await;
    until("b  ").await;
    plane.kubectl_ok(&["delete", "testrunreport", "c", "-n", &namespace]).await.unwrap();
    until("c  deleted").await;
    let status = child.wait().await.unwrap();
    assert_eq!(status.code(), Some(FAILED));
    assert!(all.iter().all(|l| !l.contains("other") && !l.contains('\u{1b}')), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_as_a_gate_would() {
    let plane = cluster().await;
    let namespace = plane.namespace("cliends").await.unwrap();
    let watch = async |args: &[&str]| cli(plane, &namespace, &[&["watch"], args].concat()).await;
    assert_eq!(watch(&["none"]).await.code, UNREADABLE, "no such report");
    assert_eq!(watch(&["-l", "team=none"]).await.code, UNDECIDED, "of nothing nothing is decided");
    create(plane, &namespace, "a", false).await;
    let never = watch(&["a", "--timeout", "2s"]).await;
    assert!(never.code == UNDECIDED && never.err.contains("a: undecided"), "{never:?}");
    write(plane, &namespace, "a", "True", "True", 1).await;
    assert_eq!(watch(&["a"]).await.code, PASSED);
    create(plane, &namespace, "b", false).await;
    write(plane, &namespace, "b", "False", "True", 1).await;
    assert_eq!(watch(&["a", "b"]).await.code, FAILED);
    assert_eq!(watch(&[]).await.code, USAGE);
    let nobody = Cli::new(&["watch", "a"]).env("KUBECONFIG", "/nowhere").run().await;
    assert_eq!(nobody.code, UNREADABLE, "{nobody:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_has_colours_unless_somebody_wants_none() {
    let plane = cluster().await;
    let namespace = plane.namespace("clitty").await.unwrap();
    create(plane, &namespace, "a", false).await;
    write(plane, &namespace, "a", "True", "True", 1).await;
    let program = env!("CARGO_BIN_EXE_kubectl-testrun");
    let run = format!("stty cols 100 rows 20; exec {program} watch a -n {namespace}");
    for (no_color, term, colour) in [("", "xterm", true), ("1", "xterm", false), ("", "dumb", false)] {
        let ran = Command::new("script")
            .args(["-qec", &run, "/dev/null"])
            .env("KUBECONFIG", plane.kubeconfig_path())
            .env("NO_COLOR", no_color)
            .env("TERM", term)
            .stdin(Stdio::null())
            .output()
            .await;
        let Ok(ran) = ran else {
            println!("skipped: there is no script(1) to make a terminal");
            return;
        };
        let out = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert_eq!(ran.status.code(), Some(PASSED), "{out}");
        assert_eq!(out.contains("\u{1b}[32m"), colour, "{term} {no_color}: {out:?}");
        assert!(out.contains("Passed") && out.contains("99361f9f"), "{out:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_reports_that_are_named_nobody_has_to_see_the_others() {
    let plane = cluster().await;
    let namespace = plane.namespace("clinames").await.unwrap();
    for name in ["a", "b", "other"] {
        create(plane, &namespace, name, false).await;
        write(plane, &namespace, name, "True", "True", 1).await;
    }
    let n = format!("--namespace={namespace}");
    for args in [
        &[
            "create", "role", "two", "--verb=get,list,watch", "--resource=testrunreports.testrun.dev",
            "--resource-name=a", "--resource-name=b", &n,
        ][..],
        &["create", "rolebinding", "two", "--role=two", "--user=only-two", &n],
    ] {
        plane.kubectl_ok(args).await.unwrap();
    }
    may(plane, "only-two", "watch", "testrunreports.testrun.dev/a", &namespace).await;
    let config = plane.kubeconfig_for("only-two", &[]).unwrap();
    let watch = async |args: &[&str]| {
        let args = [&["watch", "-n", &namespace], args].concat();
        Cli::new(&args).env("KUBECONFIG", config.to_str().unwrap()).run().await
    };
    let ran = watch(&["a", "b", "a"]).await;
    assert_eq!(ran.code, PASSED, "{ran:?}");
    assert!(ran.out.contains("a  Passed") && ran.out.contains("b  Passed"), "{ran:?}");
    let ran = watch(&["a", "other"]).await;
    assert!(ran.code != PASSED && ran.err.contains("forbidden"), "{ran:?}");
}
