//! What the bundles of a failing job say: must-gather and the like.
//!
//! [`analyse`] reads one bundle, an archive of any nesting of zip, tar and gzip; an [`Analyser`]
//! takes files one by one, for bundles that come otherwise. Nothing is unpacked to anywhere. The
//! layout is told by the names of the entries ([`super::layout`]), the findings by the content:
//!
//! - objects of Kubernetes in YAML and JSON, and `kubectl describe`: containers that were killed,
//!   crash, cannot pull or start; pods that wait or were evicted; workloads, jobs, nodes, claims;
//! - warning events, grouped by reason and object;
//! - `podman inspect` and `docker inspect`;
//! - logs: one finding for each wording of an error line, with SQLSTATE, refused connections,
//!   names that do not resolve and the like told apart.
//!
//! Findings of the failing test's time, or that name its objects, come first; [`Options`] says
//! what those are. [`BundleAnalysis::compare`] marks what a passing sibling has too.
//!
//! Everything is bounded: see [`Limits`]. What was not read is said in the warnings, and makes the
//! analysis incomplete: absence of a finding then means nothing.

mod describe;
mod events;
mod finding;
mod lines;
mod object;
mod podman;
mod sibling;
mod stamp;
mod states;
mod unpack;
mod whose;

#[cfg(test)]
mod tests;

pub use finding::{BundleAnalysis, Evidence, Finding, Kind, Severity};

use std::collections::HashSet;
use std::io::{Cursor, Read, Seek};

use jiff::Timestamp;

use super::explain::line::{Judge, Names};
use super::layout::Tally;
use super::plain;
use finding::Findings;
use object::Object;
use states::Source;

/// What is known of the failing test.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// When it ran: lines and events of that time are related to it.
    pub window: Option<(Timestamp, Timestamp)>,
    /// Names of its objects: lines and events that name one are related to it.
    pub subjects: Vec<String>,
}

/// Bounds on what is read and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries of all archives together.
    pub entries: usize,
    /// Bytes of all files together, unpacked.
    pub unpacked: u64,
    /// Bytes of a zip inside another file, which has to be held.
    pub held: u64,
    /// Bytes of a file of objects, which is held; of a larger one only its lines are read.
    pub objects: u64,
    /// Archives inside archives.
    pub depth: usize,
    /// Findings in the result.
    pub findings: usize,
    /// Warnings in the result.
    pub warnings: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 100_000,
            unpacked: 2 << 30,
            held: 16 << 20,
            objects: 8 << 20,
            depth: 6,
            findings: 200,
            warnings: 50,
        }
    }
}

/// Reads one bundle. A zip is read in place, anything else as a stream.
pub fn analyse<R: Read + Seek>(
    name: &str,
    mut bundle: R,
    options: Options,
    limits: Limits,
) -> BundleAnalysis {
    let mut analyser = Analyser::new(options, limits);
    let mut magic = [0u8; 4];
    let got = bundle.read(&mut magic).unwrap_or(0);
    let rewound = bundle.rewind();
    let whole = magic.get(..got).unwrap_or_default();
    if matches!(whole, [b'P', b'K', 3, 4] | [b'P', b'K', 5, 6]) && rewound.is_ok() {
        analyser.zip(name, bundle, 0);
    } else if rewound.is_ok() {
        analyser.any(name, &mut bundle, 0);
    } else {
        // A pipe: what was looked at is put back in front.
        analyser.any(name, &mut Cursor::new(whole).chain(bundle), 0);
    }
    analyser.finish()
}

/// Reads the files of a bundle one by one, in bounded memory.
#[derive(Debug)]
pub struct Analyser {
    options: Options,
    limits: Limits,
    subjects: Names,
    judge: Judge,
    findings: Findings,
    facts: sibling::Facts,
    layout: Tally,
    /// Events that were counted.
    events: HashSet<String>,
    warnings: Vec<String>,
    warnings_left: u64,
    files: u64,
    entries: u64,
    bytes: u64,
    incomplete: bool,
    full: bool,
    links: u64,
    outside: u64,
    /// Lines that were looked up in the file at hand.
    lookups: u32,
}

impl Analyser {
    /// An analyser that has read nothing.
    pub fn new(options: Options, limits: Limits) -> Self {
        let mut subjects = Names::default();
        for subject in &options.subjects {
            subjects.add(subject);
            subjects.read(subject);
        }
        Self {
            options,
            limits,
            subjects,
            judge: Judge::default(),
            findings: Findings::default(),
            facts: sibling::Facts::default(),
            layout: Tally::default(),
            events: HashSet::new(),
            warnings: Vec::new(),
            warnings_left: 0,
            files: 0,
            entries: 0,
            bytes: 0,
            incomplete: false,
            full: false,
            links: 0,
            outside: 0,
            lookups: 0,
        }
    }

    /// Reads one entry: a file, or an archive of files. `path` is a name and never opened.
    pub fn entry(&mut self, path: &str, mut input: impl Read) {
        self.any(path, &mut input, 0);
    }

    /// Says that part of the bundle cannot be had.
    pub fn missing(&mut self, path: &str, why: &str) {
        self.unread(path, why);
    }

    /// What was found.
    pub fn finish(mut self) -> BundleAnalysis {
        if self.outside > 0 {
            let said = format!("{} names point out of the bundle: taken as names only", self.outside);
            self.warn(said);
        }
        if self.warnings_left > 0 {
            self.warnings.push(format!("{} more warnings are not shown", self.warnings_left));
        }
        let dropped = self.findings.dropped;
        let mut findings = self.findings.sorted();
        let findings_total = (findings.len() as u64).saturating_add(dropped);
        findings.truncate(self.limits.findings);
        BundleAnalysis {
            layout: self.layout.best(),
            files_scanned: self.files,
            bytes: self.bytes,
            findings,
            findings_total,
            warnings: self.warnings,
            incomplete: self.incomplete || dropped > 0,
            facts: self.facts,
        }
    }

