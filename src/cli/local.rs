//! `record-local`: the results of a developer's machine, out of real reports, into a report of a cluster.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::cluster::{ClusterArgs, Missing, Recorded};
use super::exit::Exit;
use super::print;
use crate::api::spec::{LocalResult, MAX_LOCAL_TESTS};
use crate::evidence::parse::{self, Limits, Parsed};
use crate::verdict::text::clean;

/// Arguments of `record-local`.
#[derive(Args, Debug)]
pub(super) struct LocalArgs {
    /// Name of a report in a cluster
    name: String,
    /// Test reports, logs, or zips of them, all of one run of the suite
    #[arg(required = true)]
    reports: Vec<PathBuf>,
    /// Suite or job that was run: a suite's name, a job's name, or an alias
    #[arg(long)]
    suite: String,
    /// Commit that was tested, as git rev-parse HEAD prints it
    #[arg(long, value_name = "SHA")]
    commit: Option<String>,
    /// Who ran it
    #[arg(long, env = "USER", value_name = "NAME")]
    reporter: Option<String>,
    /// Take the entry over if somebody else wrote it
    #[arg(long)]
    force: bool,
    /// Print what would be recorded, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Records the results of local reports.
pub(super) async fn record(args: &LocalArgs) -> anyhow::Result<Exit> {
    let mut all = Vec::new();
    for path in &args.reports {
        let parsed = parse::parse_path(path, &Limits::default())?;
        let name = clean(&parsed.file, 300);
        if !parsed.understood() {
            let why = parsed.warnings.first().map(|w| format!(": {}", w.text)).unwrap_or_default();
            eprintln!("error: {name} holds no test results of a known format{why}");
            return Ok(Exit::Failure);
        }
        if !parsed.complete {
            eprintln!("error: {name} breaks off, or a part of it was not run: only whole runs compare");
            return Ok(Exit::Failure);
        }
        all.push(parsed);
    }
    let Some(sum) = Parsed::sum(all) else { bail!("no reports") };
    let result = match result(args, &sum) {
        Ok(result) => result,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(Exit::Usage);
        }
    };
    let shown = format!(
        "{}: {} tests, {} passed, {} failed, {} skipped, {} flaked",
        clean(&result.suite, 255),
        sum.tests.total,
        sum.tests.passed,
        sum.tests.bad(),
        sum.tests.skipped + sum.tests.pending,
        sum.tests.flaked
    );
    if args.dry_run {
        return print(&format!("{shown}\n{}\n", serde_json::to_string_pretty(&result)?));
    }
    let cluster = args.cluster.connect().await?;
    let patch = json!({"spec": {"localResults": [result]}});
    match cluster.apply(&args.name, &manager(&args.suite), patch, args.force).await {
        Ok(Recorded::Done) => print(&format!("{shown}; recorded in {}\n", clean(&args.name, 253))),
        Ok(Recorded::Conflict(message)) => {
            eprintln!(
                "error: somebody else wrote the local result of this suite: {}; --force takes it over",
                clean(&message, 512)
            );
            Ok(Exit::Failure)
        }
        Ok(Recorded::Refused(message)) => {
            eprintln!("error: the API server refuses it: {}", clean(&message, 1024));
            Ok(Exit::Failure)
        }
        Err(Missing::NotFound(message)) => {
            eprintln!("Error from server (NotFound): {}", clean(&message, 512));
            Ok(Exit::Failure)
        }
        Err(Missing::Other(error)) => Err(error),
    }
}

fn result(args: &LocalArgs, sum: &Parsed) -> anyhow::Result<LocalResult> {
    let number =
        |n: u64| i64::try_from(n).ok().filter(|n| *n <= 10_000_000).context("more than 10,000,000 tests");
    if args.suite.is_empty() || args.suite.chars().count() > 255 {
        bail!("--suite is a name of 1 to 255 characters");
    }
    let hex =
        |c: &str| (7..=64).contains(&c.len()) && c.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if let Some(commit) = args.commit.as_deref().filter(|c| !hex(c)) {
        bail!(
            "--commit {}: 7 to 64 lower-case hexadecimal digits; git rev-parse HEAD prints it",
            clean(commit, 80)
        );
    }
    let mut names: Vec<String> = sum.failures.iter().map(|f| clean(&f.name, 512)).collect();
    names.sort();
    names.dedup();
    // A list that is not whole would make other tests look fixed.
    let whole = sum.failures_total == sum.failures.len() as u64 && names.len() <= MAX_LOCAL_TESTS;
    let now = Timestamp::now();
    Ok(LocalResult {
        suite: args.suite.clone(),
        total: Some(number(sum.tests.total)?),
        passed: Some(number(sum.tests.passed)?),
        failed: Some(number(sum.tests.bad())?),
        skipped: Some(number(sum.tests.skipped + sum.tests.pending)?),
        flaked: Some(number(sum.tests.flaked)?),
        failing_tests: if whole { names } else { Vec::new() },
        commit: args.commit.clone(),
        reporter: args.reporter.as_deref().map(|r| clean(r, 255)).filter(|r| !r.is_empty()),
        time: Some(Time(now.round(jiff::Unit::Second).unwrap_or(now))),
    })
}

/// The owner of one suite's entry: what one run records leaves the other suites alone.
fn manager(suite: &str) -> String {
    let hash: String = Sha256::digest(suite).iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("kubectl-testrun-local-{hash}")
}
