//! The numbers of the assessment, in one place; docs/evidence.md shows them.

/// Confidence starts here, in percent, without a pass seen on a re-run.
pub const CONFIDENCE: i64 = 90;
/// With one.
pub const CONFIDENCE_RERUN: i64 = 97;
/// Confidence is never below this.
pub const CONFIDENCE_LEAST: i64 = 5;
/// Jobs and checks that are not final: at most, and at least.
pub const OPEN: (i64, i64) = (60, 10);
/// Everything has ended, and the facts may still change.
pub const NOT_FINAL: i64 = 10;
/// A job in a state that is not known.
pub const UNKNOWN_STATE: i64 = 40;
/// Nothing says which jobs must be there.
pub const NO_EXPECTATIONS: i64 = 15;
/// Logs or reports of failed jobs were not read: at most, and at least.
pub const UNREAD: (i64, i64) = (25, 5);
/// Evidence that breaks off.
pub const TORN: i64 = 10;
/// Failures without a passing log to compare with: at most, and at least.
pub const NO_BASELINE: (i64, i64) = (10, 3);
/// Green jobs over a failure.
pub const MASKED: i64 = 10;
/// Each thing that could not be read, and how many count.
pub const GAP: (i64, i64) = (5, 4);
/// Waived failures.
pub const WAIVED: i64 = 10;
/// Commits on which a failure has the same values before it is called deterministic.
pub const DETERMINISTIC_COMMITS: i64 = 3;
/// Most that timing gets as a cause, in percent, as no pass on a retry of the same commit was seen.
pub const TIMING: i64 = 45;
/// Most that timing gets once a failure is deterministic.
pub const TIMING_DETERMINISTIC: i64 = 10;
/// Most that any cause gets, in percent.
pub const CAUSE: i64 = 90;
/// Share of a cause, in percent, that a bundle shows as a state of a container, pod or node: in the failing
/// test's time or of its objects.
pub const BUNDLE_STATE: i64 = 70;
/// The same where its time, or that of the test, is not known.
pub const BUNDLE_STANDING: i64 = 40;
/// Share of a cause that lines of other logs name, in the failing test's time or with its objects.
pub const BUNDLE_LINES: i64 = 35;
/// The log names a cause, and the bundle another one.
pub const BUNDLE_DISAGREES: i64 = 5;

/// Runs of the base branch that must be known before a job's pass rate says anything.
pub const PAST_RUNS: u32 = 4;
/// A job that passed in at most this share of them, in percent, is red there as well.
pub const PAST_RED: u32 = 50;

/// The table of the documentation: what, and how many percent.
pub fn table() -> Vec<(&'static str, String)> {
    let range = |(most, least): (i64, i64)| format!("-{least} to -{most}, by their share");
    let less = |n: i64| format!("-{n}");
    vec![
        ("confidence starts at", CONFIDENCE.to_string()),
        ("... if a failed job passed on a re-run of this commit", CONFIDENCE_RERUN.to_string()),
        ("confidence is at least", CONFIDENCE_LEAST.to_string()),
        ("jobs and checks not final", range(OPEN)),
        ("all have ended, but a second look has not agreed yet", less(NOT_FINAL)),
        ("a job in a state that is not known", less(UNKNOWN_STATE)),
        ("nothing says which jobs must be there", less(NO_EXPECTATIONS)),
        ("logs and reports of failed jobs not read", range(UNREAD)),
        ("evidence that breaks off", less(TORN)),
        ("failures explained with neither a passing log nor a bundle", range(NO_BASELINE)),
        ("a log and its bundle name different causes", less(BUNDLE_DISAGREES)),
        ("green jobs over a failure", less(MASKED)),
        ("each thing that could not be read", format!("-{}, at most {} of them", GAP.0, GAP.1)),
        ("waived failures", less(WAIVED)),
        ("the most that timing gets as a cause", TIMING.to_string()),
        ("... of a deterministic failure", TIMING_DETERMINISTIC.to_string()),
        ("the most that any cause gets", CAUSE.to_string()),
        (
            "a cause that a bundle shows: a container, pod or node in such a state in the test's time",
            BUNDLE_STATE.to_string(),
        ),
        ("... where its time, or that of the test, is not known", BUNDLE_STANDING.to_string()),
        ("... where only lines of other logs in the test's time tell it", BUNDLE_LINES.to_string()),
        (
            "a failure is deterministic",
            format!("the same values on {DETERMINISTIC_COMMITS} commits, none of which passed it"),
        ),
        (
            "a job is often red on the base branch",
            format!(
                "at most {PAST_RED} % of its last runs there passed, at least {PAST_RUNS} of which are known"
            ),
        ),
        ("a failure is flaky", "it passed on the same commit".to_owned()),
    ]
}
