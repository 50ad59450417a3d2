//! The operator: hands the command line to the library.

use std::process::ExitCode;

use clap::Parser;
use testrun_operator::controller::GitHubObserver;
use testrun_operator::github::{Settings, Stats};
use testrun_operator::runtime::cli::{self, Cli, Command};

fn main() -> ExitCode {
    let Command::Run(args) = Cli::parse().command;
    let result = cli::run(args, |args, metrics| {
        let settings = Settings { conditional: !args.no_conditional_requests, ..Settings::default() };
        let stats = Stats::default();
        metrics.count_requests(stats.clone());
        Ok(GitHubObserver::new(settings, stats))
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
