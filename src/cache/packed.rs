//! A report in a few hundred bytes.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use sha2::{Digest as _, Sha256};

use crate::api::{REQUESTED_AT, TestRunReport, TestRunReportSpec, TestRunReportStatus};

/// SHA-256.
pub type Digest = [u8; 32];

/// What makes a reconcile necessary when it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    generation: Option<i64>,
    requested_at: Option<Box<str>>,
    deleting: bool,
}

impl Trigger {
    /// Of a report as it is.
    pub fn of(report: &TestRunReport) -> Self {
        Self {
            generation: report.metadata.generation,
            requested_at: report.annotations().get(REQUESTED_AT).map(|at| at.as_str().into()),
            deleting: report.metadata.deletion_timestamp.is_some(),
        }
    }
}

/// What was packed does not come back: a defect of the operator or of its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a report that was kept in memory cannot be read back; restart the operator if this repeats")]
pub struct Unreadable;

/// A report as it was at one version. Clones share it.
#[derive(Clone, Debug)]
pub struct Snapshot(Arc<State>);

#[derive(Debug)]
struct State {
    version: Option<u128>,
    trigger: Trigger,
    /// Of the status.
    print: Digest,
    /// Of everything.
    whole: Digest,
    /// Length of what is in `packed`, and where in it the status begins.
    length: usize,
    split: usize,
    /// Packed with [`EXEMPLAR`].
    alike: bool,
    packed: Box<[u8]>,
}

/// A report that was looked at: the others of this process are packed as what differs from it, in about half of the
/// bytes.
static EXEMPLAR: OnceLock<Box<[u8]>> = OnceLock::new();
/// What is shorter has not been looked at, and is like nothing.
const EXEMPLARY: usize = 2 << 10;
/// A dictionary counts no further back.
const WINDOW: usize = 32 << 10;

impl Snapshot {
    /// Packs a report, or shares one of those at hand if it is the same.
    pub fn of(report: &TestRunReport, at_hand: &[Self]) -> Self {
        // The types here always have a form in JSON; of an empty one nothing can be opened.
        let mut bytes = serde_json::to_vec(&(&report.metadata, &report.spec)).unwrap_or_default();
        let split = bytes.len();
        let status = report.status.as_ref();
        bytes.extend(status.and_then(|s| serde_json::to_vec(s).ok()).unwrap_or_default());
        let print = digest(bytes.get(split..).unwrap_or_default());
        let whole = digest(&bytes);
        if let Some(same) = at_hand.iter().find(|s| s.0.whole == whole) {
            return same.clone();
        }
        if status.is_some() && bytes.len() >= EXEMPLARY {
            EXEMPLAR.get_or_init(|| bytes.iter().copied().take(WINDOW).collect());
        }
        let exemplar = EXEMPLAR.get().map(|e| &**e);
        Self(Arc::new(State {
            version: report.metadata.resource_version.as_ref().and_then(|v| v.parse().ok()),
            trigger: Trigger::of(report),
            print,
            whole,
            length: bytes.len(),
            split,
            alike: exemplar.is_some(),
            packed: deflate(&bytes, exemplar),
        }))
    }

    /// The report.
    pub fn open(&self) -> Result<TestRunReport, Unreadable> {
        let bytes = self.bytes()?;
        let head = bytes.get(..self.0.split).ok_or(Unreadable)?;
        let (metadata, spec): (ObjectMeta, TestRunReportSpec) =
            serde_json::from_slice(head).map_err(|_| Unreadable)?;
        Ok(TestRunReport { metadata, spec, status: self.status_in(&bytes)? })
    }

    /// The status alone.
    pub fn status(&self) -> Result<Option<TestRunReportStatus>, Unreadable> {
        self.status_in(&self.bytes()?)
    }

    fn status_in(&self, bytes: &[u8]) -> Result<Option<TestRunReportStatus>, Unreadable> {
        let status = bytes.get(self.0.split..).ok_or(Unreadable)?;
        if status.is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(status).map(Some).map_err(|_| Unreadable)
    }

    fn bytes(&self) -> Result<Vec<u8>, Unreadable> {
        let mut bytes = Vec::with_capacity(self.0.length);
        INFLATE.with_borrow_mut(|inflate| {
            inflate.reset(false);
            if let Some(exemplar) = EXEMPLAR.get().filter(|_| self.0.alike) {
                inflate.set_dictionary(exemplar).map_err(|_| Unreadable)?;
            }
            match inflate.decompress_vec(&self.0.packed, &mut bytes, FlushDecompress::Finish) {
                Ok(Status::StreamEnd) if bytes.len() == self.0.length => Ok(()),
                _ => Err(Unreadable),
            }
        })?;
        Ok(bytes)
    }

    /// Whether this is a later state of the object. Resource versions of one kind are ordered numbers.
    pub fn is_newer(&self, than: &Self) -> bool {
        matches!((self.0.version, than.0.version), (Some(a), Some(b)) if a > b)
    }

