//! Pull request 20 of `jordigilh/kubernaut` as its CI saw it on 23 January 2026: two workflow runs
//! on one commit, 22 jobs and two aggregate jobs, four red integration suites, a fifth that stays
//! undecided for long, and a lint step that failed without a trace in any conclusion.
//!
//! Repository, numbers, run ids, the commit, job names, the ids of the four red jobs, spec counts
//! of the red suites and sizes of the bundles are as they were. Other ids, counts of green suites,
//! times within the minute and all texts are made up.

use std::time::Duration;

use super::pr20_bundles::{BUNDLES, is_bundle};
use super::pr20_jobs::{
    BATS, CONTAINER, GO_BUILD, PYTHON_BUILD, SUITE_SUMMARY, SUMMARY, bats_job, build_job, container_job,
    green_log, integration_job, must_gather_summary_job, summary_job, unit_job,
};
use super::pr20_suites::{self as suites, LINT};
use crate::github::scenario::Scenario;
use crate::github::secs;
use crate::github::specs::{ArtifactSpec, PullSpec, RunSpec};
use crate::github::state::{Annotation, State};

/// The repository.
pub const REPOSITORY: &str = "jordigilh/kubernaut";
/// The pull request.
pub const NUMBER: u64 = 20;
/// Its head.
pub const SHA: &str = "99361f9f642d952e7c28134197ccb0326fc6f1a6";
/// The head before.
pub const PREVIOUS_SHA: &str = "8ab7fbe9337fa351e512df7d61df743aaf9b3882";
/// The head of `main`.
pub const BASE_SHA: &str = "e10816eb2994d174aac9d6f11eee50e644ed248f";
/// Its branch.
pub const BRANCH: &str = "feature/soc2-compliance";
/// The run of `CI Pipeline`.
pub const CI_RUN: u64 = 21_293_284_930;
/// The run of `Must-Gather Tests`.
pub const MUST_GATHER_RUN: u64 = 21_293_284_940;
/// The last green run of `CI Pipeline` on `main` (invented).
pub const MAIN_CI_RUN: u64 = 20_700_000_110;
/// The last green run of `Must-Gather Tests` on `main` (invented).
pub const MAIN_MUST_GATHER_RUN: u64 = 20_700_000_120;

/// When the matter is undecided: four suites are red, one still runs.
pub const UNDECIDED: Duration = secs_const(660);
/// When all is over, if the scenario is [`Pr20::concluded`].
pub const CONCLUDED: Duration = secs_const(1020);
/// When somebody asks for a re-run, in [`Pr20::rerun_green`].
pub const RERUN: Duration = secs_const(1200);
/// How long the re-run takes.
pub const RERUN_TAKES: Duration = secs_const(660);
/// When the re-run is green.
pub const GREEN: Duration = secs_const(1200 + 660);

