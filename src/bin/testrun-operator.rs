//! The operator: hands the command line to the library.

use std::process::ExitCode;

use clap::Parser;
use testrun_operator::controller::GitHubObserver;
use testrun_operator::github::{ApiBase, Settings};
use testrun_operator::runtime::cli::{self, Cli, Command};

fn main() -> ExitCode {
    let Command::Run(args) = Cli::parse().command;
    let result = cli::run(args, |args| {
        let base = ApiBase::parse(&args.github_url)?;
        Ok(GitHubObserver::new(base, Settings::default()))
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
