//! Each law for a moment; `examples/fuzz.rs` tries longer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use proptest::prelude::*;
use proptest::sample::Index;

/// How often each law is tried; a longer search is asked for as with proptest itself.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(200)
}

fn others() -> Vec<&'static [u8]> {
    TARGETS.iter().flat_map(|target| target.fixtures).map(|fixture| fixture.bytes).collect()
}

/// A law that does not hold, with the input that shows it.
fn shown(target: &Target, bytes: &[u8], why: String) -> TestCaseError {
    let text: String = String::from_utf8_lossy(bytes).chars().take(4000).collect();
    TestCaseError::fail(format!(
        "{}: {why}\n--- {} bytes:\n{}",
        target.name,
        bytes.len(),
        text.escape_debug()
    ))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn damaged_inputs_are_read_lawfully(which in any::<Index>(), fixture in any::<Index>(), ops in ops()) {
        let target = which.get(TARGETS);
        let bytes = damage(fixture.get(target.fixtures).bytes, &ops, &others());
        (target.check)(&bytes).map_err(|why| shown(target, &bytes, why))?;
    }

    #[test]
    fn any_bytes_are_read_lawfully(which in any::<Index>(), bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let target = which.get(TARGETS);
        (target.check)(&bytes).map_err(|why| shown(target, &bytes, why))?;
    }

    #[test]
    fn damaged_archives_are_read_lawfully(fixture in any::<Index>(), kind in 0usize..3, ops in ops()) {
        let packed = archived(fixture.get::<&[u8]>(&others()), kind).unwrap();
        let bytes = damage(&packed, &ops, &others());
        for target in TARGETS.iter().filter(|target| ["junit", "bundle"].contains(&target.name)) {
            (target.check)(&bytes).map_err(|why| shown(target, &bytes, why))?;
        }
    }
}

/// The places of a fixture that are tried: all of a small one, some of a large one.
fn places(fixture: &Fixture) -> impl Iterator<Item = usize> {
    let len = fixture.bytes.len();
    // Steps of a prime: no format has its turns at such places only.
    (0..len).step_by(if len < 1100 { 1 } else { 37 })
}

fn reports() -> impl Iterator<Item = (&'static Target, &'static Fixture)> {
    let reports = TARGETS.iter().filter(|target| target.reports);
    reports.flat_map(|target| target.fixtures.iter().map(move |fixture| (target, fixture)))
}

#[test]
fn every_fixture_is_what_it_is_called() {
    for target in TARGETS {
        for fixture in target.fixtures {
            let answer = (target.check)(fixture.bytes)
                .unwrap_or_else(|why| panic!("{} {}: {why}", target.name, fixture.name));
            if target.reports {
                assert_eq!(
                    answer == Answer::Green,
                    fixture.is_green(),
                    "{} {}: {answer:?}",
                    target.name,
                    fixture.name
                );
                assert_ne!(answer, Answer::Nothing, "{} {}", target.name, fixture.name);
            }
        }
    }
}

#[test]
fn a_report_that_lost_its_end_is_never_green() {
    let mut wrong = Vec::new();
    for (target, fixture) in reports() {
        let bad: Vec<String> = places(fixture).filter_map(|at| torn(fixture, at).err()).collect();
        wrong.extend(bad.first().map(|why| format!("{} ({} places): {why}", target.name, bad.len())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_red_report_is_not_green_because_of_one_byte() {
    let mut wrong = Vec::new();
    for (target, fixture) in reports() {
        let bad: Vec<String> = places(fixture)
            .flat_map(|at| [b'x', b'0', b'"'].map(|byte| changed(fixture, at, byte)))
            .filter_map(Result::err)
            .collect();
        wrong.extend(bad.iter().take(3).map(|why| format!("{} ({} places): {why}", target.name, bad.len())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
