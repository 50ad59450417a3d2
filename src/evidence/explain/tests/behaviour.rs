//! What holds whatever the tool: ends without marks, verdicts, bounds, excerpts.

use super::check;

#[test]
fn a_shell_step_without_any_marker_shows_its_last_lines() {
    check(
        "nothing marked",
        "
- Preparing the release
- Reading the list of artifacts
> Comparing checksums of 14 artifacts
> 3 of 14 differ
- ##[error]Process completed with exit code 3.
- Post job cleanup.
",
        Some("Preparing the release\nReading the list of artifacts\nall fine\n"),
    );
}

#[test]
fn a_cancelled_job_shows_what_cancelled_it_and_where_it_stood() {
    let explanation = check(
        "cancelled",
        "
- ##[group]Run make integration
- make integration
- ##[endgroup]
- waiting for the cluster to become ready
- waiting for the cluster to become ready
! ##[error]The operation was canceled.
- Cleaning up orphan processes
",
        None,
    );
    assert_eq!(explanation.causes[0].cause, super::super::CauseKind::Cancelled);
}

#[test]
fn a_log_that_just_ends_shows_its_end() {
    let log = "
~ starting
> waiting for the cluster to become ready
> waiting for the cluster to become ready, attempt 2
";
    let explanation = check("ends", log, None);
    assert_eq!(explanation.lines.last().unwrap().reason, super::super::Reason::LogEnds);
}

#[test]
fn stamps_colours_and_lone_returns_do_not_matter() {
    let plain = "\nstep one\nprogress 1\nprogress 2\nERROR: it broke\nlast\n";
    let stamped = "\u{feff}2026-01-23T17:04:05.1234567Z \n2026-01-23T17:04:05.1234567Z step one\nprogress 1\rprogress 2\r\n\
        2026-01-23T17:04:06.1234567Z \u{1b}[31mERROR: it broke\u{1b}[0m\r\n2026-01-23T17:04:06.1234567Z last\n";
    let options = super::Options::default();
    let lines = |log: &str| {
        super::explain(log.as_bytes(), None, &options)
            .lines
            .iter()
            .map(|b| (b.start, b.end))
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(plain), vec![(5, 5)]);
    assert_eq!(lines(stamped), vec![(5, 5)]);
}

#[test]
fn an_error_counts_although_something_succeeded_after_it() {
    let explanation = check(
        "success after all",
        "
! ERROR: the first half broke
- [INFO] BUILD SUCCESS
- cleaning up
- Finished: FAILURE
",
        None,
    );
    assert_eq!(explanation.lines.len(), 1);
}

#[test]
fn a_new_error_counts_although_a_later_build_in_the_job_succeeded() {
    let ordinary: String = (0..20)
        .map(|n| format!("- [INFO] step {} of the job\n", "abcdefghijklmnopqrst".get(n..n + 1).unwrap()))
        .collect();
    let log = format!(
        "
{ordinary}! [ERROR] /a/B.java:[3,4] cannot find symbol
- [INFO] BUILD SUCCESS
! ERROR: no result file, giving up
- Finished: FAILURE
"
    );
    let twin = ordinary.replace("- [INFO]", "[INFO]") + "[INFO] BUILD SUCCESS\nFinished: SUCCESS\n";
    check("with a twin the error is new", &log, Some(&twin));
    check("without one the success forgives it", &log.replace("! [ERROR]", "- [ERROR]"), None);
}

#[test]
fn errors_of_both_logs_are_a_last_resort_and_few() {
    let log = "ERROR: known trouble with the mirror\nall else is fine\n".repeat(40);
    let explanation = super::explain(log.as_bytes(), Some(log.as_bytes()), &super::Options::default());
    assert!(explanation.shown <= 20, "{explanation:?}");
    assert!(
        explanation.lines.iter().all(|block| block.reason == super::super::Reason::AlsoInBaseline),
        "{explanation:?}"
    );
}

#[test]
fn a_bound_on_lines_keeps_the_head_of_the_strongest() {
    let log = format!(
        "some failed hint\nwork\nERROR: first\n{}[INFO] done\n--- FAIL: TestX (0.00s)\n",
        "\tat a.B.c(B.java:1)\n".repeat(50)
    );
    let options = super::Options { max_lines: 5, ..super::Options::default() };
    let explanation = super::explain(log.as_bytes(), None, &options);
    assert!(explanation.cut);
    assert_eq!(
        explanation.lines.iter().map(|block| (block.start, block.end)).collect::<Vec<_>>(),
        vec![(3, 6), (55, 55)]
    );
}

#[test]
fn an_excerpt_has_no_advice_no_blank_lines_and_nothing_twice() {
    let log = "ERROR: first\n\n\tat a.B.c(B.java:1)\n\tat a.B.d(B.java:2)\n\tat a.B.e(B.java:3)\n\tat a.B.f(B.java:4)\n\
        [ERROR] \n[ERROR] Re-run Maven using the -X switch to enable full debug logging.\nERROR: first\n[INFO] x\nERROR: second\n";
    let explanation = super::explain(log.as_bytes(), None, &super::Options::default());
    let texts: Vec<String> =
        super::excerpt(log.as_bytes(), &explanation, 9).into_iter().map(|line| line.text).collect();
    assert_eq!(texts, ["ERROR: first", "\tat a.B.c(B.java:1)", "\tat a.B.d(B.java:2)", "ERROR: second"]);
    assert_eq!(super::excerpt(log.as_bytes(), &explanation, 1).len(), 1);
    assert!(super::excerpt(log.as_bytes(), &explanation, 0).is_empty());
}

#[test]
fn an_excerpt_has_nothing_that_hides_or_turns_text() {
    let log = "fine\n##[error]a\u{202e}b\u{1b}[2K\u{200b}c\u{2066}d\n";
    let explanation = super::explain(log.as_bytes(), None, &super::Options::default());
    let texts: Vec<String> =
        super::excerpt(log.as_bytes(), &explanation, 9).into_iter().map(|line| line.text).collect();
    assert_eq!(texts, ["##[error]abcd"]);
}

#[test]
fn an_explanation_reads_as_json() {
    let explanation = super::explain(
        b"fine\nERROR: disk: No space left on device\n",
        Some(b"fine\n"),
        &super::Options::default(),
    );
    let json = serde_json::to_value(&explanation).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "lines": [{
                "start": 2, "end": 2, "key": [2],
                "reason": "new: absent from the passing log (error marker)",
            }],
            "causes": [{"cause": "DiskFull", "probability": 0.88, "evidence": [2]}],
            "shown": 1, "total": 2, "cut": false, "similarity": 1.0,
        })
    );
}

#[test]
fn a_log_in_utf_16_is_explained_like_any_other() {
    use super::super::{Options, excerpt, explain, explain_stream};
    let fail = "one\r\nError: boom\r\ntwo\r\n";
    let wide = |text: &str| -> Vec<u8> {
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    let (plain, wide) = (explain(fail.as_bytes(), None, &Options::default()), wide(fail));
    assert_eq!(explain(&wide, None, &Options::default()), plain);
    let stream = explain_stream(&wide[..], None::<&[u8]>, &Options::default()).unwrap();
    assert_eq!(stream, plain);
    let shown = excerpt(&wide, &plain, 5);
    assert_eq!(shown[0].text, "Error: boom");
}
