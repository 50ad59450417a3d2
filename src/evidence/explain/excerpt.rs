//! A few lines of text for a status field or a comment.

use super::Explanation;
use super::shape::{Kind, kind};
use super::signs::Signs;
use crate::evidence::log;
use crate::evidence::plain::hidden;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The characters of a line that are shown.
const WIDTH: usize = 300;

/// Frames of a stack trace in a row that are shown.
const FRAMES: usize = 2;

/// A line of an excerpt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExcerptLine {
    /// The line's number in the log, from 1.
    pub line: u64,
    /// Its text without envelope, escapes, control characters and marks that are not seen, cut to 300
    /// characters.
    pub text: String,
}

/// The lines of an explanation that say most, at most `most` of them, in the order of the log.
///
/// Each block gives its key lines first; what room is left goes to the lines around them. A
/// text that was shown once, as tools repeat errors at the end, is not shown again.
pub fn excerpt(fail: &[u8], explanation: &Explanation, most: usize) -> Vec<ExcerptLine> {
    let mut wanted: Vec<u64> = Vec::new();
    // In turn a key line of each block, so that no block crowds out the others.
    let deepest = explanation.lines.iter().map(|block| block.key.len()).max().unwrap_or(0);
    for depth in 0..deepest {
        wanted.extend(explanation.lines.iter().filter_map(|block| block.key.get(depth)));
    }
    for block in &explanation.lines {
        wanted.extend((block.start..=block.end).take(most));
    }
    let candidates: BTreeSet<u64> = wanted.iter().copied().take(most.saturating_mul(64)).collect();
    let Some(last) = candidates.last().copied() else { return Vec::new() };
    let mut texts: BTreeMap<u64, String> = BTreeMap::new();
    for line in log::lines(&log::as_utf8(fail)).take_while(|line| line.number <= last) {
        if candidates.contains(&line.number) {
            let text = log::clean(line.raw.get(..4 * WIDTH + 128).unwrap_or(line.raw));
            texts.insert(line.number, text.trim_end().chars().filter(|c| !hidden(*c)).take(WIDTH).collect());
        }
    }
    let keys: BTreeSet<u64> = explanation.lines.iter().flat_map(|block| block.key.iter().copied()).collect();
    let mut shown: Vec<ExcerptLine> = Vec::new();
    let mut frames = 0;
    for number in wanted {
        if shown.len() >= most {
            break;
        }
        let Some(text) = texts.remove(&number) else { continue };
        let bare = bare(&text);
        if bare.is_empty() || shown.iter().any(|line| self::bare(&line.text) == bare) {
            continue;
        }
        // Around key lines: no advice, and of a stack trace its first frames.
        let kind = kind(text.as_bytes(), Signs::default());
        frames = if kind == Kind::Frame { frames + 1 } else { 0 };
        let idle = matches!(kind, Kind::Help | Kind::Rule) || frames > FRAMES;
        if !idle || keys.contains(&number) {
            shown.push(ExcerptLine { line: number, text });
        }
    }
    shown.sort_by_key(|line| line.line);
    shown
}

/// A line's text without the level before it and the blanks around it.
fn bare(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix("[ERROR]").unwrap_or(text).trim()
}
