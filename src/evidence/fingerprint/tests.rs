#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use proptest::prelude::*;

#[test]
fn every_pattern_compiles() {
    assert!(STEPS.is_some() && WORD.is_some() && CODE.is_some());
}

#[test]
fn what_changes_from_run_to_run_is_taken_out() {
    for (text, expected) in [
        ("at 2026-01-23T17:04:05.123Z it broke", "at {time} it broke"),
        ("01/23/26 17:04:05.123 [FAILED]", "{time} [FAILED]"),
        ("Timed out after 120.036s.", "Timed out after {duration}"),
        ("took 1m30.5s or 12 ms", "took {duration} or {duration}"),
        ("pod api-7d9f8b6c5-x2x4z gone", "pod api-{id} gone"),
        ("rr 89a56861-59b4-4d5f-b27e-8b7cd7c44a51 lost", "rr {id} lost"),
        ("commit 0047235dadebb broke 0xc000123450", "commit {id} broke {hex}"),
        ("/home/a/b/c_test.go:213 Expected 12", "{path}/c_test.go:{n} Expected {n}"),
        ("open /tmp/abc/def: no such file", "open {path}: no such file"),
        ("dial tcp 10.4.0.17:38411: refused", "dial tcp {addr}: refused"),
        ("dial tcp [::1]:38411: refused", "dial tcp {loopback6}: refused"),
        ("dial tcp 127.0.0.1:38411: refused", "dial tcp {loopback4}: refused"),
        ("db.local:5432 of  5.25 and 1,024", "db.local:{n} of {n} and {n}"),
        ("got status 503, want 200", "got status 503, want {n}"),
        ("404 Not Found", "404 Not Found"),
        ("ERROR (SQLSTATE 23505) id 17", "ERROR (SQLSTATE 23505) id {n}"),
        ("error[E0308]: mismatched", "error[E0308]: mismatched"),
        ("a.ts(3,4): error TS2304: x", "a.ts({n}): error TS2304: x"),
        ("kind v1alpha1 is unknown", "kind v{n}alpha{n} is unknown"),
    ] {
        assert_eq!(normalise(text), expected, "{text}");
    }
}

#[test]
fn numbers_of_names_stay_unless_they_are_long() {
    for (name, expected) in [
        ("[RO-INT-SEV-004] P3 is medium", "[RO-INT-SEV-004] P3 is medium"),
        ("TestOrder/case_12", "TestOrder/case_12"),
        ("uses rr-1769180645123", "uses rr-{n}"),
        ("uses 89a56861-59b4-4d5f-b27e-8b7cd7c44a51", "uses {id}"),
    ] {
        assert_eq!(normalise_name(name), expected);
    }
}

fn of(tests: &[(&str, &str)]) -> Failures {
    let mut failures = Failures::default();
    for (name, message) in tests {
        failures.test(name, Some(message).filter(|text| !text.is_empty()).copied());
    }
    failures
}

#[test]
fn different_failures_have_different_fingerprints() {
    let all = [
        of(&[("a", "expected 1 to equal 2")]),
        of(&[("b", "expected 1 to equal 2")]),
        of(&[("[SEV-004] x", "m")]),
        of(&[("[SEV-005] x", "m")]),
        of(&[("a", "connection refused")]),
        of(&[("a", "connection refused"), ("b", "connection refused")]),
        of(&[("a", "dial [::1]:80")]),
        of(&[("a", "dial 127.0.0.1:80")]),
        of(&[("a", "status 404")]),
        of(&[("a", "status 500")]),
        of(&[("a\nb", "")]),
    ];
    let distinct: BTreeSet<String> = all.iter().map(|failures| failures.fingerprint().unwrap()).collect();
    assert_eq!(distinct.len(), all.len());
}

#[test]
fn a_failure_of_many_tests_is_known_by_what_most_of_them_say() {
    let broken = |tests: std::ops::Range<usize>| {
        let mut failures = Failures::default();
        for test in tests {
            failures.test(&format!("test number {test}"), Some("dial tcp 10.0.0.3:5432: connection refused"));
        }
        failures
    };
    assert_eq!(broken(0..40).fingerprint(), broken(3..50).fingerprint());
    assert_ne!(broken(0..2).fingerprint(), broken(0..3).fingerprint());
}

