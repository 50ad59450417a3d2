//! What holds for every input.

use super::super::{Explanation, Options, excerpt, explain, explain_stream};
use super::lines_of;
use crate::evidence::log;
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Pieces of logs that open, carry on and end blocks, and bytes that mean nothing.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "ERROR: broken", "[ERROR] /a/B.java:[1,2] bad", "[ERROR] ", "[INFO] fine", "[INFO] BUILD SUCCESS",
        "", "    detail", "plain text", "\tat a.B.c(B.java:1)", "java.io.IOException: no",
        "--- FAIL: TestA (0.00s)", "--- PASS: TestB (0.00s)", "----------", "\u{2022} [FAILED] [1 seconds]",
        "\u{2022} [0.1 seconds]", "* What went wrong:", "it failed", "Downloading x",
        "Build step 'x' marked build as failure", "##[error]Process completed with exit code 1.",
        "No space left on device", "INFO pod sp-rr-p3-c3965f58-0221 duplicate key",
        "not found: sp-rr-p3-c3965f58-0221", "Tests run: 1, Failures: 0, Errors: 0",
    ]);
    prop_oneof![
        8 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

fn a_log() -> impl Strategy<Value = Vec<u8>> {
    let end = prop::sample::select(vec!["\n", "\r\n", "\r"]);
    prop::collection::vec((line(), end), 0..120).prop_map(|lines| {
        lines
            .into_iter()
            .flat_map(|(mut line, end)| {
                line.extend_from_slice(end.as_bytes());
                line
            })
            .collect()
    })
}

fn well_formed(explanation: &Explanation, fail: &[u8], most: u64) -> Result<(), TestCaseError> {
    let total = log::lines(fail).count() as u64;
    prop_assert_eq!(explanation.total, total);
    let mut before = 0;
    let mut shown = 0;
    for block in &explanation.lines {
        prop_assert!(block.start > before, "sorted and disjoint: {:?}", explanation.lines);
        prop_assert!(block.start <= block.end && block.end <= total, "in range: {:?} of {}", block, total);
        for key in &block.key {
            prop_assert!((block.start..=block.end).contains(key), "a key outside its block: {:?}", block);
        }
        before = block.end;
        shown += block.len();
    }
    prop_assert!(shown <= most, "{} lines, at most {}", shown, most);
    prop_assert_eq!(shown, explanation.shown);
    let sum: f64 = explanation.causes.iter().map(|cause| cause.probability).sum();
    prop_assert!(sum <= 1.0 + 1e-9, "{}", sum);
    for cause in &explanation.causes {
        prop_assert!((0.0..=1.0).contains(&cause.probability));
        prop_assert!(cause.evidence.iter().all(|line| (1..=total).contains(line)), "{:?}", cause);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_are_sorted_disjoint_in_range_and_not_too_many(
        fail in a_log(), pass in prop::option::of(a_log()), most in 0u64..60, comfortable in 0u64..30,
    ) {
        let options = Options { max_lines: most, comfortable, ..Options::default() };
        let explanation = explain(&fail, pass.as_deref(), &options);
        well_formed(&explanation, &fail, most)?;
        prop_assert!(excerpt(&fail, &explanation, 5).len() <= 5);
    }

    #[test]
    fn any_bytes_do(fail in prop::collection::vec(any::<u8>(), 0..600), pass in prop::collection::vec(any::<u8>(), 0..600)) {
        let explanation = explain(&fail, Some(&pass), &Options::default());
        well_formed(&explanation, &fail, 10_000)?;
    }

    #[test]
    fn a_log_that_passed_explains_little(log in a_log()) {
        let options = Options::default();
        let explanation = explain(&log, Some(&log), &options);
        prop_assert!(explanation.shown <= options.comfortable + 6, "{:?}", explanation);
    }

    #[test]
    fn a_stream_says_the_same(fail in a_log(), pass in prop::option::of(a_log())) {
        let options = Options::default();
        let whole = explain(&fail, pass.as_deref(), &options);
        let streamed = explain_stream(&fail[..], pass.as_deref(), &options).unwrap();
        prop_assert_eq!(whole, streamed);
    }

    #[test]
    fn what_both_logs_have_in_front_changes_only_the_numbers(fail in a_log(), noise in 1u64..30) {
        // An ordinary, known beginning ends no block and opens none.
        let head = "[INFO] an ordinary line\n".repeat(noise as usize);
        let longer = [head.as_bytes(), &fail].concat();
        let options = Options::default();
        let short: Vec<u64> = lines_of(&explain(&fail, None, &options)).into_iter().collect();
        let long: Vec<u64> = lines_of(&explain(&longer, None, &options)).into_iter().map(|line| line.saturating_sub(noise)).collect();
        prop_assert_eq!(short.iter().filter(|line| **line > 12).collect::<Vec<_>>(), long.iter().filter(|line| **line > 12).collect::<Vec<_>>());
    }
}

#[test]
fn hostile_logs_take_bounded_time() {
    let long_line = [b"ERROR: ".as_slice(), &vec![b'x'; 10_000_000]].concat();
    let breaks = vec![b'\n'; 500_000];
    let returns = vec![b'\r'; 500_000];
    let nuls = vec![0u8; 500_000];
    let invalid = vec![0xffu8; 500_000];
    let errors = b"ERROR: x\n".repeat(60_000);
    let alternating = b"ERROR: no such host a1-b2-c3-d4\nfine\n\n\n\n\n\n".repeat(20_000);
    let suspects = b"INFO duplicate key in a1-b2-c3-d4e5\n".repeat(40_000);
    let escapes = b"\x1b[".repeat(300_000);
    let frames = b"\tat a.B.c(B.java:1)\n".repeat(50_000);
    let options = Options::default();
    for (name, log) in [
        ("long line", long_line),
        ("breaks", breaks),
        ("returns", returns),
        ("nuls", nuls),
        ("invalid", invalid),
        ("errors", errors),
        ("alternating", alternating),
        ("suspects", suspects),
        ("escapes", escapes),
        ("frames", frames),
    ] {
        let begun = Instant::now();
        let explanation = explain(&log, Some(b"fine\n"), &options);
        let alone = explain(&log, None, &options);
        let taken = begun.elapsed();
        assert!(explanation.shown <= options.max_lines && alone.shown <= options.max_lines, "{name}");
        // A quadratic step would take minutes; unoptimised builds are slow but linear.
        assert!(taken < Duration::from_secs(20), "{name}: {taken:?}");
    }
}
