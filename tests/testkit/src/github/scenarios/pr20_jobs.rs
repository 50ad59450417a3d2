//! The jobs of pull request 20: names, steps, logs of the green ones.

use super::pr20_suites as suites;
use crate::github::specs::JobSpec;
use crate::github::time::Ts;

pub const GO_BUILD: &str = "Build & Lint (Go Services)";
pub const PYTHON_BUILD: &str = "Build & Lint (Python Services)";
pub const BATS: &str = "Unit Tests (45 bats tests)";
pub const CONTAINER: &str = "Container Build (amd64)";
pub const SUITE_SUMMARY: &str = "Test Suite Summary";
pub const SUMMARY: &str = "Test Summary";
/// The step that runs with `continue-on-error`.
pub const LINT_STEP: &str = "Lint Go code";

/// The log of a green job that ended at `end`.
pub fn green_log(name: &str, end: Ts) -> String {
    let service = |prefix: &str| name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(')'));
    match (name, service("Unit Tests ("), service("integration (")) {
        (BATS, ..) => suites::bats_log(),
        (_, Some(service), _) => suites::unit_log(service),
        (_, _, Some(service)) => suites::integration_log(service, true, end),
        _ => suites::dull_log(name),
    }
}

pub fn build_job(name: &str) -> JobSpec {
    let steps: &[&str] = if name == GO_BUILD {
        &[
            "Set up job", "Checkout code", "Set up Go", "Generate Go code", "Build all Go services",
            LINT_STEP, "Complete job",
        ]
    } else {
        &[
            "Set up job", "Checkout code", "Set up Python", "Install Python dependencies",
            "Lint Python code (HAPI)", "Complete job",
        ]
    };
    JobSpec::new(name).steps(steps.iter().copied())
}

pub fn unit_job(service: &str) -> JobSpec {
    JobSpec::new(format!("Unit Tests ({service})")).steps([
        "Set up job", "Checkout code", "Set up Go", "Generate Go code", "Run unit tests (Go)",
        "Upload coverage", "Complete job",
    ])
}

pub fn integration_job(service: &str) -> JobSpec {
    JobSpec::new(format!("integration ({service})")).steps([
        "Set up job".to_owned(),
        "Run actions/checkout@v4".to_owned(),
        "Run actions/setup-go@v5".to_owned(),
        "Generate OpenAPI specs".to_owned(),
        "Install Podman".to_owned(),
        "Setup envtest (K8s test binaries)".to_owned(),
        format!("Run {service} integration tests"),
        "Collect must-gather logs on failure".to_owned(),
        "Upload must-gather logs as artifacts".to_owned(),
        "Cleanup".to_owned(),
        "Complete job".to_owned(),
    ])
}

pub fn bats_job() -> JobSpec {
    JobSpec::new(BATS).steps([
        "Set up job", "Checkout code", "Set up Podman", "Run unit tests", "Test results summary",
        "Complete job",
    ])
}

pub fn container_job() -> JobSpec {
    JobSpec::new(CONTAINER).steps([
        "Set up job", "Checkout code", "Set up Podman", "Build must-gather container",
        "Verify container contents", "Test container execution", "Complete job",
    ])
}

pub fn summary_job() -> JobSpec {
    JobSpec::new(SUITE_SUMMARY).steps(["Set up job", SUITE_SUMMARY, "Complete job"])
}

pub fn must_gather_summary_job() -> JobSpec {
    JobSpec::new(SUMMARY).steps(["Set up job", "Check test results", "Complete job"])
}
