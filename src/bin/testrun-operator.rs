//! The operator: hands the command line to the library.

use std::process::ExitCode;

use clap::Parser;
use testrun_operator::config::InvalidConfig;
use testrun_operator::controller::GitHubObserver;
use testrun_operator::github::{Pace, Settings, Stats};
use testrun_operator::runtime::cli::{self, Cli, Command};

fn main() -> ExitCode {
    let Command::Run(args) = Cli::parse().command;
    let result = cli::run(*args, |config, metrics| {
        let conditional = config.controller.conditional_requests;
        let pace = Pace::of(config.controller.requests_per_minute);
        let settings = Settings { conditional, pace, ..Settings::default() };
        let stats = Stats::default();
        metrics.count_requests(stats.clone());
        Ok(GitHubObserver::new(settings, stats))
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            // As for any other wrong use of the command line.
            if error.is::<InvalidConfig>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
