//! Likely causes, and the lines that decide where they are not the ones marked as errors.

use super::super::cause::TIMING_CAP;
use super::super::{CauseKind, Options, explain};
use super::{check, marked};

fn share(causes: &[super::super::Cause], kind: CauseKind) -> f64 {
    causes.iter().find(|cause| cause.cause == kind).map_or(0.0, |cause| cause.probability)
}

/// Filler that looks like a busy controller.
fn chatter(count: usize) -> String {
    (0..count)
        .map(|n| {
            format!(
                "2026-01-23T22:56:{:02}.100Z\tINFO\treconciled\t{{\"object\": \"rr-other-{n}\"}}\n",
                n % 60
            )
        })
        .collect()
}

#[test]
fn a_blocked_object_decides_over_the_timeout_that_it_led_to() {
    let text = format!(
        "
{}~ 2026-01-23T22:56:24.601Z\tINFO\tcreated\t{{\"rr\": \"rr-p3-c3965f58-0221\"}}
! 2026-01-23T22:56:24.615Z\tINFO\tRouting blocked, will not create SignalProcessing\t{{\"rr\": \"rr-p3-c3965f58-0221\", \"reason\": \"DuplicateInProgress\"}}
{}- ------------------------------
> \u{2022} [FAILED] [120.036 seconds]
> Severity Normalization [It] should create an analysis with normalized severity
> /src/test/integration/ro/severity_test.go:294
> 
!   [FAILED] Timed out after 120.001s.
>   Expected success, but got an error:
>       <*errors.StatusError | 0xc000f59c20>:
>       signalprocessings.example.test \"sp-rr-p3-c3965f58-0221\" not found
>   In [It] at: /src/test/integration/ro/severity_test.go:330 @ 01/23/26 22:58:24.601
- ------------------------------
",
        prefix(&chatter(40)),
        prefix(&chatter(40)),
    );
    let explanation = check("blocked object", &text, None);
    assert_eq!(explanation.causes[0].cause, CauseKind::TestIsolation, "{:?}", explanation.causes);
    assert!(share(&explanation.causes, CauseKind::Timeout) < 0.5);
}

fn prefix(text: &str) -> String {
    text.lines().map(|line| format!("- {line}\n")).collect()
}

#[test]
fn a_deciding_line_without_the_id_is_found_before_the_failure() {
    let text = format!(
        "
{}! INFO\tRouting blocked, will not create SignalProcessing\t{{\"reason\": \"DuplicateInProgress\"}}
{}> \u{2022} [FAILED] [120.036 seconds]
> Severity [It] should create an analysis
> 
>   [FAILED] Timed out after 120.001s.
>   Expected success, but got an error:
>       signalprocessings.example.test \"sp-rr-p3-c3965f58-0221\" not found
",
        prefix(&chatter(10)),
        prefix(&chatter(10)),
    );
    let explanation = check("no id", &text, None);
    assert_eq!(explanation.causes[0].cause, CauseKind::TestIsolation, "{:?}", explanation.causes);
}

#[test]
fn a_value_that_differs_is_not_timing() {
    let explanation = check(
        "hash chain",
        "
- 2026-01-23T16:34:50.000Z\tINFO\tstored 5 events
> \u{2022} [FAILED] [1.210 seconds]
> Audit Export [It] should verify hash chain integrity correctly
> 
!   [FAILED] All events should have valid hash chain
>   Expected
>       <int>: 0
!   to equal
>       <int>: 5
>   In [It] at: /src/test/integration/ds/audit_export_test.go:213 @ 01/23/26 16:34:51.169
",
        None,
    );
    assert_eq!(explanation.causes[0].cause, CauseKind::Assertion, "{:?}", explanation.causes);
    assert_eq!(share(&explanation.causes, CauseKind::Timeout), 0.0);
}

#[test]
fn a_wait_that_saw_another_value_is_a_value_first() {
    for (name, rest) in [
        ("notification", "  Expected\n      <int>: 2\n  to equal\n      <int>: 1\n"),
        (
            "workflow",
            "  workflow.completed event should be found\n  Expected\n      <bool>: false\n  to be true\n",
        ),
    ] {
        let log = format!(
            "\u{2022} [FAILED] [30.001 seconds]\nSuite [It] should deliver\n\n  [FAILED] Timed out after 30.001s.\n{rest}  \
             In [It] at: /src/a_test.go:192 @ 01/23/26 16:34:51.169\n------------------------------\n\
             Summarizing 1 Failure:\n  [FAIL] Suite [It] should deliver\n"
        );
        let explanation = explain(log.as_bytes(), None, &Options::default());
        assert_eq!(explanation.causes[0].cause, CauseKind::Assertion, "{name}: {:?}", explanation.causes);
        assert!(share(&explanation.causes, CauseKind::Timeout) < 0.5, "{name}: {:?}", explanation.causes);
    }
}

#[test]
fn timing_alone_stays_below_one_half_until_a_retry_passed() {
    let log =
        "--- FAIL: TestWait (30.00s)\n    wait_test.go:9: timed out waiting for the condition\n".repeat(8);
    let mut options = Options::default();
    let before = share(&explain(log.as_bytes(), None, &options).causes, CauseKind::Timeout);
    assert!(before > 0.2 && before <= TIMING_CAP, "{before}");
    options.passed_on_retry = true;
    let after = share(&explain(log.as_bytes(), None, &options).causes, CauseKind::Timeout);
    assert!(after > 0.5, "{after}");
}

#[test]
fn each_kind_of_trouble_is_named() {
    for (log, want) in [
        ("[ERROR] /a/B.java:[3,4] cannot find symbol\n[ERROR]   symbol: class C\n", CauseKind::Compilation),
        ("src/a.c:3:1: error: expected ';' before 'return'\n", CauseKind::Compilation),
        ("java.lang.AssertionError: expected:<3> but was:<4>\n\tat a.B.c(B.java:3)\n", CauseKind::Assertion),
        ("Error: dial tcp: lookup db.example.test: no such host\n", CauseKind::InfrastructureNetwork),
        ("ERROR: Error cloning remote repo 'origin'\n", CauseKind::InfrastructureNetwork),
        ("java.lang.OutOfMemoryError: Java heap space\n\tat a.B.c(B.java:3)\n", CauseKind::OutOfMemory),
        ("ERROR: cannot write a: No space left on device\nassertion failed\n", CauseKind::DiskFull),
        ("Warning  Failed  pod/a  Failed to pull image \"x\": ErrImagePull\n", CauseKind::ImagePull),
        ("[ERROR] Could not resolve dependencies for project a:b:jar:1\n", CauseKind::DependencyResolution),
        (
            "npm error code ERESOLVE\nnpm error ERESOLVE unable to resolve dependency tree\n",
            CauseKind::DependencyResolution,
        ),
        ("Error: EACCES: permission denied, open '/etc/x'\n", CauseKind::PermissionDenied),
        ("would reformat src/a.py\nerror: 1 file would be reformatted\n", CauseKind::LintOrFormat),
        ("bash: line 3: jq: command not found\n", CauseKind::Configuration),
        (
            "ERROR:  duplicate key value violates unique constraint \"uq_name\" (SQLSTATE 23505)\n",
            CauseKind::TestIsolation,
        ),
        ("WARNING: DATA RACE\nWrite at 0x00c0001 by goroutine 7:\n", CauseKind::Crash),
        ("##[error]The operation was canceled.\n", CauseKind::Cancelled),
        ("exec /bin/a: exec format error\n", CauseKind::ExecFormat),
        ("ERROR: it did not work\n", CauseKind::Unknown),
    ] {
        let explanation = explain(log.as_bytes(), None, &Options::default());
        assert_eq!(explanation.causes[0].cause, want, "{log}: {:?}", explanation.causes);
        if want != CauseKind::Unknown {
            assert!(explanation.causes[0].evidence.contains(&1), "{log}: {:?}", explanation.causes);
        }
    }
}

#[test]
fn a_note_tells_a_time_limit_where_the_log_does_not() {
    let log = "starting\nstill going\n";
    let notes = vec!["The job has exceeded the maximum execution time of 10m0s".to_owned()];
    let explanation = explain(log.as_bytes(), None, &Options { notes, ..Options::default() });
    assert_eq!(explanation.causes[0].cause, CauseKind::Cancelled, "{:?}", explanation.causes);
}

#[test]
fn names_given_by_the_caller_find_lines() {
    let marked = marked(
        "
- INFO noise one
> INFO order shop-7 rejected: duplicate key in table orders
- INFO noise two
> --- FAIL: TestOrders (0.01s)
",
    );
    let options = Options { subjects: vec!["shop-7".to_owned()], ..Options::default() };
    let explanation = explain(marked.log.as_bytes(), None, &options);
    assert!(super::lines_of(&explanation).contains(&2), "{explanation:?}");
}

#[test]
fn an_object_of_the_failing_test_is_recognised_far_away() {
    let text = format!(
        "
> INFO\tcreate refused: object rr-p3-c3965f58-0221 AlreadyExists
{}> --- FAIL: TestCreate (9.00s)
>     create_test.go:9: \"sp-rr-p3-c3965f58-0221\" was never ready
",
        prefix(&chatter(900)),
    );
    let explanation = check("far away", &text, None);
    assert_eq!(explanation.lines[0].reason, super::super::Reason::NamesSubject);
}

#[test]
fn one_value_outweighs_several_waits_that_ran_out() {
    let log = "\u{2022} [FAILED] [30.001 seconds]\n  [FAILED] Timed out after 30.001s.\n  Timed out waiting for the count\n  \
        the deadline exceeded text\n  Expected\n      <int>: 2\n  to equal\n      <int>: 1\n";
    let explanation = explain(log.as_bytes(), None, &Options::default());
    assert_eq!(explanation.causes[0].cause, CauseKind::Assertion, "{:?}", explanation.causes);
}

#[test]
fn tools_that_run_no_tests_name_causes_of_their_own() {
    use CauseKind::{Assertion, Configuration, LintOrFormat, TestIsolation};
    for (what, log, wanted, not) in [
        (
            "mypy",
            "All checks passed!\nsrc/cart.py:41: error: Argument 1 to \"add\" of \"Cart\" has incompatible type \"str\"; expected \"int\"  [arg-type]\nFound 1 error in 1 file (checked 83 source files)\n",
            LintOrFormat,
            Assertion,
        ),
        (
            "helm",
            "Error: UPGRADE FAILED: template: shop/templates/deployment.yaml:31:24: executing \"shop/templates/deployment.yaml\" at <.Values.image.tag>: nil pointer evaluating interface {}.tag\n",
            Configuration,
            Assertion,
        ),
        (
            "googletest",
            "[ RUN      ] Money.Rounds\nerror: pay/money_test.cc:31: Failure\nExpected equality of these values:\n  Round(2.5)\n    Which is: 3\n  2\n[  FAILED  ] Money.Rounds (0 ms)\n",
            Assertion,
            TestIsolation,
        ),
    ] {
        let causes = explain(log.as_bytes(), None, &Options::default()).causes;
        assert!(share(&causes, wanted) > share(&causes, not), "{what}: {causes:?}");
        assert!(share(&causes, wanted) > 0.2, "{what}: {causes:?}");
    }
    let bucket = "Error: creating S3 Bucket (acme-logs): https response error StatusCode: 409, BucketAlreadyExists: taken\n";
    let causes = explain(bucket.as_bytes(), None, &Options::default()).causes;
    assert_eq!(share(&causes, TestIsolation), 0.0, "{causes:?}");
}
