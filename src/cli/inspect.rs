//! `inspect`: what bundles and folders of logs say.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::exit::Exit;
use super::output::Output;
use super::print;
use crate::evidence::bundle::{self, Analyser, BundleAnalysis, Finding, Limits, Options};
use crate::evidence::log::clean_text;

/// Folders inside each other that are walked into.
const DEPTH: usize = 64;

/// Arguments of `inspect`.
#[derive(Args, Debug)]
pub(super) struct InspectArgs {
    /// Must-gather bundles: archives (zip, tar, gzip, inside each other), folders or single files
    #[arg(required = true)]
    bundles: Vec<PathBuf>,
    /// Bundle of a suite or run that passed: what it has too explains nothing
    #[arg(long, value_name = "BUNDLE")]
    passing: Option<PathBuf>,
    /// Start of the failing test, as in 2026-01-23T19:39:10Z
    #[arg(long, value_name = "TIME", requires = "until")]
    since: Option<Timestamp>,
    /// End of the failing test
    #[arg(long, value_name = "TIME", requires = "since")]
    until: Option<Timestamp>,
    /// Name of an object of the failing test; may be given more than once
    #[arg(long = "subject", value_name = "NAME")]
    subjects: Vec<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Serialize)]
struct Inspected<'a> {
    bundle: String,
    #[serde(flatten)]
    analysis: &'a BundleAnalysis,
}

/// Prints what bundles say.
pub(super) fn inspect(args: &InspectArgs) -> anyhow::Result<Exit> {
    let options = Options { window: args.since.zip(args.until), subjects: args.subjects.clone() };
    let passing = args.passing.as_deref().map(|path| read(path, Options::default())).transpose()?;
    let mut all = Vec::new();
    let mut exit = Exit::Success;
    for path in &args.bundles {
        let mut analysis = match read(path, options.clone()) {
            Ok(analysis) => analysis,
            Err(error) => {
                eprintln!("error: {error:#}");
                exit = Exit::Unreadable;
                continue;
            }
        };
        if analysis.files_scanned == 0 {
            eprintln!("warning: nothing was read in {}", shown(path));
        }
        if let Some(passing) = &passing {
            analysis.compare(passing);
        }
        all.push((shown(path), analysis));
    }
    match args.output {
        Output::Json => {
            let all: Vec<Inspected<'_>> =
                all.iter().map(|(bundle, analysis)| Inspected { bundle: bundle.clone(), analysis }).collect();
            print(&(serde_json::to_string_pretty(&all)? + "\n"))?;
        }
        Output::Text => {
            let mut text = String::new();
            for (bundle, analysis) in &all {
                write_text(&mut text, bundle, analysis)?;
            }
            print(&text)?;
        }
    }
    Ok(exit)
}

fn shown(path: &Path) -> String {
    clean_text(path.display().to_string().as_bytes()).into_owned()
}

/// Reads an archive, a file, or all files of a folder.
fn read(path: &Path, options: Options) -> anyhow::Result<BundleAnalysis> {
    let name = shown(path);
    let about = std::fs::metadata(path)
        .with_context(|| format!("cannot open {name}; give an archive, a folder or a file"))?;
    if !about.is_dir() {
        let file = std::fs::File::open(path).with_context(|| format!("cannot open {name}"))?;
        let file_name = path.file_name().map_or(name.clone(), |name| name.to_string_lossy().into_owned());
        return Ok(bundle::analyse(&file_name, file, options, Limits::default()));
    }
    let mut analyser = Analyser::new(options, Limits::default());
    walk(path, path, &mut analyser, DEPTH)?;
    Ok(analyser.finish())
}

/// Reads the files of a folder in the order of their names; links are not followed.
fn walk(root: &Path, folder: &Path, analyser: &mut Analyser, depth: usize) -> anyhow::Result<()> {
    let name = shown(folder);
    let listed = std::fs::read_dir(folder).with_context(|| format!("cannot list {name}"))?;
    let mut entries = listed.collect::<Result<Vec<_>, _>>().with_context(|| format!("cannot list {name}"))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    // A folder that is a suite's own tells its service by its name.
    let base = root.parent().unwrap_or(root);
    for entry in entries {
        let path = entry.path();
        let inside = path.strip_prefix(base).unwrap_or(&path).to_string_lossy().into_owned();
        let kind = entry.file_type().with_context(|| format!("cannot look at {}", shown(&path)))?;
        if kind.is_dir() {
            match depth.checked_sub(1) {
                Some(depth) => walk(root, &path, analyser, depth)?,
                None => analyser.missing(&inside, "folders are nested too deep"),
            }
        } else if kind.is_file() {
            match std::fs::File::open(&path) {
                Ok(file) => analyser.entry(&inside, file),
                Err(error) => analyser.missing(&inside, &error.to_string()),
            }
        }
    }
    Ok(())
}

fn write_text(text: &mut String, bundle: &str, analysis: &BundleAnalysis) -> std::fmt::Result {
    let layout = analysis.layout.map_or("no known layout", |layout| layout.as_str());
    let incomplete = if analysis.incomplete { ", incomplete" } else { "" };
    writeln!(
        text,
        "{bundle}: {layout}, {} files, {} bytes, {} findings{incomplete}",
        analysis.files_scanned, analysis.bytes, analysis.findings_total
    )?;
    for Finding { kind, severity, object, reason, count, related, also_passing, evidence, .. } in
        &analysis.findings
    {
        let reason = if reason.is_empty() { String::new() } else { format!(" {reason}") };
        let marks = match (related, also_passing) {
            (true, _) => ", of the failing test",
            (_, true) => ", the passing one has it too",
            _ => "",
        };
        writeln!(text, "  {severity:?} {kind:?} {object}:{reason} ({count}x{marks})")?;
        let line = evidence.line.map_or(String::new(), |line| format!(":{line}"));
        writeln!(text, "    {}{line}  {}", evidence.file, evidence.text.trim_start())?;
    }
    for warning in &analysis.warnings {
        writeln!(text, "  warning: {warning}")?;
    }
    Ok(())
}
