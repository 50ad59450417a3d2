//! The bundles of the shared corpus, read in place.

use super::*;
use crate::evidence::layout::Layout;
use std::path::PathBuf;

fn folder() -> Option<PathBuf> {
    let corpus = std::env::var_os("TESTRUN_CORPUS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus")),
        PathBuf::from,
    );
    let folder = corpus.join("must-gather");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: corpus absent");
    None
}

#[test]
fn the_bundle_of_an_integration_suite_tells_of_its_database_and_its_names() {
    let Some(folder) = folder() else { return };
    let bytes = std::fs::read(folder.join("must-gather-aianalysis-20260123-193955.tar.gz")).unwrap();
    // As it comes from GitHub: in a zip.
    let artifact = zip(&[("must-gather-aianalysis-20260123-193955.tar.gz", bytes.as_slice())]);
    for bundle in [&bytes, &artifact] {
        let found = read(bundle);
        assert_eq!(found.layout, Some(Layout::KubernautIntegration));
        assert_eq!((found.files_scanned, found.incomplete), (3, false), "{:?}", found.warnings);
        let told = told(&found);
        for want in [
            "Conflict aianalysis_datastorage [SQLSTATE 23505 duplicate key] x1",
            "Dependency aianalysis_datastorage [deadline exceeded] x1",
            "Dependency aianalysis_datastorage [i/o timeout] x1",
            "Dependency hapi [read timed out] x1",
        ] {
            assert!(told.iter().any(|line| line.contains(want)), "{want} is not in {told:#?}");
        }
    }
}

#[test]
fn the_window_of_the_failing_test_brings_its_lines_to_the_front() {
    let Some(folder) = folder() else { return };
    let file = std::fs::File::open(folder.join("must-gather-aianalysis-20260123-193955.tar.gz")).unwrap();
    let window = ["2026-01-23T19:39:10Z", "2026-01-23T19:39:20Z"].map(|time| time.parse().unwrap());
    let options = Options { window: Some((window[0], window[1])), subjects: Vec::new() };
    let found = analyse("bundle", file, options, Limits::default());
    assert!(found.findings[0].related && found.findings[0].kind == Kind::Dependency, "{:#?}", told(&found));
    let conflict = found.findings.iter().find(|finding| finding.kind == Kind::Conflict).unwrap();
    assert!(!conflict.related);
    assert_eq!(conflict.first_seen.unwrap().to_string(), "2026-01-23T19:38:45.492Z");
}

#[test]
fn a_skeleton_of_an_openshift_bundle_has_its_layout_and_no_findings() {
    let Some(folder) = folder() else { return };
    let found = read(&std::fs::read(folder.join("omc-fixture-must-gather.tar.gz")).unwrap());
    assert_eq!(found.layout, Some(Layout::OpenShift));
    assert!(found.findings.is_empty() && !found.incomplete, "{found:?}");
}
