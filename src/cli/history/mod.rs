//! `history` and `top`: what past commits tell of jobs and tests.

mod ask;
mod github;
pub(super) mod would;

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::exit::Exit;
use super::render;
use super::render::sheet::Sheet;
use super::{print, print_bytes};
use crate::history::{Answer, Asked, By, MAX_LIMIT, Of, Ranking};
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
    /// For programs that analyse, with types; a file of bytes
    Parquet,
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
    /// Every row of a store, page by page, up to a million
    #[arg(long, conflicts_with = "limit")]
    all: bool,
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
    /// Results of so many whole days (of UTC), and of today
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
        limit: if args.all { MOST } else { args.limit },
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
        let exit = show(args.output, &trial, || render::trial(&trial), || render::trial_sheet(&trial))?;
        more(args.output, trial.next.as_deref());
        return Ok(exit);
    }
    if !args.source.names_a_store() {
        return match github::question(&asked) {
            Ok(question) => {
                eprintln!("no --db or --server is given: what GitHub keeps of the newest runs");
                let answer = github::read(&question, &args.source.github_url).await?;
                show(args.output, &answer, || render::results(&answer), || render::results_sheet(&answer))
            }
            Err(why) => Ok(wrong(&why)),
        };
    }
    let answer = match pages(args, &mut asked).await {
        Ok(answer) => answer,
        Err(ask::Failure::Usage(why)) => return Ok(wrong(&why)),
        Err(ask::Failure::Other(error)) => return Err(error),
    };
    let table = || if commits { render::commits(&answer) } else { render::results(&answer) };
    let sheet = || if commits { render::commits_sheet(&answer) } else { render::results_sheet(&answer) };
    let exit = show(args.output, &answer, table, sheet)?;
    more(args.output, answer.next.as_deref());
    Ok(exit)
}

/// Most rows that are held at a time.
const MOST: i64 = 1_000_000;

/// One page, or with `--all` every one.
async fn pages(args: &HistoryArgs, asked: &mut Asked) -> Result<Answer, ask::Failure> {
    if !args.all {
        return args.source.page(asked).await;
    }
    asked.limit = MAX_LIMIT;
    let mut all = args.source.page(asked).await?;
    let held = |all: &Answer| i64::try_from(all.commits.len().max(all.results.len())).unwrap_or(i64::MAX);
    while let Some(next) = all.next.clone().filter(|_| held(&all) < MOST) {
        asked.before = Some(next);
        let page = args.source.page(asked).await?;
        all.commits.extend(page.commits);
        all.results.extend(page.results);
        all.next = page.next;
    }
    Ok(all)
}

/// Says how to go on, where the answer itself does not.
fn more(output: Output, next: Option<&str>) {
    if let (Some(next), Output::Table | Output::Csv | Output::Parquet) = (next, output) {
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
    show(args.output, &top, || render::top(&top), || render::top_sheet(&top))
}

fn show<T: serde::Serialize>(
    output: Output,
    answer: &T,
    table: impl FnOnce() -> String,
    sheet: impl FnOnce() -> Sheet,
) -> anyhow::Result<Exit> {
    if output == Output::Parquet {
        if std::io::stdout().is_terminal() {
            return Ok(wrong("a file of bytes is nothing for a terminal: -o parquet > FILE"));
        }
        return print_bytes(&render::parquet(&sheet())?);
    }
    print(&match output {
        Output::Table | Output::Parquet => table(),
        Output::Csv => sheet().csv(),
        Output::Json => format!("{}\n", serde_json::to_string_pretty(answer)?),
        Output::Yaml => serde_saphyr::to_string(answer)?,
    })
}

fn wrong(why: &str) -> Exit {
    eprintln!("error: {why}");
    Exit::Usage
}
