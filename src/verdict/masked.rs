//! Green jobs that hide a failure.

use super::items::Items;
use super::state::State;
use super::text::{clean, clean_some};
use crate::api::status::MaskedFailure;

/// Masked failures that are listed.
const MAX_MASKED: usize = 50;

/// Green jobs that hide a failure, and how many there are.
pub(super) fn masked(items: &Items<'_>) -> (Vec<MaskedFailure>, usize) {
    let mut out = Vec::new();
    for item in items.items.iter().filter(|i| i.state == State::Succeeded) {
        let Some(job) = item.job() else { continue };
        let mut push = |kind: &str, message: String| {
            out.push(MaskedFailure {
                job: clean(&item.name, 255),
                kind: kind.to_owned(),
                message: clean(&message, 512),
                url: clean_some(Some(&job.url), 512),
            });
        };
        if let Some(step) = job.steps.iter().find(|s| s.conclusion.as_deref() == Some("failure")) {
            push(
                "FailedStep",
                format!("the job is green although its step {:?} failed", clean(&step.name, 200)),
            );
        }
        let failures: Vec<_> = job.annotations.iter().filter(|a| a.level == "failure").collect();
        if let Some(first) = failures.first() {
            let more = if failures.len() > 1 {
                format!(" (and {} more)", failures.len() - 1)
            } else {
                String::new()
            };
            push("FailureAnnotation", format!("{}{more}", clean(&first.message, 400)));
        }
        let Some(evidence) = &job.evidence else { continue };
        let failed = evidence.tests.map_or(0, |t| t.failed.saturating_add(t.errored));
        if failed > 0 {
            push("FailingTests", format!("its own log counts {failed} failing tests"));
        } else if evidence.failing_total > 0 {
            let name = evidence.failing.first().map(|test| clean(&test.name, 200)).unwrap_or_default();
            push("FailingTests", format!("its own log tells of a failure outside of tests: {name:?}"));
        }
        if evidence.interrupted {
            push(
                "Interrupted",
                "its own log, as far as it was read, breaks off: not all of its tests are known".to_owned(),
            );
        }
    }
    let total = out.len();
    out.truncate(MAX_MASKED);
    (out, total)
}
