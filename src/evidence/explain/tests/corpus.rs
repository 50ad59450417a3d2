//! The labelled pairs: how many of the lines that people marked are shown.
//!
//! Scored by line against the `E` lines of `groundtruth`, the mean over logs of F1.

use super::super::{Options, explain};
use super::lines_of;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A failing log with its passing twin and the lines that a person marked.
struct Pair {
    name: String,
    fail: Vec<u8>,
    pass: Vec<u8>,
    marked: BTreeSet<u64>,
}

fn corpus() -> Option<PathBuf> {
    let root = std::env::var_os("TESTRUN_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    let root = root.join("failure-lines");
    root.is_dir().then_some(root)
}

fn pairs(root: &Path) -> Vec<Pair> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
        .iter()
        .map(|folder| Pair {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            fail: std::fs::read(folder.join("fail.log")).unwrap(),
            pass: std::fs::read(folder.join("pass.log")).unwrap(),
            marked: marked(&std::fs::read_to_string(folder.join("groundtruth")).unwrap()),
        })
        .collect()
}

/// The lines of `E 34-45` and `E 56`.
fn marked(text: &str) -> BTreeSet<u64> {
    let ranges = text.lines().filter_map(|line| line.strip_prefix("E "));
    ranges
        .flat_map(|range| {
            let (start, end) = range.trim().split_once('-').unwrap_or((range.trim(), range.trim()));
            start.trim().parse::<u64>().unwrap()..=end.trim().parse::<u64>().unwrap()
        })
        .collect()
}

/// Precision, recall, F1 and the number of lines shown.
fn score(pair: &Pair, pass: Option<&[u8]>) -> (f64, f64, f64, usize) {
    let shown = lines_of(&explain(&pair.fail, pass, &Options::default()));
    let hits = shown.intersection(&pair.marked).count() as f64;
    let precision = hits / (shown.len().max(1) as f64);
    let recall = hits / (pair.marked.len().max(1) as f64);
    let f1 = if hits == 0.0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
    (precision, recall, f1, shown.len())
}

/// Scores all pairs, prints a table and returns the mean F1 and the median number of lines.
fn table(title: &str, pairs: &[Pair], pass: impl Fn(usize) -> Option<Vec<u8>>) -> (f64, usize) {
    println!("{title}\n  {:30} {:>6} {:>6} {:>6} {:>6} {:>6}", "log", "F1", "P", "R", "shown", "marked");
    let mut sums = (0.0, 0.0, 0.0);
    let mut sizes = Vec::new();
    for (at, pair) in pairs.iter().enumerate() {
        let (precision, recall, f1, lines) = score(pair, pass(at).as_deref());
        println!(
            "  {:30} {f1:6.3} {precision:6.3} {recall:6.3} {lines:6} {:6}",
            pair.name,
            pair.marked.len()
        );
        sums = (sums.0 + f1, sums.1 + precision, sums.2 + recall);
        sizes.push(lines);
    }
    sizes.sort_unstable();
    let count = pairs.len().max(1) as f64;
    let median = sizes.get(sizes.len() / 2).copied().unwrap_or(0);
    println!(
        "  {:30} {:6.3} {:6.3} {:6.3} {median:6}",
        "mean, median lines",
        sums.0 / count,
        sums.1 / count,
        sums.2 / count
    );
    (sums.0 / count, median)
}

#[test]
fn the_labelled_pairs_score_above_their_floors() {
    let Some(root) = corpus() else {
        println!("skipped: corpus absent");
        return;
    };
    let pairs = pairs(&root);
    assert!(!pairs.is_empty());
    let (with, lines) = table("with the passing log", &pairs, |at| Some(pairs[at].pass.clone()));
    assert!(with >= 0.96, "{with}");
    assert!(lines <= 20, "{lines}");
    let (without, lines) = table("without a passing log", &pairs, |_| None);
    assert!(without >= 0.92, "{without}");
    assert!(lines <= 22, "{lines}");
    // A passing log that is half missing, or that is of another project, must not spoil it.
    let (half, _) = table("with every other line of the passing log", &pairs, |at| {
        Some(pairs[at].pass.split_inclusive(|byte| *byte == b'\n').step_by(2).flatten().copied().collect())
    });
    assert!(half >= 0.88, "{half}");
    let (other, _) = table("with another project's passing log", &pairs, |at| {
        Some(pairs[(at + 7) % pairs.len()].pass.clone())
    });
    assert!(other >= 0.88, "{other}");
}
