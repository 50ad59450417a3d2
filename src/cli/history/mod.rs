//! `history` and `top`: what past commits tell of jobs and tests.

mod ask;
mod github;
pub(super) mod would;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::exit::Exit;
use super::print;
use super::render;
use crate::history::{Asked, By, Of, Ranking};
use ask::Source;
pub(super) use ask::{Failure, Place};

/// Form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
    /// For programs
    Yaml,
    /// For spreadsheets
    Csv,
}

/// Arguments of `history`.
#[derive(Args, Debug)]
pub(super) struct HistoryArgs {
    /// Results of a job, as GitHub spells it [default: commits with their verdicts]
    #[arg(long, value_name = "NAME", conflicts_with = "test")]
    job: Option<String>,
    /// Results of a test, as `describe` prints its name
    #[arg(long, value_name = "NAME")]
    test: Option<String>,
    /// What this TestRunReport would have said of the commits of its repository; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["job", "test"])]
    would_pass: Option<PathBuf>,
    /// Only of this repository
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Option<String>,
    /// Only of commits of this branch; needed to tell the first bad commit
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Most rows, up to 500
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=500), value_name = "N")]
    limit: i64,
    /// The page after one that ended with this
    #[arg(long, value_name = "CURSOR")]
    before: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    source: Source,
}

/// What is ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Jobs of workflows
    Jobs,
    /// Tests that failed at least once
    Tests,
}

/// Arguments of `top`.
#[derive(Args, Debug)]
pub(super) struct TopArgs {
    /// What is ranked
    #[arg(value_enum)]
    what: What,
    /// What they are ranked by
    #[arg(long, value_enum, default_value_t)]
    by: By,
    /// Only of this repository
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Option<String>,
    /// Only of commits of this branch
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Results of so many days
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(i64).range(1..=3650), value_name = "N")]
    days: i64,
    /// Most rows, up to 500
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=500), value_name = "N")]
    limit: i64,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    source: Source,
}

/// Past commits, or results of one job or test.
pub(super) async fn history(args: &HistoryArgs) -> anyhow::Result<Exit> {
    let of = match (&args.job, &args.test) {
        (Some(job), _) => Of::Job(job.clone()),
        (None, Some(test)) => Of::Test(test.clone()),
        (None, None) => Of::Commits,
    };
    let commits = of == Of::Commits;
    let mut asked = Asked {
        namespace: String::new(),
        of,
        repository: args.repo.clone().unwrap_or_default(),
        branch: args.branch.clone().unwrap_or_default(),
        limit: args.limit,
        before: args.before.clone(),
    };
    if let Some(file) = &args.would_pass {
        if !args.source.names_a_store() {
            return Ok(wrong(
                "what was kept of past commits is in a history: name --server URL or --db FILE",
            ));
        }
        let trial = match would::tried(&args.source, file, asked).await {
            Ok(trial) => trial,
            Err(ask::Failure::Usage(why)) => return Ok(wrong(&why)),
            Err(ask::Failure::Other(error)) => return Err(error),
        };
        let exit = show(args.output, &trial, || render::trial(&trial), || render::trial_csv(&trial))?;
        more(args.output, trial.next.as_deref());
        return Ok(exit);
    }
    if !args.source.names_a_store() {
        return match github::question(&asked) {
            Ok(question) => {
                eprintln!("no --db or --server is given: what GitHub keeps of the newest runs");
                let answer = github::read(&question, &args.source.github_url).await?;
                show(args.output, &answer, || render::results(&answer), || render::results_csv(&answer))
            }
            Err(why) => Ok(wrong(&why)),
        };
    }
    let answer = match args.source.page(&mut asked).await {
        Ok(answer) => answer,
        Err(ask::Failure::Usage(why)) => return Ok(wrong(&why)),
        Err(ask::Failure::Other(error)) => return Err(error),
    };
    let table = || if commits { render::commits(&answer) } else { render::results(&answer) };
    let csv = || if commits { render::commits_csv(&answer) } else { render::results_csv(&answer) };
    let exit = show(args.output, &answer, table, csv)?;
    more(args.output, answer.next.as_deref());
    Ok(exit)
}

/// Says how to go on, where the answer itself does not.
fn more(output: Output, next: Option<&str>) {
    if let (Some(next), Output::Table | Output::Csv) = (next, output) {
        eprintln!("more: --before {next}");
    }
}

/// Jobs or tests, the worst first.
pub(super) async fn top(args: &TopArgs) -> anyhow::Result<Exit> {
    let mut ranking = Ranking {
        namespace: String::new(),
        tests: args.what == What::Tests,
        by: args.by,
        repository: args.repo.clone().unwrap_or_default(),
        branch: args.branch.clone().unwrap_or_default(),
        days: args.days,
        limit: args.limit,
    };
    let now = Timestamp::now().as_second();
    let top = match args.source.top(&mut ranking, now).await {
        Ok(top) => top,
        Err(ask::Failure::Usage(why)) => return Ok(wrong(&why)),
        Err(ask::Failure::Other(error)) => return Err(error),
    };
    show(args.output, &top, || render::top(&top), || render::top_csv(&top))
}

fn show<T: serde::Serialize>(
    output: Output,
    answer: &T,
    table: impl FnOnce() -> String,
    csv: impl FnOnce() -> String,
) -> anyhow::Result<Exit> {
    print(&match output {
        Output::Table => table(),
        Output::Csv => csv(),
        Output::Json => format!("{}\n", serde_json::to_string_pretty(answer)?),
        Output::Yaml => serde_saphyr::to_string(answer)?,
    })
}

fn wrong(why: &str) -> Exit {
    eprintln!("error: {why}");
    Exit::Usage
}
