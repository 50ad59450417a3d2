//! `adopt`: turns reports that exist over to a set, which keeps them from then on as its template says.

use clap::Args;
use kube::ResourceExt;
use serde_json::{Value, json};

use super::cluster::{Cluster, ClusterArgs, Missing, Recorded};
use super::exit::Exit;
use super::print;
use crate::api::set::SET_UID;
use crate::api::{TestRunReport, TestRunReportSet};
use crate::sets;
use crate::verdict::text::clean;

/// Arguments of `adopt`.
#[derive(Args, Debug)]
pub(super) struct AdoptArgs {
    /// Names of reports in a cluster
    #[arg(required = true)]
    names: Vec<String>,
    /// Name of the set that they will belong to
    #[arg(long)]
    set: String,
    /// Say what would be done, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Turns reports over. The first that cannot be ends it.
pub(super) async fn adopt(args: &AdoptArgs) -> anyhow::Result<Exit> {
    let cluster = args.cluster.connect().await?;
    let set: TestRunReportSet = match cluster.namespaced().get(&args.set).await {
        Ok(set) => set,
        Err(kube::Error::Api(status)) if status.is_not_found() => {
            eprintln!("Error from server (NotFound): {}", clean(&status.message, 512));
            return Ok(Exit::Failure);
        }
        Err(error) => return Err(error.into()),
    };
    for name in &args.names {
        let report = match cluster.get(name).await {
            Ok(report) => report,
            Err(Missing::NotFound(message)) => {
                eprintln!("Error from server (NotFound): {}", clean(&message, 512));
                return Ok(Exit::Failure);
            }
            Err(Missing::Other(error)) => return Err(error),
        };
        let (name, of) = (clean(name, 253), clean(&args.set, 253));
        let said = match one(&cluster, &set, &report, args.dry_run).await? {
            Ok(true) => format!("{name} belongs to the set {of}\n"),
            Ok(false) => format!("{name} belongs to the set {of} already\n"),
            Err(why) => {
                eprintln!("error: {name} is not turned over to the set {of}: {why}");
                return Ok(Exit::Failure);
            }
        };
        print(&said)?;
    }
    Ok(Exit::Success)
}

/// Turns one report over; says whether it was another's before, or why not.
async fn one(
    cluster: &Cluster,
    set: &TestRunReportSet,
    report: &TestRunReport,
    dry_run: bool,
) -> anyhow::Result<Result<bool, String>> {
    if sets::is_owned(report, set) {
        return Ok(Ok(false));
    }
    if let Err(why) = sets::fits(set, report) {
        return Ok(Err(why));
    }
    if let Some((Some(owner), uid)) = sets::set_of(report) {
        let there = cluster.namespaced::<TestRunReportSet>().get_opt(owner).await?;
        if there.is_some_and(|there| there.uid().as_deref() == Some(uid)) {
            return Ok(Err(format!(
                "it belongs to the set {}; delete that, or rename its reports",
                clean(owner, 253)
            )));
        }
    }
    if dry_run {
        return Ok(Ok(true));
    }
    Ok(match cluster.merge(report, turned(set, report)).await? {
        Recorded::Done => Ok(true),
        Recorded::Conflict(_) => Err("somebody changed it meanwhile; try again".to_owned()),
        Recorded::Refused(message) => Err(format!("the API server refuses it: {}", clean(&message, 1024))),
    })
}

/// What is written: the set in place of whoever controlled it.
fn turned(set: &TestRunReportSet, report: &TestRunReport) -> Value {
    let others = report.owner_references().iter().filter(|o| o.controller != Some(true));
    let mut owners: Vec<Value> = others.map(|o| json!(o)).collect();
    match sets::owner_reference(set) {
        Some(owner) => {
            owners.push(json!(owner));
            json!({"metadata": {"ownerReferences": owners, "annotations": {SET_UID: null}}})
        }
        None => json!({"metadata": {"ownerReferences": owners, "annotations": {SET_UID: set.uid()}}}),
    }
}