const fn secs_const(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The services of the matrix, in its order.
pub const SERVICES: [&str; 9] = [
    "signalprocessing", "aianalysis", "authwebhook", "workflowexecution", "remediationorchestrator",
    "notification", "gateway", "datastorage", "holmesgpt-api",
];

/// Ids of the integration jobs, in the order of [`SERVICES`]; those of the red ones are real.
pub const INTEGRATION_JOBS: [u64; 9] = [
    61_292_937_380, 61_292_937_381, 61_292_937_382, 61_292_937_431, 61_292_937_383, 61_292_937_384,
    61_292_937_385, 61_292_937_430, 61_292_937_386,
];

/// The scenario, with choices about how it goes on.
pub struct Pr20 {
    scenario: Scenario,
    green_on_rerun: bool,
}

/// Pull request 20 up to [`UNDECIDED`] and no further: `integration (aianalysis)` never ends.
pub fn pull_request_20() -> Pr20 {
    let mut scenario = Scenario::new().start_at("2026-01-23T16:28:00Z").setup(start);
    for (offset, change) in timeline() {
        scenario = scenario.at(offset, change);
    }
    Pr20 { scenario, green_on_rerun: false }
}

impl Pr20 {
    /// After [`UNDECIDED`], `aianalysis` fails with 57 of 59, the summary follows, the run ends red
    /// at [`CONCLUDED`].
    pub fn concluded(mut self) -> Self {
        self.scenario = self.scenario.at(secs(1000), |s| {
            let end = s.now;
            s.job(INTEGRATION_JOBS[1])
                .step("Run aianalysis integration tests", "failure")
                // The collector found nothing, so there is no bundle of this job.
                .step("Collect must-gather logs on failure", "success")
                .step("Upload must-gather logs as artifacts", "success")
                .annotate(Annotation::new("warning", ".github", 30, "No files were found with the provided path: must-gather-*.tar.gz. No artifacts will be uploaded."))
                .annotate(Annotation::new("failure", ".github", 24, "Process completed with exit code 2."))
                .complete("failure")
                .log(&suites::integration_log("aianalysis", false, end));
            s.run(CI_RUN).add_job(summary_job());
        });
        self.scenario = self.scenario.at(secs(1005), |s| {
            s.run(CI_RUN).job(SUITE_SUMMARY).start();
        });
        self.scenario = self.scenario.at(secs(1015), |s| {
            s.run(CI_RUN)
                .job(SUITE_SUMMARY)
                .log(&suites::summary_log(&["Unit Tests: success", "All Services: failure"], false))
                .fail_at(SUITE_SUMMARY);
            s.run(CI_RUN).settle();
        });
        self
    }

    /// Then, at [`RERUN`], somebody re-runs the failed jobs, and by [`GREEN`] all of them, the
    /// aggregate job too, are green. Implies [`Pr20::concluded`]. A re-run by the API does the same.
    pub fn rerun_green(self) -> Self {
        let mut this = self.concluded().green_on_rerun();
        this.scenario = this.scenario.at(RERUN, |s| {
            s.run(CI_RUN).rerun("jordigilh", |job| job.conclusion.as_deref() != Some("success"));
            play_green(s, CI_RUN);
        });
        this
    }

    /// A re-run that is asked for through the API makes every job of it green.
    pub fn green_on_rerun(mut self) -> Self {
        self.green_on_rerun = true;
        self
    }

    /// The clock starts at the machine's time instead of that of January 2026.
    pub fn start_now(mut self) -> Self {
        self.scenario = self.scenario.start_now();
        self
    }

    /// More of anything.
    pub fn with(mut self, change: impl FnOnce(Scenario) -> Scenario) -> Self {
        self.scenario = change(self.scenario);
        self
    }
}

impl From<Pr20> for Scenario {
    fn from(from: Pr20) -> Self {
        if from.green_on_rerun { from.scenario.on_rerun(play_green) } else { from.scenario }
    }
}

/// Plays the jobs of a run's latest attempt to green, in stages.
fn play_green(s: &mut State, run: u64) {
    let names: Vec<String> = open_jobs(s, run);
    let started = names.clone();
    s.after(secs(20), move |s| {
        for name in &started {
            if name != SUITE_SUMMARY {
                s.run(run).job(name).start();
            }
        }
    });
    let last = names.len();
    for (index, name) in names.into_iter().enumerate() {
        if name == SUITE_SUMMARY {
            continue;
        }
        // One after the other, evenly.
        let at = 200 + 400 * index as u64 / last.max(1) as u64;
        s.after(secs(at), move |s| {
            let service = name.trim_start_matches("integration (").trim_end_matches(')').to_owned();
            let log = suites::integration_log(&service, true, s.now);
            s.run(run).job(&name).log(&log).complete("success");
        });
    }
    s.after(secs(640), move |s| {
        if open_jobs(s, run).iter().any(|name| name == SUITE_SUMMARY) {
            s.run(run).job(SUITE_SUMMARY).start();
        }
    });
    s.after(RERUN_TAKES, move |s| {
        if open_jobs(s, run).iter().any(|name| name == SUITE_SUMMARY) {
            let log = suites::summary_log(&["Unit Tests: success", "All Services: success"], true);
            s.run(run).job(SUITE_SUMMARY).log(&log).complete("success");
        }
        s.run(run).settle();
    });
}

fn open_jobs(s: &mut State, run: u64) -> Vec<String> {
    let attempt = s.run(run).data().latest().number;
    let repo = s.repo(REPOSITORY).data().clone();
    let open = repo.jobs_of(run, attempt).filter(|job| job.status != "completed");
    open.map(|job| job.name.clone()).collect()
}

fn start(s: &mut State) {
    // The green runs of the base branch are older than everything else.
    let now = s.now;
    s.now = crate::github::time::Ts(now.0 - 19 * 86_400_000);
    s.add_repo_with_id(REPOSITORY, 1_050_000_020).commit(BASE_SHA, "Merge pull request #19", None);
    s.repo(REPOSITORY).data().branches.insert("main".into(), BASE_SHA.into());
    green_base(s);
    s.now = now;
    let pull = PullSpec::new(NUMBER, PREVIOUS_SHA)
        .title("feat: SOC2 compliance")
        .author("jordigilh")
        .branch(BRANCH)
        .base("main");
    s.repo(REPOSITORY).pull_request(pull).push(NUMBER, SHA, false);
    s.repo(REPOSITORY).add_run(
        RunSpec::new(CI_RUN)
            .workflow("CI Pipeline", ".github/workflows/ci-pipeline.yml")
            .number(412)
            .actor("jordigilh")
            .title("feat: SOC2 compliance")
            .pull_request(NUMBER)
            .job(build_job(GO_BUILD).id(61_292_937_101))
            .job(build_job(PYTHON_BUILD).id(61_292_937_102)),
    );
    s.repo(REPOSITORY).add_run(
        RunSpec::new(MUST_GATHER_RUN)
            .workflow("Must-Gather Tests", ".github/workflows/must-gather-tests.yml")
            .number(58)
            .actor("jordigilh")
            .title("feat: SOC2 compliance")
            .pull_request(NUMBER)
            .job(bats_job().id(61_292_937_111))
            .job(container_job().id(61_292_937_112)),
    );
}

/// Both workflows once on `main`, all green, as a push.
fn green_base(s: &mut State) {
    let ci = RunSpec::new(MAIN_CI_RUN)
        .workflow("CI Pipeline", ".github/workflows/ci-pipeline.yml")
        .number(377)
        .event("push")
        .actor("jordigilh")
        .title("Merge pull request #19")
        .job(build_job(GO_BUILD))
        .job(build_job(PYTHON_BUILD))
        .jobs(SERVICES.map(unit_job))
        .jobs(SERVICES.map(integration_job))
        .job(summary_job());
    let must_gather = RunSpec::new(MAIN_MUST_GATHER_RUN)
        .workflow("Must-Gather Tests", ".github/workflows/must-gather-tests.yml")
        .number(41)
        .event("push")
        .actor("jordigilh")
        .title("Merge pull request #19")
        .job(bats_job())
        .job(container_job())
        .job(must_gather_summary_job());
    s.repo(REPOSITORY).add_run(ci);
    s.repo(REPOSITORY).add_run(must_gather);
    for run in [MAIN_CI_RUN, MAIN_MUST_GATHER_RUN] {
        for name in open_jobs(s, run) {
            let log = green_log(&name, s.now);
            s.run(run).job(&name).start().log(&log).complete("success");
        }
        s.run(run).settle();
    }
}

type Timed = (Duration, Box<dyn FnOnce(&mut State) + Send>);

/// From the first runner to the fourth red suite.
fn timeline() -> Vec<Timed> {
    let mut out: Vec<Timed> = Vec::new();
    let mut at = |seconds: u64, change: Box<dyn FnOnce(&mut State) + Send>| out.push((secs(seconds), change));
    at(
        5,
        Box::new(|s| {
            for name in [GO_BUILD, PYTHON_BUILD] {
                s.run(CI_RUN).job(name).start();
            }
            for name in [BATS, CONTAINER] {
                s.run(MUST_GATHER_RUN).job(name).start();
            }
        }),
    );
    at(70, Box::new(|s| finish(s, MUST_GATHER_RUN, BATS, &suites::bats_log())));
    at(90, Box::new(|s| finish(s, CI_RUN, PYTHON_BUILD, &suites::dull_log("pip install"))));
    at(
        150,
        Box::new(|s| {
            finish(s, CI_RUN, GO_BUILD, &suites::build_log());
            // The step failed, its conclusion does not say so, its annotations do.
            let job = s.run(CI_RUN).job(GO_BUILD).data().id;
            for (file, line, linter, text) in LINT {
                s.job(job).annotate(Annotation::new("failure", file, line, text).title(linter));
            }
            for (service, id) in SERVICES.into_iter().zip(61_292_937_201..) {
                s.run(CI_RUN).add_job(unit_job(service).id(id));
            }
        }),
    );
    at(
        155,
        Box::new(|s| {
            for service in SERVICES {
                s.run(CI_RUN).job(&format!("Unit Tests ({service})")).start();
            }
        }),
    );
    at(
        200,
        Box::new(|s| {
            finish(s, MUST_GATHER_RUN, CONTAINER, &suites::dull_log("podman build"));
            s.run(MUST_GATHER_RUN).add_job(must_gather_summary_job().id(61_292_937_113));
            s.run(MUST_GATHER_RUN).job(SUMMARY).start();
        }),
    );
    at(
        215,
        Box::new(|s| {
            finish(
                s,
                MUST_GATHER_RUN,
                SUMMARY,
                &suites::summary_log(&["all must-gather tests passed"], true),
            );
            s.run(MUST_GATHER_RUN).settle();
        }),
    );
    for (service, seconds) in SERVICES.into_iter().zip((192_u64..).step_by(6)) {
        at(
            seconds,
            Box::new(move |s| {
                finish(s, CI_RUN, &format!("Unit Tests ({service})"), &suites::unit_log(service));
            }),
        );
    }
    at(
        242,
        Box::new(|s| {
            for (service, id) in SERVICES.into_iter().zip(INTEGRATION_JOBS) {
                s.run(CI_RUN).add_job(integration_job(service).id(id));
            }
        }),
    );
    at(
        245,
        Box::new(|s| {
            INTEGRATION_JOBS.into_iter().for_each(|id| {
                s.job(id).start();
            })
        }),
    );
    let ends = [
        ("authwebhook", 330),
        ("holmesgpt-api", 360),
        ("signalprocessing", 400),
        ("gateway", 420),
        ("datastorage", 446),
        ("remediationorchestrator", 596),
        ("notification", 620),
        ("workflowexecution", 628),
    ];
    for (service, seconds) in ends {
        at(seconds, Box::new(move |s| end_of_integration(s, service)));
    }
    out
}

fn finish(s: &mut State, run: u64, name: &str, log: &str) {
    s.run(run).job(name).complete("success").log(log);
}

fn end_of_integration(s: &mut State, service: &str) {
    let name = format!("integration ({service})");
    let log = suites::integration_log(service, false, s.now);
    let red = suites::suite(service).is_some_and(|suite| !suite.failures.is_empty());
    if !red {
        finish(s, CI_RUN, &name, &log);
        return;
    }
    if let Some(bundle) = BUNDLES.iter().find(|bundle| bundle.service == service) {
        let known = s.repo(REPOSITORY).data().artifacts.iter().filter(|artifact| is_bundle(artifact)).count();
        let spec = ArtifactSpec::new(bundle.artifact_name(CI_RUN))
            .id(5_230_000_001 + known as u64)
            .zip(bundle.zip(s.now))
            .retention_days(14);
        s.run(CI_RUN).upload(spec);
    }
    let run_step = format!("Run {service} integration tests");
    s.run(CI_RUN)
        .job(&name)
        .step(&run_step, "failure")
        .step("Collect must-gather logs on failure", "success")
        .step("Upload must-gather logs as artifacts", "success")
        .step("Cleanup", "success")
        .annotate(Annotation::new("failure", ".github", 30, "Process completed with exit code 2."))
        .complete("failure")
        .log(&log);
}
