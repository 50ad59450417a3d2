//! What holds for every input.

use super::*;
use proptest::prelude::*;

/// Pieces that bundles are made of, hostile ones among them.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        "[\\PC\n]{0,200}".prop_map(String::into_bytes),
        Just(b"kind: Pod\nmetadata: {name: a}\nstatus: {phase: Failed, reason: Evicted}\n".to_vec()),
        Just(b"a: &a [*a, *a]\n".to_vec()),
        Just(b"[{\"Name\":\"x\",\"State\":{\"OOMKilled\":true}}]".to_vec()),
        Just(b"{\"kind\":\"List\",\"items\":[{\"kind\":\"Event\",\"type\":\"Warning\"}]}".to_vec()),
        Just(b"2026-01-23T19:00:00Z ERROR x (SQLSTATE 23505)\n".to_vec()),
        Just(vec![b'['; 5000]),
        Just(vec![0u8; 3000]),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z./\\\\]{0,40}(log|yaml|json|txt|zip|gz|tar)",
        Just("../x/describe.txt".to_owned()),
        Just("ns/events.txt".to_owned()),
        Just("x-integration-20260123-193950/x_a_test_inspect.json".to_owned()),
    ]
}

fn checked(found: &BundleAnalysis) -> Result<(), TestCaseError> {
    let limits = Limits::default();
    prop_assert!(found.findings.len() <= limits.findings);
    prop_assert!(found.findings_total >= found.findings.len() as u64);
    prop_assert!(found.warnings.len() <= limits.warnings + 1);
    for finding in &found.findings {
        let texts = [&finding.object, &finding.reason, &finding.evidence.text, &finding.evidence.file];
        for text in texts {
            prop_assert!(text.chars().count() <= 400, "{text}");
            prop_assert!(!text.chars().any(char::is_control), "{text:?}");
        }
        prop_assert!(finding.count >= 1);
    }
    prop_assert!(serde_json::to_string(found).is_ok());
    Ok(())
}

proptest! {
    #[test]
    fn any_entries_have_some_answer(entries in proptest::collection::vec((name(), piece()), 0..6)) {
        let mut analyser = Analyser::new(Options::default(), Limits::default());
        for (path, bytes) in &entries {
            analyser.entry(path, bytes.as_slice());
        }
        checked(&analyser.finish())?;
    }

    #[test]
    fn an_archive_that_is_damaged_anywhere_has_some_answer(
        pieces in proptest::collection::vec(piece(), 1..4),
        packed in 0usize..3,
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let names = ["a.yaml", "b.log", "c.json"];
        let files: Vec<(&str, &[u8])> =
            names.iter().zip(&pieces).map(|(name, bytes)| (*name, bytes.as_slice())).collect();
        let mut bundle = match packed {
            0 => zip(&files),
            1 => tar(&files),
            _ => gzip(&tar(&files)),
        };
        for (at, byte) in flips {
            let at = at.index(bundle.len());
            bundle[at] ^= byte;
        }
        if cut {
            bundle.truncate(end.index(bundle.len()));
        }
        checked(&read(&bundle))?;
    }

    #[test]
    fn the_order_of_files_changes_no_count(mut entries in proptest::collection::vec((name(), piece()), 0..5)) {
        let counts = |entries: &[(String, Vec<u8>)]| {
            let mut analyser = Analyser::new(Options::default(), Limits::default());
            entries.iter().for_each(|(path, bytes)| analyser.entry(path, bytes.as_slice()));
            let found = analyser.finish();
            let mut told = told(&found);
            told.sort();
            (told, found.files_scanned, found.bytes, found.layout)
        };
        let forth = counts(&entries);
        entries.reverse();
        prop_assert_eq!(forth, counts(&entries));
    }
}