    /// The resource version as the number that it is.
    pub fn version(&self) -> Option<u128> {
        self.0.version
    }

    /// What calls for a reconcile when it changes.
    pub fn trigger(&self) -> &Trigger {
        &self.0.trigger
    }

    /// Digest of the status, as [`print`] gives it.
    pub fn print(&self) -> Digest {
        self.0.print
    }
}

/// Digest of a status in the form in which it is stored.
pub fn print(status: Option<&TestRunReportStatus>) -> Digest {
    digest(&status.and_then(|s| serde_json::to_vec(s).ok()).unwrap_or_default())
}

fn digest(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// The first digits of a digest, for what is compared with its own earlier state only.
pub fn short(bytes: &[u8]) -> u64 {
    digest(bytes).iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

thread_local! {
    /// Its tables are several times as large as a report, so that threads keep theirs.
    static DEFLATE: RefCell<Compress> = RefCell::new(Compress::new(Compression::fast(), false));
    static INFLATE: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

fn deflate(bytes: &[u8], exemplar: Option<&[u8]>) -> Box<[u8]> {
    DEFLATE.with_borrow_mut(|deflate| {
        deflate.reset();
        // Refused only where something was packed already; and what is empty is not believed, see below.
        if exemplar.is_some_and(|e| deflate.set_dictionary(e).is_err()) {
            return Box::default();
        }
        let mut packed = Vec::with_capacity(bytes.len() / 3 + 64);
        loop {
            let done = usize::try_from(deflate.total_in()).unwrap_or(usize::MAX);
            let rest = bytes.get(done..).unwrap_or_default();
            match deflate.compress_vec(rest, &mut packed, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => return packed.into_boxed_slice(),
                Ok(_) => packed.reserve(packed.capacity().max(64)),
                // Cannot happen: there is no wrong input. What is empty cannot be opened, and is not believed.
                Err(_) => return Box::default(),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn report(version: &str, texts: &[String]) -> TestRunReport {
        let mut report = TestRunReport::new("a", Default::default());
        report.metadata.resource_version = Some(version.into());
        report.metadata.annotations =
            Some(texts.iter().enumerate().map(|(n, t)| (n.to_string(), t.clone())).collect());
        report.spec.source.github.branch = texts.first().cloned();
        report.status = texts
            .get(1)
            .map(|phase| TestRunReportStatus { phase: phase.clone(), ..TestRunReportStatus::default() });
        report
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(texts in proptest::collection::vec("\\PC{0,900}", 0..12)) {
            let report = report("7", &texts);
            let snapshot = Snapshot::of(&report, &[]);
            let opened = snapshot.open().unwrap();
            prop_assert_eq!(serde_json::to_value(&opened).unwrap(), serde_json::to_value(&report).unwrap());
            prop_assert_eq!(snapshot.status().unwrap(), report.status.clone());
            prop_assert_eq!(snapshot.print(), print(report.status.as_ref()));
            prop_assert_eq!(snapshot.trigger(), &Trigger::of(&report));
        }
    }

    #[test]
    fn what_is_like_another_takes_little() {
        let text =
            |n: u32| format!("{{\"name\":\"unit ({n})\",\"message\":\"all {n} jobs that count succeeded\"}}");
        let long = |from: u32| (from..from + 100).map(text).collect::<Vec<_>>().concat();
        let exemplar = long(0);
        let bytes = long(50);
        let (alone, alike) =
            (deflate(bytes.as_bytes(), None), deflate(bytes.as_bytes(), Some(exemplar.as_bytes())));
        assert!(alike.len() * 3 < alone.len() * 2, "{} of {}", alike.len(), alone.len());
    }

    #[test]
    fn the_same_is_shared_and_another_version_is_not() {
        let first = Snapshot::of(&report("7", &[]), &[]);
        let again = Snapshot::of(&report("7", &[]), std::slice::from_ref(&first));
        assert!(Arc::ptr_eq(&first.0, &again.0));
        let next = Snapshot::of(&report("10", &[]), std::slice::from_ref(&first));
        assert!(!Arc::ptr_eq(&first.0, &next.0));
        assert!(next.is_newer(&first) && !first.is_newer(&next));
    }

    #[test]
    fn what_cannot_be_packed_is_not_believed() {
        let state = |packed: &[u8]| State {
            version: None,
            trigger: Trigger::of(&report("1", &[])),
            print: [0; 32],
            whole: [0; 32],
            length: 10,
            split: 4,
            alike: false,
            packed: packed.into(),
        };
        for packed in [&[][..], b"nonsense", &deflate(b"0123456789", None), &deflate(b"short", None)] {
            assert_eq!(Snapshot(Arc::new(state(packed))).open().unwrap_err(), Unreadable);
        }
    }
}
