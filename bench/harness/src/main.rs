//! `cargo run --release -p bench -- --help`

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use bench::github::{Server, Size, State};
use bench::growth::{self, By};
use bench::rounds::{self, Round};
use bench::session::Plan;
use bench::subjects::{Programs, Subject};
use bench::table;
use clap::{Parser, Subcommand};

/// Measures the operator and its twin side by side.
#[derive(Parser, Debug)]
#[command(max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Measure in alternation, and print one table
    Run(RunArgs),
    /// Print the table of rounds that were written as JSON
    Table {
        /// Files of `run --json`
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Print how cost grows over rounds of several sizes, and draw it
    Growth {
        /// Files of `run --json`
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// What grows
        #[arg(long, value_enum, default_value_t = By::Reports)]
        by: By,
        /// Where the drawing is written
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
    },
    /// Serve the scripted GitHub until standard input ends
    Github(GitHubArgs),
}

#[derive(clap::Args, Debug)]
struct RunArgs {
    /// Reports of a pass
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    reports: u32,
    /// Rounds; each has every subject once, on a control plane of its own
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// Jobs of a report, over two workflow runs
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(4..=4000))]
    jobs: u16,
    /// Reports that are looked at at the same time
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// Seconds that the reports are left at rest
    #[arg(long, default_value_t = 120)]
    rest: u64,
    /// Reports that change one after the other
    #[arg(long, default_value_t = 100)]
    changes: u32,
    /// Reports of the part in which bytes are counted
    #[arg(long, default_value_t = 200)]
    traffic: u32,
    /// Seconds to calm down before memory is read
    #[arg(long, default_value_t = 5)]
    calm: u64,
    /// What is measured, in this order
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Subject::Operator, Subject::Peer, Subject::Bare])]
    subjects: Vec<Subject>,
    /// The operator, instead of building it
    #[arg(long)]
    operator: Option<PathBuf>,
    /// The peer, instead of building it
    #[arg(long)]
    peer: Option<PathBuf>,
    /// More arguments for the operator, separated by blanks
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    operator_args: String,
    /// Where every value of every round is written, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(clap::Args, Debug)]
struct GitHubArgs {
    /// Where to listen; the address is printed
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Jobs of a commit, over its two workflows
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(4..=4000))]
    jobs: u16,
    /// Repositories that the commits are spread over
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    repositories: u32,
    /// State of every commit until it is moved
    #[arg(long, value_enum, default_value_t = State::Passed)]
    state: State,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(args) => interruptible(run(args)),
        Command::Table { files } => read(&files).map(|rounds| print!("{}", table::markdown(&rounds))),
        Command::Growth { files, by, svg } => grow(&files, by, svg.as_deref()),
        Command::Github(args) => github(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Ending in order ends everything that was started.
fn interruptible(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            done = work => done,
            _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
        }
    })
}

async fn run(args: RunArgs) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let programs = Programs::build(&root, args.operator, args.peer).await?;
    let plan = Plan {
        reports: args.reports,
        size: Size { jobs: args.jobs.into(), repositories: 100 },
        workers: args.workers,
        rest: Duration::from_secs(args.rest),
        changes: args.changes.min(args.reports),
        traffic: args.traffic,
        calm: Duration::from_secs(args.calm),
        operator_args: args.operator_args.split_whitespace().map(str::to_owned).collect(),
    };
    let save = |rounds: &[Round]| match &args.json {
        Some(path) => Ok(std::fs::write(path, serde_json::to_vec_pretty(rounds)?)?),
        None => Ok(()),
    };
    let rounds = rounds::alternate(&plan, &args.subjects, args.rounds, &programs, &root, save).await?;
    print!("{}", table::markdown(&rounds));
    Ok(())
}

fn read(files: &[PathBuf]) -> Result<Vec<Round>> {
    let mut rounds: Vec<Round> = Vec::new();
    for file in files {
        let text = std::fs::read(file).with_context(|| file.display().to_string())?;
        rounds
            .extend(serde_json::from_slice::<Vec<Round>>(&text).with_context(|| file.display().to_string())?);
    }
    Ok(rounds)
}

fn grow(files: &[PathBuf], by: By, svg: Option<&Path>) -> Result<()> {
    let rounds = read(files)?;
    print!("{}", growth::markdown(&rounds, by));
    match svg {
        Some(path) => {
            std::fs::write(path, growth::svg(&rounds, by)).with_context(|| path.display().to_string())
        }
        None => Ok(()),
    }
}

/// One thread: what it takes is taken from what is measured.
fn github(args: &GitHubArgs) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(args.listen).await?;
        println!("http://{}", listener.local_addr()?);
        let size = Size { jobs: args.jobs.into(), repositories: args.repositories };
        let serve = Server::new(size, args.state).serve(listener);
        let mut rest = tokio::io::stdin();
        let mut sink = tokio::io::sink();
        tokio::select! {
            ended = serve => match ended? {},
            _ = tokio::io::copy(&mut rest, &mut sink) => Ok(()),
        }
    })
}
