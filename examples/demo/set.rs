//! The second act: a set makes the reports, as GitHub tells of pull requests.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use testkit::github::scenarios::pr20;
use testkit::github::{GitHub, PullSpec, sha_of};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use super::{Kubectl, say};

const SECRET: &str = "the demo's webhook secret";
/// Far longer than it takes, on any machine.
const AT_MOST: Duration = Duration::from_secs(60);

pub async fn show(kubectl: &Kubectl, gh: &GitHub) -> Result<()> {
    say("a set makes the reports; from here on GitHub is asked once an hour, and tells by webhooks");
    let address = free_address()?;
    let mut operator = kubectl.operator(&[
        "--github-url",
        gh.url(),
        "--poll-interval",
        "1h",
        "--refresh-interval",
        "1h",
        "--webhook-addr",
        &address,
        "--webhook-secret",
        SECRET,
    ])?;
    kubectl.show(&["apply", "-f", "examples/demo/set.yaml"]).await?;
    kubectl.show(&["wait", "--for=condition=Ready", "testrunreportset/kubernaut", "--timeout=60s"]).await?;
    gh.update(|s| s.send_hooks_to(&format!("http://{address}/webhooks/github.com"), SECRET));
    let mut watch = Watch::start(kubectl)?;
    watch.until("ADDED", "kubernaut-pr-20").await?;

    say("somebody opens pull request 21 on GitHub, and closes it");
    let begin = Instant::now();
    gh.update(|s| {
        let pull = PullSpec::new(21, sha_of("pull request 21")).title("Say hello").branch("feature/hello");
        s.repo(pr20::REPOSITORY).pull_request(pull);
    });
    watch.until("ADDED", "kubernaut-pr-21").await?;
    let opened = begin.elapsed();
    let begin = Instant::now();
    gh.update(|s| {
        s.repo(pr20::REPOSITORY).close_pull(21, true);
    });
    watch.until("DELETED", "kubernaut-pr-21").await?;
    let closed = begin.elapsed();
    say(&format!(
        "its report was there {} ms after it was opened, and gone {} ms after it was closed",
        opened.as_millis(),
        closed.as_millis()
    ));
    watch.child.kill().await?;
    kubectl.show(&["get", "testrunreportsets"]).await?;
    operator.kill().await?;
    Ok(())
}

/// An address on which nobody listens.
fn free_address() -> Result<String> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

/// What kubectl sees of reports, as it sees it.
struct Watch {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    fn start(kubectl: &Kubectl) -> Result<Self> {
        let args = ["get", "testrunreports", "-w", "--output-watch-events"];
        println!("\n$ kubectl {}", args.join(" "));
        let mut child = kubectl.command(&args).stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take().context("kubectl has an output")?;
        Ok(Self { child, lines: BufReader::new(out).lines() })
    }

    /// Shows what comes until this happens to this report.
    async fn until(&mut self, event: &str, name: &str) -> Result<()> {
        let seen = async {
            loop {
                let line = self.lines.next_line().await?.context("kubectl ended")?;
                println!("{line}");
                let mut words = line.split_whitespace();
                if words.next() == Some(event) && words.next() == Some(name) {
                    return Ok(());
                }
            }
        };
        tokio::time::timeout(AT_MOST, seen).await.with_context(|| format!("{name} was not {event}"))?
    }
}
