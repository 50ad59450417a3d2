//! The suites of pull request 20. Counts, spec names and file:line of the failing ones are as they
//! were; counts of the others are invented where nothing is known. All texts are our own.

use super::ginkgo::{EPILOGUE, Failure, Suite, prologue};
use crate::github::time::Ts;

/// The integration suites that Ginkgo runs.
pub const SUITES: &[Suite] = &[
    Suite {
        service: "signalprocessing",
        title: "Signal Processing Controller Suite",
        specs: 92,
        failures: &[],
        seconds: "88.402",
    },
    Suite {
        service: "aianalysis",
        title: "AI Analysis Controller Suite",
        specs: 59,
        failures: &[
            Failure {
                containers: &[
                    "AIAnalysis Controller Audit Flow Integration - BR-AI-050",
                    "Investigation Phase Audit - BR-AI-023",
                ],
                leaf: "should audit errors during investigation phase",
                file: "audit_flow_integration_test.go",
                spec_line: 463,
                line: 511,
                message: &[
                    "Timed out after 30.001s.", "an error scenario must leave audit events too", "Expected",
                    "    <int>: 0", "to be >", "    <int>: 0",
                ],
                output: &[
                    "ERROR datastorage write failed: cannot begin transaction: dial 10.1.0.21:15438: context deadline exceeded",
                    "ERROR datastorage fallback queue failed: dial tcp 10.1.0.21:16384: i/o timeout",
                ],
                millis: 30_412,
                before_end: 37_882,
            },
            Failure {
                containers: &[
                    "AIAnalysis Controller Audit Flow Integration - BR-AI-050",
                    "Complete Workflow Audit Trail - BR-AUDIT-001",
                ],
                leaf: "should generate complete audit trail from Pending to Completed",
                file: "audit_flow_integration_test.go",
                spec_line: 92,
                line: 137,
                message: &[
                    "three phase transitions are expected", "Expected", "    <int>: 2", "to equal",
                    "    <int>: 3",
                ],
                output: &[
                    "ERROR datastorage write failed: cannot begin transaction: dial 10.1.0.21:15438: context deadline exceeded",
                ],
                millis: 12_087,
                before_end: 28_468,
            },
        ],
        seconds: "311.250",
    },
    Suite {
        service: "authwebhook",
        title: "Auth Webhook Integration Suite",
        specs: 9,
        failures: &[],
        seconds: "21.318",
    },
    Suite {
        service: "workflowexecution",
        title: "Workflow Execution Controller Suite",
        specs: 74,
        failures: &[Failure {
            containers: &["Comprehensive Audit Trail Integration Tests", "workflow.completed audit event"],
            leaf: "should emit workflow.completed when PipelineRun succeeds",
            file: "audit_comprehensive_test.go",
            spec_line: 176,
            line: 227,
            message: &[
                "Timed out after 20.000s.", "the event workflow.completed must be found", "Expected",
                "    <bool>: false", "to be true",
            ],
            output: &[
                "INFO audit query answered correlation_id=wfe-audit-7c1d returned=50 total=212 limit=50 offset=0",
                "INFO audit buffer flushed events=17 took=1.004s",
                "INFO audit query answered correlation_id=wfe-audit-7c1d returned=50 total=212 limit=50 offset=0",
            ],
            millis: 20_233,
            before_end: 18_360,
        }],
        seconds: "162.771",
    },
    Suite {
        service: "remediationorchestrator",
        title: "Remediation Orchestrator Controller Suite",
        specs: 59,
        failures: &[Failure {
            containers: &[
                "DD-SEVERITY-001: Severity Normalization Integration", "PagerDuty Severity Scheme (P0-P4)",
            ],
            leaf: "[RO-INT-SEV-004] should create AIAnalysis with normalized severity (P3 \u{2192} medium)",
            file: "severity_normalization_integration_test.go",
            spec_line: 283,
            line: 330,
            message: &[
                "Timed out after 60.001s.",
                "Expected success, but got an error:",
                "    <*errors.StatusError | 0xc000f59c20>:",
                "    signalprocessings.kubernaut.ai \"sp-rr-p3-c4d141f1-0958\" not found",
            ],
            output: &[
                "INFO reconciling remediation request name=rr-p3-c4d141f1-0958 phase=Pending",
                "ERROR Routing blocked name=rr-p3-c4d141f1-0958 reason=DuplicateInProgress duplicateOf=rr-p2-9a40be77-0958",
                "INFO reconciling remediation request name=rr-p3-c4d141f1-0958 phase=Blocked",
            ],
            millis: 61_048,
            before_end: 15_793,
        }],
        seconds: "214.556",
    },
    Suite {
        service: "notification",
        title: "Notification Controller Suite",
        specs: 117,
        failures: &[Failure {
            containers: &[
                "Controller Partial Failure Handling (BR-NOT-053)",
                "When file channel fails but console/log channels succeed",
            ],
            leaf: "should mark notification as PartiallySent (not Sent, not Failed)",
            file: "controller_partial_failure_test.go",
            spec_line: 131,
            line: 192,
            message: &[
                "one delivery for each successful channel", "Expected", "    <int>: 4", "to equal",
                "    <int>: 2",
            ],
            output: &[
                "INFO delivered channel=console notification=partial-failure-1f6a attempt=1",
                "INFO delivered channel=log notification=partial-failure-1f6a attempt=1",
                "INFO reconciling notification=partial-failure-1f6a resourceVersion=1841 phase=Pending",
                "INFO delivered channel=console notification=partial-failure-1f6a attempt=1",
                "INFO delivered channel=log notification=partial-failure-1f6a attempt=1",
            ],
            millis: 15_909,
            before_end: 18_623,
        }],
        seconds: "201.034",
    },
    Suite {
        service: "gateway",
        title: "Gateway Integration Suite",
        specs: 90,
        failures: &[],
        seconds: "97.600",
    },
    Suite {
        service: "datastorage",
        title: "Data Storage Integration Suite",
        specs: 110,
        failures: &[Failure {
            containers: &[
                "Audit Export Integration Tests - SOC2", "Hash Chain Verification",
                "when exporting audit events with valid hash chain",
            ],
            leaf: "should verify hash chain integrity correctly",
            file: "audit_export_integration_test.go",
            spec_line: 176,
            line: 213,
            message: &[
                "every event must have a valid hash", "Expected", "    <int>: 0", "to equal", "    <int>: 5",
            ],
            output: &[
                "WARN hash chain broken: stored and computed hash differ event=1 of 5",
                "WARN hash chain broken: stored and computed hash differ event=5 of 5",
            ],
            millis: 842,
            before_end: 8_799,
        }],
        seconds: "42.286",
    },
];

