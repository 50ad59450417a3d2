#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod archives;
mod clusters;
mod containers;
mod corpus;
mod laws;

use super::*;
use std::io::Write as _;

/// Analyses files one by one.
fn of(files: &[(&str, &str)]) -> BundleAnalysis {
    about(Options::default(), files)
}

fn about(options: Options, files: &[(&str, &str)]) -> BundleAnalysis {
    let mut analyser = Analyser::new(options, Limits::default());
    for (path, text) in files {
        analyser.entry(path, text.as_bytes());
    }
    analyser.finish()
}

/// `kind object reason xcount` of each finding.
fn told(analysis: &BundleAnalysis) -> Vec<String> {
    analysis
        .findings
        .iter()
        .map(|f| format!("{:?} {} [{}] x{}", f.kind, f.object, f.reason, f.count))
        .collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = ::tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // Names that point elsewhere are refused by the setter: put in as they are.
        let field = &mut header.as_gnu_mut().unwrap().name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        out.append(&header, *bytes).unwrap();
    }
    out.into_inner().unwrap()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        out.start_file(*name, ::zip::write::SimpleFileOptions::default()).unwrap();
        out.write_all(bytes).unwrap();
    }
    out.finish().unwrap().into_inner()
}

fn read(bytes: &[u8]) -> BundleAnalysis {
    read_with(bytes, Limits::default())
}

fn read_with(bytes: &[u8], limits: Limits) -> BundleAnalysis {
    analyse("bundle", Cursor::new(bytes), Options::default(), limits)
}

fn warns(analysis: &BundleAnalysis, text: &str) -> bool {
    analysis.warnings.iter().any(|warning| warning.contains(text))
}
