//! The size of a status: what costs on the API server. Lists are cut step by step until it fits;
//! the true totals stay beside them.

use crate::api::status::TestRunReportStatus;

/// Goal for reports of up to 100 jobs, in bytes of JSON; leaves room for metadata and spec.
const SMALL: usize = 56 << 10;
/// Bound for any report.
const LARGE: usize = 200 << 10;
/// Jobs up to which the goal for small reports holds.
const SMALL_JOBS: i64 = 100;

/// Limits of one step.
struct Step {
    tests: usize,
    lines: usize,
    text: usize,
    failures: usize,
    green: usize,
    artifacts: usize,
    detailed: usize,
    /// Of each bundle.
    findings: usize,
    /// Of each cause.
    because: usize,
}

/// From generous to bare. `detailed` failures keep tests and lines, the rest only their names.
const STEPS: [Step; 6] = [
    Step {
        tests: 20,
        lines: 40,
        text: 300,
        failures: 100,
        green: 200,
        artifacts: 200,
        detailed: 40,
        findings: 5,
        because: 3,
    },
    Step {
        tests: 10,
        lines: 20,
        text: 200,
        failures: 100,
        green: 100,
        artifacts: 100,
        detailed: 20,
        findings: 4,
        because: 2,
    },
    Step {
        tests: 5,
        lines: 12,
        text: 160,
        failures: 60,
        green: 40,
        artifacts: 60,
        detailed: 12,
        findings: 3,
        because: 1,
    },
    Step {
        tests: 3,
        lines: 8,
        text: 120,
        failures: 40,
        green: 20,
        artifacts: 30,
        detailed: 8,
        findings: 2,
        because: 1,
    },
    Step {
        tests: 2,
        lines: 5,
        text: 100,
        failures: 20,
        green: 5,
        artifacts: 20,
        detailed: 5,
        findings: 1,
        because: 1,
    },
    Step {
        tests: 1,
        lines: 2,
        text: 80,
        failures: 10,
        green: 0,
        artifacts: 10,
        detailed: 3,
        findings: 0,
        because: 0,
    },
];

/// Cuts lists until the status fits, and says so in a note.
pub(super) fn bound(status: &mut TestRunReportStatus) {
    let jobs = status.summary.as_ref().map_or(0, |s| s.jobs.total);
    let limit = if jobs <= SMALL_JOBS { SMALL } else { LARGE };
    let mut cut = false;
    for step in &STEPS {
        if size(status) <= limit {
            break;
        }
        cut = true;
        apply(step, status);
    }
    if cut {
        status.notes.insert(0, "lists are cut to keep this object small; totals are complete".to_owned());
        status.notes.truncate(32);
    }
}

fn apply(step: &Step, status: &mut TestRunReportStatus) {
    status.failures.truncate(step.failures);
    for (i, failure) in status.failures.iter_mut().enumerate() {
        let (tests, lines) = if i < step.detailed { (step.tests, step.lines) } else { (0, 0) };
        failure.failing_tests.truncate(tests);
        failure.excerpt.truncate(lines);
        let because = if i < step.detailed { step.because } else { 0 };
        failure.causes.iter_mut().for_each(|cause| cause.because.truncate(because));
        for test in &mut failure.failing_tests {
            test.name = super::text::clean(&test.name, step.text);
            test.message = test.message.as_deref().map(|m| super::text::clean(m, step.text));
        }
        for line in &mut failure.excerpt {
            line.text = super::text::clean(&line.text, step.text);
        }
    }
    status.artifacts.truncate(step.artifacts);
    for analysis in status.artifacts.iter_mut().filter_map(|a| a.analysis.as_mut()) {
        analysis.findings.truncate(step.findings);
        for finding in &mut analysis.findings {
            finding.text = super::text::clean(&finding.text, step.text);
        }
    }
    for suite in &mut status.suites {
        let all = suite.jobs.len();
        let mut green = 0;
        // What is not green is what people look for; it goes last.
        let most = if step.green == 0 { 10 } else { step.green.max(50) };
        let mut kept = 0;
        suite.jobs.retain(|j| {
            if j.state == "Succeeded" {
                green += 1;
                green <= step.green
            } else {
                kept += 1;
                kept <= most
            }
        });
        suite.jobs_omitted += super::report::len(all - suite.jobs.len());
    }
}

/// Bytes of the JSON form, counted without building it.
fn size(status: &TestRunReportStatus) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
            self.0 += data.len();
            Ok(data.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, status) {
        Ok(()) => count.0,
        Err(_) => usize::MAX,
    }
}