/// The suite of a service, if Ginkgo runs it.
pub fn suite(service: &str) -> Option<&'static Suite> {
    SUITES.iter().find(|suite| suite.service == service)
}

/// The log of an integration job that ended at `end`.
pub fn integration_log(service: &str, green: bool, end: Ts) -> String {
    match suite(service) {
        Some(suite) => suite.log(&format!("Running {service} integration tests"), green, end),
        None => pytest_log("tests/integration", 65, "48.13"),
    }
}

/// The log of a unit test job; counts are invented.
pub fn unit_log(service: &str) -> String {
    if service == "holmesgpt-api" {
        return pytest_log("tests/unit", 533, "27.41");
    }
    let specs = 100 + service.len() * 17;
    format!(
        "{}##[group]Run make test-unit-{service}\n##[endgroup]\nRunning Suite: {service} unit suite - test/unit/{service}\n\
         \nRan {specs} of {specs} Specs in 9.120 seconds\n\
         SUCCESS! -- {specs} Passed | 0 Failed | 0 Pending | 0 Skipped\n\nGinkgo ran 1 suite in 31.0s\n\
         Test Suite Passed\n{EPILOGUE}",
        prologue()
    )
}

fn pytest_log(path: &str, count: u32, seconds: &str) -> String {
    let line = format!(" {count} passed in {seconds}s ");
    format!(
        "{}##[group]Run pytest {path} -v\n##[endgroup]\n\
         ============================= test session starts ==============================\n\
         collected {count} items\n\n{line:=^80}\n{EPILOGUE}",
        prologue()
    )
}

/// The log of the bats job.
pub fn bats_log() -> String {
    let mut out = prologue();
    out.push_str("##[group]Run make test\n##[endgroup]\n1..45\n");
    for number in 1..=45 {
        out.push_str(&format!("ok {number} collector case {number}\n"));
    }
    out.push_str(EPILOGUE);
    out
}

/// Findings of the lint step: file, line, linter, text.
pub const LINT: [(&str, u64, &str, &str); 10] = [
    ("pkg/audit/store.go", 118, "errcheck", "the error of Close is dropped"),
    ("pkg/audit/store.go", 204, "errcheck", "the error of Flush is dropped"),
    ("pkg/datastorage/export.go", 77, "ineffassign", "count is assigned and never read"),
    ("pkg/datastorage/server.go", 341, "staticcheck", "the context passed on is nil"),
    ("pkg/gateway/adapter.go", 58, "unused", "function parseLegacy is never called"),
    ("pkg/gateway/dedup.go", 91, "staticcheck", "a deprecated call is used"),
    ("pkg/notification/retry.go", 133, "errcheck", "the error of Update is dropped"),
    ("pkg/remediationorchestrator/router.go", 216, "gosimple", "the loop can be an append"),
    ("pkg/signalprocessing/enrich.go", 49, "unused", "constant maxDepth is never used"),
    ("pkg/workflowexecution/status.go", 172, "ineffassign", "err is assigned and never read"),
];

/// The log of the Go build job: the lint step found 194 issues, and nothing came of it.
pub fn build_log() -> String {
    let mut out = prologue();
    out.push_str("##[group]Run make build-all\n##[endgroup]\nbuilding 8 services\ndone\n");
    out.push_str("##[group]Run timeout 3m make lint\n##[endgroup]\n");
    for (file, line, linter, text) in LINT {
        out.push_str(&format!("##[error]{file}:{line}:2: {text} ({linter})\n"));
    }
    out.push_str("194 issues:\n* errcheck: 101\n* ineffassign: 12\n* staticcheck: 47\n* unused: 34\n");
    out.push_str("make: *** [Makefile:131: lint] Error 1\n");
    out.push_str("Linting timed out or had issues (non-blocking)\n");
    out.push_str(EPILOGUE);
    out
}

/// The log of a job that says nothing of interest.
pub fn dull_log(what: &str) -> String {
    format!("{}##[group]Run {what}\n##[endgroup]\ndone\n{EPILOGUE}", prologue())
}

/// The log of an aggregate job.
pub fn summary_log(lines: &[&str], green: bool) -> String {
    let mut out = prologue();
    out.push_str("##[group]Run summary\n##[endgroup]\n");
    for line in lines {
        out.push_str(line);
        out.push('\n');
    }
    if !green {
        out.push_str("##[error]Process completed with exit code 1.\n");
    }
    out.push_str(EPILOGUE);
    out
}
