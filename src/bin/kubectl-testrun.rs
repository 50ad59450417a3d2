//! The kubectl plugin: hands the command line to the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(testrun_operator::cli::run(std::env::args_os()).code())
}
