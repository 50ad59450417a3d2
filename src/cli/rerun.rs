//! `rerun`: asks GitHub to run again what failed on a commit, at most once for an attempt.

use anyhow::{anyhow, bail};
use clap::Args;
use jiff::Timestamp;

use super::cluster::{ClusterArgs, Missing};
use super::exit::Exit;
use super::print;
use super::source::SourceArgs;
use crate::api::spec::{ArtifactsSpec, GitHubSource};
use crate::api::{DEFAULT_CONNECTION, Reason, TestRunReport};
use crate::collect::{Look, Memory, collect};
use crate::github::api::Repo;
use crate::github::{Ask, GITHUB_COM, GitHub, Priority};
use crate::verdict::facts::{Facts, Observations, Trouble};
use crate::verdict::text::clean;
use crate::verdict::{RedRun, red_runs};

/// Arguments of `rerun`.
#[derive(Args, Debug)]
pub(super) struct RerunArgs {
    /// Name of a report in a cluster, in place of --repo
    #[arg(conflicts_with_all = ["repo", "pr", "sha", "branch"])]
    name: Option<String>,
    /// Repository, as owner/name
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Option<String>,
    /// Number of a pull request
    #[arg(long, value_name = "N", requires = "repo", conflicts_with_all = ["sha", "branch"])]
    pr: Option<i64>,
    /// Full commit id
    #[arg(long, value_name = "SHA", requires = "repo", conflicts_with = "branch")]
    sha: Option<String>,
    /// Name of a branch
    #[arg(long, value_name = "NAME", requires = "repo")]
    branch: Option<String>,
    /// Only this workflow run, failed or not [default: every run in which something failed that counts]
    #[arg(long, value_name = "ID")]
    run: Option<i64>,
    /// Only the failed jobs and what depends on them, not all jobs of a run
    #[arg(long)]
    failed: bool,
    /// Say what would be run again, and ask for nothing
    #[arg(long)]
    dry_run: bool,
    /// API of GitHub; https://HOST/api/v3 for GitHub Enterprise Server
    #[arg(long, env = "GITHUB_API_URL", default_value = GITHUB_COM, value_name = "URL")]
    github_url: String,
    #[command(flatten)]
    cluster: ClusterArgs,
}

impl RerunArgs {
    /// The commit of the flags, as the other commands name it.
    fn source(&self) -> SourceArgs {
        SourceArgs {
            file: None,
            repo: self.repo.clone(),
            pr: self.pr,
            sha: self.sha.clone(),
            // Beside another name of the commit it only chooses among the commit's runs.
            run: self.run.filter(|_| self.pr.is_none() && self.sha.is_none() && self.branch.is_none()),
            branch: self.branch.clone(),
            github_url: self.github_url.clone(),
        }
    }
}

/// Asks for the re-runs.
pub(super) async fn rerun(args: &RerunArgs) -> anyhow::Result<Exit> {
    let source = args.source();
    let report = match &args.name {
        None => source.report(),
        Some(name) => match args.cluster.connect().await?.get(name).await {
            Ok(report) => decided(report, args),
            Err(Missing::NotFound(message)) => {
                eprintln!("Error from server (NotFound): {}", clean(&message, 512));
                return Ok(Exit::Failure);
            }
            Err(Missing::Other(error)) => return Err(error),
        },
    };
    let (mut report, github) = match report.and_then(|r| Ok((r, source.client()?))) {
        Ok(both) => both,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(Exit::Usage);
        }
    };
    // What failed is asked, not why.
    report.spec.artifacts = Some(ArtifactsSpec { max_log_bytes: 0, ..Default::default() });
    let facts = match collect(&github, &report.spec, &Memory::new(), Look::whole()).await {
        Observations::Facts(facts) => facts,
        Observations::Trouble(trouble) => bail!("{}", trouble.message),
    };
    let runs = match chosen(args, &report, &facts) {
        Ok(runs) => runs,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(Exit::Failure);
        }
    };
    let mut exit = Exit::Success;
    for run in runs {
        match ask(&github, &facts.source.repository, &run, args).await {
            Ok(said) => drop(print(&format!("{said}\n"))?),
            Err(trouble) => {
                eprintln!("error: {}", clean(&trouble.message, 1024));
                exit = match trouble.reason {
                    Reason::Forbidden | Reason::NotFound if exit == Exit::Success => Exit::Failure,
                    Reason::Forbidden | Reason::NotFound => exit,
                    _ => Exit::Unreadable,
                };
            }
        }
    }
    Ok(exit)
}

