//! `kubectl-testrun`: the kubectl plugin and one-shot command line. A shell over the same engine as
//! the controller; it never imports the controller.

mod adopt;
mod artifacts;
mod attest;
mod cluster;
mod estimate;
mod evidence;
pub mod exit;
mod files;
mod history;
mod inspect;
mod local;
mod oneshot;
mod output;
pub mod render;
mod reports;
mod rerun;
mod source;
mod unpack;
mod watch;

use std::io::Write;

use clap::{CommandFactory, Parser, Subcommand};

use exit::Exit;

/// The CI results of a commit: reports, verdicts and what the logs say.
#[derive(Parser, Debug)]
#[command(name = "kubectl-testrun", bin_name = "kubectl testrun", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Report on a commit, without a cluster
    Report(reports::ReportArgs),
    /// Exit with the verdict: 0 passed, 1 failed, 2 undecided, 3 cannot read, 64 wrong usage
    Gate(reports::GateArgs),
    /// Sign a final verdict, for who cannot ask the cluster
    Attest(attest::AttestArgs),
    /// Check a signed verdict, without a network
    Verify(attest::VerifyArgs),
    /// Show reports of a cluster
    Get(reports::GetArgs),
    /// Show reports of a cluster at length
    Describe(reports::DescribeArgs),
    /// Follow reports of a cluster until they are final, and exit with the worst verdict
    Watch(watch::WatchArgs),
    /// What past commits tell of a job or a test
    History(history::HistoryArgs),
    /// The least reliable and the slowest jobs and tests
    Top(history::TopArgs),
    /// Ask GitHub to run again what failed on a commit
    Rerun(rerun::RerunArgs),
    /// Turn reports over to a set, which keeps them from then on
    Adopt(adopt::AdoptArgs),
    /// List or download what the runs of a commit uploaded
    Artifacts(artifacts::ArtifactsArgs),
    /// Record the results of a developer's machine in a report, to compare CI with
    RecordLocal(local::LocalArgs),
    /// Print the lines of a failing log that say why
    Explain(evidence::ExplainArgs),
    /// Count the tests in reports and logs and list the failing ones
    Parse(evidence::ParseArgs),
    /// What must-gather bundles say
    Inspect(inspect::InspectArgs),
    /// Print the CustomResourceDefinition of reports
    Crd {
        /// Print all CustomResourceDefinitions, that of waivers too
        #[arg(long)]
        all: bool,
    },
    /// Print the completion script for a shell
    Completion {
        /// Shell to complete for
        shell: clap_complete::Shell,
    },
}

/// Runs the command line and gives the code to exit with.
pub fn run<I>(args: I) -> Exit
where
    I: IntoIterator<Item = std::ffi::OsString>,
{
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; everything else is wrong usage.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Success };
        }
    };
    let result = match cli.command {
        Command::Report(args) => wait(reports::report(&args)),
        Command::Gate(args) => wait(reports::gate(&args)),
        Command::Attest(args) => wait(attest::attest(&args)),
        Command::Verify(args) => attest::verify(&args),
        Command::Get(args) => wait(reports::get(&args)),
        Command::Describe(args) => wait(reports::describe(&args)),
        Command::Watch(args) => wait(watch::watch(&args)),
        Command::History(args) => wait(history::history(&args)),
        Command::Top(args) => wait(history::top(&args)),
        Command::Rerun(args) => wait(rerun::rerun(&args)),
        Command::Adopt(args) => wait(adopt::adopt(&args)),
        Command::Artifacts(args) => wait(artifacts::artifacts(&args)),
        Command::RecordLocal(args) => wait(local::record(&args)),
        Command::Explain(args) => evidence::explain(&args),
        Command::Parse(args) => evidence::parse(&args),
        Command::Inspect(args) => inspect::inspect(&args),
        Command::Crd { all } => crds(all).and_then(|yaml| print(&yaml)),
        Command::Completion { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "kubectl-testrun", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    };
    match result {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("error: {error:#}");
            Exit::Unreadable
        }
    }
}

/// The definitions as documents of one stream.
fn crds(all: bool) -> anyhow::Result<String> {
    if !all {
        return Ok(crate::api::crd_yaml()?);
    }
    let documents: Result<Vec<String>, _> = crate::api::definitions().iter().map(|d| d.yaml()).collect();
    Ok(documents?.join("---\n"))
}

/// Runs what talks to a network.
fn wait(work: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(work)
}

/// Writes to standard output; a reader that went away (`| head`) is no error.
fn print(text: &str) -> anyhow::Result<Exit> {
    print_bytes(text.as_bytes())
}

fn print_bytes(bytes: &[u8]) -> anyhow::Result<Exit> {
    match std::io::stdout().lock().write_all(bytes) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Exit::Success),
    }
}