#[test]
fn failures_that_say_the_same_look_alike_whatever_the_tests() {
    let a = of(&[("x", "dial tcp 10.0.0.3:5432: connection refused")]);
    let b = of(&[
        ("y", "dial tcp 10.9.0.1:80: connection refused"),
        ("z", "dial tcp 1.2.3.4:8: connection refused"),
    ]);
    assert_eq!(a.signature(), b.signature());
    assert_ne!(a.fingerprint(), b.fingerprint());
    assert_eq!(a.signature().unwrap(), "dial tcp {addr}: connection refused");
}

#[test]
fn lines_that_only_say_that_a_step_ended_identify_nothing() {
    let mut failures = Failures::default();
    for line in
        ["##[error]Process completed with exit code 1.", "make: *** [Makefile:3: test] Error 2", "12 34"]
    {
        failures.line(line);
    }
    assert_eq!((failures.fingerprint(), failures.signature()), (None, None));
}

/// A value of each kind that changes from run to run.
fn varying() -> impl Strategy<Value = [String; 8]> {
    (
        (2020u32..2030, 1u32..13, 1u32..29, 0u32..24, 0u32..60, 0u32..1000),
        any::<[u8; 16]>(),
        "[0-9a-f]{6}[0-9][a-df][0-9a-f]{0,30}",
        1024u32..65535,
        (1u8..120, any::<u8>(), any::<u8>(), 1u8..250),
        "[a-z]{3,9}",
        (0u32..100_000, 0u32..1000),
        0u64..1_000_000_000,
    )
        .prop_map(|(t, uuid, hex, port, ip, word, duration, number)| {
            let id: String = uuid.iter().map(|byte| format!("{byte:02x}")).collect();
            [
                format!("{}-{:02}-{:02}T{:02}:{:02}:07.{:03}Z", t.0, t.1, t.2, t.3, t.4, t.5),
                format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]),
                hex,
                port.to_string(),
                format!("{}.{}.{}.{}", ip.0, ip.1, ip.2, ip.3),
                format!("/tmp/{word}{}/x", t.5),
                format!("{}.{:03}s", duration.0, duration.1),
                number.to_string(),
            ]
        })
}

fn message(verb: &str, v: &[String; 8]) -> String {
    let [time, uuid, hex, port, ip, path, duration, number] = v;
    format!(
        "{time} {verb} order {uuid} at {hex} on localhost:{port} by {ip}:{port} in {path} after {duration}: got {number}"
    )
}

proptest! {
    #[test]
    fn the_same_failure_has_the_same_fingerprint_in_every_run(a in varying(), b in varying(), verb in "[a-z]{1,9}") {
        let (one, other) = (message(&verb, &a), message(&verb, &b));
        prop_assert_eq!(normalise(&one), normalise(&other));
        let names = [format!("creates {}", a[1]), format!("creates {}", b[1])];
        let first = of(&[(&names[0], &one), ("other", "x")]);
        let second = of(&[("other", "x"), (&names[1], &other)]);
        prop_assert_eq!(first.fingerprint(), second.fingerprint());
        prop_assert_eq!(first.signature(), second.signature());
    }

    #[test]
    fn different_words_make_different_failures(v in varying(), a in "[a-z]{1,9}", b in "[a-z]{1,9}") {
        prop_assume!(a != b);
        let (one, other) = (message(&a, &v), message(&b, &v));
        prop_assert_ne!(of(&[("t", &one)]).fingerprint(), of(&[("t", &other)]).fingerprint());
        prop_assert_ne!(of(&[(&a, "m")]).fingerprint(), of(&[(&b, "m")]).fingerprint());
    }

    #[test]
    fn any_text_is_bounded_and_on_one_line(text in "(.|\n){0,400}") {
        let mut failures = Failures::default();
        failures.test(&text, Some(&text));
        failures.line(&text);
        let signature = failures.signature().unwrap();
        prop_assert!(signature.chars().count() <= SIGNATURE);
        prop_assert!(!signature.chars().any(char::is_control));
        prop_assert_eq!(failures.fingerprint().unwrap().len(), 32);
    }
}