/// A report of a cluster as a question about the commit that it was decided for.
fn decided(mut report: TestRunReport, args: &RerunArgs) -> anyhow::Result<TestRunReport> {
    let connection = &report.spec.source.github.connection;
    if connection != DEFAULT_CONNECTION && args.github_url == GITHUB_COM {
        bail!(
            "the report is read through the connection {}, which only the operator knows; name its API with --github-url",
            clean(connection, 63)
        );
    }
    let seen = report.status.as_ref().filter(|s| Some(s.observed_generation) == report.metadata.generation);
    if let Some(source) = seen.and_then(|s| s.source.as_ref()).filter(|s| !s.sha.is_empty()) {
        report.spec.source.github = GitHubSource {
            repository: source.repository.clone(),
            sha: Some(source.sha.clone()),
            connection: DEFAULT_CONNECTION.to_owned(),
            ..Default::default()
        };
    }
    report.spec.suspend = false;
    crate::verdict::validate(&report.spec).map_err(|e| anyhow!(e))?;
    Ok(report)
}

/// The runs to ask for.
fn chosen(args: &RerunArgs, report: &TestRunReport, facts: &Facts) -> anyhow::Result<Vec<RedRun>> {
    let (sha, repository) = (clean(&facts.source.sha, 64), clean(&facts.source.repository, 140));
    if let Some(id) = args.run {
        let known = facts.runs.iter().find(|r| r.id == id && r.head_sha == facts.source.sha);
        let Some(run) = known else {
            bail!("run {id} is none of the runs of commit {sha} of {repository}");
        };
        return Ok(vec![RedRun {
            id,
            attempt: run.attempt,
            workflow: run.workflow.clone(),
            completed: run.status == "completed",
        }]);
    }
    let runs = red_runs(&report.spec, facts, Timestamp::now()).map_err(|e| anyhow!(e))?;
    if runs.is_empty() {
        bail!(
            "nothing that counts failed in the runs of commit {sha} of {repository}; --run ID names one that is run again all the same"
        );
    }
    Ok(runs)
}

/// Asks for one, if it still is what was seen. Says what came of it.
async fn ask(github: &GitHub, repository: &str, run: &RedRun, args: &RerunArgs) -> Result<String, Trouble> {
    let named = format!("run {} ({}) of {}", run.id, clean(&run.workflow, 100), clean(repository, 140));
    let what = if args.failed { "its failed jobs" } else { "all its jobs" };
    let repo = || Repo::new(github, repository, Ask::now(Priority::Gating));
    let now = repo().run(run.id).await?;
    if now.run_attempt > run.attempt {
        return Ok(format!("{named} has begun attempt {} already; nothing was asked for", now.run_attempt));
    }
    if !run.completed || now.status != "completed" {
        return Err(Trouble {
            reason: Reason::Forbidden,
            message: format!("{named} has not ended; GitHub runs again only what has"),
            retry_at: None,
        });
    }
    if args.dry_run {
        return Ok(format!("{named} would run {what} again, as attempt {}", run.attempt + 1));
    }
    let asked = repo().rerun(run.id, args.failed).await;
    if let Err(trouble) = asked {
        // An answer may be lost, or somebody else was faster; the attempt tells.
        return match repo().run(run.id).await {
            Ok(now) if now.run_attempt > run.attempt => {
                Ok(format!("{named} runs again, as attempt {}", now.run_attempt))
            }
            _ => Err(trouble),
        };
    }
    Ok(format!("{named} runs {what} again, as attempt {}", run.attempt + 1))
}
