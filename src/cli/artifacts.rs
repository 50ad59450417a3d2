//! `artifacts`: what the runs of a commit uploaded, and how to have it on one's own disk.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;

use super::cluster::{ClusterArgs, Missing};
use super::exit::Exit;
use super::output::Output;
use super::print;
use super::render::artifact_table;
use super::source::SourceArgs;
use super::unpack::{self, Bounds};
use crate::api::spec::ArtifactsSpec;
use crate::api::status::Artifact;
use crate::api::{Reason, TestRunReportStatus};
use crate::collect::{Look, Memory, collect};
use crate::github::api::Repo;
use crate::github::{Ask, GitHub, Priority, Unfetched};
use crate::verdict::belongs::glob;
use crate::verdict::text::clean;
use crate::verdict::{Context, evaluate};

/// Entries of one archive.
const ENTRIES: u64 = 100_000;

/// Arguments of `artifacts`.
#[derive(Args, Debug)]
pub(super) struct ArtifactsArgs {
    /// Name of a report in a cluster, in place of --repo or -f
    #[arg(conflicts_with_all = ["file", "repo", "pr", "sha", "run", "branch"])]
    name: Option<String>,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Only artifacts of this name; * and ? stand for any text and any character
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,
    /// Download them and unpack each into a folder of its name in this folder
    #[arg(long, value_name = "DIR")]
    download: Option<PathBuf>,
    /// Largest archive that is downloaded, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 4 << 30)]
    max_bytes: u64,
    /// Bytes that one archive may unpack to
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 30)]
    max_unpacked: u64,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Lists artifacts, or downloads them.
pub(super) async fn artifacts(args: &ArtifactsArgs) -> anyhow::Result<Exit> {
    let github = match args.source.client() {
        Ok(client) => client,
        Err(error) => return Ok(usage(&error)),
    };
    let status = match &args.name {
        Some(name) => match args.cluster.connect().await?.get(name).await {
            Ok(report) => report.status.unwrap_or_default(),
            Err(Missing::NotFound(message)) => {
                eprintln!("Error from server (NotFound): {}", clean(&message, 512));
                return Ok(Exit::Failure);
            }
            Err(Missing::Other(error)) => return Err(error),
        },
        None => match args.source.report() {
            Ok(report) => of_commit(&github, report.spec).await?,
            Err(error) => return Ok(usage(&error)),
        },
    };
    let Some(source) = &status.source else {
        bail!("the report has not seen its commit yet; kubectl testrun describe says why")
    };
    let wanted = |a: &&Artifact| {
        let named = args.only.is_empty() || args.only.iter().any(|g| glob(g, &a.name));
        named && args.source.run.is_none_or(|run| run == a.run_id)
    };
    let list: Vec<&Artifact> = status.artifacts.iter().filter(wanted).collect();
    let Some(folder) = &args.download else {
        return print(&match args.output {
            Output::Json => serde_json::to_string_pretty(&list)? + "\n",
            Output::Text => artifact_table(&list),
        });
    };
    if list.is_empty() {
        eprintln!("no artifacts to download");
        return Ok(Exit::Success);
    }
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", clean(&folder.display().to_string(), 300)))?;
    let repo = Repo::new(&github, &source.repository, Ask::now(Priority::Gating));
    let mut exit = Exit::Success;
    for artifact in list {
        match one(&repo, artifact, folder, args).await {
            Ok((said, whole)) => {
                print(&said)?;
                if !whole && exit == Exit::Success {
                    exit = Exit::Failure;
                }
            }
            Err(error) => {
                eprintln!("error: {}: {error:#}{}", clean(&artifact.name, 255), elsewhere(artifact));
                exit = match error.downcast_ref::<Unfetched>() {
                    Some(Unfetched::Trouble(t)) if t.reason != Reason::NotFound => Exit::Unreadable,
                    _ if exit == Exit::Unreadable => exit,
                    _ => Exit::Failure,
                };
            }
        }
    }
    Ok(exit)
}

/// What a commit has, without reading logs or archives.
async fn of_commit(
    github: &GitHub,
    mut spec: crate::api::TestRunReportSpec,
) -> anyhow::Result<TestRunReportStatus> {
    let own = spec.artifacts.take().unwrap_or_default();
    spec.artifacts = Some(ArtifactsSpec { max_artifact_bytes: 0, max_log_bytes: 0, ..own });
    let seen = collect(github, &spec, &Memory::new(), Look::whole()).await;
    if let crate::verdict::facts::Observations::Trouble(trouble) = &seen {
        bail!("{}", trouble.message);
    }
    let context = Context {
        waivers: Default::default(),
        generation: 1,
        name: None,
        namespace: None,
        previous: None,
        now: Timestamp::now(),
        moved: false,
    };
    Ok(evaluate(&spec, &seen, &context).status)
}

/// Where else an artifact is.
fn elsewhere(artifact: &Artifact) -> String {
    let Some(copy) = artifact.copied() else { return String::new() };
    let said = |text: &Option<String>| clean(text.as_deref().unwrap_or_default(), 1024);
    format!("; a copy is at {} ({})", said(&copy.url), said(&copy.digest))
}

/// Downloads one artifact. Says what came of it, and whether all of it is there.
async fn one(
    repo: &Repo<'_>,
    artifact: &Artifact,
    folder: &Path,
    args: &ArtifactsArgs,
) -> anyhow::Result<(String, bool)> {
    let name = unpack::inside(&artifact.name).filter(|path| path.components().count() == 1);
    let name = name.unwrap_or_else(|| format!("artifact-{}", artifact.id).into());
    let mut to = folder.join(name);
    // The same name may be there of several runs.
    if to.exists() {
        to = folder.join(format!("artifact-{}", artifact.id));
    }
    if artifact.expired {
        bail!(Unfetched::Expired);
    }
    let fetched = repo.artifact_zip(artifact.id, artifact.digest.as_deref(), args.max_bytes).await?;
    let bounds = Bounds { entries: ENTRIES, bytes: args.max_unpacked };
    let shown = clean(&to.display().to_string(), 400);
    let work = {
        let to = to.clone();
        tokio::task::spawn_blocking(move || unpack::unpack(fetched.file, &to, bounds))
    };
    let done = work.await?.with_context(|| format!("cannot unpack into {shown}"))?;
    let digest = if fetched.verified { "digest verified" } else { "GitHub gives no digest to compare" };
    let mut text = String::new();
    writeln!(text, "{shown}: {} files, {} bytes; {digest}", done.files, done.bytes)?;
    for remark in &done.remarks {
        writeln!(text, "  left out: {remark}")?;
    }
    let more = done.left_out.saturating_sub(done.remarks.len() as u64);
    if more > 0 {
        writeln!(text, "  left out: {more} more")?;
    }
    Ok((text, done.left_out == 0))
}

fn usage(error: &anyhow::Error) -> Exit {
    eprintln!("error: {error:#}");
    Exit::Usage
}
