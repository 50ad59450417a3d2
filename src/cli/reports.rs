//! `report`, `gate`, `get` and `describe`.

use std::time::{Duration, Instant};

use clap::Args;
use jiff::Timestamp;

use super::cluster::{Cluster, ClusterArgs, Missing};
use super::exit::Exit;
use super::oneshot::{self, Until};
use super::print;
use super::render::{self, Columns, Format};
use super::source::SourceArgs;
use crate::verdict::gate::{Gate, Word, judge, judge_commit};

/// Pause between two looks at an object in a cluster.
const GLANCE: Duration = Duration::from_secs(1);

/// Arguments of `report`.
#[derive(Args, Debug)]
pub(super) struct ReportArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    /// Look again until the verdict is final
    #[arg(short, long)]
    watch: bool,
    /// Time between two looks
    #[arg(long, default_value = "30s", value_parser = duration, value_name = "DURATION")]
    poll_interval: Duration,
}

/// Arguments of `gate`.
#[derive(Args, Debug)]
pub(super) struct GateArgs {
    /// Name of a report in a cluster; with it --repo and --sha say which commit it must be about
    name: Option<String>,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Wait this long for a final verdict, for example 30m
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    timeout: Option<Duration>,
    /// Time between two looks at GitHub
    #[arg(long, default_value = "30s", value_parser = duration, value_name = "DURATION")]
    poll_interval: Duration,
}

/// Arguments of `get`.
#[derive(Args, Debug)]
pub(super) struct GetArgs {
    /// Names of reports [default: all]
    names: Vec<String>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Reports of all namespaces
    #[arg(short = 'A', long, conflicts_with_all = ["names", "namespace"])]
    all_namespaces: bool,
    /// Label selector
    #[arg(short = 'l', long, conflicts_with = "names")]
    selector: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    /// Leave the header out
    #[arg(long)]
    no_headers: bool,
}

