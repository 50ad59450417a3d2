//! Job logs as a runner writes them around a Ginkgo v2 suite, in our own words.

use std::fmt::Write as _;
use std::time::Duration;

use crate::github::edit::at_time;
use crate::github::time::Ts;

/// A failing spec.
pub struct Failure {
    /// Container texts, outermost first.
    pub containers: &'static [&'static str],
    /// Text of the leaf.
    pub leaf: &'static str,
    /// File below the suite's directory.
    pub file: &'static str,
    /// Line of the spec.
    pub spec_line: u32,
    /// Line of the failed assertion.
    pub line: u32,
    /// What the assertion said.
    pub message: &'static [&'static str],
    /// What the program under test wrote, evenly over the spec.
    pub output: &'static [&'static str],
    /// How many milliseconds it ran.
    pub millis: i64,
    /// How many milliseconds before the end of the job it failed.
    pub before_end: i64,
}

/// A Ginkgo suite.
pub struct Suite {
    /// Service, as in the matrix.
    pub service: &'static str,
    /// Title of the suite.
    pub title: &'static str,
    /// Number of specs.
    pub specs: u32,
    /// Failing ones.
    pub failures: &'static [Failure],
    /// Duration in the summary.
    pub seconds: &'static str,
}

const ROOT: &str = "/home/runner/work/kubernaut/kubernaut";
const RED: &str = "\u{1b}[38;5;9m";
const BOLD: &str = "\u{1b}[1m";
const GREEN: &str = "\u{1b}[38;5;10m";
const RESET: &str = "\u{1b}[0m";

impl Suite {
    fn directory(&self) -> String {
        format!("{ROOT}/test/integration/{}", self.service)
    }

    /// The log of a job that ran the suite and ended at `end`; `green` plays it without failures.
    pub fn log(&self, step: &str, green: bool, end: Ts) -> String {
        let failures: &[Failure] = if green { &[] } else { self.failures };
        let mut out = prologue();
        let _ = writeln!(out, "##[group]Run make test-integration-{}", self.service);
        let _ = writeln!(out, "make test-integration-{}", self.service);
        out.push_str("shell: /usr/bin/bash -e {0}\nenv:\n  GOTOOLCHAIN: local\n##[endgroup]\n");
        let _ = writeln!(out, "{step}");
        let _ = writeln!(
            out,
            "ginkgo -v --timeout=15m --procs=4 --keep-going ./test/integration/{}/...",
            self.service
        );
        let title = format!("Running Suite: {} - {}", self.title, self.directory());
        let _ = writeln!(out, "{title}\n{}", "=".repeat(title.len()));
        let _ = writeln!(out, "Random Seed: {BOLD}1769185{}{RESET}\n", 900 + self.specs % 100);
        let _ = writeln!(out, "Will run {BOLD}{}{RESET} of {BOLD}{}{RESET} specs", self.specs, self.specs);
        out.push_str("Running in parallel across 4 processes\n------------------------------\n");
        out.push_str("time=setup level=info msg=\"dependencies are up\" containers=3\n");
        let passed = self.specs.saturating_sub(u32::try_from(failures.len()).unwrap_or_default());
        for index in 0..passed.min(6) {
            let _ = writeln!(out, "{GREEN}\u{2022} [0.{}21 seconds]{RESET}", index + 1);
        }
        for failure in failures {
            self.write_failure(&mut out, failure, end.before(failure.before_end));
        }
        self.write_summary(&mut out, failures, passed);
        out
    }

    fn write_failure(&self, out: &mut String, failure: &Failure, at: Ts) {
        let place = format!("{}/{}", self.directory(), failure.file);
        let name = failure.containers.join(" ");
        // A parallel suite writes all of a spec when the spec is over.
        out.push_str(&at_time(at));
        out.push_str("------------------------------\n");
        let count = i64::try_from(failure.output.len()).unwrap_or(i64::MAX);
        for (line, index) in failure.output.iter().zip(0_i64..) {
            let written = at.before(failure.millis - failure.millis * (index + 1) / (count + 1));
            let _ = writeln!(out, "{}\t{line}", written.millis());
        }
        let seconds = format!("{}.{:03}", failure.millis / 1000, failure.millis % 1000);
        let _ = writeln!(out, "{RED}\u{2022} [FAILED] [{seconds} seconds]{RESET}");
        let _ = writeln!(out, "{name} {RED}{BOLD}[It] {}{RESET}", failure.leaf);
        let _ = writeln!(out, "{place}:{}\n", failure.spec_line);
        for (index, line) in failure.message.iter().enumerate() {
            let mark = if index == 0 { "[FAILED] " } else { "" };
            let _ = writeln!(out, "  {RED}{mark}{line}{RESET}");
        }
        let clock = format!("{}.{:03}", at.format("%m/%d/%y %H:%M:%S"), at.0.rem_euclid(1000));
        let _ =
            writeln!(out, "  {RED}In {BOLD}[It]{RESET}{RED} at: {place}:{} @ {clock}{RESET}", failure.line);
        out.push_str("------------------------------\n");
        out.push_str(&at_time(at + Duration::from_millis(3)));
    }

    fn write_summary(&self, out: &mut String, failures: &[Failure], passed: u32) {
        if !failures.is_empty() {
            let plural = if failures.len() == 1 { "Failure" } else { "Failures" };
            let _ = writeln!(out, "\n\n{RED}{BOLD}Summarizing {} {plural}:{RESET}", failures.len());
            for failure in failures {
                let name = failure.containers.join(" ");
                let _ = writeln!(out, "  {RED}[FAIL]{RESET} {name} {RED}{BOLD}[It] {}{RESET}", failure.leaf);
                let _ = writeln!(out, "  {}/{}:{}", self.directory(), failure.file, failure.line);
            }
        }
        let red = failures.len();
        let word = if red > 0 { "FAIL!" } else { "SUCCESS!" };
        let _ = writeln!(
            out,
            "\n{BOLD}Ran {} of {} Specs in {} seconds{RESET}",
            self.specs, self.specs, self.seconds
        );
        let _ = writeln!(
            out,
            "{BOLD}{word}{RESET} -- {GREEN}{passed} Passed{RESET} | {RED}{red} Failed{RESET} | 0 Pending | 0 Skipped\n\n"
        );
        out.push_str("Ginkgo ran 1 suite in 2m31.4s\n");
        if red > 0 {
            out.push_str("\nTest Suite Failed\n");
            let _ = writeln!(out, "make: *** [Makefile:214: test-integration-{}] Error 1", self.service);
            out.push_str("##[error]Process completed with exit code 2.\n");
            out.push_str("##[group]Run Collect must-gather logs on failure\n##[endgroup]\n");
            let _ = writeln!(out, "created archive must-gather-{}.tar.gz", self.service);
            let _ = writeln!(out, "Artifact must-gather-logs-{}-21293284930.zip finalized.", self.service);
        }
        out.push_str(EPILOGUE);
    }
}

/// The lines before the first step of a job.
pub fn prologue() -> String {
    concat!(
        "Current runner version: '2.331.0'\n",
        "##[group]Runner Image Provisioner\nHosted Compute Agent\n##[endgroup]\n",
        "##[group]Operating System\nUbuntu\n24.04.3\nLTS\n##[endgroup]\n",
        "##[group]GITHUB_TOKEN Permissions\nContents: read\nMetadata: read\n##[endgroup]\n",
        "Prepare workflow directory\nPrepare all required actions\n",
    )
    .to_owned()
}

/// The lines after the last step of a job.
pub const EPILOGUE: &str = "Post job cleanup.\nCleaning up orphan processes\n";
