use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::api::REQUESTED_AT;

fn report(version: &str, phase: &str) -> TestRunReport {
    let mut report = TestRunReport::new("a", Default::default());
    report.metadata.uid = Some("1".into());
    report.metadata.generation = Some(1);
    report.metadata.resource_version = Some(version.into());
    report.status = Some(TestRunReportStatus { phase: phase.into(), ..Default::default() });
    report
}

fn kept(version: &str, phase: &str) -> Kept {
    Kept::from(&report(version, phase))
}

fn is_news(memory: &Memory, report: &Kept) -> bool {
    memory.news(report).calls
}

fn settle(memory: &Memory, version: &str, phase: &str) {
    let report = report(version, phase);
    memory.settle(&report, memory.pack(&report));
}

#[test]
fn the_echo_of_a_write_is_no_news_even_before_its_answer() {
    let memory = Memory::default();
    assert!(is_news(&memory, &kept("1", "Pending")), "a new report");
    settle(&memory, "1", "Pending");
    let next = report("2", "Running");
    memory.writing(&next, next.status.as_ref().unwrap_or(&Default::default()));
    assert!(!is_news(&memory, &kept("2", "Running")), "the echo comes first");
    settle(&memory, "2", "Running");
    assert!(!is_news(&memory, &kept("2", "Running")));
}

#[test]
fn a_status_of_somebody_else_is_news_and_a_late_one_is_not() {
    let memory = Memory::default();
    is_news(&memory, &kept("10", "Running"));
    settle(&memory, "10", "Running");
    assert!(!is_news(&memory, &kept("9", "Pending")), "the cache lags behind the own write");
    assert!(is_news(&memory, &kept("11", "Passed")), "a forgery");
    let forged = report("11", "Passed");
    let previous = memory.previous(&forged, &memory.pack(&forged)).map(|s| s.map(|s| s.phase));
    assert_eq!(previous, Ok(Some("Running".into())), "a forgery is not evaluated from");
    let freshest = |version| memory.freshest(&kept(version, "x")).version();
    assert_eq!(freshest("9"), Some(10));
    assert_eq!(freshest("11"), Some(11));
}

#[test]
fn what_is_known_against_a_verdict_makes_it_doubtful() {
    let memory = Memory::default();
    is_news(&memory, &kept("10", "Failed"));
    assert!(!memory.doubts(&kept("10", "Failed")), "the process has just begun");
    memory.asked(&report("10", "Failed"));
    settle(&memory, "10", "Failed");
    assert!(!memory.doubts(&kept("10", "Failed")));
    assert!(memory.doubts(&kept("11", "Passed")), "a forgery");
    memory.ask(&kept("10", "Failed"));
    assert!(memory.doubts(&kept("10", "Failed")), "a waiver was taken away");
}

#[test]
fn a_request_and_a_deletion_are_news() {
    let memory = Memory::default();
    is_news(&memory, &kept("1", "Passed"));
    settle(&memory, "1", "Passed");
    let mut asked = report("2", "Passed");
    asked.annotations_mut().insert(REQUESTED_AT.into(), "now".into());
    assert!(is_news(&memory, &Kept::from(&asked)));
    assert!(!is_news(&memory, &Kept::from(&asked)));
    asked.metadata.deletion_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
    assert!(is_news(&memory, &Kept::from(&asked)));
}

#[test]
fn what_is_remembered_is_shared_and_never_taken_for_another_version() {
    let memory = Memory::default();
    settle(&memory, "3", "Passed");
    let packed = memory.pack(&report("4", "Passed"));
    assert_eq!(packed.version(), Some(4));
    assert_eq!(packed.open().map(|r| r.metadata.resource_version), Ok(Some("4".into())));
    memory.pack(&TestRunReport::new("b", Default::default()));
    assert_eq!(memory.lock().len(), 1, "to pack a report is not to know it");
}
