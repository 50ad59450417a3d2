//! `cargo run --release -p bench -- --help`

use std::net::SocketAddr;

use bench::github::{Server, Size, State};
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
    /// Serve the scripted GitHub until standard input ends
    Github(GitHubArgs),
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

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Github(args) => github(&args),
    }
}

/// One thread: what it takes is taken from what is measured.
fn github(args: &GitHubArgs) -> anyhow::Result<()> {
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