/// Arguments of `describe`.
#[derive(Args, Debug)]
pub(super) struct DescribeArgs {
    /// Names of reports
    #[arg(required = true)]
    names: Vec<String>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// A report of a commit, without a cluster.
pub(super) async fn report(args: &ReportArgs) -> anyhow::Result<Exit> {
    let mut report = match args.source.report() {
        Ok(report) => report,
        Err(error) => return Ok(usage(&error)),
    };
    let github = match args.source.client() {
        Ok(client) => client,
        Err(error) => return Ok(usage(&error)),
    };
    let until = if args.watch { Until::Final(None) } else { Until::Once };
    oneshot::fill(&github, &mut report, until, args.poll_interval).await;
    print(&render::render(
        args.output,
        std::slice::from_ref(&report),
        Columns::default(),
        Timestamp::now(),
    )?)?;
    let gate = judge(&report);
    // Without facts there is no report; the reason is the message.
    Ok(if gate.word == Word::Unreadable {
        eprintln!("error: {}", gate.message);
        Exit::Unreadable
    } else {
        Exit::Success
    })
}

/// The verdict as an exit code.
pub(super) async fn gate(args: &GateArgs) -> anyhow::Result<Exit> {
    let end = args.timeout.map(|t| Instant::now() + t);
    let gate = match &args.name {
        Some(name) => {
            if args.source.names_more() {
                return Ok(usage(&anyhow::anyhow!(
                    "with the name of a report only --repo and --sha say what it must be about"
                )));
            }
            in_cluster(args, name, end).await?
        }
        None if args.source.is_given() => {
            let mut report = match args.source.report_to_judge() {
                Ok(report) => report,
                Err(error) => return Ok(usage(&error)),
            };
            let github = match args.source.client() {
                Ok(client) => client,
                Err(error) => return Ok(usage(&error)),
            };
            let until = if end.is_some() { Until::Final(end) } else { Until::Once };
            oneshot::fill(&github, &mut report, until, args.poll_interval).await;
            judge_commit(&report, None, args.source.sha.as_deref())
        }
        None => {
            return Ok(usage(&anyhow::anyhow!(
                "name a report, or a commit with --repo and --pr, --sha, --run or --branch, or -f FILE"
            )));
        }
    };
    let (word, exit) = match gate.word {
        Word::Passed => ("passed", Exit::Success),
        Word::Failed => ("failed", Exit::Failure),
        Word::Undecided => ("undecided", Exit::Undecided),
        Word::Unreadable => ("cannot read", Exit::Unreadable),
    };
    let text = format!("{word}: {}\n", crate::verdict::text::clean(&gate.message, 2048));
    if exit == Exit::Success {
        print(&text)?;
    } else {
        print_error(&text);
    }
    Ok(exit)
}

async fn in_cluster(args: &GateArgs, name: &str, end: Option<Instant>) -> anyhow::Result<Gate> {
    let cluster = args.cluster.connect().await?;
    loop {
        let gate = match cluster.get(name).await {
            Ok(report) => judge_commit(&report, args.source.repo.as_deref(), args.source.sha.as_deref()),
            Err(Missing::NotFound(message)) => Gate { word: Word::Unreadable, message, open: false },
            Err(Missing::Other(error)) => {
                Gate { word: Word::Unreadable, message: format!("{error:#}"), open: end.is_some() }
            }
        };
        let late = end.is_none_or(|end| Instant::now() + GLANCE >= end);
        if !gate.open || late {
            return Ok(gate);
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// Reports of a cluster as a table, or in another form.
pub(super) async fn get(args: &GetArgs) -> anyhow::Result<Exit> {
    let cluster = args.cluster.connect().await?;
    let mut exit = Exit::Success;
    let reports = if args.names.is_empty() {
        let (reports, remarks) = cluster.list(args.all_namespaces, args.selector.as_deref()).await?;
        for remark in remarks {
            print_error(&format!("warning: {}\n", crate::verdict::text::clean(&remark, 1024)));
        }
        if reports.is_empty() && matches!(args.output, Format::Table | Format::Wide | Format::Markdown) {
            print_error(&match args.all_namespaces {
                true => "No resources found\n".to_owned(),
                false => format!("No resources found in {} namespace.\n", cluster.namespace),
            });
            return Ok(Exit::Success);
        }
        reports
    } else {
        named(&cluster, &args.names, &mut exit).await?
    };
    if reports.is_empty() && exit != Exit::Success {
        return Ok(exit);
    }
    let columns =
        Columns { namespace: args.all_namespaces, no_headers: args.no_headers, ..Columns::default() };
    print(&render::render(args.output, &reports, columns, Timestamp::now())?)?;
    Ok(exit)
}

/// Reports of a cluster at length.
pub(super) async fn describe(args: &DescribeArgs) -> anyhow::Result<Exit> {
    let cluster = args.cluster.connect().await?;
    let mut exit = Exit::Success;
    let reports = named(&cluster, &args.names, &mut exit).await?;
    let now = Timestamp::now();
    let texts: Vec<String> = reports.iter().map(|r| render::describe(r, now)).collect();
    print(&texts.join("\n\n"))?;
    Ok(exit)
}

/// The named reports; each one that is not there is said, and ends in kubectl's code 1.
async fn named(
    cluster: &Cluster,
    names: &[String],
    exit: &mut Exit,
) -> anyhow::Result<Vec<crate::api::TestRunReport>> {
    let mut reports = Vec::new();
    for name in names {
        match cluster.get(name).await {
            Ok(report) => reports.push(report),
            Err(Missing::NotFound(message)) => {
                print_error(&format!(
                    "Error from server (NotFound): {}\n",
                    crate::verdict::text::clean(&message, 512)
                ));
                *exit = Exit::Failure;
            }
            Err(Missing::Other(error)) => return Err(error),
        }
    }
    Ok(reports)
}

fn usage(error: &anyhow::Error) -> Exit {
    print_error(&format!("error: {error:#}\n"));
    Exit::Usage
}

fn print_error(text: &str) {
    eprint!("{text}");
}

/// A duration such as `30s`, `10m` or `1h30m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("{text:?} must be a duration such as 30s, 10m or 1h30m");
    let span: jiff::SignedDuration = text.parse().map_err(|_| expected())?;
    Duration::try_from(span).map_err(|_| expected())
}