    fn warn(&mut self, said: String) {
        if self.warnings.len() < self.limits.warnings {
            self.warnings.push(plain::line(&said, 400));
        } else {
            self.warnings_left = self.warnings_left.saturating_add(1);
        }
    }

    /// Something could not be read.
    fn unread(&mut self, path: &str, why: &str) {
        self.incomplete = true;
        self.warn(format!("{path}: {why}"));
    }

    /// Reads a file that is no archive.
    fn file(&mut self, path: &str, input: &mut dyn Read) {
        self.layout.push(path);
        self.files += 1;
        self.lookups = 0;
        let mut counted = Counting { inner: input, bytes: 0 };
        self.content(path, &mut counted);
        self.bytes = self.bytes.saturating_add(counted.bytes);
    }

    fn content(&mut self, path: &str, input: &mut dyn Read) {
        let file = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        let object = whose::object_of(path);
        let ends = |ends: &[&str]| ends.iter().any(|end| file.ends_with(end));
        if ends(&[".png", ".jpg", ".pprof", ".html", ".pdf", ".so", ".exe"]) {
            // Pictures and the like; a page of events repeats what is in the files.
        } else if ends(&[".yaml", ".yml", ".json"]) {
            self.objects(path, &object, input);
        } else if file.contains("describe") {
            self.description(path, &object, input);
        } else if file.contains("event") && ends(&[".txt", ".log"]) {
            self.event_table(path, input);
        } else {
            self.log(path, &object, input);
        }
    }

    /// Reads a file of objects; a file that is too large or is none is read like a log.
    fn objects(&mut self, path: &str, object: &str, input: &mut dyn Read) {
        let bound = self.limits.objects;
        let mut text = Vec::new();
        if let Err(error) = (&mut *input).take(bound.saturating_add(1)).read_to_end(&mut text) {
            self.unread(path, &error.to_string());
        }
        if text.len() as u64 > bound {
            self.unread(path, &format!("more than {bound} bytes of objects: read as lines only"));
            return self.log(path, object, &mut Cursor::new(text).chain(input));
        }
        let source = Source { file: path, text: &text };
        let read =
            if path.to_ascii_lowercase().ends_with(".json") { self.json(source) } else { self.yaml(source) };
        if let Err(why) = read {
            self.unread(path, &why);
            self.log(path, object, &mut text.as_slice());
        }
    }

    fn json(&mut self, source: Source<'_>) -> Result<(), String> {
        let start = source.text.iter().find(|byte| !byte.is_ascii_whitespace());
        let broken = |error: serde_json::Error| format!("it is not whole JSON ({error}): read as lines only");
        if start == Some(&b'[') {
            let found: Vec<podman::Inspected> = serde_json::from_slice(source.text).map_err(broken)?;
            found.iter().for_each(|container| self.container_inspected(source, container));
            return Ok(());
        }
        if file_is(source.file, "collection-metadata.json") {
            return self.metadata(source).map_err(broken);
        }
        let object: Object = serde_json::from_slice(source.text).map_err(broken)?;
        self.object(source, &object);
        Ok(())
    }

    fn yaml(&mut self, source: Source<'_>) -> Result<(), String> {
        let options = serde_saphyr::options! {
            duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
            with_snippet: false,
        };
        let mut text = source.text;
        for object in serde_saphyr::read_with_options::<_, Option<Object>>(&mut text, options) {
            match object {
                Ok(Some(object)) => self.object(source, &object),
                Ok(None) => {}
                Err(error) => {
                    return Err(format!("it is not whole YAML ({error}): read as lines only"));
                }
            }
        }
        Ok(())
    }

    /// What the collection says of itself.
    fn metadata(&mut self, source: Source<'_>) -> serde_json::Result<()> {
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(default)]
        struct Metadata {
            errors: Option<Vec<serde_json::Value>>,
        }
        let found: Metadata = serde_json::from_slice(source.text)?;
        for error in found.errors.iter().flatten().take(20) {
            let text = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
            let met = finding::Met {
                kind: Kind::Collection,
                severity: Severity::Info,
                object: "must-gather",
                reason: &text,
                count: 1,
                seen: [None, None],
                file: source.file,
                line: source.line_of(&text),
                text: &text,
                related: false,
                wording: 0,
            };
            self.findings.add(&met, finding::Sum::Add);
        }
        Ok(())
    }

    /// Whether something that is known to have happened then belongs to the failing test's time.
    fn in_window(&self, at: Option<Timestamp>) -> bool {
        matches!((self.options.window, at), (Some((from, until)), Some(at)) if (from..=until).contains(&at))
    }

    /// The line of a word in a file of objects; not for more than a few hundred of them, since each
    /// is searched for.
    fn look(&mut self, find: impl FnOnce() -> Option<u64>) -> Option<u64> {
        const LOOKUPS: u32 = 300;
        self.lookups = self.lookups.saturating_add(1);
        if self.lookups > LOOKUPS { None } else { find() }
    }
}

fn file_is(path: &str, name: &str) -> bool {
    path.rsplit('/').next() == Some(name)
}

/// Counts what is read.
struct Counting<'a> {
    inner: &'a mut dyn Read,
    bytes: u64,
}

impl Read for Counting<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let got = self.inner.read(into)?;
        self.bytes = self.bytes.saturating_add(got as u64);
        Ok(got)
    }
}
